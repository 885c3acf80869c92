import { describe, expect, it } from 'vitest';
import type { Evidence, Finding } from '../../../src/finding/finding.js';
import { quality, unchecked } from '../../../src/report/document/quality.js';
import { ladder, Marks, provingWeight, type Rung } from '../../../src/report/document/sequence-diagram.js';
import { html } from '../../../src/report/page/markup.js';
import { maskedText } from '../../../src/report/page/packet-text.js';
import { pageFacts } from '../../../src/report/page/page-facts.js';
import type { SmtpMessage, SmtpSession } from '../../../src/smtp/session.js';
import {
  fakeAnalysis,
  fakeExchange,
  fakeFinding,
  fakeLine,
  fakeReply,
  fakeSession,
  TIME,
} from '../fake-analysis.js';

const command = (text: string, frame: number) =>
  fakeLine(text, { direction: 'client', frame, lastFrame: frame, offset: frame });
const reply = (text: string, frame: number) => ({
  ...fakeReply(250),
  lines: [fakeLine(text, { frame, lastFrame: frame, offset: frame })],
});
const proof = (packet: number, more: Partial<Evidence> = {}): Evidence => ({
  capture: 0,
  packet,
  time: TIME,
  direction: 'client',
  offset: packet,
  excerpt: 'x',
  note: `proof ${packet}`,
  ...more,
});
const rows = (rungs: readonly Rung[]): string[] =>
  rungs.map(({ frame, text, mark }) => `${frame ?? '-'} ${text}${mark ? ` [${mark.findings.join()}]` : ''}`);

function session(count: number, more: Partial<SmtpSession> = {}): SmtpSession {
  const exchanges = Array.from({ length: count }, (_, index) =>
    fakeExchange({
      line: command(`C${index}`, 10 + index * 2),
      reply: reply(`S${index}`, 11 + index * 2),
    }),
  );
  return fakeSession({ exchanges, closeFrame: null, ...more });
}

describe('the ladder', () => {
  it('is in the order of the packets, with what was sent in advance in front', () => {
    const exchanges = [
      fakeExchange({ line: command('MAIL', 5), reply: reply('250 m', 6) }),
      fakeExchange({ line: { ...command('RCPT', 5), offset: 6 }, reply: reply('250 r', 6), pipelined: true }),
    ];
    const rungs = ladder(fakeSession({ exchanges }), new Marks([]));
    expect(rows(rungs)).toEqual(['5 MAIL', '5 RCPT', '6 250 m', '6 250 r', '8 (closes the connection: FIN)']);
  });

  it('folds long runs in which nothing was found, but not the rows beside a proof', () => {
    const findings = [fakeFinding({ evidence: [proof(30)] })];
    expect(rows(ladder(session(20), new Marks(findings)))).toEqual([
      '- 19 rows in which nothing was found',
      '29 S9',
      '30 C10 [f1]',
      '31 S10',
      '- 18 rows in which nothing was found',
    ]);
  });

  it('names all findings of a line, in the words of the weightiest', () => {
    const marks = new Marks([
      fakeFinding({ id: 'f1', severity: 'low', evidence: [proof(10, { note: 'light' })] }),
      fakeFinding({ id: 'f2', severity: 'high', evidence: [proof(10, { note: 'heavy' })] }),
    ]);
    const [rung] = ladder(session(1), marks);
    expect(rung?.mark).toMatchObject({ note: 'heavy', findings: ['f1', 'f2'] });
  });

  it('does not take another line of the frame, or another capture, for the proof', () => {
    const findings = [fakeFinding({ evidence: [proof(10, { offset: 99 }), proof(10, { capture: 1 })] })];
    expect(ladder(session(1), new Marks(findings)).every(({ mark }) => mark === null)).toBe(true);
  });

  it('marks how the connection ended', () => {
    const findings = [fakeFinding({ evidence: [proof(8, { offset: null, excerpt: '(RST)' })] })];
    const rungs = ladder(session(1, { closeFrame: 8, closed: 'rst' }), new Marks(findings));
    expect(rows(rungs).at(-1)).toBe('8 (resets the connection: RST) [f1]');
  });

  it.each([
    ['closed', {}, 'No reply came before the connection ended.'],
    ['silent', {}, 'No reply came in a minute or more.'],
    ['end-of-capture', {}, 'The capture ends before a reply.'],
    // What may have been missed is not said to be absent.
    ['closed', { oneSided: 'client' }, 'A reply may be among the packets that the capture lacks.'],
  ] as const)('says that no reply came: %s %j', (noReply, more, words) => {
    const exchanges = [
      fakeExchange({ line: command('DATA', 5), noReply }),
      fakeExchange({ verb: 'QUIT', line: command('QUIT', 6), noReply }),
    ];
    const texts = rows(ladder(fakeSession({ exchanges, closeFrame: null, ...more }), new Marks([])));
    expect(texts).toEqual(['5 DATA', `- ${words}`, '6 QUIT']);
  });
});

