import { type RuleCheck, UNJUDGED, type Unjudged } from '../../finding/check.js';
import { capitalised, enumerate, plural, thousands } from '../../finding/words.js';
import type { RuleMeta } from '../../rules/rule-meta.js';

/** A rule that has judged a session at least, and found nothing. */
export interface ExcludedRule extends Pick<RuleMeta, 'id' | 'title'> {
  /** ` (3 of 20 sessions)`; empty where it has judged them all. */
  readonly extent: string;
}

/** Rules that could judge no session, for one reason. */
export interface NotCheckedBlock {
  /** `Packets are missing` */
  readonly why: string;
  readonly rules: readonly Pick<RuleMeta, 'id' | 'title'>[];
}

export const UNJUDGED_WORDS: Readonly<Record<Unjudged, string>> = {
  'no-occasion': 'nothing happened that could show it',
  viewpoint: 'it leaves no trace where the capture was taken',
  'one-sided': 'only one direction was captured',
  snaplen: 'the packets were cut short when they were captured',
  gap: 'packets are missing',
  midstream: 'the start is missing',
  'open-at-end': 'the capture ends too early',
  encrypted: 'what could show it is encrypted',
  undecided: 'the signs do not decide',
  'rule-failed': 'the rule failed',
};

/** The rules without a finding: those that have judged a session at least, and the others by the main reason. */
export function silentRules(
  checks: readonly RuleCheck[],
  asked: readonly Pick<RuleMeta, 'id' | 'title'>[],
): { notSeen: ExcludedRule[]; notChecked: NotCheckedBlock[] } {
  const byRule = new Map(checks.map((check) => [check.rule, check]));
  const notSeen: ExcludedRule[] = [];
  const unjudged = new Map<Unjudged, Pick<RuleMeta, 'id' | 'title'>[]>();
  for (const { id, title } of asked) {
    const check = byRule.get(id);
    if (check?.status === 'not-seen') notSeen.push({ id, title, extent: extentOf(check) });
    if (check?.status !== 'not-checked') continue;
    const reason = mainReason(check);
    const known = unjudged.get(reason);
    if (known) known.push({ id, title });
    else unjudged.set(reason, [{ id, title }]);
  }
  return {
    notSeen,
    notChecked: UNJUDGED.flatMap((reason) => {
      const rules = unjudged.get(reason);
      return rules ? [{ why: capitalised(UNJUDGED_WORDS[reason]), rules }] : [];
    }),
  };
}

/** Of most sessions; where a rule was given none, there was no occasion. */
export function mainReason({ notJudged }: RuleCheck): Unjudged {
  let main: RuleCheck['notJudged'][number] = { reason: 'no-occasion', sessions: 0 };
  for (const one of notJudged) if (one.sessions > main.sessions) main = one;
  return main.reason;
}

function extentOf({ judged, notJudged }: RuleCheck): string {
  if (notJudged.length === 0) return '';
  const all = judged + notJudged.reduce((sum, { sessions }) => sum + sessions, 0);
  return ` (${thousands(judged)} of ${plural(all, 'session')})`;
}

/** How many kinds were not seen, and how many could not have been. */
export function extentText(rules: readonly ExcludedRule[], notChecked: readonly NotCheckedBlock[]): string {
  const looked = `${plural(rules.length, 'kind')} of interference looked for and not seen.`;
  if (notChecked.length === 0) return looked;
  const count = notChecked.reduce((sum, one) => sum + one.rules.length, 0);
  const why = notChecked.map(
    (one) => `${one.why.charAt(0).toLowerCase()}${one.why.slice(1)} (${one.rules.length})`,
  );
  return `${looked} ${thousands(count)} could not be judged: ${enumerate(why)}.`;
}
