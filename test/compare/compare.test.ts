/** Two captures in, one comparison out: the lab's pairs, swapped sides, files that hold both, and what has nothing in common. */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Comparison, compare } from '../../src/compare/compare.js';
import { catalog } from '../../src/rules/catalog.js';
import { ran } from '../cli/fake-io.js';
import { lineErrors, parseReport } from '../report/schema.js';
import { pcapOf, scriptPackets } from '../support/dialogue.js';

const CAPTURES = fileURLToPath(new URL('../../captures/', import.meta.url));
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailwitness-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function capture(name: string, script: string): string {
  const path = join(folder, `${name}.pcap`);
  writeFileSync(path, pcapOf(scriptPackets(script)));
  return path;
}

function comparing(inside: string, outside: string): Promise<Comparison> {
  return compare({ file: inside, interface: null }, { file: outside, interface: null }, { rules: catalog });
}

const lab = (inside: string, outside: string) => comparing(CAPTURES + inside, CAPTURES + outside);

/** Rule and confidence of what both sides prove. */
function proved({ analysis }: Comparison): string[] {
  return analysis.findings
    .filter(({ confidence }) => confidence === 'certain')
    .map(({ rule, args }) => `${rule} ${String(args.verb ?? args.keyword ?? '')}`.trim())
    .sort();
}

describe('the recorded pairs', () => {
  it.each<[string, string, string[]]>([
    [
      'asa-esmtp-inside.pcap',
      'asa-esmtp-outside.pcap',
      [
        'banner-masked',
        'capability-masked CHUNKING',
        'capability-masked STARTTLS',
        'capability-masked VRFY',
        'starttls-stripped STARTTLS',
        'verb-masked STARTTLS',
      ],
    ],
    ['pix-6-xxxx-inside.pcapng', 'pix-6-xxxx-outside.pcapng', ['banner-masked', 'verb-masked EHLO']],
    ['greeting-stalled-inside.pcap', 'greeting-stalled-outside.pcap', ['banner-masked', 'greeting-stalled']],
  ])('%s: what was done is certain', async (inside, outside, expected) => {
    const comparison = await lab(inside, outside);
    expect(comparison.unpaired).toEqual([]);
    expect(comparison.nearerServer).toBe('inside');
    expect([...new Set(proved(comparison))]).toEqual(expected);
  });
});

describe('a TLS handshake', () => {
  it.each([
    ['tls-lost', 'removed client null 160301'],
    ['tls-masked', 'altered server xs 160303'],
    ['tls-spoiled', 'altered client other 160301'],
  ])('%s: what became of it is told by its first octets', async (name, expected) => {
    const comparison = await lab(`${name}-inside.pcap`, `${name}-outside.pcap`);
    const told = comparison.pairs
      .flatMap(({ differences }) => differences)
      .filter(({ subject }) => subject === 'tls')
      .map(
        ({ change, direction, how, before }) =>
          `${change} ${direction} ${how} ${Buffer.from(before!.text, 'latin1').toString('hex').slice(0, 6)}`,
      );
    expect([...new Set(told)]).toEqual([expected]);
    expect(comparison.analysis.findings.map(({ rule, confidence }) => [rule, confidence])).toEqual([
      ['tls-handshake-broken', 'certain'],
    ]);
  });
});

describe('swapped sides', () => {
  it('are noticed, put right and told', async () => {
    const right = await lab('asa-esmtp-inside.pcap', 'asa-esmtp-outside.pcap');
    const swapped = await lab('asa-esmtp-outside.pcap', 'asa-esmtp-inside.pcap');
    expect([right.swapped, swapped.swapped]).toEqual([false, true]);
    expect(swapped.nearerServer).toBe('inside');
    expect(swapped.notes.join()).toContain('the other way round');
    expect(proved(swapped)).toEqual(proved(right));
    const told = ({ pairs }: Comparison) =>
      pairs.map(({ differences }) =>
        differences.map(({ change, subject, before, after }) => [
          change,
          subject,
          before?.text,
          before?.side,
          after?.text,
        ]),
      );
    expect(told(swapped)).toEqual(told(right));
  });
});

describe('one file with both sides', () => {
  it('named twice without a way to tell them apart is held against itself', async () => {
    const file = `${CAPTURES}control-postfix-inside.pcap`;
    const comparison = await comparing(file, file);
    expect(comparison.notes.join()).toContain('held against itself');
    expect(comparison.pairs.flatMap(({ differences }) => differences)).toEqual([]);
  });
});

const HELLO = 'S: 220 mx.example ESMTP\nC: EHLO client.example\nS: 250 mx.example\nC: QUIT\nS: 221 bye';

describe('what has nothing in common', () => {
  it('says so, with exit status 2', async () => {
    const inside = capture('one', `session C=192.0.2.10:40001 S=198.51.100.25:25\n${HELLO}`);
    const outside = capture(
      'other',
      `@ +864000\nsession\nsession\nsession C=203.0.113.9:51000 S=203.0.113.25:25\n${HELLO.replaceAll('example', 'invalid')}\nC: x`,
    );
    const { status, out, err } = await ran(['compare', '--inside', inside, '--outside', outside]);
    expect(status).toBe(2);
    expect(out).toMatch(/^\? The two captures have nothing in common/);
    expect(err).toContain('no session in common');
  });
});

