import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { parse, type DefaultTreeAdapterTypes as Tree } from 'parse5';
import { describe, expect, it } from 'vitest';
import { type HtmlOptions, htmlReport } from '../../../src/report/page/html.js';
import { html, verbatim } from '../../../src/report/page/markup.js';
import { maskedText, packetText, prose } from '../../../src/report/page/packet-text.js';
import { STYLE_SHEET } from '../../../src/report/page/style-sheet.js';
import { catalog } from '../../../src/rules/catalog.js';
import { runs } from '../../support/extent.js';
import {
  fakeAnalysis,
  fakeExchange,
  fakeFinding,
  fakeLine,
  fakeReply,
  fakeSession,
  TIME,
} from '../fake-analysis.js';
import { elements, foreign, UNSAFE_HTML } from '../ticket/live-markup.js';

const OPTIONS: HtmlOptions = { ports: [25], rules: catalog.map(({ meta }) => meta), version: '0.0.0' };

function page(more: Parameters<typeof fakeAnalysis>[0] = {}, options = OPTIONS): string {
  return [...htmlReport(fakeAnalysis(more), options)].join('');
}

function textOf(node: Tree.Node): string {
  if (node.nodeName === '#text') return (node as Tree.TextNode).value;
  if (node.nodeName === 'style' || !('childNodes' in node)) return '';
  return node.childNodes.map(textOf).join('');
}

const HOSTILE = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '</style><style>*{display:none}</style>',
  '</title><iframe src=//198.51.100.1>',
  '<!--',
  ']]>',
  '&lt;b&gt;&#x3c;b&#x3e;',
  '\x1b[2J\x1b]0;owned\x07',
  '\u202egnp.exe\u202c',
  'a\u200bb\ufeffc',
  '`<b>`',
  '****<b>***',
  'XXXX<b>XXXX',
  '\x00\x08\x7f\x9b',
  '<svg/onload=alert(1)>',
  'javascript:alert(1)',
];

function hostileAnalysis(text: string): Parameters<typeof fakeAnalysis>[0] {
  const line = fakeLine(text, { direction: 'client', frame: 6, lastFrame: 6 });
  const exchanges = [
    fakeExchange({ kind: 'greeting', verb: '(greeting)', line: null, reply: fakeReply(220, text, text) }),
    fakeExchange({ verb: text, argument: text, line, reply: fakeReply(500, text) }),
  ];
  const address = text;
  return {
    sessionList: [fakeSession({ exchanges, client: { address, port: 1 }, server: { address, port: 25 } })],
    findings: [
      fakeFinding({
        title: text,
        message: text,
        args: { attempts: [`s1 at +0 s, ${text}`, text], product: text, verb: text, messageId: text },
        rule: 'duplicate-delivery',
        evidence: [
          { capture: 0, packet: 4, time: TIME, direction: 'server', offset: 0, excerpt: text, note: text },
          { capture: 0, packet: 6, time: TIME, direction: 'client', offset: 0, excerpt: text, note: text },
        ],
        remedy: [text],
        references: [text],
        symptoms: [],
        server: { address, port: 25 },
        witnesses: [{ source: 'asa-log', line: 1, text, joinedBy: 'addresses-and-ports', confirms: true }],
      }),
      fakeFinding({ id: 'f2', rule: 'banner-proxy', args: { product: text }, severity: 'info' }),
    ],
    diagnoses: [
      {
        server: { address, port: 25 },
        device: { vendor: text, product: text, feature: text, versions: text },
        confidence: 'likely',
        summary: text,
        because: ['f1'],
        proved: [{ what: text, proof: 'octets', findings: ['f1'], source: text }],
        ruledOut: [text],
        actor: { kind: 'appliance', why: text },
        smallestChange: [text],
        fix: null,
        notProved: [text],
        verify: [text],
        symptoms: [],
      },
    ],
    notAssessed: [{ session: 's1', reason: text, detail: text }],
    captures: [
      {
        file: text,
        facts: {
          format: 'pcap',
          linkTypes: [1],
          packets: 1,
          bytes: 1,
          first: TIME,
          last: TIME,
          truncated: true,
          problems: [{ code: 'x', message: text }],
        },
        skipped: { [text]: 1 },
      },
    ],
  };
}

