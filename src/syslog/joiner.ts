import type { JoinedBy } from '../rules/finding.js';
import type { SmtpSession } from '../smtp/session.js';
import { couldBeWithin } from './log-time.js';
import type { FirewallLog } from './reader.js';
import type { LogEndpoint, LogRecord } from './record.js';

/** Sessions to which one line is joined; only a line without ports fits many. */
const MAX_SESSIONS = 20;

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
  /** Records by what a session must look like. */
  private readonly wanted = new Map<string, { record: number; by: JoinedBy }[]>();
  private readonly matches = new Map<number, Map<JoinedBy, Match[]>>();

  constructor(private readonly log: FirewallLog) {
    for (const [index, { from, to }] of log.records.entries()) {
      this.want(index, from, to);
      this.want(index, to, from);
    }
  }

  session(session: SmtpSession): void {
    const { client, server } = session;
    for (const by of KEYS) {
      const fitting = this.wanted.get(keyOf(by, client, server)) ?? [];
      for (const { record } of fitting) if (this.couldBe(record, session)) this.note(record, by, session);
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

  private want(record: number, client: LogEndpoint, server: LogEndpoint): void {
    for (const by of KEYS) {
      const withPorts = client.port !== null && server.port !== null;
      if ((by === 'addresses') === withPorts) continue;
      if (client.address === null && by !== 'server-address-and-ports') continue;
      if (server.address === null && by !== 'client-address-and-ports') continue;
      const key = keyOf(by, client, server);
      const list = this.wanted.get(key);
      if (list) list.push({ record, by });
      else this.wanted.set(key, [{ record, by }]);
    }
  }

  private couldBe(record: number, { start, end }: SmtpSession): boolean {
    const { time } = this.log.records[record]!;
    return couldBeWithin(time, start?.us ?? Number.NaN, end?.us ?? Number.NaN);
  }

  private note(record: number, by: JoinedBy, { id, capture }: SmtpSession): void {
    const found = this.matches.get(record) ?? new Map<JoinedBy, Match[]>();
    this.matches.set(record, found);
    const list = found.get(by);
    if (!list) found.set(by, [{ session: id, capture }]);
    else if (list.length < MAX_SESSIONS) list.push({ session: id, capture });
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
