import { nothingRead } from '../capture/packet.js';
import type { DigestKind } from '../mail/digest.js';
import { startThread, type Thread, turn } from '../platform/platform.js';
import { LineStrings, SessionBatch } from '../transcript/session-batch.js';
import type { SessionRecord } from '../transcript/session-record.js';
import type { CaptureAccount, Place, SessionListener } from './capture-sessions.js';
import { type CapturesOptions, type CapturesReader, OneByOne } from './one-by-one.js';
import { claim, type ReaderMessage, type ReaderTask, STOP } from './thread-messages.js';

export interface ReaderThreadsOptions extends CapturesOptions {
  /** At most so many captures are read at once. */
  readonly jobs: number;
  readonly digestKind: DigestKind;
}

/** Marks in `claims` beside those of the threads, which count from 1. */
const HERE = -1;
const NOBODY = -2;

/** What has come of one capture. */
interface Part {
  /** Not told yet. What waits here is no more than what is kept of these sessions in the end. */
  readonly waiting: Uint8Array<ArrayBuffer>[];
  /** Messages of those that have come. */
  messages: number;
  account: CaptureAccount | null;
  /** Why its thread ended before it had read all of it. */
  died: string | null;
}

/**
 * Reads several captures at once, each in a thread, and tells of their sessions as if one had been read after the
 * other.
 *
 * Threads take the captures in their order. What they find comes packed, and is told when its turn has come.
 *
 * @example
 * const threads = new ReaderThreads(['a.pcap', 'b.pcap'], { jobs: 2, ports: [25], digest, digestKind: 'xxh64' });
 * for (const index of [0, 1]) await threads.read(index, { capture: index, messages: 0 }, closed);
 */
export class ReaderThreads implements CapturesReader {
  private readonly claims: Int32Array<SharedArrayBuffer>;
  private readonly parts: readonly Part[];
  private readonly workers: Thread[] = [];
  private alive = 0;
  /** For when there are no threads. */
  private readonly here: CapturesReader;
  /** The capture that is told, and what goes on when more of it has come. */
  private told = -1;
  private wake: () => void = () => {};

  constructor(
    private readonly files: readonly string[],
    private readonly options: ReaderThreadsOptions,
  ) {
    this.here = new OneByOne(files, options);
    this.claims = new Int32Array(new SharedArrayBuffer(4 * files.length));
    this.parts = files.map(() => ({ waiting: [], messages: 0, account: null, died: null }));
    const threads = Math.min(options.jobs, files.length);
    for (let mark = 1; mark <= threads; mark++) this.start(mark);
    options.signal?.addEventListener('abort', this.stop, { once: true });
  }

  async read(
    index: number,
    place: Place,
    closed: SessionListener<SessionRecord>,
  ): Promise<CaptureAccount | null> {
    this.told = index;
    const part = this.parts[index]!;
    const strings = new LineStrings();
    const told = { connections: 0, lastUs: Number.NaN };
    for (;;) {
      for (let octets = part.waiting.shift(); octets; octets = part.waiting.shift()) {
        const batch = new SessionBatch(octets, place.capture, place.messages, strings);
        for (const { record, lastUs } of batch.sessions()) {
          told.connections = Math.max(told.connections, record.index + 1);
          told.lastUs = lastUs;
          closed(record, lastUs, place.messages + part.messages);
        }
        // Signals are heard in between.
        await turn();
      }
      if (part.account) return { ...part.account, messages: place.messages + part.account.messages };
      if (part.died !== null) {
        const problem = {
          code: 'reader-died',
          message: `The thread that read it has ended (${part.died}): of the sessions in it only those found until then are reported. Read it by itself.`,
        };
        const facts = { ...nothingRead(), problems: [problem] };
        return { ...told, facts, skipped: {}, messages: place.messages + part.messages };
      }
      if (this.claims[index] === NOBODY) return null;
      // No thread could be started, or none has outlived its captures.
      if (this.alive === 0 && claim(this.claims, index, HERE)) return this.here.read(index, place, closed);
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  /** Ends all threads. */
  async end(): Promise<void> {
    this.options.signal?.removeEventListener('abort', this.stop);
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }

  private start(mark: number): void {
    const { files, claims } = this;
    const { ports, digestKind: digest, onProgress } = this.options;
    const workerData: ReaderTask = {
      files,
      ports,
      digest,
      mark,
      claims,
      tellsProgress: onProgress !== undefined,
    };
    let why = 'nothing said why';
    const worker = startThread(new URL('./reader-thread.js', import.meta.url), workerData, {
      message: (message) => this.hear(message as ReaderMessage),
      error: (error) => {
        // Its message may quote a packet.
        why = error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'out of memory' : (error.code ?? error.name);
      },
      exit: () => this.ended(mark, why),
    });
    if (worker === null) return;
    this.workers.push(worker);
    this.alive++;
  }

  private hear(message: ReaderMessage): void {
    const part = this.parts[message.index]!;
    if (message.kind === 'sessions') {
      part.messages = message.messages;
      part.waiting.push(message.sessions);
    } else if (message.kind === 'read') {
      part.account = message.account;
    } else {
      const { index, octets, total } = message;
      if (index === this.told) this.options.onProgress?.(this.files[index]!, octets, total);
      return;
    }
    if (message.index === this.told) this.wake();
  }

  private ended(mark: number, why: string): void {
    this.alive--;
    for (const [index, part] of this.parts.entries()) {
      if (this.claims[index] === mark && part.account === null) part.died = why;
    }
    this.wake();
  }

  /** What nobody has begun is not begun any more; the first capture always is. */
  private readonly stop = (): void => {
    for (let index = 1; index < this.files.length; index++) claim(this.claims, index, NOBODY);
    for (const worker of this.workers) worker.postMessage(STOP);
    this.wake();
  };
}
