import { ehloRejected } from '../../src/rules/ehlo-rejected.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

const refused =
  'C: EHLO a.example\nS: 502 5.5.2 Error: command not recognized\nC: HELO a.example\nS: 250 mail.example\nC: QUIT\nS: 221 x';

ruleTable(ehloRejected, {
  speaks: {
    'behind a masked greeting': {
      script: `S: 220 ${'*'.repeat(30)}2*****\n${refused}`,
      gives: { confidence: 'likely', args: { witness: 'greeting' } },
    },
    'V6, the refusal quotes X’s': {
      script: `S: 220 mail.example\nC: EHLO a\nS: 500 Command unknown: 'XXXX'\nC: QUIT\nS: 221 x`,
      gives: { confidence: 'certain', args: { witness: 'echo' } },
    },
    'the same server accepts it elsewhere': {
      script: `session\n${HONEST}\nsession\nS: 220 mail.example\n${refused}`,
      gives: { confidence: 'likely', args: { witness: 'other-session' }, sessions: ['s2'] },
    },
  },
  silent: {
    'an honest server': HONEST,
    'F4 and F5, an old server': `S: 220 mail.example\n${refused}`,
    'two old servers': `session\nS: 220 a.example\n${refused}\nsession S=198.51.100.26:25\nS: 220 b.example\n${refused}`,
    'another refusal': 'S: 220 mail.example\nC: EHLO a\nS: 550 go away\nC: QUIT\nS: 221 x',
  },
});
