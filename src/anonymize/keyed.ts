import { hmacSha256 } from '../platform/platform.js';

const BLOCK = 32;

/** Octets that only the key and the label decide: HMAC-SHA-256, RFC 2104, in counter mode. */
export function keyedOctets(key: Buffer, label: string, length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let at = 0; at < length; at += BLOCK) {
    blocks.push(hmacSha256(key, Buffer.from(`${at / BLOCK}\0${label}`, 'latin1')));
  }
  return Buffer.concat(blocks).subarray(0, length);
}

/**
 * An order of `0 .. size - 1` in which nothing stays where it was: one cycle, by Sattolo's algorithm.
 *
 * @returns  by each number the one that takes its place
 */
export function keyedCycle(key: Buffer, label: string, size: number): Uint8Array {
  const order = Uint8Array.from({ length: size }, (_, index) => index);
  const octets = keyedOctets(key, label, 4 * size);
  for (let last = size - 1; last > 0; last--) {
    const other = octets.readUInt32LE(4 * last) % last;
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}
