import { pathMtuBlackHole } from '../../src/rules/path-mtu-black-hole.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

const UP_TO_DATA = `
  S: 220 mail.example ESMTP
  C: EHLO client.example
  S: 250 mail.example
  C: MAIL FROM:<a@client.example>
  S: 250 ok
  C: RCPT TO:<b@example.org>
  S: 250 ok
  C: DATA
  S: 354 go
  noack S`;
const again = (octets: number) => `@ +1\nback C ${octets + 2}\nC* ${octets} x`;
const lost = (octets: number, times: number) =>
  `C* ${octets} x\n${Array.from({ length: times }, () => again(octets)).join('\n')}`;
/** The server is heard once more, and acknowledges nothing new. */
const HEARD = 'S: 451 still waiting';

ruleTable(pathMtuBlackHole, {
  speaks: {
    'a large segment, sent four times, while the server is heard': {
      script: `${UP_TO_DATA}\n${lost(1400, 3)}\n${HEARD}\ncut\ntick 60`,
      gives: { confidence: 'possible', args: { direction: 'client', copies: 4, selected: false } },
    },
  },
  silent: {
    'a session in which nothing was lost': HONEST,
    'lost once': `${UP_TO_DATA}\n${lost(1400, 1)}\n${HEARD}\ncut\ntick 60`,
    'a small segment': `${UP_TO_DATA}\n${lost(200, 4)}\n${HEARD}\ncut\ntick 60`,
    'the server is not heard any more': `${UP_TO_DATA}\n${lost(1400, 4)}\ncut\ntick 60`,
    'acknowledged in the end': `${UP_TO_DATA}\n${lost(1400, 3)}\nack S\nC: .\nS: 250 ok\nC: QUIT\nS: 221 bye`,
  },
});
