import { describe, expect, it } from 'vitest';
import {
  type ByteOrder,
  type PcapForm,
  type PcapRecord,
  pcapFile,
  pcapHeader,
  pcapRecord,
  readWhole,
} from '../support/pcap.js';

const octets = Buffer.from('0123456789abcdef', 'hex');
const record: PcapRecord = { seconds: 981522083, fraction: 123, octets };
const codes = (file: Buffer): string[] => readWhole(file).facts.problems.map((problem) => problem.code);

describe('the forms of pcap', () => {
  const orders: ByteOrder[] = ['le', 'be'];
  it.each(orders)('microseconds, %s', (order) => {
    const { packets, facts } = readWhole(pcapFile([record, { ...record, fraction: 999_999 }], { order }));
    expect(packets).toEqual([
      {
        frame: 1,
        linkType: 1,
        us: 981522083_000123,
        ns: 0,
        digits: 6,
        originalLength: 8,
        octets: '0123456789abcdef',
      },
      {
        frame: 2,
        linkType: 1,
        us: 981522083_999999,
        ns: 0,
        digits: 6,
        originalLength: 8,
        octets: '0123456789abcdef',
      },
    ]);
    expect(facts).toEqual({
      format: 'pcap',
      linkTypes: [1],
      packets: 2,
      bytes: 24 + 2 * 24,
      first: { us: 981522083_000123, ns: 0, digits: 6 },
      last: { us: 981522083_999999, ns: 0, digits: 6 },
      truncated: false,
      problems: [],
    });
  });

  it.each(orders)('nanoseconds, %s', (order) => {
    const { packets, facts } = readWhole(
      pcapFile([{ ...record, fraction: 123_456_789 }], { order, kind: 'ns' }),
    );
    expect(packets[0]).toMatchObject({ us: 981522083_123456, ns: 789, digits: 9 });
    expect(facts.first).toEqual({ us: 981522083_123456, ns: 789, digits: 9 });
  });

  it.each(orders)('modified, with records that have eight octets more, %s', (order) => {
    const { packets, facts } = readWhole(pcapFile([record, record, record], { order, kind: 'modified' }));
    expect(packets.map((packet) => packet.octets)).toEqual(new Array(3).fill('0123456789abcdef'));
    expect(facts).toMatchObject({ format: 'pcap', packets: 3, truncated: false, problems: [] });
  });

  it('a link type is the lower 16 bits of its field; the others speak of the frame check sequence', () => {
    const { packets, facts } = readWhole(pcapFile([record], { linkType: 0x5400_0065 }));
    expect(packets[0]?.linkType).toBe(101);
    expect(facts.linkTypes).toEqual([101]);
  });

  it('other versions are read all the same', () => {
    expect(readWhole(pcapFile([record], { version: [2, 5] })).packets).toHaveLength(1);
    expect(readWhole(pcapFile([record], { version: [9, 0] })).packets).toHaveLength(1);
  });

  it('a header without packets is a capture', () => {
    expect(readWhole(pcapHeader()).facts).toEqual({
      format: 'pcap',
      linkTypes: [1],
      packets: 0,
      bytes: 24,
      first: null,
      last: null,
      truncated: false,
      problems: [],
    });
  });
});

describe('times', () => {
  const time = (seconds: number, fraction: number, form: PcapForm = {}) => {
    const [packet] = readWhole(pcapFile([{ seconds, fraction, octets }], form)).packets;
    return [packet?.us, packet?.ns];
  };

  it('a fraction of a second or more carries', () => {
    expect(time(10, 1_500_000)).toEqual([11_500_000, 0]);
    expect(time(10, 0xffffffff)).toEqual([10_000_000 + 0xffffffff, 0]);
    expect(time(10, 2_500_000_001, { kind: 'ns' })).toEqual([12_500_000, 1]);
    expect(time(10, 0xffffffff, { kind: 'ns' })).toEqual([14_294_967, 295]);
  });

  it('seconds are unsigned', () => {
    expect(time(0xffffffff, 999_999)).toEqual([4294967295_999999, 0]);
    expect(time(0, 0)).toEqual([0, 0]);
  });

  it('first and last are the earliest and the latest, whatever the order', () => {
    const at = (seconds: number, fraction: number) => ({ seconds, fraction, octets });
    const file = pcapFile([at(7, 500), at(9, 999_000_001), at(9, 999_000_002), at(7, 499), at(8, 0)], {
      kind: 'ns',
    });
    const { facts } = readWhole(file);
    expect(facts.first).toEqual({ us: 7_000_000, ns: 499, digits: 9 });
    expect(facts.last).toEqual({ us: 9_999_000, ns: 2, digits: 9 });
  });
});

