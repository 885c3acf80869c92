import fc from 'fast-check';
import { expect, it } from 'vitest';
import * as command from '../../src/smtp/command.js';
import { parsePath } from '../../src/smtp/command.js';
import { extensionsOf } from '../../src/smtp/extension.js';
import { enhancedStatus } from '../../src/smtp/reply.js';
import { fakeLine } from '../report/fake-analysis.js';
import { runs } from '../support/extent.js';

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
    { numRuns: runs(5000) },
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
    { numRuns: runs(5000) },
  );
});

const EFFECTS = new Map([
  ['HELO', command.HELLO],
  ['EHLO', command.HELLO],
  ['MAIL', command.MAIL],
  ['SOML', command.MAIL],
  ['RCPT', command.RCPT],
  ['DATA', command.DATA],
  ['NOOP', command.OTHER],
  ['AUTH', command.AUTH],
  ['PASS', command.LOGIN],
  ['STARTTLS', command.STARTTLS],
  ['X-EXPS', command.AUTH],
]);

/** With a string for each thought. */
function naiveCommand(text: string): command.Command {
  const [, token = '', argument = ''] = /^[ \t]*([^ \t]*)(?:[ \t](.*))?$/s.exec(text)!;
  const upper = token.toUpperCase();
  const effect = EFFECTS.get(upper);
  const plausible = /^[A-Z][A-Z0-9-]{0,19}$/.test(upper) && !/^X+$/.test(upper);
  return {
    verb: effect !== undefined || plausible ? upper : token,
    known: effect !== undefined && effect !== command.LOGIN,
    argument: argument === '' ? null : argument,
    effect: effect ?? (token === '' ? command.EMPTY : command.UNKNOWN),
  };
}

it('a command is what its words say', () => {
  const verb = fc
    .constantFrom(...EFFECTS.keys(), 'XXXX', 'FOUR', 'ZZZZ')
    .chain((word) =>
      fc
        .tuple(fc.constant(word), fc.integer({ min: 0, max: 15 }))
        .map(([letters, bits]) =>
          [...letters].map((letter, at) => (bits & (1 << at) ? letter.toLowerCase() : letter)).join(''),
        ),
    );
  const odd = fc.constantFrom(
    'M@IL',
    '-AIL',
    'MA\u0149L',
    'EHL\xef',
    'DAT!',
    '\x05\x08\x0c\x0f',
    'toString',
    '',
  );
  const line = fc.tuple(
    fc.constantFrom('', ' ', '\t '),
    fc.oneof(verb, odd),
    fc.constantFrom('', ' ', '\ta', ' a b'),
  );
  fc.assert(
    fc.property(line, (parts) => {
      const text = parts.join('');
      expect(command.parseCommand(text)).toEqual(naiveCommand(text));
    }),
    { numRuns: runs(5000) },
  );
});

it('an extension is what its line says, however many were read before', () => {
  const text = fc
    .tuple(
      fc.constantFrom('250-', '250 ', '250', '', 'XXX'),
      fc.constantFrom('', ' ', 'size ', 'AUTH=LOGIN', '\tdsn\t'),
      fc.oneof(fc.nat(3000).map(String), fc.constantFrom('', ' '), fc.constant('a'.repeat(300))),
    )
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 30 }), (texts) => {
      const lines = texts.map((one) => fakeLine(one));
      const read = extensionsOf({ code: 250, enhanced: null, lines, complete: true, droppedLines: 0 });
      const naive = lines.slice(1).flatMap((one) => {
        const said = /^(?!000)\d{3}(?:[ *-]|$)/.test(one.text) ? one.text.slice(4) : one.text;
        const [keyword] = said.trimStart().split(/[ \t]/, 1);
        return keyword ? [{ text: said, keyword: keyword.toUpperCase(), line: one }] : [];
      });
      expect(read).toEqual(naive);
    }),
    { numRuns: runs(2000) },
  );
});
