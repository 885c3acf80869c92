/** What the beginning of a server's line says; packed in a number, since every line is asked. */
const SPACE = 0x20;
const HYPHEN = 0x2d;
const STAR = 0x2a;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const TWO = 0x32;
const UPPER_X = 0x58;
const LOWER_X = 0x78;

/** A line without a code. */
export const NO_CODE = 0;

/**
 * The three-digit code of a line, or NO_CODE. The code counts when a space, a hyphen or nothing follows it, or
 * an asterisk: a mask overwrites the separator too. RFC 5321 §4.2.
 */
export function replyCode(octets: Buffer, start: number, end: number): number {
  if (end - start < 3) return NO_CODE;
  let code = 0;
  for (let at = start; at < start + 3; at++) {
    const octet = octets[at]!;
    if (octet < ZERO || octet > NINE) return NO_CODE;
    code = code * 10 + octet - ZERO;
  }
  // Codes begin with 1 to 5; `000` and the like are nobody's, but they are three digits.
  if (code === 0) return NO_CODE;
  if (end - start === 3) return code;
  return isSeparator(octets[start + 3]!) ? code : NO_CODE;
}

/** The same of a line's text. */
export function replyCodeOf(text: string): number {
  if (text.length < 3) return NO_CODE;
  let code = 0;
  for (let at = 0; at < 3; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (!(digit >= 0 && digit <= 9)) return NO_CODE;
    code = code * 10 + digit;
  }
  return text.length === 3 || isSeparator(text.charCodeAt(3)) ? code : NO_CODE;
}

function isSeparator(octet: number): boolean {
  return octet === SPACE || octet === HYPHEN || octet === STAR;
}

/** `250-`: another line of the reply follows. */
export function isHyphen(octets: Buffer, start: number, end: number): boolean {
  return end - start > 3 && octets[start + 3] === HYPHEN;
}

/** `220*`: what followed the code was overwritten. */
export function isMaskedSeparator(octets: Buffer, start: number, end: number): boolean {
  return end - start > 3 && octets[start + 3] === STAR;
}

/** Four X's in a row, or three asterisks anywhere. */
export function looksMasked(octets: Buffer, start: number, end: number): boolean {
  let run = 0;
  let stars = 0;
  for (let at = start; at < end; at++) {
    const octet = octets[at]!;
    if (octet === UPPER_X || octet === LOWER_X) {
      if (++run === 4) return true;
    } else {
      run = 0;
      if (octet === STAR && ++stars === 3) return true;
    }
  }
  return false;
}

/** Nothing but asterisks and the `2`, `0` and spaces that the mask lets through, and at least three asterisks. */
export function isGreetingMask(octets: Buffer, start: number, end: number): boolean {
  let stars = 0;
  for (let at = start; at < end; at++) {
    const octet = octets[at]!;
    if (octet === STAR) stars++;
    else if (octet !== TWO && octet !== ZERO && octet !== SPACE && octet !== HYPHEN) return false;
  }
  return stars >= 3;
}

/** RFC 3463 status at the beginning of a reply line's text: `550 5.7.1 ..`. */
export function enhancedStatus(text: string): string | null {
  if (text.charCodeAt(5) !== DOT || replyCodeOf(text) === NO_CODE) return null;
  const separator = text.charCodeAt(3);
  const kind = text[4];
  if ((separator !== SPACE && separator !== HYPHEN) || (kind !== '2' && kind !== '4' && kind !== '5'))
    return null;
  const subject = afterDigits(text, 6);
  if (subject < 0 || text.charCodeAt(subject) !== DOT) return null;
  const end = afterDigits(text, subject + 1);
  return end < 0 || text.charCodeAt(end) === DOT ? null : text.slice(4, end);
}

/** Where one to three digits end; -1: there are none, or more. */
function afterDigits(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) >= ZERO && text.charCodeAt(at) <= NINE) at++;
  return at > from && at <= from + 3 ? at : -1;
}
