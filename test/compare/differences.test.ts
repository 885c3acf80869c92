/** Two scripts, or two captures of the lab, and what is not the same in them. */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { analyze } from '../../src/analyze.js';
import type { SmtpSession } from '../../src/smtp/session.js';
import { expectGolden, readGolden } from '../support/golden.js';
import { HONEST } from '../support/rule-table.js';
import { compare, linesBetween, sessionsOf } from './difference-lines.js';

const GREETING = 'S: 220 mx.example ESMTP\n';
const EHLO = 'C: EHLO a.example\nS: 250 mx.example\n';
const MAIL = 'C: MAIL FROM:<a@a.example>\nS: 250 2.1.0 Ok\n';
const QUIT = 'C: QUIT\nS: 221 Bye\n';

/** Near the client, near the server, what differs. */
type Row = readonly [nearClient: string, nearServer: string, ...lines: string[]];

async function check([nearClient, nearServer, ...lines]: Row): Promise<void> {
  const [a, b] = await sessionsOf([nearClient, nearServer]);
  expect(linesBetween(a!, b!)).toEqual(lines);
}

function table(rows: Readonly<Record<string, Row>>): void {
  it.each(Object.entries(rows))('%s', (_, row) => check(row));
}

describe('edits in place', () => {
  table({
    'nothing at all': [HONEST, HONEST],
    'the verb becomes X': [
      `${GREETING}C: EHLO a.example\nS: 500 what\n${QUIT}`,
      `${GREETING}C: XXXX a.example\nS: 500 what\n${QUIT}`,
      'altered command EHLO xs 0..4 "EHLO a.example" -> "XXXX a.example" #6/#6',
    ],
    'all but the blanks becomes X': [
      `${GREETING}C: EHLO XX.example\nS: 500 what\n${QUIT}`,
      `${GREETING}C: XXXX XXXXXXXXXX\nS: 500 what\n${QUIT}`,
      'altered command EHLO xs 0..4,7..15 "EHLO XX.example" -> "XXXX XXXXXXXXXX" #6/#6',
    ],
    'NOOP and blanks': [
      `${GREETING}C: EHLO a.example\nS: 250 ok\n${QUIT}`,
      `${GREETING}C: NOOP          \nS: 250 ok\n${QUIT}`,
      'altered command EHLO noop 0..4,5..14 "EHLO a.example" -> "NOOP          " #6/#6',
    ],
    'a blank for |': [
      `${GREETING}${EHLO}C: MAIL FROM:<a|b@a.example>\nS: 501 no\n${QUIT}`,
      `${GREETING}${EHLO}C: MAIL FROM:<a b@a.example>\nS: 501 no\n${QUIT}`,
      'altered command MAIL blank 12..13 "MAIL FROM:<a|b@a.example>" -> "MAIL FROM:<a b@a.example>" #10/#10',
    ],
    'something else of the same length': [
      `${GREETING}C: TURN\nS: 502 no\n${QUIT}`,
      `${GREETING}C: ZZZZ\nS: 502 no\n${QUIT}`,
      'altered command TURN other 0..4 "TURN" -> "ZZZZ" #6/#6',
    ],
    'a greeting of two lines, starred': [
      `S: 220-********20\nS+ *******\n${QUIT}`,
      `S: 220-mx.examp20\nS+ 220 one\n${QUIT}`,
      'altered greeting (greeting) stars 4..12 "220-mx.examp20" => "220-********20" #4/#4',
      'altered greeting (greeting) stars 0..7 "220 one" => "*******" #4/#4',
    ],
    'stars outside of a greeting are no mask that is known': [
      `${GREETING}C: EHLO a.example\nS: 250 **********\n${QUIT}`,
      `${GREETING}${EHLO}${QUIT}`,
      'altered reply EHLO other 4..14 "250 mx.example" => "250 **********" #8/#8',
    ],
    'keywords with counting letters; one of them keeps an X': [
      `${GREETING}C: EHLO a.example\nS: 250-mx.example\nS+ 250-XXXXXXXA\nS+ 250-SIZE 1\nS+ 250 XXXXB\n${QUIT}`,
      `${GREETING}C: EHLO a.example\nS: 250-mx.example\nS+ 250-STARTTLS\nS+ 250-SIZE 1\nS+ 250 X-ABC\n${QUIT}`,
      'altered keyword EHLO xs 4..12 "250-STARTTLS" => "250-XXXXXXXA" #8/#8',
      'altered keyword EHLO xs 5..9 "250 X-ABC" => "250 XXXXB" #8/#8',
    ],
    'another code of the reply': [
      `${GREETING}${EHLO}C: RSET\nS: 500 2.0.0 Ok\n${QUIT}`,
      `${GREETING}${EHLO}C: RSET\nS: 250 2.0.0 Ok\n${QUIT}`,
      'altered reply RSET other 0..2 "250 2.0.0 Ok" => "500 2.0.0 Ok" #12/#12',
    ],
    'the line end alone': [
      `${GREETING}C~ HELO a.example\\r\\n\nS: 250 ok\n${QUIT}`,
      `${GREETING}C~ HELO a.example\\n\nS: 250 ok\n${QUIT}`,
      'altered command HELO other 1 octets "HELO a.example" -> "HELO a.example" #6/#6',
    ],
    'retransmitted and cut into other segments': [
      `${GREETING}C~ EHLO a.exa\nC~ mple\\r\\n\nS: 250 mx.example\n${QUIT}`,
      `${GREETING}C~ E\nC~ HLO a.example\\r\\n\nback C 16\nC~ EHLO a.example\\r\\n\nS: 250 mx.example\n${QUIT}`,
    ],
  });
});

