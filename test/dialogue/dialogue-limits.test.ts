/** Everything a peer can make grow has an end, and reaching it shows. */
import { describe, expect, it } from 'vitest';
import { SmtpDialogues } from '../../src/dialogue/dialogue.js';
import { StreamChunk } from '../../src/stream/event.js';
import type { SessionRecord } from '../../src/transcript/session-record.js';
import { converse, digest, FakeConnection } from '../support/conversation.js';

/** A dialogue fed by hand. */
function dialogue() {
  const connection = new FakeConnection();
  let record: SessionRecord | undefined;
  let messages = 0;
  const listener = new SmtpDialogues({
    capture: 0,
    digest,
    nextMessage: () => ++messages,
    onClosed: (closed) => {
      record = closed;
    },
  }).opened(connection);
  const chunk = new StreamChunk();
  const offsets = { client: 0, server: 0 };
  chunk.us = 1e15;
  return {
    connection,
    say(direction: 'client' | 'server', octets: Buffer | string): void {
      const buffer = typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets;
      chunk.direction = direction;
      chunk.octets = buffer;
      chunk.start = 0;
      chunk.end = buffer.length;
      chunk.offset = offsets[direction];
      chunk.frame = ++connection.lastFrame;
      offsets[direction] += buffer.length;
      listener.chunk(chunk);
    },
    close() {
      listener.closed(connection);
      return record!.read(0, Number.NaN);
    },
  };
}

