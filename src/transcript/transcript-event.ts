import type { Timestamp } from '../capture/timestamp.js';
import { MAX_LINE_OCTETS, type WireLine } from '../smtp/line-splitter.js';
import type { ExchangeKind, NoReply, SmtpLine } from '../smtp/session.js';
import type { Direction } from '../stream/event.js';
import { CHECKSUMS, type Checksum } from '../wire/segment.js';
import type { Chain, TranscriptReader, TranscriptStore } from './transcript.js';

/**
 * What a transcript is made of: one octet of event and flags, then numbers and text.
 *
 * ```
 * EXCHANGE       kind, pipelined, afterGap | segments (0: no line) [server packets so far, line]
 * REPLY          intermediate, complete,   | [its exchange] [code] line
 *                toNewest, codeInText
 * MORE           complete                  | line                     the newest reply goes on
 * DROPPED_LINES  complete                  | count                    of the newest reply
 * NO_REPLY       cause                     | first exchange, count
 * MESSAGE, MESSAGE_END  see message-record.ts
 * TLS                   see tls-opening.ts
 * ```
 */
export const TLS = 0;
export const EXCHANGE = 1;
export const REPLY = 2;
export const MORE = 3;
export const DROPPED_LINES = 4;
export const NO_REPLY = 5;
export const MESSAGE = 6;
export const MESSAGE_END = 7;

/** The event is in the lowest three bits. */
export const EVENT_MASK = 7;
export const PIPELINED = 1 << 6;
export const AFTER_GAP = 1 << 7;
export const INTERMEDIATE = 1 << 3;
export const COMPLETE = 1 << 4;
/** Of a REPLY: it answers the newest exchange; its code, or that it has none, shows in its first line. */
export const TO_NEWEST = 1 << 5;
export const CODE_IN_TEXT = 1 << 6;

/** Kinds of exchange by their number. */
export const GREETING_KIND = 0;
export const COMMAND_KIND = 1;
export const RESPONSE_KIND = 2;
export const END_OF_DATA_KIND = 3;
export const BDAT_KIND = 4;
export const UNSEEN_KIND = 5;
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
const ENDINGS: readonly SmtpLine['ending'][] = ['CRLF', 'LF', 'CR', 'none'];

/** Frames and times are written as distances from these. */
export interface Origin {
  readonly frame: number;
  readonly us: number;
}

/** Directly behind the line before it, in the same segment: place and time are not repeated. */
const ADJOINING = 1 << 2;
const SPANS_FRAMES = 1 << 3;
const LENGTHS_DIFFER = 1 << 4;
/** Checksum, NO_TIME and PRECISE are in an octet of their own. */
const UNUSUAL = 1 << 5;
/** A number of the line table stands for the text. */
const IN_TABLE = 1 << 6;
const NO_TIME = 1 << 2;
/** Not in microseconds: digits and nanoseconds follow. */
const PRECISE = 1 << 3;

/**
 * Stages a line.
 *
 * @param shown  what to keep instead of the line's own octets, or null
 */
export function stageLine(
  store: TranscriptStore,
  chain: Chain,
  line: WireLine,
  shown: string | null,
  checksum: Checksum,
  origin: Origin,
): void {
  const last = store.lastLine;
  const text = shown !== null && shown.length > MAX_LINE_OCTETS ? shown.slice(0, MAX_LINE_OCTETS) : shown;
  const kept = text === null ? line.end - line.start : text.length;
  const spans = line.lastFrame !== line.frame;
  const noTime = Number.isNaN(line.us);
  const precise = !noTime && (line.digits !== 6 || line.ns !== 0);
  const unusual = noTime || precise || checksum !== 'unverifiable';
  const differ = kept !== line.total || text !== null;
  const adjoining =
    last.chain === chain &&
    last.frame === line.frame &&
    last.endOffset === line.offset &&
    last.us === line.us &&
    !spans &&
    !precise;
  const inTable = differ ? -1 : store.lines.find(line.octets, line.start, line.end);
  store.octet(
    ENDINGS.indexOf(line.ending) |
      (adjoining ? ADJOINING : 0) |
      (spans ? SPANS_FRAMES : 0) |
      (differ ? LENGTHS_DIFFER : 0) |
      (unusual ? UNUSUAL : 0) |
      (inTable >= 0 ? IN_TABLE : 0),
  );
  if (unusual) {
    store.octet(CHECKSUMS.indexOf(checksum) | (noTime ? NO_TIME : 0) | (precise ? PRECISE : 0));
  }
  if (!adjoining) {
    store.number(line.offset);
    store.signed(line.frame - origin.frame);
    if (spans) store.signed(line.lastFrame - line.frame);
    if (!noTime) store.signed(line.us - origin.us);
    if (precise) {
      store.octet(line.digits);
      store.number(line.ns);
    }
  }
  if (differ) store.number(line.total * 2 + (line.truncated ? 1 : 0));
  if (inTable >= 0) store.number(inTable);
  else {
    store.number(kept);
    if (text === null) store.octets(line.octets, line.start, line.end);
    else store.latin1(text);
  }
  last.chain = chain;
  last.frame = line.lastFrame;
  last.us = line.us;
  last.endOffset = line.endOffset;
}

