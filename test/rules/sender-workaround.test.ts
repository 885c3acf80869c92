import { describe, expect, it } from 'vitest';
import { senderWorkaround } from '../../src/rules/sender-workaround.js';
import { findings } from '../support/dialogue.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

const STARS = '220 ****************************2**';
const CLEAR = '220 mail.example ESMTP';
const HELO = '  C: HELO client.example\n  S: 250 mail.example\n';
const EHLO = '  C: EHLO client.example\n  S: 250-mail.example\n  S+ 250 SIZE\n';
const REFUSED = '  C: EHLO client.example\n  S: 500 what?\n';
const TRANSACTION = `
  C: MAIL FROM:<a@client.example>
  S: 250 ok
  C: RCPT TO:<b@mail.example>
  S: 250 ok
  C: DATA
  S: 354 go
`;
const BODY = '  C~ Subject: x\\r\\n\\r\\nhello\\r\\n\n';
const QUIT = '\n  S: 250 ok\n  C: QUIT\n  S: 221 bye\n';
const session = (greeting: string, hello: string, rest: string, where = '') =>
  `\n  session ${where}\n  S: ${greeting}\n${hello}${rest}${QUIT}`;
const paused = (seconds: number) => `${TRANSACTION}${BODY}  @ +${seconds}\n  C: .`;
const AT_ONCE = `${TRANSACTION}  C~ hello\\r\\n.\\r\\n`;

ruleTable(senderWorkaround, {
  speaks: {
    'both signs, as Postfix shows them': {
      script: session(STARS, HELO, paused(10)),
      gives: {
        confidence: 'likely',
        args: { heloToMask: 1, pauses: 1, both: 1, pauseSeconds: 10 },
        excerpt: STARS,
      },
    },
    'both signs after one of them': {
      script: session(STARS, HELO, AT_ONCE) + session(STARS, HELO, paused(10)),
      gives: { confidence: 'likely', args: { heloToMask: 2, both: 1 }, sessions: ['s1', 's2'] },
    },
    'HELO to a masked greeting': {
      script: session(STARS, HELO, AT_ONCE),
      gives: { confidence: 'possible', args: { heloToMask: 1, pauses: 0, pauseSeconds: null } },
    },
    'the pause, after EHLO': {
      script: session(CLEAR, EHLO, paused(10)),
      gives: { confidence: 'possible', args: { heloToMask: 0, pauses: 1 } },
    },
    'behind the firewall: HELO to a clear greeting, and the pause': {
      script: session(CLEAR, HELO, paused(10)),
      gives: { confidence: 'possible', args: { pauses: 1 } },
    },
    'the same from a client that says EHLO to another server': {
      script: session(CLEAR, HELO, paused(10)) + session(CLEAR, EHLO, AT_ONCE, 'S=198.51.100.26:25'),
      gives: { confidence: 'likely', sessions: ['s1'] },
    },
    'one finding for each server': {
      script: session(STARS, HELO, paused(10)) + session(STARS, HELO, AT_ONCE, 'S=198.51.100.26:25'),
      gives: { findings: 2 },
    },
  },
  silent: {
    'an honest server': HONEST,
    'HELO to a clear greeting': session(CLEAR, HELO, AT_ONCE),
    'HELO to a clear greeting, EHLO elsewhere': session(CLEAR, HELO, AT_ONCE) + session(CLEAR, EHLO, AT_ONCE),
    'HELO after EHLO was refused': session(STARS, REFUSED + HELO, AT_ONCE),
    'EHLO to a masked greeting': session(STARS, EHLO, AT_ONCE),
    'a split end without a pause': session(CLEAR, EHLO, paused(1)),
    'a pause inside the message': session(
      CLEAR,
      EHLO,
      `${TRANSACTION}  C~ one\\r\\n\n  @ +10\n  C~ two\\r\\n.\\r\\n`,
    ),
    'an end that is split otherwise': session(
      CLEAR,
      EHLO,
      `${TRANSACTION}${BODY}  @ +10\n  C~ .\n  C~ \\r\\n`,
    ),
    'what comes before is not acknowledged': session(
      CLEAR,
      EHLO,
      `${TRANSACTION}  noack S\n${BODY}  @ +10\n  ack S\n  C: .`,
    ),
    'the pause is in front of the last of the body': session(
      CLEAR,
      EHLO,
      `${TRANSACTION}  C~ Subject: x\\r\\n\\r\\n\n  noack S\n  C~ one\\r\\n\n  @ +6\n  ack S\n  C~ two\\r\\n\n  @ +1\n  C: .`,
    ),
    'an empty message': session(CLEAR, EHLO, `${TRANSACTION}  @ +10\n  C: .`),
    'typed line by line': session(STARS, `  @ +4\n${HELO}`, paused(10)),
    'typed later': session(STARS, HELO, paused(10).replace('C: DATA', '@ +2\n  C: DATA')),
    'typed octet by octet': session(
      STARS,
      `${[...'HELO'].map((octet) => `  C~ ${octet}\n`).join('')}  C~ \\r\n  C~ \\n\n  S: 250 mail.example\n`,
      AT_ONCE,
    ),
    'F11, the end of the body is missing': session(
      CLEAR,
      EHLO,
      `${TRANSACTION}${BODY.replace('C~', 'C?')}  @ +10\n  C: .`,
    ),
    'F11, one direction only': `only C\n${session(STARS, HELO, paused(10))}`,
    'F7, a mask written by whoever anonymised it': `checksum bad\n${session(STARS, HELO, AT_ONCE)}`,
  },
});

describe('sender-workaround', () => {
  it.each([
    ['a note with one sign', session(STARS, HELO, AT_ONCE), 'info'],
    ['low with two', session(STARS, HELO, paused(10)), 'low'],
  ])('is %s', async (_, script, severity) => {
    const found = await findings(script, [senderWorkaround]);
    expect(found.map((finding) => finding.severity)).toEqual([severity]);
  });

  it('names the session in which the client says EHLO', async () => {
    const [finding] = await findings(session(STARS, HELO, AT_ONCE) + session(CLEAR, EHLO, AT_ONCE), [
      senderWorkaround,
    ]);
    expect(finding!.message).toContain('The same client says EHLO in session s2.');
  });
});