describe('credentials', () => {
  table({
    'are compared by what is shown of the line': [
      `${GREETING}C: AUTH PLAIN AHVzZXIAcGFzc3dvcmQ=\nS: 500 no\n${QUIT}`,
      `${GREETING}C: XXXX PLAIN AHVzZXIAcGFzc3dvcmQ=\nS: 500 no\n${QUIT}`,
      'altered command AUTH xs 0..4 "AUTH PLAIN [20 octets]" -> "XXXX PLAIN [20 octets]" #6/#6',
    ],
    'under a mask are not told which octets were X before': [
      `${GREETING}C: AUTH PLAIN AHVzZXIAcGFzc3dvcmQ=\nS: 500 no\n${QUIT}`,
      `${GREETING}C: XXXX XXXXX XXXXXXXXXXXXXXXXXXXX\nS: 500 no\n${QUIT}`,
      'altered command AUTH xs 0..4,5..10 "AUTH PLAIN [20 octets]" -> "XXXX XXXXX XXXXXXXXXXXXXXXXXXXX" #6/#6',
    ],
    'that were altered and are withheld on both sides are not told apart': [
      `${GREETING}C: AUTH PLAIN AHVzZXIAcGFzc3dvcmQ=\nS: 535 no\n${QUIT}`,
      `${GREETING}C: AUTH PLAIN AHVzZXIAcGFzc3dvcmR=\nS: 535 no\n${QUIT}`,
    ],
    'of another length': [
      `${GREETING}C: AUTH PLAIN AHVzZXIAcGFzc3dvcmQ=\nS: 535 no\n${QUIT}`,
      `${GREETING}C: AUTH PLAIN AHVzZXIAcGFzc3dv\nS: 535 no\n${QUIT}`,
      'altered command AUTH other 11..31 "AUTH PLAIN [20 octets]" -> "AUTH PLAIN [16 octets]" #6/#6',
    ],
    'a response that became X': [
      `${GREETING}C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: dXNlcm5hbWU=\nS: 500 what\n${QUIT}`,
      `${GREETING}C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: XXXXXXXXXXXX\nS: 500 what\n${QUIT}`,
    ],
  });

  it('never come out', async () => {
    const talk = (verb: string, secret: string) =>
      `${GREETING}C: ${verb} LOGIN\nS: 334 VXNlcm5hbWU6\nC: ${secret}\nS: 334 UGFzc3dvcmQ6\nC: ${secret}\nS: 535 no\n${QUIT}`;
    const [a, b] = await sessionsOf([talk('AUTH', 'c2VjcmV0d29yZA=='), talk('XXXX', 'c2VjcmV0d29yZB==')]);
    expect(JSON.stringify(compare(a!, b!))).not.toMatch(/c2Vjc/);
  });
});

