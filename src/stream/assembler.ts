import type { AddressTable } from '../wire/address.js';
import type { Checksum, TcpSegment } from '../wire/segment.js';
import {
  ACKED,
  ConnectionRows,
  FIN_FRAME,
  FIN_OFFSET,
  FIRST_OF,
  ISN,
  KeptRows,
  NEXT,
  NO_ROW,
  OFFSET,
  ORIGIN,
  PACKETS,
  RECENT,
  type RowHolder,
  RST_FRAME,
  setWhole,
  wholeOf,
} from './connection-rows.js';
import {
  type ConnectionView,
  type Direction,
  type GapCause,
  StreamChunk,
  type StreamListener,
} from './event.js';
import type { StreamLimits } from './limits.js';
import { RecentOctets } from './recent.js';
import { advance } from './sequence.js';
import type { Difference, HeldSegment, Waiting } from './waiting.js';

/** Data of a segment that is cheap to sum up, and how much of longer ones is summed up without a reason. */
const SHORT = 512;
const SUM_BUDGET = 8 << 20;

/** What all connections of a table share: one cursor, one history, one account of what is held. */
export class StreamContext {
  readonly chunk = new StreamChunk();
  readonly recent: RecentOctets;
  /** Where the segment being taken in differs from what came before it. */
  readonly scratch: Difference = { first: -1, last: -1 };
  /** The numbers of connections that are open, and of those that are over and still asked. */
  readonly rows = new ConnectionRows(ROWS_PER_SLAB);
  readonly closedRows = new KeptRows();
  /** The two directions of the connection that takes something in, and those of any that is asked something. */
  readonly client = new Assembler('client');
  readonly server = new Assembler('server');
  readonly askedClient = new Assembler('client');
  readonly askedServer = new Assembler('server');
  /** Cost of what is held in all connections. */
  heldCost = 0;
  /** Packets that their receivers threw away, for a wrong checksum. */
  thrownAway = 0;
  /** Octets of large segments whose checksums are still looked at though nothing speaks of bit errors. */
  #sumBudget = SUM_BUDGET;
  /** The segment that is being taken in. */
  segment: TcpSegment | null = null;
  /** Microseconds between it and its connection's packet in front of it. */
  quietUs = Number.NaN;
  /** Who hears a connection; set by the table. */
  opened: (connection: ConnectionView) => StreamListener = () => {
    throw new TypeError('nobody listens');
  };
  /** Verdict on the segment that is being delivered; null: not computed, it is `segment`. */
  #verdict: Checksum | null = null;

