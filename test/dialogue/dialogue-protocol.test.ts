/** STARTTLS, other protocols, and lines that a firewall has overwritten. */
import { describe, expect, it } from 'vitest';
import type { TlsFlight, TlsOpening } from '../../src/smtp/session.js';
import { account, converse, octetByOctet } from '../support/conversation.js';
import { SCRIPT_START_US } from '../support/dialogue.js';

const TLS = '\\x16\\x03\\x01\\x00\\x05hello\\n\\x17\\x03\\x03';

/** What does not depend on how the octets were cut into segments. */
function flights(tls: TlsOpening | null): unknown {
  const flight = (side: TlsFlight | null | undefined) =>
    side && { head: side.head, octets: side.octets, offset: side.offset };
  return tls && { client: flight(tls.client), server: flight(tls.server), acknowledged: tls.acknowledged };
}

describe('STARTTLS', () => {
  const session = (script: string) => {
    const whole = converse(script).session;
    const pieces = converse(script, { split: octetByOctet }).session;
    expect(account(pieces)).toBe(account(whole));
    expect(pieces.tlsFollowed).toBe(whole.tlsFollowed);
    expect(flights(pieces.tls)).toEqual(flights(whole.tls));
    expect(pieces.protocol).toBe(whole.protocol);
    return whole;
  };

  it('is followed by TLS, of which nothing is read', () => {
    const { exchanges, encryptedFrom, tlsFollowed, protocol } = session(`
      S: 220 mx.example
      C: EHLO client
      S: 250-mx
      S+ 250 STARTTLS
      C: STARTTLS
      S: 220 2.0.0 ready
      C~ ${TLS}
      S~ ${TLS}
      C~ \\r\\nQUIT\\r\\n`);
    expect(exchanges).toHaveLength(3);
    expect(encryptedFrom).toBe(exchanges[2]!.reply!.lines[0]!.frame);
    expect(tlsFollowed).toBe(true);
    expect(protocol).toBe('smtp');
  });

  it('is refused: the dialogue goes on', () => {
    const { exchanges, encryptedFrom, extensions } = session(`
      S: 220 mx.example
      C: EHLO client
      S: 250-mx
      S+ 250-SIZE 1000
      S+ 250-auth=login plain
      S+ 250-XXXXXXXA
      S+ 250
      C: STARTTLS
      S: 454 not now
      C: QUIT
      S: 221 bye`);
    expect(exchanges.at(-1)).toMatchObject({ verb: 'QUIT', reply: { code: 221 } });
    expect(encryptedFrom).toBeNull();
    expect(extensions.map(({ keyword, text }) => [keyword, text])).toEqual([
      ['SIZE', 'SIZE 1000'],
      ['AUTH=LOGIN', 'auth=login plain'],
      ['XXXXXXXA', 'XXXXXXXA'],
    ]);
  });

  it('is followed by nothing', () => {
    const { encryptedFrom, tlsFollowed } = session('S: 220 mx\nC: STARTTLS\nS: 220 go');
    expect(encryptedFrom).not.toBeNull();
    expect(tlsFollowed).toBeNull();
  });

  it('is followed by plain text', () => {
    const { exchanges, encryptedFrom, tlsFollowed } = session(`
      S: 220 mx.example
      C: STARTTLS
      S: 220 go
      C: EHLO again
      S: 250 mx
      C: QUIT
      S: 221 bye`);
    expect(tlsFollowed).toBe(false);
    expect(encryptedFrom).not.toBeNull();
    expect(exchanges.map((exchange) => exchange.reply?.code)).toEqual([220, 220, 250, 221]);
  });

  it('is followed by plain text in the same segment', () => {
    const { exchanges, tlsFollowed } = session(`
      S: 220 mx.example
      C: STARTTLS
      C+ RSET
      S: 220 go
      S: 250 ok`);
    expect(tlsFollowed).toBe(false);
    expect(exchanges.at(-1)).toMatchObject({ verb: 'RSET', pipelined: true, reply: { code: 250 } });
  });

  it('is followed by something that is neither', () => {
    const { tlsFollowed, exchanges } = session('S: 220 mx\nC: STARTTLS\nS: 220 go\nC~ \\x80\\x81QUIT\\r\\n');
    expect(tlsFollowed).toBe(false);
    expect(exchanges).toHaveLength(2);
    expect(session('S: 220 mx\nC: STARTTLS\nS: 220 go\nC~ \\x16\\x41').tlsFollowed).toBe(false);
  });

  it('tells the first octets of both sides, and how many there were', () => {
    const { tls } = session(`S: 220 mx\nC: STARTTLS\nS: 220 go\nC~ ${TLS}\nC~ more\nS~ \\x15\\x03\\x01`);
    expect(flights(tls)).toEqual({
      client: { head: '\x16\x03\x01\x00\x05', octets: 18, offset: 10 },
      server: { head: '\x15\x03\x01', octets: 3, offset: 16 },
      acknowledged: true,
    });
    const { client } = converse(`S: 220 mx\nC: STARTTLS\nS: 220 go\nC~ ${TLS}\nC~ more`).session.tls!;
    expect(client).toMatchObject({
      frame: 8,
      time: { us: SCRIPT_START_US + 40_000 },
      checksum: 'unverifiable',
    });
  });

  it('tells what came in one segment with the 220, or in front of it', () => {
    const script = `S: 220 mx\nC: STARTTLS\nC+ RSET\nS: 220 go\nS+ XXXX`;
    expect(flights(session(script).tls)).toMatchObject({
      client: { head: 'RSET\r', octets: 6, offset: 10 },
      server: { head: 'XXXX\r', octets: 6, offset: 16 },
    });
    expect(session(script).tls!.server!.checksum).toBe('valid');
  });

  it('tells whether the server acknowledged it', () => {
    const start = 'S: 220 mx\nC: STARTTLS\nS: 220 go';
    expect(session(`${start}\nC! ${TLS}`).tls!.acknowledged).toBeNull();
    expect(session(`${start}\nC! ${TLS}\nS~ \\x15`).tls!.acknowledged).toBe(false);
  });

  it('tells nothing where no 220 to STARTTLS was seen', () => {
    expect(session('S: 220 mx\nC: STARTTLS\nS: 454 no\nC: QUIT\nS: 221 bye').tls).toBeNull();
    expect(session(`C~ ${TLS}\nS~ ${TLS}`).tls).toBeNull();
    expect(session('S: 220 mx\nC: STARTTLS\nS: 220 go').tls).toEqual({
      client: null,
      server: null,
      acknowledged: null,
    });
  });

  it('was answered in a gap', () => {
    const { encryptedFrom, exchanges } = session(`
      S: 220 mx
      C: STARTTLS
      S? 220 go
      C~ ${TLS}`);
    expect(encryptedFrom).not.toBeNull();
    expect(exchanges).toHaveLength(2);
  });

  it('was not seen at all', () => {
    expect(session(`midstream\nS~ ${TLS}`)).toMatchObject({ protocol: 'tls', exchanges: [] });
    expect(session(`S: 220 mx\nC? STARTTLS\nS? 220 go\nC~ ${TLS}\nS~ ${TLS}`).encryptedFrom).not.toBeNull();
  });

  it('was forced from the first octet', () => {
    const forced = session(`C~ ${TLS}\nS~ ${TLS}`);
    expect(forced).toMatchObject({ protocol: 'tls', exchanges: [], tlsFollowed: true });
    expect(forced.encryptedFrom).toBe(2);
  });
});

