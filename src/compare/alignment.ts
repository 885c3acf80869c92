/** Entries that one window of the alignment looks at: what it costs is the square of it. */
const WINDOW = 128;

/** How two lists are compared. */
export interface Likeness {
  /** Beyond doubt the same, where both lists have come to this place. */
  readonly same: (a: number, b: number) => boolean;
  /** 0: cannot be the same; more: the more alike. */
  readonly score: (a: number, b: number) => number;
}

/**
 * Pairs the entries of two lists, in order, so that the pairs are as alike as can be.
 *
 * Where both lists say the same it costs a step for each entry. Elsewhere it looks 128 entries ahead, so that hostile
 * lists cost no more than that for each entry.
 *
 * @returns for each entry of the first list its partner in the second; -1: none
 */
export function align(first: number, second: number, likeness: Likeness): Int32Array {
  const partners = new Int32Array(first).fill(-1);
  let a = 0;
  let b = 0;
  while (a < first && b < second) {
    if (likeness.same(a, b)) {
      partners[a++] = b++;
      continue;
    }
    const rows = Math.min(WINDOW, first - a);
    const columns = Math.min(WINDOW, second - b);
    const pairs = alignWindow(a, b, rows, columns, likeness.score);
    const whole = rows === first - a && columns === second - b;
    // What lies near the end of a window may have a better partner behind it.
    const certain = whole ? pairs : pairs.filter(([x, y]) => x < a + WINDOW / 2 && y < b + WINDOW / 2);
    for (const [x, y] of certain) partners[x] = y;
    if (whole) break;
    const last = certain.at(-1);
    a = last ? last[0] + 1 : Math.min(first, a + WINDOW / 2);
    b = last ? last[1] + 1 : Math.min(second, b + WINDOW / 2);
  }
  return partners;
}

/** The pairs with the highest sum of scores; the earliest ones among equals. */
function alignWindow(
  a: number,
  b: number,
  rows: number,
  columns: number,
  score: Likeness['score'],
): [number, number][] {
  const width = columns + 1;
  const best = new Int32Array((rows + 1) * width);
  const scores = new Int32Array(rows * columns);
  for (let x = rows - 1; x >= 0; x--) {
    for (let y = columns - 1; y >= 0; y--) {
      const alike = score(a + x, b + y);
      scores[x * columns + y] = alike;
      const paired = alike > 0 ? alike + best[(x + 1) * width + y + 1]! : 0;
      best[x * width + y] = Math.max(paired, best[(x + 1) * width + y]!, best[x * width + y + 1]!);
    }
  }
  const pairs: [number, number][] = [];
  let x = 0;
  let y = 0;
  while (x < rows && y < columns) {
    const here = best[x * width + y]!;
    const alike = scores[x * columns + y]!;
    if (alike > 0 && alike + best[(x + 1) * width + y + 1]! === here) pairs.push([a + x++, b + y++]);
    else if (best[(x + 1) * width + y]! === here) x++;
    else y++;
  }
  return pairs;
}
