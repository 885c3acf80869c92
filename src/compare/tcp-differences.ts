import type { Direction } from '../stream/event.js';
import type { SynOffer } from '../stream/tcp-facts.js';
import type { DifferenceList, View } from './difference-list.js';
import type { Change, Subject } from './pair.js';

/** What the handshake says on its two sides, and SACK blocks that fit one side only. RFC 9293 §3.2, RFC 2018. */
export function compareTcp(list: DifferenceList): void {
  compareSyn(list, 'client');
  compareSyn(list, 'server');
  compareBlocks(list, 'client');
  compareBlocks(list, 'server');
}

/** Resets that one side got and the other did not send. */
export function compareResets(list: DifferenceList): void {
  for (const direction of ['client', 'server'] as const) {
    const { sender, receiver } = list.between(direction);
    const frame = resetFrame(receiver, direction);
    if (frame === null || receiver.session.closed !== 'rst') continue;
    if (resetFrame(sender, direction) !== null || !sender.sight.showsResets(direction)) continue;
    if (!wasStillThere(sender, receiver)) continue;
    list.add({
      change: 'added',
      subject: 'close',
      how: null,
      direction,
      verb: null,
      before: null,
      after: receiver.spot(frame, null, '(RST)'),
      octets: 0,
      ranges: [],
    });
  }
}

/** Its own capture of the connection goes on to where the other ends, or a reset ended it. */
function wasStillThere({ session, sight }: View, other: View): boolean {
  return session.closed === 'rst' || sight.wentOn({ time: other.session.end }, 0);
}

function resetFrame({ session }: View, direction: Direction): number | null {
  return direction === 'client' ? session.tcp.clientResetFrame : session.tcp.serverResetFrame;
}

/** A SYN or SYN-ACK of one capture. */
interface Handshake {
  readonly view: View;
  readonly frame: number;
  readonly offer: SynOffer;
  readonly isn: number;
  readonly tsval: number | null;
}

function handshakeOf(view: View, direction: Direction): Handshake | null {
  const { tcp } = view.session;
  const isClient = direction === 'client';
  const offer = isClient ? tcp.clientOffer : tcp.serverOffer;
  const isn = isClient ? tcp.clientIsn : tcp.serverIsn;
  const frame = isClient ? tcp.lastSynFrame : tcp.synAckFrame;
  if (offer === null || isn === null || frame === null) return null;
  return { view, frame, offer, isn, tsval: isClient ? tcp.clientTsval : tcp.serverTsval };
}

function compareSyn(list: DifferenceList, direction: Direction): void {
  const { sender, receiver } = list.between(direction);
  const before = handshakeOf(sender, direction);
  const after = handshakeOf(receiver, direction);
  if (before === null || after === null || !isOneSegment(before, after)) return;
  const differ = (subject: Subject, change: Change, octets: number, texts: [string, string]) =>
    list.add({
      change,
      subject,
      how: null,
      direction,
      verb: null,
      before: before.view.spot(before.frame, null, texts[0]),
      after: after.view.spot(after.frame, null, texts[1]),
      octets,
      ranges: [],
    });
  const value = (subject: Subject, size: number, was: number | null, is: number | null) => {
    if (was === is) return;
    const change = is === null ? 'removed' : was === null ? 'added' : 'altered';
    const octets = was === null || is === null ? size : differingOctets(was, is);
    differ(subject, change, octets, [String(was ?? ''), String(is ?? '')]);
  };
  const flag = (subject: Subject, size: number, name: string, was: boolean, is: boolean) => {
    if (was !== is) differ(subject, is ? 'added' : 'removed', size, [was ? name : '', is ? name : '']);
  };
  value('mss', 4, before.offer.mss, after.offer.mss);
  value('window-scale', 3, before.offer.windowScale, after.offer.windowScale);
  flag('sack', 2, 'SACK-permitted', before.offer.sackPermitted, after.offer.sackPermitted);
  flag('timestamps', 10, 'TSopt', before.offer.timestamps, after.offer.timestamps);
  value('sequence-numbers', 4, before.isn, after.isn);
}

/**
 * A box that ends the connection and begins its own makes a SYN of its own: that is no edit of the other one. Neither
 * is a repeated SYN, whose options may be fewer (some stacks leave them out after a while).
 */
function isOneSegment(before: Handshake, after: Handshake): boolean {
  if (before.tsval !== null && after.tsval !== null) return before.tsval === after.tsval;
  const repeated = before.view.session.tcp.synCount !== after.view.session.tcp.synCount;
  return !repeated;
}

/** Octets of two numbers of 32 bits that differ. */
function differingOctets(was: number, is: number): number {
  let octets = 0;
  for (let shift = 0; shift < 32; shift += 8) {
    if (((was >>> shift) & 0xff) !== ((is >>> shift) & 0xff)) octets++;
  }
  return octets;
}

/** Blocks that are possible where they are sent and impossible where they arrive. */
function compareBlocks(list: DifferenceList, direction: Direction): void {
  const { sender, receiver } = list.between(direction);
  const sent = sender.session.tcp.sack;
  const received = receiver.session.tcp.sack;
  if (!sent?.possible || sent.impossible > 0) return;
  if (!received?.impossible || received.direction !== direction) return;
  const total = received.possible + received.impossible;
  list.add({
    change: 'altered',
    subject: 'sack',
    how: null,
    direction,
    verb: null,
    before: null,
    after: receiver.spot(received.frame, null, `${received.impossible} of ${total} blocks impossible`),
    octets: 0,
    ranges: [],
  });
}
