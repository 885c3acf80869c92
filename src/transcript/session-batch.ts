import { NumberReader, OctetWriter } from '../stream/packing.js';
import type { LineTexts } from './line-table.js';
import { PackedSession, type SessionHome } from './session-record.js';
import { TranscriptReader } from './transcript.js';
import type { LineCursor } from './transcript-event.js';
import { readTranscript, type TranscriptVisitor } from './transcript-visitor.js';

/** The first four octets of a batch: three letters, and the version of all that follows. */
const MARK = Buffer.from('mws');
const VERSION = 1;
/** Behind them, 32 bits each, the lowest octet first: octets of all, sessions, where the lines begin, lines. */
const LENGTH_AT = 4;
const COUNT_AT = 8;
const LINES_AT = 12;
const LINE_COUNT_AT = 16;
const HEADER = 20;
/** Of a line in the index of lines: its number, and where its octets end behind the index. */
const INDEX_ENTRY = 8;

/** Frame and time of a session's first event matter only to who wants the lines. */
const NO_ORIGIN = { frame: 0, us: 0 };

/**
 * Puts finished sessions of one capture together to batches, each of which can be read by itself: in another thread or
 * program, in any order, without those before it.
 *
 * ```
 * mws, version | octets, sessions, where lines begin, lines |
 *   for each session: index, time of the capture's newest packet, octets of the transcript, octets of all, octets |
 *   for each line of the line table that a session has: number, end | octets of the lines
 * ```
 *
 * The price of being readable alone is that lines which many sessions have stand in each batch once: 2 % of its octets.
 */
export class BatchWriter {
  private readonly writer = new OctetWriter();
  private readonly lines = new UsedLines();
  private texts: LineTexts | null = null;
  private count = 0;

  constructor() {
    this.begin();
  }

  /** Octets of the batch so far, without lines. */
  get octets(): number {
    return this.writer.length;
  }

  /**
   * Copies a session. All sessions of a batch have one home.
   *
   * @param lastUs  time of the capture's newest packet
   */
  add(session: PackedSession, lastUs: number): void {
    const { writer } = this;
    const { length, events } = session;
    const texts = session.home.lines;
    const octets = session.octets();
    this.texts = texts;
    this.count++;
    writer.number(session.index);
    writer.time(lastUs, 0);
    writer.number(events);
    writer.number(length);
    writer.octets(octets.subarray(0, length));
    readTranscript(new TranscriptReader(octets, 0, events, texts), NO_ORIGIN, this.lines);
  }

  /** The batch of what was added since the last time, in memory of its own. */
  take(): Uint8Array<ArrayBuffer> {
    const { writer, texts } = this;
    const linesAt = writer.length;
    const numbers = this.lines.take();
    const octets = texts === null ? [] : numbers.map((number) => Buffer.from(texts.text(number), 'latin1'));
    const index = Buffer.alloc(octets.length * INDEX_ENTRY);
    let end = 0;
    for (const [at, line] of octets.entries()) {
      end += line.length;
      index.writeUInt32LE(numbers[at]!, at * INDEX_ENTRY);
      index.writeUInt32LE(end, at * INDEX_ENTRY + 4);
    }
    writer.octets(index);
    for (const line of octets) writer.octets(line);
    const taken = new Uint8Array(writer.written());
    const header = new DataView(taken.buffer);
    header.setUint32(LENGTH_AT, taken.length, true);
    header.setUint32(COUNT_AT, this.count, true);
    header.setUint32(LINES_AT, linesAt, true);
    header.setUint32(LINE_COUNT_AT, octets.length, true);
    this.begin();
    return taken;
  }

  private begin(): void {
    const { writer } = this;
    writer.clear();
    writer.octets(MARK);
    writer.octet(VERSION);
    for (let at = LENGTH_AT; at < HEADER; at++) writer.octet(0);
    this.count = 0;
    this.texts = null;
  }
}

/** Collects the numbers of lines in the line table that transcripts refer to. */
class UsedLines implements TranscriptVisitor {
  private readonly used = new Set<number>();

  /** In ascending order. */
  take(): number[] {
    const numbers = [...this.used].sort((a, b) => a - b);
    this.used.clear();
    return numbers;
  }

  exchange(
    _kind: number,
    _flags: number,
    _segments: number,
    _packets: number,
    line: LineCursor | null,
  ): void {
    if (line !== null) this.note(line);
  }

  reply(_flags: number, _exchange: number, _code: number, line: LineCursor): void {
    this.note(line);
  }

  replyLine(_complete: boolean, line: LineCursor): void {
    this.note(line);
  }

  droppedLines(): void {}
  noReply(): void {}
  message(): void {}
  tls(): void {}

