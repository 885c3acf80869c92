/** Reports of two captures for people and trackers: what they hold, and that nothing of a packet is live in them. */
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Comparison, compare } from '../../src/compare/compare.js';
import type { Change, Difference, Spot, Subject } from '../../src/compare/pair.js';
import { stretches } from '../../src/report/document/changed-octets.js';
import { comparisonHtml } from '../../src/report/page/html.js';
import { comparisonText } from '../../src/report/text/text.js';
import { comparisonJira } from '../../src/report/ticket/jira.js';
import { comparisonMarkdown } from '../../src/report/ticket/markdown.js';
import { catalog } from '../../src/rules/catalog.js';
import { ran } from '../cli/fake-io.js';
import { runs } from '../support/extent.js';
import { HOSTILE, hostileAnalysis, hostileText } from './hostile-text.js';
import { foreign, html, liveInHtml, liveInJira, UNSAFE_HTML } from './ticket/live-markup.js';

const CAPTURES = fileURLToPath(new URL('../../captures/', import.meta.url));
const RULES = catalog.map(({ meta }) => meta);

const page = (comparison: Comparison): string =>
  [...comparisonHtml(comparison, { rules: RULES, version: '0.0.0' })].join('');
const markdown = (comparison: Comparison): string =>
  [...comparisonMarkdown(comparison, { rules: RULES })].join('');
const jira = (comparison: Comparison): string => [...comparisonJira(comparison, { rules: RULES })].join('');
const text = (comparison: Comparison): string =>
  [...comparisonText(comparison, { color: false, details: true })].join('');

function lab(name: string): Promise<Comparison> {
  const side = (which: string) => ({
    file: `${CAPTURES}compare-${name}-${which}.pcap.zst`,
    interface: null,
  });
  return compare(side('inside'), side('outside'), { rules: catalog });
}

/** Tags away, entities back. */
function shown(report: string): string {
  return report
    .replace(/<style>[\s\S]*?<\/style>/, '')
    .replace(/<[^>]*>/g, '')
    .replace(/&quot;/g, '"')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&');
}

function difference(
  change: Change,
  subject: Subject,
  before: string | null,
  after: string | null,
): Difference {
  const spot = (side: 'inside' | 'outside', octets: string | null): Spot | null =>
    octets === null
      ? null
      : { side, session: side === 'inside' ? 's1' : 's2', capture: 0, packet: 4, offset: 0, text: octets };
  return {
    change,
    subject,
    how: change === 'altered' ? 'other' : null,
    direction: 'server',
    verb: before ?? after,
    before: spot('inside', before),
    after: spot('outside', after),
    octets: 1,
    ranges: before === null ? [] : [[0, Math.ceil(before.length / 2)]],
  };
}

/** That text in all that two captures can hold. */
function hostileComparison(texts: readonly string[]): Comparison {
  let next = 0;
  const hostile = (): string => texts[next++ % texts.length]!;
  const analysis = hostileAnalysis(texts);
  return {
    analysis: { ...analysis, captures: [...analysis.captures, ...analysis.captures] },
    pairs: [
      {
        inside: 1,
        outside: 2,
        matchedBy: ['dialogue'],
        clockOffsetUs: null,
        droppedDifferences: 0,
        differences: [
          difference('altered', 'greeting', hostile(), hostile()),
          difference('removed', 'command', hostile(), null),
          difference('answered', 'reply', null, hostile()),
          difference('altered', 'mss', hostile(), hostile()),
        ],
      },
    ],
    unpaired: [{ side: 'inside', session: 3, reason: 'ambiguous', detail: hostile() }],
    clock: null,
    nearerServer: null,
    nearerServerBecause: hostile(),
    accepted: [null, null],
    swapped: false,
    notes: [hostile()],
  };
}

describe('hostile text of two captures', () => {
  it.each(HOSTILE)('is not live: %j', (octets) => {
    const comparison = hostileComparison([octets]);
    expect(foreign(page(comparison))).toEqual([]);
    expect(page(comparison)).not.toMatch(UNSAFE_HTML);
    expect(liveInHtml(html(markdown(comparison)))).toEqual([]);
    expect(liveInJira(jira(comparison))).toEqual([]);
    expect(text(comparison)).not.toMatch(UNSAFE_HTML);
  });

  it('is not live whatever it is', () => {
    fc.assert(
      fc.property(fc.array(hostileText, { minLength: 1, maxLength: 8 }), (texts) => {
        const comparison = hostileComparison(texts);
        expect(foreign(page(comparison))).toEqual([]);
        expect(page(comparison)).not.toMatch(UNSAFE_HTML);
        expect(liveInHtml(html(markdown(comparison)))).toEqual([]);
        expect(liveInJira(jira(comparison))).toEqual([]);
      }),
      { numRuns: runs(100) },
    );
  });
});

