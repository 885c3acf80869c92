import { eightBitMimeRejected } from '../../src/rules/8bitmime-rejected.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

const start = (offer: string, reply = '250 2.1.0 Ok', body = '') => `
  S: 220 mail.example ESMTP
  C: EHLO client.example
  S: 250-mail.example
  S+ 250 ${offer}
  C: MAIL FROM:<a@client.example>${body}
  S: ${reply}`;
const data = (reply: string) => `
  C: RCPT TO:<b@mail.example>
  S: 250 2.1.5 Ok
  C: DATA
  S: 354 go
  C~ Message-ID: <8@client.example>\\r\\n\\r\\ngr\\xfc\\xdfe\\r\\n.\\r\\n
  S: ${reply}
  C: QUIT
  S: 221 Bye`;

ruleTable(eightBitMimeRejected, {
  speaks: {
    'the body refused with 5.6.1, 8BITMIME offered': {
      script: start('8BITMIME') + data('554 5.6.1 Body type not supported by Remote Host'),
      gives: { confidence: 'likely', args: { offered: true, eightBit: true, code: 554 } },
    },
    'the body refused, not offered': {
      script: start('SIZE') + data('554 5.6.1 Body type not supported'),
      gives: { confidence: 'possible', args: { offered: false } },
    },
    'the parameter refused though offered': {
      script: `${start('8BITMIME', '555 5.5.4 Unsupported option: BODY=8BITMIME', ' BODY=8BITMIME')}\nC: QUIT\nS: 221 x`,
      gives: { confidence: 'likely' },
    },
  },
  silent: {
    'an honest server': HONEST,
    accepted: start('8BITMIME', '250 ok', ' BODY=8BITMIME') + data('250 2.0.0 Ok'),
    'refused as spam': start('8BITMIME') + data('554 5.7.1 spam'),
    'the parameter refused, not offered': `${start('SIZE', '555 5.5.4 Unsupported option', ' BODY=8BITMIME')}\nC: QUIT\nS: 221 x`,
    'the sender refused': `${start('8BITMIME', '550 5.1.8 no such sender', ' BODY=8BITMIME')}\nC: QUIT\nS: 221 x`,
  },
});
