import type { MailDataFacts } from '../mail/mail-data.js';
import * as auth from '../smtp/auth.js';
import * as verb from '../smtp/command.js';
import * as to from '../smtp/expected-reply.js';
import { cutLine, finishPartial, keepPartial, type WireLine } from '../smtp/line-splitter.js';
import * as protocol from '../smtp/protocol.js';
import type { StreamChunk } from '../stream/event.js';
import { type MessagePlace, writeMessageBegin, writeMessageEnd } from '../transcript/message-record.js';
import { OpenTls } from '../transcript/tls-opening.js';
import {
  BDAT_KIND,
  COMMAND_KIND,
  END_OF_DATA_KIND,
  RESPONSE_KIND,
  UNSEEN_KIND,
} from '../transcript/transcript-event.js';
import {
  AFTER_STARTTLS,
  AUTH_ATTEMPTED,
  AUTH_RESPONSE,
  BINARY,
  CHUNK,
  CLIENT_LOST,
  CLIENT_SPOKE,
  CLOSING,
  COMMANDS,
  DialogueState,
  IN_AUTH,
  MAIL_DATA,
  NULL_SENDER,
  OPAQUE,
  SEARCHING,
  TLS_BROKEN,
  TLS_FOLLOWED,
  WAITING,
} from './dialogue-state.js';
import { HeldOctets, MAX_HELD } from './held-octets.js';
import { OpenMessage, pointAtDot } from './open-message.js';

const TLS_HANDSHAKE = 0x16;
const TLS_MAJOR = 0x03;
/** Lines in front of the first command that may be answers to AUTH: a client waits after each of those. */
const MAX_FRAGMENTS = 3;

/** A session's client: its commands, its mail data, and what of it must not be shown. */
export abstract class ClientDialogue extends DialogueState {
  protected message: OpenMessage | null = null;
  /** While the mode is WAITING: what is waited for, and what has come meanwhile. */
  protected held: HeldOctets | null = null;
  /** Octets left of a chunk; after STARTTLS, octets of the record seen; while searching, lines passed over. */
  protected remaining = 0;

  protected clientChunk(chunk: StreamChunk): void {
    this.seen |= protocol.CLIENT_OCTETS;
    const at = this.mode === WAITING ? chunk.start : this.take(chunk, chunk.start, false);
    if (at < chunk.end) this.context.held += this.held!.add(chunk, at, this.log.awaitsReply);
    if (this.held !== null) this.settle(false);
  }

