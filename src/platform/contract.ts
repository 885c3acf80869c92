/**
 * What the program needs of the machine that it runs on. `node.ts` has it of Node, `web.ts` of a browser; the rest of the
 * program imports `platform.ts` and cannot tell which of the two it got.
 *
 * One more thing is taken for granted everywhere: the class `Buffer`. It is a global of Node; the build for browsers gives
 * that name the class of `web-buffer.ts`.
 */

/** A SHA-256 of octets that come in pieces. */
export interface RunningHash {
  /** @param octets view, read during the call only */
  update(octets: Uint8Array): void;
  /** 32 octets. Called once, last. */
  digest(): Buffer;
}

/** An input that is open and gives its octets one piece after another. */
export interface OctetInput {
  /** Octets of it in all; null where only its end will tell. */
  readonly size: number | null;
  /** Octets read into `buffer` from `at`; 0 at the end; the name of the error when reading failed. */
  read(buffer: Buffer, at: number, signal: AbortSignal | undefined): Promise<number | string>;
  close(): void;
}

/** How an input is opened by its name. */
export interface OpenOptions {
  /** Ends the wait for the other end of a named pipe. */
  readonly signal?: AbortSignal;
  /** Standard input as a stream, for when it is a socket: a read of that in a thread cannot be called back. */
  readonly stdin?: () => OctetStream;
}

/** The part of a readable stream of Node that reading standard input needs. */
export interface OctetStream {
  readonly errored: Error | null;
  readonly readableEnded: boolean;
  readonly destroyed: boolean;
  read(): unknown;
  unshift(octets: Uint8Array): void;
  once(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
  destroy(): unknown;
}

/** Why an input could not be opened, when the operating system has no error for it: the `code` of what is thrown. */
export const IS_TERMINAL = 'IS_TERMINAL';

/** A decompression that is running: octets go in by `write`, and come out as events, before `done` is called or after. */
export interface OctetTransform {
  write(octets: Uint8Array, done: () => void): unknown;
  end(): unknown;
  destroy(): unknown;
  on(event: 'data', listener: (octets: Buffer) => void): unknown;
  on(event: 'end' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: DecompressionError) => void): unknown;
}

/** `code` is `Z_BUF_ERROR` where the input ended too early; the message is that of zlib. */
export type DecompressionError = Error & { readonly code?: string | undefined };

/** What the machine decompresses by itself. */
export interface Decompression {
  /** All members of a gzip file, one after another. @param chunkSize octets that come out at once, at most */
  gunzip(chunkSize: number): OctetTransform;
  /** One frame of zstd; null: this machine has none of its own. */
  readonly unzstd: ((chunkSize: number) => OctetTransform) | null;
}

/** A thread that runs a file of the program. */
export interface Thread {
  postMessage(message: unknown): void;
  terminate(): Promise<unknown>;
}

/** What comes from a thread; `exit` is the last. */
export interface ThreadListener {
  message(message: unknown): void;
  error(error: Error & { readonly code?: string | undefined }): void;
  exit(): void;
}
