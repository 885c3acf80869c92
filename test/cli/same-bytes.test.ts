/** The same input gives the same octets: whatever the time zone, the locale, the folder it is started in. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { sample } from '../support/extent.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = join(ROOT, 'dist/bin/mailwitness.js');
const CAPTURES = join(ROOT, 'captures');
const files = sample(
  readdirSync(CAPTURES)
    .filter((name) => /^(asa|pix|control|delivered).*\.pcap/.test(name))
    .sort(),
  16,
).map((name) => join(CAPTURES, name));

/** One of each kind: prose, objects, markup, tables, lines. */
const FORMATS = ['text', 'json', 'html', 'csv', 'zeek'];
const SURROUNDINGS: readonly { cwd: string; env: Record<string, string> }[] = [
  { cwd: ROOT, env: { TZ: 'UTC', LC_ALL: 'C', LANG: 'C' } },
  // Half an hour off; a dotless i; another digit grouping.
  { cwd: tmpdir(), env: { TZ: 'Asia/Kolkata', LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8' } },
  { cwd: '/', env: { TZ: 'America/St_Johns', LC_ALL: 'de_DE.UTF-8', LANG: 'ar_EG.UTF-8', COLUMNS: '200' } },
];

function said(format: string, { cwd, env }: (typeof SURROUNDINGS)[number]): string {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [PROGRAM, 'analyze', '-F', format, ...files],
    { cwd, env: { ...env, PATH: process.env.PATH }, encoding: 'latin1', maxBuffer: 64 << 20 },
  );
  expect([status, stderr]).toEqual([1, '']);
  return stdout;
}

describe('the same octets everywhere', () => {
  it.each(FORMATS)('%s', (format) => {
    const [first, ...others] = SURROUNDINGS.map((surroundings) => said(format, surroundings));
    expect(first!.length).toBeGreaterThan(1000);
    for (const other of others) expect(other === first).toBe(true);
  });
});
