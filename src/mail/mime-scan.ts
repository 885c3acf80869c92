import { Base64Scan } from './base64-scan.js';
import { FieldReader, fileNameOctets, MAX_FILE_NAME, Overlong, parseContentType } from './header-scan.js';
import type { MailContext } from './mail-context.js';
import type { MailDamage } from './message-facts.js';

const LF = 0x0a;
const DASH = 0x2d;

/** Multiparts and messages inside each other. */
const MAX_DEPTH = 8;
/** What is kept of a line that may be a boundary, or of a header; RFC 2046 §5.1.1 allows boundaries of 70 octets. */
const MAX_LINE_OCTETS = 1000;
/** How far the header of one part is read. */
const MAX_PART_HEADER = 16 << 10;
export const MAX_DAMAGES = 8;
/** After so many dashes inside lines of one chunk the search is for LF and two dashes: base64 has no dashes. */
const DASHES_BEFORE_LINES = 4;

/** How much of LF, dash, dash the octets so far end with. */
const MID_LINE = 0;
const LINE_START = 1;
const AFTER_DASH = 2;

const PART_FIELDS = ['content-type', 'content-transfer-encoding', 'content-disposition'];

interface Multipart {
  readonly boundary: string;
  /** Number of the multipart itself with a dot behind it; '' at the top. */
  readonly prefix: string;
  parts: number;
}

/**
 * Reads the body of a MIME message as it arrives and notes where a part is broken: RFC 2045, RFC 2046. Nothing of
 * the body is kept but the line being read, and the last line of a base64 part.
 *
 * A message without parts is one part. What is odd but whole (text in front of the first boundary and behind the last,
 * lines of any length, a nested multipart that nobody closes) is no damage.
 *
 * @example
 * const scan = MimeScan.of(header.contentType, header.transferEncoding);
 * scan?.scan(octets, 0, octets.length, offset, frame, context);
 * const damages = scan?.finish(end) ?? [];
 */
export class MimeScan {
  readonly #open: Multipart[] = [];
  readonly #damages: MailDamage[] = [];
  #content: Base64Scan | null = null;
  #damagesBefore = 0;
  #part = '';
  /** How deep messages inside messages are. */
  #enclosed = 0;
  #header: FieldReader | null = null;
  #headerOctets = 0;
  /** The line being read, in a header or after two dashes; null: none is. */
  #line: string | null = null;
  #lineState = LINE_START;
  #done = false;
  /** The first file name that is too long, and where the header that gives it ends. */
  longName: Overlong | null = null;
  /** A boundary line of the outermost multipart came. */
  #begun = false;

  private constructor() {}

  /** null: the header promises nothing that could be seen to break. */
  static of(contentType: string | null, transferEncoding: string | null): MimeScan | null {
    const { type, boundary } = parseContentType(contentType);
    const scan = new MimeScan();
    if (type.startsWith('multipart/')) {
      if (boundary === null) return null;
      scan.#open.push({ boundary, prefix: '', parts: 0 });
      return scan;
    }
    if (!isBase64(transferEncoding)) return null;
    scan.#part = '1';
    scan.#beginContent();
    return scan;
  }

  /** Nothing more can be found. */
  get done(): boolean {
    return this.#done;
  }

  /** @param offset  stream offset of `octets[start]` */
  scan(
    octets: Buffer,
    start: number,
    end: number,
    offset: number,
    frame: number,
    context: MailContext,
  ): void {
    let at = start;
    while (at < end && !this.#done) {
      if (this.#line === null) at = this.#body(octets, at, end, offset + at - start, frame, context);
      else at = this.#takeLine(octets, at, end, offset - start, frame, context);
    }
  }

  /**
   * Ends the scan.
   *
   * @param end  where the message's own end was; null: it was not seen
   */
  finish(end: { endOffset: number; lastFrame: number } | null): readonly MailDamage[] {
    // With BDAT the last line may lack its end.
    if (this.#line !== null && this.#line !== '') this.#endLine(this.#line, 0, 0);
    const beyond = this.#content?.beyondQuantum ?? 0;
    const multipart = this.#open.length > 0;
    const part = this.#part;
    this.#endContent();
    // Careless senders end with the line that begins a part.
    const endsInBoundary = this.#header !== null && this.#headerOctets === 0 && this.#enclosed === 0;
    if (this.#done || end === null || (multipart && !this.#begun) || endsInBoundary) return this.#damages;
    // A single part may lack its padding; one octet beyond a quantum is the beginning of another in any case.
    const cut = multipart ? beyond > 0 : beyond === 1;
    if (multipart || cut) {
      this.#found({
        kind: cut ? 'cut' : 'unclosed',
        part,
        offset: end.endOffset,
        frame: end.lastFrame,
        octets: 0,
        shape: 'inside',
        checksum: 'unverifiable',
      });
    }
    return this.#damages;
  }

  readonly #found = (damage: MailDamage): void => {
    if (this.#damages.length < MAX_DAMAGES) this.#damages.push(damage);
  };

  /** Reads on to the next line that begins with two dashes; returns where that begins, or `end`. */
  #body(
    octets: Buffer,
    start: number,
    end: number,
    offset: number,
    frame: number,
    context: MailContext,
  ): number {
    const found = this.#open.length > 0 ? this.#findDashes(octets, start, end, context) : -1;
    const stop = found < 0 ? end : found;
    if (this.#content !== null)
      this.#content.content(octets, start, stop, offset, frame, context.chunk!.checksum);
    if (found < 0) {
      this.#noteLineState(octets, start, end);
      return end;
    }
    // A first dash that ended the octets before is not among these.
    this.#line = this.#lineState === AFTER_DASH && found === start ? '-' : '';
    return found;
  }

  /** Index of the first line that begins with two dashes, or of the second dash where the first was in front of it. */
  #findDashes(octets: Buffer, start: number, end: number, { dashes, dashLines }: MailContext): number {
    if (this.#lineState === AFTER_DASH && octets[start] === DASH) return start;
    if (
      this.#lineState === LINE_START &&
      octets[start] === DASH &&
      start + 1 < end &&
      octets[start + 1] === DASH
    )
      return start;
    let at = start;
    if (this.#content !== null) {
      for (let count = 0; count < DASHES_BEFORE_LINES; count++) {
        const dash = dashes.next(octets, at, end - 1);
        if (dash < 0) return -1;
        if (dash > start && octets[dash - 1] === LF && octets[dash + 1] === DASH) return dash;
        at = dash + 1;
      }
      // The LF may be the octet in front.
      at = Math.max(start, at - 1);
    }
    const line = dashLines.next(octets, at, end - 2);
    return line < 0 ? -1 : line + 1;
  }

  #noteLineState(octets: Buffer, start: number, end: number): void {
    const last = octets[end - 1];
    if (last === LF) this.#lineState = LINE_START;
    else if (last !== DASH) this.#lineState = MID_LINE;
    else {
      const lineStart = end - start > 1 ? octets[end - 2] === LF : this.#lineState === LINE_START;
      this.#lineState = lineStart ? AFTER_DASH : MID_LINE;
    }
  }

