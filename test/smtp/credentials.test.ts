/** Credentials never leave: not in any field of a session, whatever was done to the AUTH exchange on its way. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { account, converse, octetByOctet, randomly } from '../support/conversation.js';
import {
  base64,
  credentialScripts,
  PARTS,
  PASSWORD,
  PASSWORD64,
  PLAIN,
  surrounded,
  USER64,
} from '../support/credentials.js';
import { runs, sample } from '../support/extent.js';

/** Nothing of a secret that is longer than five octets may be found. */
function leaks(script: string, split?: (octets: Buffer) => Buffer[]): string[] {
  const { session } = converse(script, split ? { split } : {});
  const json = JSON.stringify(session).toLowerCase();
  return PARTS.filter((part) => json.includes(part));
}

describe('credentials', () => {
  it.each(Object.entries(credentialScripts))('stay inside: %s', (_, exchange) => {
    const script = surrounded(exchange);
    expect(leaks(script)).toEqual([]);
    expect(leaks(script, octetByOctet)).toEqual([]);
    for (let seed = 1; seed < 6; seed++) expect(leaks(script, randomly(seed))).toEqual([]);
  });

  it.each(Object.entries(credentialScripts))(
    'stay inside when the capture ends anywhere: %s',
    (_, exchange) => {
      const script = surrounded(exchange);
      const end = Math.min(script.length, 400);
      for (const limit of sample([...Array(end).keys()], 100)) {
        const { session } = converse(script, { limit });
        const json = JSON.stringify(session);
        for (const secret of [PLAIN.slice(0, 12), PASSWORD64.slice(0, 8), PASSWORD]) {
          expect(json.includes(secret), `${limit} ${secret}`).toBe(false);
        }
      }
    },
  );

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
      { numRuns: runs(500), seed: 7 },
    );
  });
});

describe('what is shown of an AUTH exchange', () => {
  const shown = (exchange: string): string => account(converse(surrounded(exchange)).session);

  it('is the mechanism, the codes and the lengths', () => {
    const { session } = converse(surrounded(credentialScripts.LOGIN!));
    expect(shown(credentialScripts.LOGIN!)).toBe(`(greeting) -> 220
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
    expect(shown(credentialScripts['initial response']!)).toContain(
      `AUTH PLAIN [${PLAIN.length} octets] -> 235`,
    );
    expect(shown(credentialScripts['lower case']!)).toContain(`AUTH plain [${PLAIN.length} octets] -> 235`);
    expect(shown(credentialScripts['verb masked']!)).toContain(`XXXX PLAIN [${PLAIN.length} octets] -> 500`);
  });

  it('is no host that the name happens to be of', () => {
    const login = `C: AUTH PLAIN ${base64('\0someone@example.com\0wrong-one')}\nS: 535 5.7.8 Authentication failed: mx.example.com`;
    const later = 'S: 421 4.4.2 mail-1.example.com Error: timeout exceeded';
    const text = JSON.stringify(converse(surrounded(`${login}\n${later}`)).session);
    expect(text).toContain('5.7.8 Authentication failed: mx.example.com');
    expect(text).toContain('4.4.2 mail-1.example.com Error: timeout exceeded');
  });

  it('leaves what OAuth says of itself', () => {
    const login = `C: AUTH XOAUTH2 ${base64('user=someone@example.com\x01auth=Bearer wrong-one\x01\x01')}`;
    const said = '5.7.8 authentication failed for this user: Bearer token expired';
    const text = JSON.stringify(converse(surrounded(`${login}\nS: 535 ${said}`)).session);
    expect(text).toContain(said);
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
