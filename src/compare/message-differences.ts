import type { SmtpMessage } from '../smtp/session.js';
import { placeBetween } from './absence.js';
import type { DifferenceList } from './difference-list.js';
import type { Difference } from './pair.js';

/**
 * Compares the messages of exchanges that are one: how they were sent, their octets, their digests.
 *
 * @param partners  for each exchange near the client the one near the server; -1: none
 */
export function compareMessages(list: DifferenceList, partners: Int32Array): void {
  const { nearClient, nearServer } = list;
  const arrived = new Map(nearServer.session.messages.map((message) => [message.commandExchange, message]));
  for (const sent of nearClient.session.messages) {
    const partner = partners[sent.commandExchange] ?? -1;
    if (partner < 0) continue;
    const received = arrived.get(partner) ?? null;
    if (received !== null && (received.terminated || isGappy(sent, received)))
      compareMessage(list, sent, received);
    else comparePart(list, sent, received, partner);
  }
}

/** A message of which no more than its beginning arrived. */
function comparePart(
  list: DifferenceList,
  sent: SmtpMessage,
  received: SmtpMessage | null,
  partner: number,
): void {
  const { nearClient, nearServer } = list;
  const { terminator } = sent;
  const octets = sent.octets - (received?.octets ?? 0);
  if (terminator === null || octets <= 0 || sent.missingOctets > 0) return;
  const { exchanges } = nearServer.session;
  // Without a 354 it is a guess what the octets behind DATA are.
  if (exchanges[partner]!.intermediate?.code !== 354) return;
  const place = placeBetween(exchanges, partner + 1, partner + 1, 'client');
  const { time, acknowledged } = terminator;
  if (nearServer.sight.absence({ direction: 'client', time, acknowledged }, place) !== 'absent') return;
  list.add({
    change: 'removed',
    subject: 'message',
    how: null,
    direction: 'client',
    verb: sent.transport,
    before: nearClient.spot(sent.frame, sent.offset, ''),
    after: received && nearServer.spot(received.frame, received.offset, ''),
    octets,
    ranges: [],
  });
}

function compareMessage(list: DifferenceList, sent: SmtpMessage, received: SmtpMessage): void {
  const same =
    sent.transport === received.transport &&
    sent.octets === received.octets &&
    sent.digest === received.digest;
  const missed = isGappy(sent, received);
  if (same && !missed) return;
  // A message that breaks off on one side ends with the capture or with the connection.
  if (!missed && (!sent.terminated || !received.terminated)) return;
  const { nearClient, nearServer } = list;
  const difference: Difference = {
    change: missed ? 'unseen' : 'altered',
    subject: 'message',
    how: missed ? null : 'other',
    direction: 'client',
    verb: sent.transport,
    before: nearClient.spot(sent.frame, sent.offset, ''),
    after: nearServer.spot(received.frame, received.offset, ''),
    octets: missed
      ? Math.max(sent.missingOctets, received.missingOctets)
      : Math.max(1, Math.abs(sent.octets - received.octets)),
    ranges: [],
  };
  list.add(difference);
  if (missed || sent.terminator === null || received.terminator === null) return;
  list.needsOctets.push({
    difference,
    before: rangeOf(sent, sent.terminator.endOffset),
    after: rangeOf(received, received.terminator.endOffset),
  });
}

function rangeOf({ offset }: SmtpMessage, to: number) {
  return { from: offset, to };
}

function isGappy(sent: SmtpMessage, received: SmtpMessage): boolean {
  return sent.missingOctets > 0 || received.missingOctets > 0;
}
