import type { Timestamp } from '../capture/timestamp.js';
import { type IcmpError, icmpKind } from '../wire/icmp-error.js';
import type { TcpSegment } from '../wire/segment.js';
import type { Assembler, GapListener } from './assembler.js';
import type { BehindReset } from './behind-reset.js';
import { ConnectionNumbers, OPEN, RESET, WRITTEN } from './connection-numbers.js';
import { type Oddities, timestamp } from './connection-oddities.js';
import { tcpFacts, writeConnection } from './connection-record.js';
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
import type {
  CloseReason,
  ConnectionView,
  Direction,
  Endpoint,
  Gap,
  GapCause,
  NumberSink,
  Overlap,
  StreamListener,
} from './event.js';
import { MAX_LISTED } from './limits.js';
import { distance } from './sequence.js';
import {
  type ForeignReset,
  type ForeignSegment,
  type ForgedReset,
  Oversizes,
  type ReturnedSegment,
  Sacks,
  type SynRepeats,
  type TcpFacts,
  tsvalOf,
  type UnfitResets,
} from './tcp-facts.js';

/** What most connections have none of. */
class Rare {
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
  readonly forgedResets: ForgedReset[] = [];
  readonly returned: ReturnedSegment[] = [];
  foreignReset: ForeignReset | null = null;
  behindReset: BehindReset | null = null;
  unfitResets: UnfitResets | null = null;
  readonly foreign: { -readonly [K in keyof ForeignSegment]: ForeignSegment[K] }[] = [];
  foreignCount = 0;
  /** Foreign segments behind which one of the server's own was seen. */
  foreignPassed = 0;
}

const NONE: Readonly<Rare> = Object.freeze(new Rare());

/**
 * What is known of one connection, and what others may ask of it.
 *
 * There may be hundreds of thousands of these: 136 octets each and a row of 192, everything rare is made when needed.
 */
export class ConnectionFacts extends ConnectionNumbers implements ConnectionView, GapListener {
  #listener: StreamListener | null = null;
  #rare: Rare | null = null;

  /** Gives the row back. A connection that was written is not asked any more; others keep their numbers. */
  leave(): void {
    this.context.rows.give(this, (this.flags & WRITTEN) !== 0 ? null : this.context.closedRows);
  }

