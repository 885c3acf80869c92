import { type LogRecord, parseLogLine } from './record.js';

/** Octets of a line that are looked at; a syslog message is shorter. */
const MAX_LINE = 4096;
const MAX_RECORDS = 10_000;

const LF = 0x0a;

/** What a firewall's log said, and how much of it was understood. */
export interface FirewallLog {
  /** As it was named. */
  readonly file: string;
  readonly lines: number;
  /** Lines with something in them that is no message in a documented format. */
  readonly ignored: number;
  readonly records: readonly LogRecord[];
  /** Messages beyond the limit. */
  readonly dropped: number;
}

/**
 * Reads the pasted log of a firewall: octets in, in pieces of any size, records out.
 *
 * Lines that are no message 108002 to 108007 are counted and nothing else. A line may be of any length and hold any
 * octets. Never throws.
 *
 * @example
 * const reader = new FirewallLogReader('asa.log');
 * reader.push(readFileSync('asa.log'));
 * const firewallLog = reader.end();
 */
export class FirewallLogReader {
  private readonly line = Buffer.allocUnsafeSlow(MAX_LINE);
  private held = 0;
  /** The line has octets, kept or not. */
  private begun = false;
  private lines = 0;
  private ignored = 0;
  private dropped = 0;
  private readonly records: LogRecord[] = [];

  constructor(private readonly file: string) {}

  push(octets: Buffer): void {
    for (let at = 0; at < octets.length; ) {
      const lf = octets.indexOf(LF, at);
      const end = lf < 0 ? octets.length : lf;
      if (end > at) {
        this.begun = true;
        this.held += octets.copy(this.line, this.held, at, Math.min(end, at + MAX_LINE - this.held));
      }
      if (lf < 0) return;
      this.take();
      at = lf + 1;
    }
  }

  end(): FirewallLog {
    if (this.begun) this.take();
    const { file, lines, ignored, records, dropped } = this;
    return { file, lines, ignored, records, dropped };
  }

  private take(): void {
    const text = this.line.latin1Slice(0, this.held);
    this.held = 0;
    this.begun = false;
    this.lines++;
    if (text.trim() === '') return;
    const record = parseLogLine(this.lines, text);
    if (record === null) this.ignored++;
    else if (this.records.length < MAX_RECORDS) this.records.push(record);
    else this.dropped++;
  }
}
