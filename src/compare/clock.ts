import type { ClockFit } from './pair.js';

/** A moment that both clocks tell: `outside`, and how much more the inside's shows. Microseconds. */
export interface ClockPoint {
  readonly outside: number;
  readonly ahead: number;
}

/** A candidate's opinion on how far the clocks are apart. */
export interface Vote extends ClockPoint {
  /** Of the inside session: it votes once for each offset, however many candidates it has there. */
  readonly voter: number;
  readonly weight: number;
}

/** What a clock may be wrong by; a crystal is worse than 100 ppm only when it is broken. */
const MAX_DRIFT = 500e-6;

/** Fewer points, or a shorter time, tell no drift from jitter. */
const MIN_DRIFT_POINTS = 10;
const MIN_DRIFT_SPAN_US = 100e6;

/** Fewer pairs do not tell how much they scatter. */
const MIN_PAIRS_FOR_SCATTER = 8;
const UNKNOWN_SCATTER_US = 500;
const LEAST_SCATTER_US = 50;

/** As many points make the fit: more would change its last digit. */
const MAX_POINTS = 4_001;

/** Widths of bins that are tried, finest first: jitter fits in the first, the drift of a long capture in the last. */
const BINS_US = [2e3, 2e4, 2e5, 2e6, 2e7];

/** Weight below which one offset is not believed, and by what it must exceed any other. */
const MIN_WEIGHT = 3;
const CLEARLY = 2;

/** Two sessions may agree to 20 ms by their own weight; that they agree to seconds means nothing unless many do. */
const FINE_US = 2e4;
const MIN_VOTERS_IF_COARSE = 10;
const MAX_CANDIDATES = 2;
const AROUND = 4;

/** Probability of a wrong offset that is accepted. */
const MAX_CHANCE = 2e-3;

/** The inside's clock as a function of the outside's. */
export class Clock {
  constructor(
    readonly fit: ClockFit,
    private readonly since: number,
    private readonly leastScatterUs = 0,
  ) {}

  /** The same, with a scatter that is not below. Pairs chosen for their nearness scatter less than all do. */
  scatteringLike(other: Clock): Clock {
    return new Clock(this.fit, this.since, other.scatterUs);
  }

  /** What the inside's clock shows when the outside's shows that. */
  inside(outside: number): number {
    const { offsetUs, driftPpm } = this.fit;
    return outside + offsetUs + driftPpm * 1e-6 * (outside - this.since);
  }

  /** How far times of one session usually lie apart. */
  get scatterUs(): number {
    const { pairs, residualUs } = this.fit;
    return Math.max(
      residualUs,
      this.leastScatterUs,
      pairs < MIN_PAIRS_FOR_SCATTER ? UNKNOWN_SCATTER_US : LEAST_SCATTER_US,
    );
  }

  /** Times farther apart than that are not one moment: nine in ten of honest pairs are within a third of it. */
  get tightUs(): number {
    return 6 * this.scatterUs;
  }
}

/**
 * A line through the points that a third of wrong ones do not move: medians only.
 *
 * Drift is that of points half the list apart (Theil–Sen on n pairs), and is believed when it moves the clock
 * by more over the time of the points than they scatter. Null without points.
 */
export function fitClock(all: readonly ClockPoint[]): Clock | null {
  const points = thinned(all.filter(({ ahead }) => Number.isFinite(ahead)));
  if (points.length === 0) return null;
  points.sort((a, b) => a.outside - b.outside);
  const since = points[0]!.outside;
  const flat = lineOf(points, since, 0);
  const drift = driftOf(points);
  const moved = Math.abs(drift) * (points.at(-1)!.outside - since);
  const sloped = lineOf(points, since, drift);
  const drifts = moved > 4 * Math.max(sloped.residual, 1) && sloped.residual < flat.residual;
  const { offset, residual } = drifts ? sloped : flat;
  const fit: ClockFit = {
    offsetUs: Math.round(offset),
    driftPpm: drifts ? drift * 1e6 : 0,
    residualUs: Math.round(residual),
    pairs: all.length,
  };
  return new Clock(fit, since);
}

/**
 * The offset that most candidates agree on, as the votes for it; null when no offset is clearly better than any other.
 *
 * @param most  sessions that could agree at best, if all voters do not; the winner needs the weight of a third of them
 * @param spreadUs  over how long a time wrong candidates are spread
 */
export function electOffset(all: readonly Vote[], most: number, spreadUs: number): readonly Vote[] | null {
  const votes = withoutCopies(all);
  const least = Math.max(MIN_WEIGHT, Math.min(votersOf(votes), most) / 3);
  for (const width of BINS_US) {
    const winner = winningBin(votes, width, least);
    if (winner === null) continue;
    const near = (widths: number) =>
      votes.filter(({ ahead }) => Math.abs(ahead - (winner + 1) * width) <= widths * width);
    const elected = near(1);
    // A voter with many candidates there would be there whatever the offset.
    if (elected.length > MAX_CANDIDATES * votersOf(elected)) return null;
    // Those around it too: cut off at the bin's edges, the scatter would look smaller than it is.
    if (isNoChance(elected, votes, width, spreadUs)) return near(AROUND);
  }
  return null;
}

