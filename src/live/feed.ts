import { type ChildProcess, spawn } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { type CaptureFacts, nothingRead, type PacketListener } from '../capture/packet.js';
import { CaptureReader } from '../capture/reader.js';
import type { Driver, EndCause, Target } from './drivers/driver.js';
import type { SourceFacts } from './watch.js';

/** Octets of standard error that are kept of one run of a capture program. */
const MAX_STDERR = 16 << 10;
/** Milliseconds between attempts to capture on an interface that has gone. */
const RETRY_MS = 1_000;
/** A program that ended by itself is started again after so long, and then after twice as long. */
const FIRST_BACKOFF_MS = 500;
const MAX_RESTARTS = 5;
/** One that ran for so long may fail as often again. */
const STEADY_MS = 60_000;
const ASK_MS = 5_000;
const LINK_MS = 1_000;
/** A program that was asked to end and does not. */
const PATIENCE_MS = 3_000;

export interface FeedListener extends PacketListener {
  notify(facts: Partial<SourceFacts>): void;
  /** Packets lost so far. */
  drops: number | null;
  /** A stream begins anew. */
  resume(): void;
}

export interface FeedOptions extends Target {
  readonly driver: Driver;
  /** The filter instead, where the link does not take the first. */
  readonly fallback: string | null;
  readonly signal: AbortSignal;
  /** Another driver takes its turn when this one cannot begin: that is no news. */
  readonly others: boolean;
}

/** What became of a feed. */
export interface FeedEnd {
  readonly facts: CaptureFacts;
  /** One line with what to do; null: it ended because it was to. */
  readonly failure: string | null;
  /** It never began, for want of rights or of the program: another driver may. */
  readonly unfit: boolean;
}

interface Run {
  readonly cause: EndCause | 'stopped';
  readonly stderr: string;
  readonly facts: CaptureFacts;
  /** Octets came. */
  readonly began: boolean;
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
  readonly ranMs: number;
}

/**
 * Captures on an interface by a child process, until it is aborted.
 *
 * An interface that goes is waited for; a program that dies is started again, a few times. What never began is not tried
 * again: the user sees why.
 */
export async function feed(
  listener: FeedListener,
  options: FeedOptions,
  now: () => number,
): Promise<FeedEnd> {
  const { driver, signal, interface: name } = options;
  let { filter, fallback } = options;
  listener.notify({ driver: driver.name, interface: name, filter, times: driver.times, state: 'starting' });
  const total = new Total();
  let restarts = 0;
  let begun = false;
  for (;;) {
    const run = await runOnce(listener, { ...options, filter }, total, now);
    total.add(run);
    begun ||= run.began;
    if (run.cause === 'stopped' || signal.aborted) return ended(listener, total, null);
    if (!begun && run.cause === 'filter' && fallback !== null) {
      filter = fallback;
      fallback = null;
      listener.notify({ filter });
      continue;
    }
    if (!begun) {
      const unfit = run.cause === 'rights' || run.cause === 'missing';
      const failure = explain(run, { ...options, filter });
      if (unfit && options.others) return { facts: total.facts, failure, unfit };
      return { ...ended(listener, total, failure), unfit };
    }
    listener.resume();
    if (run.ranMs >= STEADY_MS) restarts = 0;
    if (run.cause === 'gone' || run.cause === 'interface') {
      listener.notify({ state: 'waiting', trouble: `${name} has gone: waiting for it.` });
      await sleep(RETRY_MS, signal);
    } else if (restarts >= MAX_RESTARTS) {
      return ended(listener, total, `${driver.name} ended ${restarts + 1} times: ${explain(run, options)}`);
    } else {
      const backoff = FIRST_BACKOFF_MS * 2 ** restarts++;
      listener.notify({
        state: 'waiting',
        trouble: `${driver.name} ended (${howItEnded(run)}): starting it again (${restarts} of ${MAX_RESTARTS}).`,
      });
      await sleep(backoff, signal);
    }
    if (signal.aborted) return ended(listener, total, null);
  }
}

function ended(listener: FeedListener, total: Total, failure: string | null): FeedEnd {
  listener.notify({
    state: failure === null ? 'ended' : 'failed',
    ...(failure !== null && { trouble: failure }),
  });
  return { facts: total.facts, failure, unfit: false };
}

/** Facts and losses over all runs. */
class Total {
  facts: CaptureFacts = nothingRead();
  /** Lost in the runs before this one. */
  drops: number | null = 0;

  add({ facts, began }: Run): void {
    if (!began) return;
    const before = this.facts;
    this.facts = {
      format: facts.format,
      linkTypes: [...new Set([...before.linkTypes, ...facts.linkTypes])],
      packets: before.packets + facts.packets,
      bytes: before.bytes + facts.bytes,
      first: before.first ?? facts.first,
      last: facts.last ?? before.last,
      truncated: false,
      problems: [...before.problems, ...facts.problems].slice(0, 100),
    };
  }
}

