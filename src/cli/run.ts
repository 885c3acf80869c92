import { readFileSync } from 'node:fs';
import { printableText } from '../report/printable.js';
import { runAnalyze } from './analyze.js';
import { helpText, isHelp, parseArguments, UsageError } from './options.js';

export type ExitStatus = 0 | 1 | 2;

/** A stream that the command line writes to: as much of it as is needed. */
export interface Output {
  write(text: string, done?: (error?: Error | null) => void): boolean;
  on?(event: 'error', listener: (error: Error) => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** The surroundings, handed in. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where SIGINT is heard; absent in tests. */
  readonly interrupts?: Pick<NodeJS.Process, 'on' | 'off'>;
}

/**
 * Runs one command line.
 *
 * @returns 0 nothing found, 1 findings at or above `--fail-on`, 2 could not do it; never throws, never exits
 */
export async function run(argv: readonly string[], io: Io): Promise<ExitStatus> {
  let broken = false;
  for (const stream of [io.stdout, io.stderr]) {
    stream.on?.('error', (error) => {
      // The reader of a pipe went away, as `head` does: nobody is left to be told.
      if ((error as NodeJS.ErrnoException).code === 'EPIPE') broken = true;
    });
  }
  try {
    if (argv.includes('--version') || argv.includes('-V')) {
      io.stdout.write(`mailwitness ${version()}\n`);
      return 0;
    }
    if (isHelp(argv)) {
      io.stdout.write(await helpText(argv));
      return 0;
    }
    return await runAnalyze(await parseArguments(argv), io, version());
  } catch (error) {
    if (broken) return 2;
    if (error instanceof UsageError) {
      io.stderr.write(`mailwitness: ${printableText(error.message)}\nTry: mailwitness --help\n`);
      return 2;
    }
    const reason = error instanceof Error ? error.message : String(error);
    io.stderr.write(`mailwitness: internal error: ${printableText(reason)}\n`);
    return 2;
  }
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
