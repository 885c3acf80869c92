import { Buffer as Library } from 'buffer';

/**
 * The class `Buffer` in browsers: a real subclass of `Uint8Array` that has the methods of the package `buffer`.
 *
 * The package makes each view by changing the prototype of a `Uint8Array`, which engines punish wherever views are used from
 * then on, and views are made for every packet. Here the engine makes them. What the package does not have, and the
 * program uses of Node's class, stands below.
 */
class WebBuffer extends Uint8Array<ArrayBuffer> {
  /** @param from octets of it, all zero, or the memory that it is a view of */
  constructor(from: number | ArrayBuffer, offset?: number, length?: number) {
    super(from as ArrayBuffer, offset, length);
  }

  latin1Slice(start = 0, end = this.length): string {
    let text = '';
    // A call can take only so many arguments.
    for (let at = start; at < end; at += CALL_OCTETS)
      text += String.fromCharCode(...this.subarray(at, Math.min(end, at + CALL_OCTETS)));
    return text;
  }

  hexSlice(start = 0, end = this.length): string {
    return this.subarray(start, end).toString('hex');
  }

  utf8Slice(start = 0, end = this.length): string {
    return this.subarray(start, end).toString('utf8');
  }

  override toString(encoding = 'utf8', start = 0, end = this.length): string {
    if (encoding === 'latin1') return this.latin1Slice(start, end);
    return libraryOf(this).toString(encoding as BufferEncoding, start, end);
  }

  latin1Write(text: string, offset = 0, length = this.length - offset): number {
    const count = Math.min(text.length, length, this.length - offset);
    for (let index = 0; index < count; index++) this[offset + index] = text.charCodeAt(index);
    return count;
  }

  hexWrite(text: string, offset = 0, length = this.length - offset): number {
    return libraryOf(this).write(text, offset, length, 'hex');
  }

  utf8Write(text: string, offset = 0, length = this.length - offset): number {
    return libraryOf(this).write(text, offset, length, 'utf8');
  }

  /** As in Node a view, and no copy. */
  override slice(start?: number, end?: number): this {
    return this.subarray(start, end);
  }

  override subarray(start?: number, end?: number): this {
    return super.subarray(start, end) as this;
  }

  copy(target: Uint8Array, targetStart = 0, start = 0, end = this.length): number {
    const count = Math.max(0, Math.min(end - start, target.length - targetStart));
    target.set(super.subarray(start, start + count), targetStart);
    return count;
  }

  equals(other: Uint8Array): boolean {
    return this.length === other.length && this.every((octet, index) => octet === other[index]);
  }

  override indexOf(wanted: number | string | Uint8Array, from = 0): number {
    if (typeof wanted === 'number') return super.indexOf(wanted, from);
    const sought = typeof wanted === 'string' ? bufferOf(wanted, 'utf8') : wanted;
    const [first] = sought;
    if (first === undefined) return Math.min(from, this.length);
    for (let at = super.indexOf(first, from); at >= 0; at = super.indexOf(first, at + 1)) {
      let same = 1;
      while (same < sought.length && this[at + same] === sought[same]) same++;
      if (same === sought.length) return at;
    }
    return -1;
  }

  override includes(wanted: number | string | Uint8Array, from = 0): boolean {
    return this.indexOf(wanted, from) >= 0;
  }

  override fill(value: number | string, start = 0, end = this.length): this {
    if (typeof value === 'number') return super.fill(value, start, end);
    libraryOf(this).fill(value, start, end);
    return this;
  }
}

const CALL_OCTETS = 8192;

/** The same octets as an object of the package. */
function libraryOf(octets: Uint8Array<ArrayBuffer>): Library {
  return Library.from(octets.buffer, octets.byteOffset, octets.length);
}

function bufferOf(
  from: string | ArrayBuffer | Iterable<number>,
  encodingOrOffset?: BufferEncoding | number,
  length?: number,
): WebBuffer {
  if (typeof from === 'string') {
    const { buffer, byteOffset, length: count } = Library.from(from, encodingOrOffset as BufferEncoding);
    return new WebBuffer(buffer as ArrayBuffer, byteOffset, count);
  }
  if (from instanceof ArrayBuffer) return new WebBuffer(from, encodingOrOffset as number, length);
  return WebBuffer.from(from) as WebBuffer;
}

// What reads and writes numbers, and compares, works on any octets with the package's mark.
for (const [name, method] of Object.entries(Object.getOwnPropertyDescriptors(Library.prototype))) {
  if (/^(read|write)./.test(name) || name === 'compare' || name === '_isBuffer') {
    Object.defineProperty(WebBuffer.prototype, name, { ...method, enumerable: false });
  }
}

/** `Buffer` as the program uses it: see `contract.ts`. */
export const Buffer = {
  from: bufferOf,
  alloc: (length: number, fill?: number) => {
    const made = new WebBuffer(length);
    return fill === undefined ? made : made.fill(fill);
  },
  allocUnsafe: (length: number) => new WebBuffer(length),
  allocUnsafeSlow: (length: number) => new WebBuffer(length),
  compare: (one: Uint8Array, other: Uint8Array) => Library.compare(one, other),
  concat: (parts: readonly Uint8Array[], length = parts.reduce((sum, part) => sum + part.length, 0)) => {
    const whole = new WebBuffer(length);
    let at = 0;
    for (const part of parts) {
      whole.set(part.subarray(0, length - at), at);
      at += Math.min(part.length, length - at);
    }
    return whole;
  },
};
