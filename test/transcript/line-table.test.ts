import { expect, it } from 'vitest';
import { LineTable } from '../../src/transcript/line-table.js';

const find = (table: LineTable, text: string) => {
  const octets = Buffer.from(`..${text}..`, 'latin1');
  return table.find(octets, 2, 2 + text.length);
};

it('takes a line in when it comes for the second time', () => {
  const table = new LineTable();
  expect(find(table, '250 2.1.0 Ok')).toBe(-1);
  expect(find(table, '250 2.1.0 Ok')).toBe(0);
  expect(find(table, '250 2.1.0 Ok')).toBe(0);
  expect(find(table, '250 2.1.0 OK')).toBe(-1);
  expect(find(table, '250 2.1.0 OK')).toBe(1);
  expect(table.text(0)).toBe('250 2.1.0 Ok');
  expect(table.text(1)).toBe('250 2.1.0 OK');
});

it('leaves very short and long lines alone', () => {
  const table = new LineTable();
  for (const text of ['', '250', 'X'.repeat(257)]) {
    for (let i = 0; i < 3; i++) expect(find(table, text)).toBe(-1);
  }
});

it('gives each line back as it was, octet for octet, also when it is full', () => {
  const table = new LineTable();
  const lines = Array.from({ length: 20_000 }, (_, i) => `250 ${'\xff\x00é'.repeat(i % 40)}${i}`);
  let kept = 0;
  for (const line of lines) {
    find(table, line);
    const number = find(table, line);
    if (number < 0) continue;
    kept++;
    expect(table.text(number)).toBe(line);
  }
  expect(kept).toBe(16_384);
  for (const line of lines) {
    const number = find(table, line);
    if (number >= 0) expect(table.text(number)).toBe(line);
  }
});
