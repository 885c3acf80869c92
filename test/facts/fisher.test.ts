import { expect, it } from 'vitest';
import { fisherExact } from '../../src/facts/fisher.js';

/** The definition, in whole numbers. */
function naive(a: number, b: number, c: number, d: number): number {
  const choose = (n: number, k: number): bigint => {
    if (k < 0 || k > n) return 0n;
    let value = 1n;
    for (let i = 1; i <= k; i++) value = (value * BigInt(n - k + i)) / BigInt(i);
    return value;
  };
  let ways = 0n;
  for (let k = a; k <= a + c; k++) ways += choose(a + b, k) * choose(c + d, a + c - k);
  return Number((ways * 1_000_000_000_000n) / choose(a + b + c + d, a + c)) / 1e12;
}

it.each([
  [3, 1, 1, 3, 17 / 70], // Fisher's lady, three cups of four
  [4, 0, 0, 4, 1 / 70],
  [0, 5, 5, 0, 1],
  [5, 0, 0, 0, 1],
  [0, 0, 3, 4, 1],
])('%i %i %i %i: %f', (a, b, c, d, p) => {
  expect(fisherExact(a, b, c, d)).toBeCloseTo(p, 12);
});

it('is the definition, for every table of at most seven a cell', () => {
  for (let n = 0; n < 8 ** 4; n++) {
    const [a, b, c, d] = [n & 7, (n >> 3) & 7, (n >> 6) & 7, n >> 9] as const;
    expect(fisherExact(a, b, c, d)).toBeCloseTo(naive(a, b, c, d), 9);
  }
});

it('holds for large numbers', () => {
  expect(fisherExact(1500, 1500, 900, 2100)).toBeGreaterThan(0);
  expect(fisherExact(12, 1100, 3, 1200)).toBeCloseTo(naive(12, 1100, 3, 1200), 8);
});
