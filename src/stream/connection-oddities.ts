import type { Timestamp } from '../capture/timestamp.js';
import { ICMP_KINDS } from '../wire/icmp-error.js';
import { CHECKSUMS } from '../wire/segment.js';
import type { LostOctets, ResentSegment, SelectedOctets } from './delivery.js';
import {
  type Direction,
  GAP_CAUSES,
  type Gap,
  type NumberSink,
  type NumberSource,
  type Overlap,
} from './event.js';
import type {
  ForeignReset,
  ForeignSegment,
  ForgedReset,
  OversizeSegment,
  ReturnedSegment,
  SackAccount,
  SynRepeats,
  UnfitResets,
} from './tcp-facts.js';

/** Of what is odd. */
const HAS_SYNS = 1 << 0;
const HAS_SACK = 1 << 1;
const HAS_UNFIT_RESETS = 1 << 2;
const HAS_FOREIGN_RESET = 1 << 3;

/** Of a segment that was sent again. */
const ARRIVED = 1 << 0;
const SELECTED = 1 << 1;

/** Of a segment that is not the server's own. */
const OTHER_CLOCK = 1 << 0;
const IS_RESET = 1 << 1;

/** What most connections show nothing of. */
export interface Oddities {
  readonly gaps: readonly Gap[];
  readonly gapCount: number;
  readonly overlaps: readonly Overlap[];
  readonly overlapCount: number;
  /** SYNs of the client, where there is more than one. */
  readonly syns: Readonly<SynRepeats> | null;
  readonly foreign: readonly ForeignSegment[];
  readonly foreignCount: number;
  readonly oversize: readonly OversizeSegment[];
  readonly oversizeCount: number;
  readonly sack: SackAccount | null;
  readonly unfitResets: UnfitResets | null;
  readonly resent: readonly ResentSegment[];
  readonly resentCount: number;
  readonly selected: readonly SelectedOctets[];
  readonly lost: readonly LostOctets[];
  readonly forgedResets: readonly ForgedReset[];
  readonly foreignReset: ForeignReset | null;
  readonly returned: readonly ReturnedSegment[];
}

export const NOTHING_ODD: Oddities = {
  gaps: [],
  gapCount: 0,
  overlaps: [],
  overlapCount: 0,
  syns: null,
  foreign: [],
  foreignCount: 0,
  oversize: [],
  oversizeCount: 0,
  sack: null,
  unfitResets: null,
  resent: [],
  resentCount: 0,
  selected: [],
  lost: [],
  forgedResets: [],
  foreignReset: null,
  returned: [],
};

/** @param fine  nanoseconds below the microsecond, and below them in four bits the decimal digits of a second */
export function timestamp(us: number, fine: number): Timestamp | null {
  return Number.isNaN(us) ? null : { us, ns: fine >>> 4, digits: fine & 15 };
}

function writeOptional(value: number | null, sink: NumberSink): void {
  sink.number(value === null ? 0 : value + 1);
}

function readOptional(source: NumberSource): number | null {
  const value = source.number();
  return value === 0 ? null : value - 1;
}

function writeTime(time: Timestamp | null, sink: NumberSink): void {
  sink.time(time === null ? Number.NaN : time.us, 0);
  sink.number(time === null ? 0 : (time.ns << 4) | time.digits);
}

function readTime(source: NumberSource): Timestamp | null {
  return timestamp(source.time(0), source.number());
}

const DIRECTIONS: readonly Direction[] = ['client', 'server'];

function writeDirection(direction: Direction, sink: NumberSink): void {
  sink.octet(DIRECTIONS.indexOf(direction));
}

function readDirection(source: NumberSource): Direction {
  return source.octet() === 0 ? 'client' : 'server';
}

/** Lists are short: their writers keep the first 20 of each. */
export function writeOddities(odd: Oddities, sink: NumberSink): void {
  sink.octet(
    (odd.syns ? HAS_SYNS : 0) |
      (odd.sack ? HAS_SACK : 0) |
      (odd.unfitResets ? HAS_UNFIT_RESETS : 0) |
      (odd.foreignReset ? HAS_FOREIGN_RESET : 0),
  );
  sink.number(odd.gapCount);
  sink.octet(odd.gaps.length);
  for (const { direction, offset, octets, cause } of odd.gaps) {
    writeDirection(direction, sink);
    sink.signed(offset);
    writeOptional(octets, sink);
    sink.octet(GAP_CAUSES.indexOf(cause));
  }
  sink.number(odd.overlapCount);
  sink.octet(odd.overlaps.length);
  for (const { direction, offset, octets, frame, checksum } of odd.overlaps) {
    writeDirection(direction, sink);
    sink.signed(offset);
    sink.number(octets);
    sink.number(frame);
    sink.octet(CHECKSUMS.indexOf(checksum));
  }
  if (odd.syns) {
    sink.number(odd.syns.count);
    sink.number(odd.syns.frame);
    writeTime(odd.syns.time, sink);
  }
  sink.number(odd.foreignCount);
  sink.octet(odd.foreign.length);
  for (const segment of odd.foreign) writeForeign(segment, sink);
  sink.number(odd.oversizeCount);
  sink.octet(odd.oversize.length);
  for (const segment of odd.oversize) writeOversize(segment, sink);
  if (odd.sack) writeSack(odd.sack, sink);
  if (odd.unfitResets) {
    sink.number(odd.unfitResets.count);
    sink.number(odd.unfitResets.frame);
    writeTime(odd.unfitResets.time, sink);
  }
  sink.number(odd.resentCount);
  sink.octet(odd.resent.length);
  for (const segment of odd.resent) writeResent(segment, sink);
  sink.octet(odd.selected.length);
  for (const { direction, offset, octets, frame } of odd.selected) {
    writeDirection(direction, sink);
    sink.signed(offset);
    sink.signed(octets);
    sink.number(frame);
  }
  sink.octet(odd.lost.length);
  for (const octets of odd.lost) writeLost(octets, sink);
  sink.octet(odd.forgedResets.length);
  for (const reset of odd.forgedResets) writeForgedReset(reset, sink);
  if (odd.foreignReset) writeForeignReset(odd.foreignReset, sink);
  sink.octet(odd.returned.length);
  for (const segment of odd.returned) writeReturned(segment, sink);
}

