/**
 * What `compare` lists, against the log that the emulated box itself wrote of what it changed: the same octets, no more
 * and no fewer. `test/changes-log.test.ts` holds that log against tshark.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Comparison, compare } from '../../src/compare/compare.js';
import { type Difference, isTold } from '../../src/compare/pair.js';
import { comparisonText } from '../../src/report/text/text.js';
import { catalog } from '../../src/rules/catalog.js';

const FOLDER = fileURLToPath(new URL('../../captures/', import.meta.url));
const SUFFIX = '.changes.jsonl.gz';
/** Its recordings lack frames: what lies in a gap is no change to `compare`, and is one in the log. */
const WITH_GAPS = 'compare-loss';
/** 200 equal mails at once: of some it cannot be told which is which. */
const NEWSLETTERS = ['compare-newsletter', 'compare-newsletter-bare'];
/** End both connections: lines are replaced by others and not edited in place. */
const PROXIES = ['compare-proxy', 'proxy-antivirus', 'proxy-checkpoint'];
/** Connections that are not let through are seen on one side only. */
const BLOCKED = ['blocked-reset', 'blocked-syn'];
/** No box in between, or one that changes nothing of what is said. */
const HONEST = ['compare-control', 'control-postfix', 'control-packet-loss', 'over-mss', 'blocked-unfit'];

interface Logged {
  flow: string;
  direction: 'client' | 'server';
  kind: 'altered' | 'removed' | 'answered' | 'dropped' | 'reset' | 'translated';
  offset: number;
  before?: string;
  after?: string;
  length?: number;
  /** The client's address and port inside. */
  as?: string;
}

/** One entry for each octet: whose stream, what became of it, where. */
type Octets = Set<string>;

function logged(name: string): Logged[] {
  return gunzipSync(readFileSync(`${FOLDER}${name}${SUFFIX}`))
    .toString('latin1')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Logged);
}

function each(octets: Octets, key: string, offset: number, length: number): void {
  for (let n = 0; n < length; n++) octets.add(`${key} ${offset + n}`);
}

function ofLog(changes: readonly Logged[]): Octets {
  const octets: Octets = new Set();
  for (const { flow, direction, kind, offset, before, after, length } of changes) {
    const key = `${flow} ${direction}`;
    if (kind === 'altered') each(octets, `${key} altered`, offset, before!.length);
    else if (kind === 'removed') each(octets, `${key} removed`, offset, before!.length);
    else if (kind === 'dropped') each(octets, `${key} removed`, offset, length!);
    else if (kind === 'answered') each(octets, `${key} answered`, offset, after!.length);
    else if (kind === 'reset') octets.add(`${flow} reset`);
  }
  return octets;
}

const TCP = new Set(['mss', 'window-scale', 'sack', 'timestamps', 'sequence-numbers']);

function ofDifference(octets: Octets, flow: string, difference: Difference): void {
  const { change, subject, direction, before, after, ranges, octets: count } = difference;
  if (change === 'unseen' || TCP.has(subject)) return;
  const key = `${flow} ${direction}`;
  if (subject === 'close') octets.add(`${flow} reset`);
  else if (change === 'altered') {
    for (const [from, to] of ranges) each(octets, `${key} altered`, before!.offset! + from, to - from);
  } else if (change === 'removed') each(octets, `${key} removed`, before!.offset!, count);
  else each(octets, `${key} answered`, after!.offset!, count);
}

function ofComparison({ pairs, analysis }: Comparison): Octets {
  const octets: Octets = new Set();
  for (const { outside, differences } of pairs) {
    const { address, port } = analysis.session(`s${outside}`)!.client;
    for (const difference of differences) ofDifference(octets, `${address}:${port}`, difference);
  }
  return octets;
}

function comparing(name: string): Promise<Comparison> {
  const files = readdirSync(FOLDER).filter((file) => /\.pcap(ng)?(\.gz|\.zst)?$/.test(file));
  const one = files.find((file) => file.startsWith(`${name}.`));
  const of = (side: string) => ({
    file: FOLDER + (one ?? files.find((file) => file.startsWith(`${name}-${side}.`))!),
    interface: null,
  });
  return compare(of('inside'), of('outside'), { rules: catalog });
}

const names = readdirSync(FOLDER)
  .filter((file) => file.endsWith(SUFFIX))
  .map((file) => file.slice(0, -SUFFIX.length));

const special = [WITH_GAPS, ...PROXIES, ...NEWSLETTERS, ...BLOCKED];

