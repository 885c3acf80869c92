/** Captures bent in ways that keep most of their structure: what a flip of random octets would hardly ever reach. */
import { gzipSync } from 'node:zlib';
import { Random } from './perturb.js';

/** What a field that says a length, a number or an offset is set to. */
const WORDS = [
  0, 1, 3, 4, 7, 8, 15, 16, 0x7f, 0x80, 0xff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
];
/** Octets that mean something to the readers above. */
const TOKENS = [
  '\r\n.\r\n',
  '\r\n',
  '\n',
  '\0',
  'X',
  '220 ',
  '250-',
  '250 ',
  '334 ',
  '354 ',
  'EHLO ',
  'AUTH PLAIN ',
  'STARTTLS\r\n',
  'BDAT 4294967295\r\n',
  'BDAT 0 LAST\r\n',
  'DATA\r\n',
  '*',
  '\x1b[2J',
  '--',
  'Content-Type: multipart/mixed; boundary="',
];

interface Piece {
  /** Octets in front of the packet: a record's or block's header. */
  readonly header: Buffer;
  readonly packet: Buffer;
  readonly trailer: Buffer;
}

interface Opened {
  readonly preamble: Buffer;
  readonly pieces: Piece[];
  readonly format: 'pcap' | 'pcapng';
}

/** @returns null: neither a pcap nor a pcapng of this machine's usual byte order */
function opened(octets: Buffer): Opened | null {
  const magic = octets.length >= 24 ? octets.readUInt32LE(0) : 0;
  if (magic === 0xa1b2c3d4 || magic === 0xa1b23c4d) return openedPcap(octets);
  return magic === 0x0a0d0d0a && octets.readUInt32LE(8) === 0x1a2b3c4d ? openedPcapng(octets) : null;
}

function openedPcap(octets: Buffer): Opened {
  const pieces: Piece[] = [];
  for (let at = 24; at + 16 <= octets.length; ) {
    const end = at + 16 + octets.readUInt32LE(at + 8);
    pieces.push({
      header: octets.subarray(at, at + 16),
      packet: octets.subarray(at + 16, end),
      trailer: Buffer.alloc(0),
    });
    at = end;
  }
  return { preamble: octets.subarray(0, 24), pieces, format: 'pcap' };
}

function openedPcapng(octets: Buffer): Opened {
  const pieces: Piece[] = [];
  let at = octets.readUInt32LE(4);
  const preamble = octets.subarray(0, at);
  while (at + 12 <= octets.length) {
    const end = at + octets.readUInt32LE(at + 4);
    const head = octets.readUInt32LE(at) === 6 ? 28 : 8;
    const length = head === 28 ? octets.readUInt32LE(at + 20) : end - at - 12;
    pieces.push({
      header: octets.subarray(at, at + head),
      packet: octets.subarray(at + head, at + head + length),
      trailer: octets.subarray(at + head + length, end),
    });
    at = end;
  }
  return { preamble, pieces, format: 'pcapng' };
}

/**
 * One mutant of a capture, always the same for the same number.
 *
 * @example mutantOf(readFileSync('captures/control-auth.pcap'), 17)
 */
export function mutantOf(original: Buffer, number: number): Buffer {
  const random = new Random(number);
  const capture = opened(original);
  let octets: Buffer;
  if (capture === null || capture.pieces.length === 0 || random.chance(10))
    octets = flipped(original, random);
  else {
    for (let left = 1 + random.int(4); left > 0; left--) bend(capture, random);
    octets = Buffer.concat([
      capture.preamble,
      ...capture.pieces.flatMap(({ header, packet, trailer }) => [header, packet, trailer]),
    ]);
  }
  if (random.chance(8)) octets = octets.subarray(0, random.int(octets.length + 1));
  if (random.chance(8)) octets = flipped(gzipSync(octets, { level: 1 }), random);
  return octets;
}

type Bend = (capture: Opened, random: Random) => void;

