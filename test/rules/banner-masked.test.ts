import { expect, it } from 'vitest';
import { bannerMasked } from '../../src/rules/banner-masked.js';
import { findings } from '../support/dialogue.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

const after = `
  C: HELO client.example
  S: 250 mail.example
  C: QUIT
  S: 221 bye
`;
const STARS = (count: number) => '*'.repeat(count);
/** V1: the sample of KB 320027, its groups of asterisks 55, 6 and 23 long. */
const V1_FIRST = `220${STARS(55)}0*2******0${STARS(23)}`;
const V1_SECOND = '2002*******2***0*00';
const V1_READING =
  '<host of 12 octets> Microsoft ESMTP MAIL Service, Version: 5.0.2195.4905 ready at  Ddd, D Mmm 2002 1h:mm:2s ?0h00';

it('V1: says that one greeting fits, and that others may', async () => {
  const [finding] = await findings(`S: ${V1_FIRST}\nS+ ${V1_SECOND}\n${after}`, [bannerMasked]);
  expect(finding!.message).toContain(
    `Of ${finding!.args.tried} known greetings 1 fits under it, "${V1_READING}"; one that is not known here may fit as well.`,
  );
});

it('asterisks alone do not tell the server', async () => {
  const [finding] = await findings(`S: 220 ${STARS(28)}\n${after}`, [bannerMasked]);
  expect(finding!.message).toMatch(/\d+ fit under it: too little was kept to tell which server it was\.$/);
});

ruleTable(bannerMasked, {
  speaks: {
    'V1, the sample of the KB': {
      script: `S: ${V1_FIRST}\n S+ ${V1_SECOND}\n${after}`,
      gives: {
        confidence: 'certain',
        args: { family: 'keep-2-0', lines: 2, fits: 1, readings: [V1_READING] },
        excerpt: V1_FIRST,
      },
    },
    'V1 in segments of its own': {
      script: `S: ${V1_FIRST}\n S: ${V1_SECOND}\n${after}`,
      gives: { confidence: 'certain', args: { lines: 2 } },
    },
    'V2, SMTP/cmap': {
      script: `S: 220 SMTP/cmap${'_'.repeat(41)} read\n${after}`,
      gives: { confidence: 'certain', args: { family: 'cmap', tried: 0, readings: [] } },
    },
    'V3, of several lines': {
      script: `S: 220-****\n S+ ********\n ${after}`,
      gives: { args: { family: 'all-stars' } },
    },
    'G2, the space kept': {
      script: `S: 220 *********0****${STARS(12)}2${STARS(13)}\n${after}`,
      gives: { confidence: 'certain', args: { family: 'keep-2-0' } },
    },
    'G3, all asterisks': {
      script: `S: 220 ${STARS(37)}\n${after}`,
      gives: { confidence: 'likely', args: { family: 'all-stars', readings: [] } },
    },
    'F8, a trap that greets so by its own will: no more than possible': {
      script: `S: 220 ********\n${after}`,
      gives: { confidence: 'possible' },
    },
    'one finding for three sessions of one server': {
      script: [0, 1, 2].map(() => `session\nS: 220 ${STARS(30)}2${STARS(9)}\n${after}`).join('\n'),
      gives: { count: 3, sessions: ['s1', 's2', 's3'] },
    },
  },
  silent: {
    'an honest server': HONEST,
    'V10, nothing after the code': `S~ 220 \\r\\n\n${after}`,
    'V10, 220 2002': `S: 220 2002\n${after}`,
    'F2, two asterisks': `S: 220 **\n${after}`,
    'V9 and F1, frames of asterisks around a clear line': `
      S: 220-${STARS(60)}
      S+ 220-* private system *
      S+ 220-mail.xxxx.example ESMTP
      S+ 220 ${STARS(60)}
      ${after}`,
    'F1, a clear word among asterisks': `S: 220 *** mail.example ESMTP ***\n${after}`,
    'V14 and F7, overwritten after the capture: the checksum is wrong': `
      checksum bad
      S: 220 ${STARS(30)}2${STARS(9)}
      checksum good
      ${after}`,
    'F9, asterisks in a later reply': `S: 220 mail.example ESMTP\n C: HELO a\n S: 250 ${STARS(40)}\n C: QUIT\n S: 221 x`,
  },
});
