import type { SmtpExchange, SmtpLine, SmtpReply, SmtpSession } from '../smtp/session.js';
import type { ForeignSegment, TcpFacts } from '../stream/tcp-facts.js';
import { absenceDoubt, MIDSTREAM } from './absence.js';
import { fisherExact } from './fisher.js';
import { factsOf } from './session-facts.js';

/** Segments with replies of the server's own stack without which nothing is said about the others. */
const MIN_OWN = 3;
/** Routes of one path differ by less. */
const MIN_HOPS = 5;
/** A counter of IP IDs goes on by no more between two segments, and a foreign ID lies further away. */
const ID_STEP = 256;
const ID_AWAY = 4096;
/** Below it the machine between network card and clock could be the delay. */
const MIN_HANDSHAKE_US = 5_000;
/** Shares of the handshake's time: faster than any server could be, as slow as the path, and hardly slower. */
const TOO_FAST = 0.5;
const AS_PATH = 0.8;
const NEAR_PATH = 1.5;
const MIN_NEAR = 2;
const SIGNIFICANT = 0.05;

export type SignKind = 'hop limit' | 'no timestamp' | 'other clock' | 'IP ID' | 'delay';

/** One reason to think that another machine wrote a reply. */
export interface Sign {
  readonly kind: SignKind;
  /** `with hop limit 255 where the server's segments have 61` */
  readonly clause: string;
  /** `hop limit 255/61` */
  readonly short: string;
}

export interface JudgedReply {
  readonly exchange: SmtpExchange;
  readonly reply: SmtpReply;
  /** Its first line, whose first octet's frame is judged. */
  readonly line: SmtpLine;
  readonly writer: 'server' | 'another' | 'undecided';
  readonly signs: readonly Sign[];
  /** Microseconds from the command to the reply; null: no command, or an answer that need not wait for its end. */
  readonly delayUs: number | null;
}

/** Who wrote the replies of one session. */
export interface WhoAnswered {
  readonly replies: readonly JudgedReply[];
  /** One sign each, but all of them and they alone give one odd answer: the probability that this is chance. */
  readonly chance: number | null;
}

const NOBODY_ELSE: WhoAnswered = { replies: [], chance: null };

/**
 * Holds each reply against the other segments of its connection: hop limit, timestamps, IP ID, and the time it took.
 *
 * One sign alone has honest explanations: routes change, paths are many, a reply may have been under way already.
 * Two of them at one reply have none but a second writer, as long as the server's own segments go on behind it.
 * No replies: nothing speaks of another writer, or nothing can be said.
 */
export function whoAnswered(session: SmtpSession): WhoAnswered {
  const facts = factsOf(session);
  facts.whoAnswered ??= judge(session);
  return facts.whoAnswered;
}

/** What shows that another machine wrote the reply; null when the server did, or nobody can tell. */
export function foreignSigns(session: SmtpSession, reply: SmtpReply): string | null {
  const { replies } = whoAnswered(session);
  if (replies.length === 0) return null;
  // Rules ask for reply after reply of one session, of which there may be ten thousand.
  const facts = factsOf(session);
  facts.judgedReplies ??= new Map(replies.map((one) => [one.reply, one]));
  const judged = facts.judgedReplies.get(reply);
  return judged?.writer === 'another' ? signText(judged) : null;
}

/**
 * Bare acknowledgements in the server's name that another stack wrote: a box took the bytes, whether or not it passed them on.
 *
 * Two signs at each, since one alone has honest explanations.
 */
export function foreignAcknowledgements({ tcp }: SmtpSession): readonly ForeignSegment[] {
  return tcp.foreign.filter(
    (segment) => segment.length === 0 && !segment.reset && segmentSigns(segment, tcp).length > 1,
  );
}

/** `hop limit 255/61; no timestamp` */
export function signText({ signs }: Pick<JudgedReply, 'signs'>): string {
  return signs.map(({ short }) => short).join('; ');
}

