/** Mail that a client sends though DATA was refused: its lines are no commands, and nobody sees them. */
import { describe, expect, it } from 'vitest';
import { account, converse, octetByOctet, randomly } from '../support/conversation.js';

const OPENING =
  'S: 220 mx.example\nC: EHLO client\nS: 250 mx.example\nC: MAIL FROM:<a@example.com>\nS: 250 ok\nC: RCPT TO:<b@example.net>\nS: 250 ok\n';
const OPENED =
  '(greeting) -> 220\nEHLO client -> 250\nMAIL FROM:<a@example.com> -> 250\nRCPT TO:<b@example.net> -> 250\n';

const SPEAKS: Record<string, [script: string, said: string]> = {
  'each of its lines is answered by one reply': [
    'C: DATA\nS: 451 later\nC: Subject: Rolex\nC+ \nC+ buy it\nC+ .\nS: 500 a\nS: 500 b\nS: 500 c\nS: 500 d\nC: QUIT\nS: 221 bye',
    'DATA -> 451\n(unseen) -> 500\n(unseen) -> 500 (pipelined)\n(unseen) -> 500 (pipelined)\n(unseen) -> 500 (pipelined)\nQUIT -> 221',
  ],
  'QUIT that was sent with it has its own reply, however few came before': [
    'C: DATA\nS: 451 later\nC: Subject: Rolex\nC+ \nC+ buy it\nC+ .\nC+ QUIT\nS: 500 a\nS: 221 bye',
    'DATA -> 451\n(unseen) -> 500\n(unseen) -> next (pipelined)\n(unseen) -> next (pipelined)\n(unseen) -> next (pipelined)\nQUIT -> 221 (pipelined)',
  ],
  'so has the message that follows': [
    'C: DATA\nS: 451 later\nC: Rolex is it\nC+ .\nC+ RSET\nS: 500 a\nS: 250 ok\nC: MAIL FROM:<c@example.com>\nS: 250 ok',
    'DATA -> 451\n(unseen) -> 500\n(unseen) -> next (pipelined)\nRSET -> 250 (pipelined)\nMAIL FROM:<c@example.com> -> 250',
  ],
  'a command that it quotes is text of it': [
    'C: DATA\nS: 554 no\nC: he said\nC+ MAIL FROM:<rolex@example.com>\nC+ and\nC+ .\nS: 500 a\nS: 250 b\nS: 500 c\nS: 500 d',
    'DATA -> 554\n(unseen) -> 500\n(unseen) -> 250 (pipelined)\n(unseen) -> 500 (pipelined)\n(unseen) -> 500 (pipelined)',
  ],
  'given up, it ends in a command that waited for every reply': [
    'C: DATA\nS: 554 no\nC: Rolex is it\nS: 500 a\nC: MAIL FROM:<c@example.com>\nS: 250 ok',
    'DATA -> 554\n(unseen) -> 500\nMAIL FROM:<c@example.com> -> 250',
  ],
};

const SILENT: Record<string, [script: string, said: string]> = {
  'a client that goes on as it should': [
    'C: DATA\nS: 554 no\nC: RSET\nS: 250 ok\nC: VRFY someone\nS: 550 no such user\nC: FOO bar\nS: 500 what is FOO?\nC: QUIT\nS: 221 bye',
    'DATA -> 554\nRSET -> 250\nVRFY someone -> 550\nFOO bar -> 500\nQUIT -> 221',
  ],
  'a masked command behind it': [
    'C: DATA\nS: 554 no\nC: XXXX\nS: 500 what is "XXXX"?\nC: XXXX FROM:<a@example.com>\nS: 500 what?',
    'DATA -> 554\nXXXX -> 500\nXXXX FROM:<a@example.com> -> 500',
  ],
  'an empty line behind it': [
    'C: DATA\nS: 554 no\nC: \nS: 500 what?\nC: EXPN list\nS: 550 no',
    'DATA -> 554\n -> 500\nEXPN list -> 550',
  ],
};

describe('mail after a refused DATA', () => {
  it.each(Object.entries({ ...SPEAKS, ...SILENT }))('%s', (_, [script, said]) => {
    const { session } = converse(OPENING + script);
    expect(account(session)).toBe(OPENED + said);
    expect(JSON.stringify(session)).not.toMatch(/rolex/i);
  });

  it.each(Object.entries(SPEAKS))('is the same in whatever segments: %s', (_, [script]) => {
    for (const split of [octetByOctet, randomly(1), randomly(2), randomly(3)]) {
      expect(JSON.stringify(converse(OPENING + script, { split }).session)).not.toMatch(/rolex/i);
    }
  });

  it('keeps of refusals what says nothing of the message', () => {
    const replies =
      'S: 500 5.5.1 Error: bad syntax\nS: 502 unrecognized command "Rolex is it"\nS: 500 Too many unrecognized commands';
    const { session } = converse(
      `${OPENING}C: DATA\nS: 554 no\nC: Rolex is it\nC+ for you\nC+ .\n${replies}`,
    );
    expect(session.exchanges.slice(-3).map(({ reply }) => reply!.lines[0]!.text)).toEqual([
      '500 5.5.1 Error: bad syntax',
      '502 [34 octets]',
      '500 Too many unrecognized commands',
    ]);
  });

  it('leaves the words of refusals that nothing is quoted in', () => {
    const [script] = SILENT['a client that goes on as it should']!;
    const text = JSON.stringify(converse(OPENING + script).session);
    expect(text).toContain('550 no such user');
    expect(text).toContain('500 what is FOO?');
  });
});
