import { withheld } from '../smtp/auth.js';
import { TLS_HEADER_OCTETS } from '../smtp/tls-record.js';
import type { Excerpt } from './message-excerpt.js';
import type { Spot } from './pair.js';

const MASK = /^(?:X+|\*+)$/;

/** Of a mask so much is shown. */
const SHOWN_OCTETS = 32;

/**
 * What is shown of octets under TLS that changed: a mask, and what lies in the header of a flight's first record. Of
 * the others, their number: they may be anybody's data.
 *
 * @param isHead  the octets begin with that header
 */
export function tlsExcerpt(octets: Buffer, from: number, to: number, isHead: boolean): Excerpt {
  const changed = octets.latin1Slice(from, Math.min(to, from + SHOWN_OCTETS));
  const text =
    isHead && from < TLS_HEADER_OCTETS
      ? octets.latin1Slice(from, Math.min(to, TLS_HEADER_OCTETS))
      : MASK.test(changed)
        ? changed
        : withheld(to - from);
  return { text, isSecret: false };
}

/** Nothing but the number of the octets is shown. */
export function isWithheld(spot: Spot | null): boolean {
  return spot === null || /^\[\d+ octets\]$/.test(spot.text);
}
