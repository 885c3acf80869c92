import type { Analysis } from '../../analyze.js';
import type { Timestamp } from '../../capture/timestamp.js';
import { serverKey } from '../../facts/server-key.js';
import { compareSeverity, type Finding, type Severity } from '../../finding/finding.js';
import type { SmtpMessage, SmtpSession } from '../../smtp/session.js';

/** What became of messages. */
export interface MessageCounts {
  readonly accepted: number;
  readonly refused: number;
  /** No final reply was seen. */
  readonly unanswered: number;
}

/** Sessions with one server of which something was found. */
export interface ServerTraffic {
  readonly sessions: number;
  /** Sessions in which something worse than a note was found. */
  readonly hit: number;
  readonly messages: MessageCounts;
  readonly start: Timestamp | null;
  readonly end: Timestamp | null;
}

export interface CaptureTraffic {
  /** SMTP sessions, and those in which something worse than a note was found. */
  readonly sessions: number;
  readonly hit: number;
  readonly messages: number;
  /** The worst that was found in it; null: nothing worse than a note. */
  readonly worst: Finding | null;
}

/** The last line of the final reply to a message, raw; null: none was seen. */
export interface Delivery {
  readonly accepted: boolean | null;
  readonly reply: string | null;
}

/** What passed in the sessions, counted in one walk over them. */
export interface Traffic {
  readonly messages: MessageCounts;
  /** By `serverKey`. */
  readonly servers: ReadonlyMap<string, ServerTraffic>;
  /** In the order of the captures. */
  readonly captures: readonly CaptureTraffic[];
  /** Of the first messages. */
  readonly deliveries: readonly Delivery[];
}

const MAX_DELIVERIES = 5;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type MutableTraffic = Mutable<Omit<ServerTraffic, 'messages'>> & { messages: Mutable<MessageCounts> };

/** Counts the sessions that it is given. Holds numbers and a few replies, and no session. */
export class TrafficCounter implements Traffic {
  readonly messages: Mutable<MessageCounts> = nothing();
  readonly servers = new Map<string, MutableTraffic>();
  readonly captures: Mutable<CaptureTraffic>[];
  readonly deliveries: Delivery[] = [];
  /** The worst finding of each session that one names. */
  private readonly worst = new Map<string, Finding>();

  constructor({ captures, findings }: Pick<Analysis, 'captures' | 'findings'>) {
    this.captures = captures.map(() => ({ sessions: 0, hit: 0, messages: 0, worst: null }));
    for (const finding of findings) {
      const key = serverKey(finding.server);
      if (!this.servers.has(key)) {
        this.servers.set(key, { sessions: 0, hit: 0, messages: nothing(), start: null, end: null });
      }
      if (finding.severity === 'info') continue;
      for (const session of finding.sessions) {
        this.worst.set(session, worse(finding, this.worst.get(session) ?? null));
      }
    }
  }

  session(session: SmtpSession): void {
    const worst = this.worst.get(session.id) ?? null;
    const server = this.servers.get(serverKey(session.server));
    for (const message of session.messages) {
      const outcome = outcomeOf(message);
      this.messages[outcome]++;
      if (server) server.messages[outcome]++;
      if (this.deliveries.length < MAX_DELIVERIES) this.deliveries.push(delivery(session, message));
    }
    if (server) {
      server.sessions++;
      if (worst) server.hit++;
      server.start = earlier(session.start, server.start);
      server.end = later(session.end, server.end);
    }
    const capture = this.captures[session.capture];
    if (!capture) return;
    if (session.protocol === 'smtp') capture.sessions++;
    capture.messages += session.messages.length;
    if (!worst) return;
    capture.hit++;
    capture.worst = worse(worst, capture.worst);
  }
}

function nothing(): Mutable<MessageCounts> {
  return { accepted: 0, refused: 0, unanswered: 0 };
}

function outcomeOf({ accepted }: SmtpMessage): keyof MessageCounts {
  return accepted === null ? 'unanswered' : accepted ? 'accepted' : 'refused';
}

function delivery({ exchanges }: SmtpSession, { accepted, endExchange }: SmtpMessage): Delivery {
  const end = endExchange === null ? undefined : exchanges[endExchange];
  return { accepted, reply: end?.reply?.lines.at(-1)?.text ?? null };
}

function worse(one: Finding, other: Finding | null): Finding {
  return other === null || compareSeverity(one.severity, other.severity) < 0 ? one : other;
}

function earlier(one: Timestamp | null, other: Timestamp | null): Timestamp | null {
  if (one === null || other === null) return one ?? other;
  return one.us < other.us ? one : other;
}

function later(one: Timestamp | null, other: Timestamp | null): Timestamp | null {
  if (one === null || other === null) return one ?? other;
  return one.us > other.us ? one : other;
}

/** The worst first; what nothing was found in comes last. */
export function compareWorst(one: Severity | undefined, other: Severity | undefined): number {
  if (one === undefined || other === undefined)
    return Number(one === undefined) - Number(other === undefined);
  return compareSeverity(one, other);
}
