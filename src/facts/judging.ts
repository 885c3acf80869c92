import type { Unjudged } from '../finding/check.js';
import type { SmtpExchange, SmtpSession } from '../smtp/session.js';
import { doubtsOf, ENCRYPTED, GAP, isWhole, LIMIT, MIDSTREAM, ONE_SIDED } from './absence.js';
import { flagsOf, IN_PIECES, LONG } from './session-flags.js';

/**
 * When a rule that stays silent about a session has seen that there was nothing. Bits are those of this module. Every
 * rule declares it, so that counting costs each session one number and one table, whatever the number of rules.
 */
export interface Needs {
  /** What must have happened, or there was nothing that could be harmed. One of them is enough. */
  readonly occasion: number;
  /** What leaves the rule in doubt even then. 0: what it judges was seen whole where the occasion was. */
  readonly doubts: number;
  /**
   * Where the traces lie. `before-server`: what a box writes to the client in the server's place is not there yet in a
   * capture taken beside the server. `beside-server`: what a box does to what the client sends is not there yet
   * anywhere else. `both-sides`: no single capture shows it, only two that are compared. `contrast`: one session alone shows
   * nothing; the listener counts those that lack another. Absent: each side sees it.
   */
  readonly seen?: 'before-server' | 'beside-server' | 'both-sides' | 'contrast';
}

/** The whole greeting. */
export const GREETED = 1 << 0;
export const EHLO_ANSWERED = 1 << 1;
/** EHLO was answered by a list of keywords, or by 250 alone. */
export const EHLO_ACCEPTED = 1 << 2;
/** A command besides EHLO, HELO and QUIT was answered. */
export const ANSWERED = 1 << 3;
export const AUTH_SENT = 1 << 4;
export const STARTTLS_SENT = 1 << 5;
/** Both sides went on behind the 220 to STARTTLS. */
export const TLS_BEGUN = 1 << 6;
/** A verb that only servers of one product understand among themselves. */
export const PRIVATE_VERB = 1 << 7;
export const RCPT_ANSWERED = 1 << 8;
export const MESSAGE = 1 << 9;
/** A message with octets beyond ASCII, or one that was announced so. */
export const EIGHT_BIT = 1 << 10;
/** A message that may be a delivery report. */
export const REPORT = 1 << 11;
/** More octets in one direction than two full segments carry. */
export const BULK = 1 << 12;
export const SELECTIVE_ACKS = 1 << 13;
/** The connection ended, or was given up, within the capture. */
export const ENDED = 1 << 14;
export const TYPED = 1 << 15;
/** Something longer than the limits of inspections. */
export const OVERLONG = 1 << 16;
/** A connection on which nothing was said. */
export const WORDLESS = 1 << 17;

export const IS_ONE_SIDED = 1 << 18;
export const IS_SLICED = 1 << 19;
export const HAS_GAP = 1 << 20;
export const IS_MIDSTREAM = 1 << 21;
/** The capture ends while something is under way: a command without its reply, a message without its end. */
export const IS_OPEN = 1 << 22;
const IS_ENCRYPTED = 1 << 23;
const BESIDE_SERVER = 1 << 24;

/** What every rule about absence asks. */
export const MISSING = IS_ONE_SIDED | IS_SLICED | HAS_GAP;
/** Behind them an occasion may lie that nobody saw. */
const HIDING = MISSING | IS_MIDSTREAM | IS_ENCRYPTED;

const BULK_OCTETS = 2_920;
/** What systems begin with: a packet that still has it was written on this link. */
const INITIAL_HOP_LIMITS: ReadonlySet<number | null> = new Set([64, 128, 255]);

/** What rules need to know of a session to say whether they judged it, as one number. */
export function judgingBits(session: SmtpSession): number {
  if (session.protocol === 'none') return WORDLESS;
  return occasions(session) | doubtBits(session) | (isBesideServer(session) ? BESIDE_SERVER : 0);
}

/** Why a rule with these needs did not judge a session with these bits; null: it did. */
export function whyUnjudged(bits: number, { occasion, doubts, seen }: Needs): Unjudged | null {
  if ((bits & occasion) === 0) return word(bits & HIDING) ?? 'no-occasion';
  if (seen === 'both-sides') return 'viewpoint';
  const beside = (bits & BESIDE_SERVER) !== 0;
  if ((seen === 'before-server' && beside) || (seen === 'beside-server' && !beside)) return 'viewpoint';
  return word(bits & doubts);
}

