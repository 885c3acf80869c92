import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analyze } from '../../src/analyze.js';
import type { Pairing } from '../../src/compare/pair.js';
import { pairSessions } from '../../src/compare/pairing.js';
import { SessionKeys } from '../../src/compare/session-key.js';
import { analyzeScripts, SCRIPT_START_US } from '../support/dialogue.js';
import { processorMs } from '../support/timing.js';
import {
  clockOf,
  keysOf,
  Random,
  randomised,
  type Scene,
  scene,
  type TrafficShape,
  traffic,
  translated,
  type View,
} from './traffic.js';

const CAPTURES = join(dirname(fileURLToPath(import.meta.url)), '../../captures');

/** Two scripts as the two captures. */
async function pairScripts(inside: string, outside: string): Promise<Pairing> {
  const [a, b] = await Promise.all(
    [inside, outside].map((script) => analyzeScripts([script], { rules: [] })),
  );
  return pairSessions(keysOf(a!.sessions()), keysOf(b!.sessions()));
}

/** `1=2` for each pair, and `inside 3 ambiguous` for each that has none. */
function told({ pairs, unpaired }: Pairing): string[] {
  return [
    ...pairs.map(({ inside, outside }) => `${inside}=${outside}`),
    ...unpaired.map(({ side, session, reason }) => `${side} ${session} ${reason}`),
  ];
}

function judged({ twins }: Scene, { pairs }: Pairing): { wrong: number; right: number; possible: number } {
  const right = pairs.filter(({ inside, outside }) => twins.get(inside) === outside).length;
  return { wrong: pairs.length - right, right, possible: twins.size };
}

const MAIL = (id: string, to = 'b', greeting = '220 mail.example ESMTP Postfix') => `
  S: ${greeting}
  C: EHLO client.example
  S: 250-mail.example
  S+ 250 8BITMIME
  C: MAIL FROM:<a@client.example>
  S: 250 ok
  C: RCPT TO:<${to}@mail.example>
  S: 250 ok
  C: DATA
  S: 354 go ahead
  C: Message-ID: <${id}@client.example>\\r\\n\\r\\nHello\\r\\n.
  S: 250 queued
  C: QUIT
  S: 221 bye
`;

