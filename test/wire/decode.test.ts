import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode } from '../support/decoding.js';
import {
  ethernet,
  ipTcpPacket,
  ipv4,
  ipv6,
  MAC_A,
  MAC_B,
  tcp,
  tcpPacket,
  u16,
  udp,
} from '../support/packet.js';

const four = {
  sport: 50000,
  dport: 25,
  seq: 0xfffffff0,
  ack: 3,
  flags: 'PA',
  payload: 'EHLO a\r\n',
  ipId: 9,
};
const six = { ...four, family: 6 as const };
const ip4 = ipTcpPacket(four);
const ip6 = ipTcpPacket(six);
const eth4 = tcpPacket(four);
const eth6 = tcpPacket(six);
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const cat = (...parts: Buffer[]): Buffer => Buffer.concat(parts);

const expected4 = {
  frame: 1,
  src: '192.0.2.10',
  dst: '198.51.100.25',
  sport: 50000,
  dport: 25,
  seq: 0xfffffff0,
  ack: 3,
  flags: 0x18,
  window: 65535,
  hopLimit: 64,
  ipId: 9,
  payload: 'EHLO a\r\n',
  length: 8,
  options: '',
  checksum: 'valid',
};
const expected6 = { ...expected4, src: '2001:db8::10', dst: '2001:db8::25', ipId: 0 };

/** Carriers of the IPv4 packet, by name: octets and link type. */
const carriers4: Record<string, [Buffer, number]> = {
  Ethernet: [eth4, 1],
  'raw 12': [ip4, 12],
  'raw 14': [ip4, 14],
  'raw 101': [ip4, 101],
  'raw IPv4': [ip4, 228],
  'NULL, little-endian': [cat(hex('02000000'), ip4), 0],
  'NULL, big-endian': [cat(hex('00000002'), ip4), 0],
  LOOP: [cat(hex('00000002'), ip4), 108],
  SLL: [cat(hex('0000 0001 0006 0200000000010000 0800'), ip4), 113],
  'SLL with a VLAN tag': [cat(hex('0000 0001 0006 0200000000010000 8100 0064 0800'), ip4), 113],
  SLL2: [cat(hex('0800 0000 00000002 0001 00 06 0200000000010000'), ip4), 276],
  PPP: [cat(hex('0021'), ip4), 9],
  'PPP with address and control': [cat(hex('ff03 0021'), ip4), 9],
  'PPP with a short protocol': [cat(hex('ff03 21'), ip4), 50],
  'Cisco HDLC': [cat(hex('0f00 0800'), ip4), 50],
  'PPPoE alone': [cat(hex('1100 0001'), u16(ip4.length + 2), hex('0021'), ip4), 51],
  PPPoE: [ethernet(0x8864, cat(hex('1100 0001'), u16(ip4.length + 2), hex('0021'), ip4)), 1],
  VLAN: [ethernet(0x8100, cat(hex('0064 0800'), ip4)), 1],
  QinQ: [ethernet(0x88a8, cat(hex('0064 8100 0065 0800'), ip4)), 1],
  'VLAN 0x9100 and 0x9200': [ethernet(0x9100, cat(hex('0064 9200 0065 0800'), ip4)), 1],
  MPLS: [ethernet(0x8847, cat(hex('00010040 00011140'), ip4)), 1],
  'MPLS multicast': [ethernet(0x8848, cat(hex('00011140'), ip4)), 1],
  'MPLS pseudowire': [ethernet(0x8847, cat(hex('00011140'), eth4)), 1],
  'MPLS pseudowire with control word': [ethernet(0x8847, cat(hex('00011140 00000000'), eth4)), 1],
  'LLC and SNAP': [ethernet(ip4.length + 8, cat(hex('aaaa03 000000 0800'), ip4)), 1],
  GRE: [ethernet(0x0800, ipv4({ protocol: 47 }, cat(hex('0000 0800'), ip4))), 1],
  'GRE with checksum, key and sequence': [
    ethernet(0x0800, ipv4({ protocol: 47 }, cat(hex('b000 0800 00000000 00000007 00000001'), ip4))),
    1,
  ],
  'GRE with routing': [
    ethernet(
      0x0800,
      ipv4({ protocol: 47 }, cat(hex('4000 0800 00000000 0800 0004 c0000201 0000 0000'), ip4)),
    ),
    1,
  ],
  PPTP: [ethernet(0x0800, ipv4({ protocol: 47 }, cat(hex('3001 880b 00000001 00000001 ff03 0021'), ip4))), 1],
  'PPTP with acknowledgement': [
    ethernet(0x0800, ipv4({ protocol: 47 }, cat(hex('3081 880b 00000001 00000001 00000002 21'), ip4))),
    1,
  ],
  'GRE bridging': [ethernet(0x0800, ipv4({ protocol: 47 }, cat(hex('0000 6558'), eth4))), 1],
  'ERSPAN I': [ethernet(0x0800, ipv4({ protocol: 47 }, cat(hex('0000 88be'), eth4))), 1],
  'ERSPAN II': [
    ethernet(0x0800, ipv4({ protocol: 47 }, cat(hex('1000 88be 00000001 1001000000000000'), eth4))),
    1,
  ],
  'ERSPAN III': [
    ethernet(0x0800, ipv4({ protocol: 47 }, cat(hex('1000 22eb 00000001 200100000000000000000000'), eth4))),
    1,
  ],
  'ERSPAN III with subheader': [
    ethernet(
      0x0800,
      ipv4({ protocol: 47 }, cat(hex('1000 22eb 00000001 200100000000000000000001 0000000000000000'), eth4)),
    ),
    1,
  ],
  WCCP: [ethernet(0x0800, ipv4({ protocol: 47 }, cat(hex('0000 883e 00000000'), ip4))), 1],
  VXLAN: [ethernet(0x0800, ipv4({ protocol: 17 }, udp(9, 4789, cat(hex('0800000000002a00'), eth4)))), 1],
  'VXLAN 8472': [
    ethernet(0x0800, ipv4({ protocol: 17 }, udp(9, 8472, cat(hex('0800000000002a00'), eth4)))),
    1,
  ],
  GENEVE: [ethernet(0x0800, ipv4({ protocol: 17 }, udp(9, 6081, cat(hex('0000 6558 00002a00'), eth4)))), 1],
  'GENEVE with options': [
    ethernet(
      0x0800,
      ipv4({ protocol: 17 }, udp(9, 6081, cat(hex('0200 0800 00002a00 0001020100000000'), ip4))),
    ),
    1,
  ],
  'IP-in-IP': [ethernet(0x0800, ipv4({ protocol: 4 }, ip4)), 1],
  '4in6': [ethernet(0x86dd, ipv6({ nextHeader: 4 }, ip4)), 1],
  'AH on IPv4': [
    ethernet(
      0x0800,
      ipv4({ protocol: 51, ipId: 9 }, cat(hex('06 04 0000 00000001 00000001'), Buffer.alloc(12), tcp(four))),
    ),
    1,
  ],
  'IPv4 options': [ethernet(0x0800, ipv4({ protocol: 6, ipId: 9, options: hex('94040000') }, tcp(four))), 1],
  'a source route not used up': [
    ethernet(
      0x0800,
      ipv4({ protocol: 6, ipId: 9, dst: '203.0.113.7', options: hex('01 83 07 04 c6336419') }, tcp(four)),
    ),
    1,
  ],
};

