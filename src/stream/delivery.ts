import type { Timestamp } from '../capture/timestamp.js';
import type { TcpSegment } from '../wire/segment.js';
import type { Direction } from './event.js';
import { MAX_LISTED } from './limits.js';

/** Octets that their sender sent again. RFC 9293 §3.8.1. */
export interface ResentSegment {
  readonly direction: Direction;
  /** Stream offset of its first octet, and how many octets the longest copy has. */
  readonly offset: number;
  readonly length: number;
  /** Copies behind the first one. Copies that a mirror port made are not among them. */
  readonly repeats: number;
  /** Of the first and of the newest repeat; times in microseconds since 1970, NaN where a packet has none. */
  readonly frame: number;
  readonly us: number;
  readonly lastFrame: number;
  readonly lastUs: number;
  /** The first frames of repeats, eight at most. */
  readonly frames: readonly number[];
  /** The peer acknowledged the last octet in the end. */
  readonly acknowledged: boolean;
  /** A selective acknowledgement of the peer holds the first octet. RFC 2018 §3. */
  readonly selected: boolean;
}

/**
 * Octets that were sent and never reached the other end: a later packet of their sender has a sequence number behind them,
 * and their receiver's own acknowledgements, to the last of them, stay in front of them.
 */
export interface LostOctets {
  readonly direction: Direction;
  readonly offset: number;
  readonly octets: number;
  /** The packet that shows that they were sent. */
  readonly frame: number;
  readonly time: Timestamp | null;
  /** The receiver's last packet behind it, which acknowledges less; 0: there is none, and nothing is proved. */
  readonly heardFrame: number;
  /** Microseconds from the one to the other; NaN where that cannot be told. */
  readonly heardAfterUs: number;
}

/** Octets that a receiver acknowledged selectively: it holds them, though not what is in front of them. RFC 2018 §3. */
export interface SelectedOctets {
  readonly direction: Direction;
  readonly offset: number;
  readonly octets: number;
  readonly frame: number;
}

/** A copy that follows its original at once was made by a mirror port, not by TCP: no timer is so short. */
const MIRROR_US = 1_000;
const MAX_FRAMES = 8;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Collects what was sent again, and what was acknowledged selectively, of one connection. */
export class Deliveries {
  readonly #resent: (Omit<Mutable<ResentSegment>, 'acknowledged' | 'selected' | 'frames'> & {
    frames: number[];
  })[] = [];
  resentCount = 0;
  readonly #selected: Mutable<SelectedOctets>[] = [];

  /**
   * A segment whose first octet was sent before.
   *
   * @param quietUs  microseconds since the connection's packet in front of it
   * @param acked  stream offset up to which the peer has acknowledged
   */
  again(direction: Direction, offset: number, s: TcpSegment, quietUs: number, acked: number): void {
    if (quietUs < MIRROR_US) return;
    const known = this.#resent.find((one) => one.direction === direction && one.offset === offset);
    if (known) {
      known.length = Math.max(known.length, s.length);
      known.repeats++;
      known.lastFrame = s.frame;
      known.lastUs = s.us;
      if (known.frames.length < MAX_FRAMES) known.frames.push(s.frame);
      return;
    }
    this.resentCount++;
    if (this.#resent.length >= MAX_LISTED && !this.#forgetArrived(direction, acked)) return;
    const { frame, us, length } = s;
    const frames = [frame];
    this.#resent.push({
      direction,
      offset,
      length,
      repeats: 1,
      frame,
      us,
      lastFrame: frame,
      lastUs: us,
      frames,
    });
  }

  /** A selective acknowledgement of octets of `direction`. */
  select(direction: Direction, from: number, to: number, frame: number): void {
    for (const one of this.#selected) {
      if (one.direction !== direction || from > one.offset + one.octets || to < one.offset) continue;
      const end = Math.max(to, one.offset + one.octets);
      one.offset = Math.min(from, one.offset);
      one.octets = end - one.offset;
      one.frame = frame;
      return;
    }
    if (this.#selected.length >= MAX_LISTED) this.#selected.shift();
    this.#selected.push({ direction, offset: from, octets: to - from, frame });
  }

  /** @param acked  stream offset up to which the peer of a direction acknowledged in the end */
  resent(acked: (direction: Direction) => number): ResentSegment[] {
    return this.#resent.map((one) => ({
      ...one,
      acknowledged: acked(one.direction) >= one.offset + one.length,
      selected: this.#selected.some(
        ({ direction, offset, octets }) =>
          direction === one.direction && offset <= one.offset && one.offset < offset + octets,
      ),
    }));
  }

  get selected(): readonly SelectedOctets[] {
    return this.#selected;
  }

  /** Makes room: what arrived in the end matters less than what may not. */
  #forgetArrived(direction: Direction, acked: number): boolean {
    const index = this.#resent.findIndex(
      (one) => one.direction === direction && one.offset + one.length <= acked,
    );
    if (index < 0) return false;
    this.#resent.splice(index, 1);
    return true;
  }
}
