/** Dialogues nobody would hold: whatever is said in whatever order, what must always be true is. */
import { describe, expect, it } from 'vitest';
import type { SmtpSession } from '../../src/smtp/session.js';
import { account, converse, octetByOctet, randomly } from '../support/conversation.js';
import { sample } from '../support/extent.js';

const CLIENT = [
  'C: EHLO client.example',
  'C: HELO client.example',
  'C: MAIL FROM:<a@example.com>',
  'C: MAIL FROM:<> BODY=8BITMIME',
  'C: RCPT TO:<b@example.net>',
  'C+ RCPT TO:<c@example.net>',
  'C: DATA',
  'C+ DATA',
  'C: RSET',
  'C: NOOP',
  'C: QUIT',
  'C: STARTTLS',
  'C: AUTH LOGIN',
  'C: AUTH PLAIN AHVzZXIAcGFzc3dvcmQ=',
  'C: dXNlcm5hbWU=',
  'C: XXXX client.example',
  'C: ',
  'C: .',
  'C: Subject: words and words',
  'C~ \\r\\n.\\r\\n',
  'C~ BDAT 12\\r\\nabc\\r\\ndef\\r\\ngh',
  'C~ BDAT 5 LAST\\r\\nabcde',
  'C: BDAT 40 LAST',
  'C: XEXCH50 4 2',
  'C~ \\x16\\x03\\x01\\x02\\x00',
  'C~ half a li',
  'C? RCPT TO:<lost@example.net>',
  'C? DATA\\r\\nlost',
  'C~ \\0\\xff\\r\\r\\n',
];
const SERVER = [
  'S: 220 mx.example ESMTP',
  'S: 220 ******0*2*****',
  'S: 220-****',
  'S: ********',
  'S: 250 ok',
  'S: 250-mx.example',
  'S+ 250 SIZE',
  'S+ 250-XXXXXXXA',
  'S: 354 go',
  'S: 334 VXNlcm5hbWU6',
  'S: 235 welcome',
  'S: 221 bye',
  'S: 421 timeout',
  'S: 500 what is XXXX?',
  'S: 503 no',
  'S: OK',
  'S: ',
  'S~ 25',
  'S? 250 ok',
  'S? 250-mx',
  'S~ \\x16\\x03\\x03',
];

function randomScript(seed: number): string {
  let state = (seed * 2654435761) >>> 0;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const lines = [['', 'midstream', 'only C', 'only S', '', '', '', ''][below(8)]!];
  if (below(3) > 0) lines.push('S: 220 mx.example ESMTP');
  // The most frequent things more often than their share.
  for (let count = 1 + below(25); count > 0; count--) {
    const list = below(2) === 0 ? CLIENT : SERVER;
    lines.push(below(2) === 0 ? list[below(12)]! : list[below(list.length)]!);
  }
  lines.push(['cut', 'fin', 'rst', 'cut\ntick 90'][below(4)]!);
  return lines.join('\n');
}

function check(session: SmtpSession): void {
  const replies = session.exchanges.flatMap(({ intermediate, reply }) => [intermediate, reply]);
  const lines = replies.flatMap((reply) => reply?.lines ?? []);
  // No line of the server answers two things, and replies come in order.
  expect(new Set(lines.map((line) => line.offset)).size).toBe(lines.length);
  const sent = session.exchanges.flatMap(({ line }) => line?.offset ?? []);
  expect(sent).toEqual([...sent].sort((a, b) => a - b));
  for (const exchange of session.exchanges) {
    expect(exchange.reply !== null || exchange.intermediate !== null || exchange.noReply !== null).toBe(true);
    if (exchange.reply !== null) expect(exchange.noReply).toBeNull();
    for (const reply of [exchange.intermediate, exchange.reply]) {
      if (reply === null) continue;
      expect(reply.lines.length).toBeGreaterThan(0);
      if (reply.code !== null) expect(reply.lines[0]!.text.slice(0, 3)).toBe(String(reply.code));
    }
    expect(exchange.line === null).toBe(exchange.kind === 'greeting' || exchange.kind === 'unseen');
    if (exchange.kind === 'auth-response') expect(exchange.line!.text).toMatch(/^\[\d+ octets\]$/);
  }
  for (const [index, message] of session.messages.entries()) {
    const end = message.endExchange === null ? null : session.exchanges[message.endExchange]!;
    if (end) expect(end.message).toBe(index);
    if (message.terminator) expect(message.terminator.endOffset).toBeGreaterThanOrEqual(message.offset);
    expect(message.commandExchange).toBeLessThan(session.exchanges.length);
  }
  const claimed = session.exchanges.flatMap(({ message }) => message ?? []);
  expect(new Set(claimed).size).toBe(claimed.length);
}

describe('dialogues at random', () => {
  it.each(sample([...Array(40).keys()], 10))('batch %i', (batch) => {
    for (let seed = batch * 50; seed < batch * 50 + 50; seed++) {
      const script = randomScript(seed);
      try {
        const { session, again } = converse(script);
        check(session);
        expect(again).toEqual(session);
        // Glued to half a line, a secret is not recognised as one.
        if (!script.includes('half')) expect(JSON.stringify(session)).not.toMatch(/AHVzZXIA|dXNlcm5h/);
        const whole = account(session);
        expect(account(converse(script, { split: octetByOctet }).session)).toBe(whole);
        expect(account(converse(script, { split: randomly(seed) }).session)).toBe(whole);
        const limit = seed % Math.max(1, script.length);
        check(converse(script, { limit, split: randomly(seed + 7) }).session);
      } catch (error) {
        throw new Error(`seed ${seed}:\n${script}`, { cause: error });
      }
    }
  });
});
