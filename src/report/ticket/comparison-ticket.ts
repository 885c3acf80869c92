import type { ComparedPair, Comparison } from '../../compare/compare.js';
import { type Difference, isTold, type Spot } from '../../compare/pair.js';
import { plural } from '../../finding/words.js';
import { textWidth } from '../columns.js';
import {
  captureNames,
  changedRanges,
  comparisonVerdict,
  howCompared,
  kindsOfChanges,
  MAX_LADDERS,
  MAX_RUNGS,
  sidesOf,
  stretches,
  tcpChanges,
  unpairedTexts,
  whatChanged,
} from '../document/comparison-words.js';
import { printableText } from '../printable.js';
import { type Markup, type TicketOptions, ticketBlocks } from './ticket.js';

/** Octets of a line that are shown: a tracker's page is as wide. */
const EXCERPT = 100;

/** What a command line is to say for the capture of each side. */
const VERIFY: readonly string[] = [
  'mailwitness compare --inside inside.pcap --outside outside.pcap -F json -o after.json',
];

/**
 * The report of two captures for a ticket: what was changed between them, how that was found, each change with the octets
 * as they were sent and as they arrived, one below the other; then what a report of one capture has.
 */
export function comparisonBlocks(
  comparison: Comparison,
  options: TicketOptions,
  markup: Markup,
): Iterable<string> {
  const compared = {
    verdict: comparisonVerdict(comparison),
    opening: opening(comparison, markup),
    captureNames: captureNames(comparison),
    verify: VERIFY,
  };
  return ticketBlocks(comparison.analysis, { ...options, compared }, markup);
}

function* opening(comparison: Comparison, markup: Markup): Generator<string> {
  const { pairs, notes, unpaired } = comparison;
  const kinds = kindsOfChanges(pairs);
  if (kinds.length > 0) {
    yield markup.heading(2, 'What was changed on the way');
    yield markup.paragraph(
      'Each line as one side of the box saw it, and as the other did. What is not shown here passed unchanged.',
    );
  }
  for (const { pair, others } of kinds.slice(0, MAX_LADDERS)) yield* ladder(comparison, pair, others, markup);
  if (kinds.length > MAX_LADDERS) {
    yield markup.paragraph(`And ${plural(kinds.length - MAX_LADDERS, 'other pattern')} of changes.`);
  }
  const tcp = tcpChanges(pairs);
  if (tcp.length > 0) {
    yield markup.paragraph('Below the mail, in TCP:');
    yield markup.list(tcp);
  }
  yield markup.heading(2, 'How the two captures were compared');
  yield markup.list([...howCompared(comparison), ...notes.map(printableText)]);
  if (unpaired.length === 0) return;
  yield* markup.folded(`Sessions seen on one side only (${unpaired.length})`, [
    markup.list(unpairedTexts(comparison)),
  ]);
}

function* ladder(
  comparison: Comparison,
  { inside, outside, differences }: ComparedPair,
  others: number,
  markup: Markup,
): Generator<string> {
  const { client, server } = sidesOf(comparison);
  const ids = { inside: `s${inside}`, outside: `s${outside}` };
  const alike = others > 0 ? `, and ${plural(others, 'other pair')} alike` : '';
  yield markup.paragraph(
    `Session ${ids[client]} ${client}, the client's side, and ${ids[server]} ${server}, the server's side${alike}:`,
  );
  const rungs = differences.filter(isTold);
  const lines = rungs.slice(0, MAX_RUNGS).flatMap((difference, index) => [
    // An empty line parts one change from the next.
    ...(index > 0 ? [''] : []),
    ...rung(difference),
  ]);
  if (rungs.length > MAX_RUNGS) lines.push('', `and ${plural(rungs.length - MAX_RUNGS, 'other change')}`);
  yield markup.verbatim(lines);
}

function rung(difference: Difference): string[] {
  const { direction, before, after } = difference;
  const way = direction === 'client' ? 'client → server' : 'server → client';
  const [sent, arrived] = [placeOf(before), placeOf(after)];
  const width = Math.max(sent.length, arrived.length);
  return [
    `${way}, ${whatChanged(difference)}`,
    ...spotLines(before, difference, `  sent     ${sent.padEnd(width)}  `),
    ...spotLines(after, difference, `  arrived  ${arrived.padEnd(width)}  `),
  ];
}

function placeOf(spot: Spot | null): string {
  return spot === null ? '' : `(${spot.side}, frame ${spot.packet})`;
}

/** The text, and below it a sign under each octet that differs. */
function spotLines(spot: Spot | null, difference: Difference, lead: string): string[] {
  if (spot === null) return [`${lead}nothing`];
  const parts = stretches(spot.text, changedRanges(spot, difference), EXCERPT);
  const marks = parts.map(({ text, changed }) => (changed ? '^' : ' ').repeat(textWidth(text))).join('');
  const line = `${lead}${parts.map(({ text }) => text).join('')}`;
  const isMarked = difference.before !== null && difference.after !== null && marks.includes('^');
  return isMarked ? [line, `${' '.repeat(lead.length)}${marks.trimEnd()}`] : [line];
}