function judge(session: SmtpSession): WhoAnswered {
  const { tcp } = session;
  const measured = tcp.handshakeUs !== null && tcp.handshakeUs >= MIN_HANDSHAKE_US;
  if (!tcp.foreign.some(({ reset, length }) => !reset && length > 0) && !measured) return NOBODY_ELSE;
  if (!session.synAckSeen || absenceDoubt(session, MIDSTREAM) !== null) return NOBODY_ELSE;
  const seen = repliesOf(session);
  const tooFast = tooFastThan(tcp, seen);
  const signed = seen.map((one) => ({ ...one, ...signsOf(one, tcp, tooFast) }));
  if (!signed.some(({ signs }) => signs.length > 0)) return NOBODY_ELSE;
  const own = signed.filter(({ listed, signs }) => listed && signs.length === 0);
  const last = Math.max(0, ...own.map(({ line }) => line.frame));
  const first = Math.min(...own.map(({ line }) => line.frame));
  const enough = new Set(own.map(({ line }) => line.frame)).size >= MIN_OWN;
  /** The server's own segments lie in front of it and behind it: no route and no server that changed for good. */
  const between = ({ line }: SeenReply) => enough && line.frame > first && line.frame < last;
  const chance = enough ? patternOf(signed, between) : null;
  const replies = signed.map(({ exchange, reply, line, delayUs, listed, signs }): JudgedReply => {
    const told = signs.length > 1 || (signs.length === 1 && chance !== null);
    const another = told && between({ exchange, reply, line, delayUs });
    const writer = another ? 'another' : listed && signs.length === 0 ? 'server' : 'undecided';
    return { exchange, reply, line, delayUs, signs, writer };
  });
  return { replies, chance };
}

type SeenReply = Pick<JudgedReply, 'exchange' | 'reply' | 'line' | 'delayUs'>;

interface SignedReply extends SeenReply {
  /** Its segment would be among the foreign ones if it were one of them: their list is cut. */
  readonly listed: boolean;
  readonly signs: readonly Sign[];
}

function repliesOf({ exchanges }: SmtpSession): SeenReply[] {
  const seen: SeenReply[] = [];
  for (const exchange of exchanges) {
    if (exchange.afterGap) continue;
    for (const reply of [exchange.intermediate, exchange.reply]) {
      const line = reply?.lines[0];
      if (reply && line) seen.push({ exchange, reply, line, delayUs: delayOf(exchange, reply, line) });
    }
  }
  return seen;
}

/** A farewell (421) and the refusal of mail data need not wait for what they answer. */
function delayOf(exchange: SmtpExchange, reply: SmtpReply, line: SmtpLine): number | null {
  const { kind, intermediate } = exchange;
  if (kind !== 'command' && kind !== 'auth-response') return null;
  if (reply.code === 421 || (intermediate !== null && reply !== intermediate)) return null;
  const from = exchange.line?.time;
  const delay = from && line.time ? line.time.us - from.us : -1;
  return delay >= 0 ? delay : null;
}

/** No reply of the server can be faster than its path, which the handshake tells and other replies confirm. */
function tooFastThan({ handshakeUs }: TcpFacts, seen: readonly SeenReply[]): number {
  if (handshakeUs === null || handshakeUs < MIN_HANDSHAKE_US) return 0;
  const share = seen.flatMap(({ delayUs }) => (delayUs === null ? [] : [delayUs / handshakeUs]));
  const slower = share.filter((one) => one >= TOO_FAST);
  const near = slower.filter((one) => one <= NEAR_PATH);
  const confirmed = slower.length >= MIN_OWN && near.length >= MIN_NEAR && Math.min(...slower) >= AS_PATH;
  return confirmed ? handshakeUs * TOO_FAST : 0;
}

function signsOf(
  { line, delayUs }: SeenReply,
  tcp: TcpFacts,
  tooFast: number,
): Pick<SignedReply, 'listed' | 'signs'> {
  const segment = tcp.foreign.find(({ frame }) => frame === line.frame);
  const listed = tcp.foreignCount <= tcp.foreign.length || line.frame <= tcp.foreign.at(-1)!.frame;
  const signs = segment ? segmentSigns(segment, tcp) : [];
  if (delayUs !== null && delayUs < tooFast) {
    const took = `${milliseconds(delayUs)} ms`;
    const handshake = milliseconds(tcp.handshakeUs!);
    signs.push({
      kind: 'delay',
      clause: `${took} after the command on a path where the handshake took ${handshake} ms`,
      short: `${took} after the command, handshake ${handshake} ms`,
    });
  }
  return { listed, signs: continues(segment) ? [] : signs };
}

