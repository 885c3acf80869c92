import { KnownGreetings } from '../facts/banner-xray.js';
import { Knowledge } from '../facts/knowledge.js';
import { flagsOf } from '../facts/session-flags.js';
import type { RuleCheck } from '../finding/check.js';
import {
  type Confidence,
  compareConfidence,
  compareSeverity,
  type Evidence,
  type Finding,
  type FindingDraft,
  type NotAssessed,
  type Proof,
  type Severity,
} from '../finding/finding.js';
import { fingerprintOf } from '../finding/fingerprint.js';
import type { SmtpSession } from '../smtp/session.js';
import type { Rule, RuleListener } from './rule.js';
import { RuleAccounts } from './rule-accounts.js';

/** One finding lists so many sessions and so much evidence; `count` goes on. */
const MAX_SESSIONS = 10_000;
const MAX_EVIDENCE = 8;
const EVIDENCE_SESSIONS = 3;
const MAX_EVIDENCE_SESSIONS = 16;
const MAX_FINDINGS = 10_000;
const MAX_NOT_ASSESSED = 1_000;

/** A flag that every session has. */
const ANY = 1 << 30;

const PROOF: Readonly<Record<Confidence, Proof>> = {
  certain: 'octets',
  likely: 'fits-only',
  possible: 'fits-among',
};

interface Merged {
  readonly rule: number;
  order: number;
  severity: Severity;
  best: FindingDraft;
  readonly fingerprint: string;
  readonly first: FindingDraft['session'];
  readonly sessions: Set<string>;
  count: number;
  readonly evidence: Evidence[];
  readonly evidenceSessions: Set<string>;
  drafts: number;
  /** As it was reported last; null: it has changed since. */
  finding: Finding | null;
}

/** What the rules have found, and what they could not judge. */
export interface RuleResults {
  readonly findings: Finding[];
  /** Of each finding, what makes it one: rule, server and subject. */
  readonly keys: string[];
  readonly notAssessed: NotAssessed[];
}

/**
 * Gives each session to the rules and merges what they report: one finding per rule, server and subject.
 *
 * A rule that throws is given no more sessions; the run goes on, and the report says so.
 */
export class RuleSet {
  private readonly listeners: (RuleListener | null)[];
  /** By listener: flags of which a session must show one. */
  private readonly heeds: number[];
  private readonly knowledge = new Knowledge();
  private readonly accounts = new RuleAccounts();
  private readonly merged = new Map<string, Merged>();
  private readonly entries: NotAssessed[] = [];
  private readonly failures: NotAssessed[] = [];
  private droppedFindings = 0;
  private droppedEntries = 0;
  /** While the rules end: the findings that this adds, and copies of those that it adds to. */
  private ending: Map<string, Merged> | null = null;
  /** What the last end added: a finding that is reported again from the same draft is not made again. */
  private ended = new Map<string, Merged>();

  /**
   * @param session  gives a session again that was heard before, by its number
   * @param maxSessions  so many sessions one finding lists
   * @param kept  so many sessions, the newest, `session` can give again
   * @param greetings  for who makes many rule sets: known greetings take time to make
   */
  constructor(
    private readonly rules: readonly Rule[],
    session: (number: number) => SmtpSession | null = () => null,
    private readonly maxSessions = MAX_SESSIONS,
    kept = Number.POSITIVE_INFINITY,
    greetings = new KnownGreetings(),
  ) {
    this.listeners = rules.map(() => null);
    this.heeds = rules.map(() => ANY);
    const { knowledge } = this;
    for (const [index, rule] of rules.entries()) {
      this.guard(index, () => {
        const listener = rule.create({
          report: (draft) => this.report(index, draft),
          notAssessed: (entry) => this.note(index, entry),
          session,
          kept,
          knowledge,
          greetings,
        });
        this.listeners[index] = listener;
        this.heeds[index] = listener.heeds ?? ANY;
      });
    }
  }

  session(session: SmtpSession): void {
    const { protocol } = session;
    if (protocol !== 'smtp' && protocol !== 'none') return;
    const smtp = protocol === 'smtp';
    const flags = smtp ? flagsOf(session) | ANY : ANY;
    if (smtp) this.knowledge.learn(session);
    this.accounts.session(session);
    for (let index = 0; index < this.listeners.length; index++) {
      const listener = this.listeners[index];
      if (!listener || (smtp && (this.heeds[index]! & flags) === 0)) continue;
      // As `guard` does, without 28 closures for each session.
      try {
        if (smtp) listener.session?.(session);
        else listener.wordless?.(session);
      } catch (error) {
        this.failed(index, error);
      }
    }
  }

  /**
   * The results if this is the end; findings in the order of the packets that prove them.
   *
   * It may not be the end: rules may be given further sessions, and end again.
   */
  end(): RuleResults {
    const before = this.entries.length;
    const { droppedFindings, droppedEntries } = this;
    this.ending = new Map();
    for (const [index, listener] of this.listeners.entries()) {
      if (listener?.end) this.guard(index, () => listener.end!());
    }
    const results = this.results();
    this.ended = this.ending;
    this.ending = null;
    this.entries.length = before;
    this.droppedFindings = droppedFindings;
    this.droppedEntries = droppedEntries;
    return results;
  }

  /** What each rule has judged of the sessions so far, given what `end` returned. */
  checks(findings: readonly Finding[]): RuleCheck[] {
    const { rules, listeners } = this;
    const accounted = rules.map(({ meta: { id, needs } }, index) => ({
      id,
      needs,
      alone: listeners[index]?.alone?.() ?? 0,
      failed: listeners[index] === null,
    }));
    return this.accounts.checks(accounted, findings);
  }

