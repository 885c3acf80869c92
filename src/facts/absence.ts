import type { SmtpExchange, SmtpReply, SmtpSession } from '../smtp/session.js';
import { factsOf } from './session-facts.js';

/** Why what is absent from a session proves nothing: a word of the report's `notAssessed`. */
export type AbsenceDoubt = 'gap' | 'one-sided' | 'limit' | 'midstream' | 'encrypted';

/** Octets may be missing from the capture that were on the wire. */
export const GAP = 1 << 0;
/** Packets of one direction only were captured. */
export const ONE_SIDED = 1 << 1;
/** More was said than is kept. */
export const LIMIT = 1 << 2;
/** Octets of the server never reached the client: evidence of loss, but what lies behind them has no known beginning. */
export const UNARRIVED = 1 << 3;
/** The beginning of the connection was not captured. */
export const MIDSTREAM = 1 << 4;
/** A part of the session cannot be read. */
export const ENCRYPTED = 1 << 5;

/** What every rule about absence asks; the exported bits are for those that look at more than that. */
const ALWAYS = GAP | ONE_SIDED | LIMIT;

/** CRLF. */
const LINE_END = 2;

/** By the number of the bit. */
const WORDS: readonly AbsenceDoubt[] = ['gap', 'one-sided', 'limit', 'gap', 'midstream', 'encrypted'];

/**
 * The one place that says whether silence is evidence: what a rule does not see in this session did not happen, unless
 * there is a doubt.
 *
 * @param besides  bits of what would leave this rule in doubt as well
 * @returns the first doubt, which a rule can give as its reason; null: absence is evidence
 */
export function absenceDoubt(session: SmtpSession, besides = 0): AbsenceDoubt | null {
  const doubts = doubtsOf(session) & (ALWAYS | besides);
  // The number of the lowest bit.
  return doubts === 0 ? null : WORDS[31 - Math.clz32(doubts & -doubts)]!;
}

/** All doubts about a session, as bits. */
export function doubtsOf(session: SmtpSession): number {
  const facts = factsOf(session);
  if (facts.absence < 0) facts.absence = readDoubts(session);
  return facts.absence;
}

/** No octet of the server is missing up to the end of a reply: a line that was cut may go on in clear text. */
export function isWhole({ gaps, gapCount }: SmtpSession, { lines }: SmtpReply): boolean {
  const last = lines.at(-1);
  if (gapCount === 0 || last === undefined) return true;
  const end = last.offset + last.octets + LINE_END;
  return gaps.every(({ direction, offset }) => direction !== 'server' || offset > end);
}

function readDoubts(session: SmtpSession): number {
  const { gaps, gapCount, oneSided, truncated, midstream, encryptedFrom } = session;
  let doubts = 0;
  // Octets of the server that the client never acknowledged before it ended the connection did not reach it: that gap
  // is no fault of the capture.
  const missed =
    gapCount > gaps.length ||
    gaps.some(({ cause, direction }) => cause !== 'unfilled' || direction !== 'server');
  if (missed) doubts |= GAP;
  if (gapCount > 0) doubts |= UNARRIVED;
  if (oneSided !== null) doubts |= ONE_SIDED;
  if (truncated) doubts |= LIMIT;
  if (midstream) doubts |= MIDSTREAM;
  if (encryptedFrom !== null) doubts |= ENCRYPTED;
  return doubts;
}

/**
 * How a command is known to have stayed without a reply; null: it was answered, or a reply could have been missed.
 *
 * `closed` and `silent`: nothing came any more; `unacknowledged`: the command never arrived; `lost`: the reply never arrived;
 * `next`: a later command was answered instead.
 */
export function knownSilence({ noReply }: SmtpExchange): KnownSilence | null {
  switch (noReply) {
    case 'closed':
    case 'silent':
    case 'unacknowledged':
    case 'lost':
    case 'next':
      return noReply;
    default:
      return null;
  }
}

export type KnownSilence = 'closed' | 'silent' | 'unacknowledged' | 'lost' | 'next';
