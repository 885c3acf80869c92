import type { SmtpSession, TlsFlight } from '../smtp/session.js';
import type { Direction } from '../stream/event.js';
import type { DifferenceList, View } from './difference-list.js';
import { inPlace } from './line-change.js';

/** So long a sender repeats what is not acknowledged: three times at least. RFC 6298 §2. */
const REPEATED_US = 2_000_000;

/**
 * How the TLS handshake begins on either side, after the 220 to STARTTLS. RFC 3207 §4.
 *
 * Of each flight only the first five octets are kept, the header of a TLS record: what differs behind them is not told.
 */
export function compareTls(list: DifferenceList): void {
  for (const direction of ['client', 'server'] as const) compareFlight(list, direction);
}

function compareFlight(list: DifferenceList, direction: Direction): void {
  const { sender, receiver } = list.between(direction);
  const [sent, got] = [flightOf(sender, direction), flightOf(receiver, direction)];
  if (sent === null || receiver.session.encryptedFrom === null) return;
  if (got === null) {
    if (!wouldHaveIt(receiver, sent)) return;
    list.add({
      change: 'removed',
      subject: 'tls',
      how: null,
      direction,
      verb: 'STARTTLS',
      before: sender.spot(sent.frame, sent.offset, sent.head),
      after: null,
      octets: sent.octets,
      ranges: [[0, sent.head.length]],
    });
    return;
  }
  if (sent.head === got.head || sent.head.length !== got.head.length) return;
  if (isSpeech(sent.head) || isSpeech(got.head)) return;
  const change = inPlace(sent.head, got.head, false);
  if (change === null) return;
  list.add({
    change: 'altered',
    subject: 'tls',
    how: /^X+$/.test(got.head) ? 'xs' : 'other',
    direction,
    verb: 'STARTTLS',
    before: sender.spot(sent.frame, sent.offset, sent.head),
    after: receiver.spot(got.frame, got.offset, got.head),
    octets: change.octets,
    ranges: change.ranges,
  });
}

/** Commands and replies in clear: whoever stands between has ended TLS, and broken nothing. */
function isSpeech(head: string): boolean {
  return /^[\x20-\x7e\r\n]+$/.test(head) && !/^(?:X+|\*+)$/.test(head);
}

function flightOf({ session }: View, direction: Direction): TlsFlight | null {
  return session.tls?.[direction] ?? null;
}

/** A capture without holes that goes on for long enough. */
function wouldHaveIt({ session, sight }: View, { time }: TlsFlight): boolean {
  return isWhole(session) && (session.closed === 'fin' || sight.wentOn({ time }, REPEATED_US));
}

function isWhole({ gaps, gapCount, oneSided, midstream }: SmtpSession): boolean {
  return (
    gapCount === gaps.length &&
    gaps.every(({ cause }) => cause === 'unfilled') &&
    oneSided === null &&
    !midstream
  );
}
