import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OutputFile } from '../../src/cli/output-file.js';
import { parseReport } from '../report/schema.js';
import { goldenCapture } from '../support/golden.js';
import { needs } from '../support/needs.js';
import { FakeOutput, ran } from './fake-io.js';

let folder: string;
let capture: string;
const at = (name: string): string => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailwitness-'));
  capture = at('mail.pcap');
  writeFileSync(capture, goldenCapture('asa-exchange'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('--output', () => {
  it('writes the report to the file and nothing to standard output', async () => {
    const { status, out, err } = await ran(['-F', 'json', '-o', at('r.json'), capture]);
    expect([status, out, err]).toEqual([1, '', '']);
    parseReport(readFileSync(at('r.json'), 'utf8'));
    expect(readdirSync(folder).sort()).toEqual(['mail.pcap', 'r.json']);
  });

  it('has no colour in it', async () => {
    await ran(['-o', at('r.txt'), capture], { stdout: new FakeOutput(true) });
    expect(readFileSync(at('r.txt'), 'utf8')).not.toContain('\x1b');
  });

  it("takes '-' for standard output", async () => {
    expect((await ran(['-o', '-', capture])).out).toContain('Cisco ASA');
    expect(readdirSync(folder)).toEqual(['mail.pcap']);
  });

  it('replaces a report, keeps its mode and follows a link', async () => {
    writeFileSync(at('old.txt'), 'old');
    chmodSync(at('old.txt'), 0o640);
    symlinkSync('old.txt', at('link.txt'));
    await ran(['-o', at('link.txt'), capture]);
    expect(lstatSync(at('link.txt')).isSymbolicLink()).toBe(true);
    expect(readFileSync(at('old.txt'), 'utf8')).toContain('Cisco ASA');
    expect(statSync(at('old.txt')).mode & 0o777).toBe(0o640);
  });

  it.each(['mail.pcap', 'soft', 'hard'])('refuses to overwrite a capture (%s)', async (name) => {
    symlinkSync('mail.pcap', at('soft'));
    linkSync(capture, at('hard'));
    const before = readFileSync(capture);
    const { status, err } = await ran(['-o', at(name), capture]);
    expect(status).toBe(2);
    expect(err).toContain('is one of the inputs');
    expect(readFileSync(capture).equals(before)).toBe(true);
  });

  it.each([
    ['none/r.txt', 'its folder does not exist'],
    ['mail.pcap/r.txt', 'its folder is a file'],
    ['dir', 'it is a directory'],
  ])('tells before it reads that %s cannot be written', async (name, reason) => {
    mkdirSync(at('dir'));
    const { status, err } = await ran(['-o', at(name), capture]);
    expect(status).toBe(2);
    expect(err).toBe(`mailwitness: the report cannot be written to ${at(name)}: ${reason}.\n`);
  });

  it('leaves a device a device', async () => {
    const before = statSync('/dev/null');
    expect((await ran(['-o', '/dev/null', capture])).status).toBe(1);
    const after = statSync('/dev/null');
    expect([after.isCharacterDevice(), after.ino]).toEqual([true, before.ino]);
  });

  it('says in one line that a device takes no more', needs('full-device'), async () => {
    const { status, err } = await ran(['-o', '/dev/full', capture]);
    expect(status).toBe(2);
    expect(err).toBe('mailwitness: the report cannot be written to /dev/full: the disk is full.\n');
  });

  it('on a full disk leaves the report that was there', needs('root', 'mount'), async () => {
    const full = at('full');
    mkdirSync(full);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8k', 'tmpfs', full]);
    try {
      const report = join(full, 'r.html');
      writeFileSync(report, 'old');
      const { status, err } = await ran(['-F', 'html', '-o', report, capture]);
      expect(status).toBe(2);
      expect(err).toBe(`mailwitness: the report cannot be written to ${report}: the disk is full.\n`);
      expect(readFileSync(report, 'utf8')).toBe('old');
      expect(readdirSync(full)).toEqual(['r.html']);
    } finally {
      execFileSync('umount', [full]);
    }
  });

  it.each(['text', 'html', 'json'])(
    'leaves no half report on a disk that is full (%s)',
    needs('root', 'mount'),
    async (format) => {
      const full = at('full');
      mkdirSync(full);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', full]);
      try {
        writeFileSync(join(full, 'filler'), Buffer.alloc(4096));
        const { status, out, err } = await ran(['-F', format, '-o', join(full, 'r'), capture]);
        expect([status, out]).toEqual([2, '']);
        expect(err).toMatch(/^mailwitness: the report cannot be written to \S+: the disk is full\.\n$/);
        expect(readdirSync(full)).toEqual(['filler']);
      } finally {
        execFileSync('umount', [full]);
      }
    },
  );

  it('leaves no half report when writing fails', () => {
    writeFileSync(at('r.txt'), 'old');
    const file = new OutputFile(at('r.txt'), []);
    function* failing(): Generator<string> {
      yield 'half';
      throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
    }
    expect(() => file.write(failing())).toThrow('the disk is full');
    expect(readFileSync(at('r.txt'), 'utf8')).toBe('old');
    expect(readdirSync(folder).sort()).toEqual(['mail.pcap', 'r.txt']);
  });
});

describe('what is read is not written over', () => {
  const files = (): string[] => readdirSync(folder).sort();
  const anonymized = (...words: string[]): string[] => ['--anonymize', '--key', at('key'), ...words];
  const live = (...words: string[]): string[] => ['live', '--no-ui', '-r', capture, ...words];
  const LIVE = ['-o', '--metrics', '--state', '--write'];

  beforeEach(() => {
    writeFileSync(at('key'), 'sixteen octets or more of a key');
    writeFileSync(at('log'), '%ASA-2-108002: SMTP replaced AUTH: out 192.0.2.1 in 198.51.100.1 data: AUTH');
    for (const name of ['mail.pcap', 'key', 'log']) {
      symlinkSync(name, at(`soft-${name}`));
      linkSync(at(name), at(`hard-${name}`));
    }
    symlinkSync('soft-mail.pcap', at('softer'));
    symlinkSync('.', at('around'));
    symlinkSync('mail.pcap', at('kept.part'));
  });

  const NAMES = ['mail.pcap', 'soft-mail.pcap', 'hard-mail.pcap', 'softer', 'around/mail.pcap'];
  const cases: [string, () => string[]][] = [
    ...LIVE.flatMap((option) =>
      NAMES.map((name): [string, () => string[]] => [`live ${option} ${name}`, () => live(option, at(name))]),
    ),
    ['live --state, through the file that becomes it', () => live('--state', at('kept'))],
    ['live -o its state', () => live('--state', at('state'), '-o', at('state'))],
    ['live --metrics its state', () => live('--state', at('state'), '--metrics', at('around/state'))],
    ['-o the key', () => anonymized('-o', at('key'), capture)],
    ['-o a link to the key', () => anonymized('-o', at('hard-key'), capture)],
    ['-o the log', () => ['--asa-log', at('log'), '-o', at('soft-log'), capture]],
    ['compare -o the key', () => ['compare', ...anonymized('-o', at('soft-key')), ...sides()]],
    ['compare -o one side', () => ['compare', '-o', at('softer'), ...sides()]],
  ];
  const sides = (): string[] => ['--inside', capture, '--outside', capture];

  it.each(cases)('%s', async (_, words) => {
    const before = files().map((name) => [name, statSync(at(name)).ino]);
    const octets = ['mail.pcap', 'key', 'log'].map((name) => readFileSync(at(name)));
    const { status, err } = await ran(words());
    expect([status, err]).toEqual([
      2,
      expect.stringContaining('is one of the inputs: name another file for'),
    ]);
    expect(files().map((name) => [name, statSync(at(name)).ino])).toEqual(before);
    expect(['mail.pcap', 'key', 'log'].map((name) => readFileSync(at(name)))).toEqual(octets);
  });
});
