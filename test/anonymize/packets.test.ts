/** Addresses in the headers of packets: all of them, in tunnels too, with checksums that still say what they said. */
import { describe, expect, it } from 'vitest';
import { AddressPseudonyms } from '../../src/anonymize/addresses.js';
import { rewriteAddresses } from '../../src/anonymize/packets.js';
import {
  addressOctets,
  ethernet,
  internetChecksum,
  ipTcpPacket,
  ipv4,
  MAC_A,
  MAC_B,
  tcpPacket,
  u16,
  udp,
} from '../support/packet.js';

const addresses = new AddressPseudonyms(Buffer.alloc(32, 3));
const TCP = {
  src: '192.0.2.10',
  dst: '198.51.100.25',
  sport: 40_000,
  dport: 25,
  payload: Buffer.from('EHLO x\r\n'),
};
const V6 = { ...TCP, src: '2001:db8::10', dst: '2001:db8:ffff::25', family: 6 as const };

function rewritten(
  octets: Buffer,
  linkType: number,
  tcpStart: number,
  checksum: 'valid' | 'offloaded' = 'valid',
): Buffer {
  const copy = Buffer.from(octets);
  rewriteAddresses(copy, { linkType, originalLength: octets.length, tcpStart, checksum }, addresses);
  return copy;
}

const holds = (octets: Buffer, text: string): boolean => octets.includes(addressOctets(text));
const made = (text: string): Buffer => addresses.ip(addressOctets(text));

/** Of TCP with its pseudo-header: 0 when it is right. */
function tcpSum(octets: Buffer, ip: number, tcpStart: number): number {
  const four = octets[ip]! >> 4 === 4;
  const hosts = four ? octets.subarray(ip + 12, ip + 20) : octets.subarray(ip + 8, ip + 40);
  const segment = octets.subarray(tcpStart);
  return internetChecksum(Buffer.concat([hosts, u16(6), u16(segment.length), segment]));
}

describe('addresses in headers', () => {
  it('of IPv4 on Ethernet', () => {
    const octets = rewritten(tcpPacket(TCP), 1, 34);
    for (const mac of [MAC_A, MAC_B]) expect(octets.includes(mac)).toBe(false);
    for (const text of [TCP.src, TCP.dst]) expect(holds(octets, text)).toBe(false);
    expect(octets.subarray(26, 30).equals(made(TCP.src))).toBe(true);
    expect(internetChecksum(octets.subarray(14, 34))).toBe(0);
    expect(tcpSum(octets, 14, 34)).toBe(0);
    expect(octets.subarray(54).toString()).toBe('EHLO x\r\n');
  });

  it('of IPv6', () => {
    const octets = rewritten(ethernet(0x86dd, ipTcpPacket(V6)), 1, 54);
    for (const text of [V6.src, V6.dst]) expect(holds(octets, text)).toBe(false);
    expect(tcpSum(octets, 14, 54)).toBe(0);
  });

  it('behind a tag, and of a capture without Ethernet', () => {
    const tagged = Buffer.concat([MAC_A, MAC_B, u16(0x8100), u16(7), u16(0x0800), ipTcpPacket(TCP)]);
    const octets = rewritten(tagged, 1, 38);
    expect(holds(octets, TCP.src)).toBe(false);
    expect(tcpSum(octets, 18, 38)).toBe(0);
    expect(tcpSum(rewritten(ipTcpPacket(TCP), 101, 20), 0, 20)).toBe(0);
  });

  it('of a tunnel, inside and outside, with its cards', () => {
    const inner = tcpPacket(TCP);
    const vxlan = Buffer.concat([Buffer.from('0800000000000100', 'hex'), inner]);
    const outer = { source: '203.0.113.1', destination: '203.0.113.2', protocol: 17 };
    const octets = rewritten(ethernet(0x0800, ipv4(outer, udp(5000, 4789, vxlan))), 1, 34 + 16 + 34);
    for (const text of ['203.0.113.1', '203.0.113.2', TCP.src, TCP.dst])
      expect(holds(octets, text)).toBe(false);
    for (const mac of [MAC_A, MAC_B]) expect(octets.includes(mac)).toBe(false);
    expect(internetChecksum(octets.subarray(14, 34))).toBe(0);
    expect(octets.readUInt16BE(40)).toBe(0);
    expect(tcpSum(octets, 64, 84)).toBe(0);
  });

  it('a wrong checksum stays wrong, and by as much', () => {
    const packet = tcpPacket(TCP);
    packet.writeUInt16BE(packet.readUInt16BE(50) ^ 0x0101, 50);
    const before = tcpSum(packet, 14, 34);
    expect(before).not.toBe(0);
    expect(tcpSum(rewritten(packet, 1, 34), 14, 34)).toBe(before);
  });

  it('a packet that ends anywhere is no harm', () => {
    const packet = tcpPacket(TCP);
    for (let length = 0; length <= packet.length; length++) rewritten(packet.subarray(0, length), 1, 34);
  });
});
