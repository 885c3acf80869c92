import type { Checksum } from '../wire/segment.js';
import type { WireLine } from './line-splitter.js';
import type { NoReply } from './session.js';
import type { Transcript } from './transcript.js';
import * as event from './transcript-event.js';

/** Exchanges of a session that are kept; one more than that many await a reply at most. */
export const MAX_EXCHANGES = 10_000;
export const MAX_REPLY_LINES = 1000;
/** Octets of transcript that a session may fill. */
export const MAX_TRANSCRIPT = 8 << 20;

/** What a reply is awaited for. */
export const TO_OTHER = 0;
export const TO_GREETING = 1;
export const TO_HELLO = 2;
export const TO_DATA = 3;
export const TO_AUTH = 4;
export const TO_STARTTLS = 5;
export const TO_XEXCH50 = 6;
/** 354 to XEXCH50 came; this is the answer to what followed. */
export const TO_BINARY = 7;
export const TO_QUIT = 8;
export const TO_END = 9;
export const TO_EMPTY = 10;
export const TO_UNKNOWN = 11;
/** A reply without a question. */
export const TO_UNSEEN = 12;

const GREETING_KIND = 0;
const UNSEEN_KIND = event.KINDS.indexOf('unseen');

/** A server's line as the pairing needs it. */
export interface ReplyLine {
  /** 0: none. */
  code: number;
  /** `250-`: another line follows. */
  more: boolean;
  /** Code and asterisk: what followed the code cannot be told. */
  maskedSeparator: boolean;
  /** Nothing but what a greeting's mask leaves. */
  greetingMask: boolean;
  /** Kept instead of the line's octets, or null. */
  text: string | null;
  checksum: Checksum;
}

/**
 * The exchanges of a session in order, which of them await a reply, and which reply answers which.
 *
 * Replies come in the order of what they answer, so that those awaited are always `[head, next)`. After a gap
 * a reply is attached only where its code leaves no choice (354 answers DATA); otherwise it becomes an
 * exchange of its own, `unseen`.
 */
export class ExchangeLog {
  /** Origin of frames and times: those of the first event. */
  frame = 0;
  us = 0;
  /** Exchanges so far, also those not kept. */
  next = 0;
  kept = 0;
  /** The oldest that awaits a reply. */
  head = 0;
  /** What the newest and, before it, the others await. */
  private newestAwaits = TO_OTHER;
  private queue: number[] | null = null;
  private queueAt = 0;
  /** Those before it may have been answered in a gap of the server's stream. */
  private suspectEnd = 0;
  /** Commands were lost in front of this one; -1: none. */
  private lostFrom = -1;
  /** At most the rest of a line whose beginning is known was lost. */
  private lostLittle = false;
  private uncertain = false;
  private heardSinceGap = false;
  private begun = false;
  /** The transcript is full: nothing more is kept. */
  full = false;

  /** The exchange whose reply has begun and not ended; -1: none. */
  private open = -1;
  private openHasUncoded = false;
  /** The newest reply. */
  private replyTo = -1;
  private replyAwaited = TO_OTHER;
  private replyCode = 0;
  private replyLines = 0;
  private droppedLines = 0;
  private replyComplete = false;
  private replyMasked = false;
  /** The client has sent nothing since the newest reply began. */
  private clientQuiet = true;

  /** What the newest line completed; -1: nothing. */
  answered = -1;
  answeredAwaited = TO_OTHER;
  answeredCode = 0;

  constructor(readonly transcript: Transcript) {}

  get pending(): number {
    return this.next - this.head;
  }

  /** Is a reply awaited that may still come? */
  get awaitsReply(): boolean {
    return this.next > Math.max(this.head, this.suspectEnd);
  }

  /** What the next line of the server answers: that of the open reply, or the oldest; -1: nothing. */
  get replyAwaits(): number {
    if (this.open >= 0) return this.replyAwaited;
    return this.pending > 0 ? this.awaits(this.head) : -1;
  }

