import type { Timestamp } from '../capture/timestamp.js';
import { bodyParameter, parseCommand, parsePath } from '../smtp/command.js';
import { extensionsOf } from '../smtp/extension.js';
import { protocolOf } from '../smtp/protocol.js';
import { enhancedStatus, NO_CODE, replyCodeOf } from '../smtp/reply.js';
import type {
  ExchangeKind,
  Extension,
  NoReply,
  Protocol,
  SmtpExchange,
  SmtpLine,
  SmtpMessage,
  SmtpSession,
  TlsOpening,
} from '../smtp/session.js';
import type { ClosedConnection, CloseReason, Direction, Endpoint, Gap, Overlap } from '../stream/event.js';
import type { TcpFacts } from '../stream/tcp-facts.js';
import type { MessageRecord } from './message-record.js';
import { FULL, TLS_BROKEN, TLS_FOLLOWED } from './session-bits.js';
import type { DialogueFacts } from './session-record.js';
import type { TlsRecord } from './tls-opening.js';
import type { TranscriptReader } from './transcript.js';
import * as event from './transcript-event.js';
import { readTranscript, type TranscriptVisitor } from './transcript-visitor.js';

/** After so long without a reply, in the capture, a reply is not merely late. */
/** Longer than a packet is under way. RFC 6298 has the first timer at one second. */
const HEARD_LATER_US = 1_000_000;
/** The first copy and so many more: what is lost by chance arrives then. */
const MIN_REPEATS = 2;
/** CR and LF. */
const LINE_END = 2;
const SILENT_US = 60_000_000;
const MAX_RECIPIENTS = 1000;

/** What a session is made of. */
export interface SessionParts {
  /** Ordinal of the capture in the report. */
  readonly capture: number;
  /** Messages that were numbered before those of the transcript. */
  readonly firstMessage: number;
  readonly facts: DialogueFacts;
  readonly connection: ClosedConnection;
  readonly transcript: TranscriptReader;
}

interface ReplyDraft {
  code: number | null;
  enhanced: string | null;
  lines: SmtpLine[];
  complete: boolean;
  droppedLines: number;
}

/** An exchange while the transcript is read. All fields are set from the start: one shape. */
interface ExchangeDraft {
  kind: ExchangeKind;
  verb: string;
  known: boolean;
  argument: string | null;
  line: SmtpLine | null;
  intermediate: ReplyDraft | null;
  reply: ReplyDraft | null;
  noReply: NoReply | null;
  pipelined: boolean;
  acknowledged: boolean | null;
  segments: number;
  message: number | null;
  afterGap: boolean;
}

/**
 * Makes a session of its transcript. Lines of other protocols stay unseen, since they may hold anything.
 *
 * @param firstIndex  sessions of the captures before this one
 * @param captureLastUs  time of the capture's newest packet; NaN when unknown
 */
export function readSession(parts: SessionParts, firstIndex: number, captureLastUs: number): SmtpSession {
  return new Session(parts, firstIndex, captureLastUs);
}

/**
 * A class although it is only read: as an object literal with a getter each one was a hash table, 3.5 KB that were
 * thrown away twice for each session.
 */
class Session implements SmtpSession {
  readonly id: string;
  readonly capture: number;
  readonly client: Endpoint;
  readonly server: Endpoint;
  readonly start: Timestamp | null;
  readonly end: Timestamp | null;
  readonly firstFrame: number;
  readonly lastFrame: number;
  readonly closed: CloseReason;
  readonly closedBy: Direction | null;
  readonly closeFrame: number | null;
  readonly midstream: boolean;
  readonly oneSided: Direction | null;
  readonly synSeen: boolean;
  readonly synAckSeen: boolean;
  readonly silenceUs: number;
  readonly protocol: Protocol;
  readonly gaps: readonly Gap[];
  readonly gapCount: number;
  readonly overlaps: readonly Overlap[];
  readonly overlapCount: number;
  readonly exchanges: readonly SmtpExchange[];
  readonly extensions: readonly Extension[];
  readonly encryptedFrom: number | null;
  readonly tlsFollowed: boolean | null;
  readonly tls: TlsOpening | null;
  readonly messages: readonly SmtpMessage[];
  readonly truncated: boolean;
  readonly droppedExchanges: number;
  readonly #connection: ClosedConnection;
  #tcp: TcpFacts | null = null;
  #facts: object | null = null;

