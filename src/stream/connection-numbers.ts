import type { TcpSegment } from '../wire/segment.js';
import type { Assembler, StreamContext } from './assembler.js';
import {
  CLIENT_HOP_LIMIT,
  CLIENT_OFFER,
  CLIENT_TSVAL,
  type ConnectionRows,
  END_FINE,
  END_US,
  FIRST_FRAME,
  FLAGS,
  HANDSHAKE_US,
  INDEX,
  type KeptRows,
  LAST_FRAME,
  NO_ROW,
  OWN_HEADER,
  REF,
  type RowHolder,
  SERVER_FIN_US,
  SERVER_FRAME,
  SERVER_MS,
  SERVER_OFFER,
  SERVER_STACK,
  SERVER_TSVAL,
  START_FINE,
  START_US,
  SYN_ACK_FRAME,
  setWhole,
  TOUCHED_US,
  wholeOf,
} from './connection-rows.js';
import { CLOSE_REASONS, type CloseReason, type Direction } from './event.js';
import { UNKNOWN_OFFER } from './tcp-facts.js';
import type { Waiting } from './waiting.js';

/** Of FLAGS; why the connection was closed stands above them. */
const MIDSTREAM = 1 << 0;
const SYN_SEEN = 1 << 1;
export const OPEN = 1 << 2;
/** The connection was written, and nobody asks it any more. */
export const WRITTEN = 1 << 3;
/** A segment of that side with a right checksum was seen. */
export const CLIENT_SUMS_RIGHT = 1 << 4;
export const SERVER_SUMS_RIGHT = 1 << 5;
/** A reset was seen that its receiver would believe; what comes behind it tells whether it did. */
export const RESET = 1 << 6;
const CLOSED_SHIFT = 7;

/** The numbers of one connection by their names; they stand in a row. */
export abstract class ConnectionNumbers implements RowHolder {
  // The row, and what is no number.
  wholes: Int32Array = NO_ROW.wholes;
  times: Float64Array = NO_ROW.times;
  wholeAt = 0;
  timeAt = 0;
  wide: Map<number, number> | null = null;
  clientWaiting: Waiting | null = null;
  serverWaiting: Waiting | null = null;

  constructor(
    protected readonly context: StreamContext,
    rows: ConnectionRows | KeptRows,
    index: number,
    readonly family: 4 | 6,
    readonly clientAddress: number,
    readonly serverAddress: number,
    /** Upper 16 bits the client's port, lower 16 the server's. */
    readonly ports: number,
    midstream: boolean,
    segment: Pick<TcpSegment, 'frame' | 'us' | 'ns' | 'digits'>,
  ) {
    rows.take(this);
    const { wholes, times, wholeAt, timeAt } = this;
    wholes[wholeAt + FLAGS] = OPEN | (midstream ? MIDSTREAM : 0);
    wholes[wholeAt + REF] = 0;
    wholes[wholeAt + CLIENT_OFFER] = UNKNOWN_OFFER;
    wholes[wholeAt + SERVER_OFFER] = UNKNOWN_OFFER;
    wholes[wholeAt + CLIENT_HOP_LIMIT] = -1;
    wholes[wholeAt + CLIENT_TSVAL] = 0;
    wholes[wholeAt + SERVER_STACK] = -1;
    wholes[wholeAt + SERVER_TSVAL] = 0;
    wholes[wholeAt + OWN_HEADER] = 0;
    wholes[wholeAt + SERVER_MS] = 0;
    wholes[wholeAt + START_FINE] = (segment.ns << 4) | segment.digits;
    wholes[wholeAt + END_FINE] = 0;
    times[timeAt + START_US] = segment.us;
    times[timeAt + END_US] = Number.NaN;
    times[timeAt + TOUCHED_US] = Number.NaN;
    times[timeAt + HANDSHAKE_US] = -1;
    times[timeAt + SERVER_FIN_US] = -1;
    setWhole(this, FIRST_FRAME, segment.frame);
    setWhole(this, LAST_FRAME, segment.frame);
    setWhole(this, SYN_ACK_FRAME, 0);
    setWhole(this, SERVER_FRAME, 0);
    setWhole(this, INDEX, index);
    this.asked('client').clear();
    this.asked('server').clear();
    this.closed = 'end-of-capture';
  }

  get index(): number {
    return wholeOf(this, INDEX);
  }

  get firstFrame(): number {
    return wholeOf(this, FIRST_FRAME);
  }

  get lastFrame(): number {
    return wholeOf(this, LAST_FRAME);
  }

  /** The table's clock at the last packet, or that packet's own time if it is later. */
  get touchedUs(): number {
    return this.times[this.timeAt + TOUCHED_US]!;
  }

