/** What the reassembly of one capture may use, and how long it waits in packet time. */
export interface StreamLimits {
  /** Octets of one direction that may wait for a hole; then the hole is given up (`limit`). */
  readonly heldOctets: number;
  /** Segments of one direction that may wait for a hole. */
  readonly heldSegments: number;
  /** Octets that may wait in all connections together, with what it costs to keep them. */
  readonly heldTotal: number;
  /** Connections open at once; one long unused closes for each that opens beyond (`limit`). */
  readonly connections: number;
  /** Closed connections remembered, so that their late packets open nothing. */
  readonly remembered: number;
  /** Microseconds without a packet until a connection closes (`idle`). Command timeouts of RFC 5321 §4.5.3.2
   * go up to ten minutes, and a peer that is slower than that is worth seeing. */
  readonly idleUs: number;
  /** Microseconds to wait for the last acknowledgement after both sides sent a FIN. */
  readonly closingUs: number;
  /** Microseconds for which a closed connection is remembered: twice the MSL of RFC 9293 §3.4.2. */
  readonly rememberedUs: number;
}

export const DEFAULT_STREAM_LIMITS: StreamLimits = {
  heldOctets: 1 << 20,
  heldSegments: 4096,
  heldTotal: 64 << 20,
  connections: 1_000_000,
  remembered: 1 << 16,
  idleUs: 3_600_000_000,
  closingUs: 60_000_000,
  rememberedUs: 240_000_000,
};

/** Data further ahead than this belongs to no connection that we know: a window ends at 1 GiB. RFC 7323 §2.3. */
export const MAX_AHEAD = 1 << 30;

/** An acknowledgement this far beyond everything seen of its direction acknowledges something else. */
export const MAX_ACK_LEAD = 1 << 24;

/** How far from the expected number a reset may lie and still be believed. RFC 9293 §3.10.7.4 asks that it is in
 * the window, which scaling makes larger than the segment says. */
export const RESET_WINDOW = 1 << 20;

/** A packet of a remembered connection lies this near to where it ended. */
export const REMEMBERED_WINDOW = 1 << 24;

/** Packets may be in a capture a little out of order: a hole that the peer acknowledged is believed after this
 * many further segments of the connection, or after this time. */
export const PATIENCE_SEGMENTS = 3;
export const PATIENCE_US = 20_000;

/** Gaps and overlaps that a connection lists; further ones are counted. */
export const MAX_LISTED = 20;
