import type { ComparedPair, Comparison } from '../../compare/compare.js';
import type { Difference, Spot, Unpaired } from '../../compare/pair.js';
import { inPieces } from '../chunked.js';
import { decodeOctets } from '../printable.js';
import { jsonLines, list, ndjsonLines, type ReportMaker, text } from './json.js';

/** The JSON report of both captures, with `comparison`, `pairs` and `unpaired`. Offsets of clocks are seconds. */
export function comparisonJson(comparison: Comparison, maker: ReportMaker): Iterable<string> {
  return inPieces(jsonLines(comparison.analysis, maker, members(comparison)));
}

/** As the ndjson of one capture; also `type` = `comparison` | `pair` | `unpaired`. */
export function comparisonNdjson(comparison: Comparison): Iterable<string> {
  return inPieces(lines(comparison));
}

function* members(comparison: Comparison): Generator<string> {
  yield `,"comparison":${text(summary(comparison))},\n`;
  yield* list('pairs', comparison.pairs, (pair) => text(pairValue(pair)), ',\n');
  yield* list('unpaired', comparison.unpaired, (one) => text(unpairedValue(one)), '\n');
}

function* lines(comparison: Comparison): Generator<string> {
  yield* ndjsonLines(comparison.analysis);
  yield `${text({ type: 'comparison', ...summary(comparison) })}\n`;
  for (const pair of comparison.pairs) yield `${text({ type: 'pair', ...pairValue(pair) })}\n`;
  for (const one of comparison.unpaired) yield `${text({ type: 'unpaired', ...unpairedValue(one) })}\n`;
}

function summary({ clock, nearerServer, nearerServerBecause, swapped, notes }: Comparison): object {
  return {
    clock: clock && {
      offset: seconds(clock.offsetUs),
      driftPpm: Number(clock.driftPpm.toFixed(3)),
      residual: seconds(clock.residualUs),
      pairs: clock.pairs,
    },
    nearerServer,
    nearerServerBecause,
    swapped,
    notes,
  };
}

function pairValue({
  inside,
  outside,
  matchedBy,
  clockOffsetUs,
  differences,
  droppedDifferences,
}: ComparedPair): object {
  return {
    inside: `s${inside}`,
    outside: `s${outside}`,
    matchedBy,
    clockOffset: clockOffsetUs === null ? null : seconds(clockOffsetUs),
    differences: differences.map(differenceValue),
    droppedDifferences,
  };
}

function differenceValue({
  change,
  subject,
  how,
  direction,
  verb,
  before,
  after,
  octets,
  ranges,
}: Difference): object {
  return {
    change,
    subject,
    how,
    direction,
    verb: verb === null ? null : decodeOctets(verb),
    before: before && spotValue(before),
    after: after && spotValue(after),
    octets,
    ranges,
  };
}

function spotValue({ side, session, capture, packet, offset, text: octets }: Spot): object {
  return { side, session, capture, packet, offset, text: decodeOctets(octets) };
}

function unpairedValue({ side, session, reason, detail }: Unpaired): object {
  return { side, session: `s${session}`, reason, detail };
}

/** Whole microseconds as seconds. */
function seconds(us: number): number {
  return Math.round(us) / 1e6;
}
