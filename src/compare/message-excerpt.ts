import { withheld } from '../smtp/auth.js';

/** Of what changed in a message, so much is shown. */
const SHOWN_OCTETS = 32;

/** So far to each side it is looked what kind of line this is. */
const CONTEXT_OCTETS = 256;

const MASK = /^[Xx* ]*$/;
const CREDENTIAL = /pass|pwd|secret|token|login|auth|user|cookie|key|\bpin\b/i;
/** Base64 of anything: an attachment, or a credential. */
const ENCODED = /^[A-Za-z0-9+/=_-]{12,}$/;

export interface Excerpt {
  readonly text: string;
  /** Not even which of its octets a mask left as they were may be told. */
  readonly isSecret: boolean;
}

/**
 * The octets of a message that changed, and no others: no mail body is shown beyond them.
 *
 * Where the line could hold a credential, or is encoded, only their number. A mask is shown as it is.
 */
export function shownExcerpt(octets: Buffer, from: number, to: number): Excerpt {
  const changed = octets.latin1Slice(from, Math.min(to, from + SHOWN_OCTETS));
  if (MASK.test(changed)) return { text: changed, isSecret: false };
  const head = octets.latin1Slice(Math.max(0, from - CONTEXT_OCTETS), from);
  const tail = octets.latin1Slice(from, Math.min(octets.length, from + CONTEXT_OCTETS));
  const run = Math.min(to - from, tail.length);
  const line = head.slice(head.lastIndexOf('\n') + 1) + tail.slice(0, run) + firstLine(tail.slice(run));
  if (CREDENTIAL.test(line)) return { text: withheld(to - from), isSecret: true };
  const word = (/[^ \t\r\n]*$/.exec(head)?.[0] ?? '') + (/^[^ \t\r\n]*/.exec(tail)?.[0] ?? '');
  return { text: ENCODED.test(word) ? withheld(to - from) : changed, isSecret: false };
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