  /** Who hears this connection. Most that are open in a flood never have anything to say. */
  get listener(): StreamListener {
    if (this.#listener === null) this.wake();
    return this.#listener!;
  }

  /** A reset was seen that its receiver would believe, and what came behind it; null: none. */
  get behindReset(): BehindReset | null {
    return this.#rare?.behindReset ?? null;
  }

  protected set behindReset(behind: BehindReset | null) {
    this.#noteRare().behindReset = behind;
    if (behind) this.wholes[this.wholeAt + FLAGS]! |= RESET;
    else this.wholes[this.wholeAt + FLAGS]! &= ~RESET;
  }

  get isReset(): boolean {
    return (this.flags & RESET) !== 0;
  }

  /** Has somebody listen from now on. */
  wake(): void {
    this.#listener ??= this.context.opened(this);
  }

  /** Marks it as closed, and notifies the listener for the last time. */
  protected closeFor(reason: CloseReason): void {
    const { listener } = this;
    this.closed = reason;
    this.wholes[this.wholeAt + FLAGS]! &= ~OPEN;
    this.#listener = null;
    listener.closed(this);
  }

  write(sink: NumberSink): void {
    if (this.isOpen) throw new TypeError('the connection is open');
    this.wholes[this.wholeAt + FLAGS]! |= WRITTEN;
    writeConnection(this, sink, this.context.addresses);
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
    return (this.#rare ?? NONE).gaps;
  }

  get overlaps(): readonly Overlap[] {
    return (this.#rare ?? NONE).overlaps;
  }

  get gapCount(): number {
    return (this.#rare ?? NONE).gapCount;
  }

  get overlapCount(): number {
    return (this.#rare ?? NONE).overlapCount;
  }

  /** Segments that belong to no plausible place of this connection; they were ignored. */
  get strays(): number {
    return (this.#rare ?? NONE).strays;
  }

  get tcp(): TcpFacts {
    return tcpFacts(this, this.oddities());
  }

  /** What most connections show nothing of; null: nothing. */
  oddities(): Oddities | null {
    const rare = this.#rare;
    if (rare === null) return null;
    const { gaps, gapCount, overlaps, overlapCount, syns, foreign, foreignCount, unfitResets } = rare;
    const { deliveries, lost, forgedResets, foreignReset, returned } = rare;
    const acked = (direction: Direction) => this.acknowledged(direction);
    return {
      gaps,
      gapCount,
      overlaps,
      overlapCount,
      syns,
      foreign,
      foreignCount,
      oversize: rare.oversizes?.account(acked) ?? [],
      oversizeCount: rare.oversizes?.count ?? 0,
      sack: rare.sacks?.account() ?? null,
      unfitResets,
      resent: deliveries?.resent(acked) ?? [],
      resentCount: deliveries?.resentCount ?? 0,
      selected: deliveries?.selected ?? [],
      lost,
      forgedResets,
      foreignReset,
      returned,
    };
  }

  get clientOffset(): number {
    return this.asked('client').offset;
  }

  get clientIsn(): number {
    return this.asked('client').isn >>> 0;
  }

  get serverIsn(): number {
    return this.asked('server').isn >>> 0;
  }

  get serverHopLimit(): number {
    return this.serverStack < 0 ? -1 : this.serverStack & 0xff;
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
    const rare = this.#noteRare();
    if (++rare.gapCount <= MAX_LISTED) rare.gaps.push(gap);
    if (this.isOpen) this.listener.gap(gap, this.lastFrame);
  }

  protected stray(): void {
    this.#noteRare().strays++;
  }

  /** A reset that its receiver would not believe. */
  protected unfitReset(s: TcpSegment, from: Assembler): void {
    this.stray();
    if (from.direction === 'client') return;
    const rare = this.#noteRare();
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
    const rare = this.#noteRare();
    rare.syns = { count: (rare.syns?.count ?? 1) + 1, frame: s.frame, time: timeOf(s) };
  }

  /** A segment of the server as its others are; no SYN-ACK, no reset. */
  protected ownStack(s: TcpSegment): void {
    this.wholes[this.wholeAt + OWN_HEADER] = (s.ipId << 16) | s.window;
    const rare = this.#rare;
    if (rare === null) return;
    const { foreign } = rare;
    while (rare.foreignPassed < foreign.length) foreign[rare.foreignPassed++]!.ownIpIdAfter = s.ipId;
  }

  /** A segment of the server that another stack made, as it seems. */
  protected otherStack(s: TcpSegment, offset: number, reset: boolean, otherClock: boolean): void {
    const rare = this.#noteRare();
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
    const rare = this.#noteRare();
    rare.oversizes ??= new Oversizes();
    rare.oversizes.sent(from.direction, offset, s, mss);
  }

  /** Octets again that were sent before. */
  protected resent(s: TcpSegment, from: Assembler, offset: number): void {
    const rare = this.#noteRare();
    rare.deliveries ??= new Deliveries();
    rare.deliveries.again(from.direction, offset, s, this.context.quietUs, from.acked);
    const { oversizes } = rare;
    if (!oversizes) return;
    const mss = (from.direction === 'client' ? this.serverOffer : this.clientOffer) & 0xffff;
    if (s.length <= mss) oversizes.smaller(from.direction, offset, s, from.acked);
  }

  /** Octets `[from, to)` of the other direction, acknowledged selectively by the sender of `direction`. */
  protected sackInside(direction: Direction, from: number, to: number, frame: number): void {
    const rare = this.#noteRare();
    rare.sacks ??= new Sacks();
    rare.sacks.fits(direction);
    rare.deliveries ??= new Deliveries();
    rare.deliveries.select(direction === 'client' ? 'server' : 'client', from, to, frame);
  }

  /** An ICMP error about a packet of this connection. */
  icmpError(error: IcmpError, direction: Direction): void {
    const { returned } = this.#noteRare();
    if (returned.length >= MAX_LISTED) return;
    const { frame, us, ns, digits, hopLimit, type, code, mtu, family } = error;
    returned.push({
      frame,
      time: Number.isNaN(us) ? null : { us, ns, digits },
      from: this.context.addresses.text(family === 6 ? 6 : 4, error.from),
      hopLimit,
      kind: icmpKind(error),
      type,
      code,
      mtu: mtu > 0 ? mtu : null,
      direction,
      offset: this.streamOffset(direction, error.seq),
    });
  }

  /** A reset that its receiver would believe. */
  protected reset(s: TcpSegment, direction: Direction): void {
    const own = direction === 'client' ? this.clientHopLimit : this.serverStack & 0xff;
    if (own <= 0 || own === s.hopLimit) return;
    const { frame, hopLimit } = s;
    this.#noteRare().foreignReset = { direction, frame, time: timeOf(s), hopLimit, ownHopLimit: own };
  }

  protected forgedReset(reset: ForgedReset): void {
    const { forgedResets } = this.#noteRare();
    if (forgedResets.length < MAX_LISTED) forgedResets.push(reset);
  }

  protected lost(octets: LostOctets): void {
    this.#noteRare().lost.push(octets);
  }

  protected sackOutside(direction: Direction, left: number, s: TcpSegment): void {
    const rare = this.#noteRare();
    rare.sacks ??= new Sacks();
    rare.sacks.outside(direction, left, s, timeOf(s));
  }

  #noteRare(): Rare {
    this.#rare ??= new Rare();
    return this.#rare;
  }

  protected overlap(s: TcpSegment, from: Assembler, first: number, last: number): void {
    const rare = this.#noteRare();
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
