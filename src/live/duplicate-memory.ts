import { type DeliveryAttempt, deliveryAttempt } from '../rules/delivery-attempt.js';
import { duplicateDelivery, duplicateDraft, duplicateKey } from '../rules/duplicate-delivery.js';
import type { FindingDraft } from '../rules/finding.js';
import type { Rule } from '../rules/rule.js';
import { OldAttempts } from './old-attempts.js';
import type { DuplicateRow, TableHealth } from './watch.js';

/** Copies of one message that are remembered. */
const MAX_COPIES = 100;
/** Messages that came again of which is told: as many as there may be findings. */
const MAX_TOLD = 10_000;
/** Sessions that a row names. */
const MAX_ROW_SESSIONS = 10;
/** A copy that an earlier run saw: there is no capture any more to show it in. */
const EARLIER = { id: 'an earlier run', capture: -1 };
/** First line of a state; a change of what follows is a change of this. */
const STATE = 'mailwitness/duplicates/1';

export interface DuplicateLimits {
  /** Microseconds after which a message is forgotten. */
  readonly windowUs: number;
  /** Messages remembered with what proves them; the ones longest not seen go first. */
  readonly messages: number;
  /** Messages remembered by hashes only, when they have gone from there. */
  readonly old: number;
}

/**
 * Messages of the last days, so that one that comes again is known: the rule `duplicate-delivery` without its captures.
 *
 * The newest, and those that came again, are kept as JSON text; of the others little more than hashes.
 */
export class DuplicateMemory {
  private newestUs = Number.NEGATIVE_INFINITY;
  /** Those longest not seen first. */
  private readonly messages = new Map<string, { us: number; copies: string }>();
  /** Messages with several copies. */
  private readonly repeated = new Set<string>();
  private readonly old: OldAttempts;

  constructor(private readonly limits: DuplicateLimits) {
    this.old = new OldAttempts(limits.old);
  }

  get health(): TableHealth {
    return {
      name: 'messages remembered',
      used: this.messages.size + this.old.size,
      limit: this.limits.messages + this.limits.old,
      dropped: this.old.dropped,
    };
  }

  /** The rule over this memory: made anew it says what has come again since. */
  readonly rule: Rule = {
    meta: duplicateDelivery.meta,
    create: (context) => {
      const told = new Map<string, FindingDraft>();
      return {
        session: (session) => {
          for (const message of session.messages) {
            const key = duplicateKey(session, message);
            if (key === null || !this.add(key, deliveryAttempt(session, message))) continue;
            const draft = duplicateDraft(key, this.copies(key) ?? []);
            if (draft && (told.has(key) || told.size < MAX_TOLD)) told.set(key, draft);
          }
        },
        end: () => {
          for (const draft of told.values()) context.report(draft);
        },
      };
    },
  };

  /** The rule over a session in progress: what came in it before. Nothing of it is remembered until it has ended. */
  readonly ruleOfOpen: Rule = {
    meta: duplicateDelivery.meta,
    create: (context) => ({
      session: (session) => {
        const here = new Map<string, DeliveryAttempt[]>();
        for (const message of session.messages) {
          const key = duplicateKey(session, message);
          if (key === null) continue;
          const attempts = here.get(key);
          if (attempts) attempts.push(deliveryAttempt(session, message));
          else here.set(key, [deliveryAttempt(session, message)]);
        }
        for (const [key, attempts] of here) {
          const draft = duplicateDraft(key, [...this.earlier(key, attempts[0]!), ...attempts]);
          if (draft) context.report(draft);
        }
      },
    }),
  };

  /** Newest first. @param findingOf  id of the finding of a message's Message-ID or digest */
  *rows(findingOf: (subject: string) => string | null): Generator<DuplicateRow> {
    for (const key of [...this.repeated].reverse()) {
      const copies = this.copies(key) ?? [];
      const [subject = '', from = ''] = key.split('\0');
      const times = copies.map(({ us }) => us).filter((us) => !Number.isNaN(us));
      const time = (us: number) => (times.length === 0 ? null : { us, ns: 0, digits: 6 });
      yield {
        messageId: subject.startsWith('<') ? subject : null,
        from,
        copies: copies.length,
        accepted: copies.filter(({ outcome }) => outcome === 'accepted').length,
        first: time(Math.min(...times)),
        last: time(Math.max(...times)),
        sessions: copies
          .filter(({ session }) => session.capture >= 0)
          .slice(0, MAX_ROW_SESSIONS)
          .map(({ session }) => Number(session.id.slice(1))),
        finding: findingOf(subject),
      };
    }
  }

  /** All that is remembered, a line each. */
  *state(): Generator<string> {
    yield `${JSON.stringify(STATE)}\n`;
    let lines = 0;
    for (const [key, { copies }] of this.messages) {
      lines++;
      yield `[${JSON.stringify(key)},${copies}]\n`;
    }
    yield `${lines}\n`;
    yield* this.old.state();
    yield '"end"\n';
  }

