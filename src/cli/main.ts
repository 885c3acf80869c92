import { internalError } from './internal-error.js';
import type { Output } from './io.js';
import { run } from './run.js';
import { standardStream } from './standard-stream.js';

export { run };

/** Runs the command line of this process. */
export async function main(): Promise<void> {
  // `run` catches what is its own; this is for what nobody awaits. A stack trace is no use to a user.
  process.on('uncaughtException', (error) => {
    process.stderr.write(`${internalError(error)}\n`);
    process.exit(2);
  });
  let stdout: Output | undefined;
  let stderr: Output | undefined;
  process.exitCode = await run(process.argv.slice(2), {
    get stdout() {
      stdout ??= standardStream(1);
      return stdout;
    },
    get stderr() {
      stderr ??= standardStream(2);
      return stderr;
    },
    env: process.env,
    interrupts: process,
    stdin: () => process.stdin,
  });
}
