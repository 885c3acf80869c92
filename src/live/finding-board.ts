import { compareConfidence, compareSeverity, type Finding } from '../finding/finding.js';
import type { RuleResults } from '../rules/rule-set.js';

/** News of a finding: it is new, it is surer or graver than was announced, or it does not hold after all. */
export interface Announcement {
  readonly state: 'new' | 'changed' | 'withdrawn';
  /** It is proved by sessions that go on; how they end may still speak against it. */
  readonly open: boolean;
  readonly finding: Finding;
}

interface Entry {
  /** As the rules reported it, and with the id that it has here. */
  readonly reported: Finding;
  readonly finding: Finding;
  open: boolean;
}

/**
 * The findings of a watch in the order in which they were first reported. Each keeps its id.
 *
 * It is given all that holds, again and again, and announces what is new in it.
 */
export class FindingBoard {
  dropped = 0;
  private readonly entries = new Map<string, Entry>();
  private given = 0;
  /** Ids of findings by the number of a session; null: to be made anew, since findings have changed. */
  private named: Map<number, string[]> | null = null;

  constructor(
    readonly limit: number,
    private readonly announce: (announcement: Announcement) => void,
  ) {}

  get size(): number {
    return this.entries.size;
  }

  /**
   * @param closed  findings of sessions that have ended
   * @param open  findings of those that go on, each judged by itself
   */
  hold(closed: ReadonlyMap<string, Finding>, open: ReadonlyMap<string, Finding>): void {
    this.named = null;
    for (const [key, { finding }] of this.entries) {
      if (closed.has(key) || open.has(key)) continue;
      this.entries.delete(key);
      this.announce({ state: 'withdrawn', open: false, finding });
    }
    for (const [key, finding] of closed) this.put(key, finding, false);
    for (const [key, finding] of open) if (!closed.has(key)) this.put(key, finding, true);
  }

  findings(): Finding[] {
    return [...this.entries.values()].map(({ finding }) => finding);
  }

  /** Ids of those that name this session. */
  ofSession(number: number): readonly string[] | undefined {
    this.named ??= this.bySession();
    return this.named.get(number);
  }

  private bySession(): Map<number, string[]> {
    const named = new Map<number, string[]>();
    for (const { finding } of this.entries.values()) {
      for (const session of finding.sessions) {
        const number = Number(session.slice(1));
        const known = named.get(number);
        if (known) known.push(finding.id);
        else named.set(number, [finding.id]);
      }
    }
    return named;
  }

  private put(key: string, finding: Finding, open: boolean): void {
    const known = this.entries.get(key);
    if (known === undefined && this.entries.size >= this.limit) {
      this.dropped++;
      return;
    }
    if (known?.reported === finding) {
      known.open = open;
      return;
    }
    const id = known?.finding.id ?? `f${++this.given}`;
    const named = finding.id === id ? finding : { ...finding, id };
    this.entries.set(key, { reported: finding, finding: named, open });
    if (known === undefined) this.announce({ state: 'new', open, finding: named });
    else if (isMore(named, known.finding)) this.announce({ state: 'changed', open, finding: named });
  }
}

/** Surer or graver: more sessions of the same are no news. */
function isMore(now: Finding, before: Finding): boolean {
  return (
    compareSeverity(now.severity, before.severity) < 0 ||
    compareConfidence(now.confidence, before.confidence) < 0
  );
}

/** Findings by what makes two of them one, whichever sessions showed them. */
export function byKey({ findings, keys }: RuleResults): Map<string, Finding> {
  return new Map(findings.map((finding, index) => [keys[index]!, finding]));
}
