/** ICMP errors are read, and speak of the connection whose packet they return. RFC 792, RFC 4443. */
import { describe, expect, it } from 'vitest';
import { CapturedPacket } from '../../src/capture/packet.js';
import { createDecoder } from '../../src/fragment/decoder.js';
import { ConnectionTable } from '../../src/stream/connections.js';
import type { ConnectionView } from '../../src/stream/event.js';
import { AddressTable } from '../../src/wire/address.js';
import { tcpChecksum } from '../../src/wire/checksum.js';
import { type IcmpKind, icmpKind } from '../../src/wire/icmp-error.js';
import { ethernet, ipTcpPacket, ipv4, ipv6, tcpPacket, u32 } from '../support/packet.js';

const SYN = { sport: 40000, dport: 25, flags: 'S', seq: 1000 };

/** What the connections of these frames say of ICMP. */
function returned(frames: readonly Buffer[]) {
  const addresses = new AddressTable();
  const views: ConnectionView[] = [];
  const listener = {
    early: true,
    opened(view: ConnectionView) {
      views.push(view);
      return { chunk() {}, gap() {}, closed() {} };
    },
  };
  const table = new ConnectionTable(listener, addresses, [25], (segment) => tcpChecksum(segment, addresses));
  const decoder = createDecoder(table, [25], addresses);
  const packet = new CapturedPacket();
  for (const [index, octets] of frames.entries()) {
    packet.octets = octets;
    packet.start = 0;
    packet.end = octets.length;
    packet.originalLength = octets.length;
    packet.linkType = 1;
    packet.frame = index + 1;
    packet.us = index * 1e6;
    decoder.packet(packet);
  }
  return { found: views.map(({ tcp }) => tcp.returned), skipped: decoder.skipped };
}

/** An ICMP error with the second word of its header, and what it returns. */
function icmp(type: number, code: number, word: number, quoted: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type, code, 0, 0]), u32(word), quoted]);
}

function from(src: string, message: Buffer): Buffer {
  return ethernet(0x0800, ipv4({ src, dst: '192.0.2.10', ttl: 255, protocol: 1 }, message));
}

describe('an ICMP error', () => {
  it('stands beside the connection whose packet it returns', () => {
    const quoted = ipTcpPacket(SYN).subarray(0, 28);
    const { found, skipped } = returned([tcpPacket(SYN), from('203.0.113.1', icmp(3, 13, 0, quoted))]);
    expect(found).toMatchObject([
      [
        {
          frame: 2,
          from: '203.0.113.1',
          hopLimit: 255,
          kind: 'prohibited',
          type: 3,
          code: 13,
          mtu: null,
          direction: 'client',
        },
      ],
    ]);
    expect(skipped).toEqual({});
  });

  it('tells the size of the next link, and which octets did not fit', () => {
    const data = { sport: 25, dport: 40000, src: '198.51.100.25', dst: '192.0.2.10' };
    const large = ipTcpPacket({ ...data, flags: 'A', seq: 5101, ack: 1001, payload: 'x' });
    const { found } = returned([
      tcpPacket(SYN),
      tcpPacket({ ...data, flags: 'SA', seq: 5000, ack: 1001 }),
      from('203.0.113.1', icmp(3, 4, 1400, large.subarray(0, 28))),
    ]);
    expect(found).toMatchObject([
      [{ kind: 'fragmentation-needed', mtu: 1400, direction: 'server', offset: 100 }],
    ]);
  });

  it('of IPv6, too', () => {
    const six = { ...SYN, src: '2001:db8::10', dst: '2001:db8::25' };
    const message = icmp(1, 1, 0, ipTcpPacket(six));
    const { found } = returned([
      tcpPacket(six),
      ethernet(0x86dd, ipv6({ src: '2001:db8::1', dst: '2001:db8::10', nextHeader: 58 }, message)),
    ]);
    expect(found).toMatchObject([[{ from: '2001:db8::1', kind: 'prohibited', direction: 'client' }]]);
  });

  it.each<[string, Buffer]>([
    ['an echo', icmp(8, 0, 0, ipTcpPacket(SYN))],
    ['one about another port', icmp(3, 13, 0, ipTcpPacket({ ...SYN, dport: 80 }))],
    ['one about a connection that nobody saw', icmp(3, 13, 0, ipTcpPacket({ ...SYN, sport: 40001 }))],
    ['one that is cut short', icmp(3, 13, 0, ipTcpPacket(SYN).subarray(0, 27))],
    ['one that returns UDP', icmp(3, 3, 0, ipv4({ protocol: 17 }, Buffer.alloc(8)))],
    [
      'one whose header claims too much',
      icmp(3, 3, 0, Buffer.concat([Buffer.from([0x4f]), Buffer.alloc(30)])),
    ],
  ])('is none of ours: %s', (_, message) => {
    const { found, skipped } = returned([tcpPacket(SYN), from('203.0.113.1', message)]);
    expect(found).toEqual([[]]);
    expect(skipped).toEqual({ 'not-tcp': 1 });
  });

  it('lists so many and no more', () => {
    const one = from('203.0.113.1', icmp(3, 13, 0, ipTcpPacket(SYN)));
    expect(returned([tcpPacket(SYN), ...Array.from({ length: 50 }, () => one)]).found[0]).toHaveLength(20);
  });

  it.each<[number, number, number, IcmpKind]>([
    [4, 3, 9, 'prohibited'],
    [4, 3, 10, 'prohibited'],
    [4, 3, 13, 'prohibited'],
    [4, 3, 4, 'fragmentation-needed'],
    [4, 3, 3, 'refused'],
    [4, 3, 1, 'unreachable'],
    [4, 11, 0, 'time-exceeded'],
    [4, 12, 0, 'other'],
    [6, 1, 1, 'prohibited'],
    [6, 1, 5, 'prohibited'],
    [6, 1, 4, 'refused'],
    [6, 1, 0, 'unreachable'],
    [6, 2, 0, 'fragmentation-needed'],
    [6, 3, 0, 'time-exceeded'],
    [6, 4, 1, 'other'],
  ])('of IPv%i, type %i code %i means %s', (family, type, code, kind) => {
    expect(icmpKind({ family, type, code })).toBe(kind);
  });
});
