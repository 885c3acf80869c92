/** What changed between two captures, and what it did to mail: two scripts in, findings out. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Comparison, compare } from '../../src/compare/compare.js';
import { comparisonVerdict } from '../../src/report/document/comparison-words.js';
import { catalog } from '../../src/rules/catalog.js';
import { pcapOf, scriptPackets } from '../support/dialogue.js';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailwitness-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function between(nearClient: string, nearServer: string): Promise<Comparison> {
  const side = (name: string, script: string) => {
    const file = join(folder, `${name}.pcap`);
    writeFileSync(file, pcapOf(scriptPackets(script)));
    return { file, interface: null };
  };
  return compare(side('inside', nearServer), side('outside', nearClient), { rules: catalog });
}

/** `verb-rewritten certain EHLO` of each finding above a note, sorted. */
async function found(nearClient: string, nearServer: string): Promise<string[]> {
  const { analysis } = await between(nearClient, nearServer);
  return analysis.findings
    .filter(({ severity }) => severity !== 'info')
    .map(({ rule, confidence, args }) => `${rule} ${confidence} ${String(args.verb ?? '')}`.trim())
    .sort();
}

type Row = readonly [nearClient: string, nearServer: string, ...findings: string[]];

function table(rows: Readonly<Record<string, Row>>): void {
  it.each(Object.entries(rows))('%s', async (_, [nearClient, nearServer, ...findings]) => {
    expect(await found(nearClient, nearServer)).toEqual(findings);
  });
}

const GREETING = 'S: 220 mx.example ESMTP\n';
const EHLO = 'C: EHLO a.example\nS: 250-mx.example\nS+ 250-SIZE\nS+ 250 8BITMIME\n';
const HELO = 'C: HELO a.example\nS: 250 mx.example\n';
const QUIT = 'C: QUIT\nS: 221 bye\n';
const mail = (text: string) =>
  `C: MAIL FROM:<a@a.example>\nS: 250 ok\nC: RCPT TO:<b@mx.example>\nS: 250 ok\nC: DATA\nS: 354 go\nC: Subject: x\\r\\n\\r\\n${text}\\r\\n.\nS: 250 queued\n`;

describe('an answer that the server never gave', () => {
  table({
    'refuses EHLO': [
      `${GREETING}C: EHLO a.example\nS: 500 what\n${HELO}${QUIT}`,
      `${GREETING}${HELO}${QUIT}`,
      'ehlo-rejected certain EHLO',
      'reply-spoofed certain EHLO',
    ],
    'refuses a verb': [
      `${GREETING}${EHLO}C: ETRN a.example\nS: 502 no\n${QUIT}`,
      `${GREETING}${EHLO}${QUIT}`,
      'reply-spoofed certain ETRN',
      'verb-rejected certain ETRN',
    ],
    'takes the place of another, which said yes': [
      `${GREETING}${EHLO}C: VRFY b\nS: 502 no\n${QUIT}`,
      `${GREETING}${EHLO}C: VRFY b\nS: 252 yes\n${QUIT}`,
      'reply-spoofed certain VRFY',
      'verb-rejected certain VRFY',
    ],
    'is none where the server itself refuses': [
      `${GREETING}${EHLO}C: VRFY b\nS: 502 no\n${QUIT}`,
      `${GREETING}${EHLO}C: VRFY b\nS: 502 no\n${QUIT}`,
    ],
    'is none where the same outcome is worded otherwise': [
      `${GREETING}${EHLO}C: VRFY b\nS: 252 yes, perhaps\n${QUIT}`,
      `${GREETING}${EHLO}C: VRFY b\nS: 252 yes\n${QUIT}`,
    ],
  });
});

