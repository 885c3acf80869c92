import * as to from '../smtp/expected-reply.js';
import type { WireLine } from '../smtp/line-splitter.js';
import type { NoReply } from '../smtp/session.js';
import type { Checksum } from '../wire/segment.js';
import { FULL, OWN_BITS } from './session-bits.js';
import type { Chain, TranscriptStore } from './transcript.js';
import * as event from './transcript-event.js';

/** Exchanges of a session that are kept; as many await a reply at most. */
export const MAX_EXCHANGES = 10_000;
export const MAX_REPLY_LINES = 1000;
/** Octets of transcript that a session may fill. */
export const MAX_TRANSCRIPT = 8 << 20;

/** Awaiting exchanges looked at for the one that a code answers: each reply of a hostile server costs so much. */
const MAX_SEARCHED = 512;

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

/** What is not certain any more after octets were lost. */
class Doubt {
  /** Those before it may have been answered in a gap of the server's stream. */
  suspectEnd = 0;
  /** Commands were lost in front of this one; -1: none. */
  lostFrom = -1;
  /** At most the rest of a line whose beginning is known was lost. */
  lostLittle = false;
  /** A reply has come since. */
  heard = false;
}

/** Beside FULL. */
const REPLY_OPEN = 1 << OWN_BITS;
/** The newest reply: a line without a code is in it; its last line came; it looks like a masked greeting. */
const REPLY_UNCODED = 1 << (OWN_BITS + 1);
const REPLY_COMPLETE = 1 << (OWN_BITS + 2);
const REPLY_MASKED = 1 << (OWN_BITS + 3);
/** The client has sent a command since the newest reply began. */
const CLIENT_SPOKE = 1 << (OWN_BITS + 4);

/**
 * The exchanges of a session in order, which of them await a reply, and which reply answers which.
 *
 * Replies come in the order of what they answer, so that those awaited are always `[head, next)`. After a gap
 * a reply is attached only where its code leaves no choice (354 answers DATA); otherwise it becomes an
 * exchange of its own, `unseen`.
 *
 * There may be hundreds of thousands of these: booleans are bits, and what is rare is made when needed.
 */
export class ExchangeLog implements Chain, event.Origin {
  first = -1;
  last = -1;
  length = 0;
  /** Origin of frames and times: those of the first event. */
  frame = -1;
  us = 0;
  /** Exchanges so far, also those not kept. */
  next = 0;
  kept = 0;
  /** The oldest that awaits a reply. */
  head = 0;
  /** What the newest awaits. */
  private newestAwaits = to.TO_OTHER;
  /** What the others await, when there are others. */
  private queue: number[] | null = null;
  private doubt: Doubt | null = null;
  private bits = 0;
  /** The newest reply: the exchange that it answers, what that awaited, its code. */
  replyTo = -1;
  replyAwaited = to.TO_OTHER;
  replyCode = 0;
  private replyLines = 0;

  constructor(private readonly store: TranscriptStore) {}

  get pending(): number {
    return this.next - this.head;
  }

  /** The transcript is full: nothing more is kept. */
  get full(): boolean {
    if ((this.bits & FULL) === 0 && this.length >= MAX_TRANSCRIPT) this.bits |= FULL;
    return (this.bits & FULL) !== 0;
  }

  /** Is a reply awaited that may still come? */
  get awaitsReply(): boolean {
    return this.next > Math.max(this.head, this.doubt?.suspectEnd ?? 0);
  }

  /** What the next line of the server answers: that of the open reply, or the oldest; -1: nothing. */
  get replyAwaits(): number {
    if (this.bits & REPLY_OPEN) return this.replyAwaited;
    return this.pending > 0 ? this.awaits(this.head) : -1;
  }

  /** Will an exchange added now be kept? */
  get keepsNext(): boolean {
    return this.next === this.kept && this.kept < MAX_EXCHANGES && !this.full;
  }

  /** May a server's line with this code be kept, now? */
  keepsReplyLine(code: number): boolean {
    if (this.replyLines < MAX_REPLY_LINES) return !this.full;
    const goesOn = (this.bits & REPLY_OPEN) !== 0 || (code === 0 && this.pending === 0);
    return !goesOn && !this.full;
  }

  begin(frame: number, us: number): void {
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
    if (this.doubt !== null) this.easeDoubt(this.doubt);
    if (this.pending >= MAX_EXCHANGES) {
      this.giveUp(this.next, 'limit');
      this.clientGap(false);
    }
    const pipelined = early || this.pending > 0;
    if (this.keepsNext) {
      this.kept++;
      const { store } = this;
      const flags = (pipelined ? event.PIPELINED : 0) | (this.doubt !== null ? event.AFTER_GAP : 0);
      store.octet(event.EXCHANGE | (kind << 3) | flags);
      store.number(line === null ? 0 : line.segments);
      if (line !== null) {
        store.number(serverPackets);
        this.stageLine(line, text, checksum);
      }
      store.commit(this);
    }
    if (this.pending > 0) {
      this.queue ??= [];
      this.queue.push(this.newestAwaits);
    }
    this.newestAwaits = awaits;
    if (kind !== event.GREETING_KIND && kind !== event.UNSEEN_KIND) this.bits |= CLIENT_SPOKE;
    return this.next++;
  }

