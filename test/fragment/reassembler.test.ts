import { describe, expect, it } from 'vitest';
import { Reassembler } from '../../src/fragment/reassembler.js';
import { IpFragment } from '../../src/wire/fragment-sink.js';
import { decode } from '../support/decoding.js';
import { ethernet, ipTcpPacket, ipv4, ipv6, tcp, tcpPacket, u16, u32, udp } from '../support/packet.js';

const PAYLOAD = `EHLO ${'a'.repeat(3000)}\r\n`;
const SEGMENT4 = tcp({ sport: 50000, dport: 25, seq: 7, flags: 'PA', payload: PAYLOAD });
const SEGMENT6 = tcp({ sport: 50000, dport: 25, seq: 7, flags: 'PA', payload: PAYLOAD, family: 6 });

interface Piece {
  from: number;
  to: number;
}

/** Seeded: a failing run can be repeated. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 0x100000000;
  };
}

function pieces(length: number, size: number): Piece[] {
  const list: Piece[] = [];
  for (let from = 0; from < length; from += size) list.push({ from, to: Math.min(length, from + size) });
  return list;
}

function fragment4(whole: Buffer, piece: Piece, ipId = 77): Buffer {
  const options = { protocol: 6, offset: piece.from, more: piece.to < whole.length, ipId };
  return ethernet(0x0800, ipv4(options, whole.subarray(piece.from, piece.to)));
}

function fragment6(whole: Buffer, piece: Piece, id = 77): Buffer {
  const more = piece.to < whole.length ? 1 : 0;
  const header = Buffer.concat([Buffer.from([6, 0]), u16(piece.from | more), u32(id)]);
  return ethernet(
    0x86dd,
    ipv6({ nextHeader: 44 }, Buffer.concat([header, whole.subarray(piece.from, piece.to)])),
  );
}

describe('fragments of a TCP segment', () => {
  for (const [name, whole, cut] of [
    ['IPv4', SEGMENT4, fragment4],
    ['IPv6', SEGMENT6, fragment6],
  ] as const) {
    const frames = pieces(whole.length, 1000).map((piece) => ({ octets: cut(whole, piece) }));

    it(`${name}: in order, the segment is that of the last fragment's frame`, () => {
      const { segments, skipped } = decode(frames);
      expect(segments).toHaveLength(1);
      expect(segments[0]).toMatchObject({
        frame: frames.length,
        payload: PAYLOAD,
        checksum: 'valid',
        seq: 7,
      });
      expect(skipped).toEqual({});
    });

    it(`${name}: in any order, with every fragment twice`, () => {
      const next = random(5);
      for (let round = 0; round < 50; round++) {
        const shuffled = [...frames, ...frames].sort(() => next() - 0.5);
        const { segments } = decode(shuffled);
        expect(segments.length).toBeGreaterThanOrEqual(1);
        for (const segment of segments)
          expect(segment).toMatchObject({ payload: PAYLOAD, checksum: 'valid' });
      }
    });

    it(`${name}: one missing gives nothing and is counted`, () => {
      for (let missing = 0; missing < frames.length; missing++) {
        const { segments, skipped } = decode(frames.filter((_, index) => index !== missing));
        expect(segments).toEqual([]);
        expect(skipped).toEqual({ fragment: frames.length - 1 });
      }
    });

    it(`${name}: two datagrams interleaved keep apart by identification`, () => {
      const other = tcp({
        sport: 50001,
        dport: 25,
        flags: 'PA',
        payload: PAYLOAD.replaceAll('a', 'b'),
        ...(name === 'IPv6' && { family: 6 as const }),
      });
      const second = pieces(other.length, 1000).map((piece) => ({ octets: cut(other, piece, 78) }));
      const mixed = frames.flatMap((frame, index) => [frame, second[index]!]);
      expect(decode(mixed).segments.map((segment) => segment.payload[5])).toEqual(['a', 'b']);
    });

    it(`${name}: too late is too late`, () => {
      const late = frames.map((frame, index) => ({ ...frame, us: index === 0 ? 0 : 61_000_000 + index }));
      expect(decode(late).segments).toEqual([]);
    });
  }

  it('the first copy of an octet wins', () => {
    const evil = Buffer.from(SEGMENT4);
    evil.fill(0x2a, 1200, 1600);
    const frames = [
      fragment4(SEGMENT4, { from: 0, to: 1600 }),
      fragment4(evil, { from: 1200, to: 1600 }),
      fragment4(SEGMENT4, { from: 1600, to: SEGMENT4.length }),
    ].map((octets) => ({ octets }));
    expect(decode(frames).segments[0]).toMatchObject({ payload: PAYLOAD, checksum: 'valid' });
  });

  it('a datagram that contradicts itself is dropped', () => {
    const frames = [
      fragment4(SEGMENT4, { from: 0, to: 1600 }),
      fragment4(SEGMENT4.subarray(0, 2000), { from: 1600, to: 2000 }),
      fragment4(SEGMENT4, { from: 1600, to: SEGMENT4.length }),
    ].map((octets) => ({ octets }));
    const { segments } = decode(frames);
    for (const segment of segments) expect(segment.payload.length).toBe(2000 - 20);
  });

  it('fragments within VXLAN within fragments: what carries the datagram is put together first', () => {
    const inner = tcpPacket({ sport: 50000, dport: 25, flags: 'PA', payload: PAYLOAD });
    const vxlan = udp(50000, 4789, Buffer.concat([Buffer.from('0800000000002a00', 'hex'), inner]));
    const frames = pieces(vxlan.length, 800).map((piece) => ({
      octets: ethernet(
        0x0800,
        ipv4(
          { protocol: 17, offset: piece.from, more: piece.to < vxlan.length },
          vxlan.subarray(piece.from, piece.to),
        ),
      ),
    }));
    expect(decode(frames).segments[0]).toMatchObject({ payload: PAYLOAD, checksum: 'valid' });
  });

  it('an atomic fragment is a whole packet', () => {
    const packet = ipTcpPacket({ sport: 50000, dport: 25, flags: 'PA', payload: 'QUIT\r\n', family: 6 });
    const header = Buffer.from([6, 0, 0, 0, 0, 0, 0, 9]);
    const atomic = ipv6({ nextHeader: 44 }, Buffer.concat([header, packet.subarray(40)]));
    expect(decode([{ octets: ethernet(0x86dd, atomic) }]).segments[0]).toMatchObject({ payload: 'QUIT\r\n' });
  });
});

/** The plainest possible model: an array of octets or holes. */
class NaiveDatagram {
  private readonly octets: (number | undefined)[] = [];
  private length = -1;
  dead = false;

