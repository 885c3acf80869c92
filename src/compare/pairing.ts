import { Agreement } from './agreement.js';
import { type Clock, type ClockPoint, electOffset, fitClock, type Vote } from './clock.js';
import { type Measure, mutualNearest, type Population } from './mutual-nearest.js';
import { nearerServer } from './nearer-server.js';
import type { Pair, Pairing, Side } from './pair.js';
import * as by from './pairing-keys.js';
import type { SessionKeys } from './session-key.js';
import { type Bucket, buckets, KeyIndex, type KeysOf } from './shared-keys.js';
import { unpairedOf } from './unpaired.js';

/** Times of one connection on both sides of a firewall that was busy, or lost the first SYN. */
const ONE_CONNECTION_US = 1e6;

/** How many times farther apart ends may lie than beginnings: a burst waits in queues by the time it ends. */
const QUEUED_AT_END = 16;

/** A proxy asks its resolver and its blocklists before it opens its own connection. */
const PROXY_US = 30e6;

/** Clocks that are set by NTP; and the same with what a proxy takes to open its own connection. */
const WELL_SET_CLOCKS_US = 5e4;
const SET_CLOCKS_US = 2e6;

/** Votes of a candidate that can hardly be another session, and of one that may be another attempt at the same mail. */
const TELLING = 3;
const RETRIED = 2;

/** Combinations of one bucket that vote on the offset, and votes of one kind. */
const MAX_COMBINATIONS = 65_536;
const MAX_VOTES = 100_000;
const MANY_VOTES = 1_000;

/** Rounds after which what is left stays: each pair that is found may leave another without rivals. */
const MAX_ROUNDS = 4;

/** Evidence that needs the clocks. */
interface Step {
  readonly keysOf: KeysOf;
  readonly distance: (i: number, o: number) => number;
  readonly withinUs: (clock: Clock) => number;
}

/**
 * Pairs the sessions of two captures of the same traffic.
 *
 * Sequence numbers come first, since two of them are 64 bits and need no clock. They tell how far the clocks are
 * apart, or else a vote of all candidates does. Everything weaker must also agree in time, must not contradict what
 * is known of this firewall, and must be the clear best from both sides. What is not clear stays unpaired, and says so.
 */
export function pairSessions(inside: SessionKeys, outside: SessionKeys): Pairing {
  return new Matchmaker(inside, outside).run();
}

/** From the first beginning to the last. */
function spreadOf({ start }: SessionKeys): number {
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const us of start) {
    if (us < first) first = us;
    if (us > last) last = us;
  }
  return Math.max(0, last - first);
}

class Matchmaker {
  /** Partners, or -1. */
  private readonly outsideOf: Int32Array;
  private readonly insideOf: Int32Array;
  /** Candidates between which nothing decided. */
  private readonly rivals: { readonly inside: Int32Array; readonly outside: Int32Array };
  /** Sessions inside, and complements of those outside, that weaker evidence must leave alone: it has fewer strangers. */
  private readonly doubted = new Set<number>();
  private readonly agreement: Agreement;
  private clock: Clock | null = null;
  /** By sequence numbers, which no clock has chosen. */
  private measured = false;
  private count = 0;

  constructor(
    private readonly inside: SessionKeys,
    private readonly outside: SessionKeys,
  ) {
    this.outsideOf = new Int32Array(inside.count).fill(-1);
    this.insideOf = new Int32Array(outside.count).fill(-1);
    this.rivals = { inside: new Int32Array(inside.count), outside: new Int32Array(outside.count) };
    this.agreement = new Agreement(inside, outside);
  }

  run(): Pairing {
    this.pairAlone(by.bothSequenceNumbers, (i, o) => this.bothSequenceNumbers(i, o));
    this.pairAlone(
      by.sequenceNumberAndEndpoints,
      (i, o) => this.agreement.sameEndpoints(i, o) && !this.agreement.otherMail(i, o),
    );
    // 64 bits that no clock was asked for: numbers made anew leave them alone.
    this.pairAlone(
      by.bothTimestamps,
      (i, o) => this.agreement.sameEndpoints(i, o) && !this.agreement.otherMail(i, o),
    );
    this.agreement.learn(this.outsideOf);
    this.clock = this.fit();
    this.measured = this.clock !== null;
    this.clock ??= this.elect();
    if (this.clock === null) {
      if (this.timeless()) this.pairWithoutClock();
      else this.pairBehindAnyClock();
    }
    if (this.clock !== null) this.pairByClock();
    return this.result();
  }

