import type { SmtpSession } from '../smtp/session.js';
import type { SessionRecord } from '../transcript/session-record.js';

/**
 * Octets of all records up to which sessions stay made; as objects they take some forty times as much, 2.5 MB. In a larger
 * archive the newest few would be all that could stay, and hardly anybody asks for those: to keep them took 15 % more
 * time, since the garbage collector had to move them.
 */
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
 * The finished sessions of a run, by their numbers. They stay packed and are made again each time that somebody asks. Only
 * those of a small capture stay made, so that each is read once, however often a report asks for it.
 */
export class SessionArchive {
  private readonly parts: Part[] = [];
  /** Octets of all records. */
  private octets = 0;
  private readonly made = new Map<SessionRecord, SmtpSession>();

  get count(): number {
    return this.parts.reduce((sum, { records }) => sum + records.length, 0);
  }

  /** Adds the sessions of a capture that has been read. */
  add(firstIndex: number, lastUs: number, records: SessionRecord[]): void {
    records.sort((a, b) => a.index - b.index);
    this.parts.push({ firstIndex, lastUs, records });
    for (const { length } of records) this.octets += length;
    if (this.octets > MAX_KEPT) this.made.clear();
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
    const known = this.made.get(record);
    if (known) return known;
    const session = record.read(firstIndex, lastUs);
    if (this.octets <= MAX_KEPT) this.made.set(record, session);
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