describe('what a box keeps to itself', () => {
  const ok = 'S: OK\n';
  table({
    'commands that it answers; all offsets are others afterwards': [
      `${GREETING}C: EHLO a.example\n${ok}C: AUTH LOGIN\n${ok}C: HELO a.example\nS: 250 mx\n${MAIL}${QUIT}`,
      `${GREETING}C: HELO a.example\nS: 250 mx\n${MAIL}${QUIT}`,
      'removed command EHLO 0..14 "EHLO a.example" -> - #6/-',
      'answered reply EHLO 4 octets - => "OK" -/#8',
      'removed command AUTH 0..10 "AUTH LOGIN" -> - #10/-',
      'answered reply AUTH 4 octets - => "OK" -/#12',
    ],
    'one of two equal commands: that with another reply': [
      `${GREETING}C: NOOP\n${ok}C: NOOP\nS: 250 Ok\n${QUIT}`,
      `${GREETING}C: NOOP\nS: 250 Ok\n${QUIT}`,
      'removed command NOOP 0..4 "NOOP" -> - #6/-',
      'answered reply NOOP 4 octets - => "OK" -/#8',
    ],
    'an edit behind a command that is gone': [
      `${GREETING}C: TURN\n${ok}C: EHLO a.example\nS: 500 what\n${QUIT}`,
      `${GREETING}C: XXXX a.example\nS: 500 what\n${QUIT}`,
      'removed command TURN 0..4 "TURN" -> - #6/-',
      'answered reply TURN 4 octets - => "OK" -/#8',
      'altered command EHLO xs 0..4 "EHLO a.example" -> "XXXX a.example" #10/#6',
    ],
    'a command without an answer, and the client goes on': [
      `${GREETING}${EHLO}C: TURN\n@ +30\n${QUIT}`,
      `${GREETING}${EHLO}@ +30\n${QUIT}`,
      'removed command TURN 0..4 "TURN" -> - #10/-',
    ],
    'the last command, acknowledged by the box': [
      `${GREETING}${EHLO}C: TURN\n${ok}fin`,
      `${GREETING}${EHLO}@ +0.1\nfin`,
      'removed command TURN 0..4 "TURN" -> - #10/-',
      'answered reply TURN 4 octets - => "OK" -/#12',
    ],
    'a reply': [
      `${GREETING}${EHLO}C: RSET\n@ +10\nrst C`,
      `${GREETING}${EHLO}C: RSET\nS! 250 2.0.0 Ok\n@ +10\nrst C`,
      'removed reply RSET 0..12 "250 2.0.0 Ok" => - #12/-',
    ],
    'a reply of its own to a command that it passed on': [
      `${GREETING}${EHLO}C: RSET\nS: 421 busy\nfin`,
      `${GREETING}${EHLO}C: RSET\nfin`,
      'answered reply RSET 10 octets - => "421 busy" -/#12',
    ],
    'a command of its own, and the reply to it': [
      `${GREETING}${EHLO}${QUIT}`,
      `${GREETING}C: XCLIENT ADDR=192.0.2.1\nS: 220 mx.example ESMTP\n${EHLO}${QUIT}`,
      'added command XCLIENT 24 octets - -> "XCLIENT ADDR=192.0.2.1" -/#6',
      'removed reply XCLIENT 0..20 "220 mx.example ESMTP" => - #8/-',
    ],
    'a dialogue of its own': [
      'S: 220 proxy\nC: EHLO a.example\nS: 250-mx.example\nS+ 250 SIZE 1000\nC: STARTTLS\nS: 500 no\n' +
        'C: MAIL FROM:<a@a.example> SIZE=9\nS: 250 2.1.0 Ok\nC: QUIT\nS: 221 proxy',
      `${GREETING}C: EHLO proxy\nS: 250-mx.example\nS+ 250-STARTTLS\nS+ 250 SIZE 20000\n${MAIL}${QUIT}`,
      'altered greeting (greeting) other 4..20 "220 mx.example ESMTP" => "220 proxy" #4/#4',
      'altered command EHLO other 5..14 "EHLO a.example" -> "EHLO proxy" #6/#6',
      'removed keyword EHLO 0..12 "250-STARTTLS" => - #8/-',
      'altered keyword EHLO other 9..11 "250 SIZE 20000" => "250 SIZE 1000" #8/#8',
      'removed command STARTTLS 0..8 "STARTTLS" -> - #10/-',
      'answered reply STARTTLS 8 octets - => "500 no" -/#12',
      'altered command MAIL other 23..30 "MAIL FROM:<a@a.example> SIZE=9" -> "MAIL FROM:<a@a.example>" #14/#10',
      'altered reply QUIT other 4..7 "221 Bye" => "221 proxy" #16/#20',
    ],
    'keywords added and removed': [
      `${GREETING}C: EHLO a.example\nS: 250-mx.example\nS+ 250-SIZE\nS+ 250-XPROXY\nS+ 250 HELP\n${QUIT}`,
      `${GREETING}C: EHLO a.example\nS: 250-mx.example\nS+ 250-SIZE\nS+ 250-CHUNKING\nS+ 250-DSN\nS+ 250 HELP\n${QUIT}`,
      'removed keyword EHLO 0..12 "250-CHUNKING" => - #8/-',
      'removed keyword EHLO 0..7 "250-DSN" => - #8/-',
      'added keyword EHLO 12 octets - => "250-XPROXY" -/#8',
    ],
  });
});

