import type { Timestamp } from '../capture/timestamp.js';
import type { Checksum, TcpSegment } from '../wire/segment.js';
import type { LostOctets } from './delivery.js';

/** What it costs to keep one segment, beside its octets. */
const SEGMENT_COST = 512;

/** A copy of octets that cannot be delivered yet. */
export class HeldSegment {
  constructor(
    /** Stream offset of its first octet. */
    public offset: number,
    /** null: octets that the capture does not hold (sliced). */
    public octets: Buffer | null,
    public length: number,
    /** Offset of the other direction up to which octets must be delivered first: this segment acknowledges them. */
    public after: number,
    public frame: number,
    public us: number,
    public ns: number,
    public digits: number,
    public checksum: Checksum,
    /** Its checksum is wrong, its sender's others are right: it was thrown away, unless its receiver acknowledges it
     * before it is sent again. */
    public doubtful = false,
  ) {}

  get end(): number {
    return this.offset + this.length;
  }

  get cost(): number {
    return (this.octets === null ? 0 : this.length) + SEGMENT_COST;
  }
}

/** Stream offsets of the first and last octet in which two copies differ; `first` is -1 when none does. */
export interface Difference {
  first: number;
  last: number;
}

/**
 * What one direction of a connection waits for, made when it has to wait and dropped when it need not.
 *
 *     delivered | hole | held[0] | hole | held[1] held[2] | ..
 *               ^ Assembler.offset
 *
 * Held segments are sorted and never overlap: of two copies the first is kept.
 */
export class Waiting {
  readonly held: HeldSegment[] = [];
  /** Sum of the costs of what is held. */
  cost = 0;
  /** The peer acknowledged up to this offset, which is beyond what was delivered; 0: no such acknowledgement. */
  suspect = 0;
  /** When it did. */
  suspectUs = Number.NaN;
  /** Segments of the connection since. */
  suspectSegments = 0;
  /** The peer's sequence number from which on an answer proves that the acknowledgement had arrived. */
  suspectSeq = 0;
  /** The hole's own side answered so. */
  suspectProved = false;
  /** The sender's own sequence numbers say that it has sent up to this offset; 0: no further than was delivered. */
  claimed = 0;
  claimedFrame = 0;
  claimedTime: Timestamp | null = null;
  /** The receiver's newest packet behind that one, which acknowledges no octet of the hole; 0: none. */
  heardFrame = 0;
  heardUs = Number.NaN;

  #replaced = 0;

  /** Doubtful segments that better copies have replaced since the last time. */
  takeReplaced(): number {
    const replaced = this.#replaced;
    this.#replaced = 0;
    return replaced;
  }

  /** Where what is held begins; Infinity when nothing is. */
  get first(): number {
    return this.held[0]?.offset ?? Number.POSITIVE_INFINITY;
  }

  /** The end of what is held; 0 when nothing is. */
  get top(): number {
    return this.held[this.held.length - 1]?.end ?? 0;
  }