describe('sessions of scripts', () => {
  it('pairs one session that the firewall let pass', async () => {
    const pairing = await pairScripts(MAIL('1'), MAIL('1'));
    expect(told(pairing)).toEqual(['1=1']);
    expect(pairing.pairs[0]!.matchedBy).toEqual(['sequence-numbers', 'endpoints', 'message', 'dialogue']);
    expect(pairing.pairs[0]!.clockOffsetUs).toBe(0);
  });

  it('pairs across masks, which keep lengths', async () => {
    const outside = MAIL('1', 'b', '220 **************************').replace('250 8BITMIME', '250 XXXXXXXX');
    expect((await pairScripts(MAIL('1'), outside)).pairs[0]!.matchedBy).toContain('dialogue');
  });

  it.each([
    ['the client', 'session C=10.0.0.1:999 S=198.51.100.25:25', 'C=203.0.113.9:2001 S=198.51.100.25:25'],
    ['the server', 'session C=192.0.2.1:999 S=10.0.0.25:25', 'C=192.0.2.1:999 S=203.0.113.25:25'],
    ['both', 'session C=10.0.0.1:999 S=10.0.0.25:25', 'C=203.0.113.9:2001 S=203.0.113.25:25'],
  ])('pairs though the addresses of %s were translated', async (_, inside, outside) => {
    const pairing = await pairScripts(inside + MAIL('1'), `session ${outside}${MAIL('1')}`);
    expect(told(pairing)).toEqual(['1=1']);
    expect(pairing.pairs[0]!.matchedBy[0]).toBe('sequence-numbers');
  });

  it('pairs a SYN that only one capture saw answered', async () => {
    const pairing = await pairScripts('knock\nrefuse', 'knock');
    expect(told(pairing)).toEqual(['1=1']);
  });

  it('says that a SYN was not passed on', async () => {
    const stopped = 'session C=192.0.2.77:5 S=198.51.100.25:25\nknock\n@ +1\nknock';
    const pairing = await pairScripts(`${MAIL('1')}tick 60`, `${MAIL('1')}${stopped}\ntick 60`);
    expect(told(pairing)).toEqual(['1=1', '2=3', 'outside 2 no-counterpart']);
  });

  it('tells which capture was nearer the server by hop limits, and the same when the sides are swapped', async () => {
    const inside = `stack C ttl=60\nstack S ttl=64${MAIL('1')}`;
    const outside = `stack C ttl=64\nstack S ttl=60${MAIL('1')}`;
    expect((await pairScripts(inside, outside)).nearerServer).toBe('inside');
    const swapped = await pairScripts(outside, inside);
    expect(swapped.nearerServer).toBe('outside');
    expect(swapped.nearerServerBecause).toContain('2 of 2');
  });

  it('cannot tell when hop limits and handshakes are alike', async () => {
    const pairing = await pairScripts(MAIL('1'), MAIL('1'));
    expect(pairing.nearerServer).toBeNull();
    expect(pairing.nearerServerBecause).toMatch(/alike/);
  });

  it('pairs two clients that a proxy gives one address', async () => {
    const client = (n: number) => `session C=192.0.2.${n}:50000 S=198.51.100.25:25${MAIL(`${n}`, `to${n}`)}`;
    const proxied = (n: number) =>
      `session C=10.0.0.1:${60_000 + n} S=10.0.0.25:25\nisn C ${n}77\nisn S ${n}99${MAIL(`${n}`, `to${n}`, '220 other')}`;
    const outside = [1, 2, 3].map(client).join('\n');
    const pairing = await pairScripts([1, 2, 3].map(proxied).join('\n'), outside);
    expect(told(pairing)).toEqual(['1=1', '2=2', '3=3']);
    const mixed = await pairScripts([3, 1, 2].map(proxied).join('\n'), outside);
    expect(told(mixed).slice(0, 2)).toEqual(['2=1', '3=2']);
  });

  it('pairs nothing of two captures that have nothing in common', async () => {
    const pairing = await pairScripts(
      `session C=192.0.2.1:1 S=198.51.100.25:25${MAIL('1')}`,
      `session C=192.0.2.2:2 S=203.0.113.25:25\nS: 220 other.example\nC: HELO x\nS: 250 ok\nC: MAIL FROM:<z@z.example>\nS: 250 ok`,
    );
    // The scripts begin with the same numbers; an equal one that carries other mail is no proof.
    expect(pairing.pairs.filter(({ matchedBy }) => matchedBy.includes('message'))).toEqual([]);
  });
});

describe('recorded captures', () => {
  const names = readdirSync(CAPTURES);
  // In those left out, some sessions were seen on one side only, or nothing but the time tells them apart.
  const insides = names.filter((name) => /^(?!blocked|compare-newsletter).*-inside\.pcap/.test(name));
  const both = insides
    .map(
      (name) =>
        [name, names.find((other) => other.startsWith(name.replace(/-inside.*/, '-outside.')))] as const,
    )
    .filter((pair): pair is readonly [string, string] => pair[1] !== undefined);

  it.each(both)('%s and %s pair session by session', async (inside, outside) => {
    const [a, b] = await Promise.all(
      [inside, outside].map(async (name) =>
        keysOf((await analyze([join(CAPTURES, name)], { rules: [] })).sessions()),
      ),
    );
    const pairing = pairSessions(a!, b!);
    expect(pairing.unpaired).toEqual([]);
    for (const pair of pairing.pairs) expect(pair.outside).toBe(pair.inside);
    expect(pairing.pairs).toHaveLength(a!.count);
    const proxied = inside.includes('proxy-');
    expect(pairing.nearerServer).toBe(proxied ? null : 'inside');
    const mirrored = pairSessions(b!, a!);
    expect(mirrored.pairs).toHaveLength(a!.count);
    expect(mirrored.nearerServer).toBe(proxied ? null : 'outside');
  });
});

