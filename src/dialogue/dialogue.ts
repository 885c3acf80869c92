import type { DigestFactory } from '../mail/digest.js';
import { codesOnly, redactReplyText } from '../smtp/auth.js';
import { isCertainCommand } from '../smtp/command.js';
import * as to from '../smtp/expected-reply.js';
import { cutLine, finishPartial, keepPartial, type WireLine } from '../smtp/line-splitter.js';
import * as protocol from '../smtp/protocol.js';
import {
  isGreetingMask,
  isHyphen,
  isMaskedSeparator,
  looksMasked,
  NO_CODE,
  replyCode,
} from '../smtp/reply.js';
import type {
  ConnectionListener,
  ConnectionView,
  Gap,
  StreamChunk,
  StreamListener,
} from '../stream/event.js';
import type { ReplyLine } from '../transcript/exchange-log.js';
import type { ClosedRecord, SessionRecord } from '../transcript/session-record.js';
import { ClientDialogue } from './client-dialogue.js';
import { Snapshot } from './closed-session.js';
import { DialogueContext } from './dialogue-context.js';
import * as state from './dialogue-state.js';

export interface SmtpDialoguesOptions {
  /** Ordinal of the capture. */
  readonly capture: number;
  readonly digest: DigestFactory;
  /** Number of the next message: unique in the report. */
  readonly nextMessage: () => number;
  readonly onClosed: (record: ClosedRecord) => void;
  /** Hears of each dialogue that begins, for who cannot wait for its end. */
  readonly onOpened?: (dialogue: OpenDialogue) => void;
}

/** A dialogue that goes on. */
export interface OpenDialogue {
  readonly connection: ConnectionView;
  /**
   * The session as it would be if the capture had ended now, without the line or message that is under way. It may be
   * materialised at once only, before the dialogue goes on.
   */
  snapshot(): SessionRecord;
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
  private readonly onOpened: ((dialogue: OpenDialogue) => void) | undefined;
  /** Who looks at open dialogues sees those too that nobody answers. */
  readonly early: boolean;

  constructor({ capture, digest, nextMessage, onClosed, onOpened }: SmtpDialoguesOptions) {
    this.context = new DialogueContext(capture, digest, nextMessage, onClosed);
    this.onOpened = onOpened;
    this.early = onOpened !== undefined;
  }

  opened(connection: ConnectionView): StreamListener {
    const dialogue = new Dialogue(this.context, connection);
    this.onOpened?.(dialogue);
    return dialogue;
  }
}

const TLS_HANDSHAKE = 0x16;
const STARTTLS_ANSWER = /\bTLS\b|\bSSL\b|go ahead|ready to start/i;

/** One session: the server's stream, and which reply decides what. */
class Dialogue extends ClientDialogue implements StreamListener, OpenDialogue {
  chunk(chunk: StreamChunk): void {
    if (chunk.start >= chunk.end) return;
    this.begin(chunk.frame, chunk.us);
    if (chunk.direction === 'client') this.clientChunk(chunk);
    else {
      this.serverChunk(chunk);
      this.tls?.fromServer(chunk);
    }
  }

  gap(gap: Gap, frame: number): void {
    this.begin(frame, Number.NaN);
    if (gap.cause === 'midstream') {
      if (gap.direction === 'server') this.note(state.SERVER_TAIL);
      else if (this.mode === state.COMMANDS) this.mode = state.SEARCHING;
    } else if (gap.direction === 'client') this.clientGap(gap.octets, gap.offset, frame);
    else if (gap.cause === 'unfilled' && this.clientGaveUp) this.neverArrived();
    else this.serverGap();
  }

  closed(): void {
    this.begin(this.connection.firstFrame, Number.NaN);
    this.cutServerLine();
    this.closeClient();
    this.log.close();
    this.tls?.write(this.log, this.log);
    this.context.onClosed(this.snapshot());
  }

  snapshot(): ClosedRecord {
    return new Snapshot(this.context, this);
  }

