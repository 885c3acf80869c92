import { describe, expect, it } from 'vitest';
import {
  AUTH,
  bodyParameter,
  DATA,
  EMPTY,
  HELLO,
  isCertainCommand,
  LOGIN,
  MAIL,
  OTHER,
  parseBdat,
  parseCommand,
  parsePath,
  parseXexch50,
  UNKNOWN,
} from '../../src/smtp/command.js';

describe('a command line', () => {
  it.each([
    ['EHLO client.example', 'EHLO', true, 'client.example', HELLO],
    ['ehlo', 'EHLO', true, null, HELLO],
    ['mail from:<a@example.com>', 'MAIL', true, 'from:<a@example.com>', MAIL],
    ['MAIL  FROM:<>', 'MAIL', true, ' FROM:<>', MAIL],
    [' DATA ', 'DATA', true, null, DATA],
    ['X-EXPS GSSAPI', 'X-EXPS', true, 'GSSAPI', AUTH],
    ['x-link2state LAST', 'X-LINK2STATE', true, 'LAST', OTHER],
    ['XXXX client', 'XXXX', false, 'client', UNKNOWN],
    ['xxxx', 'xxxx', false, null, UNKNOWN],
    ['goodmorning', 'GOODMORNING', false, null, UNKNOWN],
    ['MAIL:FROM', 'MAIL:FROM', false, null, UNKNOWN],
    ['\xe9\0', '\xe9\0', false, null, UNKNOWN],
    ['PASS x', 'PASS', false, 'x', LOGIN],
    ['', '', false, null, EMPTY],
    ['\t ', '', false, null, EMPTY],
    ['toString x', 'TOSTRING', false, 'x', UNKNOWN],
  ])('%j', (text, verb, known, argument, effect) => {
    expect(parseCommand(text)).toEqual({ verb, known, argument, effect });
  });
});

describe('a path', () => {
  it.each([
    ['FROM:<a@example.com>', 'a@example.com', ''],
    ['FROM: <a@example.com> SIZE=1 BODY=8BITMIME', 'a@example.com', 'SIZE=1 BODY=8BITMIME'],
    ['from:<>', '', ''],
    ['FROM:', '', ''],
    ['FROM:a@example.com SIZE=1', 'a@example.com', 'SIZE=1'],
    ['TO:<@one.example,@two.example:a@example.com>', 'a@example.com', ''],
    ['TO:<"a> b\\" <c"@example.com> NOTIFY=NEVER', '"a> b\\" <c"@example.com', 'NOTIFY=NEVER'],
    ['TO:<a@example.com', 'a@example.com', ''],
    ['TO:< a@example.com >', 'a@example.com', ''],
    ['FROM  :  <a@example.com>', 'a@example.com', ''],
    ['<a@example.com>', 'a@example.com', ''],
    ['XXXXX<a@example.com> SIZE=1', 'a@example.com', 'SIZE=1'],
    ['TO:<a b@example.com>', 'a b@example.com', ''],
    ['TO:<@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@', '@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@', ''],
  ])('%j', (argument, mailbox, parameters) => {
    expect(parsePath(argument)).toEqual({ mailbox, parameters });
  });

  it('may have BODY= among its parameters', () => {
    expect(bodyParameter('SIZE=10 body=8bitmime')).toBe('8BITMIME');
    expect(bodyParameter('XBODY=7BIT')).toBeNull();
    expect(parsePath(null)).toBeNull();
  });
});

describe('BDAT and XEXCH50', () => {
  it.each([
    ['10', 10, false],
    ['10 LAST', 10, true],
    ['0 last', 0, true],
    [' 10  LAST ', 10, true],
    ['10 FIRST', -1, false],
    ['x', -1, false],
    ['-1', -1, false],
    ['99999999999999999999 LAST', -1, false],
    [null, -1, false],
  ])('BDAT %j', (argument, size, last) => {
    expect(parseBdat(argument)).toEqual({ size, last });
  });

  it.each([
    ['1128 2', 1128],
    ['0 2', 0],
    ['x 2', -1],
    [null, -1],
  ])('XEXCH50 %j', (argument, size) => {
    expect(parseXexch50(argument)).toBe(size);
  });
});

describe('a command beyond doubt', () => {
  it.each([
    'EHLO client.example',
    'helo x',
    'MAIL FROM:<a@example.com> SIZE=1 AUTH=<>',
    'MAIL FROM:<>',
    'rcpt to: b@example.net',
    'DATA',
    'quit ',
    'BDAT 10 LAST',
    'AUTH PLAIN AGEAYg==',
    'STARTTLS',
    'X-LINK2STATE LAST CHUNK={0}',
  ])('%j', (text) => {
    expect(isCertainCommand(text)).toBe(true);
  });

  it.each([
    'EHLO is a word',
    'Data',
    'mail from a friend',
    'MAIL FROM:',
    'From: a@example.com',
    'quit smoking',
    'BDAT ten',
    'dXNlcm5hbWU=',
    'XXXX',
    '',
    '.',
    'RCPT TO:<a@example.com>\x01',
  ])('not %j', (text) => {
    expect(isCertainCommand(text)).toBe(text === 'Data');
  });
});
