import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { readCapture } from '../capture/source.js';
import { formatTimestamp } from '../capture/timestamp.js';
import { captureFilter } from '../live/capture-filter.js';
import { driversFor, type OwnPrograms, thatList } from '../live/drivers/choose.js';
import type { Driver } from '../live/drivers/driver.js';
import { DuplicateMemory } from '../live/duplicate-memory.js';
import { feed } from '../live/feed.js';
import type { Announcement } from '../live/finding-board.js';
import { Monitor } from '../live/monitor.js';
import { createDigestFactory } from '../mail/digest.js';
import { findingValue, text } from '../report/machine/json.js';
import { printableText } from '../report/printable.js';
import type { Rule } from '../rules/rule.js';
import { chosenRules } from './chosen-rules.js';
import { refuseInput } from './input-files.js';
import { type ExitStatus, type Io, writeAll } from './io.js';
import { dashboardOf } from './live-dashboard.js';
import { LiveMetrics } from './live-metrics.js';
import { inputsOf, type LiveArguments, parseLive } from './live-options.js';
import { summaryLine, summaryText } from './live-summary.js';
import { isAsSure, isAtLeast } from './options.js';
import { OutputFile } from './output-file.js';
import { PacketRing } from './packet-ring.js';
import { StateFile } from './state-file.js';
import { UsageError } from './usage-error.js';

const TICK_MS = 400;
/** Octets of a stream between two looks at keys, signals and the clock. */
const TURN_OCTETS = 1 << 16;
const STATE_MS = 300_000;
/** Messages remembered for their duplicates: 8 MB of those that came again, 18 MB of the others. */
const REMEMBERED = { messages: 5_000, old: 200_000 };
const MAX_TROUBLES = 3;

/** Of the built program: a process of its own runs `cap`. */
export const OWN_PROGRAMS: OwnPrograms = {
  node: process.execPath,
  capChild: fileURLToPath(new URL('../../dist/live/drivers/cap-child.js', import.meta.url)),
};

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
  return args.list ? listInterfaces(io) : watch(args, io, version);
}

/** What a watch keeps and tells besides its findings. */
interface Keeping {
  readonly monitor: Monitor;
  readonly ring: PacketRing | null;
  readonly state: StateFile | null;
  readonly memory: DuplicateMemory;
  readonly metrics: LiveMetrics;
}

async function watch(args: LiveArguments, io: Io, version: string): Promise<ExitStatus> {
  // Half an hour at 2,000 sessions a minute: 38 MB of heap instead of 49, for 1.3 times the CPU time, of which a watch takes little.
  setFlagsFromString('--optimize-for-size');
  const rules = chosenRules(args.only, args.except);
  const inputs = inputsOf(args);
  const report = args.output === null ? null : new OutputFile(args.output, inputs);
  const drivers = args.interface === null ? null : await driversOf(args);
  const stop = new AbortController();
  const show = await dashboardOf(args, io, stop);
  const say = (line: string): void => {
    // The dashboard says it in its own place.
    if (!args.quiet && !show) io.stderr.write(`mailwitness: ${printableText(line)}\n`);
  };
  const keeping = await keep(args, rules, say, (announcement) => {
    if (show || !isAsSure(announcement.finding.confidence, args.minConfidence)) return;
    io.stdout.write(announcementLine(announcement), (error) => {
      if (error) stop.abort();
    });
  });
  const { monitor, ring, state, memory, metrics } = keeping;
  await metrics.begin(args, inputs, () => monitor, version);
  const signals = heard(io, stop, () => {
    if (!show) io.stderr.write(summaryText(monitor));
  });
  const timers = [
    setInterval(() => {
      monitor.tick();
      ring?.flush();
    }, TICK_MS),
    setInterval(() => state?.save(memory.state()), STATE_MS),
  ];
  const shown = show?.(monitor, async () => {
    const { exportWatch } = await import('./live-export.js');
    return exportWatch(monitor, args, rules, stamp(), version);
  });
  // Awaited below; until then nobody else hears of it.
  shown?.catch(() => {});
  let failed: boolean;
  try {
    failed = await (drivers === null
      ? readStream(args, io, monitor, stop)
      : capture(args, drivers, monitor, stop));
    await shown;
  } finally {
    for (const timer of timers) clearInterval(timer);
    signals.off();
    ring?.close();
    state?.save(memory.state());
    metrics.end();
  }
  if (!show) await writeAll([summaryLine(monitor)], io.stdout);
  if (!args.quiet) io.stderr.write(summaryText(monitor));
  if (report) {
    const { writeReport } = await import('./live-export.js');
    await writeReport(report, monitor, args, rules, version);
  }
  if (failed) return 2;
  const findings = monitor.findings().filter(({ confidence }) => isAsSure(confidence, args.minConfidence));
  return findings.some(({ severity }) => isAtLeast(severity, args.failOn)) ? 1 : 0;
}

