import type { MailContext } from './mail-context.js';

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;

/** What is kept of one line; RFC 5322 §2.1.1 allows 998 octets. */
const MAX_LINE_OCTETS = 1000;
/** What is kept of one unfolded field. */
const MAX_FIELD_OCTETS = 4000;
/** RFC 5322 §2.1.1: no line is longer, its end not counted. */
export const MAX_HEADER_LINE = 998;
/** Longer names of files are noted; what inspections allow. */
export const MAX_FILE_NAME = 255;
/** How far the header section is read. */
const MAX_HEADER_OCTETS = 64 << 10;

/** Something in mail data that is longer than it should be, and where it goes beyond. */
export class Overlong {
  us = Number.NaN;
  ns = 0;
  digits = 6;

  constructor(
    public octets: number,
    readonly offset: number,
    readonly frame: number,
  ) {}
}

/** What a scanner of lines takes of the context. */
export type LineSearch = Pick<MailContext, 'lineEnds'>;

/**
 * Cuts octets that come in pieces into lines, each ended by LF (a CR before it is no part of the line). A last
 * line without its LF is not told: it may have been cut.
 *
 * Kept between pieces is at most the first 1000 octets of one unfinished line, as text.
 */
export abstract class LineScanner {
  private partial = '';
  /** A line has begun: `wanted`, `offset` and `frame` are its own. */
  private begun = false;
  private wanted = true;
  private offset = 0;
  private frame = 0;
  /** Octets of it so far, its LF not counted. */
  private lineOctets = 0;
  /** So does that line, when it is long. */
  private endsInCr = false;

  /**
   * @param offset stream offset of `octets[start]`
   * @returns index one past the line that ended the scan; -1 when it goes on
   */
  scan(
    octets: Buffer,
    start: number,
    end: number,
    offset: number,
    frame: number,
    { lineEnds }: LineSearch,
  ): number {
    let at = start;
    while (at < end) {
      if (!this.begun) {
        this.begun = true;
        this.wanted = this.wants(octets[at]!);
        this.offset = offset + at - start;
        this.frame = frame;
        this.lineOctets = 0;
      }
      const lf = lineEnds.next(octets, at, end);
      const stop = lf < 0 ? end : lf;
      this.lineOctets += stop - at;
      if (this.lineOctets > MAX_HEADER_LINE + 1) {
        if (stop > at) this.endsInCr = octets[stop - 1] === CR;
        this.long(this.lineOctets - (this.endsInCr ? 1 : 0), this.offset, frame);
      }
      if (this.wanted) {
        const room = MAX_LINE_OCTETS - this.partial.length;
        if (room > 0) this.partial += octets.toString('latin1', at, Math.min(stop, at + room));
      }
      if (lf < 0) return -1;
      at = lf + 1;
      if (this.endLine()) return at;
    }
    return -1;
  }

  /** Octets are missing here: the unfinished line is dropped, and what follows up to the next LF. */
  lost(): void {
    this.begun = true;
    this.wanted = false;
    this.partial = '';
  }

  private endLine(): boolean {
    const text = this.partial;
    this.partial = '';
    this.begun = false;
    if (!this.wanted) return false;
    return this.line(text.endsWith('\r') ? text.slice(0, -1) : text, this.offset, this.frame);
  }

  /** Told of a line that goes beyond what is allowed, for each piece of it. */
  protected long(_octets: number, _offset: number, _frame: number): void {}

  /** Asked with a line's first octet; false passes over the line. */
  protected abstract wants(first: number): boolean;

  /** @returns true ends the scan */
  protected abstract line(text: string, offset: number, frame: number): boolean;
}

/** Reads `Name: value` lines, folded or not, and keeps the first field of each name it is asked for. */
export class FieldReader {
  private readonly values = new Map<string, string>();
  private current: string | null = null;

  constructor(private readonly names: readonly string[]) {}

  /** A line that is not blank. RFC 5322 §2.2.3: it continues the field before it when it begins with WSP. */
  line(text: string): void {
    const first = text.charCodeAt(0);
    if (first === SPACE || first === TAB) {
      const value = this.current === null ? undefined : this.values.get(this.current);
      if (this.current !== null && value !== undefined && value.length < MAX_FIELD_OCTETS) {
        this.values.set(this.current, `${value} ${text.trim()}`);
      }
      return;
    }
    this.current = null;
    const colon = text.indexOf(':');
    if (colon <= 0) return;
    const name = text.slice(0, colon).trimEnd().toLowerCase();
    if (!this.names.includes(name) || this.values.has(name)) return;
    this.values.set(name, text.slice(colon + 1).trim());
    this.current = name;
  }

