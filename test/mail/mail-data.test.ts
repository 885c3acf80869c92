import PostalMime from 'postal-mime';
import { describe, expect, it } from 'vitest';
import { MailContext } from '../../src/mail/mail-context.js';
import { type MailDataFacts, MailDataScanner } from '../../src/mail/mail-data.js';
import { chunkOf, randomCuts, scan, seeded, segmentations, xxh64 } from './mail-data-pieces.js';

const BASE = 100;

/** What RFC 5321 §4.5.2 says, on the whole data at once. */
function naive(text: string): { content: string; consumed: number; dotLine: number } {
  const whole = `\r\n${text}`;
  const end = whole.indexOf('\r\n.\r\n');
  // A CR after a dot that began a line is undecided as long as nothing follows it.
  const stuffed = end >= 0 ? whole.slice(0, end + 2) : whole.replace(/\r\n\.\r$/, '\r\n.');
  return {
    content: stuffed.replace(/\r\n\./g, '\r\n').slice(2),
    consumed: end >= 0 ? end + 3 : text.length,
    dotLine: end,
  };
}

function digestOf(content: string): string {
  const digest = xxh64.create();
  digest.update(Buffer.from(content, 'latin1'));
  return digest.finish();
}

function naiveSplits(dotLine: number, cuts: readonly number[]): number[] {
  const begins = [0, ...cuts];
  const first = dotLine - 2;
  const positions = [0, 1, 2, 3, 4].filter((at) => begins.includes(first + at));
  if (first < 0) return positions.filter((at) => at > 2);
  return positions.some((at) => at > 0) ? positions : [];
}

function frameOf(index: number, cuts: readonly number[]): number {
  return 1 + cuts.filter((cut) => cut <= index).length;
}

function check(text: string, cuts: readonly number[]): MailDataFacts {
  const truth = naive(text);
  const { facts, consumed } = scan(text, cuts);
  const label = JSON.stringify([text, cuts]);
  // It is the same whether segments share a buffer, as in a capture, or have their own.
  expect(scan(text, cuts, { apart: true }), label).toEqual({ facts, consumed });
  expect(consumed, label).toBe(truth.consumed);
  expect(facts.octets, label).toBe(truth.content.length);
  expect(facts.digest, label).toBe(digestOf(truth.content));
  expect(facts.terminated, label).toBe(truth.dotLine >= 0);
  const eightBit = text.slice(0, truth.consumed).search(/[\x80-\xff]/);
  expect(facts.eightBit, label).toBe(eightBit >= 0);
  expect(facts.eightBitOffset, label).toBe(eightBit >= 0 ? BASE + eightBit : null);
  expect(facts.eightBitFrame, label).toBe(eightBit >= 0 ? frameOf(eightBit, cuts) : null);
  if (truth.dotLine >= 0) {
    const lastFrame = frameOf(truth.consumed - 1, cuts);
    const splits = naiveSplits(truth.dotLine, cuts);
    expect(facts.terminator, label).toEqual({
      offset: BASE + truth.dotLine - 2,
      endOffset: BASE + truth.consumed,
      splits,
      frame: frameOf(Math.max(truth.dotLine - 2, 0), cuts),
      lastFrame,
      us: 1_000_000 + lastFrame,
      ns: 0,
      digits: 6,
      pauseUs: splits.join() === '2' ? lastFrame : null,
    });
  } else {
    expect(facts.terminator, label).toBeNull();
  }
  return facts;
}

