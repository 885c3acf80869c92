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
import { IS_TERMINAL, type OctetInput, type OctetStream, type OpenOptions } from './contract.js';

const STANDARD_INPUT = 0;
const BUSY_WAITS = 200;

/**
 * Opens a file or a pipe by its name, or standard input for `-`.
 *
 * @throws what Node throws, with its `code`; `EISDIR` for a directory, `IS_TERMINAL` for a terminal
 */
export function openInput(path: string, options: OpenOptions): Promise<OctetInput> {
  return FileInput.open(path, options);
}

/** An open input: a regular file, or anything else that gives octets. */
class FileInput implements OctetInput {
  /** Octets of a regular file when it was opened. */
  readonly size: number | null;
  private readonly pause = new Pause();

  private constructor(
    private readonly descriptor: number,
    private readonly owned: boolean,
    private readonly blocking: boolean,
    stats: Stats,
    private readonly stream: OctetStream | null = null,
  ) {
    this.size = stats.isFile() ? stats.size : null;
  }

  static async open(path: string, { signal, stdin }: OpenOptions): Promise<FileInput> {
    let descriptor = STANDARD_INPUT;
    let owned = false;
    try {
      if (path !== '-') {
        descriptor = await openPath(path, signal);
        owned = true;
      }
      const stats = fstatSync(descriptor);
      if (stats.isDirectory()) throw coded('EISDIR', 'it is a directory');
      if (stats.isFile()) return new FileInput(descriptor, owned, false, stats);
      if (!owned && (await isTerminal(descriptor))) {
        throw coded(IS_TERMINAL, 'standard input is a terminal');
      }
      // Through /dev a pipe is opened anew, so that only this reader's side of it does not block.
      const again = stats.isFIFO() ? reopen(owned ? path : '/dev/stdin') : null;
      if (again !== null) {
        if (owned) closeSync(descriptor);
        return new FileInput(again, true, false, stats);
      }
      const stream = !owned && stats.isSocket() ? (stdin?.() ?? null) : null;
      return new FileInput(descriptor, owned, true, stats, stream);
    } catch (error) {
      if (owned) closeSync(descriptor);
      throw error;
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
  stream: OctetStream,
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

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
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
