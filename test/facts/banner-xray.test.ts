import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type BannerTemplate, bannerTemplates } from '../../src/facts/banner-templates.js';
import { KnownGreetings } from '../../src/facts/banner-xray.js';

const masked = (greeting: string): string => greeting.replace(/[^20]/g, '*');
const smtpsvc = (build: string, date: string): string =>
  `mail.example Microsoft ESMTP MAIL Service, Version: ${build} ready at  ${date}`;
const known = new KnownGreetings();
const texts = (text: string): string[] => known.underText(text).readings.map((reading) => reading.text);

const V1 = `${'*'.repeat(54)}0*2******0${'*'.repeat(23)}2002*******2***0*00`;

it('V1: the sample of KB 320027 is read in full', () => {
  expect(texts(V1)).toEqual([
    '<host of 12 octets> Microsoft ESMTP MAIL Service, Version: 5.0.2195.4905 ready at  Ddd, D Mmm 2002 1h:mm:2s ?0h00',
  ]);
  expect(masked(smtpsvc('5.0.2195.4905', 'Tue, 7 May 2002 18:35:21 -0700'))).toBe(V1);
});

it.each(['5.0.2195.2966', '5.0.2195.1600', '5.0.2195.5329', '5.0.2195.6713', '6.0.3790.3959', '5.0.2172.1'])(
  'V1 is not of build %s, which is known',
  (build) => {
    const own = texts(masked(smtpsvc(build, 'Tue, 7 May 2002 18:35:21 -0700')));
    expect(own.some((text) => text.includes(build))).toBe(true);
    expect(texts(V1).some((text) => text.includes(build))).toBe(false);
  },
);

it('a day of two digits is no reading of V1', () => {
  expect(texts(masked(smtpsvc('5.0.2195.4905', 'Tue, 14 May 2002 18:35:21 -0700')))).toEqual([
    expect.stringContaining(' DD Mmm 2002 '),
  ]);
});

it('two builds whose digits the mask hides alike both fit', () => {
  const read = texts(masked(smtpsvc('6.0.3790.3959', 'Sat, 3 Sep 2011 18:39:16 -0700')));
  expect(read.map((text) => /Version: (\S+)/.exec(text)![1])).toEqual(['6.0.3790.3959', '6.0.3790.4675']);
});

it.each([
  ['Exim', 'mail.example ESMTP Exim 4.96 Tue, 24 Nov 2026 13:00:52 +0000'],
  ['Exim', 'mail.example ESMTP Exim 4.95 Ubuntu Tue, 07 Nov 2023 10:32:30 +0100'],
  ['sendmail', 'mail.example ESMTP Sendmail 8.14.4/8.14.4; Fri, 21 Jun 2013 10:35:21 +0100'],
  ['sendmail', 'mail.example ESMTP Sendmail 8.9.2/8.9.2; Thu, 8 Mar 2001 10:53:10 +0200 (IST)'],
  [
    'Domino',
    'mail.example ESMTP Service (Lotus Domino Release 8.5.3FP1) ready at Mon, 26 Aug 2013 21:02:25 -0400',
  ],
  ['Exchange 5.5', 'mail.example ESMTP Server (Microsoft Exchange Internet Mail Service 5.5.2653.13) ready'],
  [
    'Exchange 2007 or later',
    'mail.example Microsoft ESMTP MAIL Service ready at Fri, 5 Aug 2016 16:24:41 -0700',
  ],
  ['Postfix', 'mail.example ESMTP Postfix (Debian/GNU)'],
])('a masked greeting of %s has it among its readings', (product, greeting) => {
  expect(known.underText(masked(greeting)).readings.map((reading) => reading.product)).toContain(product);
});

const HOST_OCTET = fc.constantFrom(...'abcxyz.-201');

const greeting = (template: BannerTemplate): fc.Arbitrary<string> =>
  fc
    .tuple(
      ...template.parts.map((part) =>
        typeof part === 'string'
          ? fc.constant(part)
          : 'any' in part
            ? fc.string({ unit: HOST_OCTET, minLength: 3, maxLength: 64 })
            : fc.constantFrom(...part.options),
      ),
    )
    .map((parts) => parts.join(''));

it('every greeting fits under its own mask', () => {
  fc.assert(
    fc.property(
      fc
        .constantFrom(...bannerTemplates())
        .chain((template) => fc.tuple(fc.constant(template), greeting(template))),
      ([template, text]) => {
        fc.pre(/[20]/.test(text));
        const { readings } = known.underText(masked(text));
        expect(readings.map((reading) => reading.product)).toContain(template.product);
      },
    ),
    { numRuns: 300 },
  );
});

it('of a build that is known, one reading agrees with the greeting in every octet that it gives', () => {
  const builds = bannerTemplates().filter((template) => template.product === 'Microsoft SMTP service');
  const agrees = (reading: string, text: string): boolean => {
    const [, least, most, rest] = /^<host of (\d+)(?: to (\d+))? octets>(.*)$/.exec(reading)!;
    const [build, date] = rest!.split(' ready at  ');
    const open = date!
      .replace(/\+/g, '\\+')
      .replace(/D{1,2}(?= )/, '.{1,2}')
      .replace(/[A-Za-z?]/g, '.');
    return new RegExp(
      `^.{${least},${most ?? least}}${build!.replace(/\./g, '\\.')} ready at  ${open} ?$`,
    ).test(text);
  };
  fc.assert(
    fc.property(fc.constantFrom(...builds).chain(greeting), (text) => {
      expect(texts(masked(text)).some((reading) => agrees(reading, text))).toBe(true);
    }),
    { numRuns: 200 },
  );
});

it('hostile masks are read in bounded time', () => {
  fc.assert(
    fc.property(
      fc
        .array(fc.constantFrom('*', '*', '*', '2', '0', ' '), { maxLength: 256 })
        .map((octets) => octets.join('')),
      (text) => {
        const { readings, tried } = known.underText(text);
        expect(readings.length).toBeLessThanOrEqual(tried);
      },
    ),
    { numRuns: 2000 },
  );
});
