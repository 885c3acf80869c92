import { cutText, textWidth, wrapText } from '../columns.js';

const SGR = { bold: '1', dim: '2', red: '31', green: '32', yellow: '33', cyan: '36' } as const;
export type Style = keyof typeof SGR;

/** A piece of a line; the text is printable already. */
export type Span = readonly [text: string, style?: Style | undefined];

const MIN_WIDTH = 60;

/**
 * Lines of one width, coloured or not. Every method gives whole lines, each ended by LF.
 *
 * Text is broken before it is painted, so that an escape sequence takes no column and is never cut.
 */
export class TextLines {
  readonly width: number;

  constructor(
    width: number,
    private readonly color: boolean,
  ) {
    this.width = Math.max(MIN_WIDTH, width);
  }

  /** One line of pieces; what is beyond the edge is left out. */
  line(...spans: readonly Span[]): string {
    let left = this.width;
    let line = '';
    for (const [text, style] of spans) {
      const piece = left > 0 ? cutText(text, left)[0]! : '';
      line += this.paint(piece, style);
      left -= textWidth(piece);
    }
    return `${line.trimEnd()}\n`;
  }

  /** `left` at the left edge and `right` at the right one, with `fill` between them. */
  spread(left: readonly Span[], right: Span, fill = ' '): string {
    const used = left.reduce((sum, [text]) => sum + textWidth(text), 0);
    const room = this.width - used - textWidth(right[0]);
    if (room < 2) return `${this.line(...left)}${this.line(['  '], right)}`;
    const between = fill === ' ' ? fill.repeat(room) : ` ${fill.repeat(room - 2)} `;
    return this.line(...left, [between, 'dim'], right);
  }

  /** Broken between words; the first line begins with `lead`, the others are indented as far. */
  paragraph(text: string, lead = '', style?: Style): string {
    return this.hang(wrapText(text, this.width - textWidth(lead)), lead, style);
  }

  /** As a paragraph, but of at most `rows` lines: what is more is cut. */
  clipped(text: string, lead: string, rows: number, style?: Style): string {
    const width = this.width - textWidth(lead);
    return this.hang(shortened(wrapText(text, width), width, rows), lead, style);
  }

  /** Text behind `lead`, with a word at the right edge of its first line; at most `rows` lines. */
  entry(lead: Span, text: Span, right: string, rows: number): string {
    const indent = textWidth(lead[0]);
    const room = this.width - indent - (right === '' ? 0 : textWidth(right) + 2);
    const [first = '', ...others] = shortened(wrapText(text[0], room), room, rows);
    const gap = ' '.repeat(Math.max(0, room - textWidth(first)) + 2);
    const beside: Span[] = right === '' ? [] : [[gap], [right, 'dim']];
    return (
      this.line(lead, [first, text[1]], ...beside) +
      others.map((line) => this.line([' '.repeat(indent)], [line, text[1]])).join('')
    );
  }

  /** Octets: broken where the edge is, at most `rows` lines. */
  verbatim(text: string, indent: string, rows: number, style?: Style): string {
    const width = this.width - textWidth(indent);
    return this.hang(shortened(cutText(text, width), width, rows), indent, style);
  }

  private hang(lines: readonly string[], lead: string, style?: Style): string {
    const indent = ' '.repeat(textWidth(lead));
    return lines
      .map((line, index) => `${index === 0 ? lead : indent}${this.paint(line.trimEnd(), style)}`.trimEnd())
      .map((line) => `${line}\n`)
      .join('');
  }

  private paint(text: string, style?: Style): string {
    return this.color && style && text.trim() !== '' ? `\x1b[${SGR[style]}m${text}\x1b[0m` : text;
  }
}

/** The first `rows` lines; the last ends in an ellipsis where there were more. */
function shortened(lines: readonly string[], width: number, rows: number): readonly string[] {
  if (lines.length <= rows) return lines;
  const last = cutText(lines[rows - 1]!, width - 1)[0]!;
  return [...lines.slice(0, rows - 1), `${last}…`];
}