  /** Will an exchange added now be kept? */
  get keepsNext(): boolean {
    return this.next === this.kept && this.kept < MAX_EXCHANGES && !this.isFull();
  }

  /** Would a server's line be kept, now? */
  get keepsReplyLine(): boolean {
    return !this.isFull() && (this.replyLines < MAX_REPLY_LINES || this.open < 0);
  }

  private isFull(): boolean {
    if (!this.full && this.transcript.length >= MAX_TRANSCRIPT) this.full = true;
    return this.full;
  }

  begin(frame: number, us: number): void {
    if (this.begun) return;
    this.begun = true;
    this.frame = frame;
    this.us = Number.isNaN(us) ? 0 : us;
  }

  /**
   * Adds an exchange, which awaits a reply.
   *
   * @param kind  index into KINDS
   * @param early  it was sent while a reply was awaited
   * @returns its index
   */
  add(
    kind: number,
    awaits: number,
    line: WireLine | null,
    text: string | null,
    checksum: Checksum,
    serverPackets: number,
    early: boolean,
  ): number {
    if (this.suspectEnd > this.head) {
      // A client sends the next command when it has the reply: it lay in the gap.
      this.giveUp(Math.min(this.suspectEnd, this.next), 'gap');
    }
    this.suspectEnd = 0;
    if (this.pending === 0 && this.heardSinceGap) {
      if (this.lostLittle) this.lostFrom = -1;
      if (this.lostFrom < 0) this.uncertain = false;
    }
    if (this.pending >= MAX_EXCHANGES) {
      this.giveUp(this.next, 'limit');
      this.clientGap(false);
    }
    const pipelined = early || this.pending > 0;
    if (this.keepsNext) {
      this.kept++;
      const { transcript } = this;
      const flags = (pipelined ? event.PIPELINED : 0) | (this.uncertain ? event.AFTER_GAP : 0);
      transcript.octet(event.EXCHANGE | (kind << 3) | flags);
      transcript.number(line === null ? 0 : line.segments);
      if (line !== null) {
        transcript.number(serverPackets);
        event.writeLine(transcript, line, text, checksum, this);
      }
    }
    if (this.pending > 0) {
      this.queue ??= [];
      this.queue.push(this.newestAwaits);
    }
    this.newestAwaits = awaits;
    if (kind !== GREETING_KIND && kind !== UNSEEN_KIND) this.clientQuiet = false;
    return this.next++;
  }

  /** Takes one line of the server. Sets `answered`, and what was answered with which code. */
  reply(line: WireLine, reply: ReplyLine, whole: boolean): void {
    this.answered = -1;
    // Of a line that was cut, four octets tell its code and that no other follows.
    const last = reply.code !== 0 && !reply.more && (whole || line.total > 3);
    const complete = last && whole;
    if (this.open >= 0) {
      if (this.goesOn(reply)) {
        this.append(line, reply, complete);
        if (reply.code === 0) this.openHasUncoded = true;
        else if (last) this.complete();
        return;
      }
      this.open = -1;
    }
    if (this.joinsLast(reply)) {
      this.append(line, reply, this.replyComplete);
      return;
    }
    if (reply.code === 0) {
      if (line.total === 0) return;
      if (this.pending === 0 && this.replyTo >= 0 && this.clientQuiet && !this.uncertain) {
        this.append(line, reply, this.replyComplete);
        return;
      }
    }
    this.start(line, reply, last || (whole && reply.code === 0), whole);
  }

  /** Does the line belong to the reply that has begun? */
  private goesOn(reply: ReplyLine): boolean {
    if (reply.code === 0) return true;
    if (this.pending > 0) return reply.code === this.replyCode && !this.openHasUncoded;
    return Math.floor(reply.code / 100) === Math.floor(this.replyCode / 100);
  }

