import { type CapturedPacket, LinkType } from '../capture/packet.js';
import { type FragmentSink, IpFragment } from './fragment-sink.js';

/** Why a packet is no segment of ours. Each value indexes `SKIP_REASONS`. */
export const Skip = {
  LINK_TYPE: 0,
  NOT_IP: 1,
  NOT_TCP: 2,
  OTHER_PORT: 3,
  FRAGMENT: 4,
  TRUNCATED: 5,
  MALFORMED: 6,
  TUNNEL_DEPTH: 7,
  ADDRESS_LIMIT: 8,
} as const;

export const SKIP_REASONS = [
  'link-type',
  'not-ip',
  'not-tcp',
  'other-port',
  'fragment',
  'truncated',
  'malformed',
  'tunnel-depth',
  'address-limit',
] as const;

/** `unwrap` found a TCP header; any other result is a `Skip`. */
export const TCP_FOUND = 16;

/** `unwrap` found an ICMP message, with the cursor at it. */
export const ICMP_FOUND = 14;

/** A header with addresses, and where it begins. */
export type HeaderListener = (kind: 'ethernet' | 'sll' | 'sll2' | 'ipv4' | 'ipv6', at: number) => void;

/** What stands at the cursor. Numbers above every `Skip`, so that a step returns one or the other. */
const ETHERNET = 17;
const ETHER_TYPE = 18;
const IP = 19;
const IPV4 = 20;
const IPV6 = 21;
const PROTOCOL = 22;
const PPP = 23;
const PPPOE = 24;
const MPLS = 25;

const MAX_IP_HEADERS = 16;
const MAX_EXTENSION_HEADERS = 16;

const PROTOCOL_HOP_BY_HOP = 0;
const PROTOCOL_ICMP = 1;
const PROTOCOL_IPV4 = 4;
const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;
const PROTOCOL_IPV6 = 41;
const PROTOCOL_ROUTING = 43;
const PROTOCOL_FRAGMENT = 44;
const PROTOCOL_GRE = 47;
const PROTOCOL_AH = 51;
const PROTOCOL_ICMPV6 = 58;
const PROTOCOL_DESTINATION = 60;
const PROTOCOL_MOBILITY = 135;
const PROTOCOL_HIP = 139;
const PROTOCOL_SHIM6 = 140;
const PROTOCOL_MPLS = 137;

const UDP_VXLAN = 4789;
const UDP_VXLAN_LINUX = 8472;
const UDP_GENEVE = 6081;

/**
 * Peels a packet down to its TCP header: link layers, tags, labels, tunnels, extension headers, fragments.
 *
 * A cursor and a loop, never recursion: every step moves the cursor forward, and the number of IP headers is
 * bounded. `end` is how far octets were captured, `wireEnd` how far they went on the wire by the innermost
 * header that says so; a header that ends beyond the first is truncated, beyond the second malformed.
 */
export class Unwrapper {
  octets: Buffer = Buffer.alloc(0);
  at = 0;
  end = 0;
  wireEnd = 0;
  /** False when the innermost IP header gives its length as 0. */
  lengthClaimed = true;
  family = 4;
  /** Where the innermost IP addresses are. Not `octets` once fragments were put together. */
  addressOctets: Buffer = Buffer.alloc(0);
  sourceAt = 0;
  destinationAt = 0;
  hopLimit = 0;
  ipId = 0;
  /** Fragments handed to the sink, less those of datagrams that became whole. */
  fragmentsPending = 0;

  /** Hears each header that has addresses, outermost first, before it is checked. */
  onHeader: HeaderListener | null = null;

  readonly #sink: FragmentSink | null;
  readonly #fragment = new IpFragment();
  #etherType = 0;
  #protocol = 0;
  #depth = 0;
  #extensions = 0;
  #us = Number.NaN;

  constructor(sink: FragmentSink | null) {
    this.#sink = sink;
  }