  /** What was reported of sessions as they came, without what rules report at the end. */
  results(): RuleResults {
    const all = [...this.current()].sort(
      ([, a], [, b]) =>
        a.first.capture - b.first.capture ||
        (a.evidence[0]?.packet ?? 0) - (b.evidence[0]?.packet ?? 0) ||
        a.rule - b.rule ||
        a.order - b.order,
    );
    const notAssessed = [...this.entries, ...this.failures];
    if (this.droppedFindings > 0) {
      notAssessed.push({
        session: null,
        reason: 'limit',
        detail: `${this.droppedFindings} more findings were not kept.`,
      });
    }
    if (this.droppedEntries > 0) {
      notAssessed.push({
        session: null,
        reason: 'limit',
        detail: `${this.droppedEntries} more remarks of rules were not kept.`,
      });
    }
    return {
      findings: all.map(([, merged], index) => this.finding(merged, `f${index + 1}`)),
      keys: all.map(([key]) => key),
      notAssessed,
    };
  }

  private *current(): Generator<[string, Merged]> {
    const { merged, ending } = this;
    for (const [key, one] of merged) yield [key, ending?.get(key) ?? one];
    for (const [key, one] of ending ?? []) if (!merged.has(key)) yield [key, one];
  }

  private guard(index: number, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.failed(index, error);
    }
  }

  private failed(index: number, error: unknown): void {
    if (error instanceof RangeError && /memory|allocation/i.test(error.message)) throw error;
    this.listeners[index] = null;
    this.failures.push({
      session: null,
      reason: 'rule-failed',
      detail: `The rule ${this.rules[index]!.meta.id} failed and was not applied any further: a defect of mailwitness.`,
    });
  }

  private note(rule: number, entry: NotAssessed): void {
    if (entry.session !== null) this.accounts.undecide(rule, entry.session);
    // A limit that was reached is always reported: each rule does so once, at the end.
    if (this.entries.length < MAX_NOT_ASSESSED || entry.reason === 'limit') this.entries.push(entry);
    else this.droppedEntries++;
  }

  private report(rule: number, draft: FindingDraft): void {
    const { meta } = this.rules[rule]!;
    if (draft.evidence.length === 0) throw new TypeError(`${meta.id}: a finding needs evidence`);
    const { server } = draft.session;
    const key = `${meta.id}\0${server.address}\0${server.port}\0${draft.subject}`;
    const severity = draft.severity ?? meta.severity;
    let merged = this.open(key);
    if (!merged) {
      const size = this.merged.size + (this.ending?.size ?? 0);
      if (size >= MAX_FINDINGS) {
        this.droppedFindings++;
        return;
      }
      const before = this.ending && this.ended.get(key);
      if (before?.drafts === 1 && before.best === draft) {
        before.order = size;
        this.ending!.set(key, before);
        return;
      }
      merged = {
        rule,
        order: size,
        severity,
        best: draft,
        fingerprint: fingerprintOf(meta.id, draft),
        first: draft.session,
        sessions: new Set(),
        count: 0,
        evidence: [],
        evidenceSessions: new Set(),
        drafts: 0,
        finding: null,
      };
      (this.ending ?? this.merged).set(key, merged);
    }
    merged.finding = null;
    merged.count++;
    merged.drafts++;
    for (const { id } of [draft.session, ...(draft.others ?? [])]) {
      if (merged.sessions.size < this.maxSessions) merged.sessions.add(id);
    }
    if (compareSeverity(severity, merged.severity) < 0) merged.severity = severity;
    if (compareConfidence(draft.confidence, merged.best.confidence) < 0) merged.best = draft;
    if (merged.drafts <= EVIDENCE_SESSIONS) {
      merged.evidence.push(...draft.evidence.slice(0, MAX_EVIDENCE - merged.evidence.length));
      for (const { id } of [draft.session, ...(draft.contrast ?? []), ...(draft.others ?? [])]) {
        if (merged.evidenceSessions.size < MAX_EVIDENCE_SESSIONS) merged.evidenceSessions.add(id);
      }
    }
  }

  /** What is to be added to. While the rules end that is a copy. */
  private open(key: string): Merged | undefined {
    const open = this.ending?.get(key) ?? this.merged.get(key);
    if (open === undefined || this.ending === null || this.ending.has(key)) return open;
    const copy: Merged = {
      ...open,
      sessions: new Set(open.sessions),
      evidence: [...open.evidence],
      evidenceSessions: new Set(open.evidenceSessions),
    };
    this.ending.set(key, copy);
    return copy;
  }

  private finding(merged: Merged, id: string): Finding {
    if (merged.finding?.id === id) return merged.finding;
    const { meta } = this.rules[merged.rule]!;
    const { best } = merged;
    // In the order of the report, not of their ends.
    const sessions = [...merged.sessions].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)));
    merged.finding = {
      id,
      rule: meta.id,
      fingerprint: merged.fingerprint,
      severity: merged.severity,
      confidence: best.confidence,
      proof: best.proof ?? PROOF[best.confidence],
      title: meta.title,
      message: best.message,
      args: best.args,
      capture: merged.first.capture,
      session: sessions.length === 1 ? sessions[0]! : merged.first.id,
      sessions,
      count: merged.count,
      evidence: merged.evidence,
      evidenceSessions: [...merged.evidenceSessions],
      symptoms: best.symptoms ?? meta.symptoms,
      remedy: best.remedy ?? meta.remedy,
      references: meta.references,
      server: merged.first.server,
    };
    return merged.finding;
  }
}
