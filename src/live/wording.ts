import type { Timestamp } from '../capture/timestamp.js';
import type { Finding } from '../finding/finding.js';
import { thousands } from '../finding/words.js';
import { printableOctets } from '../report/printable.js';
import type { Glyphs, Span, Style } from './screen.js';
import type { DriverName, SessionRow, SourceFacts } from './watch.js';

/** Severity has a word, a shape and a colour: any two of them may be lost. */
export function severityOf(severity: Finding['severity'], glyphs: Glyphs): Span {
  switch (severity) {
    case 'high':
      return [`${glyphs.high} HIGH`, 'red'];
    case 'medium':
      return [`${glyphs.medium} MEDIUM`, 'yellow'];
    case 'low':
      return [`${glyphs.low} LOW`, 'cyan'];
    default:
      return [`${glyphs.info} NOTE`, 'dim'];
  }
}

const STATES: Readonly<Record<SessionRow['state'], readonly [string, Style]>> = {
  open: ['open', 'green'],
  fin: ['closed', 'plain'],
  rst: ['reset', 'yellow'],
  idle: ['idle', 'dim'],
  reused: ['reused', 'dim'],
  limit: ['limit', 'yellow'],
  'end-of-capture': ['cut', 'dim'],
};

export function stateWord(state: SessionRow['state']): string {
  return STATES[state][0];
}

export function stateOf(state: SessionRow['state'], glyphs: Glyphs): Span {
  const [word, style] = STATES[state];
  const shape =
    state === 'open' ? glyphs.open : state === 'rst' || state === 'limit' ? glyphs.broken : glyphs.ended;
  return [`${shape} ${word}`, style];
}

export function sourceState(state: SourceFacts['state'], glyphs: Glyphs): Span {
  switch (state) {
    case 'running':
      return [`${glyphs.low} RUNNING`, 'green'];
    case 'starting':
      return [`${glyphs.open} STARTING`, 'cyan'];
    case 'waiting':
      return [`${glyphs.medium} WAITING`, 'yellow'];
    case 'ended':
      return [`${glyphs.ended} ENDED`, 'cyan'];
    default:
      return [`${glyphs.broken} FAILED`, 'red'];
  }
}

const TIMES: Readonly<Record<SourceFacts['times'], string>> = {
  kernel: 'kernel times',
  arrival: 'times taken on arrival',
  unknown: 'times as in the stream',
};

export function sourceText({ driver, interface: name, times }: SourceFacts, glyphs: Glyphs): string {
  const from: string = (driver satisfies DriverName) === 'stream' ? 'a stream' : (name ?? 'any interface');
  const by = driver === 'stream' ? [] : [driver];
  return [printableOctets(from), ...by, TIMES[times]].join(` ${glyphs.between} `);
}

/** `12:59:21` in UTC; blank where it is not known. */
export function clock(time: Timestamp | null): string {
  if (time === null || Number.isNaN(time.us)) return '';
  const seconds = ((Math.floor(time.us / 1e6) % 86_400) + 86_400) % 86_400;
  return hours(seconds);
}

/** The same with milliseconds. */
export function fineClock(time: Timestamp | null): string {
  const whole = clock(time);
  if (whole === '') return '';
  const ms = Math.floor(time!.us / 1000) % 1000;
  return `${whole}.${String((ms + 1000) % 1000).padStart(3, '0')}`;
}

/** `00:12:31`, `3 d 04:05:06` */
export function elapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const days = Math.floor(seconds / 86_400);
  return `${days > 0 ? `${days} d ` : ''}${hours(seconds % 86_400)}`;
}

function hours(seconds: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  return `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
}

export function dropsText(drops: number | null): string {
  return drops === null ? 'drops unknown' : `drops ${thousands(drops)}`;
}

/** `9,999`, `12.3k`, `4.5M` */
export function shortNumber(count: number): string {
  if (count < 10_000) return thousands(count);
  return count < 1_000_000 ? `${(count / 1000).toFixed(1)}k` : `${(count / 1_000_000).toFixed(1)}M`;
}

/** `12.3 MB` */
export function sizeText(octets: number): string {
  if (octets < 1000) return `${octets} octets`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = octets / 1000;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}
