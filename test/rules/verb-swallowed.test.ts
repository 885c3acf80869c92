import { verbSwallowed } from '../../src/rules/verb-swallowed.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

const greeting = 'S: 220 mail.example ESMTP';
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
  },
  silent: {
    'an honest server': HONEST,
    'a server that answers everything with 250': `${greeting}\nC: EHLO a\nS: 250 OK\nC: GOODMORNING\nS: 250 OK\n${bye}`,
    'F4, one line with a host name': `${greeting}\nC: EHLO a\nS: 250 mail.example\n${bye}`,
    'one line that greets': `${greeting}\nC: EHLO a\nS: 250 mail.example Hello a, pleased to meet you\n${bye}`,
    'NOOP answered by 250 OK': `${greeting}\nC: HELO a\nS: 250 x\nC: NOOP\nS: 250 OK\n${bye}`,
  },
});
