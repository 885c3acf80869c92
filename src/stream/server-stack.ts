import { RST, SYN, type TcpSegment } from '../wire/segment.js';
import { distance } from './sequence.js';

/** Of `serverStack`: every segment carries a timestamp. */
export const STAMPED = 1 << 8;
const TIMESTAMP_HEADER = 32;
/** A timestamp clock ticks once a microsecond at most, and may have been read a little earlier. RFC 7323 §5.4. */
const TSVAL_SLACK = 1 << 20;
/** After so long a fast timestamp clock may have gone round. */
const TSVAL_TRUST_US = 1_800_000_000;

/** What a connection remembers of the server's first segment. */
export interface ServerStack {
  readonly startUs: number;
  /** Hop limit, and `STAMPED`; below 0 before the first segment. */
  serverStack: number;
  /** TSval of the SYN-ACK; 0 before. */
  serverTsval: number;
}

/** Looks the segment like the server's first one? Only what costs nothing to ask of every segment. */
export function isOneStack(of: ServerStack, s: TcpSegment): boolean {
  const { serverStack } = of;
  if (serverStack < 0) {
    of.serverStack = s.hopLimit;
    return true;
  }
  // Some stacks reset without a timestamp.
  if ((s.flags & RST) !== 0) return s.hopLimit === (serverStack & 0xff);
  if ((serverStack & STAMPED) === 0) return s.hopLimit === serverStack;
  if (s.start - s.tcpStart < TIMESTAMP_HEADER || s.hopLimit !== (serverStack & 0xff)) return false;
  return (s.flags & SYN) !== 0 || isOneClock(of, s);
}

/** It has a timestamp, and not one of the server's clock. */
export function isOtherClock(of: ServerStack, s: TcpSegment): boolean {
  const stamped = (of.serverStack & STAMPED) !== 0 && s.start - s.tcpStart >= TIMESTAMP_HEADER;
  return stamped && !isOneClock(of, s);
}

function isOneClock(of: ServerStack, s: TcpSegment): boolean {
  const { octets, tcpStart } = s;
  const at = tcpStart + 24;
  if (octets[at - 2] !== 8 || octets[at - 3] !== 1) return true;
  const tsval = octets.readInt32BE(at);
  // Some systems send 0 in the SYN-ACK.
  if (of.serverTsval === 0) of.serverTsval = tsval;
  const elapsed = s.us - of.startUs;
  if (!(elapsed >= 0 && elapsed < TSVAL_TRUST_US)) return true;
  const ticks = distance(tsval, of.serverTsval);
  return ticks >= -TSVAL_SLACK && ticks <= 2 * elapsed + TSVAL_SLACK;
}
