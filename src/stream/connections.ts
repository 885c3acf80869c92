import type { AddressTable } from '../wire/address.js';
import { ACK, type Checksum, SYN, type TcpSegment } from '../wire/segment.js';
import { StreamContext } from './assembler.js';
import { Connection, isKeepAlive } from './connection.js';
import type { ConnectionListener } from './event.js';
import { DEFAULT_STREAM_LIMITS, REMEMBERED_WINDOW, type StreamLimits } from './limits.js';
import { distance } from './sequence.js';

/** Place in `connections` plus 1, lower address, higher address, ports in the same order. */
const STRIDE = 4;
const INITIAL_SLOTS = 1024;
/** Connections looked at for idleness, each so many segments. */
const SWEEP = 64;

/** What is kept of a closed connection, so that its late packets open nothing. */
class Closed {
  constructor(
    readonly us: number,
    readonly lowIsClient: boolean,
    readonly clientIsn: number,
    readonly serverIsn: number,
    readonly clientNext: number,
    readonly serverNext: number,
  ) {}
}

/**
 * The connections of one capture: finds the one that a segment belongs to, opens and closes them.
 *
 * Open addressing over 32-bit integers, both directions under one key: with strings as keys, 200,000 open
 * connections were measured to take 4.5 times as long. Most segments belong to the same connection as the one
 * before, which is asked first.
 */
export class ConnectionTable {
  /** Connections opened so far. */
  connectionCount = 0;
  /** Time of the newest packet; NaN before the first. */
  lastUs = Number.NaN;

  readonly #context: StreamContext;
  readonly #limits: StreamLimits;
  readonly #isServerPort = new Uint8Array(65536);
  readonly #connections: Connection[] = [];
  readonly #closed = new Map<string, Closed>();
  #slots = new Int32Array(INITIAL_SLOTS * STRIDE);
  #mask = INITIAL_SLOTS - 1;
  #latest: Connection | null = null;
  #segments = 0;
  #sweepAt = 0;
  /** The key of the segment at hand. */
  #low = 0;
  #high = 0;
  #ports = 0;
  #sourceIsLow = true;

  constructor(
    private readonly listener: ConnectionListener,
    addresses: AddressTable,
    ports: readonly number[],
    checksum: (segment: TcpSegment) => Checksum,
    limits: Partial<StreamLimits> = {},
  ) {
    this.#limits = { ...DEFAULT_STREAM_LIMITS, ...limits };
    this.#context = new StreamContext(addresses, checksum, this.#limits);
    for (const port of ports) this.#isServerPort[port] = 1;
  }

  /** Connections open at present. */
  get open(): number {
    return this.#connections.length;
  }

