import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutText, enumerate, plural, textWidth, thousands, wrapText } from '../../src/report/columns.js';

const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', ' ', '日', 'é', '😀', '-') });

describe('columns', () => {
  it('counts wide characters twice', () => {
    expect(textWidth('ab')).toBe(2);
    expect(textWidth('日本')).toBe(4);
    expect(textWidth('😀é')).toBe(3);
  });

  it('breaks between words', () => {
    expect(wrapText('the quick brown fox', 10)).toEqual(['the quick', 'brown fox']);
    expect(wrapText('', 10)).toEqual(['']);
    expect(wrapText('abcdefghijkl mn', 5)).toEqual(['abcde', 'fghij', 'kl mn']);
  });

  it('never exceeds the width and loses nothing but spaces', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 2, max: 20 }), (words, width) => {
        for (const lines of [wrapText(words, width), cutText(words, width)]) {
          for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(width);
        }
        expect(cutText(words, width).join('')).toBe(words);
        expect(wrapText(words, width).join('').replaceAll(' ', '')).toBe(words.replaceAll(' ', ''));
      }),
    );
  });

  it('tells numbers and lists', () => {
    expect([0, 999, 1000, 1234567].map(thousands)).toEqual(['0', '999', '1,000', '1,234,567']);
    expect(plural(1, 'session')).toBe('1 session');
    expect(plural(2000, 'session')).toBe('2,000 sessions');
    expect([[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map(enumerate)).toEqual([
      '',
      'a',
      'a and b',
      'a, b and c',
    ]);
  });
});
