import { type CapturedPacket, LinkType, type PacketListener } from '../capture/packet.js';
import type { AddressTable } from './address.js';
import type { FragmentSink } from './fragment-sink.js';
import { IcmpError } from './icmp-error.js';
import { TcpSegment } from './segment.js';
import { ICMP_FOUND, PENDING_FRAGMENT, SKIP_REASONS, Skip, TCP_FOUND, Unwrapper } from './unwrap.js';

/** Hears each TCP segment of the wanted ports. */
export interface SegmentListener {
  segment(segment: TcpSegment): void;
  /**
   * An ICMP error that returns a segment of the wanted ports.
   *
   * @returns false: it concerns nothing that the listener knows
   */
  icmp?(error: IcmpError): boolean;
}

/**
 * Finds the TCP segments to or from given ports in packets of any link type.
 *
 * Nearly all packets are IPv4 without options straight on Ethernet: those are read at fixed offsets. All
 * others take the second, longer way of `Unwrapper`.
 */
export class Decoder implements PacketListener {
  readonly #listener: SegmentListener;
  readonly #addresses: AddressTable;
  readonly #ports = new Uint8Array(65536);
  readonly #counts = new Float64Array(SKIP_REASONS.length);
  readonly #segment = new TcpSegment();
  readonly #icmp = new IcmpError();
  readonly #unwrapper: Unwrapper;

  constructor(
    listener: SegmentListener,
    ports: readonly number[],
    addresses: AddressTable,
    fragments: FragmentSink | null = null,
  ) {
    this.#listener = listener;
    this.#addresses = addresses;
    for (const port of ports) this.#ports[port] = 1;
    this.#unwrapper = new Unwrapper(fragments);
  }

  /** Packets of no use here, by reason; only reasons that occurred. */
  get skipped(): Record<string, number> {
    const skipped: Record<string, number> = {};
    for (const [index, reason] of SKIP_REASONS.entries()) {
      const pending = index === Skip.FRAGMENT ? this.#unwrapper.fragmentsPending : 0;
      const count = this.#counts[index]! + pending;
      if (count > 0) skipped[reason] = count;
    }
    return skipped;
  }

