import type { Decompress } from 'fzstd';
import { type DecompressionError, decompression, type OctetTransform, turn } from '../platform/platform.js';
import { Xxh64, Xxh64Digest } from '../platform/xxh64.js';
import { ZstdFrames } from './zstd-frames.js';

export type Compression = 'gzip' | 'zstd';

/** Octets from which `compressionOf` can tell. */
export const COMPRESSION_MAGIC_LENGTH = 4;

/** How the input is compressed, by its first four octets and never by its name. */
export function compressionOf(octets: Uint8Array): Compression | null {
  const [first = 0, second = 0, third = 0, fourth = 0] = octets;
  if (first === 0x1f && second === 0x8b) return 'gzip';
  if (first === 0x28 && second === 0xb5 && third === 0x2f && fourth === 0xfd) return 'zstd';
  // A skippable frame, with which parallel compressors begin.
  if (first >> 4 === 5 && second === 0x2a && third === 0x4d && fourth === 0x18) return 'zstd';
  return null;
}

/** What became of the compressed stream. `refused`: not damaged, but not decompressed either. */
export type DecompressionState = 'whole' | 'truncated' | 'corrupt' | 'refused';

/** Hears what was decompressed. */
export interface DecompressionSink {
  /** Asked before each step: false ends the decompression. */
  wanted(): boolean;
  /** The octets are valid during the call. */
  decompressed(octets: Buffer): void;
}

/** Decompresses a stream in bounded memory. Never throws on input, `state` and `reason` tell; throws what the sink throws. */
export interface Decompressor {
  readonly state: DecompressionState;
  /** What is wrong with it, in a few words. */
  readonly reason: string;
  /** Nothing more will come out, whatever is written. */
  readonly ended: boolean;
  /** Resolves when what the octets give has been handed on; they must stay as they are until then. */
  write(octets: Buffer): Promise<void>;
  /** The input has ended: hands on the rest. */
  end(): Promise<void>;
  /** Gives back what is held; allowed at any time. */
  close(): void;
}

/** Compressed octets that are decompressed in one step. What a damaged step gave is lost. */
const STEP = 64 * 1024;
/** The same at the start, so that a small capture does not lose everything by its damage. */
const FIRST_STEP = 1024;
const FIRST_STEPS = 64 * 1024;
const OUTPUT_CHUNK = 128 * 1024;
/** Largest zstd window that is decompressed, as in the zstd program without `--long=31`. */
const MAX_WINDOW = 128 * 1024 * 1024;
/** `fzstd` 0.1.1 loses the upper bits of offsets that have more than 26: what comes out is wrong then. */
const MAX_SCRIPT_WINDOW = 2 ** 26 - 4;
/** The same for the JavaScript decompressor, which holds up everything else meanwhile. */
const FRAME_STEP = 16 * 1024;
/**
 * It moves its whole window for each block. Blocks of 16 KiB in the largest window move 8192 octets for
 * each that they give; a stream that has far more moved is made to keep it busy.
 */
const MAX_MOVED_PER_OCTET = 8192;
const FREE_MOVES = 16 * 1024 * 1024 * 1024;
/** CRC and length at the end of gzip data: decompressed apart, so that a wrong CRC loses no data. */
const TRAILER = 8;
/** Octets given (or 16 times as many moved) between two looks at the events of the process. */
const YIELD = 16 * 1024 * 1024;
const UNEXPECTED_END = 'unexpected end of file';

/** Makes the decompressor; its library is loaded only now. */
export async function createDecompressor(
  compression: Compression,
  sink: DecompressionSink,
): Promise<Decompressor> {
  const { gunzip, unzstd } = await decompression();
  if (compression === 'gzip') return new StreamDecompressor(() => gunzip(OUTPUT_CHUNK), null, sink);
  if (unzstd) return new StreamDecompressor(() => unzstd(OUTPUT_CHUNK), new ZstdFrames(MAX_WINDOW), sink);
  return new ScriptDecompressor(await import('fzstd'), sink);
}

/**
 * A decompressing stream of Node's own, driven one step at a time.
 *
 * Node's zstd stream takes one frame and drops what follows, so that each frame gets a stream of its own.
 */
class StreamDecompressor implements Decompressor {
  state: DecompressionState = 'whole';
  reason = '';
  ended = false;
  private stream: OctetTransform | null = null;
  private ending = false;
  private taken = 0;
  private held = Buffer.alloc(0);
  private settle: () => void = () => {};
  /** What the sink threw, kept until there is somebody to throw it to. */
  private thrown: { error: unknown } | null = null;

  constructor(
    private readonly open: () => OctetTransform,
    private readonly frames: ZstdFrames | null,
    private readonly sink: DecompressionSink,
  ) {}

  async write(octets: Buffer): Promise<void> {
    const waiting = Buffer.concat([this.held, octets.subarray(0, TRAILER)]);
    if (octets.length <= TRAILER) {
      await this.steps(waiting.subarray(0, -TRAILER));
      this.held = Buffer.from(waiting.subarray(-TRAILER));
      return;
    }
    await this.steps(this.held);
    await this.steps(octets.subarray(0, -TRAILER));
    this.held = Buffer.from(octets.subarray(-TRAILER));
  }

  async end(): Promise<void> {
    await this.steps(this.held);
    if (this.ended) return;
    this.ending = true;
    await this.endStream();
    if (this.state === 'whole' && this.frames && !this.frames.complete)
      this.fail('truncated', UNEXPECTED_END);
    this.ended = true;
  }

