import { isAscii } from '../platform/platform.js';
import type { StreamChunk } from '../stream/event.js';
import { ReportScan } from './delivery-report.js';
import type { RunningDigest } from './digest.js';
import { HeaderScan, MAX_FILE_NAME, Overlong, parseContentType } from './header-scan.js';
import type { MailContext } from './mail-context.js';
import type { DeliveryReport, MailDamage } from './message-facts.js';
import { MimeScan } from './mime-scan.js';

const LF = 0x0a;
const CR = 0x0d;
const DOT = 0x2e;
const LF_DOT = Buffer.from('\n.');
const ONE_CR = Buffer.from('\r');

/**
 * After so many dots inside lines the search is for LF and dot, in as many chunks as said below. Prose has a dot a line:
 * 410 ns per full segment for the dots, 250 ns for the pair. Base64 has no dots, but lines: 30 ns for the dot, and for
 * the pair as much as prose.
 */
const DOTS_BEFORE_PAIRS = 4;
/** Then the dots are tried again, since another part may have begun: prose pays 20 ns per segment for that. */
const CHUNKS_BY_PAIRS = 8;

/** How much of CRLF.CRLF the last octets seen are. */
const NONE = 0;
const AFTER_CR = 1;
const AFTER_CRLF = 2;
const AFTER_DOT = 3;
const AFTER_DOT_CR = 4;

/** Splits of `CRLF|.CRLF`, as bits. */
const LONE_DOT = 1 << AFTER_CRLF;

/** What one message's octets said. */
export interface MailDataFacts {
  /** Un-stuffed octets seen, the CRLF before the final dot included, the dot line not. */
  octets: number;
  /** At least 1 for a gap of unknown size. */
  missingOctets: number;
  digest: string;
  messageId: string | null;
  eightBit: boolean;
  eightBitFrame: number | null;
  eightBitOffset: number | null;
  report: DeliveryReport | null;
  looksLikeReport: boolean;
  damages: readonly MailDamage[];
  longHeaderLine: Overlong | null;
  longFileName: Overlong | null;
  /** CRLF.CRLF was seen. Never so for BDAT, whose chunk sizes the caller counts. */
  terminated: boolean;
  terminator: MailDataEnd | null;
}

const UNDAMAGED: readonly MailDamage[] = [];

/** Where the CRLF.CRLF stood. */
export interface MailDataEnd {
  /** Stream offset of its first CR; in an empty message that is the CR of the DATA line. */
  offset: number;
  endOffset: number;
  /** Positions in CRLF.CRLF in front of which another chunk began; [] when one chunk held all five octets. In
   * an empty message, of its last three octets. */
  splits: number[];
  frame: number;
  lastFrame: number;
  us: number;
  ns: number;
  digits: number;
  /** With `CRLF|.CRLF` alone: microseconds without a packet of this connection in front of the dot's; else null. */
  pauseUs: number | null;
}

/** What most messages have nothing of, 32 octets of each. */
class Unusual {
  reportScan: ReportScan | null = null;
  report: DeliveryReport | null = null;
  longHeaderLine: Overlong | null = null;
  longFileName: Overlong | null = null;
  eightBitOffset = -1;
}

/**
 * Reads the data of one message as it arrives, and keeps none of it: finds its end, digests it, and picks up
 * what its header (and, in a delivery report, its body) says.
 *
 * Only CRLF.CRLF ends a message (RFC 5321 §4.1.1.4); bare CR and bare LF are content. A dot that begins a
 * line is transparency and not content, whatever follows it (§4.5.2).
 *
 * @example
 * const context = new MailContext(await createDigestFactory('xxh64'));
 * const scanner = new MailDataScanner(context, 'DATA', false);
 * const end = scanner.data(chunk, chunk.start); // -1 until CRLF.CRLF came
 * const { digest, messageId } = scanner.finish();
 */
export class MailDataScanner {
  /** The DATA line's own CRLF counts: a dot may come first. */
  private matched = AFTER_CRLF;
  /** Bit n: a chunk began in front of octet n of what is matched. */
  private splits = 0;
  /** Frame of the first octet of what is matched; 0 as long as that is the DATA line's. */
  private matchedFrame = 0;
  /** Dots inside lines since they were tried last, and beyond DOTS_BEFORE_PAIRS the chunks since. */
  private dotsInside = 0;
  private octets = 0;
  private missingOctets = 0;
  private readonly digest: RunningDigest;
  /** Until the header section ends. */
  private header: HeaderScan | null = new HeaderScan();
  private mimeScan: MimeScan | null = null;
  private unusual: Unusual | null = null;
  private messageId: string | null = null;
  private eightBitFrame = -1;
  private end: MailDataEnd | null = null;

  constructor(
    private readonly scanning: MailContext,
    readonly transport: 'DATA' | 'BDAT',
    /** Its sender is `<>`, or its header says so. */
    private looksLikeReport: boolean,
  ) {
    this.digest = scanning.digests.create();
  }

