import type { Timestamp } from '../capture/timestamp.js';
import type { SmtpExchange, SmtpLine, SmtpSession } from '../smtp/session.js';
import type { Direction, Gap } from '../stream/event.js';
import { isUnended } from './line-change.js';

/** So long a sender goes on repeating what is not acknowledged: three times at least. RFC 6298 §2. */
const REPEATED_US = 2_000_000;

/**
 * What it means that octets are in one capture only. `absent`: the other shows that they were not there; `unseen`:
 * it has a gap where they would be; `unknown`: it had ended, or cannot tell.
 */
export type Absence = 'absent' | 'unseen' | 'unknown';

/** Octets that one capture has. */
export interface Sent {
  readonly direction: Direction;
  readonly time: Timestamp | null;
  /** Somebody acknowledged them, as that capture shows. null: it does not. */
  readonly acknowledged: boolean | null;
  /** Where they lie in that capture's stream, half-open. */
  readonly from: number;
  readonly to: number;
}

/** Where in a stream they would be: behind `from`, and in front of `to`. */
export interface Place {
  readonly from: number;
  readonly to: number;
}

/** How far one capture can be believed about what it does not show. */
export class Sight {
  /** Microseconds that this clock is ahead of the other capture's, by the newest SYN; NaN: not known. */
  private readonly ahead: number;
  /** Its receiver got a reset in the name of that side, of which the other capture knows nothing. */
  private readonly forged: Direction | null;

  constructor(
    private readonly session: SmtpSession,
    private readonly other: SmtpSession,
  ) {
    this.forged = forgedReset(session, other);
    this.ahead = (session.tcp.lastSynTime?.us ?? Number.NaN) - (other.tcp.lastSynTime?.us ?? Number.NaN);
  }

  /** Why the octets that the other capture has are not in this one. */
  absence(sent: Sent, place: Place): Absence {
    const { session } = this;
    const { direction } = sent;
    if (session.oneSided !== null && session.oneSided !== direction) return 'unknown';
    if (session.protocol !== 'smtp' && session.protocol !== 'none') return 'unknown';
    const missed = this.gapsAt(direction, place);
    if (missed.some(({ cause }) => cause === 'midstream')) return 'unknown';
    if (missed.some(({ cause }) => cause !== 'unfilled')) return 'unseen';
    if (session.gapCount > session.gaps.length) return 'unseen';
    // The connection ended before the hole was filled: its receiver did not acknowledge it.
    if (missed.length > 0) return this.waited(sent) || this.wasRepeatedInVain(sent) ? 'absent' : 'unknown';
    if (Number.isFinite(place.to)) return 'absent';
    if (session.truncated || session.encryptedFrom !== null) return 'unknown';
    // Whoever sent that reset passed on nothing more.
    if (this.forged === direction) return 'absent';
    const complete = session.closed === 'fin' || (sent.acknowledged === true && session.closed === 'rst');
    return complete || this.waited(sent) ? 'absent' : 'unknown';
  }

  /** The line begins behind a gap, or breaks off in front of one: its text may be a part of another's. */
  bordersOnGap(line: SmtpLine): boolean {
    const { session } = this;
    const place = { from: line.offset, to: endOf(line) - (isUnended(line) ? 0 : 1) };
    return session.gapCount > session.gaps.length || this.gapsAt(line.direction, place).length > 0;
  }

  /** A reset of that side would be in this capture. */
  showsResets(direction: Direction): boolean {
    const { session } = this;
    if (session.oneSided !== null && session.oneSided !== direction) return false;
    return session.closed !== 'fin' && session.gaps.every(({ cause }) => cause === 'unfilled');
  }

  /**
   * The connection went on for so long after that. That the capture did is not enough: it may have a hole, in which
   * the rest of the connection lies.
   */
  wentOn({ time }: { time: Timestamp | null }, us: number): boolean {
    const { end } = this.session;
    return end !== null && time !== null && end.us - (time.us + this.ahead) >= us;
  }

  /**
   * They would have come by now. Of octets that were sent in vain, as their sender's own capture shows, it is enough that
   * this capture went on: the connection has nothing more to show. Of others, it may lack the rest of the connection.
   */
  private waited(sent: Sent): boolean {
    if (this.wentOn(sent, REPEATED_US)) return true;
    const { end, silenceUs } = this.session;
    if (end === null || sent.time === null || !this.wasInVain(sent)) return false;
    return end.us + silenceUs - (sent.time.us + this.ahead) >= REPEATED_US;
  }

  /** No acknowledgement of it came back to its sender. */
  private wasInVain(sent: Sent): boolean {
    return sent.acknowledged === null ? this.wasRepeatedInVain(sent, 1) : !sent.acknowledged;
  }

  /** Its sender sent it again, more than once, and no acknowledgement came back. RFC 9293 §3.8.1. */
  private wasRepeatedInVain({ direction, from, to }: Sent, repeats = 2): boolean {
    return this.other.tcp.resent.some(
      (one) =>
        one.direction === direction &&
        one.repeats >= repeats &&
        !one.acknowledged &&
        one.offset < to &&
        from < one.offset + one.length,
    );
  }

  private gapsAt(direction: Direction, { from, to }: Place): Gap[] {
    return this.session.gaps.filter((gap) => {
      if (gap.direction !== direction) return false;
      // A gap of unknown size reaches as far as nothing else was seen; midstream, that is the start.
      const end = gap.octets === null ? gap.offset : gap.offset + gap.octets;
      return gap.offset <= to && end >= from;
    });
  }
}

function forgedReset(session: SmtpSession, other: SmtpSession): Direction | null {
  if (session.closed !== 'rst' || !other.gaps.every(({ cause }) => cause === 'unfilled')) return null;
  const { clientResetFrame: client, serverResetFrame: server } = session.tcp;
  if (client !== null && other.tcp.clientResetFrame === null && other.closed === 'rst') return 'client';
  return server !== null && other.tcp.serverResetFrame === null && other.closed === 'rst' ? 'server' : null;
}

/** Octets of a line with its ending. */
export function lineOctets(line: SmtpLine): number {
  return line.octets + (line.ending === 'CRLF' ? 2 : line.ending === 'none' ? 0 : 1);
}

export function endOf(line: SmtpLine): number {
  return line.offset + lineOctets(line);
}

/** The lines of one side in an exchange, in order. */
export function linesOf({ line, intermediate, reply }: SmtpExchange, direction: Direction): SmtpLine[] {
  if (direction === 'client') return line === null ? [] : [line];
  return [...(intermediate?.lines ?? []), ...(reply?.lines ?? [])];
}

/**
 * The place between what was said up to exchange `before` and what was said from exchange `after` on.
 *
 * @param before  exclusive: the exchanges in front of the place
 * @param after  inclusive: the exchanges behind it
 */
export function placeBetween(
  exchanges: readonly SmtpExchange[],
  before: number,
  after: number,
  direction: Direction,
): Place {
  let from = 0;
  for (let index = before - 1; index >= 0; index--) {
    const line = linesOf(exchanges[index]!, direction).at(-1);
    if (line === undefined) continue;
    from = endOf(line);
    break;
  }
  let to = Number.POSITIVE_INFINITY;
  for (let index = after; index < exchanges.length; index++) {
    const line = linesOf(exchanges[index]!, direction)[0];
    if (line === undefined || isUnended(line)) continue;
    to = line.offset;
    break;
  }
  return { from, to };
}
