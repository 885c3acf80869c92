import type {
  ConnectionListener,
  ConnectionView,
  Gap,
  StreamChunk,
  StreamListener,
} from '../stream/event.js';
import { redactReplyText } from './auth.js';
import * as client from './client-dialogue.js';
import { isCertainCommand } from './command.js';
import { DialogueContext } from './dialogue-context.js';
import type { DigestFactory } from './digest.js';
import * as log from './exchange-log.js';
import { cutLine, finishPartial, keepPartial, type PartialLine, type WireLine } from './line-splitter.js';
import { materialise } from './materialise.js';
import * as protocol from './protocol.js';
import { isGreetingMask, looksMasked, NO_CODE, replyCode, separatorOf } from './reply.js';
import type { SmtpSession } from './session.js';

/** A finished session: compact, until somebody wants to see it. */
export interface SessionRecord {
  /** Of its connection in the capture. */
  readonly index: number;
  /**
   * Makes the session. May be called any number of times; the result depends on the arguments only.
   *
   * @param firstIndex  sessions of the captures before this one
   * @param captureLastUs  time of the capture's newest packet; NaN when unknown
   */
  materialise(firstIndex: number, captureLastUs: number): SmtpSession;
  /** Frees what the session takes. It must not be materialised afterwards. */
  release(): void;
}

export interface SmtpDialoguesOptions {
  /** Ordinal of the capture. */
  readonly capture: number;
  readonly digest: DigestFactory;
  /** Number of the next message: unique in the report. */
  readonly nextMessage: () => number;
  readonly onClosed: (record: SessionRecord) => void;
}

/**
 * Reads the SMTP dialogues of a capture's connections.
 *
 * @example
 * const dialogues = new SmtpDialogues({
 *   capture: 0,
 *   digest: await createDigestFactory('xxh64'),
 *   nextMessage: () => ++messages,
 *   onClosed: (record) => sessions.push(record.materialise(0, lastUs)),
 * });
 */
export class SmtpDialogues implements ConnectionListener {
  private readonly context: DialogueContext;

  constructor(private readonly options: SmtpDialoguesOptions) {
    this.context = new DialogueContext(options.capture, options.digest, options.nextMessage);
  }

  opened(connection: ConnectionView): StreamListener {
    return new Dialogue(this.context, connection, this.options.onClosed);
  }
}

const TLS_HANDSHAKE = 0x16;
const STARTTLS_ANSWER = /\bTLS\b|\bSSL\b|go ahead|ready to start/i;

/** One session: the server's stream, and which reply decides what. */
class Dialogue extends client.ClientDialogue implements StreamListener, SessionRecord {
  private serverPartial: PartialLine | null = null;
  private serverSpoke = false;
  private serverOpaque = false;
  /** The next line may be the tail of one that began in a gap. */
  private serverTail = false;

  constructor(
    context: DialogueContext,
    connection: ConnectionView,
    private readonly onClosed: (record: SessionRecord) => void,
  ) {
    super(context, connection);
  }

  get index(): number {
    return this.connection.index;
  }

  chunk(chunk: StreamChunk): void {
    if (chunk.start >= chunk.end) return;
    this.begin(chunk.frame, chunk.us);
    if (chunk.direction === 'client') this.clientChunk(chunk);
    else this.serverChunk(chunk);
  }

  gap(gap: Gap, frame: number): void {
    this.begin(frame, Number.NaN);
    if (gap.cause === 'midstream') {
      if (gap.direction === 'client') {
        if (this.mode === client.COMMANDS) this.mode = client.SEARCHING;
      } else this.serverTail = true;
      return;
    }
    if (gap.direction === 'client') this.clientGap(gap.octets);
    else this.serverGap();
  }

  closed(): void {
    this.begin(this.connection.firstFrame, Number.NaN);
    this.cutServerLine();
    this.closeClient();
    this.log.close();
    this.onClosed(this);
  }

  materialise(firstIndex: number, captureLastUs: number): SmtpSession {
    return materialise(this, this.context.capture, firstIndex, captureLastUs);
  }

  release(): void {
    this.log.transcript.release();
  }

  private serverChunk(chunk: StreamChunk): void {
    this.seen |= protocol.SERVER_OCTETS;
    const line = this.context.serverLine;
    let at = chunk.start;
    while (at < chunk.end && !this.serverOpaque) {
      if (this.serverPartial === null && this.beginsOpaque(chunk.octets[at]!, chunk.frame)) return;
      const next = cutLine(chunk, at, this.serverPartial, line);
      if (next < 0) {
        this.serverPartial = keepPartial(chunk, at, this.serverPartial);
        return;
      }
      this.serverPartial = null;
      at = next;
      this.serverLine(line, true);
    }
  }

  private beginsOpaque(octet: number, frame: number): boolean {
    if (this.mode === client.OPAQUE) return true;
    const undecided = this.mode === client.AFTER_STARTTLS;
    if (octet !== TLS_HANDSHAKE && !(undecided && (octet < 0x20 || octet > 0x7e))) return false;
    // Before the client has said anything of TLS in plain view, its record may be in a gap.
    if (undecided) this.serverOpaque = true;
    else this.encrypted(frame);
    return true;
  }