  /** Takes one segment; both ends may be in any order. */
  segment(s: TcpSegment): void {
    if (!(s.us <= this.lastUs) && !Number.isNaN(s.us)) this.lastUs = s.us;
    if ((++this.#segments & (SWEEP - 1)) === 0) this.#sweep();
    this.#context.segment = s;
    const ports = (s.sourcePort << 16) | s.destinationPort;
    let connection = this.#latest;
    let isClient = true;
    if (
      connection !== null &&
      connection.ports === ports &&
      connection.clientAddress === s.source &&
      connection.serverAddress === s.destination &&
      connection.family === s.family
    ) {
      // Most segments of mail come from the client.
    } else {
      this.#key(s);
      connection = this.#find(s.family);
      if (connection !== null) {
        isClient =
          connection.ports === ports &&
          connection.clientAddress === s.source &&
          connection.serverAddress === s.destination;
      }
    }
    if (connection !== null) {
      const idle = this.lastUs - connection.touchedUs > this.#limits.idleUs;
      if (idle || ((s.flags & SYN) !== 0 && connection.isReusedBy(s, isClient))) {
        connection.close(idle ? 'idle' : 'reused');
        this.#remove(connection);
        this.#key(s);
        connection = null;
      }
    }
    if (connection === null) {
      connection = this.#openFor(s);
      if (connection === null) return;
      isClient = connection.clientAddress === s.source && connection.ports === ports;
    }
    connection.touchedUs = this.lastUs;
    connection.segment(s, isClient);
    if (connection.isOpen) this.#latest = connection;
    else this.#remove(connection);
  }

  /** The capture ended: closes what is open, in the order of opening. */
  end(): void {
    const open = this.#connections.splice(0).sort((a, b) => a.index - b.index);
    this.#slots = new Int32Array(INITIAL_SLOTS * STRIDE);
    this.#mask = INITIAL_SLOTS - 1;
    this.#latest = null;
    this.#context.segment = null;
    for (const connection of open) connection.close('end-of-capture');
  }

  #key(s: TcpSegment): void {
    const lower =
      s.source < s.destination || (s.source === s.destination && s.sourcePort <= s.destinationPort);
    this.#sourceIsLow = lower;
    this.#low = lower ? s.source : s.destination;
    this.#high = lower ? s.destination : s.source;
    this.#ports = lower ? (s.sourcePort << 16) | s.destinationPort : (s.destinationPort << 16) | s.sourcePort;
  }

  #hash(): number {
    let hash = Math.imul(this.#low ^ 0x9e3779b1, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15) ^ this.#high, 0xc2b2ae35);
    hash = Math.imul(hash ^ (hash >>> 13) ^ this.#ports, 0x27d4eb2f);
    return hash ^ (hash >>> 16);
  }

  #find(family: number): Connection | null {
    const slots = this.#slots;
    for (let slot = this.#hash() & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * STRIDE;
      const ref = slots[at]!;
      if (ref === 0) return null;
      if (slots[at + 1] === this.#low && slots[at + 2] === this.#high && slots[at + 3] === this.#ports) {
        const connection = this.#connections[ref - 1]!;
        if (connection.family === family) return connection;
      }
    }
  }

  /** A new connection for this segment; null when it is a leftover of another, or too little to begin one. */
  #openFor(s: TcpSegment): Connection | null {
    const syn = (s.flags & SYN) !== 0;
    // Acknowledgements, resets and FINs without data belong to something that is over.
    if (!syn && (s.length === 0 || isKeepAlive(s))) return null;
    if (this.#closed.size > 0) {
      const key = this.#closedKey(s.family);
      const closed = this.#closed.get(key);
      if (closed !== undefined) {
        if (this.#isLeftover(s, closed)) return null;
        this.#closed.delete(key);
      }
    }
    if (this.#connections.length >= this.#limits.connections) this.#evict();
    const sourceIsClient = this.#sourceIsClient(s);
    const hash = this.#hash();
    const connection = new Connection(
      this.#context,
      this.connectionCount++,
      hash,
      s.family === 6 ? 6 : 4,
      sourceIsClient ? s.source : s.destination,
      sourceIsClient ? s.destination : s.source,
      sourceIsClient ? (s.sourcePort << 16) | s.destinationPort : (s.destinationPort << 16) | s.sourcePort,
      !syn,
      s,
    );
    connection.listener = this.listener.opened(connection);
    this.#insert(connection);
    return connection;
  }

  #sourceIsClient(s: TcpSegment): boolean {
    if ((s.flags & SYN) !== 0) return (s.flags & ACK) === 0;
    const source = this.#isServerPort[s.sourcePort] === 1;
    const destination = this.#isServerPort[s.destinationPort] === 1;
    if (source !== destination) return destination;
    // Both ports are a server's: who begins with a reply code is the server.
    const { octets, start, end } = s;
    const isDigit = (octet: number | undefined) => octet !== undefined && octet >= 0x30 && octet <= 0x39;
    return !(
      end - start >= 4 &&
      isDigit(octets[start]) &&
      isDigit(octets[start + 1]) &&
      isDigit(octets[start + 2]) &&
      (octets[start + 3] === 0x20 || octets[start + 3] === 0x2d)
    );
  }

  #isLeftover(s: TcpSegment, closed: Closed): boolean {
    if (this.lastUs - closed.us > this.#limits.rememberedUs) return false;
    const fromClient = closed.lowIsClient === this.#sourceIsLow;
    const isn = fromClient ? closed.clientIsn : closed.serverIsn;
    if ((s.flags & SYN) !== 0) return s.seq === isn;
    return Math.abs(distance(s.seq, fromClient ? closed.clientNext : closed.serverNext)) < REMEMBERED_WINDOW;
  }

  #closedKey(family: number): string {
    return `${family} ${this.#low} ${this.#high} ${this.#ports}`;
  }