  private note({ inTable }: LineCursor): void {
    if (inTable >= 0) this.used.add(inTable);
  }
}

/** Octets that are no batch, or not all of one. */
export class BatchError extends Error {
  override name = 'BatchError';
}

/** A session of a batch, and the time of its capture's newest packet when it had ended. */
export interface BatchedSession {
  readonly record: PackedSession;
  readonly lastUs: number;
}

/** The strings of lines of the batch that was read last, whichever it was: of the others they can be made again. */
export class LineStrings {
  private owner: object | null = null;
  private readonly texts = new Map<number, string>();

  of(owner: object): Map<number, string> {
    if (owner !== this.owner) this.texts.clear();
    this.owner = owner;
    return this.texts;
  }
}

/** The sessions of one batch. They stay packed in its octets. */
export class SessionBatch implements SessionHome {
  readonly lines: BatchLines;
  private readonly octets: Buffer;
  private readonly count: number;
  private readonly linesAt: number;

  /**
   * @param capture  ordinal of the capture in the report
   * @param firstMessage  messages of the captures before this one
   * @param strings  shared by the batches of a capture
   * @throws BatchError
   */
  constructor(
    { buffer, byteOffset, length }: Uint8Array<ArrayBuffer>,
    readonly capture: number,
    readonly firstMessage: number,
    strings = new LineStrings(),
  ) {
    const octets = Buffer.from(buffer, byteOffset, length);
    this.octets = octets;
    if (length < HEADER || !octets.subarray(0, MARK.length).equals(MARK)) {
      throw new BatchError('These octets are no batch of sessions.');
    }
    const version = octets[MARK.length];
    if (version !== VERSION) {
      throw new BatchError(
        `A batch of sessions in version ${version}; version ${VERSION} is the one that is read.`,
      );
    }
    const claimed = octets.readUInt32LE(LENGTH_AT);
    if (claimed !== length) {
      throw new BatchError(`A batch of ${claimed} octets, of which ${length} are here.`);
    }
    this.count = octets.readUInt32LE(COUNT_AT);
    this.linesAt = octets.readUInt32LE(LINES_AT);
    const textsAt = this.linesAt + octets.readUInt32LE(LINE_COUNT_AT) * INDEX_ENTRY;
    if (this.linesAt < HEADER || textsAt > length) {
      throw new BatchError('The lines of a batch of sessions lie outside of it.');
    }
    this.lines = new BatchLines(octets, this.linesAt, textsAt, strings);
  }

  /**
   * In the order in which they were added.
   *
   * @throws BatchError
   */
  sessions(): BatchedSession[] {
    const sessions: BatchedSession[] = [];
    const reader = new NumberReader(this.octets, HEADER);
    for (let number = 0; number < this.count; number++) {
      const index = reader.number();
      const lastUs = reader.time(0);
      const events = reader.number();
      const length = reader.number();
      const first = reader.at;
      reader.at += length;
      if (!(events <= length && reader.at <= this.linesAt)) {
        throw new BatchError(`Session ${number + 1} of a batch lies outside of it.`);
      }
      sessions.push({ record: new PackedSession(this, index, first, length, events), lastUs });
    }
    return sessions;
  }

  gather(first: number, length: number): Buffer {
    return this.octets.subarray(first, first + length);
  }

  /** A session goes with its batch. */
  release(): void {}
}

/** The lines of one batch, by their numbers in the line table that they were in. */
class BatchLines implements LineTexts {
  constructor(
    private readonly octets: Buffer,
    private readonly indexAt: number,
    private readonly textsAt: number,
    private readonly strings: LineStrings,
  ) {}

  text(line: number): string {
    const texts = this.strings.of(this);
    let text = texts.get(line);
    if (text === undefined) {
      text = this.find(line);
      texts.set(line, text);
    }
    return text;
  }

  /** By binary search: lines stand in the order of their numbers. */
  private find(line: number): string {
    const { octets, indexAt, textsAt } = this;
    let low = 0;
    let high = (textsAt - indexAt) / INDEX_ENTRY;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (octets.readUInt32LE(indexAt + middle * INDEX_ENTRY) < line) low = middle + 1;
      else high = middle;
    }
    const at = indexAt + low * INDEX_ENTRY;
    if (at >= textsAt || octets.readUInt32LE(at) !== line) {
      throw new BatchError(`A batch of sessions lacks line ${line}, which a session in it has.`);
    }
    const start = low === 0 ? 0 : octets.readUInt32LE(at - 4);
    const end = octets.readUInt32LE(at + 4);
    return octets.latin1Slice(
      Math.min(textsAt + start, octets.length),
      Math.min(textsAt + end, octets.length),
    );
  }
}
