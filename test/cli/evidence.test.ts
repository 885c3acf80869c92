/** `--evidence DIR`: what is written, what is not, and what is said of it. */

import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseReport } from '../report/schema.js';
import { pcapOf, scriptPackets } from '../support/dialogue.js';
import { goldenCapture } from '../support/golden.js';
import { needs } from '../support/needs.js';
import { BOUND_BY_PERMISSIONS, BOUND_NEEDS } from '../support/permissions.js';
import { FakeOutput, ran } from './fake-io.js';

const PROGRAM = fileURLToPath(new URL('../../dist/bin/mailwitness.js', import.meta.url));

let folder: string;
let capture: string;
const at = (...names: string[]): string => join(folder, ...names);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailwitness-'));
  capture = at('mail.pcap');
  writeFileSync(capture, goldenCapture('asa-exchange'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Found {
  readonly id: string;
  readonly rule: string;
  readonly evidenceFile: string | null;
}

function findingsOf(report: string): Found[] {
  return (parseReport(report) as unknown as { findings: Found[] }).findings;
}

describe('--evidence', () => {
  it('writes a capture for each finding and a gzipped copy, and names it in the report', async () => {
    const { status, out, err } = await ran(['-F', 'json', '--evidence', at('e'), capture]);
    expect(status).toBe(1);
    const findings = findingsOf(out);
    expect(findings.length).toBeGreaterThan(3);
    for (const { id, rule, evidenceFile } of findings) expect(evidenceFile).toBe(`${id}-${rule}.pcapng`);
    const names = findings.flatMap(({ evidenceFile }) => [evidenceFile!, `${evidenceFile}.gz`]);
    expect(readdirSync(at('e')).sort()).toEqual(names.sort());
    for (const { evidenceFile } of findings) {
      const octets = readFileSync(at('e', evidenceFile!));
      expect(gunzipSync(readFileSync(at('e', `${evidenceFile}.gz`))).equals(octets)).toBe(true);
    }
    expect(err).toBe(
      `mailwitness: ${findings.length} evidence captures are in ${at('e')}, each also gzipped.\n`,
    );
    expect(readdirSync(folder).sort()).toEqual(['e', 'mail.pcap']);
  });

  it('says in the text where they are, and nothing else with --quiet', async () => {
    const screen = await ran(['--quiet', '--evidence', at('s'), capture]);
    expect(screen.out).toMatch(/^ {10}\d+ captures in \S+/m);
    const { out, err } = await ran(['--quiet', '--details', '--evidence', at('e'), capture]);
    expect(err).toBe('');
    expect(out.replace(/\s+/g, ' ')).toMatch(/packets: \S+\/e\/ ?f\d+-/);
  });

  it('is named in the page too', async () => {
    const { out } = await ran(['--quiet', '-F', 'html', '--evidence', at('e'), capture]);
    expect(out).toContain('<p>Packets: f');
    expect(out).toMatch(/f1-banner-masked\.pcapng/);
  });

  it('is not in a report without it', async () => {
    expect((await ran(['-F', 'json', capture])).out).not.toContain('evidenceFile');
  });

  it('reads its own output: the same finding again', async () => {
    await ran(['--quiet', '--evidence', at('e'), capture]);
    for (const name of readdirSync(at('e'))) {
      const { out, status } = await ran(['-F', 'json', '--quiet', at('e', name)]);
      expect(status, name).not.toBe(2);
      const rule = /^f\d+-(.*)\.pcapng/.exec(name)![1];
      expect(findingsOf(out).map((finding) => finding.rule)).toContain(rule);
    }
  });

  it('writes only what is reported, by the rules that were asked', async () => {
    await ran(['--quiet', '--rule', 'banner-masked', '--evidence', at('e'), capture]);
    expect(readdirSync(at('e')).sort()).toEqual(['f1-banner-masked.pcapng', 'f1-banner-masked.pcapng.gz']);
    await ran(['--quiet', '--min-confidence', 'certain', '--evidence', at('c'), capture]);
    const { out } = await ran(['-F', 'json', '--quiet', '--min-confidence', 'certain', capture]);
    expect(readdirSync(at('c')).length).toBe(findingsOf(out).length * 2);
  });

  it('leaves an empty directory where nothing was found', async () => {
    writeFileSync(capture, goldenCapture('clean'));
    expect((await ran(['--evidence', at('e'), capture])).status).toBe(0);
    expect(readdirSync(at('e'))).toEqual([]);
  });

  it('takes compressed captures and leaves standard input and pipes alone', async () => {
    const { status, out, err } = await ran(['--evidence', at('e'), '-']);
    expect([status, out]).toEqual([2, '']);
    expect(err).toBe(
      'mailwitness: --evidence reads captures twice, and standard input can be read only once: write it to a file first.\n',
    );
    execFileSync('mkfifo', [at('pipe')]);
    expect((await ran(['--evidence', at('e'), at('pipe')])).err).toContain('can be read only once');
    expect(existsSync(at('e'))).toBe(false);
  });
});

describe('a directory', () => {
  it.each([
    ['mail.pcap', 'it is no directory'],
    ['none/e', 'its folder does not exist'],
    ['mail.pcap/e', 'its folder is a file'],
  ])('that cannot be (%s) is told before anything is read', async (name, reason) => {
    const { status, out, err } = await ran(['--evidence', at(name), capture]);
    expect([status, out]).toEqual([2, '']);
    expect(err).toBe(`mailwitness: evidence cannot be written to ${at(name)}: ${reason}.\n`);
  });

  it('with evidence of an earlier run is left as it is, unless --force is given', async () => {
    await ran(['--quiet', '--evidence', at('e'), capture]);
    writeFileSync(at('e', 'notes.txt'), 'mine');
    const first = at('e', 'f1-banner-masked.pcapng');
    writeFileSync(first, 'old');
    const again = await ran(['--evidence', at('e'), capture]);
    expect([again.status, again.out]).toEqual([2, '']);
    expect(again.err).toMatch(/holds evidence captures already \(f1.*--force/);
    expect(readFileSync(first, 'utf8')).toBe('old');
    expect((await ran(['--quiet', '--force', '--evidence', at('e'), capture])).status).toBe(1);
    expect(readFileSync(first).subarray(0, 4).toString('hex')).toBe('0a0d0d0a');
    expect(readFileSync(at('e', 'notes.txt'), 'utf8')).toBe('mine');
  });

  it('in which a name is a link elsewhere: nothing is written through it', async () => {
    mkdirSync(at('e'));
    writeFileSync(at('outside.txt'), 'mine');
    symlinkSync(at('outside.txt'), at('e', 'f1-banner-masked.pcapng'));
    symlinkSync(at('dangling.txt'), at('e', 'f1-banner-masked.pcapng.gz'));
    const command = ['--quiet', '--rule', 'banner-masked', '--evidence', at('e'), capture];
    expect((await ran(command)).status).toBe(2);
    expect((await ran(['--force', ...command])).status).toBe(1);
    expect(readFileSync(at('outside.txt'), 'utf8')).toBe('mine');
    expect(existsSync(at('dangling.txt'))).toBe(false);
    expect(lstatSync(at('e', 'f1-banner-masked.pcapng')).isFile()).toBe(true);
  });

  it.each(['link', 'name'])('that holds an input is not written over it (%s)', async (kind) => {
    mkdirSync(at('e'));
    const own = at('e', 'f1-banner-masked.pcapng');
    if (kind === 'link') linkSync(capture, own);
    else writeFileSync(own, readFileSync(capture));
    const before = readFileSync(own);
    const input = kind === 'link' ? capture : own;
    const { status, out, err } = await ran([
      '--force',
      '--rule',
      'banner-masked',
      '--evidence',
      at('e'),
      input,
    ]);
    expect(status).toBe(2);
    expect(err).toContain('is one of the inputs');
    expect(out).toContain('masked');
    expect(readFileSync(own).equals(before)).toBe(true);
    expect(readdirSync(at('e'))).toEqual(['f1-banner-masked.pcapng']);
  });

  it('that holds the key is not written over it', async () => {
    writeFileSync(at('key'), 'sixteen octets or more of a key');
    mkdirSync(at('e'));
    linkSync(at('key'), at('e', 'f1-banner-masked.pcapng'));
    const rule = ['--force', '--rule', 'banner-masked', '--evidence', at('e')];
    const { status, err } = await ran(['--anonymize', '--key', at('key'), ...rule, capture]);
    expect([status, err]).toEqual([2, expect.stringContaining('is one of the inputs')]);
    expect(readFileSync(at('key'), 'utf8')).toBe('sixteen octets or more of a key');
    expect(readdirSync(at('e'))).toEqual(['f1-banner-masked.pcapng']);
  });

  it('that is full: the report comes all the same, no half file stays', needs('root', 'mount'), async () => {
    const full = at('full');
    mkdirSync(full);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', full]);
    try {
      writeFileSync(join(full, 'filler'), Buffer.alloc(4096));
      const { status, out, err } = await ran(['--evidence', full, capture]);
      expect(status).toBe(2);
      expect(out).toContain('Cisco ASA');
      expect(err).toMatch(/^mailwitness: evidence cannot be written to \S+: the disk is full\.\n$/);
      expect(readdirSync(full)).toEqual(['filler']);
    } finally {
      execFileSync('umount', [full]);
    }
  });

  it('that is read-only is told before anything is read', needs(...BOUND_NEEDS), () => {
    mkdirSync(at('e'));
    chmodSync(at('e'), 0o500);
    const [file = '', ...words] = [...BOUND_BY_PERMISSIONS, process.execPath, PROGRAM];
    const { stderr, stdout, status } = spawnSync(file, [...words, '--evidence', at('e'), capture], {
      encoding: 'utf8',
    });
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain('permission is missing');
  });
});

describe('what has no evidence capture', () => {
  it('is said, with the reason', async () => {
    const { out } = await ran(['-F', 'json', '--evidence', at('e'), capture], { stdout: new FakeOutput() });
    const { notAssessed } = parseReport(out) as unknown as { notAssessed: { reason: string }[] };
    expect(notAssessed.filter(({ reason }) => reason === 'evidence')).toEqual([]);
  });
});

describe('names', () => {
  it('have nothing of a packet in them', async () => {
    const hostile =
      'S: 220 ****************************\nC: EHLO ../../x\nS: 250-../../../etc\nS+ 250 XXXXXXXXA\nC: QUIT\nS: 221 x';
    writeFileSync(capture, pcapOf(scriptPackets(hostile)));
    await ran(['--quiet', '--evidence', at('e'), capture]);
    const names = readdirSync(at('e'));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect(name).toMatch(/^f\d+-[a-z0-9-]+\.pcapng(\.gz)?$/);
  });
});
