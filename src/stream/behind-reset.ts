import { TcpSegment } from '../wire/segment.js';

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

  constructor(
    readonly direction: 'client' | 'server',
    readonly frame: number,
    readonly us: number,
    readonly ns: number,
    readonly digits: number,
    readonly hopLimit: number,
    /** Its sequence number, and what it acknowledges. */
    readonly seq: number,
    /** The sequence number up to which the other side had sent. */
    readonly sent: number,
  ) {}

  /** @returns false: there is no more room, and the segment was not kept */
  keep(s: TcpSegment): boolean {
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
