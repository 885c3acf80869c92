import type { ComparedPair, Comparison } from '../../compare/compare.js';
import { type Difference, isTold, type Spot } from '../../compare/pair.js';
import { plural, thousands } from '../../finding/words.js';
import { inPieces } from '../chunked.js';
import { cutText, textWidth } from '../columns.js';
import {
  captureNames,
  changedRanges,
  comparisonVerdict,
  ends,
  howCompared,
  isChanged,
  kindsOfChanges,
  MAX_LADDERS,
  MAX_RUNGS,
  sidesOf,
  tcpChanges,
  unpairedTexts,
  whatChanged,
} from '../document/comparison-words.js';
import { printableOctets, printableText } from '../printable.js';
import { type TextOptions, textLines } from './text.js';
import { TextLines } from './text-lines.js';

const GUTTER = '  ';
const WITHHELD = /^\[\d+ octets\]$/;

/**
 * What changed between the two captures, for people: the verdict, how the sessions were found, the ladders of both
 * sides beside each other, then the findings as in the report of one capture.
 */
export function comparisonText(comparison: Comparison, options: TextOptions): Iterable<string> {
  return inPieces(new ComparisonText(comparison, options).lines());
}

class ComparisonText {
  private readonly page: TextLines;

  constructor(
    private readonly comparison: Comparison,
    private readonly options: TextOptions,
  ) {
    this.page = new TextLines(options.width ?? 80, options.color);
  }

  *lines(): Generator<string> {
    const { analysis, pairs } = this.comparison;
    const style = pairs.length === 0 ? 'yellow' : pairs.some(isChanged) ? 'bold' : 'green';
    yield this.page.paragraph(comparisonVerdict(this.comparison), '', style);
    yield* this.matching();
    yield* this.ladders();
    yield* this.unpaired();
    yield* textLines(analysis, {
      ...this.options,
      verdict: null,
      captureNames: captureNames(this.comparison),
    });
  }

  private *matching(): Generator<string> {
    const { page } = this;
    yield '\n';
    yield page.line(['How they were compared', 'bold']);
    for (const sentence of howCompared(this.comparison)) yield page.paragraph(sentence, '  ');
    for (const note of this.comparison.notes) yield page.paragraph(printableText(note), '  ! ', 'yellow');
  }

  private *ladders(): Generator<string> {
    const { pairs } = this.comparison;
    const kinds = kindsOfChanges(pairs);
    for (const { pair, others } of kinds.slice(0, MAX_LADDERS)) yield* this.ladder(pair, others);
    if (kinds.length > MAX_LADDERS) {
      yield this.page.paragraph(
        `and ${plural(kinds.length - MAX_LADDERS, 'other pattern')} of changes, in the JSON report.`,
        '  ',
        'dim',
      );
    }
    const tcp = tcpChanges(pairs);
    if (tcp.length === 0) return;
    yield '\n';
    yield this.page.line(['  TCP', 'bold']);
    for (const line of tcp) yield this.page.paragraph(line, '    - ');
  }

  /** The client's side at the left, the server's at the right. */
  private *ladder({ inside, outside, differences }: ComparedPair, others: number): Generator<string> {
    const { page } = this;
    const { client, server } = sidesOf(this.comparison);
    const ids = { inside: `s${inside}`, outside: `s${outside}` };
    const same = others > 0 ? `and ${plural(others, 'other pair')} alike` : '';
    yield '\n';
    yield page.spread(
      [[`Session ${ids[client]} ${client}, ${ids[server]} ${server}`, 'bold']],
      [same, 'dim'],
      '─',
    );
    const width = Math.floor((page.width - GUTTER.length - 2) / 2);
    yield page.line(
      ['  '],
      [`client’s side (${client})`.padEnd(width), 'dim'],
      [GUTTER],
      [`server’s side (${server})`, 'dim'],
    );
    const rungs = differences.filter(isTold);
    for (const difference of rungs.slice(0, MAX_RUNGS)) yield* this.rung(difference, width);
    if (rungs.length > MAX_RUNGS)
      yield page.paragraph(`and ${plural(rungs.length - MAX_RUNGS, 'other change')}`, '  ', 'dim');
  }

  private *rung(difference: Difference, width: number): Generator<string> {
    const { page } = this;
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

  private *unpaired(): Generator<string> {
    const { unpaired } = this.comparison;
    if (unpaired.length === 0) return;
    yield '\n';
    yield this.page.line([`Seen on one side only (${thousands(unpaired.length)})`, 'bold']);
    for (const text of unpairedTexts(this.comparison)) yield this.page.paragraph(text, '  - ');
  }
}

function frameOf(spot: Spot | null): string {
  return spot === null ? '·' : `frame ${spot.packet}`;
}

/** As much of the text as fits, from the octet `start` on. */
function windowOf(spot: Spot | null, start: number, width: number): string {
  if (spot === null) return '(nothing)';
  if (WITHHELD.test(spot.text)) return spot.text;
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
