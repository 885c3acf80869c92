import type { Needs } from '../facts/judging.js';
import type { Severity } from '../finding/finding.js';
import type { Verdict } from './verdict.js';

/**
 * All that the program knows of a rule besides its code: its documentation, and what reports, `compare`, the diagnosis
 * and the reader of a firewall's log need to know of its findings. None of them keeps a table of rules of its own.
 */
export interface RuleMeta extends RuleDocumentation {
  /** Its part in the first sentence of a report. */
  readonly verdict: Verdict;
  readonly cure: Cure;
  /** The message of a firewall's log that says exactly what the rule found; null: no message does. */
  readonly confirmedBy: LogMessage | null;
  /** What `compare` reports under this id when both sides of the box were seen; of two rules no two report the same. */
  readonly changes: readonly ReportableChange[];
  /**
   * What its findings say of the box that did it. `signature`: diagnose/box-signatures.ts tells which boxes leave such
   * marks; `product`: the argument `product` names what answers in the server's place; `nothing`: any box may do so.
   */
  readonly box: 'signature' | 'product' | 'nothing';
  /** When its silence about a session says that there was nothing. */
  readonly needs: Needs;
  /** The sessions of a finding are attempts to deliver the message `args.messageId`: reports may draw when they were. */
  readonly attempts?: true;
  /** What is found are octets beyond ASCII: evidence captures keep the highest bit of what they overwrite. */
  readonly eightBit?: true;
}

/** A rule's own documentation: printed by the command line, shown in reports, checked by the tests. */
export interface RuleDocumentation {
  /** Names what is seen, never the cure. Fixed by the contract. */
  readonly id: string;
  readonly severity: Severity;
  /** `Server greeting masked in transit` */
  readonly title: string;
  readonly summary: string;
  readonly whyItMatters: string;
  readonly remedy: readonly string[];
  /** `RFC 5321 §3.1`, `KB 320027` */
  readonly references: readonly string[];
  /** `kb320027/4` */
  readonly symptoms: readonly string[];
  readonly staysSilent: string;
}

/**
 * The least change of a firewall's configuration that cures what a rule finds. `inspection-off`: the inspection must be
 * taken out of the server's way; `elsewhere`: the inspection of SMTP is not the cause. Boxes without parameters know the
 * first only.
 */
export type Cure = 'inspection-off' | 'elsewhere' | ParameterCure;

/** A parameter of the inspection is enough. */
export interface ParameterCure {
  /** What it edits. Of several cures of one part the first is enough. */
  readonly part: 'ehlo-reply' | 'limits' | 'greeting';
  /** Place among the cures of a diagnosis, lowest first. */
  readonly order: number;
  /** For Cisco's `inspect esmtp`: the change, and after a colon what it costs in security. */
  readonly esmtp: string;
  /** The line under `parameters` of the inspection's policy map, where the change is one that fits every configuration. */
  readonly parameter?: string;
}

/** Messages 108004 and 108005 of Cisco's firewalls: what the inspection did, and what made it do so. */
export interface LogMessage {
  /** `ended`: it dropped or reset the connection. */
  readonly action: 'masked' | 'ended';
  /** Fits the cause that the message names: `matched Class 2: cmd RCPT count gt 100`, `mask-banner`. */
  readonly cause: RegExp;
}

/** What can become of an octet between the two sides of a box, as far as rules speak of it. */
export const CHANGES = [
  'greeting-masked',
  'greeting-replaced',
  'keyword-masked',
  'keyword-removed',
  'command-masked',
  'command-swallowed',
  'command-refused',
  'command-rewritten',
  'ehlo-refused',
  'reply-forged',
  'recipient-refused',
  '8bit-unadvertised',
  'message-altered',
  'message-end-lost',
  'split-end-lost',
  'large-segments-lost',
  'final-reply-lost',
  'tls-handshake-altered',
] as const;

/** `lost AUTH`: the verb, or the keyword that offers it, was masked, removed, swallowed or refused. */
export type ReportableChange = (typeof CHANGES)[number] | `lost ${string}`;
