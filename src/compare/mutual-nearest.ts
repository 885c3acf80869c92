import type { Bucket } from './shared-keys.js';

/** How candidates are compared. */
export interface Measure {
  /** Times on the inside's clock. */
  insideTime(i: number): number;
  outsideTime(o: number): number;
  /** Microseconds between what should be one; infinite when they cannot be one. */
  distance(i: number, o: number): number;
  /** The farthest that counts. */
  readonly withinUs: number;
  /** Distances below this are alike. */
  readonly alikeUs: number;
}

/** How many times farther the second best must be. */
const MARGIN = 3;

/** Buckets of so many combinations are compared whole, larger ones along the time. */
const MAX_WHOLE = 4_096;

/** Neighbours in time that are looked at; who has more has no clear best. */
const MAX_NEIGHBOURS = 256;

/** Strangers are counted so many times farther than pairs are, and for so many sessions. */
const STRANGERS_REACH = 10;
const MAX_SAMPLE = 2_000;

/** Expected number of wrong pairs in a bucket. */
const MAX_WRONG = 0.01;

interface Best {
  /** -1: nobody, or nobody clearly. */
  readonly at: number;
  readonly away: number;
  /** Candidates between which nothing decides; 0 when there is a clear best, or none at all. */
  readonly rivals: number;
}

/** What one bucket gives. */
export interface Found {
  readonly pairs: readonly (readonly [i: number, o: number])[];
  /** Sessions between whose candidates nothing decides, and how many those are. */
  readonly insideRivals: ReadonlyMap<number, number>;
  readonly outsideRivals: ReadonlyMap<number, number>;
  /** Clear bests that may be so by chance. */
  readonly doubted: readonly (readonly [i: number, o: number])[];
}

/** Sessions that are like those of a bucket, and which of them are known to be one. */
export interface Population {
  readonly ins: readonly number[];
  readonly outs: readonly number[];
  readonly areOne: (i: number, o: number) => boolean;
}

/** Finds those that are each other's clear best, and that are not so by chance. */
export function mutualNearest(bucket: Bucket, measure: Measure, population: Population): Found {
  const { insideTime, outsideTime, distance } = measure;
  if (population.ins.length === 1 && population.outs.length === 1) return onlyOne(bucket, measure);
  const whole = bucket.ins.length * bucket.outs.length <= MAX_WHOLE;
  const ins = whole ? bucket.ins : sorted(bucket.ins, insideTime);
  const outs = whole ? bucket.outs : sorted(bucket.outs, outsideTime);
  const reach = (MARGIN + 1) * Math.max(measure.withinUs, measure.alikeUs);
  const chosenBy = new Map<number, Best>();
  for (const o of outs) {
    const window = whole ? ins : neighbours(ins, insideTime, outsideTime(o), reach);
    chosenBy.set(
      o,
      bestOf(window, (i) => distance(i, o), measure),
    );
  }
  const candidates: (readonly [i: number, o: number, away: number])[] = [];
  const insideRivals = new Map<number, number>();
  const outsideRivals = new Map<number, number>();
  for (const i of ins) {
    const window = whole ? outs : neighbours(outs, outsideTime, insideTime(i), reach);
    const best = bestOf(window, (o) => distance(i, o), measure);
    const returned = best.at >= 0 ? chosenBy.get(best.at)! : null;
    if (returned?.at === i) candidates.push([i, best.at, best.away]);
    else if (best.rivals > 0) insideRivals.set(i, best.rivals);
    else if (returned !== null) insideRivals.set(i, Math.max(returned.rivals, 1));
  }
  for (const [o, { rivals }] of chosenBy) if (rivals > 0) outsideRivals.set(o, rivals);
  const alone = (ins.length - candidates.length + 1) * (outs.length - candidates.length + 1);
  const partners = new Map(candidates.map(([i, o]) => [i, o]));
  const areOne = (i: number, o: number) => partners.get(i) === o || population.areOne(i, o);
  const limit = candidates.length > 0 ? chanceLimit({ ...population, areOne }, measure, alone) : 0;
  const pairs: (readonly [number, number])[] = [];
  const doubted: (readonly [number, number])[] = [];
  for (const [i, o, away] of candidates) (away < limit ? pairs : doubted).push([i, o]);
  return { pairs, insideRivals, outsideRivals, doubted };
}

const NOTHING: Found = { pairs: [], insideRivals: new Map(), outsideRivals: new Map(), doubted: [] };

/** The commonest bucket by far: one session on either side, and no other like them. */
function onlyOne({ ins, outs }: Bucket, { distance, withinUs }: Measure): Found {
  const [i, o] = [ins[0]!, outs[0]!];
  return distance(i, o) <= withinUs ? { ...NOTHING, pairs: [[i, o]] } : NOTHING;
}

/**
 * The distance from which on a pair could be two sessions of which each capture missed one.
 *
 * Strangers tell how often any two sessions are so near; `alone`, how many combinations there are of sessions whose
 * partner the other capture may not hold. One wrong pair in a hundred such buckets is too many.
 */
function chanceLimit(population: Population, measure: Measure, alone: number): number {
  const { insideTime, outsideTime, distance, withinUs } = measure;
  const reach = STRANGERS_REACH * withinUs;
  const outs = sorted(population.outs, outsideTime);
  const step = Math.max(1, Math.ceil(population.ins.length / MAX_SAMPLE));
  const strangers: number[] = [];
  let sampled = 0;
  for (let at = 0; at < population.ins.length; at += step) {
    const i = population.ins[at]!;
    sampled++;
    const window = neighbours(outs, outsideTime, insideTime(i), reach);
    if (window === null) return 0;
    for (const o of window) {
      const away = population.areOne(i, o) ? Number.POSITIVE_INFINITY : distance(i, o);
      if (away <= reach) strangers.push(away);
    }
  }
  const tolerated = (MAX_WRONG * sampled * outs.length) / alone;
  if (strangers.length === 0) return Number.POSITIVE_INFINITY;
  // Where few are near, the many that are less near tell how many to expect, at least.
  const proportional = (reach * tolerated) / strangers.length;
  const counted = Float64Array.from(strangers).sort()[Math.floor(tolerated)];
  return Math.min(proportional, counted ?? Number.POSITIVE_INFINITY);
}

/** @param window  null: too many to tell */
function bestOf(
  window: readonly number[] | null,
  distance: (other: number) => number,
  measure: Measure,
): Best {
  if (window === null) return { at: -1, away: 0, rivals: MAX_NEIGHBOURS };
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (const other of window) {
    const away = distance(other);
    if (away < least) {
      least = away;
      best = other;
    }
  }
  if (least > measure.withinUs) return { at: -1, away: least, rivals: 0 };
  const near = MARGIN * Math.max(least, measure.alikeUs);
  let count = 0;
  for (const other of window) if (distance(other) <= near) count++;
  return count === 1 ? { at: best, away: least, rivals: 0 } : { at: -1, away: least, rivals: count };
}

function sorted(members: readonly number[], time: (at: number) => number): number[] {
  return members.filter((at) => !Number.isNaN(time(at))).sort((a, b) => time(a) - time(b));
}

/** Those within `reach` of the time; null: too many. */
function neighbours(
  among: readonly number[],
  timeOf: (at: number) => number,
  time: number,
  reach: number,
): readonly number[] | null {
  let low = 0;
  let high = among.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (timeOf(among[middle]!) < time - reach) low = middle + 1;
    else high = middle;
  }
  let end = low;
  while (end < among.length && timeOf(among[end]!) <= time + reach) {
    if (++end - low > MAX_NEIGHBOURS) return null;
  }
  return among.slice(low, end);
}
