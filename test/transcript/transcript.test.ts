/** The store of transcripts beside a plain list of numbers and strings for each. */
import { describe, expect, it } from 'vitest';
import { type Chain, TranscriptReader, TranscriptStore } from '../../src/transcript/transcript.js';

function chain(): Chain {
  return { first: -1, last: -1, length: 0 };
}

function readerOf(store: TranscriptStore, { first, length }: Chain): TranscriptReader {
  return new TranscriptReader(store.gather(first, length), 0, length, store.lines);
}

function generator(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

type Entry = number | string | null;

const NUMBERS = [
  0,
  1,
  127,
  128,
  16383,
  16384,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  2 ** 40 + 3,
  Number.MAX_SAFE_INTEGER,
];

describe('transcripts', () => {
  it.each([1, 2, 3, 4, 5])('many at once give back what was written, seed %i', (seed) => {
    const below = generator(seed);
    const store = new TranscriptStore();
    let twins = Array.from({ length: 30 }, () => ({
      transcript: chain(),
      list: [] as Entry[],
    }));
    for (let step = 0; step < 3000; step++) {
      const { transcript, list } = twins[below(twins.length)]!;
      for (let count = below(4); count >= 0; count--) {
        if (below(2) === 0) {
          const value = below(2) === 0 ? NUMBERS[below(NUMBERS.length)]! : below(1e6);
          list.push(value);
          store.number(value);
        } else {
          const text = below(9) === 0 ? null : String.fromCharCode(below(256)).repeat(below(300));
          list.push(text);
          store.text(text);
        }
      }
      store.commit(transcript);
      if (below(500) === 0) {
        // What was given back is used again.
        for (const { transcript } of twins.splice(0, 5)) store.release(transcript.first, transcript.length);
        for (let count = 0; count < 5; count++) twins.push({ transcript: chain(), list: [] });
      }
    }
    twins = twins.filter(({ list }) => list.length > 0);
    for (let round = 0; round < 2; round++) {
      for (const { transcript, list } of twins) {
        const reader = readerOf(store, transcript);
        const read = list.map((entry) => (typeof entry === 'number' ? reader.number() : reader.text()));
        expect(read).toEqual(list);
        expect(reader.ended).toBe(true);
      }
    }
  });

  it('hold signed numbers', () => {
    const store = new TranscriptStore();
    const transcript = chain();
    const values = [0, -1, 1, -64, 64, -(2 ** 31), 2 ** 50, -(2 ** 50)];
    for (const value of values) store.signed(value);
    store.commit(transcript);
    const reader = readerOf(store, transcript);
    expect(values.map(() => reader.signed())).toEqual(values);
  });

  it('refuse an event that is longer than a line can be', () => {
    const store = new TranscriptStore();
    expect(() => store.latin1('x'.repeat(9000))).toThrow(RangeError);
  });

  it('are empty at first', () => {
    const store = new TranscriptStore();
    const empty = chain();
    expect(readerOf(store, empty).ended).toBe(true);
    store.release(empty.first, empty.length);
    store.release(empty.first, empty.length);
    expect(empty.length).toBe(0);
  });
});
