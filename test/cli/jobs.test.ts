/** `--jobs`: however many captures are read at once, what is written is the same, octet for octet. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jobsFor } from '../../src/cli/jobs.js';
import { FORMATS } from '../../src/cli/options.js';
import { catalog } from '../../src/rules/catalog.js';
import { parseReport } from '../report/schema.js';
import { pcapOf, scriptPackets } from '../support/dialogue.js';
import { sample } from '../support/extent.js';
import { FakeOutput, ran } from './fake-io.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = join(ROOT, 'dist/bin/mailwitness.js');
const CAPTURES = join(ROOT, 'captures');
const all = readdirSync(CAPTURES)
  .filter((name) => /\.pcap(ng)?(\.gz|\.zst)?$/.test(name))
  .sort()
  .map((name) => join(CAPTURES, name));
const ASA = join(CAPTURES, 'asa-esmtp-outside.pcap');
const CONTROL = join(CAPTURES, 'control-no-esmtp.pcap');
const KEPT = join(ROOT, 'package.json');

interface Report {
  captures: { file: string; packets: number; problems: { code: string; message: string }[] }[];
  sessions: {
    id: string;
    capture: number;
    client: { address: string; port: number };
    server: { address: string; port: number };
    messages: { id: string }[];
  }[];
  firewallLog?: { joined: unknown[] };
  findings: unknown[];
  notAssessed: { reason: string }[];
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailwitness-jobs-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

// Threads run what was built, and so does this.
const built = async <T>(path: string): Promise<T> =>
  (await import(pathToFileURL(join(ROOT, 'dist', path)).href)) as T;
const { run } = await built<typeof import('../../src/cli/run.js')>('cli/run.js');

async function withJobs(jobs: number, argv: readonly string[], command = 'analyze'): Promise<Said> {
  const [stdout, stderr] = [new FakeOutput(), new FakeOutput()];
  const status = await run([command, '--jobs', String(jobs), ...argv], { stdout, stderr, env: {} });
  return { status, stdout: stdout.text, stderr: stderr.text };
}

async function expectSame(argv: readonly string[], jobs: readonly number[], command?: string): Promise<Said> {
  const alone = await withJobs(1, argv, command);
  for (const number of jobs) {
    const together = await withJobs(number, argv, command);
    expect([number, together.status, together.stderr]).toEqual([number, alone.status, alone.stderr]);
    expect(together.stdout === alone.stdout, `jobs ${number}`).toBe(true);
  }
  return alone;
}

describe('the lab captures together', () => {
  it('give the same in every format', { timeout: 180_000 }, async () => {
    const { analyze } = await built<typeof import('../../src/analyze.js')>('analyze.js');
    const { reportOf } = await built<typeof import('../../src/report/formats.js')>('report/formats.js');
    const text = { color: true, ports: [25], rules: catalog.map(({ meta }) => meta) };
    const told: string[][] = [];
    for (const jobs of [1, ...sample([2, 4, 7], 1)]) {
      const analysis = await analyze(sample(all, 40), { rules: catalog, jobs });
      const reports: string[] = [];
      for (const format of [...FORMATS, 'brief'] as const) {
        reports.push([...(await reportOf(analysis, format, text, '1.2.3'))].join(''));
      }
      reports.push([...(await reportOf(analysis, 'text', { ...text, details: true }, '1.2.3'))].join(''));
      told.push(reports);
    }
    const [alone, ...together] = told;
    expect(Math.min(...alone!.map(({ length }) => length))).toBeGreaterThan(1000);
    for (const reports of together) {
      for (const [index, report] of reports.entries()) {
        expect(report === alone![index], FORMATS[index] ?? 'brief').toBe(true);
      }
    }
  });

  it('give the same by the command line, in any order of the files', async () => {
    const some = sample(all.slice(40, 80), 12);
    const { status, stdout } = await expectSame(['-F', 'ndjson', ...some], [5]);
    expect(status).toBe(1);
    const lines = stdout
      .trim()
      .split('\n')
      .filter((line) => line.includes('"type":"capture"'));
    expect(lines.map((line) => (JSON.parse(line) as { file: string }).file)).toEqual(some);
    await expectSame(['-F', 'csv', ...[...some].reverse()], [3]);
  });

  it('give the same with rules left out, with the firewall’s log, with sha256', async () => {
    const some = sample(all.slice(0, 12), 4);
    await expectSame(['-F', 'json', '--quiet', '--rule', 'duplicate-delivery', ...some], [3]);
    await expectSame(['--no-rule', 'banner-masked', '--min-confidence', 'certain', ...some], [3]);
    await expectSame(['-F', 'json', '--digest', 'sha256', '--fail-on', 'high', ...some], [3]);
    const { sessions } = parseReport<Report>((await withJobs(1, ['-F', 'json', ...some])).stdout);
    const log = join(folder, 'asa.log');
    writeFileSync(
      log,
      sessions
        .map(
          ({ client, server }) =>
            `%ASA-4-108004: ESMTP Classification: Dropped connection for ESMTP Request from outside:${client.address}/${client.port} to inside:${server.address}/${server.port}; matched Class 4: header line length gt 998\n`,
        )
        .join(''),
    );
    const { stdout } = await expectSame(['-F', 'json', '--asa-log', log, ...some], [3]);
    expect(parseReport<Report>(stdout).firewallLog!.joined.length).toBeGreaterThan(5);
  });

  it('give the same evidence and the same pseudonyms', async () => {
    const key = join(folder, 'key');
    writeFileSync(key, Buffer.alloc(32, 7));
    const some = all.filter((path) => /asa-esmtp|pix-4.4|delivered/.test(path)).slice(0, 5);
    const written = async (jobs: number): Promise<unknown[]> => {
      const directory = join(folder, `evidence-${jobs}`);
      const argv = ['-F', 'json', '--anonymize', '--key', key, '--evidence', directory, ...some];
      const { status, stdout, stderr } = await withJobs(jobs, argv);
      const files = readdirSync(directory).sort();
      expect(files.length).toBeGreaterThan(3);
      return [
        [status, stdout, stderr.replaceAll(directory, 'DIRECTORY')],
        ...files.map((name) => [name, readFileSync(join(directory, name), 'base64')]),
      ];
    };
    expect(await written(3)).toEqual(await written(1));
  });
});

describe('the two sides of a comparison', () => {
  const side = (name: string): string => join(CAPTURES, `compare-${name}.pcap.zst`);
  const argvOf = (inside: string, outside: string): string[] => ['--inside', inside, '--outside', outside];

  it.each(['text', 'json'])('give the same as %s', async (format) => {
    for (const kind of ['asa', 'lost-dot', 'nat', 'attachment']) {
      const argv = argvOf(side(`${kind}-inside`), side(`${kind}-outside`));
      await expectSame(['-F', format, ...argv], [2], 'compare');
    }
  });

  it('give the same where one is damaged, missing, both or the other way round', async () => {
    const [inside, outside] = [side('asa-inside'), side('asa-outside')];
    for (const argv of [
      argvOf(outside, inside),
      argvOf(inside, inside),
      argvOf(inside, join(folder, 'absent.pcap')),
      argvOf(folder, outside),
    ]) {
      await expectSame(['-F', 'json', ...argv], [2, 7], 'compare');
    }
    const one = join(CAPTURES, 'compare-one-file.pcapng.zst');
    await expectSame(['-F', 'json', ...argvOf(one, one)], [2], 'compare');
  });
});

describe('what is no good capture among good ones', () => {
  it('gives the same warnings and status', async () => {
    const damaged = join(folder, 'damaged.pcap');
    const octets = readFileSync(ASA);
    octets.fill(0xff, 2000, 2100);
    writeFileSync(damaged, octets);
    const cut = join(folder, 'cut.pcap');
    writeFileSync(cut, readFileSync(ASA).subarray(0, -11));
    const bad = [damaged, cut, folder, '/dev/null', join(folder, 'absent.pcap'), KEPT];
    const mixed = bad.flatMap((path) => [ASA, path]);
    const { status, stderr } = await expectSame(['-F', 'json', ...mixed, CONTROL, CONTROL], [2, 7]);
    expect(status).toBe(2);
    expect(stderr.trim().split('\n').length).toBeGreaterThanOrEqual(bad.length);
    for (const path of bad) await expectSame(['-F', 'json', path, ASA], [2]);
  });

  it('takes more jobs than captures, and one capture', async () => {
    await expectSame(['-F', 'json', ASA], [2, 0]);
    await expectSame(['-F', 'json', ASA, CONTROL], [2, 64, 0]);
  });

  it('reads standard input in its turn', () => {
    const piped = (jobs: number): string => {
      const script = 'cat "$1" | "$0" "$2" -F json --jobs "$3" "$4" - "$4" || test $? = 1';
      const argv = ['-c', script, process.execPath, CONTROL, PROGRAM, String(jobs), ASA];
      return execFileSync('sh', argv, { encoding: 'latin1', maxBuffer: 64 << 20 });
    };
    const alone = piped(1);
    expect(parseReport<Report>(alone).captures.map(({ file }) => file)).toEqual([ASA, '-', ASA]);
    expect(piped(3) === alone).toBe(true);
  });
});

describe('by itself', () => {
  it('reads at once what is large, where there is more than one of it', () => {
    const [large, other, small] = ['large', 'other', 'small'].map((name) => join(folder, name));
    for (const path of [large!, other!]) {
      writeFileSync(path, '');
      truncateSync(path, 256 << 20);
    }
    writeFileSync(small!, 'x');
    expect(jobsFor([large!], 8)).toBe(1);
    expect(jobsFor([large!, small!, '-', folder, join(folder, 'absent')], 8)).toBe(1);
    expect(jobsFor([large!, small!, other!], 8)).toBe(2);
    expect(jobsFor([large!, other!], 1)).toBe(1);
    expect(jobsFor([large!, other!, large!, other!, large!, large!], 16)).toBe(4);
  });
});

describe('the option', () => {
  it.each(['-1', '1.5', 'two', '', ' ', '65', '1000000', '0x2', '2 2', '1e1', 'NaN'])(
    'refuses %j',
    async (value) => {
      const { status, out, err } = await ran(['--jobs', value, ASA]);
      expect([status, out]).toEqual([2, '']);
      expect(err).toBe(`mailwitness: --jobs is a number from 0 to 64, not '${value}'.\n`);
    },
  );

  it('is told by the help', async () => {
    expect((await ran(['--help'])).out).toMatch(/-j, --jobs <n>/);
  });
});

/** Before the program is loaded, its threads are made to fail in one way or another. */
const failing = (worker: string): string => `
  import workers from 'node:worker_threads';
  import { syncBuiltinESMExports } from 'node:module';
  const { Worker } = workers;
  let started = 0;
  if (workers.isMainThread) workers.Worker = class extends Worker { ${worker} };
  syncBuiltinESMExports();`;

