import { deserialize, serialize } from 'node:v8';
import type { Timestamp } from '../capture/timestamp.js';
import type { LostOctets, ResentSegment, SelectedOctets } from './delivery.js';
import {
  CLOSE_REASONS,
  type ClosedConnection,
  type CloseReason,
  type Direction,
  type Endpoint,
  type Gap,
  type Overlap,
} from './event.js';
import type { Packer, Unpacker } from './packing.js';
import type {
  ForeignSegment,
  OversizeSegment,
  SackAccount,
  ServerClose,
  SynOffer,
  TcpFacts,
  UnfitResets,
} from './tcp-facts.js';

const MIDSTREAM = 1 << 0;
const SYN_SEEN = 1 << 1;
const SYN_ACK_SEEN = 1 << 2;
const IS_ODD = 1 << 3;

const SACK_PERMITTED = 1 << 0;
const TIMESTAMPS = 1 << 1;

/** What most connections have none of: it may take its time. */
interface Odd {
  readonly gaps: readonly Gap[];
  readonly gapCount: number;
  readonly overlaps: readonly Overlap[];
  readonly overlapCount: number;
  readonly foreign: readonly ForeignSegment[];
  readonly foreignCount: number;
  readonly oversize: readonly OversizeSegment[];
  readonly oversizeCount: number;
  readonly sack: SackAccount | null;
  readonly unfitResets: UnfitResets | null;
  readonly resent: readonly ResentSegment[];
  readonly resentCount: number;
  readonly selected: readonly SelectedOctets[];
  readonly lost: readonly LostOctets[];
}

const NOTHING_ODD: Odd = {
  gaps: [],
  gapCount: 0,
  overlaps: [],
  overlapCount: 0,
  foreign: [],
  foreignCount: 0,
  oversize: [],
  oversizeCount: 0,
  sack: null,
  unfitResets: null,
  resent: [],
  resentCount: 0,
  selected: [],
  lost: [],
};

/** Packs what is known of a connection that is over. */
export function packConnection(connection: ClosedConnection, into: Packer): void {
  const { tcp } = connection;
  const odd = oddOf(connection, tcp);
  into.octet(
    (connection.midstream ? MIDSTREAM : 0) |
      (connection.synSeen ? SYN_SEEN : 0) |
      (connection.synAckSeen ? SYN_ACK_SEEN : 0) |
      (odd ? IS_ODD : 0),
  );
  into.octet(CLOSE_REASONS.indexOf(connection.closed));
  into.number(connection.index);
  packEndpoint(connection.client, into);
  packEndpoint(connection.server, into);
  packTime(connection.start, into);
  packTime(connection.end, into);
  into.number(connection.firstFrame);
  into.number(connection.lastFrame);
  into.number(connection.clientPackets);
  into.number(connection.serverPackets);
  into.number(connection.clientFinFrame);
  into.number(connection.serverFinFrame);
  into.number(connection.clientRstFrame);
  into.number(connection.serverRstFrame);
  into.signed(connection.acknowledged('client'));
  into.signed(connection.acknowledged('server'));
  if (odd) into.bytes(serialize(odd));
  packTcp(tcp, into);
}

function oddOf({ gaps, gapCount, overlaps, overlapCount }: ClosedConnection, tcp: TcpFacts): Odd | null {
  const { foreign, foreignCount, oversize, oversizeCount, sack, unfitResets } = tcp;
  const { resent, resentCount, selected, lost } = tcp;
  const count =
    gapCount + overlapCount + foreignCount + oversizeCount + oversize.length + resentCount + lost.length;
  if (count === 0 && sack === null && unfitResets === null) return null;
  return {
    gaps,
    gapCount,
    overlaps,
    overlapCount,
    foreign,
    foreignCount,
    oversize,
    oversizeCount,
    sack,
    unfitResets,
    resent,
    resentCount,
    selected,
    lost,
  };
}

function packTcp(tcp: TcpFacts, into: Packer): void {
  packOffer(tcp.clientOffer, into);
  packOffer(tcp.serverOffer, into);
  into.number(tcp.synCount);
  into.number(tcp.lastSynFrame);
  packTime(tcp.lastSynTime, into);
  into.optional(tcp.synAckFrame);
  into.optional(tcp.clientResetFrame);
  into.optional(tcp.serverResetFrame);
  // NaN where a packet has no time.
  into.octet(tcp.handshakeUs === null ? 0 : 1);
  if (tcp.handshakeUs !== null) into.float(tcp.handshakeUs);
  into.optional(tcp.clientIsn);
  into.optional(tcp.serverIsn);
  into.optional(tcp.clientTsval);
  into.optional(tcp.serverTsval);
  into.optional(tcp.clientHopLimit);
  into.optional(tcp.serverHopLimit);
  into.number(tcp.serverLastFrame);
  into.float(tcp.serverLastUs);
  const { serverClose } = tcp;
  into.octet(serverClose === null ? 0 : serverClose.reset ? 2 : 1);
  if (serverClose !== null) {
    into.number(serverClose.frame);
    into.float(serverClose.us);
  }
  into.signed(tcp.clientAcknowledged);
  into.signed(tcp.clientEnd);
}

