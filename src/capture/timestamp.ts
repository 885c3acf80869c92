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

/** The newest second that was formatted: a report names most seconds many times, and `Date` is slow (600 ns). */
let cachedSecond = Number.NaN;
let cachedText = '';

/** `2001-02-07T05:01:23.000123Z`; RFC 3339, UTC, exactly `digits` decimals. Out of range: `null`. */
export function formatTimestamp(time: Timestamp | null): string | null {
  if (time === null || !Number.isFinite(time.us) || Math.abs(time.us) > 8.64e18) return null;
  const seconds = Math.floor(time.us / 1e6);
  const year4 = seconds >= -62167219200 && seconds < 253402300800; // RFC 3339 has four-digit years only
  if (!year4) return null;
  if (seconds !== cachedSecond) {
    cachedText = new Date(seconds * 1000).toISOString().slice(0, 19);
    cachedSecond = seconds;
  }
  const base = cachedText;
  if (time.digits <= 0) return `${base}Z`;
  const micros = Math.floor(time.us - seconds * 1e6);
  const fraction = `${String(micros).padStart(6, '0')}${String(time.ns).padStart(3, '0')}`;
  return `${base}.${fraction.slice(0, Math.min(time.digits, 9))}Z`;
}