  /** Takes buckets with one session on either side. */
  private pairAlone(keysOf: KeysOf, fits: (i: number, o: number) => boolean): void {
    for (const { ins, outs } of this.free(keysOf)) {
      const [i, o] = [ins[0]!, outs[0]!];
      if (ins.length === 1 && outs.length === 1 && this.isFree(i, o) && fits(i, o)) this.pair(i, o);
    }
  }

  private bothSequenceNumbers(i: number, o: number): boolean {
    return (
      this.inside.clientIsn[i] === this.outside.clientIsn[o] &&
      this.inside.serverIsn[i] === this.outside.serverIsn[o]
    );
  }

  /**
   * Neither numbers nor a vote tell how far the clocks are apart: a pair of timestamps, a message, or a client's name for
   * itself, that each capture has once, and what was said and how long it took. The clocks then follow from that.
   */
  private pairBehindAnyClock(): void {
    const { agreement, inside, outside } = this;
    const areAlone = inside.count === 1 && outside.count === 1;
    const isOne = (i: number, o: number) =>
      !this.contradicts(i, o) && this.lastedAlike(i, o) && (areAlone || agreement.sameLines(i, o));
    // Slow clocks give connections of one moment one pair of timestamps, and a mail may be sent again.
    this.pairAlone(
      by.bothTimestamps,
      (i, o) => inside.serverTsval[i] === outside.serverTsval[o] && isOne(i, o),
    );
    this.pairAlone(by.messageTo, isOne);
    if (this.count === 0) {
      this.pairAlone(by.hello, (i, o) => {
        const ahead = Math.abs(inside.start[i]! - outside.start[o]!);
        return !this.contradicts(i, o) && ahead <= SET_CLOCKS_US && this.overlap(i, o);
      });
    }
    if (this.count === 0) return;
    agreement.learn(this.outsideOf);
    this.clock = this.fit();
  }

  /** No session of one side has a time. */
  private timeless(): boolean {
    return [this.inside, this.outside].some(({ start }) => start.every(Number.isNaN));
  }

  private pairWithoutClock(): void {
    const fits = (i: number, o: number) => !this.contradicts(i, o);
    for (const keysOf of [by.bothTimestamps, by.endpoints, by.clientEndpoint, by.messageTo])
      this.pairAlone(keysOf, fits);
    for (const keysOf of [by.bothTimestamps, by.endpoints, by.clientEndpoint, by.messageTo]) {
      for (const { ins, outs } of this.free(keysOf)) this.noteRivals(ins, outs);
    }
  }

