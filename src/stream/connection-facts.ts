import type { Timestamp } from '../capture/timestamp.js';
import type { TcpSegment } from '../wire/segment.js';
import type { Assembler, GapListener, StreamContext } from './assembler.js';
import { ConnectionNumbers, MIDSTREAM, OPEN, PACKED, SYN_SEEN } from './connection-numbers.js';
import {
  END_FINE,
  END_US,
  FLAGS,
  LAST_FRAME,
  OWN_HEADER,
  SERVER_FRAME,
  SERVER_MS,
  START_US,
  setWhole,
} from './connection-rows.js';
import { Deliveries, type LostOctets } from './delivery.js';
import {
  CLOSE_REASONS,
  type CloseReason,
  type ConnectionView,
  type Direction,
  type Endpoint,
  type Gap,
  type GapCause,
  type NumberSink,
  type NumberSource,
  type Overlap,
  type StreamListener,
} from './event.js';
import { MAX_LISTED } from './limits.js';
import { distance } from './sequence.js';
import {
  type ForeignSegment,
  Oversizes,
  Sacks,
  type ServerClose,
  type SynRepeats,
  type TcpFacts,
  tsvalOf,
  type UnfitResets,
  unpackOffer,
} from './tcp-facts.js';

/** What most connections have none of. */
class Oddities {
  readonly gaps: Gap[] = [];
  gapCount = 0;
  readonly overlaps: Overlap[] = [];
  overlapCount = 0;
  strays = 0;
  syns: SynRepeats | null = null;
  oversizes: Oversizes | null = null;
  sacks: Sacks | null = null;
  deliveries: Deliveries | null = null;
  readonly lost: LostOctets[] = [];
  unfitResets: UnfitResets | null = null;
  readonly foreign: { -readonly [K in keyof ForeignSegment]: ForeignSegment[K] }[] = [];
  foreignCount = 0;
  /** Foreign segments behind which one of the server's own was seen. */
  foreignPassed = 0;
}

/** Stands for NaN among packed times: no time is so early. */
const NO_TIME = -(2 ** 51);

function packTime(sink: NumberSink, us: number): void {
  sink.signed(Number.isNaN(us) ? NO_TIME : us);
}

function unpackTime(source: NumberSource): number {
  const us = source.signed();
  return us === NO_TIME ? Number.NaN : us;
}

const NONE: Readonly<Oddities> = Object.freeze(new Oddities());

/**
 * What is known of one connection, and what others may ask of it.
 *
 * There may be hundreds of thousands of these: 136 octets each and a row of 192, everything rare is made when needed.
 */
export class ConnectionFacts extends ConnectionNumbers implements ConnectionView, GapListener {
  #listener: StreamListener | null = null;
  #oddities: Oddities | null = null;

  /** Gives the row back. Who was packed is not asked any more, others are. */
  leave(): void {
    this.context.rows.give(this, (this.flags & PACKED) !== 0 ? null : this.context.closedRows);
  }

