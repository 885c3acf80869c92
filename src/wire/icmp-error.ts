/**
 * An ICMP error that returns the beginning of a TCP segment: a single instance, valid during the call. RFC 792, RFC 4443 §3.
 *
 * Addresses are numbers, as in `TcpSegment`.
 */
export class IcmpError {
  frame = 0;
  us = Number.NaN;
  ns = 0;
  digits = 6;
  /** 4 or 6. */
  family = 4;
  /** Who complains. */
  from = 0;
  /** IPv4 TTL or IPv6 hop limit of the complaint itself. */
  hopLimit = 0;
  type = 0;
  code = 0;
  /** Of the next link, in octets; 0 where it is not told. RFC 1191 §4, RFC 4443 §3.2. */
  mtu = 0;
  /** Of the segment that is returned. */
  source = 0;
  destination = 0;
  sourcePort = 0;
  destinationPort = 0;
  seq = 0;
}

export const ICMP_KINDS = [
  'prohibited',
  'fragmentation-needed',
  'unreachable',
  'refused',
  'time-exceeded',
  'other',
] as const;
export type IcmpKind = (typeof ICMP_KINDS)[number];

/** What the error says, in one word. RFC 1812 §5.2.7, RFC 4443 §3.1. */
export function icmpKind({ family, type, code }: Pick<IcmpError, 'family' | 'type' | 'code'>): IcmpKind {
  if (family === 4) {
    if (type === 11) return 'time-exceeded';
    if (type !== 3) return 'other';
    if (code === 4) return 'fragmentation-needed';
    if (code === 2 || code === 3) return 'refused';
    return code === 9 || code === 10 || code === 13 ? 'prohibited' : 'unreachable';
  }
  if (type === 2) return 'fragmentation-needed';
  if (type === 3) return 'time-exceeded';
  if (type !== 1) return 'other';
  if (code === 4) return 'refused';
  return code === 1 || code === 5 || code === 6 ? 'prohibited' : 'unreachable';
}
