import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compressionOf, createDecompressor } from '../../src/capture/decompress.js';
import type { CaptureFacts } from '../../src/capture/packet.js';
import { readCapture } from '../../src/capture/source.js';
import { ZstdFrames } from '../../src/capture/zstd-frames.js';
import { sample } from '../support/extent.js';
import {
  enhancedPacket,
  interfaceDescription,
  Listening,
  pcapFile,
  pcapHeader,
  readWhole,
  sectionHeader,
} from '../support/pcap.js';
import { skippableFrame, zstdFrame } from '../support/zstd.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailwitness-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function readFile(octets: Buffer): Promise<{ listening: Listening; facts: CaptureFacts }> {
  const path = join(folder, 'capture');
  writeFileSync(path, octets);
  const listening = new Listening();
  return { listening, facts: await readCapture(path, listening) };
}

/** What comes out when the compressed octets are written in pieces of this size. */
async function decompress(octets: Buffer, size: number): Promise<{ octets: Buffer; state: string }> {
  const given: Buffer[] = [];
  const compression = compressionOf(octets);
  if (!compression) throw new TypeError('not compressed');
  const decompressor = await createDecompressor(compression, {
    wanted: () => true,
    decompressed: (part) => given.push(Buffer.from(part)),
  });
  const piece = Buffer.alloc(size);
  for (let at = 0; at < octets.length; at += size) {
    const length = octets.copy(piece, 0, at);
    await decompressor.write(piece.subarray(0, length));
    piece.fill(0x77);
  }
  await decompressor.end();
  decompressor.close();
  return { octets: Buffer.concat(given), state: decompressor.state };
}

let noise = 1;
/** Octets that hardly compress, so that compressed files have a length. */
function random(length: number): Buffer {
  const octets = Buffer.alloc(length);
  for (let at = 0; at < length; at++) {
    noise = (Math.imul(noise, 1664525) + 1013904223) >>> 0;
    octets[at] = noise >>> 24;
  }
  return octets;
}

/** 40 packets that `zstd -19 --no-check` made into `ZSTD_OF_REPLIES`: a compressed block, not a raw one. */
const replies = pcapFile(
  Array.from({ length: 40 }, (_, index) => ({
    seconds: index,
    fraction: 0,
    octets: Buffer.from(`250-mail.example SIZE ${index} PIPELINING 8BITMIME\r\n`.repeat(1 + (index % 3))),
  })),
);
const ZSTD_OF_REPLIES = Buffer.from(
  'KLUv/QBo3QgANAnUw7KhAgAEAAQAAQAtMjUwLW1haWwuZXhhbXBsZSBTSVpFIDAgUElQRUxJTklORyA4QklUTUlNRQ0KWjEChzIDMwQ0BTUG' +
    'Ngc3CDgJOQpcMQuKMQwuMg0zMw40DzUQNhE3EjgTORQyMBUyMRYyMhczGDQZNRo2GzccOB05HjMwHzMxIDMyITMiNCM1JDYlNyY4Jzl1qBHl' +
    'DNP+G0BTSdIBEhiGEDAEfy8i+DWjF/OIkMHAWNYBCYnvqExOBzAXHoRCzUDgTn18FoZWmibJUHhMERRgQgS6pURiApvrokM944rQ9SMaEbrd' +
    'zlwa4bwtvmQ/NrL/hhzDIJ4+UQoe+IxYokQsyOEAj265JVC4ggDE8mcJkskgf7JXAw==',
  'base64',
);
/** The same with a checksum of its content. */
const ZSTD_WITH_CHECKSUM = Buffer.concat([ZSTD_OF_REPLIES, Buffer.from('9bda7ea7', 'hex')]);
ZSTD_WITH_CHECKSUM[4]! |= 4;
const records = Array.from({ length: 300 }, (_, index) => ({
  seconds: index,
  fraction: 1,
  octets: random(index * 7),
}));
const pcap = pcapFile(records);
const pcapng = Buffer.concat([
  sectionHeader(),
  interfaceDescription(),
  ...records.slice(0, 60).map(({ octets }) => enhancedPacket({ octets, ticks: 9n })),
]);

