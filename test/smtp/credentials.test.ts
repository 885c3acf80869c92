/** Credentials never leave: not in any field of a session, whatever was done to the AUTH exchange on its way. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { account, converse, octetByOctet, randomly } from '../support/conversation.js';

const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');
const USER = 'Zaphod.Q7';
const PASSWORD = 'hunTer2-xYzzy';
const PLAIN = base64(`\0${USER}\0${PASSWORD}`);
const USER64 = base64(USER);
const PASSWORD64 = base64(PASSWORD);

/** Nothing of a secret that is longer than three octets may be found. */
function leaks(script: string, secrets: readonly string[], split?: (octets: Buffer) => Buffer[]): string[] {
  const { session } = converse(script, split ? { split } : {});
  const json = JSON.stringify(session).toLowerCase();
  return secrets.filter((secret) => json.includes(secret.toLowerCase()));
}

const SECRETS = [
  PLAIN,
  PLAIN.slice(0, 12),
  PLAIN.slice(-12),
  USER64,
  PASSWORD64,
  PASSWORD,
  PASSWORD64.slice(4),
];

const variants: Record<string, string> = {
  'initial response': `C: AUTH PLAIN ${PLAIN}\nS: 235 ok`,
  'lower case': `C: auth plain ${PLAIN}\nS: 235 ok`,
  'spaces and tabs': `C:  AUTH\t PLAIN  ${PLAIN} \nS: 235 ok`,
  'two steps': `C: AUTH PLAIN\nS: 334\nC: ${PLAIN}\nS: 235 ok`,
  LOGIN: `C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: ${USER64}\nS: 334 UGFzc3dvcmQ6\nC: ${PASSWORD64}\nS: 535 no`,
  'LOGIN with the name at once': `C: AUTH LOGIN ${USER64}\nS: 334 UGFzc3dvcmQ6\nC: ${PASSWORD64}\nS: 235 ok`,
  'LOGIN in clear text': `C: AUTH LOGIN\nS: 334 x\nC: ${USER}\nS: 334 y\nC: ${PASSWORD}\nS: 235 ok`,
  'unknown mechanism': `C: AUTH ${PLAIN}\nS: 504 no`,
  'unknown mechanism with a response': `C: AUTH X-FOO ${PLAIN}\nS: 504 no`,
  'X-EXPS': `C: X-EXPS GSSAPI ${PLAIN}\nS: 334 ${PASSWORD64}\nC: ${PASSWORD64}\nS: 235 ok`,
  'verb masked': `C: XXXX PLAIN ${PLAIN}\nS: 500 what?`,
  'verb and mechanism masked': `C: XXXX XXXXX ${PLAIN}\nS: 500 what?`,
  'verb turned to NOOP': `C: NOOP PLAIN ${PLAIN}\nS: 250 ok`,
  'verb and mechanism turned to NOOP': `C: NOOP ${PLAIN}\nS: 250 ok`,
  'verb swallowed': `C: PLAIN ${PLAIN}\nS: 500 what?`,
  'verb masked, but it worked': `C: XXXX PLAIN\nS: 334\nC: ${PLAIN}\nS: 235 ok`,
  'AUTH=': `C: AUTH=PLAIN ${PLAIN}\nS: 500 what?`,
  'refused, and the client goes on': `C: AUTH LOGIN\nS: 500 what?\nC: ${USER64}\nS: 500 what?\nC: ${PASSWORD64}\nS: 500 what?`,
  'swallowed, and the client goes on': `C: AUTH LOGIN\nS: OK\nC: ${USER64}\nS: OK\nC: ${PASSWORD64}\nS: OK`,
  'masked, and the client goes on': `C: XXXX XXXXX\nS: 500 what?\nC: ${USER64}\nS: 500 what?\nC: ${PASSWORD64}\nS: 500 what?`,
  'sent without waiting': `C: AUTH LOGIN\nC+ ${USER64}\nC+ ${PASSWORD64}\nC+ MAIL FROM:<a@example.com>\nS: 334 x\nS: 334 y\nS: 235 ok\nS: 250 ok`,
  'sent without waiting, refused': `C: AUTH LOGIN\nC+ ${USER64}\nC+ ${PASSWORD64}\nS: 500 x\nS: 500 y\nS: 500 z`,
  'never answered': `C: AUTH LOGIN\nC: ${USER64}\nC: ${PASSWORD64}\ncut`,
  'never answered, lines unfinished': `C: AUTH LOGIN\nC: ${USER64}\nC~ ${PASSWORD64}\ncut`,
  unfinished: `C~ AUTH PLAIN ${PLAIN}\ncut`,
  echoed: `C: AUTH PLAIN ${PLAIN}\nS: 500 5.5.1 Command unrecognized: "AUTH PLAIN ${PLAIN}"`,
  'echoed in upper case': `C: AUTH PLAIN ${PLAIN}\nS: 500 unrecognized: AUTH PLAIN ${PLAIN.toUpperCase()}`,
  'echoed in part': `C: AUTH PLAIN ${PLAIN}\nS: 500 unrecognized: AUTH PLAIN ${PLAIN.slice(0, 16)}...`,
  'echoed from the middle': `C: AUTH PLAIN ${PLAIN}\nS: 500 unrecognized: ...${PLAIN.slice(8)}`,
  'echoed behind the verb': `C: AUTH LOGIN\nS: 334 x\nC: ${PASSWORD64}\nS: 500 what is ${PASSWORD64}?`,
  'echoed later': `C: AUTH PLAIN ${PLAIN}\nS: 535 no\nC: NOOP\nS: 250 you said ${PLAIN}`,
  'echoed decoded': `C: AUTH PLAIN ${PLAIN}\nS: 535 password ${PASSWORD} of ${USER} is wrong`,
  'echo of a command that was not seen': `C? AUTH PLAIN ${PLAIN}\nS: 500 unrecognized: AUTH PLAIN ${PLAIN}`,
  'cut by a gap': `C~ AUTH PLAIN ${PLAIN.slice(0, 12)}\nC? x\nC: ${PLAIN.slice(12)}\nS: 535 no`,
  'the verb in a gap': `C? AUTH PLAIN\nS: 334\nC: ${PLAIN}\nS: 235 ok`,
  'all but the last line in a gap': `C? AUTH LOGIN\\r\\n${USER64}\nC: ${PASSWORD64}\nS: 235 ok`,
  'the replies in a gap': `C: AUTH LOGIN\nS? 334\nC: ${USER64}\nS? 334\nC: ${PASSWORD64}\nS: 235 ok`,
  'a gap in the middle': `C: AUTH LOGIN\nS: 334 x\nC~ ${USER64.slice(0, 4)}\nC? x\nC: ${PASSWORD64}\nS: 535 no`,
  'one side only': `only C\nC: AUTH LOGIN\nS: 334 x\nC: ${USER64}\nS: 334 y\nC: ${PASSWORD64}\nS: 235 ok\nC: QUIT`,
  'one side only, in clear text': `only C\nC: AUTH LOGIN\nC: ${USER}\nC: ${PASSWORD}`,
  'began before the capture': `midstream\nC: ${USER64}\nS: 334 UGFzc3dvcmQ6\nC: ${PASSWORD64}\nS: 235 ok`,
  'a second attempt': `C: AUTH CRAM-MD5\nS: 334 ${base64('<1@x>')}\nC: *\nS: 501 aborted\nC: AUTH PLAIN ${PLAIN}\nS: 235 ok`,
  'FTP by mistake': `C: USER ${USER64}\nS: 500 no\nC: PASS ${PASSWORD}\nS: 500 no ${PASSWORD}`,
  BURL: `C: BURL imap://u@example.com/x;urlauth=submit+u:internal:${PASSWORD64} LAST\nS: 250 ok`,
  'an endless response': `C: AUTH PLAIN ${PLAIN.repeat(200)}\nS: 500 too long ${PLAIN.repeat(3)}`,
  'an HTTP proxy’s': `C: CONNECT mx.example:25 HTTP/1.1\nC: Proxy-Authorization: Basic ${PASSWORD64}\nC:\nS: HTTP/1.1 200 ok`,
};

