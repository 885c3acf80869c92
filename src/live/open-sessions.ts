import type { OpenDialogue } from '../dialogue/dialogue.js';
import type { Finding } from '../finding/finding.js';
import type { RuleSet } from '../rules/rule-set.js';
import type { SmtpSession } from '../smtp/session.js';
import type { ConnectionView } from '../stream/event.js';
import { byKey } from './finding-board.js';
import { sessionRow } from './session-row.js';
import type { SessionRow } from './watch.js';

/** After so long without a packet a session in progress is judged once more: silence has become evidence. */
const SILENT_US = 61_000_000;
/** Sessions in progress that one tick looks at for silence. */
const SILENCE_STEPS = 2_000;

interface Open {
  readonly dialogue: OpenDialogue;
  /** It was judged when nothing had come for a minute. */
  silenceJudged: boolean;
  row: SessionRow | null;
  rowFrame: number;
}

export interface OpenSessionsOptions {
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** Rules for one session in progress, by itself. */
  readonly rules: () => RuleSet;
}

/**
 * Sessions in progress: each that got packets is judged at the tick after the next as if the capture had ended now, and once when
 * nothing has come for a minute.
 */
export class OpenSessions {
  /** Something is found in one, or is not found any more. Who has reported that clears it. */
  changed = false;
  /** By the index of the connection. */
  private readonly open = new Map<number, Open>();
  private readonly found = new Map<number, Map<string, Finding>>();
  private readonly touched = new Set<number>();
  private readonly due = new Set<number>();
  private lastTouched: ConnectionView | null = null;
  private silenceAt: Iterator<Open> | null = null;

  constructor(private readonly options: OpenSessionsOptions) {}

  opened(dialogue: OpenDialogue): void {
    this.open.set(dialogue.connection.index, {
      dialogue,
      silenceJudged: false,
      row: null,
      rowFrame: 0,
    });
  }

  touch(connection: ConnectionView): void {
    if (connection === this.lastTouched) return;
    this.lastTouched = connection;
    this.touched.add(connection.index);
  }

  /**
   * What is found in it stays until it is forgotten, when the session has been judged as a whole.
   *
   * @returns its connection
   */
  closed(index: number): ConnectionView {
    const { connection } = this.open.get(index)!.dialogue;
    this.open.delete(index);
    this.touched.delete(index);
    this.due.delete(index);
    return connection;
  }

  forget(index: number): void {
    this.found.delete(index);
  }

  forgetAll(): void {
    this.found.clear();
  }

  /** @param untilMs  the others wait for the next time */
  judge(nowUs: number, untilMs: number): void {
    this.judgeDue(nowUs, untilMs);
    this.judgeSilent(nowUs, untilMs);
  }

  /** What is found, by what makes it one finding. */
  findings(): Map<string, Finding> {
    const all = new Map<string, Finding>();
    for (const findings of this.found.values()) {
      for (const [key, finding] of findings) if (!all.has(key)) all.set(key, finding);
    }
    return all;
  }

  /** Indices of their connections, the newest first. */
  indices(): number[] {
    return [...this.open.keys()].reverse();
  }

  /** null: it is not open. */
  row(index: number, lastUs: number): SessionRow | null {
    const open = this.open.get(index);
    if (open === undefined) return null;
    const { connection } = open.dialogue;
    if (open.row === null || open.rowFrame !== connection.lastFrame) {
      open.rowFrame = connection.lastFrame;
      open.row = sessionRow(open.dialogue.snapshot().read(0, lastUs), 'open');
    }
    return open.row;
  }

  /** null: it is not open. */
  session(index: number, nowUs: number): SmtpSession | null {
    return this.open.get(index)?.dialogue.snapshot().read(0, nowUs) ?? null;
  }

  private judgeDue(nowUs: number, untilMs: number): void {
    for (const index of this.due) {
      if (this.options.now() >= untilMs) break;
      this.due.delete(index);
      const open = this.open.get(index);
      if (open) this.judgeOne(open, nowUs);
    }
    // A reply may come in several packets: what was touched now is judged at the next tick.
    for (const index of this.touched) this.due.add(index);
    this.touched.clear();
    this.lastTouched = null;
  }

  /** Goes round by the clock: no packet shows that nothing has come for a minute. */
  private judgeSilent(nowUs: number, untilMs: number): void {
    for (let steps = 0; steps < SILENCE_STEPS && this.options.now() < untilMs; steps++) {
      this.silenceAt ??= this.open.values();
      const { done, value: open } = this.silenceAt.next();
      if (done) {
        this.silenceAt = null;
        return;
      }
      const quietUs = nowUs - (open.dialogue.connection.end?.us ?? Number.NaN);
      if (open.silenceJudged || !(quietUs >= SILENT_US)) continue;
      this.judgeOne(open, nowUs);
      open.silenceJudged = true;
    }
  }

  private judgeOne(open: Open, nowUs: number): void {
    const { index } = open.dialogue.connection;
    open.silenceJudged = false;
    const rules = this.options.rules();
    rules.session(open.dialogue.snapshot().read(0, nowUs));
    const results = byKey(rules.results());
    if (results.size > 0) this.found.set(index, results);
    else if (!this.found.delete(index)) return;
    this.changed = true;
  }
}
