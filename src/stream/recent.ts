import { type Checksum, TcpSegment } from '../wire/segment.js';

/** Segments up to this length (commands, replies) are copied; longer ones are only pointed at. */
const COPIED_OCTETS = 512;
const OCTETS = 1 << 21;
const ENTRIES = 1 << 15;
/** PREVIOUS, SEQ, LENGTH, AT, TCP_START, ERA. */
const STRIDE = 6;
const PREVIOUS = 0;
const SEQ = 1;
const LENGTH = 2;
/** Position in the ring of octets (a running total), or in the reader's buffer. */
const AT = 3;
/** -1: the octets were copied. */
const TCP_START = 4;
const ERA = 5;
/** A retransmission looks back over at most so many segments of its direction. */
const MAX_STEPS = 256;

/**
 * Octets delivered lately by all connections, to see whether a retransmission repeats them.
 *
 * A ring of entries, chained by direction. Short segments are copied to a ring of octets (2 MiB), so the last
 * command and reply of a direction can practically always be compared. Copying all would cost a fifth of a
 * run (100 ns for each segment): of a long segment only its place in the reader's buffer is kept. The reader fills
 * that buffer again without telling, so what is found there counts only when its checksum says it is whole.
 */
export class RecentOctets {
  /** First and last differing octet of the last `compare`, from its `seq`; `first` is -1 when none differs. */
  first = -1;
  last = -1;
  readonly #checksum: (segment: TcpSegment) => Checksum;
  readonly #octets = Buffer.from(new Uint8Array(OCTETS).buffer);
  readonly #entries = new Int32Array(ENTRIES * STRIDE);
  /** Number of the newest entry, as int32. */
  #newest = 0;
  /** Octets copied so far, places left empty at the ring's end included. */
  #written = 0;
  #buffer: Buffer = Buffer.alloc(0);
  /** Changes with the buffer. */
  #era = 0;
  readonly #earlier = new TcpSegment();

  constructor(checksum: (segment: TcpSegment) => Checksum) {
    this.#checksum = checksum;
  }

  /**
   * Remembers octets delivered.
   *
   * @param previous  the direction's newest entry, 0 for none
   * @param seq       sequence number of the octet at `start`
   * @param tcpStart  where the segment's header lies in `octets`, -1 when `octets` is a copy
   * @returns the entry's number
   */
  note(previous: number, seq: number, octets: Buffer, start: number, end: number, tcpStart: number): number {
    const length = end - start;
    if (length > COPIED_OCTETS && tcpStart < 0) return previous;
    this.#newest = (this.#newest + 1) | 0;
    const entry = (this.#newest & (ENTRIES - 1)) * STRIDE;
    const entries = this.#entries;
    entries[entry + PREVIOUS] = previous;
    entries[entry + SEQ] = seq;
    entries[entry + LENGTH] = length;
    if (length > COPIED_OCTETS) {
      if (octets !== this.#buffer) {
        this.#buffer = octets;
        this.#era = (this.#era + 1) | 0;
      }
      entries[entry + AT] = start;
      entries[entry + TCP_START] = tcpStart;
      entries[entry + ERA] = this.#era;
      return this.#newest;
    }
    const ring = this.#octets;
    let at = this.#written % OCTETS;
    if (at + length > OCTETS) {
      this.#written += OCTETS - at;
      at = 0;
    }
    entries[entry + AT] = this.#written | 0;
    entries[entry + TCP_START] = -1;
    this.#written += length;
    // Below two dozen octets a loop is faster than the call.
    if (length > 24) octets.copy(ring, at, start, end);
    else for (let i = start; i < end; i++) ring[at++] = octets[i]!;
    return this.#newest;
  }

  /**
   * Compares octets that came again with what was delivered, as far as it is still there.
   *
   * @param entry    the direction's newest entry
   * @param seq      sequence number of the octet at `start`
   * @param segment  the later copy; its payload holds `octets[start, end)`
   */
  compare(entry: number, seq: number, start: number, end: number, segment: TcpSegment): void {
    this.first = -1;
    this.last = -1;
    const entries = this.#entries;
    let number = entry;
    for (let steps = 0; steps < MAX_STEPS && number !== 0; steps++) {
      if ((this.#newest - number) >>> 0 >= ENTRIES) return;
      const e = (number & (ENTRIES - 1)) * STRIDE;
      // How far the later copy begins beyond this entry's first octet.
      const ahead = (seq - entries[e + SEQ]!) | 0;
      const length = entries[e + LENGTH]!;
      if (ahead >= length) return;
      const from = Math.max(0, -ahead);
      const to = Math.min(end - start, length - ahead);
      if (from < to) this.#compareEntry(e, ahead, from, to, start, segment);
      number = entries[e + PREVIOUS]!;
    }
  }

  #compareEntry(
    e: number,
    ahead: number,
    from: number,
    to: number,
    start: number,
    segment: TcpSegment,
  ): void {
    const entries = this.#entries;
    const { octets } = segment;
    const copied = entries[e + TCP_START]! < 0;
    let at = entries[e + AT]!;
    if (copied) {
      const age = ((this.#written | 0) - at) >>> 0;
      if (age > OCTETS) return;
      at = (this.#written - age) % OCTETS;
    } else if (entries[e + ERA] !== this.#era || !this.#isStillThere(e, segment)) return;
    const earlier = copied ? this.#octets : this.#buffer;
    const shift = at + ahead;
    if (earlier.compare(octets, start + from, start + to, shift + from, shift + to) === 0) return;
    if (!copied && !this.#isWhole(e, segment)) return;
    for (let i = from; i < to; i++) {
      if (earlier[shift + i] === octets[start + i]) continue;
      if (this.first < 0 || i < this.first) this.first = i;
      if (i > this.last) this.last = i;
    }
  }

  /** A cheap look first: the header there still has these ports and this number. */
  #isStillThere(e: number, segment: TcpSegment): boolean {
    const buffer = this.#buffer;
    const { octets, tcpStart } = segment;
    const old = this.#entries[e + TCP_START]!;
    for (let i = 0; i < 4; i++) if (buffer[old + i] !== octets[tcpStart + i]) return false;
    const header = (buffer[old + 12]! >> 4) << 2;
    const skipped = this.#entries[e + AT]! - old - header;
    if (skipped < 0) return false;
    return ((buffer.readInt32BE(old + 4) + skipped) | 0) === this.#entries[e + SEQ];
  }

  #isWhole(e: number, segment: TcpSegment): boolean {
    const earlier = this.#earlier;
    const entries = this.#entries;
    earlier.family = segment.family;
    earlier.source = segment.source;
    earlier.destination = segment.destination;
    earlier.octets = this.#buffer;
    earlier.tcpStart = entries[e + TCP_START]!;
    earlier.start = entries[e + AT]!;
    earlier.end = earlier.start + entries[e + LENGTH]!;
    earlier.length = earlier.end - earlier.start;
    earlier.lengthClaimed = true;
    return this.#checksum(earlier) === 'valid';
  }
}
