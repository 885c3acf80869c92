import type { SmtpSession } from '../smtp/session.js';
import type { Direction, Endpoint } from '../stream/event.js';

/** Which capture: the one given as `--inside`, or the one given as `--outside`. */
export type Side = 'inside' | 'outside';

/**
 * What two sessions have in common, so that they are one. Strongest first.
 *
 * `sequence-numbers`: an initial sequence number; `timestamps`: the TSval of a SYN or SYN-ACK; `endpoints`: all
 * addresses and ports; `client-port`: the client's port where addresses were translated; `message`: a Message-ID and
 * digest; `dialogue`: the lengths of all lines and the clear part of them; `hello`: what the client calls itself, and
 * the time; `clock`: nothing but the time, once the clocks are known, and no other candidate.
 */
export type MatchedBy =
  | 'sequence-numbers'
  | 'timestamps'
  | 'endpoints'
  | 'client-port'
  | 'message'
  | 'dialogue'
  | 'hello'
  | 'clock';

/** One session seen on both sides. Numbers are those of the ids (17 for `s17`). */
export interface Pair {
  readonly inside: number;
  readonly outside: number;
  readonly matchedBy: readonly MatchedBy[];
  /** Microseconds that the inside's clock is ahead of the outside's, for this pair; null without times. */
  readonly clockOffsetUs: number | null;
}

export interface Unpaired {
  readonly side: Side;
  readonly session: number;
  /** Stable word. `ambiguous`: several candidates are equally good; `not-covered`: the other capture was not running. */
  readonly reason: 'no-counterpart' | 'ambiguous' | 'not-covered';
  /** One sentence with numbers. */
  readonly detail: string;
}

/** The inside's clock against the outside's: `inside = outside + offset + drift * (outside - first)`. */
export interface ClockFit {
  readonly offsetUs: number;
  /** Parts per million; 0 where too few pairs tell. */
  readonly driftPpm: number;
  /** Median distance of the pairs from that line. */
  readonly residualUs: number;
  readonly pairs: number;
}

export interface Pairing {
  readonly pairs: readonly Pair[];
  readonly unpaired: readonly Unpaired[];
  readonly clock: ClockFit | null;
  /** Which capture is nearer the server, by hop limits and by the times of handshakes; null: cannot tell. */
  readonly nearerServer: Side | null;
  /** Why, in one sentence. */
  readonly nearerServerBecause: string;
}

/** Where something is in one of the two captures. */
export interface Spot {
  readonly side: Side;
  /** `s17` */
  readonly session: string;
  readonly capture: number;
  readonly packet: number;
  readonly offset: number | null;
  /** Raw latin1, at most 512 octets: escape before printing. */
  readonly text: string;
}

/**
 * What became of it on its way. `lost`: its receiver never acknowledged it, and it was sent in vain: no box need have
 * touched it; `unseen`: one capture has a gap there, which is no change.
 */
export type Change = 'altered' | 'removed' | 'added' | 'answered' | 'lost' | 'unseen';

/** `stars`: the greeting's mask; `xs`: X’s; `noop`: NOOP in its place; `blank`: a blank for `|`; `other`. */
export type Alteration = 'stars' | 'xs' | 'noop' | 'blank' | 'other';

export type Subject =
  | 'greeting'
  | 'command'
  | 'reply'
  | 'keyword'
  | 'message'
  | 'end-of-data'
  | 'tls'
  | 'close'
  | 'mss'
  | 'window-scale'
  | 'sack'
  | 'timestamps'
  | 'sequence-numbers';

/** One thing that is not the same on both sides. What is the same is not listed. */
export interface Difference {
  readonly change: Change;
  readonly subject: Subject;
  readonly how: Alteration | null;
  /** Who sent it. */
  readonly direction: Direction;
  /** The exchange's verb: `EHLO`, `(greeting)`; null for TCP. */
  readonly verb: string | null;
  /** On the sender's side of the box, and on the receiver's; null: not there. */
  readonly before: Spot | null;
  readonly after: Spot | null;
  /** Octets that differ; for `removed` and `added` all of them. */
  readonly octets: number;
  /** Which octets of `before.text` (half-open, first 32 ranges); offsets in the stream are `before.offset` plus these. */
  readonly ranges: readonly (readonly [from: number, to: number])[];
}

const TCP: ReadonlySet<Subject> = new Set(['mss', 'window-scale', 'sack', 'timestamps', 'sequence-numbers']);

/** It is of the handshake and of segments, not of what was said. */
export function isTcp({ subject }: Difference): boolean {
  return TCP.has(subject);
}

/** The dialogue was changed. */
export function isTold(difference: Difference): boolean {
  return !isTcp(difference) && difference.change !== 'unseen';
}

/** As much of a session as pairing needs. */
export type PairingSession = Pick<
  SmtpSession,
  | 'id'
  | 'client'
  | 'server'
  | 'start'
  | 'end'
  | 'midstream'
  | 'oneSided'
  | 'protocol'
  | 'exchanges'
  | 'messages'
  | 'tcp'
>;

export type { Endpoint };
