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

  /** Octets: broken where the edge is, at most `rows` lines. */
  verbatim(text: string, indent: string, rows: number, style?: Style): string {
    const width = this.width - textWidth(indent);
    const lines = cutText(text, width);
    if (lines.length > rows) {
      const last = cutText(lines[rows - 1]!, width - 1)[0]!;
      lines.splice(rows - 1, lines.length, `${last}…`);
    }
    return this.hang(lines, indent, style);
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
