import { cutText } from '../report/columns.js';
import { printableText } from '../report/printable.js';
import type { Output } from './io.js';

const INTERVAL_MS = 100;

/** Octets of a capture that is read before anybody could see a line. */
const SMALL = 16e6;
const CLEAR_LINE = '\r\x1b[K';

/** One line on a terminal, rewritten at most ten times a second and cleared in the end. */
export class Progress {
  private lastMs = 0;
  private shown = false;

  constructor(private readonly terminal: Output) {}

  show(file: string, octets: number, total: number | null): void {
    if (total !== null && total < SMALL) return;
    const nowMs = Date.now();
    if (nowMs - this.lastMs < INTERVAL_MS) return;
    this.lastMs = nowMs;
    this.shown = true;
    const amount = `${(octets / 1e6).toFixed(0)} MB`;
    const part = total
      ? `${Math.min(100, Math.floor((octets / total) * 100))} % of ${(total / 1e6).toFixed(0)} MB`
      : amount;
    const name = file === '-' ? 'standard input' : printableText(file);
    const text = `reading ${part}  ${name}`;
    this.terminal.write(CLEAR_LINE + cutText(text, Math.max(20, (this.terminal.columns ?? 80) - 1))[0]);
  }

  clear(): void {
    if (this.shown) this.terminal.write(CLEAR_LINE);
    this.shown = false;
  }
}
