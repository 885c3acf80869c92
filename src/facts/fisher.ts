/**
 * Fisher's exact test, one-sided: how likely it is by chance that at least `a` of the `a + c` failures fall on the
 * `a + b` attempts of the first kind.
 *
 * ```
 *              failed  succeeded
 * first kind     a        b
 * second kind    c        d
 * ```
 *
 * @returns a probability; 1 when a row or a column is empty
 */
export function fisherExact(a: number, b: number, c: number, d: number): number {
  const first = a + b;
  const failed = a + c;
  const all = first + c + d;
  let sum = 0;
  for (let k = a; k <= Math.min(first, failed); k++) {
    sum += Math.exp(choose(first, k) + choose(all - first, failed - k) - choose(all, failed));
  }
  return Math.min(1, sum);
}

/** Logarithm of the binomial coefficient. */
function choose(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

/** Beyond it Stirling's series is good to 16 digits. */
const MAX_ADDED = 1000;
const LOG_FACTORIALS = logFactorials();

function logFactorials(): Float64Array {
  const logs = new Float64Array(MAX_ADDED + 1);
  for (let n = 2; n <= MAX_ADDED; n++) logs[n] = logs[n - 1]! + Math.log(n);
  return logs;
}

function logFactorial(n: number): number {
  if (n > MAX_ADDED)
    return (n + 0.5) * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * n) - 1 / (360 * n ** 3);
  return LOG_FACTORIALS[n]!;
}
