import type { SessionKeys } from './session-key.js';

/** Sessions of both sides that have a key in common. */
export interface Bucket {
  readonly key: number;
  readonly ins: number[];
  readonly outs: number[];
}

/** Tells the keys of a session; 0 and NaN are none. */
export type KeysOf = (keys: SessionKeys, at: number, tell: (key: number) => void) => void;

/** Sessions by key: lists that are threaded through two arrays, since most have one member. */
export class KeyIndex {
  private readonly heads = new Map<number, number>();
  private readonly members: number[] = [];
  private readonly next: number[] = [];

  constructor(keys: SessionKeys, takes: (at: number) => boolean, keysOf: KeysOf) {
    // From behind, so that each list is in the order of adding.
    for (let at = keys.count - 1; at >= 0; at--) {
      if (takes(at)) keysOf(keys, at, (key) => this.put(key, at));
    }
  }

  keys(): Iterable<number> {
    return this.heads.keys();
  }

  get(key: number): number[] {
    const members: number[] = [];
    for (let place = this.heads.get(key) ?? -1; place >= 0; place = this.next[place]!) {
      members.push(this.members[place]!);
    }
    return members;
  }

  private put(key: number, at: number): void {
    if (!key) return;
    const head = this.heads.get(key) ?? -1;
    if (head >= 0 && this.members[head] === at) return;
    this.heads.set(key, this.members.length);
    this.members.push(at);
    this.next.push(head);
  }
}

/** Every key that both sides have, with the sessions that are taken. */
export function* buckets(
  inside: SessionKeys,
  outside: SessionKeys,
  keysOf: KeysOf,
  takesInside: (i: number) => boolean,
  takesOutside: (o: number) => boolean,
): Generator<Bucket> {
  const outsides = new KeyIndex(outside, takesOutside, keysOf);
  const insides = new KeyIndex(inside, takesInside, keysOf);
  for (const key of insides.keys()) {
    const outs = outsides.get(key);
    if (outs.length > 0) yield { key, ins: insides.get(key), outs };
  }
}
