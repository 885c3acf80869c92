import type { Difference, Spot } from '../../compare/pair.js';
import { printableOctets } from '../printable.js';

/** How the octets of a change are shown: where on each side, and which of them differ. */

/** Where it was seen on the client's and on the server's side. */
export function ends({ direction, before, after }: Difference): [client: Spot | null, server: Spot | null] {
  return direction === 'client' ? [before, after] : [after, before];
}

/** A stretch of a text as it is shown: octets that differ, or that do not. */
export interface Stretch {
  /** Printable. */
  readonly text: string;
  readonly changed: boolean;
}

/** What stands in front of the first octet that differs, when a text is longer than is shown. */
const LEAD = 24;
/** Octets of messages are not kept: the report has their number, and no place in them. */
const WITHHELD = /^\[\d+ octets\]$/;

/** Of these octets only the number is kept. */
export function isWithheld({ text }: Spot): boolean {
  return WITHHELD.test(text);
}

/** Which octets of the text at this spot differ; none where they are not kept. */
export function changedRanges(
  spot: Spot,
  { before, after, ranges }: Pick<Difference, 'before' | 'after' | 'ranges'>,
): Difference['ranges'] {
  if (isWithheld(spot)) return [];
  const other = spot === before ? after : before;
  if (other === null || isWithheld(other) || other.text.length === spot.text.length) return ranges;
  // Of another length: what lies between the beginning and the end that both have.
  const shorter = Math.min(spot.text.length, other.text.length);
  let head = 0;
  while (head < shorter && spot.text[head] === other.text[head]) head++;
  let tail = 0;
  while (tail < shorter - head && spot.text.at(-1 - tail) === other.text.at(-1 - tail)) tail++;
  return [[head, spot.text.length - tail]];
}

/**
 * As much of a text as is shown, from a little in front of the first octet that differs, in stretches.
 *
 * @param text  raw latin1
 * @param limit  octets
 */
export function stretches(text: string, ranges: Difference['ranges'], limit: number): Stretch[] {
  const start = text.length > limit ? Math.max(0, (ranges[0]?.[0] ?? 0) - LEAD) : 0;
  const end = Math.min(text.length, start + limit);
  const found: Stretch[] = [];
  const add = (from: number, to: number, changed: boolean): void => {
    if (to > from) found.push({ text: printableOctets(text.slice(from, to)), changed });
  };
  if (start > 0) found.push({ text: '…', changed: false });
  let at = start;
  for (const [from, to] of ranges) {
    const [begin, stop] = [Math.max(at, Math.min(from, end)), Math.max(at, Math.min(to, end))];
    add(at, begin, false);
    add(begin, stop, true);
    at = stop;
  }
  add(at, end, false);
  if (end < text.length) found.push({ text: '…', changed: false });
  return found;
}