describe('200 recorded sessions that say the same', () => {
  const sides = (name: string) =>
    Promise.all(
      ['inside', 'outside'].map(async (side) => [
        ...(await analyze([join(CAPTURES, `${name}-${side}.pcap.zst`)], { rules: [] })).sessions(),
      ]),
    );

  it('are told apart by their timestamps', async () => {
    const [a, b] = await sides('compare-newsletter');
    const pairing = pairSessions(keysOf(a!), keysOf(b!));
    for (const { inside, outside } of pairing.pairs) {
      expect(b![outside - 1]!.tcp.clientTsval).toBe(a![inside - 1]!.tcp.clientTsval);
      expect(b![outside - 1]!.tcp.serverTsval).toBe(a![inside - 1]!.tcp.serverTsval);
    }
    expect(pairing.pairs).toHaveLength(200);
    expect(pairing.unpaired).toEqual([]);
  });

  it('are not guessed where nothing tells', async () => {
    const [a, b] = await sides('compare-newsletter-bare');
    const pairing = pairSessions(keysOf(a!), keysOf(b!));
    expect(pairing.pairs).toEqual([]);
    expect(new Set(pairing.unpaired.map(({ reason }) => reason))).toEqual(new Set(['ambiguous']));
  });
});

const ORDINARY: TrafficShape = {
  sessions: 300,
  spanUs: 600e6,
  clients: 5,
  messages: 10_000,
  recipients: 10_000,
  timestamps: false,
};
const NEWSLETTER: TrafficShape = { ...ORDINARY, sessions: 200, spanUs: 2e6, messages: 1, recipients: 1 };

interface Firewall {
  nat?: boolean;
  randomises?: boolean;
  offsetUs?: number;
  ppm?: number;
  jitterUs?: number;
  loss?: readonly [number, number];
}

function passed(shape: TrafficShape, firewall: Firewall, seed: number, more: Partial<View> = {}): Scene {
  const random = new Random(seed);
  const truths = traffic(shape, random);
  const jitterUs = firewall.jitterUs ?? 200;
  const inside: View = { clockUs: clockOf(), jitterUs };
  const outside: View = {
    clockUs: clockOf(firewall.offsetUs, firewall.ppm),
    jitterUs,
    masked: true,
    ...(firewall.nat && translated(random)),
    ...(firewall.randomises && { isns: randomised(random) }),
    ...more,
  };
  return scene(truths, { inside, outside, ...(firewall.loss && { loss: firewall.loss }) }, random);
}

const HOSTILE: Firewall = { nat: true, randomises: true, offsetUs: 7200e6, ppm: 60, loss: [10, 10] };

