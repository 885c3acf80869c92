import { ndr8bitmime } from '../../src/rules/ndr-8bitmime.js';
import { HONEST, ruleTable, V4 } from '../support/rule-table.js';

const report = (status: string, text: string, from = '<>') => `
  session C=192.0.2.30:40900 S=198.51.100.30:25
  S: 220 in.example ESMTP
  C: EHLO out.example
  S: 250-in.example
  S+ 250 8BITMIME
  C: MAIL FROM:${from}
  S: 250 ok
  C: RCPT TO:<a@client.example>
  S: 250 ok
  C: DATA
  S: 354 go
  C~ Message-ID: <ndr@out.example>\\r\\nMIME-Version: 1.0\\r\\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\\r\\n\\r\\n
  C~ --b\\r\\nContent-Type: text/plain\\r\\n\\r\\n${text}\\r\\n
  C~ --b\\r\\nContent-Type: message/delivery-status\\r\\n\\r\\nReporting-MTA: dns; out.example\\r\\n\\r\\nFinal-Recipient: rfc822; b@mail.example\\r\\nAction: failed\\r\\nStatus: ${status}\\r\\n\\r\\n
  C~ --b\\r\\nContent-Type: message/rfc822\\r\\n\\r\\nMessage-ID: <1@client.example>\\r\\nSubject: x\\r\\n\\r\\nhello\\r\\n--b--\\r\\n.\\r\\n
  S: 250 ok
  C: QUIT
  S: 221 x`;
const NOT_SUPPORTED = '<b@mail.example>: 554 5.6.1 Body type not supported by Remote Host';
const masked = V4.replace('8bitmime', 'XXXXXXXJ').replace(
  /C: QUIT[\s\S]*/,
  `C: MAIL FROM:<a@client.example>
  S: 250 ok
  C: RCPT TO:<b@mail.example>
  S: 250 ok
  C: DATA
  S: 354 go
  C~ Message-ID: <1@client.example>\\r\\n\\r\\nhello\\r\\n.\\r\\n
  S: 554 no
  C: QUIT
  S: 221 x`,
);

ruleTable(ndr8bitmime, {
  speaks: {
    'the original is not in the capture': {
      script: report('5.6.1', NOT_SUPPORTED),
      gives: { confidence: 'possible', args: { status: '5.6.1', originalMessageId: '<1@client.example>' } },
    },
    'the original is in the capture, 8BITMIME was offered': {
      script: `session\n${HONEST}\n${report('5.6.1', NOT_SUPPORTED)}`,
      gives: { confidence: 'possible', sessions: ['s1', 's2'] },
    },
    'the original went through a masked EHLO reply': {
      script: `session\n${masked}\n${report('5.6.1', NOT_SUPPORTED)}`,
      gives: { confidence: 'likely', sessions: ['s1', 's2'] },
    },
  },
  silent: {
    'an honest session': HONEST,
    'another status': report('5.1.1', '<b@mail.example>: 550 5.1.1 unknown user'),
    'a message that talks of one': HONEST.replace(
      'hello',
      'they said 554 5.6.1 Body type not supported by Remote Host',
    ),
  },
});
