import {
  closeSync,
  constants,
  fstatSync,
  open as openAsync,
  openSync,
  read as readAsync,
  readSync,
  type Stats,
  statSync,
} from 'node:fs';
import type { Readable } from 'node:stream';
import { CaptureOpenError } from './capture-error.js';
import {
  COMPRESSION_MAGIC_LENGTH,
  type Compression,
  compressionOf,
  createDecompressor,
  type Decompressor,
} from './decompress.js';
import type { CaptureFacts, PacketListener } from './packet.js';
import { CaptureReader } from './reader.js';

const PIECE = 1024 * 1024;
const WASM_PAGE = 64 * 1024;
const TURN = 16 * 1024 * 1024;
const STANDARD_INPUT = 0;
const BUSY_WAITS = 200;

/** The only part of it that is used: the type libraries here have no WebAssembly. */
declare const WebAssembly: {
  Memory: new (pages: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
};

/** How to read one capture. */
export interface ReadOptions {
  /** Stops reading; the facts are those of what was read. */
  readonly signal?: AbortSignal;
  /** Octets read of the input as it lies there, and how many it has where that is known. */
  readonly onProgress?: (octets: number, total: number | null) => void;
  /** Octets read between two looks at the events of the process (signals, timers, keys). Default 16 MiB. */
  readonly turnOctets?: number;
  /** Standard input as a stream, for when it is a socket: a read of that in a thread cannot be called back. */
  readonly stdin?: () => Readable;
}

/**
 * Reads one capture, file or pipe, or standard input for `-`, compressed or not.
 *
 * The listener hears its packets in their order; see `CaptureReader` for what it may keep. What is wrong
 * with the capture stands in the facts.
 *
 * @throws CaptureOpenError when it cannot be opened
 * @example
 * const facts = await readCapture('mail.pcapng.gz', { packet: (packet) => console.log(packet.frame) });
 * console.log(facts.format); // pcapng+gzip
 */
export async function readCapture(
  path: string,
  listener: PacketListener,
  options: ReadOptions = {},
): Promise<CaptureFacts> {
  const input = await Input.open(path, options);
  try {
    return await readInput(input, new CaptureReader(listener), options);
  } finally {
    input.close();
  }
}

async function readInput(input: Input, reader: CaptureReader, options: ReadOptions): Promise<CaptureFacts> {
  const { signal, onProgress, turnOctets = TURN } = options;
  // The only page-aligned memory to be had: reading into it was measured to be 1.25 times as fast.
  const memory = new WebAssembly.Memory({ initial: PIECE / WASM_PAGE, maximum: PIECE / WASM_PAGE });
  // What is read at once is also worked off at once.
  const buffer = Buffer.from(memory.buffer, 0, Math.min(PIECE, turnOctets));
  let compression: Compression | null = null;
  let decompressor: Decompressor | null = null;
  let octets = 0;
  let yielded = 0;
  let waiting = 0;
  let failure: string | null = null;
  const wanted = () => !reader.stopped && !(signal?.aborted ?? false);
  try {
    for (let ended = false; !ended && wanted(); ) {
      const count = await input.read(buffer, waiting, signal);
      if (typeof count === 'string') failure = count;
      ended = typeof count === 'string' || count === 0;
      if (typeof count === 'number') waiting += count;
      if (octets === 0 && waiting < COMPRESSION_MAGIC_LENGTH && !ended) continue;
      const piece = buffer.subarray(0, waiting);
      if (octets === 0) {
        compression = compressionOf(piece);
        if (compression) {
          decompressor = await createDecompressor(compression, {
            wanted,
            decompressed: (given) => reader.push(given),
          });
        }
      }
      octets += waiting;
      waiting = 0;
      if (decompressor) await decompressor.write(piece);
      else reader.push(piece);
      if (decompressor?.ended) break;
      if (octets - yielded < turnOctets) continue;
      yielded = octets;
      onProgress?.(octets, input.size);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    if (wanted() && failure === null) await decompressor?.end();
    onProgress?.(octets, input.size);
    return conclude(reader, compression, decompressor, failure, signal?.aborted ?? false);
  } finally {
    decompressor?.close();
  }
}

function conclude(
  reader: CaptureReader,
  compression: Compression | null,
  decompressor: Decompressor | null,
  failure: string | null,
  aborted: boolean,
): CaptureFacts {
  const state = decompressor?.state ?? 'whole';
  if (failure !== null) {
    reader.note({
      code: 'read-error',
      message: `Reading failed (${failure}): check the medium it lies on and copy it again.`,
    });
  }
  if (state === 'corrupt') {
    reader.note({
      code: 'corrupt-compression',
      message: `Its ${compression} compression is damaged (${decompressor?.reason}); what came before was read: copy it again.`,
    });
  }
  if (state === 'refused') {
    reader.note({
      code: 'unsupported-compression',
      message: `Its ${compression} compression is not read here (${decompressor?.reason}): decompress it with the zstd program first.`,
    });
  }
  const whole = failure === null && !aborted && (state === 'whole' || state === 'truncated');
  const facts = reader.end(whole);
  if (state === 'truncated' && !reader.stopped) facts.truncated = true;
  if (compression && facts.format !== 'unknown') facts.format += `+${compression}`;
  return facts;
}

/** An open input: a regular file, or anything else that gives octets. */
class Input {
  /** Octets of a regular file when it was opened. */
  readonly size: number | null;
  private readonly pause = new Pause();

  private constructor(
    private readonly descriptor: number,
    private readonly owned: boolean,
    private readonly blocking: boolean,
    stats: Stats,
    private readonly stream: Readable | null = null,
  ) {
    this.size = stats.isFile() ? stats.size : null;
  }

  static async open(path: string, { signal, stdin }: ReadOptions): Promise<Input> {
    let descriptor = STANDARD_INPUT;
    let owned = false;
    try {
      if (path !== '-') {
        descriptor = await openPath(path, signal);
        owned = true;
      }
      const stats = fstatSync(descriptor);
      if (stats.isDirectory()) throw CaptureOpenError.directory();
      if (stats.isFile()) return new Input(descriptor, owned, false, stats);
      if (!owned && (await isTerminal(descriptor))) throw CaptureOpenError.terminal();
      // Through /dev a pipe is opened anew, so that only this reader's side of it does not block.
      const again = stats.isFIFO() ? reopen(owned ? path : '/dev/stdin') : null;
      if (again !== null) {
        if (owned) closeSync(descriptor);
        return new Input(again, true, false, stats);
      }
      const stream = !owned && stats.isSocket() ? (stdin?.() ?? null) : null;
      return new Input(descriptor, owned, true, stats, stream);
    } catch (error) {
      if (owned) closeSync(descriptor);
      throw error instanceof CaptureOpenError ? error : CaptureOpenError.from(error);
    }
  }

  /** Octets read into `buffer` from `at`; 0 at the end; the name of the error when reading failed. */
  async read(buffer: Buffer, at: number, signal: AbortSignal | undefined): Promise<number | string> {
    for (;;) {
      try {
        const count = this.stream
          ? await readStream(this.stream, buffer, at, signal)
          : this.blocking
            ? await this.readBeside(buffer, at, signal)
            : readSync(this.descriptor, buffer, at, buffer.length - at, null);
        this.pause.reset();
        return count;
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
        if (code === 'EOF') return 0; // a closed pipe, on Windows
        if (code !== 'EAGAIN' && code !== 'EINTR') return code;
        if (signal?.aborted) return 0;
        await this.pause.wait();
      }
    }
  }

  close(): void {
    if (this.owned) closeSync(this.descriptor);
    this.stream?.destroy();
  }

  /** What can only block (a socket, a device) is read in a thread, so that signals still arrive. */
  private readBeside(buffer: Buffer, at: number, signal: AbortSignal | undefined): Promise<number> {
    return new Promise((resolve, reject) => {
      const stop = () => resolve(0);
      signal?.addEventListener('abort', stop, { once: true });
      readAsync(this.descriptor, buffer, at, buffer.length - at, null, (error, count) => {
        signal?.removeEventListener('abort', stop);
        if (error) reject(error);
        else resolve(count);
      });
    });
  }
}

async function readStream(
  stream: Readable,
  buffer: Buffer,
  at: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  for (;;) {
    if (signal?.aborted) return 0;
    const octets = stream.read() as Buffer | null;
    if (octets !== null) {
      // What there is no room for comes next.
      const taken = octets.copy(buffer, at);
      if (taken < octets.length) stream.unshift(octets.subarray(taken));
      return taken;
    }
    if (stream.errored) throw stream.errored;
    if (stream.readableEnded || stream.destroyed) return 0;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        for (const event of WAKES) stream.off(event, go);
        signal?.removeEventListener('abort', go);
        resolve();
      };
      for (const event of WAKES) stream.once(event, go);
      signal?.addEventListener('abort', go, { once: true });
    });
  }
}