function word(doubts: number): Unjudged | null {
  if (doubts === 0) return null;
  if ((doubts & IS_ONE_SIDED) !== 0) return 'one-sided';
  if ((doubts & IS_SLICED) !== 0) return 'snaplen';
  if ((doubts & HAS_GAP) !== 0) return 'gap';
  if ((doubts & IS_MIDSTREAM) !== 0) return 'midstream';
  return (doubts & IS_OPEN) !== 0 ? 'open-at-end' : 'encrypted';
}

function occasions(session: SmtpSession): number {
  const { exchanges, messages, tls, closed, tcp } = session;
  const flags = flagsOf(session);
  let bits = closed === 'end-of-capture' || closed === 'limit' ? 0 : ENDED;
  if ((flags & IN_PIECES) !== 0) bits |= TYPED;
  if ((flags & LONG) !== 0) bits |= OVERLONG;
  for (let index = 0; index < exchanges.length; index++) bits |= ofExchange(session, exchanges[index]!);
  for (let index = 0; index < messages.length; index++) {
    const { octets, eightBit, body, looksLikeReport } = messages[index]!;
    bits |= MESSAGE;
    if (octets > BULK_OCTETS) bits |= BULK;
    if (eightBit || body === '8BITMIME') bits |= EIGHT_BIT;
    if (looksLikeReport) bits |= REPORT;
  }
  if (tls !== null && tls.client !== null && tls.server !== null) {
    bits |= TLS_BEGUN;
    if (tls.client.octets > BULK_OCTETS || tls.server.octets > BULK_OCTETS) bits |= BULK;
  }
  return tcp.sack === null ? bits : bits | SELECTIVE_ACKS;
}

function ofExchange(session: SmtpSession, { kind, verb, argument, reply }: SmtpExchange): number {
  switch (verb) {
    case '(greeting)':
      return reply?.complete && isWhole(session, reply) ? GREETED : 0;
    case 'EHLO':
      if (reply === null) return 0;
      return reply.code === 250 && reply.complete && isWhole(session, reply)
        ? EHLO_ANSWERED | EHLO_ACCEPTED
        : EHLO_ANSWERED;
    case 'HELO':
    case 'QUIT':
      return 0;
    case 'AUTH':
      return reply === null ? AUTH_SENT : AUTH_SENT | ANSWERED;
    case 'STARTTLS':
      return reply === null ? STARTTLS_SENT : STARTTLS_SENT | ANSWERED;
    case 'X-LINK2STATE':
    case 'X-EXPS':
    case 'XEXCH50':
      return reply === null ? PRIVATE_VERB : PRIVATE_VERB | ANSWERED;
    case 'RCPT':
      return reply === null ? 0 : RCPT_ANSWERED | ANSWERED;
    case 'MAIL': {
      const announced = argument !== null && /\bBODY=8BITMIME\b/i.test(argument) ? EIGHT_BIT : 0;
      return reply === null ? announced : announced | ANSWERED;
    }
    default:
      return reply === null || kind === 'unseen' ? 0 : ANSWERED;
  }
}

function doubtBits(session: SmtpSession): number {
  const doubts = doubtsOf(session);
  let bits = 0;
  if ((doubts & ONE_SIDED) !== 0) bits |= IS_ONE_SIDED;
  if ((doubts & MIDSTREAM) !== 0) bits |= IS_MIDSTREAM;
  if ((doubts & ENCRYPTED) !== 0) bits |= IS_ENCRYPTED;
  if ((doubts & LIMIT) !== 0) bits |= HAS_GAP;
  if ((doubts & GAP) !== 0) {
    bits |= session.gaps.some(({ cause }) => cause === 'sliced') ? IS_SLICED : HAS_GAP;
  }
  return isOpen(session) ? bits | IS_OPEN : bits;
}

function isOpen({ closed, exchanges, messages }: SmtpSession): boolean {
  if (closed !== 'end-of-capture') return false;
  return exchanges.at(-1)?.noReply === 'end-of-capture' || messages.at(-1)?.endExchange === null;
}

/**
 * The server's packets have passed no router yet and the client's have: the capture was taken beside the server. Where the
 * hop limits do not say so it is not known, and a capture is mostly taken where the trouble is seen, beside the client.
 */
function isBesideServer({ tcp: { clientHopLimit, serverHopLimit } }: SmtpSession): boolean {
  return (
    clientHopLimit !== null &&
    INITIAL_HOP_LIMITS.has(serverHopLimit) &&
    !INITIAL_HOP_LIMITS.has(clientHopLimit)
  );
}
