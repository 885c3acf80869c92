import type { Timestamp } from '../capture/timestamp.js';
import type { IcmpKind } from '../wire/icmp-error.js';
import type { TcpSegment } from '../wire/segment.js';
import type { LostOctets, ResentSegment, SelectedOctets } from './delivery.js';
import type { Direction } from './event.js';
import { MAX_LISTED } from './limits.js';
import { distance } from './sequence.js';

/** What the options of a SYN or SYN-ACK say. RFC 9293 §3.2, RFC 7323, RFC 2018. */
export interface SynOffer {
  readonly mss: number | null;
  readonly windowScale: number | null;
  readonly sackPermitted: boolean;
  readonly timestamps: boolean;
}

/** A segment of the server that does not look like the others of this connection. */
export interface ForeignSegment {
  readonly frame: number;
  readonly time: Timestamp | null;
  /** Stream offset of its first octet, and how many it has. */
  readonly offset: number;
  readonly length: number;
  /** IPv4 TTL or IPv6 hop limit. */
  readonly hopLimit: number;
  readonly ipId: number;
  readonly window: number;
  /** TSval; null without the option. RFC 7323 §3. */
  readonly tsval: number | null;
  /** That TSval does not continue the server's clock. */
  readonly otherClock: boolean;
  readonly reset: boolean;
  /** Of the server's own segments in front of it and behind it, SYN-ACK and resets not counted; null: none. */
  readonly ownIpIdBefore: number | null;
  readonly ownWindowBefore: number | null;
  readonly ownIpIdAfter: number | null;
}

/** A segment with more data than the peer's SYN allows. RFC 9293 §3.7.1. */
export interface OversizeSegment {
  readonly direction: Direction;
  readonly offset: number;
  readonly length: number;
  /** Of the receiver. */
  readonly mss: number;
  readonly frame: number;
  readonly lastFrame: number;
  /** How often it was sent at this length. */
  readonly copies: number;
  /** Some of its octets again, in a segment small enough; null: never. */
  readonly smallerFrame: number | null;
  /** Acknowledged before anything smaller was sent. */
  readonly passed: boolean;
  /** Stream offset up to which its receiver acknowledged in the end. */
  readonly acknowledged: number;
}

/** SACK blocks of one connection. RFC 2018 §3. */
export interface SackAccount {
  /** Blocks inside what was sent, and blocks far outside of it. */
  readonly possible: number;
  readonly impossible: number;
  /** Those inside, of the side that sent the first impossible one. */
  readonly fitting: number;
  /** Of the first impossible block: who sent it, its frame, and its left edge minus the acknowledgement number, modulo 2^32. */
  readonly direction: Direction;
  readonly frame: number;
  readonly time: Timestamp | null;
  readonly distance: number;
  /** How far that distance varies over the impossible blocks, in octets. */
  readonly spread: number;
  /** Frames of impossible blocks. */
  readonly frames: readonly number[];
}

/** The reset that ended the connection has another hop limit than the segments of the side in whose name it came. */
export interface ForeignReset {
  readonly direction: Direction;
  readonly frame: number;
  readonly time: Timestamp | null;
  readonly hopLimit: number;
  readonly ownHopLimit: number;
}

/** Resets by the server that their receiver does not believe: the numbers do not fit. RFC 9293 §3.10.7.3. */
export interface UnfitResets {
  readonly count: number;
  /** Of the first one. */
  readonly frame: number;
  readonly time: Timestamp | null;
}

/** An ICMP error about a packet of this connection: the plainest word that a box on the path can say. */
export interface ReturnedSegment {
  readonly frame: number;
  readonly time: Timestamp | null;
  /** Address of who complains, and hop limit of the complaint. */
  readonly from: string;
  readonly hopLimit: number;
  readonly kind: IcmpKind;
  readonly type: number;
  readonly code: number;
  /** Of the next link, in octets; null where it is not told. */
  readonly mtu: number | null;
  /** Whose packet was returned, and the stream offset of its sequence number; null: not known. */
  readonly direction: Direction;
  readonly offset: number | null;
}

/** A reset behind which the side in whose name it was written went on: somebody else wrote it. RFC 5961 §3. */
export interface ForgedReset {
  /** In whose name it was written. */
  readonly direction: Direction;
  readonly frame: number;
  readonly time: Timestamp | null;
  /** IPv4 TTL or IPv6 hop limit. */
  readonly hopLimit: number;
  /** The first packet of that side behind it that says something new. */
  readonly wentOnFrame: number;
  /** The first packet of the other side behind that one; null: that side believed the reset. */
  readonly answeredFrame: number | null;
}

/** The server's first FIN or RST. */
export interface ServerClose {
  readonly frame: number;
  /** Microseconds since 1970; NaN where the packet has no time. */
  readonly us: number;
  readonly reset: boolean;
}

