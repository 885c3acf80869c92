/** Attempts that are known by hashes only: what is found again of those put in. */
import { describe, expect, it } from 'vitest';
import type { DeliveryAttempt } from '../../src/facts/delivery-attempt.js';
import { OldAttempts } from '../../src/live/old-attempts.js';

function attempt(octets: number): DeliveryAttempt {
  return {
    session: { id: 's7', capture: 0, server: { address: '198.51.100.25', port: 25 } },
    us: 1_000_000 * octets,
    octets,
    digest: 'xxh64:0123456789abcdef',
    to: ['<bob@example.com>'],
    outcome: 'accepted',
    acknowledged: true,
    split: null,
    replyCode: 250,
    waitedUs: 1_500,
    clientWentOn: false,
    replyAcknowledged: true,
    replyHeldBack: false,
    closed: 'fin',
    closedBy: 'client',
    evidence: [],
  };
}

/** mulberry32 */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below);
  };
}

describe('attempts known by hashes', () => {
  it('gives back what was put in, but for its packets', () => {
    const old = new OldAttempts(10);
    const put = attempt(1234);
    old.add('key', put);
    const { session, ...rest } = old.take('key', put)!;
    expect({ ...rest, session: { ...session, capture: 0 } }).toEqual(put);
    expect(session.capture).toBe(-1);
    expect(old.take('key', put)).toBeNull();
  });

  it.each([50, 3_000, 100_000])('does what a Map would do that forgets the oldest beyond %i', (limit) => {
    const old = new OldAttempts(limit);
    /** The octets of each key, in the order in which they were put in last. */
    const twin = new Map<string, number>();
    /** Keys by the number of the putting in. */
    const put: string[] = [];
    const next = random(limit);
    for (let step = 0; step < 8_000; step++) {
      const key = `key ${next(4_000)}`;
      if (next(3) === 0) {
        const known = twin.get(key);
        expect(old.take(key, attempt(0))?.octets ?? null).toBe(known === undefined ? null : known);
        twin.delete(key);
      } else {
        const givesWay = put[put.length - limit];
        if (givesWay !== undefined && twin.get(givesWay) === put.length - limit) twin.delete(givesWay);
        twin.set(key, put.length);
        old.add(key, attempt(put.length));
        put.push(key);
      }
      expect(old.size).toBe(twin.size);
    }
    const copy = new OldAttempts(limit);
    copy.restore([...old.state()].map((line) => line.trimEnd()));
    expect(copy.size).toBe(twin.size);
    for (const [key, octets] of twin) expect(copy.take(key, attempt(0))?.octets).toBe(octets);
  });

  it('takes 120 octets each, and nothing of the heap', () => {
    const before = process.memoryUsage();
    const old = new OldAttempts(100_000);
    const one = attempt(1);
    for (let number = 0; number < 50_000; number++) old.add(`key ${number}`, one);
    const { arrayBuffers } = process.memoryUsage();
    expect(old.size).toBe(50_000);
    expect((arrayBuffers - before.arrayBuffers) / 50_000).toBeLessThan(120);
  });
});
