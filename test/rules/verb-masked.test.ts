import { verbMasked } from '../../src/rules/verb-masked.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

const greeting = 'S: 220 mail.example ESMTP';
const bye = 'C: QUIT\nS: 221 x';

ruleTable(verbMasked, {
  speaks: {
    'V6, the refusal quotes the X’s': {
      script: `${greeting}\nC: EHLO a\nS: 500 Command unknown: 'XXXX'\n${bye}`,
      gives: { confidence: 'certain', args: { verb: 'EHLO', quoted: 'XXXX', seenAt: 'client' } },
    },
    'the refusal quotes the whole line': {
      script: `${greeting}\nC: STARTTLS\nS: 500 5.5.1 Command unrecognized: "XXXXXXXX"\n${bye}`,
      gives: { confidence: 'certain', args: { verb: 'STARTTLS' } },
    },
    'at the server: a command of X’s': {
      script: `${greeting}\nC: XXXX\nS: 502 5.5.2 Error: command not recognized\n${bye}`,
      gives: { confidence: 'likely', args: { seenAt: 'server', octets: 4 } },
    },
    'at the server, the greeting masked as well': {
      script: `S: 220 ${'*'.repeat(30)}2****\nC: XXXXXXXXXXXX\nS: 500 what\n${bye}`,
      gives: { confidence: 'certain', args: { candidates: ['X-LINK2STATE'] } },
    },
  },
  silent: {
    'a TLS record that arrives as X’s is no command':
      'S: 220 mail.example ESMTP\nC: STARTTLS\nS: 220 go\nC~ XXXXXXXX\\nXXXXXXXXXXXX\nS~ \\x15\\x03\\x01\\x00\\x02\\x02\\x46\nfin',
    'an honest server': HONEST,
    'F5, the server’s own words': `${greeting}\nC: EHLO a\nS: 502 5.5.2 Error: command not recognized\n${bye}`,
    'F9, X’s in an address': `${greeting}\nC: MAIL FROM:<XXXX@XXXX.example>\nS: 500 <XXXX@XXXX.example>: no\n${bye}`,
    'F10, verbs that begin with X': `${greeting}\nC: XCLIENT NAME=a\nS: 500 what\nC: X-EXPS LOGIN\nS: 500 what\n${bye}`,
    'three X’s': `${greeting}\nC: XXX\nS: 500 what\n${bye}`,
    'a quote of another length': `${greeting}\nC: EHLO a\nS: 500 'XXXXXXXXX'\n${bye}`,
    'V14 and F7, anonymised': `${greeting}\nchecksum bad\nC: XXXX\nchecksum good\nS: 500 what\n${bye}`,
    'X’s in a message': HONEST.replace('hello', 'XXXX\\r\\nXXXXXXXX'),
    'F6, typed octet by octet': `${greeting}\nC~ H\nC~ E\nC~ L\nC~ O\nC~  a\\r\\n\nS: 250 x\n${bye}`,
  },
});
