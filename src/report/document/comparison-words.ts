import type { ComparedPair, Comparison } from '../../compare/compare.js';
import { type Difference, isTcp, isTold, type Side, type Spot } from '../../compare/pair.js';
import { enumerate, plural, thousands } from '../../finding/words.js';
import { printableOctets, printableText } from '../printable.js';

/** What reports of a comparison share: its words, and what is told together. */

/** Kinds of ladders that are shown, rungs of one, and sessions of one side; the JSON report has all. */
export const MAX_LADDERS = 5;
export const MAX_RUNGS = 30;
export const MAX_UNPAIRED = 10;

const MATCHED: Readonly<Record<string, string>> = {
  'sequence-numbers': 'sequence numbers',
  timestamps: 'TCP timestamps',
  endpoints: 'addresses and ports',
  'client-port': 'the client’s port',
  message: 'the message',
  dialogue: 'the dialogue',
  clock: 'the clock',
};

/** What a change is called beside a rung. */
const CHANGES: Readonly<Record<Difference['change'], string>> = {
  altered: 'changed',
  removed: 'did not pass',
  added: 'added on the way',
  answered: 'answered by the box',
  unseen: 'not in the other capture',
};

const HOW: Readonly<Record<string, string>> = {
  stars: 'overwritten with asterisks',
  xs: 'overwritten with X’s',
  noop: 'made NOOP',
  blank: 'blank for |',
  other: 'changed',
};

const SUBJECTS: Readonly<Partial<Record<Difference['subject'], string>>> = {
  keyword: 'EHLO keyword',
  'end-of-data': 'end of the message',
  tls: 'TLS handshake',
  close: 'end of the connection',
};

/** Why a session has no partner, for readers who do not know the words of the JSON report. */
const UNPAIRED: Readonly<Record<Comparison['unpaired'][number]['reason'], string>> = {
  'no-counterpart': 'not in the other capture',
  ambiguous: 'several could be its partner',
  'not-covered': 'the other capture was not running',
};

/** The outcome in a sentence or two. */
export function comparisonVerdict({ pairs, analysis }: Comparison): string {
  if (pairs.length === 0)
    return 'The two captures have nothing in common: no session of one is in the other.';
  const changed = pairs.filter(isChanged);
  const both = `${plural(pairs.length, 'session')} seen on both sides`;
  if (changed.length === 0) {
    const touched = pairs.some(({ differences }) => differences.some(isTcp));
    const but = touched ? ' TCP was touched (see below), the mail was not.' : '';
    return `Nothing was changed between the two captures, in ${both}.${but}${trouble(analysis)}`;
  }
  const subjects = [
    ...new Set(changed.flatMap(({ differences }) => differences.filter(isTold).map(subjectOf))),
  ];
  const certain = analysis.findings.some(
    ({ proof, confidence }) => proof === 'octets' && confidence === 'certain',
  );
  const proof = certain ? ' Both sides were seen: this is proved octet by octet.' : '';
  return `The box between the two captures changed ${enumerate(subjects)} in ${thousands(changed.length)} of ${both}.${proof}`;
}

/** Findings that are more than notes. A reader must not take `unchanged` for `in order`. */
export function graveFindings({ findings }: Comparison['analysis']): number {
  return findings.filter(({ severity }) => severity !== 'info').length;
}

function trouble(analysis: Comparison['analysis']): string {
  const grave = graveFindings(analysis);
  return grave === 0 ? '' : ` Mail has trouble all the same: ${plural(grave, 'finding')}, told below.`;
}

/** How the sessions were found, a sentence each. */
export function howCompared({ pairs, clock, nearerServer, nearerServerBecause }: Comparison): string[] {
  const means = [...new Set(pairs.flatMap(({ matchedBy }) => matchedBy))].map((by) => MATCHED[by] ?? by);
  const sentences: string[] = [];
  if (means.length > 0) sentences.push(`Sessions were matched by ${enumerate(means)}.`);
  if (clock) {
    const ahead = clock.offsetUs >= 0 ? 'ahead of' : 'behind';
    const away = `${secondsText(Math.abs(clock.offsetUs))} ${ahead} the outside’s`;
    const drift = clock.driftPpm === 0 ? '' : `, drifting by ${clock.driftPpm.toFixed(1)} ppm`;
    sentences.push(
      `The inside’s clock is ${Math.abs(clock.offsetUs) < 1000 ? 'within a millisecond of the outside’s' : away}${drift} (${plural(clock.pairs, 'pair')}).`,
    );
  }
  const nearer =
    nearerServer === null
      ? 'Which side is nearer the server cannot be told; inside was taken for it.'
      : `The ${nearerServer} is nearer the server.`;
  sentences.push(`${nearer} ${printableText(nearerServerBecause)}`.trimEnd());
  return sentences;
}

/** Which side the client's packets come from. */
export function sidesOf({ nearerServer }: Comparison): { client: Side; server: Side } {
  const server: Side = nearerServer ?? 'inside';
  return { server, client: server === 'inside' ? 'outside' : 'inside' };
}

/** What each capture is called, in the order of the analysis: they were numbered as they were given. */
export function captureNames({ swapped }: Comparison): readonly string[] {
  return swapped ? ['outside', 'inside'] : ['inside', 'outside'];
}

export function isChanged({ differences }: ComparedPair): boolean {
  return differences.some(isTold);
}