/** Octets of heap and buffers that stay after `act`. */
function growth(act: () => void): number {
  const used = () => {
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const before = used();
  act();
  return used() - before;
}

describe('limits', () => {
  it.each(['client', 'server'] as const)('a line of 1 GB of the %s is kept to 2048 octets', (direction) => {
    const { say, close } = dialogue();
    const piece = Buffer.alloc(1 << 20, 'y');
    const grown = growth(() => {
      for (let count = 0; count < 1024; count++) say(direction, piece);
    });
    expect(grown).toBeLessThan(2 << 20);
    say(direction, '\r\n');
    say('client', 'EHLO client\r\n');
    say('server', '250 ok\r\n');
    const { exchanges } = close();
    const line = exchanges
      .flatMap((exchange) => [exchange.line, ...(exchange.reply?.lines ?? [])])
      .find((candidate) => candidate !== null && candidate.octets > 1000)!;
    expect(line).toMatchObject({ octets: 1 << 30, truncated: true, ending: 'CRLF' });
    expect(line.text).toBe('y'.repeat(2048));
  });

  it.each([2047, 2048, 2049, 2050])(
    'a line of %i octets is truncated only when it is longer than is kept',
    (octets) => {
      for (const split of [
        undefined,
        (whole: Buffer) => [whole.subarray(0, octets), whole.subarray(octets)],
      ]) {
        const script = `S: 220 mx\nC* ${octets} y\nS: 500 what?`;
        const { session } = converse(script, split ? { split } : {});
        const line = session.exchanges[1]!.line!;
        expect(line).toMatchObject({ octets, truncated: octets > 2048, ending: 'CRLF' });
        expect(line.text).toHaveLength(Math.min(octets, 2048));
      }
    },
  );

  it('100,000 capability lines', () => {
    const { say, close } = dialogue();
    say('server', '220 mx.example ESMTP\r\n');
    say('client', 'EHLO client\r\n');
    const lines = Array.from({ length: 100_000 }, (_, index) => `250-X-CAPABILITY-${index}\r\n`);
    say('server', `250-mx.example\r\n${lines.join('')}250 HELP\r\n`);
    say('client', 'QUIT\r\n');
    say('server', '221 bye\r\n');
    const session = close();
    const [, hello, quit] = session.exchanges;
    expect(hello!.reply).toMatchObject({ code: 250, complete: true, droppedLines: 100_002 - 1000 });
    expect(hello!.reply!.lines).toHaveLength(1000);
    expect(session.extensions).toHaveLength(999);
    expect(quit!.reply!.code).toBe(221);
    expect(session.truncated).toBe(false);
  });

  it('exchanges', () => {
    const { say, close } = dialogue();
    say('server', '220 mx.example ESMTP\r\n');
    for (let count = 0; count < 10_500; count++) {
      say('client', 'NOOP\r\n');
      say('server', '250 ok\r\n');
    }
    say('client', 'MAIL FROM:<a@example.com>\r\nDATA\r\n');
    say('server', '250 ok\r\n354 go\r\n');
    say('client', 'NOOP\r\n'.repeat(1000));
    say('client', '.\r\nQUIT\r\n');
    say('server', '250 ok\r\n221 bye\r\n');
    const session = close();
    expect(session.exchanges).toHaveLength(10_000);
    // The greeting is one; what follows the limit: NOOP, MAIL, DATA, its end, QUIT.
    expect(session.droppedExchanges).toBe(1 + 10_500 - 10_000 + 4);
    expect(session.truncated).toBe(true);
    expect(session.messages).toEqual([]);
    expect(session.exchanges.every((exchange) => exchange.reply !== null)).toBe(true);
  });

  it('commands sent without waiting', () => {
    const { say, close } = dialogue();
    say('server', '220 mx.example ESMTP\r\n');
    const grown = growth(() => {
      for (let count = 0; count < 2000; count++) say('client', '\n'.repeat(1000));
    });
    expect(grown).toBeLessThan(16 << 20);
    const session = close();
    expect(session.exchanges).toHaveLength(10_000);
    expect(session.droppedExchanges).toBe(1 + 2_000_000 - 10_000);
    expect(new Set(session.exchanges.map((exchange) => exchange.noReply))).toEqual(new Set([null, 'limit']));
  });

  it('recipients', () => {
    const { say, close } = dialogue();
    say('server', '220 mx.example ESMTP\r\n');
    say('client', 'MAIL FROM:<a@example.com>\r\n');
    for (let count = 0; count < 1500; count++) say('client', `RCPT TO:<r${count}@example.net>\r\n`);
    say('client', 'DATA\r\n');
    for (let count = 0; count < 1501; count++) say('server', '250 ok\r\n');
    say('server', '354 go\r\n');
    say('client', 'text\r\n.\r\n');
    say('server', '250 ok\r\n');
    const [message] = close().messages;
    expect(message!.to).toHaveLength(1000);
    expect(message!.recipients).toBe(1500);
  });

  it('the transcript as a whole', () => {
    const { say, close } = dialogue();
    say('server', '220 mx.example ESMTP\r\n');
    const reply = Buffer.from(`${`250-${'z'.repeat(2040)}\r\n`.repeat(500)}250 ok\r\n`);
    const grown = growth(() => {
      for (let count = 0; count < 100; count++) {
        say('client', 'NOOP\r\n');
        say('server', reply);
      }
    });
    expect(grown).toBeLessThan(24 << 20);
    const session = close();
    expect(session.truncated).toBe(true);
    expect(session.exchanges.length).toBeLessThan(100);
    expect(session.exchanges.length + session.droppedExchanges).toBe(101);
    const kept = session.exchanges.flatMap((exchange) => exchange.reply?.lines ?? []);
    expect(kept.reduce((sum, line) => sum + line.text.length, 0)).toBeLessThan(9 << 20);
  });

  it('octets that wait for the answer to DATA', () => {
    const { say, close } = dialogue();
    say('server', '220 mx.example ESMTP\r\n');
    say('client', 'DATA\r\n');
    const piece = Buffer.from('text text text text\r\n'.repeat(1000));
    const grown = growth(() => {
      for (let count = 0; count < 2000; count++) say('client', piece);
    });
    expect(grown).toBeLessThan(8 << 20);
    say('client', '.\r\n');
    say('server', '354 go\r\n250 ok\r\n');
    const session = close();
    expect(session.messages).toMatchObject([
      { octets: 2000 * piece.length, terminated: true, accepted: true },
    ]);
    expect(session.exchanges[1]).toMatchObject({ verb: 'DATA', intermediate: { code: 354 } });
  });

  it('commands that wait for the answer to DATA, over and over', () => {
    const { say, close } = dialogue();
    say('server', '220 mx.example ESMTP\r\n');
    for (let count = 0; count < 20_000; count++) say('client', 'DATA\r\nRSET\r\n');
    for (let count = 0; count < 20_000; count++) say('server', '503 no\r\n250 ok\r\n');
    const session = close();
    expect(session.exchanges.length + session.droppedExchanges).toBeGreaterThanOrEqual(40_001);
    expect(session.messages).toEqual([]);
  });

  it('secrets', () => {
    const { say, close } = dialogue();
    say('server', '220 mx.example ESMTP\r\n');
    for (let count = 0; count < 20_000; count++) {
      say('client', `AUTH PLAIN c2VjcmV0${count}\r\n`);
      say('server', '535 no\r\n');
    }
    expect(JSON.stringify(close())).not.toContain('c2VjcmV0');
  });
});