  /** `TCP_FOUND` with the cursor at the TCP header, or a `Skip`. */
  unwrap(packet: CapturedPacket): number {
    this.octets = packet.octets;
    this.at = packet.start;
    this.end = packet.end;
    this.wireEnd = Math.max(packet.end, packet.start + packet.originalLength);
    this.#us = packet.us;
    this.#depth = 0;
    let step = this.#link(packet.linkType);
    while (step > TCP_FOUND) {
      switch (step) {
        case ETHERNET:
          this.onHeader?.('ethernet', this.at);
          step = this.#ethernet();
          break;
        case ETHER_TYPE:
          step = this.#byEtherType();
          break;
        case IP:
          step = this.#ip();
          break;
        case IPV4:
          this.onHeader?.('ipv4', this.at);
          step = this.#ipv4();
          break;
        case IPV6:
          this.onHeader?.('ipv6', this.at);
          step = this.#ipv6();
          break;
        case PROTOCOL:
          step = this.#byProtocol();
          break;
        case PPP:
          step = this.#ppp();
          break;
        case PPPOE:
          step = this.#pppoe();
          break;
        default:
          step = this.#mpls();
      }
    }
    return step;
  }

  #link(linkType: number): number {
    switch (linkType) {
      case LinkType.ETHERNET:
        return ETHERNET;
      case LinkType.RAW:
      case LinkType.RAW_12:
      case LinkType.RAW_14:
        return IP;
      case LinkType.IPV4:
        return IPV4;
      case LinkType.IPV6:
        return IPV6;
      case LinkType.NULL:
      case LinkType.LOOP:
        return this.#loopback();
      case LinkType.LINUX_SLL:
        this.onHeader?.('sll', this.at);
        if (this.#lacks(16)) return this.#short(16);
        return this.#etherTypeAt(14, 16);
      case LinkType.LINUX_SLL2:
        this.onHeader?.('sll2', this.at);
        if (this.#lacks(20)) return this.#short(20);
        return this.#etherTypeAt(0, 20);
      case LinkType.PPP:
      case LinkType.PPP_HDLC:
        return PPP;
      case LinkType.PPP_ETHER:
        return PPPOE;
      default:
        return Skip.LINK_TYPE;
    }
  }

  /** BSD loopback: the address family in the capturing host's byte order (NULL) or the network's (LOOP). */
  #loopback(): number {
    if (this.#lacks(4)) return this.#short(4);
    const { octets, at } = this;
    const high = (octets[at]! << 8) | octets[at + 1]!;
    const low = (octets[at + 2]! << 8) | octets[at + 3]!;
    if (high !== 0 && low !== 0) return Skip.NOT_IP;
    const family = high === 0 ? low : ((high & 0xff) << 8) | (high >> 8);
    this.at = at + 4;
    if (family === 2) return IPV4;
    // AF_INET6 of the BSDs, macOS, Windows and Linux.
    if (family === 24 || family === 28 || family === 30 || family === 23 || family === 10) return IPV6;
    return Skip.NOT_IP;
  }

  #ethernet(): number {
    if (this.#lacks(14)) return this.#short(14);
    return this.#etherTypeAt(12, 14);
  }

  #byEtherType(): number {
    const etherType = this.#etherType;
    switch (etherType) {
      case 0x0800:
        return IPV4;
      case 0x86dd:
        return IPV6;
      case 0x8100:
      case 0x88a8:
      case 0x9100:
      case 0x9200:
        if (this.#lacks(4)) return this.#short(4);
        return this.#etherTypeAt(2, 4);
      case 0x8847:
      case 0x8848:
        return MPLS;
      case 0x8864:
        return PPPOE;
      case 0x880b:
        return PPP;
      case 0x6558:
        return ETHERNET;
    }
    return etherType <= 1500 ? this.#llc() : Skip.NOT_IP;
  }

  /** IEEE 802.2 with SNAP. RFC 1042. */
  #llc(): number {
    if (this.#lacks(8)) return this.wireEnd - this.at < 8 ? Skip.NOT_IP : Skip.TRUNCATED;
    const { octets, at } = this;
    if (octets[at] !== 0xaa || octets[at + 1] !== 0xaa || octets[at + 2] !== 3) return Skip.NOT_IP;
    if (octets[at + 3] !== 0 || octets[at + 4] !== 0) return Skip.NOT_IP;
    if (octets[at + 5] !== 0 && octets[at + 5] !== 0xf8) return Skip.NOT_IP;
    return this.#etherTypeAt(6, 8);
  }

  #pppoe(): number {
    if (this.#lacks(6)) return this.#short(6);
    if (this.octets[this.at] !== 0x11) return Skip.MALFORMED;
    if (this.octets[this.at + 1] !== 0) return Skip.NOT_IP;
    this.at += 6;
    return PPP;
  }

  /** RFC 1661 and 1662, with or without address and control, with or without protocol compression. */
  #ppp(): number {
    if (this.#lacks(2)) return this.#short(2);
    const first = this.octets[this.at]!;
    if (first === 0xff && this.octets[this.at + 1] === 3) {
      this.at += 2;
      if (this.#lacks(2)) return this.#short(2);
    } else if ((first === 0x0f || first === 0x8f) && this.octets[this.at + 1] === 0) {
      // Cisco's framing on the same link type.
      if (this.#lacks(4)) return this.#short(4);
      return this.#etherTypeAt(2, 4);
    }
    let protocol = this.octets[this.at]!;
    if ((protocol & 1) === 1) {
      this.at += 1;
    } else {
      protocol = this.#u16(this.at);
      this.at += 2;
    }
    if (protocol === 0x21) return IPV4;
    if (protocol === 0x57) return IPV6;
    if (protocol === 0x0281 || protocol === 0x0283) return MPLS;
    return Skip.NOT_IP;
  }

  /** A label stack does not name what it carries: guessed by the first octets. RFC 3032, 4385, 4928. */
  #mpls(): number {
    let bottom = false;
    while (!bottom) {
      if (this.#lacks(4)) return this.#short(4);
      bottom = (this.octets[this.at + 2]! & 1) === 1;
      this.at += 4;
    }
    if (this.#lacks(1)) return this.#short(1);
    const version = this.octets[this.at]! >> 4;
    if (version === 4) return IPV4;
    if (version === 6) return IPV6;
    if (version === 0 && !this.#looksLikeEthernet(this.at)) {
      if (this.#lacks(4)) return this.#short(4);
      this.at += 4;
    }
    return ETHERNET;
  }

  /** Is a type that this class can follow where an Ethernet header at `at` would have it? */
  #looksLikeEthernet(at: number): boolean {
    if (at + 14 > this.end) return false;
    switch (this.#u16(at + 12)) {
      case 0x0800:
      case 0x86dd:
      case 0x8100:
      case 0x88a8:
      case 0x8847:
      case 0x8864:
        return true;
      default:
        return false;
    }
  }

  #ip(): number {
    if (this.#lacks(1)) return this.#short(1);
    const version = this.octets[this.at]! >> 4;
    if (version === 4) return IPV4;
    return version === 6 ? IPV6 : Skip.NOT_IP;
  }

  #ipv4(): number {
    if (++this.#depth > MAX_IP_HEADERS) return Skip.TUNNEL_DEPTH;
    if (this.#lacks(20)) return this.#short(20);
    const { octets, at } = this;
    const headerLength = (octets[at]! & 15) << 2;
    if (octets[at]! >> 4 !== 4 || headerLength < 20) return Skip.MALFORMED;
    const total = this.#u16(at + 2);
    if (total !== 0 && total < headerLength) return Skip.MALFORMED;
    this.#claim(at, total);
    if (this.#lacks(headerLength)) return this.#short(headerLength);
    this.family = 4;
    this.addressOctets = octets;
    this.sourceAt = at + 12;
    this.destinationAt = headerLength > 20 ? this.#sourceRouted(at, headerLength) : at + 16;
    this.hopLimit = octets[at + 8]!;
    this.ipId = this.#u16(at + 4);
    this.#protocol = octets[at + 9]!;
    this.#extensions = 0;
    this.at = at + headerLength;
    const fragment = this.#u16(at + 6);
    if ((fragment & 0x3fff) === 0) return PROTOCOL;
    return this.#fragmented(at + 12, this.ipId, (fragment & 0x1fff) << 3, (fragment & 0x2000) !== 0);
  }

  /** Where the final destination is: in a source route that is not used up, else in the header. RFC 791 §3.1. */
  #sourceRouted(at: number, headerLength: number): number {
    const { octets } = this;
    const end = at + headerLength;
    let option = at + 20;
    while (option + 1 < end && octets[option] !== 0) {
      if (octets[option] === 1) {
        option++;
        continue;
      }
      const length = octets[option + 1]!;
      if (length < 2 || option + length > end) break;
      const routed = octets[option] === 131 || octets[option] === 137;
      if (routed && length >= 7 && octets[option + 2]! + 3 <= length) return option + length - 4;
      option += length;
    }
    return at + 16;
  }

  #ipv6(): number {
    if (++this.#depth > MAX_IP_HEADERS) return Skip.TUNNEL_DEPTH;
    if (this.#lacks(40)) return this.#short(40);
    const { octets, at } = this;
    if (octets[at]! >> 4 !== 6) return Skip.MALFORMED;
    const payloadLength = this.#u16(at + 4);
    this.#claim(at, payloadLength === 0 ? 0 : payloadLength + 40);
    this.family = 6;
    this.addressOctets = octets;
    this.sourceAt = at + 8;
    this.destinationAt = at + 24;
    this.hopLimit = octets[at + 7]!;
    this.ipId = 0;
    this.#protocol = octets[at + 6]!;
    this.#extensions = 0;
    this.at = at + 40;
    return PROTOCOL;
  }

  /** The IP header says where its packet ends. 0: a super-segment or jumbogram, which ends where the frame does. */
  #claim(at: number, total: number): void {
    this.lengthClaimed = total !== 0;
    if (total === 0) return;
    this.wireEnd = at + total;
    if (this.end > this.wireEnd) this.end = this.wireEnd;
  }

  #byProtocol(): number {
    switch (this.#protocol) {
      case PROTOCOL_TCP:
        return TCP_FOUND;
      case PROTOCOL_ICMP:
        return this.family === 4 ? ICMP_FOUND : Skip.NOT_TCP;
      case PROTOCOL_ICMPV6:
        return this.family === 6 ? ICMP_FOUND : Skip.NOT_TCP;
      case PROTOCOL_IPV4:
        return IPV4;
      case PROTOCOL_IPV6:
        return IPV6;
      case PROTOCOL_UDP:
        return this.#udp();
      case PROTOCOL_GRE:
        return this.#gre();
      case PROTOCOL_MPLS:
        return MPLS;
      case PROTOCOL_AH:
        return this.#extension(4, 2);
      case PROTOCOL_HOP_BY_HOP:
      case PROTOCOL_DESTINATION:
      case PROTOCOL_MOBILITY:
      case PROTOCOL_HIP:
      case PROTOCOL_SHIM6:
        return this.family === 6 ? this.#extension(8, 1) : Skip.NOT_TCP;
      case PROTOCOL_ROUTING:
        if (this.family !== 6) return Skip.NOT_TCP;
        return this.#routing();
      case PROTOCOL_FRAGMENT:
        return this.family === 6 ? this.#fragmentHeader() : Skip.NOT_TCP;
      default:
        return Skip.NOT_TCP;
    }
  }

  /** A header that begins with the next header's number and its own length in `unit` octets less `bias`. */
  #extension(unit: number, bias: number): number {
    if (++this.#extensions > MAX_EXTENSION_HEADERS) return Skip.MALFORMED;
    if (this.#lacks(8)) return this.#short(8);
    const length = (this.octets[this.at + 1]! + bias) * unit;
    if (this.#lacks(length)) return this.#short(length);
    this.#protocol = this.octets[this.at]!;
    this.at += length;
    return PROTOCOL;
  }

  /** On the way, the header's destination is the next stop; the checksum and the flow go by the last one. */
  #routing(): number {
    const { octets, at } = this;
    const step = this.#extension(8, 1);
    if (step !== PROTOCOL || octets[at + 3] === 0) return step;
    const addresses = (this.at - at - 8) >> 4;
    if (addresses === 0) return step;
    const type = octets[at + 2];
    // Types 2 and 4 have the last stop first (RFC 6275 §6.4, RFC 8754 §2), type 0 has it last (RFC 2460 §4.4).
    if (type === 2 || type === 4) this.#redirect(at + 8);
    else if (type === 0) this.#redirect(at + 8 + (addresses - 1) * 16);
    return step;
  }

  #redirect(destinationAt: number): void {
    if (this.addressOctets === this.octets) this.destinationAt = destinationAt;
  }

  /** RFC 8200 §4.5; offset 0 and no more is an atomic fragment, a whole packet (RFC 6946). */
  #fragmentHeader(): number {
    if (++this.#extensions > MAX_EXTENSION_HEADERS) return Skip.MALFORMED;
    if (this.#lacks(8)) return this.#short(8);
    const { octets, at } = this;
    const field = this.#u16(at + 2);
    this.#protocol = octets[at]!;
    this.at = at + 8;
    if ((field & 0xfff9) === 0) return PROTOCOL;
    const id = (this.#u16(at + 4) << 16) | this.#u16(at + 6);
    return this.#fragmented(this.sourceAt, id, field & 0xfff8, (field & 1) === 1);
  }

  #fragmented(addressAt: number, id: number, offset: number, more: boolean): number {
    if (!carriesTcp(this.#protocol, this.family)) return Skip.NOT_TCP;
    // Addresses lie elsewhere when this is a fragment within a datagram put together: RFC 8200 forbids it.
    if (this.#sink === null || this.addressOctets !== this.octets) return Skip.FRAGMENT;
    if (this.end < this.wireEnd) return Skip.TRUNCATED;
    const fragment = this.#fragment;
    fragment.family = this.family;
    fragment.protocol = this.#protocol;
    fragment.id = id;
    fragment.offset = offset;
    fragment.more = more;
    fragment.mayBegin = this.#protocol !== PROTOCOL_UDP || (offset === 0 && this.#isUdpTunnel());
    fragment.us = this.#us;
    fragment.octets = this.octets;
    fragment.addressAt = addressAt;
    fragment.start = this.at;
    fragment.end = this.end;
    this.fragmentsPending++;
    const whole = this.#sink.add(fragment);
    if (whole === null) return PENDING_FRAGMENT;
    this.fragmentsPending -= this.#sink.used;
    this.#protocol = this.#sink.protocol;
    this.octets = whole;
    this.at = 0;
    this.end = whole.length;
    this.wireEnd = whole.length;
    this.lengthClaimed = true;
    return PROTOCOL;
  }

  #isUdpTunnel(): boolean {
    if (this.#lacks(8)) return false;
    const port = this.#u16(this.at + 2);
    return port === UDP_VXLAN || port === UDP_VXLAN_LINUX || port === UDP_GENEVE;
  }

  #udp(): number {
    if (this.#lacks(8)) return this.#short(8);
    switch (this.#u16(this.at + 2)) {
      case UDP_VXLAN:
      case UDP_VXLAN_LINUX:
        return this.#vxlan();
      case UDP_GENEVE:
        return this.#geneve();
      default:
        return Skip.NOT_TCP;
    }
  }

  /** RFC 7348 §5. */
  #vxlan(): number {
    if (this.#lacks(16)) return this.#short(16);
    if ((this.octets[this.at + 8]! & 8) === 0) return Skip.NOT_TCP;
    this.at += 16;
    return ETHERNET;
  }

  /** RFC 8926 §3.4. */
  #geneve(): number {
    if (this.#lacks(16)) return this.#short(16);
    const first = this.octets[this.at + 8]!;
    if (first >> 6 !== 0) return Skip.NOT_TCP;
    const length = 16 + ((first & 0x3f) << 2);
    if (this.#lacks(length)) return this.#short(length);
    return this.#etherTypeAt(10, length);
  }

  /** RFC 2784 and 2890, the routing of RFC 1701, and version 1 of RFC 2637. */
  #gre(): number {
    if (this.#lacks(4)) return this.#short(4);
    const { octets, at } = this;
    const flags = octets[at]!;
    const version = octets[at + 1]! & 7;
    const type = this.#u16(at + 2);
    if (version === 1) return this.#pptp(flags, type);
    if (version !== 0) return Skip.NOT_TCP;
    let length = 4;
    if ((flags & 0xc0) !== 0) length += 4;
    if ((flags & 0x20) !== 0) length += 4;
    if ((flags & 0x10) !== 0) length += 4;
    if ((flags & 0x40) !== 0) {
      let entry = 1;
      while (entry !== 0) {
        if (this.#lacks(length + 4)) return this.#short(length + 4);
        entry = octets[at + length + 3]!;
        length += 4 + entry;
      }
    }
    if (this.#lacks(length)) return this.#short(length);
    this.at = at + length;
    if (type === 0x88be) return (flags & 0x10) === 0 ? ETHERNET : this.#skipTo(8, ETHERNET);
    if (type === 0x22eb) return this.#erspan3();
    if (type === 0x883e) return this.#wccp();
    this.#etherType = type;
    return ETHER_TYPE;
  }

  #pptp(flags: number, type: number): number {
    if (type !== 0x880b) return Skip.NOT_TCP;
    // Without a sequence number there is no payload, only an acknowledgement.
    if ((flags & 0x10) === 0) return Skip.NOT_TCP;
    return this.#skipTo((this.octets[this.at + 1]! & 0x80) === 0 ? 12 : 16, PPP);
  }

  /** The last bit of ERSPAN III's header says that a platform subheader follows. */
  #erspan3(): number {
    if (this.#lacks(12)) return this.#short(12);
    return this.#skipTo((this.octets[this.at + 11]! & 1) === 0 ? 12 : 20, ETHERNET);
  }

  /** Version 2 of WCCP's redirection has four octets more in front of the packet. */
  #wccp(): number {
    if (this.#lacks(1)) return this.#short(1);
    return this.octets[this.at]! >> 4 === 4 ? IPV4 : this.#skipTo(4, IPV4);
  }

  #skipTo(length: number, step: number): number {
    if (this.#lacks(length)) return this.#short(length);
    this.at += length;
    return step;
  }

  #etherTypeAt(offset: number, length: number): number {
    this.#etherType = this.#u16(this.at + offset);
    this.at += length;
    return ETHER_TYPE;
  }

  #lacks(length: number): boolean {
    return this.end - this.at < length;
  }

  #short(length: number): number {
    return this.wireEnd - this.at < length ? Skip.MALFORMED : Skip.TRUNCATED;
  }

  #u16(at: number): number {
    return (this.octets[at]! << 8) | this.octets[at + 1]!;
  }
}

/** Not counted at once: `fragmentsPending` says in the end how many fragments came to nothing. */
export const PENDING_FRAGMENT = 15;

/** Can a TCP segment be within a datagram of this protocol? */
function carriesTcp(protocol: number, family: number): boolean {
  switch (protocol) {
    case PROTOCOL_TCP:
    case PROTOCOL_IPV4:
    case PROTOCOL_IPV6:
    case PROTOCOL_GRE:
    case PROTOCOL_AH:
    case PROTOCOL_UDP:
    case PROTOCOL_MPLS:
      return true;
    case PROTOCOL_DESTINATION:
    case PROTOCOL_ROUTING:
      return family === 6;
    default:
      return false;
  }
}
