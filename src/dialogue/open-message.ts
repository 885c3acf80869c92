import type { MailContext } from '../mail/mail-context.js';
import { type MailDataEnd, type MailDataFacts, MailDataScanner } from '../mail/mail-data.js';
import type { WireLine } from '../smtp/line-splitter.js';

const BEGUN = 1 << 0;
const BROKEN = 1 << 1;

/** A message whose data is arriving. */
export class OpenMessage extends MailDataScanner {
  /** BEGUN and BROKEN: there may be hundreds of thousands of these. */
  private facts = 0;
  /** Exchange of the newest chunk if it is the last one; -1: it is not. RFC 3030 §2. */
  lastChunk = -1;

  constructor(
    context: MailContext,
    transport: 'DATA' | 'BDAT',
    nullSender: boolean,
    /** The exchange of DATA or of the first BDAT. */
    readonly commandExchange: number,
  ) {
    super(context, transport, nullSender);
  }

  /** Is its beginning in the transcript? */
  get begun(): boolean {
    return (this.facts & BEGUN) !== 0;
  }

  noteBegun(): void {
    this.facts |= BEGUN;
  }

  /** Are octets of it absent? */
  get broken(): boolean {
    return (this.facts & BROKEN) !== 0;
  }

  noteBroken(): void {
    this.facts |= BROKEN;
  }

  /**
   * The last chunk ended.
   *
   * @param at  where its last octet was; null: in a gap
   * @param end  stream offset
   */
  finishChunked(
    at: { frame: number; us: number; ns: number; digits: number } | null,
    end: number,
  ): MailDataFacts {
    const facts = this.finish(at && { endOffset: end, lastFrame: at.frame });
    if (at === null) return { ...facts, terminated: true };
    const { frame, us, ns, digits } = at;
    return {
      ...facts,
      terminated: true,
      terminator: {
        offset: end,
        endOffset: end,
        splits: [],
        frame,
        lastFrame: frame,
        us,
        ns,
        digits,
        pauseUs: null,
      },
    };
  }
}

/** Makes `line` the line with the dot that ended a message. */
export function pointAtDot(line: WireLine, end: MailDataEnd): void {
  const inside = end.splits.filter((position) => position > 2).length;
  line.octets = DOT;
  line.start = 0;
  line.end = 1;
  line.total = 1;
  line.ending = 'CRLF';
  line.offset = end.endOffset - 3;
  // The dot is in the last frame unless a segment begins behind it.
  line.frame = inside === 0 ? end.lastFrame : end.frame;
  line.lastFrame = end.lastFrame;
  line.us = end.us;
  line.ns = end.ns;
  line.digits = end.digits;
  line.segments = inside + 1;
}

const DOT = Buffer.from('.');
