/** Text in columns: how wide it is on a terminal, and where it may be broken. */

/** East Asian Wide and Fullwidth characters and emoji take two columns. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18fff}\u{1b000}-\u{1b2ff}\u{1f004}-\u{1faff}\u{20000}-\u{3fffd}]/u;

const ASCII = /^[\x20-\x7e]*$/;

/** Columns that printable text takes. Combining marks count as one: better too narrow than over the edge. */
export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += WIDE.test(character) ? 2 : 1;
  return width;
}

/** Breaks at spaces where there are any, inside words longer than a line where there are none. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  let used = 0;
  for (const word of text.split(' ')) {
    for (const [index, piece] of cutText(word, width).entries()) {
      const columns = textWidth(piece);
      if (used > 0 && index === 0 && used + 1 + columns <= width) {
        line += ` ${piece}`;
        used += 1 + columns;
      } else {
        if (used > 0) lines.push(line);
        line = piece;
        used = columns;
      }
    }
  }
  if (used > 0 || lines.length === 0) lines.push(line);
  return lines;
}

/** Breaks wherever the column is reached: for octets, in which every space counts. */
export function cutText(text: string, width: number): string[] {
  if (textWidth(text) <= width) return [text];
  const lines: string[] = [];
  let line = '';
  let used = 0;
  for (const character of text) {
    const columns = textWidth(character);
    if (used + columns > width) {
      lines.push(line);
      line = '';
      used = 0;
    }
    line += character;
    used += columns;
  }
  lines.push(line);
  return lines;
}
