/** Link-layer header types by their registered numbers (LINKTYPE_*). */
export const LinkType = {
  NULL: 0,
  ETHERNET: 1,
  PPP: 9,
  RAW_12: 12,
  RAW_14: 14,
  PPP_HDLC: 50,
  PPP_ETHER: 51,
  RAW: 101,
  LOOP: 108,
  LINUX_SLL: 113,
  IPV4: 228,
  IPV6: 229,
  LINUX_SLL2: 276,
} as const;

/**
 * One captured packet: a single instance that the reader re-points at each packet in turn.
 *
 * Everything in it is valid during the listener's call only. Who keeps octets copies them. An object per
 * packet was measured to cost more than all the parsing of it.
 */
export class CapturedPacket {
  /** The chunk that holds the packet; the packet is `octets[start, end)`. */
  octets: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  /** Octets on the wire; at least `end - start`, more when the capture was sliced (snaplen). */
  originalLength = 0;
  /** Frame number in its capture, from 1, as packet viewers count. */
  frame = 0;
  linkType = 0;
  /** pcapng: the `if_name` of its interface, or its number in its section where it has none; otherwise ''. */
  interfaceName = '';
  /** Whole microseconds since 1970 UTC; NaN where the capture has no time (Simple Packet Block). */
  us = Number.NaN;
  /** Nanoseconds below the microsecond, 0 to 999. */
  ns = 0;
  /** Decimal digits of a second that this capture (interface) records. */
  digits = 6;
}

/** Hears each packet in the order of the file. */
export interface PacketListener {
  packet(packet: CapturedPacket): void;
}

/** Something in the input that could not be read as it should, and where. */
export interface Problem {
  /** Stable word, kebab-case: `truncated-record`, `bad-block-length`, .. */
  readonly code: string;
  readonly message: string;
  readonly packet?: number;
  /** Octet offset in the (decompressed) capture. */
  readonly offset?: number;
}

/** What the reader knows of a capture when it ended. */
export interface CaptureFacts {
  /** `pcap`, `pcapng`; with `+gzip` / `+zstd` when it was compressed; `unknown` when it is no capture. */
  format: string;
  linkTypes: number[];
  packets: number;
  /** Octets of the capture after decompression. */
  bytes: number;
  first: import('./timestamp.js').Timestamp | null;
  last: import('./timestamp.js').Timestamp | null;
  /** The last record was cut short (a capturer was killed): a warning, not damage. */
  truncated: boolean;
  /** Damage. Not empty means exit status 2. At most 100 entries; then one `too-many-problems`. */
  problems: Problem[];
}

/** The facts of a capture of which nothing was read. */
export function nothingRead(): CaptureFacts {
  return {
    format: 'unknown',
    linkTypes: [],
    packets: 0,
    bytes: 0,
    first: null,
    last: null,
    truncated: false,
    problems: [],
  };
}
