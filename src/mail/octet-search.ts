const NOTHING = Buffer.alloc(0);

/**
 * How far ahead is searched. 20 full segments share one search, and where Buffers take turns (held segments between those
 * of a piece), nobody can have more than 1 µs spent on each.
 */
const AHEAD = 32 << 10;

/**
 * Where certain octets come next in a Buffer, remembered from one question to the next.
 *
 * Segments are asked about one by one, but they lie in one piece of the capture, and base64 has no dots and no dashes:
 * a search that goes on behind the end of a segment answers for those that follow. A full segment of a multipart was
 * measured to take 403 ns instead of 425, of which the digest is 145.
 *
 * The price: what lies between the segments is searched too; and the newest Buffer is kept in memory. It relies on the
 * octets of one Buffer object staying what they are, which `CaptureReader` promises.
 *
 * Questions should come in the order of the octets: going back means searching again.
 *
 * @example
 * const dots = new OctetSearch('.');
 * dots.next(octets, 40, 1500); // index of the first dot there, or -1
 */
export class OctetSearch {
  /** One octet is found faster by its number. */
  private readonly wanted: Buffer | number;
  /** How many octets lie behind the first. */
  private readonly more: number;
  private octets: Buffer = NOTHING;
  /** None begins in `octets[from, free)`; one begins at `free` if `found`. */
  private from = 0;
  private free = 0;
  private found = false;
  /** What may begin in `octets[begin, ahead)`, as a view, since `Buffer.indexOf` knows no end. */
  private view: Buffer = NOTHING;
  private begin = 0;
  private ahead = 0;

  /** @param wanted  latin1, not empty */
  constructor(wanted: string) {
    this.wanted = wanted.length === 1 ? wanted.charCodeAt(0) : Buffer.from(wanted, 'latin1');
    this.more = wanted.length - 1;
  }

  /** Index of the first that begins in `octets[start, end)`, though it may end behind that; -1: none does. */
  next(octets: Buffer, start: number, end: number): number {
    if (octets !== this.octets) {
      this.octets = octets;
      this.ahead = 0;
      this.restart(start);
    } else if (start > this.free || start < this.from) this.restart(start);
    while (!this.found && this.free < end) this.search();
    return this.found && this.free < end ? this.free : -1;
  }

  private restart(start: number): void {
    this.from = start;
    this.free = start;
    this.found = false;
  }

  private search(): void {
    const { octets, free } = this;
    if (free >= this.ahead || free < this.begin) {
      this.begin = free;
      this.ahead = Math.min(free + AHEAD, octets.length);
      this.view = octets.subarray(free, this.ahead + this.more);
    }
    const index = this.view.indexOf(this.wanted, free - this.begin);
    this.found = index >= 0;
    this.free = this.found ? this.begin + index : this.ahead;
  }
}
