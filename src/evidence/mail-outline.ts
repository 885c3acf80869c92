import { isHeaderField } from '../smtp/command.js';
import type { ReadableRange } from './readable.js';

const LF = 0x0a;
const NUL = 0x00;
const STAR = 0x2a;
const LETTER = 0x58;

/** What is read of one line. RFC 5322 §2.1.1 allows 998 octets. */
const MAX_LINE_OCTETS = 1000;
/** Mask characters side by side that are shown: they hide something and are nothing. */
const LEAST_MASK = 16;
/** What is shown of one message, at most. */
const MAX_RANGES = 4000;
const MAX_OCTETS = 64 << 10;
const MAX_BOUNDARIES = 16;
/** What it costs to remember a place. */
const RANGE_OCTETS = 200;

const FIELD = /^([!-9;-~]{1,100})[ \t]*:[ \t]?/;
const TYPE = /^[ \t]*[a-z0-9!#$&^_.+-]{1,60}\/[a-z0-9!#$&^_.+-]{1,60}[ \t]*;?/i;
/** Only parameters that say how the message is built: others may name what is in it. */
const PARAMETER = /;?[ \t]*\b(boundary|report-type)[ \t]*=[ \t]*("[^"]{1,200}"|[^\s;"]{1,200})[ \t]*;?/gi;
const ENCODING = /^[ \t]*(?:7bit|8bit|binary|base64|quoted-printable)(?=\s*$)/i;
/** Of a message's identifier: what the report names it by. */
const IDENTIFIER = /<[^<>]{1,500}>|^[ \t]*[^<>\s]{1,500}/;
const STATUS_FIELD =
  /^(?:action|status|diagnostic-code|final-recipient|(?:x-)?original-message-id)[ \t]*:.*$/i;