describe('what one capture has not seen', () => {
  table({
    'a command in a gap': [
      `${GREETING}${EHLO}C: RSET\nS: 250 2.0.0 Ok\n${MAIL}${QUIT}`,
      `${GREETING}${EHLO}C? RSET\nS: 250 2.0.0 Ok\n${MAIL}${QUIT}`,
      'unseen command RSET 6 octets "RSET" -> - #10/-',
    ],
    'a command in a gap near the client': [
      `${GREETING}${EHLO}C? RSET\nS: 250 2.0.0 Ok\n${MAIL}${QUIT}`,
      `${GREETING}${EHLO}C: RSET\nS: 250 2.0.0 Ok\n${MAIL}${QUIT}`,
      'unseen command RSET 6 octets - -> "RSET" -/#10',
    ],
    'a reply in a gap': [
      `${GREETING}${EHLO}C: RSET\nS? 250 2.0.0 Ok\n${MAIL}${QUIT}`,
      `${GREETING}${EHLO}C: RSET\nS: 250 2.0.0 Ok\n${MAIL}${QUIT}`,
      'unseen reply RSET 14 octets "250 2.0.0 Ok" => - #12/-',
    ],
    'keywords in a gap': [
      `${GREETING}C: EHLO a.example\nS: 250-mx.example\nS? 250-SIZE\nS: 250 DSN\n${QUIT}`,
      `${GREETING}C: EHLO a.example\nS: 250-mx.example\nS: 250-SIZE\nS: 250 DSN\n${QUIT}`,
      'unseen keyword EHLO 10 octets "250-SIZE" => - #10/-',
    ],
    'what comes after a line that differs': [
      `${GREETING}C: EHLO a.example\nS: 250-mx.example\nS+ 250 XXXA\n${MAIL}${QUIT}`,
      `${GREETING}C: EHLO a.example\nS: 250-mx.example\nS+ 250 HELP\n${MAIL.replace('S:', 'S?')}${QUIT}`,
      'altered keyword EHLO xs 4..8 "250 HELP" => "250 XXXA" #8/#8',
      'unseen reply MAIL 14 octets - => "250 2.1.0 Ok" -/#12',
    ],
    'the same gap on both sides': [
      `${GREETING}${EHLO}C? RSET\nS: 250 2.0.0 Ok\n${MAIL}${QUIT}`,
      `${GREETING}${EHLO}C? RSET\nS: 250 2.0.0 Ok\n${MAIL}${QUIT}`,
    ],
    'the end of a capture': [`${GREETING}${EHLO}${MAIL}${QUIT}`, `${GREETING}${EHLO}cut`],
    'the end of the other capture': [`${GREETING}${EHLO}cut`, `${GREETING}${EHLO}${MAIL}${QUIT}`],
    'the beginning of a capture': [`${GREETING}${EHLO}${MAIL}${QUIT}`, `midstream\n${MAIL}${QUIT}`],
    'the beginning of the other capture': [`midstream\n${MAIL}${QUIT}`, `${GREETING}${EHLO}${MAIL}${QUIT}`],
    'one side alone': [`${GREETING}${EHLO}${MAIL}${QUIT}`, `only C\n${GREETING}${EHLO}${MAIL}${QUIT}`],
    'the server alone': [`only S\n${GREETING}${EHLO}${MAIL}${QUIT}`, `${GREETING}${EHLO}${MAIL}${QUIT}`],
    'what follows encryption': [
      `${GREETING}${EHLO}C: STARTTLS\nS: 220 go\nC~ \\x16\\x03\\x01\\x00\\x05hello\nS~ \\x16\\x03\\x01\\x00\\x05hello\nfin`,
      `${GREETING}${EHLO}C: STARTTLS\nS: 220 go\n${EHLO}${MAIL}${QUIT}`,
    ],
    'a command on its way when the capture ended': [
      `${GREETING}${EHLO}C! RSET\ncut`,
      `${GREETING}${EHLO}cut\ntick 1`,
    ],
    'a command that crossed the reset of the server': [
      `${GREETING}${EHLO}C! RSET\nrst S`,
      `${GREETING}${EHLO}rst S`,
    ],
    'a reply to a client that is gone': [
      `${GREETING}${EHLO}C: QUIT\nrst C`,
      `${GREETING}${EHLO}C: QUIT\nS! 221 Bye\nrst C`,
    ],
    'a line that the capture cut off': [`${GREETING}${EHLO}C~ MAIL FR\ncut`, `${GREETING}${EHLO}${MAIL}cut`],
    'no dialogue at all': [`${GREETING}${EHLO}${QUIT}`, 'knock\ncut'],
    'another protocol': ['C: GET / HTTP/1.0\nS: HTTP/1.0 200 OK', 'C: GET /x HTTP/1.0\nS: HTTP/1.0 404 no'],
  });
});