describe('the end of the data', () => {
  it.each([
    ['an empty message', '.\r\n'],
    ['one line', 'x\r\n.\r\n'],
    ['a stuffed dot', '..\r\n.\r\n'],
    ['a dot line that is none', '.\r\r\n.\r\n'],
    ['a dot that nobody stuffed', '.x\r\n.\r\n'],
    ['LF.LF', 'a\n.\n\r\n.\r\n'],
    ['LF.CRLF', 'a\n.\r\n\r\n.\r\n'],
    ['CR.CR', 'a\r.\r\r\n.\r\n'],
    ['CRLF.LF', 'a\r\n.\n\r\n.\r\n'],
    ['CRLF.CR without LF', '\r\n.\rb\r\n.\r\n'],
    ['two ends', '\r\n.\r\n.\r\n'],
    ['no end', 'a\r\n..\r\n.\r'],
    ['a command behind it', 'a\r\n.\r\nQ'],
  ])('%s, in every segmentation', (_, text) => {
    for (const cuts of segmentations(text.length)) check(text, cuts);
  });

  it('is what the naive reading says, for salads of CR, LF and dots', () => {
    const random = seeded(20010207);
    let terminated = 0;
    for (let round = 0; round < 6000; round++) {
      const alphabet = ['\r', '\n', '.', '\r\n', '\r\n.', 'a', 'a.b', '\xe9', 'bcdef'];
      const end = random(3) > 0 ? '\r\n.\r\n' : '';
      let text = '';
      for (let count = random(30); count > 0; count--) text += alphabet[random(alphabet.length)];
      text += end + (random(2) ? 'QUIT\r\n' : '');
      if (text === '') continue;
      if (check(text, randomCuts(text.length, random)).terminated) terminated++;
    }
    expect(terminated).toBeGreaterThan(3000);
  });

  it('is what the naive reading says, for long bodies with many dots', () => {
    const random = seeded(3207027);
    for (let round = 0; round < 60; round++) {
      let text = '';
      while (text.length < 40_000) {
        const line = 'Sehr geehrte Damen. Und so weiter. '.slice(0, random(36)).repeat(random(3));
        text += (random(8) === 0 ? '.' : '') + line + (random(20) === 0 ? '\n' : '\r\n');
      }
      text = `${text.replaceAll('\r\n.\r\n', '\r\n')}\r\n.\r\n`;
      const cuts: number[] = [];
      for (let at = 1 + random(1460); at < text.length; at += 1 + random(40_000 >> random(8))) cuts.push(at);
      check(text, cuts);
    }
  });

  it('says where a new segment began inside CRLF.CRLF', () => {
    const text = 'a\r\n.\r\n';
    expect(scan(text, []).facts.terminator?.splits).toEqual([]);
    expect(scan(text, [1]).facts.terminator?.splits).toEqual([]);
    expect(scan(text, [2]).facts.terminator?.splits).toEqual([1]);
    expect(scan(text, [3]).facts.terminator?.splits).toEqual([2]);
    expect(scan(text, [1, 3]).facts.terminator?.splits).toEqual([0, 2]);
    expect(scan(text, [1, 2, 3, 4, 5]).facts.terminator?.splits).toEqual([0, 1, 2, 3, 4]);
  });

  it('does not take data that begins inside a chunk for a segment boundary', () => {
    const chunk = chunkOf(Buffer.from('DATA\r\n.\r\n'), BASE, 7);
    const scanner = new MailDataScanner(new MailContext(xxh64), 'DATA', false);
    expect(scanner.data(chunk, chunk.start + 6)).toBe(chunk.end);
    expect(scanner.finish().terminator).toMatchObject({ splits: [], frame: 7, offset: BASE + 4 });
  });
});

describe('a gap', () => {
  it('is counted, and is no line start', () => {
    const { facts, consumed } = scan('a\r\n.\r\nb\r\n.\r\n', [3], { gaps: new Map([[1, 40]]) });
    expect(facts).toMatchObject({ missingOctets: 40, octets: 9, terminated: true });
    expect(facts.digest).toBe(digestOf('a\r\n.\r\nb\r\n'));
    expect(consumed).toBe(12);
  });

  it('inside CRLF.CRLF leaves no end', () => {
    for (const cut of [2, 3, 4, 5]) {
      const { facts } = scan('a\r\n.\r\n', [cut], { gaps: new Map([[1, null]]) });
      expect(facts, String(cut)).toMatchObject({ terminated: false, terminator: null, missingOctets: 1 });
    }
  });

  it('in the header hides what comes after it', () => {
    const text = 'Subject: a\r\nX: y\r\nMessage-ID: <after@example.com>\r\n\r\n.\r\n';
    expect(scan(text, [15]).facts.messageId).toBe('<after@example.com>');
    expect(scan(text, [15], { gaps: new Map([[1, 9]]) }).facts.messageId).toBeNull();
    const before = `Message-ID: <before@example.com>\r\n${text}`;
    expect(scan(before, [40], { gaps: new Map([[1, 9]]) }).facts.messageId).toBe('<before@example.com>');
    expect(scan(before, [20], { gaps: new Map([[1, 9]]) }).facts.messageId).toBeNull();
  });
});