describe('a hole in one capture', () => {
  const said = (from: number, to: number, letter = ':') =>
    Array.from(
      { length: to - from },
      (_, n) => `C${letter} NOOP ${(from + n) % 3}\nS${letter} 250 ok ${(from + n) % 3}`,
    ).join('\n');
  const begin = 'S: 220 mx.example\nC: EHLO client.example\nS: 250 mx.example';
  const end = 'C: QUIT\nS: 221 bye';

  it.each([
    [
      'in the middle of lines that are much alike',
      `${begin}\n${said(0, 10)}\n${said(10, 40, '?')}\n${said(40, 60)}\n${end}`,
    ],
    ['up to the end', `${begin}\n${said(0, 20)}\ncut\ntick 60`],
  ])('%s is no change', async (_, holed) => {
    const whole = capture('whole', `${begin}\n${said(0, 60)}\n${end}`);
    const part = capture('part', holed);
    for (const sides of [
      [whole, part],
      [part, whole],
    ] as const) {
      const { pairs } = await comparing(...sides);
      expect(pairs.length).toBe(1);
      expect(pairs[0]!.differences.filter(({ change }) => change !== 'unseen')).toEqual([]);
    }
  });
});

describe('the command', () => {
  const sides = [
    '--inside',
    `${CAPTURES}asa-esmtp-inside.pcap`,
    '--outside',
    `${CAPTURES}asa-esmtp-outside.pcap`,
  ];

  it('JSON is the report of both captures with pairs, by the published schema', async () => {
    const { status, out } = await ran(['compare', '-F', 'json', ...sides]);
    expect(status).toBe(1);
    const report = parseReport<{
      captures: unknown[];
      pairs: { inside: string; differences: unknown[] }[];
      comparison: { clock: { offset: number } };
    }>(out);
    expect(report.captures.length).toBe(2);
    expect(report.pairs.map(({ inside, differences }) => [inside, differences.length])).toEqual([
      ['s1', 4],
      ['s2', 5],
    ]);
    expect(Math.abs(report.comparison.clock.offset)).toBeLessThan(0.01);
  });

  it('ndjson is a line for each', async () => {
    const { out } = await ran(['compare', '-F', 'ndjson', ...sides]);
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });
    expect(lines.flatMap(lineErrors)).toEqual([]);
    expect(lines.filter(({ type }) => type === 'pair').length).toBe(2);
  });

  it('text holds both columns, with frame numbers and marks', async () => {
    const { out } = await ran(['compare', '--details', ...sides]);
    expect(out).toMatch(
      /(frame \d+) → \1 {2}command: overwritten with X’s, 8 bytes\n {2}STARTTLS +XXXXXXXX\n {2}\^{8} +\^{8}\n/,
    );
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it.each([
    ['control-postfix', 'pcap'],
    ['control-packet-loss', 'pcap'],
    ['compare-control', 'pcap.zst'],
  ])('exits with 0 where nothing was changed: %s', async (name, ending) => {
    const side = (of: string) => [`--${of}`, `${CAPTURES}${name}-${of}.${ending}`];
    const { status, out } = await ran(['compare', ...side('inside'), ...side('outside')]);
    expect(status).toBe(0);
    expect(out).toMatch(/^✓ Nothing was changed/);
  });

  it.each<[string[], RegExp]>([
    [['compare'], /compare needs --inside FILE and --outside FILE/],
    [['compare', '--inside', 'a'], /compare needs --inside FILE and --outside FILE/],
    [['compare', 'a', 'b'], /takes its captures by --inside and --outside, not 'a'/],
    [['compare', '--inside', '-', '--outside', '-'], /standard input can be read only once/],
    [['--quiet', 'compare'], /'compare' comes first/],
    [['compare', '--insde', 'a'], /unknown option '--insde'/],
  ])('%j is wrong usage', async (argv, message) => {
    const { status, out, err } = await ran(argv);
    expect([status, out]).toEqual([2, '']);
    expect(err).toMatch(message);
  });

  it('a missing file is reported, what is there is read', async () => {
    const { status, err } = await ran([
      'compare',
      '--inside',
      join(folder, 'absent.pcap'),
      '--outside',
      `${CAPTURES}asa-esmtp-outside.pcap`,
    ]);
    expect(status).toBe(2);
    expect(err).toContain('absent.pcap');
  });

  it('a capture cut short is compared as far as it goes', async () => {
    const cut = join(folder, 'cut.pcap');
    copyFileSync(`${CAPTURES}asa-esmtp-outside.pcap`, cut);
    const { truncateSync, statSync } = await import('node:fs');
    truncateSync(cut, Math.floor(statSync(cut).size / 2));
    const { status, out } = await ran([
      'compare',
      '--inside',
      `${CAPTURES}asa-esmtp-inside.pcap`,
      '--outside',
      cut,
    ]);
    expect(status).toBe(1);
    expect(out).toMatch(/changed the greeting/);
    expect(out).not.toContain('did not pass');
  });

  it('prints help', async () => {
    const { status, out } = await ran(['compare', '--help']);
    expect(status).toBe(0);
    for (const option of ['--inside', '--outside', '--inside-interface', '--format'])
      expect(out).toContain(option);
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});
