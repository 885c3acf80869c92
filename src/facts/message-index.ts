/** Message of a session, in a number: a session keeps fewer messages than this. */
const MESSAGES_PER_SESSION = 1 << 14;

/** Messages remembered: 16 octets for each place, twice as many places as messages at most. */
export const MAX_PLACES = 1 << 21;
/** Few: who judges a session by itself needs the rules for that moment only. */
const FIRST_SLOTS = 1 << 4;

/** A message: the session's number (`s17` is 17) and the index in its `messages`. */
export interface MessagePlace {
  readonly session: number;
  readonly message: number;
}

/**
 * Where messages were seen first, by what identifies them.
 *
 * Only a hash of the key is kept, and where the message was: two million of them take 64 MB, whereas what a finding
 * says of one takes a kilobyte. Who has found a place asks for the session again, and compares the keys themselves.
 */
export class MessagePlaces {
  /** HIGH and LOW half of the hash. */
  private hashes = new Int32Array(FIRST_SLOTS * 2);
  /** The place + 1; 0: an empty slot. */
  private places = new Float64Array(FIRST_SLOTS);
  private count = 0;
  /** Halves of the newest hash: two numbers instead of an object for each message. */
  private high = 0;
  private low = 0;

  constructor(private readonly max = MAX_PLACES) {}

  /**
   * Notes where a message is.
   *
   * @returns the place where its key was seen first, -1 when that is here; -2: there is no room for another
   */
  note(key: string, place: number): number {
    const slot = this.slotOf(key);
    const first = this.places[slot]!;
    if (first !== 0) return first - 1;
    if (this.count >= this.max) return -2;
    this.fill(slot, this.high, this.low, place + 1);
    if (++this.count * 2 > this.places.length) this.grow();
    return -1;
  }

  /** The place where the key was seen first; -1: nowhere. */
  find(key: string): number {
    return this.places[this.slotOf(key)]! - 1;
  }

  /** The key's slot, or the empty one where it would go; leaves the key's hash behind. */
  private slotOf(key: string): number {
    this.hash(key);
    const { hashes, places, high, low } = this;
    const mask = places.length - 1;
    let slot = low & mask;
    while (places[slot] !== 0 && (hashes[slot * 2] !== high || hashes[slot * 2 + 1] !== low))
      slot = (slot + 1) & mask;
    return slot;
  }

  private hash(key: string): void {
    let high = SEED_HIGH;
    let low = SEED_LOW;
    for (let at = 0; at < key.length; at++) {
      const code = key.charCodeAt(at);
      low = Math.imul(low ^ code, 0x01000193);
      high = Math.imul(high ^ code, 0x85ebca6b) + low;
    }
    this.low = low ^ (low >>> 15);
    this.high = (high ^ (high >>> 13)) | 0;
  }

  private fill(slot: number, high: number, low: number, place: number): void {
    this.hashes[slot * 2] = high;
    this.hashes[slot * 2 + 1] = low;
    this.places[slot] = place;
  }

  private grow(): void {
    const { hashes, places } = this;
    this.hashes = new Int32Array(hashes.length * 2);
    this.places = new Float64Array(places.length * 2);
    const mask = this.places.length - 1;
    for (let old = 0; old < places.length; old++) {
      if (places[old] === 0) continue;
      let slot = hashes[old * 2 + 1]! & mask;
      while (this.places[slot] !== 0) slot = (slot + 1) & mask;
      this.fill(slot, hashes[old * 2]!, hashes[old * 2 + 1]!, places[old]!);
    }
  }
}

/**
 * Places in sessions that can be asked for again, which are the newest `kept`; the others are forgotten by and by.
 */
export class KeptPlaces {
  private newer: MessagePlaces;
  private older: MessagePlaces | null = null;
  /** Number of the first session of the newer ones. */
  private first = 0;

  constructor(
    private readonly kept: number,
    private readonly max = MAX_PLACES,
  ) {
    this.newer = new MessagePlaces(max);
  }

  note(key: string, place: number): void {
    const { session } = placeOf(place);
    if (session >= this.first + this.kept) {
      this.older = this.newer;
      this.newer = new MessagePlaces(this.max);
      this.first = session;
    }
    this.newer.note(key, place);
  }

  /** The first place of the key that is not forgotten; -1: none is known. */
  find(key: string): number {
    const place = this.older?.find(key) ?? -1;
    return place < 0 ? this.newer.find(key) : place;
  }
}

export function placeNumber(session: { readonly id: string }, message: number): number {
  return Number(session.id.slice(1)) * MESSAGES_PER_SESSION + message;
}

export function placeOf(number: number): MessagePlace {
  return {
    session: Math.floor(number / MESSAGES_PER_SESSION),
    message: number % MESSAGES_PER_SESSION,
  };
}

/** Nobody who writes a capture can aim messages at one slot without knowing these. No result depends on them. */
const SEED_HIGH = (Math.random() * 0x100000000) | 0;
const SEED_LOW = (Math.random() * 0x100000000) | 0;
