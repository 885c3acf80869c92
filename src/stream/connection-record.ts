import type { Timestamp } from '../capture/timestamp.js';
import { type AddressTable, addressText } from '../wire/address.js';
import type { ConnectionFacts } from './connection-facts.js';
import { NOTHING_ODD, type Oddities, readOddities, timestamp, writeOddities } from './connection-oddities.js';
import {
  CLOSE_REASONS,
  type ClosedConnection,
  type CloseReason,
  type Direction,
  type Endpoint,
  type Gap,
  type NumberSink,
  type NumberSource,
  type Overlap,
} from './event.js';
import { type ServerClose, type TcpFacts, unpackOffer } from './tcp-facts.js';

/** Of the first octet; why the connection was closed stands above them. */
const IPV6 = 1 << 0;
const MIDSTREAM = 1 << 1;
const SYN_SEEN = 1 << 2;
const HAS_ODDITIES = 1 << 3;
const CLOSED_SHIFT = 4;

/**
 * Writes what is known of a closed connection, so that anybody can read it: another thread has no table of addresses.
 *
 * ```
 * flags and close reason | addresses, ports | times | frames | packets, acknowledged octets, for each direction |
 * offers, stacks | [what is odd]
 * ```
 *
 * Frames are distances from the first frame, 0 for none. All of it takes some 60 octets. The price of readable
 * addresses is 16 octets for each of IPv6.
 */
export function writeConnection(
  connection: ConnectionFacts,
  sink: NumberSink,
  addresses: AddressTable,
): void {
  const { firstFrame, startUs, startFine, endUs, endFine, family, ports, synSeen, synAckSeen } = connection;
  const oddities = connection.oddities();
  sink.octet(
    (family === 6 ? IPV6 : 0) |
      (connection.midstream ? MIDSTREAM : 0) |
      (synSeen ? SYN_SEEN : 0) |
      (oddities ? HAS_ODDITIES : 0) |
      (CLOSE_REASONS.indexOf(connection.closed) << CLOSED_SHIFT),
  );
  for (const word of addresses.words(family, connection.clientAddress)) sink.number(word);
  for (const word of addresses.words(family, connection.serverAddress)) sink.number(word);
  sink.number(ports >>> 16);
  sink.number(ports & 0xffff);
  sink.time(startUs, 0);
  sink.number(startFine);
  sink.time(endUs, startUs);
  sink.number(endFine);
  sink.number(firstFrame);
  for (const frame of [
    connection.lastFrame,
    connection.clientFinFrame,
    connection.serverFinFrame,
    connection.clientRstFrame,
    connection.serverRstFrame,
    connection.synAckFrame,
    connection.serverFrame,
  ]) {
    writeFrame(frame, firstFrame, sink);
  }
  sink.number(connection.clientPackets);
  sink.number(connection.serverPackets);
  sink.signed(connection.acknowledged('client'));
  sink.signed(connection.acknowledged('server'));
  sink.signed(connection.clientOffset);
  sink.number(connection.clientOffer);
  sink.number(connection.serverOffer);
  sink.number(connection.clientHopLimit + 1);
  sink.number(connection.serverHopLimit + 1);
  if (synSeen) {
    sink.number(connection.clientIsn);
    sink.number(connection.clientTsval >>> 0);
  }
  if (synAckSeen) {
    sink.number(connection.serverIsn);
    sink.number(connection.serverTsval >>> 0);
  }
  sink.time(connection.handshakeUs, 0);
  sink.signed(connection.serverMs);
  if (connection.serverFinFrame !== 0) sink.time(connection.serverFinUs, 0);
  if (oddities) writeOddities(oddities, sink);
}