function packEndpoint({ address, port }: Endpoint, into: Packer): void {
  into.text(address);
  into.number(port);
}

function packTime(time: Timestamp | null, into: Packer): void {
  into.octet(time === null ? 0 : time.digits + 1);
  if (time === null) return;
  into.float(time.us);
  into.number(time.ns);
}

function packOffer(offer: SynOffer | null, into: Packer): void {
  if (offer === null) {
    into.octet(0);
    return;
  }
  const flags = (offer.sackPermitted ? SACK_PERMITTED : 0) | (offer.timestamps ? TIMESTAMPS : 0);
  into.octet(flags + 1);
  into.optional(offer.mss);
  into.optional(offer.windowScale);
}

/** A connection as another thread has seen it. */
export class PackedConnection implements ClosedConnection {
  readonly index: number;
  readonly closed: CloseReason;
  readonly client: Endpoint;
  readonly server: Endpoint;
  readonly start: Timestamp | null;
  readonly end: Timestamp | null;
  readonly firstFrame: number;
  readonly lastFrame: number;
  readonly clientPackets: number;
  readonly serverPackets: number;
  readonly clientFinFrame: number;
  readonly serverFinFrame: number;
  readonly clientRstFrame: number;
  readonly serverRstFrame: number;
  private readonly flags: number;
  private readonly clientAcknowledged: number;
  private readonly serverAcknowledged: number;
  private readonly odd: Odd;
  private readonly tcpAt: number;

  constructor(private readonly from: Unpacker) {
    this.flags = from.octet();
    this.closed = CLOSE_REASONS[from.octet()]!;
    this.index = from.number();
    this.client = endpoint(from);
    this.server = endpoint(from);
    this.start = time(from);
    this.end = time(from);
    this.firstFrame = from.number();
    this.lastFrame = from.number();
    this.clientPackets = from.number();
    this.serverPackets = from.number();
    this.clientFinFrame = from.number();
    this.serverFinFrame = from.number();
    this.clientRstFrame = from.number();
    this.serverRstFrame = from.number();
    this.clientAcknowledged = from.signed();
    this.serverAcknowledged = from.signed();
    this.odd = this.flags & IS_ODD ? (deserialize(from.bytes()) as Odd) : NOTHING_ODD;
    this.tcpAt = from.at;
  }

  get midstream(): boolean {
    return (this.flags & MIDSTREAM) !== 0;
  }

  get synSeen(): boolean {
    return (this.flags & SYN_SEEN) !== 0;
  }

  get synAckSeen(): boolean {
    return (this.flags & SYN_ACK_SEEN) !== 0;
  }

  get gaps(): readonly Gap[] {
    return this.odd.gaps;
  }

  get gapCount(): number {
    return this.odd.gapCount;
  }

  get overlaps(): readonly Overlap[] {
    return this.odd.overlaps;
  }

  get overlapCount(): number {
    return this.odd.overlapCount;
  }

  acknowledged(direction: Direction): number {
    return direction === 'client' ? this.clientAcknowledged : this.serverAcknowledged;
  }

  get tcp(): TcpFacts {
    const { from, odd } = this;
    from.at = this.tcpAt;
    return {
      clientPackets: this.clientPackets,
      serverPackets: this.serverPackets,
      clientOffer: offer(from),
      serverOffer: offer(from),
      synCount: from.number(),
      lastSynFrame: from.number(),
      lastSynTime: time(from),
      synAckFrame: from.optional(),
      clientResetFrame: from.optional(),
      serverResetFrame: from.optional(),
      handshakeUs: from.octet() === 0 ? null : from.float(),
      clientIsn: from.optional(),
      serverIsn: from.optional(),
      clientTsval: from.optional(),
      serverTsval: from.optional(),
      clientHopLimit: from.optional(),
      serverHopLimit: from.optional(),
      serverLastFrame: from.number(),
      serverLastUs: from.float(),
      serverClose: serverClose(from),
      clientAcknowledged: from.signed(),
      clientEnd: from.signed(),
      foreign: odd.foreign,
      foreignCount: odd.foreignCount,
      oversize: odd.oversize,
      oversizeCount: odd.oversizeCount,
      sack: odd.sack,
      unfitResets: odd.unfitResets,
      resent: odd.resent,
      resentCount: odd.resentCount,
      selected: odd.selected,
      lost: odd.lost,
    };
  }
}

function endpoint(from: Unpacker): Endpoint {
  return { address: from.text(), port: from.number() };
}

function time(from: Unpacker): Timestamp | null {
  const digits = from.octet() - 1;
  return digits < 0 ? null : { us: from.float(), ns: from.number(), digits };
}

function offer(from: Unpacker): SynOffer | null {
  const flags = from.octet() - 1;
  if (flags < 0) return null;
  return {
    mss: from.optional(),
    windowScale: from.optional(),
    sackPermitted: (flags & SACK_PERMITTED) !== 0,
    timestamps: (flags & TIMESTAMPS) !== 0,
  };
}

function serverClose(from: Unpacker): ServerClose | null {
  const kind = from.octet();
  return kind === 0 ? null : { frame: from.number(), us: from.float(), reset: kind === 2 };
}