  /** @param whole  an LF ended it */
  private serverLine(line: WireLine, whole: boolean): void {
    const { octets, start, end } = line;
    const code = replyCode(octets, start, end);
    const tail = this.serverTail;
    this.serverTail = false;
    if (tail && code === NO_CODE) return;
    const separator = separatorOf(octets, start, end);
    const reply = this.context.reply;
    reply.code = code;
    reply.more = code !== NO_CODE && separator === 'more';
    reply.maskedSeparator = code !== NO_CODE && separator === 'masked';
    reply.greetingMask = false;
    reply.checksum = 'unverifiable';
    reply.text = null;
    if (looksMasked(octets, start, end)) {
      reply.greetingMask = isGreetingMask(octets, start, end);
      reply.checksum = line.checksum();
    }
    if (!this.serverSpoke) this.firstServerLine(line, reply);
    if (code !== NO_CODE) this.seen |= protocol.CODED_REPLY;
    if (this.serverOpaque) return;
    if (this.log.keepsReplyLine) reply.text = this.shown(line, code);
    if (code >= 200 && code < 300) this.releaseCommandsBefore(code);
    this.log.reply(line, reply, whole);
    if (this.log.answered >= 0) this.replied(line.lastFrame);
    // The reply that was to decide cannot be told from others any more.
    if (this.mode === client.WAITING && this.decider < this.log.head) this.mustGuess();
  }

  private firstServerLine(line: WireLine, reply: log.ReplyLine): void {
    this.serverSpoke = true;
    const text = line.octets.latin1Slice(line.start, Math.min(line.end, line.start + 512));
    this.seen |= protocol.serverEvidence(text, reply.code);
    if (reply.greetingMask) this.seen |= protocol.FIREWALL_MARK;
    if (this.seen & (protocol.HTTP | protocol.SSH)) {
      this.opaque('limit');
      this.serverOpaque = true;
      return;
    }
    // Only a greeting and the answer to STARTTLS are 220: a capture can begin between handshake and greeting.
    const unasked = this.log.next === 0 && (this.seen & protocol.CLIENT_OCTETS) === 0;
    if (unasked && reply.code === 220 && !STARTTLS_ANSWER.test(text)) this.awaitGreeting();
  }

  /** The line without secrets; null when its own octets may be kept. */
  private shown(line: WireLine, code: number): string | null {
    this.rememberHeld();
    if (this.secrets === null && code !== 334 && code !== NO_CODE && code < 400) return null;
    const text = line.text();
    const awaited = this.log.replyAwaits;
    const answersAuth = awaited === log.TO_AUTH || awaited === log.TO_UNKNOWN;
    const scrubbed = this.secrets?.scrub(text, answersAuth) ?? text;
    const shown = redactReplyText(scrubbed, line.total, code);
    return shown === text ? null : shown;
  }

  /**
   * A client that waited for the answer to DATA in vain says QUIT or RSET, and that is what a 2xx then answers:
   * DATA has no 2xx.
   */
  private releaseCommandsBefore(code: number): void {
    if (this.mode !== client.WAITING || this.decider !== this.log.head || this.log.replyAwaits < 0) return;
    const never =
      this.log.replyAwaits === log.TO_DATA || (code === 221 && this.log.replyAwaits !== log.TO_QUIT);
    if (!never) return;
    const held = this.heldLine();
    if (held !== null && isCertainCommand(held)) this.settleAs(client.COMMANDS);
  }

  /** A reply is complete: what does the client send next? */
  private replied(frame: number): void {
    const { answered, answeredAwaited: awaited, answeredCode: code } = this.log;
    switch (this.mode) {
      case client.WAITING:
        if (answered === this.decider) this.decided(awaited, code, frame);
        else if (code === 354 && this.decider < answered) this.decided(log.TO_DATA, code, frame);
        break;
      case client.SEARCHING:
        if (code === 354) this.beginMessage('DATA', answered, client.MAIL_DATA);
        else this.resume(code === 334 ? client.AUTH_RESPONSE : client.COMMANDS);
        break;
      case client.COMMANDS:
        // The command was masked or lost; the server has understood it all the same.
        if (code === 354) this.beginMessage('DATA', answered, client.MAIL_DATA);
        else if (code === 334) this.resume(client.AUTH_RESPONSE);
        break;
      case client.MAIL_DATA:
        if (awaited === log.TO_UNSEEN && this.message?.broken && code !== 354) this.resume(client.COMMANDS);
        break;
    }
  }

  private decided(awaited: number, code: number, frame: number): void {
    const refused = code >= 400;
    switch (awaited) {
      case log.TO_DATA:
        if (code === 354) {
          const { decider } = this;
          this.beginMessage('DATA', decider, client.MAIL_DATA);
          this.settleAs(client.MAIL_DATA);
        } else if (refused) this.settleAs(client.COMMANDS);
        else this.mustGuess();
        break;
      case log.TO_AUTH:
        this.settleAs(code === 334 ? client.AUTH_RESPONSE : client.COMMANDS);
        break;
      case log.TO_STARTTLS:
        if (code === 220) this.expectTls(frame);
        else this.settleAs(client.COMMANDS);
        break;
      case log.TO_XEXCH50:
        this.settleAs(code === 354 ? client.BINARY : client.COMMANDS);
        break;
      default:
        this.settleAs(client.COMMANDS);
    }
  }

  private serverGap(): void {
    if (this.mode === client.OPAQUE) return;
    this.cutServerLine();
    this.serverTail = true;
    this.log.serverGap();
    this.mustGuess();
  }

  /** A line without its end: its code may be there. */
  private cutServerLine(): void {
    const partial = this.serverPartial;
    this.serverPartial = null;
    if (partial === null || this.mode === client.OPAQUE) return;
    const line = this.context.serverLine;
    finishPartial(partial, line, false);
    this.serverLine(line, false);
    this.log.cutReply();
    // Whatever the reply goes on to say, the client has waited for it.
    if (this.mode === client.SEARCHING && this.context.reply.more) this.resume(client.COMMANDS);
  }
}
