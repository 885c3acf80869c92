import type { PacketListener } from './packet.js';
import { type CaptureTally, MAX_CAPTURED, type RecordParser } from './tally.js';
import { TimeUnit } from './time-unit.js';

const SECTION_HEADER = 0x0a0d0d0a; // reads the same in both byte orders
const INTERFACE_DESCRIPTION = 1;
const OBSOLETE_PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;

/**
 * Blocks that hold no packet and yet have a frame number in packet viewers: systemd journal entries, sysdig
 * events and custom blocks. They are stepped over, and counted so that later frames keep their numbers.
 */
const NUMBERED = new Set([9, 0x204, 0x208, 0x216, 0x217, 0x221, 0x222, 0xbad, 0x40000bad]);

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Block type, total length, total length again. */
const MIN_BLOCK = 12;
const MIN_SECTION_HEADER = 28;
const MIN_INTERFACE_DESCRIPTION = 20;
/** Of Enhanced and obsolete Packet Blocks, up to the data: they differ in octets 8-11 only. */
const PACKET_HEADER = 28;
const SIMPLE_PACKET_HEADER = 12;
const TRAILER = 4;
/** Largest block that is kept until it is whole: the largest packet and as much again for its options. */
const MAX_KEPT_BLOCK = 2 * MAX_CAPTURED;

const OPT_END = 0;
const IF_NAME = 2;
const IF_TSRESOL = 9;
const IF_TSOFFSET = 14;
const MAX_NAME = 64;

/** Interfaces that one section may describe; packets of later ones are not handed on. */
export const MAX_INTERFACES = 10_000;

interface CaptureInterface {
  readonly linkType: number;
  readonly name: string;
  /** 0: no limit. */
  readonly snaplen: number;
  readonly time: TimeUnit;
}

/**
 * The packets of a pcapng file: draft-ietf-opsawg-pcapng.
 *
 * Section lengths are ignored: a section ends where the next begins. A block whose length cannot be true
 * ends the reading; no attempt is made to find the next one by guessing.
 */
export class PcapngParser implements RecordParser {
  need = MIN_BLOCK;
  begun = false;
  private little = true;
  private interfaces: CaptureInterface[] = [];
  private tooManyInterfaces = false;
  /** Octets of a block without packets that are still to be stepped over, its trailer not among them. */
  private skip = 0;
  /** Total length that the trailer of the skipped block must repeat; 0: no block is being skipped. */
  private skipped = 0;
  private view: DataView = new DataView(new ArrayBuffer(0));

  constructor(
    private readonly tally: CaptureTally,
    private readonly listener: PacketListener,
  ) {
    tally.format = 'pcapng';
  }

  get inside(): boolean {
    return this.skipped > 0;
  }

  read(octets: Buffer, start: number, end: number): number {
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
    const { tally } = this;
    this.view = view;
    tally.packet.octets = octets;
    const base = tally.offset - start;
    let at = start;
    while (!tally.stopped) {
      if (this.skipped > 0) {
        const step = Math.min(this.skip, end - at);
        this.skip -= step;
        at += step;
        this.need = TRAILER;
        if (this.skip > 0 || end - at < TRAILER) return at;
        const whole = this.skipped;
        this.skipped = 0;
        at += TRAILER;
        this.trailer(at - TRAILER, whole, base);
        this.begun = true;
        continue;
      }
      this.need = MIN_BLOCK;
      if (end - at < MIN_BLOCK) return at;
      const type = view.getUint32(at, this.little);
      if (type === SECTION_HEADER && !this.section(at, base)) return at;
      const total = view.getUint32(at + 4, this.little);
      const padded = total + (-total & 3);
      if (!this.lengthFits(type, total, base + at)) return at;
      if (
        type === ENHANCED_PACKET ||
        type === SIMPLE_PACKET ||
        type === OBSOLETE_PACKET ||
        type === INTERFACE_DESCRIPTION
      ) {
        if (end - at < padded) {
          this.need = padded;
          return at;
        }
        if (type === INTERFACE_DESCRIPTION) this.describe(at, at + padded - TRAILER, base);
        else if (type === SIMPLE_PACKET) this.simple(at, padded, base);
        else this.enhanced(type, at, padded, base);
        at += padded;
        this.trailer(at - TRAILER, total, base);
      } else {
        if (NUMBERED.has(type)) tally.frames++;
        this.skipped = total;
        this.skip = padded - MIN_BLOCK;
        at += MIN_BLOCK - TRAILER;
      }
    }
    return at;
  }

  /** Turns to a new section. False when it is none. */
  private section(at: number, base: number): boolean {
    if (this.view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC) this.little = true;
    else if (this.view.getUint32(at + 8, false) === BYTE_ORDER_MAGIC) this.little = false;
    else {
      if (!this.begun) this.tally.format = 'unknown';
      this.tally.stop(
        this.begun
          ? {
              code: 'bad-section-header',
              message: 'A section header has no byte-order magic: what follows was not read.',
              offset: base + at,
            }
          : {
              code: 'not-a-capture',
              message:
                'This begins like a pcapng file that was changed in transit (as by a transfer in text mode): transfer it again in binary mode.',
            },
      );
      return false;
    }
    this.interfaces = [];
    return true;
  }