  constructor(parts: SessionParts, firstIndex: number, captureLastUs: number) {
    const { connection, facts } = parts;
    const { clientFinFrame, clientRstFrame, serverFinFrame, serverRstFrame } = connection;
    const clientClose = earliest(clientFinFrame, clientRstFrame);
    const closeFrame = earliest(clientClose, earliest(serverFinFrame, serverRstFrame));
    this.#connection = connection;
    this.id = `s${firstIndex + connection.index + 1}`;
    this.capture = parts.capture;
    this.client = connection.client;
    this.server = connection.server;
    this.start = connection.start;
    this.end = connection.end;
    this.firstFrame = connection.firstFrame;
    this.lastFrame = connection.lastFrame;
    this.closed = connection.closed;
    this.closedBy = closeFrame === 0 ? null : closeFrame === clientClose ? 'client' : 'server';
    this.closeFrame = closeFrame === 0 ? null : closeFrame;
    this.midstream = connection.midstream;
    this.oneSided = oneSided(connection);
    this.synSeen = connection.synSeen;
    this.synAckSeen = connection.synAckSeen;
    const silenceUs = captureLastUs - (this.end?.us ?? Number.NaN);
    this.silenceUs = Number.isNaN(silenceUs) ? 0 : Math.max(silenceUs, 0);
    this.protocol = protocolOf(facts.seen);
    this.gaps = connection.gaps;
    this.gapCount = connection.gapCount;
    this.overlaps = connection.overlaps;
    this.overlapCount = connection.overlapCount;
    const legible = this.protocol === 'smtp' || this.protocol === 'none';
    const { exchanges, messages, tls } = legible
      ? new TranscriptAccount(parts, captureLastUs).read()
      : NOTHING_READ;
    this.exchanges = exchanges;
    this.extensions = lastExtensions(exchanges);
    this.encryptedFrom = facts.encryptedFrom === 0 ? null : facts.encryptedFrom;
    this.tlsFollowed = facts.bits & TLS_FOLLOWED ? true : facts.bits & TLS_BROKEN ? false : null;
    this.tls = tls;
    this.messages = messages;
    this.truncated = facts.exchanges > facts.kept || (facts.bits & FULL) !== 0;
    this.droppedExchanges = facts.exchanges - facts.kept;
  }

  get tcp(): TcpFacts {
    this.#tcp ??= this.#connection.tcp;
    return this.#tcp;
  }

  /** Accessors, as of `tcp`: `{ ...session }` is another session, and has facts of its own. */
  get facts(): object | null {
    return this.#facts;
  }

  set facts(facts: object | null) {
    this.#facts = facts;
  }
}

const NOTHING_READ: ReturnType<TranscriptAccount['read']> = { exchanges: [], messages: [], tls: null };

function earliest(a: number, b: number): number {
  return a === 0 ? b : b === 0 ? a : Math.min(a, b);
}

function oneSided(connection: ClosedConnection): Direction | null {
  if (connection.serverPackets === 0) return connection.clientPackets === 0 ? null : 'client';
  return connection.clientPackets === 0 ? 'server' : null;
}

function lastExtensions(exchanges: readonly SmtpExchange[]): readonly Extension[] {
  for (let index = exchanges.length - 1; index >= 0; index--) {
    const { verb, reply } = exchanges[index]!;
    if ((verb !== 'EHLO' && verb !== 'LHLO') || reply === null) continue;
    if (reply.code !== null && reply.code >= 200 && reply.code < 300) return extensionsOf(reply);
  }
  return [];
}

class TranscriptAccount implements TranscriptVisitor {
  private readonly exchanges: ExchangeDraft[] = [];
  private readonly records: MessageRecord[] = [];
  private readonly connection: ClosedConnection;
  /** The newest reply. */
  private newest: ReplyDraft | null = null;
  private opening: TlsOpening | null = null;

  constructor(
    private readonly parts: SessionParts,
    private readonly captureLastUs: number,
  ) {
    this.connection = parts.connection;
  }

  read(): { exchanges: SmtpExchange[]; messages: SmtpMessage[]; tls: TlsOpening | null } {
    readTranscript(this.parts.transcript, this.parts.facts, this);
    for (const exchange of this.exchanges) {
      if (answered(exchange)) exchange.noReply = null;
      else exchange.noReply ??= this.whyUnanswered(exchange);
    }
    return { exchanges: this.exchanges, messages: this.messages(), tls: this.opening };
  }

  exchange(
    kindNumber: number,
    flags: number,
    segments: number,
    serverPackets: number,
    cursor: event.LineCursor | null,
  ): void {
    const kind = event.KINDS[kindNumber] ?? 'unseen';
    let line: SmtpLine | null = null;
    let acknowledged: boolean | null = null;
    if (cursor !== null) {
      line = cursor.line('client');
      const end = line.offset + line.octets + event.endingOctets(line.ending);
      acknowledged = this.acknowledged(end, serverPackets);
    }
    let verb = NAMES[kind];
    let known = true;
    let argument: string | null = null;
    if (verb === undefined) {
      const command = parseCommand(line?.text ?? '');
      verb = command.verb;
      argument = command.argument;
      known = command.known;
    } else if (kind === 'unseen') known = false;
    this.exchanges.push({
      kind,
      verb,
      known,
      argument,
      line,
      intermediate: null,
      reply: null,
      noReply: null,
      pipelined: (flags & event.PIPELINED) !== 0,
      acknowledged,
      segments,
      message: null,
      afterGap: (flags & event.AFTER_GAP) !== 0,
    });
  }

