/**
 * Bent captures through the program itself: no crash, no hang, no more memory than promised, and a valid report.
 *
 * `npm run fuzz` tries 10,000, `MUTANTS=n FIRST=m npm run fuzz` others. Mutants that once did harm stand in `HARMED`.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { decompress } from 'fzstd';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schemaErrors } from './report/schema.js';
import { WHOLE } from './support/extent.js';
import { mutantOf } from './support/mutants.js';

const MUTANTS = Number(process.env.MUTANTS ?? (WHOLE ? 500 : 160));
const FIRST = Number(process.env.FIRST ?? 1);
/** Numbers of mutants that crashed, hung or spoiled a report once. */
const HARMED: readonly number[] = [];
/** Mutants that one process reads. Starting it costs more than reading forty of them. */
const BATCH = 40;
/** Longer than anything takes on a busy machine. */
const HANG_MS = 60_000;
const MAX_RESIDENT = 512 * 1024 * 1024;
const FORMATS = ['html', 'text', 'markdown', 'jira', 'csv', 'ndjson', 'sarif', 'junit', 'eve', 'zeek'];

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PROGRAM = join(ROOT, 'dist/bin/mailwitness.js');
/** Tells, as the last thing that a process says, how much memory it took. */
const TELL_MEMORY = `data:text/javascript,${encodeURIComponent(
  "import { writeSync } from 'node:fs'; process.on('exit', () => writeSync(2, '\\nresident ' + process.resourceUsage().maxRSS * 1024 + '\\n'));",
)}`;

const originals = readdirSync(join(ROOT, 'captures'))
  .filter((name) => /\.pcap(ng)?(\.gz|\.zst)?$/.test(name))
  .sort()
  .map((name) => whole(readFileSync(join(ROOT, 'captures', name)), name));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailwitness-mutants-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function whole(octets: Buffer, name: string): Buffer {
  if (name.endsWith('.gz')) return gunzipSync(octets);
  return name.endsWith('.zst') ? Buffer.from(decompress(octets)) : octets;
}

function written(number: number): string {
  const path = join(folder, `${number}.pcap`);
  writeFileSync(path, mutantOf(originals[number % originals.length]!, number));
  return path;
}

interface Outcome {
  readonly status: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly resident: number;
}

function started(format: string, paths: readonly string[]): Promise<Outcome> {
  const child = spawn(
    process.execPath,
    ['--import', TELL_MEMORY, PROGRAM, 'analyze', '--quiet', '-F', format, ...paths],
    { stdio: ['ignore', 'pipe', 'pipe'], timeout: HANG_MS + 50 * paths.length, killSignal: 'SIGKILL' },
  );
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (octets: Buffer) => stdout.push(octets));
  child.stderr.on('data', (octets: Buffer) => stderr.push(octets));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const said = Buffer.concat(stderr).toString();
      const resident = Number(/\nresident (\d+)\n/.exec(said)?.[1] ?? Number.NaN);
      resolve({ status: signal ?? code, stdout: Buffer.concat(stdout).toString(), stderr: said, resident });
    });
  });
}

interface Report {
  readonly captures: readonly unknown[];
  readonly notAssessed: readonly { readonly reason: string; readonly detail: string }[];
}

/** What is wrong with what became of these mutants; empty: nothing. */
async function harm(format: string, numbers: readonly number[]): Promise<string[]> {
  const paths = numbers.map(written);
  const { status, stdout, stderr, resident } = await started(format, paths);
  for (const path of paths) rmSync(path);
  const found: string[] = [];
  if (![0, 1, 2].includes(status as number)) found.push(`status ${status}`);
  if (/internal error|\n\s+at /.test(stderr)) found.push(stderr.slice(0, 300));
  if (!(resident <= MAX_RESIDENT)) found.push(`${resident} octets resident`);
  if (format === 'json' && found.length === 0) {
    const report = JSON.parse(stdout) as Report;
    found.push(...schemaErrors(report).slice(0, 5));
    if (report.captures.length !== numbers.length) found.push(`${report.captures.length} captures reported`);
    const failed = report.notAssessed.find(({ reason }) => reason === 'rule-failed');
    if (failed) found.push(failed.detail);
  }
  return found;
}

/** Names the very mutants: a batch that did harm is tried again one by one. */
async function harmful(format: string, numbers: readonly number[]): Promise<string[]> {
  const found = await harm(format, numbers);
  if (found.length === 0) return [];
  const each: string[] = [];
  for (const number of numbers) {
    const own = await harm(format, [number]);
    if (own.length > 0) each.push(`mutant ${number} as ${format}: ${own.join('; ')}`);
  }
  return each.length > 0 ? each : [`mutants ${numbers[0]} and following as ${format}: ${found.join('; ')}`];
}

const batches = Array.from({ length: Math.ceil(MUTANTS / BATCH) }, (_, index) => ({
  first: FIRST + index * BATCH,
  last: FIRST + Math.min((index + 1) * BATCH, MUTANTS) - 1,
  /** One batch in four goes through another form too. */
  other: index % 4 === 0 ? FORMATS[(index / 4) % FORMATS.length]! : null,
}));

describe('bent captures', () => {
  it('are always the same for the same number, and nearly never the original', () => {
    const original = originals[0]!;
    const mutants = Array.from({ length: 100 }, (_, number) => mutantOf(original, number));
    expect(mutants.map((mutant, number) => mutant.equals(mutantOf(original, number)))).not.toContain(false);
    expect(mutants.filter((mutant) => mutant.equals(original)).length).toBeLessThan(15);
  });

  it.each(batches)('$first to $last', async ({ first, last, other }) => {
    const numbers = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    expect(await harmful('json', numbers)).toEqual([]);
    if (other) expect(await harmful(other, numbers)).toEqual([]);
  });

  it.each(HARMED)('%i, which did harm once, does none', async (number) => {
    expect(await harm('json', [number])).toEqual([]);
  });
});
