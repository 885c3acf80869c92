import { programVersion } from '../platform/platform.js';
import { printableText } from '../report/printable.js';
import { internalError } from './internal-error.js';
import { type ExitStatus, type Io, isBrokenPipe, writeAll } from './io.js';
import { parseCommandLine } from './options.js';
import { UsageError } from './usage-error.js';

/**
 * Runs one command line.
 *
 * SIGINT while captures are read ends the reading: what was read so far is reported, and the exit status is as
 * ever. A second SIGINT ends the program at once.
 *
 * @returns 0 nothing found, 1 findings at or above `--fail-on`, 2 could not do it; never throws, never exits
 * @param io  whoever hands in streams of Node listens to their errors; `write` tells them too
 * @example process.exitCode = await run(['mail.pcap'], { stdout: process.stdout, stderr: process.stderr, env: {} });
 */
export async function run(argv: readonly string[], io: Io): Promise<ExitStatus> {
  try {
    if (argv[0] === 'rules') {
      const { runRules } = await import('./rules.js');
      return await runRules(argv.slice(1), io);
    }
    if (argv[0] === 'diff') {
      const { runDiff } = await import('./diff.js');
      return await runDiff(argv.slice(1), io);
    }
    const version = programVersion();
    if (argv[0] === 'compare') {
      const { runCompare } = await import('./compare.js');
      return await runCompare(argv.slice(1), io, version);
    }
    if (argv[0] === 'live') {
      const { runLive } = await import('./live.js');
      return await runLive(argv.slice(1), io, version);
    }
    if (argv[0] === 'doctor') {
      const { runDoctor } = await import('./doctor.js');
      return await runDoctor(argv.slice(1), io);
    }
    const command = await parseCommandLine(argv, version);
    if ('text' in command) {
      await writeAll([command.text], io.stdout);
      return 0;
    }
    const { runAnalyze } = await import('./analyze.js');
    return await runAnalyze(command, io, version);
  } catch (error) {
    if (isBrokenPipe(error)) return 2;
    if (error instanceof UsageError) io.stderr.write(`mailwitness: ${printableText(error.message)}\n`);
    else io.stderr.write(`${internalError(error)}\n`);
    return 2;
  }
}
