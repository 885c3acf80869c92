import type { AddressTable } from '../wire/address.js';
import type { SegmentListener } from '../wire/decode.js';
import type { IcmpError } from '../wire/icmp-error.js';
import { ACK, type Checksum, RST, SYN, TcpSegment } from '../wire/segment.js';
import { StreamContext } from './assembler.js';
import { Connection, isKeepAlive } from './connection.js';
import type { CloseReason, ConnectionListener, ConnectionView } from './event.js';
import { FlowTable, flowHash, sideOf } from './flow-table.js';
import { DEFAULT_STREAM_LIMITS, type StreamLimits } from './limits.js';

export { DEFAULT_STREAM_LIMITS, type StreamLimits } from './limits.js';

/** Connections are looked over for idle ones this often, in packet time. */
const SWEEP_US = 60_000_000;

/** When one connection too many opens, the one longest unused of so many closes. */
const EVICTION_SAMPLE = 64;

/**
 * Puts segments together to connections and tells of each what arrived, in order.
 *
 * One table serves one capture. Events come in the order of the packets; data out of order when its turn comes.
 *
 * @example
 * const table = new ConnectionTable(listener, addresses, [25], (segment) => tcpChecksum(segment, addresses));
 * const decoder = createDecoder(table, [25], addresses);
 * await readCapture('mail.pcap', decoder);
 * table.end();
 */
export class ConnectionTable implements SegmentListener {
  /** Connections opened so far. */
  connectionCount = 0;
  /** Time of the newest packet, in microseconds; NaN before the first that has one. */
  lastUs = Number.NaN;
  readonly #early: boolean;
  readonly #context: StreamContext;
  readonly #flows: FlowTable;
  readonly #isPort = new Uint8Array(65536);
  readonly #limits: StreamLimits;
  /** Never goes back, and a single packet from the future does not move it. */
  #clockUs = Number.NaN;
  #previousUs = Number.NaN;
  #sweepUs = Number.NaN;
  #last: Connection | null = null;
  /** Stands for a segment that an ICMP error returns. */
  readonly #returned = new TcpSegment();
  /** Where the search for a connection to evict goes on. */
  #hand = 0;