describe('a command that arrives as another', () => {
  table({
    'EHLO as HELO': [
      `${GREETING}C: EHLO a.example\nS: 250 mx.example\n${QUIT}`,
      `${GREETING}${HELO}${QUIT}`,
      'verb-rewritten certain EHLO',
    ],
    'NOOP before what stood there is a mask': [
      `${GREETING}C: EHLO a.example\nS: 250 mx.example\n${QUIT}`,
      `${GREETING}C: NOOP a.example\nS: 250 mx.example\n${QUIT}`,
      'verb-masked certain EHLO',
    ],
    'in other letter case is the same': [
      `${GREETING}C: HELO a.example\nS: 250 mx.example\n${QUIT}`,
      `${GREETING}C: helo a.example\nS: 250 mx.example\n${QUIT}`,
    ],
    'but not a client that falls back by itself': [
      `${GREETING}C: EHLO a.example\nS: 502 no\n${HELO}${QUIT}`,
      `${GREETING}C: EHLO a.example\nS: 502 no\n${HELO}${QUIT}`,
    ],
  });

  it('costs every keyword, and says so', async () => {
    const { analysis } = await between(
      `${GREETING}C: EHLO a.example\nS: 250 mx.example\n${QUIT}`,
      `${GREETING}${HELO}${QUIT}`,
    );
    expect(analysis.findings.find(({ rule }) => rule === 'verb-rewritten')!.message).toMatch(
      /Every keyword .* is lost to this client: no STARTTLS, no AUTH/,
    );
  });
});

describe('AUTH that was removed', () => {
  const offer = (keyword: string) => `C: EHLO a.example\nS: 250-mx.example\n${keyword}S+ 250 SIZE\n`;
  const rcpt = (reply: string) =>
    `C: MAIL FROM:<a@a.example>\nS: 250 ok\nC: RCPT TO:<b@far.example>\nS: ${reply}\n`;
  const [shown, hidden] = [offer('S+ 250-AUTH PLAIN\n'), offer('')];
  const REMOVED = ['auth-dropped certain AUTH', 'capability-removed certain'];
  const DENIED = 'relay-denied-after-auth-dropped likely';
  table({
    'and a recipient refused as relaying': [
      `${GREETING}${hidden}${rcpt('554 5.7.1 relaying denied')}${QUIT}`,
      `${GREETING}${shown}${rcpt('554 5.7.1 relaying denied')}${QUIT}`,
      ...REMOVED,
      DENIED,
    ],
    'and a recipient put off as relaying': [
      `${GREETING}${hidden}${rcpt('454 4.7.1 Relay access denied')}${QUIT}`,
      `${GREETING}${shown}${rcpt('454 4.7.1 Relay access denied')}${QUIT}`,
      ...REMOVED,
      DENIED,
    ],
    'and a recipient that does not exist': [
      `${GREETING}${hidden}${rcpt('550 5.1.1 no such user')}${QUIT}`,
      `${GREETING}${shown}${rcpt('550 5.1.1 no such user')}${QUIT}`,
      ...REMOVED,
    ],
    'is not why where the client logged in all the same': [
      `${GREETING}${hidden}C: AUTH PLAIN AGEAYg==\nS: 235 ok\n${rcpt('550 5.7.1 relaying denied')}${QUIT}`,
      `${GREETING}${shown}C: AUTH PLAIN AGEAYg==\nS: 235 ok\n${rcpt('550 5.7.1 relaying denied')}${QUIT}`,
      ...REMOVED,
    ],
  });
});

describe('8BITMIME that was removed', () => {
  const hidden = 'C: EHLO a.example\nS: 250-mx.example\nS+ 250 SIZE\n';
  table({
    'and text with octets above 127': [
      `${GREETING}${hidden}${mail('caf\\xe9')}${QUIT}`,
      `${GREETING}${EHLO.replace('250-SIZE', '250-8BITMIME').replace('250 8BITMIME', '250 SIZE')}${mail('caf\\xe9')}${QUIT}`,
      '8bitmime-unadvertised certain',
      'capability-removed certain',
    ],
    'and text without': [
      `${GREETING}${hidden}${mail('cafe')}${QUIT}`,
      `${GREETING}${EHLO.replace('250-SIZE', '250-8BITMIME').replace('250 8BITMIME', '250 SIZE')}${mail('cafe')}${QUIT}`,
      'capability-removed certain',
    ],
    'with an EHLO that the box refused: a note of one side gives way': [
      `${GREETING}C: EHLO a.example\nS: 500 what\n${HELO}${mail('caf\\xe9')}${QUIT}`,
      `${GREETING}${HELO}${mail('caf\\xe9')}${QUIT}`,
      '8bitmime-unadvertised likely',
      'ehlo-rejected certain EHLO',
      'reply-spoofed certain EHLO',
    ],
  });
});

