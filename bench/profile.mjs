/**
 * Where the time goes: share of each floor of the program, by the sampling profiler of Node. `npm run bench:profile`
 *
 *   --functions     the dearest functions too
 *   --write [FILE]  puts the table into docs/performance.md, or the file
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeMany, makeMixed, makeSmtp } from './generate.mjs';
import { build, CACHE, machine, program, publish, SCRATCH, table } from './measure.mjs';

const CAPTURES = [
  ['mail', 'mail-1g.pcap', (path) => makeSmtp(path, 1e9)],
  ['mixed', 'mixed-1g.pcap', (path) => makeMixed(path, 1e9)],
  ['200,000 open', 'many.pcap', (path) => makeMany(path, 200_000)],
];
const FLOORS = ['capture', 'wire', 'fragment', 'stream', 'smtp', 'rules', 'report', 'cli'];
const [READING, WRITING, DIGEST, COLLECTOR, NODE] = [
  'reading the file',
  'writing the report',
  'digests of messages',
  'garbage collector',
  'the rest of Node, with start-up',
];

/** Of each file of the program, where the bundler says that a source file begins. */
const regions = new Map();

function sourceOf(url, line) {
  if (!regions.has(url)) {
    const begins = [];
    for (const [index, text] of readFileSync(fileURLToPath(url), 'utf8').split('\n').entries()) {
      const region = /^\/\/ ((?:src|node_modules)\/\S+)$/.exec(text);
      if (region) begins.push([index, region[1]]);
    }
    regions.set(url, begins);
  }
  return regions.get(url).findLast(([begin]) => begin <= line)?.[1] ?? '';
}

function floorOf({ functionName, url, lineNumber }) {
  if (functionName === '(garbage collector)') return COLLECTOR;
  if (url.startsWith('wasm:')) return DIGEST;
  if (url === '' && /^read/.test(functionName)) return READING;
  if (url === '' && /^write/.test(functionName)) return WRITING;
  if (!url.startsWith('file:')) return NODE;
  const source = sourceOf(url, lineNumber);
  if (source.endsWith('xxh64.ts')) return DIGEST;
  return /^src\/([^/]+)\//.exec(source)?.[1] ?? NODE;
}

/** Self time in milliseconds, by floor and by function. */
function profiled(path) {
  const folder = join(SCRATCH, 'profile');
  mkdirSync(folder);
  const [node, ...rest] = program('analyze', '--quiet', '-F', 'json', '-o', join(SCRATCH, 'report'), path);
  execFileSync(node, ['--cpu-prof', '--cpu-prof-dir', folder, '--cpu-prof-interval', '500', ...rest]);
  const [file] = readdirSync(folder);
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  rmSync(folder, { recursive: true });
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const floors = new Map();
  const functions = new Map();
  for (const [index, id] of samples.entries()) {
    const frame = frames.get(id);
    if (frame.functionName === '(idle)') continue;
    const ms = timeDeltas[index] / 1000;
    const name = `${frame.functionName} (${basename(frame.url)}:${frame.lineNumber + 1})`;
    const floor = floorOf(frame);
    floors.set(floor, (floors.get(floor) ?? 0) + ms);
    functions.set(name, (functions.get(name) ?? 0) + ms);
  }
  return { floors, functions };
}

build();
const columns = CAPTURES.map(([name, file, make]) => {
  const path = join(CACHE, file);
  if (!existsSync(path)) make(path);
  return [name, profiled(path)];
});
const sum = (floors) => [...floors.values()].reduce((total, ms) => total + ms, 0);
const others = new Set(columns.flatMap(([, { floors }]) => [...floors.keys()]));
const named = [...FLOORS, READING, DIGEST, WRITING, COLLECTOR, NODE];
for (const floor of others) if (!named.includes(floor)) named.push(floor);
const share = (floors, floor) => `${((100 * (floors.get(floor) ?? 0)) / sum(floors)).toFixed(0)} %`;
const rows = named.map((floor) => [floor, ...columns.map(([, { floors }]) => share(floors, floor))]);
const text = table(['', ...columns.map(([name]) => name)], rows);
console.log(`${text}\n`);
if (process.argv.includes('--functions')) {
  for (const [name, { functions }] of columns) {
    const dearest = [...functions].sort(([, a], [, b]) => b - a).slice(0, 15);
    console.log(
      table(
        [name, 'ms'],
        dearest.map(([frame, ms]) => [frame, ms.toFixed(0)]),
      ),
    );
    console.log();
  }
}
publish('profile', `${machine()}\n\n${text}`);
