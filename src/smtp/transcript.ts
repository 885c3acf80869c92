/** Octets of one block; the last four of them hold the number of the next block. */
const BLOCK = 256;
const PAYLOAD = BLOCK - 4;
const SLAB_BLOCKS = 4096;

/**
 * Where the transcripts of all sessions of a capture lie: slabs of 1 MiB, cut into blocks of 256 octets.
 *
 * A Buffer of its own costs a session some 300 octets before the first octet is in it, and doubles when it
 * grows. A chain of blocks costs four in 256, and wastes half a block.
 *
 * ```
 * transcript 1:  block 0 → block 2 → block 3
 * transcript 2:  block 1
 * ```
 */
export class TranscriptStore {
  readonly slabs: Buffer[] = [];
  /** Blocks handed out at least once. */
  private used = 0;
  /** First of the blocks given back, chained like a transcript; -1 when there is none. */
  private free = -1;

  /** The number of an empty block. */
  take(): number {
    const given = this.free;
    if (given >= 0) {
      this.free = this.next(given);
      return given;
    }
    if (this.used === this.slabs.length * SLAB_BLOCKS)
      this.slabs.push(Buffer.allocUnsafeSlow(SLAB_BLOCKS * BLOCK));
    return this.used++;
  }

  /** Gives a chain of blocks back. Its transcript must not be used any more. */
  give(first: number, last: number): void {
    this.link(last, this.free);
    this.free = first;
  }

  next(block: number): number {
    return this.slab(block).readInt32LE(this.start(block) + PAYLOAD);
  }

  link(block: number, next: number): void {
    this.slab(block).writeInt32LE(next, this.start(block) + PAYLOAD);
  }

  slab(block: number): Buffer {
    return this.slabs[Math.floor(block / SLAB_BLOCKS)]!;
  }

  /** First octet of the block in its slab. */
  start(block: number): number {
    return (block % SLAB_BLOCKS) * BLOCK;
  }
}

/** The octets of one session, appended only. */
export class Transcript {
  private first = -1;
  private block = -1;
  /** Next octet in the slab, and how many are left in the block. */
  private at = 0;
  private room = 0;
  /** Octets written. */
  length = 0;

  constructor(private readonly store: TranscriptStore) {}

  octet(value: number): void {
    if (this.room === 0) this.grow();
    this.store.slab(this.block)[this.at++] = value;
    this.room--;
    this.length++;
  }

  /** A whole number from 0 to 2^53 - 1, seven bits an octet, the lowest first. */
  number(value: number): void {
    let rest = value;
    while (rest > 0x7fffffff) {
      this.octet((rest % 128) | 0x80);
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      this.octet((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.octet(rest);
  }

  /** A whole number of either sign. */
  signed(value: number): void {
    this.number(value < 0 ? -value * 2 - 1 : value * 2);
  }

  octets(source: Buffer, start: number, end: number): void {
    let from = start;
    while (from < end) {
      if (this.room === 0) this.grow();
      const count = Math.min(this.room, end - from);
      source.copy(this.store.slab(this.block), this.at, from, from + count);
      this.at += count;
      this.room -= count;
      this.length += count;
      from += count;
    }
  }

  /** The characters' low octets; the caller says their number first. */
  latin1(text: string): void {
    if (text.length <= this.room) {
      this.store.slab(this.block).latin1Write(text, this.at, text.length);
      this.at += text.length;
      this.room -= text.length;
      this.length += text.length;
    } else {
      const octets = Buffer.from(text, 'latin1');
      this.octets(octets, 0, octets.length);
    }
  }

  /** Gives the blocks back to the store: for who has no use for the session any more. */
  release(): void {
    if (this.first >= 0) this.store.give(this.first, this.block);
    this.first = -1;
    this.block = -1;
    this.room = 0;
    this.length = 0;
  }

  reader(): TranscriptReader {
    return new TranscriptReader(this.store, this.first, this.length);
  }

  private grow(): void {
    const block = this.store.take();
    if (this.block < 0) this.first = block;
    else this.store.link(this.block, block);
    this.block = block;
    this.at = this.store.start(block);
    this.room = PAYLOAD;
  }
}

/** Reads a transcript from its beginning, in the order in which it was written. */
export class TranscriptReader {
  private slab: Buffer;
  private at = 0;
  private room = 0;

  constructor(
    private readonly store: TranscriptStore,
    private block: number,
    private left: number,
  ) {
    this.slab = block < 0 ? Buffer.alloc(0) : store.slab(block);
    if (block >= 0) {
      this.at = store.start(block);
      this.room = PAYLOAD;
    }
  }

  get ended(): boolean {
    return this.left <= 0;
  }

  octet(): number {
    if (this.room === 0) this.advance();
    this.room--;
    this.left--;
    return this.slab[this.at++]!;
  }

  number(): number {
    let octet = this.octet();
    let value = octet & 0x7f;
    let scale = 128;
    while (octet > 0x7f) {
      octet = this.octet();
      value += (octet & 0x7f) * scale;
      scale *= 128;
    }
    return value;
  }

  signed(): number {
    const value = this.number();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  latin1(count: number): string {
    let text = '';
    let rest = count;
    while (rest > 0) {
      if (this.room === 0) this.advance();
      const piece = Math.min(this.room, rest);
      const part = this.slab.latin1Slice(this.at, this.at + piece);
      text = text === '' ? part : text + part;
      this.at += piece;
      this.room -= piece;
      this.left -= piece;
      rest -= piece;
    }
    return text;
  }

  private advance(): void {
    this.block = this.store.next(this.block);
    this.slab = this.store.slab(this.block);
    this.at = this.store.start(this.block);
    this.room = PAYLOAD;
  }
}
