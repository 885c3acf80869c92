import { expect, it } from 'vitest';
import { analyze } from '../../src/analyze.js';
import { sackImpossible } from '../../src/rules/sack-impossible.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

const OFFERS = 'syn C mss=1460 sack\nsyn S mss=1460 sack\n';
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
const END = 'C~ .\\r\\n\nS: 250 queued\nC: QUIT\nS: 221 bye';
/** A line of mail data and a SACK block of the server, so far from where it should be. */
const block = (shift: number, at = 120) => `C: some text\nsack S ${at} ${at + 10} ${shift}\n`;
const talk = (middle: string, offers = OFFERS) => `${offers}${BEGIN}${middle}${END}`;

const FAR = 900_000_000;

ruleTable(sackImpossible, {
  speaks: {
    'the server’s blocks are far ahead, all alike': {
      script: talk(block(FAR) + block(FAR) + block(FAR, 140)),
      gives: { confidence: 'likely', args: { sender: 'server', blocks: 3 }, excerpt: '(SACK)' },
    },
    'far behind': {
      script: talk(block(-FAR) + block(-FAR) + block(-FAR)),
      gives: { confidence: 'likely', args: { blocks: 3 } },
    },
    'two packets are few': {
      script: talk(block(FAR) + block(FAR)),
      gives: { confidence: 'possible', args: { blocks: 2 } },
    },
    'the client’s blocks': {
      script: talk(`sack C 10 20 ${FAR}\nsack C 10 30 ${FAR}\nsack C 10 40 ${FAR}\n`),
      gives: { args: { sender: 'client', blocks: 3 } },
    },
    'the client’s own blocks fit: the box is on the server’s side': {
      script: talk(`sack C 10 20\n${block(FAR).repeat(3)}`),
      gives: { confidence: 'likely', args: { sender: 'server', blocks: 3 } },
    },
    'two sessions are one finding': {
      script: `${talk(block(FAR).repeat(3))}\nsession\n${talk(block(-FAR).repeat(3))}`,
      gives: { count: 2, sessions: ['s1', 's2'] },
    },
  },
  silent: {
    'an honest server': HONEST,
    'blocks inside of what was sent': talk(block(0) + block(0) + block(0)),
    'blocks for duplicates, behind the acknowledgement': talk('sack S 5 10\nsack S 6 10\nsack S 7 10\n'),
    'one packet, as if damaged': talk(block(FAR)),
    'distances that vary': talk(block(FAR) + block(-FAR) + block(FAR / 3)),
    'one block fits': talk(block(FAR) + block(FAR) + block(FAR) + block(0)),
    'the capture begins midstream': `midstream\n${BEGIN}${block(FAR).repeat(3)}${END}`,
    'SACK was not agreed': talk(block(FAR).repeat(3), 'syn C mss=1460 sack\nsyn S mss=1460\n'),
    'the server’s packets were not captured': `only C\n${talk(block(FAR).repeat(3))}`,
    'a port that is used again: other numbers, and blocks that fit them': `session C=192.0.2.10:40009\n${talk(block(0).repeat(3))}\nsession C=192.0.2.10:40009\n${talk(block(0).repeat(3))}`,
  },
});

it('is said on the side of the sender, where the numbers do not fit, and not on the other', async () => {
  const give = async (side: string) => {
    const file = new URL(`../../captures/sack-left-${side}.pcap.gz`, import.meta.url).pathname;
    return (await analyze([file], { rules: [sackImpossible] })).findings.map(({ args }) => args.sender);
  };
  expect(await give('outside')).toEqual(['server']);
  expect(await give('inside')).toEqual([]);
});
