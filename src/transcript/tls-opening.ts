import { crc32 } from '../platform/platform.js';
import type { TlsFlight } from '../smtp/session.js';
import { isTlsRecord, TLS_HEADER_OCTETS } from '../smtp/tls-record.js';
import type { ConnectionView, StreamChunk } from '../stream/event.js';
import { CHECKSUMS, type Checksum } from '../wire/segment.js';
import type { TranscriptReader, TranscriptStore } from './transcript.js';
import { type Origin, readTime, stageTime, TLS } from './transcript-event.js';

const SENT_BY_CLIENT = 1 << 3;
const SENT_BY_SERVER = 1 << 4;

/** What one side sends from a place of its stream on: the head of a record, how much in all, and a sum of it. */
class OpenFlight {
  head = '';
  /** Stream offset behind its last octet. */
  end: number;
  frame = 0;
  us = Number.NaN;
  ns = 0;
  digits = 6;
  checksum: Checksum = 'unverifiable';
  /** Packets of the server captured until its first octet. */
  serverPackets = 0;
  crc32 = 0;

  constructor(readonly offset: number) {
    this.end = offset;
  }

  get sent(): boolean {
    return this.end > this.offset;
  }

  /** Takes in what of a chunk lies in it. */
  add(chunk: StreamChunk, connection: ConnectionView): void {
    const end = chunk.offset + chunk.end - chunk.start;
    if (end <= this.end) return;
    const from = chunk.start + Math.max(0, this.end - chunk.offset);
    if (this.head.length < TLS_HEADER_OCTETS) this.addHead(chunk, from, connection);
    this.crc32 = crc32(chunk.octets.subarray(from, chunk.end), this.crc32);
    this.end = end;
  }

  private addHead(chunk: StreamChunk, from: number, connection: ConnectionView): void {
    if (!this.sent) {
      this.frame = chunk.frame;
      this.us = chunk.us;
      this.ns = chunk.ns;
      this.digits = chunk.digits;
      this.serverPackets = connection.serverPackets;
    }
    const to = Math.min(chunk.end, from + TLS_HEADER_OCTETS - this.head.length);
    this.head += chunk.octets.latin1Slice(from, to);
    if (!isTlsRecord(this.head)) this.checksum = chunk.checksum();
  }
}

/**
 * What both sides send after the 220 to STARTTLS, while the connection lasts. Of the octets themselves only those of
 * one record header are kept, for each side.
 */
export class OpenTls {
  /** Made with its first octet. */
  private client: OpenFlight | null = null;
  private readonly server: OpenFlight;

  /** @param serverOffset  stream offset behind the 220 */
  constructor(
    private readonly connection: ConnectionView,
    serverOffset: number,
  ) {
    this.server = new OpenFlight(serverOffset);
  }

  /** @param from  the first octet of the chunk that was sent after STARTTLS */
  fromClient(chunk: StreamChunk, from: number): void {
    this.client ??= new OpenFlight(chunk.offset + from - chunk.start);
    this.client.add(chunk, this.connection);
  }

  fromServer(chunk: StreamChunk): void {
    this.server.add(chunk, this.connection);
  }

  /**
   * Stages what both sides sent.
   *
   * ```
   * TLS   who sent | for each of them: offset, octets, CRC-32, frame, time, checksum, [server packets], head
   * ```
   */
  stage(store: TranscriptStore, origin: Origin): void {
    const { client, server } = this;
    store.octet(TLS | (client ? SENT_BY_CLIENT : 0) | (server.sent ? SENT_BY_SERVER : 0));
    for (const flight of [client, server]) {
      if (!flight?.sent) continue;
      store.number(flight.offset);
      store.number(flight.end - flight.offset);
      store.number(flight.crc32);
      store.signed(flight.frame - origin.frame);
      stageTime(store, flight.us, flight.ns, flight.digits, origin);
      store.octet(CHECKSUMS.indexOf(flight.checksum));
      if (flight === client) store.number(flight.serverPackets);
      store.text(flight.head);
    }
  }
}

/** What both sides sent, as the transcript has it. */
export interface TlsRecord {
  readonly client: TlsFlight | null;
  readonly server: TlsFlight | null;
  /** Packets of the server captured until the client's first octet. */
  readonly serverPackets: number;
}

/** @param flags  the octet in front */
export function readTls(reader: TranscriptReader, flags: number, origin: Origin): TlsRecord {
  let client: TlsFlight | null = null;
  let serverPackets = 0;
  if (flags & SENT_BY_CLIENT) {
    const place = readPlace(reader, origin);
    serverPackets = reader.number();
    client = { ...place, head: reader.text() ?? '' };
  }
  let server: TlsFlight | null = null;
  if (flags & SENT_BY_SERVER) server = { ...readPlace(reader, origin), head: reader.text() ?? '' };
  return { client, server, serverPackets };
}

function readPlace(reader: TranscriptReader, origin: Origin): Omit<TlsFlight, 'head'> {
  const offset = reader.number();
  const octets = reader.number();
  const crc32 = reader.number();
  const frame = origin.frame + reader.signed();
  const time = readTime(reader, origin);
  return { offset, octets, crc32, frame, time, checksum: CHECKSUMS[reader.octet()]! };
}
