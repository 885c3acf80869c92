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

const SECONDS_PER_DAY = 86_400;
/** The Gregorian calendar repeats itself after 400 years. */
const DAYS_PER_ERA = 146_097;
/** From 0000-03-01, with which an era of years that end in February begins, to 1970-01-01. */
const DAYS_BEFORE_1970 = 719_468;

/** `00` to `99`. */
const TWO_DIGITS = Array.from({ length: 100 }, (_, value) => String(value).padStart(2, '0'));
/** `000` to `999`. */
const THREE_DIGITS = Array.from({ length: 1000 }, (_, value) => String(value).padStart(3, '0'));

/** `2001-02-07T05:01:23.000123Z`; RFC 3339, UTC, exactly `digits` decimals. Out of range: `null`. */
export function formatTimestamp(time: Timestamp | null): string | null {
  if (time === null || !Number.isFinite(time.us) || Math.abs(time.us) > 8.64e18) return null;
  const seconds = Math.floor(time.us / 1e6);
  const year4 = seconds >= -62167219200 && seconds < 253402300800; // RFC 3339 has four-digit years only
  if (!year4) return null;
  const base = secondText(seconds);
  const { digits } = time;
  if (digits <= 0) return `${base}Z`;
  const micros = Math.floor(time.us - seconds * 1e6);
  const millis = Math.floor(micros / 1000);
  const fraction = THREE_DIGITS[millis]! + THREE_DIGITS[micros - millis * 1000]!;
  if (digits === 6) return `${base}.${fraction}Z`;
  return `${base}.${(fraction + THREE_DIGITS[time.ns]!).slice(0, Math.min(digits, 9))}Z`;
}

/**
 * `2001-02-07T05:01:23`, of the years 0 to 9999. Reports name many times for each session: `Date` takes 470 ns for one,
 * this with the decimals 165.
 */
function secondText(seconds: number): string {
  const days = Math.floor(seconds / SECONDS_PER_DAY);
  const inDay = seconds - days * SECONDS_PER_DAY;
  const sinceEras = days + DAYS_BEFORE_1970;
  const era = Math.floor(sinceEras / DAYS_PER_ERA);
  const dayOfEra = sinceEras - era * DAYS_PER_ERA;
  // Leap days are in the way of a plain division: every 4 years (1460 days and one), not every 100, but every 400.
  const leapDays =
    Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / (DAYS_PER_ERA - 1));
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  // Months from March on: 31, 30, 31, 30, 31 days, which is 153 for each five.
  const month = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * month + 2) / 5) + 1;
  const year = yearOfEra + era * 400 + (month < 10 ? 0 : 1);
  const century = Math.floor(year / 100);
  const hour = Math.floor(inDay / 3600);
  const minute = Math.floor(inDay / 60) - hour * 60;
  const date = `${TWO_DIGITS[century]!}${TWO_DIGITS[year - century * 100]!}-${TWO_DIGITS[month < 10 ? month + 3 : month - 9]!}-${TWO_DIGITS[day]!}`;
  return `${date}T${TWO_DIGITS[hour]!}:${TWO_DIGITS[minute]!}:${TWO_DIGITS[inDay % 60]!}`;
}
