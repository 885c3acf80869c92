import type { Waiting } from './waiting.js';

/**
 * Columns of whole numbers. Offers, stacks, and fine times are packed as `ConnectionFacts` says; those of a direction
 * stand twice, for the client and for the server.
 */
export const INDEX = 0;
export const FLAGS = 1;
export const REF = 2;
export const FIRST_FRAME = 3;
export const LAST_FRAME = 4;
export const SYN_ACK_FRAME = 5;
export const SERVER_FRAME = 6;
export const SERVER_MS = 7;
export const CLIENT_OFFER = 8;
export const SERVER_OFFER = 9;
export const CLIENT_HOP_LIMIT = 10;
export const CLIENT_TSVAL = 11;
export const SERVER_STACK = 12;
export const SERVER_TSVAL = 13;
export const OWN_HEADER = 14;
export const START_FINE = 15;
export const END_FINE = 16;
/** The row's number among those that are given back. */
const ROW = 17;
/** Where the columns of each direction begin. */
export const FIRST_OF = { client: 18, server: 28 } as const;
export const NEXT = 0;
export const ISN = 1;
export const ORIGIN = 2;
export const RECENT = 3;
export const OFFSET = 4;
export const ACKED = 5;
export const FIN_OFFSET = 6;
export const FIN_FRAME = 7;
export const RST_FRAME = 8;
export const PACKETS = 9;
const WHOLES = 38;

/** Columns of times, in microseconds. */
export const START_US = 0;
export const END_US = 1;
export const TOUCHED_US = 2;
export const HANDSHAKE_US = 3;
export const SERVER_FIN_US = 4;
const TIMES = 5;

/** Stands for a number of more than 32 bits, which is in `wide`. */
export const WIDE = -(2 ** 31);

/** Who has a row: `wholes[wholeAt + FLAGS]`, `times[timeAt + START_US]`. What is no number is a field. */
export interface RowHolder {
  wholes: Int32Array;
  times: Float64Array;
  wholeAt: number;
  timeAt: number;
  /** Numbers of more than 32 bits, by column: of a stream beyond 2 GiB, of frames beyond two thousand million. */
  wide: Map<number, number> | null;
  clientWaiting: Waiting | null;
  serverWaiting: Waiting | null;
}

/**
 * A whole number that may have more than 32 bits; those of FLAGS, of sequence numbers and the like cannot.
 *
 * Doubles in their place would be simpler and as fast, and a row would have 150 octets more.
 */
export function wholeOf(holder: RowHolder, column: number): number {
  const value = holder.wholes[holder.wholeAt + column]!;
  return value === WIDE ? holder.wide!.get(column)! : value;
}

export function setWhole(holder: RowHolder, column: number, value: number): void {
  const short = value | 0;
  if (short === value && short !== WIDE) holder.wholes[holder.wholeAt + column] = short;
  else setWide(holder, column, value);
}

function setWide(holder: RowHolder, column: number, value: number): void {
  holder.wholes[holder.wholeAt + column] = WIDE;
  holder.wide ??= new Map();
  holder.wide.set(column, value);
}

/** Of one that has no row. */
export const NO_ROW = { wholes: new Int32Array(0), times: new Float64Array(0) };

/**
 * The numbers of connections, a row each, in slabs of many.
 *
 * As fields they take twice the memory, each time of day 16 octets more in an object of its own, and the garbage
 * collector copies and marks them: an open connection took 630 octets in eight objects so, and takes 330 of which it sees
 * 136. The price is a name for each column, and rows that must be given back by hand.
 */
export class ConnectionRows {
  readonly #perSlab: number;
  readonly #wholes: Int32Array[] = [];
  readonly #times: Float64Array[] = [];
  /** Rows handed out at least once. */
  #used = 0;
  readonly #free: number[] = [];

  /** @param perSlab  rows */
  constructor(perSlab: number) {
    this.#perSlab = perSlab;
  }

  /** Gives a row to one who has none. Its numbers are any. */
  take(holder: RowHolder): void {
    const row = this.#free.pop() ?? this.#used++;
    const slab = Math.floor(row / this.#perSlab);
    if (slab === this.#wholes.length) {
      this.#wholes.push(new Int32Array(this.#perSlab * WHOLES));
      this.#times.push(new Float64Array(this.#perSlab * TIMES));
    }
    const inside = row % this.#perSlab;
    holder.wholes = this.#wholes[slab]!;
    holder.times = this.#times[slab]!;
    holder.wholeAt = inside * WHOLES;
    holder.timeAt = inside * TIMES;
    holder.wholes[holder.wholeAt + ROW] = row;
  }

  /** Takes the row back. Who goes on being asked has its numbers in `kept` then; others (`null`) have none. */
  give(holder: RowHolder, kept: KeptRows | null): void {
    const { wholes, times, wholeAt, timeAt } = holder;
    this.#free.push(wholes[wholeAt + ROW]!);
    if (kept === null) {
      holder.wholes = NO_ROW.wholes;
      holder.times = NO_ROW.times;
      return;
    }
    kept.take(holder);
    for (let column = 0; column < WHOLES; column++) {
      holder.wholes[holder.wholeAt + column] = wholes[wholeAt + column]!;
    }
    for (let column = 0; column < TIMES; column++) {
      holder.times[holder.timeAt + column] = times[timeAt + column]!;
    }
  }
}

/** Rows in each slab of those that are not given back. */
const FEW = 16;

/** Rows that nobody gives back: a slab goes when all who have a row of it are gone. */
export class KeptRows {
  #wholes = NO_ROW.wholes;
  #times = NO_ROW.times;
  #used = FEW;

  take(holder: RowHolder): void {
    if (this.#used === FEW) {
      this.#wholes = new Int32Array(FEW * WHOLES);
      this.#times = new Float64Array(FEW * TIMES);
      this.#used = 0;
    }
    holder.wholes = this.#wholes;
    holder.times = this.#times;
    holder.wholeAt = this.#used * WHOLES;
    holder.timeAt = this.#used * TIMES;
    this.#used++;
  }
}
