import { closeSync, mkdirSync, openSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { CapturedPacket } from '../capture/packet.js';
import type { TableHealth } from '../live/watch.js';
import { cannotWrite, UsageError } from './usage-error.js';

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const SNAPLEN = 262_144;
/** Seconds of pcap are 32 bits. */
const MAX_US = 2 ** 32 * 1e6;
/** Octets that wait for a write; it never waits longer than until the next `flush`. */
const BUFFER = 256 << 10;
/** Names that are taken are passed over, so many at a time. */
const MAX_TAKEN = 100_000;

/** How much of the packets is kept. */
export interface RingSize {
  readonly octets: number;
  readonly files: number;
}

export const DEFAULT_RING: RingSize = { octets: 100e6, files: 10 };

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1e3, M: 1e6, G: 1e9 };

/**
 * `100MB,10`: ten files of 100 MB.
 *
 * @throws UsageError
 */
export function ringSize(text: string): RingSize {
  const match = /^(\d{1,9})([KMG]?)B?(?:,(\d{1,5}))?$/i.exec(text);
  const octets = match ? Number(match[1]) * UNITS[match[2]!.toUpperCase()]! : 0;
  const files = Number(match?.[3] ?? DEFAULT_RING.files);
  if (octets < 64e3 || octets > 100e9 || files < 1) {
    throw new UsageError(
      `--ring is a size of 64KB to 100GB and a number of files such as 100MB,10, not '${text}'.`,
    );
  }
  return { octets, files };
}

/**
 * Keeps the newest packets in files of pcap, a ring of them.
 *
 * No file that was there before is overwritten, and none is removed but its own. When it cannot write it says so once and stops: the
 * watch goes on without it.
 */
export class PacketRing {
  /** Packets that could not be kept. */
  lost = 0;
  private readonly own: string[] = [];
  private descriptor = -1;
  private written = 0;
  private number = 0;
  private linkType = -1;
  private nanoseconds = false;
  private buffer = Buffer.allocUnsafe(BUFFER);
  private filled = 0;
  private failed = false;

  /**
   * @param stamp  goes into the names: the time when the watch began
   * @throws UsageError when the directory cannot be
   */
  constructor(
    private readonly directory: string,
    private readonly size: RingSize,
    private readonly stamp: string,
    private readonly say: (line: string) => void,
  ) {
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      if (!statSync(directory).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
    } catch (error) {
      throw cannotWrite(directory, error, 'packets');
    }
  }

  /** How many files there are, and how many packets are in none. */
  get health(): TableHealth {
    return { name: 'packet files', used: this.own.length, limit: this.size.files, dropped: this.lost };
  }

  packet(packet: CapturedPacket): void {
    if (this.failed) {
      this.lost++;
      return;
    }
    const captured = packet.end - packet.start;
    const record = RECORD_HEADER + captured;
    const otherKind = packet.linkType !== this.linkType || packet.digits > 6 !== this.nanoseconds;
    if (this.descriptor < 0 || otherKind || this.written + this.filled + record > this.size.octets) {
      this.begin(packet);
      if (this.failed) {
        this.lost++;
        return;
      }
    }
    if (this.filled + record > this.buffer.length) this.flush();
    if (record > this.buffer.length) this.buffer = Buffer.allocUnsafe(record);
    this.put(packet, captured);
  }

  /** What was handed in is in the file. */
  flush(): void {
    if (this.filled === 0 || this.failed) return;
    const { filled } = this;
    this.filled = 0;
    try {
      for (let at = 0; at < filled; ) at += writeSync(this.descriptor, this.buffer, at, filled - at);
      this.written += filled;
    } catch (error) {
      this.fail(error);
    }
  }

  close(): void {
    this.flush();
    if (this.descriptor >= 0) closeSync(this.descriptor);
    this.descriptor = -1;
  }

  private begin(packet: CapturedPacket): void {
    this.close();
    if (this.failed) return;
    this.linkType = packet.linkType;
    this.nanoseconds = packet.digits > 6;
    try {
      this.descriptor = this.openNext();
      while (this.own.length > this.size.files) unlinkSync(this.own.shift()!);
    } catch (error) {
      this.fail(error);
      return;
    }
    const header = this.buffer;
    header.fill(0, 0, FILE_HEADER);
    header.writeUInt32LE(this.nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, 0);
    header.writeUInt16LE(2, 4);
    header.writeUInt16LE(4, 6);
    header.writeUInt32LE(SNAPLEN, 16);
    header.writeUInt32LE(this.linkType, 20);
    this.filled = FILE_HEADER;
    this.written = 0;
  }

  private openNext(): number {
    for (let tries = 0; ; tries++) {
      const name = `mailwitness-${this.stamp}-${String(++this.number).padStart(5, '0')}.pcap`;
      const path = join(this.directory, name);
      try {
        const descriptor = openSync(path, 'wx', 0o600);
        this.own.push(path);
        return descriptor;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || tries >= MAX_TAKEN) throw error;
      }
    }
  }

  private put(packet: CapturedPacket, captured: number): void {
    const { buffer } = this;
    const at = this.filled;
    // A damaged pcapng can give any time, also one that pcap has no room for.
    const us = packet.us >= 0 && packet.us < MAX_US ? packet.us : 0;
    const seconds = Math.floor(us / 1e6);
    const fraction = us - seconds * 1e6;
    buffer.writeUInt32LE(seconds >>> 0, at);
    buffer.writeUInt32LE(this.nanoseconds ? fraction * 1000 + packet.ns : fraction, at + 4);
    buffer.writeUInt32LE(captured, at + 8);
    buffer.writeUInt32LE(Math.min(packet.originalLength, 0xffffffff), at + 12);
    packet.octets.copy(buffer, at + RECORD_HEADER, packet.start, packet.end);
    this.filled = at + RECORD_HEADER + captured;
  }

  private fail(error: unknown): void {
    this.failed = true;
    this.filled = 0;
    const { message } = cannotWrite(this.directory, error, 'packets');
    this.say(`${message} Packets are kept no longer, the watch goes on: make room and start it again.`);
    try {
      if (this.descriptor >= 0) closeSync(this.descriptor);
    } catch {
      // It could not be written: that was said.
    }
    this.descriptor = -1;
  }
}
