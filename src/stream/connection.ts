import { ACK, FIN, RST, SYN, type TcpSegment } from '../wire/segment.js';
import { type Assembler, Origin } from './assembler.js';
import { BehindReset } from './behind-reset.js';
import { ConnectionFacts } from './connection-facts.js';
import { CLIENT_SUMS_RIGHT, SERVER_SUMS_RIGHT } from './connection-numbers.js';
import * as column from './connection-rows.js';
import type { CloseReason, GapCause } from './event.js';
import { sideOf } from './flow-table.js';
import { MAX_ACK_LEAD, MAX_AHEAD, PATIENCE_SEGMENTS, PATIENCE_US, RESET_WINDOW } from './limits.js';
import { advance, distance } from './sequence.js';
import { isOneStack, isOtherClock, STAMPED } from './server-stack.js';
import { hasOtherOptions, packOffer, sackBlocks, timestampsAgreed, tsvalOf } from './tcp-facts.js';
import { HeldSegment, Waiting } from './waiting.js';

/** A SYN-ACK may acknowledge this much data in the SYN (RFC 7413). */
const MAX_SYN_DATA = 1 << 16;

/** What is larger may soon be beyond 32 bits. */
const LARGE = 2 ** 30;

/**
 * One TCP connection as a witness sees it: two directions, and what each tells of the other. RFC 9293 §3.10.
 *
 * An acknowledgement proves what the other side sent, captured or not. So a segment that acknowledges octets which
 * were not seen yet waits until they come or are known to be missing: a reply is never heard in front of its
 * command, though packets were captured in that order.
 */
export class Connection extends ConnectionFacts {
  /** The two directions: valid until those of another connection are asked for. */
  get fromClient(): Assembler {
    return this.context.client.of(this);
  }

  get fromServer(): Assembler {
    return this.context.server.of(this);
  }

  /** The SYN belongs to another connection between the same two endpoints, a later one. */
  isReusedBy(s: TcpSegment, isClient: boolean): boolean {
    const from = isClient ? this.fromClient : this.fromServer;
    const to = isClient ? this.fromServer : this.fromClient;
    if (from.packets + to.packets === 0) return false;
    if (from.origin > Origin.ACKNOWLEDGED && from.isn === s.seq) return false;
    if ((s.flags & ACK) === 0) {
      // Both sides may open at once. RFC 9293 §3.5, figure 7.
      const simultaneous = from.origin <= Origin.ACKNOWLEDGED && to.origin === Origin.SYN && to.offset === 0;
      return !simultaneous;
    }
    if (!to.known || acknowledgesSyn(s, to)) return false;
    return from.known ? from.origin > Origin.ACKNOWLEDGED : to.origin !== Origin.SYN;
  }

  /** Takes in a segment of this connection. */
  segment(s: TcpSegment, isClient: boolean): void {
    if (this.isReset) this.#afterReset(s, isClient);
    else if (this.context.doubts(s) && this.#isThrownAway(s, isClient)) this.#doubt(s, isClient);
    else if (!this.#fast(s, isClient)) this.#slow(s, isClient);
  }

  /** No receiver takes a wrong checksum (RFC 9293 §3.1). Where a network card puts it right, all of its sender's are wrong. */
  #isThrownAway(s: TcpSegment, isClient: boolean): boolean {
    const verdict = this.context.checksum(s);
    const right = isClient ? CLIENT_SUMS_RIGHT : SERVER_SUMS_RIGHT;
    const receiver = isClient ? column.FIRST_OF.server : column.FIRST_OF.client;
    if (verdict === 'valid') this.wholes[this.wholeAt + column.FLAGS]! |= right;
    // Without a packet of the receiver nobody can say what it took.
    const isHeard = this.wholes[this.wholeAt + receiver + column.PACKETS]! !== 0;
    return verdict === 'invalid' && (this.flags & right) !== 0 && isHeard;
  }

  /** Takes in a segment that its receiver will hardly have taken: its octets wait for a better copy, or for an acknowledgement. */
  #doubt(s: TcpSegment, isClient: boolean): void {
    const from = isClient ? this.fromClient : this.fromServer;
    from.packets++;
    this.seen(s);
    const ahead = from.known ? distance(s.seq, from.next) : -1;
    // Without a packet of the receiver nobody can say what it took.
    if (s.length === 0 || ahead < 0 || ahead > MAX_AHEAD || (s.flags & (SYN | RST)) !== 0) {
      this.context.thrownAway++;
      return;
    }
    this.#hold(s, from, from.offset + ahead, s.start, s.end - s.start, s.length, 0, true);
  }

