/** Lines of other lengths are not worth a look. */
const MIN_OCTETS = 4;
const MAX_OCTETS = 256;
const MAX_LINES = 1 << 14;
/** Hashes of lines seen once: as many places, the newest of each place. */
const SEEN = 1 << 14;
const FIRST_OCTETS = 16 << 10;

/** Nobody who writes a capture can aim lines at one slot without knowing this. No result depends on it. */
const SEED = (Math.random() * 0x100000000) | 0;

/** Gives lines by their numbers. */
export interface LineTexts {
  text(line: number): string;
}

/**
 * Lines that come again and again, each kept once: greetings, keywords, `250 2.1.0 Ok`.
 *
 * A session's transcript is two thirds shorter for it, and reading it makes no strings. A line is taken in when it
 * is seen for the second time, so that the many which never come again (`queued as ..`) do not fill the table; a
 * full table takes in no more, and lines are then kept in the transcripts as before.
 */
export class LineTable implements LineTexts {
  /** Line numbers + 1, 0 for an empty slot; twice as many slots as lines. */
  private readonly slots = new Int32Array(MAX_LINES * 2);
  private readonly hashes = new Int32Array(MAX_LINES);
  /** Line n is `octets[ends[n - 1], ends[n])`. */
  private readonly ends = new Int32Array(MAX_LINES);
  private readonly texts: string[] = [];
  private readonly seen = new Int32Array(SEEN);
  private octets = Buffer.allocUnsafeSlow(FIRST_OCTETS);
  private count = 0;

  /** The number of the line `source[start, end)`; -1 when it is not kept here. */
  find(source: Buffer, start: number, end: number): number {
    const length = end - start;
    if (length < MIN_OCTETS || length > MAX_OCTETS) return -1;
    let hash = SEED ^ length;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ source[at]!, 0x01000193);
    hash ^= hash >>> 15;
    const { slots } = this;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const line = slots[slot]! - 1;
      if (this.hashes[line] === hash && this.isLine(line, source, start, length)) return line;
    }
    const place = (hash >>> 16) & (SEEN - 1);
    if (this.seen[place] !== hash) {
      this.seen[place] = hash;
      return -1;
    }
    if (this.count === MAX_LINES) return -1;
    slots[slot] = this.count + 1;
    return this.add(hash, source, start, end);
  }

  text(line: number): string {
    return this.texts[line]!;
  }

  private add(hash: number, source: Buffer, start: number, end: number): number {
    const line = this.count++;
    const from = this.startOf(line);
    const to = from + end - start;
    if (to > this.octets.length) {
      const larger = Buffer.allocUnsafeSlow(this.octets.length * 2);
      this.octets.copy(larger);
      this.octets = larger;
    }
    source.copy(this.octets, from, start, end);
    this.hashes[line] = hash;
    this.ends[line] = to;
    this.texts.push(source.latin1Slice(start, end));
    return line;
  }

  private isLine(line: number, source: Buffer, start: number, length: number): boolean {
    const { octets } = this;
    const from = this.startOf(line);
    if (this.ends[line]! - from !== length) return false;
    for (let i = 0; i < length; i++) if (octets[from + i] !== source[start + i]) return false;
    return true;
  }

  private startOf(line: number): number {
    return line === 0 ? 0 : this.ends[line - 1]!;
  }
}
