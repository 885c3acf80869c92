import type { Difference, Spot } from '../../compare/pair.js';
import { plural, thousands } from '../../finding/words.js';
import { cutText, textWidth } from '../columns.js';
import { changedRanges, ends, isWithheld } from '../document/changed-octets.js';
import { alikeText, type ChangedSession, type ComparisonBlock } from '../document/comparison-block.js';
import { whatChanged } from '../document/comparison-words.js';
import { printableOctets } from '../printable.js';
import type { Style, TextLines } from './text-lines.js';

const GUTTER = '  ';

/** Changes of the first session that a screen has room for. */
const MAX_SUMMARY = 6;

/** The verdict, and what was changed in the first session, each change as the client's side and the server's side saw it. */
export function* comparisonSummary(comparison: ComparisonBlock, page: TextLines): Generator<string> {
  const { pairs, changed, unpaired, sides } = comparison;
  const [mark, style]: [string, Style] =
    pairs === 0 ? ['? ', 'yellow'] : changed > 0 ? ['✗ ', 'red'] : ['✓ ', 'green'];
  yield page.entry([mark, style], [comparison.verdict, 'bold'], '', 4);
  const alone = unpaired > 0 ? `, ${thousands(unpaired)} on one side only` : '';
  yield page.clipped(`${plural(pairs, 'session')} on both sides${alone}`, '  ', 1, 'dim');
  const [first] = comparison.changes;
  if (!first) return;
  yield '\n';
  for (const difference of first.differences.slice(0, MAX_SUMMARY)) {
    const [left, right] = ends(difference);
    const arrow = difference.direction === 'client' ? '→' : '←';
    const width = Math.floor((page.width - 7) / 2);
    const start = Math.max(0, (difference.ranges[0]?.[0] ?? 0) - 8);
    const text = windowOf(left, start, width);
    yield page.line(['  '], [padded(text, width), 'dim'], [` ${arrow} `], [windowOf(right, start, width)]);
  }
  const more = first.differences.length + first.more - MAX_SUMMARY;
  const kinds = comparison.changes.length - 1 + comparison.moreKinds;
  const rest = [
    ...(more > 0 ? [plural(more, 'more change')] : []),
    ...(kinds > 0 ? [`${plural(kinds, 'other pattern')} of changes`] : []),
  ];
  yield page.clipped(
    `(left: client’s side, ${sides.client}; right: server’s side, ${sides.server}${rest.length > 0 ? `; ${rest.join(', ')}` : ''})`,
    '  ',
    2,
    'dim',
  );
  yield '\n';
}

/** How the sessions were found, the changes with both sides beside each other, and what was seen on one side only. */
export function* comparisonLines(comparison: ComparisonBlock, page: TextLines): Generator<string> {
  yield '\n';
  yield page.line(['How they were compared', 'bold']);
  for (const sentence of comparison.how) yield page.paragraph(sentence, '  ');
  for (const note of comparison.notes) yield page.paragraph(note, '  ! ', 'yellow');
  for (const change of comparison.changes) yield* changedSession(change, comparison.sides, page);
  if (comparison.moreKinds > 0) {
    yield page.paragraph(
      `and ${plural(comparison.moreKinds, 'other pattern')} of changes, in the JSON report.`,
      '  ',
      'dim',
    );
  }
  if (comparison.tcp.length > 0) {
    yield '\n';
    yield page.line(['  TCP', 'bold']);
    for (const line of comparison.tcp) yield page.paragraph(line, '    - ');
  }
  if (comparison.unpaired === 0) return;
  yield '\n';
  yield page.line([`Seen on one side only (${thousands(comparison.unpaired)})`, 'bold']);
  for (const text of comparison.unpairedTexts) yield page.paragraph(text, '  - ');
}

/** The client's side at the left, the server's at the right. */
function* changedSession(
  change: ChangedSession,
  { client, server }: ComparisonBlock['sides'],
  page: TextLines,
): Generator<string> {
  const { ids, differences, more } = change;
  yield '\n';
  yield page.spread(
    [[`Session ${ids.client} ${client}, ${ids.server} ${server}`, 'bold']],
    [alikeText(change), 'dim'],
    '─',
  );
  const width = Math.floor((page.width - GUTTER.length - 2) / 2);
  yield page.line(
    ['  '],
    [`client’s side (${client})`.padEnd(width), 'dim'],
    [GUTTER],
    [`server’s side (${server})`, 'dim'],
  );
  for (const difference of differences) yield* bothSides(difference, width, page);
  if (more > 0) yield page.paragraph(`and ${plural(more, 'other change')}`, '  ', 'dim');
}

function* bothSides(difference: Difference, width: number, page: TextLines): Generator<string> {
  const { direction, ranges } = difference;
  const [left, right] = ends(difference);
  const arrow = direction === 'client' ? '→' : '←';
  yield page.line(
    ['  '],
    [`${frameOf(left)} ${arrow} ${frameOf(right)}  `, 'cyan'],
    [whatChanged(difference), 'dim'],
  );
  const start = Math.max(0, (ranges[0]?.[0] ?? 0) - 8);
  const [l, r] = [windowOf(left, start, width), windowOf(right, start, width)];
  yield page.line(['  '], [padded(l, width)], [GUTTER], [padded(r, width)]);
  if (left === null || right === null) return;
  const below = marked(changedRanges(left, difference), start, width);
  const beside = marked(changedRanges(right, difference), start, width);
  if (`${below}${beside}`.trim() === '') return;
  yield page.line(['  '], [padded(below, width), 'yellow'], [GUTTER], [beside, 'yellow']);
}

function frameOf(spot: Spot | null): string {
  return spot === null ? '·' : `frame ${spot.packet}`;
}

/** As much of the text as fits, from the octet `start` on. */
function windowOf(spot: Spot | null, start: number, width: number): string {
  if (spot === null) return '(nothing)';
  if (isWithheld(spot)) return spot.text;
  const text = printableOctets(spot.text.slice(start));
  const lead = start > 0 ? '…' : '';
  const [first = ''] = cutText(`${lead}${text}`, width - 1);
  return textWidth(`${lead}${text}`) > width ? `${first}…` : `${lead}${text}`;
}

/** `^` below each octet that differs; only where every octet is one column. */
function marked(ranges: Difference['ranges'], start: number, width: number): string {
  const lead = start > 0 ? 1 : 0;
  let marks = '';
  for (const [from, to] of ranges) {
    const [at, end] = [from - start + lead, Math.min(to - start + lead, width)];
    if (at >= width) break;
    marks = `${marks.padEnd(at)}${'^'.repeat(Math.max(0, end - at))}`;
  }
  return marks;
}

function padded(text: string, width: number): string {
  return `${text}${' '.repeat(Math.max(0, width - textWidth(text)))}`;
}