/** What a first thread does when it has taken its first capture. */
const failsWith = (harm: string): string => {
  const claim = `const claim = Atomics.compareExchange;
    Atomics.compareExchange = (...args) => {
      const before = claim(...args);
      if (before === 0) { ${harm} }
      return before;
    };`;
  const execArgv = ['--import', `data:text/javascript,${encodeURIComponent(claim)}`];
  return failing(`constructor(program, options) {
    super(program, ++started > 1
      ? { ...options, execArgv: [] }
      : { ...options, execArgv: ${JSON.stringify(execArgv)}, resourceLimits: { maxOldGenerationSizeMb: 32 } });
  }`);
};

const KILLED = failing(`constructor(program, options) {
  super(program, { ...options, execArgv: [] });
  if (++started === 1) this.once('message', () => this.terminate());
}`);
/** The only thread that starts breaks at its third message. */
const IN_THE_MIDDLE = failing(`constructor(program, options) {
  if (++started > 1) throw new Error('no more threads');
  const breaks = \`
    import { parentPort } from 'node:worker_threads';
    let posted = 0;
    const post = parentPort.postMessage.bind(parentPort);
    parentPort.postMessage = (...args) => {
      if (++posted > 2) throw new Error('it broke');
      post(...args);
    };\`;
  super(program, { ...options, execArgv: ['--import', 'data:text/javascript,' + encodeURIComponent(breaks)] });
}`);
const NO_THREADS = failing("constructor() { super('', { eval: 1n }); }");
const NO_PROGRAM = failing(`constructor(program, options) {
  super(new URL('absent.js', program), { ...options, execArgv: [] });
}`);

