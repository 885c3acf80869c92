import { expect, test } from 'vitest';
import {
  ConnectionRows,
  KeptRows,
  NO_ROW,
  type RowHolder,
  setWhole,
  wholeOf,
} from '../../src/stream/connection-rows.js';
import { Random } from '../support/perturb.js';

const COLUMNS = [0, 4, 30, 37];
const NUMBERS = [0, -1, 7, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 2 ** 40 + 1];

function holder(): RowHolder {
  const [clientWaiting, serverWaiting, wide] = [null, null, null];
  return { ...NO_ROW, wholeAt: 0, timeAt: 0, wide, clientWaiting, serverWaiting };
}

test('rows taken and given in any order keep their numbers, beside a Map', () => {
  const random = new Random(5);
  const rows = new ConnectionRows(4);
  const kept = new KeptRows();
  const model = new Map<RowHolder, number[]>();
  const open: RowHolder[] = [];
  const slabs = new Set<Int32Array>();
  for (let step = 0; step < 5000; step++) {
    if (open.length < 30 && random.chance(55)) {
      const taker = holder();
      rows.take(taker);
      slabs.add(taker.wholes);
      const numbers = COLUMNS.map(() => NUMBERS[random.int(NUMBERS.length)]!);
      for (const [index, column] of COLUMNS.entries()) setWhole(taker, column, numbers[index]!);
      taker.times[taker.timeAt + 4] = step + 0.5;
      model.set(taker, [...numbers, step + 0.5]);
      open.push(taker);
    } else if (open.length > 0) {
      const [giver] = open.splice(random.int(open.length), 1) as [RowHolder];
      const stays = random.chance(30);
      rows.give(giver, stays ? kept : null);
      if (!stays) model.delete(giver);
    }
    if (step % 50 > 0) continue;
    for (const [known, numbers] of model) {
      const found = COLUMNS.map((column) => wholeOf(known, column));
      expect([...found, known.times[known.timeAt + 4]]).toEqual(numbers);
    }
  }
  // 30 at once need eight slabs of four.
  expect(slabs.size).toBeLessThanOrEqual(8);
});
