import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parsePath } from '../../src/smtp/command.js';
import { enhancedStatus } from '../../src/smtp/reply.js';

/** By regular expressions: twice as slow, and a quarter of what a session allocated. */
function naivePath(argument: string): { mailbox: string; parameters: string } {
  const keyword = /^[ \t]*(?:FROM|TO)[ \t]*:[ \t]*/i.exec(argument);
  let rest = keyword ? argument.slice(keyword[0].length) : argument;
  const bracket = rest.startsWith('<') ? 0 : keyword ? -1 : rest.indexOf('<');
  if (bracket >= 0) rest = rest.slice(bracket + 1);
  const end = bracket >= 0 ? '>' : ' \t';
  let quoted = false;
  let at = 0;
  for (; at < rest.length; at++) {
    if (rest[at] === '\\') at++;
    else if (rest[at] === '"') quoted = !quoted;
    else if (!quoted && end.includes(rest[at]!)) break;
  }
  const path = rest.slice(0, at).trim();
  return { mailbox: path.replace(/^@[^:"]*:/, ''), parameters: rest.slice(at + 1).trim() };
}

const naiveStatus = (text: string): string | null =>
  /^(?!000)\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})(?![\d.])/.exec(text)?.[1] ?? null;

const pieces = (...tokens: string[]): fc.Arbitrary<string> =>
  fc
    .array(fc.oneof(fc.constantFrom(...tokens), fc.string({ maxLength: 3 })), { maxLength: 12 })
    .map((all) => all.join(''));

it('a path is what regular expressions read', () => {
  const argument = pieces(
    'FROM',
    'to',
    'tO:',
    'From:',
    ':',
    ' ',
    '\t',
    '<',
    '>',
    '@',
    '"',
    '\\',
    'a@b',
    'BODY=',
    '&ROM:',
  );
  fc.assert(
    fc.property(argument, (text) => {
      expect(parsePath(text)).toEqual(naivePath(text));
    }),
    { numRuns: 5000 },
  );
});

it('an enhanced status is what a regular expression reads', () => {
  const reply = pieces('250', '550', ' ', '-', '2', '5', '9', '.', '2.1.0', '5.7.123', '4.4.1234', '*');
  const likely = fc.tuple(fc.constantFrom('250', '550', '000', '45'), fc.constantFrom(' ', '-', ''), reply);
  fc.assert(
    fc.property(
      fc.oneof(
        reply,
        likely.map((parts) => parts.join('')),
      ),
      (text) => {
        expect(enhancedStatus(text)).toBe(naiveStatus(text));
      },
    ),
    { numRuns: 5000 },
  );
});
