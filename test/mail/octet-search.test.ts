import { expect, it } from 'vitest';
import { OctetSearch } from '../../src/mail/octet-search.js';
import { runs } from '../support/extent.js';
import { seeded } from './mail-data-pieces.js';

/** Looks at each octet of what is asked about, each time. */
function naive(wanted: string, octets: Buffer, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    if (octets.toString('latin1', at, at + wanted.length) === wanted) return at;
  }
  return -1;
}

it.each(['.', '\n.', '\n--'])('finds %j where a search of its own finds it', (wanted) => {
  const random = seeded(160);
  const search = new OctetSearch(wanted);
  const pieces = Array.from({ length: 6 }, (_, round) => {
    const octets = Buffer.alloc(round < 2 ? 40 : 150_000, 'x');
    for (let hits = random(60); hits > 0; hits--) {
      octets.write(['.', '\n.', '\n-', '-', '\n--'][random(5)]!, random(octets.length), 'latin1');
    }
    // What the end cuts off is none.
    octets.write(wanted.slice(0, -1), octets.length - wanted.length + 1, 'latin1');
    // Where one search ends and the next begins.
    if (round > 2) octets.write(wanted, (32 << 10) - 1, 'latin1');
    return octets;
  });
  let found = 0;
  for (let round = 0; round < runs(400); round++) {
    const octets = pieces[random(pieces.length)]!;
    // Mostly on and on, as segments come; now and then the same again, further back, or of another piece.
    let at = random(3) > 0 ? 0 : random(octets.length);
    for (let questions = 1 + random(150); questions > 0 && at <= octets.length; questions--) {
      const end = Math.min(octets.length, at + random(2 << random(16)));
      const truth = naive(wanted, octets, at, end);
      expect(search.next(octets, at, end)).toBe(truth);
      if (truth >= 0) found++;
      at =
        truth >= 0 ? truth + random(2) : random(9) === 0 ? Math.max(0, at - random(5000)) : end + random(82);
    }
  }
  expect(found).toBeGreaterThan(100);
});

it('asked for less than it wants, finds nothing', () => {
  const octets = Buffer.from('a\n--');
  const search = new OctetSearch('\n--');
  expect(search.next(octets, 1, 1)).toBe(-1);
  expect(search.next(octets, 3, 2)).toBe(-1);
  expect(search.next(octets, 0, 2)).toBe(1);
});