export function readOddities(source: NumberSource): Oddities {
  const flags = source.octet();
  return {
    gapCount: source.number(),
    gaps: readList(source, () => ({
      direction: readDirection(source),
      offset: source.signed(),
      octets: readOptional(source),
      cause: GAP_CAUSES[source.octet()] ?? 'limit',
    })),
    overlapCount: source.number(),
    overlaps: readList(source, () => ({
      direction: readDirection(source),
      offset: source.signed(),
      octets: source.number(),
      frame: source.number(),
      checksum: CHECKSUMS[source.octet()] ?? 'unverifiable',
    })),
    syns:
      flags & HAS_SYNS ? { count: source.number(), frame: source.number(), time: readTime(source) } : null,
    foreignCount: source.number(),
    foreign: readList(source, () => readForeign(source)),
    oversizeCount: source.number(),
    oversize: readList(source, () => readOversize(source)),
    sack: flags & HAS_SACK ? readSack(source) : null,
    unfitResets:
      flags & HAS_UNFIT_RESETS
        ? { count: source.number(), frame: source.number(), time: readTime(source) }
        : null,
    resentCount: source.number(),
    resent: readList(source, () => readResent(source)),
    selected: readList(source, () => ({
      direction: readDirection(source),
      offset: source.signed(),
      octets: source.signed(),
      frame: source.number(),
    })),
    lost: readList(source, () => readLost(source)),
    forgedResets: readList(source, () => readForgedReset(source)),
    foreignReset: flags & HAS_FOREIGN_RESET ? readForeignReset(source) : null,
    returned: readList(source, () => readReturned(source)),
  };
}

function readList<T>(source: NumberSource, read: () => T): T[] {
  return Array.from({ length: source.octet() }, read);
}

function writeForeign(segment: ForeignSegment, sink: NumberSink): void {
  sink.octet((segment.otherClock ? OTHER_CLOCK : 0) | (segment.reset ? IS_RESET : 0));
  sink.number(segment.frame);
  writeTime(segment.time, sink);
  sink.signed(segment.offset);
  sink.number(segment.length);
  sink.number(segment.hopLimit);
  sink.number(segment.ipId);
  sink.number(segment.window);
  writeOptional(segment.tsval, sink);
  writeOptional(segment.ownIpIdBefore, sink);
  writeOptional(segment.ownWindowBefore, sink);
  writeOptional(segment.ownIpIdAfter, sink);
}

function readForeign(source: NumberSource): ForeignSegment {
  const flags = source.octet();
  return {
    frame: source.number(),
    time: readTime(source),
    offset: source.signed(),
    length: source.number(),
    hopLimit: source.number(),
    ipId: source.number(),
    window: source.number(),
    tsval: readOptional(source),
    otherClock: (flags & OTHER_CLOCK) !== 0,
    reset: (flags & IS_RESET) !== 0,
    ownIpIdBefore: readOptional(source),
    ownWindowBefore: readOptional(source),
    ownIpIdAfter: readOptional(source),
  };
}

function writeOversize(segment: OversizeSegment, sink: NumberSink): void {
  writeDirection(segment.direction, sink);
  sink.signed(segment.offset);
  sink.number(segment.length);
  sink.number(segment.mss);
  sink.number(segment.frame);
  sink.number(segment.lastFrame);
  sink.number(segment.copies);
  writeOptional(segment.smallerFrame, sink);
  sink.octet(segment.passed ? 1 : 0);
  sink.signed(segment.acknowledged);
}

function readOversize(source: NumberSource): OversizeSegment {
  return {
    direction: readDirection(source),
    offset: source.signed(),
    length: source.number(),
    mss: source.number(),
    frame: source.number(),
    lastFrame: source.number(),
    copies: source.number(),
    smallerFrame: readOptional(source),
    passed: source.octet() === 1,
    acknowledged: source.signed(),
  };
}

