import { describe, expect, test } from 'vitest';
import { RecentOctets } from '../../src/stream/recent.js';
import { AddressTable } from '../../src/wire/address.js';
import { tcpChecksum } from '../../src/wire/checksum.js';
import { TcpSegment } from '../../src/wire/segment.js';
import { Random } from '../support/perturb.js';
import { pointAt, type WireSegment } from '../support/streams.js';

function wire(seq: number, data: Buffer | string, more: Partial<WireSegment> = {}): WireSegment {
  return {
    from: 'C',
    clientPort: 40000,
    serverPort: 25,
    flags: 'PA',
    seq,
    ack: 1,
    data: Buffer.from(data),
    us: 0,
    ...more,
  };
}

/** Segments as they lie in one buffer of a reader. */
class Reader {
  readonly buffer = Buffer.alloc(8192);
  readonly recent = new RecentOctets((segment) => tcpChecksum(segment, new AddressTable()));
  entry = 0;

  /** Puts the segment at `at` of the buffer; its header is 34 octets behind. */
  read(segment: WireSegment, at: number): TcpSegment {
    const cursor = new TcpSegment();
    pointAt(cursor, segment, 1);
    cursor.octets.copy(this.buffer, at);
    cursor.octets = this.buffer;
    cursor.tcpStart += at;
    cursor.start += at;
    cursor.end += at;
    return cursor;
  }

  deliver(segment: WireSegment, at: number): void {
    const { seq, octets, start, end, tcpStart } = this.read(segment, at);
    this.entry = this.recent.note(this.entry, seq, octets, start, end, tcpStart);
  }

  compare(segment: WireSegment, at: number): [number, number] {
    const cursor = this.read(segment, at);
    this.recent.compare(this.entry, cursor.seq, cursor.start, cursor.end, cursor);
    return [this.recent.first, this.recent.last];
  }
}

const long = (fill: string, length = 1000) => Buffer.alloc(length, fill);

function changed(octets: Buffer, ...places: number[]): Buffer {
  const copy = Buffer.from(octets);
  for (const place of places) copy[place]! ^= 1;
  return copy;
}

describe('long segments are compared where they lie', () => {
  test('and differ', () => {
    const reader = new Reader();
    reader.deliver(wire(0, long('a')), 0);
    reader.deliver(wire(1000, long('b')), 1100);
    expect(reader.compare(wire(1000, changed(long('b'), 7, 900)), 3000)).toEqual([7, 900]);
    expect(reader.compare(wire(0, changed(long('a'), 3)), 3000)).toEqual([3, 3]);
    expect(reader.compare(wire(500, Buffer.concat([long('a', 500), long('b', 500)])), 3000)).toEqual([
      -1, -1,
    ]);
  });

  test('not when the reader has filled the buffer again', () => {
    const reader = new Reader();
    reader.deliver(wire(0, long('a')), 0);
    reader.buffer.fill(0x55, 500, 600);
    expect(reader.compare(wire(0, long('a')), 3000)).toEqual([-1, -1]);
    reader.buffer.fill(0x55, 0, 600);
    expect(reader.compare(wire(0, long('a')), 3000)).toEqual([-1, -1]);
  });

  test('not when the first copy can not be verified', () => {
    const reader = new Reader();
    reader.deliver(wire(0, long('a'), { offload: true }), 0);
    expect(reader.compare(wire(0, changed(long('a'), 3)), 3000)).toEqual([-1, -1]);
  });

  test('not when it lay in another buffer', () => {
    const reader = new Reader();
    reader.deliver(wire(0, long('a')), 0);
    const { seq, start, end, tcpStart } = reader.read(wire(1000, long('b')), 2000);
    reader.entry = reader.recent.note(reader.entry, seq, Buffer.from(reader.buffer), start, end, tcpStart);
    expect(reader.compare(wire(0, changed(long('a'), 3)), 4000)).toEqual([-1, -1]);
  });
});

describe('short segments are copied', () => {
  test('so that the buffer may be filled again', () => {
    const reader = new Reader();
    reader.deliver(wire(-3, 'EHLO client.example\r\n'), 0);
    reader.buffer.fill(0x55);
    expect(reader.compare(wire(-3, 'XXXX client.example\r\n'), 0)).toEqual([0, 3]);
    expect(reader.compare(wire(1, ' client'), 0)).toEqual([-1, -1]);
    expect(reader.compare(wire(-3, 'EHLO client.exampl'), 0)).toEqual([-1, -1]);
  });

  test('beside a naive twin, while the ring goes round', () => {
    const random = new Random(7);
    const reader = new Reader();
    const all: number[] = [];
    for (let i = 0; i < 40_000; i++) {
      const data = Buffer.from(
        Array.from({ length: 1 + random.int(i % 100 === 0 ? 512 : 90) }, () => random.int(256)),
      );
      reader.deliver(wire(all.length, data), random.int(4000));
      for (const octet of data) all.push(octet);
      if (random.int(8) !== 0) continue;
      const back = Math.min(all.length, 1 + random.int(600));
      const again = Buffer.from(all.slice(-back));
      const differing = random.int(3);
      const places = Array.from({ length: differing }, () => random.int(back));
      for (const place of new Set(places)) again[place]! ^= 1 + random.int(255);
      const expected = differing === 0 ? [-1, -1] : [Math.min(...places), Math.max(...places)];
      expect(reader.compare(wire(all.length - back, again), 0)).toEqual(expected);
    }
  });

  test('what other directions have overwritten is not compared', () => {
    const reader = new Reader();
    reader.deliver(wire(0, Buffer.alloc(400, 7)), 0);
    const mine = reader.entry;
    const differs = () => {
      reader.recent.compare(mine, 0, 0, 400, reader.read(wire(0, Buffer.alloc(400, 9)), 0));
      return reader.recent.last;
    };
    reader.entry = 0;
    for (let i = 0; i < 4000; i++) reader.deliver(wire(i * 512, Buffer.alloc(512, 1)), 0);
    expect(differs()).toBe(399);
    for (let i = 0; i < 200; i++) reader.deliver(wire(i * 512, Buffer.alloc(512, 1)), 0);
    expect(differs()).toBe(-1);
  });
});