/** What is known of a connection's TCP, beyond its octets. */
export interface TcpFacts {
  readonly clientPackets: number;
  readonly serverPackets: number;
  readonly clientOffer: SynOffer | null;
  readonly serverOffer: SynOffer | null;
  /** SYNs of the client; frame and time of the last one. */
  readonly synCount: number;
  readonly lastSynFrame: number;
  readonly lastSynTime: Timestamp | null;
  /** Frame of the newest SYN-ACK, and of the reset that ended the connection, by who sent it; null: none. */
  readonly synAckFrame: number | null;
  readonly clientResetFrame: number | null;
  readonly serverResetFrame: number | null;
  /** Microseconds from the SYN to the SYN-ACK; null where one was repeated or not captured. */
  readonly handshakeUs: number | null;
  /** Initial sequence numbers (SEG.SEQ of SYN and SYN-ACK) as unsigned; null where they were not captured. */
  readonly clientIsn: number | null;
  readonly serverIsn: number | null;
  /** TSval of the SYN and of the SYN-ACK; null without. */
  readonly clientTsval: number | null;
  readonly serverTsval: number | null;
  /** Of the client's first segment. */
  readonly clientHopLimit: number | null;
  /** Of the server's first segment. */
  readonly serverHopLimit: number | null;
  /** Of the server's last packet: frame (0: there is none) and time in microseconds, to the millisecond. */
  readonly serverLastFrame: number;
  readonly serverLastUs: number;
  readonly serverClose: ServerClose | null;
  /** Highest stream offset of the client that the server acknowledged, in its RST too. */
  readonly clientAcknowledged: number;
  /** Highest stream offset of the server that the client acknowledged. */
  readonly serverAcknowledged: number;
  /** Stream offset of the client behind all that was captured, and behind holes in front of that. */
  readonly clientEnd: number;
  /** First 20, and how many. */
  readonly foreign: readonly ForeignSegment[];
  readonly foreignCount: number;
  readonly oversize: readonly OversizeSegment[];
  readonly oversizeCount: number;
  readonly sack: SackAccount | null;
  readonly unfitResets: UnfitResets | null;
  /** First 20 that did not arrive before others, and how many. */
  readonly resent: readonly ResentSegment[];
  readonly resentCount: number;
  readonly selected: readonly SelectedOctets[];
  /** At most one of each direction. */
  readonly lost: readonly LostOctets[];
  /** First 20 of each. */
  readonly forgedResets: readonly ForgedReset[];
  readonly foreignReset: ForeignReset | null;
  readonly returned: readonly ReturnedSegment[];
}

const NO_MSS = 0xffff;
const NO_SCALE = 15;
const SACK_PERMITTED = 1 << 20;
const TIMESTAMPS = 1 << 21;
const SEEN = 1 << 22;

/** An offer as a number: the lower 16 bits are the largest segment allowed. */
export const UNKNOWN_OFFER = NO_MSS | (NO_SCALE << 16);

/** The options of a SYN, packed. */
export function packOffer(s: TcpSegment): number {
  const { octets } = s;
  let mss = NO_MSS;
  let scale = NO_SCALE;
  let flags = SEEN;
  for (let at = nextOption(s, s.tcpStart + 20); at >= 0; at = nextOption(s, at + octets[at + 1]!)) {
    switch (octets[at]) {
      case 2:
        if (octets[at + 1] === 4) mss = (octets[at + 2]! << 8) | octets[at + 3]!;
        break;
      case 3:
        // RFC 7323 §2.3: more than 14 means 14.
        if (octets[at + 1] === 3) scale = Math.min(octets[at + 2]!, 14);
        break;
      case 4:
        flags |= SACK_PERMITTED;
        break;
      case 8:
        flags |= TIMESTAMPS;
        break;
    }
  }
  return (mss === 0 ? NO_MSS : mss) | (scale << 16) | flags;
}

export function unpackOffer(packed: number): SynOffer | null {
  if ((packed & SEEN) === 0) return null;
  const mss = packed & 0xffff;
  const scale = (packed >> 16) & 15;
  return {
    mss: mss === NO_MSS ? null : mss,
    windowScale: scale === NO_SCALE ? null : scale,
    sackPermitted: (packed & SACK_PERMITTED) !== 0,
    timestamps: (packed & TIMESTAMPS) !== 0,
  };
}

/** Both sides agreed to put a timestamp into every segment. RFC 7323 §3.2. */
export function timestampsAgreed(client: number, server: number): boolean {
  return (client & server & TIMESTAMPS) !== 0;
}