describe('what firewalls and captures do', () => {
  it.each<[string, TrafficShape, Firewall, number]>([
    ['nothing', ORDINARY, {}, 1],
    ['translation', ORDINARY, { nat: true }, 1],
    ['other sequence numbers', ORDINARY, { randomises: true }, 1],
    ['both', ORDINARY, { nat: true, randomises: true }, 1],
    ['clocks hours apart', ORDINARY, { nat: true, randomises: true, offsetUs: -5 * 3600e6 }, 1],
    ['clocks that drift apart', ORDINARY, { nat: true, randomises: true, ppm: 100 }, 1],
    ['a day of drift', { ...ORDINARY, spanUs: 86_400e6 }, { nat: true, randomises: true, ppm: -100 }, 1],
    ['loss on either side', ORDINARY, { loss: [20, 20] }, 1],
    ['all of it', ORDINARY, HOSTILE, 0.99],
    [
      'all of it, connections without an octet',
      { ...ORDINARY, silent: 30 },
      { ...HOSTILE, nat: false },
      0.99,
    ],
    ['a newsletter', NEWSLETTER, { nat: true }, 1],
    ['a newsletter, all of it, by recipients', { ...NEWSLETTER, recipients: 100_000 }, HOSTILE, 0.99],
    ['a newsletter, all of it, by timestamps', { ...NEWSLETTER, timestamps: true }, HOSTILE, 0.98],
    ['a newsletter, all of it, by time alone', NEWSLETTER, HOSTILE, 0.9],
  ])('%s', (_, shape, firewall, recall) => {
    for (let seed = 1; seed <= 5; seed++) {
      const scenery = passed(shape, firewall, seed);
      const { wrong, right, possible } = judged(scenery, pairSessions(scenery.inside, scenery.outside));
      expect(wrong).toBe(0);
      expect(right).toBeGreaterThanOrEqual(Math.floor(possible * recall));
    }
  });

  it('states offset and drift', () => {
    const scenery = passed({ ...ORDINARY, spanUs: 7200e6 }, HOSTILE, 1);
    const { clock, pairs } = pairSessions(scenery.inside, scenery.outside);
    expect(Math.abs(clock!.driftPpm + 60)).toBeLessThan(1);
    expect(Math.abs(clock!.offsetUs + 7200e6)).toBeLessThan(1e6);
    expect(clock!.residualUs).toBeLessThan(200);
    expect(clock!.pairs).toBe(pairs.length);
  });

  it('refuses sessions of one content that begin at one moment', () => {
    const random = new Random(1);
    const truths = traffic({ ...NEWSLETTER, sessions: 2, spanUs: 1 }, random).map((truth) => ({
      ...truth,
      lastsUs: 90_000,
    }));
    const known = traffic({ ...ORDINARY, sessions: 20 }, random);
    const outside = { clockUs: clockOf(), isns: randomised(random), ...translated(random) };
    const { inside: a, outside: b } = scene(
      [...truths, ...known],
      { inside: { clockUs: clockOf() }, outside },
      random,
    );
    const pairing = pairSessions(a, b);
    expect(pairing.pairs).toHaveLength(20);
    expect(pairing.unpaired.map(({ reason }) => reason)).toEqual(Array(4).fill('ambiguous'));
    expect(pairing.unpaired[0]!.detail).toBe(
      'In the outside capture 2 sessions could be it, and nothing decides between them.',
    );
  });

  it('refuses to guess the offset of evenly spaced sessions of one content', () => {
    const random = new Random(1);
    const truths = traffic({ ...NEWSLETTER, sessions: 30 }, random).map((truth, at) => ({
      ...truth,
      startUs: SCRIPT_START_US + at * 1e6,
      lastsUs: 90_000,
    }));
    const outside = { clockUs: clockOf(3600e6), isns: randomised(random), ...translated(random) };
    const { inside: a, outside: b } = scene(truths, { inside: { clockUs: clockOf() }, outside }, random);
    const pairing = pairSessions(a, b);
    expect(pairing.pairs).toEqual([]);
    expect(pairing.clock).toBeNull();
    expect(pairing.unpaired[0]!.detail).toMatch(
      /30 sessions could be it, and how far the clocks are apart is not/,
    );
  });

  it('calls sessions outside the other capture’s time not covered', () => {
    const random = new Random(4);
    const truths = traffic(ORDINARY, random);
    const cut = SCRIPT_START_US + 300e6;
    const { inside: a, outside: b } = scene(
      truths,
      {
        inside: { clockUs: clockOf() },
        outside: { clockUs: clockOf(3600e6), ...translated(random) },
        inOutside: ({ startUs }) => startUs > cut,
      },
      random,
    );
    const { unpaired, pairs } = pairSessions(a, b);
    expect(pairs.length).toBe(b.count);
    expect(unpaired.length).toBe(a.count - b.count);
    // Those that were still open when the other capture's first session began may have been in it.
    const reasons = unpaired.map(({ reason }) => reason);
    expect(reasons.filter((reason) => reason === 'not-covered').length).toBeGreaterThan(
      unpaired.length * 0.95,
    );
    expect(unpaired.find(({ reason }) => reason === 'not-covered')!.detail).toMatch(
      /^It ended \d+\.\d{3} s before the outside capture began\.$/,
    );
  });

  it('takes the captures’ own times when they are told', () => {
    const time = (s: number) => ({ us: SCRIPT_START_US + s * 1e6, ns: 0, digits: 6 });
    const scenery = passed({ ...ORDINARY, sessions: 20 }, { loss: [0, 50] }, 2);
    scenery.outside.cover(time(-10), time(1000));
    const { unpaired } = pairSessions(scenery.inside, scenery.outside);
    expect(new Set(unpaired.map(({ reason }) => reason))).toEqual(new Set(['no-counterpart']));
  });

  it('does not take the last one left for a partner where the captures miss others', () => {
    const random = new Random(3);
    const known = traffic({ ...ORDINARY, sessions: 20, timestamps: true }, random);
    const [first, second, lost] = traffic({ ...NEWSLETTER, sessions: 3 }, random).map((truth, at) => ({
      ...truth,
      startUs: SCRIPT_START_US + 300e6 + at * 400e3,
      lastsUs: 90_000,
      tsvals: (at < 2 ? [7, 9] : [70, 90]) as [number, number],
    }));
    const outside = { clockUs: clockOf(3600e6), isns: randomised(random), ...translated(random) };
    const scenery = scene(
      [first!, second!, lost!, ...known],
      {
        inside: { clockUs: clockOf() },
        outside,
        inInside: (truth) => truth !== second,
        inOutside: (truth) => truth !== first && truth !== lost,
      },
      random,
    );
    const pairing = pairSessions(scenery.inside, scenery.outside);
    expect(judged(scenery, pairing)).toEqual({ wrong: 0, right: 20, possible: 20 });
  });

  it('tells one port of one client in two connections by the time', () => {
    const random = new Random(2);
    const truths = traffic({ ...ORDINARY, sessions: 40, clients: 1 }, random).map((truth, at) => ({
      ...truth,
      port: 25_000,
      startUs: SCRIPT_START_US + at * 20e6,
    }));
    const outside = { clockUs: clockOf(50e6), isns: randomised(random) };
    const scenery = scene(truths, { inside: { clockUs: clockOf() }, outside, loss: [20, 20] }, random);
    const { wrong, right, possible } = judged(scenery, pairSessions(scenery.inside, scenery.outside));
    expect([wrong, right]).toEqual([0, possible]);
  });

  it('pairs without times by what needs none', () => {
    const scenery = passed(ORDINARY, { nat: true, randomises: true }, 1, { withoutTimes: true });
    const pairing = pairSessions(scenery.inside, scenery.outside);
    expect(judged(scenery, pairing)).toEqual({ wrong: 0, right: 300, possible: 300 });
    expect(pairing.clock).toBeNull();
    expect(pairing.pairs[0]!.clockOffsetUs).toBeNull();
  });

  it('pairs nothing with nothing', () => {
    const { inside } = passed({ ...ORDINARY, sessions: 3 }, {}, 1);
    const pairing = pairSessions(inside, new SessionKeys());
    expect(pairing.unpaired.map(({ reason }) => reason)).toEqual(Array(3).fill('no-counterpart'));
    expect(pairing.nearerServerBecause).toBe('No session was seen on both sides.');
  });

  it('finds the nearer side by handshakes', () => {
    const scenery = passed({ ...ORDINARY, sessions: 5 }, {}, 1, { handshakeUs: 900 });
    scenery.inside.handshakeUs.fill(100);
    const pairing = pairSessions(scenery.inside, scenery.outside);
    expect(pairing.nearerServer).toBe('inside');
    expect(pairing.nearerServerBecause).toBe(
      'The server answers a SYN sooner there: 0.100 ms inside and 0.900 ms outside (median of 5), shorter inside in 5.',
    );
    scenery.inside.handshakeUs.fill(890);
    expect(pairSessions(scenery.inside, scenery.outside).nearerServer).toBeNull();
  });
});

