import { asciiText } from '../report/ascii.js';
import { cutText, textWidth } from '../report/columns.js';

/** Of the sixteen colours that every terminal has and its owner has chosen; `dim` and `bold` are no colours. */
export type Style =
  | 'plain'
  | 'dim'
  | 'bold'
  | 'red'
  | 'yellow'
  | 'green'
  | 'cyan'
  | 'magenta'
  | 'title'
  | 'bar'
  | 'selected';

/** Text that is safe to print, and how it looks. */
export type Span = readonly [text: string, style: Style];
export type Line = readonly Span[];

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Shapes, each of one column; the second set is for terminals that have no other. */
export interface Glyphs {
  readonly high: string;
  readonly medium: string;
  readonly low: string;
  readonly info: string;
  readonly open: string;
  readonly ended: string;
  readonly broken: string;
  readonly right: string;
  readonly left: string;
  readonly up: string;
  readonly down: string;
  readonly rule: string;
  readonly more: string;
  readonly cursor: string;
  readonly between: string;
  /** Whether letters may be other than ASCII. */
  readonly wide: boolean;
}

export const UNICODE: Glyphs = {
  high: '■',
  medium: '▲',
  low: '●',
  info: '○',
  open: '◐',
  ended: '✓',
  broken: '✗',
  right: '→',
  left: '←',
  up: '↑',
  down: '↓',
  rule: '─',
  more: '…',
  cursor: '▌',
  between: '·',
  wide: true,
};

export const ASCII: Glyphs = {
  high: '#',
  medium: '^',
  low: '*',
  info: 'o',
  open: '~',
  ended: '+',
  broken: 'x',
  right: '>',
  left: '<',
  up: '^',
  down: 'v',
  rule: '-',
  more: '~',
  cursor: '>',
  between: '-',
  wide: false,
};

/** The same in ASCII, as wide: what is none becomes `?`, and in reports is what it was. */
export function asciiLine(line: Line): Line {
  return line.map(([text, style]) => [asciiText(text), style]);
}

/** A text in exactly so many columns: cut, with a sign that it was, or filled with blanks. */
export function fitted(
  text: string,
  columns: number,
  more: string,
  align: 'left' | 'right' = 'left',
): string {
  if (columns <= 0) return '';
  const width = textWidth(text);
  if (width <= columns) {
    const blanks = ' '.repeat(columns - width);
    return align === 'left' ? text + blanks : blanks + text;
  }
  const [head = ''] = columns > 1 ? cutText(text, columns - 1) : [''];
  const cut = textWidth(head) < columns ? head : '';
  return `${cut}${more}`.padEnd(columns - textWidth(cut) - 1 + cut.length + more.length);
}

/** A line in exactly so many columns. */
export function fittedLine(spans: Line, columns: number, more: string): Line {
  const line: Span[] = [];
  let left = columns;
  for (const [text, style] of spans) {
    if (left <= 0) break;
    const width = textWidth(text);
    if (width <= left) line.push([text, style]);
    else line.push([fitted(text, left, more), style]);
    left -= Math.min(width, left);
  }
  if (left > 0) line.push([' '.repeat(left), 'plain']);
  return line;
}

/** Two ends of a line, with blanks in between; the right one gives way. */
export function spread(left: Line, right: Line, columns: number, style: Style, more: string): Line {
  const used = widthOf(left);
  const room = columns - used - widthOf(right);
  if (room < 1) return fittedLine([...left, [' '.repeat(Math.max(columns - used, 0)), style]], columns, more);
  return [...left, [' '.repeat(room), style], ...right];
}

export function widthOf(line: Line): number {
  return line.reduce((sum, [text]) => sum + textWidth(text), 0);
}

export function textOf(line: Line): string {
  return line.map(([text]) => text).join('');
}
