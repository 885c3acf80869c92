import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CapturedPacket } from '../../src/capture/packet.js';
import { CaptureReader } from '../../src/capture/reader.js';
import {
  block,
  enhancedPacket,
  type HeardPacket,
  interfaceDescription,
  Listening,
  obsoletePacket,
  pcapFile,
  readPieces,
  readWhole,
  sectionHeader,
  simplePacket,
} from '../support/pcap.js';

const data = (length: number, fill: number): Buffer => Buffer.alloc(length, fill);

const pcap = pcapFile([
  { seconds: 1, fraction: 2, octets: data(60, 0xaa) },
  { seconds: 2, fraction: 2_000_000, octets: data(0, 0) },
  { seconds: 1, fraction: 1, octets: data(5, 0xd4), original: 99 },
  { seconds: 9, fraction: 9, octets: data(17, 0x0a) },
]);
const modified = pcapFile(
  [
    { seconds: 1, fraction: 2, octets: data(6, 1) },
    { seconds: 3, fraction: 4, octets: data(7, 2) },
  ],
  { order: 'be', kind: 'modified', linkType: 113 },
);
const pcapng = Buffer.concat([
  sectionHeader(),
  interfaceDescription({ tsresol: 9 }),
  block(5, data(20, 1)),
  enhancedPacket({ octets: data(61, 0xbb), ticks: 5_000_000_123n }),
  block(0xbad, data(8, 7)),
  simplePacket({ octets: data(3, 0xcc) }),
  enhancedPacket({ octets: data(2, 1), interface: 4 }),
  sectionHeader({ order: 'be' }),
  block(10, data(0, 0), { order: 'be' }),
  interfaceDescription({ order: 'be', linkType: 101 }),
  obsoletePacket({ order: 'be', octets: data(8, 0xdd), ticks: 77n }),
  enhancedPacket({ order: 'be', octets: data(4, 2), trailer: 12 }),
  enhancedPacket({ order: 'be', octets: data(4, 3), total: 0 }),
  data(100, 0xff),
]);
const captures: [string, Buffer][] = [
  ['pcap', pcap],
  ['modified pcap', modified],
  ['pcapng', pcapng],
  ['text', Buffer.from('Received: from mail.example by mail.example.com; never\r\n'.repeat(20))],
  ['a pcapng changed in transit', Buffer.concat([Buffer.from('0a0d0d0a', 'hex'), data(60, 3)])],
  ['a lie', Buffer.concat([pcap, data(16, 0xff), data(50, 0)])],
];

/** Octets cut at the given places. */
function cut(octets: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...[...at].sort((a, b) => a - b), octets.length];
  return places.slice(1).map((end, index) => octets.subarray(places[index], end));
}

function sequence(count: number, step: number): number[] {
  return Array.from({ length: count }, (_, index) => (index + 1) * step);
}

describe('however a capture is cut into pieces, it reads the same', () => {
  it('and the captures of this test are not alike', () => {
    expect(captures.map(([, octets]) => readWhole(octets).packets.length)).toEqual([4, 2, 4, 0, 0, 4]);
    expect(readWhole(pcapng).facts.problems.map((problem) => problem.code)).toEqual([
      'unknown-interface',
      'bad-block-trailer',
      'bad-block-length',
    ]);
  });

  it.each(captures)('%s: in pieces of every size, from one octet', (_, octets) => {
    const whole = readWhole(octets);
    for (let size = 1; size <= octets.length; size++) {
      const pieces = cut(octets, sequence(Math.floor((octets.length - 1) / size), size));
      expect(readPieces(pieces)).toEqual(whole);
    }
  });

  it.each(captures)('%s: cut anywhere', (_, octets) => {
    const whole = readWhole(octets);
    fc.assert(
      fc.property(fc.array(fc.nat(octets.length), { maxLength: 12 }), (at) => {
        expect(readPieces(cut(octets, at))).toEqual(whole);
      }),
      { numRuns: 300, seed: 11 },
    );
  });

  it('the pieces may be overwritten as soon as push returns', () => {
    const whole = readWhole(pcapng);
    const listening = new Listening();
    const reader = new CaptureReader(listening);
    const shared = Buffer.alloc(37);
    for (let at = 0; at < pcapng.length; at += shared.length) {
      const length = pcapng.copy(shared, 0, at);
      reader.push(shared.subarray(0, length));
      shared.fill(0x99);
    }
    expect({ packets: listening.packets, facts: reader.end() }).toEqual(whole);
  });

  it('a Buffer object is never handed on again with other octets', () => {
    const seen = new Map<Buffer, string>();
    const reader = new CaptureReader({
      packet(packet) {
        const content = packet.octets.toString('hex');
        expect(seen.get(packet.octets) ?? content).toBe(content);
        seen.set(packet.octets, content);
      },
    });
    const shared = Buffer.alloc(40);
    const long = pcapFile(
      Array.from({ length: 50 }, (_, i) => ({ seconds: i, fraction: 0, octets: data(21, i) })),
    );
    for (let at = 0; at < long.length; at += shared.length) {
      const length = long.copy(shared, 0, at);
      reader.push(shared.subarray(0, length));
    }
    expect(reader.end().packets).toBe(50);
    expect(seen.size).toBeGreaterThan(10);
  });
});