const carriers6: Record<string, [Buffer, number]> = {
  Ethernet: [eth6, 1],
  'raw 101': [ip6, 101],
  'raw IPv6': [ip6, 229],
  'NULL of Windows': [cat(hex('17000000'), ip6), 0],
  'NULL of NetBSD': [cat(hex('18000000'), ip6), 0],
  'NULL of macOS': [cat(hex('1e000000'), ip6), 0],
  'LOOP of FreeBSD': [cat(hex('0000001c'), ip6), 108],
  PPP: [cat(hex('57'), ip6), 9],
  MPLS: [ethernet(0x8847, cat(hex('00011140'), ip6)), 1],
  '6in4': [ethernet(0x0800, ipv4({ protocol: 41 }, ip6)), 1],
  'IPv6 in IPv6': [ethernet(0x86dd, ipv6({ nextHeader: 41 }, ip6)), 1],
  'hop-by-hop': [ethernet(0x86dd, ipv6({ nextHeader: 0 }, cat(hex('0600 010400000000'), tcp(six)))), 1],
  'every extension': [
    ethernet(
      0x86dd,
      ipv6(
        { nextHeader: 0 },
        cat(
          hex('3c00 010400000000'),
          hex('2b00 010400000000'),
          hex('3300 0000 00000000'),
          hex('2c04 0000 00000001 00000001'),
          Buffer.alloc(12),
          hex('0600 0000 00000063'),
          tcp(six),
        ),
      ),
    ),
    1,
  ],
  'routing type 0': [
    ethernet(
      0x86dd,
      ipv6(
        { nextHeader: 43, dst: '2001:db8::99' },
        cat(hex('0604 00 01 00000000'), Buffer.alloc(16), hex('20010db8000000000000000000000025'), tcp(six)),
      ),
    ),
    1,
  ],
  'segment routing': [
    ethernet(
      0x86dd,
      ipv6(
        { nextHeader: 43, dst: '2001:db8::99' },
        cat(hex('0604 04 01 01000000 20010db8000000000000000000000025'), Buffer.alloc(16), tcp(six)),
      ),
    ),
    1,
  ],
};

