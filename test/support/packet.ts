/** Builds packets octet by octet, with right lengths and checksums, from the RFCs and not from `src`. */
import { isIPv6 } from 'node:net';

export interface TcpOptions {
  src?: string;
  dst?: string;
  sport: number;
  dport: number;
  seq?: number;
  ack?: number;
  /** Letters of S A P F R U E C. */
  flags?: string;
  payload?: Buffer | string;
  window?: number;
  ttl?: number;
  ipId?: number;
  /** Adds a maximum segment size option. */
  mss?: number;
  /** TCP options, padded to four octets. */
  options?: Buffer;
  badChecksum?: boolean;
  family?: 4 | 6;
}

export const MAC_A = Buffer.from('020000000001', 'hex');
export const MAC_B = Buffer.from('020000000002', 'hex');

const FLAG_BITS: Record<string, number> = { F: 1, S: 2, R: 4, P: 8, A: 16, U: 32, E: 64, C: 128 };

export function u16(value: number): Buffer {
  const octets = Buffer.alloc(2);
  octets.writeUInt16BE(value & 0xffff);
  return octets;
}

export function u32(value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value >>> 0);
  return octets;
}

/** RFC 1071 over any number of octets: the complemented sum. */
export function internetChecksum(octets: Buffer): number {
  let sum = 0;
  for (let i = 0; i < octets.length; i += 2) sum += octets[i]! * 256 + (octets[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum % 65536) + Math.floor(sum / 65536);
  return ~sum & 0xffff;
}

/** An address as its 4 or 16 octets. */
export function addressOctets(text: string): Buffer {
  if (!isIPv6(text)) return Buffer.from(text.split('.').map(Number));
  const [head = '', tail] = text.split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const zeros: number[] = new Array(8 - left.length - right.length).fill(0);
  return Buffer.concat([...left, ...zeros, ...right].map(u16));
}

export function ethernet(etherType: number, payload: Buffer): Buffer {
  return Buffer.concat([MAC_B, MAC_A, u16(etherType), payload]);
}

export interface Ipv4Options {
  src?: string;
  dst?: string;
  ttl?: number;
  ipId?: number;
  protocol: number;
  /** Fragment offset in octets. */
  offset?: number;
  more?: boolean;
  options?: Buffer;
  /** Overrides the total length field. */
  totalLength?: number;
}

export function ipv4(o: Ipv4Options, payload: Buffer): Buffer {
  const options = pad4(o.options ?? Buffer.alloc(0));
  const header = Buffer.concat([
    Buffer.from([0x40 | (5 + options.length / 4), 0]),
    u16(o.totalLength ?? 20 + options.length + payload.length),
    u16(o.ipId ?? 1),
    u16((o.more ? 0x2000 : 0) | ((o.offset ?? 0) >> 3)),
    Buffer.from([o.ttl ?? 64, o.protocol, 0, 0]),
    addressOctets(o.src ?? '192.0.2.10'),
    addressOctets(o.dst ?? '198.51.100.25'),
    options,
  ]);
  header.writeUInt16BE(internetChecksum(header), 10);
  return Buffer.concat([header, payload]);
}

export interface Ipv6Options {
  src?: string;
  dst?: string;
  ttl?: number;
  nextHeader: number;
  payloadLength?: number;
}

export function ipv6(o: Ipv6Options, payload: Buffer): Buffer {
  return Buffer.concat([
    u32(0x60000000),
    u16(o.payloadLength ?? payload.length),
    Buffer.from([o.nextHeader, o.ttl ?? 64]),
    addressOctets(o.src ?? '2001:db8::10'),
    addressOctets(o.dst ?? '2001:db8::25'),
    payload,
  ]);
}

export function udp(sport: number, dport: number, payload: Buffer): Buffer {
  return Buffer.concat([u16(sport), u16(dport), u16(8 + payload.length), u16(0), payload]);
}

/** A TCP header with its payload, checksummed for the given addresses. */
export function tcp(o: TcpOptions): Buffer {
  const six = familyOf(o) === 6;
  const src = addressOctets(o.src ?? (six ? '2001:db8::10' : '192.0.2.10'));
  const dst = addressOctets(o.dst ?? (six ? '2001:db8::25' : '198.51.100.25'));
  const mss = o.mss === undefined ? Buffer.alloc(0) : Buffer.concat([Buffer.from([2, 4]), u16(o.mss)]);
  const options = pad4(Buffer.concat([mss, o.options ?? Buffer.alloc(0)]));
  const payload = typeof o.payload === 'string' ? Buffer.from(o.payload, 'latin1') : o.payload;
  let flags = 0;
  for (const letter of o.flags ?? 'A') flags |= FLAG_BITS[letter] ?? 0;
  const segment = Buffer.concat([
    u16(o.sport),
    u16(o.dport),
    u32(o.seq ?? 0),
    u32(o.ack ?? 0),
    Buffer.from([(5 + options.length / 4) << 4, flags]),
    u16(o.window ?? 65535),
    u16(0),
    u16(0),
    options,
    payload ?? Buffer.alloc(0),
  ]);
  const pseudo = six
    ? Buffer.concat([src, dst, u32(segment.length), u32(6)])
    : Buffer.concat([src, dst, u16(6), u16(segment.length)]);
  const sum = internetChecksum(Buffer.concat([pseudo, segment]));
  segment.writeUInt16BE(o.badChecksum ? sum ^ 0x5555 : sum, 16);
  return segment;
}

/** An IP packet (no link header) with one TCP segment. */
export function ipTcpPacket(o: TcpOptions): Buffer {
  const address = {
    ...(o.src === undefined ? {} : { src: o.src }),
    ...(o.dst === undefined ? {} : { dst: o.dst }),
    ...(o.ttl === undefined ? {} : { ttl: o.ttl }),
  };
  if (familyOf(o) === 6) return ipv6({ ...address, nextHeader: 6 }, tcp(o));
  return ipv4({ ...address, ...(o.ipId === undefined ? {} : { ipId: o.ipId }), protocol: 6 }, tcp(o));
}

/** An Ethernet frame with one TCP segment; no padding to 60 octets. */
export function tcpPacket(o: TcpOptions): Buffer {
  return ethernet(familyOf(o) === 6 ? 0x86dd : 0x0800, ipTcpPacket(o));
}

function familyOf(o: TcpOptions): 4 | 6 {
  return o.family ?? (isIPv6(o.src ?? o.dst ?? '') ? 6 : 4);
}

function pad4(octets: Buffer): Buffer {
  return Buffer.concat([octets, Buffer.alloc((4 - (octets.length % 4)) % 4)]);
}
