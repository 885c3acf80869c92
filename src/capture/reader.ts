import { describeForeign, FOREIGN_SAMPLE } from './foreign.js';
import type { CaptureFacts, PacketListener, Problem } from './packet.js';
import { PcapParser, pcapVariant } from './pcap.js';
import { PcapngParser } from './pcapng.js';
import { CaptureTally, type RecordParser } from './tally.js';

const MAGIC_LENGTH = 4;
const MAGICS = ['d4c3b2a1', 'a1b2c3d4', '4d3cb2a1', 'a1b23c4d', '34cdb2a1', 'a1b2cd34', '0a0d0d0a'];
const PCAPNG_MAGIC = 0x0a0d0d0a;
const MIN_KEPT = 64 * 1024;

/**
 * Finds the packets in the octets of one capture, pcap or pcapng, which arrive in pieces of any size.
 *
 * However the octets are cut into pieces, the listener hears the same packets. The cursor it gets is one
 * instance, and its octets are valid during the call. They are a new Buffer object for each piece (and for
 * each record that lay across two), so that what is remembered of one Buffer object never goes stale.
 *
 * Never throws on input. Memory: one unfinished record, which grows as its octets arrive and not as its
 * header claims.
 *
 * @example
 * const reader = new CaptureReader({ packet: (packet) => frames.push(packet.frame) });
 * for (const piece of pieces) reader.push(piece);
 * const { format, packets, truncated, problems } = reader.end();
 */
export class CaptureReader {
  private readonly tally = new CaptureTally();
  private parser: RecordParser | null = null;
  private foreign = false;
  /** Octets from the unfinished record's first that are wanted before another attempt. */
  private need = MAGIC_LENGTH;
  private store = Buffer.alloc(0);
  /** The unfinished record is `store[0, kept)`. */
  private kept = 0;

  constructor(private readonly listener: PacketListener) {}

  /** Nothing more will be read, whatever is pushed: what follows cannot be found. */
  get stopped(): boolean {
    return this.tally.stopped;
  }

  /** Takes the next octets of the capture. They are not kept after the call. */
  push(octets: Buffer): void {
    const { tally } = this;
    let at = 0;
    while (this.kept > 0 && at < octets.length && !tally.stopped) {
      const step = Math.min(this.need - this.kept, octets.length - at);
      this.keep(octets, at, at + step);
      at += step;
      if (this.kept < this.need) return;
      const done = this.read(this.store.subarray(0, this.kept), 0, this.kept);
      this.store.copyWithin(0, done, this.kept);
      this.kept -= done;
    }
    if (at === octets.length || tally.stopped) return;
    const done = this.read(octets.subarray(), at, octets.length);
    if (!tally.stopped) this.keep(octets, done, octets.length);
  }

  /** Adds a problem that lies outside the capture itself, such as damaged compression. */
  note(problem: Problem): void {
    this.tally.note(problem);
  }

  /**
   * The capture has ended: what is known of it.
   *
   * `first` and `last` are the earliest and the latest time of any packet, whatever their order, as capinfos
   * has it. `bytes` counts the octets read: up to the place where reading had to stop, and none of an input
   * that is no capture. `packets` counts the packet records, those of unknown interfaces included.
   *
   * @param whole false when reading was given up before the end: an unfinished record is no truncation then
   */
  end(whole = true): CaptureFacts {
    const { tally, parser } = this;
    if (tally.stopped) return tally.facts(tally.format === 'unknown' ? 0 : tally.offset);
    if (!whole) return tally.facts(tally.offset);
    const bytes = tally.offset + this.kept;
    if (parser?.begun) {
      tally.truncated = this.kept > 0 || parser.inside;
      return tally.facts(bytes);
    }
    const beginning = this.store.subarray(0, this.kept);
    if (bytes === 0) {
      tally.note({ code: 'empty', message: 'There are no octets in it: capture again, or copy it again.' });
    } else if (parser || MAGICS.some((magic) => magic.startsWith(beginning.toString('hex')))) {
      tally.note({
        code: 'truncated-header',
        message: `It ends after ${bytes} octets, within the header of the capture: copy it again.`,
        offset: bytes,
      });
    } else {
      this.refuse(beginning);
      return tally.facts(0);
    }
    return tally.facts(bytes);
  }

  /** Parses `octets[start, end)`; returns where the unfinished record begins and sets `need`. */
  private read(octets: Buffer, start: number, end: number): number {
    const { tally } = this;
    if (!this.parser) {
      this.need = this.foreign ? FOREIGN_SAMPLE : MAGIC_LENGTH;
      if (end - start < this.need) return start;
      if (!this.foreign) this.parser = this.probe(octets, start);
      if (!this.parser) {
        this.foreign = true;
        this.need = FOREIGN_SAMPLE;
        if (end - start >= FOREIGN_SAMPLE) this.refuse(octets.subarray(start, start + FOREIGN_SAMPLE));
        return start;
      }
    }
    const done = this.parser.read(octets, start, end);
    this.need = this.parser.need;
    tally.offset += done - start;
    return done;
  }

  private probe(octets: Buffer, at: number): RecordParser | null {
    const variant = pcapVariant(octets, at);
    if (variant) return new PcapParser(variant, this.tally, this.listener);
    if (octets.readUInt32BE(at) === PCAPNG_MAGIC) return new PcapngParser(this.tally, this.listener);
    return null;
  }

  private refuse(beginning: Buffer): void {
    this.tally.stop({ code: 'not-a-capture', message: describeForeign(beginning) });
  }

  private keep(octets: Buffer, start: number, end: number): void {
    const size = this.kept + end - start;
    if (size > this.store.length) {
      const store = Buffer.allocUnsafeSlow(Math.max(MIN_KEPT, 2 * size));
      this.store.copy(store, 0, 0, this.kept);
      this.store = store;
    }
    octets.copy(this.store, this.kept, start, end);
    this.kept = size;
  }
}
