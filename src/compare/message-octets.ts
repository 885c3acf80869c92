import type { DigestFactory } from '../mail/digest.js';
import type {
  ConnectionListener,
  ConnectionView,
  Direction,
  StreamChunk,
  StreamListener,
} from '../stream/event.js';
import { CollectedOctets, type OctetRange, type OctetStore, PART_OCTETS, Store } from './collected-octets.js';
import { inPlace, MAX_RANGES, type TextChange } from './line-change.js';
import { shownExcerpt } from './message-excerpt.js';
import type { Difference, Side, Spot } from './pair.js';
import { tlsExcerpt } from './tls-excerpt.js';

export type { OctetRange } from './collected-octets.js';

/** Places of one message that are listed; the last entry counts the others. */
const MAX_PLACES = 32;

/** Equal octets between two differing ones that still make one place, within a line. */
const JOINED_OCTETS = 4;

const LF = 0x0a;

/** A message, or a flight of TLS, of which both captures must be read again. */
export interface WantedOctets {
  /** What is known so far; what the second reading finds takes its place. */
  readonly difference: Difference;
  /**
   * Of the sender's stream: from the first octet of a message to the end of CRLF.CRLF. Where one of the two is null, the
   * other is one octet: which frame carries it is all that is wanted.
   */
  readonly before: OctetRange | null;
  readonly after: OctetRange | null;
  /** Whether anything differs is known by the second reading only: without it the difference is none. */
  readonly isDoubt?: boolean;
  /** It begins with the header of a flight's first TLS record, which may be shown. */
  readonly isHead?: boolean;
}

/**
 * Reads messages and flights of TLS a second time, in both captures, and finds the octets that differ.
 *
 * The octets of the capture that is read first are kept, 8 MiB of a message and 56 MiB altogether at most; of what is
 * larger, hashes of 4 KiB each, so that the place is found though not the octet. A message leaves memory as soon as it
 * was compared.
 *
 * @example
 * const octets = new MessageOctets(needsOctets, await createDigestFactory('xxh64'));
 * for (const [side, file] of [['inside', inside], ['outside', outside]] as const) {
 *   const reader = new PacketReader({ ports: [25], connections: octets.reading(side), checksums: false });
 *   await readCapture(file, reader);
 *   reader.end();
 * }
 * const exact = octets.resolve(differences);
 */
export class MessageOctets {
  private readonly comparisons: Comparison[];
  private readonly store: OctetStore;
  private readings = 0;

  /** @param connectionOf  order of opening, in its capture, of the connection in which something was found */
  constructor(
    wanted: readonly WantedOctets[],
    digest: DigestFactory,
    private readonly connectionOf: (spot: Spot) => number = indexInOnlyCapture,
  ) {
    this.store = new Store(digest);
    this.comparisons = wanted.map((each) => new Comparison(each));
  }

  /** Hears the capture of that side. */
  reading(side: Side): ConnectionListener {
    this.store.comparing = this.readings++ > 0;
    const byConnection = new Map<number, Wish[]>();
    for (const comparison of this.comparisons) {
      for (const which of ['before', 'after'] as const) {
        const { difference, [which]: range } = comparison.wanted;
        const spot = difference[which];
        if (spot === null || range === null || spot.side !== side) continue;
        const index = this.connectionOf(spot);
        const wishes = byConnection.get(index);
        const wish = { comparison, which, range };
        if (wishes) wishes.push(wish);
        else byConnection.set(index, [wish]);
      }
    }
    const { store } = this;
    return {
      opened({ index }: ConnectionView): StreamListener {
        const wishes = byConnection.get(index);
        return wishes === undefined ? DEAF : new Collector(wishes, store);
      },
    };
  }

  /** The differences with, in the place of each message that was read again, what differs in it. */
  resolve(differences: readonly Difference[]): Difference[] {
    const found = new Map(this.comparisons.map(({ wanted, found }) => [wanted.difference, found]));
    return differences.flatMap((difference) => found.get(difference) ?? [difference]);
  }
}

/** Each side is one capture, analysed on its own: `s17` is its connection 16. */
function indexInOnlyCapture({ session }: Spot): number {
  return Number(session.slice(1)) - 1;
}

const DEAF: StreamListener = { chunk() {}, gap() {}, closed() {} };