  private serverChunk(chunk: StreamChunk): void {
    this.seen |= protocol.SERVER_OCTETS;
    const line = this.context.serverLine;
    let at = chunk.start;
    while (at < chunk.end && !this.knows(state.SERVER_OPAQUE)) {
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
    if (this.mode === state.OPAQUE) return true;
    const undecided = this.mode === state.AFTER_STARTTLS;
    if (octet !== TLS_HANDSHAKE && !(undecided && (octet < 0x20 || octet > 0x7e))) return false;
    // What the client answered to 220 may be in a gap, or come late.
    if (undecided) this.note(state.SERVER_OPAQUE);
    else this.encrypted(frame);
    return true;
  }

  /** @param whole  an LF ended it */
  private serverLine(line: WireLine, whole: boolean): void {
    const { octets, start, end } = line;
    const code = replyCode(octets, start, end);
    const tail = this.knows(state.SERVER_TAIL);
    this.forget(state.SERVER_TAIL);
    if (tail && code === NO_CODE) return;
    const reply = this.context.reply;
    reply.code = code;
    reply.more = code !== NO_CODE && isHyphen(octets, start, end);
    reply.maskedSeparator = code !== NO_CODE && isMaskedSeparator(octets, start, end);
    reply.greetingMask = false;
    reply.checksum = 'unverifiable';
    reply.text = null;
    if (looksMasked(octets, start, end)) {
      reply.greetingMask = isGreetingMask(octets, start, end);
      reply.checksum = line.checksum();
    }
    if (!this.knows(state.SERVER_SPOKE)) this.firstServerLine(line, reply);
    if (code !== NO_CODE) this.seen |= protocol.CODED_REPLY;
    if (this.knows(state.SERVER_OPAQUE)) return;
    if (this.log.keepsReplyLine(code)) reply.text = this.shown(line, code);
    if (code >= 200 && code < 300) this.releaseCommandsBefore(code);
    this.log.reply(line, reply, whole);
    if (this.context.answer.exchange >= 0) this.replied(line);
    // The reply that was to decide cannot be told from others any more.
    if (this.held !== null && this.held.decider < this.log.head) this.mustGuess();
  }

  private firstServerLine(line: WireLine, reply: ReplyLine): void {
    this.note(state.SERVER_SPOKE);
    const text = line.octets.latin1Slice(line.start, Math.min(line.end, line.start + 512));
    this.seen |= protocol.serverEvidence(text, reply.code);
    if (reply.greetingMask) this.seen |= protocol.FIREWALL_MARK;
    if (this.seen & (protocol.HTTP | protocol.SSH)) {
      this.opaque('limit');
      this.note(state.SERVER_OPAQUE);
      return;
    }
    // Only a greeting and the answer to STARTTLS are 220: a capture can begin between handshake and greeting.
    const unasked = this.log.next === 0 && (this.seen & protocol.CLIENT_OCTETS) === 0;
    if (unasked && reply.code === 220 && !STARTTLS_ANSWER.test(text)) this.awaitGreeting();
  }

  /** The line without secrets; null when its own octets may be kept. */
  private shown(line: WireLine, code: number): string | null {
    this.rememberHeld();
    const lost = this.knows(state.CLIENT_LOST);
    if (this.secrets === null && !lost && code !== 334 && code !== NO_CODE && code < 400) return null;
    const text = line.text();
    const awaited = this.log.replyAwaits;
    const unseen =
      awaited < 0 || awaited === to.TO_UNSEEN || (lost && (awaited !== to.TO_HELLO || code >= 400));
    const answersAuth =
      awaited < 0 || awaited === to.TO_UNSEEN || awaited === to.TO_AUTH || awaited === to.TO_UNKNOWN;
    const { secrets } = this;
    let shown = text;
    if (secrets !== null) {
      const unknown = answersAuth
        ? secrets.cut || secrets.overflowed
        : secrets.overflowed && awaited !== to.TO_HELLO && awaited !== to.TO_GREETING;
      if (unknown) return codesOnly(text, line.total);
      // The code stays whatever was sent: it is the server's.
      const at = code === NO_CODE ? 0 : Math.min(4, text.length);
      shown = text.slice(0, at) + secrets.scrub(text.slice(at), answersAuth);
    }
    shown = redactReplyText(shown, line.total, code, unseen, lost);
    return shown === text ? null : shown;
  }

  /**
   * A client that waited for the answer to DATA in vain says QUIT or RSET, and that is what a 2xx then answers:
   * DATA has no 2xx.
   */
  private releaseCommandsBefore(code: number): void {
    if (this.held === null || this.held.decider !== this.log.head) return;
    const awaited = this.log.replyAwaits;
    if (awaited !== this.held.awaited || (awaited !== to.TO_DATA && code !== 221)) return;
    const held = this.heldLine();
    if (held !== null && isCertainCommand(held)) this.settleAs(state.COMMANDS);
  }

  /** A reply is complete: what does the client send next? */
  private replied(line: WireLine): void {
    const { exchange, awaited, code } = this.context.answer;
    switch (this.mode) {
      case state.WAITING: {
        const { decider } = this.held!;
        if (exchange === decider) this.decided(awaited, code, line);
        else if (code === 354 && decider < exchange) this.decided(to.TO_DATA, code, line);
        break;
      }
      case state.SEARCHING:
        if (code === 334) this.resume(state.AUTH_RESPONSE);
        else if (code !== 354) this.resume(state.COMMANDS);
        else this.resumeInMailData(exchange);
        break;
      case state.COMMANDS:
        // The command was masked or lost; the server has understood it all the same.
        if (code === 334) this.resume(state.AUTH_RESPONSE);
        else if (code === 354) this.resumeInMailData(exchange);
        break;
      case state.MAIL_DATA:
        if (awaited === to.TO_UNSEEN && this.hasEndedElsewhere(code)) this.resume(state.COMMANDS);
        break;
    }
  }

  private resumeInMailData(exchange: number): void {
    this.resume(state.MAIL_DATA);
    this.beginMessage('DATA', exchange, state.MAIL_DATA);
  }

  /** The end of the mail data was in a gap, or it was none to us: some servers take LF.LF. */
  private hasEndedElsewhere(code: number): boolean {
    return this.message?.broken ? code !== 354 : code >= 200 && code < 300;
  }

  private decided(awaited: number, code: number, line: WireLine): void {
    switch (awaited) {
      case to.TO_DATA:
        if (code === 354) {
          this.beginMessage('DATA', this.held!.decider, state.MAIL_DATA);
          this.settleAs(state.MAIL_DATA);
        } else if (code >= 400) this.settleAs(state.COMMANDS);
        else this.mustGuess();
        break;
      case to.TO_AUTH:
        this.settleAs(code === 334 ? state.AUTH_RESPONSE : state.COMMANDS);
        break;
      case to.TO_STARTTLS:
        if (code === 220) this.expectTls(line);
        else this.settleAs(state.COMMANDS);
        break;
      case to.TO_XEXCH50:
        this.settleAs(code === 354 && this.remaining > 0 ? state.BINARY : state.COMMANDS);
        break;
      default:
        this.settleAs(state.COMMANDS);
    }
  }

  /** The client ended the connection. */
  private get clientGaveUp(): boolean {
    return this.connection.clientFinFrame !== 0 || this.connection.clientRstFrame !== 0;
  }

  /**
   * Octets of the server which the client never acknowledged before it ended the connection: they did not reach it.
   * What it waited for, it did not get; no capture has missed that.
   */
  private neverArrived(): void {
    if (this.mode === state.OPAQUE) return;
    this.cutServerLine();
    this.note(state.SERVER_TAIL);
    this.log.giveUp(this.log.next, 'closed');
    this.mustGuess();
  }

  private serverGap(): void {
    if (this.mode === state.OPAQUE) return;
    this.cutServerLine();
    this.note(state.SERVER_TAIL);
    this.log.serverGap();
    this.mustGuess();
  }

  /** A line without its end: its code may be there. */
  private cutServerLine(): void {
    const partial = this.serverPartial;
    this.serverPartial = null;
    if (partial === null || this.mode === state.OPAQUE) return;
    const line = this.context.serverLine;
    finishPartial(partial, line, false);
    this.serverLine(line, false);
    this.log.cutReply();
    // Whatever the reply goes on to say, the client has waited for it.
    if (this.mode === state.SEARCHING && this.context.reply.more) this.resume(state.COMMANDS);
  }
}
