import { withheld } from '../smtp/auth.js';
import type { SmtpSession, TlsFlight } from '../smtp/session.js';
import type { Direction, Gap } from '../stream/event.js';
import type { DifferenceList, View } from './difference-list.js';
import { inPlace } from './line-change.js';
import type { Difference } from './pair.js';

/** So long a sender repeats what is not acknowledged: three times at least. RFC 6298 §2. */
const REPEATED_US = 2_000_000;

/**
 * What both sides say after the 220 to STARTTLS, octet by octet. RFC 3207 §4.
 *
 * Of each flight the first five octets are kept, the header of a TLS record, and a sum of all. Where two sums differ, or
 * not all of it arrived, a second reading of both captures tells which octets were changed.
 */
export function compareTls(list: DifferenceList): void {
  for (const direction of ['client', 'server'] as const) compareFlight(list, direction);
}

function compareFlight(list: DifferenceList, direction: Direction): void {
  const { sender, receiver } = list.between(direction);
  const [sent, got] = [flightOf(sender, direction), flightOf(receiver, direction)];
  if (sent === null || receiver.session.encryptedFrom === null) return;
  if (got !== null) {
    if (!isSpeech(sent.head) && !isSpeech(got.head)) new Flights(list, direction, sent, got).compare();
  } else if (isWhole(receiver.session) && wouldHaveIt(receiver, sent)) {
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
  }
}

/** Octets of a flight, half-open, counted from its first. */
type Piece = readonly [from: number, to: number];

/** What one side sent, as its two captures have it. */
class Flights {
  private readonly sender: View;
  private readonly receiver: View;

  constructor(
    private readonly list: DifferenceList,
    private readonly direction: Direction,
    private readonly sent: TlsFlight,
    private readonly got: TlsFlight,
  ) {
    ({ sender: this.sender, receiver: this.receiver } = list.between(direction));
  }

  compare(): void {
    const { sent, got, sender, receiver } = this;
    const head = this.changedHead();
    if (!isWhole(sender.session) || !isWhole(receiver.session)) {
      if (head) this.list.add(head);
      return;
    }
    const [unsent, lost] = [holesOf(sender, this.direction, sent), holesOf(receiver, this.direction, got)];
    const common = Math.min(sent.octets, got.octets);
    if (sent.octets === got.octets && unsent.length === 0 && lost.length === 0) {
      if (head || sent.crc32 !== got.crc32) this.altered([0, common], head, false);
      return;
    }
    for (const piece of between([...unsent, ...lost], common)) {
      this.altered(piece, piece[0] === 0 ? head : null, true);
    }
    if (unsent.length > 0) return;
    const missing: Piece[] = sent.octets > common ? [...lost, [common, sent.octets]] : lost;
    if (lasted(receiver, sender)) for (const piece of missing) this.lost(piece);
    if (got.octets > common && lost.length === 0 && lasted(sender, receiver))
      this.added([common, got.octets]);
  }

  private changedHead(): Difference | null {
    const { sent, got } = this;
    if (sent.head === got.head || sent.head.length !== got.head.length) return null;
    const change = inPlace(sent.head, got.head, false);
    if (change === null) return null;
    const how = /^X+$/.test(got.head) ? 'xs' : 'other';
    return {
      ...this.difference([0, sent.head.length]),
      how,
      octets: change.octets,
      ranges: change.ranges,
    };
  }

  /**
   * @param known  what is known to differ without a second reading
   * @param isDoubt  that anything else does is not known
   */
  private altered(piece: Piece, known: Difference | null, isDoubt: boolean): void {
    const difference = known ?? this.difference(piece);
    const range = ({ offset }: TlsFlight) => ({ from: offset + piece[0], to: offset + piece[1] });
    this.list.add(difference);
    this.list.needsOctets.push({
      difference,
      before: range(this.sent),
      after: range(this.got),
      isDoubt: isDoubt && known === null,
      isHead: piece[0] === 0 && this.sent.head !== '' && this.got.head !== '',
    });
  }

  private lost(piece: Piece): void {
    const { octets, ...difference } = this.difference(piece);
    this.list.addPiece({
      ...difference,
      change: 'removed',
      how: null,
      after: null,
      octets: piece[1] - piece[0],
    });
  }

  private added(piece: Piece): void {
    const { octets, ...difference } = this.difference(piece);
    this.list.addPiece({
      ...difference,
      change: 'added',
      how: null,
      before: null,
      octets: piece[1] - piece[0],
    });
  }

  /** Where in the piece they differ is not known. */
  private difference([from, to]: Piece): Difference {
    const spot = (view: View, { frame, offset, head }: TlsFlight) =>
      view.spot(frame, offset + from, from === 0 && head !== '' ? head : withheld(to - from));
    return {
      change: 'altered',
      subject: 'tls',
      how: 'other',
      direction: this.direction,
      verb: 'STARTTLS',
      before: spot(this.sender, this.sent),
      after: spot(this.receiver, this.got),
      octets: 1,
      ranges: [],
    };
  }
}

/** Commands and replies in clear: whoever stands between has ended TLS, and broken nothing. */
function isSpeech(head: string): boolean {
  return /^[\x20-\x7e\r\n]+$/.test(head) && !/^(?:X+|\*+)$/.test(head);
}

function flightOf({ session }: View, direction: Direction): TlsFlight | null {
  const flight = session.tls?.[direction] ?? null;
  const hole = session.gaps.find(
    (gap) => gap.direction === direction && flight !== null && isInFront(gap, flight),
  );
  if (flight === null || !hole?.octets) return flight;
  // It was taken to begin behind octets that never arrived.
  const { offset } = hole;
  return { ...flight, offset, octets: flight.offset + flight.octets - offset, head: '' };
}

function isInFront({ offset, octets }: Gap, flight: TlsFlight): boolean {
  const end = offset + (octets ?? 0);
  return offset <= flight.offset && end >= flight.offset && end > offset;
}

/** Octets of a flight that never arrived, to the end of the connection. */
function holesOf({ session }: View, direction: Direction, { offset, octets }: TlsFlight): Piece[] {
  return session.gaps
    .filter((gap) => gap.direction === direction)
    .map((gap): Piece => [gap.offset - offset, gap.offset - offset + (gap.octets ?? octets)])
    .map(([from, to]): Piece => [Math.max(from, 0), to])
    .filter(([from, to]) => from < to);
}

/** What of so many octets lies in none of these holes. */
function between(holes: readonly Piece[], octets: number): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const [from, to] of [...holes].sort((a, b) => a[0] - b[0])) {
    if (from > at) pieces.push([at, Math.min(from, octets)]);
    at = Math.max(at, to);
  }
  if (at < octets) pieces.push([at, octets]);
  return pieces.filter(([from, to]) => from < to);
}

/** A capture that goes on for long enough. */
function wouldHaveIt({ session, sight }: View, { time }: TlsFlight): boolean {
  return session.closed === 'fin' || sight.wentOn({ time }, REPEATED_US);
}

/** Its capture has the end of the connection, or goes on at least as long as the other. */
function lasted({ session, sight }: View, other: View): boolean {
  return session.closed === 'fin' || sight.wentOn({ time: other.session.end }, 0);
}

/** Without holes that a capture has by itself. */
function isWhole({ gaps, gapCount, oneSided, midstream }: SmtpSession): boolean {
  return (
    gapCount === gaps.length &&
    gaps.every(({ cause }) => cause === 'unfilled') &&
    oneSided === null &&
    !midstream
  );
}
