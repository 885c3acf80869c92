/** Bursts of one message, where times decide least: what kept its endpoints is told by its timestamps. */
import { describe, expect, it } from 'vitest';
import { pairSessions } from '../../src/compare/pairing.js';
import { clockOf, Random, randomised, scene, traffic } from './traffic.js';

const BURST = {
  sessions: 300,
  spanUs: 1e6,
  clients: 1,
  messages: 1,
  recipients: 1,
  timestamps: true,
  silent: 20,
  lastsSpreadUs: 2_000,
};

/** How the outside's and the inside's times scatter. */
const SCATTER = [
  [50, 50],
  [3_000, 300],
  [3_000, 3_000],
] as const;

describe('a burst whose sequence numbers were made anew', () => {
  it.each(SCATTER)('pairs by endpoints and timestamps, times scattered by %d and %d us', (outer, inner) => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = new Random(seed);
      const { inside, outside, twins } = scene(
        traffic(BURST, random),
        {
          inside: { clockUs: clockOf(), jitterUs: inner },
          outside: { clockUs: clockOf(-3600e6, 60), jitterUs: outer, masked: true, isns: randomised(random) },
          loss: [30, 30],
        },
        random,
      );
      const { pairs } = pairSessions(inside, outside);
      const wrong = pairs.filter((pair) => twins.get(pair.inside) !== pair.outside);
      expect(wrong, `seed ${seed}`).toEqual([]);
      expect(pairs.length).toBeGreaterThan(twins.size * 0.9);
    }
  });
});
