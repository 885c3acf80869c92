import { type CapturedPacket, LinkType, type PacketListener } from '../capture/packet.js';
import { type ReadCapture, readCapture } from '../capture/source.js';
import { segmentReader } from '../reading/packet-reader.js';
import { ACK, SYN, type TcpSegment } from '../wire/segment.js';

/** Tells the packets of one side of the box from the others of the same capture. */
export type Accept = (packet: CapturedPacket) => boolean;

/** Hands on the packets that are accepted. */
export function only(accept: Accept, listener: PacketListener): PacketListener {
  return {
    packet(packet) {
      if (accept(packet)) listener.packet(packet);
    },
  };
}

/** How one capture holds both sides. */
export interface Split {
  readonly nearClient: Accept;
  readonly nearServer: Accept;
  /** Completes "The two sides are told apart by ..". */
  readonly by: string;
}

/** Links that are told apart in one capture; more than two leave it open which is which. */
const MAX_LINKS = 64;
const MAX_FLOWS = 100_000;

const OUTGOING = 4;
const SLL_HEADER = 16;

/** Packets of one interface, by its name or number. pcapng, and Linux cooked v2, which has numbers only. */
export function ofInterface(wanted: string): Accept {
  return (packet) => {
    if (packet.linkType !== LinkType.LINUX_SLL2) return packet.interfaceName === wanted;
    return packet.interfaceName === wanted || String(sll2Interface(packet)) === wanted;
  };
}

/**
 * Reads a capture that may hold both sides of a box and finds out how they can be told apart: by the interfaces of a
 * pcapng, by Ethernet addresses, or, captured on the box itself with all interfaces, by whether a packet came in or
 * went out.
 *
 * On each link a connection's SYN comes by once; it comes first where the client is.
 *
 * @returns null where every packet seems to be there once, or the sides cannot be told apart
 * @throws CaptureOpenError
 */
export async function splitOf(
  file: string,
  ports: readonly number[],
  signal?: AbortSignal,
  read: ReadCapture = readCapture,
): Promise<Split | null> {
  const survey = new LinkSurvey(ports);
  await read(file, survey, signal ? { signal } : {});
  return survey.split();
}

class LinkSurvey implements PacketListener {
  private readonly reader: PacketListener;
  private readonly ports: ReadonlySet<number>;
  /** For each link how often it was the first, and a later one, that a SYN came by. */
  private readonly interfaces = new Sightings();
  private readonly ethernet = new Sightings();
  private readonly hops = new HopLimits();
  private cookedIn = 0;
  private cookedOut = 0;
  private current: CapturedPacket | null = null;

  constructor(ports: readonly number[]) {
    this.ports = new Set(ports);
    this.reader = segmentReader(ports, (segment) => this.segment(segment));
  }

  packet(packet: CapturedPacket): void {
    this.current = packet;
    this.reader.packet(packet);
  }

  split(): Split | null {
    const interfaces = this.interfaces.ends();
    if (interfaces) {
      const [first, second] = interfaces;
      return { nearClient: ofInterface(first), nearServer: ofInterface(second), by: 'their interfaces' };
    }
    const ethernet = this.ethernet.ends();
    if (ethernet) {
      const [first, second] = ethernet;
      return {
        nearClient: (packet) => ethernetLink(packet) === first,
        nearServer: (packet) => ethernetLink(packet) === second,
        by: 'their Ethernet addresses',
      };
    }
    const hops = this.hops.ends();
    if (hops) {
      return this.judged('their hop limits', (segment, isFromClient) => {
        const high = hops.get(wayOf(segment));
        return high === undefined ? null : (segment.hopLimit === high) === isFromClient;
      });
    }
    if (this.cookedIn > 0 && this.cookedOut > 0) {
      // A client's packet comes in on the client's side and goes out on the server's; a server's the other way round.
      return this.judged('whether they came in or went out', (_, isFromClient, packet) => {
        const direction = cookedDirection(packet);
        return direction === null ? null : isFromClient !== (direction === OUTGOING);
      });
    }
    return null;
  }