describe('a comparison in every form', () => {
  let asa: Comparison;
  let control: Comparison;

  beforeAll(async () => {
    asa = await lab('asa');
    control = await lab('control');
  });

  it('shows both sides beside each other in HTML, the changed octets marked', () => {
    const report = page(asa);
    expect(report).toContain('220 <mark>mx.example.com ESMTP Postfix</mark>');
    expect(report).toContain('220 <mark>****************************</mark>');
    expect(report).toContain('<th scope="col">Client’s side (outside)</th>');
    expect(report).toContain('How the two captures were compared');
    expect(report).toContain('inside frame 26');
    expect(shown(report)).not.toContain('capture 1 frame');
  });

  it('says in each form what was changed, how it was found out, and how to check', () => {
    for (const report of [shown(page(asa)), markdown(asa), jira(asa), text(asa)]) {
      expect(report).toMatch(/The device between the two captures\s+changed the greeting/);
      expect(report).toMatch(/sequence\s+numbers/);
      expect(report).toContain('overwritten with asterisks, 28 bytes');
      expect(report).toMatch(/both captures\s+together/);
    }
    expect(markdown(asa)).toContain('mailwitness compare --inside inside.pcap --outside outside.pcap');
    expect(markdown(asa)).toContain(
      [
        '  sent     (inside, frame 8)   250-STARTTLS',
        '                                   ^^^^^^^^',
        '  arrived  (outside, frame 8)  250-XXXXXXXB',
        '                                   ^^^^^^^^',
      ].join('\n'),
    );
  });

  it('does not say unchanged of what is wrong on one side without saying that it is', async () => {
    const side = (which: string) => ({ file: `${CAPTURES}blocked-reset-${which}.pcap`, interface: null });
    const refused = await compare(side('inside'), side('outside'), { rules: catalog });
    for (const report of [shown(page(refused)), markdown(refused), jira(refused), text(refused)]) {
      expect(report.replaceAll(/\s+/g, ' ')).toMatch(
        /Nothing was changed [^.]*\. Mail has trouble all the same: 1 finding, see below\./,
      );
    }
    expect(shown(page(refused))).toContain('◐ The same on both sides, and yet not in order');
    expect(text(control)).not.toContain('Mail has trouble');
    expect(shown(page(control))).toContain('✔ The same on both sides');
  });

  it('says of a control that nothing was changed', () => {
    for (const report of [shown(page(control)), markdown(control), jira(control), text(control)]) {
      expect(report).toMatch(/Nothing was changed between the two captures/);
      expect(report).not.toMatch(/What was changed on the way|overwritten with asterisks/);
    }
  });

  it('explains marks only where there are some', async () => {
    expect(page(asa)).toContain('<mark>Marked</mark> bytes');
    const lost = page(await lab('lost-250'));
    expect(lost).toContain('<span class="none">nothing</span>');
    expect(lost).not.toContain('<mark>Marked</mark>');
  });

  it('takes the names of mailboxes out of the page', () => {
    const comparison = hostileComparison(['RCPT TO:<anna@example.com>']);
    const [octets = ''] = /<table class="sides">[\s\S]*?<\/table>/.exec(page(comparison)) ?? [];
    expect(shown(octets)).toContain('....@example.com');
    expect(octets).not.toContain('anna');
  });

  it.each([
    ['csv', /^finding,fingerprint,/],
    ['csv-sessions', /^session,capture,/],
    ['sarif', /"version": ?"2\.1\.0"/],
    ['junit', /^<\?xml/],
    ['eve', /"event_type": ?"/],
    ['zeek', /"uid"/],
    ['jira', /^h2\. The device between/],
  ])('is told as %s by the program', async (format, expected) => {
    const sides = ['--inside', `${CAPTURES}compare-asa-inside.pcap.zst`];
    sides.push('--outside', `${CAPTURES}compare-asa-outside.pcap.zst`);
    const { status, out, err } = await ran(['compare', '-F', format, ...sides]);
    expect({ status, err }).toEqual({ status: 1, err: '' });
    expect(out).toMatch(expected);
  });
});

describe('what of a line is shown', () => {
  const shownOf = (octets: string, ranges: [number, number][], limit: number): string =>
    stretches(octets, ranges, limit)
      .map(({ text: part, changed }) => (changed ? `[${part}]` : part))
      .join('');

  it.each<[string, [number, number][], number, string]>([
    ['250-VRFY', [[4, 8]], 100, '250-[VRFY]'],
    [
      '250-VRFY',
      [
        [0, 1],
        [7, 8],
      ],
      100,
      '[2]50-VRF[Y]',
    ],
    [`${'a'.repeat(200)}b`, [[200, 201]], 30, `…${'a'.repeat(24)}[b]`],
    ['abcdef', [[2, 90]], 4, 'ab[cd]…'],
    ['a\x1bb', [[1, 2]], 100, 'a[\\x1b]b'],
    ['abc', [], 100, 'abc'],
  ])('%j %j in %i octets: %s', (octets, ranges, limit, expected) => {
    expect(shownOf(octets, ranges, limit)).toBe(expected);
  });
});
