import { wrapText } from '../report/columns.js';
import type { Glyphs, Line } from './screen.js';

/** The keys, and what the shapes mean. */
export function helpLines(glyphs: Glyphs, columns: number): Line[] {
  const { up, down, left, right, high, medium, low, info, open, ended, broken } = glyphs;
  const keys: readonly (readonly [string, string])[] = [
    [`${up} ${down}  k j`, 'move; PgUp PgDn a page; g first, G last, and then it follows'],
    [`${left} ${right}  h l`, 'back and open; in a list: the view before, open'],
    ['Tab  1 to 4', 'Sessions, Findings, Duplicates, Health'],
    ['Enter', 'open: the dialogue of a session, the proof of a finding'],
    ['Esc', 'back, and take the filter away; it never quits'],
    ['/', 'filter: words, field:word, -word (state:open server:192.0.2 -quit)'],
    ['s', 'sort by the next order'],
    ['Space', 'pause the lists; what comes meanwhile is counted'],
    ['e', 'export the report and the evidence'],
    ['q', 'quit, and leave a summary'],
  ];
  const lines: Line[] = [[]];
  for (const [key, what] of keys) {
    for (const [index, piece] of wrapText(what, columns - 18).entries()) {
      lines.push([
        [`  ${(index === 0 ? key : '').padEnd(14)}`, 'bold'],
        [piece, 'plain'],
      ]);
    }
  }
  lines.push(
    [],
    [
      ['  Findings      ', 'dim'],
      [`${high} high  `, 'red'],
      [`${medium} medium  `, 'yellow'],
      [`${low} low  `, 'cyan'],
      [`${info} note`, 'dim'],
    ],
    [
      ['  Sessions      ', 'dim'],
      [`${open} open  `, 'green'],
      [`${ended} ended  `, 'plain'],
      [`${broken} reset or at a limit`, 'yellow'],
    ],
  );
  return lines;
}