  private lengthFits(type: number, total: number, offset: number): boolean {
    const kept =
      type === ENHANCED_PACKET ||
      type === OBSOLETE_PACKET ||
      type === SIMPLE_PACKET ||
      type === INTERFACE_DESCRIPTION;
    const min =
      type === ENHANCED_PACKET || type === OBSOLETE_PACKET
        ? PACKET_HEADER + TRAILER
        : type === SIMPLE_PACKET
          ? SIMPLE_PACKET_HEADER + TRAILER
          : type === INTERFACE_DESCRIPTION
            ? MIN_INTERFACE_DESCRIPTION
            : type === SECTION_HEADER
              ? MIN_SECTION_HEADER
              : MIN_BLOCK;
    if (total >= min && (!kept || total <= MAX_KEPT_BLOCK)) return true;
    this.tally.stop({
      code: 'bad-block-length',
      message: `A block of type ${type} claims a length of ${total} octets: what follows was not read.`,
      packet: this.tally.frames + 1,
      offset,
    });
    return false;
  }

  /** The length at a block's end must be the one at its beginning. */
  private trailer(at: number, total: number, base: number): void {
    const again = this.view.getUint32(at, this.little);
    const aligned = (total & 3) === 0;
    if (again === total && aligned) return;
    if (again === total) {
      // Some writers leave the padding out of the length; packet viewers read these, too.
      this.tally.note({
        code: 'bad-block-length',
        message: `A block's length of ${total} octets is no multiple of 4: it was rounded up.`,
        offset: base + at,
      });
      return;
    }
    const problem = {
      code: 'bad-block-trailer',
      message: `A block's length is ${total} octets at its beginning and ${again} at its end.`,
      offset: base + at,
    };
    if (aligned) this.tally.note(problem);
    else this.tally.stop(problem);
  }

  private describe(at: number, end: number, base: number): void {
    const { view, little, tally } = this;
    const linkType = view.getUint16(at + 8, little);
    tally.linkType(linkType);
    if (this.interfaces.length === MAX_INTERFACES) {
      if (!this.tooManyInterfaces) {
        tally.note({
          code: 'too-many-interfaces',
          message: `A section describes more than ${MAX_INTERFACES} interfaces: packets of the others were not read.`,
          offset: base + at,
        });
      }
      this.tooManyInterfaces = true;
      return;
    }
    let tsresol = 6;
    let offsetSeconds = 0;
    let name = '';
    let option = at + 16;
    while (end - option >= 4) {
      const code = view.getUint16(option, little);
      const length = view.getUint16(option + 2, little);
      const value = option + 4;
      if (code === OPT_END) break;
      if (end - value < length) {
        tally.note({
          code: 'bad-option',
          message: `Option ${code} of interface ${this.interfaces.length} is longer than its block.`,
          offset: base + option,
        });
        break;
      }
      if (code === IF_NAME && name === '') {
        name = tally.packet.octets
          .toString('utf8', value, value + Math.min(length, MAX_NAME))
          .replace(/\0+$/, '');
      }
      if (code === IF_TSRESOL && length === 1) tsresol = view.getUint8(value);
      if (code === IF_TSOFFSET && length === 8) offsetSeconds = Number(view.getBigInt64(value, little));
      option = value + length + (-length & 3);
    }
    this.interfaces.push({
      linkType,
      name: name === '' ? String(this.interfaces.length) : name,
      snaplen: view.getUint32(at + 12, little),
      time: new TimeUnit(tsresol, offsetSeconds),
    });
  }

  private enhanced(type: number, at: number, padded: number, base: number): void {
    const { view, little, tally } = this;
    const packet = tally.packet;
    const id = type === ENHANCED_PACKET ? view.getUint32(at + 8, little) : view.getUint16(at + 8, little);
    tally.packets++;
    packet.frame = ++tally.frames;
    if (id >= this.interfaces.length) {
      this.unknownInterface(id, base + at);
      return;
    }
    const captured = view.getUint32(at + 20, little);
    if (captured > padded - PACKET_HEADER - TRAILER) {
      this.badCaptured(captured, base + at);
      return;
    }
    const original = view.getUint32(at + 24, little);
    const { linkType, name, time } = this.interfaces[id]!;
    time.split(view.getUint32(at + 12, little), view.getUint32(at + 16, little));
    packet.us = time.us;
    packet.ns = time.ns;
    packet.digits = time.digits;
    packet.linkType = linkType;
    packet.interfaceName = name;
    packet.start = at + PACKET_HEADER;
    packet.end = packet.start + captured;
    packet.originalLength = Math.max(original, captured);
    tally.time();
    this.listener.packet(packet);
  }

  private simple(at: number, padded: number, base: number): void {
    const { view, little, tally } = this;
    const packet = tally.packet;
    tally.packets++;
    packet.frame = ++tally.frames;
    const [first] = this.interfaces;
    if (!first) {
      this.unknownInterface(0, base + at);
      return;
    }
    const original = view.getUint32(at + 8, little);
    const captured = first.snaplen > 0 && first.snaplen < original ? first.snaplen : original;
    if (captured > padded - SIMPLE_PACKET_HEADER - TRAILER) {
      this.badCaptured(captured, base + at);
      return;
    }
    packet.us = Number.NaN;
    packet.ns = 0;
    packet.digits = first.time.digits;
    packet.linkType = first.linkType;
    packet.interfaceName = first.name;
    packet.start = at + SIMPLE_PACKET_HEADER;
    packet.end = packet.start + captured;
    packet.originalLength = original;
    this.listener.packet(packet);
  }

  private unknownInterface(id: number, offset: number): void {
    this.tally.note({
      code: 'unknown-interface',
      message: `Packet ${this.tally.frames} names interface ${id}, which its section does not describe: it was not read.`,
      packet: this.tally.frames,
      offset,
    });
  }

  private badCaptured(captured: number, offset: number): void {
    this.tally.note({
      code: 'bad-record-length',
      message: `Packet ${this.tally.frames} claims ${captured} captured octets, more than its block holds: it was not read.`,
      packet: this.tally.frames,
      offset,
    });
  }
}
