import { parseBdat } from '../smtp/command.js';
import type { SmtpLine, SmtpSession } from '../smtp/session.js';
import type { Direction, Gap, StreamChunk, StreamListener } from '../stream/event.js';
import { MailOutline } from './mail-outline.js';

/** Octets of a stream that may be shown, and what they must be; null: credentials. */
export interface ReadableRange {
  readonly offset: number;
  readonly length: number;
  readonly octets: Buffer | null;
}

/** What may be shown of one direction of a session. */
export class ReadableStream {
  private readonly ranges: readonly ReadableRange[];
  /** The end of the ranges up to each: the furthest, since they may overlap. */
  private readonly ends: number[] = [];

  /** @param encryptedFrom  offset from which octets are TLS records */
  constructor(
    ranges: readonly ReadableRange[],
    readonly encryptedFrom: number,
  ) {
    this.ranges = [...ranges].sort((a, b) => a.offset - b.offset);
    let furthest = 0;
    for (const { offset, length } of this.ranges) {
      furthest = Math.max(furthest, offset + length);
      this.ends.push(furthest);
    }
  }

  /** Those with an octet in `[from, to)`. */
  *within(from: number, to: number): Generator<ReadableRange> {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.ends[middle]! <= from) low = middle + 1;
      else high = middle;
    }
    for (let index = low; index < this.ranges.length; index++) {
      const range = this.ranges[index]!;
      if (range.offset >= to) return;
      if (range.offset + range.length > from) yield range;
    }
  }
}

/**
 * What of a session may leave the program with its packets: exactly what its report shows (the lines of its dialogue,
 * from which credentials were taken out when they were read) and how its messages are built.
 *
 * All else is none of it, whatever it is: text that the report does not have is not shown for having been overlooked.
 * It hears the session's streams a second time, for its messages.
 */
export class ReadableSession implements StreamListener {
  private readonly lines: Record<Direction, ReadableRange[]> = { client: [], server: [] };
  private readonly mail: MailRange[];
  private readonly outlines: MailOutline[];
  /** The first range that is not over: chunks come in the order of the stream. */
  private reached = 0;
  private streams: Readonly<Record<Direction, ReadableStream>> | null = null;

  /** @param budget  octets that may yet be shown of messages, in all sessions of a run */
  constructor(
    private readonly session: SmtpSession,
    budget: { octets: number },
  ) {
    for (const { line, intermediate, reply } of session.exchanges) {
      if (line) this.lines.client.push(...shownOf(line));
      for (const one of intermediate?.lines ?? []) this.lines.server.push(...shownOf(one));
      for (const one of reply?.lines ?? []) this.lines.server.push(...shownOf(one));
    }
    for (const direction of ['client', 'server'] as const) {
      const flight = session.tls?.[direction];
      if (!flight) continue;
      const octets = Buffer.from(flight.head, 'latin1');
      this.lines[direction].push({ offset: flight.offset, length: octets.length, octets });
    }
    this.outlines = session.messages.map(
      ({ transport, looksLikeReport }) => new MailOutline(transport === 'DATA', looksLikeReport, budget),
    );
    this.mail = mailRanges(session);
  }

  /** Lies `[from, to)` of the client's stream inside mail data, off its end? */
  isMail(from: number, to: number): boolean {
    let low = 0;
    let high = this.mail.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.mail[middle]!.from <= from) low = middle + 1;
      else high = middle;
    }
    const range = this.mail[low - 1];
    return range !== undefined && to <= range.to;
  }

  chunk(chunk: StreamChunk): void {
    if (chunk.direction !== 'client') return;
    const end = chunk.offset + chunk.end - chunk.start;
    const shift = chunk.start - chunk.offset;
    for (const { from, to, message } of this.mailUpTo(chunk.offset, end)) {
      const begin = Math.max(from, chunk.offset);
      this.outlines[message]!.feed(chunk.octets, begin + shift, Math.min(to, end) + shift, begin);
    }
  }

  gap({ direction, offset, octets }: Gap): void {
    if (direction !== 'client') return;
    const end = octets === null ? Number.POSITIVE_INFINITY : offset + octets;
    for (const { message } of this.mailUpTo(offset, end)) this.outlines[message]!.lost();
  }

  /** Mail data with octets in `[offset, end)`. */
  private *mailUpTo(offset: number, end: number): Generator<MailRange> {
    const { mail } = this;
    while (this.reached < mail.length && mail[this.reached]!.to <= offset) this.reached++;
    for (let index = this.reached; index < mail.length && mail[index]!.from < end; index++) {
      if (mail[index]!.to > offset) yield mail[index]!;
    }
  }

  closed(): void {
    for (const outline of this.outlines) outline.end();
  }

  /** Asked once the streams are through. */
  of(direction: Direction): ReadableStream {
    this.streams ??= {
      client: new ReadableStream(
        [...this.lines.client, ...this.outlines.flatMap((outline) => outline.ranges)],
        this.session.tls?.client?.offset ?? Number.POSITIVE_INFINITY,
      ),
      server: new ReadableStream(
        this.lines.server,
        this.session.tls?.server?.offset ?? Number.POSITIVE_INFINITY,
      ),
    };
    return this.streams[direction];
  }
}

/** Mail data of a message, an index into `messages`. */
interface MailRange {
  readonly from: number;
  readonly to: number;
  readonly message: number;
}

/** In the order of the stream. */
function mailRanges(session: SmtpSession): MailRange[] {
  const ranges: MailRange[] = [];
  for (const [
    message,
    { transport, offset, terminator, commandExchange, endExchange },
  ] of session.messages.entries()) {
    if (transport === 'DATA') {
      // In front of the line with the dot; up to whatever comes when it never came.
      const next = session.messages[message + 1]?.offset ?? Number.POSITIVE_INFINITY;
      ranges.push({ from: offset, to: terminator ? terminator.endOffset - 3 : next, message });
      continue;
    }
    const last = endExchange ?? session.exchanges.length - 1;
    for (const { kind, line, argument } of session.exchanges.slice(commandExchange, last + 1)) {
      if (kind !== 'bdat' || line === null) continue;
      const from = line.offset + line.octets + (line.ending === 'CRLF' ? 2 : 1);
      ranges.push({ from, to: from + Math.max(0, parseBdat(argument).size), message });
    }
  }
  return ranges.sort((a, b) => a.from - b.from);
}

const WITHHELD = /\[(\d{1,9}) octets\]/g;

/** A line as the report has it: what was taken out of it stands there as `[n octets]`. */
function shownOf({ offset, octets, text, truncated }: SmtpLine): ReadableRange[] {
  const ranges: ReadableRange[] = [];
  let at = offset;
  let from = 0;
  const show = (shown: string): void => {
    if (shown !== '') ranges.push({ offset: at, length: shown.length, octets: Buffer.from(shown, 'latin1') });
    at += shown.length;
  };
  for (const match of text.matchAll(WITHHELD)) {
    show(text.slice(from, match.index));
    from = match.index + match[0].length;
    const length = Math.min(Number(match[1]), Math.max(0, offset + octets - at));
    ranges.push({ offset: at, length, octets: null });
    at += length;
  }
  show(text.slice(from));
  // The peer itself wrote it so.
  if (at !== offset + octets && !truncated && text.length === octets) {
    return [{ offset, length: octets, octets: Buffer.from(text, 'latin1') }];
  }
  return ranges;
}
