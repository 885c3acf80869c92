import { openSync } from 'node:fs';
import { isatty, ReadStream } from 'node:tty';
import type { Watch } from '../live/watch.js';
import type { Io } from './io.js';
import type { LiveArguments } from './live-options.js';
import { isUtf8, wantsColor } from './options.js';

/** The keys' terminal: standard input may be a capture. */
const TERMINAL = '/dev/tty';

/**
 * Shows the watch until `q`, or until the work is to stop; the latter follows from the former.
 *
 * @returns null: there is no terminal that could be drawn on
 */
export async function dashboardOf(
  args: LiveArguments,
  io: Io,
  stop: AbortController,
): Promise<((watch: Watch, onExport: () => Promise<string>) => Promise<void>) | null> {
  const { stdout, stdin, env } = process;
  if (!args.ui || io.stdout !== stdout || args.output !== null || !stdout.isTTY) return null;
  const { canDraw } = await import('../live/view-model.js');
  const size = { columns: stdout.columns ?? 0, rows: stdout.rows ?? 0 };
  if (!canDraw(size, env.TERM)) return null;
  const input = args.read === '-' || !isatty(0) ? terminalInput() : stdin;
  if (input === null) return null;
  const { runDashboard } = await import('../live/dashboard/dashboard.js');
  return async (watch, onExport) => {
    try {
      await runDashboard(watch, {
        host: process,
        console,
        input,
        output: stdout,
        color: wantsColor(args, io),
        ascii: args.ascii || !isUtf8(env),
        now: () => performance.now(),
        signal: stop.signal,
        onExport,
      });
    } finally {
      stop.abort();
      if (input !== stdin) input.destroy();
    }
  };
}

function terminalInput(): ReadStream | null {
  try {
    return new ReadStream(openSync(TERMINAL, 'r'));
  } catch {
    return null;
  }
}
