import { segmentOverMss } from '../../src/rules/segment-over-mss.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

const OFFERS = 'syn C mss=1460\nsyn S mss=1000\n';
const BEGIN = `
  S: 220 mail.example ESMTP
  C: EHLO client.example
  S: 250 mail.example
  C: MAIL FROM:<a@client.example>
  S: 250 ok
  C: RCPT TO:<b@mail.example>
  S: 250 ok
  C: DATA
  S: 354 go
`;
const END = 'C~ \\r\\n.\\r\\n\nS: 250 queued\nC: QUIT\nS: 221 bye\n';
const text = (octets: number) => 'x'.repeat(octets);
/** A segment that gets no acknowledgement, and is to be sent again. */
const lost = (octets: number) => `C! ${text(octets - 2)}\nback C ${octets}\n@ +1\n`;
const smaller = `C~ ${text(900)}\nC~ ${text(298)}\\r\\n\n`;
const talk = (middle: string, offers = OFFERS) => `${offers}${BEGIN}${middle}`;

ruleTable(segmentOverMss, {
  speaks: {
    'never acknowledged, then cut to smaller ones, which are': {
      script: talk(`${lost(1200).repeat(3)}${smaller}${END}`),
      gives: {
        confidence: 'likely',
        args: { direction: 'client', length: 1200, mss: 1000, copies: 3 },
        excerpt: '(1200 octets)',
      },
    },
    'never acknowledged, and then the sender gives up': {
      script: talk(`${lost(1200).repeat(4)}rst C`),
      gives: { confidence: 'possible', args: { copies: 4, smallerFrame: null } },
    },
    'sent in smaller ones at other boundaries': {
      script: talk(
        `C! ${text(1200)}\nC! ${text(1200)}\nback C 2404\n@ +1\n${lost(1202)}C~ ${text(900)}\nC~ ${text(900)}\nC~ ${text(602)}\\r\\n\n${END}`,
      ),
      gives: { confidence: 'likely', args: { copies: 2, length: 1202 } },
    },
  },
  silent: {
    'an honest session': HONEST,
    'larger segments that are acknowledged: offload': talk(`C: ${text(1200)}\nC: ${text(1300)}\n${END}`),
    'one that is acknowledged among those that are lost: offload': talk(
      `C: ${text(1200)}\n${lost(1200).repeat(3)}${smaller}${END}`,
    ),
    'more than one packet carries, lost and cut': talk(
      `${lost(2896).repeat(3)}C~ ${text(900)}\nC~ ${text(900)}\nC~ ${text(900)}\nC~ ${text(194)}\\r\\n\n${END}`,
    ),
    'a multiple of the MSS': talk(
      `${lost(1072).repeat(3)}C~ ${text(530)}\nC~ ${text(540)}\\r\\n\n${END}`,
      'syn C mss=1460\nsyn S mss=536\n',
    ),
    'sent once, then smaller': talk(`${lost(1200)}${smaller}${END}`),
    'no larger than the MSS, lost': talk(`${lost(1000).repeat(3)}rst C`),
    'the server’s packets were not captured': `only C\n${talk(`${lost(1200).repeat(3)}${smaller}${END}`)}`,
    'a gap in the capture': talk(`C? NOOP\n${lost(1200).repeat(3)}${smaller}${END}`),
    'no handshake, no MSS': `midstream\n${talk(`${lost(1200).repeat(3)}${smaller}${END}`)}`,
    'the first segment of all': `${OFFERS}${lost(1200).repeat(3)}rst C`,
  },
});
