/** The only parts of it that are used: the type libraries here have no WebAssembly. */
declare const WebAssembly: {
  Module: new (octets: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: Exports };
};

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  stripes(state: number, at: number, end: number): void;
  digest(state: number, at: number, end: number, total: number): bigint;
}

const STAGE_OCTETS = 16 << 10;
/** Pages that memory grows by: 1 MiB, which is 16,384 states. */
const GROWTH = 16;

/** Octets that are hashed at once, and of a state: four lanes, and octets that make no stripe yet. */
const STRIPE = 32;
const STATE = 2 * STRIPE;

/** Where the memory holds the four lanes of nothing, lanes for one call, the stage, the states. */
const INITIAL = 0;
const SCRATCH = INITIAL + STRIPE;
const STAGE = SCRATCH + STRIPE;
const STATES = STAGE + STAGE_OCTETS;

const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;

/**
 * The module, in base64: two functions, `stripes` and `digest`. `test/platform/xxh64-module.ts` puts it together from instructions,
 * and a test holds it against these octets: putting it together at each start took 3 of the 70 ms of a small capture.
 */
export const MODULE =
  'AGFzbQEAAAABDwJgA39/fwBgBH9/f3wBfgMDAgABBQMBAAEHHQMGbWVtb3J5AgAHc3RyaXBlcwAABmRpZ2VzdAABCr8GAuUBAQR+' +
  'IAApAAAhAyAAKQAIIQQgACkAECEFIAApABghBgJAA0AgAiABa0EgSQ0BIAMgASkAAELP1tO+0ser2UJ+fEIfiUKHla+vmLbem55/' +
  'fiEDIAQgASkACELP1tO+0ser2UJ+fEIfiUKHla+vmLbem55/fiEEIAUgASkAEELP1tO+0ser2UJ+fEIfiUKHla+vmLbem55/fiEF' +
  'IAYgASkAGELP1tO+0ser2UJ+fEIfiUKHla+vmLbem55/fiEGIAFBIGohAQwACwsgACADNwAAIAAgBDcACCAAIAU3ABAgACAGNwAY' +
  'C9UEAQF+IANBILdjBEBCxc/ZsvHluuonIQQFIAApAABCAYkgACkACEIHiXwgACkAEEIMiXwgACkAGEISiXwhBCAEQgAgACkAAELP' +
  '1tO+0ser2UJ+fEIfiUKHla+vmLbem55/foVCh5Wvr5i23puef35C49zKlfzO8vWFf3whBCAEQgAgACkACELP1tO+0ser2UJ+fEIf' +
  'iUKHla+vmLbem55/foVCh5Wvr5i23puef35C49zKlfzO8vWFf3whBCAEQgAgACkAEELP1tO+0ser2UJ+fEIfiUKHla+vmLbem55/' +
  'foVCh5Wvr5i23puef35C49zKlfzO8vWFf3whBCAEQgAgACkAGELP1tO+0ser2UJ+fEIfiUKHla+vmLbem55/foVCh5Wvr5i23pue' +
  'f35C49zKlfzO8vWFf3whBAsgBCADsXwhBAJAA0AgAiABa0EISQ0BIARCACABKQAAQs/W077Sx6vZQn58Qh+JQoeVr6+Ytt6bnn9+' +
  'hUIbiUKHla+vmLbem55/fkLj3MqV/M7y9YV/fCEEIAFBCGohAQwACwsCQANAIAIgAWtBBEkNASAEIAE1AABCh5Wvr5i23puef36F' +
  'QheJQs/W077Sx6vZQn5C+fPd8Zn2masWfCEEIAFBBGohAQwACwsCQANAIAIgAWtBAUkNASAEIAExAABCxc/ZsvHluuonfoVCC4lC' +
  'h5Wvr5i23puef34hBCABQQFqIQEMAAsLIAQgBEIhiIVCz9bTvtLHq9lCfiEEIAQgBEIdiIVC+fPd8Zn2masWfiEEIAQgBEIgiIUL';

/**
 * XXH64 with seed 0 of octets that come in pieces, of any number of messages side by side.
 *
 * What is known of a message is 64 octets in the memory of a WebAssembly module. The library (`xxhash-wasm`) keeps an
 * object with two functions and a buffer for each, 700 octets in all, and copies its 88 octets in and out at each update:
 * with 200,000 open messages that was a quarter of all memory. The price is a hash function of our own; the library's is
 * the twin that the tests compare it with.
 *
 * Octets are staged, those of one message at a time: a message that fits there needs no state at all.
 */
