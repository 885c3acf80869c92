import { ACK, RST, TcpSegment } from '../wire/segment.js';
import { advance, distance } from './sequence.js';
import type { ForgedReset } from './tcp-facts.js';

/** Segments and octets that may wait until it is clear whether a reset was believed. */
const MAX_SEGMENTS = 16;
const MAX_OCTETS = 1 << 16;

/**
 * What follows a reset, until it is clear whether somebody believed it.
 *
 * Who has reset a connection knows nothing of it any more: he sends no further octet. Who believed a reset sends none,
 * either, or resets in his turn. So a reset was written by somebody else where the side in whose name it was written goes on,
 * and the other side goes on behind that.
 */
export class BehindReset {
  readonly #segments: TcpSegment[] = [];
  #octets = 0;
  /** The frame in which the side that is said to have reset went on; 0: it did not. */
  wentOn = 0;
  /** In so many packets. */
  wentOnCount = 0;

  readonly frame: number;
  readonly us: number;
  readonly ns: number;
  readonly digits: number;
  readonly hopLimit: number;
  readonly seq: number;

  /** @param sent  the sequence number up to which the other side had sent */
  constructor(
    readonly direction: 'client' | 'server',
    reset: TcpSegment,
    readonly sent: number,
  ) {
    this.frame = reset.frame;
    this.us = reset.us;
    this.ns = reset.ns;
    this.digits = reset.digits;
    this.hopLimit = reset.hopLimit;
    this.seq = reset.seq;
  }

  /**
   * What a segment behind the reset says of it. It is kept while nothing is decided, and where the reset was forged.
   *
   * @param isItsOwn  of the side in whose name the reset was written
   */
  take(s: TcpSegment, isItsOwn: boolean): 'undecided' | 'believed' | 'forged' {
    if ((s.flags & RST) !== 0) return isItsOwn ? 'undecided' : 'believed';
    if (isItsOwn && this.#isNew(s) && this.wentOnCount++ === 0) this.wentOn = s.frame;
    if (!this.#keep(s)) return 'believed';
    return !isItsOwn && this.wentOn !== 0 ? 'forged' : 'undecided';
  }

  /** @param answered  frame in which the other side went on; null: it believed the reset */
  forged(answered: number | null): ForgedReset {
    const { direction, frame, us, ns, digits, hopLimit, wentOn } = this;
    return {
      direction,
      frame,
      time: Number.isNaN(us) ? null : { us, ns, digits },
      hopLimit,
      wentOnFrame: wentOn,
      answeredFrame: answered,
    };
  }

  /** More than its side had sent when the reset came, or an acknowledgement of more than the other side had. */
  #isNew(s: TcpSegment): boolean {
    const data = s.length > 0 && distance(advance(s.seq, s.length), this.seq) > 0;
    return data || ((s.flags & ACK) !== 0 && distance(s.ack, this.sent) > 0);
  }

  /** @returns false: there is no more room, and the segment was not kept */
  #keep(s: TcpSegment): boolean {
    const length = s.end - s.tcpStart;
    if (this.#segments.length >= MAX_SEGMENTS || this.#octets + length > MAX_OCTETS) return false;
    this.#octets += length;
    this.#segments.push(copyOf(s));
    return true;
  }

  get segments(): readonly TcpSegment[] {
    return this.#segments;
  }
}

function copyOf(s: TcpSegment): TcpSegment {
  const copy = Object.assign(new TcpSegment(), s);
  copy.octets = Buffer.from(s.octets.subarray(s.tcpStart, s.end));
  copy.tcpStart = 0;
  copy.start = s.start - s.tcpStart;
  copy.end = s.end - s.tcpStart;
  return copy;
}
