import type { Timestamp } from '../capture/timestamp.js';
import type { SmtpSession } from '../smtp/session.js';
import type { Direction } from '../stream/event.js';

/** Worst first, surest first: the order in which reports, limits and merged findings take them. */
export const SEVERITIES = ['high', 'medium', 'low', 'info'] as const;
export const CONFIDENCES = ['certain', 'likely', 'possible'] as const;
export type Severity = (typeof SEVERITIES)[number];
export type Confidence = (typeof CONFIDENCES)[number];

/** For sorting, worst first; negative: the first is worse. */
export function compareSeverity(a: Severity, b: Severity): number {
  return SEVERITIES.indexOf(a) - SEVERITIES.indexOf(b);
}

/** For sorting, surest first; negative: the first is surer. */
export function compareConfidence(a: Confidence, b: Confidence): number {
  return CONFIDENCES.indexOf(a) - CONFIDENCES.indexOf(b);
}

/**
 * How a finding is proved, strongest first. What is absent and cannot be told is no finding: see NotAssessed.
 *
 * `octets`: they cannot come from an honest server; `contrast`: others fared differently; `fits-only`: this and little else
 * explains it; `fits-among`: others explain it too, and the message says which.
 */
export type Proof = 'octets' | 'contrast' | 'fits-only' | 'fits-among';

/** One packet that proves something. `excerpt` is raw latin1; the report makes it printable. */
export interface Evidence {
  readonly capture: number;
  readonly packet: number;
  readonly time: Timestamp | null;
  readonly direction: Direction;
  readonly offset: number | null;
  readonly excerpt: string;
  readonly note: string;
}

/** How a line of a firewall's log was joined to a session. Only the first names one connection for certain.
 * `..-address-and-ports`: of one end the address differs, as translation makes it; `addresses`: the line has no ports. */
export type JoinedBy =
  | 'addresses-and-ports'
  | 'client-address-and-ports'
  | 'server-address-and-ports'
  | 'addresses';

/** What the firewall itself says of a session in which something was found. */
export interface Witness {
  readonly source: 'asa-log';
  /** Line of the log, from 1. */
  readonly line: number;
  /** Raw latin1; the report makes it printable. */
  readonly text: string;
  readonly joinedBy: JoinedBy;
  /** The message says that the firewall did what was found. */
  readonly confirms: boolean;
}

/** As much of a session as a finding needs: a draft that waits for the end must not hold the session. */
export type SeenIn = Pick<SmtpSession, 'id' | 'capture' | 'server'>;

/** What a rule hands in. The rule set adds what `meta` says and merges drafts of one subject. */
export interface FindingDraft {
  /** The session in which it was seen. */
  readonly session: SeenIn;
  /** Other sessions that belong to it (copies of a duplicate, the witness). */
  readonly others?: readonly SessionRef[];
  /** Sessions in which it is otherwise, where the finding is told by them. They do not show it. */
  readonly contrast?: readonly SessionRef[];
  /** Verb, keyword, message: drafts of one rule, server and subject become one finding. */
  readonly subject: string;
  /** What of the subject another capture would show again, for the fingerprint. Default: all of it. */
  readonly enduring?: string;
  readonly severity?: Severity;
  readonly confidence: Confidence;
  /** Default: what the confidence says. */
  readonly proof?: Proof;
  readonly message: string;
  readonly args: Readonly<Record<string, string | number | boolean | null | readonly string[]>>;
  /** At least one. */
  readonly evidence: readonly Evidence[];
  /** Override those of `meta`. */
  readonly symptoms?: readonly string[];
  readonly remedy?: readonly string[];
}

/** As much of a session as a rule may keep after the session is gone. */
export interface SessionRef {
  readonly id: string;
  readonly capture: number;
}

export interface Finding {
  readonly id: string;
  readonly rule: string;
  /** The same in every capture of the same trouble: 16 hexadecimal digits. Other than `id` it is for comparing runs. */
  readonly fingerprint: string;
  readonly severity: Severity;
  readonly confidence: Confidence;
  readonly proof: Proof;
  readonly title: string;
  readonly message: string;
  readonly args: FindingDraft['args'];
  readonly capture: number;
  readonly session: string | null;
  readonly sessions: readonly string[];
  readonly count: number;
  readonly evidence: readonly Evidence[];
  /** Sessions that the evidence is of, and those it is told by. */
  readonly evidenceSessions?: readonly string[];
  /** Name of its evidence capture; null: there is none. Only where evidence captures were asked for. */
  readonly evidenceFile?: string | null;
  readonly symptoms: readonly string[];
  readonly remedy: readonly string[];
  readonly references: readonly string[];
  /** Only where a firewall's log was given and speaks of its sessions. */
  readonly witnesses?: readonly Witness[];
  readonly server: { readonly address: string; readonly port: number };
}

/** What could not be judged, and why. */
export interface NotAssessed {
  readonly session: string | null;
  /** Stable word: `gap`, `one-sided`, `midstream`, `encrypted`, `not-smtp`, `rule-failed`, `limit`, .. */
  readonly reason: string;
  readonly detail: string;
}
