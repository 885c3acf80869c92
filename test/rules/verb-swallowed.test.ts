import { expect, it } from 'vitest';
import { verbSwallowed } from '../../src/rules/verb-swallowed.js';
import { findings } from '../support/dialogue.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

const greeting = 'S: 220 mail.example ESMTP';
const STAMPS = 'syn C ts\nsyn S ts\n';
const byTheBox = (reply: string) => `stack S ttl=255 ts=off\nS: ${reply}\nstack S ttl=57 ts=0`;
const bye = 'C: QUIT\nS: 221 x';

ruleTable(verbSwallowed, {
  speaks: {
    'V8, a bare OK': {
      script: `${greeting}\nC: goodmorning\nS: OK\n${bye}`,
      gives: { confidence: 'certain', args: { reply: 'OK' } },
    },
    'EHLO answered by OK.': {
      script: `${greeting}\nC: EHLO a\nS: OK.\n${bye}`,
      gives: { confidence: 'certain' },
    },
    'V7, 250 without a name': {
      script: `${greeting}\nC: EHLO a\nS: 250 OK\n${bye}`,
      gives: { confidence: 'possible', args: { verb: 'EHLO' } },
    },
    'V7 and the reply to NOOP is the same': {
      script: `${greeting}\nC: EHLO a\nS: 250 2.0.0 Ok\nC: NOOP\nS: 250 2.0.0 Ok\n${bye}`,
      gives: { confidence: 'likely' },
    },
    'V7 and the server speaks ESMTP to others': {
      script: `session\n${HONEST}\nsession\n${greeting}\nC: EHLO a\nS: 250 OK\n${bye}`,
      gives: { confidence: 'likely', sessions: ['s2'] },
    },
    'an OK whose packet is not the server’s': {
      script: `${STAMPS}${greeting}\nC: HELO a\nS: 250 b\nC: EHLO a\n${byTheBox('OK')}\nC: RSET\nS: 250 c\n${bye}`,
      gives: { confidence: 'certain', args: { reply: 'OK', spoofed: true } },
    },
    '250 without a name, and its packet is not the server’s': {
      script: `${STAMPS}${greeting}\nC: HELO a\nS: 250 b\nC: EHLO a\n${byTheBox('250 OK')}\nC: NOOP\nS: 250 OK\n${bye}`,
      gives: { confidence: 'likely', args: { reply: '250 OK', spoofed: true } },
    },
  },
  silent: {
    'an honest server': HONEST,
    'a server that answers everything with 250': `${greeting}\nC: EHLO a\nS: 250 OK\nC: GOODMORNING\nS: 250 OK\n${bye}`,
    'F4, one line with a host name': `${greeting}\nC: EHLO a\nS: 250 mail.example\n${bye}`,
    'one line that greets': `${greeting}\nC: EHLO a\nS: 250 mail.example Hello a, pleased to meet you\n${bye}`,
    'NOOP answered by 250 OK': `${greeting}\nC: HELO a\nS: 250 x\nC: NOOP\nS: 250 OK\n${bye}`,
  },
});

it('says that the box answered by itself', async () => {
  const honest = `${greeting}\nC: HELO a\nS: 250 b\nC: EHLO a\n`;
  for (const reply of ['OK', '250 OK']) {
    const [swallowed] = await findings(`${STAMPS}${honest}${byTheBox(reply)}\n${bye}`, [verbSwallowed]);
    expect(swallowed!.message).toContain(
      'The packet of the reply is not the server’s (hop limit 255/57; no timestamp): the box answered by itself.',
    );
    const [plain] = await findings(`${STAMPS}${honest}S: ${reply}\n${bye}`, [verbSwallowed]);
    expect(plain!.message).not.toContain('packet');
    expect(plain!.args.spoofed).toBe(false);
  }
});