/** A message, or a flight, on one side. */
interface Wish {
  readonly comparison: Comparison;
  readonly which: 'before' | 'after';
  readonly range: OctetRange;
}

/** Picks the wanted ranges out of one connection. */
class Collector implements StreamListener {
  private readonly client: Picker;
  private readonly server: Picker;

  constructor(wishes: readonly Wish[], store: OctetStore) {
    const of = (direction: Direction) =>
      wishes.filter(({ comparison }) => comparison.wanted.difference.direction === direction);
    this.client = new Picker(of('client'), store);
    this.server = new Picker(of('server'), store);
  }

  chunk(chunk: StreamChunk): void {
    this[chunk.direction].take(chunk);
  }

  gap(): void {
    // A hole in a range shows when it ends: it is not full.
  }

  closed(): void {
    this.client.end();
    this.server.end();
  }
}

/** The same of one direction. The ranges come in the order of the stream. */
class Picker {
  private readonly wishes: Wish[];
  private open: CollectedOctets | null = null;

  constructor(
    wishes: readonly Wish[],
    private readonly store: OctetStore,
  ) {
    this.wishes = [...wishes].sort((a, b) => a.range.from - b.range.from);
  }

  take(chunk: StreamChunk): void {
    const end = chunk.offset + chunk.end - chunk.start;
    for (;;) {
      const wish = this.wishes[0];
      if (wish === undefined || wish.range.from >= end) return;
      this.open ??= new CollectedOctets(wish.range, this.store);
      this.open.take(chunk);
      if (end < wish.range.to) return;
      this.next(wish, this.open);
    }
  }

  end(): void {
    for (const wish of [...this.wishes]) this.next(wish, this.open);
  }

  private next(wish: Wish, collected: CollectedOctets | null): void {
    this.wishes.shift();
    this.open = null;
    if (collected !== null) wish.comparison.have(wish.which, collected);
  }
}

/** One message or flight, and what was read of it. */
class Comparison {
  /** null: not compared. */
  found: Difference[] | null = null;
  private before: CollectedOctets | null = null;
  private after: CollectedOctets | null = null;

  constructor(readonly wanted: WantedOctets) {}

  have(which: 'before' | 'after', collected: CollectedOctets): void {
    const { wanted } = this;
    if (wanted.before === null || wanted.after === null) {
      this.found = [inFrame(wanted.difference, which, collected.frameAt(0))];
      collected.release();
      return;
    }
    this[which] = collected;
    const { before, after } = this;
    if (before === null || after === null) return;
    if (before.isWhole && after.isWhole) this.found = this.compare(before, after);
    before.release();
    after.release();
    this.before = null;
    this.after = null;
  }

  private compare(before: CollectedOctets, after: CollectedOctets): Difference[] | null {
    const [was, is] = [before.octets, after.octets];
    if (was === null || is === null) return this.compareParts(before, after);
    const places = new Places();
    if (was.length === is.length) {
      inPlaces(was, is, (from, to) => places.add(from, to, from, to, differing(was, is, from, to)));
    } else {
      const { head, tail } = common(was, is);
      const [gone, come] = [was.length - tail, is.length - tail];
      places.add(head, gone, head, come, Math.max(gone, come) - head);
    }
    // The octets are the same: another transport is what differs.
    if (places.list.length === 0) return null;
    return places.listed((place) => this.difference(before, after, place, this.change(was, is, place)));
  }

  private change(was: Buffer, is: Buffer, place: Place): ShownChange {
    const { difference, isHead = false } = this.wanted;
    if (difference.subject !== 'tls') return changeOf(was, is, place, shownExcerpt);
    return changeOf(was, is, place, (octets, from, to) => tlsExcerpt(octets, from, to, isHead));
  }

  private compareParts(before: CollectedOctets, after: CollectedOctets): Difference[] | null {
    const [was, is] = [before.parts(), after.parts()];
    if (was === null || is === null) return null;
    const places = new Places();
    for (let part = 0; part < Math.max(was.length, is.length); part++) {
      if (was[part] === is[part]) continue;
      const from = part * PART_OCTETS;
      // Of another length, all that follows has moved.
      places.add(from, from, from, from, 1);
      if (before.length !== after.length) break;
    }
    if (places.list.length === 0) return null;
    return places.listed((place) => this.difference(before, after, place, null));
  }