const surrounded = (exchange: string): string =>
  `${exchange.startsWith('midstream') || exchange.includes('CONNECT') ? '' : 'S: 220 mx.example ESMTP\nC: EHLO client\nS: 250-mx.example\nS+ 250 AUTH PLAIN LOGIN\n'}${exchange}\nC: QUIT\nS: 221 bye`;

describe('credentials', () => {
  it.each(Object.entries(variants))('stay inside: %s', (_, exchange) => {
    const script = surrounded(exchange);
    expect(leaks(script, SECRETS)).toEqual([]);
    expect(leaks(script, SECRETS, octetByOctet)).toEqual([]);
    for (let seed = 1; seed < 6; seed++) expect(leaks(script, SECRETS, randomly(seed))).toEqual([]);
  });

  it.each(Object.entries(variants))('stay inside when the capture ends anywhere: %s', (_, exchange) => {
    const script = surrounded(exchange);
    const end = Math.min(script.length, 400);
    for (let limit = 0; limit < end; limit++) {
      const { session } = converse(script, { limit });
      const json = JSON.stringify(session);
      for (const secret of [PLAIN.slice(0, 12), PASSWORD64.slice(0, 8), PASSWORD]) {
        expect(json.includes(secret), `${limit} ${secret}`).toBe(false);
      }
    }
  });

  it('stay inside, whatever they are', () => {
    const secret = fc
      .uint8Array({ minLength: 9, maxLength: 60 })
      .map((octets) => Buffer.from(octets).toString('base64'))
      .filter((text) => /[A-Z]/.test(text) && /[a-z]/.test(text) && new Set(text).size > 8);
    const around = fc.constantFrom(
      ...[
        'AUTH PLAIN ',
        'auth plain ',
        'AUTH XOAUTH2 ',
        'X-EXPS NTLM ',
        'XXXX PLAIN ',
        'NOOP PLAIN ',
        'PLAIN ',
      ],
      ...['AUTH LOGIN\\r\\n', 'AUTH FOO ', 'AUTH ', 'AUTH=LOGIN '],
    );
    const reply = fc.constantFrom(
      '334 ',
      '235 ok ',
      '535 no ',
      '500 unrecognized: ',
      'OK',
      '250 ok ',
      '221 ',
    );
    fc.assert(
      fc.property(secret, around, reply, fc.boolean(), fc.nat(50), (text, verb, answer, echo, seed) => {
        const script = `S: 220 mx\nC: ${verb}${text}\nS: ${answer}${echo && answer !== 'OK' ? text : ''}\nS: 501 x\nC: ${text}\nS: 500 what?`;
        const { session } = converse(script, { split: randomly(seed + 1) });
        return !JSON.stringify(session).includes(text.slice(0, 12));
      }),
      { numRuns: 500, seed: 7 },
    );
  });
});

