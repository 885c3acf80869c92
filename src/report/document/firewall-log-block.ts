import type { JoinedBy } from '../../finding/finding.js';
import type { FirewallLogReport } from '../../syslog/joiner.js';

/** What the firewall's own log says of the sessions. */
export interface FirewallLogBlock {
  /** Raw, with its folders. */
  readonly file: string;
  readonly lines: number;
  readonly ignored: number;
  /** Messages of the mail inspection, 108002 to 108007. */
  readonly messages: number;
  /** Of them, those about no session that was captured. */
  readonly notJoined: number;
  /** Messages beyond the limit, which were not kept. */
  readonly dropped: number;
  /** Lines about a session that was captured, in the order of the log. */
  readonly entries: readonly FirewallLogEntry[];
}

export interface FirewallLogEntry {
  readonly line: number;
  /** Raw, as the log has it. */
  readonly text: string;
  /** The sessions that it is about, and how that is known. */
  readonly joined: readonly [JoinedSession, ...JoinedSession[]];
}

export interface JoinedSession {
  readonly session: string;
  readonly joinedBy: JoinedBy;
}

export function firewallLogBlock(log: FirewallLogReport | null): FirewallLogBlock | null {
  if (log === null) return null;
  const entries = new Map<number, FirewallLogEntry & { joined: [JoinedSession, ...JoinedSession[]] }>();
  for (const { record, joinedBy, session } of log.joined) {
    const known = entries.get(record.line);
    if (known) known.joined.push({ session, joinedBy });
    else {
      const { line, text } = record;
      entries.set(line, { line, text, joined: [{ session, joinedBy }] });
    }
  }
  return {
    file: log.file,
    lines: log.lines,
    ignored: log.ignored,
    messages: log.records.length,
    notJoined: log.notJoined,
    dropped: log.dropped,
    entries: [...entries.values()],
  };
}
