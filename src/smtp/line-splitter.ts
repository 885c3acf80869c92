import type { Direction, StreamChunk } from '../stream/event.js';
import type { Checksum } from '../wire/segment.js';

/** Octets of a line that are kept. RFC 5321 §4.5.3.1 allows 512; text lines 1000. */
export const MAX_LINE_OCTETS = 2048;

const LF = 0x0a;
const CR = 0x0d;

/** Below this a loop finds the LF sooner than a view can be made. */
const SHORT_OCTETS = 32;

export type Ending = 'CRLF' | 'LF' | 'CR' | 'none';

/** One line as it was cut from the stream: one instance for each direction, valid until the next is cut. */
export class WireLine {
  /** The text is `octets[start, end)`, at most MAX_LINE_OCTETS. */
  octets: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  /** Octets on the wire without the ending. */
  total = 0;
  ending: Ending = 'none';
  offset = 0;
  /** Frames of its first and last octet. */
  frame = 0;
  lastFrame = 0;
  us = Number.NaN;
  ns = 0;
  digits = 6;
  /** Segments that carried it. */
  segments = 1;
  checksum: () => Checksum = unverifiable;

  constructor(readonly direction: Direction) {}

  get truncated(): boolean {
    return this.total > this.end - this.start;
  }

  get endOffset(): number {
    return this.offset + this.total + (this.ending === 'CRLF' ? 2 : this.ending === 'none' ? 0 : 1);
  }

  text(): string {
    return this.octets.latin1Slice(this.start, this.end);
  }
}

export function unverifiable(): Checksum {
  return 'unverifiable';
}

/** The beginning of a line whose end has not come. */
export class PartialLine {
  kept: Buffer = Buffer.allocUnsafeSlow(64);
  keptOctets = 0;
  total = 0;
  endsInCr = false;
  segments = 0;
  lastFrame = 0;
  us = Number.NaN;
  ns = 0;
  digits = 6;

  constructor(
    readonly offset: number,
    readonly frame: number,
  ) {}

  /** Adds `octets[from, to)` of a chunk. Octets past the limit are counted only. */
  add(chunk: StreamChunk, from: number, to: number): void {
    this.segments++;
    this.lastFrame = chunk.frame;
    this.us = chunk.us;
    this.ns = chunk.ns;
    this.digits = chunk.digits;
    if (to === from) return;
    this.total += to - from;
    this.endsInCr = chunk.octets[to - 1] === CR;
    const count = Math.min(to - from, MAX_LINE_OCTETS - this.keptOctets);
    if (count <= 0) return;
    const needed = this.keptOctets + count;
    if (needed > this.kept.length) {
      const larger = Buffer.allocUnsafeSlow(
        Math.min(MAX_LINE_OCTETS, Math.max(needed, this.kept.length * 2)),
      );
      this.kept.copy(larger, 0, 0, this.keptOctets);
      this.kept = larger;
    }
    chunk.octets.copy(this.kept, this.keptOctets, from, from + count);
    this.keptOctets = needed;
  }
}

/**
 * Cuts the next line from a chunk. A line ends at LF; a CR in front of it belongs to the ending, any other CR
 * is text.
 *
 * @param partial  what earlier chunks held of this line, or null
 * @returns index past the LF, and `line` is set; -1 when the line goes on: keep it with `keepPartial`
 */
export function cutLine(
  chunk: StreamChunk,
  from: number,
  partial: PartialLine | null,
  line: WireLine,
): number {
  const lf = indexOfLf(chunk.octets, from, chunk.end);
  if (lf < 0) return -1;
  if (partial !== null) {
    partial.add(chunk, from, lf);
    finishPartial(partial, line, true);
    line.checksum = chunk.checksum;
    return lf + 1;
  }
  const crlf = lf > from && chunk.octets[lf - 1] === CR;
  const end = crlf ? lf - 1 : lf;
  line.octets = chunk.octets;
  line.start = from;
  line.end = Math.min(end, from + MAX_LINE_OCTETS);
  line.total = end - from;
  line.ending = crlf ? 'CRLF' : 'LF';
  line.offset = chunk.offset + from - chunk.start;
  line.frame = chunk.frame;
  line.lastFrame = chunk.frame;
  line.us = chunk.us;
  line.ns = chunk.ns;
  line.digits = chunk.digits;
  line.segments = 1;
  line.checksum = chunk.checksum;
  return lf + 1;
}

/** Keeps the rest of a chunk that ends inside a line. */
export function keepPartial(chunk: StreamChunk, from: number, partial: PartialLine | null): PartialLine {
  const kept = partial ?? new PartialLine(chunk.offset + from - chunk.start, chunk.frame);
  kept.add(chunk, from, chunk.end);
  return kept;
}

/** Makes a line of what was kept. `ended`: an LF has come; otherwise the stream ended or broke off. */
export function finishPartial(partial: PartialLine, line: WireLine, ended: boolean): void {
  line.total = partial.total - (partial.endsInCr ? 1 : 0);
  line.ending = ended ? (partial.endsInCr ? 'CRLF' : 'LF') : partial.endsInCr ? 'CR' : 'none';
  line.octets = partial.kept;
  line.start = 0;
  line.end = Math.min(partial.keptOctets, line.total);
  line.offset = partial.offset;
  line.frame = partial.frame;
  line.lastFrame = partial.lastFrame;
  line.us = partial.us;
  line.ns = partial.ns;
  line.digits = partial.digits;
  line.segments = partial.segments;
  line.checksum = unverifiable;
}

/** `Buffer.indexOf` goes on to the end of the whole buffer, which may be 1 MiB away: hence the view. */
export function indexOfLf(octets: Buffer, from: number, end: number): number {
  if (end - from <= SHORT_OCTETS) {
    for (let at = from; at < end; at++) if (octets[at] === LF) return at;
    return -1;
  }
  const found = octets.subarray(from, end).indexOf(LF);
  return found < 0 ? -1 : from + found;
}
