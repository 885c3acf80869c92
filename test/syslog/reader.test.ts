import { expect, it } from 'vitest';
import { FirewallLogReader } from '../../src/syslog/reader.js';

const LINE =
  '%ASA-6-108007: TLS started on ESMTP session between client o:192.0.2.10/40000 and server i:198.51.100.25/25';

function read(text: string, piece = Number.POSITIVE_INFINITY) {
  const reader = new FirewallLogReader('asa.log');
  const octets = Buffer.from(text, 'latin1');
  for (let at = 0; at < octets.length; at += piece) reader.push(octets.subarray(at, at + piece));
  return reader.end();
}

it('counts lines, and those that say nothing', () => {
  const log = read(`${LINE}\r\n\r\n  \nsomething else\n${LINE}`);
  expect(log).toMatchObject({ file: 'asa.log', lines: 5, ignored: 1, dropped: 0 });
  expect(log.records.map(({ line }) => line)).toEqual([1, 5]);
});

it('gives the same whatever the pieces', () => {
  const text = `x\n${LINE}\n\n\x00\xff\n${LINE}\r\ny`;
  for (const piece of [1, 2, 7, 100]) expect(read(text, piece)).toEqual(read(text));
});

it('knows an empty file', () => {
  expect(read('')).toEqual({ file: 'asa.log', lines: 0, ignored: 0, records: [], dropped: 0 });
  expect(read('\n')).toMatchObject({ lines: 1, ignored: 0 });
});

it('looks at the beginning of a line without an end, and holds no more', () => {
  const reader = new FirewallLogReader('asa.log');
  const piece = Buffer.alloc(1 << 20, 'x');
  for (let count = 0; count < 10; count++) reader.push(piece);
  reader.push(Buffer.from(`\n${LINE}${' '.repeat(10_000)}\n${'x'.repeat(4090)}${LINE}\n${LINE}\n`));
  const log = reader.end();
  expect(log).toMatchObject({ lines: 4, ignored: 2 });
  expect(log.records.map(({ line }) => line)).toEqual([2, 4]);
});

it('keeps ten thousand messages', () => {
  const log = read(`${LINE}\n`.repeat(10_005));
  expect(log.records).toHaveLength(10_000);
  expect(log).toMatchObject({ lines: 10_005, dropped: 5, ignored: 0 });
});

it('takes no octet for granted', () => {
  const every = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet)).toString('latin1');
  expect(read(every.repeat(50)).records).toEqual([]);
});