  /** A client that waited for what it lacked has got it: the next command is certain again. */
  private easeDoubt(doubt: Doubt): void {
    // A client sends the next command when it has the reply: it lay in the gap.
    if (doubt.suspectEnd > this.head) this.giveUp(Math.min(doubt.suspectEnd, this.next), 'gap');
    doubt.suspectEnd = 0;
    if (this.pending > 0 || !doubt.heard) return;
    if (doubt.lostLittle) doubt.lostFrom = -1;
    if (doubt.lostFrom < 0) this.doubt = null;
  }

  /**
   * Takes one line of the server.
   *
   * @returns it completed the newest reply
   */
  reply(line: WireLine, reply: ReplyLine, whole: boolean): boolean {
    // Of a line that was cut, four octets tell its code and that no other follows.
    const last = reply.code !== 0 && !reply.more && (whole || line.total > 3);
    const complete = last && whole;
    if (this.bits & REPLY_OPEN) {
      if (this.goesOn(reply)) {
        this.append(line, reply, complete);
        if (reply.code === 0) {
          this.bits |= REPLY_UNCODED;
          return false;
        }
        if (last) this.bits &= ~REPLY_OPEN;
        return last;
      }
      this.bits &= ~REPLY_OPEN;
    }
    const joins = reply.code === 0 ? line.total === 0 || this.joinsUncoded(reply) : this.joinsMasked(reply);
    if (!joins) return this.start(line, reply, last || (whole && reply.code === 0), whole);
    if (line.total > 0) this.append(line, reply, (this.bits & REPLY_COMPLETE) !== 0);
    return false;
  }

  /** Does the line belong to the reply that has begun? */
  private goesOn(reply: ReplyLine): boolean {
    if (reply.code === 0) return true;
    if (this.pending > 0) return reply.code === this.replyCode && (this.bits & REPLY_UNCODED) === 0;
    return Math.floor(reply.code / 100) === Math.floor(this.replyCode / 100);
  }

  /** A line without a code where none is awaited goes on with what was said. */
  private joinsUncoded(reply: ReplyLine): boolean {
    if (reply.greetingMask && this.followsMaskedGreeting) return true;
    return this.pending === 0 && this.replyTo >= 0 && (this.bits & CLIENT_SPOKE) === 0 && this.doubt === null;
  }

  /** A mask can hide the hyphen of a greeting's lines. */
  private joinsMasked(reply: ReplyLine): boolean {
    return reply.maskedSeparator && reply.greetingMask && this.followsMaskedGreeting;
  }

  private get followsMaskedGreeting(): boolean {
    return (
      this.replyAwaited === to.TO_GREETING && (this.bits & (REPLY_MASKED | CLIENT_SPOKE)) === REPLY_MASKED
    );
  }

  /** Begins a reply; returns whether this line is its last. */
  private start(line: WireLine, reply: ReplyLine, last: boolean, whole: boolean): boolean {
    this.flushDropped();
    const complete = last && whole;
    let index = this.choose(reply);
    let awaited = to.TO_UNSEEN;
    if (index < 0) {
      index = this.add(event.UNSEEN_KIND, to.TO_UNSEEN, null, null, 'unverifiable', 0, false);
      this.head = this.next;
    } else awaited = this.take();
    const { code } = reply;
    const intermediate =
      (code === 354 && (awaited === to.TO_DATA || awaited === to.TO_XEXCH50)) ||
      (code === 334 && awaited === to.TO_AUTH);
    if (intermediate && awaited === to.TO_XEXCH50) this.awaitAgain(index);
    this.replyTo = index;
    this.replyAwaited = awaited;
    this.replyCode = code;
    this.replyLines = 0;
    this.bits &= FULL;
    if (!last) this.bits |= REPLY_OPEN;
    if (complete) this.bits |= REPLY_COMPLETE;
    if (reply.greetingMask) this.bits |= REPLY_MASKED;
    if (this.doubt !== null) this.doubt.heard = true;
    if (index < this.kept && !this.full) {
      this.replyLines = 1;
      const { store } = this;
      const toNewest = index === this.kept - 1;
      const codeInText = reply.text === null;
      store.octet(
        event.REPLY |
          (intermediate ? event.INTERMEDIATE : 0) |
          (complete ? event.COMPLETE : 0) |
          (toNewest ? event.TO_NEWEST : 0) |
          (codeInText ? event.CODE_IN_TEXT : 0),
      );
      if (!toNewest) store.number(index);
      if (!codeInText) store.number(code);
      this.stageLine(line, reply.text, reply.checksum);
      store.commit(this);
    }
    return last;
  }

  private append(line: WireLine, reply: ReplyLine, complete: boolean): void {
    if (complete) this.bits |= REPLY_COMPLETE;
    if (this.replyTo >= this.kept || this.full) return;
    if (++this.replyLines > MAX_REPLY_LINES) return;
    const { store } = this;
    store.octet(event.MORE | (complete ? event.COMPLETE : 0));
    this.stageLine(line, reply.text, reply.checksum);
    store.commit(this);
  }