function runOnce(
  listener: FeedListener,
  options: FeedOptions,
  total: Total,
  now: () => number,
): Promise<Run> {
  const { driver, signal } = options;
  const { file, args } = driver.command(options);
  const reader = new CaptureReader(listener);
  const startMs = now();
  let stderr = '';
  let began = false;
  let runDrops: number | null = null;
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const stopChild = stopper(child);
    const link = watchLink(options.interface, (down) => {
      if (!began) return;
      const trouble = `${options.interface} is down: waiting for it.`;
      listener.notify(down ? { state: 'waiting', trouble } : { state: 'running', trouble: null });
    });
    const asking = driver.asks === null ? null : setInterval(() => child.kill(driver.asks!), ASK_MS);
    signal.addEventListener('abort', stopChild.stop, { once: true });
    if (signal.aborted) stopChild.stop();
    const done = (cause: Run['cause'] | null, code: number | null, by: NodeJS.Signals | null): void => {
      clearInterval(link);
      if (asking !== null) clearInterval(asking);
      stopChild.done();
      signal.removeEventListener('abort', stopChild.stop);
      // A program that did not end by itself has not printed what it lost.
      total.drops =
        runDrops === null || total.drops === null ? (began ? null : total.drops) : total.drops + runDrops;
      if (began) listener.drops = total.drops;
      const facts = reader.end(false);
      const ranMs = now() - startMs;
      const why = cause ?? (signal.aborted ? 'stopped' : causeOf(driver, stderr, code, by));
      resolve({ cause: why, stderr, facts, began, code, signal: by, ranMs });
    };
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (child.pid !== undefined) return;
      stderr = error.code ?? error.message;
      done(error.code === 'EACCES' ? 'rights' : 'missing', null, null);
    });
    child.stdout.on('data', (octets: Buffer) => {
      if (!began) listener.notify({ state: 'running', trouble: null });
      began = true;
      reader.push(octets);
      // What follows cannot be found: a new stream can.
      if (reader.stopped) child.kill('SIGTERM');
    });
    let line = '';
    child.stderr.on('data', (octets: Buffer) => {
      const text = octets.toString('latin1');
      if (stderr.length < MAX_STDERR) stderr += text;
      const lines = (line + text).split('\n');
      line = lines.pop()!.slice(-1000);
      for (const whole of lines) {
        const drops = driver.drops(whole);
        if (drops === null) continue;
        runDrops = drops;
        if (total.drops !== null) listener.drops = total.drops + drops;
      }
    });
    child.on('close', (code, by) => {
      if (child.pid !== undefined) done(null, code, by);
    });
  });
}

/**
 * libpcap captures on when its interface is down and comes up again, and says nothing of it. An interface without an address is not seen
 * here.
 */
function watchLink(name: string, changed: (down: boolean) => void): NodeJS.Timeout {
  const isUp = (): boolean => networkInterfaces()[name] !== undefined;
  const known = isUp();
  let down = false;
  return setInterval(() => {
    if (!known || down !== isUp()) return;
    down = !down;
    changed(down);
  }, LINK_MS);
}

/** dumpcap ends with 0 when its interface goes, and says so on standard error, or not at all. */
function causeOf(
  driver: Driver,
  stderr: string,
  code: number | null,
  signal: NodeJS.Signals | null,
): EndCause {
  const cause = driver.cause(stderr, signal);
  return cause === 'ended' && code === 0 ? 'gone' : cause;
}

/** Asks the child to end, and ends it when it does not. */
function stopper(child: ChildProcess): { stop: () => void; done: () => void } {
  let timer: NodeJS.Timeout | null = null;
  return {
    stop: () => {
      child.kill('SIGINT');
      timer ??= setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
    },
    done: () => {
      if (timer !== null) clearTimeout(timer);
    },
  };
}

/** One line: what is wrong, and what to type. */
export function explain(
  { cause, stderr }: Pick<Run, 'cause' | 'stderr'>,
  { driver, ...target }: FeedOptions,
): string {
  const { name } = driver;
  switch (cause) {
    case 'rights':
      return `${name} may not capture on ${target.interface}: ${driver.mend}  (or run it as root).`;
    case 'missing':
      return `${name} is not installed: 'mailwitness doctor' says what is, and what to type.`;
    case 'interface':
      return `there is no interface ${target.interface}: 'mailwitness live -D' lists those there are.`;
    case 'gone':
      return `${target.interface} is down: sudo ip link set ${target.interface} up`;
    case 'filter':
      return `the filter '${target.filter}' is none (${firstLine(stderr)}): try it by  tcpdump -d '${target.filter}'`;
    default:
      return `${name} ended: ${firstLine(stderr) || 'it said nothing'}; 'mailwitness doctor' tries each driver.`;
  }
}

function howItEnded({ signal, code }: Run): string {
  return signal ?? `exit status ${code}`;
}

/** The first line that is not mere ceremony. */
function firstLine(stderr: string): string {
  const lines = stderr.split(/\r?\n/).map((line) => line.trim());
  const cause = lines.find(
    (line) => line !== '' && !/^(Capturing on|File: |Packets|Running as|tcpdump: listening)/.test(line),
  );
  return (cause ?? '').slice(0, 300);
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      resolve();
    };
    const timer = setTimeout(stop, ms);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
}