  /** What is no segment of the ports, or cannot be told, belongs to neither side. */
  private judged(by: string, isNearClient: Judgement): Split {
    const side = (wanted: boolean): Accept => {
      let near: boolean | null = null;
      let current: CapturedPacket;
      const segment = (s: TcpSegment): void => {
        near = isNearClient(s, this.ports.has(s.destinationPort), current);
      };
      const reader = segmentReader([...this.ports], segment);
      return (packet) => {
        near = null;
        current = packet;
        reader.packet(packet);
        return near === wanted;
      };
    };
    return { nearClient: side(true), nearServer: side(false), by };
  }

  private segment(segment: TcpSegment): void {
    const packet = this.current!;
    this.hops.seen(segment);
    if ((segment.flags & (SYN | ACK)) !== SYN) return;
    const flow = `${segment.source} ${segment.destination} ${segment.sourcePort} ${segment.destinationPort} ${segment.seq}`;
    if (packet.interfaceName !== '') this.interfaces.seen(flow, packet.interfaceName);
    const link = ethernetLink(packet);
    if (link !== '') this.ethernet.seen(flow, link);
    const cooked = cookedDirection(packet);
    if (cooked === null) return;
    if (cooked === OUTGOING) this.cookedOut++;
    else this.cookedIn++;
  }
}

/** Is a packet one of the client's side? null: cannot tell. */
type Judgement = (segment: TcpSegment, isFromClient: boolean, packet: CapturedPacket) => boolean | null;

/** On which links SYNs came by, and where first. */
class Sightings {
  private readonly links = new Map<string, { first: number; later: number }>();
  private readonly flows = new Map<string, string>();

  seen(flow: string, link: string): void {
    let sighting = this.links.get(link);
    if (!sighting) {
      if (this.links.size >= MAX_LINKS) return;
      sighting = { first: 0, later: 0 };
      this.links.set(link, sighting);
    }
    const before = this.flows.get(flow);
    if (before === undefined) {
      sighting.first++;
      if (this.flows.size < MAX_FLOWS) this.flows.set(flow, link);
    } else if (before !== link) sighting.later++;
  }

  /**
   * The client's link and the server's. Where addresses or sequence numbers are rewritten in between, no SYN comes by
   * twice: then the link on which the very first one was is the client's.
   */
  ends(): [string, string] | null {
    if (this.links.size !== 2) return null;
    const [[a, first], [b, second]] = [...this.links] as [
      [string, { first: number; later: number }],
      [string, { first: number; later: number }],
    ];
    if (first.later === 0 && second.later === 0) return [a, b];
    return first.later <= second.later ? [a, b] : [b, a];
  }
}

/** Hop limits of the packets between two addresses, one way. A router on the way takes one off. */
class HopLimits {
  private readonly ways = new Map<string, Set<number>>();

  seen(segment: TcpSegment): void {
    const way = wayOf(segment);
    let values = this.ways.get(way);
    if (!values) {
      if (this.ways.size >= MAX_FLOWS) return;
      values = new Set();
      this.ways.set(way, values);
    }
    if (values.size < 3) values.add(segment.hopLimit);
  }

  /** The higher of two for each way; null unless nearly every way has just two. */
  ends(): ReadonlyMap<string, number> | null {
    const two = [...this.ways].filter(([, values]) => values.size === 2);
    if (two.length === 0 || two.length * 10 < this.ways.size * 9) return null;
    return new Map(two.map(([way, values]) => [way, Math.max(...values)]));
  }
}

function wayOf({ family, source, destination }: TcpSegment): string {
  return `${family} ${source} ${destination}`;
}

/** Both Ethernet addresses, the lower first; '' on other links. */
function ethernetLink({ linkType, octets, start, end }: CapturedPacket): string {
  if (linkType !== LinkType.ETHERNET || end - start < 14) return '';
  const destination = octets.toString('hex', start, start + 6);
  const source = octets.toString('hex', start + 6, start + 12);
  return destination < source ? `${destination} ${source}` : `${source} ${destination}`;
}

/** Linux cooked: 0 came in, 4 went out. https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html */
function cookedDirection({ linkType, octets, start, end }: CapturedPacket): number | null {
  if (end - start < SLL_HEADER) return null;
  if (linkType === LinkType.LINUX_SLL) return octets.readUInt16BE(start);
  return linkType === LinkType.LINUX_SLL2 ? octets[start + 10]! : null;
}

function sll2Interface({ octets, start, end }: CapturedPacket): number {
  return end - start < SLL_HEADER ? -1 : octets.readUInt32BE(start + 4);
}
