/** What one packet of the file is. Octets are those of the link layer, as captured. */
export interface PacketRecord {
  readonly linkType: number;
  readonly us: number;
  readonly ns: number;
  /** Decimal digits of a second that its capture records. */
  readonly digits: number;
  readonly octets: Uint8Array;
  readonly originalLength: number;
  readonly comment: string;
  /** Interface on which it came by, by name; absent: it has none. */
  readonly interfaceName?: string;
}

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

const OPT_END = 0;
const OPT_COMMENT = 1;
const SHB_USERAPPL = 4;
const IF_NAME = 2;
const IF_TSRESOL = 9;

/** An option's length has 16 bits; a comment longer than this nobody reads. */
const MAX_TEXT_OCTETS = 8000;

/**
 * A pcapng file of one section, little endian, with one interface for each name, link type and time resolution among its
 * packets. The same packets give the same octets. draft-ietf-opsawg-pcapng §4.
 *
 * A packet without a time stands at the time of the one in front of it: the format has no other way to say so beside
 * a comment.
 */
export function pcapngFile(packets: readonly PacketRecord[], comment: string, application: string): Buffer {
  const interfaces: Interface[] = [];
  const blocks: Buffer[] = [];
  let ticks = 0n;
  for (const packet of packets) {
    const digits = Math.min(9, Math.max(0, packet.digits));
    const { linkType, interfaceName: name = null } = packet;
    let id = interfaces.findIndex(
      (one) => one.linkType === linkType && one.digits === digits && one.name === name,
    );
    if (id < 0) id = interfaces.push({ linkType, digits, name }) - 1;
    const nanoseconds = Number.isFinite(packet.us) ? BigInt(packet.us) * 1000n + BigInt(packet.ns) : ticks;
    ticks = nanoseconds < 0n ? 0n : nanoseconds;
    blocks.push(enhancedPacket(packet, id, ticks / 10n ** BigInt(9 - digits)));
  }
  return Buffer.concat([
    sectionHeader(comment, application),
    ...interfaces.map(interfaceDescription),
    ...blocks,
  ]);
}

function sectionHeader(comment: string, application: string): Buffer {
  const fixed = Buffer.alloc(16, 0xff); // the section's length: not specified
  fixed.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
  fixed.writeUInt16LE(1, 4);
  fixed.writeUInt16LE(0, 6);
  return block(SECTION_HEADER, [
    fixed,
    option(OPT_COMMENT, utf8(comment)),
    option(SHB_USERAPPL, utf8(application)),
    option(OPT_END),
  ]);
}

interface Interface {
  readonly linkType: number;
  readonly digits: number;
  readonly name: string | null;
}

function interfaceDescription({ linkType, digits, name }: Interface): Buffer {
  const fixed = Buffer.alloc(8); // snaplen 0: no limit
  fixed.writeUInt16LE(linkType, 0);
  return block(INTERFACE_DESCRIPTION, [
    fixed,
    ...(name === null ? [] : [option(IF_NAME, utf8(name))]),
    option(IF_TSRESOL, Buffer.from([digits])),
    option(OPT_END),
  ]);
}

function enhancedPacket(packet: PacketRecord, id: number, ticks: bigint): Buffer {
  const fixed = Buffer.alloc(20);
  fixed.writeUInt32LE(id, 0);
  fixed.writeUInt32LE(Number((ticks >> 32n) & 0xffffffffn), 4);
  fixed.writeUInt32LE(Number(ticks & 0xffffffffn), 8);
  fixed.writeUInt32LE(packet.octets.length, 12);
  fixed.writeUInt32LE(Math.min(0xffffffff, Math.max(packet.originalLength, packet.octets.length)), 16);
  return block(ENHANCED_PACKET, [
    fixed,
    padded(packet.octets),
    option(OPT_COMMENT, utf8(packet.comment)),
    option(OPT_END),
  ]);
}

function block(type: number, parts: readonly Uint8Array[]): Buffer {
  const total = parts.reduce((sum, part) => sum + part.length, 12);
  const ends = Buffer.alloc(12);
  ends.writeUInt32LE(type, 0);
  ends.writeUInt32LE(total, 4);
  ends.writeUInt32LE(total, 8);
  return Buffer.concat([ends.subarray(0, 8), ...parts, ends.subarray(8)]);
}

function option(code: number, value: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(code, 0);
  head.writeUInt16LE(value.length, 2);
  return Buffer.concat([head, padded(value)]);
}

/** Blocks and options end on a boundary of 32 bits. */
function padded(octets: Uint8Array): Buffer {
  return Buffer.concat([octets, Buffer.alloc(-octets.length & 3)]);
}

/** Never cut inside a character. */
function utf8(text: string): Buffer {
  const octets = Buffer.from(text, 'utf8');
  if (octets.length <= MAX_TEXT_OCTETS) return octets;
  let end = MAX_TEXT_OCTETS;
  while ((octets[end]! & 0xc0) === 0x80) end--;
  return Buffer.concat([octets.subarray(0, end), Buffer.from('...')]);
}
