import { verbRejected } from '../../src/rules/verb-rejected.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

const offer =
  'S: 220 mail.example ESMTP\nC: EHLO a.example\nS: 250-mail.example\nS+ 250-STARTTLS\nS+ 250 AUTH PLAIN';
const STAMPS = 'syn C ts\nsyn S ts\n';
const byAnother = (reply: string) => `stack S ttl=255 ts=off\nS: ${reply}\nstack S ttl=57 ts=0`;
const bye = 'C: QUIT\nS: 221 Bye';

ruleTable(verbRejected, {
  speaks: {
    'offered and refused': {
      script: `${offer}\nC: STARTTLS\nS: 502 5.5.2 Error: command not recognized\n${bye}`,
      gives: { confidence: 'likely', args: { verb: 'STARTTLS', code: 502 } },
    },
    'V13, the antivirus proxy on the sender': {
      script: `${offer}\nC: STARTTLS\nS: 500 Unsupported command.\nC: QUIT\nS: 221 Closing connection. Good bye.`,
      gives: { confidence: 'likely', args: { localProxyText: true } },
    },
    'offered to others': {
      script: `session\n${HONEST}\nsession\nS: 220 mail.example ESMTP\nC: EHLO a\nS: 250-mail.example\nS+ 250 SIZE\nC: STARTTLS\nS: 502 no\n${bye}`,
      gives: { confidence: 'possible', sessions: ['s2'] },
    },
    'offered, and another machine refused it': {
      script: `${STAMPS}${offer}\nC: NOOP\nS: 250 Ok\nC: STARTTLS\n${byAnother('502 no')}\n${bye}`,
      gives: { confidence: 'likely', args: { verb: 'STARTTLS', spoofed: true } },
    },
    'offered to others, and another machine refused it': {
      script: `session\n${HONEST}\nsession\n${STAMPS}S: 220 mail.example ESMTP\nC: EHLO a\nS: 250-mail.example\nS+ 250 SIZE\nC: STARTTLS\n${byAnother('502 no')}\n${bye}`,
      gives: { confidence: 'likely', args: { spoofed: true }, sessions: ['s2'] },
    },
  },
  silent: {
    'an honest server': HONEST,
    'a server without TLS': `S: 220 x ESMTP\nC: EHLO a\nS: 250-mail.example\nS+ 250 SIZE\nC: STARTTLS\nS: 502 no\n${bye}`,
    'a server without TLS whose refusal another machine wrote': `${STAMPS}S: 220 x ESMTP\nC: EHLO a\nS: 250-mail.example\nS+ 250 SIZE\nC: STARTTLS\n${byAnother('502 no')}\n${bye}`,
    'not now': `${offer}\nC: STARTTLS\nS: 454 4.7.0 TLS not available\n${bye}`,
    'out of order': `${offer}\nC: AUTH PLAIN AGEAYg==\nS: 503 5.5.1 no\n${bye}`,
    'TLS first': `${offer}\nC: AUTH PLAIN AGEAYg==\nS: 538 5.7.11 no\n${bye}`,
    'a wrong password': `${offer}\nC: AUTH PLAIN AGEAYg==\nS: 535 5.7.8 no\n${bye}`,
    'a typing error': `${offer}\nC: STARTLTS\nS: 500 what\n${bye}`,
  },
});
