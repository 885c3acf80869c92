import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextBuilder } from '../../src/report/text-builder.js';

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
    builder.quoted(long);
    expect(builder.take()).toBe(`"${long}"`);
    builder.add('short');
    expect(builder.take()).toBe('short');
  });
});
