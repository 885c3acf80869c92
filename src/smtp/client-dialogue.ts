import type { ConnectionView, StreamChunk } from '../stream/event.js';
import type { Checksum } from '../wire/segment.js';
import { redactCommand, Secrets, withheld } from './auth.js';
import * as verb from './command.js';
import type { DialogueContext } from './dialogue-context.js';
import * as log from './exchange-log.js';
import { HeldOctets, MAX_HELD } from './held-octets.js';
import { cutLine, finishPartial, keepPartial, type PartialLine, type WireLine } from './line-splitter.js';
import type { MailDataFacts } from './mail-data.js';
import { writeMessage } from './message-record.js';
import { OpenMessage } from './open-message.js';
import * as protocol from './protocol.js';
import { looksMasked } from './reply.js';
import type { NoReply } from './session.js';
import { Transcript } from './transcript.js';
import { KINDS } from './transcript-event.js';

/** What the client's next octets are. */
/** Commands, a line each. */
export const COMMANDS = 0;
/** Not known before a reply comes: they wait. */
export const WAITING = 1;
/** Mail data up to CRLF.CRLF. */
export const MAIL_DATA = 2;
/** `remaining` octets of mail data. */
export const CHUNK = 3;
/** `remaining` octets of something else. */
export const BINARY = 4;
/** Answers to challenges of AUTH. */
export const AUTH_RESPONSE = 5;
/** Their beginning was not captured: nothing counts before a certain command or a reply. */
export const SEARCHING = 6;
/** The server said 220 to STARTTLS: one octet will tell. */
export const AFTER_STARTTLS = 7;
/** Encrypted, or not SMTP. */
export const OPAQUE = 8;

const GREETING = KINDS.indexOf('greeting');
const COMMAND = KINDS.indexOf('command');
const RESPONSE = KINDS.indexOf('auth-response');
const END_OF_DATA = KINDS.indexOf('end-of-data');
const BDAT = KINDS.indexOf('bdat');
const UNSEEN = KINDS.indexOf('unseen');

const TLS_HANDSHAKE = 0x16;
const TLS_MAJOR = 0x03;
const MAX_MESSAGES = 10_000;

/** What a command awaits, by its effect. */
const AWAITS: readonly number[] = (() => {
  const awaits = new Array<number>(14).fill(log.TO_OTHER);
  awaits[verb.HELLO] = log.TO_HELLO;
  awaits[verb.DATA] = log.TO_DATA;
  awaits[verb.AUTH] = log.TO_AUTH;
  awaits[verb.STARTTLS] = log.TO_STARTTLS;
  awaits[verb.XEXCH50] = log.TO_XEXCH50;
  awaits[verb.QUIT] = log.TO_QUIT;
  awaits[verb.UNKNOWN] = log.TO_UNKNOWN;
  awaits[verb.EMPTY] = log.TO_EMPTY;
  return awaits;
})();

/** A session's state, and its client's stream: commands, mail data, and what must not be shown. */
export abstract class ClientDialogue {
  readonly log: log.ExchangeLog;
  /** Bits of protocol.ts. */
  seen = 0;
  encryptedFrom = 0;
  tlsFollowed: boolean | null = null;
  protected mode = COMMANDS;
  protected begun = false;
  protected closing = false;
  protected secrets: Secrets | null = null;
  protected authAttempted = false;
  protected message: OpenMessage | null = null;
  private partial: PartialLine | null = null;
  private clientSpoke = false;
  private held: HeldOctets | null = null;
  /** The exchange whose reply says what the held octets are, and what it awaits. */
  protected decider = -1;
  private decidedBy = log.TO_OTHER;
  /** No reply will say it: the octets themselves must. */
  private guessing = false;
  /** Octets left of a chunk; after STARTTLS, octets of the record seen. */
  private remaining = 0;
  private nullSender = false;
  private messages = 0;

  constructor(
    protected readonly context: DialogueContext,
    readonly connection: ConnectionView,
  ) {
    this.log = new log.ExchangeLog(new Transcript(context.transcripts));
  }

  /** The connection itself awaits a reply, the greeting: unless its beginning was not seen. */
  protected begin(frame: number, us: number): void {
    if (this.begun) return;
    this.begun = true;
    this.log.begin(frame, us);
    if (this.connection.midstream) this.mode = SEARCHING;
    else this.awaitGreeting();
  }