  /** A mask can hide the code or the hyphen of a greeting's later lines. */
  private joinsLast(reply: ReplyLine): boolean {
    return (
      this.replyAwaited === TO_GREETING &&
      this.replyMasked &&
      this.clientQuiet &&
      reply.greetingMask &&
      (reply.code === 0 || reply.maskedSeparator)
    );
  }

  private start(line: WireLine, reply: ReplyLine, last: boolean, whole: boolean): void {
    this.flushDropped();
    const complete = last && whole;
    let index = this.choose(reply);
    let awaited = TO_UNSEEN;
    if (index < 0) {
      index = this.add(UNSEEN_KIND, TO_UNSEEN, null, null, 'unverifiable', 0, false);
      this.head = this.next;
    } else awaited = this.take();
    const { code } = reply;
    const intermediate =
      (code === 354 && (awaited === TO_DATA || awaited === TO_XEXCH50)) ||
      (code === 334 && awaited === TO_AUTH);
    if (intermediate && awaited === TO_XEXCH50) this.awaitAgain(index);
    this.replyTo = index;
    this.replyAwaited = awaited;
    this.replyCode = code;
    this.replyLines = 0;
    this.replyMasked = reply.greetingMask;
    this.clientQuiet = true;
    this.open = last ? -1 : index;
    this.openHasUncoded = false;
    this.heardSinceGap = true;
    this.replyComplete = complete;
    if (index < this.kept && !this.isFull()) {
      this.replyLines = 1;
      const { transcript } = this;
      transcript.octet(
        event.REPLY | (intermediate ? event.INTERMEDIATE : 0) | (complete ? event.COMPLETE : 0),
      );
      transcript.number(index);
      transcript.number(code);
      event.writeLine(transcript, line, reply.text, reply.checksum, this);
    }
    if (last) this.complete();
  }

  private append(line: WireLine, reply: ReplyLine, complete: boolean): void {
    this.replyComplete = complete;
    if (this.replyTo >= this.kept || this.isFull()) return;
    if (this.replyLines >= MAX_REPLY_LINES) {
      this.droppedLines++;
      return;
    }
    this.replyLines++;
    this.transcript.octet(event.MORE | (complete ? event.COMPLETE : 0));
    event.writeLine(this.transcript, line, reply.text, reply.checksum, this);
  }

  private complete(): void {
    this.open = -1;
    this.answered = this.replyTo;
    this.answeredAwaited = this.replyAwaited;
    this.answeredCode = this.replyCode;
  }

  private flushDropped(): void {
    if (this.droppedLines === 0) return;
    this.transcript.octet(event.DROPPED_LINES | (this.replyComplete ? event.COMPLETE : 0));
    this.transcript.number(this.droppedLines);
    this.droppedLines = 0;
  }

  /** The exchange that the reply answers, now at the head; -1 when that cannot be told. */
  private choose(reply: ReplyLine): number {
    const lostFrom = this.lostFrom;
    this.lostFrom = -1;
    if (this.suspectEnd > this.head) {
      const exact = this.exactly(reply.code);
      if (exact < 0) this.giveUp(this.suspectEnd, 'gap');
      else this.giveUp(exact, 'gap');
      this.suspectEnd = 0;
      if (exact >= 0) return exact;
      // Whatever it answers, it is one of those given up.
      if (this.pending > 0) this.giveUp(this.next, 'gap');
      return -1;
    }
    this.suspectEnd = 0;
    if (this.pending === 0) {
      if (lostFrom >= 0) this.heardSinceGap = false;
      return -1;
    }
    if (lostFrom >= 0) {
      if (this.head < lostFrom) {
        // Sent before the gap: replies come in order.
        this.lostFrom = lostFrom;
      } else {
        const exact =
          reply.more && reply.code === 250 && this.newestAwaits === TO_HELLO
            ? this.next - 1
            : this.exactly(reply.code);
        this.giveUp(exact < 0 ? this.next : exact, 'gap');
        if (exact < 0) this.heardSinceGap = false;
        return exact;
      }
    }
    while (this.pending > 1 && !couldAnswer(this.awaits(this.head), reply.code)) {
      const exact = this.exactly(reply.code);
      const awaited = this.awaits(this.head);
      if (exact < 0 && awaited !== TO_EMPTY && awaited !== TO_GREETING) break;
      this.giveUp(exact > this.head ? exact : this.head + 1, 'next');
    }
    return this.head;
  }

