/**
 * What `/` leaves of a list: every word must be found. `field:word` looks into that field alone, `-word` asks that it is
 * not found; letters of either case are the same.
 *
 * @param words  what was typed
 * @example filterOf('server:192.0.2 -open')
 */
export function filterOf(words: string): RowFilter | null {
  const terms = words
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '' && word !== '-')
    .map(termOf);
  if (terms.length === 0) return null;
  return (fields) => terms.every((term) => term(fields));
}

/** Texts of one row by the names of their fields; all lower case. */
export type Fields = Readonly<Record<string, string>>;
export type RowFilter = (fields: Fields) => boolean;

function termOf(word: string): RowFilter {
  if (word.startsWith('-') && word.length > 1) {
    const term = termOf(word.slice(1));
    return (fields) => !term(fields);
  }
  const [, name = '', text = ''] = /^([a-z]+):(.*)$/.exec(word) ?? [];
  return (fields) => {
    // An address or a time has colons too: what is no field is looked for as it stands.
    if (name !== '' && Object.hasOwn(fields, name)) return fields[name]!.includes(text);
    return Object.values(fields).some((field) => field.includes(word));
  };
}