describe('octets are aligned before words', () => {
  const begin = `${GREETING}C: EHLO a.example\nS: 250-mx.example\nS+ 250 CHUNKING\nC: MAIL FROM:<a@a.example>\nS: 250 ok\nC: RCPT TO:<b@mx.example>\nS: 250 ok\n`;
  const data = 'From: a@a.example\\r\\n\\r\\nhello\\r\\n';
  const chunk = (verb: string, text: string) =>
    `${begin}C~ ${verb}\\r\\n${text}\nS: 500 what\nS+ 500 what\n${QUIT}`;
  table({
    'the data of a masked BDAT is data on both sides': [
      chunk('BDAT 28 LAST', data),
      chunk('XXXXXXXXXXXX', data),
      'verb-masked certain BDAT',
      'verb-rejected likely BDAT',
    ],
    'and so it is where the data is overwritten as well': [
      chunk('BDAT 28 LAST', data),
      chunk('XXXXXXXXXXXX', 'XXXXXXXXXXXXXXXXX\\r\\n\\r\\nXXXXX\\r\\n'),
      'verb-masked certain BDAT',
      'verb-rejected likely BDAT',
    ],
  });

  it('no line of it was added or removed', async () => {
    const { pairs } = await between(chunk('BDAT 28 LAST', data), chunk('XXXXXXXXXXXX', data));
    expect(pairs[0]!.differences.map(({ change, before }) => [change, before?.text])).toEqual([
      ['altered', 'BDAT 28 LAST'],
    ]);
  });
});

describe('octets that were sent in vain', () => {
  const begin = `${GREETING}C: EHLO a.example\nS: 250 mx.example\nC: MAIL FROM:<a@a.example>\nS: 250 ok\nC: RCPT TO:<b@mx.example>\nS: 250 ok\nC: DATA\nS: 354 go\nC: Subject: x\\r\\n\\r\\nhello\n`;
  const again = '@ +3\nback C 3\nC: .\n';

  it('did not arrive, though the dead connection has no more to show: the capture goes on', async () => {
    const end = `noack S\nC: .\n${again}${again}`;
    const findings = await found(`${begin}${end}cut\ntick 20`, `${begin}cut\ntick 40`);
    expect(findings).toContain('end-of-data-unacknowledged certain');
  });

  it('are not missed where the other capture ended, too', async () => {
    const end = `noack S\nC: .\n${again}${again}`;
    const findings = await found(`${begin}${end}cut\ntick 20`, `${begin}cut`);
    expect(findings).not.toContain('end-of-data-unacknowledged certain');
  });

  it('are not missed where they were acknowledged: the capture has a hole', async () => {
    const findings = await found(`${begin}C: .\nS: 250 queued\n${QUIT}`, `${begin}cut\ntick 40`);
    expect(findings).toEqual([]);
  });
});

