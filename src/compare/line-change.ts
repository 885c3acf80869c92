import type { SmtpLine } from '../smtp/session.js';
import type { Alteration } from './pair.js';

/** Ranges of one difference that are listed. */
export const MAX_RANGES = 32;

/** What became of a text. */
export interface TextChange {
  readonly how: Alteration;
  /** Octets that differ. */
  readonly octets: number;
  /** Of the text before, half-open. */
  readonly ranges: [from: number, to: number][];
}

const WITHHELD = /\[\d+ octets\]/;

/**
 * What became of a line on its way; null: nothing that can be seen.
 *
 * Of a line whose end was withheld (a credential) or not kept, the beginning is compared, and the length.
 */
export function lineChange(before: SmtpLine, after: SmtpLine, inGreeting: boolean): TextChange | null {
  const clear = Math.min(clearOctets(before), clearOctets(after));
  const cut = isUnended(before) || isUnended(after);
  const ending = cut || before.ending === after.ending ? 0 : 1;
  if (before.octets !== after.octets) {
    // The rest of a line that was cut off was not seen.
    if (cut) {
      const shorter = Math.min(clear, before.octets, after.octets);
      return inPlace(before.text.slice(0, shorter), after.text.slice(0, shorter), inGreeting);
    }
    return resized(before, after, clear);
  }
  const change = inPlace(before.text.slice(0, clear), after.text.slice(0, clear), inGreeting);
  const masked = change ?? maskedSecret(before, after, clear);
  if (ending === 0) return masked;
  return { how: 'other', octets: (masked?.octets ?? 0) + 1, ranges: masked?.ranges ?? [] };
}

/** The octets of two texts of one length that differ; null: none does. */
export function inPlace(before: string, after: string, inGreeting: boolean): TextChange | null {
  if (before === after) return null;
  const ranges: [number, number][] = [];
  let octets = 0;
  let start = -1;
  for (let at = 0; at <= before.length; at++) {
    const differs = at < before.length && before[at] !== after[at];
    if (differs) {
      octets++;
      if (start < 0) start = at;
    } else if (start >= 0) {
      if (ranges.length < MAX_RANGES) ranges.push([start, at]);
      start = -1;
    }
  }
  return { how: alteration(before, after, inGreeting), octets, ranges };
}

function alteration(before: string, after: string, inGreeting: boolean): Alteration {
  if (isNoop(before, after)) return 'noop';
  // The letter with which a masked keyword ends counts the masked ones.
  const end = /^(?:\d{3}[ -])?X+[A-Z]$/.test(after) ? after.length - 1 : after.length;
  let xs = true;
  let stars = inGreeting;
  let blank = true;
  for (let at = 0; at < end; at++) {
    const octet = after[at];
    if (octet === before[at]) continue;
    if (octet !== 'X' && octet !== 'x') xs = false;
    if (octet !== '*') stars = false;
    if (octet !== ' ' || before[at] !== '|') blank = false;
  }
  return xs ? 'xs' : stars ? 'stars' : blank ? 'blank' : 'other';
}

/** NOOP in the verb's place, and blanks behind it or what stood there. */
function isNoop(before: string, after: string): boolean {
  if (!/^NOOP(?: |$)/.test(after) || /^NOOP\b/i.test(before)) return false;
  return /^NOOP *$/.test(after) || after.slice(4) === before.slice(4);
}

/** Another length: what lies between the beginning and the end that both have. */
function resized(before: SmtpLine, after: SmtpLine, clear: number): TextChange {
  const shorter = Math.min(clear, before.octets, after.octets);
  let head = 0;
  while (head < shorter && before.text[head] === after.text[head]) head++;
  let tail = 0;
  const whole = clearOctets(before) === before.octets && clearOctets(after) === after.octets;
  while (whole && tail < shorter - head && before.text.at(-1 - tail) === after.text.at(-1 - tail)) tail++;
  const [gone, come] = [before.octets - head - tail, after.octets - head - tail];
  return { how: 'other', octets: Math.max(gone, come), ranges: gone > 0 ? [[head, head + gone]] : [] };
}

/** A credential became X's: which of its octets were X's before must not be told. */
function maskedSecret(before: SmtpLine, after: SmtpLine, clear: number): TextChange | null {
  if (clear >= before.octets || clearOctets(after) < after.octets || isCut(before)) return null;
  if (!/^[Xx ]*X[Xx ]*$/.test(after.text.slice(clear))) return null;
  return { how: 'xs', octets: before.octets - clear, ranges: [] };
}

/** How far the text is what was on the wire. */
function clearOctets(line: SmtpLine): number {
  const at = line.text.search(WITHHELD);
  return at < 0 ? Math.min(line.text.length, line.octets) : at;
}

/** What came of it was cut off: in front of its LF, or of its CRLF. */
export function isUnended({ ending }: SmtpLine): boolean {
  return ending === 'none' || ending === 'CR';
}

function isCut(line: SmtpLine): boolean {
  return line.truncated && !WITHHELD.test(line.text);
}
