import type { Readable } from 'node:stream';
import { cannotWrite } from './usage-error.js';

/** 0 nothing found; 1 findings at or above `--fail-on`; 2 could not do it, or not wholly. */
export type ExitStatus = 0 | 1 | 2 | 3;

/** A stream that the command line writes to: as much of it as is needed. */
export interface Output {
  write(text: string, done?: (error?: Error | null) => void): boolean;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** The surroundings, handed in. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where SIGINT is heard; absent where nobody can interrupt. */
  readonly interrupts?: Pick<NodeJS.Process, 'on' | 'off'>;
  /** Standard input as a stream; made only where it is needed. */
  readonly stdin?: () => Readable;
}

/** The reader of a pipe went away, as `head` does: nobody is left to be told. */
export function isBrokenPipe(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'EPIPE';
}

/**
 * Writes each piece when the one before it was taken: a slow reader must not make us hold the report.
 *
 * Ends early and silently when nobody reads any more.
 *
 * @throws UsageError when it cannot be written for another reason
 */
export async function writeAll(pieces: Iterable<string>, output: Output): Promise<void> {
  for (const piece of pieces) {
    const error = await new Promise<Error | null | undefined>((resolve) => {
      output.write(piece, resolve);
    });
    if (isBrokenPipe(error)) return;
    if (error) throw cannotWrite('standard output', error);
  }
}

/** The first SIGINT aborts the work by its signal; then SIGINT has its usual effect again. */
export async function interruptible<T>(
  interrupts: Io['interrupts'],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const interrupt = (): void => {
    interrupts?.off('SIGINT', interrupt);
    abort.abort();
  };
  interrupts?.on('SIGINT', interrupt);
  try {
    return await work(abort.signal);
  } finally {
    interrupts?.off('SIGINT', interrupt);
  }
}
