/**
 * The WebAssembly module of `src/smtp/xxh64.ts`, put together from instructions. The program has its octets: putting them
 * together took 3 of the 70 ms of a small capture.
 */

const STRIPE = 32;

const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;

// Locals 0 to 2 of both functions: the lanes, where octets begin and end.

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
export function moduleOctets(): Uint8Array {
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
