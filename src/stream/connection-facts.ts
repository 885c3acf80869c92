import type { Timestamp } from '../capture/timestamp.js';
import type { TcpSegment } from '../wire/segment.js';
import { Assembler, type GapListener, type StreamContext } from './assembler.js';
import type {
  CloseReason,
  ConnectionView,
  Direction,
  Endpoint,
  Gap,
  GapCause,
  Overlap,
  StreamListener,
} from './event.js';
import { MAX_LISTED } from './limits.js';

/** What most connections have none of. */
class Oddities {
  readonly gaps: Gap[] = [];
  gapCount = 0;
  readonly overlaps: Overlap[] = [];
  overlapCount = 0;
  strays = 0;
}

const NONE: Readonly<Oddities> = Object.freeze(new Oddities());

/**
 * What is known of one connection, and what others may ask of it.
 *
 * There may be hundreds of thousands of these: about 550 octets each, everything rare is made when needed.
 */
export class ConnectionFacts implements ConnectionView, GapListener {
  readonly fromClient = new Assembler('client');
  readonly fromServer = new Assembler('server');
  listener: StreamListener | null = null;
  closed: CloseReason = 'end-of-capture';
  synSeen = false;
  synAckSeen = false;
  lastFrame = 0;
  /** The table's clock at the last packet, or that packet's own time if it is later. */
  touchedUs = Number.NaN;
  /** Place in the table. */
  ref = 0;
  readonly firstFrame: number;
  readonly #startUs: number;
  readonly #startFine: number;
  #endUs = Number.NaN;
  #endFine = 0;
  #oddities: Oddities | null = null;

  constructor(
    protected readonly context: StreamContext,
    readonly index: number,
    readonly family: 4 | 6,
    readonly clientAddress: number,
    readonly serverAddress: number,
    /** Upper 16 bits the client's port, lower 16 the server's. */
    readonly ports: number,
    readonly midstream: boolean,
    segment: TcpSegment,
  ) {
    this.firstFrame = segment.frame;
    this.lastFrame = segment.frame;
    this.#startUs = segment.us;
    this.#startFine = (segment.ns << 4) | segment.digits;
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
    return timestamp(this.#startUs, this.#startFine);
  }

  get end(): Timestamp | null {
    return timestamp(this.#endUs, this.#endFine);
  }

  get clientPackets(): number {
    return this.fromClient.packets;
  }

  get serverPackets(): number {
    return this.fromServer.packets;
  }

  get clientFinFrame(): number {
    return this.fromClient.finFrame;
  }

  get serverFinFrame(): number {
    return this.fromServer.finFrame;
  }

  get clientRstFrame(): number {
    return this.fromClient.rstFrame;
  }

  get serverRstFrame(): number {
    return this.fromServer.rstFrame;
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

  acknowledged(direction: Direction): number {
    return (direction === 'client' ? this.fromClient : this.fromServer).ackedData;
  }

  /** A packet of either side. */
  protected seen(s: TcpSegment): void {
    this.lastFrame = s.frame;
    this.#endUs = s.us;
    this.#endFine = (s.ns << 4) | s.digits;
  }

  gap(direction: Direction, offset: number, octets: number | null, cause: GapCause): void {
    const gap: Gap = { direction, offset, octets, cause };
    this.#oddities ??= new Oddities();
    if (++this.#oddities.gapCount <= MAX_LISTED) this.#oddities.gaps.push(gap);
    this.listener?.gap(gap, this.lastFrame);
  }

  protected stray(): void {
    this.#oddities ??= new Oddities();
    this.#oddities.strays++;
  }

  protected overlap(s: TcpSegment, from: Assembler, first: number, last: number): void {
    this.#oddities ??= new Oddities();
    if (++this.#oddities.overlapCount > MAX_LISTED) return;
    this.#oddities.overlaps.push({
      direction: from.direction,
      offset: first,
      octets: last - first + 1,
      frame: s.frame,
      checksum: this.context.checksum(s),
    });
  }
}

function timestamp(us: number, fine: number): Timestamp | null {
  return Number.isNaN(us) ? null : { us, ns: fine >>> 4, digits: fine & 15 };
}
