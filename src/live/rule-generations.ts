import type { Finding, NotAssessed } from '../finding/finding.js';
import { duplicateDelivery } from '../rules/duplicate-delivery.js';
import type { Rule } from '../rules/rule.js';
import { RuleSet } from '../rules/rule-set.js';
import type { SmtpSession } from '../smtp/session.js';
import { byKey } from './finding-board.js';

/** Told anew by every generation as a whole: its memory outlives the rules. */
export const DUPLICATE_RULE = duplicateDelivery.meta.id;

export interface GenerationLimits {
  readonly findings: number;
  readonly sessionsOfFinding: number;
  /** Sessions that can be given again. */
  readonly sessions: number;
  /** Sessions that rules hear before they begin anew. */
  readonly sessionsOfRules: number;
}

/**
 * Rules over sessions without end. What a rule remembers of sessions grows with them: so that it never grows too much, rules begin anew,
 * and what they had found stays.
 */
export class RuleGenerations {
  /** Sessions that the rules of now have heard, and those that rules before them had. */
  heard = 0;
  forgotten = 0;
  private past = new Map<string, Finding>();
  /** What rules of before and of now say of one thing, by what those of now say. */
  private readonly joined = new WeakMap<Finding, Finding>();
  private ruleSet: RuleSet;

  /** @param recall  gives a session again that was heard before, by its number */
  constructor(
    private readonly rules: readonly Rule[],
    private readonly recall: (number: number) => SmtpSession | null,
    private readonly limits: GenerationLimits,
  ) {
    this.ruleSet = this.newRules();
  }

  session(session: SmtpSession): void {
    this.ruleSet.session(session);
    if (++this.heard < this.limits.sessionsOfRules) return;
    this.past = new Map([...this.end().findings].slice(-this.limits.findings));
    this.ruleSet = this.newRules();
    this.forgotten += this.heard;
    this.heard = 0;
  }

  /** What there is to say so far, by what makes it one finding. */
  end(): { findings: Map<string, Finding>; notAssessed: readonly NotAssessed[] } {
    const said = this.ruleSet.end();
    const findings = new Map(this.past);
    for (const [key, finding] of byKey(said)) {
      const before = this.past.get(key);
      findings.set(
        key,
        before === undefined || finding.rule === DUPLICATE_RULE ? finding : this.both(before, finding),
      );
    }
    return { findings, notAssessed: said.notAssessed };
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
