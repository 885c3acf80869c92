import { createHash, randomBytes } from 'node:crypto';
import type { DeliveryAttempt, Outcome } from '../facts/delivery-attempt.js';
import { serverKey } from '../facts/server-key.js';
import { CLOSE_REASONS, type Direction } from '../stream/event.js';

/** Octets of a slot, and where its fields lie. */
const SLOT = 80;
const KEY = 0;
const KEY_OCTETS = 10;
const US = 10;
const WAITED_US = 18;
const OCTETS = 26;
const DIGEST = 30; // 0: octets are missing
const SERVER = 36;
const SESSION = 42;
const REPLY_CODE = 46; // 0: none
const BITS = 48;
const RECIPIENTS = 50;
const MAX_RECIPIENTS = 5;

const SLOTS_PER_SLAB = 2048;
const FIRST_INDEX = 1 << 10;
const SEED_OCTETS = 16;

const OUTCOMES: readonly Outcome[] = ['accepted', 'unanswered', 'refused', 'unknown'];
const DIRECTIONS: readonly (Direction | null)[] = [null, 'client', 'server'];
const TRISTATE: readonly (boolean | null)[] = [null, false, true];

/**
 * Attempts to deliver messages, in 80 octets each and five to ten of an index: what is reported of a message that comes again days later.
 *
 * Names are kept as hashes: an attempt is reported in the words of the copy that comes again, as far as they are the same. Its packets are
 * not known any more, and `capture` is -1.
 */
export class OldAttempts {
  /** Attempts that gave way to newer ones. */
  dropped = 0;
  size = 0;
  private readonly slabs: Buffer[] = [];
  /** Places + 1 by the hash of the key, the next one free where that is taken; 0: free. A fifth at least is free. */
  private index = new Int32Array(FIRST_INDEX);
  /** Attempts put in, ever: the next place is this modulo the limit. */
  private put = 0;
  private seed = randomBytes(SEED_OCTETS);

  constructor(readonly limit: number) {}

  add(key: string, attempt: DeliveryAttempt): void {
    const place = this.nextPlace();
    const { slab, at } = this.slot(place);
    this.hash(key).copy(slab, at + KEY, 0, KEY_OCTETS);
    slab.writeDoubleBE(attempt.us, at + US);
    slab.writeDoubleBE(attempt.waitedUs, at + WAITED_US);
    slab.writeUInt32BE(Math.min(attempt.octets, 0xffffffff), at + OCTETS);
    slab.writeUIntBE(attempt.digest === null ? 0 : this.short(attempt.digest), at + DIGEST, 6);
    slab.writeUIntBE(this.short(serverKey(attempt.session.server)), at + SERVER, 6);
    slab.writeUInt32BE(Number(attempt.session.id.slice(1)) >>> 0 || 0, at + SESSION);
    slab.writeUInt16BE(attempt.replyCode ?? 0, at + REPLY_CODE);
    slab.writeUInt16BE(bitsOf(attempt), at + BITS);
    for (let index = 0; index < MAX_RECIPIENTS; index++) {
      const path = attempt.to[index];
      slab.writeUIntBE(path === undefined ? 0 : this.short(path), at + RECIPIENTS + 6 * index, 6);
    }
    this.enter(place);
  }

  /**
   * Takes out what is known of a message.
   *
   * @param copy  the one that comes now
   */
  take(key: string, copy: DeliveryAttempt): DeliveryAttempt | null {
    const entry = this.find(this.hash(key), 0);
    const place = this.index[entry]! - 1;
    if (place < 0) return null;
    this.leave(entry);
    return this.read(place, copy);
  }

  /** As `take`, and leaves it there. */
  look(key: string, copy: DeliveryAttempt): DeliveryAttempt | null {
    const place = this.index[this.find(this.hash(key), 0)]! - 1;
    return place < 0 ? null : this.read(place, copy);
  }

  private read(place: number, copy: DeliveryAttempt): DeliveryAttempt {
    const { slab, at } = this.slot(place);
    const digest = slab.readUIntBE(at + DIGEST, 6);
    const recipients = Array.from({ length: MAX_RECIPIENTS }, (_, index) =>
      slab.readUIntBE(at + RECIPIENTS + 6 * index, 6),
    );
    const sameServer = slab.readUIntBE(at + SERVER, 6) === this.short(serverKey(copy.session.server));
    const session = slab.readUInt32BE(at + SESSION);
    return {
      session: {
        id: session === 0 ? 'an earlier run' : `s${session}`,
        capture: -1,
        server: sameServer ? copy.session.server : { address: 'another server', port: 0 },
      },
      us: slab.readDoubleBE(at + US),
      waitedUs: slab.readDoubleBE(at + WAITED_US),
      octets: slab.readUInt32BE(at + OCTETS),
      digest: digest === 0 ? null : digest === this.short(copy.digest ?? '') ? copy.digest : 'another',
      to: copy.to.filter((path) => recipients.includes(this.short(path))),
      replyCode: slab.readUInt16BE(at + REPLY_CODE) || null,
      ...fromBits(slab.readUInt16BE(at + BITS)),
      evidence: [],
    };
  }

  /** All of it, a line each. */
  *state(): Generator<string> {
    yield `${this.seed.toString('hex')}\n`;
    // The oldest first, so that they are as old as they were when they are put in again.
    const first = Math.max(0, this.put - this.limit);
    for (let number = first; number < this.put; number++) {
      const place = number % this.limit;
      const { slab, at } = this.slot(place);
      if (!this.isEntered(place)) continue;
      yield `${slab.toString('base64', at, at + SLOT)}\n`;
    }
  }