  add(offset: number, octets: Buffer, more: boolean): Buffer | null {
    const end = offset + octets.length;
    const furthest = this.octets.length;
    if (!more) {
      if ((this.length >= 0 && this.length !== end) || furthest > end) this.dead = true;
      else this.length = end;
    } else if (this.length >= 0 && end > this.length) this.dead = true;
    if (this.dead) return null;
    for (const [index, octet] of octets.entries()) this.octets[offset + index] ??= octet;
    if (this.length < 0) return null;
    for (let i = 0; i < this.length; i++) if (this.octets[i] === undefined) return null;
    return Buffer.from(this.octets.slice(0, this.length) as number[]);
  }
}

describe('the reassembler beside a naive twin', () => {
  it('agrees over random fragments, overlapping and contradicting', () => {
    const next = random(20260101);
    let whole = 0;
    for (let round = 0; round < 400; round++) {
      const reassembler = new Reassembler();
      const twin = new NaiveDatagram();
      const units = 1 + Math.floor(next() * 12);
      for (let step = 0; step < 60; step++) {
        const from = Math.floor(next() * units);
        const to = from + 1 + Math.floor(next() * (units - from));
        const last = to === units && next() < 0.9;
        const octets = Buffer.from(Array.from({ length: (to - from) * 8 }, () => Math.floor(next() * 256)));
        const size = last ? octets.length - (units % 8) : octets.length;
        const fragment = new IpFragment();
        fragment.protocol = 6;
        fragment.id = 1;
        fragment.offset = from * 8;
        fragment.more = !last;
        fragment.us = 0;
        fragment.octets = Buffer.concat([Buffer.alloc(8), octets]);
        fragment.start = 8;
        fragment.end = 8 + size;
        const got = reassembler.add(fragment);
        const expected = twin.add(from * 8, octets.subarray(0, size), !last);
        expect(got === null ? null : got.toString('hex')).toBe(
          expected === null ? null : expected.toString('hex'),
        );
        if (got) whole++;
        if (got || twin.dead) break;
      }
    }
    expect(whole).toBeGreaterThan(100);
  });

  it('keeps to its limits', () => {
    const reassembler = new Reassembler({ datagrams: 50, octets: 300_000 });
    const fragment = new IpFragment();
    fragment.protocol = 6;
    fragment.more = true;
    fragment.octets = Buffer.alloc(60_000);
    fragment.start = 8;
    fragment.us = 0;
    for (let id = 0; id < 5000; id++) {
      fragment.id = id;
      fragment.end = 8 + (id % 2 === 0 ? 8 : 32_000);
      expect(reassembler.add(fragment)).toBeNull();
      expect(reassembler.held.datagrams).toBeLessThanOrEqual(50);
      expect(reassembler.held.octets).toBeLessThanOrEqual(300_000);
    }
  });

  it('a datagram has nothing of one that was dropped', () => {
    const reassembler = new Reassembler({ datagrams: 1 });
    const fragment = new IpFragment();
    const addresses = Buffer.alloc(8);
    const add = (id: number, offset: number, more: boolean, text: string): Buffer | null => {
      fragment.octets = Buffer.concat([addresses, Buffer.from(text)]);
      Object.assign(fragment, { protocol: 6, id, offset, more, start: 8, end: fragment.octets.length });
      return reassembler.add(fragment);
    };
    for (let id = 0; id < 3; id++) expect(add(id, 0, true, 'what another had')).toBeNull();
    expect(add(3, 16, false, 'the last piece')).toBeNull();
    expect(add(3, 0, true, 'is missing what ')?.toString()).toBe('is missing what the last piece');
  });

  it('cuts what is no multiple of eight in front of further fragments, as receivers do', () => {
    const reassembler = new Reassembler();
    const fragment = new IpFragment();
    fragment.mayBegin = true;
    fragment.octets = Buffer.from('0123456789abcdef0123456789XXXXXX', 'latin1');
    fragment.more = true;
    fragment.end = 26;
    expect(reassembler.add(fragment)).toBeNull();
    fragment.octets = Buffer.from('0123456789wxyz', 'latin1');
    fragment.more = false;
    fragment.offset = 16;
    fragment.end = 14;
    expect(reassembler.add(fragment)!.toString('latin1')).toBe('0123456789abcdef0123456789wxyz');
  });

  it('drops fragments that no datagram can hold', () => {
    const reassembler = new Reassembler();
    const fragment = new IpFragment();
    fragment.octets = Buffer.alloc(100);
    for (const [offset, size, more] of [
      [65528, 16, false],
      [0, 7, true],
      [0, 0, false],
    ] as const) {
      fragment.offset = offset;
      fragment.more = more;
      fragment.end = size;
      expect(reassembler.add(fragment)).toBeNull();
    }
    expect(reassembler.held.datagrams).toBe(0);
  });
});