describe('protocol', () => {
  const cases: [protocol: string, script: string][] = [
    ['none', ''],
    ['none', 'cut'],
    ['smtp', 'S: 220 mx.example ESMTP'],
    ['smtp', 'S: 421 busy'],
    ['smtp', 'S: 554 no'],
    ['smtp', 'S: 220 ************0*2*'],
    ['smtp', 'S: 220***********0*2**'],
    ['smtp', 'S: *********************'],
    ['smtp', 'C: EHLO x'],
    ['smtp', 'C: mail from:<a@example.com>'],
    ['smtp', 'C: XXXX client\nS: OK'],
    ['smtp', 'C: goodmorning\nS: OK.'],
    ['smtp', 'midstream\nS: 250 ok'],
    ['smtp', 'S: 220 ftp.example.com FTP server\nC: EHLO x\nS: 250 ok'],
    ['smtp', 'S: 220 ftpmail.example ESMTP\nC: QUIT\nS: 221 bye'],
    ['smtp', 'S: 220 mx.example\nC~ \\x03\\0\\0\\x13\\x0e\\xe0\\r\\n\nS: 500 what?'],
    ['http', 'C: GET / HTTP/1.1\nC: Authorization: Basic c2VjcmV0\nC:\nS: HTTP/1.1 200 OK'],
    ['http', 'S: 220 mx.example\nC: POST /x HTTP/1.0\nC: Cookie: c2VjcmV0\nS: 500 what?'],
    ['http', 'S: HTTP/1.0 400 Bad Request'],
    ['http', 'C: CONNECT mx.example:25 HTTP/1.1\nC:\nS: HTTP/1.1 200 ok\nS:\nS: 220 mx\nC: EHLO x'],
    ['ssh', 'S: SSH-2.0-OpenSSH_9.6\nC: SSH-2.0-x'],
    ['ssh', 'C: SSH-2.0-x'],
    ['tls', 'C~ \\x16\\x03\\x01\\x00'],
    [
      'other',
      'S: 220 FTP Service\nC: USER bob\nS: 331 Password required for bob\nC: PASS c2VjcmV0\nS: 530 no',
    ],
    ['other', 'S: 220 welcome\nC: USER bob\nS: 331 need password\nC: PASS c2VjcmV0\nS: 230 in'],
    ['other', 'S: +OK POP3 ready\nC: USER bob\nC: PASS c2VjcmV0'],
    ['other', 'S: * OK IMAP4 ready\nC: a1 LOGIN bob c2VjcmV0'],
    ['other', 'C~ \\x05\\x01\\0\nS~ \\x05\\0'],
    ['unknown', 'C: hello there'],
    ['unknown', 'S: hello there'],
    ['unknown', 'midstream\nC: text of a message, perhaps c2VjcmV0'],
  ];

  it.each(cases)('%s: %s', (protocol, script) => {
    const { session } = converse(script);
    expect(session.protocol).toBe(protocol);
    expect(converse(script, { split: octetByOctet }).session.protocol).toBe(protocol);
    expect(JSON.stringify(session)).not.toContain('c2VjcmV0');
    if (protocol !== 'smtp' && protocol !== 'none') {
      expect(session.exchanges).toEqual([]);
      expect(session.messages).toEqual([]);
    }
  });
});

