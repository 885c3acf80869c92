import type { Finding, NotAssessed } from '../finding/finding.js';
import { duplicateDelivery } from '../rules/duplicate-delivery.js';
import type { Rule } from '../rules/rule.js';
import { RuleSet } from '../rules/rule-set.js';
import type { SmtpSession } from '../smtp/session.js';
import { byKey } from './finding-board.js';

/** Its findings are whole in every generation, since its memory outlives the rules. */
export const DUPLICATE_RULE = duplicateDelivery.meta.id;

export interface GenerationLimits {
  readonly findings: number;
  readonly sessionsOfFinding: number;
  /** Sessions that can be given again. */
  readonly sessions: number;
  /** Sessions after which the rules begin anew. */
  readonly sessionsOfRules: number;
}

/**
 * Rules over sessions without end. What a rule remembers of sessions grows with them: so that it never grows too much, rules begin anew,
 * and what they had found stays.
 */
export class RuleGenerations {
  /** Sessions that the present rules have judged, and those that the rules before them had. */
  judged = 0;
  forgotten = 0;
  private past = new Map<string, Finding>();
  /** The finding of an earlier generation joined with that of the present one, by the latter. */
  private readonly joined = new WeakMap<Finding, Finding>();
  private ruleSet: RuleSet;

  /** @param recall  returns a session that was judged before, by its number */
  constructor(
    private readonly rules: readonly Rule[],
    private readonly recall: (number: number) => SmtpSession | null,
    private readonly limits: GenerationLimits,
  ) {
    this.ruleSet = this.newRules();
  }

  session(session: SmtpSession): void {
    this.ruleSet.session(session);
    if (++this.judged < this.limits.sessionsOfRules) return;
    this.past = new Map([...this.end().findings].slice(-this.limits.findings));
    this.ruleSet = this.newRules();
    this.forgotten += this.judged;
    this.judged = 0;
  }

  /** All that was found so far, by what makes it one finding. */
  end(): { findings: Map<string, Finding>; notAssessed: readonly NotAssessed[] } {
    const results = this.ruleSet.end();
    const findings = new Map(this.past);
    for (const [key, finding] of byKey(results)) {
      const before = this.past.get(key);
      findings.set(
        key,
        before === undefined || finding.rule === DUPLICATE_RULE ? finding : this.both(before, finding),
      );
    }
    return { findings, notAssessed: results.notAssessed };
  }

  private newRules(): RuleSet {
    const { sessionsOfFinding, sessions } = this.limits;
    return new RuleSet(this.rules, this.recall, sessionsOfFinding, sessions);
  }

  private both(before: Finding, now: Finding): Finding {
    const known = this.joined.get(now);
    if (known) return known;
    const both: Finding = {
      ...now,
      session: before.session,
      sessions: [...before.sessions, ...now.sessions].slice(0, this.limits.sessionsOfFinding),
      count: before.count + now.count,
      evidence: before.evidence,
      ...(before.evidenceSessions && { evidenceSessions: before.evidenceSessions }),
    };
    this.joined.set(now, both);
    return both;
  }
}
