/** Pseudonyms: as long, stable, and nothing of the original in them; what is proof stays. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressPseudonyms } from '../../src/anonymize/addresses.js';
import { Pseudonyms } from '../../src/anonymize/pseudonyms.js';

const KEY = Buffer.alloc(32, 7);
const OTHER = Buffer.alloc(32, 8);
const names = (): Pseudonyms => new Pseudonyms(KEY);
const addresses = new AddressPseudonyms(KEY);

const octet = fc.integer({ min: 0, max: 255 });
const v4 = fc.tuple(fc.integer({ min: 1, max: 255 }), octet, octet, octet);
const common = (a: readonly unknown[], b: readonly unknown[]): number => {
  const at = a.findIndex((one, index) => one !== b[index]);
  return at < 0 ? a.length : at;
};

describe('addresses', () => {
  it('have as much in common at their beginning as they had before, and no octet is the same', () => {
    fc.assert(
      fc.property(v4, v4, (a, b) => {
        const [x, y] = [a, b].map((octets) => [...addresses.ip(Uint8Array.from(octets))]);
        expect(common(x!, y!)).toBe(common(a, b));
        for (const [index, octet] of a.entries()) {
          expect(x![index]).not.toBe(octet);
          expect(String(x![index]).length).toBe(String(octet).length);
        }
        expect(addresses.text(a.join('.'))).toBe(x!.join('.'));
      }),
    );
  });

  it('of IPv6 too, digit by digit, in whichever form they are written', () => {
    const digits = fc.array(fc.constantFrom(...'00123456789abcdef'), { minLength: 28, maxLength: 28 });
    fc.assert(
      fc.property(digits, digits, (a, b) => {
        const [p, q] = [
          ['2', '0', '0', '1', ...a],
          ['2', '0', '0', '1', ...b],
        ];
        const made = (of: readonly string[]): string[] => [
          ...addresses.ip(Buffer.from(of.join(''), 'hex')).toString('hex'),
        ];
        expect(common(made(p), made(q))).toBe(common(p, q));
        const groups = p.join('').match(/.{4}/g)!;
        expect(addresses.text(groups.join(':'))?.replaceAll(':', '')).toBe(made(p).join(''));
      }),
    );
  });

  it.each([
    '192.0.2.1',
    '8.8.8.8',
    '255.255.255.255',
    '2001:db8::1',
    '2001:DB8::1',
    'fe80::1:2:3:4',
    '::ffff:192.0.2.1',
    '2001:db8:1:2:3:4:5:6',
    '192.000.002.005',
  ])('%s stays as long', (text) => {
    const made = addresses.text(text)!;
    expect(made).not.toBe(text);
    expect(made.replace(/[0-9a-f]/gi, '0')).toBe(text.replace(/[0-9a-f]/gi, '0'));
  });

  it.each(['12:59:21', '1.2.3', '256.1.1.1', '1:2', 'dead:beef', ':::', ''])('%j is none', (text) => {
    expect(addresses.text(text)).toBeNull();
  });

  it('of cards: another card of the same kind; a group stays', () => {
    const card = Buffer.from('00163e123456', 'hex');
    const made = addresses.mac(card);
    expect(made.equals(card)).toBe(false);
    expect(made[0]! & 3).toBe(0);
    expect(addresses.mac(Buffer.alloc(6, 0xff)).toString('hex')).toBe('ffffffffffff');
  });
});

describe('lines', () => {
  it.each([
    '220 ****************2*******200**0*********0*00',
    '250-XXXXXXXA',
    '250 XXXB',
    'XXXX',
    'EHLO',
    'AUTH LOGIN',
    '250-SIZE 10240000',
    '250 8BITMIME',
    '500 5.5.1 Command unrecognized: "XXXX"',
    '550 5.7.1 Unable to relay',
    '354 End data with <CR><LF>.<CR><LF>',
    'MAIL FROM:<> BODY=8BITMIME SIZE=1024',
    '220 Microsoft ESMTP MAIL Service, Version: 5.0.2195.4905 ready at Mon, 6 May 2002 12:59:21 +0200',
    '220 SMTP/cmap_____________________________________________read',
    'AUTH PLAIN [12 octets]',
    'EHLO',
    'EHLO [IPv6:::]',
  ])('%s stays as it is: it is proof, or of the protocol', (line) => {
    expect(names().line(line)).toBe(line);
  });

  it.each([
    ['220 mail.secret-corp.com ESMTP Postfix', ['mail', 'secret', 'corp']],
    ['250-mx1.internal.secretcorp.de', ['internal', 'secretcorp']],
    ['EHLO workstation17', ['workstation17']],
    ['EHLO exchange', ['exchange']],
    ['HELO 1234.5678', ['1234', '5678']],
    ['VRFY april', ['april']],
    ['vrfy 49891234567', ['49891234567']],
    ['250 card 00:16:3e:12:34:56 ok', ['00:16:3e:12:34:56', '12:34:56']],
    ['EHLO [192.0.2.77]', ['192.0.2.77', '77']],
    ['EHLO [IPv6:2001:db8:aaaa::17]', ['db8', 'aaaa']],
    ['MAIL FROM:<anna.meier@secretcorp.de> SIZE=17', ['anna', 'meier', 'secretcorp']],
    ['RCPT TO:<bob@localhost>', ['bob@', 'localhost']],
    ['RCPT TO:<postmaster>', ['postmaster']],
    ['250 2.0.0 Ok: queued as 4F1A2B3C', ['4F1A2B3C']],
    ['250 Hello Anna Meier (192.0.2.77), pleased to meet you', ['Anna', 'Meier', '192.0.2.77']],
    ['550 Mailbox of Müller is full', ['M\u00fcller', 'ller']],
    ['Message-ID: <20240506.AB17@anna-laptop.local>', ['20240506', 'AB17', 'anna', 'laptop', 'local']],
    ['RCPT TO:<a@b.com> ORCPT=rfc822;a@b.com', ['a@b']],
    ['(192.0.2.1).', ['192.0.2.1']],
    ['553 john+list=corp.example.org@lists.example.org', ['john', 'corp', 'example']],
  ])('%s names nobody afterwards', (line, originals) => {
    const octets = Buffer.from(line, 'utf8').toString('latin1');
    const made = names().line(octets);
    expect(made).toHaveLength(octets.length);
    for (const original of originals) {
      expect(made).not.toContain(Buffer.from(original, 'utf8').toString('latin1'));
    }
    // Where it stands stays.
    expect(made.replace(/[^\s<>@:.[\]()]/g, '')).toBe(octets.replace(/[^\s<>@:.[\]()]/g, ''));
  });

  it('are as long as they were, whatever they hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const octets = Buffer.from(text, 'utf8').toString('latin1');
        expect(names().line(octets)).toHaveLength(octets.length);
      }),
    );
  });

  it('keep a long hexadecimal number one: a greeting of Barracuda is known by it', () => {
    const made = names().line('220 mail.secret.com ESMTP (df42546171658fae4595b43ea5eea123)');
    expect(made).toMatch(/ ESMTP \([0-9a-f]{32}\)$/);
    expect(made).not.toContain('df42');
  });

  it('give the same for the same key, and another for another', () => {
    const line = 'MAIL FROM:<anna.meier@secretcorp.de>';
    expect(names().line(line)).toBe(names().line(line));
    expect(new Pseudonyms(OTHER).line(line)).not.toBe(names().line(line));
  });

  it('keep a name one name, in upper and lower case, as host, mailbox and word', () => {
    const made = names().line('secretcorp SECRETCORP Secretcorp x@secretcorp.com').split(/[ @.]/);
    const [word] = made;
    expect(made.slice(0, 3)).toEqual([word, word!.toUpperCase(), word![0]!.toUpperCase() + word!.slice(1)]);
    expect(made[4]).toBe(word);
  });

  it('takes no time that grows faster than the text', () => {
    const begin = process.cpuUsage().user;
    for (const unit of ['a', 'a.', 'a@', '1.', ':', 'a-', '<', 'é', '1:'])
      names().line(unit.repeat(20_000 / unit.length));
    expect(process.cpuUsage().user - begin).toBeLessThan(5_000_000);
  });
});

describe('sentences', () => {
  it('keep their own words, and lose those that were replaced elsewhere', () => {
    const pseudonyms = names();
    const host = pseudonyms.line('workstation17');
    const sentence =
      'The server refused workstation17’s EHLO, e.g. "EHLO workstation17", at 192.0.2.1: CRLF.CRLF in PIX 5.1 to 6.x.';
    const made = pseudonyms.sentence(sentence);
    expect(made).toBe(
      `The server refused ${host}’s EHLO, e.g. "EHLO ${host}", at ${addresses.text('192.0.2.1')}: CRLF.CRLF in PIX 5.1 to 6.x.`,
    );
  });
});
