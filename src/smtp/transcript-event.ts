import type { Timestamp } from '../capture/timestamp.js';
import type { Direction } from '../stream/event.js';
import type { Checksum } from '../wire/segment.js';
import type { WireLine } from './line-splitter.js';
import type { ExchangeKind, NoReply, SmtpLine } from './session.js';
import type { Transcript, TranscriptReader } from './transcript.js';

/**
 * What a transcript is made of: one octet of event and flags, then numbers and text.
 *
 * ```
 * EXCHANGE       kind, pipelined, afterGap | segments (0: no line) [server packets so far, line]
 * REPLY          intermediate, complete    | its exchange, code (0: none), line
 * MORE           complete                  | line                     the newest reply goes on
 * DROPPED_LINES  complete                  | count                    of the newest reply
 * NO_REPLY       cause                     | first exchange, count
 * MESSAGE        see message-record.ts
 * ```
 */
export const EXCHANGE = 1;
export const REPLY = 2;
export const MORE = 3;
export const DROPPED_LINES = 4;
export const NO_REPLY = 5;
export const MESSAGE = 6;

/** The event is in the lowest three bits. */
export const EVENT_MASK = 7;
export const PIPELINED = 1 << 6;
export const AFTER_GAP = 1 << 7;
export const INTERMEDIATE = 1 << 3;
export const COMPLETE = 1 << 4;

export const KINDS: readonly ExchangeKind[] = [
  'greeting',
  'command',
  'auth-response',
  'end-of-data',
  'bdat',
  'unseen',
];
export const CAUSES: readonly NoReply[] = [
  'closed',
  'silent',
  'next',
  'end-of-capture',
  'gap',
  'one-sided',
  'encrypted',
  'limit',
];
const CHECKSUMS: readonly Checksum[] = ['unverifiable', 'valid', 'offloaded', 'invalid'];
const ENDINGS: readonly SmtpLine['ending'][] = ['CRLF', 'LF', 'CR', 'none'];

/** Frames and times are written as distances from these: one or two octets instead of eight. */
export interface Origin {
  readonly frame: number;
  readonly us: number;
}

const HAS_TIME = 1 << 2;
const SPANS_FRAMES = 1 << 3;
const CHECKSUM_SHIFT = 4;
const LENGTHS_DIFFER = 1 << 6;
/** Not in microseconds: digits and nanoseconds follow. */
const PRECISE = 1 << 7;

/** @param text  what to keep instead of the line's own octets, or null */
export function writeLine(
  transcript: Transcript,
  line: WireLine,
  text: string | null,
  checksum: Checksum,
  origin: Origin,
): void {
  const kept = text === null ? line.end - line.start : text.length;
  const hasTime = !Number.isNaN(line.us);
  const spans = line.lastFrame !== line.frame;
  const differ = kept !== line.total || text !== null;
  const precise = hasTime && (line.digits !== 6 || line.ns !== 0);
  transcript.octet(
    ENDINGS.indexOf(line.ending) |
      (hasTime ? HAS_TIME : 0) |
      (spans ? SPANS_FRAMES : 0) |
      (CHECKSUMS.indexOf(checksum) << CHECKSUM_SHIFT) |
      (differ ? LENGTHS_DIFFER : 0) |
      (precise ? PRECISE : 0),
  );
  transcript.number(line.offset);
  transcript.signed(line.frame - origin.frame);
  if (spans) transcript.signed(line.lastFrame - line.frame);
  if (hasTime) transcript.signed(line.us - origin.us);
  if (precise) {
    transcript.octet(line.digits);
    transcript.number(line.ns);
  }
  if (differ) transcript.number(line.total * 2 + (line.truncated ? 1 : 0));
  transcript.number(kept);
  if (text === null) transcript.octets(line.octets, line.start, line.end);
  else transcript.latin1(text);
}

export function readLine(reader: TranscriptReader, direction: Direction, origin: Origin): SmtpLine {
  const flags = reader.octet();
  const offset = reader.number();
  const frame = origin.frame + reader.signed();
  const lastFrame = flags & SPANS_FRAMES ? frame + reader.signed() : frame;
  let time: Timestamp | null = null;
  if (flags & HAS_TIME) {
    const us = origin.us + reader.signed();
    time = flags & PRECISE ? { us, digits: reader.octet(), ns: reader.number() } : { us, ns: 0, digits: 6 };
  }
  const lengths = flags & LENGTHS_DIFFER ? reader.number() : -1;
  const kept = reader.number();
  const text = reader.latin1(kept);
  return {
    direction,
    text,
    octets: lengths < 0 ? kept : Math.floor(lengths / 2),
    ending: ENDINGS[flags & 3]!,
    truncated: lengths >= 0 && lengths % 2 === 1,
    offset,
    frame,
    lastFrame,
    time,
    checksum: CHECKSUMS[(flags >> CHECKSUM_SHIFT) & 3]!,
  };
}

export function writeTime(
  transcript: Transcript,
  us: number,
  ns: number,
  digits: number,
  origin: Origin,
): void {
  if (Number.isNaN(us)) {
    transcript.octet(0);
    return;
  }
  transcript.octet(digits + 1);
  transcript.signed(us - origin.us);
  transcript.number(ns);
}

export function readTime(reader: TranscriptReader, origin: Origin): Timestamp | null {
  const digits = reader.octet() - 1;
  if (digits < 0) return null;
  const us = origin.us + reader.signed();
  return { us, ns: reader.number(), digits };
}

/** Text that may be absent. */
export function writeText(transcript: Transcript, text: string | null): void {
  transcript.number(text === null ? 0 : text.length + 1);
  if (text !== null) transcript.latin1(text);
}

export function readText(reader: TranscriptReader): string | null {
  const length = reader.number();
  return length === 0 ? null : reader.latin1(length - 1);
}