  /**
   * Takes in what an earlier run remembered.
   *
   * @returns false when it is damaged: nothing is taken in
   */
  restore(text: string): boolean {
    const lines = text.split('\n');
    try {
      if (lines.pop() !== '' || lines.pop() !== '"end"' || lines[0] !== JSON.stringify(STATE)) return false;
      const counted = lines.findIndex((line) => /^\d+$/.test(line));
      if (Number(lines[counted]) !== counted - 1) return false;
      const read = lines.slice(1, counted).map((line) => readMessage(JSON.parse(line)));
      this.old.restore(lines.slice(counted + 1));
      for (const { key, copies } of read) {
        for (const copy of copies)
          this.add(key, { ...copy, session: { ...copy.session, ...EARLIER }, evidence: [] });
      }
    } catch {
      return false;
    }
    return true;
  }

  /** @returns  it was known before */
  private add(key: string, attempt: DeliveryAttempt): boolean {
    const { us } = attempt;
    if (us > this.newestUs) this.newestUs = us;
    const known = this.messages.get(key);
    this.messages.delete(key);
    const before = known === undefined ? this.remembered(key, attempt) : null;
    if (known === undefined) {
      const copies = before === null ? [packed(attempt)] : [packed(before), packed(attempt)];
      this.messages.set(key, { us, copies: JSON.stringify(copies) });
      if (before !== null) this.repeated.add(key);
    } else {
      const copies = JSON.parse(known.copies) as unknown[];
      if (copies.length < MAX_COPIES) copies.push(packed(attempt));
      this.messages.set(key, { us: Math.max(us, known.us), copies: JSON.stringify(copies) });
      this.repeated.delete(key);
      this.repeated.add(key);
    }
    this.forgetOld();
    return known !== undefined || before !== null;
  }

  private earlier(key: string, attempt: DeliveryAttempt): DeliveryAttempt[] {
    const copies = this.copies(key);
    if (copies !== null) return copies;
    const before = this.old.look(key, attempt);
    return before !== null && this.isWithin(before) ? [before] : [];
  }

  /** By hashes, and within the window. */
  private remembered(key: string, attempt: DeliveryAttempt): DeliveryAttempt | null {
    const before = this.old.take(key, attempt);
    return before !== null && this.isWithin(before) ? before : null;
  }

  private isWithin({ us }: DeliveryAttempt): boolean {
    return us >= this.newestUs - this.limits.windowUs;
  }

  private forgetOld(): void {
    for (const [key, { us }] of this.messages) {
      const old = us < this.newestUs - this.limits.windowUs;
      if (!old && this.messages.size <= this.limits.messages) return;
      if (!old) this.old.add(key, this.copies(key)!.at(-1)!);
      this.messages.delete(key);
      this.repeated.delete(key);
    }
  }

  private copies(key: string): DeliveryAttempt[] | null {
    const kept = this.messages.get(key);
    return kept === undefined ? null : (JSON.parse(kept.copies) as Packed[]).map(unpacked);
  }
}

/** An attempt as JSON has it: no NaN, and one object instead of three. */
type Packed = Omit<DeliveryAttempt, 'session' | 'us' | 'waitedUs'> & {
  readonly id: string;
  readonly capture: number;
  readonly server: DeliveryAttempt['session']['server'];
  readonly us: number | null;
  readonly waitedUs: number | null;
};

function packed({ session, us, waitedUs, ...rest }: DeliveryAttempt): Packed {
  const { id, capture, server } = session;
  return { id, capture, server, us: orNull(us), waitedUs: orNull(waitedUs), ...rest };
}

function unpacked({ id, capture, server, us, waitedUs, ...rest }: Packed): DeliveryAttempt {
  return {
    session: { id, capture, server },
    us: us ?? Number.NaN,
    waitedUs: waitedUs ?? Number.NaN,
    ...rest,
  };
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

const OUTCOMES: readonly string[] = ['accepted', 'unanswered', 'refused', 'unknown'];

/** @throws TypeError when it is not what `state` writes */
function readMessage(value: unknown): { key: string; copies: DeliveryAttempt[] } {
  const [key, copies] = value as [unknown, unknown];
  if (typeof key !== 'string' || !Array.isArray(copies) || copies.length > MAX_COPIES) throw new TypeError();
  for (const copy of copies as Partial<Packed>[]) {
    const sound =
      OUTCOMES.includes(copy.outcome ?? '') &&
      Array.isArray(copy.to) &&
      copy.to.every((path) => typeof path === 'string') &&
      typeof copy.server?.address === 'string' &&
      typeof copy.server.port === 'number' &&
      (copy.us === null || Number.isFinite(copy.us)) &&
      (copy.waitedUs === null || Number.isFinite(copy.waitedUs)) &&
      (copy.digest === null || typeof copy.digest === 'string') &&
      (copy.split === null || typeof copy.split === 'string');
    if (!sound) throw new TypeError();
  }
  return { key, copies: (copies as Packed[]).map(unpacked) };
}
