import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextBuilder } from '../../../src/report/machine/text-builder.js';

describe('TextBuilder', () => {
  it('gives what was added, joined, whatever came before', () => {
    const builder = new TextBuilder();
    const piece = fc.oneof(
      fc.string(),
      fc.string({ unit: 'grapheme' }),
      fc.integer(),
      fc.double(),
      fc.constant(null),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        for (const one of pieces) {
          if (typeof one === 'string') builder.add(one);
          else builder.number(one);
        }
        expect(builder.take()).toBe(pieces.map(String).join(''));
      }),
    );
  });

  it.each([0, 9, 10, 99, 100, 2147483647, 2147483648, 9007199254740991, -1, 1.5])('writes %d', (value) => {
    const builder = new TextBuilder();
    builder.number(value);
    expect(builder.take()).toBe(String(value));
  });

  it('holds texts of any length', () => {
    const builder = new TextBuilder();
    const long = 'ä'.repeat(3_000_000);
    builder.add(long);
    expect(builder.take()).toBe(long);
    builder.add('short');
    expect(builder.take()).toBe('short');
  });

  it('quotes what needs no escape as JSON does, and adds nothing of anything else', () => {
    const builder = new TextBuilder();
    const octets = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) }),
      fc.string({ minLength: 20_000, maxLength: 40_000 }),
    );
    fc.assert(
      fc.property(octets, fc.nat(5), (text, skipped) => {
        const from = Math.min(skipped, text.length);
        const plain = /^[\x20-\x7e]*$/.test(text.slice(from)) && !/["\\]/.test(text.slice(from));
        builder.add('<');
        expect(builder.quoted(text, from)).toBe(plain);
        builder.add('>');
        expect(builder.take()).toBe(plain ? `<${JSON.stringify(text.slice(from))}>` : '<>');
      }),
    );
  });

  it('writes six digits', () => {
    const builder = new TextBuilder();
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999 }), (value) => {
        builder.sixDigits(value);
        expect(builder.length).toBe(6);
        expect(builder.take()).toBe(String(value).padStart(6, '0'));
      }),
    );
  });
});
