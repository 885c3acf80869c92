import type { JoinedBy, NotAssessed } from '../finding/finding.js';
import type { SmtpSession } from '../smtp/session.js';
import { couldBeWithin, dayCouldBeWithin, dayOf, type LogTime } from './log-time.js';
import type { FirewallLog } from './reader.js';
import type { LogEndpoint, LogRecord } from './record.js';

/** Sessions to which one line is joined; only a line without ports fits many. */
const MAX_SESSIONS = 20;

/**
 * Times of lines that are compared with times of sessions. A log of a year between two addresses and 50,000 sessions take
 * as many; one that was made to hurt, ten thousand days of them, would take minutes.
 */
const MAX_COMPARED = 20_000_000;

/** A line, and one of the sessions that it speaks of. */
export interface JoinedLine {
  readonly session: string;
  readonly record: LogRecord;
  readonly joinedBy: JoinedBy;
}

/** What became of a log's lines. */
export interface FirewallLogReport extends FirewallLog {
  /** In the order of the lines. */
  readonly joined: readonly JoinedLine[];
  /** Records of which no session is in the captures, or which fit several. */
  readonly notJoined: number;
}

/** Records of one day that a session must look alike to be meant. */
interface DayOfRecords {
  /** Of one of them; the clock differs. */
  readonly time: LogTime | null;
  /** Those that have not got all the sessions that they may have. */
  records: number[];
}

interface Match {
  readonly session: string;
  readonly capture: number;
}

/** The surest first. A line that is joined by one of them is not joined by the next. */
const KEYS: readonly JoinedBy[] = [
  'addresses-and-ports',
  'client-address-and-ports',
  'server-address-and-ports',
  'addresses',
];

/**
 * Finds the sessions that a log's lines speak of, by addresses and ports, whichever end is named first.
 *
 * A firewall that translates addresses may log one end by another name than the capture has it: then the other end
 * and both ports must do, and the join says so. A line that fits several connections of one capture by ports is joined
 * to none of them. Of times only the day is compared: a log does not tell its time zone.
 */
export class FirewallLogJoiner {
  /** Records by what a session must look like, and by their day: one session is compared with days, not with lines. */
  private readonly wanted = new Map<string, Map<string, DayOfRecords>>();
  private readonly matches = new Map<number, Map<JoinedBy, Match[]>>();
  private compared = 0;
  /** Sessions that were not looked for in the log: there was too much to compare. */
  private notCompared = 0;

  /** @param maxCompared  so many times are compared; sessions after that are counted */
  constructor(
    private readonly log: FirewallLog,
    private readonly maxCompared = MAX_COMPARED,
  ) {
    for (const [index, { from, to }] of log.records.entries()) {
      this.want(index, from, to);
      this.want(index, to, from);
    }
  }

  session(session: SmtpSession): void {
    const { client, server } = session;
    const start = session.start?.us ?? Number.NaN;
    const end = session.end?.us ?? Number.NaN;
    for (const by of KEYS) {
      const days = this.wanted.get(keyOf(by, client, server));
      if (days === undefined) continue;
      if (this.compared >= this.maxCompared) {
        this.notCompared++;
        return;
      }
      this.compared += days.size;
      for (const [day, fitting] of days) {
        if (!dayCouldBeWithin(fitting.time, start, end)) continue;
        this.compared += fitting.records.length;
        fitting.records = fitting.records.filter((record) => {
          if (!couldBeWithin(this.log.records[record]!.time, start, end)) return true;
          return this.note(record, by, session);
        });
        if (fitting.records.length === 0) days.delete(day);
      }
    }
  }

  end(): FirewallLogReport {
    const joined: JoinedLine[] = [];
    let notJoined = 0;
    for (const [index, record] of this.log.records.entries()) {
      const found = this.matches.get(index);
      const by = KEYS.find((key) => isClear(key, found?.get(key)));
      if (by === undefined) notJoined++;
      else for (const { session } of found!.get(by)!) joined.push({ session, record, joinedBy: by });
    }
    return { ...this.log, joined, notJoined };
  }

  notAssessed(): NotAssessed[] {
    if (this.notCompared === 0) return [];
    const detail = `${this.notCompared} sessions were not looked for in the firewall's log: too many of its lines name the same ends.`;
    return [{ session: null, reason: 'limit', detail }];
  }

  private want(record: number, client: LogEndpoint, server: LogEndpoint): void {
    for (const by of KEYS) {
      const withPorts = client.port !== null && server.port !== null;
      if ((by === 'addresses') === withPorts) continue;
      if (client.address === null && by !== 'server-address-and-ports') continue;
      if (server.address === null && by !== 'client-address-and-ports') continue;
      const key = keyOf(by, client, server);
      const { time } = this.log.records[record]!;
      const days = this.wanted.get(key) ?? new Map<string, DayOfRecords>();
      this.wanted.set(key, days);
      const day = days.get(dayOf(time));
      if (day) day.records.push(record);
      else days.set(dayOf(time), { time, records: [record] });
    }
  }

  /** @returns it may be joined to further sessions */
  private note(record: number, by: JoinedBy, { id, capture }: SmtpSession): boolean {
    const found = this.matches.get(record) ?? new Map<JoinedBy, Match[]>();
    this.matches.set(record, found);
    const list = found.get(by) ?? [];
    found.set(by, list);
    if (list.length < MAX_SESSIONS) list.push({ session: id, capture });
    return list.length < MAX_SESSIONS;
  }
}

/** One connection at most of each capture; a line without ports speaks of one of those between two addresses. */
function isClear(by: JoinedBy, matches: readonly Match[] | undefined): boolean {
  if (!matches) return false;
  return by === 'addresses' || new Set(matches.map(({ capture }) => capture)).size === matches.length;
}

function keyOf(by: JoinedBy, client: LogEndpoint, server: LogEndpoint): string {
  const clientAddress = by === 'server-address-and-ports' ? '' : client.address;
  const serverAddress = by === 'client-address-and-ports' ? '' : server.address;
  const ports = by === 'addresses' ? '' : `${client.port} ${server.port}`;
  return `${by} ${clientAddress} ${serverAddress} ${ports}`;
}