  constructor(
    readonly addresses: AddressTable,
    readonly checksum: (segment: TcpSegment) => Checksum,
    readonly limits: StreamLimits,
  ) {
    this.recent = new RecentOctets(checksum);
    this.chunk.checksum = () => {
      if (this.#verdict === null)
        this.#verdict = this.segment === null ? 'unverifiable' : checksum(this.segment);
      return this.#verdict;
    };
  }

  /**
   * Is the segment's checksum to be looked at before its octets are believed?
   *
   * Always where it is short, as commands and replies are: 60 ns each. Of the long ones so many as take 10 ms in all, and every
   * one from the first on that was thrown away: a path that spoils one packet spoils others.
   */
  doubts({ length }: TcpSegment): boolean {
    if (length <= SHORT || this.thrownAway > 0) return length > 0 || this.thrownAway > 0;
    if (this.#sumBudget <= 0) return false;
    this.#sumBudget -= length;
    return true;
  }

  /** Hands octets of the present segment on as they lie. */
  deliver(direction: Direction, offset: number, start: number, end: number, listener: StreamListener): void {
    const segment = this.segment!;
    const chunk = this.chunk;
    chunk.direction = direction;
    chunk.offset = offset;
    chunk.octets = segment.octets;
    chunk.start = start;
    chunk.end = end;
    chunk.frame = segment.frame;
    chunk.us = segment.us;
    chunk.ns = segment.ns;
    chunk.digits = segment.digits;
    chunk.quietUs = this.quietUs;
    this.#verdict = null;
    listener.chunk(chunk);
  }

  deliverHeld(direction: Direction, held: HeldSegment, octets: Buffer, listener: StreamListener): void {
    const chunk = this.chunk;
    chunk.direction = direction;
    chunk.offset = held.offset;
    chunk.octets = octets;
    chunk.start = 0;
    chunk.end = held.length;
    chunk.frame = held.frame;
    chunk.us = held.us;
    chunk.ns = held.ns;
    chunk.digits = held.digits;
    chunk.quietUs = Number.NaN;
    this.#verdict = held.checksum;
    listener.chunk(chunk);
  }
}

/** Hears what an assembler could not deliver. */
export interface GapListener {
  gap(direction: Direction, offset: number, octets: number, cause: GapCause): void;
}

/** Rows of a slab: 49 KB of numbers. */
const ROWS_PER_SLAB = 256;

const NOBODY: RowHolder = {
  ...NO_ROW,
  wholeAt: 0,
  timeAt: 0,
  wide: null,
  clientWaiting: null,
  serverWaiting: null,
};

/** How the beginning of a direction is known. */
export const Origin = {
  UNKNOWN: 0,
  /** From the peer's first acknowledgement: octets in front of it may yet come. */
  ACKNOWLEDGED: 1,
  /** From the first octet seen, or from what the peer's SYN-ACK answered. */
  SEEN: 2,
  /** From a SYN of this side. */
  SYN: 3,
} as const;
export type Origin = (typeof Origin)[keyof typeof Origin];

/**
 * One direction of a connection: what was delivered of it, what of it the peer acknowledged, how it ended.
 *
 * Invariant: `next` is the sequence number of the octet at `offset`, and all octets below `offset` were delivered or
 * declared a gap. While `waiting` is null nothing is held and no acknowledgement is beyond `offset`.
 *
 * It has no numbers of its own but points at those of a connection, in its row.
 */
export class Assembler {
  #holder: RowHolder = NOBODY;
  #wholes = NOBODY.wholes;
  /** Where the columns of this direction begin: in the row, in `#wholes`. */
  readonly #first: number;
  #at = 0;

  constructor(readonly direction: Direction) {
    this.#first = FIRST_OF[direction];
  }

  /** Points at this direction of a connection. */
  of(holder: RowHolder): this {
    this.#holder = holder;
    this.#wholes = holder.wholes;
    this.#at = holder.wholeAt + this.#first;
    return this;
  }

  /** A direction of which nothing was seen. */
  clear(): void {
    this.next = 0;
    this.offset = 0;
    this.acked = 0;
    this.isn = 0;
    this.origin = Origin.UNKNOWN;
    this.finOffset = -1;
    this.finFrame = 0;
    this.rstFrame = 0;
    this.packets = 0;
    this.recent = 0;
  }

  /** Sequence number of the first octet not delivered. */
  get next(): number {
    return this.#wholes[this.#at + NEXT]!;
  }

  set next(value: number) {
    this.#wholes[this.#at + NEXT] = value;
  }

  /** Stream offset of that octet. */
  get offset(): number {
    return wholeOf(this.#holder, this.#first + OFFSET);
  }

  set offset(value: number) {
    setWhole(this.#holder, this.#first + OFFSET, value);
  }

  /** Highest stream offset that the peer acknowledged. A FIN counts as an octet here. */
  get acked(): number {
    return wholeOf(this.#holder, this.#first + ACKED);
  }

  set acked(value: number) {
    setWhole(this.#holder, this.#first + ACKED, value);
  }

  /** The sequence number in front of stream offset 0: that of the SYN. */
  get isn(): number {
    return this.#wholes[this.#at + ISN]!;
  }

  set isn(value: number) {
    this.#wholes[this.#at + ISN] = value;
  }

  /** Stream offset of the FIN; -1 before one was seen. */
  get finOffset(): number {
    return wholeOf(this.#holder, this.#first + FIN_OFFSET);
  }

  set finOffset(value: number) {
    setWhole(this.#holder, this.#first + FIN_OFFSET, value);
  }

  get finFrame(): number {
    return wholeOf(this.#holder, this.#first + FIN_FRAME);
  }

  set finFrame(value: number) {
    setWhole(this.#holder, this.#first + FIN_FRAME, value);
  }

  get rstFrame(): number {
    return wholeOf(this.#holder, this.#first + RST_FRAME);
  }

  set rstFrame(value: number) {
    setWhole(this.#holder, this.#first + RST_FRAME, value);
  }

  get packets(): number {
    return wholeOf(this.#holder, this.#first + PACKETS);
  }

  set packets(value: number) {
    setWhole(this.#holder, this.#first + PACKETS, value);
  }

  /** Newest entry in RecentOctets; 0 for none. */
  get recent(): number {
    return this.#wholes[this.#at + RECENT]!;
  }

  set recent(value: number) {
    this.#wholes[this.#at + RECENT] = value;
  }

  get origin(): Origin {
    return this.#wholes[this.#at + ORIGIN] as Origin;
  }

  set origin(value: Origin) {
    this.#wholes[this.#at + ORIGIN] = value;
  }

  get waiting(): Waiting | null {
    return this.direction === 'client' ? this.#holder.clientWaiting : this.#holder.serverWaiting;
  }

  set waiting(waiting: Waiting | null) {
    if (this.direction === 'client') this.#holder.clientWaiting = waiting;
    else this.#holder.serverWaiting = waiting;
  }

  /** `next` means something. */
  get known(): boolean {
    return this.origin !== Origin.UNKNOWN;
  }

  /** The peer acknowledged the FIN. */
  get finAcked(): boolean {
    return this.finOffset >= 0 && this.acked > this.finOffset;
  }

  /** The stream begins behind this sequence number. */
  begin(isn: number, origin: Origin): void {
    this.origin = origin;
    this.isn = isn;
    this.next = advance(isn, 1);
  }

  /** What the peer acknowledged of the data, as far as is known: a single octet beyond the last one is a FIN. */
  get ackedData(): number {
    if (this.finOffset >= 0) return Math.min(this.acked, this.finOffset);
    if (this.acked === this.offset + 1 && (this.waiting === null || this.waiting.held.length === 0))
      return this.offset;
    return this.acked;
  }

  /** All data in front of the FIN was delivered, or declared a gap. */
  get finished(): boolean {
    return this.finOffset >= 0 && this.offset >= this.finOffset;
  }

  pass(octets: number): void {
    this.next = advance(this.next, octets);
    this.offset += octets;
  }

  /** Hands on what is held and whose turn has come. `otherOffset`: what was delivered of the other direction. */
  release(context: StreamContext, listener: StreamListener, gaps: GapListener, otherOffset: number): boolean {
    const { waiting } = this;
    if (waiting === null) return false;
    let released = false;
    for (;;) {
      const first = waiting.held[0];
      if (first === undefined || first.offset > this.offset || first.after > otherOffset || first.doubtful)
        return released;
      released = true;
      context.heldCost -= first.cost;
      waiting.shift();
      const { octets, length } = first;
      const seq = this.next;
      this.pass(length);
      if (octets === null) {
        gaps.gap(this.direction, first.offset, length, 'sliced');
        continue;
      }
      this.recent = context.recent.note(this.recent, seq, octets, 0, length, -1);
      context.deliverHeld(this.direction, first, octets, listener);
    }
  }
}