/** A closed connection as `writeConnection` has written it. */
export class ConnectionRecord implements ClosedConnection, TcpNumbers {
  readonly closed: CloseReason;
  readonly client: Endpoint;
  readonly server: Endpoint;
  readonly start: Timestamp | null;
  readonly end: Timestamp | null;
  readonly firstFrame: number;
  readonly lastFrame: number;
  readonly midstream: boolean;
  readonly synSeen: boolean;
  readonly clientPackets: number;
  readonly serverPackets: number;
  readonly clientFinFrame: number;
  readonly serverFinFrame: number;
  readonly clientRstFrame: number;
  readonly serverRstFrame: number;
  readonly startUs: number;
  readonly endUs: number;
  readonly synAckFrame: number;
  readonly serverFrame: number;
  readonly #clientAcknowledged: number;
  readonly #serverAcknowledged: number;
  readonly clientOffset: number;
  readonly clientOffer: number;
  readonly serverOffer: number;
  readonly clientHopLimit: number;
  readonly serverHopLimit: number;
  readonly clientIsn: number = 0;
  readonly clientTsval: number = 0;
  readonly serverIsn: number = 0;
  readonly serverTsval: number = 0;
  readonly handshakeUs: number;
  readonly serverMs: number;
  readonly serverFinUs: number = 0;
  readonly #oddities: Oddities;

  /** @param index  the connection's place in its capture, which is not written */
  constructor(
    source: NumberSource,
    readonly index: number,
  ) {
    const flags = source.octet();
    const family = (flags & IPV6) === 0 ? 4 : 6;
    this.closed = CLOSE_REASONS[flags >> CLOSED_SHIFT] ?? 'limit';
    this.midstream = (flags & MIDSTREAM) !== 0;
    this.synSeen = (flags & SYN_SEEN) !== 0;
    const client = readAddress(family, source);
    const server = readAddress(family, source);
    this.client = { address: client, port: source.number() };
    this.server = { address: server, port: source.number() };
    this.startUs = source.time(0);
    this.start = timestamp(this.startUs, source.number());
    this.endUs = source.time(this.startUs);
    this.end = timestamp(this.endUs, source.number());
    const firstFrame = source.number();
    this.firstFrame = firstFrame;
    this.lastFrame = readFrame(firstFrame, source);
    this.clientFinFrame = readFrame(firstFrame, source);
    this.serverFinFrame = readFrame(firstFrame, source);
    this.clientRstFrame = readFrame(firstFrame, source);
    this.serverRstFrame = readFrame(firstFrame, source);
    this.synAckFrame = readFrame(firstFrame, source);
    this.serverFrame = readFrame(firstFrame, source);
    this.clientPackets = source.number();
    this.serverPackets = source.number();
    this.#clientAcknowledged = source.signed();
    this.#serverAcknowledged = source.signed();
    this.clientOffset = source.signed();
    this.clientOffer = source.number();
    this.serverOffer = source.number();
    this.clientHopLimit = source.number() - 1;
    this.serverHopLimit = source.number() - 1;
    if (this.synSeen) {
      this.clientIsn = source.number();
      this.clientTsval = source.number();
    }
    if (this.synAckSeen) {
      this.serverIsn = source.number();
      this.serverTsval = source.number();
    }
    this.handshakeUs = source.time(0);
    this.serverMs = source.signed();
    if (this.serverFinFrame !== 0) this.serverFinUs = source.time(0);
    this.#oddities = flags & HAS_ODDITIES ? readOddities(source) : NOTHING_ODD;
  }

  get synAckSeen(): boolean {
    return this.synAckFrame !== 0;
  }

  get gaps(): readonly Gap[] {
    return this.#oddities.gaps;
  }

  get gapCount(): number {
    return this.#oddities.gapCount;
  }

  get overlaps(): readonly Overlap[] {
    return this.#oddities.overlaps;
  }

  get overlapCount(): number {
    return this.#oddities.overlapCount;
  }

  acknowledged(direction: Direction): number {
    return direction === 'client' ? this.#clientAcknowledged : this.#serverAcknowledged;
  }