describe('a compressed capture reads as it would uncompressed', () => {
  const halves = [pcap.subarray(0, 5000), pcap.subarray(5000)];
  it.each([
    ['pcap+gzip', pcap, zlib.gzipSync(pcap)],
    ['pcapng+gzip', pcapng, zlib.gzipSync(pcapng)],
    ['pcap+gzip', pcap, Buffer.concat(halves.map((half) => zlib.gzipSync(half)))],
    ['pcap+gzip', pcap, Buffer.concat([zlib.gzipSync(pcap), Buffer.alloc(512)])],
    ['pcap+zstd', replies, ZSTD_OF_REPLIES],
    ['pcap+zstd', pcap, zstdFrame(pcap)],
    ['pcap+zstd', replies, ZSTD_WITH_CHECKSUM],
    ['pcapng+zstd', pcapng, zstdFrame(pcapng, { windowLog: 17, blockSize: 131072 })],
    [
      'pcap+zstd',
      pcap,
      Buffer.concat([skippableFrame(random(40)), ...halves.map((half) => zstdFrame(half))]),
    ],
  ])('%s', async (format, plain, compressed) => {
    const { listening, facts } = await readFile(compressed);
    const expected = readWhole(plain);
    expect(listening.packets).toEqual(expected.packets);
    expect(facts).toEqual({ ...expected.facts, format });
  });

  it('by magic number, not by name or by luck', () => {
    expect(compressionOf(zlib.gzipSync(pcap))).toBe('gzip');
    expect(compressionOf(zstdFrame(pcap))).toBe('zstd');
    expect(compressionOf(skippableFrame(random(4)))).toBe('zstd');
    for (const plain of [pcap, pcapng, Buffer.alloc(0), Buffer.from('PK'), Buffer.from([0x1f])]) {
      expect(compressionOf(plain)).toBeNull();
    }
  });

  it('in pieces of any size', async () => {
    const plain = Buffer.concat([replies, random(3000)]);
    const members = [plain.subarray(0, 2000), Buffer.alloc(0), plain.subarray(2000)];
    const gzip = Buffer.concat(members.map((part) => zlib.gzipSync(part)));
    const zstd = Buffer.concat([ZSTD_OF_REPLIES, zstdFrame(plain.subarray(replies.length))]);
    for (const compressed of [gzip, zstd]) {
      for (const size of [1, 2, 7, 8, 9, 10, 31, 1023, 1024, 1025, 100_000]) {
        const result = await decompress(compressed, size);
        expect(result.state).toBe('whole');
        expect(result.octets.equals(plain)).toBe(true);
      }
    }
  });

  it('a capture inside that is no capture keeps its own problem', async () => {
    expect((await readFile(zlib.gzipSync('Hello\n'.repeat(200)))).facts).toMatchObject({
      format: 'unknown',
      problems: [{ code: 'not-a-capture', message: expect.stringContaining('text') }],
    });
    expect((await readFile(zlib.gzipSync(zlib.gzipSync(pcap)))).facts).toMatchObject({
      format: 'unknown',
      problems: [{ code: 'not-a-capture', message: expect.stringContaining('twice') }],
    });
    expect((await readFile(zlib.gzipSync(''))).facts).toMatchObject({ problems: [{ code: 'empty' }] });
  });

  it('reading ends inside where the capture cannot be read on', async () => {
    const bent = Buffer.concat([replies, Buffer.alloc(16, 0xff), Buffer.alloc(1_000_000)]);
    const expected = readWhole(bent).facts;
    expect(expected.problems).toMatchObject([{ code: 'bad-record-length' }]);
    expect((await readFile(zlib.gzipSync(bent))).facts).toEqual({ ...expected, format: 'pcap+gzip' });
    expect((await readFile(zstdFrame(bent))).facts).toEqual({ ...expected, format: 'pcap+zstd' });
  });
});

