import { bareMessageId, FieldReader, LineScanner, type LineSearch, parseContentType } from './header-scan.js';
import type { DeliveryReport } from './message-facts.js';

const DASH = 0x2d;

/** How far a body is read for a report: the report comes before the message that it returns. */
const MAX_REPORT_OCTETS = 256 << 10;
/** Multiparts inside multiparts. */
const MAX_BOUNDARIES = 4;
/** What is kept of any one value. */
const MAX_VALUE_OCTETS = 500;
/** A sentence may run over lines: so much text is awaited after its start. */
const SENTENCE_OCTETS = 200;

/** What the sending system writes for people when the next one does not offer 8BITMIME or BINARYMIME. */
const SENTENCE =
  /(?:\b554[ -]#?5\.6\.1\b[ ,:;-]*)?\bbody type not supported by remote host\b|\b554[ -]#?5\.6\.1\b[^<>]{0,120}/i;

/** What a body part is to a report. `returned`: the header of the message that came back. */
type PartKind = 'text' | 'html' | 'status' | 'returned' | 'other';

const PART_FIELDS = ['content-type', 'content-transfer-encoding'];
const RETURNED_FIELDS = ['message-id'];
const STATUS_FIELDS = [
  'action',
  'status',
  'diagnostic-code',
  'final-recipient',
  'original-message-id',
  'x-original-message-id',
];

/** The fields of one recipient, and where the first that matters stood. */
interface RecipientGroup {
  readonly status: string | null;
  readonly diagnostic: string | null;
  readonly finalRecipient: string | null;
  readonly failed: boolean;
  readonly offset: number;
  readonly frame: number;
}

interface Place {
  readonly offset: number;
  readonly frame: number;
}

/**
 * Reads the body of what may be a delivery report (RFC 3464, or mere text) as it arrives.
 *
 * Only what the report itself says counts: its text, its status fields and the header of the message that it
 * returns, never that message's body. Where the parts cannot be told apart (a gap), nothing is taken up to the
 * next boundary.
 */
export class ReportScan extends LineScanner {
  private readonly isReport: boolean;
  private readonly boundaries: string[] = [];
  private kind: PartKind;
  private encoding: string;
  private inPartHeader = false;
  private fields = new FieldReader(PART_FIELDS);
  private octets = 0;

  private recipient: RecipientGroup | null = null;
  /** Where the field stood that proves most in the group being read, and how much it proves. */
  private groupPlace: Place | null = null;
  private groupWeight = 0;
  private originalMessageId: string | null = null;
  private returnedMessageId: string | null = null;
  private returnedPlace: Place | null = null;
  private text: string | null = null;
  private textPlace: Place | null = null;
  /** Decoded text in which a sentence may lie, white space as single spaces. */
  private window = '';

  /** @param type, boundary, encoding of the message's own header */
  constructor(type: string, boundary: string | null, encoding: string | null) {
    super();
    this.isReport = type === 'multipart/report';
    this.encoding = encodingOf(encoding);
    this.kind = type.startsWith('text/') ? kindOf(type) : 'other';
    if (boundary !== null && type.startsWith('multipart/')) this.boundaries.push(boundary);
  }

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
    return stop < 0 && this.octets >= MAX_REPORT_OCTETS ? end : stop;
  }

  override lost(): void {
    super.lost();
    this.endPart();
    // A boundary may have been lost; a message without parts goes on as it was.
    if (this.boundaries.length > 0) this.kind = 'other';
  }

  /** null: nothing in it speaks of a delivery. */
  finish(): DeliveryReport | null {
    this.endPart();
    const { recipient, text } = this;
    const originalMessageId = this.originalMessageId ?? this.returnedMessageId;
    // An automatic answer may return a message too: that alone reports nothing.
    const place = recipient ?? this.textPlace ?? (this.isReport ? this.returnedPlace : null);
    if (place === null) return null;
    return {
      status: recipient?.status ?? null,
      diagnostic: recipient?.diagnostic ?? null,
      originalMessageId,
      finalRecipient: recipient?.finalRecipient ?? null,
      text,
      frame: place.frame,
      offset: place.offset,
    };
  }

  protected override wants(first: number): boolean {
    return this.kind !== 'other' || this.inPartHeader || first === DASH;
  }

  protected override line(text: string, offset: number, frame: number): boolean {
    if (text.startsWith('--') && this.boundary(text)) return this.boundaries.length === 0;
    if (this.inPartHeader) {
      if (text === '') this.beginBody();
      else this.fields.line(text);
      return false;
    }
    switch (this.kind) {
      case 'status':
        this.statusLine(text, offset, frame);
        return false;
      case 'returned':
        return this.returnedLine(text, offset, frame);
      case 'text':
      case 'html':
        this.textLine(text, offset, frame);
        return false;
      case 'other':
        return false;
    }
  }

  /** RFC 2046 §5.1.1: `--boundary` begins a part, `--boundary--` ends the last one. */
  private boundary(line: string): boolean {
    const mark = line.trimEnd().slice(2);
    for (let depth = this.boundaries.length - 1; depth >= 0; depth--) {
      const boundary = this.boundaries[depth]!;
      const closing = mark === `${boundary}--`;
      if (!closing && mark !== boundary) continue;
      this.endPart();
      // What lies deeper ends with it.
      this.boundaries.length = closing ? depth : depth + 1;
      this.kind = 'other';
      this.inPartHeader = !closing;
      this.fields = new FieldReader(PART_FIELDS);
      return true;
    }
    return false;
  }

  private beginBody(): void {
    this.inPartHeader = false;
    const { type, boundary } = parseContentType(this.fields.get('content-type'));
    this.encoding = encodingOf(this.fields.get('content-transfer-encoding'));
    this.kind = kindOf(type);
    if (boundary !== null && type.startsWith('multipart/') && this.boundaries.length < MAX_BOUNDARIES) {
      this.boundaries.push(boundary);
    }
    if (this.kind === 'status') this.fields = new FieldReader(STATUS_FIELDS);
    if (this.kind === 'returned') this.fields = new FieldReader(RETURNED_FIELDS);
  }

  private endPart(): void {
    if (this.inPartHeader) return;
    if (this.kind === 'status') this.endGroup();
    if (this.kind === 'text' || this.kind === 'html') this.endText();
    if (this.kind === 'returned') this.endReturned();
  }

  private statusLine(text: string, offset: number, frame: number): void {
    if (text.trim() === '') {
      this.endGroup();
      return;
    }
    const weight = /^status\s*:/i.test(text) ? 3 : /^diagnostic-code\s*:/i.test(text) ? 2 : 1;
    if (weight > this.groupWeight) {
      this.groupWeight = weight;
      this.groupPlace = { offset, frame };
    }
    this.fields.line(text);
  }

  /** RFC 3464 §2.1: groups of fields, one for the message, then one for each recipient. */
  private endGroup(): void {
    const { fields, groupPlace } = this;
    const status = /^[245]\.\d{1,3}\.\d{1,3}/.exec(fields.get('status') ?? '')?.[0] ?? null;
    const diagnostic = short(fields.get('diagnostic-code'));
    const finalRecipient = mailbox(fields.get('final-recipient'));
    const action = fields.get('action')?.toLowerCase() ?? '';
    const failed = action === '' ? status?.startsWith('5') === true : action.startsWith('failed');
    const original = fields.get('original-message-id') ?? fields.get('x-original-message-id');
    if (original !== null) this.originalMessageId ??= bareMessageId(original);
    const says = status !== null || diagnostic !== null || finalRecipient !== null;
    if (says && groupPlace !== null && (this.recipient === null || (failed && !this.recipient.failed))) {
      this.recipient = { status, diagnostic, finalRecipient, failed, ...groupPlace };
    }
    this.fields = new FieldReader(STATUS_FIELDS);
    this.groupWeight = 0;
    this.groupPlace = null;
  }

  /** @returns true when nothing more can come */
  private returnedLine(text: string, offset: number, frame: number): boolean {
    if (text === '') {
      this.endReturned();
      this.kind = 'other';
      return this.recipient !== null;
    }
    if (/^message-id\s*:/i.test(text)) this.returnedPlace ??= { offset, frame };
    this.fields.line(text);
    return false;
  }

  private endReturned(): void {
    const value = this.fields.get('message-id');
    if (value !== null) this.returnedMessageId ??= bareMessageId(value);
  }

  private textLine(text: string, offset: number, frame: number): void {
    // Reports that are mere text quote the header of the message that they return.
    if (this.boundaries.length === 0 && /^message-id\s*:\s*<[^<>]+>/i.test(text)) {
      this.returnedMessageId ??= bareMessageId(text);
    }
    if (this.text !== null) return;
    let said = decoded(text, this.encoding);
    if (this.kind === 'html') said = said.replace(/<[^<>]{0,300}>/g, ' ');
    this.window = (this.window + said).replace(/\s+/g, ' ');
    const match = SENTENCE.exec(this.window);
    if (match === null) {
      this.window = this.window.slice(-SENTENCE_OCTETS);
      return;
    }
    this.textPlace ??= { offset, frame };
    if (this.window.length - match.index >= SENTENCE_OCTETS) this.endText();
  }

  private endText(): void {
    const match = this.text === null ? SENTENCE.exec(this.window) : null;
    if (match !== null) this.text = match[0].trim().slice(0, MAX_VALUE_OCTETS);
    this.window = '';
  }
}

