import type { Timestamp } from '../capture/timestamp.js';
import type { Checksum } from '../wire/segment.js';
import type { TcpFacts } from './tcp-facts.js';

/** Who sent it. */
export type Direction = 'client' | 'server';

export const CLOSE_REASONS = ['fin', 'rst', 'idle', 'reused', 'limit', 'end-of-capture'] as const;
export type CloseReason = (typeof CLOSE_REASONS)[number];

/** Why octets are absent. `uncaptured`: the peer acknowledged them, the capture does not hold them.
 * `sliced`: the packet is there, its end is not (snaplen). `limit`: too much waited for a hole.
 * `unfilled`: the connection ended while a hole was open. `midstream`: the start was not captured. */
export const GAP_CAUSES = ['uncaptured', 'sliced', 'limit', 'unfilled', 'midstream'] as const;
export type GapCause = (typeof GAP_CAUSES)[number];

export interface Gap {
  readonly direction: Direction;
  /** Octets from the first octet after the SYN (or from the first octet seen, midstream). */
  readonly offset: number;
  /** null: unknown how many. */
  readonly octets: number | null;
  readonly cause: GapCause;
}

/** Octets that arrived twice and differed. The first copy is what the streams hold. */
export interface Overlap {
  readonly direction: Direction;
  readonly offset: number;
  readonly octets: number;
  /** Frame of the later copy. */
  readonly frame: number;
  /** Checksum verdict of the later copy. */
  readonly checksum: Checksum;
}

/**
 * Contiguous octets of one direction: a single instance, valid during the call. Who keeps octets, copies.
 */
export class StreamChunk {
  direction: Direction = 'client';
  /** Octets from the first octet after the SYN, not reduced modulo 2^32. */
  offset = 0;
  octets: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  frame = 0;
  us = Number.NaN;
  ns = 0;
  digits = 6;
  /** Microseconds since this connection's packet in front of it, of either side; NaN where that cannot be told. */
  quietUs = Number.NaN;
  /** Computes the verdict on demand (it reads every octet of the segment). */
  checksum: () => Checksum = () => 'unverifiable';
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** Takes numbers, one after the other. */
export interface NumberSink {
  /** From 0 to 255. */
  octet(value: number): void;
  /** A whole number from 0 to 2^53 - 1. */
  number(value: number): void;
  /** A whole number of either sign. */
  signed(value: number): void;
  /** Microseconds, or NaN, written as the distance from a time that the reader knows too. */
  time(us: number, originUs: number): void;
}

/** Gives the numbers again, in the same order. */
export interface NumberSource {
  octet(): number;
  number(): number;
  signed(): number;
  time(originUs: number): number;
}

/** What a dialogue may ask of its connection at any time. */
export interface ConnectionView {
  /**
   * Writes what is known of this connection, which must be closed, for `ConnectionRecord` to read: a million of them
   * take 600 MB as objects and 60 MB so. The connection must not be asked anything when its listener has returned from
   * `closed`, since its row of numbers is given to another then.
   */
  write(sink: NumberSink): void;
  /** Order of opening in this capture, from 0. */
  readonly index: number;
  readonly client: Endpoint;
  readonly server: Endpoint;
  readonly start: Timestamp | null;
  /** Time of the last packet. */
  readonly end: Timestamp | null;
  readonly firstFrame: number;
  readonly lastFrame: number;
  /** No SYN of either side was seen. */
  readonly midstream: boolean;
  /** The handshake's SYN / SYN-ACK were seen. */
  readonly synSeen: boolean;
  readonly synAckSeen: boolean;
  /** Packets (with or without data) captured of each direction. */
  readonly clientPackets: number;
  readonly serverPackets: number;
  /** Sent a FIN / RST, and the frame of the first; 0 when not. */
  readonly clientFinFrame: number;
  readonly serverFinFrame: number;
  readonly clientRstFrame: number;
  readonly serverRstFrame: number;
  readonly closed: CloseReason;
  /** Highest stream offset of that direction which the peer acknowledged; 0 when nothing was. */
  acknowledged(direction: Direction): number;
  /** Where the octet with this sequence number lies in its stream; negative in front of it. null: not known. */
  streamOffset(direction: Direction, seq: number): number | null;
  /** First 20 gaps of both directions, in order of discovery; `gapCount` counts all. */
  readonly gaps: readonly Gap[];
  readonly gapCount: number;
  /** First 20 differing overlaps. */
  readonly overlaps: readonly Overlap[];
  readonly overlapCount: number;
  /** Put together when asked for. */
  readonly tcp: TcpFacts;
}

/** What may still be asked of a connection that is over. */
export type ClosedConnection = Omit<ConnectionView, 'streamOffset' | 'write'>;

/** Hears one connection; declared here, by the floor that calls it. */
export interface StreamListener {
  chunk(chunk: StreamChunk): void;
  gap(gap: Gap, frame: number): void;
  /** Called once; after it no other event comes. `connection.closed` says why. */
  closed(connection: ConnectionView): void;
}

/** One listener per connection, asked for when there is something to hear: octets, a gap, or the end. */
export interface ConnectionListener {
  opened(connection: ConnectionView): StreamListener;
  /** `opened` is called at the first packet already, also of what never carries anything: of a million SYNs. */
  readonly early?: boolean;
}
