/**
 * A moment in the capture's own precision.
 *
 * Whole microseconds are exact in a double until the year 2255; the three digits below them are kept
 * beside, so that nanosecond captures lose nothing and no bigint reaches the packet path.
 */
export interface Timestamp {
  /** Whole microseconds since 1970-01-01T00:00:00 UTC. */
  readonly us: number;
  /** Nanoseconds within that microsecond, 0 to 999. */
  readonly ns: number;
  /** Decimal digits of a second that the capture records, 0 to 9. */
  readonly digits: number;
}

/** Seconds that were formatted lately: a report names most of them many times, and `Date` is slow (600 ns). */
const CACHED = 256;
const cachedSeconds = new Float64Array(CACHED).fill(Number.NaN);
const cachedTexts: string[] = new Array<string>(CACHED).fill('');

/** `000` to `999`. */
const THREE_DIGITS = Array.from({ length: 1000 }, (_, value) => String(value).padStart(3, '0'));

/** `2001-02-07T05:01:23.000123Z`; RFC 3339, UTC, exactly `digits` decimals. Out of range: `null`. */
export function formatTimestamp(time: Timestamp | null): string | null {
  if (time === null || !Number.isFinite(time.us) || Math.abs(time.us) > 8.64e18) return null;
  const seconds = Math.floor(time.us / 1e6);
  const year4 = seconds >= -62167219200 && seconds < 253402300800; // RFC 3339 has four-digit years only
  if (!year4) return null;
  const place = seconds & (CACHED - 1);
  if (cachedSeconds[place] !== seconds) {
    cachedTexts[place] = new Date(seconds * 1000).toISOString().slice(0, 19);
    cachedSeconds[place] = seconds;
  }
  const base = cachedTexts[place]!;
  const { digits } = time;
  if (digits <= 0) return `${base}Z`;
  const micros = Math.floor(time.us - seconds * 1e6);
  const millis = Math.floor(micros / 1000);
  const fraction = THREE_DIGITS[millis]! + THREE_DIGITS[micros - millis * 1000]!;
  if (digits === 6) return `${base}.${fraction}Z`;
  return `${base}.${(fraction + THREE_DIGITS[time.ns]!).slice(0, Math.min(digits, 9))}Z`;
}