  /** Who hears this connection. Most that are open in a flood never have anything to say. */
  get listener(): StreamListener {
    if (this.#listener === null) this.wake();
    return this.#listener!;
  }

  /** Has somebody listen from now on. */
  wake(): void {
    this.#listener ??= this.context.opened(this);
  }

  /** Says goodbye to the listener. */
  protected bury(reason: CloseReason): void {
    const { listener } = this;
    this.closed = reason;
    this.wholes[this.wholeAt + FLAGS]! &= ~OPEN;
    this.#listener = null;
    listener.closed(this);
  }

  get unpack(): (source: NumberSource) => ConnectionView {
    return this.context.unpack;
  }

  pack(sink: NumberSink): boolean {
    if (this.#oddities !== null || this.isOpen) return false;
    this.wholes[this.wholeAt + FLAGS]! |= PACKED;
    sink.signed(this.index);
    sink.signed(this.family);
    sink.signed(this.clientAddress);
    sink.signed(this.serverAddress);
    sink.signed(this.ports);
    sink.signed((this.midstream ? MIDSTREAM : 0) | (this.synSeen ? SYN_SEEN : 0));
    sink.signed(this.firstFrame);
    packTime(sink, this.startUs);
    sink.signed(this.startFine);
    packTime(sink, this.endUs);
    sink.signed(this.endFine);
    this.asked('client').pack(sink);
    this.asked('server').pack(sink);
    sink.signed(CLOSE_REASONS.indexOf(this.closed));
    sink.signed(this.synAckFrame);
    sink.signed(this.lastFrame);
    sink.signed(this.clientOffer);
    sink.signed(this.serverOffer);
    sink.signed(this.clientHopLimit);
    sink.signed(this.clientTsval);
    sink.signed(this.serverStack);
    sink.signed(this.serverTsval);
    packTime(sink, this.handshakeUs);
    sink.signed(this.serverFrame);
    sink.signed(this.serverMs);
    packTime(sink, this.serverFinUs);
    return true;
  }

  /** A closed connection again, of what it has written. */
  static read(context: StreamContext, source: NumberSource): ConnectionFacts {
    const index = source.signed();
    const family = source.signed() === 6 ? 6 : 4;
    const client = source.signed();
    const server = source.signed();
    const ports = source.signed();
    const flags = source.signed();
    const first = { frame: source.signed(), us: unpackTime(source), ns: 0, digits: 0 };
    const fine = source.signed();
    first.ns = fine >>> 4;
    first.digits = fine & 15;
    const midstream = (flags & MIDSTREAM) !== 0;
    const { readRows } = context;
    const facts = new ConnectionFacts(
      context,
      readRows,
      index,
      family,
      client,
      server,
      ports,
      midstream,
      first,
    );
    const { wholes, times, wholeAt, timeAt } = facts;
    if ((flags & SYN_SEEN) !== 0) facts.synIsSeen();
    times[timeAt + END_US] = unpackTime(source);
    wholes[wholeAt + END_FINE] = source.signed();
    facts.asked('client').unpack(source);
    facts.asked('server').unpack(source);
    facts.closed = CLOSE_REASONS[source.signed()]!;
    facts.synAckFrame = source.signed();
    setWhole(facts, LAST_FRAME, source.signed());
    facts.clientOffer = source.signed();
    facts.serverOffer = source.signed();
    facts.clientHopLimit = source.signed();
    facts.clientTsval = source.signed();
    facts.serverStack = source.signed();
    facts.serverTsval = source.signed();
    facts.handshakeUs = unpackTime(source);
    setWhole(facts, SERVER_FRAME, source.signed());
    wholes[wholeAt + SERVER_MS] = source.signed();
    facts.serverFinUs = unpackTime(source);
    return facts;
  }

  get client(): Endpoint {
    return {
      address: this.context.addresses.text(this.family, this.clientAddress),
      port: this.ports >>> 16,
    };
  }

  get server(): Endpoint {
    return {
      address: this.context.addresses.text(this.family, this.serverAddress),
      port: this.ports & 0xffff,
    };
  }

  get start(): Timestamp | null {
    return timestamp(this.startUs, this.startFine);
  }

  get end(): Timestamp | null {
    return timestamp(this.endUs, this.endFine);
  }

  get synAckSeen(): boolean {
    return this.synAckFrame !== 0;
  }

  get clientPackets(): number {
    return this.asked('client').packets;
  }

  get serverPackets(): number {
    return this.asked('server').packets;
  }

  get clientFinFrame(): number {
    return this.asked('client').finFrame;
  }

  get serverFinFrame(): number {
    return this.asked('server').finFrame;
  }

  get clientRstFrame(): number {
    return this.asked('client').rstFrame;
  }

  get serverRstFrame(): number {
    return this.asked('server').rstFrame;
  }

  get gaps(): readonly Gap[] {
    return (this.#oddities ?? NONE).gaps;
  }

  get overlaps(): readonly Overlap[] {
    return (this.#oddities ?? NONE).overlaps;
  }

  get gapCount(): number {
    return (this.#oddities ?? NONE).gapCount;
  }

  get overlapCount(): number {
    return (this.#oddities ?? NONE).overlapCount;
  }

  /** Segments that belong to no plausible place of this connection; they were ignored. */
  get strays(): number {
    return (this.#oddities ?? NONE).strays;
  }

  get tcp(): TcpFacts {
    const { syns, oversizes, sacks, foreign, foreignCount, unfitResets, deliveries, lost } =
      this.#oddities ?? NONE;
    const acked = (direction: Direction) => this.acknowledged(direction);
    return {
      clientPackets: this.clientPackets,
      serverPackets: this.serverPackets,
      clientOffer: unpackOffer(this.clientOffer),
      serverOffer: unpackOffer(this.serverOffer),
      synCount: syns?.count ?? (this.synSeen ? 1 : 0),
      lastSynFrame: syns?.frame ?? (this.synSeen ? this.firstFrame : 0),
      lastSynTime: syns ? syns.time : this.synSeen ? this.start : null,
      synAckFrame: this.synAckFrame || null,
      clientResetFrame: this.clientRstFrame || null,
      serverResetFrame: this.serverRstFrame || null,
      handshakeUs: syns || this.handshakeUs < 0 ? null : this.handshakeUs,
      clientIsn: this.synSeen ? this.asked('client').isn >>> 0 : null,
      serverIsn: this.synAckSeen ? this.asked('server').isn >>> 0 : null,
      clientTsval: this.synSeen && this.clientTsval !== 0 ? this.clientTsval >>> 0 : null,
      serverTsval: this.synAckSeen && this.serverTsval !== 0 ? this.serverTsval >>> 0 : null,
      clientHopLimit: this.clientHopLimit < 0 ? null : this.clientHopLimit,
      serverHopLimit: this.serverStack < 0 ? null : this.serverStack & 0xff,
      serverLastFrame: this.serverFrame,
      serverLastUs: this.startUs + this.serverMs * 1000,
      serverClose: this.#serverClose(),
      clientAcknowledged: this.acknowledged('client'),
      clientEnd: this.asked('client').offset,
      foreign,
      foreignCount,
      oversize: oversizes?.account(acked) ?? [],
      oversizeCount: oversizes?.count ?? 0,
      sack: sacks?.account() ?? null,
      unfitResets,
      resent: deliveries?.resent(acked) ?? [],
      resentCount: deliveries?.resentCount ?? 0,
      selected: deliveries?.selected ?? [],
      lost,
    };
  }

  #serverClose(): ServerClose | null {
    const { finFrame, rstFrame } = this.asked('server');
    if (finFrame !== 0) return { frame: finFrame, us: this.startUs + this.serverFinUs, reset: false };
    // Nothing is taken in after a reset.
    return rstFrame === 0 ? null : { frame: rstFrame, us: this.endUs, reset: true };
  }

  acknowledged(direction: Direction): number {
    return this.asked(direction).ackedData;
  }

  streamOffset(direction: Direction, seq: number): number | null {
    const from = this.asked(direction);
    return from.known ? from.offset + distance(seq, from.next) : null;
  }

  /** A packet of either side. */
  protected seen(s: TcpSegment): void {
    const { wholes, times, wholeAt, timeAt } = this;
    setWhole(this, LAST_FRAME, s.frame);
    this.context.quietUs = s.us - times[timeAt + END_US]!;
    times[timeAt + END_US] = s.us;
    wholes[wholeAt + END_FINE] = (s.ns << 4) | s.digits;
  }

  gap(direction: Direction, offset: number, octets: number | null, cause: GapCause): void {
    const gap: Gap = { direction, offset, octets, cause };
    const rare = this.#rare();
    if (++rare.gapCount <= MAX_LISTED) rare.gaps.push(gap);
    if (this.isOpen) this.listener.gap(gap, this.lastFrame);
  }

  protected stray(): void {
    this.#rare().strays++;
  }

  /** A reset that its receiver would not believe. */
  protected unfitReset(s: TcpSegment, from: Assembler): void {
    this.stray();
    if (from.direction === 'client') return;
    const rare = this.#rare();
    const known = rare.unfitResets;
    rare.unfitResets = known
      ? { ...known, count: known.count + 1 }
      : { count: 1, frame: s.frame, time: timeOf(s) };
  }

  protected serverSpoke(s: TcpSegment): void {
    const { wholes, times, wholeAt, timeAt } = this;
    setWhole(this, SERVER_FRAME, s.frame);
    wholes[wholeAt + SERVER_MS] = (s.us - times[timeAt + START_US]!) / 1000;
  }

  /** Microseconds since the first packet. */
  protected sinceStart(us: number): number {
    return us - this.startUs;
  }

  /** A SYN of the client which is not its first. */
  protected synAgain(s: TcpSegment): void {
    const rare = this.#rare();
    rare.syns = { count: (rare.syns?.count ?? 1) + 1, frame: s.frame, time: timeOf(s) };
  }

  /** A segment of the server as its others are; no SYN-ACK, no reset. */
  protected ownStack(s: TcpSegment): void {
    this.wholes[this.wholeAt + OWN_HEADER] = (s.ipId << 16) | s.window;
    const rare = this.#oddities;
    if (rare === null) return;
    const { foreign } = rare;
    while (rare.foreignPassed < foreign.length) foreign[rare.foreignPassed++]!.ownIpIdAfter = s.ipId;
  }

  /** A segment of the server that another stack made, as it seems. */
  protected otherStack(s: TcpSegment, offset: number, reset: boolean, otherClock: boolean): void {
    const rare = this.#rare();
    if (++rare.foreignCount > MAX_LISTED) return;
    const { frame, length, hopLimit, ipId, window } = s;
    const tsval = tsvalOf(s);
    /** IP ID and window of the server's own newest segment; 0 before it. */
    const own = this.wholes[this.wholeAt + OWN_HEADER]!;
    rare.foreign.push({
      frame,
      time: timeOf(s),
      offset,
      length,
      hopLimit,
      ipId,
      window,
      tsval: tsval < 0 ? null : tsval,
      otherClock,
      reset,
      ownIpIdBefore: own === 0 ? null : own >>> 16,
      ownWindowBefore: own === 0 ? null : own & 0xffff,
      ownIpIdAfter: null,
    });
  }

  /** A segment with more than `mss` octets. */
  protected oversize(s: TcpSegment, from: Assembler, offset: number, mss: number): void {
    const rare = this.#rare();
    rare.oversizes ??= new Oversizes();
    rare.oversizes.sent(from.direction, offset, s, mss);
  }

  /** Octets again that were sent before. */
  protected resent(s: TcpSegment, from: Assembler, offset: number): void {
    const rare = this.#rare();
    rare.deliveries ??= new Deliveries();
    rare.deliveries.again(from.direction, offset, s, this.context.quietUs, from.acked);
    const { oversizes } = rare;
    if (!oversizes) return;
    const mss = (from.direction === 'client' ? this.serverOffer : this.clientOffer) & 0xffff;
    if (s.length <= mss) oversizes.smaller(from.direction, offset, s, from.acked);
  }

  /** Octets `[from, to)` of the other direction, acknowledged selectively by the sender of `direction`. */
  protected sackInside(direction: Direction, from: number, to: number, frame: number): void {
    const rare = this.#rare();
    rare.sacks ??= new Sacks();
    rare.sacks.fits(direction);
    rare.deliveries ??= new Deliveries();
    rare.deliveries.select(direction === 'client' ? 'server' : 'client', from, to, frame);
  }

  protected lost(octets: LostOctets): void {
    this.#rare().lost.push(octets);
  }

  protected sackOutside(direction: Direction, left: number, s: TcpSegment): void {
    const rare = this.#rare();
    rare.sacks ??= new Sacks();
    rare.sacks.outside(direction, left, s, timeOf(s));
  }

  #rare(): Oddities {
    this.#oddities ??= new Oddities();
    return this.#oddities;
  }

  protected overlap(s: TcpSegment, from: Assembler, first: number, last: number): void {
    const rare = this.#rare();
    if (++rare.overlapCount > MAX_LISTED) return;
    rare.overlaps.push({
      direction: from.direction,
      offset: first,
      octets: last - first + 1,
      frame: s.frame,
      checksum: this.context.checksum(s),
    });
  }
}

function timeOf({ us, ns, digits }: TcpSegment): Timestamp | null {
  return Number.isNaN(us) ? null : { us, ns, digits };
}

function timestamp(us: number, fine: number): Timestamp | null {
  return Number.isNaN(us) ? null : { us, ns: fine >>> 4, digits: fine & 15 };
}
