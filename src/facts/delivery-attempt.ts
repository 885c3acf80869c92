import { lineEvidence, replyEvidence } from '../finding/evidence.js';
import type { Evidence, SeenIn } from '../finding/finding.js';
import type { SmtpExchange, SmtpMessage, SmtpSession } from '../smtp/session.js';
import type { Direction } from '../stream/event.js';
import { absenceDoubt } from './absence.js';
import { isUnanswered, splitText } from './end-of-data.js';

const MAX_RECIPIENTS = 100;

/** RFC 1047: a server that delivers first and answers then takes minutes; clients wait 10 at least (RFC 5321 §4.5.3.2.6). */
const SLOW_REPLY_US = 60e6;
/** A reset within so much of the end is an answer to it. */
const PROMPT_US = 5e6;

/** `refused` and `unknown` attempts never make a later one a duplicate. */
export type Outcome = 'accepted' | 'unanswered' | 'refused' | 'unknown';

/** One attempt to deliver one message: what became of its end, and how the connection went on. */
export interface DeliveryAttempt {
  readonly session: SeenIn;
  /** Time of the first octet of mail data; NaN: unknown. */
  readonly us: number;
  readonly octets: number;
  /** null: octets are missing. */
  readonly digest: string | null;
  readonly to: readonly string[];
  readonly outcome: Outcome;
  /** The server's TCP acknowledged the end; null: the capture does not show it. */
  readonly acknowledged: boolean | null;
  /** `CRLF|.CRLF`; null: in one segment. */
  readonly split: string | null;
  readonly replyCode: number | null;
  /** From the end to the final reply, or to the end of the connection; NaN: unknown. */
  readonly waitedUs: number;
  /** The client's TCP acknowledged the whole final reply. */
  readonly replyAcknowledged: boolean;
  /** The last line of the final reply came in more than one packet, or without its CRLF. */
  readonly replyHeldBack: boolean;
  /** The client spoke again after the final reply: it has heard it. */
  readonly clientWentOn: boolean;
  readonly closed: SmtpSession['closed'];
  readonly closedBy: Direction | null;
  readonly evidence: readonly Evidence[];
}

/** @param message  one that ended (`endExchange` is not null) */
export function deliveryAttempt(session: SmtpSession, message: SmtpMessage): DeliveryAttempt {
  const end = session.exchanges[message.endExchange!]!;
  const sound = absenceDoubt(session) === null;
  let outcome: Outcome = 'unknown';
  if (message.accepted === true) outcome = 'accepted';
  else if (sound && isUnanswered(end, message)) outcome = 'unanswered';
  else if (message.accepted === false) outcome = 'refused';
  const split = message.terminator ? splitText(message.terminator) : null;
  const endUs = message.terminator?.time?.us ?? end.line?.time?.us ?? Number.NaN;
  const until = outcome === 'unanswered' ? session.end?.us : end.reply?.lines.at(-1)?.time?.us;
  return {
    session: { id: session.id, capture: session.capture, server: session.server },
    us: message.time?.us ?? Number.NaN,
    octets: message.octets,
    digest: message.missingOctets === 0 ? message.digest : null,
    to: message.to.slice(0, MAX_RECIPIENTS),
    outcome,
    acknowledged: message.terminator?.acknowledged ?? null,
    split,
    replyCode: message.replyCode,
    waitedUs: (until ?? Number.NaN) - endUs,
    replyAcknowledged: isAcknowledged(session, end),
    replyHeldBack: isHeldBack(end),
    clientWentOn: wentOn(session, message.endExchange!, end),
    closed: session.closed,
    closedBy: session.closedBy,
    evidence: [
      ...(end.line
        ? [lineEvidence(session, end.line, `end of a copy${split ? `, split as ${split}` : ''}`)]
        : []),
      ...replyEvidence(session, end.reply, 'its final reply'),
    ],
  };
}

/** A command that was not sent in advance follows the reply. */
function wentOn(session: SmtpSession, index: number, end: SmtpExchange): boolean {
  if (end.reply === null) return false;
  const next = session.exchanges[index + 1];
  return next?.line != null && next.kind !== 'unseen' && !next.pipelined;
}

function isAcknowledged({ tcp }: SmtpSession, { reply }: SmtpExchange): boolean {
  const last = reply?.lines.at(-1);
  return last !== undefined && tcp.serverAcknowledged > last.offset + last.octets;
}

/** A reply line is finished by its CRLF. RFC 5321 §2.3.8. */
function isHeldBack({ reply }: SmtpExchange): boolean {
  const last = reply?.lines.at(-1);
  return last !== undefined && (last.frame !== last.lastFrame || last.ending === 'none');
}

/** Why a message was sent again, as far as its attempts tell. */
export interface Cause {
  readonly cause:
    | 'end-lost'
    | 'reset-on-split'
    | 'reply-lost'
    | 'slow-acceptance'
    | 'sender'
    | 'reply-unfinished'
    | 'accepted-again';
  /** One sentence or two. */
  readonly text: string;
  /** What to change when no firewall is to blame; otherwise the rule's own advice holds. */
  readonly remedy?: readonly string[];
}