  /** The first awaiting exchange that only such a code answers; -1: none. */
  private exactly(code: number): number {
    for (let index = this.head; index < this.next; index++) {
      if (answersOnly(this.awaits(index), code)) return index;
    }
    return -1;
  }

  private awaits(index: number): number {
    if (index === this.next - 1) return this.newestAwaits;
    return this.queue![this.queueAt + index - this.head]!;
  }

  /** Takes the head off; returns what it awaited. */
  private take(): number {
    const awaited = this.awaits(this.head);
    this.advance(this.head + 1);
    return awaited;
  }

  private advance(head: number): void {
    this.queueAt += head - this.head;
    this.head = head;
    if (this.pending <= 1) {
      this.queue = null;
      this.queueAt = 0;
    } else if (this.queueAt > 1000) {
      this.queue = this.queue!.slice(this.queueAt);
      this.queueAt = 0;
    }
  }

  /** After 354 the same exchange awaits its final reply. */
  private awaitAgain(index: number): void {
    if (this.pending === 0) this.newestAwaits = TO_BINARY;
    else {
      this.queue = [TO_BINARY, ...(this.queue?.slice(this.queueAt) ?? [])];
      this.queueAt = 0;
    }
    this.head = index;
  }

  /** Those before `end` get no reply. */
  giveUp(end: number, cause: NoReply): void {
    const last = Math.min(end, this.kept);
    if (last > this.head && !this.isFull()) {
      this.transcript.octet(event.NO_REPLY | (event.CAUSES.indexOf(cause) << 3));
      this.transcript.number(this.head);
      this.transcript.number(last - this.head);
    }
    if (end > this.head) this.advance(end);
  }

  /** Octets of the client are absent. `little`: in all likelihood the rest of the newest line only. */
  clientGap(little: boolean): void {
    this.lostFrom = this.next;
    this.lostLittle = little;
    this.uncertain = true;
    this.heardSinceGap = false;
  }

  /** Octets of the server are absent. */
  serverGap(): void {
    this.open = -1;
    this.suspectEnd = this.next;
    this.uncertain = true;
    this.heardSinceGap = false;
  }

  /** A reply that was cut does not go on. */
  cutReply(): void {
    this.open = -1;
  }

  close(): void {
    this.flushDropped();
    this.queue = null;
  }
}

/** RFC 5321 §4.3.2, RFC 4954 §4, RFC 3207 §4: codes that only one command is answered with. */
function answersOnly(awaited: number, code: number): boolean {
  switch (code) {
    case 354:
      return awaited === TO_DATA || awaited === TO_XEXCH50;
    case 334:
    case 235:
    case 535:
      return awaited === TO_AUTH;
    case 221:
      return awaited === TO_QUIT;
    case 220:
      return awaited === TO_STARTTLS || awaited === TO_GREETING;
    default:
      return false;
  }
}

function couldAnswer(awaited: number, code: number): boolean {
  if (awaited === TO_GREETING) return code === 220 || code === 0 || code >= 400;
  if (awaited === TO_EMPTY) return code === 0 || code >= 500;
  if (awaited === TO_UNKNOWN || awaited === TO_UNSEEN) return true;
  switch (code) {
    case 354:
    case 334:
    case 235:
    case 221:
    case 220:
      return answersOnly(awaited, code);
    default:
      return true;
  }
}