describe('checksums', () => {
  it('are asked for of lines that look masked, in the segment of their last octet', () => {
    const { session } = converse(`
      checksum bad
      S: 220 **********
      C: XXXX client
      S: 500 Command unknown: 'XXXX'
      checksum good
      C: EHLO client
      S: 250-mx.example
      S~ 250 XXXX
      checksum bad
      S: XXXA`);
    const lines = session.exchanges.flatMap((exchange) => [exchange.line, ...exchange.reply!.lines]);
    expect(lines.filter((line) => line !== null).map((line) => [line.text, line.checksum])).toEqual([
      ['220 **********', 'invalid'],
      ['XXXX client', 'invalid'],
      ["500 Command unknown: 'XXXX'", 'invalid'],
      ['EHLO client', 'unverifiable'],
      ['250-mx.example', 'unverifiable'],
      ['250 XXXXXXXA', 'invalid'],
    ]);
  });

  it('are remembered of segments that wait', () => {
    const { session } = converse(`
      S: 220 mx
      C: DATA
      checksum bad
      C: XXXX
      S: 503 no
      S: 500 what?`);
    expect(session.exchanges[2]!.line).toMatchObject({ text: 'XXXX', checksum: 'invalid' });
  });
});

describe('a line', () => {
  it('knows its frames, segments, ending and place', () => {
    const { session } = converse(`
      S: 220 mx.example
      C~ EH
      C~ LO a
      C~ bc\\r
      C~ \\nNOOP\\nQU`);
    const [, hello, noop, quit] = session.exchanges;
    expect(hello).toMatchObject({ verb: 'EHLO', argument: 'abc', segments: 4 });
    expect(hello!.line).toMatchObject({ text: 'EHLO abc', octets: 8, ending: 'CRLF', offset: 0 });
    expect(hello!.line!.frame).toBeLessThan(hello!.line!.lastFrame);
    expect(noop!.line).toMatchObject({ ending: 'LF', offset: 10, octets: 4 });
    expect(quit!.line).toMatchObject({ text: 'QU', ending: 'none', offset: 15, truncated: false });
  });

  it('has no time where the capture has none', () => {
    const { session } = converse('@ +NaN\nS: 220 mx\nC: DATA\nS: 354 go\nC: .\nS: 250 ok');
    expect(session.exchanges[0]!.reply!.lines[0]!.time).toBeNull();
    expect(session.messages[0]).toMatchObject({ time: null, terminator: { time: null } });
  });
});