  reply(flags: number, index: number, given: number, cursor: event.LineCursor): void {
    const { exchanges } = this;
    const exchange = exchanges[index < 0 ? exchanges.length - 1 : index];
    if (exchange === undefined) throw new TypeError('the transcript is damaged: a reply answers nothing');
    const line = cursor.line('server');
    const code = given < 0 ? replyCodeOf(line.text) : given;
    const reply: ReplyDraft = {
      code: code === NO_CODE ? null : code,
      enhanced: enhancedStatus(line.text),
      lines: [line],
      complete: (flags & event.COMPLETE) !== 0,
      droppedLines: 0,
    };
    if (flags & event.INTERMEDIATE) exchange.intermediate = reply;
    else exchange.reply = reply;
    this.newest = reply;
  }

  replyLine(complete: boolean, cursor: event.LineCursor): void {
    const reply = this.newest;
    if (reply === null) return;
    const line = cursor.line('server');
    reply.lines.push(line);
    reply.enhanced ??= enhancedStatus(line.text);
    reply.complete = complete;
  }

  droppedLines(complete: boolean, count: number): void {
    if (this.newest === null) return;
    this.newest.droppedLines = count;
    this.newest.complete = complete;
  }

  noReply(cause: NoReply, first: number, count: number): void {
    const end = Math.min(first + count, this.exchanges.length);
    for (let index = first; index < end; index++) this.exchanges[index]!.noReply = cause;
  }

  message(message: MessageRecord): void {
    this.records.push(message);
  }

  tls({ client, server, serverPackets }: TlsRecord): void {
    const acknowledged = client && this.acknowledged(client.offset + client.octets, serverPackets);
    this.opening = { client, server, acknowledged };
  }

  /**
   * Did the server's TCP acknowledge the client's stream up to here?
   *
   * @param serverPackets  packets of the server captured when it was sent
   * @returns null: none came after it that could
   */
  private acknowledged(endOffset: number, serverPackets: number): boolean | null {
    if (this.connection.acknowledged('client') >= endOffset) return true;
    return this.connection.serverPackets > serverPackets ? false : null;
  }

  /** What the end of the capture or of the connection says about a reply that never came. */
  private whyUnanswered(exchange: ExchangeDraft): NoReply {
    const { connection } = this;
    if (this.parts.facts.bits & FULL) return 'limit';
    if (oneSided(connection) !== null) return 'one-sided';
    if (connection.gaps.some((gap) => gap.direction === 'server') && hasGapAfter(connection, exchange))
      return 'gap';
    switch (connection.closed) {
      case 'fin':
      case 'rst':
        return 'closed';
      case 'limit':
        return 'limit';
      default: {
        if (connection.clientFinFrame > 0 || connection.serverFinFrame > 0) return 'closed';
        const gaveUp = this.gaveUp(exchange);
        if (gaveUp !== null) return gaveUp;
        const sentUs = exchange.line?.time?.us ?? connection.start?.us ?? Number.NaN;
        return this.captureLastUs - sentUs >= SILENT_US ? 'silent' : 'end-of-capture';
      }
    }
  }

  /** What TCP itself shows of an exchange that is still open at the end: who gives up has waited. */
  private gaveUp(exchange: ExchangeDraft): NoReply | null {
    const { resent, lost } = this.connection.tcp;
    const arrived = lost.find(({ direction }) => direction === 'server');
    // A packet of the client that was under way already acknowledges less, too: it must come later than any round trip.
    if (arrived && arrived.heardAfterUs >= HEARD_LATER_US) return 'lost';
    const { line } = exchange;
    if (line === null) return null;
    const end = line.offset + line.octets;
    const again = resent.some(
      (one) =>
        one.direction === 'client' &&
        one.offset <= end &&
        end < one.offset + one.length + LINE_END &&
        one.repeats >= MIN_REPEATS &&
        !one.acknowledged &&
        !one.selected,
    );
    return again ? 'unacknowledged' : null;
  }

  private messages(): SmtpMessage[] {
    if (this.records.length === 0) return [];
    const envelopes = this.envelopes();
    return this.records.map((record, index) =>
      this.messageOf(record, index, envelopes[index] ?? new Envelope()),
    );
  }