  /** @param change  null: no more than where is known */
  private difference(
    before: CollectedOctets,
    after: CollectedOctets,
    place: Place,
    change: ShownChange | null,
  ): Difference {
    const { difference } = this.wanted;
    const at = (spot: Spot, collected: CollectedOctets, index: number, text: string): Spot => ({
      ...spot,
      packet: collected.frameAt(index) ?? spot.packet,
      offset: collected.range.from + index,
      text,
    });
    return {
      ...difference,
      how: change?.how ?? 'other',
      before: at(difference.before!, before, place.from, change?.before ?? ''),
      after: at(difference.after!, after, place.afterFrom, change?.after ?? ''),
      octets: place.octets,
      ranges: change?.ranges ?? [],
    };
  }
}

/** The same, with the very frame in which it begins. */
function inFrame(difference: Difference, which: 'before' | 'after', packet: number | null): Difference {
  const spot = difference[which];
  return spot === null || packet === null ? difference : { ...difference, [which]: { ...spot, packet } };
}

/** Octets that differ, as they lie in both messages; half-open. */
interface Place {
  readonly from: number;
  readonly to: number;
  readonly afterFrom: number;
  readonly afterTo: number;
  readonly octets: number;
}

class Places {
  readonly list: Place[] = [];
  /** Octets in places that are not listed. */
  private others = 0;
  private firstOther: Place | null = null;

  add(from: number, to: number, afterFrom: number, afterTo: number, octets: number): void {
    const place = { from, to, afterFrom, afterTo, octets };
    if (this.list.length < MAX_PLACES) this.list.push(place);
    else {
      this.firstOther ??= place;
      this.others += octets;
    }
  }

  /** @param show  makes an entry of a place; of the rest only where it begins is told */
  listed(show: (place: Place) => Difference): Difference[] {
    const entries = this.list.map(show);
    if (this.firstOther === null) return entries;
    const rest = show(this.firstOther);
    const blank = (spot: Spot | null) => spot && { ...spot, text: '' };
    entries.push({
      ...rest,
      before: blank(rest.before),
      after: blank(rest.after),
      octets: this.others,
      ranges: [],
    });
    return entries;
  }
}

/** Calls `place` with each run of differing octets; runs in one line that nearly touch are one, 32 of them at most. */
function inPlaces(was: Buffer, is: Buffer, place: (from: number, to: number) => void): void {
  let from = -1;
  let to = -1;
  let runs = 0;
  for (let at = 0; at < was.length; at++) {
    if (was[at] === is[at]) {
      const isEnd = at - to >= JOINED_OCTETS || was[at] === LF || runs === MAX_RANGES;
      if (from >= 0 && isEnd) {
        place(from, to);
        from = -1;
      }
    } else {
      if (from < 0) {
        from = at;
        runs = 0;
      }
      if (to !== at || runs === 0) runs++;
      to = at + 1;
    }
  }
  if (from >= 0) place(from, to);
}

function differing(was: Buffer, is: Buffer, from: number, to: number): number {
  let octets = 0;
  for (let at = from; at < to; at++) if (was[at] !== is[at]) octets++;
  return octets;
}

/** How many octets both begin and end with. */
function common(was: Buffer, is: Buffer): { head: number; tail: number } {
  const shorter = Math.min(was.length, is.length);
  let head = 0;
  while (head < shorter && was[head] === is[head]) head++;
  let tail = 0;
  while (tail < shorter - head && was[was.length - 1 - tail] === is[is.length - 1 - tail]) tail++;
  return { head, tail };
}

interface ShownChange extends Pick<TextChange, 'how' | 'ranges'> {
  readonly before: string;
  readonly after: string;
}

function changeOf(
  was: Buffer,
  is: Buffer,
  { from, to, afterFrom, afterTo }: Place,
  excerpt: typeof shownExcerpt,
): ShownChange {
  const [gone, come] = [was.latin1Slice(from, to), is.latin1Slice(afterFrom, afterTo)];
  const change = gone.length === come.length ? inPlace(gone, come, false) : null;
  const before = excerpt(was, from, to);
  const whole: TextChange['ranges'] = gone.length > 0 ? [[0, gone.length]] : [];
  return {
    how: change?.how ?? 'other',
    ranges: change === null || before.isSecret ? whole : change.ranges,
    before: before.text,
    after: excerpt(is, afterFrom, afterTo).text,
  };
}