describe('every prefix', () => {
  it.each(captures.slice(0, 3))('%s: is read as far as it goes', (_, octets) => {
    const whole = readWhole(octets);
    let before: HeardPacket[] = [];
    for (let length = 0; length <= octets.length; length++) {
      const { packets, facts } = readWhole(octets.subarray(0, length));
      expect(packets).toEqual(whole.packets.slice(0, packets.length));
      expect(packets.length - before.length).toBeGreaterThanOrEqual(0);
      expect(packets.length - before.length).toBeLessThanOrEqual(1);
      expect(facts.bytes).toBeLessThanOrEqual(length);
      if (facts.problems.length === 0 && !facts.truncated) expect(facts.bytes).toBe(length);
      before = packets;
    }
    expect(before).toEqual(whole.packets);
  });

  it('is truncated wherever it does not end with a record', () => {
    const clean = Buffer.concat([
      pcapng.subarray(0, 28),
      interfaceDescription(),
      enhancedPacket({ octets: data(9, 1) }),
    ]);
    const ends = new Set([28, 28 + 24, clean.length]);
    for (let length = 28; length <= clean.length; length++) {
      const { facts } = readWhole(clean.subarray(0, length));
      expect([length, facts.truncated, facts.problems]).toEqual([length, !ends.has(length), []]);
    }
    for (let length = 1; length < 28; length++) {
      expect(readWhole(clean.subarray(0, length)).facts).toMatchObject({
        truncated: false,
        problems: [{ code: 'truncated-header' }],
      });
    }
  });
});