  get tcp(): TcpFacts {
    return tcpFacts(this, this.#oddities);
  }
}

/** The numbers of a connection that its `TcpFacts` are made of, beside what a `ClosedConnection` shows. */
export interface TcpNumbers {
  /** Of its first and its last packet; NaN where that has no time. */
  readonly startUs: number;
  readonly endUs: number;
  /** 0: there is none. */
  readonly synAckFrame: number;
  /** Frame of the server's newest packet, and milliseconds from the first packet to it. */
  readonly serverFrame: number;
  readonly serverMs: number;
  /** Microseconds from the first packet to the server's FIN. */
  readonly serverFinUs: number;
  /** Microseconds from the first packet to the SYN-ACK; -1: not known. */
  readonly handshakeUs: number;
  /** Stream offset of the client behind all that was captured. */
  readonly clientOffset: number;
  /** As `packOffer` packs them. */
  readonly clientOffer: number;
  readonly serverOffer: number;
  /** -1: not known. */
  readonly clientHopLimit: number;
  readonly serverHopLimit: number;
  /** Initial sequence numbers as unsigned, and TSval as 32 bits, 0 for none. They mean something where a SYN or SYN-ACK was seen. */
  readonly clientIsn: number;
  readonly clientTsval: number;
  readonly serverIsn: number;
  readonly serverTsval: number;
}

/** What rules see of TCP, whether the connection itself is asked or was read from its record. */
export function tcpFacts(
  connection: Omit<ClosedConnection, 'tcp'> & TcpNumbers,
  oddities: Oddities | null,
): TcpFacts {
  const { synSeen, synAckSeen } = connection;
  const { syns, foreign, foreignCount, oversize, oversizeCount, sack, unfitResets } = oddities ?? NOTHING_ODD;
  const { resent, resentCount, selected, lost, forgedResets, foreignReset, returned } =
    oddities ?? NOTHING_ODD;
  return {
    clientPackets: connection.clientPackets,
    serverPackets: connection.serverPackets,
    clientOffer: unpackOffer(connection.clientOffer),
    serverOffer: unpackOffer(connection.serverOffer),
    synCount: syns?.count ?? (synSeen ? 1 : 0),
    lastSynFrame: syns?.frame ?? (synSeen ? connection.firstFrame : 0),
    lastSynTime: syns ? syns.time : synSeen ? connection.start : null,
    synAckFrame: connection.synAckFrame || null,
    clientResetFrame: connection.clientRstFrame || null,
    serverResetFrame: connection.serverRstFrame || null,
    handshakeUs: syns || connection.handshakeUs < 0 ? null : connection.handshakeUs,
    clientIsn: synSeen ? connection.clientIsn : null,
    serverIsn: synAckSeen ? connection.serverIsn : null,
    clientTsval: synSeen && connection.clientTsval !== 0 ? connection.clientTsval >>> 0 : null,
    serverTsval: synAckSeen && connection.serverTsval !== 0 ? connection.serverTsval >>> 0 : null,
    clientHopLimit: connection.clientHopLimit < 0 ? null : connection.clientHopLimit,
    serverHopLimit: connection.serverHopLimit < 0 ? null : connection.serverHopLimit,
    serverLastFrame: connection.serverFrame,
    serverLastUs: connection.startUs + connection.serverMs * 1000,
    serverClose: serverClose(connection),
    clientAcknowledged: connection.acknowledged('client'),
    serverAcknowledged: connection.acknowledged('server'),
    clientEnd: connection.clientOffset,
    foreign,
    foreignCount,
    oversize,
    oversizeCount,
    sack,
    unfitResets,
    resent,
    resentCount,
    selected,
    lost,
    forgedResets,
    foreignReset,
    returned,
  };
}

function serverClose({
  startUs,
  endUs,
  serverFinUs,
  serverFinFrame,
  serverRstFrame,
}: Omit<ClosedConnection, 'tcp'> & TcpNumbers): ServerClose | null {
  if (serverFinFrame !== 0) return { frame: serverFinFrame, us: startUs + serverFinUs, reset: false };
  // Nothing is taken in after a reset: it is the last packet.
  return serverRstFrame === 0 ? null : { frame: serverRstFrame, us: endUs, reset: true };
}

function readAddress(family: 4 | 6, source: NumberSource): string {
  const words = [source.number(), 0, 0, 0];
  if (family === 6) for (let index = 1; index < 4; index++) words[index] = source.number();
  return addressText(family, words);
}

function writeFrame(frame: number, firstFrame: number, sink: NumberSink): void {
  sink.number(frame === 0 ? 0 : frame - firstFrame + 1);
}

function readFrame(firstFrame: number, source: NumberSource): number {
  const distance = source.number();
  return distance === 0 ? 0 : distance + firstFrame - 1;
}
