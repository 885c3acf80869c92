import { looksMasked } from '../smtp/reply.js';
import type { StreamChunk } from '../stream/event.js';
import type { Checksum } from '../wire/segment.js';

/** Held for one session: more than that, and what they are is guessed. */
export const MAX_HELD = 1 << 20;
/** What a piece costs besides its octets. */
const PIECE_COST = 128;
const MAX_FIRST_LINES = 8;

interface Piece {
  /** null: a gap. The first octet only says that the piece is not the beginning of its segment, if `inside`. */
  readonly octets: Buffer | null;
  readonly inside: boolean;
  /** Octets of the gap; null: unknown. */
  readonly missing: number | null;
  readonly offset: number;
  readonly frame: number;
  readonly us: number;
  readonly ns: number;
  readonly digits: number;
  readonly checksum: Checksum;
  /** A reply was awaited when it came. */
  readonly early: boolean;
}

/**
 * Octets of the client that cannot be understood before a reply has come: after DATA they are mail data if it
 * is 354, and commands if it is not. RFC 2920 §3.1 lets a client send them early only by mistake; captures of
 * mirror ports have them in front of the reply.
 */
export class HeldOctets {
  /** The exchange whose reply says what the octets are, and what it awaits. */
  decider = -1;
  awaited = 0;
  /** No reply will say it: the octets themselves must. */
  guessing = false;
  private readonly pieces: Piece[] = [];
  private head = 0;
  /** Pieces before this one are early whatever they say. */
  private earlyBefore = 0;
  /** Where the head's octets begin that were not yet given out. */
  private at = -1;
  /** Octets and pieces held, as counted against the limit. */
  cost = 0;

  get empty(): boolean {
    return this.head === this.pieces.length;
  }

  /** Copies `octets[from, chunk.end)`. Returns what that costs. */
  add(chunk: StreamChunk, from: number, early: boolean): number {
    const inside = from > chunk.start;
    const masked = looksMasked(chunk.octets, from, Math.min(chunk.end, from + 2048));
    // One octet more: a scanner tells by the position whether a segment begins here.
    const octets = Buffer.from(chunk.octets.subarray(inside ? from - 1 : from, chunk.end));
    return this.push({
      octets,
      inside,
      missing: 0,
      offset: chunk.offset + from - chunk.start - (inside ? 1 : 0),
      frame: chunk.frame,
      us: chunk.us,
      ns: chunk.ns,
      digits: chunk.digits,
      checksum: masked ? chunk.checksum() : 'unverifiable',
      early,
    });
  }

  addGap(missing: number | null, offset: number, frame: number): number {
    return this.push({
      octets: null,
      inside: false,
      missing,
      offset,
      frame,
      us: Number.NaN,
      ns: 0,
      digits: 6,
      checksum: 'unverifiable',
      early: false,
    });
  }

  /** Is the next thing a gap, and of how many octets? Takes it off. */
  takeGap(): { missing: number | null; offset: number; frame: number } | null {
    const piece = this.pieces[this.head];
    if (!piece || piece.octets !== null) return null;
    this.drop();
    return piece;
  }

  /** Points `chunk` at the next piece; returns the index of its first octet not yet taken. */
  peek(chunk: StreamChunk): number {
    const piece = this.pieces[this.head]!;
    chunk.direction = 'client';
    chunk.octets = piece.octets!;
    chunk.start = 0;
    chunk.end = piece.octets!.length;
    chunk.offset = piece.offset;
    chunk.frame = piece.frame;
    chunk.us = piece.us;
    chunk.ns = piece.ns;
    chunk.digits = piece.digits;
    chunk.checksum = () => piece.checksum;
    return this.at >= 0 ? this.at : piece.inside ? 1 : 0;
  }

  /** Was a reply awaited when the next piece came? */
  get early(): boolean {
    return this.head < this.earlyBefore || this.pieces[this.head]!.early;
  }

  /** All that is held now came while a reply was awaited. */
  allEarly(): void {
    this.earlyBefore = this.pieces.length;
  }

  /** The next piece is taken up to `at`. */
  taken(at: number): void {
    if (at < this.pieces[this.head]!.octets!.length) this.at = at;
    else this.drop();
  }

  /** The first line held: text, and whether an LF ends it; at most 1024 octets, up to a gap. */
  firstLine(): { text: string; ended: boolean } {
    let text = '';
    for (let index = this.head; index < this.pieces.length && text.length < 1024; index++) {
      const { octets, inside } = this.pieces[index]!;
      if (octets === null) return { text, ended: true };
      const from = index === this.head && this.at >= 0 ? this.at : inside ? 1 : 0;
      text += octets.latin1Slice(from, Math.min(octets.length, from + 1024));
      const lf = text.indexOf('\n');
      if (lf >= 0) return { text: text.slice(0, lf).replace(/\r$/, ''), ended: true };
    }
    return { text, ended: text.length >= 1024 };
  }

  /** The lines that are held, the last of them perhaps without its end; in the first 2048 octets, up to a gap. */
  firstLines(): string[] {
    let text = '';
    for (let index = this.head; index < this.pieces.length && text.length < 2048; index++) {
      const { octets, inside } = this.pieces[index]!;
      if (octets === null) break;
      const from = index === this.head && this.at >= 0 ? this.at : inside ? 1 : 0;
      text += octets.latin1Slice(from, Math.min(octets.length, from + 2048));
    }
    return text.split(/\r?\n/, MAX_FIRST_LINES);
  }

  private push(piece: Piece): number {
    this.pieces.push(piece);
    const cost = (piece.octets?.length ?? 0) + PIECE_COST;
    this.cost += cost;
    return cost;
  }

  private drop(): void {
    this.head++;
    this.at = -1;
  }
}