  private messageOf(record: MessageRecord, index: number, envelope: Envelope): SmtpMessage {
    const end = record.endExchange === null ? undefined : this.exchanges[record.endExchange];
    if (end) end.message = index;
    const code = end ? (end.reply?.code ?? null) : this.refusedChunk(record);
    const { terminator } = record;
    return {
      id: `m${this.parts.firstMessage + record.number}`,
      transport: record.transport,
      messageId: record.messageId,
      from: envelope.from,
      fromSeen: envelope.fromSeen,
      to: envelope.to,
      recipients: envelope.recipients,
      body: envelope.body,
      octets: record.octets,
      missingOctets: record.missingOctets,
      accepted: code === null ? null : code >= 200 && code < 300 ? true : code >= 400 ? false : null,
      replyCode: code,
      digest: record.digest,
      frame: record.frame,
      time: record.time,
      offset: record.offset,
      terminated: record.terminated,
      terminator: terminator && {
        offset: terminator.offset,
        endOffset: terminator.endOffset,
        splits: terminator.splits,
        frame: terminator.frame,
        lastFrame: terminator.lastFrame,
        time: terminator.time,
        pauseUs: terminator.pauseUs,
        acknowledged: this.acknowledged(terminator.endOffset, terminator.serverPackets),
      },
      commandExchange: record.commandExchange,
      endExchange: record.endExchange,
      eightBit: record.eightBit,
      eightBitFrame: record.eightBitFrame,
      eightBitOffset: record.eightBitOffset,
      report: record.report,
      looksLikeReport: record.looksLikeReport,
      damages: record.damages,
      longHeaderLine: record.longHeaderLine,
      longFileName: record.longFileName,
    };
  }

  /** A refused chunk refuses the message. RFC 3030 §2. */
  private refusedChunk(record: MessageRecord): number | null {
    if (record.transport !== 'BDAT') return null;
    for (let index = record.commandExchange; index < this.exchanges.length; index++) {
      const { kind, verb, reply } = this.exchanges[index]!;
      if (kind === 'bdat') {
        if (reply?.code && reply.code >= 400) return reply.code;
      } else if (verb === 'MAIL' || verb === 'RSET' || verb === 'EHLO' || verb === 'HELO') break;
    }
    return null;
  }

  /** Sender and recipients of each message, by the exchange with which its data begins. */
  private envelopes(): Envelope[] {
    const { records } = this;
    const envelopes: Envelope[] = [];
    let open: Envelope | null = null;
    for (let index = 0; index < this.exchanges.length; index++) {
      const exchange = this.exchanges[index]!;
      // Messages begin and end in the order of their records.
      if (records[envelopes.length]?.commandExchange === index) {
        open ??= new Envelope();
        envelopes.push(open);
      }
      const ended = records[envelopes.length - 1]?.endExchange === index;
      if (ended || exchange.kind === 'end-of-data') open = null;
      if ((exchange.reply?.code ?? 0) >= 400) continue;
      switch (exchange.verb) {
        case 'MAIL':
        case 'SEND':
        case 'SOML':
        case 'SAML':
          open = Envelope.of(exchange.argument);
          break;
        case 'RCPT':
          open ??= new Envelope();
          open.add(exchange.argument);
          break;
        case 'EHLO':
        case 'HELO':
        case 'LHLO':
        case 'RSET':
          open = null;
          break;
      }
    }
    return envelopes;
  }
}

const NAMES: { readonly [kind in ExchangeKind]?: string } = {
  greeting: '(greeting)',
  'auth-response': '(auth-response)',
  'end-of-data': '(end-of-data)',
  unseen: '(unseen)',
};

/** 354 answers DATA and 334 answers AUTH; to XEXCH50 another reply follows. */
function answered(exchange: ExchangeDraft): boolean {
  if (exchange.reply !== null) return true;
  return exchange.intermediate !== null && exchange.verb !== 'XEXCH50';
}

/** A gap of the server's stream that was found when nothing else came any more. */
function hasGapAfter(connection: ClosedConnection, exchange: ExchangeDraft): boolean {
  return exchange.kind === 'greeting' || connection.gapCount > connection.gaps.length;
}

/** RFC 5321 §3.3: the reverse-path and the forward-paths of one mail transaction. */
class Envelope {
  from = '';
  fromSeen = false;
  body: string | null = null;
  readonly to: string[] = [];
  recipients = 0;

  static of(argument: string | null): Envelope {
    const envelope = new Envelope();
    const path = parsePath(argument);
    if (path === null) return envelope;
    envelope.from = path.mailbox;
    envelope.fromSeen = true;
    envelope.body = bodyParameter(path.parameters);
    return envelope;
  }

  add(argument: string | null): void {
    const path = parsePath(argument);
    if (path === null) return;
    this.recipients++;
    if (this.to.length < MAX_RECIPIENTS) this.to.push(path.mailbox);
  }
}
