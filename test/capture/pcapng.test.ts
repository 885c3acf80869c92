import { describe, expect, it } from 'vitest';
import { MAX_INTERFACES } from '../../src/capture/pcapng.js';
import { formatTimestamp } from '../../src/capture/timestamp.js';
import {
  type BlockPacket,
  type ByteOrder,
  block,
  enhancedPacket,
  type HeardPacket,
  interfaceDescription,
  long,
  obsoletePacket,
  option,
  readWhole,
  sectionHeader,
  simplePacket,
} from '../support/pcap.js';

const octets = Buffer.from('0123456789abcdef01', 'hex');
const hex = octets.toString('hex');
const orders: ByteOrder[] = ['le', 'be'];
const read = (...blocks: Buffer[]) => readWhole(Buffer.concat(blocks));
const start = Buffer.concat([sectionHeader(), interfaceDescription()]);
const one = enhancedPacket({ octets, ticks: 5n });
const frames = (packets: HeardPacket[]) => packets.map((packet) => packet.frame);

describe('the packets of a section', () => {
  it.each(orders)('enhanced, simple and obsolete packet blocks, %s', (order) => {
    const ticks = 981522083_000123n;
    const { packets, facts } = read(
      sectionHeader({ order }),
      interfaceDescription({ order, linkType: 113 }),
      interfaceDescription({ order, linkType: 101 }),
      enhancedPacket({ order, interface: 1, ticks, octets, original: 99 }),
      simplePacket({ order, octets }),
      obsoletePacket({ order, interface: 1, ticks: ticks + 1n, octets }),
    );
    const common = { ns: 0, digits: 6, octets: hex };
    expect(packets).toEqual([
      { ...common, frame: 1, linkType: 101, us: 981522083_000123, originalLength: 99 },
      { ...common, frame: 2, linkType: 113, us: Number.NaN, originalLength: 9 },
      { ...common, frame: 3, linkType: 101, us: 981522083_000124, originalLength: 9 },
    ]);
    expect(facts).toMatchObject({
      format: 'pcapng',
      linkTypes: [113, 101],
      packets: 3,
      first: { us: 981522083_000123 },
      last: { us: 981522083_000124 },
      truncated: false,
      problems: [],
    });
  });

  it('each section has its own byte order and interfaces', () => {
    const { packets, facts } = read(
      sectionHeader({ order: 'be' }),
      interfaceDescription({ order: 'be', linkType: 0 }),
      enhancedPacket({ order: 'be', octets }),
      sectionHeader({ order: 'le' }),
      enhancedPacket({ octets }),
      interfaceDescription({ linkType: 1 }),
      enhancedPacket({ octets }),
      sectionHeader({ order: 'be' }),
      interfaceDescription({ order: 'be', linkType: 0 }),
      simplePacket({ order: 'be', octets }),
    );
    expect(packets.map((packet) => [packet.frame, packet.linkType])).toEqual([
      [1, 0],
      [3, 1],
      [4, 0],
    ]);
    expect(facts.linkTypes).toEqual([0, 1]);
    expect(facts.problems).toMatchObject([{ code: 'unknown-interface', packet: 2 }]);
  });

  it('options after the data are not the data', () => {
    const options = Buffer.concat([option(1, Buffer.from('a comment')), option(0, Buffer.alloc(0))]);
    expect(read(start, enhancedPacket({ octets, options })).packets[0]?.octets).toBe(hex);
  });

  it('a simple packet is as long as the snapshot length of interface 0 allows', () => {
    const described = [interfaceDescription({ snaplen: 4 }), interfaceDescription({ snaplen: 1 })];
    const { packets } = read(
      sectionHeader(),
      ...described,
      simplePacket({ octets: octets.subarray(0, 4), original: 9 }),
      simplePacket({ octets: octets.subarray(0, 3) }),
    );
    expect(packets.map((packet) => [packet.octets, packet.originalLength])).toEqual([
      ['01234567', 9],
      ['012345', 3],
    ]);
  });

  it('times are absent from simple packets, and from facts when there are no others', () => {
    const { facts } = read(start, simplePacket({ octets }));
    expect(facts).toMatchObject({ packets: 1, first: null, last: null, problems: [] });
  });
});

describe('blocks without packets', () => {
  it('are stepped over, whatever their length', () => {
    const bodies = [0, 4, 100, 3_000_000].map((length) => Buffer.alloc(length, 6));
    for (const type of [4, 5, 8, 10, 0x201, 0x7777, 0x80000001]) {
      const { packets, facts } = read(start, ...bodies.map((body) => block(type, body)), one);
      expect(frames(packets)).toEqual([1]);
      expect(facts).toMatchObject({ packets: 1, problems: [], truncated: false });
    }
  });

  it('take a frame number where packet viewers give them one', () => {
    for (const type of [9, 0x204, 0x216, 0x221, 0xbad, 0x40000bad]) {
      const { packets, facts } = read(start, one, block(type, Buffer.alloc(64)), one);
      expect(frames(packets)).toEqual([1, 3]);
      expect(facts.packets).toBe(2);
    }
  });
});