const WAKES = ['readable', 'end', 'error', 'close'] as const;

/** Asked of standard input alone: loading what tells it takes 4 ms. */
async function isTerminal(descriptor: number): Promise<boolean> {
  const { isatty } = await import('node:tty');
  return isatty(descriptor);
}

/** A named pipe opens when somebody opens its other end: that is waited for in a thread. */
function openPath(path: string, signal: AbortSignal | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    let settled = false;
    // The thread cannot be called back, but it ends its wait when the other end is opened here.
    const stop = () => {
      if (settled) return;
      const other = tryOpen(path, constants.O_WRONLY | constants.O_NONBLOCK);
      if (other !== null) closeSync(other);
      else setTimeout(stop, 10);
    };
    openAsync(path, constants.O_RDONLY, (error, descriptor) => {
      settled = true;
      signal?.removeEventListener('abort', stop);
      if (error) reject(error);
      else resolve(descriptor);
    });
    if (!signal || !isNamedPipe(path)) return;
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

function isNamedPipe(path: string): boolean {
  try {
    return statSync(path).isFIFO();
  } catch {
    return false; // opening it tells why
  }
}

/** The same pipe again, such that reading it does not block; null where the system has no such thing. */
function reopen(path: string): number | null {
  return tryOpen(path, constants.O_RDONLY | constants.O_NONBLOCK);
}

function tryOpen(path: string, flags: number): number | null {
  try {
    return openSync(path, flags);
  } catch {
    return null;
  }
}

/**
 * The wait for more octets in a pipe. A writer that is at work is back within microseconds, so that the
 * first waits are mere turns of the event loop; then they grow to 16 ms.
 */
class Pause {
  private waits = 0;

  wait(): Promise<void> {
    const waits = this.waits++;
    return new Promise((resolve) => {
      if (waits < BUSY_WAITS) setImmediate(resolve);
      else setTimeout(resolve, Math.min(16, 2 ** Math.min(4, (waits - BUSY_WAITS) >> 2)));
    });
  }

  reset(): void {
    this.waits = 0;
  }
}
