/** `compare` with `--evidence` and `--brief`: what is written, and what is said of it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BRIEF_LIMIT } from '../../src/report/text/brief.js';
import { parseReport } from '../report/schema.js';
import { FakeOutput, ran } from './fake-io.js';

const CAPTURES = fileURLToPath(new URL('../../captures/', import.meta.url));
const sides = (name: string): string[] => [
  'compare',
  '--inside',
  `${CAPTURES}compare-${name}-inside.pcap.zst`,
  '--outside',
  `${CAPTURES}compare-${name}-outside.pcap.zst`,
];

let folder: string;
const at = (name: string): string => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailwitness-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('compare --evidence', () => {
  it('writes a capture for each finding and names it in the report', async () => {
    const { status, out, err } = await ran([...sides('asa'), '-F', 'json', '--evidence', at('e')]);
    expect(status).toBe(1);
    const { findings } = parseReport(out) as unknown as {
      findings: { id: string; rule: string; evidenceFile: string }[];
    };
    expect(findings).toHaveLength(6);
    for (const { id, rule, evidenceFile } of findings) expect(evidenceFile).toBe(`${id}-${rule}.pcapng`);
    expect(readdirSync(at('e'))).toHaveLength(12);
    expect(err).toBe(`mailwitness: 6 evidence captures are in ${at('e')}, each also gzipped.\n`);
    const again = await ran([...sides('asa'), '--evidence', at('e')]);
    expect([again.status, again.out]).toEqual([2, '']);
    expect(again.err).toContain('add --force to overwrite them');
    expect((await ran([...sides('asa'), '--quiet', '--force', '--evidence', at('e')])).status).toBe(1);
  });

  it('with --anonymize names nobody, and gives the findings again', async () => {
    const { status, err } = await ran([...sides('asa'), '--quiet', '--anonymize', '--evidence', at('e')]);
    expect({ status, err }).toEqual({ status: 1, err: '' });
    const files = readdirSync(at('e')).filter((name) => name.endsWith('.pcapng'));
    expect(files).toHaveLength(6);
    for (const name of files) {
      const octets = readFileSync(join(at('e'), name), 'latin1');
      expect(octets).not.toMatch(/mx\.example\.com|client\.example\.net|192\.0\.2\.25|compare-asa/);
      expect(octets).not.toContain('\xc0\x00\x02\x19');
      const file = join(at('e'), name);
      const words = ['compare', '--inside', file, '--outside', file, '-F', 'csv'];
      const again = await ran([...words, '--inside-interface', 'inside', '--outside-interface', 'outside']);
      expect(again.out).toContain(/^f\d+-(.*)\.pcapng$/.exec(name)![1]);
    }
  });

  it('writes nothing where nothing was changed', async () => {
    const { status } = await ran([...sides('control'), '--evidence', at('e')]);
    expect(status).toBe(0);
    expect(readdirSync(at('e'))).toEqual([]);
  });

  it('needs files that can be read again', async () => {
    const words = ['compare', '--inside', '-', '--outside', `${CAPTURES}compare-asa-outside.pcap.zst`];
    const { status, out, err } = await ran([...words, '--evidence', at('e')]);
    expect([status, out]).toEqual([2, '']);
    expect(err).toContain('standard input can be read only once');
  });

  it.each([
    [['--force'], '--force is for --evidence'],
    [['--brief', '-F', 'html'], '--brief is text'],
  ])('%j is refused', async (more, reason) => {
    const { status, err } = await ran([...sides('asa'), ...more]);
    expect(status).toBe(2);
    expect(err).toContain(reason);
  });
});

describe('compare --brief', () => {
  it('tells the outcome, the proofs of both sides and the change in 4,000 characters', async () => {
    const { status, out } = await ran([...sides('asa'), '--brief']);
    expect(status).toBe(1);
    expect(out.length).toBeLessThanOrEqual(BRIEF_LIMIT);
    expect(out).toMatch(/^The device between the two captures changed the greeting/);
    expect(out).toMatch(/outside frame \d+/);
    expect(out).toMatch(/Wireshark, inside: frame\.number in/);
    expect(out).toContain('inspect esmtp');
  });

  it('says of a control that nothing was changed, and how good the captures are', async () => {
    const { status, out } = await ran([...sides('control'), '--brief']);
    expect(status).toBe(0);
    expect(out).toMatch(/^Nothing was changed between the two captures/);
    expect(out).toContain('without a gap');
  });
});

describe('a report of two captures that cannot be written', () => {
  it('is silent when its reader goes away, and keeps the exit status', async () => {
    const { status, err } = await ran(sides('asa'), { stdout: new FakeOutput(false, 'EPIPE') });
    expect({ status, err }).toEqual({ status: 1, err: '' });
  });

  it('says that the disk is full', async () => {
    const { status, err } = await ran(sides('asa'), { stdout: new FakeOutput(false, 'ENOSPC') });
    expect(status).toBe(2);
    expect(err).toBe('mailwitness: the report cannot be written to standard output: the disk is full.\n');
  });
});
