import { createHash, randomBytes } from 'node:crypto';
import type { DeliveryAttempt, Outcome } from '../rules/delivery-attempt.js';
import type { CloseReason, Direction } from '../stream/event.js';

/** Octets of a slot, and where its fields lie. */
const SLOT = 80;
const KEY = 0; // 6 octets for the index, 4 more to be sure
const CHECK = 6;
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

const SLOTS_PER_SLAB = 8192;
const SEED_OCTETS = 16;

const OUTCOMES: readonly Outcome[] = ['accepted', 'unanswered', 'refused', 'unknown'];
const CLOSES: readonly CloseReason[] = ['fin', 'rst', 'idle', 'reused', 'limit', 'end-of-capture'];
const DIRECTIONS: readonly (Direction | null)[] = [null, 'client', 'server'];
const TRISTATE: readonly (boolean | null)[] = [null, false, true];

/**
 * Attempts to deliver messages, in 80 octets each and the place in the index: what is told of a message that comes again days later.
 *
 * Names are kept as hashes: an attempt is told in the words of the copy that comes again, as far as they are the same. Its packets are
 * not known any more, and `capture` is -1.
 */
export class OldAttempts {
  /** Attempts that gave way to newer ones. */
  dropped = 0;
  private readonly slabs: Buffer[] = [];
  private readonly index = new Map<number, number>();
  /** Attempts put in, ever: the next place is this modulo the limit. */
  private put = 0;
  private seed = randomBytes(SEED_OCTETS);

  constructor(readonly limit: number) {}

  get size(): number {
    return this.index.size;
  }

  add(key: string, attempt: DeliveryAttempt): void {
    const place = this.put++ % this.limit;
    const { slab, at } = this.slot(place);
    if (this.put > this.limit && this.index.get(slab.readUIntBE(at + KEY, 6)) === place) {
      this.index.delete(slab.readUIntBE(at + KEY, 6));
      this.dropped++;
    }
    const hash = this.hash(key);
    hash.copy(slab, at + KEY, 0, 10);
    slab.writeDoubleBE(attempt.us, at + US);
    slab.writeDoubleBE(attempt.waitedUs, at + WAITED_US);
    slab.writeUInt32BE(Math.min(attempt.octets, 0xffffffff), at + OCTETS);
    slab.writeUIntBE(attempt.digest === null ? 0 : this.short(attempt.digest), at + DIGEST, 6);
    slab.writeUIntBE(this.short(serverText(attempt.session.server)), at + SERVER, 6);
    slab.writeUInt32BE(Number(attempt.session.id.slice(1)) >>> 0 || 0, at + SESSION);
    slab.writeUInt16BE(attempt.replyCode ?? 0, at + REPLY_CODE);
    slab.writeUInt16BE(bitsOf(attempt), at + BITS);
    for (let index = 0; index < MAX_RECIPIENTS; index++) {
      const path = attempt.to[index];
      slab.writeUIntBE(path === undefined ? 0 : this.short(path), at + RECIPIENTS + 6 * index, 6);
    }
    this.index.set(hash.readUIntBE(0, 6), place);
  }

  /**
   * Takes out what is known of a message.
   *
   * @param copy  the one that comes now
   */
  take(key: string, copy: DeliveryAttempt): DeliveryAttempt | null {
    const hash = this.hash(key);
    const place = this.index.get(hash.readUIntBE(0, 6));
    if (place === undefined) return null;
    const { slab, at } = this.slot(place);
    if (slab.compare(hash, CHECK, 10, at + CHECK, at + 10) !== 0) return null;
    this.index.delete(hash.readUIntBE(0, 6));
    const digest = slab.readUIntBE(at + DIGEST, 6);
    const recipients = Array.from({ length: MAX_RECIPIENTS }, (_, index) =>
      slab.readUIntBE(at + RECIPIENTS + 6 * index, 6),
    );
    const sameServer = slab.readUIntBE(at + SERVER, 6) === this.short(serverText(copy.session.server));
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
      if (this.index.get(slab.readUIntBE(at + KEY, 6)) !== place) continue;
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
      const place = this.put++ % this.limit;
      const { slab, at } = this.slot(place);
      // Numbers of sessions are those of a run.
      slot.writeUInt32BE(0, SESSION);
      slot.copy(slab, at);
      this.index.set(slot.readUIntBE(KEY, 6), place);
    }
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

function serverText({ address, port }: { address: string; port: number }): string {
  return `${address} ${port}`;
}

function bitsOf({ outcome, acknowledged, split, clientWentOn, closed, closedBy }: DeliveryAttempt): number {
  return (
    OUTCOMES.indexOf(outcome) |
    (TRISTATE.indexOf(acknowledged) << 2) |
    ((split === null ? 0 : 1) << 4) |
    ((clientWentOn ? 1 : 0) << 5) |
    (CLOSES.indexOf(closed) << 6) |
    (DIRECTIONS.indexOf(closedBy) << 9)
  );
}

function fromBits(
  bits: number,
): Pick<DeliveryAttempt, 'outcome' | 'acknowledged' | 'split' | 'clientWentOn' | 'closed' | 'closedBy'> {
  return {
    outcome: OUTCOMES[bits & 3]!,
    acknowledged: TRISTATE[(bits >> 2) & 3] ?? null,
    split: bits & 16 ? 'several segments' : null,
    clientWentOn: (bits & 32) !== 0,
    closed: CLOSES[(bits >> 6) & 7] ?? 'idle',
    closedBy: DIRECTIONS[(bits >> 9) & 3] ?? null,
  };
}