  protected awaitGreeting(): void {
    this.log.add(GREETING, log.TO_GREETING, null, null, 'unverifiable', 0, false);
  }

  protected clientChunk(chunk: StreamChunk): void {
    this.seen |= protocol.CLIENT_OCTETS;
    const at = this.mode === WAITING ? chunk.start : this.take(chunk, chunk.start, false);
    if (at < chunk.end) this.hold(chunk, at);
    this.settle(false);
  }

  /** Takes in octets; returns where it stopped because what follows must wait, or the end. */
  private take(chunk: StreamChunk, from: number, early: boolean): number {
    let at = from;
    while (at < chunk.end) {
      switch (this.mode) {
        case WAITING:
          return at;
        case OPAQUE:
          return chunk.end;
        case MAIL_DATA:
          at = this.takeMailData(chunk, at, early);
          break;
        case CHUNK:
        case BINARY:
          at = this.takeCounted(chunk, at);
          break;
        case AFTER_STARTTLS:
          at = this.takeAfterStarttls(chunk, at);
          break;
        default: {
          if (this.partial === null && chunk.octets[at] === TLS_HANDSHAKE) {
            this.tlsFollowed = true;
            this.encrypted(chunk.frame);
            return chunk.end;
          }
          const line = this.context.clientLine;
          const next = cutLine(chunk, at, this.partial, line);
          if (next < 0) {
            this.partial = keepPartial(chunk, at, this.partial);
            return chunk.end;
          }
          this.partial = null;
          at = next;
          this.clientLine(line, early, true);
        }
      }
    }
    return at;
  }

  private clientLine(line: WireLine, early: boolean, whole: boolean): void {
    if (this.mode === AUTH_RESPONSE) {
      this.response(line, line.text(), log.TO_AUTH, early);
      if (whole) this.waitFor(this.log.next - 1, log.TO_AUTH);
      return;
    }
    const text = line.text();
    if (this.mode === SEARCHING) {
      if (text === '.' && whole) {
        this.mode = COMMANDS;
        this.addLine(END_OF_DATA, log.TO_END, line, null, early);
        return;
      }
      if (!whole || !verb.isCertainCommand(text)) return;
      this.mode = COMMANDS;
    }
    this.command(line, text, early, whole);
  }

  private command(line: WireLine, text: string, early: boolean, whole: boolean): void {
    const command = verb.parseCommand(text);
    const { effect } = command;
    if (!this.clientSpoke || effect === verb.UNKNOWN) {
      const evidence = protocol.clientEvidence(text.slice(0, 200), !this.clientSpoke, this.seen);
      this.seen |= evidence;
      if (evidence & (protocol.HTTP | protocol.SSH)) {
        this.opaque('limit');
        return;
      }
    }
    this.clientSpoke = true;
    this.noteEvidence(command);
    const redaction = redactCommand(text, line.total, command, this.authAttempted);
    if (effect === verb.AUTH || effect === verb.LOGIN) this.authAttempted = true;
    if (redaction !== null) {
      if (redaction.response) {
        this.response(line, text, log.TO_UNKNOWN, early);
        return;
      }
      this.authAttempted = true;
      this.remember(redaction.secret);
    }
    let shown = redaction?.text ?? null;
    if (this.secrets !== null && (effect === verb.UNKNOWN || effect === verb.OTHER)) {
      const scrubbed = this.secrets.scrub(shown ?? text, false);
      if (scrubbed !== text) shown = scrubbed;
    }
    const kind = effect === verb.BDAT ? BDAT : COMMAND;
    const index = this.addLine(kind, AWAITS[effect]!, line, shown, early);
    if (whole) this.enact(command, index, line);
  }

  private noteEvidence({ effect, argument }: verb.Command): void {
    switch (effect) {
      case verb.HELLO:
      case verb.DATA:
      case verb.BDAT:
      case verb.STARTTLS:
        this.seen |= protocol.SMTP_COMMAND;
        break;
      case verb.MAIL:
      case verb.RCPT:
        if (argument !== null) this.seen |= protocol.SMTP_COMMAND;
        break;
      case verb.LOGIN:
        this.seen |= protocol.LOGIN_COMMAND;
        break;
    }
  }

