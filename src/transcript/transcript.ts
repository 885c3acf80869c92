import { NumberReader, NumberWriter } from '../stream/packing.js';
import { LineTable, type LineTexts } from './line-table.js';
import type { SessionHome } from './session-record.js';

/** Octets of one block; the last four of them hold the number of the next block. */
const BLOCK_BITS = 6;
const BLOCK = 1 << BLOCK_BITS;
const PAYLOAD = BLOCK - 4;
const SLAB_BITS = 20;
const SLAB = 1 << SLAB_BITS;
const BLOCKS_PER_SLAB = SLAB / BLOCK;

/** An event is staged here: more than a line and all that goes with it, or all that is known of an odd connection. */
const STAGE_OCTETS = 8192;

/** The line that was written last, of whichever session. */
export class LastLine {
  chain: Chain | null = null;
  frame = 0;
  us = 0;
  endOffset = 0;
}

/** Who has octets in a store: the blocks of one session, appended to only. */
export interface Chain {
  /** Its first and its last block; -1: it has none. */
  first: number;
  last: number;
  /** Octets in them. */
  length: number;
}

/**
 * Where the transcripts of all sessions of a capture lie: slabs of 1 MiB, cut into blocks of 64 octets.
 *
 * A Buffer of its own costs a session some 300 octets before the first octet is in it, and doubles when it
 * grows. A chain of blocks costs four in 64, and wastes half a block.
 *
 * ```
 * transcript 1:  block 0 → block 2 → block 3
 * transcript 2:  block 1
 * ```
 *
 * Events are put together in a stage first: a transcript is then written by one copy.
 */
export class TranscriptStore extends NumberWriter implements SessionHome {
  /** Lines that many transcripts have. */
  readonly lines = new LineTable();
  readonly lastLine = new LastLine();
  /** Messages have the numbers that their transcript gives them. */
  readonly firstMessage = 0;
  readonly stage = Buffer.allocUnsafeSlow(STAGE_OCTETS);
  staged = 0;
  private readonly slabs: Buffer[] = [];
  /** Blocks handed out at least once. */
  private used = 0;
  /** First of the blocks given back, chained like a transcript; -1 when there is none. */
  private free = -1;
  /** A whole transcript while it is read. */
  private gathered = Buffer.allocUnsafeSlow(STAGE_OCTETS);

  /** @param capture  ordinal of the capture in the report */
  constructor(readonly capture = 0) {
    super();
  }

  /** Appends what is staged, and clears the stage. */
  commit(chain: Chain): void {
    const { stage, staged } = this;
    this.staged = 0;
    for (let from = 0; from < staged; ) {
      const inside = chain.length % PAYLOAD;
      if (inside === 0) this.grow(chain);
      const count = Math.min(PAYLOAD - inside, staged - from);
      this.put(chain.last, inside, stage, from, count);
      chain.length += count;
      from += count;
    }
  }

  /** The octets of a chain in one piece; valid until the next call. */
  gather(first: number, length: number): Buffer {
    if (this.gathered.length < length || this.gathered.length > Math.max(length, SLAB)) {
      this.gathered = Buffer.allocUnsafeSlow(Math.max(length, STAGE_OCTETS));
    }
    let block = first;
    for (let at = 0; at < length; at += PAYLOAD) {
      if (at > 0) block = this.next(block);
      const from = inSlab(block);
      this.slab(block).copy(this.gathered, at, from, from + Math.min(PAYLOAD, length - at));
    }
    return this.gathered;
  }

  /** Takes the blocks of a chain back. */
  release(first: number, length: number): void {
    if (first < 0) return;
    let last = first;
    for (let at = PAYLOAD; at < length; at += PAYLOAD) last = this.next(last);
    this.link(last, this.free);
    this.free = first;
  }

  private grow(chain: Chain): void {
    const block = this.take();
    if (chain.last < 0) chain.first = block;
    else this.link(chain.last, block);
    chain.last = block;
  }

  /** The number of an empty block. */
  private take(): number {
    const given = this.free;
    if (given >= 0) {
      this.free = this.next(given);
      return given;
    }
    if (this.used === this.slabs.length * BLOCKS_PER_SLAB) this.slabs.push(Buffer.allocUnsafeSlow(SLAB));
    return this.used++;
  }

  private link(block: number, next: number): void {
    this.slab(block).writeInt32LE(next, inSlab(block) + PAYLOAD);
  }

  /** Copies octets to a place inside a block. */
  private put(block: number, inside: number, source: Buffer, from: number, count: number): void {
    const slab = this.slab(block);
    const at = inSlab(block) + inside;
    // A call of `copy` takes longer than this loop of at most 60.
    for (let index = 0; index < count; index++) slab[at + index] = source[from + index]!;
  }

  private next(block: number): number {
    return this.slab(block).readInt32LE(inSlab(block) + PAYLOAD);
  }

  private slab(block: number): Buffer {
    return this.slabs[Math.floor(block / BLOCKS_PER_SLAB)]!;
  }

  // The stage.

  octet(value: number): void {
    if (this.staged === STAGE_OCTETS) throw new RangeError('an event is longer than the stage');
    this.stage[this.staged++] = value;
  }

  octets(source: Buffer, start: number, end: number): void {
    if (end - start > 64) {
      if (this.staged + end - start > STAGE_OCTETS) throw new RangeError('an event is longer than the stage');
      this.staged += source.copy(this.stage, this.staged, start, end);
    } else for (let at = start; at < end; at++) this.octet(source[at]!);
  }

  /** The characters' low octets; the number of characters goes in front by another call. */
  latin1(text: string): void {
    if (this.staged + text.length > STAGE_OCTETS) throw new RangeError('an event is longer than the stage');
    this.staged += this.stage.latin1Write(text, this.staged);
  }

  /** An even number of hexadecimal digits, as octets. */
  hex(digits: string): void {
    if (this.staged + digits.length / 2 > STAGE_OCTETS)
      throw new RangeError('an event is longer than the stage');
    this.staged += this.stage.hexWrite(digits, this.staged);
  }

  /** Text that may be absent. */
  text(text: string | null): void {
    this.number(text === null ? 0 : text.length + 1);
    if (text !== null) this.latin1(text);
  }
}

function inSlab(block: number): number {
  return (block % BLOCKS_PER_SLAB) << BLOCK_BITS;
}

/** Reads a transcript from the beginning, in the order in which it was written. */
export class TranscriptReader extends NumberReader {
  constructor(
    octets: Buffer,
    at: number,
    private readonly end: number,
    readonly lines: LineTexts,
  ) {
    super(octets, at);
  }

  get ended(): boolean {
    return this.at >= this.end;
  }

  /** Passes over octets; returns where they begin. */
  skip(count: number): number {
    const from = this.at;
    this.at += count;
    return from;
  }

  /** The text that begins at a place passed over. */
  latin1At(from: number, count: number): string {
    return this.octets.latin1Slice(from, from + count);
  }

  hex(count: number): string {
    const from = this.skip(count);
    return this.octets.hexSlice(from, this.at);
  }

  text(): string | null {
    const length = this.number();
    return length === 0 ? null : this.latin1At(this.skip(length - 1), length - 1);
  }
}
