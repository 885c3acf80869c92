import { blackHole } from '../facts/black-hole.js';
import { withheld } from '../smtp/auth.js';
import type { SmtpMessage } from '../smtp/session.js';
import { endOf } from './absence.js';
import type { DifferenceList, View } from './difference-list.js';
import type { Difference } from './pair.js';

/** `.CRLF`: told by itself, as the end of the message. */
const DOT_LINE = 3;

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
    const received = arrived.get(partner);
    if (received !== undefined) compareMessage(list, sent, received);
    else if (partner >= 0) {
      const { line, intermediate } = nearServer.session.exchanges[partner]!;
      if (line !== null && intermediate !== null) tellLost(list, sent, endOf(line));
    }
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
  if (!missed && (!sent.terminated || !received.terminated)) {
    if (!received.terminated) tellLost(list, sent, received.offset);
    return;
  }
  const { nearClient, nearServer } = list;
  if (missed && sent.missingOctets === 0 && lostPieces(list, sent, received)) return;
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

/**
 * What of a message did not arrive before the connection ended.
 *
 * @param start  where the message begins in the client's stream near the server
 */
function tellLost(list: DifferenceList, sent: SmtpMessage, start: number): void {
  const { nearClient, nearServer } = list;
  const { terminator, offset } = sent;
  const dot = sent.transport === 'DATA' ? DOT_LINE : 0;
  const end = terminator === null ? nearClient.session.tcp.clientEnd : terminator.endOffset - dot;
  const arrived = Math.max(arrivedEnd(nearServer, start) - start, 0);
  const octets = end - offset - arrived;
  if (octets <= 0 || sent.missingOctets > 0) return;
  const time = terminator?.time ?? nearClient.session.end;
  const acknowledged = terminator?.acknowledged ?? null;
  const where = { direction: 'client', time, acknowledged, from: offset + arrived, to: end } as const;
  const place = { from: start + arrived, to: Number.POSITIVE_INFINITY };
  if (nearServer.sight.absence(where, place) !== 'absent') return;
  // Where small segments pass and large ones do not, it is the path that loses them.
  const change = blackHole(nearClient.session)?.direction === 'client' ? 'lost' : 'removed';
  addMissing(list, sent, change, offset + arrived, octets);
}

/**
 * Holes in a message that its receiver never acknowledged, whose octets its sender sent in vain: they were lost in between,
 * and no fault of a capture.
 *
 * @returns whether all of its holes are such
 */
function lostPieces(list: DifferenceList, sent: SmtpMessage, received: SmtpMessage): boolean {
  const { nearClient, nearServer } = list;
  const end = received.terminator?.endOffset ?? Number.POSITIVE_INFINITY;
  const holes = nearServer.session.gaps.filter(
    ({ direction, offset }) => direction === 'client' && offset >= received.offset && offset < end,
  );
  const moved = sent.offset - received.offset;
  const time = sent.terminator?.time ?? nearClient.session.end;
  const areLost = holes.every(({ cause, octets, offset }) => {
    if (cause !== 'unfilled' || octets === null) return false;
    const where = {
      direction: 'client',
      time,
      acknowledged: nearClient.session.tcp.clientAcknowledged >= offset + moved + octets,
      from: offset + moved,
      to: offset + moved + octets,
    } as const;
    return nearServer.sight.absence(where, { from: offset, to: offset + octets }) === 'absent';
  });
  if (!areLost || holes.length === 0) return false;
  for (const { offset, octets } of holes) addMissing(list, sent, 'lost', offset + moved, octets!);
  return true;
}

function addMissing(
  list: DifferenceList,
  { frame, transport }: SmtpMessage,
  change: 'removed' | 'lost',
  offset: number,
  octets: number,
): void {
  list.addPiece({
    change,
    subject: 'message',
    how: null,
    direction: 'client',
    verb: transport,
    before: list.nearClient.spot(frame, offset, withheld(octets)),
    after: null,
    octets,
    ranges: [],
  });
}

/** How far the client's octets arrived without a hole, from there on. */
function arrivedEnd({ session }: View, start: number): number {
  const holes = session.gaps.filter((gap) => gap.direction === 'client' && gap.offset >= start);
  return Math.min(session.tcp.clientEnd, ...holes.map((gap) => gap.offset));
}
