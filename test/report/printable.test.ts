import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeOctets, escapeJson, printableOctets, printableText } from '../../src/report/printable.js';

const octetsOf = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
const anyOctets = fc.uint8Array({ maxLength: 60 }).map((octets) => Buffer.from(octets).toString('latin1'));

/** What no output may hold: written from the Unicode character database's classes, not from the source. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

describe('printable text', () => {
  it.each([
    ['220 mail.example ESMTP', '220 mail.example ESMTP'],
    ['\x1b[2J\x07', '\\x1b[2J\\x07'],
    ['a\tb\r\nc\0', 'a\\x09b\\x0d\\x0ac\\x00'],
    ['\x7f', '\\x7f'],
    [octetsOf('Grüße 日本 ✓'), 'Grüße 日本 ✓'],
    ['caf\xe9', 'caf\\xe9'],
    ['\x9b31m', '\\x9b31m'],
    [octetsOf('\x9b31m'), '\\x9b31m'],
    [octetsOf('a\u202eb\u200bc\ufeffd\u2028e'), 'a\\u{202e}b\\u{200b}c\\u{feff}d\\u{2028}e'],
    [octetsOf('\u{e0041}\u2066x\u2069'), '\\u{e0041}\\u{2066}x\\u{2069}'],
    ['\xed\xa0\x80', '\\xed\\xa0\\x80'],
    ['', ''],
  ])('shows %j as %j', (octets, shown) => {
    expect(printableOctets(octets)).toBe(shown);
  });

  it('never lets a control, invisible or reordering character through', () => {
    fc.assert(
      fc.property(fc.oneof(anyOctets, fc.string({ unit: 'binary' })), (text) => {
        expect(printableOctets(text)).not.toMatch(UNSAFE);
        expect(printableText(text)).not.toMatch(UNSAFE);
      }),
    );
    for (let code = 0; code <= 0x10ffff; code++) {
      const character = String.fromCodePoint(code);
      if (UNSAFE.test(character) && printableText(character) === character) {
        throw new Error(`U+${code.toString(16)} goes through`);
      }
    }
  });

  it('keeps file names as they are decoded', () => {
    expect(printableText('café/\x1b]0;x\x07.pcap')).toBe('café/\\x1b]0;x\\x07.pcap');
    expect(printableText('\ud800')).toBe('\\u{d800}');
  });
});

describe('JSON text', () => {
  it('decodes what is UTF-8 and leaves the octets of what is not', () => {
    expect(decodeOctets(octetsOf('Grüße'))).toBe('Grüße');
    expect(decodeOctets('Gr\xfc\xdfe')).toBe('Gr\xfc\xdfe');
    expect(decodeOctets('plain')).toBe('plain');
  });

  it('is escaped without a change of the value', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(anyOctets, fc.string({ unit: 'binary' }))), (texts) => {
        const json = escapeJson(JSON.stringify(texts));
        expect(JSON.parse(json)).toEqual(texts);
        expect(json).not.toMatch(UNSAFE);
      }),
    );
  });

  it('escapes beyond the basic plane as a pair', () => {
    expect(escapeJson(JSON.stringify('\u{e0041}\x7f\u2028'))).toBe('"\\udb40\\udc41\\u007f\\u2028"');
  });
});
