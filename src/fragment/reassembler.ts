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

/** One unfinished datagram: which units of 8 octets are there, and their octets. */
class Datagram {
  readonly us: number;
  octets = Buffer.allocUnsafeSlow(2048);
  present = new Uint8Array(2048 / UNIT);
  presentCount = 0;
  /** Octets in the whole; -1 until the last fragment came. */
  length = -1;
  /** End of the furthest fragment. */
  furthest = 0;
  fragments = 0;
  protocol = 0;

  constructor(us: number) {
    this.us = us;
  }

  reserve(length: number): void {
    if (length <= this.octets.length) return;
    let size = this.octets.length;
    while (size < length) size *= 2;
    const octets = Buffer.allocUnsafeSlow(size);
    this.octets.copy(octets);
    const present = new Uint8Array(size / UNIT);
    present.set(this.present);
    this.octets = octets;
    this.present = present;
  }

  get isWhole(): boolean {
    return this.length >= 0 && this.presentCount * UNIT >= this.length;
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
  #octets = 0;

  constructor(limits: Partial<ReassemblyLimits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
  }

  /** Unfinished datagrams and the octets of their buffers. */
  get held(): { readonly datagrams: number; readonly octets: number } {
    return { datagrams: this.#datagrams.size, octets: this.#octets };
  }

  add(fragment: IpFragment): Buffer | null {
    const size = fragment.end - fragment.start;
    const end = fragment.offset + size;
    if (size <= 0 || end > MAX_DATAGRAM || (fragment.more && size % UNIT !== 0)) return null;
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
      this.#drop(key, datagram);
      this.protocol = datagram.protocol;
      this.used = datagram.fragments;
      return datagram.octets.subarray(0, datagram.length);
    }
    this.#evict(this.#limits.datagrams);
    return null;
  }

  #begin(key: string, us: number): Datagram {
    for (const [oldKey, old] of this.#datagrams) {
      if (!(us - old.us > this.#limits.timeoutUs)) break;
      this.#drop(oldKey, old);
    }
    const datagram = new Datagram(us);
    this.#datagrams.set(key, datagram);
    this.#octets += datagram.octets.length;
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
    const before = datagram.octets.length;
    datagram.reserve(end);
    this.#octets += datagram.octets.length - before;
    const { octets, present } = datagram;
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

  #drop(key: string, datagram: Datagram): void {
    this.#datagrams.delete(key);
    this.#octets -= datagram.octets.length;
  }
}

/** Source, destination, identification and, for IPv4, protocol. RFC 791 §3.2, RFC 8200 §4.5. */
function keyOf(fragment: IpFragment): string {
  const { octets, addressAt } = fragment;
  if (fragment.family === 6) return `${octets.toString('latin1', addressAt, addressAt + 32)}${fragment.id}`;
  return `${octets.toString('latin1', addressAt, addressAt + 8)}${fragment.id}/${fragment.protocol}`;
}
