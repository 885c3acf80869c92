import type { FragmentSink, IpFragment } from '../wire/fragment-sink.js';

/** How much of unfinished datagrams is kept. The oldest go first. */
export interface ReassemblyLimits {
  readonly datagrams: number;
  /** Octets that buffers of all unfinished datagrams take together. */
  readonly octets: number;
  /** Microseconds of packet time from a datagram's first fragment to its last (RFC 8200 §4.5: 60 s). */
  readonly timeoutUs: number;
}

const DEFAULT_LIMITS: ReassemblyLimits = { datagrams: 1024, octets: 8 << 20, timeoutUs: 60_000_000 };

const MAX_DATAGRAM = 65535;
const UNIT = 8;
/** A datagram's buffer is so large until it is known to need more, twice or four times as much and so on. */
const FIRST_OCTETS = 2048;

/** Octets of one datagram, and which of their units of 8 are there: 1. */
interface Room {
  readonly octets: Buffer;
  readonly present: Uint8Array;
}

/** One unfinished datagram. */
class Datagram {
  presentCount = 0;
  /** Octets in the whole; -1 until the last fragment came. */
  length = -1;
  /** End of the furthest fragment. */
  furthest = 0;
  fragments = 0;
  protocol = 0;

  constructor(
    readonly us: number,
    public room: Room,
  ) {}

  get isWhole(): boolean {
    return this.length >= 0 && this.presentCount * UNIT >= this.length;
  }
}

/**
 * Rooms of datagrams that were dropped, by size, for those that begin: 500,000 fragments of as many datagrams took 12 s of
 * CPU with buffers made anew for each. It holds as much as unfinished datagrams may.
 */
class SpareRooms {
  readonly #rooms = new Map<number, Room[]>();
  readonly #limit: number;
  #octets = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @param octets  a power of two; nothing is present */
  take(octets: number): Room {
    const room = this.#rooms.get(octets)?.pop();
    if (room === undefined)
      return { octets: Buffer.allocUnsafeSlow(octets), present: new Uint8Array(octets / UNIT) };
    this.#octets -= octets;
    room.present.fill(0);
    return room;
  }

  give(room: Room): void {
    const { length } = room.octets;
    if (this.#octets + length > this.#limit) return;
    this.#octets += length;
    const rooms = this.#rooms.get(length);
    if (rooms === undefined) this.#rooms.set(length, [room]);
    else rooms.push(room);
  }
}

/**
 * Puts IP fragments together: in any order, within bounds, the first copy of an octet wins.
 *
 * A datagram that contradicts itself (two lengths, octets beyond its end, a short fragment in the middle) is
 * dropped, since no receiver would agree on its content.
 */
export class Reassembler implements FragmentSink {
  /** Of the datagram that `add` returned last. */
  protocol = 0;
  used = 0;

  readonly #limits: ReassemblyLimits;
  /** Insertion order is age. */
  readonly #datagrams = new Map<string, Datagram>();
  readonly #spare: SpareRooms;
  #octets = 0;

  constructor(limits: Partial<ReassemblyLimits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#spare = new SpareRooms(this.#limits.octets);
  }

  /** Unfinished datagrams and the octets of their buffers. */
  get held(): { readonly datagrams: number; readonly octets: number } {
    return { datagrams: this.#datagrams.size, octets: this.#octets };
  }

  add(fragment: IpFragment): Buffer | null {
    const octets = fragment.end - fragment.start;
    // Receivers cut what is no multiple of eight in front of further fragments: the next one begins there. RFC 791 §2.3.
    const size = fragment.more ? octets - (octets % UNIT) : octets;
    const end = fragment.offset + size;
    if (size <= 0 || end > MAX_DATAGRAM) return null;
    const key = keyOf(fragment);
    let datagram = this.#datagrams.get(key);
    if (datagram !== undefined && fragment.us - datagram.us > this.#limits.timeoutUs) {
      this.#drop(key, datagram);
      datagram = undefined;
    }
    if (datagram === undefined) {
      if (!fragment.mayBegin) return null;
      datagram = this.#begin(key, fragment.us);
    }
    datagram.fragments++;
    if (!this.#measure(datagram, fragment, end)) {
      this.#drop(key, datagram);
      return null;
    }
    this.#copy(datagram, fragment, end);
    if (datagram.isWhole) {
      this.#forget(key, datagram);
      this.protocol = datagram.protocol;
      this.used = datagram.fragments;
      return datagram.room.octets.subarray(0, datagram.length);
    }
    this.#evict(this.#limits.datagrams);
    return null;
  }

  #begin(key: string, us: number): Datagram {
    for (const [oldKey, old] of this.#datagrams) {
      if (!(us - old.us > this.#limits.timeoutUs)) break;
      this.#drop(oldKey, old);
    }
    const datagram = new Datagram(us, this.#spare.take(FIRST_OCTETS));
    this.#datagrams.set(key, datagram);
    this.#octets += FIRST_OCTETS;
    return datagram;
  }

  /** False when this fragment and earlier ones cannot be of one datagram. */
  #measure(datagram: Datagram, fragment: IpFragment, end: number): boolean {
    if (!fragment.more) {
      if (datagram.length >= 0 && datagram.length !== end) return false;
      if (datagram.furthest > end) return false;
      datagram.length = end;
    } else if (datagram.length >= 0 && end > datagram.length) {
      return false;
    }
    datagram.furthest = Math.max(datagram.furthest, end);
    if (fragment.offset === 0 || datagram.fragments === 1) datagram.protocol = fragment.protocol;
    return true;
  }

  #copy(datagram: Datagram, fragment: IpFragment, end: number): void {
    this.#reserve(datagram, end);
    const { octets, present } = datagram.room;
    let from = fragment.start;
    for (let at = fragment.offset; at < end; at += UNIT, from += UNIT) {
      const unit = at / UNIT;
      if (present[unit] === 1) continue;
      present[unit] = 1;
      datagram.presentCount++;
      const last = Math.min(UNIT, end - at);
      for (let i = 0; i < last; i++) octets[at + i] = fragment.octets[from + i]!;
    }
  }

  #evict(datagrams: number): void {
    for (const [key, datagram] of this.#datagrams) {
      if (this.#datagrams.size <= datagrams && this.#octets <= this.#limits.octets) return;
      this.#drop(key, datagram);
    }
  }

  #reserve(datagram: Datagram, end: number): void {
    const { room } = datagram;
    let size = room.octets.length;
    if (end <= size) return;
    while (size < end) size *= 2;
    const larger = this.#spare.take(size);
    room.octets.copy(larger.octets);
    larger.present.set(room.present);
    datagram.room = larger;
    this.#octets += size - room.octets.length;
    this.#spare.give(room);
  }

  #drop(key: string, datagram: Datagram): void {
    this.#forget(key, datagram);
    this.#spare.give(datagram.room);
  }

  /** A whole one: what it holds is looked at now, and may have further fragments in it. */
  #forget(key: string, datagram: Datagram): void {
    this.#datagrams.delete(key);
    this.#octets -= datagram.room.octets.length;
  }
}

/** Source, destination, identification and, for IPv4, protocol. RFC 791 §3.2, RFC 8200 §4.5. */
function keyOf(fragment: IpFragment): string {
  const { octets, addressAt } = fragment;
  if (fragment.family === 6) return `${octets.toString('latin1', addressAt, addressAt + 32)}${fragment.id}`;
  return `${octets.toString('latin1', addressAt, addressAt + 8)}${fragment.id}/${fragment.protocol}`;
}
