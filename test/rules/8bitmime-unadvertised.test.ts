import { describe, expect, it } from 'vitest';
import { eightBitMimeUnadvertised } from '../../src/rules/8bitmime-unadvertised.js';
import { findings } from '../support/dialogue.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

const GREETING = '220 mail.example ESMTP';
const STARS = '220 ****************************2**';

const mail = (text = 'gr\\xfc\\xdfe', parameter = '') => `
  C: MAIL FROM:<a@client.example>${parameter}
  S: 250 2.1.0 Ok
  C: RCPT TO:<b@mail.example>
  S: 250 2.1.5 Ok
  C: DATA
  S: 354 go
  C~ Message-ID: <8@client.example>\\r\\n\\r\\n${text}\\r\\n.\\r\\n
  S: 250 2.0.0 Ok`;
const QUIT = '\n  C: QUIT\n  S: 221 Bye\n';
const session = (greeting: string, hello: string, rest: string) => `
  session
  S: ${greeting}
${hello}${rest}${QUIT}`;
const ehlo = (...lines: string[]) => `
  C: EHLO client.example
  S: 250-mail.example
${lines.map((line, index) => `  S+ 250${index < lines.length - 1 ? '-' : ' '}${line}`).join('\n')}`;
const HELO = `
  C: HELO client.example
  S: 250 mail.example`;
const REFUSED = `
  C: EHLO client.example
  S: 502 5.5.2 Error: command not recognized`;
const OFFERED = session(GREETING, ehlo('PIPELINING', '8BITMIME'), '');

ruleTable(eightBitMimeUnadvertised, {
  speaks: {
    'the mask of a reply that fits Postfix alone': {
      script: session(
        GREETING,
        ehlo(
          'PIPELINING',
          'SIZE 10240000',
          'XXXA',
          'ETRN',
          'XXXXXXXB',
          'ENHANCEDSTATUSCODES',
          'XXXXXXXC',
          'DSN',
          'XXXXXXXXD',
        ),
        mail(),
      ),
      gives: { args: { why: 'masked', messages: 1 }, findings: 1 },
    },
    'a mask of eight octets, too few lines to tell': {
      script: session(GREETING, ehlo('SIZE', 'XXXXXXXA', 'XXXB'), mail()),
      gives: { confidence: 'possible', args: { why: 'masked' }, excerpt: '250-XXXXXXXA' },
    },
    'the same, and the server offers it to others': {
      script: session(GREETING, ehlo('SIZE', 'XXXXXXXA', 'XXXB'), mail()) + OFFERED,
      gives: { confidence: 'likely', args: { why: 'masked', offeredIn: 's2' }, sessions: ['s1'] },
    },
    'EHLO refused behind a masked greeting, nothing else known': {
      script: session(STARS, REFUSED + HELO, mail()),
      gives: { confidence: 'possible', args: { why: 'ehlo-lost', offeredIn: null } },
    },
    'EHLO refused behind a masked greeting, the server offers it to others': {
      script: session(STARS, REFUSED + HELO, mail()) + OFFERED,
      gives: { confidence: 'likely', args: { why: 'ehlo-lost' } },
    },
    'EHLO masked on the way to the server': {
      script: session(
        GREETING,
        `
  C: XXXX client.example
  S: 502 5.5.2 Error: command not recognized${HELO}`,
        mail(),
      ),
      gives: { confidence: 'possible', args: { why: 'ehlo-lost' } },
    },
    'HELO, for the greeting is masked': {
      script: session(STARS, HELO, mail()),
      gives: { confidence: 'possible', args: { why: 'greeting-masked' } },
    },
    'EHLO refused, and accepted from others': {
      script: OFFERED + session(GREETING, REFUSED + HELO, mail()),
      gives: { confidence: 'possible', args: { why: 'ehlo-refused' } },
    },
    'not listed, and offered to others; several messages are one finding': {
      script: [OFFERED, session(GREETING, ehlo('SIZE'), mail() + mail()), OFFERED]
        .concat(session(GREETING, ehlo('SIZE'), mail()))
        .join(''),
      gives: {
        confidence: 'possible',
        args: { why: 'not-listed', messages: 3, offeredIn: 's1' },
        sessions: ['s2', 's4'],
      },
    },
    'declared though not offered': {
      script: session(GREETING, ehlo('SIZE', 'XXXXXXXA', 'XXXB'), mail('\\xfc', ' BODY=8BITMIME')),
      gives: { args: { declared: 1 } },
    },
    'the EHLO in front of the message counts, not a later one': {
      script: session(GREETING, ehlo('SIZE', 'XXXXXXXA', 'XXXB') + mail(), ehlo('8BITMIME')),
      gives: { confidence: 'possible', args: { why: 'masked', offeredIn: null } },
    },
  },
  silent: {
    'an honest server, 7 bit': HONEST,
    offered: session(GREETING, ehlo('SIZE', '8BITMIME'), mail()),
    'offered, in mixed case': session(GREETING, ehlo('8bitmime', 'SIZE'), mail('\\xfc', ' BODY=8BITMIME')),
    'offered by a second EHLO': session(GREETING, ehlo('SIZE') + ehlo('8BITMIME'), mail()),
    'a refused EHLO leaves the offer before it': session(GREETING, ehlo('8BITMIME') + REFUSED, mail()),
    'BINARYMIME offered and used': session(
      GREETING,
      ehlo('CHUNKING', 'BINARYMIME'),
      mail('\\xfc', ' BODY=BINARYMIME'),
    ),
    'masked, but the mail is 7 bit': session(GREETING, ehlo('SIZE', 'XXXXXXXA', 'XXXB'), mail('hello')),
    'masked by whoever anonymised the capture': `checksum bad\n${session(GREETING, ehlo('SIZE', 'XXXXXXXA', 'XXXB'), mail())}`,
    midstream: `midstream\n${mail()}`,
    'the EHLO reply is missing': `
  session
  S: ${GREETING}
  C: EHLO client.example
  S? 250-mail.example\\r\\n250 SIZE
${mail()}${QUIT}`,
    'the end of the EHLO reply is missing': `
  session
  S: ${GREETING}
  C: EHLO client.example
  S: 250-mail.example
  S? 250-8BITMIME
  S: 250 SIZE
${mail()}${QUIT}`,
    'EHLO is missing': `
  session
  S: ${GREETING}
  C? EHLO client.example
  S: 250 mail.example
${mail()}${QUIT}`,
    'one direction only': `only C\n${session(GREETING, ehlo('SIZE', 'XXXXXXXA', 'XXXB'), mail())}`,
    LMTP: session(GREETING, ehlo('SIZE').replace('EHLO', 'LHLO'), mail()),
  },
});

describe('a server that honestly lacks 8BITMIME', () => {
  it.each([
    ['not listed', session(GREETING, ehlo('SIZE'), mail()), 'not-listed'],
    ['EHLO refused', session(GREETING, REFUSED + HELO, mail()), 'ehlo-refused'],
    ['not asked, though it offers it', OFFERED + session(GREETING, HELO, mail()), 'not-asked'],
    ['not even greeted', session(GREETING, '', mail()), 'not-asked'],
  ])('is a note: %s', async (_, script, why) => {
    const found = await findings(script, [eightBitMimeUnadvertised]);
    expect(
      found.map(({ severity, confidence, args, symptoms }) => [severity, confidence, args.why, symptoms]),
    ).toEqual([['info', 'certain', why, []]]);
    expect(found[0]!.message).toContain('the sender broke RFC 6152');
  });
});