  close(): void {
    this.ended = true;
    this.stream?.destroy();
    this.settle();
  }

  private async steps(octets: Buffer): Promise<void> {
    const { frames } = this;
    for (let at = 0; at < octets.length && !this.ended; ) {
      let step = octets.subarray(at, at + (this.taken < FIRST_STEPS ? FIRST_STEP : STEP));
      if (frames) step = step.subarray(0, frames.walk(step));
      at += step.length;
      this.taken += step.length;
      const objection = frames?.objection;
      if (objection?.state !== 'refused') await this.writeStream(step);
      if (this.thrown) throw this.thrown.error;
      if (objection && !this.ended) this.fail(objection.state, objection.reason);
      else if (frames?.complete) await this.endStream();
      if (!this.sink.wanted()) this.ended = true;
    }
  }

  private writeStream(octets: Buffer): Promise<void> {
    this.stream ??= this.start();
    const { stream } = this;
    return new Promise((resolve) => {
      this.settle = resolve;
      stream.write(octets, () => resolve());
    });
  }

  private async endStream(): Promise<void> {
    const { stream } = this;
    if (!stream || this.ended) return;
    await new Promise<void>((resolve) => {
      this.settle = resolve;
      stream.end();
    });
    this.stream = null;
    if (this.thrown) throw this.thrown.error;
  }

  private start(): OctetTransform {
    const stream = this.open();
    stream.on('data', (octets) => {
      if (this.ended) return;
      try {
        this.sink.decompressed(octets);
        if (!this.sink.wanted()) this.close();
      } catch (error) {
        this.thrown ??= { error };
        this.close();
      }
    });
    stream.on('end', () => {
      // Of gzip: what follows are zeros, as tapes have them.
      if (!this.frames) this.ended = true;
      this.settle();
    });
    stream.on('close', () => this.settle());
    stream.on('error', (error) => {
      if (!this.ended) this.fail(this.cutShort(error) ? 'truncated' : 'corrupt', error.message);
      this.settle();
    });
    return stream;
  }

  private cutShort(error: DecompressionError): boolean {
    return this.ending && (this.frames ? !this.frames.complete : error.code === 'Z_BUF_ERROR');
  }

  private fail(state: DecompressionState, reason: string): void {
    this.state = state;
    this.reason = reason;
    this.ended = true;
  }
}

/** zstd by `fzstd`, for versions of Node without it. It trusts its input, so that checksums are verified here. */
class ScriptDecompressor implements Decompressor {
  state: DecompressionState = 'whole';
  reason = '';
  ended = false;
  private readonly frames = new ZstdFrames(MAX_SCRIPT_WINDOW);
  private frame: Decompress | null = null;
  private readonly xxh64 = new Xxh64();
  private hash = new Xxh64Digest(this.xxh64);
  private thrown: { error: unknown } | null = null;
  private given = 0;
  private yielded = 0;

  constructor(
    private readonly library: typeof import('fzstd'),
    private readonly sink: DecompressionSink,
  ) {}

  async write(octets: Buffer): Promise<void> {
    const { frames } = this;
    for (let at = 0; at < octets.length && !this.ended; ) {
      const step = octets.subarray(at, at + FRAME_STEP);
      const walked = frames.walk(step);
      at += walked;
      const { objection } = frames;
      if (objection?.state !== 'refused') this.push(step.subarray(0, walked), frames.complete);
      if (objection && !this.ended) this.fail(objection.state, objection.reason);
      if (frames.windows > FREE_MOVES + MAX_MOVED_PER_OCTET * this.given) {
        this.fail('refused', 'its blocks are too small for its window');
      }
      const work = this.given + frames.windows / 16;
      if (work - this.yielded < YIELD) continue;
      this.yielded = work;
      await turn();
      if (!this.sink.wanted()) this.ended = true;
    }
  }

  async end(): Promise<void> {
    if (!this.ended && !this.frames.complete) this.fail('truncated', UNEXPECTED_END);
    this.ended = true;
  }

  close(): void {
    this.ended = true;
  }

  private push(octets: Uint8Array, last: boolean): void {
    const { hash } = this;
    this.frame ??= new this.library.Decompress((part) => {
      this.given += part.length;
      hash.update(part);
      if (!this.sink.wanted()) this.ended = true;
      if (this.ended || part.length === 0) return;
      try {
        this.sink.decompressed(Buffer.from(part.buffer, part.byteOffset, part.length));
      } catch (error) {
        this.thrown ??= { error };
        this.ended = true;
      }
    });
    try {
      // A copy: the library keeps views of what it could not use yet.
      this.frame.push(Uint8Array.from(octets), last);
    } catch {
      this.fail('corrupt', 'invalid data'); // its own errors and, on hostile input, any other
    }
    if (this.thrown) throw this.thrown.error;
    if (!last) return;
    const { checksum } = this.frames;
    // Finished in any case: a digest that is not would keep its state for good.
    const sum = BigInt.asUintN(32, this.xxh64.finish(hash));
    const right = checksum === null || sum === BigInt(checksum);
    if (!right && !this.ended) this.fail('corrupt', 'wrong checksum');
    this.frame = null;
    this.hash = new Xxh64Digest(this.xxh64);
  }

  private fail(state: DecompressionState, reason: string): void {
    this.state = state;
    this.reason = reason;
    this.ended = true;
  }
}
