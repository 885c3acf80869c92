import { judgingBits, type Needs, WORDLESS, whyUnjudged } from '../facts/judging.js';
import { type RuleCheck, UNJUDGED, type Unjudged } from '../finding/check.js';
import type { Finding } from '../finding/finding.js';
import type { SmtpSession } from '../smtp/session.js';

/** Sessions of which it is remembered what they were like. */
const MAX_REMEMBERED = 1_000_000;

/** A rule, and what became of it. */
export interface AccountedRule {
  readonly id: string;
  readonly needs: Needs;
  /** So many of its sessions had no other to be held against. */
  readonly alone: number;
  readonly failed: boolean;
}

/**
 * Counts which sessions each rule has judged.
 *
 * A session is one number here, what it is like, and one step in a table of such numbers: what each rule makes of them is
 * asked at the end, once for each number that came up.
 */
export class RuleAccounts {
  /** How many sessions have these bits. */
  private readonly likes = new Map<number, number>();
  /** By session, from the first that came; 0: it was not heard. */
  private readonly remembered: number[] = [];
  private first = -1;
  /** By rule: sessions whose signs did not decide. */
  private readonly undecided = new Map<number, Set<string>>();

  session(session: SmtpSession): void {
    const bits = judgingBits(session);
    this.likes.set(bits, (this.likes.get(bits) ?? 0) + 1);
    const number = Number(session.id.slice(1));
    if (this.first < 0) this.first = number;
    const place = number - this.first;
    if (place < 0 || place >= MAX_REMEMBERED) return;
    while (this.remembered.length < place) this.remembered.push(0);
    this.remembered[place] = bits;
  }

  /** A rule met signs in a session that it could not decide about. */
  undecide(rule: number, session: string): void {
    const sessions = this.undecided.get(rule);
    if (sessions) sessions.add(session);
    else this.undecided.set(rule, new Set([session]));
  }

  /** In the order of the rules. */
  checks(rules: readonly AccountedRule[], findings: readonly Finding[]): RuleCheck[] {
    const found = new Map<string, Set<string>>();
    for (const { rule, sessions } of findings) {
      const known = found.get(rule) ?? new Set();
      found.set(rule, known);
      for (const session of sessions) known.add(session);
    }
    return rules.map((rule, index) => this.check(rule, index, found.get(rule.id)));
  }

  private check(
    { id, needs, alone, failed }: AccountedRule,
    index: number,
    found: ReadonlySet<string> | undefined,
  ): RuleCheck {
    const counts = new Map<Unjudged | null, number>();
    const move = (from: Unjudged | null, to: Unjudged | null, sessions = 1): void => {
      const moved = Math.min(sessions, counts.get(from) ?? 0);
      counts.set(from, (counts.get(from) ?? 0) - moved);
      counts.set(to, (counts.get(to) ?? 0) + moved);
    };
    const hearsWordless = (needs.occasion & WORDLESS) !== 0;
    for (const [bits, sessions] of this.likes) {
      if (bits === WORDLESS && !hearsWordless) continue;
      const why = failed ? 'rule-failed' : whyUnjudged(bits, needs);
      counts.set(why, (counts.get(why) ?? 0) + sessions);
    }
    if (needs.seen === 'contrast') move(null, 'viewpoint', alone);
    for (const session of this.undecided.get(index) ?? []) {
      if (!found?.has(session)) move(this.why(session, needs), 'undecided');
    }
    // What a rule has reported of a session it has judged, whatever it needed to be sure of the opposite.
    for (const session of found ?? []) {
      const why = this.why(session, needs);
      if (why !== null) move(why, null);
    }
    const judged = counts.get(null) ?? 0;
    const notJudged = UNJUDGED.map((reason) => ({ reason, sessions: counts.get(reason) ?? 0 }));
    return {
      rule: id,
      status: found ? 'found' : judged > 0 ? 'not-seen' : 'not-checked',
      judged,
      notJudged: notJudged.filter(({ sessions }) => sessions > 0),
    };
  }

  private why(session: string, needs: Needs): Unjudged | null {
    const bits = this.remembered[Number(session.slice(1)) - this.first];
    return bits === undefined || bits === 0 ? null : whyUnjudged(bits, needs);
  }
}
