import { CapturedPacket, type PacketListener } from '../capture/packet.js';
import { PacketReader, segmentReader } from '../reading/packet-reader.js';
import type { SmtpSession } from '../smtp/session.js';
import type { ConnectionView, StreamListener } from '../stream/event.js';
import { tcpChecksum } from '../wire/checksum.js';
import { FIN, RST, SYN, type TcpSegment } from '../wire/segment.js';
import { ReadableSession } from './readable.js';
import type { StoredPacket } from './stored-packet.js';

/** Packets of its dialogue that are kept of one session, and of the end of its mail data. */
const MAX_DIALOGUE = 2000;
const BULK_TAIL = 64;

/** Octets of packets that are kept of all sessions of a run, and of what may be shown of their messages. */
export const MAX_STORED_OCTETS = 64 << 20;

const DEAF: StreamListener = { chunk: () => {}, gap: () => {}, closed: () => {} };

/** A session whose packets are collected. */
export class SessionPackets {
  readonly readable: ReadableSession;
  private readonly dialogue: StoredPacket[] = [];
  private readonly bulk: StoredPacket[] = [];
  private readonly tail: StoredPacket[] = [];
  private sorted: readonly StoredPacket[] | null = null;
  /** Packets of it that are not kept. */
  left = 0;
  /** Packets of it that came in IP fragments: they cannot be overwritten in place. */
  fragmented = 0;

  constructor(
    readonly session: SmtpSession,
    budget: { octets: number },
    /** Packets of mail data that are kept from the first on. */
    private readonly maxBulk: number,
  ) {
    this.readable = new ReadableSession(session, budget);
  }

  /** In the order of the capture. */
  get packets(): readonly StoredPacket[] {
    this.sorted ??= [...this.dialogue, ...this.bulk, ...this.tail].sort((a, b) => a.frame - b.frame);
    return this.sorted;
  }

  /** @param proves  it is evidence, and kept in any case */
  add(packet: StoredPacket, proves: boolean): void {
    this.sorted = null;
    if (proves || !this.isBulk(packet)) {
      if (proves || this.dialogue.length < MAX_DIALOGUE) this.dialogue.push(packet);
      else this.left++;
    } else if (this.bulk.length < this.maxBulk) this.bulk.push(packet);
    else {
      this.tail.push(packet);
      if (this.tail.length <= BULK_TAIL) return;
      this.tail.shift();
      this.left++;
    }
  }

  /** Mail data, and acknowledgements of it: most of most sessions. */
  isBulk({ start, end, flags, direction, offset }: StoredPacket): boolean {
    if ((flags & (SYN | FIN | RST)) !== 0) return false;
    if (start === end) return true;
    return direction === 'client' && offset !== null && this.readable.isMail(offset, offset + end - start);
  }
}

/**
 * Reads a capture a second time and keeps the packets of some of its sessions.
 *
 * It finds connections as the analysis did.
 */
export class PacketCollector implements PacketListener {
  /** The last packet of any session, once the capture ended: how far the capture goes. */
  last: StoredPacket | null = null;
  private readonly reader: PacketReader;
  /** Heard when there is nothing more to collect. */
  readonly enough = new AbortController();
  private packetNow: CapturedPacket | null = null;
  /** A copy: which one is the last is known afterwards. */
  private readonly newest = new CapturedPacket();

  /**
   * @param wanted  by the first frame of their connection
   * @param proofs  frames that are evidence
   * @param lastFrame  the analysis read no further: the file may have grown since
   * @param budget  octets that may yet be kept, of all captures
   */
  constructor(
    private readonly capture: number,
    private readonly ports: readonly number[],
    private readonly wanted: ReadonlyMap<number, SessionPackets>,
    private readonly proofs: ReadonlySet<number>,
    private readonly lastFrame: number,
    private readonly budget: { octets: number },
  ) {
    const opened = ({ firstFrame }: ConnectionView): StreamListener =>
      this.wanted.get(firstFrame)?.readable ?? DEAF;
    const segment = (s: TcpSegment, connection: ConnectionView | null) => this.segment(s, connection);
    this.reader = new PacketReader({ ports, connections: { opened }, segment });
  }

  packet(packet: CapturedPacket): void {
    if (packet.frame > this.lastFrame) {
      this.enough.abort();
      return;
    }
    this.packetNow = packet;
    this.reader.packet(packet);
  }

  end(): void {
    this.reader.end();
    const { newest } = this;
    if (newest.frame === 0) return;
    const store = (segment: TcpSegment) => {
      this.last = this.stored(newest, segment, null, null);
    };
    segmentReader(this.ports, store, this.reader.addresses).packet(newest);
  }

  private segment(segment: TcpSegment, connection: ConnectionView | null): void {
    const packet = this.packetNow!;
    const found = connection === null ? undefined : this.wanted.get(connection.firstFrame);
    if (segment.octets !== packet.octets) {
      if (found) found.fragmented++;
      return;
    }
    this.remember(packet);
    if (!found) return;
    const proves = this.proofs.has(packet.frame);
    const length = packet.end - packet.start;
    if (this.budget.octets < length && !proves) {
      found.left++;
      return;
    }
    this.budget.octets -= length;
    found.add(this.stored(packet, segment, connection, found.session.id), proves);
  }

  private remember(packet: CapturedPacket): void {
    const { newest } = this;
    const length = packet.end - packet.start;
    if (newest.octets.length < length) newest.octets = Buffer.alloc(length * 2);
    packet.octets.copy(newest.octets, 0, packet.start, packet.end);
    newest.end = length;
    newest.originalLength = packet.originalLength;
    newest.frame = packet.frame;
    newest.linkType = packet.linkType;
    newest.us = packet.us;
    newest.ns = packet.ns;
    newest.digits = packet.digits;
  }

  private stored(
    packet: CapturedPacket,
    segment: TcpSegment,
    connection: ConnectionView | null,
    session: string | null,
  ): StoredPacket {
    const { frame, linkType, us, ns, digits, originalLength, start, end } = packet;
    const { flags } = segment;
    const isClient = connection !== null && this.isFromClient(segment, connection);
    const direction = isClient ? 'client' : 'server';
    const seq = (flags & SYN) === 0 ? segment.seq : segment.seq + 1;
    return {
      capture: this.capture,
      frame,
      linkType,
      us,
      ns,
      digits,
      originalLength,
      octets: Buffer.from(packet.octets.subarray(start, end)),
      tcpStart: segment.tcpStart - start,
      start: segment.start - start,
      end: segment.end - start,
      flags,
      checksum: tcpChecksum(segment, this.reader.addresses),
      session,
      direction,
      offset: connection?.streamOffset(direction, seq) ?? null,
    };
  }

  private isFromClient(segment: TcpSegment, { client }: ConnectionView): boolean {
    const family = segment.family === 6 ? 6 : 4;
    return (
      segment.sourcePort === client.port &&
      this.reader.addresses.text(family, segment.source) === client.address
    );
  }
}
