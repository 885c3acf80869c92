/** A seeded stream of choices: the same seed draws the same scenario on every machine. */
export class Random {
  constructor(seed) {
    // Neighbouring seeds must not begin alike, so the seed is scrambled once (the finaliser of MurmurHash3).
    let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
    state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
    this.state = (state ^ (state >>> 16)) >>> 0;
  }

  /** From 0 up to, not including, 1 (mulberry32). */
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  whole(low, high) {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** A number between two bounds. */
  between(low, high) {
    return low + this.next() * (high - low);
  }

  chance(probability) {
    return this.next() < probability;
  }

  pick(list) {
    return list[Math.floor(this.next() * list.length)];
  }

  /** Some of a list, in its order. */
  some(list, probability) {
    return list.filter(() => this.chance(probability));
  }

  /** So many characters of an alphabet. */
  text(alphabet, length) {
    let text = '';
    for (let index = 0; index < length; index++) text += this.pick(alphabet);
    return text;
  }

  octets(length) {
    const octets = Buffer.alloc(length);
    for (let index = 0; index < length; index++) octets[index] = Math.floor(this.next() * 256);
    return octets;
  }

  /** A stream of its own, so that drawing more in one place changes nothing in another. */
  fork() {
    return new Random(Math.floor(this.next() * 2 ** 32));
  }
}
