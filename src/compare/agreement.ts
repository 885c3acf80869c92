import type { MatchedBy } from './pair.js';
import type { SessionKeys } from './session-key.js';

/** Facts that some firewalls leave alone and others rewrite. */
const KEPT = [
  'clientIsn',
  'serverIsn',
  'clientTsval',
  'serverTsval',
  'clientAddress',
  'clientPort',
  'server',
] as const;

/** Pairs after which it is known that the way between the captures leaves a fact alone, and how many must say so. */
const MIN_KEPT = 3;
const KEPT_SHARE = 0.9;

/** Pairs that were chosen for an equal port all have it; they must not teach that ports are kept. */
const MIN_KEPT_OF_ALL = 0.1;

/** Compares one session inside with one outside, and learns from the pairs what the firewall leaves alone. */
export class Agreement {
  /** Facts of `KEPT` that prove two sessions different. */
  private kept: readonly (typeof KEPT)[number][] = [];

  constructor(
    readonly inside: SessionKeys,
    readonly outside: SessionKeys,
  ) {}

  /** @param outsideOf  the partner of each inside session, or -1 */
  learn(outsideOf: Int32Array): void {
    const sessions = Math.min(this.inside.count, this.outside.count);
    this.kept = KEPT.filter((fact) => {
      const [inside, outside] = [this.inside[fact], this.outside[fact]];
      let equal = 0;
      let compared = 0;
      for (let i = 0; i < outsideOf.length; i++) {
        const o = outsideOf[i]!;
        if (o < 0 || Number.isNaN(inside[i]!) || Number.isNaN(outside[o]!)) continue;
        compared++;
        if (inside[i] === outside[o]) equal++;
      }
      return equal >= Math.max(MIN_KEPT, sessions * MIN_KEPT_OF_ALL) && equal >= compared * KEPT_SHARE;
    });
  }

  /** They differ in what the firewall is known to leave alone. */
  rewritten(i: number, o: number): boolean {
    for (const fact of this.kept) {
      const [a, b] = [this.inside[fact][i]!, this.outside[fact][o]!];
      // A comparison with NaN is false either way, as it should be.
      if (a < b || a > b) return true;
    }
    return false;
  }

  /** They carried different mail, which neither a firewall nor a proxy makes of one. */
  otherMail(i: number, o: number): boolean {
    const { inside, outside } = this;
    if (differ(inside.firstMail[i]!, outside.firstMail[o]!)) return true;
    if (differ(inside.firstRecipient[i]!, outside.firstRecipient[o]!)) return true;
    const messages = (keys: SessionKeys, at: number) => keys.messagesFrom[at + 1]! > keys.messagesFrom[at]!;
    return messages(inside, i) && messages(outside, o) && !this.sameMessage(i, o);
  }

  sameMessage(i: number, o: number): boolean {
    const { inside, outside } = this;
    for (let a = inside.messagesFrom[i]!; a < inside.messagesFrom[i + 1]!; a++) {
      for (let b = outside.messagesFrom[o]!; b < outside.messagesFrom[o + 1]!; b++) {
        if (inside.messageName[a] === outside.messageName[b]) return true;
      }
    }
    return false;
  }

  /** All lines have the same lengths, or neither has lines worth comparing: no proxy came between. */
  sameLines(i: number, o: number): boolean {
    return this.inside.lengths[i] === this.outside.lengths[o];
  }

  sameEndpoints(i: number, o: number): boolean {
    return this.inside.endpoints[i] === this.outside.endpoints[o];
  }

  sameSequenceNumber(i: number, o: number): boolean {
    const { inside, outside } = this;
    return inside.clientIsn[i] === outside.clientIsn[o] || inside.serverIsn[i] === outside.serverIsn[o];
  }

  /** All that the two have in common, strongest first. */
  matchedBy(i: number, o: number): MatchedBy[] {
    const { inside, outside } = this;
    const facts: MatchedBy[] = [];
    const stamp =
      inside.clientTsval[i] === outside.clientTsval[o] || inside.serverTsval[i] === outside.serverTsval[o];
    if (this.sameSequenceNumber(i, o)) facts.push('sequence-numbers');
    if (stamp) facts.push('timestamps');
    if (this.sameEndpoints(i, o)) facts.push('endpoints');
    else if (inside.clientPort[i] === outside.clientPort[o]) facts.push('client-port');
    if (this.sameMessage(i, o)) facts.push('message');
    if (inside.smtp[i] && inside.lengths[i] !== 0 && this.sameLines(i, o)) facts.push('dialogue');
    if (facts.length === 0 && inside.hello[i] !== 0 && inside.hello[i] === outside.hello[o])
      facts.push('hello');
    return facts.length > 0 ? facts : ['clock'];
  }
}

function differ(a: number, b: number): boolean {
  return a !== 0 && b !== 0 && a !== b;
}