/** Would so many voters hardly ever agree somewhere, if all candidates were wrong? One that tells by itself may. */
function isNoChance(
  elected: readonly Vote[],
  votes: readonly Vote[],
  width: number,
  spreadUs: number,
): boolean {
  const agreeing = votersOf(elected);
  if (width > FINE_US && (agreeing < MIN_VOTERS_IF_COARSE || !isLine(elected))) return false;
  if (width <= FINE_US && elected.some(({ weight }) => weight >= MIN_WEIGHT)) return true;
  const voters = votersOf(votes);
  const expected =
    voters * (1 - Math.exp((-votes.length / voters) * ((2 * width) / Math.max(spreadUs, width))));
  return votes.length * poissonTail(expected, agreeing - 1) <= MAX_CHANCE;
}

/** A wide bin is for clocks that drift: on their line the votes must lie as near each other as in a narrow one. */
function isLine(elected: readonly Vote[]): boolean {
  return fitClock(elected)!.fit.residualUs <= FINE_US;
}

/** The probability of at least `count` where `expected` are expected. */
function poissonTail(expected: number, count: number): number {
  if (expected > 100) return count > expected + 6 * Math.sqrt(expected) ? 1e-9 : 1;
  let term = Math.exp(-expected);
  let below = 0;
  for (let at = 0; at < count; at++) {
    below += term;
    term *= expected / (at + 1);
  }
  // Below 1e-9 the difference is rounding; the next term is the size of the tail then.
  return Math.max(1 - below, term);
}

/** One vote for each candidate, whatever speaks for it; those of one voter together. */
function withoutCopies(all: readonly Vote[]): Vote[] {
  const sorted = all.toSorted((a, b) => a.voter - b.voter || a.outside - b.outside || b.weight - a.weight);
  return sorted.filter(({ voter, outside }, at) => {
    const before = sorted[at - 1];
    return before?.voter !== voter || before.outside !== outside;
  });
}

function votersOf(votes: readonly Vote[]): number {
  return new Set(votes.map(({ voter }) => voter)).size;
}

/** The bin that, together with the next one, is clearly ahead of all that do not touch them. */
function winningBin(votes: readonly Vote[], width: number, least: number): number | null {
  const bins = countedBins(votes, width);
  const weightAt = (place: number): number =>
    (bins.get(place)?.weight ?? 0) + (bins.get(place + 1)?.weight ?? 0);
  let best = 0;
  let most = 0;
  for (const place of bins.keys()) {
    for (const start of [place - 1, place]) {
      if (weightAt(start) > most) {
        most = weightAt(start);
        best = start;
      }
    }
  }
  if (most < least) return null;
  for (const place of bins.keys()) {
    if (place >= best - 1 && place <= best + 2) continue;
    if (weightAt(place) * CLEARLY > most) return null;
  }
  return best;
}

/** @param votes  those of one voter follow each other */
function countedBins(votes: readonly Vote[], width: number): ReadonlyMap<number, { weight: number }> {
  const bins = new Map<number, { weight: number; voter: number; last: number }>();
  for (const { ahead, voter, weight } of votes) {
    const place = Math.floor(ahead / width);
    const bin = bins.get(place);
    if (bin === undefined) {
      bins.set(place, { weight, voter, last: weight });
      continue;
    }
    const before = bin.voter === voter ? bin.last : 0;
    bin.voter = voter;
    bin.last = Math.max(before, weight);
    bin.weight += bin.last - before;
  }
  return bins;
}

function lineOf(points: readonly ClockPoint[], since: number, drift: number) {
  const aheads = points.map(({ outside, ahead }) => ahead - drift * (outside - since));
  const offset = median(aheads);
  return { offset, residual: median(aheads.map((ahead) => Math.abs(ahead - offset))) };
}

function driftOf(points: readonly ClockPoint[]): number {
  const half = points.length >> 1;
  const span = points.at(-1)!.outside - points[0]!.outside;
  if (points.length < MIN_DRIFT_POINTS || span < MIN_DRIFT_SPAN_US) return 0;
  const slopes: number[] = [];
  for (let at = 0; at + half < points.length; at++) {
    const [a, b] = [points[at]!, points[at + half]!];
    if (b.outside > a.outside) slopes.push((b.ahead - a.ahead) / (b.outside - a.outside));
  }
  const drift = slopes.length > 0 ? median(slopes) : 0;
  return Math.abs(drift) <= MAX_DRIFT ? drift : 0;
}

function thinned(points: readonly ClockPoint[]): ClockPoint[] {
  if (points.length <= MAX_POINTS) return [...points];
  const step = (points.length - 1) / (MAX_POINTS - 1);
  return Array.from({ length: MAX_POINTS }, (_, index) => points[Math.round(index * step)]!);
}

/** Of a list that is not empty. */
export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
