import type { CapturedPacket, PacketListener } from '../capture/packet.js';
import { createDecoder } from '../fragment/decoder.js';
import { ConnectionTable, type StreamLimits } from '../stream/connections.js';
import type { ConnectionListener, ConnectionView } from '../stream/event.js';
import { AddressTable } from '../wire/address.js';
import { tcpChecksum } from '../wire/checksum.js';
import type { Decoder } from '../wire/decode.js';
import type { TcpSegment } from '../wire/segment.js';

export interface PacketReaderOptions {
  /** TCP ports on which servers speak. */
  readonly ports: readonly number[];
  readonly connections: ConnectionListener;
  /** Receives each segment of the ports after its connection has taken it in; null: it belongs to none. */
  readonly segment?: (segment: TcpSegment, connection: ConnectionView | null) => void;
  /** Distinct IPv6 addresses that are told apart. */
  readonly addresses?: number;
  readonly limits?: Partial<StreamLimits>;
  /** False: no checksum is computed, and each is `unverifiable`. Default true. */
  readonly checksums?: boolean;
}

/**
 * The floors from packets to connections, joined: whoever reads packets for their streams reads them here.
 *
 * @example
 * const reader = new PacketReader({ ports: [25], connections });
 * await readCapture('mail.pcap', reader);
 * reader.end();
 */
export class PacketReader implements PacketListener {
  readonly addresses: AddressTable;
  readonly table: ConnectionTable;
  private readonly decoder: Decoder;

  constructor({ ports, connections, segment, addresses, limits, checksums = true }: PacketReaderOptions) {
    const known = new AddressTable(addresses);
    const checksum = (s: TcpSegment) => (checksums ? tcpChecksum(s, known) : 'unverifiable');
    const table = new ConnectionTable(connections, known, ports, checksum, limits);
    this.addresses = known;
    this.table = table;
    const listener = segment && { segment: (s: TcpSegment) => segment(s, table.segment(s)) };
    this.decoder = createDecoder(listener ?? table, ports, known);
  }

  /** Packets that are in no connection, by reason. */
  get skipped(): Readonly<Record<string, number>> {
    return this.decoder.skipped;
  }

  packet(packet: CapturedPacket): void {
    this.decoder.packet(packet);
  }

  /** The capture is over: what is open closes. */
  end(): void {
    this.table.end();
  }
}

/** The floors from packets to segments, for who asks nothing of connections. */
export function segmentReader(
  ports: readonly number[],
  segment: (segment: TcpSegment) => void,
  addresses = new AddressTable(),
): PacketListener {
  return createDecoder({ segment }, ports, addresses);
}
