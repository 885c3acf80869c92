import type { ComparedPair, Comparison } from '../compare/compare.js';
import type { Difference, Spot } from '../compare/pair.js';
import { anonymizedAnalysis, Rewriter } from './analysis.js';
import type { Pseudonyms } from './pseudonyms.js';

/** The same comparison with pseudonyms. What changed stays where it was, octet for octet. */
export function anonymizedComparison(comparison: Comparison, names: Pseudonyms): Comparison {
  const analysis = anonymizedAnalysis(comparison.analysis, names);
  const rewriter = new Rewriter(names, comparison.analysis.captures);
  // First what was said, then the sentences about it.
  const pairs = comparison.pairs.map(
    (pair): ComparedPair => ({
      ...pair,
      differences: pair.differences.map((difference) => rewritten(difference, rewriter)),
    }),
  );
  return {
    ...comparison,
    analysis,
    pairs,
    unpaired: comparison.unpaired.map((one) => ({ ...one, detail: rewriter.sentence(one.detail) })),
    nearerServerBecause: rewriter.sentence(comparison.nearerServerBecause),
    notes: comparison.notes.map(rewriter.sentence),
  };
}

function rewritten(difference: Difference, rewriter: Rewriter): Difference {
  const { subject, change, verb, before, after, ranges } = difference;
  // Headers of TLS records and TCP options are numbers.
  if (subject === 'tls' || verb === null) return difference;
  // `(greeting)` is a name of ours.
  const named = verb.startsWith('(') ? verb : rewriter.line(verb);
  const [from, to] = [shown(before, rewriter), shown(after, rewriter)];
  if (change !== 'altered' || !from || !to || from.text.length !== to.text.length) {
    return { ...difference, verb: named, before: from, after: to };
  }
  // A word that was changed in part would be another word altogether.
  const octets = [...from.text];
  for (const [begin, end] of ranges) {
    for (let at = begin; at < end && at < octets.length; at++) octets[at] = to.text[at]!;
  }
  return { ...difference, verb: named, before: from, after: { ...to, text: octets.join('') } };
}

function shown(spot: Spot | null, rewriter: Rewriter): Spot | null {
  return spot && { ...spot, text: rewriter.line(spot.text) };
}
