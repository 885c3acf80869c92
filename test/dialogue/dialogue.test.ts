/** Which reply answers what: scripts in, one line for each exchange and message out. */
import { describe, expect, it } from 'vitest';
import { account, converse, octetByOctet, randomly } from '../support/conversation.js';

/** Name, script, account. */
type Case = readonly [name: string, script: string, expected: string];

const STRAIGHT = `
  S: 220 mx.example ESMTP
  C: EHLO client.example
  S: 250-mx.example
  S+ 250-SIZE 1000
  S+ 250 8BITMIME
  C: MAIL FROM:<a@example.com> BODY=8bitmime
  S: 250 2.1.0 ok
  C: RCPT TO:<b@example.net>
  S: 250 2.1.5 ok
  C: RCPT TO:<c@example.net>
  S: 550 5.1.1 no such user
  C: DATA
  S: 354 go
  C: Message-ID: <1@example.com>
  C:
  C: Hello
  C: .
  S: 250 2.0.0 queued
  C: QUIT
  S: 221 bye`;

const cases: readonly Case[] = [
  [
    'the straight way',
    STRAIGHT,
    `(greeting) -> 220
     EHLO client.example -> 250[3]
     MAIL FROM:<a@example.com> BODY=8bitmime -> 250
     RCPT TO:<b@example.net> -> 250
     RCPT TO:<c@example.net> -> 550
     DATA -> 354
     (end-of-data) -> 250
     QUIT -> 221
     m1 <a@example.com> to b@example.net: 38 octets true`,
  ],
  [
    'two messages, the second refused',
    `S: 220 mx.example
     C: helo client
     S: 250 mx.example
     C: mail from:<a@example.com>
     S: 250 ok
     C: rcpt to:<b@example.net>
     S: 250 ok
     C: data
     S: 354 go
     C: one
     C: .
     S: 250 queued
     C: MAIL FROM:<>
     S: 250 ok
     C: RCPT TO: d@example.net
     S: 250 ok
     C: DATA
     S: 354 go
     C: two
     C: ..dot
     C: .
     S: 554 5.6.0 no
     C: QUIT
     S: 221 bye`,
    `(greeting) -> 220
     HELO client -> 250
     MAIL from:<a@example.com> -> 250
     RCPT to:<b@example.net> -> 250
     DATA -> 354
     (end-of-data) -> 250
     MAIL FROM:<> -> 250
     RCPT TO: d@example.net -> 250
     DATA -> 354
     (end-of-data) -> 554
     QUIT -> 221
     m1 <a@example.com> to b@example.net: 5 octets true
     m2 <> to d@example.net: 11 octets false`,
  ],
  [
    'pipelining, with a recipient refused',
    `S: 220 mx.example
     C: EHLO client
     S: 250-mx.example
     S+ 250 PIPELINING
     C: MAIL FROM:<a@example.com>
     C+ RCPT TO:<b@example.net>
     C+ RCPT TO:<c@example.net>
     C+ DATA
     S: 250 ok
     S+ 550 no
     S+ 250 ok
     S+ 354 go
     C: text
     C+ .
     C+ QUIT
     S: 250 queued
     S+ 221 bye`,
    `(greeting) -> 220
     EHLO client -> 250[2]
     MAIL FROM:<a@example.com> -> 250
     RCPT TO:<b@example.net> -> 550 (pipelined)
     RCPT TO:<c@example.net> -> 250 (pipelined)
     DATA -> 354 (pipelined)
     (end-of-data) -> 250
     QUIT -> 221 (pipelined)
     m1 <a@example.com> to c@example.net: 6 octets true`,
  ],
  [
    'DATA refused: what was sent with it are commands',
    `S: 220 mx.example
     C: MAIL FROM:<a@example.com>
     C+ RCPT TO:<b@example.net>
     C+ DATA
     C+ RSET
     C+ QUIT
     S: 250 ok
     S+ 550 no
     S+ 554 no valid recipients
     S+ 250 reset
     S+ 221 bye`,
    `(greeting) -> 220
     MAIL FROM:<a@example.com> -> 250
     RCPT TO:<b@example.net> -> 550 (pipelined)
     DATA -> 554 (pipelined)
     RSET -> 250 (pipelined)
     QUIT -> 221 (pipelined)`,
  ],
  [
    'mail data sent together with DATA',
    `S: 220 mx.example
     C: MAIL FROM:<a@example.com>
     C+ RCPT TO:<b@example.net>
     C+ DATA
     C+ Subject: x
     C+
     C+ QUIT
     C+ .
     C+ QUIT
     S: 250 ok
     S+ 250 ok
     S+ 354 go
     S+ 250 queued
     S+ 221 bye`,
    `(greeting) -> 220
     MAIL FROM:<a@example.com> -> 250
     RCPT TO:<b@example.net> -> 250 (pipelined)
     DATA -> 354 (pipelined)
     (end-of-data) -> 250 (pipelined)
     QUIT -> 221 (pipelined)
     m1 <a@example.com> to b@example.net: 20 octets true`,
  ],
  [
    'DATA is never answered, and the client gives up',
    `S: 220 mx.example
     C: DATA
     @ +300
     C: QUIT
     S: 221 bye`,
    `(greeting) -> 220
     DATA -> next
     QUIT -> 221 (pipelined)`,
  ],
  [
    'a client that speaks first',
    `C: EHLO client
     S: 220 mx.example
     S: 250 mx.example
     C: QUIT
     S: 221 bye`,
    `(greeting) -> 220
     EHLO client -> 250 (pipelined)
     QUIT -> 221`,
  ],
  [
    'a client that speaks first, to a server that does not greet',
    `C: EHLO client
     S: 250 mx.example
     C: QUIT
     S: 221 bye`,
    `(greeting) -> next
     EHLO client -> 250 (pipelined)
     QUIT -> 221`,
  ],
  [
    'BDAT',
    `S: 220 mx.example
     C: EHLO client
     S: 250-mx.example
     S+ 250 CHUNKING
     C: MAIL FROM:<a@example.com>
     S: 250 ok
     C: RCPT TO:<b@example.net>
     S: 250 ok
     C~ BDAT 7\\r\\nab\\r\\n.\\r\\n
     S: 250 7 octets
     C~ BDAT 5 LAST\\r\\nQUIT\\nQUIT\\r\\n
     S: 250 queued
     S: 221 bye`,
    `(greeting) -> 220
     EHLO client -> 250[2]
     MAIL FROM:<a@example.com> -> 250
     RCPT TO:<b@example.net> -> 250
     BDAT 7 -> 250
     BDAT 5 LAST -> 250
     QUIT -> 221 (pipelined)
     m1 <a@example.com> to b@example.net: 12 octets true`,
  ],
  [
    'BDAT 0 LAST ends a message',
    `S: 220 mx.example
     C: MAIL FROM:<a@example.com>
     S: 250 ok
     C~ BDAT 3\\r\\nabcBDAT 0 LAST\\r\\n
     S: 250 3 octets
     S: 250 queued`,
    `(greeting) -> 220
     MAIL FROM:<a@example.com> -> 250
     BDAT 3 -> 250
     BDAT 0 LAST -> 250 (pipelined)
     m1 <a@example.com> to -: 3 octets true`,
  ],
  [
    'BDAT without a size is a command like any other; a refused chunk refuses the message',
    `S: 220 mx.example
     C: MAIL FROM:<a@example.com>
     S: 250 ok
     C: BDAT x
     S: 501 size?
     C~ BDAT 3\\r\\nabc
     S: 503 no
     C: RSET
     S: 250 ok
     C: BDAT
     S: 501 size?`,
    `(greeting) -> 220
     MAIL FROM:<a@example.com> -> 250
     BDAT x -> 501
     BDAT 3 -> 503
     RSET -> 250
     BDAT -> 501
     m1 <a@example.com> to -: 3 octets unterminated false`,
  ],
  [
    'a message after RSET has no sender of before',
    `S: 220 mx.example
     C: MAIL FROM:<a@example.com>
     S: 250 ok
     C: RCPT TO:<b@example.net>
     S: 250 ok
     C: RSET
     S: 250 ok
     C: DATA
     S: 354 go
     C: x
     C: .
     S: 250 ok`,
    `(greeting) -> 220
     MAIL FROM:<a@example.com> -> 250
     RCPT TO:<b@example.net> -> 250
     RSET -> 250
     DATA -> 354
     (end-of-data) -> 250
     m1 <> to -: 3 octets true`,
  ],
  [
    'a server that takes LF.LF for the end',
    `S: 220 mx.example
     C: MAIL FROM:<a@example.com>
     S: 250 ok
     C: DATA
     S: 354 go
     C~ text\\n.\\n
     S: 250 queued
     C~ QUIT\\n
     S: 221 bye`,
    `(greeting) -> 220
     MAIL FROM:<a@example.com> -> 250
     DATA -> 354
     (unseen) -> 250
     QUIT -> 221
     m1 <a@example.com> to -: 7 octets unterminated null`,
  ],
  [
    'a server that gives up inside the mail data',
    `S: 220 mx.example
     C: DATA
     S: 354 go
     C: text
     S: 421 4.4.2 timeout
     C: QUIT`,
    `(greeting) -> 220
     DATA -> 354
     (unseen) -> 421
     m1 <> to -: 12 octets unterminated null`,
  ],
  [
    'XEXCH50: exactly so many octets after 354, then a second reply',
    `S: 220 mx.example
     C: XEXCH50 8 2
     S: 354 Send binary data
     C~ \\x01\\n\\n.\\r\\n\\n\\nMAIL FROM:<a@example.com>\\r\\n
     S: 250 XEXCH50 accepted
     S: 250 ok
     C: XEXCH50 8 2
     S: 504 Need to authenticate first
     C: QUIT
     S: 221 bye`,
    `(greeting) -> 220
     XEXCH50 8 2 -> 354 250
     MAIL FROM:<a@example.com> -> 250 (pipelined)
     XEXCH50 8 2 -> 504
     QUIT -> 221`,
  ],
  [
    'a greeting that was masked, with its space (G2) and without (G1)',
    `S: 220 *********0*2****
     C: EHLO client
     S: 250 mx
     C: QUIT
     S: 221 bye`,
    `(greeting) -> 220
     EHLO client -> 250
     QUIT -> 221`,
  ],
  [
    'V1: the second line of a masked greeting belongs to it',
    `S: 220*******************************************************0*2******0***********************
     S+ 2002*******2***0*00
     C: HELO client
     S: 250 mx
     C: QUIT
     S: 221 bye`,
    `(greeting) -> 220[2]
     HELO client -> 250
     QUIT -> 221`,
  ],
  [
    'V3: a greeting whose last code was masked is not complete',
    `S: 220-****
     S+ ********
     @ +300
     C: QUIT
     S: 221 bye`,
    `(greeting) -> 220[2]..
     QUIT -> 221`,
  ],
  [
    'V3: nobody ever says anything again',
    `S: 220-****
     S+ ********`,
    '(greeting) -> 220[2]..',
  ],
  [
    'V2, V8: an old firewall that answers OK by itself',
    `S: 220 SMTP/cmap_________________________________________ read
     C: EHLO client
     S: OK
     C: goodmorning
     S: OK.
     C: QUIT
     S: 221 bye`,
    `(greeting) -> 220
     EHLO client -> none
     GOODMORNING -> none
     QUIT -> 221`,
  ],
  [
    'V6, V7: verbs of X and verbs swallowed',
    `S: 220 mx.example
     C: XXXX client
     S: 500 Command unknown: 'XXXX'
     C: xxxx
     S: 502 5.5.2 Error: command not recognized
     C: EHLO a
     S: 250 OK`,
    `(greeting) -> 220
     XXXX client -> 500
     xxxx -> 502
     EHLO a -> 250`,
  ],
  [
    'empty lines: answered by some',
    `S: 220 mx.example
     C:
     S: 500 bad syntax
     C:
     C+ NOOP
     S: 250 ok
     C: QUIT
     S: 221 bye`,
    `(greeting) -> 220
      -> 500
      -> next
     NOOP -> 250 (pipelined)
     QUIT -> 221`,
  ],
  [
    'bare LF ends lines too, a bare CR does not; NUL and 8-bit octets stay',
    `S~ 220 mx.example\\n
     C~ HELO a\\rb\\n
     S~ 250 x\\0y\\r\\n
     C~ HELO \\xe9\\0\\n
     S: 250 ok`,
    `(greeting) -> 220
     HELO a\rb -> 250
     HELO \xe9\0 -> 250`,
  ],
  [
    'a reply nobody asked for',
    `S: 220 mx.example
     C: NOOP
     S: 250 ok
     S: 421 4.4.2 timeout`,
    `(greeting) -> 220
     NOOP -> 250
     (unseen) -> 421`,
  ],
  [
    'lines without a code after a reply belong to it',
    `S: 220 mx.example
     C: HELP
     S: 214 These are known:
     S+ HELO MAIL
     C: QUIT
     S: 221 bye`,
    `(greeting) -> 220
     HELP -> 214[2]
     QUIT -> 221`,
  ],
  [
    'a multi-line reply that changes its code, and one that never ends',
    `S: 220-mx.example
     S+ 221 welcome
     C: EHLO a
     S: 250-mx.example
     S+ 250-SIZE
     C: QUIT
     S: 221 bye`,
    `(greeting) -> 220[2]
     EHLO a -> 250[2]..
     QUIT -> 221`,
  ],
  [
    'codes without any text',
    `S: 220
     C: NOOP
     S: 250
     C: QUIT
     S: 221`,
    `(greeting) -> 220
     NOOP -> 250
     QUIT -> 221`,
  ],
];

const strip = (text: string): string => text.replace(/^ {5}/gm, '').trim();

describe('a dialogue', () => {
  it.each(cases)('%s', (_, script, expected) => {
    expect(account(converse(script).session)).toBe(strip(expected));
  });

  it.each(cases)('%s: in every segmentation', (_, script, expected) => {
    expect(account(converse(script, { split: octetByOctet }).session)).toBe(strip(expected));
    expect(account(converse(script, { join: true }).session)).toBe(strip(expected));
    for (let seed = 1; seed <= 20; seed++) {
      expect(account(converse(script, { split: randomly(seed), join: seed % 2 === 0 }).session)).toBe(
        strip(expected),
      );
    }
  });

  it.each(cases)('%s: cut at every octet', (_, script) => {
    const whole = converse(script);
    const octets = script.length;
    for (let limit = 0; limit < octets; limit++) {
      const { session, again } = converse(script, { limit });
      expect(again).toEqual(session);
      expect(session.exchanges.length).toBeLessThanOrEqual(whole.session.exchanges.length + 2);
      for (const exchange of session.exchanges) {
        const isAnswered = exchange.reply !== null || exchange.intermediate !== null;
        if (!isAnswered) expect(exchange.noReply).not.toBeNull();
      }
    }
  });
});