function kindOf(type: string): PartKind {
  switch (type) {
    case 'text/html':
      return 'html';
    case 'message/delivery-status':
    case 'message/global-delivery-status':
      return 'status';
    case 'message/rfc822':
    case 'message/global':
    case 'text/rfc822-headers':
    case 'message/global-headers':
    case 'message/rfc822-headers':
      return 'returned';
    default:
      return type === 'text/plain' ? 'text' : 'other';
  }
}

function encodingOf(value: string | null): string {
  return value?.trim().toLowerCase() ?? '7bit';
}

/** One line of a text part, with a space for its end where the end is part of the text. RFC 2045 §6.7, §6.8. */
function decoded(line: string, encoding: string): string {
  if (encoding === 'quoted-printable') {
    const soft = /=[ \t]*$/.exec(line);
    const text = (soft ? line.slice(0, soft.index) : line).replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    return soft ? text : `${text} `;
  }
  if (encoding === 'base64') return Buffer.from(line, 'base64').toString('latin1');
  return `${line} `;
}

/** `rfc822; user@example.com` without its address type. RFC 3464 §2.3.2. */
function mailbox(value: string | null): string | null {
  if (value === null) return null;
  return short(
    value
      .slice(value.indexOf(';') + 1)
      .trim()
      .replace(/^<(.*)>$/, '$1'),
  );
}

function short(value: string | null): string | null {
  const text = value?.slice(0, MAX_VALUE_OCTETS) ?? '';
  return text === '' ? null : text;
}