async function keep(
  args: LiveArguments,
  rules: readonly Rule[],
  say: (line: string) => void,
  onFinding: (announcement: Announcement) => void,
): Promise<Keeping> {
  const memory = new DuplicateMemory({ windowUs: args.duplicateWindowUs, ...REMEMBERED });
  const captures = args.read === null ? [] : [args.read];
  const state = args.state === null ? null : new StateFile(args.state, captures, say);
  state?.load((kept) => memory.restore(kept));
  if (args.write !== null) refuseInput(args.write, inputsOf(args), 'the packets');
  const ring = args.write === null ? null : new PacketRing(args.write, args.ring, stamp(), say);
  const monitor = new Monitor({
    name: args.interface ?? args.read ?? '-',
    ports: args.ports,
    rules,
    digest: await createDigestFactory(args.digest),
    duplicates: memory,
    now: () => performance.now(),
    later: (work) => setImmediate(work),
    residentOctets: () => process.memoryUsage.rss(),
    ...(ring && { onPacket: (packet) => ring.packet(packet), tables: () => [ring.health] }),
    onFinding,
    onSource: (now, before) => {
      if (now.trouble !== null && now.trouble !== before.trouble) say(now.trouble);
      if (now.state === 'running' && before.state !== 'running' && now.interface !== null) {
        say(`capturing on ${now.interface} by ${now.driver}, filter '${now.filter}'.`);
      }
    },
  });
  return { monitor, ring, state, memory, metrics: new LiveMetrics(say) };
}

/** `20260506T070809Z` */
function stamp(): string {
  const now = { us: Date.now() * 1000, ns: 0, digits: 0 };
  return formatTimestamp(now)!.replace(/[-:]/g, '');
}

/**
 * Captures by the first of the drivers that may.
 *
 * @returns it did not go as it should
 */
async function capture(
  args: LiveArguments,
  drivers: readonly Driver[],
  monitor: Monitor,
  { signal }: AbortController,
): Promise<boolean> {
  const name = args.interface!;
  const options = {
    interface: name,
    // Cooked captures know no tags.
    filter: args.filter ?? captureFilter(args.ports, name !== 'any'),
    fallback: args.filter === null ? captureFilter(args.ports, false) : null,
    signal,
  };
  for (const [index, driver] of drivers.entries()) {
    const others = index < drivers.length - 1;
    const { facts, failure, unfit } = await feed(monitor, { ...options, driver, others }, () =>
      performance.now(),
    );
    if (unfit && others) continue;
    monitor.end(false, facts);
    return failure !== null;
  }
  return true;
}

async function readStream(
  args: LiveArguments,
  io: Io,
  monitor: Monitor,
  { signal }: AbortController,
): Promise<boolean> {
  monitor.notify({ driver: 'stream', state: 'running' });
  const facts = await readCapture(args.read!, monitor, {
    signal,
    turnOctets: TURN_OCTETS,
    ...(io.stdin && { stdin: io.stdin }),
  });
  const { problems } = facts;
  for (const { message } of problems.slice(0, MAX_TROUBLES)) monitor.notify({ trouble: message });
  // In turns: whoever presses a key now need not wait for all of them.
  while (monitor.behind && !signal.aborted) await new Promise<void>((resolve) => setImmediate(resolve));
  monitor.notify({ state: problems.length > 0 ? 'failed' : 'ended' });
  monitor.end(!signal.aborted, facts);
  return problems.length > 0;
}

/**
 * SIGINT and SIGTERM end the watch; SIGUSR1 asks how it stands. A second SIGINT has its usual effect; a late SIGUSR1 would end the
 * program, and is heard to the last.
 */
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
    },
  };
}

function announcementLine({ state, open, finding }: Announcement): string {
  if (state === 'withdrawn') {
    const { id, rule, fingerprint } = finding;
    return `${text({ type: 'withdrawn', id, rule, fingerprint })}\n`;
  }
  return `${text({ type: 'finding', state, open, ...findingValue(finding) })}\n`;
}

async function driversOf({ driver: wanted }: LiveArguments): Promise<Driver[]> {
  const all = driversFor(OWN_PROGRAMS);
  const drivers = wanted === 'auto' ? await thatList(all) : all.filter(({ name }) => name === wanted);
  if (drivers.length > 0) return drivers;
  throw new UsageError("no capture program works here: 'mailwitness doctor' says what to type.");
}

async function listInterfaces(io: Io): Promise<ExitStatus> {
  const { interfaceList } = await import('../live/drivers/interfaces.js');
  const lines = await interfaceList(driversFor(OWN_PROGRAMS));
  await writeAll(
    lines.map((line) => `${printableText(line)}\n`),
    io.stdout,
  );
  return lines.length > 0 ? 0 : 2;
}
