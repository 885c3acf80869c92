import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { run } from '../src/cli/run.js';
import { needs } from './support/needs.js';

/** A box's entry in its own log. */
interface Act {
  kind: string;
  direction?: 'client' | 'server';
  offset?: number;
  before?: Buffer;
  after?: Buffer;
}

interface Connection {
  number: number;
  acts: Act[];
  clientSent: Buffer;
  clientGot: Buffer;
  serverSent: Buffer;
  serverGot: Buffer;
  outcome?: string;
  timeouts: unknown[];
}

interface Scenario {
  name: string;
  view: string;
  lacks: string[];
  key?: string;
  honest?: boolean;
  sessions: number;
  conversations: { connections: Connection[] }[];
  captures: { side: string; extension: string; octets: Buffer; packets: number }[];
  verdict(rule: string): string;
}

interface Row {
  positives: number;
  found: number;
  false: number;
  possible: number;
}

interface Scored {
  rows: Map<string, Row>;
  honest: { sessions: number; false: number; possible: number };
  wrong: { kind: string; rule: string; key: string }[];
  add(scenario: Scenario, report: unknown): void;
}

interface Maker {
  TROUBLED: Record<string, { aims: string[] }>;
  troubledScenario(seed: number, options?: { plot?: string; view?: string }): Scenario;
  honestScenario(seed: number, options?: { plot?: string; view?: string; sessions?: number }): Scenario;
}

interface Judge {
  Score: new (rules: string[]) => Scored;
  reportOn(program: typeof run, scenario: Scenario, folder: string): Promise<unknown>;
}

// The generator is plain JavaScript and stands outside of what is type-checked.
const load = async <T>(name: string): Promise<T> =>
  (await import(new URL(`../bench/truth/${name}.mjs`, import.meta.url).href)) as T;
const { TROUBLED, troubledScenario, honestScenario } = await load<Maker>('scenario');
const { Score, reportOn } = await load<Judge>('score');
const { RULES } = await load<{ RULES: string[] }>('rules');
const { HONEST } = await load<{ HONEST: Record<string, unknown> }>('plots');