  private stageLine(line: WireLine, text: string | null, checksum: Checksum): void {
    event.stageLine(this.store, this, line, text, checksum, this);
  }

  private flushDropped(): void {
    const dropped = this.replyLines - MAX_REPLY_LINES;
    this.replyLines = 0;
    if (dropped <= 0) return;
    const { store } = this;
    store.octet(event.DROPPED_LINES | (this.bits & REPLY_COMPLETE ? event.COMPLETE : 0));
    store.number(dropped);
    store.commit(this);
  }

  /** The exchange that the reply answers, now at the head; -1 when that cannot be told. */
  private choose(reply: ReplyLine): number {
    const { doubt } = this;
    if (doubt !== null) {
      const { lostFrom } = doubt;
      if (doubt.suspectEnd > this.head) return this.chooseSuspect(doubt, reply.code);
      if (lostFrom >= 0 && this.head >= lostFrom) return this.chooseAfterLoss(doubt, reply);
    }
    if (this.pending === 0) return -1;
    while (this.pending > 1 && !to.couldAnswer(this.awaits(this.head), reply.code)) {
      const exact = this.exactly(reply.code);
      const awaited = this.awaits(this.head);
      const passedOver = awaited === to.TO_TEXT && this.newestAwaits !== to.TO_TEXT;
      if (exact < 0 && !passedOver && awaited !== to.TO_EMPTY && awaited !== to.TO_GREETING) break;
      this.giveUp(exact > this.head ? exact : this.head + 1, 'next');
    }
    return this.head;
  }

  /** Replies were lost: which of those awaited is this? */
  private chooseSuspect(doubt: Doubt, code: number): number {
    const exact = this.exactly(code);
    // Whatever it answers, it is one of those given up.
    this.giveUp(exact < 0 ? this.next : exact, 'gap');
    doubt.suspectEnd = 0;
    if (exact < 0 || exact >= doubt.lostFrom) doubt.lostFrom = -1;
    return exact;
  }

  /** Commands were lost in front of all that await: is it for them? */
  private chooseAfterLoss(doubt: Doubt, reply: ReplyLine): number {
    const hello = reply.more && reply.code === 250 && this.newestAwaits === to.TO_HELLO;
    const exact = this.pending === 0 ? -1 : hello ? this.next - 1 : this.exactly(reply.code);
    doubt.lostFrom = -1;
    doubt.heard = false;
    this.giveUp(exact < 0 ? this.next : exact, 'gap');
    return exact;
  }

  /** The first awaiting exchange that only such a code answers; -1: none, or too far away. */
  private exactly(code: number): number {
    if (!to.isDecisive(code)) return -1;
    const end = Math.min(this.next, this.head + MAX_SEARCHED);
    for (let index = this.head; index < end; index++) {
      if (to.answersOnly(this.awaits(index), code)) return index;
    }
    return -1;
  }

  /** The queue ends in front of the newest. */
  private awaits(index: number): number {
    const before = this.next - 1 - index;
    return before === 0 ? this.newestAwaits : this.queue![this.queue!.length - before]!;
  }

  /** Takes the head off; returns what it awaited. */
  private take(): number {
    const awaited = this.awaits(this.head);
    this.advance(this.head + 1);
    return awaited;
  }

  private advance(head: number): void {
    this.head = head;
    if (this.queue === null) return;
    if (this.pending <= 1) this.queue = null;
    else if (this.queue.length > 1000 + 2 * this.pending) this.queue = this.queue.slice(1 - this.pending);
  }

  /** After 354 the same exchange awaits its final reply. */
  private awaitAgain(index: number): void {
    this.head = index;
    const others = this.pending - 1;
    if (others === 0) this.newestAwaits = to.TO_BINARY;
    else this.queue = [to.TO_BINARY, ...(this.queue?.slice(this.queue.length - others + 1) ?? [])];
  }

  /** Those before `end` get no reply. */
  giveUp(end: number, cause: NoReply): void {
    const last = Math.min(end, this.kept);
    if (last > this.head && !this.full) {
      const { store } = this;
      store.octet(event.NO_REPLY | (event.CAUSES.indexOf(cause) << 3));
      store.number(this.head);
      store.number(last - this.head);
      store.commit(this);
    }
    if (end > this.head) this.advance(end);
  }

  /** Octets of the client are absent. `little`: in all likelihood the rest of the newest line only. */
  clientGap(little: boolean): void {
    this.doubt ??= new Doubt();
    this.doubt.lostFrom = this.next;
    this.doubt.lostLittle = little;
    this.doubt.heard = false;
  }

  /** Octets of the server are absent. */
  serverGap(): void {
    this.bits &= ~REPLY_OPEN;
    this.doubt ??= new Doubt();
    this.doubt.suspectEnd = this.next;
    this.doubt.heard = false;
  }

  /** A reply that was cut does not go on. */
  cutReply(): void {
    this.bits &= ~REPLY_OPEN;
  }

  close(): void {
    this.flushDropped();
  }
}
