import type { Finding } from '../finding/finding.js';
import { ACK, FIN, RST, SYN } from '../wire/segment.js';
import type { SessionPackets } from './packet-collector.js';
import type { StoredPacket } from './stored-packet.js';

/** Packets of a connection on either side of one that proves something. */
const NEIGHBOURS = 2;
/** Packets from the beginning of a connection up to its greeting and the answer to EHLO, as a rule. */
const OPENING = 10;

/** What a packet is in an evidence capture. */
export type Part = 'proof' | 'handshake' | 'end' | 'context' | 'time';

export interface ChosenPacket {
  readonly packet: StoredPacket;
  readonly part: Part;
}

/** What there is to choose from for one finding. */
export interface Material {
  readonly finding: Finding;
  /** Sessions of the finding whose packets were kept. */
  readonly sessions: readonly SessionPackets[];
  /** Others with its server. */
  readonly others: readonly SessionPackets[];
  /** Last packet of each capture, by its ordinal. */
  readonly last: ReadonlyMap<number, StoredPacket>;
  /** It is proved by what two captures have together: none of them alone will do. */
  readonly bothSides: boolean;
}

/**
 * Choices of packets for one finding, the smallest first: its proofs and the handshakes; what stands beside them; how
 * the sessions open; their dialogue up to the last proof; the
 * dialogue without mail data; all of the sessions; then with the last packet of the capture, which shows that time went
 * on; then with the other sessions that it names, and with
 * others of its server, against which it may be weighed.
 *
 * What is left out is a gap to whoever reads the file. Which choice is the smallest that still proves the finding, only
 * reading it tells.
 */
export function* choices({
  finding,
  sessions,
  others,
  last,
  bothSides,
}: Material): Generator<ChosenPacket[]> {
  const one = sessions.filter(({ session }) => session.capture === finding.capture);
  if (one.length > 0 && !bothSides) yield* ladder(finding, one, last);
  if (one.length < sessions.length || bothSides) yield* ladder(finding, sessions, last);
  if (others.length > 0) yield* ladder(finding, [...sessions, ...others], last);
}

function* ladder(
  finding: Finding,
  sessions: readonly SessionPackets[],
  last: ReadonlyMap<number, StoredPacket>,
): Generator<ChosenPacket[]> {
  const proofs = new Set(finding.evidence.map(({ capture, packet }) => `${capture}/${packet}`));
  const isProof = ({ capture, frame }: StoredPacket): boolean => proofs.has(`${capture}/${frame}`);
  const proving = sessions.filter(({ packets }) => packets.some(isProof));
  const pick = (from: readonly SessionPackets[], wants: Wants): ChosenPacket[] =>
    inOrder(from.flatMap((session) => chosen(session, isProof, wants)));
  const ends = (from: readonly SessionPackets[]): ChosenPacket[] =>
    [...new Set(from.map(({ session }) => session.capture))].flatMap((capture) => {
      const packet = last.get(capture);
      return packet ? [{ packet, part: 'time' as const }] : [];
    });
  yield pick(proving, () => false);
  yield pick(proving, (_packet, part, place) => place.near || part === 'end');
  yield pick(proving, (_packet, part, place) => place.near || place.opening || part === 'end');
  yield pick(proving, (packet, _part, place, session) => place.before && !session.isBulk(packet));
  const dialogue: Wants = (packet, _part, { near }, session) => near || !session.isBulk(packet);
  for (const from of proving.length < sessions.length ? [proving, sessions] : [proving]) {
    for (const wants of [dialogue, () => true]) {
      const packets = pick(from, wants);
      yield packets;
      yield inOrder([...packets, ...ends(from)]);
    }
  }
}

type Wants = (packet: StoredPacket, part: Part, place: Place, session: SessionPackets) => boolean;

/** Where a packet lies in its session: beside a proof; among the first; not behind the last proof's neighbours. */
interface Place {
  readonly near: boolean;
  readonly opening: boolean;
  readonly before: boolean;
}

/** Proofs and the handshake of one session, and what `wants` wants of it. */
function chosen(
  session: SessionPackets,
  isProof: (packet: StoredPacket) => boolean,
  wants: Wants,
): ChosenPacket[] {
  const { packets } = session;
  const near = new Set<number>();
  let last = -1;
  for (const [index, packet] of packets.entries()) {
    if (!isProof(packet)) continue;
    last = index + NEIGHBOURS;
    for (let at = index - NEIGHBOURS; at <= last; at++) near.add(at);
  }
  const result: ChosenPacket[] = [];
  let acknowledged = false;
  for (const [index, packet] of packets.entries()) {
    const part = isProof(packet) ? 'proof' : partOf(packet, acknowledged);
    const place = { near: near.has(index), opening: index < OPENING, before: index <= last };
    if (part === 'handshake' && (packet.flags & SYN) === 0) acknowledged = true;
    if (part === 'proof' || part === 'handshake' || wants(packet, part, place, session)) {
      result.push({ packet, part });
    }
  }
  return result;
}

/** The third packet of a handshake is the client's first without SYN, when nothing else is in it. */
function partOf({ flags, start, end, direction, offset }: StoredPacket, acknowledged: boolean): Part {
  if ((flags & SYN) !== 0) return 'handshake';
  if ((flags & (FIN | RST)) !== 0) return 'end';
  const third = direction === 'client' && (flags & ACK) !== 0 && start === end && offset === 0;
  return third && !acknowledged ? 'handshake' : 'context';
}

/** By capture and frame, each once. */
function inOrder(packets: readonly ChosenPacket[]): ChosenPacket[] {
  const sorted = [...packets].sort(
    (a, b) => a.packet.capture - b.packet.capture || a.packet.frame - b.packet.frame,
  );
  return sorted.filter((one, index) => {
    const before = sorted[index - 1]?.packet;
    return before?.capture !== one.packet.capture || before.frame !== one.packet.frame;
  });
}