describe('the octets that were changed', () => {
  it('are logged of every scenario that was recorded on both sides', () => {
    const both = readdirSync(FOLDER).flatMap((file) => /^(.*)-inside\.pcap/.exec(file)?.[1] ?? []);
    const paired = both.filter((name) =>
      readdirSync(FOLDER).some((file) => file.startsWith(`${name}-outside.`)),
    );
    expect(paired.length).toBeGreaterThan(40);
    expect(names).toEqual(expect.arrayContaining(paired));
  });

  it.each(names.filter((name) => !special.includes(name)))('%s', async (name) => {
    const comparison = await comparing(name);
    expect(comparison.unpaired).toEqual([]);
    const log = ofLog(logged(name));
    if (!HONEST.includes(name) && !name.startsWith('sack-')) expect(log.size).toBeGreaterThan(0);
    expect([...ofComparison(comparison)].sort()).toEqual([...log].sort());
  });

  it.each(BLOCKED)(
    '%s: none of the client that was let through; the others are on one side',
    async (name) => {
      const comparison = await comparing(name);
      expect(logged(name)).toEqual([]);
      expect(comparison.pairs.flatMap(({ differences }) => differences)).toEqual([]);
      const client = (number: number) => comparison.analysis.session(`s${number}`)!.client.address;
      expect(comparison.pairs.map(({ outside }) => client(outside))).toEqual(['198.51.100.11']);
      const unpaired = comparison.unpaired.map(({ side, session }) => [side, client(session)]);
      expect(unpaired.length).toBeGreaterThan(0);
      expect(new Set(unpaired.map(String))).toEqual(new Set(['outside,198.51.100.10']));
    },
  );

  it.each(HONEST)('%s: nothing was changed', async (name) => {
    const comparison = await comparing(name);
    expect(comparison.pairs.length).toBeGreaterThan(0);
    expect(comparison.pairs.flatMap(({ differences }) => differences)).toEqual([]);
    expect([...comparisonText(comparison, { color: false, details: true })].join('')).toMatch(
      /^Nothing was changed/,
    );
  });

  it.each(NEWSLETTERS)(
    '%s: of each session that was paired, and no two were mistaken for each other',
    async (name) => {
      const comparison = await comparing(name);
      const log = logged(name);
      const inside = new Map(
        log.filter(({ kind }) => kind === 'translated').map(({ flow, as }) => [flow, as]),
      );
      const paired = new Set<string>();
      for (const pair of comparison.pairs) {
        const at = (number: number) => {
          const { address, port } = comparison.analysis.session(`s${number}`)!.client;
          return `${address}:${port}`;
        };
        paired.add(at(pair.outside));
        expect(inside.get(at(pair.outside))).toBe(at(pair.inside));
      }
      const theirs = ofLog(log.filter(({ flow }) => paired.has(flow)));
      expect([...ofComparison(comparison)].sort()).toEqual([...theirs].sort());
      for (const { reason } of comparison.unpaired) expect(['ambiguous', 'no-counterpart']).toContain(reason);
      // Without timestamps nothing tells them apart, and nothing is guessed.
      expect(paired.size).toBe(name === 'compare-newsletter' ? 200 : 0);
    },
  );

  it.each(PROXIES)(
    '%s: the lines that it took out, those that it said itself, and no others',
    async (name) => {
      const log = logged(name);
      const ours = { altered: new Set<string>(), gone: [] as string[], said: [] as string[] };
      const altered = ofLog(log.filter(({ kind }) => kind === 'altered'));
      const comparison = await comparing(name);
      for (const { outside, differences } of comparison.pairs) {
        const { address, port } = comparison.analysis.session(`s${outside}`)!.client;
        for (const difference of differences.filter(isTold)) {
          const octets: Octets = new Set();
          if (difference.change === 'altered') ofDifference(octets, `${address}:${port}`, difference);
          // A line that stands in the place of another is one that was taken out, and one that was put in.
          if (octets.size > 0 && [...octets].every((octet) => altered.has(octet)))
            for (const octet of octets) ours.altered.add(octet);
          else {
            if (difference.before) ours.gone.push(difference.before.text);
            if (difference.after) ours.said.push(difference.after.text);
          }
        }
      }
      const lines = (of: 'removed' | 'answered') =>
        log
          .filter(({ kind }) => kind === of)
          .map(({ before, after }) => (before ?? after)!.replace(/\r\n$/, ''))
          .sort();
      expect(ours.gone.sort()).toEqual(lines('removed'));
      expect(ours.said.sort()).toEqual(lines('answered'));
      expect([...ours.altered].sort()).toEqual([...altered].sort());
    },
  );

  it(`${WITH_GAPS}: none that the box did not change, and most of those it did`, async () => {
    const [listed, log] = [ofComparison(await comparing(WITH_GAPS)), ofLog(logged(WITH_GAPS))];
    expect([...listed].filter((octet) => !log.has(octet))).toEqual([]);
    expect(listed.size).toBeGreaterThan(log.size / 2);
  });
});