describe('hostile octets', () => {
  const bounds = (octets: Buffer): number => {
    let frame = 0;
    const reader = new CaptureReader({
      packet(packet: CapturedPacket) {
        expect(packet.frame).toBeGreaterThan(frame);
        frame = packet.frame;
        expect(packet.start).toBeGreaterThanOrEqual(0);
        expect(packet.end).toBeGreaterThanOrEqual(packet.start);
        expect(packet.end).toBeLessThanOrEqual(packet.octets.length);
        expect(packet.originalLength).toBeGreaterThanOrEqual(packet.end - packet.start);
      },
    });
    reader.push(octets);
    const facts = reader.end();
    expect(facts.problems.length).toBeLessThanOrEqual(101);
    expect(facts.packets).toBeGreaterThanOrEqual(0);
    return facts.packets;
  };

  it.each(captures.slice(0, 3))('%s: any octets changed, removed or put in', (_, octets) => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(octets.length - 1), fc.nat(2), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        (changes) => {
          const list = [...octets];
          for (const [at, kind, value] of changes)
            list.splice(at, kind === 2 ? 0 : 1, ...(kind ? [value] : []));
          const bent = Buffer.from(list);
          bounds(bent);
          expect(readPieces(cut(bent, sequence(Math.floor((bent.length - 1) / 7), 7)))).toEqual(
            readWhole(bent),
          );
        },
      ),
      { numRuns: 1500, seed: 5 },
    );
  });

  it.each(['d4c3b2a1', 'a1b23c4d', '34cdb2a1', '0a0d0d0a1c0000004d3c2b1a'])('%s and then noise', (magic) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
        bounds(Buffer.concat([Buffer.from(magic, 'hex'), noise]));
      }),
      { numRuns: 1000, seed: 3 },
    );
  });

  it('a record that claims 64 MiB takes no memory before its octets arrive', () => {
    const file = pcapFile([{ seconds: 0, fraction: 0, octets: data(9, 1), captured: 2 ** 26 }], {
      snaplen: 2 ** 31,
    });
    const before = process.memoryUsage().arrayBuffers;
    const readers = Array.from({ length: 20 }, () => {
      const reader = new CaptureReader(new Listening());
      for (let at = 0; at < file.length; at++) reader.push(file.subarray(at, at + 1));
      return reader;
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20 * 1024 * 1024);
    for (const reader of readers) expect(reader.end()).toMatchObject({ truncated: true, packets: 0 });
  });

  it('a record larger than any piece is put together', () => {
    const big = data(3_000_000, 0x42);
    const file = pcapFile(
      [
        { seconds: 1, fraction: 0, octets: big },
        { seconds: 2, fraction: 0, octets: data(4, 7) },
      ],
      { snaplen: 4_000_000 },
    );
    const { packets, facts } = readPieces(cut(file, sequence(Math.floor(file.length / 65536), 65536)));
    expect(facts).toMatchObject({ packets: 2, truncated: false, problems: [] });
    expect(packets[0]?.octets).toBe(big.toString('hex'));
    expect(packets[1]?.octets).toBe('07070707');
  });

  it('nothing is read after the reading has ended', () => {
    const listening = new Listening();
    const reader = new CaptureReader(listening);
    reader.push(captures[5]![1]);
    expect(reader.stopped).toBe(true);
    reader.push(pcap);
    expect(listening.packets).toHaveLength(4);
    expect(reader.end().bytes).toBe(pcap.length);
  });
});

describe('inputs that are something else', () => {
  const pad = (beginning: string): Buffer => Buffer.concat([Buffer.from(beginning, 'latin1'), data(600, 0)]);
  it.each([
    ['PK\x03\x04', /ZIP archive.*unpack/],
    ['\x1f\x8b\x08', /gzip.*decompress/],
    ['\x28\xb5\x2f\xfd', /zstd.*decompress/],
    ['BZh91AY', /bzip2.*decompress/],
    ['\xfd7zXZ\0', /xz.*decompress/],
    ['snoop\0\0\0\0\0\0\x02', /snoop.*editcap/],
    ['RTSS', /Network Monitor.*editcap/],
    ['%PDF-1.7', /PDF/],
    [`${'f'.repeat(257)}ustar`, /tar archive.*unpack/],
    ['\x00\x01\x02\x03', /no capture that is read here: give a pcap/],
  ])('%j is named, with what to do', (beginning, expected) => {
    const { facts } = readWhole(pad(beginning));
    expect(facts).toMatchObject({
      format: 'unknown',
      packets: 0,
      bytes: 0,
      problems: [{ code: 'not-a-capture' }],
    });
    expect(facts.problems[0]?.message).toMatch(expected);
  });

  it.each([
    ['1 0.000 192.0.2.1 -> 192.0.2.2 SMTP\n', /^This is text/],
    ['\n <!DOCTYPE html><p>Not found', /^This is a web page/],
    ['a', /^This is text/],
  ])('%j as well', (text, expected) => {
    expect(readWhole(Buffer.from(text)).facts.problems).toMatchObject([
      { code: 'not-a-capture', message: expect.stringMatching(expected) },
    ]);
  });
});

it('reading given up before the end is no truncation', () => {
  const reader = new CaptureReader(new Listening());
  reader.push(pcap.subarray(0, pcap.length - 3));
  expect(reader.end(false)).toMatchObject({ packets: 3, truncated: false, bytes: pcap.length - 33 });
});
