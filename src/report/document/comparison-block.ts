import type { ComparedPair, Comparison } from '../../compare/compare.js';
import { type Difference, isTold, type Side } from '../../compare/pair.js';
import { plural } from '../../finding/words.js';
import { printableText } from '../printable.js';
import {
  captureNames,
  comparisonVerdict,
  graveFindings,
  howCompared,
  isChanged,
  kindsOfChanges,
  sidesOf,
  tcpChanges,
  unpairedTexts,
} from './comparison-words.js';

/** What was changed between two captures of the same traffic. */
export interface ComparisonBlock {
  readonly verdict: string;
  /** Sessions that were seen on both sides, those of them that were changed, and those seen on one side only. */
  readonly pairs: number;
  readonly changed: number;
  readonly unpaired: number;
  /** Findings that are more than notes. */
  readonly grave: number;
  /** What each capture is called, in the order of the analysis. */
  readonly captureNames: readonly string[];
  /** The capture that is nearer to the client, and the one that is nearer to the server. */
  readonly sides: Readonly<Record<'client' | 'server', Side>>;
  /** How it was found which session is which, a sentence each. */
  readonly how: readonly string[];
  readonly notes: readonly string[];
  /** The first session of each kind of change. */
  readonly changes: readonly ChangedSession[];
  /** Kinds of changes beyond them. */
  readonly moreKinds: number;
  /** Changes below the mail, a line each. */
  readonly tcp: readonly string[];
  /** The first sessions without a partner, and why they have none. */
  readonly unpairedTexts: readonly string[];
}

/** A session in which something was changed, in which others were changed likewise. */
export interface ChangedSession {
  /** `s1` in the capture of each side. */
  readonly ids: Readonly<Record<'client' | 'server', string>>;
  /** Other sessions with the same changes. */
  readonly others: number;
  readonly differences: readonly Difference[];
  /** Octets were replaced by others: in the dialogue, or below it in TCP. */
  readonly altered: boolean;
  /** Changes of this session beyond them. */
  readonly more: number;
}

/** Kinds of changes, and changes of one session, that are shown; the JSON report has all. */
const MAX_KINDS = 5;
const MAX_DIFFERENCES = 30;

export function comparisonBlock(comparison: Comparison): ComparisonBlock {
  const { pairs, notes, unpaired, analysis } = comparison;
  const kinds = kindsOfChanges(pairs);
  const sides = sidesOf(comparison);
  return {
    verdict: comparisonVerdict(comparison),
    pairs: pairs.length,
    changed: pairs.filter(isChanged).length,
    unpaired: unpaired.length,
    grave: graveFindings(analysis),
    captureNames: captureNames(comparison),
    sides,
    how: howCompared(comparison),
    notes: notes.map(printableText),
    changes: kinds.slice(0, MAX_KINDS).map(({ pair, others }) => changedSession(pair, others, sides)),
    moreKinds: Math.max(0, kinds.length - MAX_KINDS),
    tcp: tcpChanges(pairs),
    unpairedTexts: unpairedTexts(comparison),
  };
}

function changedSession(
  { inside, outside, differences }: ComparedPair,
  others: number,
  { client, server }: ComparisonBlock['sides'],
): ChangedSession {
  const ids = { inside: `s${inside}`, outside: `s${outside}` };
  const shown = differences.filter(isTold);
  return {
    ids: { client: ids[client], server: ids[server] },
    others,
    differences: shown.slice(0, MAX_DIFFERENCES),
    altered: differences.some(({ change }) => change === 'altered'),
    more: Math.max(0, shown.length - MAX_DIFFERENCES),
  };
}

/** `and 3 other pairs alike`; empty where there is none. */
export function alikeText({ others }: ChangedSession): string {
  return others > 0 ? `and ${plural(others, 'other pair')} alike` : '';
}