describe('hostile text', () => {
  it.each(HOSTILE)('%j becomes nothing but text', (text) => {
    const report = page(hostileAnalysis(text));
    expect(foreign(report)).toEqual([]);
    expect(report).not.toMatch(UNSAFE_HTML);
    expect(report).not.toMatch(/<script|<img|<iframe|<b>|<!--/i);
  });

  it('finds nothing foreign whatever is read', () => {
    const bit = fc.oneof(
      fc.constantFrom(...HOSTILE),
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.constantFrom('<', '>', '"', "'", '&', '/', '=', '`', ' '),
    );
    fc.assert(
      fc.property(fc.array(bit, { maxLength: 8 }), (bits) => {
        const report = page(hostileAnalysis(bits.join('')));
        expect(foreign(report)).toEqual([]);
        expect(report).not.toMatch(UNSAFE_HTML);
      }),
      { numRuns: runs(200) },
    );
  });

  it('would notice what is foreign', () => {
    expect(foreign('<p onclick="x">a<script></script>')).toEqual(['<p onclick>', '<script>']);
    expect(html`<p>${'<b>'}${verbatim('<i>')}${['&', null, 1]}</p>`.text).toBe('<p>&lt;b&gt;<i>&amp;1</p>');
  });
});

describe('the policy', () => {
  it('allows the one style sheet and nothing else', () => {
    const document = parse(page());
    const [style, ...others] = [...elements(document)].filter(({ tagName }) => tagName === 'style');
    expect(others).toEqual([]);
    const sheet = (style!.childNodes[0] as Tree.TextNode).value;
    const digest = createHash('sha256').update(sheet).digest('base64');
    const policy = [...elements(document)]
      .find(({ attrs }) => attrs.some(({ value }) => value === 'Content-Security-Policy'))!
      .attrs.find(({ name }) => name === 'content')!.value;
    expect(policy).toBe(
      `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'`,
    );
    expect(sheet).not.toMatch(/url\(|@import|@font-face|expression/i);
  });

  it('stands in front of everything that it is for', () => {
    const tags = [...elements(parse(page()))].map(({ tagName }) => tagName);
    expect(tags.slice(0, 4)).toEqual(['html', 'head', 'meta', 'meta']);
  });
});

describe('what is private', () => {
  it.each([
    ['MAIL FROM:<anna.berg@example.com> SIZE=1', 'MAIL FROM:<…@example.com> SIZE=1'],
    ['RCPT TO:<"anna b"@example.com>', 'RCPT TO:<…@example.com>'],
    ['RCPT TO:<a@b.example> ORCPT=rfc822;a@b.example', 'RCPT TO:<…@b.example> ORCPT=rfc822;…@b.example'],
    ['VRFY postmaster', 'VRFY postmaster'],
    ['250 2.1.5 <anna@[192.0.2.1]>... ok', '250 2.1.5 <…@[192.0.2.1]>... ok'],
    ['a @ b', 'a @ b'],
  ])('%s', (text, shown) => {
    expect(packetText(text)).toBe(shown);
  });

  it('leaves the folder of a capture out', () => {
    const [capture] = fakeAnalysis().captures;
    const report = page({ captures: [{ ...capture!, file: '/home/anna/tickets/mail.pcap' }] });
    expect(report).toContain('mail.pcap');
    expect(report).not.toContain('anna');
  });
});

const marked = (text: string): string => html`${maskedText(text)}`.text;

describe('masks', () => {
  it.each([
    ['220 ****2**0***', '220 <mark>****</mark>2<mark>**</mark>0<mark>***</mark>'],
    ['250-XXXXXXXB', '250-<mark>XXXXXXXB</mark>'],
    ['500 5.5.1 "XXXX a"', '500 5.5.1 &quot;<mark>XXXX</mark> a&quot;'],
    ['250 ** ok', '250 ** ok'],
    ['250 XI', '250 <mark>XI</mark>'],
    ['250-XX of', '250-XX of'],
    ['220 mx ESMTP', '220 mx ESMTP'],
  ])('%s', (text, shown) => {
    expect(marked(text)).toBe(shown);
  });

  it('shows commands between backticks as such, and an odd backtick as it is', () => {
    expect(html`${prose('ASA: `no mask-banner` <x>')}`.text).toBe(
      'ASA: <code>no mask-banner</code> &lt;x&gt;',
    );
    expect(html`${prose('a ` b')}`.text).toBe('a ` b');
  });
});

describe('limits', () => {
  it('does not grow with the findings', () => {
    const findings = Array.from({ length: 10_000 }, (_, index) =>
      fakeFinding({
        id: `f${index + 1}`,
        rule: catalog[index % catalog.length]!.meta.id,
        severity: 'high',
        confidence: (['certain', 'likely', 'possible'] as const)[index % 3]!,
        message: `${'long '.repeat(60)}${index}`,
        server: { address: `198.51.100.${index % 50}`, port: 25 },
      }),
    );
    const report = page({ findings });
    expect(report.length).toBeLessThan(2_000_000);
    expect(report).toContain('more server');
    expect(report).toContain('more finding');
    expect(foreign(report)).toEqual([]);
  });

  it('shows at most 40 rows of a dialogue and says how many more there are', () => {
    const exchanges = Array.from({ length: 500 }, (_, index) =>
      fakeExchange({
        line: fakeLine('NOOP', { direction: 'client', frame: index, lastFrame: index, offset: index }),
        reply: fakeReply(250, '250 ok'),
      }),
    );
    const report = page({ sessionList: [fakeSession({ exchanges })] });
    expect(report.split('<tr class=').length - 1).toBe(41);
    expect(report).toContain('more rows');
  });

  it('cuts a line that is long', () => {
    expect(packetText('a'.repeat(10_000)).length).toBeLessThanOrEqual(201);
  });
});

describe('what it says', () => {
  it('of a clean capture: not seen, and good enough to have seen it', () => {
    const text = textOf(parse(page()));
    expect(text).toContain('No sign of a firewall editing mail in 1 session.');
    expect(text).toMatch(
      /\d\d kinds of interference .* not seen\. The capture is good enough to have seen them\./,
    );
    expect(text).toMatch(/Looked for and not found: \d\d kinds/);
  });

  it('of a capture with gaps: that it may have missed something', () => {
    const text = textOf(
      parse(page({ notAssessed: [{ session: 's1', reason: 'gap', detail: '1 gap(s) in the streams.' }] })),
    );
    expect(text).not.toContain('good enough');
    expect(text).toContain('only in part: packets are missing. What is absent there proves nothing.');
  });

  it('of nothing: that there was nothing to judge', () => {
    expect(textOf(parse(page({ captures: [], sessionList: [] })))).toContain('Nothing to judge');
  });

  it('of a finding: severity in a word and a shape, the frame, the filter, the cure, the source', () => {
    const text = textOf(parse(page({ findings: [fakeFinding()] })));
    for (const part of [
      '▲ MEDIUM',
      'certain, proved by the bytes',
      'frame 4',
      'frame.number in {4}',
      'no mask-banner',
      'KB 320027 (symptom 1)',
      '00ff00ff00ff00ff',
      'What to change',
      'How to verify',
    ]) {
      expect(text).toContain(part);
    }
  });

  it('once, the same for the same input', () => {
    expect(page({ findings: [fakeFinding()] })).toBe(page({ findings: [fakeFinding()] }));
  });
});

/** Relative luminance, WCAG 2.2. */
function luminance(color: string): number {
  const [red, green, blue] = [1, 3, 5]
    .map((at) => Number.parseInt(color.slice(at, at + 2), 16) / 255)
    .map((share) => (share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4)) as [
    number,
    number,
    number,
  ];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

describe('colours', () => {
  const schemes = STYLE_SHEET.split('@media screen and (prefers-color-scheme: dark)')
    .slice(0, 2)
    .map((part) =>
      Object.fromEntries(
        [...part.slice(0, part.indexOf('* {')).matchAll(/--([a-z-]+): (#[0-9a-f]{6});/g)].map(
          ([, name, value]) => [name!, value!] as const,
        ),
      ),
    );
  const cases = schemes.flatMap((colors, index) =>
    ['ink', 'dim', 'high', 'medium', 'low', 'info', 'good', 'accent'].flatMap((name) =>
      ['paper', 'panel'].map((under) => [['light', 'dark'][index]!, name, under, colors] as const),
    ),
  );

  it.each(cases)('%s: %s can be read on %s', (_, name, under, colors) => {
    expect(contrast(colors[name]!, colors[under]!)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(schemes)('masked octets can be read, and bars be seen', (colors) => {
    expect(contrast(colors['mask-ink']!, colors.mask!)).toBeGreaterThanOrEqual(4.5);
    for (const name of ['bar-found', 'bar-clean']) {
      expect(contrast(colors[name]!, colors.paper!)).toBeGreaterThanOrEqual(3);
    }
  });

  it('is held against known values', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21);
    expect(contrast('#767676', '#ffffff')).toBeCloseTo(4.54, 1);
  });
});
