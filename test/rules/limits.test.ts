import { describe, expect, it } from 'vitest';
import { charModeTelnet } from '../../src/rules/char-mode-telnet.js';
import { ehloRejected } from '../../src/rules/ehlo-rejected.js';
import { ndr8bitmime } from '../../src/rules/ndr-8bitmime.js';
import type { Rule } from '../../src/rules/rule.js';
import { verbRejected } from '../../src/rules/verb-rejected.js';
import { verbSwallowed } from '../../src/rules/verb-swallowed.js';
import { analyzeScripts } from '../support/dialogue.js';

const BEGIN = '  S: 220 mail.example ESMTP\n';
const times = (count: number, turn: (number: number) => string) =>
  Array.from({ length: count }, (_, index) => turn(index)).join('');
const turn = (client: string, server: string) => `  C: ${client}\n  S: ${server}\n`;

const REPORT = `${turn('MAIL FROM:<>', '250 ok')}${turn('RCPT TO:<a@client.example>', '250 ok')}${turn('DATA', '354 go')}\
  C~ Content-Type: multipart/report; report-type=delivery-status; boundary="b"\\r\\n\\r\\n--b\\r\\nContent-Type: message/delivery-status\\r\\n\\r\\nReporting-MTA: dns; a.example\\r\\n\\r\\nFinal-Recipient: rfc822; b@mail.example\\r\\nAction: failed\\r\\nStatus: 5.6.1\\r\\n\\r\\n--b--\\r\\n.\\r\\n
  S: 250 ok
`;

async function remarks(script: string, rules: readonly Rule[]): Promise<string[]> {
  const { notAssessed } = await analyzeScripts([script], { rules });
  return notAssessed.filter(({ reason }) => reason === 'limit').map(({ detail }) => detail);
}

describe('a limit that is reached is told with a count', () => {
  it.each<[string, Rule, string]>([
    ['refused verbs', verbRejected, times(1003, () => turn('VRFY x', '502 no'))],
    ['refusals of EHLO', ehloRejected, times(1003, () => turn('EHLO client.example', '500 no'))],
    ['bare replies to EHLO', verbSwallowed, times(1003, () => turn('EHLO client.example', '250 OK'))],
    ['delivery reports', ndr8bitmime, times(1003, () => REPORT)],
  ])('%s', async (what, rule, turns) => {
    const told = await remarks(`session\n${BEGIN}${turns}`, [rule]);
    expect(told).toEqual([expect.stringMatching(new RegExp(`^3 ${what} were not .*: only 1000 are\\.$`))]);
    const all = turns.split('\n');
    const fewer = all.slice(0, Math.floor((all.length * 990) / 1003)).join('\n');
    expect(await remarks(`session\n${BEGIN}${fewer}`, [rule])).toEqual([]);
  });

  it('and is told where other remarks are too many to be listed', async () => {
    const chatter: Rule = {
      ...charModeTelnet,
      create: (context) => ({
        session(session) {
          for (let number = 0; number < 2000; number++)
            context.notAssessed({ session: session.id, reason: 'x', detail: '' });
        },
      }),
    };
    const told = await remarks(`session\n${BEGIN}${times(1003, () => turn('VRFY x', '502 no'))}`, [
      chatter,
      verbRejected,
    ]);
    expect(told).toEqual([
      '3 refused verbs were not held against other sessions: only 1000 are.',
      '1000 more remarks of rules were not kept.',
    ]);
  });
});