  #insert(connection: Connection): void {
    const count = this.#connections.push(connection);
    connection.ref = count;
    if (count * 2 > this.#mask) this.#grow();
    this.#place(connection.hash, count, this.#low, this.#high, this.#ports);
  }

  #place(hash: number, ref: number, low: number, high: number, ports: number): void {
    const slots = this.#slots;
    let slot = hash & this.#mask;
    while (slots[slot * STRIDE] !== 0) slot = (slot + 1) & this.#mask;
    const at = slot * STRIDE;
    slots[at] = ref;
    slots[at + 1] = low;
    slots[at + 2] = high;
    slots[at + 3] = ports;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(old.length * 2);
    this.#mask = this.#slots.length / STRIDE - 1;
    for (let at = 0; at < old.length; at += STRIDE) {
      const ref = old[at]!;
      if (ref !== 0) {
        this.#place(this.#connections[ref - 1]!.hash, ref, old[at + 1]!, old[at + 2]!, old[at + 3]!);
      }
    }
  }

  /** Takes a closed connection out of the table, and remembers it for a while. */
  #remove(connection: Connection): void {
    if (this.#latest === connection) this.#latest = null;
    const slot = this.#slotOf(connection);
    const at = slot * STRIDE;
    this.#remember(connection, this.#slots[at + 1]!, this.#slots[at + 2]!, this.#slots[at + 3]!);
    this.#clear(slot);
    const last = this.#connections.pop()!;
    if (last !== connection) {
      this.#slots[this.#slotOf(last) * STRIDE] = connection.ref;
      last.ref = connection.ref;
      this.#connections[connection.ref - 1] = last;
    }
  }

  #slotOf(connection: Connection): number {
    let slot = connection.hash & this.#mask;
    while (this.#slots[slot * STRIDE] !== connection.ref) slot = (slot + 1) & this.#mask;
    return slot;
  }

  /** Linear probing: what stands behind the hole and belongs further in front moves up. */
  #clear(hole: number): void {
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = hole;
    for (;;) {
      slot = (slot + 1) & mask;
      const ref = slots[slot * STRIDE]!;
      if (ref === 0) break;
      const home = this.#connections[ref - 1]!.hash & mask;
      if (((slot - home) & mask) >= ((slot - hole) & mask)) {
        slots.copyWithin(hole * STRIDE, slot * STRIDE, slot * STRIDE + STRIDE);
        hole = slot;
      }
    }
    slots[hole * STRIDE] = 0;
  }

  #remember(connection: Connection, low: number, high: number, ports: number): void {
    const closed = this.#closed;
    const lowIsClient = connection.clientAddress === low && connection.ports === ports;
    closed.set(
      `${connection.family} ${low} ${high} ${ports}`,
      new Closed(
        this.lastUs,
        lowIsClient,
        connection.fromClient.isn,
        connection.fromServer.isn,
        connection.fromClient.next,
        connection.fromServer.next,
      ),
    );
    if (closed.size > this.#limits.remembered) {
      const [oldest] = closed.keys();
      closed.delete(oldest!);
    }
  }

  /** Looks at a few connections in turn; all of them within as many segments as there are connections. */
  #sweep(): void {
    const connections = this.#connections;
    for (let i = 0; i < SWEEP && connections.length > 0; i++) {
      if (this.#sweepAt >= connections.length) this.#sweepAt = 0;
      const connection = connections[this.#sweepAt]!;
      const silentUs = this.lastUs - connection.touchedUs;
      const closing = connection.fromClient.finOffset >= 0 && connection.fromServer.finOffset >= 0;
      if (silentUs > this.#limits.idleUs || (closing && silentUs > this.#limits.closingUs)) {
        connection.close('idle');
        this.#remove(connection);
      } else this.#sweepAt++;
      if (i + 1 >= connections.length) return;
    }
  }

  /** Room for one more: of a few, the one that was silent for longest closes. */
  #evict(): void {
    const connections = this.#connections;
    let oldest = connections[this.#sweepAt % connections.length]!;
    for (let i = 1; i < 16; i++) {
      const other = connections[(this.#sweepAt + i) % connections.length]!;
      if (other.touchedUs < oldest.touchedUs) oldest = other;
    }
    this.#sweepAt++;
    const { segment } = this.#context;
    oldest.close('limit');
    this.#remove(oldest);
    if (segment !== null) this.#key(segment);
  }
}
