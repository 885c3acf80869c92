import type { AddressTable } from '../wire/address.js';
import type { Checksum, TcpSegment } from '../wire/segment.js';
import {
  type ConnectionView,
  type Direction,
  type GapCause,
  type NumberSink,
  type NumberSource,
  StreamChunk,
  type StreamListener,
} from './event.js';
import type { StreamLimits } from './limits.js';
import { RecentOctets } from './recent.js';
import { advance } from './sequence.js';
import type { HeldSegment, Waiting } from './waiting.js';

/** What all connections of a table share: one cursor, one history, one account of what is held. */
export class StreamContext {
  readonly chunk = new StreamChunk();
  readonly recent: RecentOctets;
  /** Cost of what is held in all connections. */
  heldCost = 0;
  /** The segment that is being taken in. */
  segment: TcpSegment | null = null;
  /** Microseconds between it and its connection's packet in front of it. */
  quietUs = Number.NaN;
  /** Who hears a connection; set by the table. */
  opened: (connection: ConnectionView) => StreamListener = () => {
    throw new TypeError('nobody listens');
  };
  /** See `ConnectionView`; set by the floor's table, which knows what reads them. */
  unpack: (source: NumberSource) => ConnectionView = () => {
    throw new TypeError('nothing was packed');
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
 */
export class Assembler {
  /** Sequence number of the first octet not delivered. */
  next = 0;
  /** Stream offset of that octet. */
  offset = 0;
  /** Highest stream offset that the peer acknowledged. A FIN counts as an octet here. */
  acked = 0;
  /** The sequence number in front of stream offset 0: that of the SYN. */
  isn = 0;
  origin: Origin = Origin.UNKNOWN;
  /** Stream offset of the FIN; -1 before one was seen. */
  finOffset = -1;
  finFrame = 0;
  rstFrame = 0;
  packets = 0;
  /** Newest entry in RecentOctets; 0 for none. */
  recent = 0;
  waiting: Waiting | null = null;

  constructor(readonly direction: Direction) {}

  /** What is known of a direction in which nothing waits. */
  pack(sink: NumberSink): void {
    sink.signed(this.next);
    sink.signed(this.offset);
    sink.signed(this.acked);
    sink.signed(this.isn);
    sink.signed(this.origin);
    sink.signed(this.finOffset);
    sink.signed(this.finFrame);
    sink.signed(this.rstFrame);
    sink.signed(this.packets);
  }

  unpack(source: NumberSource): void {
    this.next = source.signed();
    this.offset = source.signed();
    this.acked = source.signed();
    this.isn = source.signed();
    this.origin = source.signed() as Origin;
    this.finOffset = source.signed();
    this.finFrame = source.signed();
    this.rstFrame = source.signed();
    this.packets = source.signed();
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
      if (first === undefined || first.offset > this.offset || first.after > otherOffset) return released;
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
