import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../../src/finding/finding.js';
import { textWidth } from '../../../src/report/columns.js';
import { type TextOptions, textReport } from '../../../src/report/text/text.js';
import { fakeAnalysis, fakeFinding, fakeSession } from '../fake-analysis.js';

const PLAIN: TextOptions = {
  color: false,
  details: true,
  ports: [25],
  rules: [
    { id: 'banner-masked', title: 'Greeting masked' },
    { id: 'verb-masked', title: 'Command masked' },
  ],
};

function text(more: Parameters<typeof fakeAnalysis>[0] = {}, options: TextOptions = PLAIN): string {
  return [...textReport(fakeAnalysis(more), options)].join('');
}

/** The first paragraph, on one line. */
function verdictOf(report: string): string {
  return report.split('\n\n')[0]!.replaceAll('\n', ' ').trim();
}

function finding(rule: string, more: Partial<Finding> = {}): Finding {
  return fakeFinding({ rule, severity: 'high', ...more });
}

describe('the verdict', () => {
  const cases: [string, Finding[], string][] = [
    ['nothing', [], 'No sign of a firewall editing mail in 1 session.'],
    [
      'one deed',
      [finding('banner-masked')],
      "A firewall between 192.0.2.10 and 198.51.100.25 overwrote the server's greeting.",
    ],
    [
      'keywords of one server are counted',
      [finding('banner-masked'), finding('capability-masked'), finding('capability-masked')],
      "A firewall between 192.0.2.10 and 198.51.100.25 overwrote the server's greeting and hid 2 ESMTP keywords.",
    ],
    [
      'likely',
      [finding('verb-swallowed', { confidence: 'likely', args: { verb: 'EHLO' } })],
      'A firewall between 192.0.2.10 and 198.51.100.25 probably swallowed EHLO.',
    ],
    [
      'possible',
      [
        finding('auth-dropped', { confidence: 'possible' }),
        finding('starttls-stripped', { confidence: 'possible' }),
        finding('capability-masked', { confidence: 'possible' }),
      ],
      "Between 192.0.2.10 and 198.51.100.25, something may have hidden an ESMTP keyword and taken AUTH and STARTTLS away; the server's own policy, a load balancer, the sender, the path or a firewall may be why.",
    ],
    [
      'two levels',
      [finding('banner-masked'), finding('auth-dropped', { confidence: 'likely' })],
      "A firewall between 192.0.2.10 and 198.51.100.25 overwrote the server's greeting, and probably took AUTH away.",
    ],
    [
      'a verb is told once',
      [finding('starttls-stripped'), finding('verb-masked', { args: { verb: 'STARTTLS' } })],
      'A firewall between 192.0.2.10 and 198.51.100.25 took STARTTLS away.',
    ],
    [
      'consequences',
      [finding('banner-masked'), finding('duplicate-delivery', { args: { copies: 6 } })],
      "A firewall between 192.0.2.10 and 198.51.100.25 overwrote the server's greeting; a message was sent 6 times.",
    ],
    [
      'a proxy is named',
      [finding('banner-proxy', { confidence: 'likely', args: { product: 'avast! SMTP proxy' } })],
      "A firewall or proxy between 192.0.2.10 and 198.51.100.25 probably answered in the server's place (avast! SMTP proxy).",
    ],
    [
      'consequences alone do not accuse',
      [finding('end-of-data-unacknowledged')],
      'Between 192.0.2.10 and 198.51.100.25, the end of a message was never answered; a firewall may be why.',
    ],
    [
      'notes do not accuse',
      [finding('verb-rejected', { severity: 'info' })],
      'No sign of a firewall editing mail in 1 session, and 1 note.',
    ],
    [
      'a rule that it does not know',
      [finding('something-new')],
      'Mail between 192.0.2.10 and 198.51.100.25 met something that is no plain SMTP.',
    ],
  ];
  it.each(cases)('%s', (_, findings, sentence) => {
    expect(verdictOf(text({ findings }))).toBe(sentence);
  });

  it('counts clients and servers', () => {
    const sessionList = [
      fakeSession(),
      fakeSession({ id: 's2', client: { address: '192.0.2.11', port: 1 } }),
    ];
    const findings = [
      finding('banner-masked', { sessions: ['s1', 's2'] }),
      finding('banner-masked', { server: { address: '198.51.100.26', port: 25 } }),
    ];
    expect(verdictOf(text({ findings, sessionList }))).toBe(
      "A firewall between 2 clients and 2 servers overwrote the server's greeting.",
    );
  });

  it('says when there was nothing to judge, and why', () => {
    const [capture] = fakeAnalysis().captures;
    const problems = [{ code: 'not-a-capture', message: 'This is no capture.' }];
    const bad = { ...capture!, facts: { ...capture!.facts, packets: 0, problems } };
    const empty = { ...capture!, facts: { ...capture!.facts, packets: 0 } };
    const http = fakeSession({ protocol: 'http' });
    expect(verdictOf(text({ sessionList: [] }))).toBe('Nothing to judge: no SMTP in mail.pcap.');
    expect(verdictOf(text({ sessionList: [http] }))).toBe(
      'Nothing to judge: no SMTP in mail.pcap (1 connection to its ports carried none).',
    );
    expect(verdictOf(text({ sessionList: [], captures: [bad] }))).toBe(
      'Nothing to judge: mail.pcap could not be read.',
    );
    expect(verdictOf(text({ sessionList: [], captures: [empty] }))).toBe(
      'Nothing to judge: there is no packet in mail.pcap.',
    );
    expect(verdictOf(text({ captures: [capture!, { ...bad, file: '/x/bad.pcap' }] }))).toBe(
      'No sign of a firewall editing mail in 1 session. Not all could be read: see bad.pcap below.',
    );
  });

  it('says what limits it', () => {
    const notAssessed = [{ session: 's1', reason: 'gap', detail: 'A gap.' }];
    expect(verdictOf(text({ notAssessed }))).toBe(
      'No sign of a firewall editing mail in 1 session. It could be judged only in part.',
    );
    expect(verdictOf(text({ interrupted: true }))).toContain('Reading was interrupted');
    expect(verdictOf(text({}, { ...PLAIN, leftOut: 2 }))).toContain('2 less certain findings left out');
  });
});

