import type { NumberSink, NumberSource } from './event.js';

const FIRST_OCTETS = 1 << 16;

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
    this.number(value < 0 ? -value * 2 - 1 : value * 2);
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
    const value = this.number();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}

/** Writes facts one behind the other, for another thread to read in the same order. */
export class Packer extends NumberWriter {
  length = 0;
  private octets = Buffer.allocUnsafeSlow(FIRST_OCTETS);

  octet(value: number): void {
    if (this.length === this.octets.length) this.grow(1);
    this.octets[this.length++] = value;
  }

  /** A whole number from 0 on that may be absent. */
  optional(value: number | null): void {
    this.number(value === null ? 0 : value + 1);
  }

  /** Any number: NaN, and times of a hostile capture. */
  float(value: number): void {
    this.grow(8);
    this.length = this.octets.writeDoubleLE(value, this.length);
  }

  /** Text of characters up to 255. */
  text(text: string): void {
    this.number(text.length);
    this.grow(text.length);
    this.length += this.octets.latin1Write(text, this.length);
  }

  bytes(source: Uint8Array, count = source.length): void {
    this.number(count);
    this.grow(count);
    this.octets.set(source.subarray(0, count), this.length);
    this.length += count;
  }

  /** What was written, in memory of its own; the next fact begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = new Uint8Array(this.octets.subarray(0, this.length));
    this.length = 0;
    if (this.octets.length > 16 * FIRST_OCTETS) this.octets = Buffer.allocUnsafeSlow(FIRST_OCTETS);
    return taken;
  }

  private grow(room: number): void {
    if (this.length + room <= this.octets.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.octets.length * 2, this.length + room));
    this.octets.copy(larger, 0, 0, this.length);
    this.octets = larger;
  }
}

/** Reads what a `Packer` wrote. */
export class Unpacker extends NumberReader {
  optional(): number | null {
    const value = this.number();
    return value === 0 ? null : value - 1;
  }

  float(): number {
    const value = this.octets.readDoubleLE(this.at);
    this.at += 8;
    return value;
  }

  text(): string {
    const count = this.number();
    this.at += count;
    return this.octets.latin1Slice(this.at - count, this.at);
  }

  /** A view. */
  bytes(): Buffer {
    const count = this.number();
    this.at += count;
    return this.octets.subarray(this.at - count, this.at);
  }
}
