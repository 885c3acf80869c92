/** What is not there: gaps, a late beginning, one direction only, replies that never come. */
import { describe, expect, it } from 'vitest';
import { account, converse, octetByOctet, randomly } from '../support/conversation.js';

type Case = readonly [name: string, script: string, expected: string];

const strip = (text: string): string => text.replace(/^ {5}/gm, '').trim();

const gaps: readonly Case[] = [
  [
    'mail data is missing: the message goes on',
    `S: 220 mx.example
     C: MAIL FROM:<a@example.com>
     S: 250 ok
     C: DATA
     S: 354 go
     C: one
     C? two
     C: three
     C: .
     S: 250 queued
     C: QUIT
     S: 221 bye`,
    `(greeting) -> 220
     MAIL FROM:<a@example.com> -> 250
     DATA -> 354
     (end-of-data) -> 250
     QUIT -> 221
     m1 <a@example.com> to -: 12 octets 5 missing true`,
  ],
  [
    'the end of the mail data is missing: the reply says that it ended',
    `S: 220 mx.example
     C: DATA
     S: 354 go
     C: one
     C? .
     S: 250 queued
     C: QUIT
     S: 221 bye`,
    `(greeting) -> 220
     DATA -> 354
     (unseen) -> 250
     QUIT -> 221
     m1 <> to -: 5 octets 3 missing unterminated null`,
  ],
  [
    'all mail data is missing',
    `S: 220 mx.example
     C: DATA
     S: 354 go
     C? one\\r\\n.
     S: 250 queued
     C: QUIT
     S: 221 bye`,
    `(greeting) -> 220
     DATA -> 354
     (unseen) -> 250
     QUIT -> 221
     m1 <> to -: 0 octets 8 missing unterminated null`,
  ],
  [
    'a command is missing: its reply answers nothing seen',
    `S: 220 mx.example
     C? EHLO client
     S: 250-mx.example
     S+ 250 SIZE
     C: MAIL FROM:<a@example.com>
     S: 250 ok`,
    `(greeting) -> 220
     (unseen) -> 250[2] (gap)
     MAIL FROM:<a@example.com> -> 250`,
  ],
  [
    'one of several pipelined commands is missing: what cannot be told is not',
    `S: 220 mx.example
     C: MAIL FROM:<a@example.com>
     C? RCPT TO:<b@example.net>
     C: RCPT TO:<c@example.net>
     C+ DATA
     S: 250 one
     S+ 250 two
     S+ 550 three
     S+ 354 go
     C: text
     C+ .
     S: 250 queued`,
    `(greeting) -> 220
     MAIL FROM:<a@example.com> -> 250
     RCPT TO:<c@example.net> -> gap (pipelined gap)
     DATA -> gap (pipelined gap)
     (unseen) -> 250 (gap)
     (unseen) -> 550
     (unseen) -> 354
     (end-of-data) -> 250
     m1 <a@example.com> to c@example.net: 6 octets true`,
  ],
  [
    'a command after a gap whose code leaves no choice',
    `S: 220 mx.example
     C? RCPT TO:<b@example.net>
     C: DATA
     S: 354 go
     C: text
     C: .
     S: 250 queued`,
    `(greeting) -> 220
     DATA -> 354 (gap)
     (end-of-data) -> 250
     m1 <> to -: 6 octets true`,
  ],
  [
    'a command cut by a gap keeps its verb',
    `S: 220 mx.example
     C~ MAIL FROM:<a@
     C? example.com>
     S: 250 ok
     C: QUIT
     S: 221 bye`,
    `(greeting) -> 220
     MAIL FROM:<a@ -> 250
     QUIT -> 221`,
  ],
  [
    'a command cut inside its verb is unseen',
    `S: 220 mx.example
     C~ MAI
     C? L FROM:<a@example.com>
     S: 250 ok
     C: QUIT
     S: 221 bye`,
    `(greeting) -> 220
     (unseen) -> 250
     QUIT -> 221`,
  ],
  [
    'after a gap in commands, lines that may be mail data do not count',
    `S: 220 mx.example
     C? MAIL FROM:<a@example.com>\\r\\nDATA
     C: From: somebody
     C: password1
     C: .
     S: 250 queued
     C: QUIT
     S: 221 bye`,
    `(greeting) -> 220
     (end-of-data) -> gap (gap)
     (unseen) -> 250 (gap)
     QUIT -> 221`,
  ],
  [
    'a reply is missing',
    `S: 220 mx.example
     C: EHLO client
     S? 250 mx.example
     C: MAIL FROM:<a@example.com>
     S: 250 ok`,
    `(greeting) -> 220
     EHLO client -> gap
     MAIL FROM:<a@example.com> -> 250 (gap)`,
  ],
  [
    'the beginning of a reply is missing: its rest is nobody’s',
    `S: 220 mx.example
     C: EHLO client
     S? 250-mx.example
     S: ZE 1000
     S: 250 8BITMIME
     C: QUIT
     S: 221 bye`,
    `(greeting) -> 220
     EHLO client -> gap
     (unseen) -> 250 (gap)
     QUIT -> 221`,
  ],
  [
    'the end of a reply is missing',
    `S: 220 mx.example
     C: EHLO client
     S: 250-mx.example
     S~ 250-SI
     S? ZE
     C: QUIT
     S: 221 bye`,
    `(greeting) -> 220
     EHLO client -> 250[2]..
     QUIT -> 221 (gap)`,
  ],
  [
    '354 is missing: what follows looks like mail',
    `S: 220 mx.example
     C: DATA
     S? 354 go
     C: From: x
     C: .
     S: 250 queued`,
    `(greeting) -> 220
     DATA -> gap
     (end-of-data) -> 250 (gap)
     m1 <> to -: 9 octets true`,
  ],
  [
    '554 to DATA is missing: what follows looks like a command',
    `S: 220 mx.example
     C: DATA
     S? 554 no
     C: QUIT
     S: 221 bye`,
    `(greeting) -> 220
     DATA -> gap
     QUIT -> 221 (gap)`,
  ],
  [
    'some replies to pipelined commands are missing, but 354 is not',
    `S: 220 mx.example
     C: MAIL FROM:<a@example.com>
     C+ RCPT TO:<b@example.net>
     C+ DATA
     S? 250 ok
     S: 354 go
     C: text
     C: .
     S: 250 queued`,
    `(greeting) -> 220
     MAIL FROM:<a@example.com> -> gap
     RCPT TO:<b@example.net> -> gap (pipelined)
     DATA -> 354 (pipelined)
     (end-of-data) -> 250
     m1 <a@example.com> to b@example.net: 6 octets true`,
  ],
  [
    'every packet is cut short (snaplen)',
    `S~ 220 mx.e
     S? xample
     C~ EHLO cl
     C? ient
     S~ 250-mx
     S? .example\\r\\n250 SIZE
     C~ MAIL FR
     C? OM:<a@example.com>
     S~ 250 ok
     S? ay
     C~ DATA\\r\\n
     S~ 354 go
     S? on
     C~ From: m
     C? e\\r\\n\\r\\ntext
     C~ .\\r\\n
     S~ 250 qu
     S? eued
     C~ QUIT\\r\\n
     S~ 221 by
     S? e`,
    `(greeting) -> 220..
     EHLO cl -> 250.. (gap)
     MAIL FR -> 250.. (gap)
     DATA -> 354.. (gap)
     (unseen) -> 250.. (gap)
     QUIT -> 221.. (gap)
     m1 <FR> to -: 10 octets 11 missing unterminated null`,
  ],
  [
    'a chunk is missing octets, and its end',
    `S: 220 mx.example
     C~ BDAT 10\\r\\nabc
     C? cde
     C~ fgBDAT 2 LAST\\r\\n
     C? 
     S: 250 ok
     S: 250 ok`,
    `(greeting) -> 220
     BDAT 10 -> 250
     BDAT 2 LAST -> 250 (pipelined)
     m1 <> to -: 5 octets 7 missing true`,
  ],
  [
    'a gap swallows more than the chunk',
    `S: 220 mx.example
     C~ BDAT 4\\r\\nab
     C? cdBDAT 9 LAST\\r\\nxxx
     C: yyyy
     S: 250 ok
     S: 250 ok
     C: QUIT
     S: 221 bye`,
    `(greeting) -> 220
     BDAT 4 -> 250
     (unseen) -> 250 (gap)
     QUIT -> 221
     m1 <> to -: 2 octets 1 missing unterminated null`,
  ],
];

