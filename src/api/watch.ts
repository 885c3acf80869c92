import { type Analysis, DEFAULT_PORTS } from '../analyze.js';
import { captureFilter } from '../live/capture-filter.js';
import { thatList } from '../live/drivers/choose.js';
import { dumpcap } from '../live/drivers/dumpcap.js';
import { tcpdump } from '../live/drivers/tcpdump.js';
import { DuplicateMemory } from '../live/duplicate-memory.js';
import { feed } from '../live/feed.js';
import type { Announcement } from '../live/finding-board.js';
import { Monitor } from '../live/monitor.js';
import type { SourceFacts, WatchCounts } from '../live/watch.js';
import { createDigestFactory } from '../mail/digest.js';
import { now, turn } from '../platform/platform.js';
import type { Rule } from '../rules/rule.js';
import { byName, type CaptureInput, type OpenableCapture, openable } from './input.js';
import { type CommonOptions, checkedOptions, knownOnly } from './options.js';

/** A network interface. It is captured by dumpcap or tcpdump, which must be installed and allowed to. */
export interface WatchedInterface {
  readonly interface: string;
  /** A filter of libpcap. Default: the ports that are watched. */
  readonly filter?: string;
}

/** How a capture that goes on is watched. */
export interface WatchOptions extends CommonOptions {
  /** Seconds in which the same message is taken for the same. Default 86,400, a day. */
  readonly duplicateWindow?: number;
}

export const WATCH_OPTIONS = ['duplicateWindow'] as const;

/** What is known of a watch at any time, and its findings as they are proved. */
export interface LiveWatch extends AsyncIterable<Announcement> {
  readonly source: SourceFacts;
  readonly counts: WatchCounts;
  /** As if the capture had ended now: for `render`. It holds the newest 10,000 sessions and findings. */
  analysis(): Analysis;
}

const TICK_MS = 400;
/** Octets of a stream between two turns of others. */
const TURN_OCTETS = 1 << 16;
const DAY_SECONDS = 86_400;
/** Messages remembered for their duplicates: 8 MB of those that came again, 18 MB of the others. */
const REMEMBERED = { messages: 5_000, old: 200_000 };

/**
 * Watches a capture that goes on: a stream, a pipe or a file by its name, or an interface. It begins when it is iterated over, once,
 * and ends with the capture, with `options.signal`, or when the loop is left. Findings wait until they are taken.
 *
 * @returns announcements: a finding that is `new`, has `changed` (it is surer or graver), or is `withdrawn`; `open` while the
 *   sessions that prove it go on
 * @throws TypeError for a wrong argument; while it is iterated over an `Error` with one sentence, where an interface cannot be captured.
 *   What is wrong with a stream stands in `analysis().captures[0].facts.problems`
 * @example
 * for await (const { state, finding } of watch('captures/asa-esmtp-outside.pcap')) console.log(state, finding.message);
 */
export function watch(source: CaptureInput | WatchedInterface, options?: WatchOptions): LiveWatch {
  const checked = checkedOptions('watch', options, WATCH_OPTIONS);
  const { duplicateWindow = DAY_SECONDS } = checked;
  if (!(duplicateWindow > 0 && Number.isFinite(duplicateWindow))) {
    throw new TypeError('The option duplicateWindow is a number of seconds above 0.');
  }
  const wanted = isInterface(source) ? checkedInterface(source) : openable(source);
  return new ApiWatch(wanted, checked, duplicateWindow);
}

type Wanted = OpenableCapture | WatchedInterface;

class ApiWatch implements LiveWatch {
  private readonly stop = new AbortController();
  private readonly waiting: Announcement[] = [];
  private wake: () => void = () => {};
  private monitor: Monitor | null = null;
  private begun = false;

  constructor(
    private readonly wanted: Wanted,
    private readonly options: WatchOptions & { readonly rules: readonly Rule[] },
    private readonly duplicateWindow: number,
  ) {}

  get source(): SourceFacts {
    return this.running.source;
  }

  get counts(): WatchCounts {
    return this.running.counts;
  }

