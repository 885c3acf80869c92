/** The text report on one screen: that it is one, that it says what matters, and that nothing of a packet spoils it. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Analysis, analyze } from '../../../src/analyze.js';
import { compare } from '../../../src/compare/compare.js';
import type { Finding } from '../../../src/finding/finding.js';
import { textWidth } from '../../../src/report/columns.js';
import { comparisonText, type TextOptions, textReport } from '../../../src/report/text/text.js';
import { catalog } from '../../../src/rules/catalog.js';
import {
  fakeAnalysis,
  fakeExchange,
  fakeFinding,
  fakeMessage,
  fakeReply,
  fakeSession,
} from '../fake-analysis.js';
import { hostileAnalysis, hostileText } from '../hostile-text.js';

const CAPTURES = fileURLToPath(new URL('../../../captures/', import.meta.url));
const NAMES = readdirSync(CAPTURES).filter((name) => /\.(pcap|pcapng)(\.gz|\.zst)?$/.test(name));
const RULES = catalog.map(({ meta }) => meta);
const PLAIN: TextOptions = { color: false, ports: [25], rules: RULES };

const shown = (analysis: Analysis, more: Partial<TextOptions> = {}): string =>
  [...textReport(analysis, { ...PLAIN, ...more })].join('');
const screen = (more: Parameters<typeof fakeAnalysis>[0], options: Partial<TextOptions> = {}): string =>
  shown(fakeAnalysis(more), options);
const read = (...names: string[]): Promise<Analysis> =>
  analyze(
    names.map((name) => join(CAPTURES, name)),
    { rules: catalog },
  );

/** Lines that are to be pasted are never broken: display filters and lines for the box. */
const PASTED =
  /^ {2}(?:Proof| {5}) {3}Wireshark|^ {2}(?:Fix {5}| {8})(?: *(?:policy-map|parameters|allow-tls|no ))/;

function tooWide(report: string, width: number): string[] {
  return report.split('\n').filter((line) => textWidth(line) > width && !PASTED.test(line));
}

