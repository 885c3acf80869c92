import { fileURLToPath } from 'node:url';
import { readCapture } from '../capture/source.js';
import { captureFilter } from '../live/capture-filter.js';
import { driversFor, firstThatWorks } from '../live/drivers/choose.js';
import type { Driver } from '../live/drivers/driver.js';
import { feed } from '../live/feed.js';
import type { Announcement } from '../live/finding-board.js';
import { Monitor } from '../live/monitor.js';
import { findingValue, text } from '../report/json.js';
import { printableText } from '../report/printable.js';
import { createDigestFactory } from '../smtp/digest.js';
import { chosenRules } from './chosen-rules.js';
import { type ExitStatus, type Io, writeAll } from './io.js';
import { type LiveArguments, parseLive } from './live-options.js';
import { summaryLine, summaryText } from './live-summary.js';
import { isAsSure, isAtLeast } from './options.js';
import { UsageError } from './usage-error.js';

const TICK_MS = 400;
/** Octets of a stream between two looks at keys, signals and the clock. */
const TURN_OCTETS = 1 << 20;

/** Of the built program: a process of its own runs it. */
const CAP_CHILD = fileURLToPath(new URL('../../dist/live/drivers/cap-child.js', import.meta.url));

/**
 * `mailwitness live`: watches the wire, or a capture that somebody else writes.
 *
 * @param words  the command line behind `live`
 * @returns as `analyze`
 * @throws UsageError
 */
export async function runLive(words: readonly string[], io: Io, version: string): Promise<ExitStatus> {
  const args = await parseLive(words);
  if ('text' in args) {
    await writeAll([args.text], io.stdout);
    return 0;
  }
  if (args.list) return listInterfaces(io);
  return watch(args, io, version);
}

async function watch(args: LiveArguments, io: Io, _version: string): Promise<ExitStatus> {
  const rules = chosenRules(args.only, args.except);
  const driver = args.interface === null ? null : await driverOf(args);
  const stop = new AbortController();
  const say = (line: string): void => {
    if (!args.quiet) io.stderr.write(`mailwitness: ${printableText(line)}\n`);
  };
  const monitor = new Monitor({
    ports: args.ports,
    rules,
    digest: await createDigestFactory(args.digest),
    now: () => performance.now(),
    residentOctets: () => process.memoryUsage.rss(),
    onFinding: (announcement) => {
      if (!isAsSure(announcement.finding.confidence, args.minConfidence)) return;
      io.stdout.write(announcementLine(announcement), (error) => {
        if (error) stop.abort();
      });
    },
    onTrouble: say,
  });
  const signals = heard(io, stop, () => io.stderr.write(summaryText(monitor)));
  const timer = setInterval(() => monitor.tick(), TICK_MS);
  let failure: string | null = null;
  let problems = 0;
  try {
    if (args.interface !== null) {
      const end = await feed(
        monitor,
        {
          driver: driver!,
          interface: args.interface,
          filter: args.filter ?? captureFilter(args.ports, true),
          fallback: args.filter === null ? captureFilter(args.ports, false) : null,
          signal: stop.signal,
        },
        () => performance.now(),
      );
      failure = end.failure;
    } else {
      monitor.tell({ driver: 'stream', state: 'running' });
      const facts = await readCapture(args.read!, monitor, {
        signal: stop.signal,
        turnOctets: TURN_OCTETS,
        ...(io.stdin && { stdin: io.stdin }),
      });
      problems = facts.problems.length;
      for (const { message } of facts.problems.slice(0, 3)) monitor.tell({ trouble: message });
      monitor.tell({ state: problems > 0 ? 'failed' : 'ended' });
    }
    monitor.end(!stop.signal.aborted && args.interface === null);
  } finally {
    clearInterval(timer);
    signals.off();
  }
  await writeAll([summaryLine(monitor)], io.stdout);
  if (!args.quiet) io.stderr.write(summaryText(monitor));
  if (failure !== null || problems > 0) return 2;
  const findings = monitor.findings().filter(({ confidence }) => isAsSure(confidence, args.minConfidence));
  return findings.some(({ severity }) => isAtLeast(severity, args.failOn)) ? 1 : 0;
}

/** SIGINT and SIGTERM end the watch; SIGUSR1 asks how it stands. A second SIGINT has its usual effect. */
function heard({ interrupts }: Io, stop: AbortController, ask: () => void): { off: () => void } {
  const end = (): void => {
    interrupts?.off('SIGINT', end);
    interrupts?.off('SIGTERM', end);
    stop.abort();
  };
  interrupts?.on('SIGINT', end);
  interrupts?.on('SIGTERM', end);
  interrupts?.on('SIGUSR1', ask);
  return {
    off: () => {
      interrupts?.off('SIGINT', end);
      interrupts?.off('SIGTERM', end);
      interrupts?.off('SIGUSR1', ask);
    },
  };
}

function announcementLine({ state, open, finding }: Announcement): string {
  if (state === 'withdrawn') {
    const { id, rule, fingerprint, message } = finding;
    return `${text({ type: 'withdrawn', id, rule, fingerprint, message })}\n`;
  }
  return `${text({ type: 'finding', state, open, ...findingValue(finding) })}\n`;
}

async function driverOf(args: LiveArguments): Promise<Driver> {
  const drivers = driversFor(CAP_CHILD);
  if (args.driver === 'auto') {
    const driver = await firstThatWorks(drivers);
    if (driver) return driver;
    throw new UsageError("no capture program works here: 'mailwitness doctor' says what to type.");
  }
  const driver = drivers.find(({ name }) => name === args.driver);
  if (driver) return driver;
  throw new UsageError(`there is no driver ${args.driver}.`);
}

async function listInterfaces(io: Io): Promise<ExitStatus> {
  const { interfaceList } = await import('../live/drivers/interfaces.js');
  const lines = await interfaceList(driversFor(CAP_CHILD));
  await writeAll(
    lines.map((line) => `${printableText(line)}\n`),
    io.stdout,
  );
  return lines.length > 0 ? 0 : 2;
}
