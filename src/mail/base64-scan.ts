import type { Checksum } from '../wire/segment.js';
import type { MailDamage } from './message-facts.js';

const NUL = 0x00;
const LF = 0x0a;
const CRLF = 0x0d0a;
const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
const STAR = 0x2a;
const PADDING = 0x3d;
const LETTER = 0x58;

/** So many of one kind stand side by side where they are a mask: X is a letter of base64 too. */
const LEAST = 32;

/**
 * So many octets at the beginning must be base64, mask characters not counted: what is only labelled so is not judged,
 * nor is a filler of one character.
 */
const PROVED_OCTETS = 64;
/** A first line longer than this has no end, for all that is asked of it. */
const MAX_FIRST_LINE = 1000;
/** Masks of one part that are looked at; the list is shorter. */
const MAX_MASKS = 64;

/** The alphabet of RFC 2045 §6.8, and the padding. */
const IN_ALPHABET = new Uint8Array(256);
for (const octet of Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=')) {
  IN_ALPHABET[octet] = 1;
}

const MAY_MASK = new Uint8Array(256);
for (const octet of [LETTER, STAR, NUL]) MAY_MASK[octet] = 1;

/** Octets of one mask character and the line ends between them, as long as they go on. */
interface Mask {
  readonly character: number;
  readonly offset: number;
  readonly frame: number;
  readonly beginsLine: boolean;
  octets: number;
  /** Side by side, now and at most. */
  stretch: number;
  longest: number;
  /** Its newest octet. */
  newest: number;
  checksum: Checksum;
}

/**
 * Reads the content of one base64 part as it arrives, and looks for what transit leaves in it: 32 and more asterisks,
 * X's or NULs side by side, and an end inside a quantum.
 *
 * Every 32nd octet is looked at, 24 ns for a full segment; octet by octet goes only what follows a hit. What it finds
 * does not depend on where chunks begin.
 */
export class Base64Scan {
  /** Octets that still have to be proved base64. */
  private unproved = PROVED_OCTETS;
  private proving = true;
  private isBase64 = true;
  private spaces = false;
  private endsInCr = false;
  /** Octets of the first line, its end not counted. */
  private firstLine = 0;
  private lineEnded = false;
  private newest = LF;
  private masks = 0;
  private mask: Mask | null = null;
  /** Octets from the beginning of the first line, and of that line with its end. */
  private octets = 0;
  private period = 0;
  /** Lines begin where they must if all are as long as the first. */
  private even = true;
  /** The last three octets. */
  private last = 0;

  constructor(
    readonly part: string,
    private readonly found: (damage: MailDamage) => void,
  ) {}

  /** @param checksum  verdict on the segment that carries the octets; asked only where a mask is found */
  content(
    octets: Buffer,
    from: number,
    to: number,
    offset: number,
    frame: number,
    checksum: () => Checksum,
  ): void {
    if (from >= to || !this.isBase64 || this.masks > MAX_MASKS) return;
    if (this.proving && !this.prove(octets, from, to)) return;
    this.count(octets, from, to);
    const base = offset - from;
    let at = from;
    if (this.mask !== null) at = this.follow(this.mask, octets, at, to, checksum);
    while (at < to) {
      const hit = findMask(octets, at, to);
      if (hit < 0) break;
      const begin = beginOf(octets, at, hit);
      at = this.follow(this.open(octets, from, begin, base, frame), octets, begin, to, checksum);
      if (this.masks > MAX_MASKS) return;
    }
    if (this.mask === null && at < to) this.openTail(octets, at, from, to, base, frame, checksum);
    this.newest = octets[to - 1]!;
  }

  /** The part ends here. False: it was none of base64, and what was found in it means nothing. */
  end(): boolean {
    if (this.mask !== null) this.close(this.mask);
    this.mask = null;
    return this.isBase64 && this.unproved <= 0;
  }

  /** How many octets the last line has beyond whole quanta of four; 0 also when that cannot be told. */
  get beyondQuantum(): number {
    const { octets, period, firstLine, last } = this;
    // Encoders that break lines anywhere leave quanta open at the end of each.
    if (!this.isBase64 || this.unproved > 0 || period === 0 || !this.even || firstLine % 4 !== 0) return 0;
    const before = last >>> 16;
    const ends = (last & 0xffff) === CRLF && IN_ALPHABET[before] === 1 && before !== PADDING;
    const line = ((octets - 1) % period) + 1 - (period - firstLine);
    return ends && line > 0 ? line % 4 : 0;
  }

  /** Counts octets, and looks whether the newest line begins where it must. */
  private count(octets: Buffer, from: number, to: number): void {
    let start = from;
    if (this.octets === 0) while (start < to && (octets[start] === CR || octets[start] === LF)) start++;
    const before = this.octets;
    this.octets += to - start;
    for (let at = Math.max(from, to - 3); at < to; at++) {
      this.last = ((this.last << 8) | octets[at]!) & 0xffffff;
    }
    if (this.period === 0 || !this.even) return;
    const line = this.octets - 1 - ((this.octets - 1) % this.period);
    if (line > before && octets[start + line - before - 1] !== LF) this.even = false;
  }

