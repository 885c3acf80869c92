import { NumberReader, NumberWriter } from '../stream/packing.js';
import { LineTable, type LineTexts } from './line-table.js';

/** Octets of one block; the last four of them hold the number of the next block. */
const BLOCK_BITS = 6;
const BLOCK = 1 << BLOCK_BITS;
const PAYLOAD = BLOCK - 4;
const SLAB_BITS = 20;
const SLAB = 1 << SLAB_BITS;
const BLOCKS_PER_SLAB = SLAB / BLOCK;

/** An event is staged here; more than a line and all that goes with it. */
const STAGE_OCTETS = 4096;

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
export class TranscriptStore extends NumberWriter {
  /** Lines that many transcripts have. */
  readonly lines = new LineTable();
  readonly stage = Buffer.allocUnsafeSlow(STAGE_OCTETS);
  staged = 0;
  private readonly slabs: Buffer[] = [];
  /** Blocks handed out at least once. */
  private used = 0;
  /** First of the blocks given back, chained like a transcript; -1 when there is none. */
  private free = -1;
  /** A whole transcript while it is read. */
  private gathered = Buffer.allocUnsafeSlow(STAGE_OCTETS);

  /** The number of an empty block. */
  take(): number {
    const given = this.free;
    if (given >= 0) {
      this.free = this.next(given);
      return given;
    }
    if (this.used === this.slabs.length * BLOCKS_PER_SLAB) this.slabs.push(Buffer.allocUnsafeSlow(SLAB));
    return this.used++;
  }

  /** Gives a chain of blocks back. */
  give(first: number, last: number): void {
    this.link(last, this.free);
    this.free = first;
  }

  link(block: number, next: number): void {
    this.slab(block).writeInt32LE(next, inSlab(block) + PAYLOAD);
  }

  /** Copies octets to a place inside a block. */
  put(block: number, inside: number, source: Buffer, from: number, count: number): void {
    const slab = this.slab(block);
    const at = inSlab(block) + inside;
    // A call of `copy` takes longer than this loop of at most 60.
    for (let index = 0; index < count; index++) slab[at + index] = source[from + index]!;
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

/** The octets of one session, appended only. */
export class Transcript {
  private first = -1;
  private block = -1;
  /** Octets written. */
  length = 0;

  constructor(readonly store: TranscriptStore) {}

  /** Appends what is staged, and clears the stage. */
  commit(): void {
    const { store } = this;
    const { stage, staged } = store;
    store.staged = 0;
    for (let from = 0; from < staged; ) {
      const inside = this.length % PAYLOAD;
      if (inside === 0) this.grow();
      const count = Math.min(PAYLOAD - inside, staged - from);
      store.put(this.block, inside, stage, from, count);
      this.length += count;
      from += count;
    }
  }

  /** Gives the blocks back to the store: for who has no use for the session any more. */
  release(): void {
    if (this.first >= 0) this.store.give(this.first, this.block);
    this.first = -1;
    this.block = -1;
    this.length = 0;
  }

  /** A transcript of its own with the same octets. Nothing may be appended to either afterwards. */
  sealed(): Transcript {
    const sealed = new Transcript(this.store);
    sealed.continue(this);
    return sealed;
  }

  /** Takes the octets of another transcript over. Nothing may be appended to that afterwards. */
  protected continue(other: Transcript): void {
    this.first = other.first;
    this.block = other.block;
    this.length = other.length;
  }

  /** Reads it from the beginning, in the order in which it was written. One reader of a store at a time. */
  reader(): TranscriptReader {
    return new TranscriptReader(this.octets(), 0, this.length, this.store.lines);
  }

  /** Begins with its octets; valid until another transcript of the store is read. */
  octets(): Buffer {
    return this.store.gather(this.first, this.length);
  }

  private grow(): void {
    const block = this.store.take();
    if (this.block < 0) this.first = block;
    else this.store.link(this.block, block);
    this.block = block;
  }
}

export class TranscriptReader extends NumberReader {
  constructor(
    octets: Buffer,
    at: number,
    private readonly end: number,
    readonly table: LineTexts,
  ) {
    super(octets, at);
  }

  get ended(): boolean {
    return this.at >= this.end;
  }

  latin1(count: number): string {
    const from = this.at;
    this.at += count;
    return this.octets.latin1Slice(from, this.at);
  }

  hex(count: number): string {
    const from = this.at;
    this.at += count;
    return this.octets.hexSlice(from, this.at);
  }

  text(): string | null {
    const length = this.number();
    return length === 0 ? null : this.latin1(length - 1);
  }
}