describe('lengths', () => {
  it('a sliced packet keeps its original length', () => {
    const { packets } = readWhole(pcapFile([{ ...record, original: 1514 }], { snaplen: 8 }));
    expect(packets[0]).toMatchObject({ originalLength: 1514, octets: '0123456789abcdef' });
  });

  it('an original length below the captured one is raised to it', () => {
    const { packets } = readWhole(pcapFile([{ ...record, original: 3 }]));
    expect(packets[0]).toMatchObject({ originalLength: 8, octets: '0123456789abcdef' });
  });

  it('up to version 2.3 the two may have changed places', () => {
    const swapped = pcapRecord({ ...record, captured: 60, original: 8 });
    const { packets } = readWhole(Buffer.concat([pcapHeader({ version: [2, 3] }), swapped, swapped]));
    expect(packets).toHaveLength(2);
    expect(packets[1]).toMatchObject({ originalLength: 60, octets: '0123456789abcdef' });
  });

  it('a packet without octets is a packet', () => {
    expect(readWhole(pcapFile([{ ...record, octets: Buffer.alloc(0) }])).packets[0]?.octets).toBe('');
  });

  it('captured lengths beyond the snapshot length are read, as far as they can be true', () => {
    const jumbo = Buffer.alloc(262144 + 200_000, 7);
    const { packets, facts } = readWhole(pcapFile([{ ...record, octets: jumbo }, record], { snaplen: 64 }));
    expect(packets.map((packet) => packet.octets.length / 2)).toEqual([jumbo.length, 8]);
    expect(facts.problems).toEqual([]);
  });

  it('a large snapshot length is believed up to 64 MiB', () => {
    const form = { snaplen: 0xffffffff };
    const claim = (captured: number): Buffer => pcapFile([record, { ...record, captured }], form);
    expect(readWhole(claim(2 ** 26)).facts).toMatchObject({ packets: 1, truncated: true, problems: [] });
    expect(readWhole(claim(2 ** 26 + 1)).facts).toMatchObject({ packets: 1, truncated: false });
    expect(codes(claim(2 ** 26 + 1))).toEqual(['bad-record-length']);
  });

  it.each([524289, 100_000_000, 0x7fffffff, 0x80000000, 0xffffffff])(
    'a captured length of %d is a lie that ends the reading',
    (captured) => {
      const file = Buffer.concat([
        pcapFile([record, record]),
        pcapRecord({ ...record, captured, original: captured }),
        pcapFile([record]),
      ]);
      const { packets, facts } = readWhole(file);
      expect(packets).toHaveLength(2);
      expect(facts).toMatchObject({ packets: 2, truncated: false, bytes: 24 + 2 * 24 });
      expect(facts.problems).toMatchObject([{ code: 'bad-record-length', packet: 3, offset: 24 + 2 * 24 }]);
    },
  );
});

describe('ends', () => {
  const file = pcapFile([record, record]);

  it('a last record cut short is a truncation and no problem', () => {
    for (const length of [file.length - 1, file.length - 8, file.length - 9, file.length - 23]) {
      const { packets, facts } = readWhole(file.subarray(0, length));
      expect(packets).toHaveLength(1);
      expect(facts).toMatchObject({ truncated: true, problems: [], bytes: length });
    }
  });

  it('a header cut short is a problem', () => {
    for (let length = 1; length < 24; length++) {
      expect(codes(file.subarray(0, length))).toEqual(['truncated-header']);
    }
    expect(codes(file.subarray(0, 24))).toEqual([]);
  });

  it('nothing at all is a problem', () => {
    expect(readWhole(Buffer.alloc(0)).facts).toMatchObject({
      format: 'unknown',
      bytes: 0,
      problems: [{ code: 'empty' }],
    });
  });
});
