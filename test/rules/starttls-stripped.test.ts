import { starttlsStripped } from '../../src/rules/starttls-stripped.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

const ehlo = (...lines: string[]): string =>
  `S: 220 mail.example ESMTP\nC: EHLO a.example\nS: 250-mail.example\n${lines.map((line) => `S+ ${line}`).join('\n')}`;
const bye = 'C: QUIT\nS: 221 Bye';
const postfix = [
  '250-PIPELINING',
  '250-SIZE 10240000',
  '250-ETRN',
  '250-XXXXXXXA',
  '250-ENHANCEDSTATUSCODES',
  '250-8BITMIME',
  '250 DSN',
];

ruleTable(starttlsStripped, {
  speaks: {
    'masked where the order of Postfix leaves nothing else': {
      script: `${ehlo(...postfix)}\n${bye}`,
      gives: { confidence: 'likely', args: { how: 'masked-keyword' } },
    },
    'the refusal quotes X’s': {
      script: `${ehlo('250-SIZE', '250 XXXXXXXA')}\nC: STARTTLS\nS: 500 Command unknown: 'XXXXXXXX'\n${bye}`,
      gives: { confidence: 'certain', args: { how: 'echoed-mask' } },
    },
    'V13, offered and refused': {
      script: `${ehlo('250 STARTTLS')}\nC: STARTTLS\nS: 500 Unsupported command.\n${bye}`,
      gives: { confidence: 'likely', args: { how: 'refused' } },
    },
    'at the server: eight X’s': {
      script: `${ehlo('250 STARTTLS')}\nC: XXXXXXXX\nS: 502 what\n${bye}`,
      gives: { confidence: 'likely', args: { how: 'masked-verb' } },
    },
    'masked perhaps, and refused': {
      script: `${ehlo('250-PIPELINING', '250-XXXXXXXA', '250 XXXB')}\nC: STARTTLS\nS: 500 unrecognized command\n${bye}`,
      gives: { confidence: 'possible', args: { how: 'refused' } },
    },
  },
  silent: {
    'an honest server': HONEST,
    'V5, eight octets masked and nothing else': `${ehlo('250-PIPELINING', '250-XXXXXXXA', '250 XXXB')}\n${bye}`,
    'F4, a server without TLS': `${ehlo('250 SIZE')}\nC: STARTTLS\nS: 502 no\n${bye}`,
    'not now': `${ehlo('250 STARTTLS')}\nC: STARTTLS\nS: 454 4.7.0 no\n${bye}`,
    'it works': `${ehlo('250 STARTTLS')}\nC: STARTTLS\nS: 220 go\nC~ \\x16\\x03\\x01\\x00\\x05hello\nS~ \\x16\\x03\\x03\\x00\\x02ok`,
  },
});