  /** Takes in octets; returns where it stopped because what follows must wait, or the end. */
  private take(chunk: StreamChunk, from: number, early: boolean): number {
    this.tls?.fromClient(chunk, from);
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
          if (this.clientPartial === null && chunk.octets[at] === TLS_HANDSHAKE) {
            this.note(TLS_FOLLOWED);
            this.encrypted(chunk.frame);
            return chunk.end;
          }
          const line = this.context.clientLine;
          const next = cutLine(chunk, at, this.clientPartial, line);
          if (next < 0) {
            this.clientPartial = keepPartial(chunk, at, this.clientPartial);
            return chunk.end;
          }
          this.clientPartial = null;
          at = next;
          this.clientLine(line, early, true);
        }
      }
    }
    return at;
  }

  private clientLine(line: WireLine, early: boolean, whole: boolean): void {
    if (line.total === 0 && this.mode === COMMANDS) {
      this.addLine(COMMAND_KIND, to.TO_EMPTY, line, null, early);
      return;
    }
    const text = line.text();
    if (this.mode === AUTH_RESPONSE) {
      const index = this.response(line, text, to.TO_AUTH, early, whole);
      if (whole) this.waitFor(index, to.TO_AUTH);
      return;
    }
    if (this.mode === SEARCHING) {
      if (!whole) return;
      if (text === '.') {
        this.mode = COMMANDS;
        this.addLine(END_OF_DATA_KIND, to.TO_END, line, null, early);
        return;
      }
      if (!verb.isCertainCommand(text)) {
        if (this.remaining++ < MAX_FRAGMENTS) this.remember(auth.secretOfFragment(text), true);
        return;
      }
      this.mode = COMMANDS;
    }
    this.command(line, text, early, whole);
  }

  private command(line: WireLine, text: string, early: boolean, whole: boolean): void {
    const command = verb.parseCommand(text);
    const { effect } = command;
    if (!this.knows(CLIENT_SPOKE) || effect === verb.UNKNOWN) {
      this.seen |= protocol.clientEvidence(text.slice(0, 200), !this.knows(CLIENT_SPOKE), this.seen);
      if (this.seen & (protocol.HTTP | protocol.SSH)) {
        this.opaque('limit');
        return;
      }
      this.note(CLIENT_SPOKE);
    }
    this.seen |= protocol.commandEvidence(command);
    const redaction = auth.redactCommand(text, line.total, command, this.attempted);
    if (redaction?.response) {
      this.response(line, text, to.TO_UNKNOWN, early, whole);
      return;
    }
    if (redaction !== null || effect === verb.AUTH || effect === verb.LOGIN) {
      this.note(AUTH_ATTEMPTED | IN_AUTH);
      if (redaction !== null) this.remember(redaction.secret, whole && !line.truncated);
    } else if (effect !== verb.UNKNOWN) this.forget(IN_AUTH);
    else if (auth.mayBeAuth(text)) this.note(IN_AUTH);
    let shown = redaction?.text ?? null;
    if (this.secrets !== null && (effect === verb.UNKNOWN || effect === verb.OTHER)) {
      const scrubbed = this.secrets.scrub(shown ?? text, false);
      if (scrubbed !== text) shown = scrubbed;
    }
    const kind = effect === verb.BDAT ? BDAT_KIND : COMMAND_KIND;
    const index = this.addLine(kind, to.AWAITED_BY[effect]!, line, shown, early);
    if (whole) this.enact(command, index, line);
  }

  /** What follows from a command for the octets after it. */
  private enact({ effect, argument }: verb.Command, index: number, line: WireLine): void {
    switch (effect) {
      case verb.MAIL:
        this.abandonMessage();
        if (verb.parsePath(argument)?.mailbox === '') this.note(NULL_SENDER);
        else this.forget(NULL_SENDER);
        break;
      case verb.HELLO:
      case verb.RSET:
        this.abandonMessage();
        this.forget(NULL_SENDER);
        break;
      case verb.DATA:
      case verb.AUTH:
      case verb.STARTTLS:
        this.waitFor(index, to.AWAITED_BY[effect]!);
        break;
      case verb.XEXCH50: {
        const size = verb.parseXexch50(argument);
        if (size < 0) break;
        this.remaining = size;
        this.waitFor(index, to.TO_XEXCH50);
        break;
      }
      case verb.BDAT:
        this.beginChunk(argument, index, line);
        break;
    }
  }

  /** A line of an AUTH exchange, or one that looks like it: nothing of it is kept but its length. */
  private response(line: WireLine, text: string, awaits: number, early: boolean, whole: boolean): number {
    this.note(AUTH_ATTEMPTED | IN_AUTH);
    this.remember(text.trim(), whole && !line.truncated);
    return this.addLine(RESPONSE_KIND, awaits, line, auth.withheld(line.total), early);
  }

  // Octets that wait for a reply.

  private waitFor(exchange: number, awaited: number): void {
    this.mode = WAITING;
    this.held ??= new HeldOctets();
    this.held.decider = exchange;
    this.held.awaited = awaited;
    this.held.guessing = this.knows(CLOSING) || this.connection.serverPackets === 0;
  }

  /** The reply will not come, or not be seen. */
  protected mustGuess(): void {
    if (this.mode !== WAITING) return;
    this.held!.guessing = true;
    this.settle(false);
  }

  /** The reply has said what follows. */
  protected settleAs(mode: number): void {
    this.mode = mode;
    if (this.held !== null) this.settle(false);
  }

  /** The first line held, when one waits. */
  protected heldLine(): string | null {
    if (this.mode !== WAITING) return null;
    const { text, ended } = this.held!.firstLine();
    return ended ? text : null;
  }

  /** Answers to AUTH that wait are secrets already: the server may repeat them. */
  protected rememberHeld(): void {
    if (this.mode !== WAITING || this.held!.awaited !== to.TO_AUTH) return;
    for (const text of this.held!.firstLines()) {
      const secret = verb.isCertainCommand(text)
        ? auth.redactCommand(text, text.length, verb.parseCommand(text), auth.TRIED)?.secret
        : text.trim();
      if (secret !== undefined) this.remember(secret, true);
    }
  }

  private get attempted(): number {
    if (this.knows(IN_AUTH)) return auth.JUST_TRIED;
    return this.knows(AUTH_ATTEMPTED) ? auth.TRIED : auth.NOT_TRIED;
  }

  /** Takes in what is held, as far as it is known what it is. `force`: guess where it is not. */
  private settle(force: boolean): void {
    for (;;) {
      const held = this.held;
      if (held === null) return;
      if (this.mode === WAITING) {
        const forced = force || held.cost > MAX_HELD || this.context.heldTooMuch;
        if (!(forced || held.guessing) || !this.guess(held, forced)) return;
      }
      if (held.empty) {
        this.dropHeld();
        return;
      }
      const gap = held.takeGap();
      if (gap !== null) {
        this.clientGap(gap.missing, gap.offset, gap.frame);
        continue;
      }
      const { replay } = this.context;
      const at = this.take(replay, held.peek(replay), held.early);
      held.taken(at);
      if (this.mode === WAITING && this.log.awaitsReply) held.allEarly();
    }
  }

  /** What the held octets are, by what they look like. False: there are not enough of them yet. */
  private guess(held: HeldOctets, forced: boolean): boolean {
    if (held.empty) return false;
    const { text, ended } = held.firstLine();
    if (!ended && !forced) return false;
    this.mode = COMMANDS;
    if (held.awaited === to.TO_STARTTLS) this.awaitTls();
    else if (verb.isCertainCommand(text)) return true;
    else if (held.awaited === to.TO_DATA) this.beginMessage('DATA', held.decider, MAIL_DATA);
    else if (held.awaited === to.TO_AUTH) this.mode = AUTH_RESPONSE;
    else if (held.awaited === to.TO_XEXCH50 && this.remaining > 0) this.mode = BINARY;
    return true;
  }

  private dropHeld(): void {
    this.context.held -= this.held?.cost ?? 0;
    this.held = null;
  }

  // Mail data.

  protected beginMessage(transport: 'DATA' | 'BDAT', exchange: number, mode: number): void {
    this.abandonMessage();
    this.message = new OpenMessage(this.context.mail, transport, this.knows(NULL_SENDER), exchange);
    this.mode = mode;
  }

  private takeMailData(chunk: StreamChunk, at: number, early: boolean): number {
    const message = this.message!;
    if (!message.begun) this.writeBegin(message, chunk, chunk.offset + at - chunk.start);
    const end = message.data(chunk, at);
    if (end < 0) return chunk.end;
    const facts = message.finish();
    const terminator = facts.terminator!;
    // What is outstanding, TCP waits for: that is no pause of the sender's.
    if (this.connection.acknowledged('client') < terminator.endOffset - 3) terminator.pauseUs = null;
    const line = this.context.clientLine;
    pointAtDot(line, terminator);
    const index = this.addLine(END_OF_DATA_KIND, to.TO_END, line, null, early);
    this.writeMessage(facts, index);
    this.mode = COMMANDS;
    return end;
  }

  private beginChunk(argument: string | null, index: number, line: WireLine): void {
    const { size, last } = verb.parseBdat(argument);
    if (size < 0) return;
    if (this.message === null) this.beginMessage('BDAT', index, COMMANDS);
    const message = this.message!;
    message.lastChunk = last ? index : -1;
    this.remaining = size;
    this.mode = CHUNK;
    if (size === 0) this.endCounted(line, line.endOffset);
  }

  private takeCounted(chunk: StreamChunk, at: number): number {
    const end = Math.min(chunk.end, at + this.remaining);
    this.remaining -= end - at;
    const message = this.message;
    if (this.mode === CHUNK && message !== null) {
      if (!message.begun) this.writeBegin(message, chunk, chunk.offset + at - chunk.start);
      message.chunked(chunk, at, end);
    }
    if (this.remaining === 0) this.endCounted(chunk, chunk.offset + end - chunk.start);
    return end;
  }

  /** @param at  where the last octet was; null: in a gap */
  private endCounted(
    at: { frame: number; us: number; ns: number; digits: number } | null,
    endOffset: number,
  ): void {
    const message = this.mode === CHUNK ? this.message : null;
    this.mode = COMMANDS;
    if (message === null || message.lastChunk < 0) return;
    if (!message.begun && at !== null) this.writeBegin(message, at, endOffset);
    this.writeMessage(message.finishChunked(at, endOffset), message.lastChunk);
  }

  /** The message ends without its end having been seen. */
  protected abandonMessage(): void {
    if (this.message !== null) this.writeMessage(this.message.finish(), null);
  }

  private writeBegin(message: OpenMessage, at: MessagePlace, offset: number): void {
    message.noteBegun();
    const { log } = this;
    const exchange = message.commandExchange;
    if (exchange >= log.kept) return;
    const number = this.context.nextMessage();
    writeMessageBegin(log, message.transport, number, exchange, at, offset, log);
  }

  /** Also when the transcript is full: a message that begins in it ends in it. */
  private writeMessage(facts: MailDataFacts, end: number | null): void {
    const message = this.message!;
    const { log } = this;
    this.message = null;
    this.forget(NULL_SENDER);
    if (!message.begun || message.commandExchange >= log.kept) return;
    const keptEnd = end !== null && end < log.kept ? end : null;
    writeMessageEnd(log, facts, keptEnd, this.connection.serverPackets, log);
  }

  // Encryption.

  private takeAfterStarttls(chunk: StreamChunk, at: number): number {
    const octet = chunk.octets[at]!;
    if (this.remaining === 0) {
      if (octet === TLS_HANDSHAKE) {
        this.remaining = 1;
        return at + 1;
      }
      if (this.encryptedFrom !== 0) this.note(TLS_BROKEN);
      const plain = (octet >= 0x20 && octet < 0x7f) || (octet >= 0x09 && octet <= 0x0d);
      if (plain) this.mode = COMMANDS;
      else this.encrypted(chunk.frame);
      return at;
    }
    this.note(octet === TLS_MAJOR ? TLS_FOLLOWED : TLS_BROKEN);
    this.encrypted(chunk.frame);
    return chunk.end;
  }

  /** @param line  the 220 */
  protected expectTls(line: WireLine): void {
    this.encryptedFrom = line.lastFrame;
    this.tls = new OpenTls(this.connection, line.endOffset);
    this.forget(TLS_FOLLOWED | TLS_BROKEN);
    this.awaitTls();
    this.settleAs(AFTER_STARTTLS);
  }

  private awaitTls(): void {
    this.mode = AFTER_STARTTLS;
    this.remaining = 0;
  }

  protected clientGap(octets: number | null, offset: number, frame: number): void {
    switch (this.mode) {
      case OPAQUE:
        return;
      case WAITING:
        this.note(CLIENT_LOST);
        if (this.held!.awaited === to.TO_AUTH) this.remember('', false);
        this.context.held += this.held!.addGap(octets, offset, frame);
        return;
      case MAIL_DATA:
        this.missMailData(octets, offset, frame);
        return;
      case CHUNK:
      case BINARY:
        if (octets !== null && octets <= this.remaining) {
          this.remaining -= octets;
          if (this.mode === CHUNK) this.missMailData(octets, offset, frame);
          if (this.remaining === 0) this.endCounted(null, 0);
          return;
        }
        if (this.mode === CHUNK) this.missMailData(null, offset, frame);
        break;
      case AFTER_STARTTLS:
        this.encrypted(this.encryptedFrom);
        return;
    }
    if (this.mode === AUTH_RESPONSE) this.remember('', false);
    const insideLine = this.clientPartial !== null && this.mode === COMMANDS;
    this.abandonMessage();
    this.cutClientLine();
    this.log.clientGap(insideLine);
    this.mode = SEARCHING;
    this.remaining = 0;
    this.note(CLIENT_LOST | IN_AUTH);
  }

  private missMailData(octets: number | null, offset: number, frame: number): void {
    const { message } = this;
    if (message === null) return;
    if (!message.begun) this.writeBegin(message, { frame, us: Number.NaN, ns: 0, digits: 0 }, offset);
    message.noteBroken();
    message.gap(octets);
  }

  /** A gap begins inside a line. What there is of it gets a reply, and the verb may be there. */
  private cutClientLine(): void {
    const partial = this.clientPartial;
    this.clientPartial = null;
    if (partial === null || this.mode === SEARCHING) return;
    const line = this.context.clientLine;
    finishPartial(partial, line, false);
    const text = line.text();
    const known = /[ \t]/.test(text) && verb.parseCommand(text).known;
    if (this.mode === AUTH_RESPONSE || known) this.clientLine(line, false, false);
    else this.log.add(UNSEEN_KIND, to.TO_UNKNOWN, null, null, 'unverifiable', 0, false);
  }

  /** The server has answered: what the client began before lay in a gap. */
  protected resume(mode: number): void {
    this.abandonMessage();
    this.clientPartial = null;
    this.mode = mode;
  }

  protected closeClient(): void {
    this.note(CLOSING);
    this.settle(true);
    const partial = this.clientPartial;
    this.clientPartial = null;
    if (partial !== null && this.mode !== OPAQUE) {
      const line = this.context.clientLine;
      finishPartial(partial, line, false);
      this.clientLine(line, false, false);
    }
    this.abandonMessage();
    this.dropHeld();
    this.secrets?.release();
  }
}