function segmentSigns(segment: ForeignSegment, tcp: TcpFacts): Sign[] {
  const { serverHopLimit, clientOffer, serverOffer } = tcp;
  const { hopLimit, tsval, otherClock, ipId, ownIpIdBefore: before, ownIpIdAfter: after } = segment;
  const signs: Sign[] = [];
  if (serverHopLimit !== null && Math.abs(hopLimit - serverHopLimit) >= MIN_HOPS) {
    signs.push({
      kind: 'hop limit',
      clause: `with hop limit ${hopLimit} where the server's segments have ${serverHopLimit}`,
      short: `hop limit ${hopLimit}/${serverHopLimit}`,
    });
  }
  if (tsval === null && clientOffer?.timestamps && serverOffer?.timestamps) {
    signs.push({
      kind: 'no timestamp',
      clause: "without the TCP timestamp that all of the server's segments carry",
      short: 'no timestamp',
    });
  }
  if (otherClock) {
    signs.push({
      kind: 'other clock',
      clause: 'with a TCP timestamp of another clock',
      short: 'other clock',
    });
  }
  if (before !== null && isOtherCounter(ipId, before, after)) {
    signs.push({
      kind: 'IP ID',
      clause: `with IP ID ${ipId} where the server counts from ${before}${after === null ? '' : ` to ${after}`}`,
      short: `IP ID ${ipId}/${before}`,
    });
  }
  return signs;
}

function isOtherCounter(ipId: number, before: number, after: number | null): boolean {
  if ((ipId === 0) !== (before === 0)) return after === null || (before === 0) === (after === 0);
  if (after === null || !isStep(before, after)) return false;
  const away = Math.min((ipId - before) & 0xffff, (before - ipId) & 0xffff);
  return away > ID_AWAY;
}

/** Its IP ID is the next of the server's counter: the same machine by another way. */
function continues(segment: ForeignSegment | undefined): boolean {
  if (!segment || segment.ownIpIdBefore === null || segment.ownIpIdAfter === null) return false;
  const { ipId, ownIpIdBefore: before, ownIpIdAfter: after } = segment;
  return isStep(before, ipId) && isStep(ipId, after) && isStep(before, after);
}

function isStep(from: number, to: number): boolean {
  const step = (to - from) & 0xffff;
  return step > 0 && step <= ID_STEP;
}

/**
 * Replies with one sign each, of one kind: they say the same, no other reply does, and no server says it to what was
 * sent. Which of several replies go another way is chance otherwise.
 */
function patternOf(signed: readonly SignedReply[], between: (one: SeenReply) => boolean): number | null {
  const odd = signed.filter(({ signs }) => signs.length > 0);
  const [first] = odd;
  if (!first || odd.some(({ signs }) => signs.length > 1 || signs[0]!.kind !== first.signs[0]!.kind))
    return null;
  if (!odd.every((one) => isOddAnswer(one) && between(one))) return null;
  if (signed.filter(({ line }) => line.text === first.line.text).length !== odd.length) return null;
  if (odd.some(({ line }) => line.text !== first.line.text)) return null;
  const frames = new Set(odd.map(({ line }) => line.frame)).size;
  const others = new Set(signed.map(({ line }) => line.frame)).size - frames;
  const chance = fisherExact(frames, 0, 0, others);
  return chance < SIGNIFICANT ? chance : null;
}

/** `OK` without a code, or a refusal as of a verb that is not known. */
function isOddAnswer({ exchange, reply }: SeenReply): boolean {
  return exchange.kind === 'command' && (reply.code === null || reply.code === 500 || reply.code === 502);
}

function milliseconds(us: number): string {
  return us < 10_000 ? (us / 1000).toFixed(1) : String(Math.round(us / 1000));
}