  set touchedUs(value: number) {
    this.times[this.timeAt + TOUCHED_US] = value;
  }

  /** 0: none was seen. */
  get synAckFrame(): number {
    return wholeOf(this, SYN_ACK_FRAME);
  }

  set synAckFrame(value: number) {
    setWhole(this, SYN_ACK_FRAME, value);
  }

  /** Microseconds from the first packet to the SYN-ACK; -1: not known. */
  get handshakeUs(): number {
    return this.times[this.timeAt + HANDSHAKE_US]!;
  }

  set handshakeUs(value: number) {
    this.times[this.timeAt + HANDSHAKE_US] = value;
  }

  /** Microseconds from the first packet to the server's FIN. */
  get serverFinUs(): number {
    return this.times[this.timeAt + SERVER_FIN_US]!;
  }

  set serverFinUs(value: number) {
    this.times[this.timeAt + SERVER_FIN_US] = value;
  }

  /** Place in the table. */
  get ref(): number {
    return this.wholes[this.wholeAt + REF]!;
  }

  set ref(value: number) {
    this.wholes[this.wholeAt + REF] = value;
  }

  /** Offers of the SYN and the SYN-ACK, packed. */
  get clientOffer(): number {
    return this.wholes[this.wholeAt + CLIENT_OFFER]!;
  }

  set clientOffer(value: number) {
    this.wholes[this.wholeAt + CLIENT_OFFER] = value;
  }

  get serverOffer(): number {
    return this.wholes[this.wholeAt + SERVER_OFFER]!;
  }

  set serverOffer(value: number) {
    this.wholes[this.wholeAt + SERVER_OFFER] = value;
  }

  /** Hop limit of the client's first segment; -1 before it. */
  get clientHopLimit(): number {
    return this.wholes[this.wholeAt + CLIENT_HOP_LIMIT]!;
  }

  set clientHopLimit(value: number) {
    this.wholes[this.wholeAt + CLIENT_HOP_LIMIT] = value;
  }

  /** TSval of the SYN as int32; 0 without. */
  get clientTsval(): number {
    return this.wholes[this.wholeAt + CLIENT_TSVAL]!;
  }

  set clientTsval(value: number) {
    this.wholes[this.wholeAt + CLIENT_TSVAL] = value;
  }

  /** Hop limit of the server's first segment, and STAMPED; -1 before it. */
  get serverStack(): number {
    return this.wholes[this.wholeAt + SERVER_STACK]!;
  }

  set serverStack(value: number) {
    this.wholes[this.wholeAt + SERVER_STACK] = value;
  }

  /** The server's first TSval that is not 0; 0 before it. */
  get serverTsval(): number {
    return this.wholes[this.wholeAt + SERVER_TSVAL]!;
  }

  set serverTsval(value: number) {
    this.wholes[this.wholeAt + SERVER_TSVAL] = value;
  }

  protected get flags(): number {
    return this.wholes[this.wholeAt + FLAGS]!;
  }

  get midstream(): boolean {
    return (this.flags & MIDSTREAM) !== 0;
  }

  get isOpen(): boolean {
    return (this.flags & OPEN) !== 0;
  }

  get synSeen(): boolean {
    return (this.flags & SYN_SEEN) !== 0;
  }

  protected synIsSeen(): void {
    this.wholes[this.wholeAt + FLAGS]! |= SYN_SEEN;
  }

  get closed(): CloseReason {
    return CLOSE_REASONS[this.flags >> CLOSED_SHIFT]!;
  }

  protected set closed(reason: CloseReason) {
    const flags = this.flags & ((1 << CLOSED_SHIFT) - 1);
    this.wholes[this.wholeAt + FLAGS] = flags | (CLOSE_REASONS.indexOf(reason) << CLOSED_SHIFT);
  }

  get startUs(): number {
    return this.times[this.timeAt + START_US]!;
  }

  get startFine(): number {
    return this.wholes[this.wholeAt + START_FINE]!;
  }

  get endUs(): number {
    return this.times[this.timeAt + END_US]!;
  }

  get endFine(): number {
    return this.wholes[this.wholeAt + END_FINE]!;
  }

  /** Frame of the server's newest packet, and milliseconds from the first packet to it. */
  get serverFrame(): number {
    return wholeOf(this, SERVER_FRAME);
  }

  get serverMs(): number {
    return this.wholes[this.wholeAt + SERVER_MS]!;
  }

  /** One direction, to ask it something: valid until another connection is asked. */
  protected asked(direction: Direction): Assembler {
    const { askedClient, askedServer } = this.context;
    return (direction === 'client' ? askedClient : askedServer).of(this);
  }
}
