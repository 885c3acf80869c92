import type { TcpSegment } from '../wire/segment.js';
import type { Assembler } from './assembler.js';
import type { Connection } from './connection.js';
import { REMEMBERED_WINDOW } from './limits.js';
import { distance } from './sequence.js';

/** HASH, REF. A ref above 0 is an open connection, below 0 a remembered one, 0 an empty slot. */
const SLOT = 2;
const FIRST_SLOTS = 1 << 10;

/** What is kept of a closed connection: LOW and HIGH are its two endpoints in the order of the key. */
const LOW = 0;
const HIGH = 1;
const PORTS = 2;
const FAMILY = 3;
const HASH = 4;
const ISN = 5;
const NEXT = 7;
/** Bits 0 and 1: the numbers of the low and high side mean something. Bit 2: forgotten. */
const KNOWN = 9;
/** Seconds of the table's clock. */
const CLOSED_AT = 10;
const REMEMBERED = 11;
const FORGOTTEN = 4;

/** Nobody who writes a capture can aim flows at one slot without knowing this. No order depends on it. */
const SEED = (Math.random() * 0x100000000) | 0;

/**
 * Connections by their two endpoints, whichever way a segment goes, and for a while those that closed.
 *
 * Open addressing with linear probing in one Int32Array, at most half full; removal moves followers back, so there
 * is nothing to clean. String keys took 4.5 times as long with 200,000 flows.
 */
export class FlowTable {
  /** By ref - 1. */
  readonly connections: (Connection | undefined)[] = [];
  readonly #free: number[] = [];
  #slots = new Int32Array(FIRST_SLOTS * SLOT);
  #filled = 0;
  #open = 0;
  readonly #rememberedMax: number;
  #remembered = new Int32Array(64 * REMEMBERED);
  /** Closed connections remembered in all; the ring's next place is this modulo its length. */
  #closed = 0;

  /** @param remembered  how many closed connections to remember: a power of two, at least 64 */
  constructor(remembered: number) {
    this.#rememberedMax = remembered;
  }

  get open(): number {
    return this.#open;
  }

  /** The connection's ref, a remembered connection's negative one, or 0. */
  find(s: TcpSegment, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length / SLOT - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const ref = slots[slot * SLOT + 1]!;
      if (ref === 0) return 0;
      if (slots[slot * SLOT] !== hash) continue;
      if (ref > 0 ? isBetween(this.connections[ref - 1]!, s) : this.#isRemembered(-ref - 1, s)) return ref;
    }
  }

  add(connection: Connection, hash: number): void {
    const ref = this.#free.pop() ?? this.connections.length + 1;
    connection.ref = ref;
    this.connections[ref - 1] = connection;
    this.#open++;
    this.#put(hash, ref);
  }

  remove(connection: Connection): void {
    this.#take(hashOf(connection), connection.ref);
    this.connections[connection.ref - 1] = undefined;
    this.#free.push(connection.ref);
    this.#open--;
  }

  /** Keeps the little of a removed connection that tells its late packets from those of a new one. */
  remember(c: Connection, clockUs: number): void {
    if (this.#closed * REMEMBERED >= this.#remembered.length) this.#growRemembered();
    const place = this.#closed % (this.#remembered.length / REMEMBERED);
    const r = this.#remembered;
    const at = place * REMEMBERED;
    if (r[at + FAMILY] !== 0 && (r[at + KNOWN]! & FORGOTTEN) === 0) this.#take(r[at + HASH]!, -place - 1);
    const clientIsLow = isLow(c.clientAddress, c.ports >>> 16, c.serverAddress, c.ports & 0xffff);
    const low = clientIsLow ? c.fromClient : c.fromServer;
    const high = clientIsLow ? c.fromServer : c.fromClient;
    r[at + LOW] = clientIsLow ? c.clientAddress : c.serverAddress;
    r[at + HIGH] = clientIsLow ? c.serverAddress : c.clientAddress;
    r[at + PORTS] = clientIsLow ? c.ports : (c.ports << 16) | (c.ports >>> 16);
    r[at + FAMILY] = c.family;
    const hash = hashOf(c);
    r[at + HASH] = hash;
    r[at + ISN] = low.isn;
    r[at + ISN + 1] = high.isn;
    r[at + NEXT] = low.next;
    r[at + NEXT + 1] = high.next;
    r[at + KNOWN] = known(low) | (known(high) << 1);
    r[at + CLOSED_AT] = seconds(clockUs);
    this.#closed++;
    this.#put(hash, -place - 1);
  }

  /** A packet of a remembered connection comes late, or again, and means nothing new. */
  isLate(ref: number, s: TcpSegment, isSyn: boolean, clockUs: number, forUs: number): boolean {
    const r = this.#remembered;
    const at = (-ref - 1) * REMEMBERED;
    if (distance(seconds(clockUs), r[at + CLOSED_AT]!) * 1e6 > forUs) return false;
    const side = isLow(s.source, s.sourcePort, s.destination, s.destinationPort) ? 0 : 1;
    if ((r[at + KNOWN]! & (1 << side)) === 0) return !isSyn;
    if (isSyn) return r[at + ISN + side] === s.seq;
    return Math.abs(distance(s.seq, r[at + NEXT + side]!)) <= REMEMBERED_WINDOW;
  }

  forget(ref: number): void {
    const at = (-ref - 1) * REMEMBERED;
    this.#take(this.#remembered[at + HASH]!, ref);
    this.#remembered[at + KNOWN]! |= FORGOTTEN;
  }

  #isRemembered(place: number, s: TcpSegment): boolean {
    const r = this.#remembered;
    const at = place * REMEMBERED;
    if (r[at + FAMILY] !== s.family) return false;
    return isLow(s.source, s.sourcePort, s.destination, s.destinationPort)
      ? r[at + LOW] === s.source &&
          r[at + HIGH] === s.destination &&
          r[at + PORTS] === ((s.sourcePort << 16) | s.destinationPort)
      : r[at + LOW] === s.destination &&
          r[at + HIGH] === s.source &&
          r[at + PORTS] === ((s.destinationPort << 16) | s.sourcePort);
  }

