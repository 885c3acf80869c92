import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutText, textWidth, wrapText } from '../../src/report/columns.js';

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
});
