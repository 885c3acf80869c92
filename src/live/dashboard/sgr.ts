import type { Line, Style } from '../screen.js';

/** Select Graphic Rendition, ECMA-48 §8.3.117: attributes, and the terminal's own sixteen colours. */
const COLORED: Readonly<Record<Style, string>> = {
  plain: '',
  // Bright black is invisible on some palettes; this attribute is at worst without effect.
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

/** A line with its looks as escape sequences. Its text holds none: it was made printable before. */
export function sgr(line: Line, color: boolean): string {
  const codes = color ? COLORED : PLAIN;
  let text = '';
  for (const [piece, style] of line) {
    const code = codes[style];
    text += code === '' ? piece : `\x1b[${code}m${piece}\x1b[0m`;
  }
  return text;
}
