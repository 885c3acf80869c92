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
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;

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
    this.exports = new WebAssembly.Instance(new WebAssembly.Module(moduleOctets())).exports;
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

// The module, put together from instructions. Locals 0 to 2 of both functions: the lanes, where octets begin and end.

const I32 = 0x7f;
const I64 = 0x7e;
const F64 = 0x7c;
const [BLOCK, LOOP, IF, ELSE, END, BRANCH, BRANCH_IF] = [0x02, 0x03, 0x04, 0x05, 0x0b, 0x0c, 0x0d];
const NO_RESULT = 0x40;
const [I32_LESS, I32_ADD, I32_SUB, F64_LESS] = [0x49, 0x6a, 0x6b, 0x63];
const [I32_TO_F64, F64_TO_I64] = [0xb7, 0xb1];
const [ADD, MULTIPLY, XOR, SHIFT_RIGHT, ROTATE] = [0x7c, 0x7e, 0x85, 0x88, 0x89];
const [LOAD64, LOAD32, LOAD8, STORE64] = [0x29, 0x35, 0x31, 0x37];
const [LANES, AT, FINISH] = [0, 1, 2];

const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const load = (instruction: number, local: number, offset = 0) => [...get(local), instruction, 0, offset];
const i32 = (value: number) => [0x41, ...signed(BigInt(value))];
const i64 = (value: bigint) => [0x42, ...signed(BigInt.asIntN(64, value))];
const times = (prime: bigint) => [...i64(prime), MULTIPLY];
const plus = (prime: bigint) => [...i64(prime), ADD];
const rotated = (bits: bigint) => [...i64(bits), ROTATE];

/** `lane + input * P2`, rotated, times P1. */
const round = (lane: number[], input: number[]) => [
  ...[...lane, ...input, ...times(P2), ADD],
  ...[...rotated(31n), ...times(P1)],
];

/** As long as so many octets are left: does something with them, and goes on behind them. */
const forEach = (octets: number, body: number[]) => [
  ...[BLOCK, NO_RESULT, LOOP, NO_RESULT],
  ...[...get(FINISH), ...get(AT), I32_SUB, ...i32(octets), I32_LESS, BRANCH_IF, 1],
  ...body,
  ...[...get(AT), ...i32(octets), I32_ADD, ...set(AT), BRANCH, 0],
  ...[END, END],
];

/** stripes(lanes, at, end): hashes whole stripes. Locals 3 to 6: the lanes. */
function stripesBody(): number[] {
  const lanes = [0, 1, 2, 3];
  return [
    ...lanes.flatMap((lane) => [...load(LOAD64, LANES, 8 * lane), ...set(3 + lane)]),
    ...forEach(
      STRIPE,
      lanes.flatMap((lane) => [...round(get(3 + lane), load(LOAD64, AT, 8 * lane)), ...set(3 + lane)]),
    ),
    ...lanes.flatMap((lane) => [...get(LANES), ...get(3 + lane), STORE64, 0, 8 * lane]),
  ];
}

/** digest(lanes, at, end, total): the hash, of which the last octets are no whole stripe. Local 4: the hash. */
function digestBody(): number[] {
  const [total, hash] = [3, 4];
  const lane = (index: number) => load(LOAD64, LANES, 8 * index);
  const xor = (input: number[]) => [...get(hash), ...input, XOR];
  const mixed = (bits: bigint) => xor([...get(hash), ...i64(bits), SHIFT_RIGHT]);
  return [
    ...[...get(total), ...i32(STRIPE), I32_TO_F64, F64_LESS, IF, NO_RESULT, ...i64(P5), ...set(hash), ELSE],
    ...[...lane(0), ...rotated(1n), ...lane(1), ...rotated(7n), ADD],
    ...[...lane(2), ...rotated(12n), ADD, ...lane(3), ...rotated(18n), ADD, ...set(hash)],
    ...[0, 1, 2, 3].flatMap((index) => [
      ...[...xor(round(i64(0n), lane(index))), ...times(P1), ...plus(P4), ...set(hash)],
    ]),
    END,
    ...[...get(hash), ...get(total), F64_TO_I64, ADD, ...set(hash)],
    ...forEach(8, [
      ...[...xor(round(i64(0n), load(LOAD64, AT))), ...rotated(27n), ...times(P1), ...plus(P4), ...set(hash)],
    ]),
    ...forEach(4, [
      ...xor([...load(LOAD32, AT), ...times(P1)]),
      ...[...rotated(23n), ...times(P2), ...plus(P3), ...set(hash)],
    ]),
    ...forEach(1, [
      ...xor([...load(LOAD8, AT), ...times(P5)]),
      ...[...rotated(11n), ...times(P1), ...set(hash)],
    ]),
    ...[...mixed(33n), ...times(P2), ...set(hash)],
    ...[...mixed(29n), ...times(P3), ...set(hash)],
    ...mixed(32n),
  ];
}

/** WebAssembly Core Specification §5.5. */
function moduleOctets(): Uint8Array {
  const name = (text: string) => counted([...Buffer.from(text)]);
  const section = (id: number, entries: number[][]) => [id, ...counted([entries.length, ...entries.flat()])];
  const func = (locals: number, code: number[]) => counted([1, locals, I64, ...code, END]);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [
      [0x60, 3, I32, I32, I32, 0],
      [0x60, 4, I32, I32, I32, F64, 1, I64],
    ]),
    ...section(3, [[0], [1]]),
    ...section(5, [[0, ...unsigned(1)]]),
    ...section(7, [
      [...name('memory'), 2, 0],
      [...name('stripes'), 0, 0],
      [...name('digest'), 0, 1],
    ]),
    ...section(10, [func(4, stripesBody()), func(1, digestBody())]),
  ]);
}

function counted(octets: number[]): number[] {
  return [...unsigned(octets.length), ...octets];
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}

function signed(value: bigint): number[] {
  const septet = Number(BigInt.asUintN(7, value));
  return value >= -64n && value < 64n ? [septet] : [septet | 128, ...signed(value >> 7n)];
}