describe('BDAT', () => {
  it('takes every octet for content', () => {
    const text = 'Message-ID: <b@example.com>\r\n\r\n.\r\n..\r\n.x\r\n\xff';
    const random = seeded(3030);
    for (let round = 0; round < 200; round++) {
      const { facts } = scan(text, randomCuts(text.length, random), { transport: 'BDAT' });
      expect(facts).toMatchObject({
        octets: text.length,
        digest: digestOf(text),
        messageId: '<b@example.com>',
        eightBit: true,
        eightBitOffset: BASE + text.length - 1,
        terminated: false,
        terminator: null,
      });
    }
  });
});

describe('the header', () => {
  const headers: readonly (readonly [string, string | null])[] = [
    ['Message-ID: <one@example.com>\r\n', '<one@example.com>'],
    ['Subject: x\r\nMESSAGE-id:<two@example.com>\r\n', '<two@example.com>'],
    ['Message-ID:\r\n <folded@example.com>\r\nTo: a@example.com\r\n', '<folded@example.com>'],
    ['Message-ID:\r\n\t<tab@example.com>\r\n', '<tab@example.com>'],
    ['Subject: about\r\n Message-ID: <no@example.com>\r\n', null],
    ['X-Message-ID: <no@example.com>\r\nMessage-IDs: <no@example.com>\r\n', null],
    ['Subject: .\r\nmessage-Id: <three@example.com> \r\nMIME-Version: 1.0\r\n', '<three@example.com>'],
    ['Message-ID : <space@example.com>\r\n', '<space@example.com>'],
    ['', null],
  ];

  it.each(headers)('%j', (header, expected) => {
    const text = `${header}\r\nMessage-ID: <body@example.com>\r\n.\r\n`;
    for (let cut = 1; cut < text.length; cut++) {
      expect(scan(text, [cut]).facts.messageId).toBe(expected);
    }
    const each = Array.from({ length: text.length - 1 }, (_, index) => index + 1);
    expect(scan(text, each).facts.messageId).toBe(expected);
  });

  it('has the Message-ID that postal-mime reads', async () => {
    const random = seeded(5322);
    const pick = <T>(of: readonly T[]): T => of[random(of.length)]!;
    for (let round = 0; round < 300; round++) {
      const id = `<${random(1e9).toString(36)}.${round}@example.${pick(['com', 'net', 'org'])}>`;
      const lines = [
        `Received: from a.example\r\n\tby b.example; Mon, 6 May 2024 07:08:09 +0000`,
        `Subject: ${pick(['plain', 'Message-ID: <x@example.com>', 'colon: colon'])}`,
        `References: <r1@example.com>\r\n <r2@example.com>`,
        'From: a@example.com',
        'Content-Type: text/plain;\r\n charset=utf-8',
      ].filter(() => random(4) > 0);
      const own = `${pick(['Message-ID', 'Message-Id', 'message-id'])}:${pick([' ', '', '\r\n ', '  '])}${id}`;
      lines.splice(random(lines.length + 1), 0, own);
      const message = `${lines.join('\r\n')}\r\n\r\nMessage-ID: <body@example.com>\r\n`;
      const witness = await PostalMime.parse(Buffer.from(message, 'latin1'));
      const { facts } = scan(`${message}.\r\n`, randomCuts(message.length, random));
      expect(facts.messageId, message).toBe(witness.messageId);
      expect(facts.messageId).toBe(id);
    }
  });

  it('is read up to a limit', () => {
    const long = 'X-Filler: y\r\n'.repeat(6000);
    expect(scan(`${long}Message-ID: <far@example.com>\r\n\r\n.\r\n`, [70_000]).facts.messageId).toBeNull();
    const half = long.slice(0, 39_000);
    expect(scan(`${half}Message-ID: <near@example.com>\r\n\r\n.\r\n`, [30_000]).facts.messageId).toBe(
      '<near@example.com>',
    );
  });

  it('says nothing of an identifier that was cut off', () => {
    expect(scan('Message-ID: <cut@exam', []).facts.messageId).toBeNull();
  });
});
