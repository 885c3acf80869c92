import { attemptRows, causeOf, type DeliveryAttempt, deliveryAttempt } from '../facts/delivery-attempt.js';
import { IS_OPEN, MESSAGE, MISSING } from '../facts/judging.js';
import { MAX_PLACES, MessagePlaces, placeNumber, placeOf } from '../facts/message-index.js';
import { MESSAGES } from '../facts/session-flags.js';
import type { Confidence, FindingDraft } from '../finding/finding.js';
import { plural } from '../finding/words.js';
import type { SmtpMessage, SmtpSession } from '../smtp/session.js';
import type { Rule, RuleContext } from './rule.js';
import type { Spoken } from './verdict.js';

/** Copies of one message that are looked at, and copies of all. */
const MAX_COPIES = 100;
const MAX_ALL_COPIES = 100_000;
/** Rows of the table of attempts. */
const MAX_ROWS = 20;

/** The same transfer in two captures (or on two interfaces) starts within so much. */
const SAME_TRANSFER_US = 2e6;

/**
 * The same message is sent again though its first copy was, or may have been, accepted.
 *
 * Same client, same Message-ID, sender and digest, recipients in common. When the end of a message or the reply to it
 * is lost, the sender cannot know better. RFC 1047, RFC 5321 §4.5.4.1.
 */
export const duplicateDelivery: Rule = {
  meta: {
    id: 'duplicate-delivery',
    severity: 'high',
    title: 'The same message is sent again',
    summary:
      'A message is sent again though the first copy was, or may have been, accepted; says how often, when, and why.',
    whyItMatters:
      'Recipients get the message several times, until the sender gives up; and the sender is told that it failed.',
    remedy: [
      'Cure the loss of the end of the message: PIX `no fixup protocol smtp 25`, ASA `no inspect esmtp`.',
      'Postfix as the sender: `smtp_pix_workarounds = delay_dotcrlf` bridges the time.',
    ],
    references: ['KB 320027', 'KB 295725', 'RFC 1047', 'RFC 5321 §4.5.4.1'],
    symptoms: ['kb320027/7', 'kb320027/8'],
    staysSilent:
      'A refusal (4xx, 5xx) and a retry, other recipients, other Message-IDs, the same transfer in two captures, a relay that passes the message on.',
    verdict: {
      kind: 'consequence',
      order: 140,
      clause: copiesSent,
      nothingLost: ({ args }) => args.cause === 'sender' || args.cause === 'slow-acceptance',
    },
    cure: 'inspection-off',
    confirmedBy: null,
    changes: [],
    box: 'nothing',
    needs: { occasion: MESSAGE, doubts: MISSING | IS_OPEN },
    attempts: true,
  },
  create: (context) => {
    const places = new MessagePlaces();
    /** By the place of the first: the places of all that may be copies of it. */
    const repeated = new Map<number, number[]>();
    let copyCount = 0;
    let forgotten = 0;
    return {
      heeds: MESSAGES,
      session(session) {
        for (const [index, message] of session.messages.entries()) {
          const key = duplicateKey(session, message);
          if (key === null) continue;
          const place = placeNumber(session, index);
          const first = places.note(key, place);
          if (first === -1) continue;
          if (first === -2 || copyCount >= MAX_ALL_COPIES) {
            forgotten++;
            continue;
          }
          let copies = repeated.get(first);
          if (copies === undefined) {
            copies = [first];
            repeated.set(first, copies);
          }
          if (copies.length < MAX_COPIES) {
            copies.push(place);
            copyCount++;
          }
        }
      },
      end() {
        for (const [key, copies] of groups(repeated, context)) {
          const draft = duplicateDraft(key, copies);
          if (draft) context.report(draft);
        }
        if (forgotten > 0) {
          context.notAssessed({
            session: null,
            reason: 'limit',
            detail: `${forgotten} messages were not compared for duplicates: only ${MAX_PLACES} messages and ${MAX_ALL_COPIES} copies are.`,
          });
        }
      },
    };
  },
};

/**
 * What copies of one message say.
 *
 * @param copies  of captures that are no more (`capture` below 0) nothing is shown
 * @returns null: none was sent again without need, or none that can be shown
 */
export function duplicateDraft(key: string, copies: readonly DeliveryAttempt[]): FindingDraft | null {
  if (copies.length < 2) return null;
  const transfers = distinct(copies);
  const first = transfers.findIndex((copy) => copy.outcome === 'accepted' || copy.outcome === 'unanswered');
  if (first < 0 || first === transfers.length - 1) return null;
  const again = transfers.slice(first + 1).filter((copy) => isAgain(transfers[first]!, copy));
  if (again.length === 0) return null;
  const all = [transfers[first]!, ...again];
  const [shown, ...others] = all.filter(({ session }) => session.capture >= 0);
  if (shown === undefined) return null;
  const [subject = ''] = key.split('\0');
  const why = causeOf(all);
  const arrivedOnce = why.cause === 'end-lost';
  const intervals = all.slice(1).map((copy, index) => Math.round((copy.us - all[index]!.us) / 1e6));
  const splits = contrast(all);
  const unseen = all.length - others.length - 1;
  const earlier =
    unseen === 0
      ? ''
      : ` ${unseen} of them ${unseen === 1 ? 'was' : 'were'} seen before what is kept of the capture.`;
  // Beyond the limit nobody counted.
  const atLeast = copies.length >= MAX_COPIES;
  return {
    session: shown.session,
    others: others.map((copy) => copy.session),
    subject,
    // An end that TCP never acknowledged did not arrive: nothing was delivered twice.
    ...(arrivedOnce && { severity: 'info' as const }),
    confidence: confidenceOf(all, subject),
    message: `The message ${subject} was sent ${atLeast ? 'at least ' : ''}${all.length} times by the same client to the same recipients, ${intervalText(intervals)}.${earlier} ${why.text}${splits}`,
    args: {
      messageId: subject.startsWith('<') ? subject : null,
      copies: all.length,
      ...(atLeast && { atLeast }),
      intervalsSeconds: intervals.map(String),
      outcomes: all.map((copy) => copy.outcome),
      cause: why.cause,
      attempts: attemptRows(all.slice(0, MAX_ROWS)),
    },
    evidence: [shown, ...others].flatMap((copy) => copy.evidence).slice(0, 8),
    ...(why.remedy && { remedy: why.remedy, symptoms: [] }),
  };
}

