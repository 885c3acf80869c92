import { authDropped } from '../../src/rules/auth-dropped.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

const offer = 'S: 220 mail.example ESMTP\nC: EHLO a.example\nS: 250-mail.example\nS+ 250 AUTH PLAIN';
const bye = 'C: QUIT\nS: 221 Bye';

ruleTable(authDropped, {
  speaks: {
    'offered and refused': {
      script: `${offer}\nC: AUTH PLAIN AGEAYg==\nS: 502 5.5.2 no\n${bye}`,
      gives: { confidence: 'likely', args: { how: 'refused' } },
    },
    'the refusal quotes X’s': {
      script: `${offer}\nC: AUTH LOGIN\nS: 500 Command unrecognized: "XXXX XXXXX"\n${bye}`,
      gives: { confidence: 'certain', args: { how: 'echoed-mask' } },
    },
    'answered by OK': {
      script: `${offer}\nC: AUTH LOGIN\nS: OK\n${bye}`,
      gives: { confidence: 'certain', args: { how: 'swallowed' } },
    },
  },
  silent: {
    'an honest server': HONEST,
    'a login that works': `${offer}\nC: AUTH PLAIN AGEAYg==\nS: 235 2.7.0 yes\n${bye}`,
    'a wrong password': `${offer}\nC: AUTH PLAIN AGEAYg==\nS: 535 5.7.8 no\n${bye}`,
    'TLS first': `${offer}\nC: AUTH PLAIN AGEAYg==\nS: 530 5.7.0 Must issue a STARTTLS command first\n${bye}`,
    'not offered': `S: 220 x\nC: EHLO a\nS: 250-mail.example\nS+ 250 SIZE\nC: AUTH PLAIN AGEAYg==\nS: 502 no\n${bye}`,
  },
});
