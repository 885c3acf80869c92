/** Output is made in pieces of at least this many characters; smaller writes cost more than the work. */
export const PIECE = 64 * 1024;

/** Joins many small strings to few large ones, in order; at most one piece is held. */
export function* inPieces(texts: Iterable<string>): Generator<string> {
  let held: string[] = [];
  let length = 0;
  for (const text of texts) {
    held.push(text);
    length += text.length;
    if (length >= PIECE) {
      yield held.join('');
      held = [];
      length = 0;
    }
  }
  if (length > 0) yield held.join('');
}