function writeSack(sack: SackAccount, sink: NumberSink): void {
  sink.number(sack.possible);
  sink.number(sack.impossible);
  sink.number(sack.fitting);
  writeDirection(sack.direction, sink);
  sink.number(sack.frame);
  writeTime(sack.time, sink);
  sink.signed(sack.distance);
  sink.number(sack.spread);
  sink.octet(sack.frames.length);
  for (const frame of sack.frames) sink.number(frame);
}

function readSack(source: NumberSource): SackAccount {
  return {
    possible: source.number(),
    impossible: source.number(),
    fitting: source.number(),
    direction: readDirection(source),
    frame: source.number(),
    time: readTime(source),
    distance: source.signed(),
    spread: source.number(),
    frames: readList(source, () => source.number()),
  };
}

function writeResent(segment: ResentSegment, sink: NumberSink): void {
  writeDirection(segment.direction, sink);
  sink.octet((segment.acknowledged ? ARRIVED : 0) | (segment.selected ? SELECTED : 0));
  sink.signed(segment.offset);
  sink.number(segment.length);
  sink.number(segment.repeats);
  sink.number(segment.frame);
  sink.time(segment.us, 0);
  sink.number(segment.lastFrame);
  sink.time(segment.lastUs, segment.us);
  sink.octet(segment.frames.length);
  for (const frame of segment.frames) sink.number(frame);
}

function readResent(source: NumberSource): ResentSegment {
  const direction = readDirection(source);
  const flags = source.octet();
  const offset = source.signed();
  const length = source.number();
  const repeats = source.number();
  const frame = source.number();
  const us = source.time(0);
  return {
    direction,
    offset,
    length,
    repeats,
    frame,
    us,
    lastFrame: source.number(),
    lastUs: source.time(us),
    frames: readList(source, () => source.number()),
    acknowledged: (flags & ARRIVED) !== 0,
    selected: (flags & SELECTED) !== 0,
  };
}

function writeLost(lost: LostOctets, sink: NumberSink): void {
  writeDirection(lost.direction, sink);
  sink.signed(lost.offset);
  sink.signed(lost.octets);
  sink.number(lost.frame);
  writeTime(lost.time, sink);
  sink.number(lost.heardFrame);
  sink.time(lost.heardAfterUs, 0);
}

function readLost(source: NumberSource): LostOctets {
  return {
    direction: readDirection(source),
    offset: source.signed(),
    octets: source.signed(),
    frame: source.number(),
    time: readTime(source),
    heardFrame: source.number(),
    heardAfterUs: source.time(0),
  };
}

function writeForgedReset(reset: ForgedReset, sink: NumberSink): void {
  writeDirection(reset.direction, sink);
  sink.number(reset.frame);
  writeTime(reset.time, sink);
  sink.octet(reset.hopLimit);
  sink.number(reset.wentOnFrame);
  writeOptional(reset.answeredFrame, sink);
}

function readForgedReset(source: NumberSource): ForgedReset {
  return {
    direction: readDirection(source),
    frame: source.number(),
    time: readTime(source),
    hopLimit: source.octet(),
    wentOnFrame: source.number(),
    answeredFrame: readOptional(source),
  };
}

function writeForeignReset(reset: ForeignReset, sink: NumberSink): void {
  writeDirection(reset.direction, sink);
  sink.number(reset.frame);
  writeTime(reset.time, sink);
  sink.octet(reset.hopLimit);
  sink.octet(reset.ownHopLimit);
}

function readForeignReset(source: NumberSource): ForeignReset {
  return {
    direction: readDirection(source),
    frame: source.number(),
    time: readTime(source),
    hopLimit: source.octet(),
    ownHopLimit: source.octet(),
  };
}

/** An address as text, which is ASCII: what complains is in no table of addresses that the reader has. */
function writeAddress(text: string, sink: NumberSink): void {
  sink.octet(text.length);
  for (let index = 0; index < text.length; index++) sink.octet(text.charCodeAt(index));
}

function readAddress(source: NumberSource): string {
  return String.fromCharCode(...readList(source, () => source.octet()));
}

function writeReturned(segment: ReturnedSegment, sink: NumberSink): void {
  writeDirection(segment.direction, sink);
  sink.number(segment.frame);
  writeTime(segment.time, sink);
  writeAddress(segment.from, sink);
  sink.octet(segment.hopLimit);
  sink.octet(ICMP_KINDS.indexOf(segment.kind));
  sink.octet(segment.type);
  sink.octet(segment.code);
  writeOptional(segment.mtu, sink);
  sink.octet(segment.offset === null ? 0 : 1);
  if (segment.offset !== null) sink.signed(segment.offset);
}

function readReturned(source: NumberSource): ReturnedSegment {
  return {
    direction: readDirection(source),
    frame: source.number(),
    time: readTime(source),
    from: readAddress(source),
    hopLimit: source.octet(),
    kind: ICMP_KINDS[source.octet()] ?? 'other',
    type: source.octet(),
    code: source.octet(),
    mtu: readOptional(source),
    offset: source.octet() === 0 ? null : source.signed(),
  };
}