describe('large segments that were lost between the captures', () => {
  const begin = `${GREETING}C: EHLO a.example\nS: 250 mx.example\nC: MAIL FROM:<a@a.example>\nS: 250 ok\nC: RCPT TO:<b@mx.example>\nS: 250 ok\nC: DATA\nS: 354 go\n`;
  /** Octets of the client in front of the message. */
  const SAID = 71;
  const sends = (octets: number) =>
    `noack S\nC* ${octets} x\n${`@ +3\nback C ${octets + 2}\nC* ${octets} x\n`.repeat(3)}C: .\nsack S ${SAID + octets + 2} ${SAID + octets + 5}\n`;
  const EARLIER = 'syn C mss=1460 sack\nsyn S mss=1460 sack\n';

  it.each([
    ['with all that follows', ''],
    ['and small ones behind them arrived', `noack S\nC? ${'x'.repeat(1400)}\nC: .\n`],
  ])('are the path’s, and not "nothing was changed": %s', async (_, arrived) => {
    const nearServer = `${EARLIER}${begin}${arrived}cut\ntick 60`;
    const comparison = await between(`${EARLIER}${begin}${sends(1400)}cut\ntick 20`, nearServer);
    const rules = comparison.analysis.findings.map(({ rule, confidence }) => `${rule} ${confidence}`);
    expect(rules).toContain('path-mtu-black-hole certain');
    expect(rules).not.toContain('end-of-data-unacknowledged certain');
    expect(comparisonVerdict(comparison)).toMatch(
      /^Data was lost between the two captures in 1 of \d sessions? seen on both sides/,
    );
  });

  it('that are not full-size are lost, too, and are no sign of it', async () => {
    const comparison = await between(
      `${EARLIER}${begin}${sends(1000)}cut\ntick 20`,
      `${EARLIER}${begin}cut\ntick 60`,
    );
    expect(comparison.analysis.findings.map(({ rule }) => rule)).not.toContain('path-mtu-black-hole');
    expect(comparisonVerdict(comparison)).not.toMatch(/^Nothing was changed/);
  });

  it('are no sign of it where small ones are lost as well', async () => {
    const findings = await found(
      `${EARLIER}${begin}${sends(100)}cut\ntick 20`,
      `${EARLIER}${begin}cut\ntick 60`,
    );
    expect(findings.filter((line) => line.startsWith('path-mtu'))).toEqual([]);
    expect(findings).toContain('end-of-data-unacknowledged certain');
  });
});

describe('sessions without a partner', () => {
  const whole = `${GREETING}${EHLO}${mail('hello').replace('Subject', 'Message-ID: <1@a.example>\\r\\nSubject')}${QUIT}`;
  const elsewhere = 'session C=10.0.0.254:50000 S=198.51.100.25:25\nisn C 77\nisn S 88\n';

  it('one message that each capture has once is one session, an hour apart and translated', async () => {
    const { pairs, unpaired } = await between(whole, `@ +3600\n${elsewhere}${whole}`);
    expect([pairs.length, unpaired]).toEqual([1, []]);
    expect(pairs[0]!.matchedBy).toContain('message');
  });

  it('a dialogue without mail is known by the name that the client gives itself', async () => {
    const talk = (reply: string) => `${GREETING}${EHLO}C: VRFY b\nS: ${reply}\n${QUIT}`;
    const { pairs } = await between(talk('500 Unsupported command.'), `${elsewhere}${talk('252 yes')}`);
    expect(pairs.map(({ matchedBy }) => matchedBy)).toEqual([['hello']]);
  });

  it('another name, or an hour, is no such thing', async () => {
    const talk = (name: string) => `${GREETING}${EHLO.replace('a.example', name)}${QUIT}`;
    for (const other of [
      `${elsewhere}${talk('b.example')}C: x`,
      `@ +3600\n${elsewhere}${talk('a.example')}@ +7\nC: x`,
    ]) {
      expect((await between(talk('a.example'), other)).pairs).toEqual([]);
    }
  });

  it('a candidate is not nothing in common, and one is not several', async () => {
    const comparison = await between(
      whole,
      `@ +3600\n${elsewhere}${whole.replace('C: QUIT', '@ +9\nC: QUIT')}`,
    );
    expect(comparison.pairs).toEqual([]);
    expect(comparison.unpaired.map(({ reason }) => reason)).toEqual(['ambiguous', 'ambiguous']);
    expect(comparison.unpaired[0]!.detail).toMatch(
      /^In the outside capture one session may be it: too little/,
    );
    expect(comparisonVerdict(comparison)).not.toContain('nothing in common');
  });
});
