import { expect, test } from 'vitest';
import { runs } from '../support/extent.js';
import { type Conversation, converse, naiveStreams, type Perturbation, Random } from '../support/perturb.js';
import { type Heard, run } from '../support/streams.js';

const NONE: Perturbation = {
  retransmit: 0,
  differ: 0,
  reorder: 0,
  drop: 0,
  mirror: 0,
  swap: 0,
  slice: 0,
  handshake: true,
};

const TABLE: [string, Partial<Perturbation>][] = [
  ['as it should be', {}],
  ['out of order', { reorder: 60 }],
  ['sent twice', { retransmit: 40, reorder: 30 }],
  ['sent twice and differing', { retransmit: 40, differ: 50, reorder: 40 }],
  ['from a mirror port', { mirror: 50, reorder: 30, retransmit: 20 }],
  ['directions swapped', { swap: 50 }],
  ['all of it, nothing lost', { retransmit: 30, differ: 30, reorder: 40, mirror: 30, swap: 30 }],
  ['octets not captured', { drop: 20 }],
  ['octets not captured, directions swapped, mirrored', { drop: 20, swap: 30, mirror: 20 }],
  ['sliced', { slice: 30 }],
];

/** Offsets that were declared missing, as a set, and every octet in its place: -1 for a gap. */
function heardStream(heard: Heard, side: 'C' | 'S'): number[] {
  const octets: number[] = [];
  const connection = heard.connections[0]!;
  const chunks = side === 'C' ? connection.client : connection.server;
  let next = 0;
  for (const line of connection.log) {
    const gap = /^gap ([CS]) (\d+)\+(\d+)/.exec(line);
    if (gap && gap[1] === side) {
      expect(Number(gap[2])).toBe(octets.length);
      for (let i = 0; i < Number(gap[3]); i++) octets.push(-1);
    }
    const chunk = /^([CS]) (\d+) /.exec(line);
    if (chunk && chunk[1] === side) {
      expect(Number(chunk[2])).toBe(octets.length);
      octets.push(...chunks[next++]!);
    }
  }
  return octets;
}

/** No chunk is heard before all that its segment acknowledges was, or was declared missing. */
function expectCausalOrder(conversation: Conversation, heard: Heard): void {
  const reached = { C: 0, S: 0 };
  for (const line of heard.connections[0]!.log) {
    const gap = /^gap ([CS]) (\d+)\+(\d+)/.exec(line);
    if (gap) reached[gap[1] as 'C' | 'S'] = Number(gap[2]) + Number(gap[3]);
    const chunk = /^([CS]) (\d+) .*#(\d+)$/s.exec(line);
    if (!chunk) continue;
    const segment = conversation.segments[Number(chunk[3]) - 1]!;
    const side = chunk[1] as 'C' | 'S';
    const other = side === 'C' ? 'S' : 'C';
    const acknowledged = (segment.ack - conversation.isn[other] - 1) | 0;
    // One octet beyond what was seen may as well be a FIN: nothing waits for it.
    expect(reached[other] + 1).toBeGreaterThanOrEqual(
      Math.min(acknowledged, conversation.sent[other].length),
    );
    reached[side] = Number(chunk[2]) + (segment.captured ?? segment.data.length);
  }
}

test.each(TABLE)('beside the naive twin: %s', (_, changes) => {
  const perturbation = { ...NONE, ...changes };
  for (let seed = 1; seed <= runs(400); seed++) {
    const conversation = converse(new Random(seed), perturbation);
    const heard = run(conversation.segments);
    const naive = naiveStreams(conversation);
    expect(heard.connections, `seed ${seed}`).toHaveLength(1);
    for (const side of ['C', 'S'] as const)
      expect(heardStream(heard, side), `seed ${seed}`).toEqual(naive[side]);
    expect(heard.log.at(-1), `seed ${seed}`).toContain('closed fin');
    expect(heard.table.heldCost).toBe(0);
    expect(heard.connections[0]!.view.overlapCount, `seed ${seed}`).toBe(naive.differing);
    if (perturbation.swap > 0) expectCausalOrder(conversation, heard);
  }
});