export class Xxh64 {
  private readonly exports: Exports;
  private memory: Uint8Array;
  /** The same memory: the first word of a state that was given back names the next such. */
  private words: Int32Array;
  /** States handed out at least once end here. */
  private used = STATES;
  /** The newest state given back; 0: none. */
  private free = 0;
  /** Whose octets are staged, and how many. The first of them may be left from what was hashed before. */
  private owner: Xxh64Digest | null = null;
  private staged = 0;

  constructor() {
    this.exports = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(MODULE, 'base64'))).exports;
    this.memory = new Uint8Array(this.exports.memory.buffer);
    this.words = new Int32Array(this.exports.memory.buffer);
    new BigInt64Array(this.exports.memory.buffer, INITIAL, 4).set([P1 + P2, P2, 0n, -P1]);
  }

  /** Takes in octets of one message. */
  update(digest: Xxh64Digest, octets: Uint8Array): void {
    if (this.owner !== digest) this.changeOwner(digest);
    const { length } = octets;
    if (length <= STAGE_OCTETS - this.staged) {
      this.memory.set(octets, STAGE + this.staged);
      this.staged += length;
      return;
    }
    for (let at = 0; at < length; ) {
      if (this.staged === STAGE_OCTETS) {
        if (digest.state < 0) digest.state = this.take();
        this.hash(digest.state);
      }
      const count = Math.min(length - at, STAGE_OCTETS - this.staged);
      this.memory.set(octets.subarray(at, at + count), STAGE + this.staged);
      this.staged += count;
      at += count;
    }
  }

  /** The hash of one message, which is forgotten then. */
  finish(digest: Xxh64Digest): bigint {
    const { state, total } = digest;
    let lanes = state;
    let rest = state + STRIPE;
    if (this.owner === digest) {
      if (state < 0) {
        lanes = SCRATCH;
        this.memory.copyWithin(SCRATCH, INITIAL, INITIAL + STRIPE);
      }
      this.hash(lanes);
      rest = STAGE;
      this.owner = null;
      this.staged = 0;
    } else if (state < 0) lanes = INITIAL;
    const value = this.exports.digest(lanes, rest, rest + (total % STRIPE), total);
    if (state >= 0) this.give(state);
    return BigInt.asUintN(64, value);
  }

  private changeOwner(digest: Xxh64Digest): void {
    const { owner } = this;
    if (owner !== null) {
      if (owner.state < 0) owner.state = this.take();
      this.hash(owner.state);
      this.move(STAGE, owner.state + STRIPE, this.staged);
    }
    this.owner = digest;
    this.staged = digest.state < 0 ? 0 : digest.total % STRIPE;
    if (this.staged > 0) this.move(digest.state + STRIPE, STAGE, this.staged);
  }

  /** Hashes whole stripes of what is staged, and moves the rest to the front. */
  private hash(lanes: number): void {
    const end = STAGE + this.staged;
    this.staged %= STRIPE;
    this.exports.stripes(lanes, STAGE, end);
    this.move(end - this.staged, STAGE, this.staged);
  }

  /** At most 31 octets. */
  private move(from: number, to: number, count: number): void {
    const { memory } = this;
    // A call of `copyWithin` takes longer.
    for (let index = 0; index < count; index++) memory[to + index] = memory[from + index]!;
  }

  /** A state of which nothing was hashed yet. */
  private take(): number {
    let state = this.free;
    if (state > 0) this.free = this.words[state / 4]!;
    else {
      if (this.used === this.memory.length) this.grow();
      state = this.used;
      this.used += STATE;
    }
    this.memory.copyWithin(state, INITIAL, INITIAL + STRIPE);
    return state;
  }

  private give(state: number): void {
    this.words[state / 4] = this.free;
    this.free = state;
  }

  private grow(): void {
    this.exports.memory.grow(GROWTH);
    this.memory = new Uint8Array(this.exports.memory.buffer);
    this.words = new Int32Array(this.exports.memory.buffer);
  }
}

/** One message: what an `Xxh64` must know of it. */
export class Xxh64Digest {
  /** Where its state lies; -1: it has none. */
  state = -1;
  /** Octets so far. */
  total = 0;

  constructor(private readonly xxh64: Xxh64) {}

  update(octets: Uint8Array): void {
    this.xxh64.update(this, octets);
    this.total += octets.length;
  }

  finish(): string {
    return `xxh64:${this.xxh64.finish(this).toString(16).padStart(16, '0')}`;
  }
}
