import { type DeliveryAttempt, deliveryAttempt } from '../facts/delivery-attempt.js';
import type { FindingDraft } from '../finding/finding.js';
import { duplicateDelivery, duplicateDraft, duplicateKey } from '../rules/duplicate-delivery.js';
import type { Rule, RuleContext } from '../rules/rule.js';
import type { SmtpMessage, SmtpSession } from '../smtp/session.js';
import { OldAttempts } from './old-attempts.js';
import type { DuplicateRow, TableHealth } from './watch.js';

/** Copies of one message that are remembered. */
const MAX_COPIES = 100;
/** Messages sent again that are reported: as many as there may be findings. */
const MAX_REPORTED = 10_000;
/** Sessions that a row names. */
const MAX_ROW_SESSIONS = 10;
/** A copy that an earlier run saw: there is no capture any more to show it in. */
const EARLIER = { id: 'an earlier run', capture: -1 };
/** Earlier sessions that are read again for one session that has ended, and each time that one in progress is looked at. */
const MAX_RECALLS = 20;
const MAX_RECALLS_OF_OPEN = 2;
/** First line of a state; a change of what follows is a change of this. */
const STATE = 'mailwitness/duplicates/1';

export interface DuplicateLimits {
  /** Microseconds after which a message is forgotten. */
  readonly windowUs: number;
  /** Messages that came again, with what proves them; the ones longest not seen go first. */
  readonly messages: number;
  /** All others, remembered by hashes only. */
  readonly old: number;
}

/**
 * Messages of the last days, so that one that comes again is known: the rule `duplicate-delivery` without its captures.
 *
 * Those that came again are kept as JSON text; of the others little more than hashes. When one of these comes again, its session is
 * read for it, while that is kept.
 */
export class DuplicateMemory {
  private newestUs = Number.NEGATIVE_INFINITY;
  /** Messages with several copies, those longest not seen first. */
  private readonly repeated = new Map<string, { us: number; copies: string }>();
  private readonly old: OldAttempts;

  constructor(private readonly limits: DuplicateLimits) {
    this.old = new OldAttempts(limits.old);
  }

  get health(): TableHealth {
    return {
      name: 'messages remembered',
      used: this.repeated.size + this.old.size,
      limit: this.limits.messages + this.limits.old,
      dropped: this.old.dropped,
    };
  }

  /** The rule over this memory: made anew, it reports what has come again since. */
  readonly rule: Rule = {
    meta: duplicateDelivery.meta,
    create: (context) => {
      const drafts = new Map<string, FindingDraft>();
      return {
        session: (session) => {
          const recall = new Recall(context, MAX_RECALLS);
          for (const message of session.messages) {
            const key = duplicateKey(session, message);
            if (key === null || !this.add(key, deliveryAttempt(session, message), recall)) continue;
            const draft = duplicateDraft(key, this.copies(key) ?? []);
            if (draft && (drafts.has(key) || drafts.size < MAX_REPORTED)) drafts.set(key, draft);
          }
        },
        end: () => {
          for (const draft of drafts.values()) context.report(draft);
        },
      };
    },
  };

  /** The rule over a session in progress: what came in it before. Nothing of it is remembered until it has ended. */
  readonly ruleOfOpen: Rule = {
    meta: duplicateDelivery.meta,
    create: (context) => ({
      session: (session) => {
        const recall = new Recall(context, MAX_RECALLS_OF_OPEN);
        const here = new Map<string, DeliveryAttempt[]>();
        for (const message of session.messages) {
          const key = duplicateKey(session, message);
          if (key === null) continue;
          const attempts = here.get(key);
          if (attempts) attempts.push(deliveryAttempt(session, message));
          else here.set(key, [deliveryAttempt(session, message)]);
        }
        for (const [key, attempts] of here) {
          const draft = duplicateDraft(key, [...this.earlier(key, attempts[0]!, recall), ...attempts]);
          if (draft) context.report(draft);
        }
      },
    }),
  };