describe('compression cut short is a truncation', () => {
  it.each([
    ['gzip', zlib.gzipSync(pcap)],
    ['zstd', zstdFrame(pcap)],
  ])('%s: what came before was read', async (_, compressed) => {
    let last = -1;
    for (const share of [0.1, 0.3, 0.5, 0.7, 0.999]) {
      const { listening, facts } = await readFile(compressed.subarray(0, compressed.length * share));
      expect(facts).toMatchObject({ truncated: true, problems: [] });
      expect(listening.packets.length).toBeGreaterThan(last);
      last = listening.packets.length;
    }
    expect(last).toBeGreaterThan(290);
    const { facts } = await readFile(compressed.subarray(0, -1));
    expect(facts).toMatchObject({ truncated: true, problems: [] });
  });

  it('also where a record happens to end', async () => {
    const { facts } = await readFile(zlib.gzipSync(pcap).subarray(0, -3));
    expect(facts).toMatchObject({ packets: 300, truncated: true, problems: [] });
  });
});

describe('damaged compression is a problem, and what came before was read', () => {
  const bend = (octets: Buffer, at: number, value: number): Buffer => {
    const bent = Buffer.from(octets);
    bent[at] = value;
    return bent;
  };
  const damaged = { truncated: false, problems: [{ code: 'corrupt-compression' }] };

  it('gzip: the stream', async () => {
    // Stored blocks, so that a block's header can be found: its length no longer fits its complement.
    const stored = zlib.gzipSync(pcap, { level: 0 });
    const { listening, facts } = await readFile(bend(stored, 10 + 5 + 65535 + 1, 0x12));
    expect(facts).toMatchObject({ format: 'pcap+gzip', ...damaged });
    const expected = readWhole(pcap.subarray(0, 65535 - 1024)).packets;
    expect(listening.packets.length).toBeGreaterThanOrEqual(expected.length);
    expect(listening.packets.slice(0, expected.length)).toEqual(expected);
  });

  it('gzip: a wrong checksum or length loses nothing', async () => {
    for (const plain of [pcap, replies]) {
      const compressed = zlib.gzipSync(plain);
      for (const at of [compressed.length - 8, compressed.length - 4]) {
        const { listening, facts } = await readFile(bend(compressed, at, compressed[at]! ^ 1));
        expect(facts).toMatchObject(damaged);
        expect(listening.packets).toEqual(readWhole(plain).packets);
      }
    }
  });

  it('gzip: something else behind it', async () => {
    const { facts } = await readFile(Buffer.concat([zlib.gzipSync(pcap), Buffer.from('trailing words')]));
    expect(facts).toMatchObject(damaged);
  });

  it('zstd: a block of a reserved type', async () => {
    const compressed = zstdFrame(pcap);
    const header = 9 + 50 * 1003;
    const { listening, facts } = await readFile(bend(compressed, header, compressed[header]! | 6));
    expect(facts).toMatchObject({ format: 'pcap+zstd', ...damaged });
    const expected = readWhole(pcap.subarray(0, 50 * 1000 - 16 * 1024)).packets;
    expect(listening.packets.slice(0, expected.length)).toEqual(expected);
  });

  it('zstd: a wrong checksum loses nothing', async () => {
    const { listening, facts } = await readFile(bend(ZSTD_WITH_CHECKSUM, ZSTD_WITH_CHECKSUM.length - 1, 0));
    expect(facts).toMatchObject(damaged);
    expect(listening.packets).toHaveLength(40);
  });

  it('zstd: any octet of a frame with a checksum', async () => {
    for (const at of sample([...ZSTD_WITH_CHECKSUM.keys()].slice(4), 80)) {
      const { facts } = await readFile(
        bend(ZSTD_WITH_CHECKSUM, at, ZSTD_WITH_CHECKSUM[at]! ^ (1 << (at % 8))),
      );
      const told = facts.truncated || facts.problems.length > 0;
      // An offset beyond the window, or a window that is larger than it needs to be, changes nothing.
      if (!told) expect(facts).toEqual({ ...readWhole(replies).facts, format: 'pcap+zstd' });
      else expect(facts.packets).toBeLessThanOrEqual(1000);
    }
  });

  it('zstd: something else behind it', async () => {
    const { listening, facts } = await readFile(Buffer.concat([ZSTD_OF_REPLIES, Buffer.alloc(100, 3)]));
    expect(facts).toMatchObject(damaged);
    expect(listening.packets).toHaveLength(40);
  });

  it.each([
    ['gzip', zlib.gzipSync(replies)],
    ['zstd', ZSTD_OF_REPLIES],
  ])('%s: any octet changed, it ends and says so or reads on', async (_, compressed) => {
    for (const at of sample([...compressed.keys()].slice(4), 80)) {
      const { facts } = await readFile(bend(compressed, at, compressed[at]! ^ (1 << (at % 8))));
      expect(facts.packets).toBeLessThanOrEqual(1000);
    }
  });
});

