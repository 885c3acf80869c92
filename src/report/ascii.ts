import { textWidth } from './columns.js';

/** The program's own characters beyond ASCII, each with one of ASCII that takes as many columns. */
const SIMPLER: Readonly<Record<string, string>> = {
  '‘': "'",
  '’': "'",
  '“': '"',
  '”': '"',
  '–': '-',
  '—': '-',
  '·': '-',
  '─': '-',
  '…': '~',
  '→': '>',
  '←': '<',
  '✓': '+',
  '✗': 'x',
  '■': '#',
  '▲': '^',
  '●': '*',
  '○': 'o',
  '§': 'S',
};

const BEYOND_ASCII = /[^\x00-\x7f]/gu;

/** The same in ASCII and as wide: what has no simpler form becomes `?`. */
export function asciiText(text: string): string {
  return text.replace(BEYOND_ASCII, (character) => SIMPLER[character] ?? '?'.repeat(textWidth(character)));
}

/** The same in ASCII with nothing lost: what has no simpler form is written by its number, as in `\u{e9}`. */
export function asciiWhole(text: string): string {
  return text.replace(
    BEYOND_ASCII,
    (character) => SIMPLER[character] ?? `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}
