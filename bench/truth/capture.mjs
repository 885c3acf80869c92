/** A tap on the path, and what becomes of its packets in a capture file. */
import { block } from '../packets.mjs';
import { ethernet, ipOctets } from './packet.mjs';

/** What a capture can lack. `complete` is the plain one; a variant names what differs. */
export const COMPLETE = {
  format: 'pcap',
  nanoseconds: false,
  vlan: null,
  snapLength: 262_144,
  /** Records nothing before and nothing after these times (microseconds). */
  fromUs: Number.NEGATIVE_INFINITY,
  untilUs: Number.POSITIVE_INFINITY,
  /** `client` or `server`: only packets that this side sent. */
  only: null,
  /** How many packets in a hundred the capture itself misses. */
  lossPercent: 0,
  /** A mirror port that hands over each packet twice. */
  doubled: false,
  /** The side whose checksums its network card fills in later; the tap stands on that machine. */
  offload: null,
};

/** One place on the path. It notes every packet that passes; `record` then decides what the file holds. */
export class Tap {
  constructor(name) {
    this.name = name;
    this.passed = [];
  }

  note(atUs, packet, fromClient, connection) {
    this.passed.push({ atUs, packet, fromClient, connection });
  }
}

/**
 * What the capture at a tap holds.
 *
 * @returns `records` (in order of time), and per connection the time of the first packet that is missing or cut short
 */
export function record(taps, condition, random) {
  const records = [];
  const missing = new Map();
  for (const tap of taps) {
    for (const noted of tap.passed) {
      const { atUs, packet, fromClient, connection } = noted;
      const side = fromClient ? 'client' : 'server';
      const absent =
        atUs < condition.fromUs ||
        atUs > condition.untilUs ||
        (condition.only !== null && condition.only !== side) ||
        (condition.lossPercent > 0 && random.next() * 100 < condition.lossPercent);
      const size = 54 + packet.payload.length;
      if (absent || size > condition.snapLength) {
        if (!missing.has(connection) || missing.get(connection) > atUs) missing.set(connection, atUs);
      }
      if (absent) continue;
      records.push(noted);
      if (condition.doubled) records.push({ ...noted, atUs: atUs + 3 });
    }
  }
  records.sort((one, other) => one.atUs - other.atUs);
  return { records, missing };
}

/** The octets of a capture file. */
export function fileOf(records, condition) {
  const pieces = [condition.format === 'pcapng' ? sectionOf(condition) : pcapHeader(condition)];
  for (const { atUs, packet, fromClient } of records) {
    const checksums = condition.offload !== (fromClient ? 'client' : 'server');
    const frame = ethernet(ipOctets(packet, checksums), condition.vlan);
    const kept = frame.subarray(0, condition.snapLength);
    pieces.push(
      condition.format === 'pcapng'
        ? enhanced(atUs, frame.length, kept, condition)
        : classic(atUs, frame.length, kept, condition),
    );
  }
  return Buffer.concat(pieces);
}

function pcapHeader({ nanoseconds, snapLength }) {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(snapLength, 16);
  header.writeUInt32LE(1, 20);
  return header;
}

function classic(atUs, length, kept, { nanoseconds }) {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(Math.floor(atUs / 1e6), 0);
  header.writeUInt32LE((atUs % 1e6) * (nanoseconds ? 1000 : 1), 4);
  header.writeUInt32LE(kept.length, 8);
  header.writeUInt32LE(length, 12);
  return Buffer.concat([header, kept]);
}

function sectionOf({ nanoseconds, snapLength }) {
  const section = Buffer.alloc(16, 0xff);
  section.writeUInt32LE(0x1a2b3c4d, 0);
  section.writeUInt32LE(1, 4);
  const description = Buffer.alloc(nanoseconds ? 20 : 8);
  description.writeUInt16LE(1, 0);
  description.writeUInt32LE(snapLength, 4);
  if (nanoseconds) {
    description.writeUInt16LE(9, 8); // if_tsresol
    description.writeUInt16LE(1, 10);
    description[12] = 9;
  }
  return Buffer.concat([block(0x0a0d0d0a, section), block(1, description)]);
}

function enhanced(atUs, length, kept, { nanoseconds }) {
  const body = Buffer.alloc(20 + ((kept.length + 3) & ~3));
  const time = BigInt(atUs) * (nanoseconds ? 1000n : 1n);
  body.writeUInt32LE(Number(time >> 32n), 4);
  body.writeUInt32LE(Number(time & 0xffffffffn), 8);
  body.writeUInt32LE(kept.length, 12);
  body.writeUInt32LE(length, 16);
  kept.copy(body, 20);
  return block(6, body);
}