  /** Newest first. @param findingOf  id of the finding of a message's Message-ID or digest */
  *rows(findingOf: (subject: string) => string | null): Generator<DuplicateRow> {
    for (const key of [...this.repeated.keys()].reverse()) {
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
    for (const [key, { copies }] of this.repeated) {
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
          this.add(key, { ...copy, session: { ...copy.session, ...EARLIER }, evidence: [] }, null);
      }
    } catch {
      return false;
    }
    return true;
  }

  /** @returns  it was known before */
  private add(key: string, attempt: DeliveryAttempt, recall: Recall | null): boolean {
    const { us } = attempt;
    this.passed(us);
    const known = this.repeated.get(key);
    const before = known === undefined ? this.old.take(key, attempt) : null;
    if (known !== undefined) {
      const copies = JSON.parse(known.copies) as unknown[];
      if (copies.length < MAX_COPIES) copies.push(packed(attempt));
      this.repeated.delete(key);
      this.repeated.set(key, { us: Math.max(us, known.us), copies: JSON.stringify(copies) });
    } else if (before !== null && this.isWithin(before)) {
      const copies = [recall?.whole(key, before) ?? before, attempt].map(packed);
      this.repeated.set(key, { us, copies: JSON.stringify(copies) });
    } else {
      this.old.add(key, attempt);
      return false;
    }
    this.forgetOld();
    return true;
  }

  private earlier(key: string, attempt: DeliveryAttempt, recall: Recall): DeliveryAttempt[] {
    this.passed(attempt.us);
    const copies = this.copies(key);
    if (copies !== null) return copies;
    const before = this.old.look(key, attempt);
    return before !== null && this.isWithin(before) ? [recall.whole(key, before)] : [];
  }

  private passed(us: number): void {
    if (!(us > this.newestUs)) return;
    this.newestUs = us;
    this.forgetOld();
  }

  private isWithin({ us }: DeliveryAttempt): boolean {
    return us >= this.newestUs - this.limits.windowUs;
  }

  private forgetOld(): void {
    for (const [key, { us }] of this.repeated) {
      const old = us < this.newestUs - this.limits.windowUs;
      if (!old && this.repeated.size <= this.limits.messages) return;
      if (!old) this.old.add(key, this.copies(key)!.at(-1)!);
      this.repeated.delete(key);
    }
  }

  private copies(key: string): DeliveryAttempt[] | null {
    const kept = this.repeated.get(key);
    return kept === undefined ? null : (JSON.parse(kept.copies) as Packed[]).map(unpacked);
  }
}

/** Attempts of which only hashes are remembered, read from their sessions while these are kept. */
class Recall {
  private number = 0;
  private session: SmtpSession | null = null;
  /** The messages of that session; of several copies in it the first. */
  private messages: ReadonlyMap<string, SmtpMessage> = new Map();

  /** @param left  so many sessions are read again: who sends the mail decides how long that takes */
  constructor(
    private readonly context: RuleContext,
    private left: number,
  ) {}

  /** The attempt itself when its session is not kept any more. */
  whole(key: string, attempt: DeliveryAttempt): DeliveryAttempt {
    const number = Number(attempt.session.id.slice(1));
    if (!(number > 0) || (number !== this.number && --this.left < 0)) return attempt;
    if (number !== this.number) this.read(number);
    const message = this.messages.get(key);
    const whole = message ? deliveryAttempt(this.session!, message) : attempt;
    return Object.is(whole.us, attempt.us) ? whole : attempt;
  }

  private read(number: number): void {
    this.number = number;
    this.session = this.context.session(number);
    const messages = new Map<string, SmtpMessage>();
    for (const message of this.session?.messages ?? []) {
      const key = duplicateKey(this.session!, message);
      if (key !== null && !messages.has(key)) messages.set(key, message);
    }
    this.messages = messages;
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
