/** What must be true of any two captures: nothing differs from itself, an edit in place is found octet for octet. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SmtpSession } from '../../src/smtp/session.js';
import { converse, randomly } from '../support/conversation.js';
import { runs } from '../support/extent.js';
import { compare, lineOf } from './difference-lines.js';

/** `FC_SEED=7` tries others. */
const RUNS = { numRuns: runs(500), seed: Number(process.env.FC_SEED ?? 1) };

const CLIENT = [
  'C: EHLO client.example',
  'C: HELO client.example',
  'C: MAIL FROM:<a@example.com>',
  'C: RCPT TO:<b@example.net>',
  'C+ RCPT TO:<c@example.net>',
  'C: DATA',
  'C: RSET',
  'C: NOOP',
  'C: STARTTLS',
  'C: AUTH LOGIN',
  'C: AUTH PLAIN AHVzZXIAcGFzc3dvcmQ=',
  'C: dXNlcm5hbWU=',
  'C: XXXX client.example',
  'C: Subject: words',
  'C~ \\r\\n.\\r\\n',
  'C~ BDAT 5 LAST\\r\\nabcde',
  'C~ \\x16\\x03\\x01\\x02\\x00',
  'C~ half a li',
  'C? RCPT TO:<lost@example.net>',
  'C: QUIT',
];
const SERVER = [
  'S: 220 mx.example ESMTP',
  'S: 250 ok',
  'S: 250-mx.example',
  'S+ 250 SIZE',
  'S: 354 go',
  'S: 334 VXNlcm5hbWU6',
  'S: 235 welcome',
  'S: 221 bye',
  'S: 500 what is XXXX?',
  'S: OK',
  'S~ 25',
  'S? 250 ok',
];

const script = fc
  .tuple(
    fc.constantFrom('', 'midstream', 'only C', 'only S', ''),
    fc.array(fc.constantFrom(...CLIENT, ...SERVER), { maxLength: 25 }),
    fc.constantFrom('cut', 'fin', 'rst', 'cut\ntick 90'),
  )
  .map(([start, lines, end]) => [start, 'S: 220 mx.example ESMTP', ...lines, end].join('\n'));

/** What is known to have changed. A doubt is none: whether anything differs there, a second reading tells. */
function changes(nearClient: SmtpSession, nearServer: SmtpSession): string[] {
  const { differences, needsOctets } = compare(nearClient, nearServer);
  const doubts = new Set(needsOctets.filter(({ isDoubt }) => isDoubt).map(({ difference }) => difference));
  return differences
    .filter((difference) => difference.change !== 'unseen' && !doubts.has(difference))
    .map(lineOf);
}

describe('whatever was said', () => {
  it('does not differ from itself, however it was cut into segments', () => {
    fc.assert(
      fc.property(script, fc.nat(), (text, seed) => {
        const { session } = converse(text);
        const again = converse(text, { split: randomly(seed) }).session;
        expect(changes(session, session)).toEqual([]);
        expect(changes(session, again)).toEqual([]);
      }),
      RUNS,
    );
  });

  it('does not differ where one capture ends early', () => {
    fc.assert(
      fc.property(script, fc.nat(600), (text, limit) => {
        // A script can end without its FIN too: then nothing tells that more was to come.
        fc.pre(limit < text.length);
        const { session } = converse(text);
        const early = converse(text, { limit }).session;
        fc.pre(early.closed === 'end-of-capture' && session.encryptedFrom === early.encryptedFrom);
        expect(changes(session, early)).toEqual([]);
        expect(changes(early, session)).toEqual([]);
      }),
      RUNS,
    );
  });

  it('never throws for two that have nothing in common', () => {
    fc.assert(
      fc.property(script, script, (one, other) => {
        const { differences } = compare(converse(one).session, converse(other).session);
        for (const { before, after, octets } of differences) {
          expect(before !== null || after !== null).toBe(true);
          expect(octets).toBeGreaterThanOrEqual(0);
        }
        // Glued to half a line, a secret is not recognised as one.
        if (!one.includes('half') && !other.includes('half'))
          expect(JSON.stringify(differences)).not.toMatch(/AHVzZXIA|dXNlcm5h/);
      }),
      RUNS,
    );
  });
});

const COMMANDS = [
  'EHLO client.example',
  'MAIL FROM:<a@example.com>',
  'RCPT TO:<b@example.net>',
  'RSET',
  'NOOP',
  'VRFY joe',
];

describe('an edit in place', () => {
  it('is found: these octets and no others', () => {
    const dialogue = fc.array(
      fc.tuple(fc.constantFrom(...COMMANDS), fc.constantFrom('250 ok', '250 2.1.0 Sender ok', '500 what')),
      { minLength: 1, maxLength: 12 },
    );
    const edits = fc.array(
      fc.tuple(fc.nat(11), fc.boolean(), fc.nat(30), fc.nat(5), fc.constantFrom('X', '*', ' ', 'q')),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(dialogue, edits, (exchanges, changed) => {
        const sent = exchanges.map(([command, reply]) => [command, reply]);
        const got = sent.map(([command, reply]) => [command!, reply!]);
        for (const [at, isReply, from, count, octet] of changed) {
          const line = got[at % got.length]!;
          const text = line[isReply ? 1 : 0]!;
          // A code and the end of a line are what replies and lines are told by.
          const start = (isReply ? 4 : 0) + (from % (text.length - (isReply ? 4 : 0)));
          const end = Math.min(text.length, start + count);
          line[isReply ? 1 : 0] = text.slice(0, start) + octet.repeat(end - start) + text.slice(end);
        }
        const talk = (lines: readonly (readonly string[])[], which: (row: number) => readonly string[]) =>
          ['S: 220 mx.example', ...lines.flatMap((_, row) => which(row)), 'fin'].join('\n');
        const nearClient = talk(sent, (row) => [`C: ${sent[row]![0]}`, `S: ${got[row]![1]}`]);
        const nearServer = talk(sent, (row) => [`C: ${got[row]![0]}`, `S: ${sent[row]![1]}`]);
        const pair = [converse(nearClient).session, converse(nearServer).session] as const;
        // An edit can look like a credential: then it is not told.
        fc.pre(!JSON.stringify(pair).includes(' octets]'));
        const { differences } = compare(...pair);
        const told = differences.flatMap(({ change, direction, before, ranges }) => {
          expect(change).toBe('altered');
          return ranges.flatMap(([from, to]) =>
            Array.from({ length: to - from }, (_, at) => `${direction} ${before!.offset! + from + at}`),
          );
        });
        const expected: string[] = [];
        for (const side of [0, 1]) {
          let offset = side === 0 ? 0 : 'S: 220 mx.example'.length - 3 + 2;
          for (const [row, line] of sent.entries()) {
            const [was, is] = [line[side]!, got[row]![side]!];
            for (let at = 0; at < was.length; at++) {
              if (was[at] !== is[at]) expected.push(`${side === 0 ? 'client' : 'server'} ${offset + at}`);
            }
            offset += was.length + 2;
          }
        }
        expect(told.sort()).toEqual(expected.sort());
      }),
      RUNS,
    );
  });
});