describe('what is not decompressed', () => {
  it.each([
    ['a window of 2 GiB', zstdFrame(pcap, { windowLog: 31 }), /window/],
    ['a dictionary', zstdFrame(pcap, { dictionary: true }), /dictionary/],
  ])('zstd with %s', async (_, compressed, reason) => {
    const { facts } = await readFile(compressed);
    expect(facts.problems).toMatchObject([
      { code: 'unsupported-compression', message: expect.stringMatching(reason) },
    ]);
  });

  it('the size of a single segment is its window', () => {
    const header = (size: bigint): Buffer => {
      const octets = Buffer.from('28b52ffde00000000000000000', 'hex');
      octets.writeBigUInt64LE(size, 5);
      return octets;
    };
    const objection = (size: bigint) => {
      const frames = new ZstdFrames(1000);
      frames.walk(header(size));
      return frames.objection?.state ?? null;
    };
    expect(objection(1000n)).toBeNull();
    expect(objection(1001n)).toBe('refused');
    expect(objection(2n ** 63n)).toBe('refused');
  });

  it('frames of tiny blocks in a large window are no way to keep the reader busy', async () => {
    if ('createZstdDecompress' in zlib) return; // the native decompressor moves no window
    const tiny = zstdFrame(Buffer.alloc(20_000), { windowLog: 23, blockSize: 1, rle: true });
    const { facts } = await readFile(Buffer.concat([zstdFrame(replies), tiny, tiny]));
    expect(facts).toMatchObject({ problems: [{ code: 'unsupported-compression' }] });
  });
});

it.each([
  ['gzip', zlib.gzipSync(pcap)],
  ['zstd', zstdFrame(pcap)],
])('%s: what a listener throws reaches the caller', async (_, compressed) => {
  const path = join(folder, 'thrown');
  writeFileSync(path, compressed);
  const listener = {
    packet() {
      throw new RangeError('mine');
    },
  };
  await expect(readCapture(path, listener)).rejects.toThrow('mine');
});

it('what expands a thousandfold takes the memory of a piece', async () => {
  const zeros = Buffer.alloc(256 * 1024 * 1024);
  for (const bomb of [
    Buffer.concat([zlib.gzipSync(pcapHeader()), zlib.gzipSync(zeros)]),
    Buffer.concat([
      zstdFrame(pcapHeader()),
      zstdFrame(zeros, { windowLog: 17, blockSize: 131072, rle: true }),
    ]),
  ]) {
    writeFileSync(join(folder, 'bomb'), bomb);
    let packets = 0;
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const facts = await readCapture(join(folder, 'bomb'), {
      packet() {
        if (++packets % 50_000 === 0) most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      },
    });
    expect(facts.packets).toBe((256 * 1024 * 1024) / 16);
    expect(most).toBeLessThan(160 * 1024 * 1024);
  }
});