  /** What follows from a command for the octets after it. */
  private enact({ effect, argument }: verb.Command, index: number, line: WireLine): void {
    switch (effect) {
      case verb.MAIL:
        this.abandonMessage();
        this.nullSender = verb.parsePath(argument)?.mailbox === '';
        break;
      case verb.HELLO:
      case verb.RSET:
        this.abandonMessage();
        this.nullSender = false;
        break;
      case verb.DATA:
        this.waitFor(index, log.TO_DATA);
        break;
      case verb.AUTH:
        this.waitFor(index, log.TO_AUTH);
        break;
      case verb.STARTTLS:
        this.waitFor(index, log.TO_STARTTLS);
        break;
      case verb.XEXCH50: {
        const size = verb.parseXexch50(argument);
        if (size < 0) break;
        this.remaining = size;
        this.waitFor(index, log.TO_XEXCH50);
        break;
      }
      case verb.BDAT:
        this.beginChunk(argument, index, line);
        break;
    }
  }

  /** A line of an AUTH exchange, or one that looks like it: nothing of it is kept but its length. */
  private response(line: WireLine, text: string, awaits: number, early: boolean): void {
    this.authAttempted = true;
    this.remember(text.trim());
    this.addLine(RESPONSE, awaits, line, withheld(line.total), early);
  }

  private remember(secret: string): void {
    if (secret.length < 3) return;
    this.secrets ??= new Secrets();
    this.secrets.add(secret);
  }

  private addLine(
    kind: number,
    awaits: number,
    line: WireLine,
    shown: string | null,
    early: boolean,
  ): number {
    const checksum: Checksum =
      this.log.keepsNext && looksMasked(line.octets, line.start, line.end) ? line.checksum() : 'unverifiable';
    return this.log.add(kind, awaits, line, shown, checksum, this.connection.serverPackets, early);
  }

  // Octets that wait for a reply.

  private waitFor(exchange: number, awaited: number): void {
    this.mode = WAITING;
    this.decider = exchange;
    this.decidedBy = awaited;
    this.guessing = this.closing || this.connection.serverPackets === 0;
  }

  private hold(chunk: StreamChunk, from: number): void {
    this.held ??= new HeldOctets();
    this.context.held += this.held.add(chunk, from, this.log.awaitsReply);
  }

  private get holdsTooMuch(): boolean {
    return this.held !== null && (this.held.cost > MAX_HELD || this.context.heldTooMuch);
  }

  /** The reply will not come, or not be seen. */
  protected mustGuess(): void {
    if (this.mode === WAITING) this.guessing = true;
    this.settle(false);
  }

  /** The reply has said what follows. */
  protected settleAs(mode: number): void {
    this.mode = mode;
    this.decider = -1;
    this.guessing = false;
    this.settle(false);
  }

  /** The first line held, when one is waited with. */
  protected heldLine(): string | null {
    if (this.mode !== WAITING || this.held === null) return null;
    const { text, ended } = this.held.firstLine();
    return ended ? text : null;
  }

  /** An answer to AUTH that waits is a secret already: the server may repeat it. */
  protected rememberHeld(): void {
    if (this.mode !== WAITING || this.held === null || this.decidedBy !== log.TO_AUTH) return;
    const { text } = this.held.firstLine();
    if (!verb.isCertainCommand(text)) this.remember(text.trim());
  }

  /** Takes in what is held, as far as it is known what it is. `force`: guess where it is not. */
  protected settle(force: boolean): void {
    for (;;) {
      if (this.mode === WAITING) {
        const forced = force || this.closing || this.holdsTooMuch;
        if (!(forced || this.guessing) || !this.guess(forced)) return;
      }
      const { held } = this;
      if (held === null) return;
      if (held.empty) {
        this.dropHeld();
        return;
      }
      const gap = held.takeGap();
      if (gap !== null) {
        this.clientGap(gap.missing);
        continue;
      }
      const { replay } = this.context;
      const at = this.take(replay, held.peek(replay), held.early);
      held.taken(at);
    }
  }