  /** The ring is full for the first time: while it may grow, its places stay what they are. */
  #growRemembered(): void {
    if (this.#remembered.length >= this.#rememberedMax * REMEMBERED) return;
    const larger = new Int32Array(this.#remembered.length * 2);
    larger.set(this.#remembered);
    this.#remembered = larger;
  }

  #put(hash: number, ref: number): void {
    if ((this.#filled + 1) * 2 * SLOT > this.#slots.length) this.#rehash();
    const slots = this.#slots;
    const mask = slots.length / SLOT - 1;
    let slot = hash & mask;
    while (slots[slot * SLOT + 1] !== 0) slot = (slot + 1) & mask;
    slots[slot * SLOT] = hash;
    slots[slot * SLOT + 1] = ref;
    this.#filled++;
  }

  #take(hash: number, ref: number): void {
    const slots = this.#slots;
    const mask = slots.length / SLOT - 1;
    let hole = hash & mask;
    while (slots[hole * SLOT + 1] !== ref) hole = (hole + 1) & mask;
    this.#filled--;
    for (let slot = (hole + 1) & mask; slots[slot * SLOT + 1] !== 0; slot = (slot + 1) & mask) {
      // May it stand in the hole? Only when its own place is not between the hole and where it stands.
      const home = slots[slot * SLOT]! & mask;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      slots[hole * SLOT] = slots[slot * SLOT]!;
      slots[hole * SLOT + 1] = slots[slot * SLOT + 1]!;
      hole = slot;
    }
    slots[hole * SLOT + 1] = 0;
  }

  #rehash(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(old.length * 2);
    this.#filled = 0;
    for (let i = 0; i < old.length; i += SLOT) if (old[i + 1] !== 0) this.#put(old[i]!, old[i + 1]!);
  }
}

/** The same for both ways. */
export function flowHash(s: TcpSegment): number {
  return isLow(s.source, s.sourcePort, s.destination, s.destinationPort)
    ? mix(s.source, s.destination, (s.sourcePort << 16) | s.destinationPort, s.family)
    : mix(s.destination, s.source, (s.destinationPort << 16) | s.sourcePort, s.family);
}

function hashOf(c: Connection): number {
  return isLow(c.clientAddress, c.ports >>> 16, c.serverAddress, c.ports & 0xffff)
    ? mix(c.clientAddress, c.serverAddress, c.ports, c.family)
    : mix(c.serverAddress, c.clientAddress, (c.ports << 16) | (c.ports >>> 16), c.family);
}

/** The segment is of this connection: 1 from its client, 2 from its server, 0 not. */
export function sideOf(c: Connection, s: TcpSegment): 0 | 1 | 2 {
  if (c.family !== s.family) return 0;
  if (
    c.clientAddress === s.source &&
    c.serverAddress === s.destination &&
    c.ports === ((s.sourcePort << 16) | s.destinationPort)
  ) {
    return 1;
  }
  return c.clientAddress === s.destination &&
    c.serverAddress === s.source &&
    c.ports === ((s.destinationPort << 16) | s.sourcePort)
    ? 2
    : 0;
}

function isBetween(c: Connection, s: TcpSegment): boolean {
  return sideOf(c, s) !== 0;
}

function isLow(address: number, port: number, otherAddress: number, otherPort: number): boolean {
  return address < otherAddress || (address === otherAddress && port <= otherPort);
}

function known(side: Assembler): number {
  return side.known ? 1 : 0;
}

function seconds(us: number): number {
  return Number.isNaN(us) ? 0 : (us / 1e6) | 0;
}

function mix(a: number, b: number, ports: number, family: number): number {
  let h = Math.imul(SEED ^ a, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15) ^ b, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13) ^ ports, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 16) ^ family, 0x27d4eb2f);
  return h ^ (h >>> 15);
}
