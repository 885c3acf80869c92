import type { Clock } from './clock.js';
import type { Side, Unpaired } from './pair.js';
import type { SessionKeys } from './session-key.js';

/** Captures are not switched on and off at one moment. */
const EDGE_US = 1_000;

interface Partners {
  readonly inside: Int32Array;
  readonly outside: Int32Array;
}

/** Every session without a partner, and why: the inside's first, in the order of adding. */
export function unpairedOf(
  inside: SessionKeys,
  outside: SessionKeys,
  partners: Partners,
  rivals: Partners,
  clock: Clock | null,
): Unpaired[] {
  const onInside = (us: number) => clock!.inside(us);
  const same = (us: number) => us;
  const outsideCovered = outside
    .coverage()
    .map(([from, to]) => (clock ? [onInside(from), onInside(to)] : [from, to]));
  return [
    ...sideOf('inside', inside, partners.inside, rivals.inside, clock, same, outsideCovered),
    ...sideOf('outside', outside, partners.outside, rivals.outside, clock, onInside, inside.coverage()),
  ];
}

function sideOf(
  side: Side,
  keys: SessionKeys,
  partners: Int32Array,
  rivals: Int32Array,
  clock: Clock | null,
  time: (us: number) => number,
  covered: readonly (readonly number[])[],
): Unpaired[] {
  const other = side === 'inside' ? 'outside' : 'inside';
  const unpaired: Unpaired[] = [];
  for (let at = 0; at < keys.count; at++) {
    if (partners[at]! >= 0) continue;
    const session = keys.id[at]!;
    const away = clock === null ? null : uncovered(time(keys.first[at]!), time(keys.end[at]!), covered);
    if (away !== null) {
      unpaired.push({ side, session, reason: 'not-covered', detail: notCovered(other, away) });
    } else if (rivals[at]! > 0) {
      unpaired.push({ side, session, reason: 'ambiguous', detail: ambiguous(other, rivals[at]!, clock) });
    } else {
      unpaired.push({ side, session, reason: 'no-counterpart', detail: missing(other, clock) });
    }
  }
  return unpaired;
}

/** Microseconds by which the session lies outside of every capture: negative before, positive behind; null: inside of one. */
function uncovered(from: number, to: number, covered: readonly (readonly number[])[]): number | null {
  let least: number | null = null;
  for (const [begin = 0, end = 0] of covered) {
    const away = to < begin - EDGE_US ? to - begin : from > end + EDGE_US ? from - end : 0;
    if (away === 0 || Number.isNaN(from + to)) return null;
    if (least === null || Math.abs(away) < Math.abs(least)) least = away;
  }
  return least;
}

function notCovered(other: Side, away: number): string {
  const seconds = (Math.abs(away) / 1e6).toFixed(3);
  return away < 0
    ? `It ended ${seconds} s before the ${other} capture began.`
    : `It began ${seconds} s after the ${other} capture had ended.`;
}

function ambiguous(other: Side, rivals: number, clock: Clock | null): string {
  const unknown = 'how far the clocks are apart is not known';
  if (rivals > 1) {
    return `In the ${other} capture ${rivals} sessions could be it, and ${clock === null ? unknown : 'nothing decides between them'}.`;
  }
  const doubt =
    clock === null ? `: too little is the same in both, and ${unknown}` : ', or another one that is like it';
  return `In the ${other} capture one session may be it${doubt}.`;
}

function missing(other: Side, clock: Clock | null): string {
  return clock === null
    ? `No session of the ${other} capture has its addresses, numbers or mail.`
    : `No session of the ${other} capture has its addresses, numbers or mail at that time, clocks compared to ${clock.fit.residualUs} µs.`;
}