/**
 * The copies of each message, by its key. Each session is asked for once: one that holds thousands of messages is
 * long to read.
 */
function groups(
  repeated: ReadonlyMap<number, readonly number[]>,
  context: RuleContext,
): Map<string, DeliveryAttempt[]> {
  const found = new Map<string, DeliveryAttempt[]>();
  const all = [...repeated.values()].flat().sort((a, b) => a - b);
  let session: SmtpSession | null = null;
  let number = -1;
  for (const place of all) {
    const at = placeOf(place);
    if (at.session !== number) {
      number = at.session;
      session = context.session(number);
    }
    const message = session?.messages[at.message];
    const key = message ? duplicateKey(session!, message) : null;
    if (key === null) continue;
    const copies = found.get(key);
    if (copies) copies.push(deliveryAttempt(session!, message!));
    else found.set(key, [deliveryAttempt(session!, message!)]);
  }
  return found;
}

/** Message-ID (or digest), reverse-path, client; null for a message without end, or that nothing tells from others. */
export function duplicateKey(session: SmtpSession, message: SmtpMessage): string | null {
  if (message.endExchange === null) return null;
  const subject =
    message.messageId ?? (message.missingOctets === 0 && message.octets > 0 ? message.digest : null);
  if (subject === null || message.recipients === 0) return null;
  return `${subject}\0${message.from}\0${session.client.address}`;
}

/** In order of time, each transfer once: two captures of the same traffic hold every transfer twice. */
function distinct(copies: readonly DeliveryAttempt[]): DeliveryAttempt[] {
  const sorted = [...copies].sort((a, b) => a.us - b.us);
  const transfers: DeliveryAttempt[] = [];
  for (const copy of sorted) {
    const twin = transfers.some(
      (other) => other.session.capture !== copy.session.capture && copy.us - other.us < SAME_TRANSFER_US,
    );
    if (!twin) transfers.push(copy);
  }
  return transfers;
}

/** Is `copy` the same message to the same people as `first`, sent after it? */
function isAgain(first: DeliveryAttempt, copy: DeliveryAttempt): boolean {
  if (!(copy.us > first.us)) return false;
  if (!copy.to.some((path) => first.to.includes(path))) return false;
  if (first.digest !== null && copy.digest !== null && first.digest !== copy.digest) return false;
  const sameServer =
    first.session.server.address === copy.session.server.address &&
    first.session.server.port === copy.session.server.port;
  // Another exchanger of the domain is the honest next try after silence, not after an acceptance.
  return sameServer || first.outcome === 'unanswered';
}

function confidenceOf(all: readonly DeliveryAttempt[], subject: string): Confidence {
  const [first] = all;
  const whole = all.every((copy) => copy.digest !== null);
  if (!subject.startsWith('<') || !whole) return 'possible';
  return first!.outcome === 'accepted' ? 'certain' : 'likely';
}

function contrast(all: readonly DeliveryAttempt[]): string {
  const failedSplit = all.filter((copy) => copy.outcome === 'unanswered' && copy.split !== null).length;
  const failedWhole = all.filter((copy) => copy.outcome === 'unanswered' && copy.split === null).length;
  const passedWhole = all.filter((copy) => copy.outcome === 'accepted' && copy.split === null).length;
  if (failedSplit === 0 || passedWhole === 0 || failedWhole > 0) return '';
  return ` All ${failedSplit} attempts whose CRLF.CRLF was split over segments failed; ${passedWhole} in one segment succeeded.`;
}

function intervalText(seconds: readonly number[]): string {
  const least = Math.min(...seconds);
  const most = Math.max(...seconds);
  if (seconds.length > 1 && most - least <= Math.max(2, most * 0.1))
    return `every ${least === most ? least : `${least} to ${most}`} s`;
  return `after ${seconds.slice(0, 10).join(', ')}${seconds.length > 10 ? ', ..' : ''} s`;
}

/** How often one message was sent, or how many were sent more than once. */
function copiesSent({ findings: [first, ...others] }: Spoken): string {
  if (others.length > 0) return `${plural(others.length + 1, 'message')} were sent more than once`;
  const { copies, atLeast } = first?.args ?? {};
  if (typeof copies !== 'number' || copies < 2) return 'a message was sent more than once';
  return `a message was sent ${atLeast === true ? 'at least ' : ''}${copies} times`;
}