  packet(packet: CapturedPacket): void {
    const o = packet.octets;
    const ip = packet.start + 14;
    if (
      packet.linkType === LinkType.ETHERNET &&
      packet.end - ip >= 40 &&
      o[ip - 2] === 0x08 &&
      o[ip - 1] === 0x00 &&
      o[ip] === 0x45 &&
      o[ip + 9] === 6 &&
      (o[ip + 6]! & 0x3f) === 0 &&
      o[ip + 7] === 0
    ) {
      const sourcePort = (o[ip + 20]! << 8) | o[ip + 21]!;
      const destinationPort = (o[ip + 22]! << 8) | o[ip + 23]!;
      const total = (o[ip + 2]! << 8) | o[ip + 3]!;
      if (total >= 40) {
        if ((this.#ports[sourcePort]! | this.#ports[destinationPort]!) === 0) {
          this.#counts[Skip.OTHER_PORT]!++;
          return;
        }
        const segment = this.#segment;
        segment.family = 4;
        segment.source = int32(o, ip + 12);
        segment.destination = int32(o, ip + 16);
        segment.hopLimit = o[ip + 8]!;
        segment.ipId = (o[ip + 4]! << 8) | o[ip + 5]!;
        segment.lengthClaimed = true;
        this.#tcp(packet, o, ip + 20, packet.end, ip + total);
        return;
      }
    }
    this.#longWay(packet);
  }

  #longWay(packet: CapturedPacket): void {
    const unwrapper = this.#unwrapper;
    const result = unwrapper.unwrap(packet);
    if (result === ICMP_FOUND) {
      if (!this.#returned(packet)) this.#counts[Skip.NOT_TCP]!++;
      return;
    }
    if (result !== TCP_FOUND) {
      if (result !== PENDING_FRAGMENT) this.#counts[result]!++;
      return;
    }
    const { octets, at, wireEnd, addressOctets } = unwrapper;
    const end = Math.min(unwrapper.end, wireEnd);
    if (end - at < 4) {
      this.#counts[wireEnd - at < 20 ? Skip.MALFORMED : Skip.TRUNCATED]!++;
      return;
    }
    const sourcePort = (octets[at]! << 8) | octets[at + 1]!;
    const destinationPort = (octets[at + 2]! << 8) | octets[at + 3]!;
    if ((this.#ports[sourcePort]! | this.#ports[destinationPort]!) === 0) {
      this.#counts[Skip.OTHER_PORT]!++;
      return;
    }
    if (end - at < 20) {
      this.#counts[wireEnd - at < 20 ? Skip.MALFORMED : Skip.TRUNCATED]!++;
      return;
    }
    const segment = this.#segment;
    segment.family = unwrapper.family;
    if (unwrapper.family === 4) {
      segment.source = int32(addressOctets, unwrapper.sourceAt);
      segment.destination = int32(addressOctets, unwrapper.destinationAt);
    } else {
      segment.source = this.#addresses.intern(addressOctets, unwrapper.sourceAt);
      segment.destination = this.#addresses.intern(addressOctets, unwrapper.destinationAt);
      if (segment.source < 0 || segment.destination < 0) {
        this.#counts[Skip.ADDRESS_LIMIT]!++;
        return;
      }
    }
    segment.hopLimit = unwrapper.hopLimit;
    segment.ipId = unwrapper.ipId;
    segment.lengthClaimed = unwrapper.lengthClaimed;
    this.#tcp(packet, octets, at, end, wireEnd);
  }

  /** An ICMP error holds the IP header of what it returns, and at least eight octets behind that. RFC 792, RFC 4443 §2.4. */
  #returned(packet: CapturedPacket): boolean {
    const { octets: o, at, end, family, addressOctets, sourceAt, hopLimit } = this.#unwrapper;
    const ip = at + 8;
    if (!this.#listener.icmp || end - ip < 28) return false;
    const type = o[at]!;
    const isError = family === 4 ? type === 3 || type === 11 || type === 12 : type >= 1 && type <= 4;
    if (!isError || o[ip]! >> 4 !== family) return false;
    const tcp = family === 4 ? ip + ((o[ip]! & 15) << 2) : ip + 40;
    const protocol = family === 4 ? o[ip + 9] : o[ip + 6];
    if (protocol !== 6 || tcp < ip + 20 || end - tcp < 8) return false;
    const error = this.#icmp;
    error.sourcePort = (o[tcp]! << 8) | o[tcp + 1]!;
    error.destinationPort = (o[tcp + 2]! << 8) | o[tcp + 3]!;
    if ((this.#ports[error.sourcePort]! | this.#ports[error.destinationPort]!) === 0) return false;
    error.seq = int32(o, tcp + 4);
    error.frame = packet.frame;
    error.us = packet.us;
    error.ns = packet.ns;
    error.digits = packet.digits;
    error.family = family;
    error.hopLimit = hopLimit;
    error.type = type;
    error.code = o[at + 1]!;
    error.mtu =
      family === 4 ? (type === 3 ? (o[at + 6]! << 8) | o[at + 7]! : 0) : type === 2 ? int32(o, at + 4) : 0;
    if (family === 4) {
      error.from = int32(addressOctets, sourceAt);
      error.source = int32(o, ip + 12);
      error.destination = int32(o, ip + 16);
    } else {
      error.from = this.#addresses.intern(addressOctets, sourceAt);
      error.source = this.#addresses.intern(o, ip + 8);
      error.destination = this.#addresses.intern(o, ip + 24);
      if (error.from < 0 || error.source < 0 || error.destination < 0) return false;
    }
    return this.#listener.icmp(error);
  }

  /** The fixed part of the header at `at` is there; `end` is how far octets were captured. */
  #tcp(packet: CapturedPacket, o: Buffer, at: number, end: number, wireEnd: number): void {
    const start = at + ((o[at + 12]! >> 4) << 2);
    if (start < at + 20 || start > wireEnd) {
      this.#counts[Skip.MALFORMED]!++;
      return;
    }
    if (start > end) {
      this.#counts[Skip.TRUNCATED]!++;
      return;
    }
    const segment = this.#segment;
    segment.frame = packet.frame;
    segment.us = packet.us;
    segment.ns = packet.ns;
    segment.digits = packet.digits;
    segment.sourcePort = (o[at]! << 8) | o[at + 1]!;
    segment.destinationPort = (o[at + 2]! << 8) | o[at + 3]!;
    segment.seq = int32(o, at + 4);
    segment.ack = int32(o, at + 8);
    segment.flags = o[at + 13]!;
    segment.window = (o[at + 14]! << 8) | o[at + 15]!;
    segment.octets = o;
    segment.tcpStart = at;
    segment.start = start;
    segment.end = Math.min(end, wireEnd);
    segment.length = wireEnd - start;
    this.#listener.segment(segment);
  }
}

function int32(o: Buffer, at: number): number {
  return (o[at]! << 24) | (o[at + 1]! << 16) | (o[at + 2]! << 8) | o[at + 3]!;
}
