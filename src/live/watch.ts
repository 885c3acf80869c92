import type { Analysis } from '../analyze.js';
import type { Timestamp } from '../capture/timestamp.js';
import type { Finding } from '../finding/finding.js';
import type { SmtpSession } from '../smtp/session.js';
import type { CloseReason, Endpoint } from '../stream/event.js';

/** Where the packets of a watch come from. `stream`: somebody else's capture, on a pipe or from a file. */
export type DriverName = 'dumpcap' | 'tcpdump' | 'cap' | 'stream';

/** What stands in the header of every view and every report. */
export interface SourceFacts {
  readonly driver: DriverName;
  /** null: not known, as of a stream. */
  readonly interface: string | null;
  /** The filter as the kernel applies it; null: unknown, as of a stream. */
  readonly filter: string | null;
  readonly times: 'kernel' | 'arrival' | 'unknown';
  readonly state: 'starting' | 'running' | 'waiting' | 'ended' | 'failed';
  /** One clear line with what to do; null: nothing is wrong. */
  readonly trouble: string | null;
}

export interface WatchCounts {
  /** Milliseconds since the watch began. */
  readonly elapsedMs: number;
  readonly packets: number;
  readonly octets: number;
  /** Packets that the kernel or the driver lost; null: unknown. */
  readonly drops: number | null;
  readonly sessions: number;
  readonly openSessions: number;
  readonly messages: number;
  readonly findings: number;
  /** Time of the newest packet. */
  readonly last: Timestamp | null;
}

/** One row of the view Sessions; all octets as they were on the wire, one character each. */
export interface SessionRow {
  readonly number: number;
  readonly client: Endpoint;
  readonly server: Endpoint;
  readonly start: Timestamp | null;
  readonly end: Timestamp | null;
  readonly state: 'open' | CloseReason;
  /** The host name of EHLO or HELO. */
  readonly helo: string | null;
  readonly commands: number;
  readonly messages: number;
  /** The newest command or reply, as a ladder shows it. */
  readonly lastLine: string | null;
  readonly encrypted: boolean;
  /** Ids of the findings in which it is named. */
  readonly findings: readonly string[];
}

/** One message that was seen more than once. */
export interface DuplicateRow {
  readonly messageId: string | null;
  readonly from: string | null;
  readonly copies: number;
  /** Copies that the server accepted. */
  readonly accepted: number;
  readonly first: Timestamp | null;
  readonly last: Timestamp | null;
  /** Numbers of the sessions that carried it, the first few. */
  readonly sessions: readonly number[];
  /** The finding that says why; null: not judged yet, or not a finding. */
  readonly finding: string | null;
}

/** A table that has a limit, how full it is, and what was lost at it. */
export interface TableHealth {
  readonly name: string;
  readonly used: number;
  readonly limit: number;
  readonly dropped: number;
}

export interface HealthFacts {
  readonly packetsPerSecond: number;
  readonly residentOctets: number;
  readonly tables: readonly TableHealth[];
  /** Packets in no session, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
  readonly gaps: number;
  /** What could not be judged, by reason. */
  readonly notAssessed: Readonly<Record<string, number>>;
  /** What was wrong with the source, newest last; bounded. */
  readonly troubles: readonly { readonly time: Timestamp | null; readonly message: string }[];
}

/**
 * A capture that has not ended, as the dashboard and the plain lines see it. Views ask for it and nothing is pushed: who draws ten
 * times a second asks ten times a second, however many packets came.
 */
export interface Watch {
  readonly source: SourceFacts;
  readonly counts: WatchCounts;
  readonly health: HealthFacts;
  /** Newest first: those that are open, and so many of the closed as are kept. */
  sessions(): Iterable<SessionRow>;
  /** Their numbers alone, in the same order: a row costs a hundred times as much. */
  sessionNumbers(): Iterable<number>;
  /** null: it was never there or is kept no longer. */
  sessionRow(number: number): SessionRow | null;
  /** null: it was never there or is kept no longer. An open one is returned as if the capture had ended now. */
  session(number: number): SmtpSession | null;
  /** In the order in which they were first reported. */
  findings(): readonly Finding[];
  /** Newest first. */
  duplicates(): Iterable<DuplicateRow>;
  /** As if the capture had ended now, for reports: it holds the sessions that are kept. */
  analysis(): Analysis;
}
