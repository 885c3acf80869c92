/** What the TCP checksum says. `offloaded`: the field holds only the pseudo-header's sum, as a sending
 * host's own capture shows when the network card was to finish it. `unverifiable`: octets are missing. */
export const CHECKSUMS = ['unverifiable', 'valid', 'offloaded', 'invalid'] as const;
export type Checksum = (typeof CHECKSUMS)[number];

export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;
export const URG = 0x20;

/**
 * One TCP segment: a single instance re-pointed at each segment, valid during the call. RFC 9293 §3.1.
 *
 * Addresses are numbers here: an IPv4 address as int32, an IPv6 address interned to an index of the
 * AddressTable. They become text only when a session is reported.
 */
export class TcpSegment {
  frame = 0;
  us = Number.NaN;
  ns = 0;
  digits = 6;
  /** 4 or 6. */
  family = 4;
  /** int32 (IPv4) or AddressTable index (IPv6). */
  source = 0;
  destination = 0;
  sourcePort = 0;
  destinationPort = 0;
  /** SEG.SEQ and SEG.ACK as int32 (`| 0`): compare by `(a - b) | 0` only. */
  seq = 0;
  ack = 0;
  flags = 0;
  window = 0;
  /** IPv4 TTL or IPv6 hop limit. */
  hopLimit = 0;
  /** IPv4 identification; 0 for IPv6. */
  ipId = 0;
  /** The buffer that holds header and payload. */
  octets: Buffer = Buffer.alloc(0);
  /** First octet of the TCP header in `octets`; options are `[tcpStart + 20, start)`. */
  tcpStart = 0;
  /** Captured payload is `octets[start, end)`. */
  start = 0;
  end = 0;
  /** SEG.LEN in data octets as the IP header claims; more than `end - start` when the capture is sliced. */
  length = 0;
  /** The IP header said how long it is. Not so in offloaded super-segments, whose length field is 0. */
  lengthClaimed = true;
}