describe('resolutions of time', () => {
  const time = (tsresol: number | undefined, ticks: bigint, tsoffset?: bigint) => {
    const form = { ...(tsresol !== undefined && { tsresol }), ...(tsoffset !== undefined && { tsoffset }) };
    const [packet] = read(
      sectionHeader(),
      interfaceDescription(form),
      enhancedPacket({ octets, ticks }),
    ).packets;
    return packet ? [packet.us, packet.ns, packet.digits] : [];
  };
  const second = 1_714_979_289n;

  it('are microseconds by default', () => {
    expect(time(undefined, second * 1_000_000n + 7n)).toEqual([1_714_979_289_000_007, 0, 6]);
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('10^-%d of a second is exact', (n) => {
    const ticks = second * 10n ** BigInt(n) + (n > 0 ? 3n : 0n);
    const ns = (ticks * 1_000_000_000n) / 10n ** BigInt(n);
    expect(time(n, ticks)).toEqual([Number(ns / 1000n), Number(ns % 1000n), Math.min(n, 9)]);
  });

  it.each([0, 1, 3, 4, 10, 20, 29, 30, 33])('2^-%d of a second is exact to the nanosecond', (n) => {
    const ticks = (second << BigInt(n)) + (n > 0 ? 1n : 0n);
    const ns = (ticks * 1_000_000_000n) >> BigInt(n);
    const digits = Math.min(9, (1n << BigInt(n)).toString().length - (n === 0 ? 1 : 0));
    expect(time(0x80 | n, ticks)).toEqual([Number(ns / 1000n), Number(ns % 1000n), digits]);
  });

  it('every nanosecond around the half of 64 bits is told apart', () => {
    for (const high of [0n, 1n, 399_000_000n]) {
      for (const low of [0n, 1n, 999n, 1000n, 0xffffffffn]) {
        const ns = (high << 32n) + low;
        expect(time(9, ns)).toEqual([Number(ns / 1000n), Number(ns % 1000n), 9]);
      }
    }
  });

  it('if_tsoffset adds whole seconds, also negative ones', () => {
    expect(time(6, 5n, 1000n)).toEqual([1_000_000_005, 0, 6]);
    expect(time(9, 2_000_000_005n, -1n)).toEqual([1_000_000, 5, 9]);
    expect(time(0x80 | 1, 3n, 10n)).toEqual([11_500_000, 0, 1]);
  });

  it('absurd values give a time that is printed as unknown', () => {
    for (const [us = 0, ns = 0, digits = 0] of [
      time(0x7f, 0xffffffff_ffffffffn, 0x7fffffff_ffffffffn),
      time(0, 0xffffffff_ffffffffn),
    ]) {
      expect(us).not.toBeNaN();
      expect(formatTimestamp({ us, ns, digits })).toBeNull();
    }
  });
});

describe('damage', () => {
  const problems = (...blocks: Buffer[]) => {
    const { packets, facts } = read(...blocks);
    const listed = facts.problems.map(({ code, packet, offset }) => ({ code, packet, offset }));
    return { heard: packets.length, packets: facts.packets, truncated: facts.truncated, listed };
  };

  it.each([0, 4, 11, 31])('a packet block of %d octets ends the reading', (total) => {
    expect(problems(start, one, enhancedPacket({ octets, total }), one)).toEqual({
      heard: 1,
      packets: 1,
      truncated: false,
      listed: [{ code: 'bad-block-length', packet: 2, offset: start.length + one.length }],
    });
  });

  it.each([0, 1, 8, 11])('a foreign block of %d octets ends the reading', (total) => {
    expect(problems(start, one, block(99, octets, { total }), one)).toMatchObject({
      heard: 1,
      listed: [{ code: 'bad-block-length' }],
    });
  });

  it('a packet block of 4 GiB ends the reading and is not waited for', () => {
    expect(problems(start, one, enhancedPacket({ octets, total: 0xfffffffc }))).toMatchObject({
      heard: 1,
      truncated: false,
      listed: [{ code: 'bad-block-length' }],
    });
  });

  it('a foreign block that claims more than there is was cut short', () => {
    expect(problems(start, one, block(99, octets, { total: 0xfffffffc }))).toMatchObject({
      heard: 1,
      truncated: true,
      listed: [],
    });
  });

  it('a length that leaves out the padding is rounded up, and told', () => {
    const short = enhancedPacket({ octets, total: 32 + octets.length });
    expect(problems(start, short, one)).toEqual({
      heard: 2,
      packets: 2,
      truncated: false,
      listed: [{ code: 'bad-block-length', packet: undefined, offset: start.length + short.length - 4 }],
    });
  });

  it('a length that is no multiple of four and not repeated either ends the reading', () => {
    const wrong = enhancedPacket({ octets, total: 32 + octets.length, trailer: 44 });
    expect(problems(start, wrong, one)).toMatchObject({ heard: 1, listed: [{ code: 'bad-block-trailer' }] });
  });

  it('a trailer that says otherwise is told, and the reading goes on', () => {
    const wrong = [enhancedPacket({ octets, trailer: 8 }), block(5, octets, { trailer: 0 })];
    expect(problems(start, ...wrong, one)).toMatchObject({
      heard: 2,
      listed: [
        { code: 'bad-block-trailer', offset: start.length + wrong[0]!.length - 4 },
        { code: 'bad-block-trailer' },
      ],
    });
  });

  it('a packet of an unknown interface is counted and not handed on', () => {
    const stray = (form: Partial<BlockPacket>) => enhancedPacket({ octets, ...form });
    const { packets, facts } = read(start, stray({ interface: 1 }), stray({ interface: 0xffffffff }), one);
    expect(frames(packets)).toEqual([3]);
    expect(facts.packets).toBe(3);
    expect(facts.problems).toMatchObject([
      { code: 'unknown-interface', packet: 1, offset: start.length },
      { code: 'unknown-interface', packet: 2 },
    ]);
    expect(problems(sectionHeader(), simplePacket({ octets }))).toMatchObject({
      heard: 0,
      listed: [{ code: 'unknown-interface', packet: 1 }],
    });
  });

  it('a captured length beyond its block is counted and not handed on', () => {
    const lies = [
      enhancedPacket({ octets, captured: 13 }),
      enhancedPacket({ octets, captured: 0xffffffff }),
      simplePacket({ octets, original: 13 }),
      obsoletePacket({ octets, captured: 13 }),
    ];
    expect(problems(start, ...lies, one)).toMatchObject({
      heard: 1,
      packets: 5,
      listed: lies.map((_, index) => ({ code: 'bad-record-length', packet: index + 1 })),
    });
  });

  it('an option beyond its block is told; the interface stands', () => {
    const options = Buffer.concat([option(9, Buffer.from([9])), Buffer.from([14, 0, 200, 0])]);
    const described = interfaceDescription({ options });
    const { packets, facts } = read(sectionHeader(), described, one);
    expect(packets[0]).toMatchObject({ digits: 9, us: 0, ns: 5 });
    expect(facts.problems).toMatchObject([{ code: 'bad-option' }]);
  });

  it('options of the wrong length are not believed', () => {
    const options = Buffer.concat([option(9, Buffer.from([9, 9])), option(14, Buffer.alloc(4, 1))]);
    expect(read(sectionHeader(), interfaceDescription({ options }), one).packets[0]).toMatchObject({
      digits: 6,
      us: 5,
    });
  });

  it('a section without byte-order magic ends the reading', () => {
    const bad = block(0x0a0d0d0a, Buffer.alloc(16, 1));
    expect(problems(start, one, bad, one)).toMatchObject({
      heard: 1,
      listed: [{ code: 'bad-section-header', offset: start.length + one.length }],
    });
  });

  it('a first section without byte-order magic is no capture', () => {
    const { facts } = read(block(0x0a0d0d0a, Buffer.alloc(16, 1)), one);
    expect(facts).toMatchObject({ format: 'unknown', bytes: 0, problems: [{ code: 'not-a-capture' }] });
  });

  it('interfaces are limited', () => {
    const many = new Array(MAX_INTERFACES + 2).fill(interfaceDescription());
    const { packets, facts } = read(
      sectionHeader(),
      ...many,
      enhancedPacket({ octets, interface: MAX_INTERFACES - 1 }),
      enhancedPacket({ octets, interface: MAX_INTERFACES }),
    );
    expect(frames(packets)).toEqual([1]);
    expect(facts.problems.map((problem) => problem.code)).toEqual([
      'too-many-interfaces',
      'unknown-interface',
    ]);
  });

  it('problems are limited', () => {
    const stray = new Array(1000).fill(enhancedPacket({ octets, interface: 1 }));
    const { facts } = read(start, ...stray);
    expect(facts.packets).toBe(1000);
    expect(facts.problems).toHaveLength(101);
    expect(facts.problems[99]?.code).toBe('unknown-interface');
    expect(facts.problems[100]?.code).toBe('too-many-problems');
  });

  it('an impossible interface description ends the reading', () => {
    const bad = Buffer.concat([long(1, 'le'), long(16, 'le'), long(1, 'le'), long(16, 'le')]);
    expect(problems(sectionHeader(), bad, one)).toMatchObject({ listed: [{ code: 'bad-block-length' }] });
  });
});
