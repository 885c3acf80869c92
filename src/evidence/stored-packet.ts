import type { Direction } from '../stream/event.js';
import type { Checksum } from '../wire/segment.js';

/** A packet of a capture that is kept, with what is known of the segment in it. */
export interface StoredPacket {
  readonly capture: number;
  readonly frame: number;
  readonly linkType: number;
  readonly us: number;
  readonly ns: number;
  readonly digits: number;
  readonly originalLength: number;
  /** Of the link layer, as captured; indices below are into these. */
  readonly octets: Buffer;
  /** The TCP header, and the payload as far as it was captured. */
  readonly tcpStart: number;
  readonly start: number;
  readonly end: number;
  readonly flags: number;
  readonly checksum: Checksum;
  /** Id of the session that it belongs to; null: of none that was asked for. */
  readonly session: string | null;
  readonly direction: Direction;
  /** Where the first octet of its payload lies in the stream; null: not known. */
  readonly offset: number | null;
}
