import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseReport } from '../report/schema.js';
import { goldenCapture } from '../support/golden.js';
import { FakeOutput, ran } from './fake-io.js';

interface Report {
  captures: { file: string; truncated: boolean; packets: number; problems: { code: string }[] }[];
  findings: { rule: string; confidence: string; severity: string }[];
}

let folder: string;
let clean: string;
let edited: string;
let doubled: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailwitness-'));
  const write = (name: string): string => {
    const path = join(folder, `${name}.pcap`);
    writeFileSync(path, goldenCapture(name));
    return path;
  };
  [clean, edited, doubled] = [write('clean'), write('asa-exchange'), write('pix-duplicates')];
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function rules(...argv: string[]): Promise<string[]> {
  const { out } = await ran(['-F', 'json', ...argv]);
  return [...new Set(parseReport<Report>(out).findings.map(({ rule }) => rule))].sort();
}

describe('usage', () => {
  it.each([[['--help']], [['-h']], [['help']], [['analyze', '--help']], [['--quiet', '--help']]])(
    '%j prints help that names only what works',
    async (argv) => {
      const { status, out, err } = await ran(argv);
      expect([status, err]).toEqual([0, '']);
      expect(out).toContain('Usage: mailwitness [analyze] [options] FILE...');
      for (const option of [
        '--format',
        '--output',
        '--port',
        '--rule',
        '--no-rule',
        '--digest',
        '--asa-log',
        '--evidence',
        '--force',
        '--fail-on',
        '--anonymize',
        '--key',
      ]) {
        expect(out).toContain(option);
      }
      for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    },
  );

  it.each([['--version'], ['-V']])('%s prints the version', async (flag) => {
    const { status, out } = await ran([flag]);
    expect(status).toBe(0);
    expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it.each<[string[], RegExp]>([
    [[], /no capture is named/],
    [['analyze'], /no capture is named/],
    [['--quiet'], /no capture is named/],
    [['--formt', 'json', 'x'], /unknown option '--formt'.*Did you mean --format\?/],
    [['-F'], /argument missing/],
    [['-F', 'xml', 'x'], /--format is one of text, json, ndjson, html, markdown, jira, csv, .*, not 'xml'/],
    [['--fail-on', 'severe', 'x'], /--fail-on is one of/],
    [['--min-confidence', 'sure', 'x'], /--min-confidence is one of/],
    [['--digest', 'md5', 'x'], /--digest is one of/],
    [['--port', '0', 'x'], /--port is a list of numbers from 1 to 65535/],
    [['--port', '25,', 'x'], /--port/],
    [['--port', '65536', 'x'], /--port/],
    [['--port', '25a', 'x'], /--port/],
    [['-', '-'], /only once/],
    [['-o', '', 'x'], /output file is empty/],
    [['live'], /live needs -i IFACE or -r FILE/],
    [['live', '-i', 'lo', '-r', '-'], /exclude each other/],
    [['live', '-i', '/tmp/pipe'], /'\/tmp\/pipe' is no interface/],
    [['live', '-i', '-w'], /'-w' is no interface/],
    [['live', '-r', '-', '-f', 'port 25'], /-f is for -i/],
    [['live', 'mail.pcap'], /mailwitness live -r mail.pcap/],
    [['live', '-r', '-', '--driver', 'magic'], /--driver is one of auto, dumpcap, tcpdump, cap/],
    [['rules', 'banner-maskd'], /there is no rule 'banner-maskd'. Did you mean banner-masked\?/],
    [['rules', 'banner-masked', 'banner-proxy'], /takes one rule at most/],
    [['-F', 'json', 'rules'], /'rules' comes first: mailwitness rules/],
    [['rules', '-F', 'html'], /--format is one of text, json, markdown/],
    [['rules', '--formt', 'json'], /unknown option '--formt'/],
    [['doctor', 'lo'], /doctor takes '-i IFACE' or nothing/],
    [['--quiet', 'live'], /'live' comes first/],
    [['--evidence', '', 'x'], /evidence directory is empty/],
    [['--force', 'x'], /--force is for --evidence/],
    [['--rule', 'banner-maskd', 'x'], /no rule 'banner-maskd'. Did you mean banner-masked\?/],
    [['--no-rule', 'zzzzzzzzzzzz', 'x'], /no rule 'zzzzzzzzzzzz'. The rules are banner-masked, /],
    [['--rule', '', 'x'], /no rule ''/],
    [['--\x1b[31mx'], /unknown option '--\\x1b\[31mx'/],
  ])('%j is wrong usage: one line, status 2', async (argv, message) => {
    const { status, out, err } = await ran(argv);
    expect([status, out]).toEqual([2, '']);
    expect(err).toMatch(message);
    expect(err).toMatch(/^mailwitness: [^\n]+\n$/);
  });
});

describe('the rules that are asked', () => {
  it('are all by default', async () => {
    expect((await rules(edited)).length).toBeGreaterThan(3);
  });

  it.each<[string[]]>([
    [['--rule', 'banner-masked']],
    [['--rule=banner-masked']],
    [['--no-rule', 'capability-masked', '--rule', 'banner-masked,capability-masked']],
  ])('%j leaves one', async (argv) => {
    expect(await rules(...argv, edited)).toEqual(['banner-masked']);
    expect(await rules(edited, ...argv)).toEqual(['banner-masked']);
  });

  it.each<[string[]]>([
    [['--rule', 'banner-masked', '--rule', 'capability-masked']],
    [['--rule', 'banner-masked,capability-masked']],
    [['--rule', 'banner-masked', 'capability-masked']],
    [['--rule=banner-masked', 'capability-masked']],
  ])('%j leaves two, and the file is no rule', async (argv) => {
    expect(await rules(...argv, edited)).toEqual(['banner-masked', 'capability-masked']);
  });

  it('are all but those of --no-rule', async () => {
    const rest = await rules('--no-rule', 'banner-masked', 'capability-masked', edited);
    expect(rest).not.toContain('banner-masked');
    expect(rest).not.toContain('capability-masked');
    expect(rest).toContain('verb-masked');
  });

  it('does not take words after -- for rules', async () => {
    const { out, status } = await ran(['-F', 'json', '--rule', 'banner-masked', '--', 'verb-masked']);
    expect(status).toBe(2);
    expect(parseReport<Report>(out).captures[0]!.file).toBe('verb-masked');
  });
});

describe('the exit status', () => {
  it.each<[string, () => string[], number]>([
    ['nothing found', () => [clean], 0],
    ['findings', () => [edited], 1],
    ['findings, with the command named', () => ['analyze', edited], 1],
    ['findings, with options in front of the command', () => ['--quiet', 'analyze', edited], 1],
    ['findings below --fail-on', () => ['--rule', 'banner-masked', '--fail-on', 'high', edited], 0],
    ['findings at --fail-on', () => ['--rule', 'banner-masked', '--fail-on', 'medium', edited], 1],
    [
      'only findings that are not certain enough',
      () => ['--rule', 'end-of-data-unacknowledged', '--min-confidence', 'likely', doubled],
      0,
    ],
    ['a missing file', () => [join(folder, 'none.pcap')], 2],
    ['a missing file beside findings', () => [edited, join(folder, 'none.pcap')], 2],
    ['a directory', () => [folder], 2],
  ])('%s', async (_, argv, status) => {
    expect((await ran(argv())).status).toBe(status);
  });

  it('is 2 for what is no capture, and the good ones are reported all the same', async () => {
    const text = join(folder, 'notes.txt');
    writeFileSync(text, 'This is no capture at all, but a letter to a friend.\n');
    const missing = join(folder, 'none.pcap');
    const { status, out, err } = await ran(['-F', 'json', missing, edited, text]);
    const report = parseReport<Report>(out);
    expect(status).toBe(2);
    expect(report.captures.map(({ problems }) => problems.length)).toEqual([1, 0, 1]);
    expect(report.findings.length).toBeGreaterThan(0);
    expect(err).toContain('none.pcap: There is no such file');
    expect(err).toContain('notes.txt: ');
    expect(err).not.toContain('    at ');
  });

  it('is not 2 for a last record cut short: that is a warning', async () => {
    const cut = join(folder, 'cut.pcap');
    writeFileSync(cut, goldenCapture('clean').subarray(0, -10));
    const { status, out, err } = await ran(['-F', 'json', cut]);
    expect(status).toBe(0);
    expect(parseReport<Report>(out).captures[0]).toMatchObject({ truncated: true, problems: [] });
    expect(err).toContain('cut short');
  });
});

describe('the streams', () => {
  it('keeps the report on standard output and the rest on standard error', async () => {
    const missing = join(folder, 'none.pcap');
    const loud = await ran([clean, missing]);
    expect(loud.out).toContain('No firewall interference found');
    expect(loud.err).toBe(`mailwitness: ${missing}: There is no such file: check its name.\n`);
    const quiet = await ran(['--quiet', clean, missing]);
    expect(quiet.err).toBe('');
    expect(quiet.out).toBe(loud.out);
  });

  it('makes names of files printable', async () => {
    const { out, err } = await ran(['\x1b]0;x\x07\u202e.pcap']);
    for (const text of [out, err]) {
      expect(text).toContain('\\x1b]0;x\\x07\\u{202e}.pcap');
      expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\p{Cf}/u);
    }
  });

  it('colours on a terminal only, and only when nobody objects', async () => {
    const coloured = async (argv: string[], env: Record<string, string>, isTTY = true): Promise<boolean> =>
      (await ran([...argv, edited], { stdout: new FakeOutput(isTTY), env })).out.includes('\x1b[');
    expect(await coloured([], {})).toBe(true);
    expect(await coloured([], {}, false)).toBe(false);
    expect(await coloured(['--no-color'], {})).toBe(false);
    expect(await coloured([], { NO_COLOR: '1' })).toBe(false);
    expect(await coloured([], { NO_COLOR: '' })).toBe(true);
    expect(await coloured([], { TERM: 'dumb' })).toBe(false);
    expect(await coloured(['-F', 'json'], {})).toBe(false);
  });

  it('shows no progress of a small capture, nor where there is no terminal', async () => {
    expect((await ran([clean], { stderr: new FakeOutput(true) })).err).toBe('');
    expect((await ran([clean])).err).toBe('');
  });

  it('is silent when the reader of the report goes away, and keeps the exit status', async () => {
    const { status, err } = await ran([edited], { stdout: new FakeOutput(false, 'EPIPE') });
    expect([status, err]).toEqual([1, '']);
  });

  it('says so when the report cannot be written', async () => {
    const { status, err } = await ran([edited], { stdout: new FakeOutput(false, 'ENOSPC') });
    expect(status).toBe(2);
    expect(err).toBe('mailwitness: the report cannot be written to standard output: the disk is full.\n');
  });

  it('tells a defect in one line, without words that a packet may have in them', async () => {
    const stdout = new FakeOutput();
    stdout.write = () => {
      throw new TypeError('hunter2\n    at x.js:1:1 is not a function');
    };
    const { status, err } = await ran([clean], { stdout });
    expect(status).toBe(2);
    expect(err).toMatch(/^mailwitness: internal error: TypeError at run\.test\.ts:\d+:\d+\.\n$/);
  });
});

describe('an interrupt', () => {
  /** SIGINT comes as soon as anybody listens for it. */
  class Impatient extends EventEmitter {
    override on(event: string, listener: () => void): this {
      super.on(event, listener);
      listener();
      return this;
    }
  }

  it('gives a report, and leaves a second one its usual effect', async () => {
    const interrupts = new Impatient();
    const { out, err, status } = await ran(['-F', 'json', edited], { interrupts });
    expect(interrupts.listenerCount('SIGINT')).toBe(0);
    // Nothing was read yet: there was nothing to judge.
    expect(status).toBe(3);
    expect(parseReport<Report>(out).findings).toEqual([]);
    expect(err).toContain('interrupted');
  });

  it('is listened for only while captures are read', async () => {
    const interrupts = new EventEmitter();
    expect((await ran([edited], { interrupts })).status).toBe(1);
    expect(interrupts.listenerCount('SIGINT')).toBe(0);
  });
});

describe('options of the analysis', () => {
  it('looks at the ports that are named', async () => {
    const { out } = await ran(['--port', '2526, 2527', edited]);
    expect(out).toContain('Nothing to judge');
    expect(out).toContain('Ports looked at: 2526, 2527;');
  });

  it('uses the digest that is named', async () => {
    expect((await ran(['-F', 'json', clean])).out).toMatch(/"digest":"xxh64:[0-9a-f]{16}"/);
    expect((await ran(['-F', 'json', '--digest', 'sha256', clean])).out).toMatch(
      /"digest":"sha256:[0-9a-f]{64}"/,
    );
  });

  it('is one screen, and all of it with --details', async () => {
    const screen = (await ran([doubled])).out;
    const details = (await ran(['--details', doubled])).out;
    expect(screen.split('\n').length).toBeLessThan(32);
    expect(details.split('\n').length).toBeGreaterThan(60);
    expect(details).toContain('Looked for and not found');
    expect(screen).toContain('--details');
    expect(details).not.toContain('--details');
  });

  it.each([
    ['--details is for text', ['--details', '-F', 'json']],
    ['two lengths of one report', ['--details', '--brief']],
  ])('refuses what has no sense: %s', async (words, options) => {
    const { status, out, err } = await ran([...options, doubled]);
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err).toContain(words);
  });

  it('does not call a rule silent whose findings it left out', async () => {
    const { out } = await ran(['--details', '--min-confidence', 'certain', doubled]);
    const silent = out.split('Looked for and not found')[1]!.split('\n\n')[0]!;
    expect(silent).not.toContain('duplicate-delivery');
    expect(out).toContain('4 less certain findings left out');
  });
});