  /**
   * DATA: reads `octets[from, chunk.end)` up to the end of the message.
   *
   * @returns index in `chunk.octets` one past CRLF.CRLF; -1 when the message goes on
   */
  data(chunk: StreamChunk, from: number): number {
    if (from >= chunk.end) return -1;
    this.scanning.chunk = chunk;
    return this.unstuff(chunk, from);
  }

  /** BDAT: reads exactly `octets[from, to)`, all of it content (RFC 3030 §2). */
  chunked(chunk: StreamChunk, from: number, to: number): void {
    this.scanning.chunk = chunk;
    this.take(chunk.octets, from, to, chunk.offset + from - chunk.start, chunk.frame);
  }

  /** Octets of the message are absent. What follows begins inside a line, for all that is known. */
  gap(octets: number | null): void {
    this.missingOctets += octets ?? 1;
    this.matched = NONE;
    this.splits = 0;
    if (this.header !== null) {
      // The header may have ended in the gap: a Message-ID after it may be another message's.
      this.header.lost();
      this.endHeader(this.header.contentType !== null);
    }
    this.unusual?.reportScan?.lost();
    // What is broken and what was not seen look alike.
    this.mimeScan = null;
  }

  /**
   * Ends the scan, at the message's end or wherever it stands. Called once.
   *
   * @param end  where the message's own end is, when that was seen
   */
  finish(end: { endOffset: number; lastFrame: number } | null = this.end): MailDataFacts {
    this.endHeader(false);
    this.endReport();
    const digest = this.digest.finish();
    const { unusual } = this;
    return {
      octets: this.octets,
      missingOctets: this.missingOctets,
      digest,
      messageId: this.messageId,
      eightBit: this.eightBitFrame >= 0,
      eightBitFrame: this.eightBitFrame >= 0 ? this.eightBitFrame : null,
      eightBitOffset: this.eightBitFrame >= 0 ? unusual!.eightBitOffset : null,
      report: unusual?.report ?? null,
      looksLikeReport: this.looksLikeReport,
      damages: this.mimeScan?.finish(end) ?? UNDAMAGED,
      longHeaderLine: unusual?.longHeaderLine ?? null,
      longFileName: unusual?.longFileName ?? null,
      terminated: this.transport === 'DATA' && this.end !== null,
      terminator: this.end,
    };
  }

  /** Passes on the content of `octets[from, chunk.end)` without the dots of transparency; finds the end. */
  private unstuff(chunk: StreamChunk, from: number): number {
    const { octets, end, frame } = chunk;
    /** Stream offset of `octets[0]`, if it were of this stream. */
    const base = chunk.offset - chunk.start;
    const before = this.matched;
    const chunkBegins = from === chunk.start;
    if (chunkBegins) this.splits |= 1 << before;
    if (before === AFTER_DOT && octets[from] === CR) {
      if (from + 1 === end) {
        this.matched = AFTER_DOT_CR;
        return -1;
      }
      if (octets[from + 1] === LF) return this.ended(from + 2, base, chunk);
    } else if (before === AFTER_DOT_CR) {
      if (octets[from] === LF) return this.ended(from + 1, base, chunk);
      this.take(ONE_CR, 0, 1, base + from - 1, frame);
    }
    /** Where the content begins that was not yet passed on. */
    let piece = from;
    let search = from;
    if (this.dotsInside >= DOTS_BEFORE_PAIRS && ++this.dotsInside > DOTS_BEFORE_PAIRS + CHUNKS_BY_PAIRS) {
      this.dotsInside = 0;
    }
    for (;;) {
      const dot =
        this.dotsInside < DOTS_BEFORE_PAIRS
          ? this.scanning.dots.next(octets, search, end)
          : dotLine(octets, from, search, end);
      if (dot < 0) break;
      search = dot + 1;
      if (dot >= from + 2) {
        if (octets[dot - 1] !== LF || octets[dot - 2] !== CR) {
          if (this.dotsInside < DOTS_BEFORE_PAIRS) this.dotsInside++;
          continue;
        }
        this.matchedFrame = frame;
        this.splits = chunkBegins && dot === from + 2 ? 1 : 0;
      } else if (dot === from + 1 ? before !== AFTER_CR || octets[from] !== LF : before !== AFTER_CRLF) {
        continue;
      } else if (this.matchedFrame === 0) {
        this.matchedFrame = frame;
      }
      this.take(octets, piece, dot, base + piece, frame);
      piece = search;
      if (search === end) {
        this.matched = AFTER_DOT;
        return -1;
      }
      if (octets[search] !== CR) continue;
      if (search + 1 === end) {
        this.matched = AFTER_DOT_CR;
        return -1;
      }
      if (octets[search + 1] === LF) return this.ended(search + 2, base, chunk);
    }
    this.take(octets, piece, end, base + piece, frame);
    this.matchTail(octets, from, end, before, frame, chunkBegins);
    return -1;
  }

