import type { SmtpSession } from '../smtp/session.js';
import type { Direction } from '../stream/event.js';
import { Sight } from './absence.js';
import type { WantedOctets } from './message-octets.js';
import type { Difference, Side, Spot } from './pair.js';

/** Differences of one pair that are listed; further ones are counted. */
const MAX_DIFFERENCES = 1000;

const MAX_SPOT_OCTETS = 512;

export interface SidedSession {
  readonly side: Side;
  readonly session: SmtpSession;
}

/** One of two captures, and how far it can be believed. */
export class View {
  readonly session: SmtpSession;
  readonly sight: Sight;

  constructor(
    private readonly sided: SidedSession,
    other: SidedSession,
  ) {
    this.session = sided.session;
    this.sight = new Sight(sided.session, other.session);
  }

  spot(packet: number, offset: number | null, text: string): Spot {
    const { side, session } = this.sided;
    const shown = text.slice(0, MAX_SPOT_OCTETS);
    return { side, session: session.id, capture: session.capture, packet, offset, text: shown };
  }
}

/** The two captures of one session, and what was found to differ. */
export class DifferenceList {
  readonly differences: Difference[] = [];
  more = 0;
  readonly needsOctets: WantedOctets[] = [];
  readonly nearClient: View;
  readonly nearServer: View;

  constructor(nearClient: SidedSession, nearServer: SidedSession) {
    this.nearClient = new View(nearClient, nearServer);
    this.nearServer = new View(nearServer, nearClient);
  }

  /** Where that side's octets come from, and where they arrive. */
  between(direction: Direction): { sender: View; receiver: View } {
    const { nearClient, nearServer } = this;
    return direction === 'client'
      ? { sender: nearClient, receiver: nearServer }
      : { sender: nearServer, receiver: nearClient };
  }

  /** A line which a gap put into another place on one side was seen on both. */
  reconcileUnseen(): void {
    const waiting = new Map<string, Difference>();
    const seen = new Set<Difference>();
    for (const difference of this.differences) {
      const { change, direction, before, after, octets } = difference;
      if (change !== 'unseen' || (before === null) === (after === null)) continue;
      const where = (isBefore: boolean) => `${isBefore} ${direction} ${octets} ${(before ?? after)!.text}`;
      const other = waiting.get(where(before === null));
      if (other === undefined || seen.has(other)) waiting.set(where(before !== null), difference);
      else seen.add(other).add(difference);
    }
    if (seen.size === 0) return;
    const kept = this.differences.filter((difference) => !seen.has(difference));
    this.differences.splice(0, this.differences.length, ...kept);
  }

  /** One that lies in the middle of a message or a flight: a second reading tells its frame. */
  addPiece(difference: Difference): void {
    const { before, after } = difference;
    const at = (spot: Spot | null) =>
      spot === null || spot.offset === null ? null : { from: spot.offset, to: spot.offset + 1 };
    this.add(difference);
    this.needsOctets.push({ difference, before: at(before), after: at(after) });
  }

  add(difference: Difference): void {
    if (this.differences.length < MAX_DIFFERENCES) this.differences.push(difference);
    else this.more++;
  }
}
