import { textWidth } from '../../report/columns.js';
import type { Line, Style } from '../screen.js';

/** Select Graphic Rendition, ECMA-48 §8.3.117: attributes, and the terminal's own sixteen colours. */
const COLORED: Readonly<Record<Style, string>> = {
  plain: '',
  // Bright black is invisible on some palettes, and blessed knows no faint: what matters is bold instead.
  dim: '',
  bold: '1',
  red: '31',
  yellow: '33',
  green: '32',
  cyan: '36',
  magenta: '35',
  title: '4',
  bar: '7',
  selected: '1;7',
};

const PLAIN: Readonly<Record<Style, string>> = {
  plain: '',
  dim: '',
  bold: '1',
  red: '1',
  yellow: '1',
  green: '',
  cyan: '',
  magenta: '',
  title: '4',
  bar: '7',
  selected: '1;7',
};

const ASCII = /^[\x20-\x7e]*$/;

/**
 * A line with its looks, as escape sequences that put it into row `row` (from 0). Its text holds none: it was made printable
 * before.
 *
 * Terminals do not agree on the width of all characters, nor with us. After a text that is not ASCII the cursor is set
 * to its column, so that a wrong width moves nothing else.
 */
export function placed(line: Line, row: number, color: boolean): string {
  const codes = color ? COLORED : PLAIN;
  let text = `${cursorTo(row, 0)}\x1b[0m\x1b[K`;
  let column = 0;
  let sure = true;
  for (const [piece, style] of line) {
    const code = codes[style];
    if (!sure) text += cursorTo(row, column);
    text += code === '' ? piece : `\x1b[${code}m${piece}\x1b[0m`;
    column += textWidth(piece);
    sure = ASCII.test(piece);
  }
  return text;
}

/** CUP, ECMA-48 §8.3.21. */
function cursorTo(row: number, column: number): string {
  return `\x1b[${row + 1};${column + 1}H`;
}