describe('messages', () => {
  const message = (body: string, end = '.\\r\\n') =>
    `${GREETING}C: DATA\nS: 354 go\nC~ Subject: x\\r\\n\\r\\n${body}\\r\\n${end}\n`;
  const accepted = `S: 250 queued\n${QUIT}`;
  table({
    'that differ, without a word of them': [
      `${message('a|b')}${accepted}`,
      `${message('a b')}${accepted}`,
      'altered message DATA other 1 octets "" -> "" #10/#10',
    ],
    'of which one has a gap': [
      `${GREETING}C: DATA\nS: 354 go\nC~ Subject: x\\r\\n\nC~ one\\r\\n\nC~ .\\r\\n\n${accepted}`,
      `${GREETING}C: DATA\nS: 354 go\nC~ Subject: x\\r\\n\nC? one\nC~ .\\r\\n\n${accepted}`,
      'unseen end-of-data (end-of-data) 3 octets "." -> - #14/-',
      'unseen message DATA 5 octets "" -> "" #10/#10',
    ],
    'whose end is not passed on': [
      `${message('a', '')}C! .\n@ +30\nS: 421 timeout\nrst C`,
      `${message('a', '')}@ +30\nS: 421 timeout\nrst C`,
      'removed end-of-data (end-of-data) 0..1 "." -> - #12/-',
    ],
    'whose end was on its way when the capture ended': [
      `${message('a', '')}C! .\ncut`,
      `${message('a', '')}cut\ntick 1`,
    ],
    'whose end lies in a gap': [
      `${message('a', '')}C: .\n${accepted}`,
      `${message('a', '')}C? .\n${accepted}`,
      'unseen end-of-data (end-of-data) 3 octets "." -> - #12/-',
      'unseen message DATA 3 octets "" -> "" #10/#10',
    ],
    'whose reply is not passed on': [
      `${message('a')}@ +60\nfin`,
      `${message('a')}S! 250 queued\n@ +60\nfin`,
      'removed reply (end-of-data) 0..10 "250 queued" => - #12/-',
    ],
    'that break off on both sides, one later': [`${message('a', '')}C! more\ncut`, `${message('a', '')}cut`],
  });

  it('say which octets must be read again', async () => {
    const [a, b] = await sessionsOf([
      `${message('a|b')}${accepted}`,
      `C: NOOP\n${message('a b')}${accepted}`,
    ]);
    const { needsOctets, differences } = compare(a!, b!);
    expect(needsOctets).toHaveLength(1);
    expect(differences).toContain(needsOctets[0]!.difference);
    expect(needsOctets[0]!.before).toEqual({ from: 6, to: 28 });
    expect(needsOctets[0]!.after).toEqual({ from: 12, to: 34 });
  });
});

