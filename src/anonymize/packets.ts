import { CapturedPacket } from '../capture/packet.js';
import { Unwrapper } from '../wire/unwrap.js';
import type { AddressPseudonyms } from './addresses.js';

const UDP = 17;
const IPV4_OPTIONS = 20;
/** RFC 791 §3.1: an option that does nothing. */
const NO_OPERATION = 1;
const TCP_CHECKSUM = 16;
const UDP_CHECKSUM = 6;

/** Where TCP begins in a packet, and what its checksum said. */
export interface Framed {
  readonly linkType: number;
  readonly originalLength: number;
  readonly tcpStart: number;
  readonly checksum: 'valid' | 'invalid' | 'offloaded' | 'unverifiable';
}

/**
 * Gives pseudonyms, in place, to all addresses in the headers of a packet, in tunnels too.
 *
 * Checksums say afterwards what they said before: they change as the octets under them do (RFC 1624 §3). That of UDP around a
 * tunnel is left out instead (RFC 768, RFC 6935). Options of IPv4, which may hold addresses, become no operations.
 */
export function rewriteAddresses(octets: Buffer, framed: Framed, addresses: AddressPseudonyms): void {
  const packet = new CapturedPacket();
  Object.assign(packet, {
    octets,
    start: 0,
    end: octets.length,
    linkType: framed.linkType,
    originalLength: framed.originalLength,
  });
  const unwrapper = new Unwrapper(null);
  // Of the innermost addresses, which TCP's checksum covers. Headers are rewritten as they are passed: the way on depends on
  // no address.
  let change: number | null = null;
  unwrapper.onHeader = (kind, at) => {
    switch (kind) {
      case 'ethernet':
        if (at + 12 > octets.length) return;
        addresses.mac(octets.subarray(at, at + 6)).copy(octets, at);
        addresses.mac(octets.subarray(at + 6, at + 12)).copy(octets, at + 6);
        return;
      case 'sll':
        hardware(octets, at + 5, at + 6, addresses);
        return;
      case 'sll2':
        hardware(octets, at + 11, at + 12, addresses);
        return;
      case 'ipv4':
        change = ipv4(octets, at, addresses);
        return;
      default:
        change = ipv6(octets, at, addresses);
    }
  };
  unwrapper.unwrap(packet);
  const field = framed.tcpStart + TCP_CHECKSUM;
  if (change === null || field + 2 > octets.length) return;
  // With offloading the field has the sum itself and not its complement.
  const sum = octets.readUInt16BE(field);
  octets.writeUInt16BE(
    framed.checksum === 'offloaded' ? folded(sum + change) : ~folded((~sum & 0xffff) + change) & 0xffff,
    field,
  );
}

/** The address of a cooked capture, and where its length stands. */
function hardware(octets: Buffer, lengthAt: number, at: number, addresses: AddressPseudonyms): void {
  if (at + 8 > octets.length) return;
  const length = octets[lengthAt]!;
  if (length > 0 && length <= 8) addresses.mac(octets.subarray(at, at + length)).copy(octets, at);
}

/** @returns by how much the sum of its addresses grew, in one's complement */
function ipv4(octets: Buffer, at: number, addresses: AddressPseudonyms): number {
  if (at + 20 > octets.length) return 0;
  const before = wordSum(octets, at + 12, at + 20);
  for (const place of [at + 12, at + 16]) addresses.ip(octets.subarray(place, place + 4)).copy(octets, place);
  const change = grown(before, wordSum(octets, at + 12, at + 20));
  const header = Math.min(octets.length, at + (octets[at]! & 15) * 4);
  let all = change;
  if (header > at + IPV4_OPTIONS) {
    const options = wordSum(octets, at + IPV4_OPTIONS, header);
    octets.fill(NO_OPERATION, at + IPV4_OPTIONS, header);
    all = folded(all + grown(options, wordSum(octets, at + IPV4_OPTIONS, header)));
  }
  const sum = octets.readUInt16BE(at + 10);
  if (sum !== 0) octets.writeUInt16BE(~folded((~sum & 0xffff) + all) & 0xffff, at + 10);
  if (octets[at + 9] === UDP) withoutChecksum(octets, header);
  return change;
}

function ipv6(octets: Buffer, at: number, addresses: AddressPseudonyms): number {
  if (at + 40 > octets.length) return 0;
  const before = wordSum(octets, at + 8, at + 40);
  for (const place of [at + 8, at + 24]) addresses.ip(octets.subarray(place, place + 16)).copy(octets, place);
  if (octets[at + 6] === UDP) withoutChecksum(octets, at + 40);
  return grown(before, wordSum(octets, at + 8, at + 40));
}

function withoutChecksum(octets: Buffer, udp: number): void {
  if (udp + 8 <= octets.length) octets.writeUInt16BE(0, udp + UDP_CHECKSUM);
}

function wordSum(octets: Buffer, from: number, to: number): number {
  let sum = 0;
  for (let at = from; at + 1 < to; at += 2) sum += octets.readUInt16BE(at);
  return folded(sum);
}

function grown(before: number, after: number): number {
  return folded(after + (~before & 0xffff));
}

/** One's complement: 2^16 - 1 is nothing. */
function folded(sum: number): number {
  let left = sum;
  while (left > 0xffff) left = (left & 0xffff) + Math.floor(left / 0x10000);
  return left;
}