  /** What the held octets are, by what they look like. False: there are not enough of them yet. */
  private guess(forced: boolean): boolean {
    if (this.held === null || this.held.empty) return false;
    const { text, ended } = this.held.firstLine();
    if (!ended && !forced) return false;
    const certain = verb.isCertainCommand(text);
    const index = this.decider;
    this.decider = -1;
    this.guessing = false;
    this.mode = COMMANDS;
    if (this.decidedBy === log.TO_STARTTLS) this.mode = AFTER_STARTTLS;
    else if (certain) return true;
    if (this.decidedBy === log.TO_DATA) this.beginMessage('DATA', index, MAIL_DATA);
    else if (this.decidedBy === log.TO_AUTH) this.mode = AUTH_RESPONSE;
    else if (this.decidedBy === log.TO_XEXCH50) this.mode = BINARY;
    if (this.mode === AFTER_STARTTLS) this.remaining = 0;
    return true;
  }

  private dropHeld(): void {
    if (this.held === null) return;
    this.context.held -= this.held.cost;
    this.held = null;
  }

  // Mail data.

  protected beginMessage(transport: 'DATA' | 'BDAT', exchange: number, mode: number): void {
    this.abandonMessage();
    this.message = new OpenMessage(this.context.digest, transport, this.nullSender, exchange);
    this.mode = mode;
  }

  private startMessage(message: OpenMessage, chunk: StreamChunk, at: number): void {
    message.start(chunk, at);
  }

  private takeMailData(chunk: StreamChunk, at: number, early: boolean): number {
    const message = this.message!;
    if (!message.started) this.startMessage(message, chunk, at);
    const end = message.scanner.data(chunk, at);
    if (end < 0) return chunk.end;
    const facts = message.scanner.finish();
    const index = this.addEndOfData(facts, early);
    this.writeMessage(facts, index);
    this.mode = COMMANDS;
    return end;
  }

  private addEndOfData(facts: MailDataFacts, early: boolean): number {
    const end = facts.terminator!;
    const line = this.context.dotLine;
    const inside = end.splits.filter((position) => position > 2).length;
    line.octets = DOT;
    line.start = 0;
    line.end = 1;
    line.total = 1;
    line.ending = 'CRLF';
    line.offset = end.endOffset - 3;
    // The dot is in the last frame unless a segment begins behind it, in the first unless one begins before it.
    line.frame = inside === 0 ? end.lastFrame : end.frame;
    line.lastFrame = end.lastFrame;
    line.us = end.us;
    line.ns = end.ns;
    line.digits = end.digits;
    line.segments = inside + 1;
    return this.addLine(END_OF_DATA, log.TO_END, line, null, early);
  }

  private beginChunk(argument: string | null, index: number, line: WireLine): void {
    const { size, last } = verb.parseBdat(argument);
    if (size < 0) return;
    if (this.message === null || this.message.transport !== 'BDAT') {
      this.beginMessage('BDAT', index, COMMANDS);
      const message = this.message!;
      message.frame = line.lastFrame;
      message.us = line.us;
      message.ns = line.ns;
      message.digits = line.digits;
      message.offset = line.endOffset;
    }
    const message = this.message!;
    message.lastChunk = last;
    message.chunkExchange = index;
    this.remaining = size;
    if (size === 0) this.endChunk(line, line.endOffset);
    else this.mode = CHUNK;
  }

  private takeCounted(chunk: StreamChunk, at: number): number {
    const end = Math.min(chunk.end, at + this.remaining);
    this.remaining -= end - at;
    if (this.mode === CHUNK) {
      const message = this.message!;
      if (!message.started) this.startMessage(message, chunk, at);
      message.scanner.chunked(chunk, at, end);
    }
    if (this.remaining === 0) this.endChunk(chunk, chunk.offset + end - chunk.start);
    return end;
  }

  private endChunk(at: { frame: number; us: number; ns: number; digits: number }, endOffset: number): void {
    const binary = this.mode === BINARY;
    this.mode = COMMANDS;
    const { message } = this;
    if (binary || message === null || !message.lastChunk) return;
    this.writeMessage(message.finishChunked(at, endOffset), message.chunkExchange);
  }

  /** The message ends without its end having been seen. */
  protected abandonMessage(): void {
    if (this.message !== null) this.writeMessage(this.message.scanner.finish(), null);
  }