/** Pairs in which the same was changed, the first of each kind and how many more there are. */
export function kindsOfChanges(pairs: readonly ComparedPair[]): { pair: ComparedPair; others: number }[] {
  const alike = new Map<string, { pair: ComparedPair; others: number }>();
  for (const pair of pairs.filter(isChanged)) {
    const key = pair.differences.filter(isTold).map(signature).join('\n');
    const known = alike.get(key);
    if (known) known.others++;
    else alike.set(key, { pair, others: 0 });
  }
  return [...alike.values()];
}

/** `greeting: overwritten with asterisks, 28 octets` */
export function whatChanged({ change, how, subject, octets }: Difference): string {
  const what = change === 'altered' ? `${HOW[how ?? 'other']}, ${plural(octets, 'octet')}` : CHANGES[change];
  return `${SUBJECTS[subject] ?? subject}: ${what}`;
}

/** Where it was seen on the client's and on the server's side. */
export function ends({ direction, before, after }: Difference): [client: Spot | null, server: Spot | null] {
  return direction === 'client' ? [before, after] : [after, before];
}

export function tcpChanges(pairs: readonly ComparedPair[]): string[] {
  const counts = new Map<string, number>();
  for (const { differences } of pairs) {
    for (const { subject, direction, change, before, after } of differences.filter(isTcp)) {
      const numbers = subject === 'sequence-numbers';
      const values = numbers ? 'rewritten' : `${before?.text ?? 'none'} became ${after?.text ?? 'none'}`;
      const line = `${direction}’s ${subject.replace('-', ' ')}: ${change === 'unseen' ? 'not seen' : values}`;
      counts.set(line, (counts.get(line) ?? 0) + 1);
    }
  }
  return [...counts]
    .slice(0, MAX_RUNGS)
    .map(([line, count]) => `${printableOctets(line)} (${plural(count, 'session')})`);
}

export function unpairedTexts({ unpaired }: Comparison): string[] {
  const told = unpaired
    .slice(0, MAX_UNPAIRED)
    .map(
      ({ side, session, reason, detail }) =>
        `${side} s${session}, ${UNPAIRED[reason]}: ${printableText(detail)}`,
    );
  const more = unpaired.length - told.length;
  return more > 0 ? [...told, `and ${thousands(more)} more`] : told;
}

/** A stretch of a text as it is shown: octets that differ, or that do not. */
export interface Stretch {
  /** Printable. */
  readonly text: string;
  readonly changed: boolean;
}

/** What stands in front of the first octet that differs, when a text is longer than is shown. */
const LEAD = 24;
/** Octets of messages are not kept: of them only the number is told, and no place in it. */
const WITHHELD = /^\[\d+ octets\]$/;

/** Which octets of the text at this spot differ; none where they are not kept. */
export function changedRanges(
  spot: Spot,
  { before, after, ranges }: Pick<Difference, 'before' | 'after' | 'ranges'>,
): Difference['ranges'] {
  if (WITHHELD.test(spot.text)) return [];
  const other = spot === before ? after : before;
  if (other === null || WITHHELD.test(other.text) || other.text.length === spot.text.length) return ranges;
  // Of another length: what lies between the beginning and the end that both have.
  const shorter = Math.min(spot.text.length, other.text.length);
  let head = 0;
  while (head < shorter && spot.text[head] === other.text[head]) head++;
  let tail = 0;
  while (tail < shorter - head && spot.text.at(-1 - tail) === other.text.at(-1 - tail)) tail++;
  return [[head, spot.text.length - tail]];
}

/**
 * As much of a text as is shown, from a little in front of the first octet that differs, in stretches.
 *
 * @param text  raw latin1
 * @param limit  octets
 */
export function stretches(text: string, ranges: Difference['ranges'], limit: number): Stretch[] {
  const start = text.length > limit ? Math.max(0, (ranges[0]?.[0] ?? 0) - LEAD) : 0;
  const end = Math.min(text.length, start + limit);
  const found: Stretch[] = [];
  const add = (from: number, to: number, changed: boolean): void => {
    if (to > from) found.push({ text: printableOctets(text.slice(from, to)), changed });
  };
  if (start > 0) found.push({ text: '…', changed: false });
  let at = start;
  for (const [from, to] of ranges) {
    const [begin, stop] = [Math.max(at, Math.min(from, end)), Math.max(at, Math.min(to, end))];
    add(at, begin, false);
    add(begin, stop, true);
    at = stop;
  }
  add(at, end, false);
  if (end < text.length) found.push({ text: '…', changed: false });
  return found;
}

function subjectOf({ subject, verb }: Difference): string {
  switch (subject) {
    case 'greeting':
      return 'the greeting';
    case 'keyword':
      return 'keywords of the EHLO reply';
    case 'command':
      return verb === null || verb.startsWith('(') ? 'commands' : `the command ${printableOctets(verb)}`;
    case 'reply':
      return 'replies';
    case 'message':
      return 'the octets of messages';
    case 'tls':
      return 'the TLS handshake';
    case 'end-of-data':
      return 'the end of messages';
    default:
      return 'how the connection ended';
  }
}

/** Changes that read the same are told once. */
function signature({ change, subject, how, verb, before, after }: Difference): string {
  return JSON.stringify([change, subject, how, verb, before?.text, after?.text]).replace(NUMBERS, '#');
}

/** Times, queue ids and counters: what differs from one mail to the next. */
const NUMBERS = /[0-9A-Fa-f]*\d[0-9A-Fa-f]*/g;

/** `0.4 ms`, `3 min 17.2 s` */
function secondsText(us: number): string {
  if (us < 1_000_000) return `${(us / 1000).toFixed(1)} ms`;
  const seconds = us / 1e6;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  const rest = `${(seconds - minutes * 60).toFixed(1)} s`;
  return minutes < 60
    ? `${minutes} min ${rest}`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min ${rest}`;
}