  private pairByClock(): void {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const before = this.count;
      this.rivals.inside.fill(0);
      this.rivals.outside.fill(0);
      for (const step of this.steps()) this.take(step);
      this.pairProxied();
      if (this.count === before) break;
    }
    this.pairLeftOver();
  }

  /**
   * All others have their partners, of this pair of timestamps and of any: the box held this one up. Where the
   * captures miss others, they may miss this one's partner too, and what is left is the partner of none.
   */
  private pairLeftOver(): void {
    if (this.inside.count - this.count !== 1 || this.outside.count - this.count !== 1) return;
    this.pairAlone(
      by.bothTimestamps,
      (i, o) =>
        this.agreement.sameLines(i, o) &&
        !this.contradicts(i, o) &&
        Math.max(this.openingDistance(i, o), this.endDistance(i, o)) <= ONE_CONNECTION_US,
    );
  }

  /** Strongest first. */
  private steps(): Step[] {
    const tight = (clock: Clock) => clock.tightUs;
    const connection = (clock: Clock) => Math.max(clock.tightUs, ONE_CONNECTION_US);
    const unless =
      (wrong: (i: number, o: number) => boolean, distance: Step['distance']): Step['distance'] =>
      (i, o) =>
        wrong(i, o) ? Number.POSITIVE_INFINITY : distance(i, o);
    const otherMail = (i: number, o: number) => this.agreement.otherMail(i, o);
    const contradicts = (i: number, o: number) => this.contradicts(i, o);
    const whole = unless(contradicts, (i, o) => this.wholeDistance(i, o));
    const opening = (i: number, o: number) => this.openingDistance(i, o);
    const stamped = unless(contradicts, (i, o) => {
      const end = this.agreement.sameLines(i, o) ? this.endDistance(i, o) / QUEUED_AT_END : 0;
      return Math.max(this.openingDistance(i, o), end);
    });
    // A proxy leaves nothing of TCP as it was; what it passes on unchanged in length did not come from a proxy.
    const mail = unless(
      (i, o) => otherMail(i, o) || (this.agreement.sameLines(i, o) && this.agreement.rewritten(i, o)),
      (i, o) => this.wholeDistance(i, o),
    );
    const changed = unless((i, o) => contradicts(i, o) || this.agreement.sameLines(i, o), opening);
    return [
      { keysOf: by.eitherSequenceNumber, distance: unless(otherMail, opening), withinUs: connection },
      { keysOf: by.bothTimestamps, distance: stamped, withinUs: tight },
      { keysOf: by.bothTimestamps, distance: changed, withinUs: connection },
      { keysOf: by.endpoints, distance: unless(contradicts, opening), withinUs: connection },
      { keysOf: by.clientEndpoint, distance: unless(contradicts, opening), withinUs: connection },
      { keysOf: by.clientPort, distance: whole, withinUs: tight },
      { keysOf: by.messageTo, distance: mail, withinUs: tight },
      { keysOf: by.messageName, distance: mail, withinUs: tight },
      { keysOf: by.lineLengths, distance: whole, withinUs: tight },
      { keysOf: by.envelope, distance: whole, withinUs: tight },
      {
        keysOf: by.anyMail,
        distance: unless(contradicts, (i, o) => Math.max(this.startDistance(i, o), this.endDistance(i, o))),
        withinUs: tight,
      },
    ];
  }

  private take({ keysOf, distance, withinUs }: Step): void {
    const clock = this.clock!;
    const measure: Measure = {
      insideTime: (i) => this.inside.start[i]!,
      outsideTime: (o) => clock.inside(this.outside.start[o]!),
      distance,
      withinUs: withinUs(clock),
      alikeUs: clock.scatterUs,
    };
    const before = this.count;
    const open = [...this.free(keysOf)];
    const population = before > 0 ? this.population(keysOf, new Set(open.map(({ key }) => key))) : null;
    for (const bucket of open) {
      const undecided = this.undecided(bucket);
      if (undecided === null) continue;
      const found = mutualNearest(
        undecided,
        measure,
        population?.(bucket.key) ?? { ...bucket, areOne: () => false },
      );
      for (const [i, o] of found.pairs) this.pair(i, o);
      for (const [i, count] of found.insideRivals) this.noteRival('inside', i, count);
      for (const [o, count] of found.outsideRivals) this.noteRival('outside', o, count);
      for (const [i, o] of found.doubted) this.doubted.add(i).add(~o);
    }
    if (this.count === before) return;
    this.agreement.learn(this.outsideOf);
    const next = this.fit();
    // A few pairs know less of the clocks than all the candidates did.
    if (next === null || next.fit.pairs * 2 < clock.fit.pairs) return;
    this.clock = this.measured ? next : next.scatteringLike(clock);
  }

  /** Those of a bucket that nothing was decided on: a session may be in several. */
  private undecided({ key, ins, outs }: Bucket): Bucket | null {
    const left = {
      key,
      ins: ins.filter((i) => this.outsideOf[i]! < 0 && !this.doubted.has(i)),
      outs: outs.filter((o) => this.insideOf[o]! < 0 && !this.doubted.has(~o)),
    };
    return left.ins.length > 0 && left.outs.length > 0 ? left : null;
  }

  /** All sessions with a key, also those that have a partner: they tell how common it is to be near by chance. */
  private population(keysOf: KeysOf, wanted: ReadonlySet<number>): (key: number) => Population {
    if (wanted.size === 0) return () => ({ ins: [], outs: [], areOne: () => false });
    const only: KeysOf = (keys, at, tell) => keysOf(keys, at, (key) => wanted.has(key) && tell(key));
    const insides = new KeyIndex(this.inside, () => true, only);
    const outsides = new KeyIndex(this.outside, () => true, only);
    const areOne = (i: number, o: number) => this.outsideOf[i] === o;
    return (key) => ({ ins: insides.get(key), outs: outsides.get(key), areOne });
  }

  /** One message in one session of either side, between two connections that exist at the same time. */
  private pairProxied(): void {
    const all = buckets(
      this.inside,
      this.outside,
      by.messageTo,
      () => true,
      () => true,
    );
    for (const { ins, outs } of all) {
      const [i, o] = [ins[0]!, outs[0]!];
      if (ins.length !== 1 || outs.length !== 1 || !this.isFree(i, o)) continue;
      if (this.agreement.sameLines(i, o) || this.agreement.otherMail(i, o)) continue;
      if (this.startDistance(i, o) <= PROXY_US && this.apart(i, o) === 0) this.pair(i, o);
    }
  }

  /** The inside's clock by the pairs that one connection made, or by all when there is no such pair. */
  private fit(): Clock | null {
    const direct: ClockPoint[] = [];
    const any: ClockPoint[] = [];
    for (const [i, o] of this.places()) {
      if (this.inside.midstream[i] || this.outside.midstream[o]) continue;
      const point = {
        outside: this.outside.start[o]!,
        ahead: this.inside.start[i]! - this.outside.start[o]!,
      };
      if (Number.isNaN(point.ahead)) continue;
      any.push(point);
      if (this.agreement.sameSequenceNumber(i, o) || this.agreement.sameLines(i, o)) direct.push(point);
    }
    return fitClock(direct.length > 0 ? direct : any);
  }

  /** No pair yet: all that could be pairs vote on the offset. */
  private elect(): Clock | null {
    let elected = this.elected();
    if (elected === null) return this.setClocks();
    let clock = fitClock(elected)!;
    // Wrong candidates that chance to be near fall away, as the line comes nearer to the right ones.
    for (let pass = 0; pass < 3; pass++) {
      const { tightUs } = clock;
      elected = elected.filter(
        ({ outside, ahead }) => Math.abs(outside + ahead - clock.inside(outside)) <= tightUs / 2,
      );
      clock = fitClock(elected) ?? clock;
    }
    return clock;
  }

  /** The strongest kinds of evidence vote first, and alone when they agree. */
  private elected(): readonly Vote[] | null {
    const votes: Vote[] = [];
    const election = () =>
      electOffset(votes, this.outside.count, spreadOf(this.inside) + spreadOf(this.outside));
    for (const keysOf of [by.bothTimestamps, by.endpoints, by.clientEndpoint])
      this.vote(keysOf, TELLING, votes);
    const telling = election();
    if (telling !== null) return telling;
    this.vote(by.messageTo, RETRIED, votes);
    const mail = votes.length >= MANY_VOTES ? election() : null;
    if (mail !== null) return mail;
    for (const keysOf of [by.clientPort, by.messageName, by.lineLengths]) this.vote(keysOf, 1, votes);
    return election();
  }

  /** @param weight  of a candidate that has more for it than its key */
  private vote(keysOf: KeysOf, weight: number, votes: Vote[]): void {
    const most = votes.length + MAX_VOTES;
    for (const { ins, outs } of this.free(keysOf)) {
      this.noteRivals(ins, outs);
      if (ins.length * outs.length > MAX_COMBINATIONS || votes.length > most) continue;
      for (const i of ins) {
        for (const o of outs) {
          const outside = this.outside.start[o]!;
          const ahead = this.inside.start[i]! - outside;
          if (Number.isNaN(ahead) || this.contradicts(i, o)) continue;
          votes.push({ voter: i, outside, ahead, weight: this.lastedAlike(i, o) ? weight : 1 });
        }
      }
    }
  }

  private lastedAlike(i: number, o: number): boolean {
    const lasted = (keys: SessionKeys, at: number) => keys.end[at]! - keys.start[at]!;
    const [a, b] = [lasted(this.inside, i), lasted(this.outside, o)];
    return Math.abs(a - b) <= 2_000 + 0.002 * Math.min(a, b);
  }

  /** The vote was unclear, but most messages that are alone on both sides need no more than clocks that are right. */
  private setClocks(): Clock | null {
    const points: ClockPoint[] = [];
    let alone = 0;
    for (const { ins, outs } of this.free(by.messageTo)) {
      const [i, o] = [ins[0]!, outs[0]!];
      if (ins.length !== 1 || outs.length !== 1 || this.contradicts(i, o)) continue;
      alone++;
      const outside = this.outside.start[o]!;
      const ahead = this.inside.start[i]! - outside;
      const fits = this.agreement.sameLines(i, o)
        ? Math.abs(ahead) <= WELL_SET_CLOCKS_US && this.lastedAlike(i, o)
        : Math.abs(ahead) <= SET_CLOCKS_US && this.overlap(i, o);
      if (fits) points.push({ outside, ahead });
    }
    return points.length * 2 > alone ? fitClock(points) : null;
  }

  private overlap(i: number, o: number): boolean {
    const { inside, outside } = this;
    return inside.first[i]! <= outside.end[o]! && outside.first[o]! <= inside.end[i]!;
  }

  private contradicts(i: number, o: number): boolean {
    return this.agreement.otherMail(i, o) || this.agreement.rewritten(i, o);
  }

  private startDistance(i: number, o: number): number {
    return Math.abs(this.inside.start[i]! - this.clock!.inside(this.outside.start[o]!));
  }

  private endDistance(i: number, o: number): number {
    return Math.abs(this.inside.end[i]! - this.clock!.inside(this.outside.end[o]!));
  }

  /** Beginning and end, where the same was said: then both captures hold all of it. */
  private wholeDistance(i: number, o: number): number {
    const start = this.openingDistance(i, o);
    return this.agreement.sameLines(i, o) ? Math.max(start, this.endDistance(i, o)) : start;
  }

  /** A capture that began in the middle of it does not tell when the session did. */
  private openingDistance(i: number, o: number): number {
    const midstream = this.inside.midstream[i] || this.outside.midstream[o];
    return midstream ? this.apart(i, o) : this.startDistance(i, o);
  }

  /** Time between the two sessions; 0 when they overlap. */
  private apart(i: number, o: number): number {
    const { inside, outside, clock } = this;
    const from = Math.max(inside.first[i]!, clock!.inside(outside.first[o]!));
    const to = Math.min(inside.end[i]!, clock!.inside(outside.end[o]!));
    return Math.max(0, from - to);
  }

  private free(keysOf: KeysOf): Generator<Bucket> {
    const { inside, outside, insideOf, outsideOf } = this;
    return buckets(
      inside,
      outside,
      keysOf,
      (i) => outsideOf[i]! < 0,
      (o) => insideOf[o]! < 0,
    );
  }

  private isFree(i: number, o: number): boolean {
    return this.outsideOf[i]! < 0 && this.insideOf[o]! < 0;
  }

  private noteRivals(ins: readonly number[], outs: readonly number[]): void {
    for (const i of ins) this.noteRival('inside', i, outs.length);
    for (const o of outs) this.noteRival('outside', o, ins.length);
  }

  private noteRival(side: Side, at: number, count: number): void {
    this.rivals[side][at] = Math.max(this.rivals[side][at]!, count);
  }

  private pair(i: number, o: number): void {
    this.outsideOf[i] = o;
    this.insideOf[o] = i;
    this.count++;
  }

  private *places(): Generator<readonly [i: number, o: number]> {
    for (let i = 0; i < this.outsideOf.length; i++) {
      if (this.outsideOf[i]! >= 0) yield [i, this.outsideOf[i]!];
    }
  }

  private result(): Pairing {
    for (const place of this.doubted)
      this.noteRival(place < 0 ? 'outside' : 'inside', place < 0 ? ~place : place, 1);
    const { inside, outside, agreement } = this;
    const pairs: Pair[] = [];
    const seen: [number, number, Pair['matchedBy']][] = [];
    for (const [i, o] of this.places()) {
      const matchedBy = agreement.matchedBy(i, o);
      const ahead = inside.start[i]! - outside.start[o]!;
      const timed = !Number.isNaN(ahead) && !inside.midstream[i] && !outside.midstream[o];
      pairs.push({
        inside: inside.id[i]!,
        outside: outside.id[o]!,
        matchedBy,
        clockOffsetUs: timed ? ahead : null,
      });
      seen.push([i, o, matchedBy]);
    }
    const fit = this.clock?.fit ?? null;
    return {
      pairs,
      unpaired: unpairedOf(
        inside,
        outside,
        { inside: this.outsideOf, outside: this.insideOf },
        this.rivals,
        this.clock,
      ),
      // Elected by candidates of which none became a pair, it is nobody's clock.
      clock: fit && pairs.length > 0 ? { ...fit, pairs: Math.min(fit.pairs, pairs.length) } : null,
      ...nearerServer(seen, inside, outside),
    };
  }
}
