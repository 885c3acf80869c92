import { relayDeniedAfterAuthDropped } from '../../src/rules/relay-denied-after-auth-dropped.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

const offer = 'S: 220 mail.example ESMTP\nC: EHLO a.example\nS: 250-mail.example\nS+ 250 AUTH PLAIN';
const relay = `
  C: MAIL FROM:<a@mail.example>
  S: 250 ok
  C: RCPT TO:<c@elsewhere.example>
  S: 550 5.7.1 Unable to relay
  C: QUIT
  S: 221 Bye`;

ruleTable(relayDeniedAfterAuthDropped, {
  speaks: {
    'AUTH refused though offered': {
      script: `${offer}\nC: AUTH PLAIN AGEAYg==\nS: 502 5.5.2 no\n${relay}`,
      gives: { confidence: 'likely', args: { how: 'refused', code: 550 } },
    },
    'AUTH answered by OK': {
      script: `${offer}\nC: AUTH LOGIN\nS: OK\n${relay}`,
      gives: { confidence: 'likely', args: { how: 'swallowed' } },
    },
    'EHLO never arrived': {
      script: `S: 220 mail.example\nC: EHLO a\nS: 500 Command unknown: 'XXXX'\nC: HELO a\nS: 250 x\n${relay}`,
      gives: { confidence: 'possible', args: { how: 'ehlo-lost' } },
    },
  },
  silent: {
    'an honest server': HONEST,
    'AUTH visible and not tried': `${offer}\n${relay}`,
    'a wrong password': `${offer}\nC: AUTH PLAIN AGEAYg==\nS: 535 5.7.8 no\n${relay}`,
    'logged on, and refused all the same': `${offer}\nC: AUTH PLAIN AGEAYg==\nS: 235 ok\n${relay}`,
    'an unknown user': `${offer}\nC: AUTH PLAIN AGEAYg==\nS: 502 no\n${relay.replace('550 5.7.1 Unable to relay', '550 5.1.1 unknown user')}`,
    'a server without AUTH': `S: 220 x\nC: HELO a\nS: 250 x\n${relay}`,
  },
});