/** Where the option at or behind `from` that has a length begins; -1: there is none. RFC 9293 §3.1. */
function nextOption(s: TcpSegment, from: number): number {
  const { octets, start } = s;
  let at = from;
  while (at < start && octets[at] === 1) at++;
  if (at + 1 >= start || octets[at] === 0) return -1;
  const length = octets[at + 1]!;
  return length < 2 || at + length > start ? -1 : at;
}

/** The segment's TSval; -1 without one. */
export function tsvalOf(s: TcpSegment): number {
  for (let at = nextOption(s, s.tcpStart + 20); at >= 0; at = nextOption(s, at + s.octets[at + 1]!)) {
    if (s.octets[at] === 8 && s.octets[at + 1] === 10) return s.octets.readUInt32BE(at + 2);
  }
  return -1;
}

/** Does the header hold options, and not only timestamps as every stack lays them out? RFC 7323, appendix A. */
export function hasOtherOptions({ octets, tcpStart, start }: TcpSegment): boolean {
  const length = start - tcpStart;
  if (length === 20) return false;
  return (
    length !== 32 || octets[tcpStart + 20] !== 1 || octets[tcpStart + 21] !== 1 || octets[tcpStart + 22] !== 8
  );
}

/** Calls `block` with the edges of each SACK block. */
export function sackBlocks(s: TcpSegment, block: (left: number, right: number) => void): void {
  const { octets } = s;
  for (let at = nextOption(s, s.tcpStart + 20); at >= 0; at = nextOption(s, at + octets[at + 1]!)) {
    if (octets[at] !== 5) continue;
    const end = at + octets[at + 1]!;
    for (let edge = at + 2; edge + 8 <= end; edge += 8) {
      block(octets.readInt32BE(edge), octets.readInt32BE(edge + 4));
    }
  }
}

/** SYNs of one connection when there is more than one. */
export interface SynRepeats {
  count: number;
  frame: number;
  time: Timestamp | null;
}

/** Collects oversize segments. */
export class Oversizes {
  readonly list: Omit<{ -readonly [K in keyof OversizeSegment]: OversizeSegment[K] }, 'acknowledged'>[] = [];
  count = 0;

  /** A segment with more than `mss` octets at `offset`. */
  sent(direction: Direction, offset: number, s: TcpSegment, mss: number): void {
    const known = this.find(direction, offset);
    if (known !== undefined && known.length === s.length) {
      known.copies++;
      known.lastFrame = s.frame;
      return;
    }
    if (++this.count > MAX_LISTED) return;
    const { frame, length } = s;
    const copies = 1;
    this.list.push({
      direction,
      offset,
      length,
      mss,
      frame,
      lastFrame: frame,
      copies,
      smallerFrame: null,
      passed: false,
    });
  }

  /** A segment that is small enough, with octets sent before. @param acked  what the peer had acknowledged by then */
  smaller(direction: Direction, offset: number, { frame, length }: TcpSegment, acked: number): void {
    for (const known of this.list) {
      if (known.direction !== direction || known.smallerFrame !== null) continue;
      const end = known.offset + known.length;
      if (offset >= end || offset + length <= known.offset) continue;
      known.smallerFrame = frame;
      known.passed = acked >= end;
    }
  }

  /** @param acked  what the peers acknowledged in the end */
  account(acked: (direction: Direction) => number): OversizeSegment[] {
    return this.list.map((segment) => ({
      ...segment,
      acknowledged: acked(segment.direction),
      passed:
        segment.passed ||
        (segment.smallerFrame === null && acked(segment.direction) >= segment.offset + segment.length),
    }));
  }

  private find(direction: Direction, offset: number): (typeof this.list)[number] | undefined {
    return this.list.find((segment) => segment.direction === direction && segment.offset === offset);
  }
}

/** Collects SACK blocks. */
export class Sacks {
  private readonly inside = { client: 0, server: 0 };
  impossible = 0;
  readonly frames: number[] = [];
  private direction: Direction = 'client';
  private time: Timestamp | null = null;
  private first = 0;
  private least = 0;
  private most = 0;

  fits(direction: Direction): void {
    this.inside[direction]++;
  }

  outside(direction: Direction, left: number, s: TcpSegment, time: Timestamp | null): void {
    const away = distance(left, s.ack);
    if (this.impossible++ === 0) {
      this.direction = direction;
      this.time = time;
      this.first = away;
    }
    const drift = distance(away, this.first);
    this.least = Math.min(this.least, drift);
    this.most = Math.max(this.most, drift);
    if (this.frames.length < MAX_LISTED && this.frames.at(-1) !== s.frame) this.frames.push(s.frame);
  }

  account(): SackAccount {
    return {
      possible: this.inside.client + this.inside.server,
      impossible: this.impossible,
      fitting: this.inside[this.direction],
      direction: this.direction,
      frame: this.frames[0] ?? 0,
      time: this.time,
      distance: this.first,
      spread: this.most - this.least,
      frames: this.frames,
    };
  }
}