function started(preload: string, argv: readonly string[]): Said {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(preload)}`, PROGRAM, ...argv],
    { encoding: 'utf8', maxBuffer: 64 << 20, timeout: 30_000 },
  );
  return { status, stdout, stderr };
}

describe('a thread that dies', () => {
  it.each([
    ['killed', KILLED, 'nothing said why'],
    [
      'out of memory',
      failsWith('const held = []; for (;;) held.push(new Array(1e5).fill(0.5));'),
      'out of memory',
    ],
    ['by an error', failsWith("throw new TypeError('it broke');"), 'TypeError'],
  ])('%s: one line says so, all other captures are reported', async (_, preload, why) => {
    const files = all.slice(0, 12);
    const { status, stdout, stderr } = started(preload, ['-F', 'json', '--jobs', '2', ...files]);
    const report = parseReport<Report>(stdout);
    const died = report.captures.filter(({ problems }) => problems.length > 0);
    expect(died.map(({ problems }) => problems.map(({ code }) => code))).toEqual([['reader-died']]);
    expect(died[0]!.problems[0]!.message).toContain(`(${why})`);
    expect(status).toBe(2);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain(died[0]!.file);
    expect(report.captures.map(({ file }) => file)).toEqual(files);
    const alone = parseReport<Report>((await withJobs(1, ['-F', 'json', ...files])).stdout);
    for (const [index, { file }] of report.captures.entries()) {
      if (file === died[0]!.file) continue;
      const sessionsOf = ({ sessions }: Report): number =>
        sessions.filter(({ capture }) => capture === index).length;
      expect([file, sessionsOf(report)]).toEqual([file, sessionsOf(alone)]);
    }
    const ids = report.sessions.flatMap(({ id, messages }) => [id, ...messages.map((one) => one.id)]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('in the middle of a capture: what had come of it is reported', () => {
    const script = Array.from(
      { length: 1500 },
      (_, index) =>
        `session C=192.0.2.10:${10000 + index} S=198.51.100.25:25\nS: 220 mx.example\nC: DATA\nS: 354 go\nC: Subject: ${index}\nC: .\nS: 250 ${index}\nC: QUIT\nS: 221 bye`,
    );
    const many = join(folder, 'many.pcap');
    writeFileSync(many, pcapOf(scriptPackets(script.join('\n'))));
    const { status, stdout } = started(IN_THE_MIDDLE, ['-F', 'json', '--jobs', '2', many, many]);
    const { captures, sessions } = JSON.parse(stdout) as Report;
    expect(status).toBe(2);
    expect(captures.map(({ problems }) => problems.map(({ code }) => code))).toEqual([['reader-died'], []]);
    const of = (index: number): number => sessions.filter(({ capture }) => capture === index).length;
    expect(of(0)).toBeGreaterThan(300);
    expect(of(0)).toBeLessThan(1400);
    expect(of(1)).toBe(1500);
    const ids = sessions.flatMap(({ id, messages }) => [id, ...messages.map((one) => one.id)]);
    expect(ids.length).toBe(2 * sessions.length);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each([
    ['cannot be started', NO_THREADS],
    ['ends before it has begun', NO_PROGRAM],
  ])('%s: the captures are read without', async (_, preload) => {
    const argv = ['-F', 'json', ...all.slice(0, 10), join(folder, 'absent.pcap')];
    expect(started(preload, ['--jobs', '3', ...argv])).toEqual(await withJobs(1, argv));
  });
});

describe('SIGINT', () => {
  it('reports what was read until then, of each capture that was begun', async () => {
    const fifo = join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const child = spawn(
      process.execPath,
      [PROGRAM, '--jobs', '2', '-F', 'json', ASA, fifo, ...Array.from({ length: 20 }, () => CONTROL)],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const pieces: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
    child.stderr.on('data', (piece: Buffer) => errors.push(piece));
    // It opens when a thread reads it; what is written then stays without an end.
    const writer = spawn(
      'sh',
      ['-c', 'exec 3> "$0" && cat "$1" >&3 && echo open && exec sleep 60', fifo, ASA],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    await once(writer.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill('SIGINT');
    const [code] = (await once(child, 'close')) as [number | null];
    writer.kill('SIGKILL');
    const report = parseReport<Report>(Buffer.concat(pieces).toString());
    expect(report.captures.map(({ file }) => file).slice(0, 2)).toEqual([ASA, fifo]);
    expect(report.captures[1]!.packets).toBeGreaterThan(0);
    expect(report.sessions.some(({ capture }) => capture === 1)).toBe(true);
    expect(report.notAssessed.map(({ reason }) => reason)).toContain('interrupted');
    expect(Buffer.concat(errors).toString()).toBe(
      'mailwitness: interrupted: this is the report of what was read so far.\n',
    );
    expect(code).toBe(1);
  });
});
