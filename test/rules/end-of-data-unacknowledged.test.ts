import { endOfDataUnacknowledged } from '../../src/rules/end-of-data-unacknowledged.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

const start = `
  S: 220 mail.example ESMTP
  C: HELO client.example
  S: 250 mail.example
  C: MAIL FROM:<a@client.example>
  S: 250 ok
  C: RCPT TO:<b@mail.example>
  S: 250 ok
  C: DATA
  S: 354 go`;
const body = 'C~ Message-ID: <7@client.example>\\r\\n\\r\\nhello\\r\\n';

ruleTable(endOfDataUnacknowledged, {
  speaks: {
    'V11, the dot in a segment of its own is never acknowledged': {
      script: `${start}\n${body}\nC! .\n@ +300\nrst S`,
      gives: { confidence: 'likely', args: { acknowledged: false, split: 'CRLF|.CRLF', reset: true } },
    },
    'the server is not heard of again': {
      script: `${start}\n${body}\nC! .\n@ +300\nrst C`,
      gives: { confidence: 'possible', args: { acknowledged: null } },
    },
    'V11, acknowledged and not answered': {
      script: `${start}\n${body}\nC: .\n@ +300\nfin C`,
      gives: { confidence: 'possible', args: { acknowledged: true, split: 'CRLF|.CRLF' } },
    },
    'in one segment': {
      script: `${start}\n${body}.\\r\\n\n@ +300\nfin C`,
      gives: { args: { split: null } },
    },
    'split before the last LF': {
      script: `${start}\n${body}.\\r\nC~ \\n\n@ +300\nfin C`,
      gives: { args: { split: 'CRLF.CR|LF' } },
    },
    'the capture goes on and nobody speaks': {
      script: `${start}\n${body}\nC: .\ncut\ntick 400`,
      gives: { args: { closedBy: null } },
    },
  },
  silent: {
    'an honest server': HONEST,
    'F11, the capture ends': `${start}\n${body}\nC: .\ncut`,
    'F11, one direction only': `only C\n${start}\n${body}\nC: .\n@ +300\nfin C`,
    'F11, the reply is missing in the capture': `${start}\n${body}\nC: .\nS? 250 ok\nC: QUIT\nS: 221 x`,
    'a slow reply': `${start}\n${body}\nC: .\n@ +200\nS: 250 ok\nC: QUIT\nS: 221 x`,
    'a refusal': `${start}\n${body}\nC: .\nS: 554 spam\nC: QUIT\nS: 221 x`,
    'the client gives up in the middle of a message': `${start}\n${body}\n@ +300\nrst C`,
  },
});
