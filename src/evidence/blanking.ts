import type { ReadableRange, ReadableStream } from './readable.js';
import type { StoredPacket } from './stored-packet.js';

const LF = 0x0a;
const CR = 0x0d;
const TEXT = 0x78; // x
const PADDING = 0x3d;
/** In place of octets beyond ASCII, where that they are such is what matters. */
const EIGHT_BIT = 0xff;
const CHECKSUM = 16;

/** As long as it was; latin1. */
export type Rewrite = (text: string) => string;

/** A packet's octets as they may leave the program. */
export interface BlankedPacket {
  readonly octets: Buffer;
  /** Octets overwritten that were credentials, and others. */
  readonly credentials: number;
  readonly text: number;
}

/**
 * Overwrites in place whatever of the payload may not be shown. Lengths, line ends, sequence numbers and times stay.
 *
 * An octet stays only where it is the very octet that is to be shown at its place of the stream: so nothing is shown by
 * a wrong place, nor of a second copy that differs from the first. The checksum says afterwards what it said before:
 * right where it was right, and wrong where it was wrong.
 *
 * @param stream  null: nothing of it may be shown
 * @param rewrite  what is shown in place of what may be shown
 */
export function blank(
  packet: StoredPacket,
  stream: ReadableStream | null,
  keepEightBit: boolean,
  rewrite?: Rewrite,
): BlankedPacket {
  const octets = Buffer.from(packet.octets);
  const { start, end, offset } = packet;
  for (let at = start; at < end; at++) octets[at] = fillerOf(octets[at]!, keepEightBit);
  let credentials = 0;
  if (stream !== null && offset !== null) {
    const encrypted = Math.max(start, start + stream.encryptedFrom - offset);
    if (encrypted < end) octets.fill(0, encrypted, end);
    credentials = show(packet, octets, stream, offset, rewrite);
  }
  // What lies behind the packet in its frame may be anything that was in the sender's memory.
  octets.fill(0, end);
  let changed = 0;
  for (let at = start; at < end; at++) if (octets[at] !== packet.octets[at]) changed++;
  if (changed > 0 && packet.checksum !== 'offloaded') mend(packet, octets);
  return { octets, credentials, text: Math.max(0, changed - credentials) };
}

function fillerOf(octet: number, keepEightBit: boolean): number {
  if (octet === CR || octet === LF) return octet;
  return keepEightBit && octet > 0x7f ? EIGHT_BIT : TEXT;
}

/** Puts back what may be shown; returns how many octets are credentials. */
function show(
  packet: StoredPacket,
  octets: Buffer,
  stream: ReadableStream,
  offset: number,
  rewrite: Rewrite | undefined,
): number {
  const { start, end } = packet;
  let credentials = 0;
  for (const range of stream.within(offset, offset + end - start)) {
    const from = Math.max(range.offset, offset);
    const to = Math.min(range.offset + range.length, offset + end - start);
    const shown = range.octets && rewrite ? rewritten(range, rewrite) : range.octets;
    for (let place = from; place < to; place++) {
      const at = start + place - offset;
      if (range.octets === null) {
        credentials++;
        octets[at] = credentialFiller(range, place);
      } else if (range.octets[place - range.offset] === packet.octets[at]) {
        octets[at] = shown![place - range.offset]!;
      }
    }
  }
  return credentials;
}

/** A range that is cut where credentials were taken out is rewritten piece by piece, as its line is. */
function rewritten({ octets }: ReadableRange, rewrite: Rewrite): Buffer {
  return Buffer.from(rewrite(octets!.toString('latin1')), 'latin1');
}

/** Looks like base64 and like no mask, so that it is taken for credentials again. */
function credentialFiller({ offset, length }: ReadableRange, place: number): number {
  if (length % 4 === 0 && place === offset + length - 1) return PADDING;
  return (place & 1) === 0 ? 0x61 : 0x42;
}

/** RFC 1624 §3: the checksum changes as the octets under it do. */
function mend(packet: StoredPacket, octets: Buffer): void {
  const { tcpStart, start, end } = packet;
  const field = tcpStart + CHECKSUM;
  let sum = ~octets.readUInt16BE(field) & 0xffff;
  for (let at = start; at < end; at++) {
    const change = octets[at]! - packet.octets[at]!;
    sum += ((at - tcpStart) & 1) === 0 ? change * 256 : change;
  }
  // One's complement: 2^16 - 1 is nothing.
  sum = ((sum % 0xffff) + 0xffff) % 0xffff;
  octets.writeUInt16BE(~sum & 0xffff, field);
}
