import type { SessionRecord } from '../smtp/dialogue.js';
import type { SmtpSession } from '../smtp/session.js';
import type { SessionRow } from './watch.js';

interface Kept {
  readonly record: SessionRecord;
  readonly row: SessionRow;
}

/** The newest closed sessions. What is pushed off the shelf gives its memory back and is counted. */
export class SessionShelf {
  /** Sessions that are here no more. */
  dropped = 0;
  private readonly kept = new Map<number, Kept>();
  private sorted: readonly SessionRow[] | null = null;

  constructor(readonly limit: number) {}

  get size(): number {
    return this.kept.size;
  }

  add(record: SessionRecord, row: SessionRow): void {
    this.sorted = null;
    this.kept.set(row.number, { record, row });
    if (this.kept.size <= this.limit) return;
    const [oldest] = this.kept.keys();
    this.kept.get(oldest!)!.record.release();
    this.kept.delete(oldest!);
    this.dropped++;
  }

  /** null: never closed, or dropped. */
  session(number: number, lastUs: number): SmtpSession | null {
    return this.kept.get(number)?.record.materialise(0, lastUs) ?? null;
  }

  /** null: as of `session`. */
  row(number: number): SessionRow | null {
    return this.kept.get(number)?.row ?? null;
  }

  /** By number, the newest first. */
  rows(): readonly SessionRow[] {
    this.sorted ??= [...this.kept.values()].map(({ row }) => row).sort((a, b) => b.number - a.number);
    return this.sorted;
  }
}
