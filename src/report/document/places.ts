import type { CaptureResult } from '../../analyze.js';
import { formatTimestamp, type Timestamp } from '../../capture/timestamp.js';
import type { Evidence } from '../../finding/finding.js';
import { toSeconds } from './grouping.js';

/** How a report names captures, frames and times: as short as they can be without two of them reading the same. */
export class Places {
  /** The captures cover several days: times need their date. */
  private readonly dated: boolean;

  /** @param names  what each capture is called; by default its number */
  constructor(
    private readonly captures: readonly Pick<CaptureResult, 'file' | 'facts'>[],
    private readonly names: readonly string[] | undefined,
  ) {
    const days = captures
      .flatMap(({ facts }) => [facts.first, facts.last])
      .map((time) => formatTimestamp(time)?.slice(0, 10))
      .filter((day) => day !== undefined);
    this.dated = new Set(days).size > 1;
  }

  /** `capture 2`, or the name that it was given; empty where there is one capture alone. */
  capture(index: number): string {
    return this.captures.length > 1 ? (this.names?.[index] ?? `capture ${index + 1}`) : '';
  }

  /** `frame 12`, `capture 2 frame 12`. */
  frame({ capture, packet }: Pick<Evidence, 'capture' | 'packet'>): string {
    return `${this.capture(capture)} frame ${packet}`.trimStart();
  }

  /** In UTC, to the millisecond at most; empty where the capture has no time. */
  clock(time: Timestamp | null): string {
    const text = formatTimestamp(time && { ...time, digits: Math.min(3, time.digits) });
    if (text === null) return '';
    return this.dated ? text.slice(0, -1).replace('T', ' ') : text.slice(11, -1);
  }

  /** From the first to the last moment, to the second, the day once where both are of one day; empty without times. */
  span(starts: readonly (Timestamp | null)[], ends: readonly (Timestamp | null)[]): string {
    const times = [...starts, ...ends].filter((time) => time !== null).sort((a, b) => a.us - b.us);
    const [first, last] = [toSeconds(times[0] ?? null), toSeconds(times.at(-1) ?? null)];
    if (first === null || last === null) return '';
    const end = first.slice(0, 10) === last.slice(0, 10) ? last.slice(11) : last;
    return first === last ? `${first} UTC` : `${first} to ${end} UTC`;
  }

  /** `frame 12  06:37:24.123  client → server` */
  line(evidence: Evidence): string {
    return [this.frame(evidence), this.clock(evidence.time), WAY[evidence.direction]]
      .filter((part) => part !== '')
      .join('  ');
  }
}

export const WAY: Readonly<Record<Evidence['direction'], string>> = {
  client: 'client → server',
  server: 'server → client',
};
