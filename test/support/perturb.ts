/** Conversations with everything that networks and captures do to them, from a seed; and what they should give. */
import type { WireSegment } from './streams.js';

/** Small, seeded, good enough for tests (mulberry32). */
export class Random {
  constructor(private state: number) {}

  /** 0 to `below` - 1. */
  int(below: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  }

  chance(percent: number): boolean {
    return this.int(100) < percent;
  }
}

export interface Perturbation {
  /** Percent of segments sent twice by the sender, cut differently. */
  retransmit: number;
  /** Percent of those whose octets differ. */
  differ: number;
  /** Percent of flights that arrive in another order. */
  reorder: number;
  /** Percent of segments that the capture does not hold, though the receiver does. */
  drop: number;
  /** Percent of packets that a mirror port shows twice. */
  mirror: number;
  /** Percent of neighbours of different directions captured the wrong way round. */
  swap: number;
  /** Percent of data segments cut short in the capture. */
  slice: number;
  handshake: boolean;
}

export interface Conversation {
  segments: WireSegment[];
  /** What was sent. */
  sent: { C: Buffer; S: Buffer };
  isn: { C: number; S: number };
}

const START_US = 1_714_979_289_000_000;

/** Turns of the two sides; each turn is a flight of segments which the other side then acknowledges. */
export function converse(random: Random, p: Perturbation): Conversation {
  const isn = { C: nearWrap(random), S: nearWrap(random) };
  const sent = { C: [] as Buffer[], S: [] as Buffer[] };
  const at = { C: 0, S: 0 };
  const packets: WireSegment[] = [];
  let us = START_US;
  const add = (from: 'C' | 'S', flags: string, offset: number, data: Buffer): WireSegment => {
    const other = from === 'C' ? 'S' : 'C';
    us += 100 + random.int(300);
    const segment: WireSegment = {
      from,
      clientPort: 40000,
      serverPort: 25,
      flags,
      seq: (isn[from] + 1 + offset) | 0,
      ack: flags.includes('A') ? (isn[other] + 1 + at[other]) | 0 : 0,
      data,
      us,
    };
    packets.push(segment);
    return segment;
  };
  const nothing = Buffer.alloc(0);
  if (p.handshake) {
    add('C', 'S', -1, nothing);
    add('S', 'SA', -1, nothing);
    add('C', 'A', 0, nothing);
  }
  const turns = 2 + random.int(8);
  for (let turn = 0; turn < turns; turn++) {
    const from = turn % 2 === 0 ? 'S' : 'C';
    const other = from === 'C' ? 'S' : 'C';
    const octets = Buffer.from(Array.from({ length: 2 + random.int(60) }, () => 33 + random.int(90)));
    const flight: [number, Buffer, boolean][] = [];
    for (let i = 0; i < octets.length; ) {
      const left = octets.length - i;
      const taken = 2 + random.int(20);
      // One octet sent again looks like a keep-alive, whose octet means nothing: no piece is that short.
      const length = left - taken < 2 ? left : taken;
      flight.push([at[from] + i, octets.subarray(i, i + length), false]);
      if (random.chance(p.retransmit)) {
        const copy = Buffer.from(octets.subarray(0, i + length).subarray(Math.max(0, i - random.int(9))));
        if (random.chance(p.differ)) copy[random.int(copy.length)]! ^= 0x80;
        flight.push([at[from] + i + length - copy.length, copy, true]);
      }
      i += length;
    }
    if (random.chance(p.reorder)) shuffle(random, flight);
    for (const [offset, data] of flight) add(from, 'PA', offset, data);
    sent[from].push(octets);
    at[from] += octets.length;
    add(other, 'A', at[other], nothing);
  }
  for (const from of ['C', 'S'] as const) {
    add(from, 'FA', at[from], nothing);
    at[from]++;
  }
  add('C', 'A', at.C, nothing);
  return {
    segments: captured(random, p, packets),
    sent: { C: Buffer.concat(sent.C), S: Buffer.concat(sent.S) },
    isn,
  };
}

/** What the capture makes of it. The wrong way round are only packets of different directions: they come through
 * different queues. */
function captured(random: Random, p: Perturbation, packets: readonly WireSegment[]): WireSegment[] {
  const out: WireSegment[] = [];
  for (const packet of packets) {
    const hasData = packet.data.length > 0;
    if (hasData && random.chance(p.drop)) continue;
    const copy = { ...packet };
    if (hasData && random.chance(p.slice)) copy.captured = random.int(packet.data.length);
    out.push(copy);
    if (random.chance(p.mirror)) out.push({ ...copy });
  }
  for (let i = 3; i + 1 < out.length; i++) {
    if (out[i]!.from === out[i + 1]!.from || !random.chance(p.swap)) continue;
    [out[i], out[i + 1]] = [out[i + 1]!, out[i]!];
    i++;
  }
  return out;
}

function shuffle(random: Random, list: unknown[]): void {
  for (let i = list.length - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [list[i], list[j]] = [list[j], list[i]];
  }
}

function nearWrap(random: Random): number {
  return random.chance(50) ? (-1 - random.int(200)) | 0 : random.int(0x7fffffff);
}

export interface NaiveStreams {
  C: number[];
  S: number[];
  /** Segments with an octet that is not that of the first copy. */
  differing: number;
}

/**
 * The reassembly without any of its difficulties: an array of octets, -1 where none was captured; the first copy
 * stays. Good for a whole conversation, looked at from the end.
 */
export function naiveStreams(conversation: Conversation): NaiveStreams {
  const streams: NaiveStreams = { C: [], S: [], differing: 0 };
  for (const from of ['C', 'S'] as const) {
    streams[from] = new Array(conversation.sent[from].length).fill(-1);
  }
  for (const segment of conversation.segments) {
    const octets = streams[segment.from];
    const offset = (segment.seq - conversation.isn[segment.from] - 1) | 0;
    const end = segment.captured ?? segment.data.length;
    let differs = false;
    for (let i = 0; i < end; i++) {
      if (octets[offset + i] === -1) octets[offset + i] = segment.data[i]!;
      else if (octets[offset + i] !== segment.data[i]) differs = true;
    }
    if (differs) streams.differing++;
  }
  return streams;
}