  /** The field being read ends; a continuation line has nothing to continue. */
  endField(): void {
    this.current = null;
  }

  /** Reads a field now: the next line may continue it. */
  get isReading(): boolean {
    return this.current !== null;
  }

  get(name: string): string | null {
    return this.values.get(name)?.trim() ?? null;
  }
}

const HEADER_FIELDS = ['message-id', 'content-type', 'content-transfer-encoding', 'content-disposition'];

/** The header section's fields that say what a message is. The rest of it is passed over. */
export class HeaderScan extends LineScanner {
  private readonly fields = new FieldReader(HEADER_FIELDS);
  private octets = 0;
  /** More header than is read. */
  exhausted = false;
  /** The first line that is too long. */
  longLine: Overlong | null = null;

  override scan(
    octets: Buffer,
    start: number,
    end: number,
    offset: number,
    frame: number,
    searches: LineSearch,
  ): number {
    this.octets += end - start;
    const stop = super.scan(octets, start, end, offset, frame, searches);
    if (stop < 0 && this.octets > MAX_HEADER_OCTETS) this.exhausted = true;
    return stop;
  }

  get messageId(): string | null {
    const value = this.fields.get('message-id');
    return value === null ? null : bareMessageId(value);
  }

  get contentType(): string | null {
    return this.fields.get('content-type');
  }

  get transferEncoding(): string | null {
    return this.fields.get('content-transfer-encoding');
  }

  get fileNameOctets(): number {
    return fileNameOctets(this.fields.get('content-disposition'), this.contentType);
  }

  protected override long(octets: number, offset: number, frame: number): void {
    const beyond = offset + MAX_HEADER_LINE;
    if (this.longLine === null) this.longLine = new Overlong(octets, beyond, frame);
    else if (this.longLine.offset === beyond) this.longLine.octets = octets;
  }

  protected override wants(first: number): boolean {
    if (first === SPACE || first === TAB) return this.fields.isReading;
    this.fields.endField();
    // Message-ID, Content-*, and the blank line.
    return first === CR || first === LF || (first | SPACE) === 0x6d || (first | SPACE) === 0x63;
  }

  protected override line(text: string): boolean {
    if (text === '') return true;
    this.fields.line(text);
    return false;
  }
}

/** The identifier of a Message-ID field, with its angle brackets where it has them. RFC 5322 §3.6.4. */
export function bareMessageId(value: string): string | null {
  const bracketed = /<[^<>]*>/.exec(value)?.[0] ?? value;
  const id = bracketed.replace(/\s+/g, '').slice(0, 500);
  return id === '' || id === '<>' ? null : id;
}

/** `text/plain` and the boundary of a Content-Type value. RFC 2045 §5.1; absent or broken is text/plain. */
export function parseContentType(value: string | null): { type: string; boundary: string | null } {
  const type = /^\s*([^\s;()]+\/[^\s;()]+)/.exec(value ?? '')?.[1]?.toLowerCase() ?? 'text/plain';
  const match = /;\s*boundary\s*=\s*(?:"((?:[^"\\]|\\.){1,500})"|([^\s;"]{1,500}))/i.exec(value ?? '');
  const boundary = match?.[1]?.replace(/\\(.)/g, '$1') ?? match?.[2] ?? null;
  return { type, boundary };
}

const NAME = /name/i;
const FILE_NAME = /;\s*(?:file)?name(\*\d{1,3})?\*?\s*=\s*(?:"((?:[^"\\]|\\.){0,4000})"|([^";]{0,4000}))/gi;

/** Octets of the file name that a part's header gives, as written; in pieces (RFC 2231 §3) or whole. 0: none. */
export function fileNameOctets(...fields: readonly (string | null)[]): number {
  let longest = 0;
  for (const field of fields) {
    // To begin with all matches takes 150 ns, and most messages have no name.
    if (field === null || !NAME.test(field)) continue;
    let pieces = 0;
    for (const [, piece, quoted, bare] of field.matchAll(FILE_NAME)) {
      const { length } = quoted ?? bare!.trim();
      if (piece !== undefined) pieces += length;
      longest = Math.max(longest, length, pieces);
    }
  }
  return longest;
}