describe('properties', () => {
  it('never makes a wrong pair, whatever was done to the traffic', () => {
    const firewall = fc.record({
      nat: fc.boolean(),
      randomises: fc.boolean(),
      offsetUs: fc.integer({ min: -5 * 3600e6, max: 5 * 3600e6 }),
      ppm: fc.integer({ min: -100, max: 100 }),
      jitterUs: fc.constantFrom(0, 50, 300),
      loss: fc.tuple(fc.constantFrom(0, 5, 30), fc.constantFrom(0, 5, 30)),
    });
    const shape = fc.record({
      sessions: fc.integer({ min: 1, max: 60 }),
      spanUs: fc.constantFrom(10e6, 600e6, 36_000e6),
      clients: fc.constantFrom(1, 5),
      messages: fc.constantFrom(1, 3, 1000),
      recipients: fc.constantFrom(1, 3, 1000),
      timestamps: fc.boolean(),
      silent: fc.constantFrom(0, 20),
    });
    fc.assert(
      fc.property(shape, firewall, fc.nat(), (of, by, seed) => {
        const scenery = passed(of, by, seed);
        const pairing = pairSessions(scenery.inside, scenery.outside);
        expect(judged(scenery, pairing).wrong).toBe(0);
        // Each session is told of once.
        const { inside, outside } = scenery;
        expect(pairing.pairs.length * 2 + pairing.unpaired.length).toBe(inside.count + outside.count);
        expect(new Set(pairing.pairs.map((pair) => pair.outside)).size).toBe(pairing.pairs.length);
      }),
      { numRuns: 400, seed: 20010207 },
    );
  });

  it('gives the same when the sides are swapped', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const { inside, outside } = passed({ ...ORDINARY, sessions: 60 }, HOSTILE, seed);
      const there = pairSessions(inside, outside).pairs.map((pair) => `${pair.inside}=${pair.outside}`);
      const back = pairSessions(outside, inside).pairs.map((pair) => `${pair.outside}=${pair.inside}`);
      expect(back.sort()).toEqual(there.sort());
    }
  });

  it('finds what a comparison of each with each finds by numbers alone', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const scenery = passed({ ...ORDINARY, sessions: 40 }, { nat: true, loss: [30, 30] }, seed);
      const naive: string[] = [];
      for (const a of scenery.sessions.inside) {
        for (const b of scenery.sessions.outside) {
          const same = a.tcp.clientIsn === b.tcp.clientIsn && a.tcp.serverIsn === b.tcp.serverIsn;
          if (same) naive.push(`${a.id.slice(1)}=${b.id.slice(1)}`);
        }
      }
      const { pairs } = pairSessions(scenery.inside, scenery.outside);
      expect(pairs.map(({ inside, outside }) => `${inside}=${outside}`).sort()).toEqual(naive.sort());
    }
  });

  it('takes time in proportion, also when all mail is one', () => {
    for (const [shape, firewall] of [
      [{ ...ORDINARY, sessions: 20_000 }, HOSTILE],
      [{ ...NEWSLETTER, sessions: 20_000, spanUs: 600e6 }, HOSTILE],
      [{ ...NEWSLETTER, sessions: 20_000 }, { nat: true }],
    ] as const) {
      const scenery = passed(shape, firewall, 1);
      const before = processorMs();
      const pairing = pairSessions(scenery.inside, scenery.outside);
      expect(processorMs() - before).toBeLessThan(10_000);
      expect(judged(scenery, pairing).wrong).toBe(0);
    }
  }, 60_000);
});
