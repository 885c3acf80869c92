import type { KnownGreetings } from '../facts/banner-xray.js';
import type { Knowledge } from '../facts/knowledge.js';
import type { FindingDraft, NotAssessed } from '../finding/finding.js';
import type { SmtpSession } from '../smtp/session.js';
import type { RuleMeta } from './rule-meta.js';

/** What a rule may ask and report. */
export interface RuleContext {
  report(draft: FindingDraft): void;
  notAssessed(entry: NotAssessed): void;
  /** At the `end`: a session that was heard before, by its number (17 for `s17`); null when it is not there any more. */
  session(number: number): SmtpSession | null;
  /** So many sessions, the newest, `session` can give again. */
  readonly kept: number;
  /** What the sessions so far have shown of their servers, the given one included. */
  readonly knowledge: Pick<Knowledge, 'of'>;
  /** Greetings of known servers, to lay under a masked one. */
  readonly greetings: Pick<KnownGreetings, 'under'>;
}

/**
 * A rule is given every finished session once, in order of closing, over all captures of a run. `end` reports what there is
 * so far and leaves the rule as it was: a capture that goes on ends many times.
 *
 * A session is given for the call only: keep numbers and short strings, never the session. Every table a
 * rule keeps has a limit. Sessions whose `protocol` is not `smtp` are not given to rules, except those in which
 * nothing was said, to rules that ask for them.
 */
export interface RuleListener {
  /** Bits of `session-flags.ts`: `session` is called with sessions that show one of them at least. Absent: with all. */
  readonly heeds?: number;
  session?(session: SmtpSession): void;
  /** A connection without an octet of data, of `protocol` `none`. */
  wordless?(session: SmtpSession): void;
  end?(): void;
  /** At the end, of a rule that needs a `contrast`: so many of its sessions had no other to be held against. */
  alone?(): number;
}

export interface Rule {
  readonly meta: RuleMeta;
  create(context: RuleContext): RuleListener;
}
