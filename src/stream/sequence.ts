/**
 * How far `a` lies beyond `b` in sequence space: negative when it lies before. RFC 9293 §3.4.
 *
 * Right while the two are less than 2^31 octets apart, which every plausible segment is.
 */
export function distance(a: number, b: number): number {
  return (a - b) | 0;
}

/** The sequence number `octets` after `seq`, as int32. */
export function advance(seq: number, octets: number): number {
  return (seq + octets) | 0;
}