  private writeMessage(facts: MailDataFacts, end: number | null): void {
    const message = this.message!;
    this.message = null;
    this.nullSender = false;
    if (!message.started && !message.broken && end === null) return;
    if (message.commandExchange >= this.log.kept || this.messages >= MAX_MESSAGES) return;
    this.messages++;
    message.number = this.context.nextMessage();
    const kept = end !== null && end < this.log.kept ? end : null;
    writeMessage(this.log.transcript, message, facts, kept, this.connection.serverPackets, this.log);
  }

  // Encryption and other protocols.

  private takeAfterStarttls(chunk: StreamChunk, at: number): number {
    const octet = chunk.octets[at]!;
    if (this.remaining === 0) {
      if (octet === TLS_HANDSHAKE) {
        this.remaining = 1;
        return at + 1;
      }
      if (this.encryptedFrom !== 0) this.tlsFollowed = false;
      const plain = (octet >= 0x20 && octet < 0x7f) || (octet >= 0x09 && octet <= 0x0d);
      if (plain) this.mode = COMMANDS;
      else this.encrypted(chunk.frame);
      return at;
    }
    this.tlsFollowed = octet === TLS_MAJOR;
    this.encrypted(chunk.frame);
    return chunk.end;
  }

  protected expectTls(frame: number): void {
    this.encryptedFrom = frame;
    this.tlsFollowed = null;
    this.remaining = 0;
    this.settleAs(AFTER_STARTTLS);
  }

  /** From here on nothing can be read. */
  protected encrypted(frame: number): void {
    if (this.encryptedFrom === 0) this.encryptedFrom = frame;
    this.seen |= protocol.TLS;
    this.opaque('encrypted');
  }

  protected opaque(cause: NoReply): void {
    this.mode = OPAQUE;
    this.partial = null;
    this.log.giveUp(this.log.next, cause);
  }

  // Gaps and the end.

  protected clientGap(octets: number | null): void {
    switch (this.mode) {
      case OPAQUE:
        return;
      case WAITING:
        this.held ??= new HeldOctets();
        this.context.held += this.held.addGap(octets);
        return;
      case MAIL_DATA:
        this.message?.gap(octets);
        return;
      case CHUNK:
      case BINARY:
        if (octets !== null && octets <= this.remaining) {
          this.remaining -= octets;
          if (this.mode === CHUNK) this.message?.gap(octets);
          if (this.remaining === 0) this.endChunkInGap();
          return;
        }
        if (this.mode === CHUNK) this.message?.gap(null);
        break;
      case AFTER_STARTTLS:
        this.encrypted(this.encryptedFrom);
        return;
    }
    const insideLine = this.partial !== null && this.mode === COMMANDS;
    this.abandonMessage();
    this.cutLine();
    this.log.clientGap(insideLine);
    this.mode = SEARCHING;
  }

  /** The last octets of a chunk are absent: where they were is known, in which frame is not. */
  private endChunkInGap(): void {
    const message = this.message;
    this.mode = COMMANDS;
    if (!message?.lastChunk) return;
    this.writeMessage({ ...message.scanner.finish(), terminated: true }, message.chunkExchange);
  }

  /** A gap begins inside a line. What there is of it gets a reply, and the verb may be there. */
  private cutLine(): void {
    const { partial } = this;
    this.partial = null;
    if (partial === null || this.mode === SEARCHING) return;
    const line = this.context.clientLine;
    finishPartial(partial, line, false);
    const text = line.text();
    const known = /[ \t]/.test(text) && verb.parseCommand(text).known;
    if (this.mode === AUTH_RESPONSE || known) this.clientLine(line, false, false);
    else this.log.add(UNSEEN, log.TO_UNKNOWN, null, null, 'unverifiable', 0, false);
  }

  /** The mail data's end lay in a gap: the server has answered. */
  protected resume(mode: number): void {
    this.abandonMessage();
    this.partial = null;
    this.mode = mode;
  }

  protected closeClient(): void {
    this.closing = true;
    this.settle(true);
    const { partial } = this;
    this.partial = null;
    if (partial !== null && this.mode !== OPAQUE) {
      const line = this.context.clientLine;
      finishPartial(partial, line, false);
      this.clientLine(line, false, false);
    }
    this.abandonMessage();
    this.dropHeld();
    this.secrets = null;
  }
}

const DOT = Buffer.from('.');