describe('the text report', () => {
  it('groups by server and puts the most severe first', () => {
    const report = text({
      findings: [
        finding('verb-masked', { severity: 'low', title: 'Low here' }),
        finding('verb-masked', {
          severity: 'high',
          title: 'High there',
          server: { address: '203.0.113.9', port: 587 },
        }),
        finding('banner-masked', { severity: 'medium', title: 'Medium here' }),
      ],
    });
    const order = ['203.0.113.9 port 587', 'High there', '198.51.100.25 port 25', 'Medium here', 'Low here'];
    const places = order.map((word) => report.lastIndexOf(word));
    expect(places.every((place) => place > 0)).toBe(true);
    expect([...places].sort((a, b) => a - b)).toEqual(places);
  });

  it('tells severity by word and shape without colour', () => {
    const severities = ['high', 'medium', 'low', 'info'] as const;
    const report = text({ findings: severities.map((severity) => finding('verb-masked', { severity })) });
    for (const mark of ['■ HIGH', '▲ MEDIUM', '● LOW', '○ NOTE']) expect(report).toContain(`${mark} certain`);
  });

  it('does not show the same octets twice', () => {
    const [proof] = fakeFinding().evidence;
    const report = text({
      findings: [fakeFinding({ evidence: [proof!, { ...proof!, packet: 60, time: null }] })],
    });
    expect(report.split('220 ****2**0***')).toHaveLength(2);
    expect(report).toContain('the same in frame 60');
  });

  it('says once what came again of one frame', () => {
    const [proof] = fakeFinding().evidence;
    const lines = ['250-XXXA', '250 XXXB'];
    const evidence = [8, 45].flatMap((packet) => lines.map((excerpt) => ({ ...proof!, packet, excerpt })));
    const report = text({ findings: [fakeFinding({ evidence })] });
    expect(report.match(/the same in frame 45/g)).toHaveLength(1);
    expect(report).toMatch(/250-XXXA.*\n.*250 XXXB.*\n +the same in frame 45/);
  });

  it('says how many it does not tell', () => {
    const report = text({ findings: Array.from({ length: 25 }, (_, i) => fakeFinding({ id: `f${i + 1}` })) });
    expect(report).toContain('and 5 more like these');
  });

  it('says how far not seen can be trusted, and why not', () => {
    expect(text().replace(/\s+/g, ' ')).toContain(
      'Not seen in 1 session; the capture is good enough to have seen it. Both directions of every',
    );
    const gap = { session: 's1', reason: 'gap', detail: '1 gap' };
    expect(text({ notAssessed: [gap] }).replace(/\s+/g, ' ')).toContain(
      'which was not captured well enough to be sure. The session could be judged only in part: packets are missing.',
    );
  });

  it('names silent rules only where there was something to hear', () => {
    expect(text()).toMatch(
      /Looked for and not found\n[\s\S]*without a gap\.\n {2}banner-masked, verb-masked\./,
    );
    expect(text({ findings: [fakeFinding()] })).toMatch(/not found\n[\s\S]*\n {2}verb-masked\./);
    expect(text({ sessionList: [] })).not.toContain('Looked for');
  });

  it('tells damage with its place', () => {
    const [capture] = fakeAnalysis().captures;
    const problems = Array.from({ length: 12 }, (_, i) => ({
      code: 'bad-block-length',
      message: 'A block is too long.',
      packet: i + 1,
      offset: 4096,
    }));
    const report = text({
      captures: [{ ...capture!, facts: { ...capture!.facts, problems, truncated: true } }],
    });
    expect(report).toContain('! frame 1, byte 4,096: A block is too long. [bad-block-length]');
    expect(report).toContain('! and 2 more problems');
    expect(report).toContain('cut short');
  });

  it('is at most 80 columns of printable text, whatever was in packets and names', () => {
    const octets = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
      fc.string({ unit: 'binary', maxLength: 100 }),
    );
    const [capture] = fakeAnalysis().captures;
    fc.assert(
      fc.property(octets, octets, octets, fc.boolean(), (a, b, c, color) => {
        const [proof] = fakeFinding().evidence;
        const report = text(
          {
            captures: [
              { ...capture!, file: c, facts: { ...capture!.facts, problems: [{ code: 'x', message: a }] } },
            ],
            findings: [
              fakeFinding({
                message: a,
                args: { product: b, verb: c },
                rule: 'banner-proxy',
                evidence: [{ ...proof!, excerpt: b, note: c }],
                remedy: [a],
              }),
            ],
            notAssessed: [{ session: null, reason: 'gap', detail: b }],
          },
          { ...PLAIN, color },
        );
        // The only sequences are our own colours.
        const plain = color ? report.replaceAll(/\x1b\[(?:[12]|3[1-6]|0)m/g, '') : report;
        expect(plain.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
        for (const line of plain.split('\n')) {
          expect(textWidth(line)).toBeLessThanOrEqual(80);
          expect(line).toBe(line.trimEnd());
        }
      }),
    );
  });
});
