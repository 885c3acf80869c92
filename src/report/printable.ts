/**
 * The one way out for text that came in a packet or in a file name.
 *
 * The ranges are written out instead of taken from `\p{..}` classes, whose meaning changes with the Unicode
 * version of the runtime: the same input gives the same report wherever it runs.
 */

/** C0 controls and line ends. */
const CONTROL = '\\x00-\\x1f';

/** DEL and C1: a terminal may obey them as it obeys an escape sequence. */
const DELETE_AND_C1 = '\\x7f-\\x9f';

/** Characters that are invisible, reorder what stands around them, end lines, or are no characters. */
const DECEPTIVE =
  '\\xad\\u034f\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f' +
  '\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufdd0-\\ufdef\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\uffff' +
  '\\u{110bd}\\u{110cd}\\u{13430}-\\u{1343f}\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}';

/** With the `u` flag a surrogate matches only when it stands alone. */
const SURROGATE = '\\ud800-\\udfff';

const UNPRINTABLE = new RegExp(`[${CONTROL}${DELETE_AND_C1}${DECEPTIVE}${SURROGATE}]`, 'gu');
const UNPRINTABLE_OCTET = /[\x00-\x1f\x7f-\xff]/g;
const BEYOND_ASCII = /[^\x00-\x7f]/;
const BEYOND_LATIN1 = /[^\x00-\xff]/;

/** What `JSON.stringify` leaves raw and a terminal, or an eye, must not meet. */
const RAW_IN_JSON = new RegExp(`[${DELETE_AND_C1}${DECEPTIVE}]`, 'gu');

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of octets (one latin1 character each) that are valid UTF-8 beyond ASCII, else undefined. */
function utf8Text(octets: string): string | undefined {
  if (BEYOND_LATIN1.test(octets)) return undefined;
  try {
    return utf8.decode(Buffer.from(octets, 'latin1'));
  } catch {
    return undefined;
  }
}

/**
 * Octets as text: UTF-8 where they are valid UTF-8, otherwise one latin1 character for each.
 *
 * Not safe to print; what JSON strings hold before they are escaped.
 */
export function decodeOctets(octets: string): string {
  return BEYOND_ASCII.test(octets) ? (utf8Text(octets) ?? octets) : octets;
}

/**
 * Octets as one line that is safe on a terminal. Valid UTF-8 is shown as such; controls, invisible and
 * reordering characters, and octets that are no UTF-8 become visible escapes.
 *
 * @example printableOctets('\x1b[2J') // '\\x1b[2J'
 */
export function printableOctets(octets: string): string {
  if (!BEYOND_ASCII.test(octets)) return octets.replace(UNPRINTABLE_OCTET, hexEscape);
  if (BEYOND_LATIN1.test(octets)) return printableText(octets);
  const text = utf8Text(octets);
  return text === undefined ? octets.replace(UNPRINTABLE_OCTET, hexEscape) : printableText(text);
}

/** The same for text that is already decoded: file names, arguments, messages of the system. */
export function printableText(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0)!;
    return code <= 0xff ? hexEscape(character) : `\\u{${code.toString(16)}}`;
  });
}

/**
 * Serialised JSON without a character that a terminal obeys or an eye overlooks. Such characters occur inside
 * strings only, so that escaping them leaves the value as it is.
 */
export function escapeJson(json: string): string {
  if (!BEYOND_ASCII.test(json) && !json.includes('\x7f')) return json;
  return json.replace(RAW_IN_JSON, (characters) => {
    let escaped = '';
    for (let i = 0; i < characters.length; i++) {
      escaped += `\\u${characters.charCodeAt(i).toString(16).padStart(4, '0')}`;
    }
    return escaped;
  });
}

function hexEscape(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