describe('a message', () => {
  const message: SmtpMessage = {
    id: 'm1',
    transport: 'DATA',
    messageId: null,
    from: '',
    fromSeen: true,
    to: [],
    recipients: 1,
    body: null,
    octets: 4000,
    missingOctets: 0,
    accepted: true,
    replyCode: 250,
    digest: '',
    frame: 20,
    time: TIME,
    offset: 100,
    terminated: true,
    terminator: {
      offset: 4100,
      endOffset: 4105,
      splits: [],
      frame: 30,
      lastFrame: 30,
      time: TIME,
      pauseUs: null,
      acknowledged: true,
    },
    commandExchange: 0,
    endExchange: 0,
    eightBit: false,
    eightBitFrame: null,
    eightBitOffset: null,
    report: null,
    looksLikeReport: false,
    damages: [],
    longHeaderLine: null,
    longFileName: null,
  };
  const sent = fakeSession({
    messages: [message],
    closeFrame: null,
    exchanges: [
      fakeExchange({ kind: 'end-of-data', verb: '(end-of-data)', message: 0, line: command('.', 30) }),
    ],
  });

  it('is not shown', () => {
    expect(rows(ladder(sent, new Marks([])))).toEqual(['- The message: 4,000 bytes, not shown.', '30 .']);
  });

  it('is shown where it is proof of a finding of this session alone', () => {
    const evidence = [proof(25, { offset: 2000, excerpt: 'XXXXXXXX' })];
    const told = rows(ladder(sent, new Marks([fakeFinding({ evidence })])));
    expect(told).toEqual([
      '- The message: 4,000 bytes, shown where it is proof.',
      '25 XXXXXXXX [f1]',
      '30 .',
    ]);
    for (const other of [
      { evidence: [proof(25, { offset: 5000 })] },
      { evidence: [proof(25, { offset: 50 })] },
      { evidence: [proof(25, { offset: 2000, direction: 'server' })] },
      { evidence, sessions: ['s1', 's2'] },
      { evidence, sessions: ['s2'] },
    ] satisfies Partial<Finding>[]) {
      expect(rows(ladder(sent, new Marks([fakeFinding(other)])))).toHaveLength(2);
    }
  });

  it('weighs in when the example session is chosen', () => {
    const evidence = [proof(25, { offset: 2000 })];
    expect(provingWeight(sent, new Marks([fakeFinding({ evidence })]))).toBeGreaterThan(0);
    expect(provingWeight(sent, new Marks([]))).toBe(0);
  });
});

describe('facts of the page', () => {
  it('counts each session once, and takes the one that shows most', () => {
    const sessionList = [
      session(2, { id: 's1' }),
      session(2, { id: 's2' }),
      session(2, { id: 's3' }),
      fakeSession({ id: 's4', protocol: 'none' }),
      fakeSession({ id: 's5', protocol: 'http' }),
    ];
    for (const one of sessionList.slice(1, 2)) {
      Object.assign(one, {
        exchanges: [fakeExchange({ line: command('AUTH', 100), reply: reply('500', 101) })],
      });
    }
    const facts = pageFacts(
      fakeAnalysis({
        sessionList,
        findings: [
          fakeFinding({ id: 'f1', sessions: ['s1', 's2'], severity: 'high', evidence: [proof(100)] }),
          fakeFinding({ id: 'f2', sessions: ['s4'], session: 's4', evidence: [] }),
        ],
        notAssessed: [{ session: 's3', reason: 'gap', detail: '' }],
      }),
    );
    expect(facts).toMatchObject({ found: 2, part: 1, clean: 0, wordlessFound: 1 });
    expect(facts.example?.id).toBe('s2');
  });

  it('takes a session that was judged wholly where nothing was found', () => {
    const sessionList = [session(1, { id: 's1' }), session(1, { id: 's2' })];
    const notAssessed = [{ session: 's1', reason: 'gap', detail: '' }];
    expect(pageFacts(fakeAnalysis({ sessionList, notAssessed })).example?.id).toBe('s2');
    expect(pageFacts(fakeAnalysis({ sessionList: [] })).example).toBeNull();
  });
});

describe('quality', () => {
  const survey = { smtp: 3, other: 0, messages: 0, partly: 0, clients: new Map() };

  it('is told in words', () => {
    expect(quality(fakeAnalysis(), survey)).toMatch(/^Both directions/);
    const notAssessed = ['s1', 's2'].map((id) => ({ session: id, reason: 'gap', detail: 'd' }));
    expect(quality(fakeAnalysis({ notAssessed }), { ...survey, partly: 2 })).toBe(
      '1 session of 3 could be judged wholly. Of the sessions, packets are missing in 2: what is absent there proves nothing.',
    );
    expect(unchecked([...notAssessed, { session: null, reason: 'odd', detail: 'x\x1b' }])).toEqual([
      {
        reason: 'gap',
        words: 'Packets are missing',
        sessions: ['s1', 's2'],
        detail: 'd',
        details: 1,
        entries: 2,
      },
      { reason: 'odd', words: 'odd', sessions: [], detail: 'x\\x1b', details: 1, entries: 1 },
    ]);
  });
});

it('marks every asterisk of a starred text, once each', () => {
  expect(html`${maskedText(`220 ${'*'.repeat(10)}2*0`)}`.text).toBe(
    '220 <mark>**********</mark>2<mark>*</mark>0',
  );
});