const BENDS: readonly Bend[] = [
  // Lengths of records and blocks, interface numbers, times.
  (capture, random) =>
    replace(capture, random, (piece) => ({ ...piece, header: worded(piece.header, random) })),
  (capture, random) =>
    replace(capture, random, (piece) => ({ ...piece, trailer: worded(piece.trailer, random) })),
  // Link, network and transport headers: whatever lies in the first octets of a packet.
  (capture, random) =>
    replace(capture, random, (piece) => ({ ...piece, packet: worded(piece.packet, random, 74) })),
  (capture, random) =>
    replace(capture, random, (piece) => ({ ...piece, packet: flipped(piece.packet, random, 74) })),
  // What was said, at the same length.
  (capture, random) =>
    replace(capture, random, (piece) => ({ ...piece, packet: spoken(piece.packet, random) })),
  (capture, random) =>
    replace(capture, random, (piece) => ({ ...piece, packet: masked(piece.packet, random) })),
  // Order, loss, duplication.
  ({ pieces }, random) => void pieces.splice(random.int(pieces.length), 1 + random.int(4)),
  ({ pieces }, random) =>
    void pieces.splice(random.int(pieces.length), 0, pieces[random.int(pieces.length)]!),
  ({ pieces }, random) => {
    const [a, b] = [random.int(pieces.length), random.int(pieces.length)];
    [pieces[a], pieces[b]] = [pieces[b]!, pieces[a]!];
  },
  ({ pieces }, random) => {
    const from = random.int(pieces.length);
    pieces.splice(from, 0, ...pieces.slice(from, from + 12).reverse());
  },
  // A record that ends early, with a header that says so.
  (capture, random) =>
    replace(capture, random, (piece) => {
      if (capture.format !== 'pcap' || piece.packet.length === 0) return piece;
      const header = Buffer.from(piece.header);
      const length = random.int(piece.packet.length);
      header.writeUInt32LE(length, 8);
      return { ...piece, header, packet: piece.packet.subarray(0, length) };
    }),
];

function bend(capture: Opened, random: Random): void {
  if (capture.pieces.length > 0) BENDS[random.int(BENDS.length)]!(capture, random);
}

function replace({ pieces }: Opened, random: Random, by: (piece: Piece) => Piece): void {
  const index = random.int(pieces.length);
  pieces[index] = by(pieces[index]!);
}

/** A field of 1, 2 or 4 octets, of either byte order, takes an extreme value. */
function worded(octets: Buffer, random: Random, within = octets.length): Buffer {
  const copy = Buffer.from(octets);
  const size = [1, 2, 4][random.int(3)]!;
  const room = Math.min(within, copy.length) - size;
  if (room < 0) return copy;
  const value = WORDS[random.int(WORDS.length)]! >>> 0;
  const at = random.int(room + 1);
  const low = value % 2 ** (8 * size);
  if (random.chance(50)) copy.writeUIntBE(low, at, size);
  else copy.writeUIntLE(low, at, size);
  return copy;
}

function flipped(octets: Buffer, random: Random, within = octets.length): Buffer {
  const copy = Buffer.from(octets);
  const room = Math.min(within, copy.length);
  for (let left = 1 + random.int(6); left > 0 && room > 0; left--)
    copy[random.int(room)]! ^= 1 << random.int(8);
  return copy;
}

/** Words of the protocol written over what was said. */
function spoken(packet: Buffer, random: Random): Buffer {
  const copy = Buffer.from(packet);
  if (copy.length <= 54) return copy;
  copy.write(TOKENS[random.int(TOKENS.length)]!, 54 + random.int(copy.length - 54), 'latin1');
  return copy;
}

function masked(packet: Buffer, random: Random): Buffer {
  const copy = Buffer.from(packet);
  if (copy.length <= 54) return copy;
  const from = 54 + random.int(copy.length - 54);
  copy.fill('*X\0\r\n\xff'.charCodeAt(random.int(6)), from, from + 1 + random.int(copy.length - from));
  return copy;
}