  #takeLine(
    octets: Buffer,
    start: number,
    end: number,
    base: number,
    frame: number,
    { lineEnds }: MailContext,
  ): number {
    const lf = lineEnds.next(octets, start, end);
    const stop = lf < 0 ? end : lf;
    const line = this.#line!;
    const room = MAX_LINE_OCTETS - line.length;
    this.#line = room > 0 ? line + octets.latin1Slice(start, Math.min(stop, start + room)) : line;
    if (this.#header !== null) {
      this.#headerOctets += stop + 1 - start;
      if (this.#headerOctets > MAX_PART_HEADER) {
        this.#header = null;
        this.#line = null;
        this.#lineState = MID_LINE;
        return stop;
      }
    }
    if (lf < 0) return end;
    this.#endLine(this.#line, base + lf + 1, frame);
    return lf + 1;
  }

  #endLine(text: string, offset: number, frame: number): void {
    this.#line = null;
    this.#lineState = LINE_START;
    const header = this.#header;
    const line = text.endsWith('\r') ? text.slice(0, -1) : text;
    if (line.startsWith('--') && this.#boundary(line)) return;
    if (header === null) return;
    if (line === '') {
      this.#header = null;
      this.#measureName(header, offset, frame);
      this.#beginBody(header);
    } else {
      header.line(line);
      this.#line = '';
    }
  }

  /** RFC 2046 §5.1.1: `--boundary` begins a part, `--boundary--` ends the last one; white space may follow. */
  #boundary(line: string): boolean {
    const mark = line.trimEnd().slice(2);
    for (let depth = this.#open.length - 1; depth >= 0; depth--) {
      const multipart = this.#open[depth]!;
      const closing = mark === `${multipart.boundary}--`;
      if (!closing && mark !== multipart.boundary) continue;
      this.#endContent();
      // What lies deeper ends with it.
      this.#open.length = depth + 1;
      if (closing) this.#closed();
      else this.#beginPart(multipart);
      return true;
    }
    return false;
  }

  #closed(): void {
    this.#header = null;
    this.#open.pop();
    // What follows the outermost multipart is no part of it.
    if (this.#open.length === 0) this.#done = true;
  }

  #beginPart(multipart: Multipart): void {
    this.#begun = true;
    this.#part = `${multipart.prefix}${++multipart.parts}`;
    this.#enclosed = 0;
    this.#beginHeader();
  }

  #beginHeader(): void {
    this.#header = new FieldReader(PART_FIELDS);
    this.#headerOctets = 0;
    this.#line = '';
  }

  #beginBody(header: FieldReader): void {
    const { type, boundary } = parseContentType(header.get('content-type'));
    if (type.startsWith('multipart/')) {
      if (boundary !== null && this.#open.length < MAX_DEPTH) {
        this.#open.push({ boundary, prefix: `${this.#part}.`, parts: 0 });
      }
    } else if (isBase64(header.get('content-transfer-encoding'))) this.#beginContent();
    else if (type === 'message/rfc822' && this.#enclosed < MAX_DEPTH) {
      if (this.#enclosed++ > 0) this.#part += '.1';
      this.#beginHeader();
    }
  }

  #measureName(header: FieldReader, offset: number, frame: number): void {
    const octets = fileNameOctets(header.get('content-disposition'), header.get('content-type'));
    if (octets > MAX_FILE_NAME) this.longName ??= new Overlong(octets, offset, frame);
  }

  #beginContent(): void {
    this.#damagesBefore = this.#damages.length;
    this.#content = new Base64Scan(this.#part, this.#found);
  }

  #endContent(): void {
    const content = this.#content;
    if (content === null) return;
    this.#content = null;
    if (!content.end()) this.#damages.length = this.#damagesBefore;
  }
}

function isBase64(encoding: string | null): boolean {
  return encoding?.trim().toLowerCase() === 'base64';
}