  /** Does the content so far, the last of it `octets[from, end)`, end in CR or CRLF? */
  private matchTail(
    octets: Buffer,
    from: number,
    end: number,
    before: number,
    frame: number,
    chunkBegins: boolean,
  ): void {
    const last = octets[end - 1];
    if (last === CR) {
      this.matched = AFTER_CR;
      this.matchedFrame = frame;
      this.splits = chunkBegins && from + 1 === end ? 1 : 0;
    } else if (last !== LF) {
      this.matched = NONE;
      this.splits = 0;
    } else if (from + 1 === end) {
      this.matched = before === AFTER_CR ? AFTER_CRLF : NONE;
      if (before !== AFTER_CR) this.splits = 0;
    } else if (octets[end - 2] === CR) {
      this.matched = AFTER_CRLF;
      this.matchedFrame = frame;
      this.splits = chunkBegins && from + 2 === end ? 1 : 0;
    } else {
      this.matched = NONE;
      this.splits = 0;
    }
  }

  /** CRLF.CRLF ends at `chunk.octets[end - 1]`. */
  private ended(end: number, base: number, chunk: StreamChunk): number {
    const endOffset = base + end;
    let splits = this.splits;
    // Of an empty message only the last three octets are its own.
    if (this.octets === 0) splits &= 0b11000;
    // A chunk that merely begins with the five octets does not split them.
    if (splits === 1) splits = 0;
    const positions: number[] = [];
    for (let position = 0; position < 5; position++) if (splits & (1 << position)) positions.push(position);
    this.end = {
      offset: endOffset - 5,
      endOffset,
      splits: positions,
      frame: this.matchedFrame,
      lastFrame: chunk.frame,
      us: chunk.us,
      ns: chunk.ns,
      digits: chunk.digits,
      pauseUs: splits === LONE_DOT && chunk.quietUs >= 0 ? chunk.quietUs : null,
    };
    return end;
  }

  private take(octets: Buffer, start: number, end: number, offset: number, frame: number): void {
    if (start >= end) return;
    this.octets += end - start;
    // Neither knows an end but that of a view: 37 ns with the garbage it leaves, `subarray` of a Buffer 44.
    const view = new Uint8Array(octets.buffer, octets.byteOffset + start, end - start);
    if (this.eightBitFrame < 0 && !isAscii(view)) {
      this.eightBitFrame = frame;
      this.noted().eightBitOffset = offset + view.findIndex((octet) => octet > 127);
    }
    this.digest.update(view);
    let body = start;
    const { header, scanning } = this;
    if (header !== null) {
      body = header.scan(octets, start, end, offset, frame, scanning);
      if (header.longLine !== null) this.noted().longHeaderLine ??= this.timed(header.longLine);
      if (body >= 0) {
        const name = header.fileNameOctets;
        if (name > MAX_FILE_NAME)
          this.noted().longFileName = this.timed(new Overlong(name, offset + body - start, frame));
        this.endHeader(true);
      } else if (header.exhausted) this.endHeader(false);
    }
    if (body < 0 || body >= end) return;
    const { mimeScan } = this;
    if (mimeScan !== null && !mimeScan.done) {
      mimeScan.scan(octets, body, end, offset + body - start, frame, scanning);
      if (mimeScan.longName !== null) this.noted().longFileName ??= this.timed(mimeScan.longName);
    }
    const reportScan = this.unusual?.reportScan;
    if (reportScan && reportScan.scan(octets, body, end, offset + body - start, frame, scanning) >= 0)
      this.endReport();
  }

  private noted(): Unusual {
    this.unusual ??= new Unusual();
    return this.unusual;
  }

  /** Notes the time of the chunk that is being read. */
  private timed(note: Overlong): Overlong {
    const { us, ns, digits } = this.scanning.chunk!;
    note.us = us;
    note.ns = ns;
    note.digits = digits;
    return note;
  }

  private endReport(): void {
    const { unusual } = this;
    if (!unusual?.reportScan) return;
    unusual.report = unusual.reportScan.finish();
    unusual.reportScan = null;
  }

  /** @param readBody the header says what the body is: a report may be looked for in it */
  private endHeader(readBody: boolean): void {
    const header = this.header;
    if (header === null) return;
    this.header = null;
    // Headers are full of dots, whatever the body is.
    this.dotsInside = 0;
    const { messageId } = header;
    // A part of a string keeps the whole of it, here the line: 56 octets for each open message.
    this.messageId = messageId && Buffer.from(messageId, 'latin1').latin1Slice();
    const { type, boundary } = parseContentType(header.contentType);
    if (type === 'multipart/report') this.looksLikeReport = true;
    if (!readBody) return;
    if (this.missingOctets === 0) this.mimeScan = MimeScan.of(header.contentType, header.transferEncoding);
    if (this.looksLikeReport) {
      this.noted().reportScan = new ReportScan(type, boundary, header.transferEncoding);
    }
  }
}

/**
 * Index of the first dot in `octets[search, end)` that is the first octet of `octets[from, end)`, or has an LF in front
 * of it; -1: none. `search` is `from`, or lies behind a dot.
 */
function dotLine(octets: Buffer, from: number, search: number, end: number): number {
  if (search === from && octets[from] === DOT) return from;
  // Ahead may be base64, in which the pair is dear to find: hence only up to the end.
  const index = octets.subarray(search, end).indexOf(LF_DOT);
  return index < 0 ? -1 : search + index + 1;
}