  analysis(): Analysis {
    return this.running.analysis();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Announcement, void, undefined> {
    if (this.begun) throw new TypeError('A watch can be iterated over once.');
    this.begun = true;
    const { signal } = this.options;
    const end = (): void => this.stop.abort();
    signal?.addEventListener('abort', end, { once: true });
    if (signal?.aborted) end();
    const monitor = await this.begin();
    const timer = setInterval(() => monitor.tick(), TICK_MS);
    let ended = false;
    const run = this.feed(monitor).finally(() => {
      ended = true;
      this.wake();
    });
    // It is awaited below; until then nobody else is to hear of it.
    run.catch(() => {});
    try {
      for (;;) {
        yield* this.waiting.splice(0);
        if (this.waiting.length > 0) continue;
        if (ended) break;
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      }
      await run;
    } finally {
      end();
      await run.catch(() => {});
      clearInterval(timer);
      signal?.removeEventListener('abort', end);
    }
  }

  private get running(): Monitor {
    if (this.monitor) return this.monitor;
    throw new TypeError('This watch has not begun: it does when it is iterated over.');
  }

  private async begin(): Promise<Monitor> {
    const { ports = DEFAULT_PORTS, rules, digest = 'xxh64' } = this.options;
    const { wanted } = this;
    this.monitor = new Monitor({
      name: 'interface' in wanted ? wanted.interface : wanted.file,
      ports,
      rules,
      digest: await createDigestFactory(digest),
      duplicates: new DuplicateMemory({ windowUs: this.duplicateWindow * 1e6, ...REMEMBERED }),
      now,
      later: (work) => void turn().then(work),
      onFinding: (announcement) => {
        this.waiting.push(announcement);
        this.wake();
      },
    });
    return this.monitor;
  }

  private feed(monitor: Monitor): Promise<void> {
    const { wanted } = this;
    return 'interface' in wanted ? this.capture(monitor, wanted) : this.readStream(monitor, wanted);
  }

  private async readStream(monitor: Monitor, wanted: OpenableCapture): Promise<void> {
    const { signal } = this.stop;
    monitor.notify({ driver: 'stream', state: 'running' });
    const facts = await byName(wanted)(wanted.file, monitor, { signal, turnOctets: TURN_OCTETS });
    for (const { message } of facts.problems) monitor.notify({ trouble: message });
    while (monitor.behind && !signal.aborted) await turn();
    monitor.notify({ state: facts.problems.length > 0 ? 'failed' : 'ended' });
    monitor.end(!signal.aborted, facts);
  }

  private async capture(monitor: Monitor, { interface: name, filter }: WatchedInterface): Promise<void> {
    const { ports = DEFAULT_PORTS } = this.options;
    const drivers = await thatList([dumpcap, tcpdump]);
    for (const [index, driver] of drivers.entries()) {
      const others = index < drivers.length - 1;
      const { facts, failure, unfit } = await feed(
        monitor,
        {
          interface: name,
          // Cooked captures know no tags.
          filter: filter ?? captureFilter(ports, name !== 'any'),
          fallback: filter === undefined ? captureFilter(ports, false) : null,
          signal: this.stop.signal,
          driver,
          others,
        },
        now,
      );
      if (unfit && others) continue;
      monitor.end(false, facts);
      if (failure !== null) throw new Error(failure);
      return;
    }
    throw new Error("no capture program works here: 'mailwitness doctor' says what to type.");
  }
}

function isInterface(source: unknown): source is WatchedInterface {
  return typeof source === 'object' && source !== null && 'interface' in source;
}

function checkedInterface(source: WatchedInterface): WatchedInterface {
  knownOnly('A watched interface', source, ['interface', 'filter']);
  const { interface: name, filter } = source;
  // What begins with a dash would be an option of the capture program.
  if (typeof name !== 'string' || !/^[^-\s]\S*$/.test(name)) {
    throw new TypeError('The interface to watch is the name of one, such as eth0.');
  }
  if (filter !== undefined && typeof filter !== 'string') {
    throw new TypeError('The filter of a watched interface is a string in the language of libpcap.');
  }
  return source;
}