const folder = mkdtempSync(join(tmpdir(), 'mailwitness-truth-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const plots = Object.keys(TROUBLED);

/** What the other end has to have, by the box's log alone. */
function through(sent: Buffer, acts: Act[], direction: string): Buffer {
  const pieces: Buffer[] = [];
  let at = 0;
  const changes = acts
    .filter((act) => act.after !== undefined && act.direction === direction)
    .sort((one, other) => one.offset! - other.offset!);
  for (const { offset, before, after } of changes) {
    pieces.push(sent.subarray(at, offset!), after!);
    expect(sent.subarray(offset!, offset! + before!.length)).toEqual(before);
    at = offset! + before!.length;
  }
  pieces.push(sent.subarray(at));
  return Buffer.concat(pieces);
}

describe('the generator', () => {
  it('draws the same scenario from the same seed', () => {
    for (const plot of ['mask verbs', 'final reply lost', 'damage']) {
      const [one, other] = [troubledScenario(4, { plot }), troubledScenario(4, { plot })];
      expect(one.captures.map(({ octets }) => octets)).toEqual(other.captures.map(({ octets }) => octets));
    }
    const [one, other] = [troubledScenario(4, { plot: 'damage' }), troubledScenario(5, { plot: 'damage' })];
    expect(one.captures[0]!.octets).not.toEqual(other.captures[0]!.octets);
  });

  it.each(plots)('%s: what each end got is what the other sent, changed as the box has logged', (plot) => {
    let compared = 0;
    for (let seed = 0; seed < 6; seed++) {
      for (const { connections } of troubledScenario(seed, { plot }).conversations) {
        for (const { acts, clientSent, clientGot, serverSent, serverGot } of connections) {
          const atServer = through(clientSent, acts, 'client');
          const atClient = through(serverSent, acts, 'server');
          // What was lost at the end, with the connection, never arrived: the rest did, octet for octet.
          expect(serverGot.equals(atServer.subarray(0, serverGot.length))).toBe(true);
          expect(clientGot.equals(atClient.subarray(0, clientGot.length))).toBe(true);
          compared += serverGot.length + clientGot.length;
        }
      }
    }
    if (plot !== 'blocked') expect(compared).toBeGreaterThan(0);
  });

  it.each(Object.keys(HONEST))('%s: everything arrives unchanged', (plot) => {
    const { conversations } = honestScenario(3, { plot, sessions: 6 });
    for (const { connections } of conversations) {
      for (const { acts, clientSent, clientGot, serverSent, serverGot, outcome } of connections) {
        expect(acts.filter(({ kind }) => kind !== 'sack-kept')).toEqual([]);
        expect(serverGot.equals(clientSent.subarray(0, serverGot.length))).toBe(true);
        expect(clientGot.equals(serverSent.subarray(0, clientGot.length))).toBe(true);
        if (outcome === 'delivered') expect(serverGot).toHaveLength(clientSent.length);
      }
    }
  });

  it('puts each of its troubles where the contract has a rule for it', () => {
    for (const rule of RULES) {
      const own = plots.filter((plot) => TROUBLED[plot]!.aims.includes(rule));
      expect(own, rule).not.toEqual([]);
      const proved = own.some((plot) =>
        Array.from({ length: 40 }, (_, seed) => seed).some(
          (seed) => troubledScenario(seed, { plot }).verdict(rule) === 'must',
        ),
      );
      expect(proved, rule).toBe(true);
    }
  });

  it('leaves no client waiting for the end of a reply whose last line was removed', () => {
    for (let seed = 0; seed < 30; seed++) {
      for (const { connections } of troubledScenario(seed, { plot: 'remove keywords' }).conversations) {
        for (const { timeouts } of connections) expect(timeouts).toEqual([]);
      }
    }
  });

  it('writes captures that tshark reads, with true checksums', needs('tshark'), () => {
    const drawn = [
      'damage',
      'blocked',
      'numbers rewritten, SACK not',
      'split end reset',
      'TLS broken',
      'remove keywords',
    ];
    for (const [seed, plot] of drawn.entries()) {
      const scenario = troubledScenario(seed, { plot });
      const [{ octets, packets, extension }] = scenario.captures as [Scenario['captures'][0]];
      const path = join(folder, `valid.${extension}`);
      writeFileSync(path, octets);
      const fields = ['tcp.stream', 'tcp.checksum.status', 'ip.checksum.status'].flatMap((name) => [
        '-e',
        name,
      ]);
      const checks = ['-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE'];
      const argv = ['-r', path, ...checks, '-T', 'fields', ...fields];
      const lines = execFileSync('tshark', argv, { encoding: 'utf8', stdio: 'pipe' }).trimEnd().split('\n');
      expect(lines).toHaveLength(packets);
      if (scenario.lacks.length > 0) continue;
      const rows = lines.map((line) => line.split('\t'));
      for (const row of rows) expect(row.slice(1).join(), `${plot} ${row.join()}`).toMatch(/^1?,1/);
      // Both ends of a connection have the same addresses and ports in all of its packets, also behind a translation.
      const streams = new Set(rows.flatMap(([stream]) => stream || [])).size;
      expect(streams, plot).toBe(scenario.conversations.flatMap(({ connections }) => connections).length);
    }
  });
});

/**
 * What is reached today on the 300 scenarios below: positives, how many of them are found, false findings above
 * `possible`. A change may better these numbers, and then they are tightened; it may not worsen them.
 */
const REACHED: Record<string, [positives: number, found: number, wrong: number]> = {
  'banner-masked': [70, 69, 2],
  'banner-proxy': [2, 2, 0],
  'greeting-stalled': [2, 2, 0],
  'capability-masked': [19, 18, 0],
  'capability-removed': [16, 16, 0],
  'verb-masked': [19, 16, 0],
  'verb-swallowed': [6, 6, 2],
  'verb-rejected': [4, 4, 10],
  'ehlo-rejected': [12, 12, 0],
  'auth-dropped': [9, 9, 0],
  'starttls-stripped': [11, 11, 1],
  'link2state-dropped': [7, 7, 0],
  'relay-denied-after-auth-dropped': [0, 0, 0],
  '8bitmime-rejected': [6, 6, 0],
  '8bitmime-unadvertised': [8, 3, 0],
  'ndr-8bitmime': [4, 4, 0],
  'duplicate-delivery': [12, 12, 15],
  'end-of-data-unacknowledged': [20, 20, 0],
  'end-of-data-split': [10, 10, 0],
  'attachment-damaged': [3, 3, 0],
  'inspection-limit': [5, 5, 0],
  'char-mode-telnet': [2, 2, 0],
  'reply-spoofed': [11, 10, 0],
  'sack-impossible': [3, 3, 0],
  'segment-over-mss': [4, 4, 0],
  'sender-workaround': [6, 6, 0],
  'tls-handshake-broken': [4, 4, 0],
  'connection-blocked': [5, 2, 0],
  'greeting-missing': [10, 0, 0],
  'reset-forged': [4, 0, 0],
  'reset-in-session': [8, 0, 0],
  'verb-rewritten': [5, 0, 0],
  'proxy-in-path': [5, 0, 0],
  'path-mtu-black-hole': [5, 0, 0],
  'dkim-body-mismatch': [3, 0, 0],
};

/** False findings in the mixed captures of honest sessions, and false `possible` anywhere, as they are today. */
const FALSE_ON_HONEST = 11;
const FALSE_POSSIBLE = 0;

/** Every plot five times, every kind of honest session twice, and mixed captures of 50 honest sessions. */
function* threeHundred(): Generator<Scenario> {
  let count = 0;
  const named = (key: string, scenario: Scenario, honest = false): Scenario => {
    count++;
    return Object.assign(scenario, { key, honest });
  };
  for (const plot of plots) {
    for (let seed = 900; seed < 905; seed++)
      yield named(`t:${seed}:${plot}`, troubledScenario(seed, { plot }));
  }
  for (const plot of Object.keys(HONEST)) {
    for (let seed = 900; seed < 902; seed++) {
      yield named(`n:${seed}:${plot}`, honestScenario(seed, { plot, sessions: 2 }));
    }
  }
  for (let seed = 900; count < 300; seed++) yield named(`h:${seed}`, honestScenario(seed), true);
}

describe('300 scenarios', () => {
  it('are judged at least as well as they were', async () => {
    const score = new Score(RULES);
    for (const scenario of threeHundred()) score.add(scenario, await reportOn(run, scenario, folder));
    const reached = Object.fromEntries(
      [...score.rows].map(([rule, { positives, found, false: wrong }]) => [rule, [positives, found, wrong]]),
    );
    const worse = RULES.filter((rule) => {
      const [positives, found, wrong] = REACHED[rule] ?? [0, Number.POSITIVE_INFINITY, 0];
      const [, foundNow, wrongNow] = reached[rule]!;
      return reached[rule]![0] !== positives || foundNow! < found || wrongNow! > wrong;
    });
    expect(worse.map((rule) => `${rule}: [${reached[rule]!.join(', ')}]`)).toEqual([]);
    expect(score.wrong.filter(({ kind }) => kind === 'possible').length).toBeLessThanOrEqual(FALSE_POSSIBLE);
    expect(score.honest.sessions).toBeGreaterThan(900);
    expect(score.honest.false).toBeLessThanOrEqual(FALSE_ON_HONEST);
  }, 240_000);
});
