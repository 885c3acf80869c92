import type { Timestamp } from '../capture/timestamp.js';
import type { SmtpSession } from '../smtp/session.js';
import type { Direction } from '../stream/event.js';

export type Severity = 'high' | 'medium' | 'low' | 'info';
export type Confidence = 'certain' | 'likely' | 'possible';

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

/** As much of a session as a finding needs: a draft that waits for the end must not hold the session. */
export type SeenIn = Pick<SmtpSession, 'id' | 'capture' | 'server'>;

/** What a rule hands in. The rule set adds what `meta` says and merges drafts of one subject. */
export interface FindingDraft {
  /** The session in which it was seen. */
  readonly session: SeenIn;
  /** Other sessions that belong to it (copies of a duplicate, the witness). */
  readonly others?: readonly SessionRef[];
  /** Verb, keyword, message: drafts of one rule, server and subject become one finding. */
  readonly subject: string;
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
  readonly symptoms: readonly string[];
  readonly remedy: readonly string[];
  readonly references: readonly string[];
  readonly server: { readonly address: string; readonly port: number };
}

/** What could not be judged, and why. */
export interface NotAssessed {
  readonly session: string | null;
  /** Stable word: `gap`, `one-sided`, `midstream`, `encrypted`, `not-smtp`, `rule-failed`, `limit`, .. */
  readonly reason: string;
  readonly detail: string;
}