describe('what is shown of an AUTH exchange', () => {
  const shown = (exchange: string): string => account(converse(surrounded(exchange)).session);

  it('is the mechanism, the codes and the lengths', () => {
    const { session } = converse(surrounded(variants.LOGIN!));
    expect(shown(variants.LOGIN!)).toBe(`(greeting) -> 220
EHLO client -> 250[2]
AUTH LOGIN -> 334
(auth-response) -> 334
(auth-response) -> 535
QUIT -> 221`);
    const [, , auth, user] = session.exchanges;
    expect(auth!.intermediate!.lines[0]).toMatchObject({ text: '334 [12 octets]', octets: 16 });
    expect(user).toMatchObject({ kind: 'auth-response', argument: null });
    expect(user!.line).toMatchObject({ text: `[${USER64.length} octets]`, octets: USER64.length });
  });

  it('is the initial response as a length', () => {
    expect(shown(variants['initial response']!)).toContain(`AUTH PLAIN [${PLAIN.length} octets] -> 235`);
    expect(shown(variants['lower case']!)).toContain(`AUTH plain [${PLAIN.length} octets] -> 235`);
    expect(shown(variants['verb masked']!)).toContain(`XXXX PLAIN [${PLAIN.length} octets] -> 500`);
  });

  it('leaves innocent lines alone', () => {
    const script = surrounded(`C: MAIL FROM:<a@example.com> AUTH=<a@example.com>
      S: 250 ok
      C: XXXX clientexample
      S: 500 Command unknown: 'XXXX'
      C: XXXXXXXX
      S: 500 5.5.1 Command unrecognized: "XXXXXXXX"
      C: AUTH FOO
      S: 504 5.5.4 Unrecognized authentication type PLAIN unsupported
      C: XXXXXXXX
      S: 500 what?
      C: RCPT TO:<b@example.net>
      S: 550 5.7.1 Relaying denied for Mailer4711`);
    const { session } = converse(script);
    const text = JSON.stringify(session);
    for (const kept of [
      'FROM:<a@example.com> AUTH=<a@example.com>',
      'clientexample',
      'Unrecognized authentication type PLAIN unsupported',
      'Mailer4711',
    ]) {
      expect(text).toContain(kept);
    }
    expect(session.exchanges.filter((exchange) => exchange.verb === 'XXXXXXXX')).toHaveLength(2);
  });
});