/** @param attempts  in order of time, two at least; the last one is the newest copy and not judged */
export function causeOf(attempts: readonly DeliveryAttempt[]): Cause {
  const before = attempts.slice(0, -1);
  const accepted = before.filter(({ outcome }) => outcome === 'accepted');
  const unanswered = before.filter(({ outcome }) => outcome === 'unanswered');
  if (accepted.length > 0) return causeAfterAcceptance(accepted);
  const many = `${unanswered.length} earlier ${unanswered.length === 1 ? 'copy' : 'copies'} ended without a final reply`;
  const reset = unanswered.filter(
    ({ split, closed, waitedUs }) => split !== null && closed === 'rst' && waitedUs <= PROMPT_US,
  );
  if (reset.length === unanswered.length) {
    return {
      cause: 'reset-on-split',
      text: `${many}: the connection was reset as soon as CRLF.CRLF came in more than one segment.`,
    };
  }
  const arrived = unanswered.filter(({ acknowledged }) => acknowledged === true).length;
  if (arrived > 0) {
    return {
      cause: 'reply-lost',
      text: `${many}; the end of ${arrived} was acknowledged by TCP, so the server may have delivered each of them: its 250 was lost, or it accepts so slowly that the client gave up (RFC 1047). Only the other side of the firewall tells which.`,
    };
  }
  return {
    cause: 'end-lost',
    text: `${many}, and TCP never acknowledged their end: it was lost on the way.`,
  };
}

/** The reply came while any client still waits for it. */
function isPrompt({ waitedUs }: DeliveryAttempt): boolean {
  return !(waitedUs >= SLOW_REPLY_US);
}

function causeAfterAcceptance(accepted: readonly DeliveryAttempt[]): Cause {
  const many = `The server accepted ${accepted.length} of the earlier copies`;
  if (accepted.every(({ clientWentOn }) => clientWentOn)) {
    return {
      cause: 'sender',
      text: `${many}, the client heard it and went on, and sent the message again all the same: the sender, or what feeds it, did it; nothing was lost on this connection.`,
      remedy: [
        'Nothing to change on a firewall: look into the queue and the log of the sender at these times.',
      ],
    };
  }
  if (accepted.every(({ replyHeldBack, clientWentOn }) => replyHeldBack && !clientWentOn)) {
    const slowest = Math.round(Math.max(...accepted.map(({ waitedUs }) => waitedUs)) / 1e6);
    return {
      cause: 'reply-unfinished',
      text: `The 250 to ${accepted.length} of the earlier copies began at once, but its line ended only after up to ${slowest} s: without CRLF it is no reply yet (RFC 5321 §2.3.8), and the client gave up.`,
    };
  }
  if (
    accepted.every(({ clientWentOn, replyAcknowledged }) => clientWentOn || replyAcknowledged) &&
    accepted.every(isPrompt)
  ) {
    return {
      cause: 'sender',
      text: `${many}, and the client's TCP acknowledged the 250: it arrived. The client sent the message again all the same: the sender, or what feeds it, did it; nothing was lost on this connection.`,
      remedy: [
        'Nothing to change on a firewall: look into the queue and the log of the sender at these times.',
      ],
    };
  }
  if (accepted.every(({ clientWentOn, waitedUs }) => !clientWentOn && waitedUs >= SLOW_REPLY_US)) {
    const slowest = Math.round(Math.max(...accepted.map(({ waitedUs }) => waitedUs)) / 1e6);
    return {
      cause: 'slow-acceptance',
      text: `${many}, but answered only after up to ${slowest} s, when the client did not listen any more (RFC 1047): the server is slow, and nothing was lost.`,
      remedy: [
        'Nothing to change on a firewall: let the server answer the end of a message at once and filter afterwards (RFC 1047).',
      ],
    };
  }
  if (accepted.every(({ clientWentOn }) => !clientWentOn)) {
    return {
      cause: 'reply-lost',
      text: `${many}, and the client neither went on nor acknowledged the 250: it did not reach it.`,
    };
  }
  return {
    cause: 'accepted-again',
    text: `${many} and the client sent it again: the reply did not reach the client, or the client took no notice.`,
  };
}

/** One row for each attempt: when, how it ended, what TCP said of it, the reply, the end of the connection. */
export function attemptRows(attempts: readonly DeliveryAttempt[]): string[] {
  const [first] = attempts;
  return attempts.map((attempt) => {
    const after = (attempt.us - first!.us) / 1e6;
    return [
      `${attempt.session.id} at +${Math.round(after)} s`,
      attempt.split === null ? 'end in one segment' : `end split as ${attempt.split}`,
      attempt.acknowledged === null
        ? 'acknowledgement not seen'
        : attempt.acknowledged
          ? 'acknowledged by TCP'
          : 'never acknowledged by TCP',
      replyText(attempt),
      closeText(attempt),
    ].join(', ');
  });
}

function replyText({ outcome, replyCode, waitedUs }: DeliveryAttempt): string {
  const seconds = Number.isFinite(waitedUs) ? ` ${(waitedUs / 1e6).toFixed(waitedUs < 10e6 ? 1 : 0)} s` : '';
  if (outcome === 'unanswered') {
    const within = seconds === '' ? '' : ` in${seconds}`;
    return replyCode === null ? `no reply${within}` : `no reply but ${replyCode}${within}`;
  }
  if (replyCode === null) return 'reply not seen';
  return `${replyCode}${seconds === '' ? '' : ` after${seconds}`}`;
}

function closeText({ closed, closedBy }: DeliveryAttempt): string {
  const by = closedBy === null ? '' : ` by the ${closedBy}`;
  if (closed === 'rst') return `reset${by}`;
  if (closed === 'fin') return `closed${by}`;
  return closedBy === null ? 'connection left open' : `left${by}`;
}