  constructor(
    listener: ConnectionListener,
    addresses: AddressTable,
    ports: readonly number[],
    checksum: (segment: TcpSegment) => Checksum,
    limits: Partial<StreamLimits> = {},
  ) {
    this.#early = listener.early ?? false;
    this.#limits = { ...DEFAULT_STREAM_LIMITS, ...limits };
    const context = new StreamContext(addresses, checksum, this.#limits);
    context.opened = (connection) => listener.opened(connection);
    this.#context = context;
    this.#flows = new FlowTable(this.#limits.remembered);
    for (const port of ports) this.#isPort[port] = 1;
  }

  /** Connections open now. */
  get openCount(): number {
    return this.#flows.open;
  }

  /** Packets that their receivers threw away: checksums that are wrong while those of their senders are right otherwise. */
  get thrownAway(): number {
    return this.#context.thrownAway;
  }

  /** What is held for holes in all connections, in octets. */
  get heldCost(): number {
    return this.#context.heldCost;
  }

  /** @returns  the connection that the segment belongs to; null: none */
  segment(s: TcpSegment): ConnectionView | null {
    this.#tick(s.us);
    const last = this.#last;
    let side = last === null ? 0 : sideOf(last, s);
    let connection = last;
    if (side === 0) {
      connection = this.#find(s);
      if (connection === null) return null;
      this.#last = connection;
      side = sideOf(connection, s);
    }
    if ((s.flags & (SYN | RST)) === SYN && connection!.isReusedBy(s, side === 1)) {
      this.#close(connection!, 'reused', false);
      connection = this.#open(s, flowHash(s));
      this.#last = connection;
      side = sideOf(connection, s);
    }
    this.#context.segment = s;
    connection!.touchedUs = Math.max(s.us, this.#clockUs);
    connection!.segment(s, side === 1);
    this.#context.segment = null;
    if (!connection!.isOpen) this.#remove(connection!, true);
    return connection;
  }

  /** An ICMP error: it concerns the connection whose segment it returns. */
  icmp(error: IcmpError): boolean {
    const s = this.#returned;
    s.family = error.family;
    s.source = error.source;
    s.destination = error.destination;
    s.sourcePort = error.sourcePort;
    s.destinationPort = error.destinationPort;
    s.seq = error.seq;
    const ref = this.#flows.find(s, flowHash(s));
    if (ref <= 0) return false;
    const connection = this.#flows.connections[ref - 1]!;
    connection.icmpError(error, sideOf(connection, s) === 1 ? 'client' : 'server');
    return true;
  }

  /** Time goes on though no packet comes: closes what has been idle for too long by then. */
  expire(us: number): void {
    if (!(us > this.#clockUs)) return;
    this.#clockUs = us;
    this.#sweepOnce(us);
  }

  /** The capture is over: all that is open closes, in the order of opening. */
  end(): void {
    const open: (Connection | undefined)[] = this.#flows.connections
      .filter((connection) => connection !== undefined)
      .sort((a, b) => a.index - b.index);
    for (let index = 0; index < open.length; index++) {
      const connection = open[index]!;
      // Each may be collected when it is closed: what is kept of it then is small.
      open[index] = undefined;
      this.#close(connection, 'end-of-capture', false);
    }
  }

  /** The segment's connection, opened if need be; null when the segment is none's. */
  #find(s: TcpSegment): Connection | null {
    const hash = flowHash(s);
    const ref = this.#flows.find(s, hash);
    if (ref > 0) return this.#flows.connections[ref - 1]!;
    const isSyn = (s.flags & (SYN | RST)) === SYN;
    // Only a SYN or data begins something: the rest are late packets, answers to scans, keep-alives.
    if (!isSyn && (s.length === 0 || (s.flags & RST) !== 0 || isKeepAlive(s))) return null;
    if (ref < 0) {
      if (this.#flows.isLate(ref, s, isSyn, this.#clockUs, this.#limits.rememberedUs)) return null;
      this.#flows.forget(ref);
    }
    return this.#open(s, hash);
  }

  #open(s: TcpSegment, hash: number): Connection {
    if (this.#flows.open >= this.#limits.connections) this.#evict();
    const midstream = (s.flags & SYN) === 0;
    const fromClient = this.#isFromClient(s);
    const connection = new Connection(
      this.#context,
      this.#context.rows,
      this.connectionCount++,
      s.family === 6 ? 6 : 4,
      fromClient ? s.source : s.destination,
      fromClient ? s.destination : s.source,
      fromClient ? (s.sourcePort << 16) | s.destinationPort : (s.destinationPort << 16) | s.sourcePort,
      midstream,
      s,
    );
    connection.touchedUs = Math.max(s.us, this.#clockUs);
    this.#flows.add(connection, hash);
    if (this.#early) connection.wake();
    if (midstream) {
      connection.gap('client', 0, null, 'midstream');
      connection.gap('server', 0, null, 'midstream');
    }
    return connection;
  }

  #isFromClient(s: TcpSegment): boolean {
    if ((s.flags & SYN) !== 0) return (s.flags & ACK) === 0;
    const fromPort = this.#isPort[s.sourcePort] === 1;
    const toPort = this.#isPort[s.destinationPort] === 1;
    return fromPort && toPort ? !isReply(s) : toPort;
  }

  #close(connection: Connection, reason: CloseReason, remember: boolean): void {
    connection.close(reason);
    this.#remove(connection, remember);
  }

  #remove(connection: Connection, remember: boolean): void {
    if (this.#last === connection) this.#last = null;
    this.#flows.remove(connection);
    if (remember) this.#flows.remember(connection, this.#clockUs);
    connection.leave();
  }

  #tick(us: number): void {
    if (!(us <= this.lastUs)) this.lastUs = Number.isNaN(us) ? this.lastUs : us;
    const confirmed = Math.min(us, this.#previousUs);
    this.#previousUs = us;
    if (!(confirmed > this.#clockUs)) {
      if (Number.isNaN(this.#clockUs)) this.#clockUs = us;
      return;
    }
    this.#clockUs = confirmed;
    this.#sweepOnce(confirmed);
  }

  #sweepOnce(clock: number): void {
    if (clock < this.#sweepUs) return;
    if (!Number.isNaN(this.#sweepUs)) this.#sweep(clock);
    this.#sweepUs = clock + SWEEP_US;
  }

  #sweep(clock: number): void {
    const { idleUs, closingUs } = this.#limits;
    for (const connection of this.#flows.connections) {
      if (connection === undefined) continue;
      const quiet = clock - connection.touchedUs;
      if (quiet < closingUs) continue;
      if (connection.isReset) {
        this.#close(connection, 'rst', true);
      } else if (connection.fromClient.finished && connection.fromServer.finished) {
        this.#close(connection, 'fin', true);
      } else if (quiet >= idleUs) {
        this.#close(connection, 'idle', false);
      }
    }
  }

  #evict(): void {
    const { connections } = this.#flows;
    let oldest: Connection | undefined;
    for (let seen = 0, steps = 0; seen < EVICTION_SAMPLE && steps < connections.length; steps++) {
      this.#hand = (this.#hand + 1) % connections.length;
      const connection = connections[this.#hand];
      if (connection === undefined) continue;
      seen++;
      if (oldest === undefined || connection.lastFrame < oldest.lastFrame) oldest = connection;
    }
    if (oldest !== undefined) this.#close(oldest, 'limit', false);
  }
}

/** `250 ` or `250-`: what only a server says. RFC 5321 §4.2. */
function isReply(s: TcpSegment): boolean {
  const { octets, start, end } = s;
  if (end - start < 4) return false;
  const first = octets[start]!;
  if (first < 0x32 || first > 0x35) return false;
  for (let i = start + 1; i < start + 3; i++) if (octets[i]! < 0x30 || octets[i]! > 0x39) return false;
  const separator = octets[start + 3];
  return separator === 0x20 || separator === 0x2d || separator === 0x2a;
}