const beginnings: readonly Case[] = [
  [
    'a session that began before the capture',
    `midstream
     S: 250 ok
     C: MAIL FROM:<a@example.com>
     S: 250 ok`,
    `(unseen) -> 250
     MAIL FROM:<a@example.com> -> 250`,
  ],
  [
    'a capture that begins in mail data',
    `midstream
     C: EHLO is a word
     C: this is text
     C: .
     S: 250 queued
     C: XXXX
     S: 500 what?
     C: QUIT
     S: 221 bye`,
    `(end-of-data) -> 250
     XXXX -> 500
     QUIT -> 221`,
  ],
  [
    'a capture that begins with 354',
    `midstream
     S: 354 go
     C: text
     C: .
     S: 250 queued`,
    `(unseen) -> 354
     (end-of-data) -> 250
     m1 <> to -: 6 octets true`,
  ],
  [
    'a capture that begins with the greeting',
    `midstream
     S: 220 mx.example ESMTP
     C: QUIT
     S: 221 bye`,
    `(greeting) -> 220
     QUIT -> 221`,
  ],
  [
    'a capture that begins with the answer to STARTTLS',
    `midstream
     S: 220 2.0.0 Ready to start TLS
     C~ \\x16\\x03\\x01\\x00\\x05hello`,
    '(unseen) -> 220',
  ],
  [
    'the client only',
    `only C
     S: 220 mx.example
     C: EHLO client
     S: 250 mx
     C: MAIL FROM:<a@example.com>
     S: 250 ok
     C: DATA
     S: 354 go
     C: text
     C: .
     S: 250 queued
     C: DATA
     S: 554 no
     C: QUIT`,
    `(greeting) -> one-sided
     EHLO client -> one-sided (pipelined)
     MAIL FROM:<a@example.com> -> one-sided (pipelined)
     DATA -> one-sided (pipelined)
     (end-of-data) -> one-sided (pipelined)
     DATA -> one-sided (pipelined)
     QUIT -> one-sided (pipelined)
     m1 <a@example.com> to -: 6 octets null`,
  ],
  [
    'the server only',
    `only S
     S: 220 mx.example
     C: EHLO client
     S: 250 mx
     C: DATA
     S: 354 go
     C: text
     C: .
     S: 250 queued`,
    `(greeting) -> 220
     (unseen) -> 250
     (unseen) -> 354
     (unseen) -> 250`,
  ],
];

