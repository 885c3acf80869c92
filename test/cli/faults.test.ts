/** Inputs that fail, change or never end while they are read: the contract's status, and the rest is reported. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseReport } from '../report/schema.js';
import { needs } from '../support/needs.js';
import { BOUND_BY_PERMISSIONS, BOUND_NEEDS } from '../support/permissions.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = join(ROOT, 'dist/bin/mailwitness.js');
const GOOD = join(ROOT, 'captures/asa-esmtp-outside.pcap');

interface Report {
  captures: { file: string; packets: number; truncated: boolean; problems: { code: string }[] }[];
  sessions: unknown[];
  findings: unknown[];
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailwitness-faults-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** @param before  what runs the program */
function analyzedBy(before: readonly string[], ...files: string[]) {
  const [file = '', ...words] = [...before, process.execPath, PROGRAM, 'analyze', '-F', 'json', ...files];
  const { status, stdout, stderr } = spawnSync(file, words, { encoding: 'utf8', timeout: 120_000 });
  return { status, stderr, report: parseReport<Report>(stdout) };
}

const analyzed = (...files: string[]) => analyzedBy([], ...files);

const codes = ({ captures }: Report): string[][] =>
  captures.map(({ problems }) => problems.map(({ code }) => code));

/** What it is, where it lies, and its problem's code where that is one alone. */
const NOT_READABLE: readonly (readonly [string, () => string, string | null])[] = [
  ['a directory', () => folder, 'is-directory'],
  ['the null device', () => '/dev/null', 'empty'],
  ['a missing file', () => join(folder, 'absent.pcap'), 'not-found'],
  ['a name that is too long', () => join(folder, 'a'.repeat(300)), null],
  ['a text', () => join(ROOT, 'package.json'), null],
];

describe('an input that cannot be read', () => {
  it.each(NOT_READABLE)('%s between two good ones', (_, path, code) => {
    const { status, report, stderr } = analyzed(GOOD, path(), GOOD);
    expect(status).toBe(2);
    const [first, bad, last] = codes(report);
    expect([first, last]).toEqual([[], []]);
    expect(bad!.length).toBeGreaterThan(0);
    if (code) expect(bad).toContain(code);
    expect(report.sessions.length).toBeGreaterThan(1);
    expect(report.findings.length).toBeGreaterThan(0);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('a file without the right to read it', needs(...BOUND_NEEDS), () => {
    const path = join(folder, 'locked.pcap');
    writeFileSync(path, readFileSync(GOOD));
    chmodSync(path, 0);
    const { status, report } = analyzedBy([...BOUND_BY_PERMISSIONS], GOOD, path);
    expect(status).toBe(2);
    expect(report.captures.map(({ problems }) => problems.length)).toEqual([0, 1]);
    expect(report.findings.length).toBeGreaterThan(0);
  });

  it('a medium that fails: what came before is reported', () => {
    // Reading a process's own memory at address 0 gives EIO on Linux.
    const { status, report } = analyzed('/proc/self/mem', GOOD);
    expect(status).toBe(2);
    expect(codes(report)[0]).not.toEqual([]);
    expect(report.findings.length).toBeGreaterThan(0);
  });
});

describe('an input that changes', () => {
  const large = Buffer.concat([
    readFileSync(GOOD),
    ...Array.from({ length: 3000 }, () => readFileSync(GOOD).subarray(24)),
  ]);

  async function whileRead(change: (path: string) => void) {
    const path = join(folder, `changing-${Math.random().toString(36).slice(2)}.pcap`);
    writeFileSync(path, large);
    const child = spawn(process.execPath, [PROGRAM, 'analyze', '-F', 'json', path]);
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    const closed = once(child, 'close');
    setTimeout(() => change(path), 60).unref();
    const [status] = (await closed) as [number];
    rmSync(path);
    return { status, report: parseReport<Report>(text) };
  }

  it('shrinks: the last record is cut short, or all had been read', async () => {
    const { status, report } = await whileRead((path) => truncateSync(path, 1_000_001));
    expect([0, 1]).toContain(status);
    expect(report.captures[0]!.problems).toEqual([]);
    expect(report.sessions.length).toBeGreaterThan(0);
  });

  it('grows: what is there when the end is reached is read', async () => {
    const { status, report } = await whileRead((path) => appendFileSync(path, large.subarray(24)));
    expect(status).toBe(1);
    expect(report.captures[0]!.problems).toEqual([]);
  });
});

describe('a pipe', () => {
  it('with a name', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const child = spawn(process.execPath, [PROGRAM, 'analyze', '-F', 'json', pipe]);
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    const closed = once(child, 'close');
    const writer = spawn('sh', ['-c', 'cat "$1" > "$2"', 'sh', GOOD, pipe]);
    await once(writer, 'close');
    expect((await closed)[0]).toBe(1);
    expect(parseReport<Report>(text).findings.length).toBeGreaterThan(0);
  });
});
