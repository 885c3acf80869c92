/**
 * What `compare` lists, against the log that the emulated box itself wrote of what it changed: the same octets, no more
 * and no fewer. `test/changes-log.test.ts` holds that log against tshark.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Comparison, compare } from '../../src/compare/compare.js';
import type { Difference } from '../../src/compare/pair.js';
import { catalog } from '../../src/rules/catalog.js';

const FOLDER = fileURLToPath(new URL('../../captures/', import.meta.url));
const SUFFIX = '.changes.jsonl.gz';
/** Its recordings lack frames: what lies in a gap is no change to `compare`, and is one in the log. */
const WITH_GAPS = 'compare-loss';
/** 200 equal mails at once: of some it cannot be told which is which. */
const NEWSLETTERS = ['compare-newsletter', 'compare-newsletter-bare'];
/** Ends both connections: its lines are replaced by others and not edited in place. */
const PROXY = 'compare-proxy';

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

const CRLF = 2;
const TCP = new Set(['mss', 'window-scale', 'sack', 'timestamps', 'sequence-numbers']);

function ofDifference(octets: Octets, flow: string, difference: Difference): void {
  const { change, subject, direction, before, after, ranges } = difference;
  if (change === 'unseen' || TCP.has(subject)) return;
  const key = `${flow} ${direction}`;
  if (subject === 'close') octets.add(`${flow} reset`);
  else if (change === 'altered') {
    for (const [from, to] of ranges) each(octets, `${key} altered`, before!.offset! + from, to - from);
  } else if (change === 'removed')
    each(octets, `${key} removed`, before!.offset!, before!.text.length + CRLF);
  else each(octets, `${key} answered`, after!.offset!, after!.text.length + CRLF);
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
  const files = readdirSync(FOLDER).filter((file) => /\.pcap(ng)?(\.zst)?$/.test(file));
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

describe('the octets that were changed', () => {
  it.each(names.filter((name) => ![WITH_GAPS, PROXY, ...NEWSLETTERS].includes(name)))('%s', async (name) => {
    const comparison = await comparing(name);
    expect(comparison.unpaired).toEqual([]);
    expect([...ofComparison(comparison)].sort()).toEqual([...ofLog(logged(name))].sort());
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
      expect(paired.size).toBeGreaterThanOrEqual(name === 'compare-newsletter' ? 199 : 0);
    },
  );

  it(`${PROXY}: each line that the proxy took out, and each that it said itself`, async () => {
    const { pairs } = await comparing(PROXY);
    const all = pairs.flatMap(({ differences }) => differences).filter(({ subject }) => !TCP.has(subject));
    const lines = (texts: (string | undefined)[]) =>
      [
        ...new Set(texts.filter((text) => text !== undefined).map((text) => text.replace(/\r\n$/, ''))),
      ].sort();
    const log = logged(PROXY);
    const gone = lines(log.filter(({ kind }) => kind === 'removed').map(({ before }) => before));
    const said = lines(log.filter(({ kind }) => kind === 'answered').map(({ after }) => after));
    expect(lines(all.map(({ before }) => before?.text))).toEqual(expect.arrayContaining(gone));
    expect(lines(all.map(({ after }) => after?.text))).toEqual(expect.arrayContaining(said));
    const listed = all.filter(({ change }) => change !== 'unseen').length;
    expect(listed).toBeLessThanOrEqual(log.filter(({ kind }) => kind !== 'translated').length);
  });

  it(`${WITH_GAPS}: none that the box did not change, and most of those it did`, async () => {
    const [listed, log] = [ofComparison(await comparing(WITH_GAPS)), ofLog(logged(WITH_GAPS))];
    expect([...listed].filter((octet) => !log.has(octet))).toEqual([]);
    expect(listed.size).toBeGreaterThan(log.size / 2);
  });
});
