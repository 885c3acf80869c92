import type { ComparedPair, Comparison } from '../../compare/compare.js';
import { type Difference, isTcp, isTold, type Side } from '../../compare/pair.js';
import { enumerate, plural, thousands } from '../../finding/words.js';
import { printableOctets, printableText } from '../printable.js';

/** The words for what was changed between two captures, and which changes are shown as one. */

/** Lines about TCP and sessions of one side that are shown; the JSON report has all. */
const MAX_TCP_LINES = 30;
const MAX_UNPAIRED = 10;

const MATCHED: Readonly<Record<string, string>> = {
  'sequence-numbers': 'sequence numbers',
  timestamps: 'TCP timestamps',
  endpoints: 'addresses and ports',
  'client-port': 'the client’s port',
  message: 'the message',
  dialogue: 'the dialogue',
  hello: 'the name that the client gives itself',
  clock: 'the clock',
};

/** What a change is called beside a rung. */
const CHANGES: Readonly<Record<Difference['change'], string>> = {
  altered: 'changed',
  removed: 'did not pass',
  added: 'added on the way',
  answered: 'answered by the device in between',
  lost: 'lost on the way',
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
  ambiguous: 'its partner is not certain',
  'not-covered': 'the other capture was not running',
};

/** The outcome in a sentence or two. */
export function comparisonVerdict({ pairs, unpaired, analysis }: Comparison): string {
  if (pairs.length === 0 && unpaired.some(({ reason }) => reason === 'ambiguous'))
    return 'No session could be paired for certain, so that nothing was compared: sessions of one capture may be in the other, see below.';
  if (pairs.length === 0)
    return 'The two captures have nothing in common: no session of one is in the other.';
  const changed = pairs.filter(isChanged);
  const both = `${plural(pairs.length, 'session')} seen on both sides`;
  const lost = pairs.filter(({ differences }) => differences.some(({ change }) => change === 'lost'));
  if (changed.length === 0 && lost.length > 0) {
    const whole = lost.length === pairs.length ? '' : ` The others are the same on both sides.`;
    return `Data was lost between the two captures in ${thousands(lost.length)} of ${both}: it was sent, and never arrived. What arrived is unchanged.${whole}${trouble(analysis)}`;
  }
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
  const proof = certain ? ' Both sides were seen: this is proved byte by byte.' : '';
  return `The device between the two captures changed ${enumerate(subjects)} in ${thousands(changed.length)} of ${both}.${proof}`;
}

/** Findings that are more than notes. A reader must not take `unchanged` for `in order`. */
export function graveFindings({ findings }: Comparison['analysis']): number {
  return findings.filter(({ severity }) => severity !== 'info').length;
}

function trouble(analysis: Comparison['analysis']): string {
  const grave = graveFindings(analysis);
  return grave === 0 ? '' : ` Mail has trouble all the same: ${plural(grave, 'finding')}, see below.`;
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
      ? 'Which side is nearer the server is not certain; inside was taken for it.'
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
  return differences.some((difference) => isTold(difference) && difference.change !== 'lost');
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
  const what = change === 'altered' ? `${HOW[how ?? 'other']}, ${plural(octets, 'byte')}` : CHANGES[change];
  return `${SUBJECTS[subject] ?? subject}: ${what}`;
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
    .slice(0, MAX_TCP_LINES)
    .map(([line, count]) => `${printableOctets(line)} (${plural(count, 'session')})`);
}

export function unpairedTexts({ unpaired }: Comparison): string[] {
  const texts = unpaired
    .slice(0, MAX_UNPAIRED)
    .map(
      ({ side, session, reason, detail }) =>
        `${side} s${session}, ${UNPAIRED[reason]}: ${printableText(detail)}`,
    );
  const more = unpaired.length - texts.length;
  return more > 0 ? [...texts, `and ${thousands(more)} more`] : texts;
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
      return 'the bytes of messages';
    case 'tls':
      return 'the TLS handshake';
    case 'end-of-data':
      return 'the end of messages';
    default:
      return 'how the connection ended';
  }
}

/** What is equal for changes that read the same. */
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
