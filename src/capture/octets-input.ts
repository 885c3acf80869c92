import type { OctetInput } from '../platform/platform.js';

/** What gives pieces of octets one after another. */
export interface OctetIterator {
  next(): Promise<IteratorResult<Uint8Array>>;
  return?(value?: undefined): unknown;
}

/** An input whose octets come from the program itself: in pieces of any size, when they are asked for. */
export class OctetsInput implements OctetInput {
  private piece: Uint8Array = new Uint8Array(0);

  /** @param size  octets in all; null where only the end will tell */
  constructor(
    private readonly pieces: OctetIterator,
    readonly size: number | null,
  ) {}

  /** @throws TypeError for a piece that is no octets */
  async read(buffer: Buffer, at: number, signal: AbortSignal | undefined): Promise<number | string> {
    while (this.piece.length === 0) {
      let next: IteratorResult<Uint8Array> | null;
      try {
        next = await unlessAborted(this.pieces.next(), signal);
      } catch (error) {
        return nameOf(error);
      }
      if (next === null || next.done) return 0;
      if (!(next.value instanceof Uint8Array)) {
        throw new TypeError('a stream of a capture gives pieces of Uint8Array: set no encoding on it.');
      }
      this.piece = next.value;
    }
    const count = Math.min(this.piece.length, buffer.length - at);
    buffer.set(this.piece.subarray(0, count), at);
    this.piece = this.piece.subarray(count);
    return count;
  }

  close(): void {
    // Nobody waits for it: a stream that hangs may take its time to end.
    Promise.resolve(this.pieces.return?.()).catch(() => {});
  }
}

/** null: it was aborted first. */
async function unlessAborted<T>(wanted: Promise<T>, signal: AbortSignal | undefined): Promise<T | null> {
  if (!signal) return wanted;
  if (signal.aborted) return null;
  let stop = (): void => {};
  const aborted = new Promise<null>((resolve) => {
    stop = () => resolve(null);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([wanted, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** A short name for the report: the message of somebody else's error may hold anything. */
function nameOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  return (
    ([code, name].find((word) => typeof word === 'string' && /^[\w-]{1,40}$/.test(word)) as string) ??
    'unknown error'
  );
}
