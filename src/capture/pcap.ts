import type { PacketListener } from './packet.js';
import { type CaptureTally, MAX_CAPTURED, type RecordParser } from './tally.js';

const FILE_HEADER_LENGTH = 24;
const VERSION_MAJOR = 4; // octets 4-5
const VERSION_MINOR = 6; // octets 6-7
const SNAPLEN = 16; // octets 16-19
const NETWORK = 20; // octets 20-23; the upper 16 bits speak of the frame check sequence

const RECORD_HEADER_LENGTH = 16;
/** The modified format adds interface index, protocol and packet type to each record. */
const MODIFIED_RECORD_HEADER_LENGTH = 24;

/** The snapshot length that capture programs use for "everything". */
const USUAL_SNAPLEN = 262144;

/** What the magic number tells of a pcap file. */
export interface PcapVariant {
  readonly little: boolean;
  readonly nanoseconds: boolean;
  readonly recordHeaderLength: number;
}

/** Reads the four octets at `at`; undefined when no pcap file begins with them. */
export function pcapVariant(octets: Buffer, at: number): PcapVariant | undefined {
  const big = octets.readUInt32BE(at);
  const little = octets.readUInt32LE(at);
  return variantOf(big, false) ?? variantOf(little, true);
}

function variantOf(magic: number, little: boolean): PcapVariant | undefined {
  switch (magic) {
    case 0xa1b2c3d4:
      return { little, nanoseconds: false, recordHeaderLength: RECORD_HEADER_LENGTH };
    case 0xa1b23c4d:
      return { little, nanoseconds: true, recordHeaderLength: RECORD_HEADER_LENGTH };
    case 0xa1b2cd34:
      return { little, nanoseconds: false, recordHeaderLength: MODIFIED_RECORD_HEADER_LENGTH };
    default:
      return undefined;
  }
}

/**
 * The records of a pcap file.
 *
 * Lengths are believed as far as the snapshot length, and 262,144 octets beyond it, since writers are
 * careless with it. What claims more ends the reading: nothing after it can be found.
 */
export class PcapParser implements RecordParser {
  need = FILE_HEADER_LENGTH;
  begun = false;
  readonly inside = false;
  private maxCaptured = 0;
  private lengthsMayBeSwapped = false;

  constructor(
    private readonly variant: PcapVariant,
    private readonly tally: CaptureTally,
    private readonly listener: PacketListener,
  ) {
    tally.format = 'pcap';
  }

  read(octets: Buffer, start: number, end: number): number {
    if (this.begun) return this.records(octets, start, start, end);
    this.need = FILE_HEADER_LENGTH;
    if (end - start < FILE_HEADER_LENGTH) return start;
    this.fileHeader(new DataView(octets.buffer, octets.byteOffset + start, FILE_HEADER_LENGTH));
    return this.records(octets, start, start + FILE_HEADER_LENGTH, end);
  }

  private fileHeader(header: DataView): void {
    const { little, nanoseconds } = this.variant;
    const snaplen = header.getUint32(SNAPLEN, little);
    this.maxCaptured = Math.min(MAX_CAPTURED, Math.max(snaplen, USUAL_SNAPLEN) + USUAL_SNAPLEN);
    // Before version 2.4 some writers put the original length first.
    this.lengthsMayBeSwapped =
      header.getUint16(VERSION_MAJOR, little) === 2 && header.getUint16(VERSION_MINOR, little) <= 3;
    const linkType = header.getUint32(NETWORK, little) & 0xffff;
    this.tally.linkType(linkType);
    this.tally.packet.linkType = linkType;
    this.tally.packet.digits = nanoseconds ? 9 : 6;
    this.begun = true;
  }

  private records(octets: Buffer, start: number, from: number, end: number): number {
    const { little, nanoseconds, recordHeaderLength } = this.variant;
    const { tally, listener, maxCaptured } = this;
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
    const packet = tally.packet;
    packet.octets = octets;
    let at = from;
    while (end - at >= recordHeaderLength) {
      let captured = view.getUint32(at + 8, little);
      let original = view.getUint32(at + 12, little);
      if (captured > original) {
        if (this.lengthsMayBeSwapped) [captured, original] = [original, captured];
        else original = captured;
      }
      if (captured > maxCaptured) {
        tally.stop({
          code: 'bad-record-length',
          message: `Record ${tally.frames + 1} claims ${captured} captured octets: what follows was not read.`,
          packet: tally.frames + 1,
          offset: tally.offset + at - start,
        });
        return at;
      }
      const data = at + recordHeaderLength;
      if (end - data < captured) {
        this.need = recordHeaderLength + captured;
        return at;
      }
      const fraction = view.getUint32(at + 4, little);
      const us = view.getUint32(at, little) * 1e6;
      if (nanoseconds) {
        const micros = Math.trunc(fraction / 1000);
        packet.us = us + micros;
        packet.ns = fraction - micros * 1000;
      } else {
        packet.us = us + fraction; // a fraction beyond one second carries
      }
      packet.start = data;
      packet.end = at = data + captured;
      packet.originalLength = original;
      packet.frame = ++tally.frames;
      tally.packets++;
      tally.time();
      listener.packet(packet);
    }
    this.need = recordHeaderLength;
    return at;
  }
}
