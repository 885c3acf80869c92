import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode } from '../support/decoding.js';
import { addressOctets, ethernet, internetChecksum, ipv4, tcp, tcpPacket, u32 } from '../support/packet.js';

const base = { sport: 50000, dport: 25, seq: 7, payload: 'EHLO odd.example\r\n' };

function verdict(octets: Buffer, originalLength = octets.length): string | undefined {
  return decode([{ octets, originalLength }]).segments[0]?.checksum;
}

describe('tcpChecksum', () => {
  it('accepts a right checksum of any payload and both families', () => {
    const payload = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(payload, fc.constantFrom(4, 6), (octets, family) => {
        const frame = tcpPacket({ ...base, payload: Buffer.from(octets), family: family === 6 ? 6 : 4 });
        expect(verdict(frame)).toBe('valid');
      }),
    );
  });

  it('sees any one changed octet of the segment', () => {
    for (const family of [4, 6] as const) {
      const frame = tcpPacket({ ...base, family });
      const tcpStart = family === 6 ? 54 : 34;
      for (let at = tcpStart + 4; at < frame.length; at++) {
        if (at === tcpStart + 12 || at === tcpStart + 16 || at === tcpStart + 17) continue;
        const changed = Buffer.from(frame);
        changed[at]! ^= 0x11;
        expect(verdict(changed), `octet ${at}`).toBe('invalid');
      }
    }
  });

  it('calls a wrong checksum invalid', () => {
    expect(verdict(tcpPacket({ ...base, badChecksum: true }))).toBe('invalid');
  });

  it.each([4, 6] as const)('knows the pseudo-header sum that a card was to finish, IPv%d', (family) => {
    const frame = tcpPacket({ ...base, family });
    const six = family === 6;
    const length = 20 + base.payload.length;
    const src = addressOctets(six ? '2001:db8::10' : '192.0.2.10');
    const dst = addressOctets(six ? '2001:db8::25' : '198.51.100.25');
    const withLength = Buffer.concat([src, dst, u32(length), u32(6)]);
    const withoutLength = Buffer.concat([src, dst, u32(0), u32(6)]);
    for (const pseudo of [withLength, withoutLength]) {
      frame.writeUInt16BE(~internetChecksum(pseudo) & 0xffff, (six ? 54 : 34) + 16);
      expect(verdict(frame)).toBe('offloaded');
    }
  });

  it('does not judge a sliced segment', () => {
    const frame = tcpPacket(base);
    expect(verdict(frame.subarray(0, frame.length - 1), frame.length)).toBe('unverifiable');
  });

  it('does not judge a super-segment whose IP header gives no length', () => {
    const frame = ethernet(
      0x0800,
      ipv4({ protocol: 6, totalLength: 0 }, tcp({ ...base, payload: 'x'.repeat(3000) })),
    );
    const { segments } = decode([{ octets: frame }]);
    expect(segments[0]).toMatchObject({ length: 3000, checksum: 'unverifiable' });
  });

  it('leaves padding out', () => {
    const frame = Buffer.concat([tcpPacket({ ...base, payload: 'Q' }), Buffer.from('abcde')]);
    expect(verdict(frame)).toBe('valid');
  });
});
