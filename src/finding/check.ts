/** Why a rule did not judge a session: a word of the report's `checks`. */
export const UNJUDGED = [
  'one-sided',
  'snaplen',
  'gap',
  'midstream',
  'open-at-end',
  'encrypted',
  'viewpoint',
  'undecided',
  'rule-failed',
  'no-occasion',
] as const;

export type Unjudged = (typeof UNJUDGED)[number];

/** What one rule has judged of the sessions that it was given. */
export interface RuleCheck {
  readonly rule: string;
  /** `not-seen` speaks of the sessions that were judged, and of no others; `not-checked`: there is none. */
  readonly status: 'found' | 'not-seen' | 'not-checked';
  readonly judged: number;
  /** In the order of `UNJUDGED`, without those that are 0. */
  readonly notJudged: readonly { readonly reason: Unjudged; readonly sessions: number }[];
}