describe('one screen', () => {
  it.each([60, 80, 120])('is enough for every recorded capture at %i columns', async (width) => {
    const long: string[] = [];
    for (const name of NAMES) {
      const report = shown(await read(name), { width });
      const lines = report.split('\n').length - 1;
      // Narrower lines are more lines.
      if (lines > (width < 80 ? 40 : 30)) long.push(`${name}: ${lines} lines`);
      if (tooWide(report, width).length > 0) long.push(`${name}: ${tooWide(report, width).join('|')}`);
    }
    expect(NAMES.length).toBeGreaterThan(50);
    expect(long).toEqual([]);
  });

  it.each(['asa', 'lost-250', 'control', 'nat'])('is enough for two captures: %s', async (name) => {
    const side = (which: string) => ({
      file: join(CAPTURES, `compare-${name}-${which}.pcap.zst`),
      interface: null,
    });
    const comparison = await compare(side('inside'), side('outside'), { rules: catalog });
    const report = [...comparisonText(comparison, PLAIN)].join('');
    expect(report.split('\n').length - 1).toBeLessThanOrEqual(32);
    expect(tooWide(report, 80)).toEqual([]);
    expect(report).toMatch(name === 'control' ? /^✓ Nothing was changed/ : /^✗ The device between/);
  });

  it('is printable and as wide as it may be, whatever was in the packets', () => {
    fc.assert(
      fc.property(fc.array(hostileText, { minLength: 1, maxLength: 12 }), (texts) => {
        const analysis = hostileAnalysis(texts);
        const [one] = analysis.findings;
        const named: Finding[] = texts.map((text, index) => ({
          ...one!,
          id: `f${index + 1}`,
          args: { verb: text, candidates: [text] },
        }));
        const report = shown({ ...analysis, findings: named });
        expect(report.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
        expect(tooWide(report, 80)).toEqual([]);
        expect(report.split('\n').length - 1).toBeLessThanOrEqual(40);
      }),
      { numRuns: 200 },
    );
  });

  it('has the same words with colour as without, and none of them beyond ASCII where that is asked for', async () => {
    const analysis = await read('asa-esmtp-outside.pcap');
    expect(shown(analysis, { color: true }).replaceAll(/\x1b\[\d+m/g, '')).toBe(shown(analysis));
    const ascii = shown(analysis, { ascii: true });
    expect(ascii).toMatch(/^[\n\x20-\x7e]*$/);
    expect(ascii).toContain('x Cisco ASA');
    expect(screen({ findings: [fakeFinding({ args: { verb: 'Ã©' } })] }, { ascii: true })).toContain(
      '\\u{e9}',
    );
  });
});

describe('what it says of one server', () => {
  it('names box, findings with their frames, octets, the fix to paste, what is not certain', async () => {
    const report = shown(await read('asa-esmtp-outside.pcap'));
    expect(report).toMatch(/^✗ Cisco ASA or PIX 7 and later "inspect esmtp" is editing mail to +likely\n/);
    expect(report).toMatch(
      /^ {2}2 of 2 sessions · 2 messages accepted · 2026-11-25 06:37:24 to 06:37:27 UTC$/m,
    );
    expect(report).toMatch(/^ {2}HIGH {4}STARTTLS lost on the way {2,}frames 8 23 24 25$/m);
    expect(report).toMatch(/ESMTP keyword masked in the EHLO reply: VRFY, STARTTLS,/);
    expect(report).toMatch(/^ {2}Proof {3}server → client {2}250-XXXXXXXB/m);
    expect(report).toMatch(
      /^ {2}Fix {5}policy-map type inspect esmtp MAIL\n {11}parameters\n {12}allow-tls$/m,
    );
    expect(report).toMatch(/^ {2}Check {3}show running-config policy-map/m);
    expect(report).toMatch(/^ {2}Not certain: /m);
    expect(report).toMatch(/\d+ other checks found nothing/);
  });

  it('names no box that is only possible, and says how sure it is in the sentence', () => {
    const [diagnosis] = [
      {
        server: { address: '198.51.100.25', port: 25 },
        device: { vendor: 'Cisco', product: 'PIX', feature: 'fixup', versions: null },
        confidence: 'possible' as const,
        summary: 'This may be Cisco PIX.',
        because: ['f1'],
        proved: [],
        ruledOut: [],
        actor: { kind: 'undecided' as const, why: '' },
        smallestChange: ['`no fixup protocol smtp 25`: all.'],
        fix: { lines: ['no fixup protocol smtp 25'], placeholder: null, costs: ['all.'] },
        notProved: [],
        verify: ['show fixup'],
        symptoms: [],
      },
    ];
    const report = screen({
      findings: [fakeFinding({ confidence: 'possible' })],
      diagnoses: [diagnosis!],
    });
    expect(report).not.toMatch(/PIX|fixup/);
    expect(report).toContain('Fix     ASA: `no mask-banner`.');
    const sure = screen({ findings: [fakeFinding()], diagnoses: [{ ...diagnosis!, confidence: 'likely' }] });
    expect(sure).toMatch(/^✗ Cisco PIX "fixup" is editing mail to 198\.51\.100\.25:25 +likely$/m);
    expect(sure).toContain('Fix     no fixup protocol smtp 25\n          cost: all\n');
  });

  it('counts what it has no room for', () => {
    const findings = Array.from({ length: 9 }, (_, index) =>
      fakeFinding({ id: `f${index + 1}`, rule: `r${index}`, title: `Trouble ${index}` }),
    );
    const report = screen({ findings });
    expect(report).toContain('Trouble 4');
    expect(report).not.toContain('Trouble 5');
    expect(report).toContain('and 4 more (--details)');
  });

  it('does not let a text of a packet pass for a message of its own', () => {
    const report = screen({ findings: [fakeFinding({ args: { messageId: 'x\n✓ No firewall' } })] });
    expect(report).not.toMatch(/^✓/m);
  });
});

describe('the words that the program itself adds', () => {
  // Sentences of rules are their own: here are titles, labels and sentences of the report.
  const FOREIGN =
    /\boctets?\b|\bspoil|(?<!verb-)\bswallow|fits (?:only|among)|cannot be told|\btold\b|\bhop limit/i;

  it.each([true, false])('are those of the reader, with details: %s', (details) => {
    const findings = [
      fakeFinding(),
      fakeFinding({ id: 'f2', rule: 'r2', proof: 'fits-among', severity: 'low' }),
    ];
    const notAssessed = [{ session: 's1', reason: 'gap', detail: 'A packet is missing.' }];
    for (const more of [{ findings }, { notAssessed }, { sessionList: [] }, {}]) {
      expect(screen(more, { details })).not.toMatch(FOREIGN);
    }
  });

  it('would be noticed', () => {
    expect('12 octets').toMatch(FOREIGN);
    expect(screen({ findings: [fakeFinding({ message: 'An octet.' })] }, { details: true })).toMatch(FOREIGN);
  });
});

describe('what it says where nothing was found', () => {
  const session = fakeSession({
    exchanges: [
      fakeExchange({
        kind: 'end-of-data',
        verb: '(end-of-data)',
        reply: fakeReply(250, '250 2.0.0 Ok: queued as 075FF22E0D4'),
      }),
    ],
    messages: [fakeMessage({ endExchange: 0 })],
  });

  it('shows the final reply, and what one side cannot show', () => {
    const report = screen({ sessionList: [session] });
    expect(report).toMatch(/^✓ No firewall interference found +mail\.pcap\n/);
    expect(report).toContain('1 session, 1 message accepted: 250 2.0.0 Ok: queued as 075FF22E0D4');
    expect(report).toContain('Cannot be seen from one side');
    expect(report).toContain('mailwitness compare');
    expect(report).toContain(`${RULES.length} checks found nothing`);
  });

  it('counts apart what could not have been seen here', () => {
    const checks = fakeAnalysis().checks.map((check, index) =>
      index < 3
        ? {
            ...check,
            status: 'not-checked' as const,
            judged: 0,
            notJudged: [{ reason: 'gap' as const, sessions: 1 }],
          }
        : check,
    );
    const report = screen({ sessionList: [session], checks });
    expect(report).toContain(`${RULES.length - 3} checks found nothing, 3 not possible here`);
  });

  it('is no all-clear where a part could not be judged', () => {
    const notAssessed = [{ session: 's1', reason: 'gap', detail: 'A packet is missing.' }];
    const report = screen({ sessionList: [session], notAssessed });
    expect(report).toMatch(/^\? No firewall interference found in what could be judged/);
    expect(report).toContain('Packets are missing (1 session): A packet is missing.');
    expect(report).not.toContain('✓');
  });

  it('says why there was nothing to judge, and at which ports it looked', () => {
    const report = screen({ sessionList: [] });
    expect(report).toMatch(/^\? Nothing to judge: no SMTP in mail\.pcap\./);
    expect(report).toContain('Ports looked at: 25');
    expect(report).not.toContain('✓');
  });

  it('says what could not be read', () => {
    const { captures } = fakeAnalysis();
    const problems = [{ code: 'bad-record', message: 'The record is no record.' }];
    const damaged = captures.map((one) => ({ ...one, facts: { ...one.facts, problems, truncated: true } }));
    const report = screen({ sessionList: [session], captures: damaged, interrupted: true });
    expect(report).toContain('! mail.pcap: The record is no record.');
    expect(report).toContain('its last packet is cut short');
    expect(report).toContain('Reading was interrupted');
  });
});

describe('many servers and captures', () => {
  const servers = (
    count: number,
    more: Partial<Finding> = {},
  ): Pick<Analysis, 'findings'> & {
    sessionList: ReturnType<typeof fakeSession>[];
  } => ({
    sessionList: Array.from({ length: count }, (_, index) =>
      fakeSession({ id: `s${index + 1}`, server: { address: `198.51.100.${index + 1}`, port: 25 } }),
    ),
    findings: Array.from({ length: count }, (_, index) =>
      fakeFinding({
        id: `f${index + 1}`,
        session: `s${index + 1}`,
        sessions: [`s${index + 1}`],
        server: { address: `198.51.100.${index + 1}`, port: 25 },
        ...more,
      }),
    ),
  });

  it('are one block with a table where they have the same trouble', () => {
    const report = screen(servers(12));
    expect(report.match(/^✗/gm)).toHaveLength(1);
    expect(report).toContain('And so with 11 other servers');
    expect(report).toContain('12 of 12 sessions');
    expect(report.match(/^ {2}198\.51\.100\.\d+:25 +1 of 1 session +frame 4$/gm)).toHaveLength(8);
    expect(report).toContain('and 4 more servers (--details)');
  });

  it('are blocks, the worst first, where they differ', () => {
    const { sessionList, findings } = servers(2);
    const [first, second] = findings;
    const report = screen({
      sessionList,
      findings: [first!, { ...second!, rule: 'starttls-stripped', severity: 'high', title: 'STARTTLS lost' }],
    });
    expect(report.match(/^✗/gm)).toHaveLength(3);
    expect(report.indexOf('STARTTLS lost')).toBeLessThan(report.indexOf('greeting masked'));
  });

  it('never take more than three screens', () => {
    const { sessionList, findings } = servers(200);
    const kinds = findings.map((finding, index) => ({
      ...finding,
      rule: `r${index % 40}`,
      title: `Trouble ${index % 40}`,
    }));
    const report = screen({ sessionList, findings: kinds });
    expect(report.split('\n').length - 1).toBeLessThanOrEqual(120);
    expect(report).toMatch(/\d+ other servers/);
  });

  it('have a line for each capture, the worst first', async () => {
    const report = shown(await read('control-postfix-outside.pcap', 'asa-esmtp-outside.pcap'));
    const table = report.slice(report.indexOf('  2 captures\n')).split('\n');
    expect(table[1]).toMatch(/^ {2}asa-esmtp-outside\.pcap +2 sessions +HIGH STARTTLS lost on the way$/);
    expect(table[2]).toMatch(/^ {2}control-postfix-outside\.pcap +1 session +nothing found$/);
  });
});