  /** Reads the first octets and the first line. False: it is no base64. */
  private prove(octets: Buffer, from: number, to: number): boolean {
    for (let at = from; at < to && this.proving; at++) {
      const octet = octets[at]!;
      if (octet === CR) {
        this.endsInCr = true;
        continue;
      }
      if (octet === LF) {
        this.spaces = false;
        if (this.firstLine > 0 && !this.lineEnded) {
          this.lineEnded = true;
          this.period = this.firstLine + (this.endsInCr ? 2 : 1);
        }
      } else if (octet === SPACE || octet === TAB) this.spaces = true;
      else {
        // White space may end a line, nothing more.
        const maskLike = octet === LETTER || octet === STAR || octet === NUL;
        if (this.spaces || (IN_ALPHABET[octet] === 0 && !maskLike)) {
          this.proving = false;
          if (this.unproved > 0) this.isBase64 = false;
          return this.isBase64;
        }
        if (!maskLike) this.unproved--;
        if (!this.lineEnded) this.firstLine++;
      }
      this.proving = this.unproved > 0 || (!this.lineEnded && this.firstLine <= MAX_FIRST_LINE);
    }
    return true;
  }

  /** @param begin  index of its first octet; `from`: of the first octet of the content in `octets` */
  private open(octets: Buffer, from: number, begin: number, base: number, frame: number): Mask {
    const before = begin > from ? octets[begin - 1]! : this.newest;
    const mask: Mask = {
      character: octets[begin]!,
      offset: base + begin,
      frame,
      beginsLine: before === LF,
      octets: 0,
      stretch: 0,
      longest: 0,
      newest: before,
      checksum: 'unverifiable',
    };
    this.mask = mask;
    return mask;
  }

  /** Goes along a mask; returns where it ended, or `to` when it may go on. */
  private follow(mask: Mask, octets: Buffer, from: number, to: number, checksum: () => Checksum): number {
    const { character } = mask;
    let at = from;
    for (; at < to; at++) {
      const octet = octets[at]!;
      if (octet === character) {
        mask.octets++;
        if (++mask.stretch > mask.longest) {
          mask.longest = mask.stretch;
          if (mask.longest === LEAST) mask.checksum = checksum();
        }
      } else if (octet === CR || octet === LF) mask.stretch = 0;
      else break;
    }
    if (at > from) mask.newest = octets[at - 1]!;
    if (at === to) return to;
    this.close(mask);
    this.mask = null;
    return at;
  }

  private close(mask: Mask): void {
    const { character, longest, octets, offset, frame, checksum } = mask;
    if (longest < LEAST) return;
    this.masks++;
    this.found({
      kind: character === STAR ? 'stars' : character === NUL ? 'nul' : 'letters',
      part: this.part,
      offset,
      frame,
      octets,
      shape: this.shapeOf(mask),
      checksum,
    });
  }

  private shapeOf({ beginsLine, newest, longest }: Mask): MailDamage['shape'] {
    if (beginsLine && newest === LF) return 'lines';
    return this.lineEnded && longest > this.firstLine ? 'over-lines' : 'inside';
  }

  /** A mask of any length may begin at the end of a chunk. */
  private openTail(
    octets: Buffer,
    at: number,
    from: number,
    to: number,
    base: number,
    frame: number,
    checksum: () => Checksum,
  ): void {
    let last = to - 1;
    while (last >= at && (octets[last] === CR || octets[last] === LF)) last--;
    if (last < at) return;
    const octet = octets[last];
    if (octet !== LETTER && octet !== STAR && octet !== NUL) return;
    const begin = beginOf(octets, at, last);
    this.follow(this.open(octets, from, begin, base, frame), octets, begin, to, checksum);
  }
}

/** Where the mask begins that has an octet at `hit`; nothing of it lies in front of `from`. */
function beginOf(octets: Buffer, from: number, hit: number): number {
  const character = octets[hit];
  let begin = hit;
  for (let at = hit - 1; at >= from; at--) {
    const octet = octets[at];
    if (octet === character) begin = at;
    else if (octet !== CR && octet !== LF) break;
  }
  return begin;
}

/** An octet of the first stretch of 32 that lies in `octets[from, to)`; -1: there is none. */
function findMask(octets: Buffer, from: number, to: number): number {
  let at = from + LEAST - 1;
  // Four at once: one octet in 64 of base64 is an X, and to decide at each was 60 ns for a full segment instead of 24.
  for (; at + 3 * LEAST < to; at += 4 * LEAST) {
    const first = MAY_MASK[octets[at]!]! | MAY_MASK[octets[at + LEAST]!]!;
    const second = MAY_MASK[octets[at + 2 * LEAST]!]! | MAY_MASK[octets[at + 3 * LEAST]!]!;
    if ((first | second) === 0) continue;
    for (let one = at; one < at + 4 * LEAST; one += LEAST) if (inMask(octets, from, to, one)) return one;
  }
  for (; at < to; at += LEAST) if (inMask(octets, from, to, at)) return at;
  return -1;
}

/** Is the octet at `at`, which has 31 in front of it, in a stretch of 32? */
function inMask(octets: Buffer, from: number, to: number, at: number): boolean {
  const octet = octets[at]!;
  if (MAY_MASK[octet] === 0) return false;
  // Such a stretch holds one of these too.
  if (octets[at - LEAST / 2] !== octet && (at + LEAST / 2 >= to || octets[at + LEAST / 2] !== octet))
    return false;
  let begin = at;
  while (begin > from && octets[begin - 1] === octet) begin--;
  let end = at + 1;
  while (end < to && octets[end] === octet) end++;
  return end - begin >= LEAST;
}
