import ipaddr from 'ipaddr.js';

/** 4 Mi addresses take about 100 MB. More than that in one capture is a flood, not mail. */
const MAX_ADDRESSES = 1 << 22;
const WORDS = 4;

/**
 * Gives each IPv6 address a small number, so that flows are keyed by integers only.
 *
 * Addresses are kept until the table goes: about 24 octets for each. An IPv4 address is its own number.
 */
export class AddressTable {
  readonly #limit: number;
  #words = new Int32Array(256 * WORDS);
  /** Open addressing, linear probing: index + 1, 0 is empty; always at least twice as long as filled. */
  #slots = new Int32Array(512);
  #size = 0;

  constructor(limit = MAX_ADDRESSES) {
    this.#limit = limit;
  }

  /** Distinct addresses interned. */
  get size(): number {
    return this.#size;
  }

  /** The index of the 16 octets at `start`; -1 when the address is new and the table is full. */
  intern(octets: Buffer, start: number): number {
    const a = int32(octets, start);
    const b = int32(octets, start + 4);
    const c = int32(octets, start + 8);
    const d = int32(octets, start + 12);
    const words = this.#words;
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash(a, b, c, d) & mask;
    for (;;) {
      const index = slots[slot]! - 1;
      if (index < 0) break;
      const w = index * WORDS;
      if (words[w] === a && words[w + 1] === b && words[w + 2] === c && words[w + 3] === d) return index;
      slot = (slot + 1) & mask;
    }
    if (this.#size === this.#limit) return -1;
    const index = this.#size++;
    slots[slot] = index + 1;
    if ((index + 1) * WORDS > words.length) this.#words = grown(words);
    this.#words.set([a, b, c, d], index * WORDS);
    if (this.#size * 2 > slots.length) this.#rehash();
    return index;
  }

  /** The sum of an address's 16-bit words, for a pseudo-header. */
  wordSum(family: number, id: number): number {
    if (family === 4) return (id >>> 16) + (id & 0xffff);
    let sum = 0;
    for (let i = id * WORDS; i < (id + 1) * WORDS; i++) {
      const word = this.#words[i] ?? 0;
      sum += (word >>> 16) + (word & 0xffff);
    }
    return sum;
  }

  /** The address in words of 32 bits, unsigned: one, or four. */
  words(family: 4 | 6, id: number): readonly number[] {
    if (family === 4) return [id >>> 0];
    const words: number[] = [];
    for (let i = id * WORDS; i < (id + 1) * WORDS; i++) words.push((this.#words[i] ?? 0) >>> 0);
    return words;
  }

  /** Dotted decimal, or the canonical text of RFC 5952. */
  text(family: 4 | 6, id: number): string {
    return addressText(family, family === 4 ? [id] : this.words(6, id));
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    const words = this.#words;
    for (let index = 0; index < this.#size; index++) {
      const w = index * WORDS;
      let slot = hash(words[w]!, words[w + 1]!, words[w + 2]!, words[w + 3]!) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = index + 1;
    }
    this.#slots = slots;
  }
}

/** The text of an address given in words of 32 bits. */
export function addressText(family: 4 | 6, words: readonly number[]): string {
  if (family === 6) return ipv6Text(new ipaddr.IPv6(words.flatMap((word) => [word >>> 16, word & 0xffff])));
  const [word = 0] = words;
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
}

function ipv6Text(address: ipaddr.IPv6): string {
  return address.isIPv4MappedAddress()
    ? `::ffff:${address.toIPv4Address().toString()}`
    : address.toRFC5952String();
}

/** The text that sessions have for an address written in any usual way; null when it is none. */
export function canonicalAddress(text: string): string | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text).toString();
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return null;
  return ipv6Text(ipaddr.IPv6.parse(text));
}

function hash(a: number, b: number, c: number, d: number): number {
  let h = SEED;
  h = Math.imul(h ^ a, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15) ^ b, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13) ^ c, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 16) ^ d, 0x27d4eb2f);
  return h ^ (h >>> 15);
}

/** Nobody who writes a capture can aim addresses at one slot without knowing this. Order never depends on it. */
const SEED = (Math.random() * 0x100000000) | 0;

function grown(words: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(words.length * 2);
  larger.set(words);
  return larger;
}

function int32(octets: Buffer, at: number): number {
  return (octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!;
}