describe('TCP', () => {
  const talk = `${GREETING}${QUIT}`;
  const options = (client: string, server: string) => `syn C ${client}\nsyn S ${server}\n${talk}`;
  table({
    'a smaller segment': [
      options('mss=1460 ws=7 sack', 'mss=1380'),
      options('mss=1380 ws=7 sack', 'mss=1460'),
      'altered mss 1 octets "1460" -> "1380" #1/#1',
      'altered mss 1 octets "1460" => "1380" #2/#2',
    ],
    'options taken out': [
      options('mss=1460 ws=7 sack ts', 'mss=1460 ws=7 sack ts'),
      options('mss=1460', 'mss=1460 ws=7 sack ts'),
      'removed window-scale 3 octets "7" -> "" #1/#1',
      'removed sack 2 octets "SACK-permitted" -> "" #1/#1',
      'removed timestamps 10 octets "TSopt" -> "" #1/#1',
    ],
    'an option put in': [
      options('', 'mss=1460'),
      options('mss=1460', 'mss=1460'),
      'added mss 4 octets "" -> "1460" #1/#1',
    ],
    'sequence numbers of the server rewritten': [
      `isn S 7\n${talk}`,
      talk,
      'altered sequence-numbers 3 octets "5000000" => "7" #2/#2',
    ],
    'and the SACK blocks in them are not': [
      `isn S 7000000\nsyn C sack\nsyn S sack\n${GREETING}sack C 0 5\n${QUIT}`,
      `isn S 9000000\nsyn C sack\nsyn S sack\n${GREETING}sack C 0 5 70000000\n${QUIT}`,
      'altered sequence-numbers 3 octets "9000000" => "7000000" #2/#2',
      'altered sack - -> "1 of 1 blocks impossible" -/#6',
    ],
    'a connection of its own': [
      `isn C 7\nisn S 8\nsyn C mss=1460 ts\nsyn S mss=1460 ts\n${talk}`,
      `@ +1\nsyn C mss=1400 ts\nsyn S mss=1300 ts\n${talk}`,
    ],
    'a SYN repeated with fewer options': [
      `session\nsyn C mss=1460 sack\nknock\n@ +1\nsyn C mss=1460\n${talk}`,
      `session\nsyn C mss=1460 sack\n${talk}`,
    ],
    'a reset to the client, and the server waits': [
      `${GREETING}${EHLO}rst S`,
      `${GREETING}${EHLO}cut\ntick 60`,
      'added close - => "(RST)" -/#10',
    ],
    'a reset that the server sent when its capture was over': [
      `${GREETING}${EHLO}@ +9\nrst S`,
      `${GREETING}${EHLO}cut`,
    ],
    // Either may be the answer to the other, of which only the first is kept.
    'a reset to each side, and nothing else': [
      `${talk.replace(QUIT, EHLO)}rst S`,
      `${talk.replace(QUIT, EHLO)}rst C`,
    ],
    'a reset that both saw': [`${GREETING}${EHLO}rst C`, `${GREETING}${EHLO}rst C`],
    'a reset after both sides closed': [`${GREETING}${EHLO}fin`, `${GREETING}${EHLO}rst C`],
  });
});

describe('captures of the lab', () => {
  const GOLDEN = readGolden('compare-lab.txt');
  const folder = join(dirname(fileURLToPath(import.meta.url)), '../../captures');
  const names = readdirSync(folder);
  const pairs = names.flatMap((name) => {
    const other = names.find((inside) => inside === name.replace('-outside.', '-inside.'));
    return name.includes('-outside.') && other ? [[name.split('-outside')[0]!, name, other] as const] : [];
  });
  const sessionsIn = async (name: string): Promise<SmtpSession[]> => [
    ...(await analyze([join(folder, name)], { rules: [] })).sessions(),
  ];

  it('differ in just this', async () => {
    const report: string[] = [];
    // With NEW_SCENARIOS=1 and UPDATE_GOLDEN=1 new scenarios are taken in.
    const kept = pairs.filter(
      ([scenario]) => process.env.NEW_SCENARIOS || GOLDEN.includes(`${scenario} s1\n`),
    );
    for (const [scenario, outside, inside] of kept) {
      const [asked, heard] = [await sessionsIn(outside), await sessionsIn(inside)];
      expect(heard.length, scenario).toBe(asked.length);
      for (const [index, session] of asked.entries()) {
        report.push(`${scenario} ${session.id}`);
        for (const line of linesBetween(session, heard[index]!)) report.push(`  ${line}`);
      }
    }
    expectGolden('compare-lab.txt', `${report.join('\n')}\n`);
  });

  it.each(pairs)('%s: each side against itself is the same', async (_, ...files) => {
    for (const file of files) {
      for (const session of await sessionsIn(file)) {
        const again = compare(session, session);
        expect(again.differences.filter(({ change }) => change !== 'unseen')).toEqual([]);
      }
    }
  });

  it.each(pairs.filter(([name]) => name.startsWith('control-')))(
    '%s does not differ',
    async (_, outside, inside) => {
      const heard = await sessionsIn(inside);
      for (const [index, session] of (await sessionsIn(outside)).entries()) {
        expect(linesBetween(session, heard[index]!)).toEqual([]);
      }
    },
  );
});