const silences: readonly Case[] = [
  ['closed', `S: 220 mx.example\n C: EHLO client`, '(greeting) -> 220\nEHLO client -> closed'],
  ['reset', `S: 220 mx.example\n C: EHLO client\n rst S`, '(greeting) -> 220\nEHLO client -> closed'],
  ['cut', `S: 220 mx.example\n C: EHLO client\n cut`, '(greeting) -> 220\nEHLO client -> end-of-capture'],
  [
    'silent for 60 s',
    `S: 220 mx.example\n C: EHLO client\n cut\n tick 60`,
    '(greeting) -> 220\nEHLO client -> silent',
  ],
  [
    'silent for 59 s',
    `S: 220 mx.example\n C: EHLO client\n cut\n tick 59`,
    '(greeting) -> 220\nEHLO client -> end-of-capture',
  ],
  [
    'no greeting',
    'C: EHLO client\n cut\n tick 90',
    '(greeting) -> silent\nEHLO client -> silent (pipelined)',
  ],
  [
    'a command passed over',
    `S: 220 mx.example
     C: NOOP
     @ +300
     C: QUIT
     S: 221 bye`,
    `(greeting) -> 220
     NOOP -> next
     QUIT -> 221 (pipelined)`,
  ],
  [
    'encrypted before the greeting came',
    `S: 220 mx.example
     C: STARTTLS
     S: 220 go
     C~ \\x16\\x03\\x01\\x00\\x05hello\\r\\nMAIL\\r\\n
     S~ \\x16\\x03\\x01\\r\\n250 ok\\r\\n`,
    `(greeting) -> 220
     STARTTLS -> 220`,
  ],
];

describe.each([
  ['gaps', gaps],
  ['beginnings', beginnings],
  ['silences', silences],
])('%s', (_, cases) => {
  it.each(cases as Case[])('%s', (_name, script, expected) => {
    expect(account(converse(script).session)).toBe(strip(expected));
  });

  it.each(cases as Case[])('%s: in every segmentation', (_name, script, expected) => {
    expect(account(converse(script, { split: octetByOctet }).session)).toBe(strip(expected));
    for (let seed = 1; seed <= 10; seed++) {
      expect(account(converse(script, { split: randomly(seed) }).session)).toBe(strip(expected));
    }
  });

  it.each(cases as Case[])('%s: cut at every octet', (_name, script) => {
    for (let limit = 0; limit < script.length; limit++) {
      const { session, again } = converse(script, { limit });
      expect(again).toEqual(session);
    }
  });
});

describe('acknowledgement', () => {
  it('tells what the peer received', () => {
    const { session } = converse(`
      S: 220 mx.example
      noack S
      C: EHLO client
      S: 250 late`);
    expect(session.exchanges.map((exchange) => exchange.acknowledged)).toEqual([null, false]);
  });

  it('is unknown where nothing of the peer was captured afterwards', () => {
    const { session } = converse(`
      S: 220 mx.example
      C! EHLO client
      cut`);
    expect(session.exchanges[1]!.acknowledged).toBeNull();
  });

  it('is known of the end of data', () => {
    const script = (ending: string): string => `
      S: 220 mx.example
      C: DATA
      S: 354 go
      C~ text\\r\\n
      ${ending}`;
    const acknowledged = (ending: string) =>
      converse(script(ending)).session.messages[0]!.terminator!.acknowledged;
    expect(acknowledged('C: .')).toBe(true);
    expect(acknowledged('C! .\ncut')).toBeNull();
    expect(acknowledged('noack S\nC: .\nS: 421 gone')).toBe(false);
  });

  it('knows where the end of data was split', () => {
    const { session } = converse(`
      S: 220 mx.example
      C: DATA
      S: 354 go
      C: text
      C~ .\\r
      C~ \\n
      S: 250 ok`);
    const [message] = session.messages;
    expect(message!.terminator).toMatchObject({ splits: [2, 4], offset: 10, endOffset: 15 });
    const end = session.exchanges[message!.endExchange!]!;
    expect(end).toMatchObject({ kind: 'end-of-data', segments: 2, message: 0 });
    expect(end.line).toMatchObject({ text: '.', octets: 1, ending: 'CRLF', offset: 12 });
    expect(end.line!.lastFrame).toBe(message!.terminator!.lastFrame);
  });
});
