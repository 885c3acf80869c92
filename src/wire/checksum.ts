import type { AddressTable } from './address.js';
import type { Checksum, TcpSegment } from './segment.js';

const TCP = 6;

/**
 * Verifies the segment's checksum. RFC 9293 §3.1, RFC 1071, RFC 8200 §8.1.
 *
 * A network card that segments or checksums itself is handed the pseudo-header's sum in the field, with the
 * segment's length in it or, for some cards, without.
 */
export function tcpChecksum(segment: TcpSegment, addresses: AddressTable): Checksum {
  const { octets, tcpStart, start, end } = segment;
  if (!segment.lengthClaimed || end - start < segment.length) return 'unverifiable';
  const length = end - tcpStart;
  const pseudoWithoutLength =
    addresses.wordSum(segment.family, segment.source) +
    addresses.wordSum(segment.family, segment.destination) +
    TCP;
  const pseudo = pseudoWithoutLength + (length >>> 16) + (length & 0xffff);
  let sum = pseudo;
  const last = end - 1;
  // At most 2^19 words of 2^16 - 1: far below 2^53.
  for (let at = tcpStart; at < last; at += 2) sum += (octets[at]! << 8) | octets[at + 1]!;
  if ((length & 1) === 1) sum += octets[last]! << 8;
  if (fold(sum) === 0xffff) return 'valid';
  const field = (octets[tcpStart + 16]! << 8) | octets[tcpStart + 17]!;
  return field === fold(pseudo) || field === fold(pseudoWithoutLength) ? 'offloaded' : 'invalid';
}

function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000);
  return folded;
}
