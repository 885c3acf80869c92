/** Writes pcap and pcapng octet by octet, from the specifications and not from `src`, and hears captures. */
import type { CapturedPacket, CaptureFacts, PacketListener } from '../../src/capture/packet.js';
import { CaptureReader } from '../../src/capture/reader.js';

export type ByteOrder = 'le' | 'be';

/** A 16-bit number in either byte order. */
export function short(value: number, order: ByteOrder): Buffer {
  const octets = Buffer.alloc(2);
  if (order === 'le') octets.writeUInt16LE(value);
  else octets.writeUInt16BE(value);
  return octets;
}

/** A 32-bit number in either byte order. */
export function long(value: number, order: ByteOrder): Buffer {
  const octets = Buffer.alloc(4);
  if (order === 'le') octets.writeUInt32LE(value);
  else octets.writeUInt32BE(value);
  return octets;
}

export interface PcapForm {
  order?: ByteOrder;
  kind?: 'us' | 'ns' | 'modified';
  snaplen?: number;
  linkType?: number;
  version?: [number, number];
}

export interface PcapRecord {
  seconds: number;
  /** Microseconds or nanoseconds, as the form has it. */
  fraction: number;
  octets: Buffer;
  /** What the header says, when that is not the number of octets. */
  captured?: number;
  original?: number;
}

const MAGIC = { us: 0xa1b2c3d4, ns: 0xa1b23c4d, modified: 0xa1b2cd34 };

export function pcapHeader(form: PcapForm = {}): Buffer {
  const { order = 'le', kind = 'us', snaplen = 262144, linkType = 1, version = [2, 4] } = form;
  return Buffer.concat([
    long(MAGIC[kind], order),
    short(version[0], order),
    short(version[1], order),
    Buffer.alloc(8),
    long(snaplen, order),
    long(linkType, order),
  ]);
}

export function pcapRecord(record: PcapRecord, form: PcapForm = {}): Buffer {
  const { order = 'le', kind = 'us' } = form;
  const { seconds, fraction, octets, captured = octets.length, original = captured } = record;
  return Buffer.concat([
    ...[seconds, fraction, captured, original].map((value) => long(value, order)),
    Buffer.alloc(kind === 'modified' ? 8 : 0, 0xee),
    octets,
  ]);
}

export function pcapFile(records: readonly PcapRecord[], form: PcapForm = {}): Buffer {
  return Buffer.concat([pcapHeader(form), ...records.map((record) => pcapRecord(record, form))]);
}

export interface BlockForm {
  order?: ByteOrder;
  /** Total length as the block's beginning and end have it, when it is not the true one. */
  total?: number;
  trailer?: number;
}

/** Any block: type, total length, body padded to four octets, total length. */
export function block(type: number, body: Buffer, form: BlockForm = {}): Buffer {
  const { order = 'le' } = form;
  const padded = Buffer.concat([body, Buffer.alloc(-body.length & 3)]);
  const total = form.total ?? padded.length + 12;
  return Buffer.concat([long(type, order), long(total, order), padded, long(form.trailer ?? total, order)]);
}

export function option(code: number, value: Buffer, order: ByteOrder = 'le'): Buffer {
  return Buffer.concat([
    short(code, order),
    short(value.length, order),
    value,
    Buffer.alloc(-value.length & 3),
  ]);
}

export function sectionHeader(form: BlockForm = {}): Buffer {
  const { order = 'le' } = form;
  const body = [long(0x1a2b3c4d, order), short(1, order), short(0, order), Buffer.alloc(8, 0xff)];
  return block(0x0a0d0d0a, Buffer.concat(body), form);
}

export interface InterfaceForm extends BlockForm {
  linkType?: number;
  snaplen?: number;
  /** The octet of if_tsresol. */
  tsresol?: number;
  /** Seconds of if_tsoffset. */
  tsoffset?: bigint;
  /** Options as they stand, in place of the two above. */
  options?: Buffer;
}

export function interfaceDescription(form: InterfaceForm = {}): Buffer {
  const { order = 'le', linkType = 1, snaplen = 0, tsresol, tsoffset } = form;
  const offset = Buffer.alloc(8);
  if (order === 'le') offset.writeBigInt64LE(tsoffset ?? 0n);
  else offset.writeBigInt64BE(tsoffset ?? 0n);
  const options = form.options ?? [
    ...(tsresol === undefined ? [] : [option(9, Buffer.from([tsresol]), order)]),
    ...(tsoffset === undefined ? [] : [option(14, offset, order)]),
    option(0, Buffer.alloc(0), order),
  ];
  const body = [short(linkType, order), short(0, order), long(snaplen, order)];
  return block(1, Buffer.concat([...body, ...(Array.isArray(options) ? options : [options])]), form);
}

export interface BlockPacket extends BlockForm {
  interface?: number;
  /** Ticks since 1970. */
  ticks?: bigint;
  octets: Buffer;
  captured?: number;
  original?: number;
  options?: Buffer;
}

function packetBody(packet: BlockPacket, id: Buffer): Buffer {
  const { order = 'le', ticks = 0n, octets, captured = octets.length, original = captured } = packet;
  return Buffer.concat([
    id,
    long(Number(ticks >> 32n), order),
    long(Number(ticks & 0xffffffffn), order),
    long(captured, order),
    long(original, order),
    octets,
    Buffer.alloc(-octets.length & 3),
    packet.options ?? Buffer.alloc(0),
  ]);
}

export function enhancedPacket(packet: BlockPacket): Buffer {
  return block(6, packetBody(packet, long(packet.interface ?? 0, packet.order ?? 'le')), packet);
}

export function obsoletePacket(packet: BlockPacket): Buffer {
  const order = packet.order ?? 'le';
  const id = Buffer.concat([short(packet.interface ?? 0, order), short(7, order)]);
  return block(2, packetBody(packet, id), packet);
}

export function simplePacket(packet: BlockPacket): Buffer {
  const original = packet.original ?? packet.octets.length;
  return block(3, Buffer.concat([long(original, packet.order ?? 'le'), packet.octets]), packet);
}

/** One packet as the listener heard it, copied. */
export interface HeardPacket {
  frame: number;
  linkType: number;
  us: number;
  ns: number;
  digits: number;
  originalLength: number;
  octets: string;
}

export function heard(packet: CapturedPacket): HeardPacket {
  const { frame, linkType, us, ns, digits, originalLength, octets, start, end } = packet;
  return { frame, linkType, us, ns, digits, originalLength, octets: octets.toString('hex', start, end) };
}

/** A listener that copies what it hears. */
export class Listening implements PacketListener {
  readonly packets: HeardPacket[] = [];

  packet(packet: CapturedPacket): void {
    this.packets.push(heard(packet));
  }
}

/** Pushes the pieces through a reader: what was heard, and what it says at the end. */
export function readPieces(pieces: Iterable<Buffer>): { packets: HeardPacket[]; facts: CaptureFacts } {
  const listening = new Listening();
  const reader = new CaptureReader(listening);
  for (const piece of pieces) reader.push(piece);
  return { packets: listening.packets, facts: reader.end() };
}

export function readWhole(octets: Buffer): { packets: HeardPacket[]; facts: CaptureFacts } {
  return readPieces([octets]);
}
