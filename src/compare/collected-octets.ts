import type { DigestFactory, RunningDigest } from '../mail/digest.js';
import type { StreamChunk } from '../stream/event.js';

/** Octets of a client's stream, half-open. */
export interface OctetRange {
  readonly from: number;
  readonly to: number;
}

/** Of what is too large to keep, a hash of each so many octets is kept. */
export const PART_OCTETS = 4096;

const MAX_KEPT_OCTETS = 8 << 20;
/** What both readings may hold; the second needs room for one message besides those of the first. */
const MAX_STORED_OCTETS = 64 << 20;
const ROOM_OCTETS = MAX_KEPT_OCTETS;
/** 1 GiB. */
const MAX_PARTS = 1 << 18;
/** Of all messages together: where which frame begins. */
const MAX_FRAMES = 1 << 20;

/** What all messages together may use. */
export interface OctetStore {
  readonly digest: DigestFactory;
  octets: number;
  parts: number;
  frames: number;
  /** The second reading is on. */
  comparing: boolean;
}

export class Store implements OctetStore {
  octets = 0;
  parts = 0;
  frames = 0;
  comparing = false;

  constructor(readonly digest: DigestFactory) {}
}

/** The octets of one message in one capture, or hashes of them. */
export class CollectedOctets {
  readonly length: number;
  /** null: hashes only. */
  octets: Buffer | null = null;
  private filled = 0;
  private hashes: string[] | null = null;
  private running: RunningDigest | null = null;
  /** Octets that went into `running`. */
  private inPart = 0;
  /** Pairs: index of an octet, and the frame that carries what follows. */
  private readonly frames: number[] = [];
  /** From here on it was too many. */
  private framesEnd = Number.POSITIVE_INFINITY;

  constructor(
    readonly range: OctetRange,
    private readonly store: OctetStore,
  ) {
    this.length = range.to - range.from;
    const room = MAX_STORED_OCTETS - (store.comparing ? 0 : ROOM_OCTETS) - store.octets;
    if (this.length <= Math.min(MAX_KEPT_OCTETS, room)) {
      this.octets = Buffer.allocUnsafeSlow(this.length);
      store.octets += this.length;
      return;
    }
    const parts = Math.ceil(this.length / PART_OCTETS);
    if (store.parts + parts > MAX_PARTS) return;
    store.parts += parts;
    this.hashes = [];
  }

  /** All of it was read. */
  get isWhole(): boolean {
    return this.filled === this.length && (this.octets !== null || this.hashes !== null);
  }

  /** Takes what lies in the range; chunks come in order. */
  take(chunk: StreamChunk): void {
    const index = Math.max(chunk.offset - this.range.from, 0);
    const start = chunk.start + Math.max(this.range.from - chunk.offset, 0);
    const end = Math.min(chunk.end, start + this.length - index);
    // Behind a hole nothing more is needed: the message is not whole.
    if (start >= end || index !== this.filled) return;
    this.note(index, chunk.frame);
    this.filled += end - start;
    if (this.octets !== null) chunk.octets.copy(this.octets, index, start, end);
    else if (this.hashes !== null) this.hash(chunk.octets, start, end);
  }

  /** Hashes of each 4 KiB, also where the octets were kept; null: there are none. */
  parts(): readonly string[] | null {
    if (this.octets === null) return this.hashes;
    const hashes: string[] = [];
    for (let at = 0; at < this.length; at += PART_OCTETS) {
      const part = this.store.digest.create();
      part.update(this.octets.subarray(at, at + PART_OCTETS));
      hashes.push(part.finish());
    }
    return hashes;
  }

  /** Frame of an octet; null: not known. */
  frameAt(index: number): number | null {
    if (index >= this.framesEnd) return null;
    let low = 0;
    let high = this.frames.length / 2;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.frames[middle * 2]! <= index) low = middle + 1;
      else high = middle;
    }
    return this.frames[low * 2 - 1] ?? null;
  }

  /** Gives back what it used. */
  release(): void {
    const { store } = this;
    store.frames -= this.frames.length / 2;
    this.frames.length = 0;
    if (this.octets !== null) store.octets -= this.length;
    this.octets = null;
    if (this.hashes !== null) store.parts -= Math.ceil(this.length / PART_OCTETS);
    this.hashes = null;
  }

  private note(index: number, frame: number): void {
    if (this.framesEnd < index || this.frames.at(-1) === frame) return;
    if (this.store.frames >= MAX_FRAMES) {
      this.framesEnd = index;
      return;
    }
    this.store.frames++;
    this.frames.push(index, frame);
  }

  private hash(octets: Buffer, start: number, end: number): void {
    for (let at = start; at < end; ) {
      const count = Math.min(end - at, PART_OCTETS - this.inPart);
      this.running ??= this.store.digest.create();
      this.running.update(octets.subarray(at, at + count));
      at += count;
      this.inPart += count;
      if (this.inPart === PART_OCTETS) this.endPart();
    }
    if (this.filled === this.length && this.inPart > 0) this.endPart();
  }

  private endPart(): void {
    this.hashes!.push(this.running!.finish());
    this.running = null;
    this.inPart = 0;
  }
}