  /**
   * Keeps what of `segment` is not there yet.
   *
   * Octets that are there are compared, and stay, unless theirs was a segment that no receiver accepts (wrong
   * checksum) and the new one is whole: then the new octets take their place.
   *
   * @param octets  view of `segment.length` octets, copied here; null for sliced ones
   */
  insert(segment: HeldSegment, octets: Buffer | null, difference: Difference): void {
    const { held } = this;
    if (segment.doubtful && this.#covers(segment.offset, segment.end)) return;
    let index = this.#indexAt(segment.offset);
    let from = segment.offset;
    const { end } = segment;
    while (from < end) {
      const next = held[index];
      if (next === undefined || next.offset >= end) {
        this.#add(index, segment, octets, from, end);
        return;
      }
      if (from < next.offset) {
        this.#add(index, segment, octets, from, next.offset);
        from = next.offset;
        index++;
      }
      const to = Math.min(end, next.end);
      if (octets !== null && next.octets !== null) {
        const doubted = next.doubtful;
        compare(next, segment, octets, from, to, difference);
        if (doubted && !next.doubtful) this.#replaced++;
      }
      from = to;
      index++;
    }
  }

  /** Octets held, those not captured excluded. */
  get octets(): number {
    return this.cost - this.held.length * SEGMENT_COST;
  }

  /** Drops what lies beyond `offset`: nothing follows a FIN. */
  truncate(offset: number): void {
    const { held } = this;
    while (held.length > 0) {
      const last = held[held.length - 1]!;
      if (last.end <= offset) return;
      this.cost -= last.cost;
      if (last.offset >= offset) {
        held.pop();
        continue;
      }
      last.length = offset - last.offset;
      last.octets = last.octets?.subarray(0, last.length) ?? null;
      this.cost += last.cost;
    }
  }

  /**
   * The receiver has acknowledged everything in front of `offset`: it took what is held there, whatever its checksum.
   *
   * @returns something was doubted until now
   */
  believe(offset: number): boolean {
    let changed = false;
    for (const segment of this.held) {
      if (segment.end > offset) break;
      changed ||= segment.doubtful;
      segment.doubtful = false;
    }
    return changed;
  }

  /** Takes out what nobody has accepted. @returns so many segments */
  dropDoubtful(): number {
    const before = this.held.length;
    for (let index = before - 1; index >= 0; index--) {
      const segment = this.held[index]!;
      if (!segment.doubtful) continue;
      this.held.splice(index, 1);
      this.cost -= segment.cost;
    }
    return before - this.held.length;
  }

  /** A segment whose sender has sent all in front of `offset`. */
  claim(offset: number, { frame, us, ns, digits }: TcpSegment): void {
    if (offset <= this.claimed) return;
    this.claimed = offset;
    this.claimedFrame = frame;
    this.claimedTime = Number.isNaN(us) ? null : { us, ns, digits };
    this.heardFrame = 0;
  }

  /** What its sender has sent behind `offset`, up to the first octet that is held; null: nothing that is known of. */
  hole(offset: number): Omit<LostOctets, 'direction' | 'offset'> | null {
    if (this.claimed <= offset) return null;
    const { claimedFrame: frame, claimedTime: time, heardFrame, heardUs } = this;
    return {
      octets: Math.min(this.claimed, this.first) - offset,
      frame,
      time,
      heardFrame,
      heardAfterUs: heardFrame === 0 || time === null ? Number.NaN : heardUs - time.us,
    };
  }

  shift(): HeldSegment | undefined {
    const segment = this.held.shift();
    if (segment !== undefined) this.cost -= segment.cost;
    return segment;
  }

  #add(index: number, segment: HeldSegment, octets: Buffer | null, from: number, to: number): void {
    let copy: Buffer | null = null;
    if (octets !== null) {
      // Not from Node's pool: there, one octet could keep 8 KiB.
      copy = Buffer.allocUnsafeSlow(to - from);
      octets.copy(copy, 0, from - segment.offset, to - segment.offset);
    }
    const { after, frame, us, ns, digits, checksum, doubtful } = segment;
    const part = new HeldSegment(from, copy, to - from, after, frame, us, ns, digits, checksum, doubtful);
    this.held.splice(index, 0, part);
    this.cost += part.cost;
  }

  #covers(from: number, to: number): boolean {
    const first = this.held[this.#indexAt(from)];
    return first !== undefined && first.offset <= from && first.end >= to;
  }

  /** Index of the first held segment that ends beyond `offset`. */
  #indexAt(offset: number): number {
    const { held } = this;
    let low = 0;
    let high = held.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (held[middle]!.end > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function compare(
  kept: HeldSegment,
  later: HeldSegment,
  octets: Buffer,
  from: number,
  to: number,
  difference: Difference,
): void {
  const mine = kept.octets!;
  const a = from - kept.offset;
  const b = from - later.offset;
  const length = to - from;
  const better = kept.checksum === 'invalid' && later.checksum === 'valid';
  // What was thrown away was never said: no difference.
  const doubted = kept.doubtful && better;
  if (!doubted && mine.compare(octets, b, b + length, a, a + length) === 0) return;
  for (let i = 0; i < length && !doubted; i++) {
    if (mine[a + i] === octets[b + i]) continue;
    if (difference.first < 0 || from + i < difference.first) difference.first = from + i;
    if (from + i > difference.last) difference.last = from + i;
  }
  if (!better) return;
  octets.copy(mine, a, b, b + length);
  if (length < kept.length) return;
  kept.frame = later.frame;
  kept.us = later.us;
  kept.ns = later.ns;
  kept.digits = later.digits;
  kept.checksum = later.checksum;
  kept.after = later.after;
  kept.doubtful = false;
}