  /** @throws TypeError when the lines are not what `state` gives */
  restore([seed = '', ...lines]: readonly string[]): void {
    if (!/^[0-9a-f]{32}$/.test(seed)) throw new TypeError('no seed');
    const slots = lines.map((line) => Buffer.from(line, 'base64'));
    if (slots.some(({ length }) => length !== SLOT)) throw new TypeError('no slot');
    this.seed = Buffer.from(seed, 'hex');
    for (const slot of slots) {
      const place = this.nextPlace();
      const { slab, at } = this.slot(place);
      // Numbers of sessions are those of a run.
      slot.writeUInt32BE(0, SESSION);
      slot.copy(slab, at);
      this.enter(place);
    }
  }

  /** Where the next attempt goes; the one that was there gives way. */
  private nextPlace(): number {
    const place = this.put++ % this.limit;
    if (this.put > this.limit && this.isEntered(place)) {
      this.leave(this.entryOf(place));
      this.dropped++;
    }
    return place;
  }

  // The index.

  private enter(place: number): void {
    if ((this.size + 1) * 5 > this.index.length * 4) this.growIndex();
    const entry = this.entryOf(place);
    // Of the same message the newer attempt is the one that counts.
    if (this.index[entry] === 0) this.size++;
    this.index[entry] = place + 1;
  }

  private isEntered(place: number): boolean {
    return this.index[this.entryOf(place)] === place + 1;
  }

  private entryOf(place: number): number {
    const { slab, at } = this.slot(place);
    return this.find(slab, at + KEY);
  }

  /** The entry of a key, or the free one where it would go. */
  private find(key: Buffer, from: number): number {
    const { index } = this;
    const mask = index.length - 1;
    for (let entry = key.readUInt32BE(from) & mask; ; entry = (entry + 1) & mask) {
      const taken = index[entry]!;
      if (taken === 0) return entry;
      const { slab, at } = this.slot(taken - 1);
      if (slab.compare(key, from, from + KEY_OCTETS, at + KEY, at + KEY + KEY_OCTETS) === 0) return entry;
    }
  }

  /** Frees an entry, and moves those behind it up that could not be found any more. */
  private leave(entry: number): void {
    const { index } = this;
    const mask = index.length - 1;
    this.size--;
    let free = entry;
    for (let next = (free + 1) & mask; index[next] !== 0; next = (next + 1) & mask) {
      const home = this.homeOf(index[next]! - 1) & mask;
      // It may not go in front of where it is looked for first.
      if (((next - home) & mask) < ((next - free) & mask)) continue;
      index[free] = index[next]!;
      free = next;
    }
    index[free] = 0;
  }

  private growIndex(): void {
    const before = this.index;
    this.index = new Int32Array(before.length * 2);
    const mask = this.index.length - 1;
    for (const taken of before) {
      if (taken === 0) continue;
      let entry = this.homeOf(taken - 1) & mask;
      while (this.index[entry] !== 0) entry = (entry + 1) & mask;
      this.index[entry] = taken;
    }
  }

  private homeOf(place: number): number {
    const { slab, at } = this.slot(place);
    return slab.readUInt32BE(at + KEY);
  }

  private slot(place: number): { slab: Buffer; at: number } {
    const number = Math.floor(place / SLOTS_PER_SLAB);
    while (this.slabs.length <= number) this.slabs.push(Buffer.alloc(SLOTS_PER_SLAB * SLOT));
    return { slab: this.slabs[number]!, at: (place % SLOTS_PER_SLAB) * SLOT };
  }

  /** Nobody who sends mail can aim messages at one place without knowing the seed. */
  private hash(text: string): Buffer {
    return createHash('sha256').update(this.seed).update(text, 'latin1').digest();
  }

  /** Never 0. */
  private short(text: string): number {
    return this.hash(text).readUIntBE(10, 6) || 1;
  }
}

function bitsOf(attempt: DeliveryAttempt): number {
  const { outcome, acknowledged, split, clientWentOn, closed, closedBy } = attempt;
  return (
    OUTCOMES.indexOf(outcome) |
    (TRISTATE.indexOf(acknowledged) << 2) |
    ((split === null ? 0 : 1) << 4) |
    ((clientWentOn ? 1 : 0) << 5) |
    (CLOSE_REASONS.indexOf(closed) << 6) |
    (DIRECTIONS.indexOf(closedBy) << 9) |
    ((attempt.replyAcknowledged ? 1 : 0) << 11) |
    ((attempt.replyHeldBack ? 1 : 0) << 12)
  );
}

function fromBits(
  bits: number,
): Omit<
  DeliveryAttempt,
  'session' | 'us' | 'waitedUs' | 'octets' | 'digest' | 'to' | 'replyCode' | 'evidence'
> {
  return {
    outcome: OUTCOMES[bits & 3]!,
    acknowledged: TRISTATE[(bits >> 2) & 3] ?? null,
    split: bits & 16 ? 'several segments' : null,
    clientWentOn: (bits & 32) !== 0,
    closed: CLOSE_REASONS[(bits >> 6) & 7] ?? 'idle',
    closedBy: DIRECTIONS[(bits >> 9) & 3] ?? null,
    replyAcknowledged: (bits & (1 << 11)) !== 0,
    replyHeldBack: (bits & (1 << 12)) !== 0,
  };
}
