import { expect, it } from 'vitest';
import { enumerate, plural, thousands } from '../../src/finding/words.js';

it('writes numbers and lists', () => {
  expect([0, 999, 1000, 1234567].map(thousands)).toEqual(['0', '999', '1,000', '1,234,567']);
  expect(plural(1, 'session')).toBe('1 session');
  expect(plural(2000, 'session')).toBe('2,000 sessions');
  expect([[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map(enumerate)).toEqual(['', 'a', 'a and b', 'a, b and c']);
});
