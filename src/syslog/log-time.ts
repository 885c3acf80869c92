/** When a line was logged, by a clock whose zone it does not tell. */
export interface LogTime {
  /** null: syslog's own stamp has none. */
  readonly year: number | null;
  /** From 0. */
  readonly month: number;
  readonly day: number;
  readonly seconds: number;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `2024-05-06T07:08:09Z`; its zone is not looked at: the next clock on the way may have written it. */
const ISO = /\b(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)/;
/** `May  6 07:08:09`, `May 06 2024 07:08:09` */
const BSD = new RegExp(`\\b(${MONTHS.join('|')}) {1,2}(\\d{1,2})(?: (\\d{4}))? (\\d\\d):(\\d\\d):(\\d\\d)`);

/** Zones reach from -12 to +14 hours, and clocks are wrong. */
const TOLERANCE_US = 15 * 3600e6;

/** The first time in what stands in front of a message; null: there is none. */
export function logTime(before: string): LogTime | null {
  const iso = ISO.exec(before);
  if (iso) {
    const [year, month, day, ...clock] = iso.slice(1).map(Number) as [number, number, number, ...number[]];
    return { year, month: month - 1, day, seconds: secondsOf(clock) };
  }
  const bsd = BSD.exec(before);
  if (!bsd) return null;
  const [, month = '', day, year, ...clock] = bsd;
  return {
    year: year === undefined ? null : Number(year),
    month: MONTHS.indexOf(month),
    day: Number(day),
    seconds: secondsOf(clock.map(Number)),
  };
}

function secondsOf([hours = 0, minutes = 0, seconds = 0]: number[]): number {
  return hours * 3600 + minutes * 60 + seconds;
}

/** As late as a day's clock can be said to be: 99:99:99. */
const LATEST_US = ((99 * 60 + 99) * 60 + 99) * 1e6;

/** What the lines of one day have in common; `''`: they tell none. */
export function dayOf(time: LogTime | null): string {
  return time === null ? '' : `${time.year} ${time.month} ${time.day}`;
}

/** Could any line of that day have been between these two moments? */
export function dayCouldBeWithin(time: LogTime | null, startUs: number, endUs: number): boolean {
  return couldBeWithin(time && { ...time, seconds: 0 }, startUs, endUs, LATEST_US);
}

/**
 * Could it have been between these two moments, whatever the zone? Also where there is nothing to compare.
 *
 * @param laterUs  it may have been so much later than it says
 */
export function couldBeWithin(time: LogTime | null, startUs: number, endUs: number, laterUs = 0): boolean {
  if (time === null || Number.isNaN(startUs) || Number.isNaN(endUs)) return true;
  const thisYear = new Date(startUs / 1000).getUTCFullYear();
  const years = time.year === null ? [thisYear - 1, thisYear, thisYear + 1] : [time.year];
  return years.some((year) => {
    const us = Date.UTC(year, time.month, time.day, 0, 0, time.seconds) * 1000;
    return us >= startUs - TOLERANCE_US - laterUs && us <= endUs + TOLERANCE_US;
  });
}
