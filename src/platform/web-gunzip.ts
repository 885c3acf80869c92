import {
  Z_BUF_ERROR,
  Z_NO_FLUSH,
  Z_OK,
  Z_STREAM_END,
  ZStream,
  zlibInflate,
  zlibInflateInit2,
  zlibInflateReset,
} from 'pako';
import type { DecompressionError, OctetTransform } from './contract.js';

/** Gzip and nothing else, in the largest window: see `inflateInit2` of zlib. */
const GZIP_WINDOW_BITS = 16 + 15;

interface Listeners {
  readonly data: ((octets: Buffer) => void)[];
  readonly end: (() => void)[];
  readonly close: (() => void)[];
  readonly error: ((error: DecompressionError) => void)[];
}

/**
 * Gzip by `pako`, which is zlib in JavaScript: it says of damaged data what zlib says, and gives all that lies before the
 * damage, so that reports are the same in a browser. The browser's own `DecompressionStream` tells neither, and ends at
 * the second member of a file. The price is its speed.
 */
export class WebGunzip implements OctetTransform {
  private readonly stream = new ZStream();
  private readonly listeners: Listeners = { data: [], end: [], close: [], error: [] };
  private memberEnded = false;
  private over = false;

  constructor(private readonly chunkSize: number) {
    zlibInflateInit2(this.stream, GZIP_WINDOW_BITS);
  }

  on(event: 'data', listener: (octets: Buffer) => void): unknown;
  on(event: 'end' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: DecompressionError) => void): unknown;
  on<Event extends keyof Listeners>(event: Event, listener: Listeners[Event][number]): unknown {
    (this.listeners[event] as Listeners[Event][number][]).push(listener);
    return this;
  }

  write(octets: Uint8Array, done: () => void): void {
    this.inflate(octets);
    done();
  }

  end(): void {
    if (this.over) return;
    if (this.memberEnded) this.finish();
    else this.fail('unexpected end of file', 'Z_BUF_ERROR');
  }

  destroy(): void {
    if (this.over) return;
    this.over = true;
    for (const listener of this.listeners.close) listener();
  }

  private inflate(octets: Uint8Array): void {
    const { stream } = this;
    stream.input = octets;
    stream.next_in = 0;
    stream.avail_in = octets.length;
    do {
      // New memory each time: whoever gets it may keep it until the next step.
      stream.output = new Uint8Array(this.chunkSize);
      stream.next_out = 0;
      stream.avail_out = this.chunkSize;
      const status = this.fill();
      // As in Node, what such a chunk held before the damage was found is lost.
      if (status !== Z_OK && status !== Z_STREAM_END && status !== Z_BUF_ERROR) {
        this.fail(stream.msg, 'Z_DATA_ERROR');
        return;
      }
      this.memberEnded = status === Z_STREAM_END;
      const given = Buffer.from(stream.output.buffer, 0, stream.next_out);
      if (given.length > 0) for (const listener of this.listeners.data) listener(given);
    } while (!this.over && stream.avail_out === 0);
    // Zeros, as tapes have them.
    if (!this.over && this.memberEnded && stream.avail_in > 0) this.finish();
  }

  /** Inflates until the input is used up or the chunk is full, through the ends of members, which others follow. */
  private fill(): number {
    const { stream } = this;
    let status = zlibInflate(stream, Z_NO_FLUSH);
    while (status === Z_STREAM_END && stream.avail_in > 0 && stream.input[stream.next_in] !== 0) {
      zlibInflateReset(stream);
      status = zlibInflate(stream, Z_NO_FLUSH);
    }
    return status;
  }

  private finish(): void {
    this.over = true;
    for (const listener of this.listeners.end) listener();
    for (const listener of this.listeners.close) listener();
  }

  private fail(message: string, code: string): void {
    this.over = true;
    for (const listener of this.listeners.error) listener(Object.assign(new Error(message), { code }));
    for (const listener of this.listeners.close) listener();
  }
}
