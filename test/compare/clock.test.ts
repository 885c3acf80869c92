import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ClockPoint, electOffset, fitClock, median, type Vote } from '../../src/compare/clock.js';
import { Random } from '../support/perturb.js';

const HOUR_US = 3600e6;

/** Points on a line, with noise, of which every `wrong`-th is somewhere else. */
function points(count: number, offset: number, ppm: number, noise = 0, wrong = 0, seed = 1): ClockPoint[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, at) => {
    const outside = 1e15 + at * 10e6;
    const stray = wrong > 0 && at % wrong === 0 ? random.int(60e6) : 0;
    return { outside, ahead: offset + ppm * 1e-6 * at * 10e6 + random.int(noise + 1) - noise / 2 + stray };
  });
}

describe('fitClock', () => {
  it('needs a point', () => {
    expect(fitClock([])).toBeNull();
    expect(fitClock([{ outside: Number.NaN, ahead: Number.NaN }])).toBeNull();
  });

  it('takes the offset of one pair and claims no drift', () => {
    expect(fitClock([{ outside: 5, ahead: 77 }])!.fit).toEqual({
      offsetUs: 77,
      driftPpm: 0,
      residualUs: 0,
      pairs: 1,
    });
  });

  it.each([
    ['offset only', 100, 2 * HOUR_US, 0],
    ['a fast clock', 100, -HOUR_US, 100],
    ['a slow clock', 100, 0, -40],
  ])('finds %s', (_, count, offset, ppm) => {
    const { fit } = fitClock(points(count, offset, ppm, 400))!;
    expect(Math.abs(fit.offsetUs - offset)).toBeLessThan(400);
    expect(Math.abs(fit.driftPpm - ppm)).toBeLessThan(1);
    expect(fit.residualUs).toBeLessThan(300);
  });

  it('is not moved by one wrong pair in four', () => {
    const { fit } = fitClock(points(200, 5e6, 50, 200, 4))!;
    expect(Math.abs(fit.offsetUs - 5e6)).toBeLessThan(3_000);
    expect(Math.abs(fit.driftPpm - 50)).toBeLessThan(5);
  });

  it('claims no drift from few pairs, from a short time, or from what may be noise', () => {
    expect(fitClock(points(9, 0, 100))!.fit.driftPpm).toBe(0);
    const short = points(50, 0, 100).map(({ outside, ahead }, at) => ({
      outside: outside - at * 9.9e6,
      ahead,
    }));
    expect(fitClock(short)!.fit.driftPpm).toBe(0);
    expect(fitClock(points(20, 0, 5, 4_000))!.fit.driftPpm).toBe(0);
  });

  it('does not depend on the order of the points', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(points(60, 1e6, 20, 100), { minLength: 60 }), (shuffled) => {
        expect(fitClock(shuffled)!.fit).toEqual(fitClock(points(60, 1e6, 20, 100))!.fit);
      }),
    );
  });

  it('maps the outside’s times to the inside’s', () => {
    const clock = fitClock(points(100, 3e6, 100))!;
    expect(Math.abs(clock.inside(1e15 + 500e6) - (1e15 + 503e6 + 50_000))).toBeLessThan(5);
  });
});

describe('electOffset', () => {
  const vote = (voter: number, outside: number, ahead: number, weight = 1): Vote => ({
    voter,
    outside,
    ahead,
    weight,
  });

  it('believes one candidate that tells by itself, and none that does not', () => {
    expect(electOffset([vote(1, 0, 500, 3)], 1, 60e6)).toHaveLength(1);
    expect(electOffset([vote(1, 0, 500, 2)], 1, 60e6)).toBeNull();
    expect(electOffset([], 1, 60e6)).toBeNull();
  });

  it('takes what many agree on, whatever others say', () => {
    const random = new Random(3);
    const right = Array.from({ length: 40 }, (_, at) => vote(at, at * 1e6, 7e9 + random.int(500), 2));
    const wrong = Array.from({ length: 60 }, (_, at) => vote(at % 40, at * 1e6 + 1, random.int(60e6)));
    expect(electOffset([...right, ...wrong], 40, 600e6)).toEqual(expect.arrayContaining(right));
  });

  it('refuses when two offsets are equally good', () => {
    const both = Array.from({ length: 20 }, (_, at) => [vote(at, at, 1e6), vote(at, at + 1000, 9e6)]).flat();
    expect(electOffset(both, 20, 600e6)).toBeNull();
  });

  it('refuses even spacing: shifted by one, it looks the same', () => {
    const votes: Vote[] = [];
    for (let i = 0; i < 30; i++) for (let o = 0; o < 30; o++) votes.push(vote(i, o * 1e6, (i - o) * 1e6, 2));
    expect(electOffset(votes, 30, 60e6)).toBeNull();
  });

  it('refuses two that may agree by chance, and believes them where that is unlikely', () => {
    const two = [vote(1, 0, 500, 2), vote(2, 3e6, 900, 2)];
    expect(electOffset(two, 2, 100_000)).toBeNull();
    expect(electOffset(two, 2, 600e6)).toHaveLength(2);
  });

  it('finds the offset of a clock that drifts through many bins', () => {
    const drifting = points(500, 4e6, 100, 300).map(({ outside, ahead }, voter) => ({
      voter,
      outside,
      ahead,
      weight: 2,
    }));
    const elected = electOffset(drifting, 500, 2 * 5e9)!;
    expect(Math.abs(fitClock(elected)!.fit.driftPpm - 100)).toBeLessThan(1);
  });
});

describe('median', () => {
  it('is the middle one, or between the two', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });
});
