import type { SmtpMessage } from '../smtp/session.js';
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
    const received = arrived.get(partners[sent.commandExchange] ?? -1);
    if (received !== undefined) compareMessage(list, sent, received);
  }
}

function compareMessage(list: DifferenceList, sent: SmtpMessage, received: SmtpMessage): void {
  const same =
    sent.transport === received.transport &&
    sent.octets === received.octets &&
    sent.digest === received.digest;
  const missed = sent.missingOctets > 0 || received.missingOctets > 0;
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