/** With frame numbers beyond 32 bits, no segment takes the short way. */
test.each(TABLE)('by the short way and by the long one: %s', (_, changes) => {
  const before = 2 ** 33;
  for (let seed = 1; seed <= runs(100); seed++) {
    const all = converse(new Random(seed), { ...NONE, ...changes }).segments;
    // What was acknowledged in the middle must be right, too.
    const segments = all.slice(0, all.length - (seed % all.length));
    const [short, long] = [run(segments), run(segments, { framesBefore: before })];
    const shortened = long.log.map((line) => line.replace(/\d+$/, (frame) => String(Number(frame) - before)));
    expect(shortened, `seed ${seed}`).toEqual(short.log);
    const facts = ({ connections: [connection] }: Heard, frames: number) => {
      const { view } = connection!;
      const { tcp } = view;
      return {
        acknowledged: [view.acknowledged('client'), view.acknowledged('server')],
        packets: [view.clientPackets, view.serverPackets],
        frames: [view.firstFrame, view.lastFrame, tcp.serverLastFrame, view.clientFinFrame].map(
          (frame) => frame && frame - frames,
        ),
        others: [tcp.clientHopLimit, tcp.serverHopLimit, tcp.handshakeUs, tcp.serverLastUs, tcp.clientEnd],
        rare: [view.gapCount, view.overlapCount, tcp.foreignCount, tcp.oversizeCount, view.end?.us],
      };
    };
    expect(facts(long, before), `seed ${seed}`).toEqual(facts(short, 0));
  }
});

test('every prefix of a perturbed conversation is heard without harm', () => {
  const all = { ...NONE, retransmit: 30, differ: 30, reorder: 40, mirror: 20, swap: 30, drop: 10, slice: 5 };
  for (let seed = 1; seed <= 15; seed++) {
    const conversation = converse(new Random(seed), all);
    const naive = naiveStreams(conversation);
    for (let n = 0; n <= conversation.segments.length; n++) {
      const heard = run(conversation.segments.slice(0, n));
      expect(heard.connections.every((c) => c.closed === 1)).toBe(true);
      expect(heard.table.heldCost).toBe(0);
      if (n === 0) continue;
      for (const side of ['C', 'S'] as const) {
        const octets = heardStream(heard, side);
        // A sliced copy may be filled by a later one, which the prefix has not: compared is what was captured.
        for (const [i, octet] of octets.entries()) if (octet !== -1) expect(octet).toBe(naive[side][i]);
      }
    }
  }
});

test('every suffix, too: it begins midstream', () => {
  for (let seed = 1; seed <= runs(40); seed++) {
    const conversation = converse(new Random(seed), NONE);
    const { segments, sent, isn } = conversation;
    for (let n = 3; n < segments.length; n++) {
      const rest = segments.slice(n);
      const heard = run(rest);
      for (const side of ['C', 'S'] as const) {
        const first = rest.find((segment) => segment.from === side && segment.data.length > 0);
        if (first === undefined) continue;
        const offset = (first.seq - isn[side] - 1) | 0;
        const text = heard.connections[0]!.text(side === 'C' ? 'client' : 'server');
        expect(text).toBe(sent[side].toString('latin1', offset));
      }
    }
  }
});

test('garbage of all flags and numbers', () => {
  for (let seed = 1; seed <= runs(300); seed++) {
    const random = new Random(seed);
    const { segments } = converse(random, { ...NONE, reorder: 50, drop: 10, swap: 20 });
    const flags = ['S', 'SA', 'A', 'PA', 'FA', 'F', 'R', 'RA', 'SF', 'SR', 'SFRPA', ''];
    for (const segment of segments) {
      if (random.chance(20)) segment.flags = flags[random.int(flags.length)]!;
      if (random.chance(10)) segment.seq = random.int(0xffffffff) | 0;
      if (random.chance(10)) segment.ack = random.int(0xffffffff) | 0;
      if (random.chance(5)) segment.seq = (segment.seq + (1 << random.int(31))) | 0;
      if (random.chance(5)) segment.us += (random.int(2) - 1) * 1e9 * random.int(1e5);
      if (random.chance(5)) segment.clientPort = 25 + random.int(2);
    }
    const { connections, table } = run(segments, {
      limits: { connections: 2, heldSegments: 5, heldOctets: 50 },
    });
    expect(connections.every((connection) => connection.closed === 1)).toBe(true);
    expect([table.openCount, table.heldCost]).toEqual([0, 0]);
    for (const { view, client, server } of connections) {
      const octets = [...client, ...server].reduce((sum, chunk) => sum + chunk.length, 0);
      expect(octets).toBeLessThanOrEqual(1200);
      expect(view.gaps.length).toBeLessThanOrEqual(20);
    }
  }
});