describe('Decoder: what carries a segment', () => {
  it.each(Object.entries(carriers4))('IPv4: %s', (_name, [octets, linkType]) => {
    const { segments, skipped } = decode([{ octets, linkType }]);
    expect(skipped).toEqual({});
    expect(segments).toEqual([expected4]);
  });

  it.each(Object.entries(carriers6))('IPv6: %s', (_name, [octets, linkType]) => {
    const { segments, skipped } = decode([{ octets, linkType }]);
    expect(skipped).toEqual({});
    expect(segments).toEqual([expected6]);
  });

  it('cut anywhere: no throw, and once ports and header are there, the claimed length', () => {
    for (const [carriers, whole] of [
      [carriers4, expected4],
      [carriers6, expected6],
    ] as const) {
      for (const [name, [octets, linkType]] of Object.entries(carriers)) {
        for (let keep = 0; keep < octets.length; keep++) {
          const { segments, skipped } = decode([
            { octets: octets.subarray(0, keep), linkType, originalLength: octets.length },
          ]);
          if (keep >= octets.length - 8) {
            const payload = whole.payload.slice(0, keep - octets.length);
            expect(segments, `${name} cut to ${keep}`).toEqual([
              { ...whole, payload, checksum: 'unverifiable' },
            ]);
          } else {
            expect(segments, `${name} cut to ${keep}`).toEqual([]);
            expect(Object.values(skipped), `${name} cut to ${keep}`).toEqual([1]);
          }
        }
      }
    }
  });

  it('padded: the payload ends where the IP header says', () => {
    for (const carriers of [carriers4, carriers6]) {
      for (const [name, [octets, linkType]] of Object.entries(carriers)) {
        const { segments } = decode([{ octets: cat(octets, Buffer.alloc(13, 0x41)), linkType }]);
        expect(segments[0], name).toMatchObject({ payload: 'EHLO a\r\n', length: 8, checksum: 'valid' });
      }
    }
  });
});

describe('Decoder: fields', () => {
  it('reads options, flags, window and hop limit, on the short way and the long one', () => {
    const segment = { ...four, flags: 'SEC', window: 1234, ttl: 3, mss: 1380, options: hex('01010402') };
    for (const octets of [
      tcpPacket(segment),
      ethernet(0x8100, cat(hex('0001 0800'), ipTcpPacket(segment))),
    ]) {
      expect(decode([{ octets }]).segments[0]).toMatchObject({
        flags: 0xc2,
        window: 1234,
        hopLimit: 3,
        options: '0204056401010402',
        payload: 'EHLO a\r\n',
      });
    }
  });

  it('copies frame and time', () => {
    const { segments } = decode([{ octets: eth4 }, { octets: eth6 }, { octets: eth4 }]);
    expect(segments.map((each) => each.frame)).toEqual([1, 2, 3]);
  });

  it('takes either port', () => {
    const reply = tcpPacket({ sport: 587, dport: 50000 });
    expect(decode([{ octets: reply }], [25, 587]).segments).toHaveLength(1);
    expect(decode([{ octets: reply }], [25]).skipped).toEqual({ 'other-port': 1 });
  });

  it('goes by the frame where the IP length is 0, sliced or not', () => {
    for (const octets of [
      ethernet(0x0800, ipv4({ protocol: 6, totalLength: 0 }, tcp(four))),
      ethernet(0x86dd, ipv6({ nextHeader: 6, payloadLength: 0 }, tcp(six))),
    ]) {
      expect(decode([{ octets }]).segments[0]).toMatchObject({ payload: 'EHLO a\r\n', length: 8 });
      const sliced = { octets: octets.subarray(0, -5), originalLength: octets.length };
      expect(decode([sliced]).segments[0]).toMatchObject({ payload: 'EHL', length: 8 });
    }
  });
});