  /**
   * Takes in what nearly all segments are: the next octets of their direction, or an acknowledgement of octets that were
   * delivered, where nothing waits. Does what `#slow` would, with the row at hand: that took 100 ns longer.
   *
   * @returns false: it is another one, and nothing was done
   */
  #fast(s: TcpSegment, isClient: boolean): boolean {
    if ((s.flags & (ACK | SYN | FIN | RST)) !== ACK || hasOtherOptions(s)) return false;
    if (this.clientWaiting !== null || this.serverWaiting !== null || this.wide !== null) return false;
    const { wholes, wholeAt } = this;
    const from = wholeAt + (isClient ? column.FIRST_OF.client : column.FIRST_OF.server);
    const to = wholeAt + (isClient ? column.FIRST_OF.server : column.FIRST_OF.client);
    if (wholes[from + column.ORIGIN] === Origin.UNKNOWN || wholes[to + column.ORIGIN] === Origin.UNKNOWN)
      return false;
    const lead = distance(s.ack, wholes[to + column.NEXT]!);
    const packets = wholes[from + column.PACKETS]!;
    if (lead > 0 || wholes[from + column.FIN_OFFSET]! >= 0 || packets >= LARGE) return false;
    const { length, start, end, seq } = s;
    const offset = wholes[from + column.OFFSET]!;
    if (seq !== wholes[from + column.NEXT]) return false;
    if (length > 0) {
      const mss = wholes[wholeAt + (isClient ? column.SERVER_OFFER : column.CLIENT_OFFER)]! & 0xffff;
      if (end - start !== length || length > mss || offset >= LARGE) return false;
    }
    if (!isClient) {
      this.serverSpoke(s);
      this.#compareStack(s);
    } else if (this.clientHopLimit < 0) this.clientHopLimit = s.hopLimit;
    wholes[from + column.PACKETS] = packets + 1;
    this.seen(s);
    const acked = wholes[to + column.OFFSET]! + lead;
    if (acked > wholes[to + column.ACKED]!) wholes[to + column.ACKED] = acked;
    if (length === 0) return true;
    const { context } = this;
    const newest = wholes[from + column.RECENT]!;
    wholes[from + column.RECENT] = context.recent.note(newest, seq, s.octets, start, end, s.tcpStart);
    wholes[from + column.NEXT] = advance(seq, length);
    wholes[from + column.OFFSET] = offset + length;
    context.deliver(isClient ? 'client' : 'server', offset, start, end, this.listener);
    return true;
  }

  #slow(s: TcpSegment, isClient: boolean): void {
    const from = isClient ? this.fromClient : this.fromServer;
    const to = isClient ? this.fromServer : this.fromClient;
    const { flags } = s;
    if (isClient) {
      if (this.clientHopLimit < 0) this.clientHopLimit = s.hopLimit;
    } else {
      this.serverSpoke(s);
      this.#compareStack(s);
    }
    from.packets++;
    this.seen(s);
    let seq = s.seq;
    if (s.length === 0 && this.#isThrownAway(s, isClient)) {
      this.context.thrownAway++;
      return;
    }
    if ((flags & (SYN | RST)) !== 0) {
      if ((flags & RST) !== 0) {
        this.#reset(s, from, to);
        return;
      }
      if (!this.#synchronize(s, from, to)) {
        this.stray();
        return;
      }
      seq = advance(seq, 1);
    }
    let after = 0;
    if ((flags & ACK) !== 0) {
      if (to.known) {
        if (to.waiting?.believe(to.offset + distance(s.ack, to.next))) this.#drain();
        const lead = distance(s.ack, to.next);
        if (lead > 0) after = this.#acknowledgeAhead(s, to, lead);
        else if (to.offset + lead > to.acked) to.acked = to.offset + lead;
      } else if (from.origin === Origin.SYN) {
        // The SYN-ACK was not captured, but this side tells what it held.
        to.begin(advance(s.ack, -1), Origin.ACKNOWLEDGED);
      }
      if (from.waiting !== null) this.#prove(s, from, from.waiting);
      if (to.waiting !== null) heard(s, to, to.waiting);
      if (hasOtherOptions(s) && (flags & SYN) === 0 && to.origin === Origin.SYN) this.#sack(s, to);
    }
    const { length } = s;
    if (from.known && (flags & SYN) === 0) this.#claim(s, from);
    if (length > 0) {
      const mss = (isClient ? this.serverOffer : this.clientOffer) & 0xffff;
      if (length > mss && s.lengthClaimed)
        this.oversize(s, from, from.offset + distance(seq, from.next), mss);
      if (
        seq === from.next &&
        after === 0 &&
        from.waiting === null &&
        from.known &&
        from.finOffset < 0 &&
        s.end - s.start === length
      ) {
        this.#deliver(s, from, s.start, s.end);
      } else {
        this.#take(s, from, seq, after);
      }
    }
    if ((flags & FIN) !== 0) this.#finish(s, from, advance(seq, length));
    if (from.waiting !== null || to.waiting !== null) this.#resolve(s);
    if (from.finAcked && to.finAcked && from.finished && to.finished) this.close('fin');
  }

  /** Delivers or declares missing all that waits, and says goodbye. */
  close(reason: CloseReason): void {
    if (!this.isOpen) return;
    if (this.isReset) {
      const behind = this.behindReset!;
      // Several packets, since one may have been captured out of order.
      if (behind.wentOn !== 0 && behind.wentOnCount > 1) this.forgedReset(behind.forged(null));
      this.behindReset = null;
      this.#flush();
      this.closeFor('rst');
      return;
    }
    this.#flush();
    const finished = this.fromClient.finOffset >= 0 && this.fromServer.finOffset >= 0;
    this.closeFor(finished ? 'fin' : reason);
  }

  /** RFC 9293 §3.10.7.2-3: what a SYN or SYN-ACK fixes. False: it is none of this connection. */
  #synchronize(s: TcpSegment, from: Assembler, to: Assembler): boolean {
    const isReply = (s.flags & ACK) !== 0;
    if (isReply && to.origin === Origin.SYN && !acknowledgesSyn(s, to)) return false;
    if (!from.known) {
      from.begin(s.seq, Origin.SYN);
    } else if (from.isn !== s.seq) {
      if (from.offset !== 0 || from.waiting !== null) return false;
      from.begin(s.seq, Origin.SYN);
      from.acked = 0;
    }
    from.origin = Origin.SYN;
    if (isReply) {
      if (!this.synAckSeen && this.synSeen) this.handshakeUs = this.sinceStart(s.us);
      this.synAckFrame = s.frame;
      this.serverOffer = packOffer(s);
      if (timestampsAgreed(this.clientOffer, this.serverOffer)) {
        this.serverStack = s.hopLimit | STAMPED;
        this.serverTsval = Math.max(tsvalOf(s), 0) | 0;
      }
      if (!to.known) to.begin(advance(s.ack, -1), Origin.SEEN);
    } else {
      if (this.synSeen) this.synAgain(s);
      this.synIsSeen();
      this.clientOffer = packOffer(s);
      this.clientTsval = Math.max(tsvalOf(s), 0) | 0;
    }
    return true;
  }

  #compareStack(s: TcpSegment): void {
    const { flags } = s;
    if (!isOneStack(this, s)) {
      const otherClock = (flags & (SYN | RST)) === 0 && isOtherClock(this, s);
      this.otherStack(s, offsetOf(s, this.fromServer), (flags & RST) !== 0, otherClock);
    } else if ((flags & (SYN | RST)) === 0) {
      this.ownStack(s);
    }
  }

  /** Do the blocks lie in what the other side has sent? Sequence numbers that are rewritten on the way leave them behind. */
  #sack(s: TcpSegment, to: Assembler): void {
    const top = Math.max(to.offset, to.acked, to.waiting?.top ?? 0);
    const sender = to.direction === 'client' ? 'server' : 'client';
    sackBlocks(s, (left, right) => {
      const first = to.offset + distance(left, to.next);
      const last = to.offset + distance(right, to.next);
      // A duplicate is acknowledged by a block behind the acknowledgement. RFC 2883 §4.
      if (first >= -MAX_ACK_LEAD && last <= top + MAX_ACK_LEAD) this.sackInside(sender, first, last, s.frame);
      else this.sackOutside(sender, left, s);
    });
  }

  /** A reset that its receiver would believe ends the connection; any other is only counted. */
  #reset(s: TcpSegment, from: Assembler, to: Assembler): void {
    const lead = distance(s.ack, to.next);
    const acknowledges = (s.flags & ACK) !== 0 && to.known;
    if (from.known) {
      const ahead = distance(s.seq, from.next);
      const seen = Math.max(from.offset, from.acked, from.waiting?.top ?? 0) - from.offset;
      if (ahead < -RESET_WINDOW || ahead > seen + RESET_WINDOW) {
        this.unfitReset(s, from);
        return;
      }
    } else if (acknowledges ? Math.abs(lead) > RESET_WINDOW : to.origin === Origin.SYN) {
      // A SYN that was not answered yet is only reset by what acknowledges it. RFC 9293 §3.10.7.3.
      this.unfitReset(s, from);
      return;
    }
    if (acknowledges && lead <= 0 && to.offset + lead > to.acked) to.acked = to.offset + lead;
    from.rstFrame = s.frame;
    this.reset(s, from.direction);
    // A reset that answers a SYN, or follows a FIN, ends what nobody goes on with.
    const talking = from.offset > 0 && to.offset > 0 && from.finOffset < 0 && to.finOffset < 0;
    if (!talking || this.isReset) {
      this.close('rst');
      return;
    }
    const sent = advance(to.next, Math.max(0, (to.waiting?.top ?? 0) - to.offset));
    this.behindReset = new BehindReset(from.direction, s, sent);
  }

  /**
   * A segment behind a reset that its receiver would believe.
   *
   * The price: a session that ended in a reset is reported when its two ends could have spoken again and did not, a minute
   * later, or at the end of the capture.
   */
  #afterReset(s: TcpSegment, isClient: boolean): void {
    const behind = this.behindReset!;
    const isItsOwn = (behind.direction === 'client') === isClient;
    const verdict = this.context.checksum(s) === 'invalid' ? 'undecided' : behind.take(s, isItsOwn);
    if (verdict === 'undecided') return;
    if (verdict === 'believed') {
      if ((s.flags & RST) !== 0 && behind.wentOn !== 0) this.forgedReset(behind.forged(null));
      this.close('rst');
      return;
    }
    this.behindReset = null;
    (behind.direction === 'client' ? this.fromClient : this.fromServer).rstFrame = 0;
    this.forgedReset(behind.forged(s.frame));
    const present = this.context.segment;
    for (const segment of behind.segments) {
      if (!this.isOpen) break;
      this.context.segment = segment;
      this.segment(segment, sideOf(this, segment) === 1);
    }
    this.context.segment = present;
  }

  /**
   * The peer acknowledges what was not delivered yet.
   *
   * @returns the offset of `to` that comes first, 0 when none does
   */
  #acknowledgeAhead(s: TcpSegment, to: Assembler, lead: number): number {
    const offset = to.offset + lead;
    if (to.finOffset >= 0) {
      if (offset > to.finOffset + 1) return 0;
    }
    if (offset > Math.max(to.offset, to.waiting?.top ?? 0) + MAX_ACK_LEAD) {
      this.stray();
      return 0;
    }
    if (offset > to.acked) to.acked = offset;
    const data = to.ackedData;
    if (data <= to.offset) return 0;
    to.waiting ??= new Waiting();
    if (to.waiting.suspect === 0) {
      this.#suspect(s, to.waiting, data);
      to.waiting.suspectSeq = advance(s.seq, Math.max(1, s.length));
    }
    return Math.min(offset, data);
  }

  #suspect(s: TcpSegment, waiting: Waiting, offset: number): void {
    waiting.suspect = offset;
    waiting.suspectUs = s.us;
    waiting.suspectSegments = 0;
    waiting.suspectProved = false;
  }

  /**
   * The hole's own side goes on beyond it and has already heard what followed the acknowledgement: the hole will
   * not be filled. Packets of one direction are hardly ever captured a round trip late.
   */
  #prove(s: TcpSegment, from: Assembler, waiting: Waiting): void {
    if (waiting.suspect === 0 || waiting.suspectProved) return;
    waiting.suspectProved = distance(s.ack, waiting.suspectSeq) >= 0 && distance(s.seq, from.next) > 0;
  }

  /** The sequence number of a packet says what its sender has sent so far, captured or not. */
  #claim(s: TcpSegment, from: Assembler): void {
    const ahead = distance(s.seq, from.next);
    if (ahead <= 0 || ahead > MAX_ACK_LEAD || this.context.checksum(s) === 'invalid') return;
    from.waiting ??= new Waiting();
    from.waiting.claim(from.offset + ahead, s);
  }

  #deliver(s: TcpSegment, from: Assembler, start: number, end: number): void {
    const { context } = this;
    const { offset } = from;
    from.recent = context.recent.note(from.recent, from.next, s.octets, start, end, s.tcpStart);
    from.pass(end - start);
    context.deliver(from.direction, offset, start, end, this.listener);
  }

  /** Data that is not simply the next: repeated, early, cut short, or of a direction not seen before. */
  #take(s: TcpSegment, from: Assembler, seq: number, after: number): void {
    if (!from.known) {
      if (isKeepAlive(s)) return;
      from.begin(advance(seq, -1), Origin.SEEN);
    }
    let ahead = distance(seq, from.next);
    if (from.origin === Origin.ACKNOWLEDGED && ahead < 0 && from.offset === 0 && from.waiting === null) {
      if (ahead < -MAX_ACK_LEAD) return;
      from.acked -= ahead;
      from.begin(advance(seq, -1), Origin.SEEN);
      ahead = 0;
    }
    if (ahead > MAX_AHEAD || ahead < -MAX_AHEAD) {
      this.stray();
      return;
    }
    // A keep-alive repeats the octet in front, with any value. RFC 9293 §3.8.4, RFC 1122 §4.2.3.6.
    if (ahead === -1 && s.length === 1) return;
    let offset = from.offset + ahead;
    if (ahead < 0) this.resent(s, from, offset);
    const room = from.finOffset < 0 ? Number.POSITIVE_INFINITY : from.finOffset - offset;
    let length = Math.min(s.length, room);
    let captured = Math.min(s.end - s.start, length);
    let start = s.start;
    const { scratch } = this.context;
    scratch.first = -1;
    scratch.last = -1;
    if (ahead < 0 && length > 0) {
      const old = Math.min(-ahead, captured);
      if (old > 0) {
        const { recent } = this.context;
        recent.compare(from.recent, seq, start, start + old, s);
        if (recent.first >= 0) {
          scratch.first = offset + recent.first;
          scratch.last = offset + recent.last;
        }
      }
      start += old;
      captured -= old;
      length += ahead;
      offset = from.offset;
    }
    if (length > 0) {
      const first = from.waiting === null ? Number.POSITIVE_INFINITY : from.waiting.first;
      if (offset === from.offset && after === 0 && offset + length <= first) {
        if (captured > 0) this.#deliver(s, from, start, start + captured);
        if (captured < length) {
          from.pass(length - captured);
          this.gap(from.direction, offset + captured, length - captured, 'sliced');
        }
      } else {
        this.#hold(s, from, offset, start, captured, length, after);
      }
    }
    if (scratch.first >= 0) this.overlap(s, from, scratch.first, scratch.last);
  }

  #hold(
    s: TcpSegment,
    from: Assembler,
    offset: number,
    start: number,
    captured: number,
    length: number,
    after: number,
    doubtful = false,
  ): void {
    const { context } = this;
    const { scratch } = context;
    from.waiting ??= new Waiting();
    const { waiting } = from;
    const before = waiting.cost;
    const verdict = context.checksum(s);
    const { frame, us, ns, digits } = s;
    if (captured > 0) {
      const segment = new HeldSegment(
        offset,
        null,
        captured,
        after,
        frame,
        us,
        ns,
        digits,
        verdict,
        doubtful,
      );
      waiting.insert(segment, s.octets.subarray(start, start + captured), scratch);
    }
    if (captured < length) {
      const missing = length - captured;
      const segment = new HeldSegment(
        offset + captured,
        null,
        missing,
        after,
        frame,
        us,
        ns,
        digits,
        verdict,
      );
      waiting.insert(segment, null, scratch);
    }
    context.heldCost += waiting.cost - before;
    context.thrownAway += waiting.takeReplaced();
  }

  /** A FIN lies behind the data, at `seq`. */
  #finish(s: TcpSegment, from: Assembler, seq: number): void {
    if (from.finOffset >= 0) return;
    if (!from.known) from.begin(advance(seq, -1), Origin.SEEN);
    const { waiting } = from;
    const ahead = distance(seq, from.next);
    const seen = Math.max(from.offset, from.acked, waiting?.top ?? 0) - from.offset;
    if (ahead < 0 || ahead > seen + MAX_ACK_LEAD) {
      this.stray();
      return;
    }
    from.finOffset = from.offset + ahead;
    from.finFrame = s.frame;
    if (from.direction === 'server') this.serverFinUs = this.sinceStart(s.us);
    if (waiting !== null) {
      const before = waiting.cost;
      waiting.truncate(from.finOffset);
      this.context.heldCost += waiting.cost - before;
    }
  }

  /** Releases what may go, and gives up holes whose time has come. */
  #resolve(s: TcpSegment): void {
    this.#drain();
    this.#mature(s, this.fromClient, this.fromServer);
    this.#mature(s, this.fromServer, this.fromClient);
  }

  #drain(): void {
    const { context, fromClient, fromServer } = this;
    const { listener } = this;
    for (;;) {
      const client = fromClient.release(context, listener, this, fromServer.offset);
      const server = fromServer.release(context, listener, this, fromClient.offset);
      if (!client && !server) return;
    }
  }

  #mature(s: TcpSegment, side: Assembler, peer: Assembler): void {
    const { waiting } = side;
    if (waiting === null) return;
    if (waiting.suspect !== 0) {
      if (side.offset >= waiting.suspect) {
        waiting.suspect = 0;
      } else if (
        waiting.suspectProved ||
        ++waiting.suspectSegments > PATIENCE_SEGMENTS ||
        s.us - waiting.suspectUs >= PATIENCE_US
      ) {
        const upTo = Math.min(waiting.suspect, side.ackedData);
        waiting.suspect = 0;
        while (side.offset < upTo) this.#step(side, waiting, upTo, 'uncaptured');
      }
    }
    while (this.#isOverLimit(waiting)) this.#step(side, waiting, waiting.first, 'limit');
    if (waiting.suspect === 0) {
      const acked = side.ackedData;
      if (acked > side.offset) {
        this.#suspect(s, waiting, acked);
        waiting.suspectSeq = advance(peer.next, 1);
      } else if (waiting.held.length === 0 && waiting.claimed <= side.offset) side.waiting = null;
    }
  }

  #isOverLimit(waiting: Waiting): boolean {
    const { limits, heldCost } = this.context;
    if (waiting.held.length === 0) return false;
    return (
      waiting.held.length > limits.heldSegments ||
      waiting.octets > limits.heldOctets ||
      heldCost > limits.heldTotal
    );
  }

  /** One step over what hinders: a hole up to `upTo` at most, or the wait for the other direction. */
  #step(side: Assembler, waiting: Waiting, upTo: number, cause: GapCause): void {
    const { offset } = side;
    const first = waiting.held[0];
    if (first !== undefined && first.offset <= offset) {
      first.doubtful = false; // Acknowledged, or in the way of too much.
      first.after = 0;
    } else {
      const octets = Math.min(upTo, waiting.first) - offset;
      side.pass(octets);
      this.gap(side.direction, offset, octets, cause);
    }
    this.#drain();
  }

  #flush(): void {
    const { fromClient, fromServer } = this;
    this.#dropDoubtful(fromClient);
    this.#dropDoubtful(fromServer);
    this.#drain();
    this.#accountLost(fromClient);
    this.#accountLost(fromServer);
    for (;;) {
      if (this.#flushHole(fromClient) || this.#flushHole(fromServer)) continue;
      const blocked = fromClient.waiting?.held[0] ?? fromServer.waiting?.held[0];
      if (blocked === undefined) break;
      blocked.after = 0;
      this.#drain();
    }
    fromClient.waiting = null;
    fromServer.waiting = null;
  }

  /** Nobody acknowledged them, and no better copy came: they were never said. */
  #dropDoubtful({ waiting }: Assembler): void {
    if (waiting === null) return;
    const before = waiting.cost;
    this.context.thrownAway += waiting.dropDoubtful();
    this.context.heldCost += waiting.cost - before;
  }

  /** A hole that its sender has sent past, and its receiver never acknowledged. */
  #accountLost({ direction, offset, acked, waiting }: Assembler): void {
    const hole = acked > offset ? null : (waiting?.hole(offset) ?? null);
    if (hole !== null) this.lost({ direction, offset, ...hole });
  }

  #flushHole(side: Assembler): boolean {
    const { offset, waiting } = side;
    const first = waiting === null ? Number.POSITIVE_INFINITY : waiting.first;
    if (!side.known || first <= offset) return false;
    const acked = side.ackedData;
    // Nothing is held beyond a FIN: what is held comes first.
    const fin = side.finOffset < 0 ? Number.POSITIVE_INFINITY : side.finOffset;
    const end = Number.isFinite(first) ? first : fin;
    const upTo = acked > offset ? Math.min(acked, end) : end;
    if (!Number.isFinite(upTo) || upTo <= offset) return false;
    side.pass(upTo - offset);
    this.gap(side.direction, offset, upTo - offset, acked > offset ? 'uncaptured' : 'unfilled');
    this.#drain();
    return true;
  }
}

/** The receiver of a hole speaks, and acknowledges none of it. */
function heard(s: TcpSegment, to: Assembler, waiting: Waiting): void {
  if (waiting.claimed <= to.offset || to.acked > to.offset) return;
  waiting.heardFrame = s.frame;
  waiting.heardUs = s.us;
}

/** Where the segment's first octet lies in its stream; 0 where that is not known. */
function offsetOf(s: TcpSegment, from: Assembler): number {
  if (!from.known) return 0;
  return from.offset + distance((s.flags & SYN) !== 0 ? advance(s.seq, 1) : s.seq, from.next);
}

/** The SYN-ACK answers the SYN of `to`, with or without data in it. */
function acknowledgesSyn(s: TcpSegment, to: Assembler): boolean {
  const octets = distance(s.ack, to.isn) - 1;
  return octets >= 0 && octets <= MAX_SYN_DATA;
}

/** One octet of nothing is what a keep-alive brings when nothing else of its direction was seen. */
export function isKeepAlive(s: TcpSegment): boolean {
  return s.length === 1 && s.end - s.start === 1 && s.octets[s.start] === 0;
}
