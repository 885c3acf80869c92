import { ENDED, IS_ONE_SIDED } from '../facts/judging.js';
import { serverKeyOf } from '../facts/server-key.js';
import type { Evidence, FindingDraft, SeenIn } from '../finding/finding.js';
import type { SmtpExchange, SmtpMessage, SmtpSession } from '../smtp/session.js';
import type { Rule } from './rule.js';

/** Steps that are kept, sessions of each, and packets of one finding. */
const MAX_STEPS = 10_000;
const MAX_SESSIONS = 64;
const MAX_EVIDENCE = 8;
/** Once is an accident, twice at the same message is none; a step is more common than a message. */
const MIN_SAME_MESSAGE = 2;
const MIN_SAME_STEP = 3;
/** A client that has waited so long gives up; a server that has, closes what is idle. RFC 5321 §4.5.3.2. */
const IDLE_US = 20_000_000;

/** Where sessions break off. */
interface Broken {
  /** `EHLO`, `DATA`, `the message <id>` */
  readonly step: string;
  readonly isMessage: boolean;
  readonly by: 'client' | 'server';
  readonly sessions: SeenIn[];
  readonly evidence: Evidence[];
  count: number;
}

/**
 * Sessions end in a reset again and again at the same step, or in the same message.
 *
 * Programs crash once. What ends every try at the same place has read what was said there: an inspection that drops what it
 * does not like, a filter, a server that cannot bear this message. RFC 5321 §3.8 has servers say 421 before they close.
 */
export const resetInSession: Rule = {
  meta: {
    id: 'reset-in-session',
    severity: 'high',
    title: 'The same step ends in a reset again and again',
    summary:
      'Several sessions are reset while something was under way, each time in the same message or at the same command.',
    whyItMatters:
      'That message, or all mail of that client, never gets through: it is tried until the sender gives up.',
    remedy: [
      'Capture on both sides of the firewall at once: mailwitness compare shows on which side the reset begins.',
      'ASA: `show service-policy inspect esmtp` counts what the inspection has reset; its log names the class (messages 108003 to 108005).',
      'On the server: look into its log at these times; a crash of a filter (milter, virus scanner) looks the same.',
    ],
    references: ['RFC 5321 §3.8', 'RFC 5321 §4.5.3.2'],
    symptoms: ['kb320027/1', 'kb320027/5'],
    staysSilent:
      'Resets behind QUIT, behind a FIN or behind 221 and 421, resets of a connection on which nothing was under way, and of one that was idle for 20 s.',
    verdict: {
      kind: 'consequence',
      order: 85,
      clause: 'sessions were reset at the same step again and again',
    },
    cure: 'inspection-off',
    confirmedBy: null,
    changes: [],
    box: 'nothing',
    needs: { occasion: ENDED, doubts: IS_ONE_SIDED },
  },
  create: (context) => {
    const steps = new Map<string, Broken>();
    let forgotten = 0;
    return {
      session(session) {
        const seen = stepOf(session);
        if (seen === null) return;
        const by = session.closedBy!;
        const key = `${serverKeyOf(session)} ${session.client.address} ${by} ${seen.step}`;
        let broken = steps.get(key);
        if (broken === undefined) {
          if (steps.size >= MAX_STEPS) {
            forgotten++;
            return;
          }
          broken = { ...seen, by, sessions: [], evidence: [], count: 0 };
          steps.set(key, broken);
        }
        broken.count++;
        const { id, capture, server } = session;
        if (broken.sessions.length < MAX_SESSIONS) broken.sessions.push({ id, capture, server });
        if (broken.evidence.length < MAX_EVIDENCE) broken.evidence.push(resetOf(session));
      },
      end() {
        for (const broken of steps.values()) {
          if (broken.count >= (broken.isMessage ? MIN_SAME_MESSAGE : MIN_SAME_STEP))
            context.report(draftOf(broken));
        }
        if (forgotten > 0) {
          context.notAssessed({
            session: null,
            reason: 'limit',
            detail: `${forgotten} sessions that ended in a reset were not compared: only ${MAX_STEPS} steps are.`,
          });
        }
      },
    };
  },
};

/** What was under way when the reset came; null: nothing, or nobody can say. */
function stepOf(session: SmtpSession): Pick<Broken, 'step' | 'isMessage'> | null {
  const { closed, closedBy, exchanges, messages, encryptedFrom, midstream, closeFrame } = session;
  if (closed !== 'rst' || closedBy === null || closeFrame === null || midstream || encryptedFrom !== null)
    return null;
  const last = exchanges.at(-1);
  if (last === undefined || session.truncated || last.kind === 'unseen') return null;
  const message = openMessage(last, messages);
  if (message === null && last.reply !== null) return null;
  if (last.verb === 'QUIT' || idleUs(session, last, message) > IDLE_US) return null;
  if (message === null) return { step: last.verb, isMessage: false };
  const { messageId, from } = message;
  return messageId === null
    ? { step: `a message of <${from}>`, isMessage: false }
    : { step: `the message ${messageId}`, isMessage: true };
}

/** The message whose data, or whose final reply, was still to come. */
function openMessage(last: SmtpExchange, messages: readonly SmtpMessage[]): SmtpMessage | null {
  const message = messages.at(-1);
  if (message === undefined) return null;
  const isOpen = !message.terminated || (last.kind === 'end-of-data' && last.reply === null);
  return isOpen && message.accepted === null ? message : null;
}

/** Microseconds between the last word of the client and the reset. */
function idleUs(session: SmtpSession, last: SmtpExchange, message: SmtpMessage | null): number {
  const spoke = last.line?.time?.us ?? message?.time?.us ?? session.start?.us ?? Number.NaN;
  const idle = (session.end?.us ?? Number.NaN) - spoke;
  // A message may take long to send: what counts is that it was being sent.
  return message !== null && !message.terminated ? 0 : Number.isFinite(idle) ? idle : 0;
}

function resetOf({ capture, closeFrame, end, closedBy }: SmtpSession): Evidence {
  return {
    capture,
    packet: closeFrame!,
    time: end,
    direction: closedBy!,
    offset: null,
    excerpt: '(RST)',
    note: `reset in the name of the ${closedBy}`,
  };
}

function draftOf({ step, isMessage, by, sessions, evidence, count }: Broken): FindingDraft {
  const [first, ...others] = sessions as [SeenIn, ...SeenIn[]];
  const where = isMessage ? `in ${step}` : `at ${step}`;
  return {
    session: first,
    others,
    subject: step,
    confidence: count > 2 ? 'likely' : 'possible',
    message: `${count} sessions were reset in the name of the ${by} ${where}: something that reads what is said there ends them, a firewall's inspection, a filter, or the ${by} itself.`,
    args: { step, sessions: count, by },
    evidence,
  };
}