describe('Decoder: what it skips', () => {
  const raw = (octets: Buffer) => ({ octets, linkType: 101 });
  const nested = (depth: number): Buffer => {
    let octets = ip4;
    for (let i = 1; i < depth; i++) octets = ipv4({ protocol: 4 }, octets);
    return octets;
  };
  const patched = (octets: Buffer, at: number, value: number): Buffer => {
    const copy = Buffer.from(octets);
    copy[at] = value;
    return copy;
  };

  it.each<[string, string, { octets: Buffer; linkType?: number; originalLength?: number }]>([
    ['an unknown link type', 'link-type', { octets: eth4, linkType: 105 }],
    ['ARP', 'not-ip', { octets: ethernet(0x0806, Buffer.alloc(28)) }],
    ['spanning tree', 'not-ip', { octets: ethernet(38, cat(hex('424203'), Buffer.alloc(43))) }],
    ['PPPoE discovery', 'not-ip', { octets: ethernet(0x8864, hex('1109 0000 0000')) }],
    ['LCP', 'not-ip', { octets: hex('ff03 c021 01000004'), linkType: 9 }],
    ['raw with another version', 'not-ip', raw(hex('50000000'))],
    ['DNS', 'not-tcp', { octets: ethernet(0x0800, ipv4({ protocol: 17 }, udp(9, 53, Buffer.alloc(12)))) }],
    ['ESP', 'not-tcp', { octets: ethernet(0x86dd, ipv6({ nextHeader: 50 }, Buffer.alloc(40))) }],
    ['no next header', 'not-tcp', raw(ipv6({ nextHeader: 59 }, Buffer.alloc(0)))],
    ['ICMP', 'not-tcp', raw(ipv4({ protocol: 1 }, ip4))],
    ['hop-by-hop on IPv4', 'not-tcp', raw(ipv4({ protocol: 0 }, cat(hex('0600000000000000'), tcp(four))))],
    ['another port', 'other-port', { octets: tcpPacket({ sport: 1, dport: 80 }) }],
    ['another port over IPv6', 'other-port', { octets: tcpPacket({ sport: 1, dport: 80, family: 6 }) }],
    ['a frame without header', 'malformed', { octets: hex('0102') }],
    ['an IP header length of 16', 'malformed', raw(patched(ip4, 0, 0x44))],
    ['an IP length below the header', 'malformed', raw(ipv4({ protocol: 6, totalLength: 19 }, tcp(four)))],
    [
      'an IP length within the TCP header',
      'malformed',
      raw(ipv4({ protocol: 6, totalLength: 39 }, tcp(four))),
    ],
    ['a data offset of 16', 'malformed', { octets: patched(eth4, 46, 0x40) }],
    ['a data offset beyond the packet', 'malformed', { octets: patched(eth4, 46, 0xf0) }],
    ['IPv4 where IPv6 is said', 'malformed', { octets: ethernet(0x86dd, cat(ip4, ip4)) }],
    ['AH longer than the packet', 'malformed', raw(ipv4({ protocol: 51 }, hex('06ff000000000000')))],
    ['a sliced header', 'truncated', { octets: eth4.subarray(0, 50), originalLength: eth4.length }],
    ['17 IP headers', 'tunnel-depth', raw(nested(17))],
  ])('%s: %s', (_name, reason, frame) => {
    expect(decode([frame])).toEqual({ segments: [], skipped: { [reason]: 1 } });
  });

  it('follows 16 IP headers', () => {
    expect(decode([raw(nested(16))]).segments).toEqual([expected4]);
  });

  it('stops a chain of extension headers at 16', () => {
    const chain = (count: number): Buffer =>
      ipv6(
        { nextHeader: 60 },
        cat(...new Array(count - 1).fill(hex('3c00000000000000')), hex('0600000000000000'), tcp(six)),
      );
    expect(decode([raw(chain(16))]).segments).toEqual([expected6]);
    expect(decode([raw(chain(17))]).skipped).toEqual({ malformed: 1 });
  });

  it('calls a readable header with sliced options truncated', () => {
    const octets = tcpPacket({ ...four, mss: 1460 });
    expect(decode([{ octets: octets.subarray(0, 56), originalLength: octets.length }]).skipped).toEqual({
      truncated: 1,
    });
  });

  it('ends on tags, labels and routes without end', () => {
    const tags = ethernet(0x8100, Buffer.alloc(60_000, hex('0001 8100')));
    const labels = ethernet(0x8847, Buffer.alloc(60_000));
    const routes = raw(ipv4({ protocol: 47 }, cat(hex('4000 0800 00000000'), Buffer.alloc(60_000, 1))));
    const { skipped } = decode([{ octets: tags }, { octets: labels }, routes]);
    expect(skipped).toEqual({ malformed: 3 });
  });

  it('never throws, and accounts for every packet', () => {
    const linkType = fc.constantFrom(0, 1, 9, 12, 14, 50, 51, 101, 108, 113, 228, 229, 276, 999);
    const starts = fc.constantFrom(...Object.values(carriers4), ...Object.values(carriers6));
    const damage = fc.array(fc.tuple(fc.nat(150), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(
        starts,
        damage,
        fc.uint8Array({ maxLength: 120 }),
        linkType,
        (start, changes, noise, link) => {
          const octets = Buffer.from(start[0]);
          for (const [at, value] of changes) if (at < octets.length) octets[at] = value;
          const frames = [
            { octets, linkType: start[1] },
            { octets: Buffer.from(noise), linkType: link },
            { octets: cat(MAC_A, MAC_B, hex('0800'), Buffer.from(noise)), linkType: 1 },
          ];
          const { segments, skipped } = decode(frames);
          const skips = Object.values(skipped).reduce((a, b) => a + b, 0);
          expect(segments.length + skips).toBe(3);
        },
      ),
      { numRuns: 3000 },
    );
  });
});
