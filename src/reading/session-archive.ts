import type { SmtpSession } from '../smtp/session.js';
import type { SessionRecord } from '../transcript/session-record.js';

/** Octets of the records whose sessions are kept as objects, which take some forty times as much: 2.5 MB. */
const MAX_KEPT = 1 << 16;

/** The finished sessions of one capture, in the order of their connections. */
interface Part {
  /** Sessions of the captures before it. */
  readonly firstIndex: number;
  /** Time of the capture's newest packet. */
  readonly lastUs: number;
  readonly records: readonly SessionRecord[];
}

/**
 * The finished sessions of a run, by their numbers. They stay packed and are made again each time that somebody asks; only
 * the newest few stay made, so that a small capture is read once, however often its sessions are asked for.
 */
export class SessionArchive {
  private readonly parts: Part[] = [];
  private readonly newest = new Map<SessionRecord, SmtpSession>();
  private kept = 0;

  get count(): number {
    return this.parts.reduce((sum, { records }) => sum + records.length, 0);
  }

  /** Adds the sessions of a capture that has been read. */
  add(firstIndex: number, lastUs: number, records: SessionRecord[]): void {
    records.sort((a, b) => a.index - b.index);
    this.parts.push({ firstIndex, lastUs, records });
  }

  /** Session `s<number>`; null: there is none, or its capture is being read. */
  session(number: number): SmtpSession | null {
    const part = this.parts.findLast(({ firstIndex }) => firstIndex < number);
    const record = part && find(part.records, number - 1 - part.firstIndex);
    return record ? this.read(record, part!) : null;
  }

  /** One by one, in the order of their numbers. */
  *sessions(): Generator<SmtpSession> {
    for (const part of this.parts) for (const record of part.records) yield this.read(record, part);
  }

  private read(record: SessionRecord, { firstIndex, lastUs }: Part): SmtpSession {
    const { newest } = this;
    const known = newest.get(record);
    if (known) return known;
    const session = record.read(firstIndex, lastUs);
    if (record.length > MAX_KEPT) return session;
    newest.set(record, session);
    this.kept += record.length;
    for (const oldest of newest.keys()) {
      if (this.kept <= MAX_KEPT) break;
      newest.delete(oldest);
      this.kept -= oldest.length;
    }
    return session;
  }
}

/** By binary search. */
function find(records: readonly SessionRecord[], index: number): SessionRecord | undefined {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (records[middle]!.index < index) low = middle + 1;
    else high = middle;
  }
  return records[low]?.index === index ? records[low] : undefined;
}
