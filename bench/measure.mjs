/** Runs whole processes, measures what they take, and says on what machine. Made files go to `.bench/`. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
export const ROOT = join(HERE, '..');
export const CACHE = join(ROOT, '.bench');
const PROGRAM = join(ROOT, 'dist/bin/mailwitness.js');

mkdirSync(CACHE, { recursive: true });
/** For what need not outlive this run. */
export const SCRATCH = mkdtempSync(join(CACHE, 'run-'));
process.on('exit', () => rmSync(SCRATCH, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

export function build() {
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: 'inherit' });
}

/** As the first line of the program has it started. */
export function program(...args) {
  const flags = readFileSync(PROGRAM, 'utf8')
    .split('\n', 1)[0]
    .split(' ')
    .filter((word) => word.startsWith('--'));
  return [process.execPath, ...flags, PROGRAM, ...args];
}

/** Seconds of the wall and of the CPU, resident octets at most, and the exit status. */
export function measure(command, out = join(SCRATCH, 'out')) {
  return JSON.parse(execFileSync('python3', [join(HERE, 'measure.py'), out, ...command]).toString());
}

/** The better of two times, the larger of two memories. */
export function better(one, other) {
  if (!one) return other;
  return {
    wall: Math.min(one.wall, other.wall),
    cpu: Math.min(one.cpu, other.cpu),
    rss: Math.max(one.rss, other.rss),
    status: Math.max(one.status, other.status),
  };
}

/**
 * Each command in turn, as often as told: what slows the machine for a while slows all of them.
 *
 * @param commands  name → argument vector
 * @returns name → the best of its rounds
 */
export function inTurns(commands, rounds) {
  const best = new Map();
  for (let round = 0; round < rounds; round++) {
    for (const [name, command] of Object.entries(commands)) {
      best.set(name, better(best.get(name), measure(command)));
    }
  }
  return best;
}

/** A capture of a session and its message, of the size that most files of a bug report have. */
export const SMALL_OCTETS = 44_000;

/** What a command says first, or null where there is none. */
function firstLine(command, ...args) {
  const { error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (error) return null;
  return (
    `${stdout}\n${stderr}`
      .split('\n')
      .find((line) => line.trim() !== '')
      ?.trim() ?? ''
  );
}

export const has = (command) => firstLine(command, '--version') !== null;

function revision() {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const commit = firstLine('git', '-C', ROOT, 'rev-parse', '--short', 'HEAD');
  const changed = firstLine('git', '-C', ROOT, 'status', '--porcelain', 'src', 'bench');
  return `mailwitness ${version}${commit ? ` (${commit}${changed ? ' and changes' : ''})` : ''}`;
}

const begun = loadavg()[0];

/** The machine, in a sentence or two. */
export function machine() {
  const gib = (totalmem() / 2 ** 30).toFixed(0);
  const [cpu] = cpus();
  return [
    `${new Date().toISOString().slice(0, 10)}, ${revision()}, Node ${process.version}.`,
    `${cpus().length} cores (${cpu?.model.trim()}), ${gib} GiB, Linux ${release().split('-')[0]};`,
    `load ${begun.toFixed(1)} when it began, ${loadavg()[0].toFixed(1)} at the end.`,
  ].join('\n');
}

/** The other tools by their own words. */
export function versions(tools) {
  return tools.map((tool) => firstLine(tool, '--version')?.replace(/[ .]*\(Git.*/, '') ?? `no ${tool}`);
}

/** GitHub's tables, columns as wide as they have to be. */
export function table(head, rows) {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

const PAGE = join(ROOT, 'docs/performance.md');

/** With `--write [FILE]` puts a text into that file (docs/performance.md), between the comments that name its place. */
export function publish(place, text, page = PAGE) {
  const at = process.argv.indexOf('--write');
  if (at < 0) return;
  const named = process.argv[at + 1];
  const other = named !== undefined && !named.startsWith('--');
  replacePlace(other ? named : page, place, text);
}

function replacePlace(path, place, text) {
  const [begin, end] = [`<!-- ${place} -->`, `<!-- end of ${place} -->`];
  let page = existsSync(path) ? readFileSync(path, 'utf8') : '';
  if (!page.includes(begin)) page += `${begin}\n${end}\n`;
  const [from, to] = [page.indexOf(begin) + begin.length, page.indexOf(end)];
  if (to < from) throw new Error(`${path}: the place for ${place} has no end`);
  writeFileSync(path, `${page.slice(0, from)}\n\n${text.trim()}\n\n${page.slice(to)}`);
}