/**
 * Reads the lines of a transcript, each of which may lean on the one before it. It is a single instance, and stands for
 * one line until it goes on to the next.
 */
export class LineCursor {
  /** Number of the line in the line table; -1: its text is in the transcript. */
  inTable = -1;
  private flags = 0;
  private unusual = 0;
  private offset = 0;
  private frame = 0;
  private lastFrame = 0;
  private time: Timestamp | null = null;
  private lengths = -1;
  private text: string | null = null;
  private textAt = 0;
  private kept = 0;
  /** Place behind the line before it. */
  private nextOffset = 0;
  private nextFrame = 0;

  constructor(
    private readonly reader: TranscriptReader,
    private readonly origin: Origin,
  ) {}

  /** Goes on to the next line. */
  next(): this {
    const { reader } = this;
    const flags = reader.octet();
    const unusual = flags & UNUSUAL ? reader.octet() : 0;
    this.flags = flags;
    this.unusual = unusual;
    if (flags & ADJOINING) {
      this.offset = this.nextOffset;
      this.frame = this.nextFrame;
      this.lastFrame = this.nextFrame;
    } else {
      this.offset = reader.number();
      this.frame = this.origin.frame + reader.signed();
      this.lastFrame = flags & SPANS_FRAMES ? this.frame + reader.signed() : this.frame;
      this.time = unusual & NO_TIME ? null : this.readTime(unusual);
    }
    this.lengths = flags & LENGTHS_DIFFER ? reader.number() : -1;
    const kept = reader.number();
    if (flags & IN_TABLE) {
      this.inTable = kept;
      this.text = reader.lines.text(kept);
      this.kept = this.text.length;
    } else {
      this.inTable = -1;
      this.text = null;
      this.kept = kept;
      this.textAt = reader.skip(kept);
    }
    this.nextOffset = this.offset + this.octets + endingOctets(this.ending);
    this.nextFrame = this.lastFrame;
    return this;
  }

  private get octets(): number {
    return this.lengths < 0 ? this.kept : Math.floor(this.lengths / 2);
  }

  private get ending(): SmtpLine['ending'] {
    return ENDINGS[this.flags & 3]!;
  }

  /** The line, to keep. */
  line(direction: Direction): SmtpLine {
    const { offset, frame, lastFrame, time, lengths } = this;
    return {
      direction,
      text: this.text ?? this.reader.latin1At(this.textAt, this.kept),
      octets: this.octets,
      ending: this.ending,
      truncated: lengths >= 0 && lengths % 2 === 1,
      offset,
      frame,
      lastFrame,
      time,
      checksum: CHECKSUMS[this.unusual & 3]!,
    };
  }

  private readTime(unusual: number): Timestamp {
    const { reader } = this;
    const us = this.origin.us + reader.signed();
    return unusual & PRECISE ? { us, digits: reader.octet(), ns: reader.number() } : { us, digits: 6, ns: 0 };
  }
}

export function endingOctets(ending: SmtpLine['ending']): number {
  return ending === 'CRLF' ? 2 : ending === 'none' ? 0 : 1;
}

export function stageTime(
  store: TranscriptStore,
  us: number,
  ns: number,
  digits: number,
  origin: Origin,
): void {
  if (Number.isNaN(us)) {
    store.octet(0);
    return;
  }
  store.octet(digits + 1);
  store.signed(us - origin.us);
  store.number(ns);
}

export function readTime(reader: TranscriptReader, origin: Origin): Timestamp | null {
  const digits = reader.octet() - 1;
  if (digits < 0) return null;
  const us = origin.us + reader.signed();
  return { us, digits, ns: reader.number() };
}