/** What people read in a report of the same: smtp/delivery-report.ts looks for it, over line ends too. */
const SENTENCE =
  /(?:^|\W)(?:554[ -]#?5\.6\.1[ ,:;-]{0,4})?body type not supported(?: by(?: remote(?: host)?)?)?(?:\W|$)|(?:^|\W)554[ -]#?5\.6\.1(?:\W|$)|^[ \t]*(?:by )?(?:remote )?host(?:\W|$)/gi;

/** What a continuation line continues. */
type Field = 'identifier' | 'type' | 'encoding' | 'status' | 'other';

const FIELDS: Readonly<Record<string, Field>> = {
  'message-id': 'identifier',
  'content-type': 'type',
  'content-transfer-encoding': 'encoding',
};

/**
 * Says which octets of one message may be shown: what tells how it is built, and nothing of what it says.
 *
 * The names of its header's fields, its Message-ID, types, encodings and boundaries of parts, dots that begin a line,
 * masks, and of a delivery report (RFC 3464) the fields of its status. All of that stands in the report too, or is no
 * text. Octets come in order; after a gap nothing more is shown.
 */
export class MailOutline {
  readonly ranges: ReadableRange[] = [];
  private octets = 0;
  private line = '';
  /** Octets of the unfinished line, also those not kept. */
  private lineOctets = 0;
  private lineOffset = 0;
  private inHeader = true;
  private field: Field = 'other';
  private type = 'text/plain';
  private readonly boundaries: string[] = [];
  private mask = -1;
  private maskOffset = 0;
  private maskOctets = 0;
  private broken = false;

  /**
   * @param stuffed  dots that begin a line are transparency (DATA, and not BDAT)
   * @param budget  octets that may yet be shown, of all messages
   */
  constructor(
    private readonly stuffed: boolean,
    private readonly isReport: boolean,
    private readonly budget: { octets: number },
  ) {}

  /** @param offset  stream offset of `octets[from]` */
  feed(octets: Buffer, from: number, to: number, offset: number): void {
    if (this.broken) return;
    this.masks(octets, from, to, offset);
    for (let at = from; at < to; ) {
      if (this.lineOctets === 0) this.lineOffset = offset + at - from;
      let lf = octets.indexOf(LF, at);
      if (lf < 0 || lf >= to) lf = -1;
      const stop = lf < 0 ? to : lf;
      const room = MAX_LINE_OCTETS - this.line.length;
      if (room > 0) this.line += octets.latin1Slice(at, Math.min(stop, at + room));
      this.lineOctets += stop - at + (lf < 0 ? 0 : 1);
      if (lf < 0) return;
      at = lf + 1;
      this.endLine(this.line.endsWith('\r') ? this.line.slice(0, -1) : this.line, this.lineOffset);
      this.line = '';
      this.lineOctets = 0;
    }
  }

  lost(): void {
    this.broken = true;
  }

  end(): void {
    this.endMask();
    if (!this.broken && this.line !== '') this.endLine(this.line, this.lineOffset);
  }

  private show(offset: number, text: string): void {
    if (text === '' || this.ranges.length >= MAX_RANGES || this.octets + text.length > MAX_OCTETS) return;
    if (this.budget.octets < text.length + RANGE_OCTETS) return;
    this.budget.octets -= text.length + RANGE_OCTETS;
    this.octets += text.length;
    this.ranges.push({ offset, length: text.length, octets: Buffer.from(text, 'latin1') });
  }

  private endLine(raw: string, rawOffset: number): void {
    const dot = this.stuffed && raw.startsWith('.');
    if (dot) this.show(rawOffset, '.');
    const text = dot ? raw.slice(1) : raw;
    const offset = dot ? rawOffset + 1 : rawOffset;
    if (this.inHeader) this.headerLine(text, offset);
    else this.bodyLine(text, offset);
  }

  private headerLine(text: string, offset: number): void {
    if (text === '') {
      this.inHeader = this.type === 'message/rfc822' || this.type === 'text/rfc822-headers';
      if (this.inHeader) this.type = 'returned';
      return;
    }
    if (this.boundary(text, offset)) return;
    if (/^[ \t]/.test(text)) {
      this.show(offset, text[0]!);
      this.value(text.slice(1), offset + 1, false);
      return;
    }
    const name = FIELD.exec(text);
    this.field = name ? (FIELDS[name[1]!.toLowerCase()] ?? 'other') : 'other';
    if (!name) return;
    // A name that messages do not have may be a word of its text.
    if (this.field !== 'other' || isHeaderField(text)) this.show(offset, name[0]);
    this.value(text.slice(name[0].length), offset + name[0].length, true);
  }

  private value(text: string, offset: number, first: boolean): void {
    switch (this.field) {
      case 'identifier':
        this.match(IDENTIFIER.exec(text), offset);
        break;
      case 'encoding':
        this.match(ENCODING.exec(text), offset);
        break;
      case 'type':
        this.contentType(text, offset, first);
        break;
      case 'status':
        this.show(offset, text);
        break;
    }
  }

  private contentType(text: string, offset: number, first: boolean): void {
    const type = first ? TYPE.exec(text) : null;
    if (type && this.type !== 'returned') this.type = type[0].replace(';', '').trim().toLowerCase();
    this.match(type, offset);
    for (const parameter of text.matchAll(PARAMETER)) {
      this.match(parameter, offset);
      const [, name = '', value = ''] = parameter;
      if (name.toLowerCase() === 'boundary' && this.boundaries.length < MAX_BOUNDARIES) {
        this.boundaries.push(value.replace(/^"|"$/g, '').replace(/\\(.)/g, '$1'));
      }
    }
  }

  private bodyLine(text: string, offset: number): void {
    if (this.boundary(text, offset) || !this.isReport) return;
    if (this.type === 'message/delivery-status') {
      if (/^[ \t]/.test(text) && this.field === 'status') this.show(offset, text);
      else {
        const status = STATUS_FIELD.exec(text);
        this.field = status ? 'status' : 'other';
        this.match(status, offset);
      }
    } else if (this.type.startsWith('text/')) {
      for (const match of text.matchAll(SENTENCE)) this.match(match, offset);
    }
  }

  private boundary(text: string, offset: number): boolean {
    if (!text.startsWith('--')) return false;
    const mark = text.trimEnd().slice(2);
    const known = this.boundaries.find((one) => mark === one || mark === `${one}--`);
    if (known === undefined) return false;
    this.show(offset, text);
    this.inHeader = mark === known;
    this.field = 'other';
    this.type = 'text/plain';
    return true;
  }

  private match(match: RegExpExecArray | RegExpMatchArray | null, offset: number): void {
    if (match) this.show(offset + match.index!, match[0]);
  }

  private masks(octets: Buffer, from: number, to: number, offset: number): void {
    for (let at = from; at < to; at++) {
      const octet = octets[at]!;
      if (octet === this.mask) this.maskOctets++;
      else if (octet === LETTER || octet === STAR || octet === NUL) {
        this.endMask();
        this.mask = octet;
        this.maskOffset = offset + at - from;
        this.maskOctets = 1;
      } else if (this.mask >= 0) this.endMask();
    }
  }

  private endMask(): void {
    const { mask, maskOctets } = this;
    this.mask = -1;
    if (mask < 0 || maskOctets < LEAST_MASK) return;
    this.show(this.maskOffset, String.fromCharCode(mask).repeat(Math.min(maskOctets, MAX_OCTETS)));
  }
}
