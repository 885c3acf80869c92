import type { NumberSink, NumberSource } from './event.js';

/** Times beyond this are no times of any day; they are kept all the same, as they stand in the capture. */
const LARGEST_DISTANCE = 2 ** 50;

/** How a time is written: 0 for none, 1 for eight octets of a double, and from 2 on a distance from an origin. */
const NO_TIME = 0;
const AS_DOUBLE = 1;
const DISTANCES = 2;

/** Writes whole numbers, octet by octet. */
export abstract class NumberWriter implements NumberSink {
  abstract octet(value: number): void;

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
    this.number(zigzag(value));
  }

  /**
   * A time in microseconds, of any value that a hostile capture may have; NaN for none.
   *
   * @param originUs  a time near to it, which the reader knows too
   */
  time(us: number, originUs: number): void {
    const distance = us - (isDistance(originUs) ? originUs : 0);
    if (isDistance(us) && Number.isInteger(distance)) this.number(zigzag(distance) + DISTANCES);
    else if (Number.isNaN(us)) this.number(NO_TIME);
    else {
      this.number(AS_DOUBLE);
      // No capture of a working clock comes here: the view is made each time.
      const double = new DataView(new ArrayBuffer(8));
      double.setFloat64(0, us, true);
      for (let at = 0; at < 8; at++) this.octet(double.getUint8(at));
    }
  }
}

/** Reads what a `NumberWriter` wrote. */
export class NumberReader implements NumberSource {
  /** @param at  index of the next octet */
  constructor(
    protected readonly octets: Buffer,
    public at: number,
  ) {}

  octet(): number {
    return this.octets[this.at++]!;
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
    return unzigzag(this.number());
  }

  time(originUs: number): number {
    const code = this.number();
    if (code === NO_TIME) return Number.NaN;
    if (code >= DISTANCES) return unzigzag(code - DISTANCES) + (isDistance(originUs) ? originUs : 0);
    const double = new DataView(new ArrayBuffer(8));
    for (let at = 0; at < 8; at++) double.setUint8(at, this.octet());
    return double.getFloat64(0, true);
  }
}

function zigzag(value: number): number {
  return value < 0 ? -value * 2 - 1 : value * 2;
}

function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

function isDistance(us: number): boolean {
  return us >= -LARGEST_DISTANCE && us <= LARGEST_DISTANCE;
}

const FIRST_OCTETS = 1 << 16;

/** Octets that grow as they are written. */
export class OctetWriter extends NumberWriter {
  length = 0;
  private buffer = Buffer.allocUnsafeSlow(FIRST_OCTETS);

  octet(value: number): void {
    if (this.length === this.buffer.length) this.grow(1);
    this.buffer[this.length++] = value;
  }

  octets(source: Uint8Array): void {
    this.grow(source.length);
    this.buffer.set(source, this.length);
    this.length += source.length;
  }

  /** The characters' low octets. */
  latin1(text: string): void {
    this.grow(text.length);
    this.length += this.buffer.latin1Write(text, this.length);
  }

  /** What was written so far: a view, valid until more is written. */
  written(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  /** Begins anew. */
  clear(): void {
    this.length = 0;
    if (this.buffer.length > 16 * FIRST_OCTETS) this.buffer = Buffer.allocUnsafeSlow(FIRST_OCTETS);
  }

  private grow(room: number): void {
    if (this.length + room <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.length + room));
    this.buffer.copy(larger, 0, 0, this.length);
    this.buffer = larger;
  }
}
