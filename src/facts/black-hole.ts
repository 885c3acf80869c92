import type { SmtpSession } from '../smtp/session.js';
import type { ResentSegment } from '../stream/delivery.js';
import type { Direction } from '../stream/event.js';
import type { ReturnedSegment } from '../stream/tcp-facts.js';

/** Data of a segment that a small link cuts out: with headers it is larger than the 1,280 octets that every IPv6 link takes. */
const LARGE = 1_200;
/** A segment that is lost so often in a row is not lost by chance: at 5 % of loss once in 8,000. */
const MIN_REPEATS = 2;

/** Large segments that never arrive though small ones of the same connection do: a path MTU that nobody tells. RFC 2923 §2.1. */
export interface BlackHole {
  readonly direction: Direction;
  /** The first of the large segments that never arrived. */
  readonly segment: ResentSegment;
  /** The receiver acknowledged octets behind it selectively. RFC 2018. */
  readonly selected: { readonly frame: number } | null;
  /** ICMP errors that ask for smaller packets, in the direction of their sender. */
  readonly returned: ReturnedSegment | null;
  /** The receiver was heard after the first repeat, and acknowledged no more. */
  readonly heard: boolean;
}

/**
 * Was it the path that lost the large segments of this session?
 *
 * @returns null: no; segments above what the receiver allows are another matter (RFC 9293 §3.7.1)
 */
export function blackHole({ tcp }: SmtpSession): BlackHole | null {
  if (tcp.resentCount === 0 && tcp.returned.length === 0) return null;
  for (const segment of tcp.resent) {
    const { direction, offset, length, repeats, acknowledged, selected } = segment;
    if (acknowledged || selected || repeats < MIN_REPEATS || length < LARGE) continue;
    if (tcp.oversize.some((one) => one.direction === direction && one.offset === offset)) continue;
    const beyond = tcp.selected.find((one) => one.direction === direction && one.offset > offset);
    const returned = tcp.returned.find(
      (one) => one.kind === 'fragmentation-needed' && one.direction === direction,
    );
    const heard = direction === 'client' && tcp.serverLastUs > segment.us;
    if (!beyond && !returned && !heard) continue;
    return { direction, segment, selected: beyond ?? null, returned: returned ?? null, heard };
  }
  return null;
}
