/** The public API: its names, its options, its examples, and what it says of wrong arguments. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ANALYZE_OPTIONS } from '../../src/api/analyze.js';
import { COMPARE_OPTIONS } from '../../src/api/compare.js';
import { RENDER_OPTIONS } from '../../src/api/render.js';
import { WATCH_OPTIONS } from '../../src/api/watch.js';
import * as core from '../../src/core.js';
import * as api from '../../src/index.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
const OUTSIDE = join(ROOT, 'captures/asa-esmtp-outside.pcap');
const INSIDE = join(ROOT, 'captures/asa-esmtp-inside.pcap');
const DOCS = readFileSync(join(ROOT, 'docs/api.md'), 'utf8');

const run = promisify(execFile);
const any = <T>(value: unknown): T => value as T;

describe('the surface', () => {
  it('is these names and no others', () => {
    expect(Object.keys(api).sort()).toEqual([
      'CaptureOpenError',
      'FirewallLogReader',
      'analyze',
      'catalog',
      'compare',
      'formatTimestamp',
      'render',
      'watch',
    ]);
    expect(Object.keys(core).sort()).toEqual([
      'FirewallLogReader',
      'analyze',
      'catalog',
      'compare',
      'render',
    ]);
  });

  it('has these options and no others, each in docs/api.md', () => {
    expect([...ANALYZE_OPTIONS]).toEqual(['firewallLog', 'jobs', 'onProgress', 'onSession']);
    expect([...COMPARE_OPTIONS]).toEqual(['jobs', 'insideInterface', 'outsideInterface']);
    expect([...RENDER_OPTIONS]).toEqual(['ports', 'color', 'width', 'details']);
    expect([...WATCH_OPTIONS]).toEqual(['duplicateWindow']);
    const common = ['ports', 'rules', 'digest', 'signal'];
    for (const name of [
      ...common,
      ...ANALYZE_OPTIONS,
      ...COMPARE_OPTIONS,
      ...RENDER_OPTIONS,
      ...WATCH_OPTIONS,
    ]) {
      expect(DOCS).toContain(`\`${name}\``);
    }
  });

  it('shows nothing that is the program’s own', () => {
    for (const file of ['index.d.ts', 'core.d.ts', 'api/analyze.d.ts', 'api/compare.d.ts']) {
      const types = readFileSync(join(ROOT, 'dist', file), 'utf8');
      expect(types, file).not.toMatch(/\bnumbered\??:|PartOfRun|CapturesReader|\bread\?:/);
    }
  });
});

describe('the examples of docs/api.md', () => {
  const examples = [...DOCS.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);

  it('are there', () => {
    expect(examples.length).toBeGreaterThanOrEqual(7);
  });

  it.each(examples)('%#: runs as it stands there', async (program) => {
    const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', program], {
      cwd: ROOT,
    });
    expect(stderr).toBe('');
    expect(stdout).not.toMatch(/^$|undefined|false/);
  });
});

describe('analyze', () => {
  const rulesOf = async (...given: Parameters<typeof api.analyze>): Promise<string[]> =>
    (await api.analyze(...given)).findings.map(({ fingerprint }) => fingerprint);

  it('finds the same in a file, in octets, in a stream and in a Blob', async () => {
    const octets = await readFile(OUTSIDE);
    const expected = await rulesOf(OUTSIDE);
    expect(expected.length).toBeGreaterThan(3);
    const webStream = new Blob([octets]).stream() as AsyncIterable<Uint8Array>;
    for (const given of [
      octets,
      new Uint8Array(octets),
      Readable.from([octets.subarray(0, 99), octets.subarray(99)]),
      new Blob([octets]),
      webStream,
    ]) {
      expect(await rulesOf(any(given))).toEqual(expected);
    }
  });

  it('tells captures of one name apart, and goes on counting', async () => {
    const one = await readFile(OUTSIDE);
    const other = await readFile(INSIDE);
    const { captures, sessionCount, session } = await api.analyze([
      one,
      INSIDE,
      { name: 'capture', octets: other },
    ]);
    expect(captures.map(({ file }) => file)).toEqual(['capture', INSIDE, 'capture']);
    expect(captures[1]!.facts).toEqual(captures[2]!.facts);
    expect(session(`s${sessionCount}`)?.capture).toBe(2);
  });

  it('reports a stream that fails, with what came before', async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield (await readFile(OUTSIDE)).subarray(0, 3000);
      throw Object.assign(new Error('250 hostile text'), { code: 'ECONNRESET' });
    }
    const [capture] = (await api.analyze(failing())).captures;
    expect(capture!.facts.packets).toBeGreaterThan(3);
    expect(capture!.facts.problems.map(({ code }) => code)).toEqual(['read-error']);
    expect(capture!.facts.problems[0]!.message).toContain('ECONNRESET');
  });

  it('is ended by its signal though a stream gives nothing more', async () => {
    const stop = new AbortController();
    async function* silent(): AsyncGenerator<Uint8Array> {
      yield (await readFile(OUTSIDE)).subarray(0, 3000);
      setTimeout(() => stop.abort(), 10);
      await new Promise(() => {});
    }
    const { interrupted, captures } = await api.analyze(silent(), { signal: stop.signal });
    expect(interrupted).toBe(true);
    expect(captures[0]!.facts.packets).toBeGreaterThan(3);
  });
});

describe('a wrong argument', () => {
  const wrong: [string, () => Promise<unknown>][] = [
    ['a number', () => api.analyze(any(25))],
    ['null', () => api.analyze(any(null))],
    ['no capture', () => api.analyze([])],
    ['an empty name', () => api.analyze('')],
    ['standard input twice', () => api.analyze(['-', '-'])],
    ['an object without octets', () => api.analyze(any({ name: 'a.pcap' }))],
    ['a stream of text', () => api.analyze(any(Readable.from(['text'])))],
    ['options that are none', () => api.analyze(OUTSIDE, any('ports'))],
    ['an option that is not there', () => api.analyze(OUTSIDE, any({ port: 25 }))],
    ['an option of the inside', () => api.analyze(OUTSIDE, any({ numbered: {} }))],
    ['a port that is none', () => api.analyze(OUTSIDE, { ports: [0] })],
    ['no list of ports', () => api.analyze(OUTSIDE, any({ ports: 25 }))],
    ['names for rules', () => api.analyze(OUTSIDE, any({ rules: ['banner-masked'] }))],
    ['an unknown digest', () => api.analyze(OUTSIDE, any({ digest: 'md5' }))],
    ['no signal', () => api.analyze(OUTSIDE, any({ signal: true }))],
    ['half a job', () => api.analyze(OUTSIDE, { jobs: 0.5 })],
    ['one side only', () => api.compare(OUTSIDE, any(undefined))],
    ['an interface that is no name', () => api.compare(INSIDE, OUTSIDE, any({ insideInterface: 1 }))],
    ['a name for the core', () => core.analyze(any(OUTSIDE))],
    ['a name for one side of the core', () => core.compare(any(INSIDE), any(OUTSIDE))],
    ['an unknown format', async () => api.render(await api.analyze(OUTSIDE), any('pdf'))],
    ['nothing to render', () => api.render(any({}), 'json')],
    ['a page too narrow', async () => api.render(await api.analyze(OUTSIDE), 'text', { width: 10 })],
    ['a watch of nothing', async () => api.watch(any(undefined))],
    ['an interface that is an option', async () => api.watch({ interface: '-w/tmp/x' })],
    ['a window of no time', async () => api.watch(OUTSIDE, { duplicateWindow: 0 })],
  ];

  it.each(wrong)('%s gets a sentence', async (_, call) => {
    const error = await call().then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toMatch(/^\S.{20,}\.$/);
  });
});

describe('compare', () => {
  it('says the same of octets as of files', async () => {
    const ofFiles = await api.compare(INSIDE, OUTSIDE);
    const [inside, outside] = [await readFile(INSIDE), await readFile(OUTSIDE)];
    const ofOctets = await api.compare({ name: INSIDE, octets: inside }, { name: OUTSIDE, octets: outside });
    const text = async (comparison: typeof ofFiles) => [...(await api.render(comparison, 'json'))].join('');
    expect(ofFiles.pairs.length).toBeGreaterThan(0);
    expect(await text(ofOctets)).toBe(await text(ofFiles));
  });

  it('takes two captures of one name for two', async () => {
    const { pairs, notes } = await api.compare(await readFile(INSIDE), await readFile(OUTSIDE));
    expect(pairs.some(({ differences }) => differences.length > 0)).toBe(true);
    expect(notes.join()).not.toContain('one file');
  });
});

describe('watch', () => {
  it('announces what analyze finds, and ends with the stream', async () => {
    const { findings } = await api.analyze(OUTSIDE);
    const watched = api.watch(Readable.from([await readFile(OUTSIDE)]));
    const announced = new Set<string>();
    for await (const { state, finding } of watched) {
      if (state === 'withdrawn') announced.delete(finding.fingerprint);
      else announced.add(finding.fingerprint);
    }
    expect([...announced].sort()).toEqual(
      [...new Set(findings.map(({ fingerprint }) => fingerprint))].sort(),
    );
    expect(watched.source.state).toBe('ended');
    expect(watched.analysis().findings).toHaveLength(findings.length);
  });

  it('ends when its loop is left, though the stream goes on, and can be iterated over once', async () => {
    let closed = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        yield await readFile(OUTSIDE);
        for (;;) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          yield new Uint8Array(0);
        }
      } finally {
        closed = true;
      }
    }
    const watched = api.watch(endless());
    expect(() => watched.counts).toThrow(TypeError);
    let first = '';
    for await (const { finding } of watched) {
      first = finding.rule;
      break;
    }
    expect(first).not.toBe('');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(closed).toBe(true);
    await expect(watched[Symbol.asyncIterator]().next()).rejects.toThrow('once');
  });

  it('says in one sentence that an interface cannot be captured', async () => {
    const watched = api.watch({ interface: 'none-of-that-name' });
    await expect(watched[Symbol.asyncIterator]().next()).rejects.toThrow(/none-of-that-name|doctor/);
  });
});
