import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTimestamp } from '../../src/capture/timestamp.js';

const at = (seconds: number): string | null => formatTimestamp({ us: seconds * 1e6, ns: 0, digits: 0 });
const twin = (seconds: number): string => `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;

/** The years that four digits can write. */
const FIRST = -62_167_219_200;
const LAST = 253_402_300_799;

describe('a time in the report', () => {
  it('is the calendar that Date has', () => {
    fc.assert(
      fc.property(fc.integer({ min: FIRST, max: LAST }), (seconds) => {
        expect(at(seconds)).toBe(twin(seconds));
      }),
      { numRuns: 5000 },
    );
  });

  it('is so on each first and last second of February and of the year', () => {
    for (let year = 1; year < 10_000; year += year > 1850 && year < 2150 ? 1 : 7) {
      for (const [month, day] of [
        [0, 1],
        [1, 28],
        [1, 29],
        [2, 1],
        [11, 31],
      ] as const) {
        const midnight = new Date(0).setUTCFullYear(year, month, day) / 1000;
        for (const seconds of [midnight - 1, midnight, midnight + 86_399]) {
          if (seconds > LAST) continue;
          if (at(seconds) !== twin(seconds)) expect(at(seconds)).toBe(twin(seconds));
        }
      }
    }
  });

  it('has its ends where years have more digits', () => {
    expect(at(FIRST)).toBe('0000-01-01T00:00:00Z');
    expect(at(LAST)).toBe('9999-12-31T23:59:59Z');
    expect(at(FIRST - 1)).toBeNull();
    expect(at(LAST + 1)).toBeNull();
  });

  it('has the decimals of the capture', () => {
    const us = 981_522_083_000_123;
    expect(formatTimestamp({ us, ns: 45, digits: 6 })).toBe('2001-02-07T05:01:23.000123Z');
    expect(formatTimestamp({ us, ns: 45, digits: 9 })).toBe('2001-02-07T05:01:23.000123045Z');
    expect(formatTimestamp({ us, ns: 45, digits: 3 })).toBe('2001-02-07T05:01:23.000Z');
  });
});
