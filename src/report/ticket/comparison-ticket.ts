import type { Difference, Spot } from '../../compare/pair.js';
import { plural } from '../../finding/words.js';
import { textWidth } from '../columns.js';
import { changedRanges, stretches } from '../document/changed-octets.js';
import { alikeText, type ChangedSession, type ComparisonBlock } from '../document/comparison-block.js';
import { whatChanged } from '../document/comparison-words.js';
import { WAY } from '../document/places.js';
import type { TrackerMarkup } from './tracker-markup.js';

/** Octets of a line that are shown: a tracker's page is as wide. */
const EXCERPT = 100;

/** What was changed, the octets as they were sent above the octets as they arrived; how that was found; what has no partner. */
export function* comparisonBlocks(comparison: ComparisonBlock, markup: TrackerMarkup): Generator<string> {
  const { sides, changes, moreKinds, tcp, how, notes } = comparison;
  if (changes.length > 0) {
    yield markup.heading(2, 'What was changed on the way');
    yield markup.paragraph(
      'Each line as one side of the device in between saw it, and as the other did. What is not shown here passed unchanged.',
    );
  }
  for (const change of changes) yield* changedSession(change, sides, markup);
  if (moreKinds > 0) yield markup.paragraph(`And ${plural(moreKinds, 'other pattern')} of changes.`);
  if (tcp.length > 0) {
    yield markup.paragraph('Below the mail, in TCP:');
    yield markup.list(tcp);
  }
  yield markup.heading(2, 'How the two captures were compared');
  yield markup.list([...how, ...notes]);
  if (comparison.unpaired === 0) return;
  yield* markup.folded(`Sessions seen on one side only (${comparison.unpaired})`, [
    markup.list(comparison.unpairedTexts),
  ]);
}

function* changedSession(
  change: ChangedSession,
  { client, server }: ComparisonBlock['sides'],
  markup: TrackerMarkup,
): Generator<string> {
  const { ids, differences, more } = change;
  const alike = change.others > 0 ? `, ${alikeText(change)}` : '';
  yield markup.paragraph(
    `Session ${ids.client} ${client}, the client's side, and ${ids.server} ${server}, the server's side${alike}:`,
  );
  const lines = differences.flatMap((difference, index) => [
    // An empty line parts one change from the next.
    ...(index > 0 ? [''] : []),
    ...sentAndArrived(difference),
  ]);
  if (more > 0) lines.push('', `and ${plural(more, 'other change')}`);
  yield markup.verbatim(lines);
}

function sentAndArrived(difference: Difference): string[] {
  const { direction, before, after } = difference;
  const [sent, arrived] = [placeOf(before), placeOf(after)];
  const width = Math.max(sent.length, arrived.length);
  return [
    `${WAY[direction]}, ${whatChanged(difference)}`,
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
