/** The program as people start it: a process, pipes, signals. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, cpSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseReport } from '../report/schema.js';
import { pcapOf, scriptPackets } from '../support/dialogue.js';
import { goldenCapture } from '../support/golden.js';
import { needs } from '../support/needs.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
const MAIN = join(ROOT, 'dist/bin/mailwitness.js');

/** Says whether V8 takes the code cache of the program, its first argument, for so many flags, its second. */
const TAKES_CACHE = `
  const { readFileSync } = require('node:fs');
  const { Script } = require('node:vm');
  const [, filename, flags] = process.argv;
  const cachedData = readFileSync(filename + '.' + flags + '.cache');
  const { cachedDataRejected } = new Script(readFileSync(filename, 'latin1'), { filename, cachedData });
  console.log(cachedDataRejected === false ? 'taken' : 'refused');
`;

interface Report {
  sessions: unknown[];
  findings: unknown[];
  notAssessed: { reason: string }[];
}

let folder: string;
let edited: string;
let many: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailwitness-'));
  edited = join(folder, 'edited.pcap');
  writeFileSync(edited, goldenCapture('asa-exchange'));
  // A report larger than any pipe holds.
  const script = Array.from(
    { length: 400 },
    (_, i) =>
      `session C=192.0.2.10:${10000 + i} S=198.51.100.25:25\nS: 220 ****2**0****\nC: QUIT\nS: 221 bye`,
  );
  many = join(folder, 'many.pcap');
  writeFileSync(many, pcapOf(scriptPackets(script.join('\n'))));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(argv: readonly string[], stdin: 'ignore' | number = 'ignore'): ChildProcess {
  return spawn(process.execPath, [MAIN, ...argv], { stdio: [stdin, 'pipe', 'pipe'] });
}

interface Ended {
  code: number | null;
  signal: string | null;
  out: string;
  err: string;
}

async function ended(child: ChildProcess): Promise<Ended> {
  let [out, err] = ['', ''];
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { code, signal, out, err };
}

describe('the program', () => {
  it('exits with the status of the run', async () => {
    expect((await ended(start([edited]))).code).toBe(1);
    expect((await ended(start([join(folder, 'none')]))).code).toBe(2);
    expect((await ended(start(['--version']))).code).toBe(0);
  });

  it.each(['file', 'pipe'])(
    'reads standard input (%s) and reports what it reports of the file',
    async (kind) => {
      const shell = kind === 'file' ? '"$0" "$1" -F json - < "$2"' : 'cat "$2" | "$0" "$1" -F json -';
      const { stdout, status } = spawnSync('sh', ['-c', shell, process.execPath, MAIN, edited], {
        encoding: 'utf8',
      });
      const file = await ended(start(['-F', 'json', edited]));
      expect(status).toBe(1);
      expect(parseReport<Report>(stdout).findings).toEqual(parseReport<Report>(file.out).findings);
    },
  );

  it('refuses to overwrite the capture on standard input', () => {
    const shell = '"$0" "$1" -o "$2" - < "$2"';
    const { stderr, status } = spawnSync('sh', ['-c', shell, process.execPath, MAIN, edited], {
      encoding: 'utf8',
    });
    expect(status).toBe(2);
    expect(stderr).toContain('is one of the inputs');
  });

  it('is silent when the reader of the report goes away', () => {
    const shell = '{ "$0" "$1" -F json "$2"; echo "status $?" >&2; } | head -n 1';
    const { stdout, stderr } = spawnSync('sh', ['-c', shell, process.execPath, MAIN, many], {
      encoding: 'utf8',
    });
    expect(stdout).toBe('{"schema":"mailwitness/report/1",\n');
    expect(stderr).toBe('status 1\n');
  });

  it.each([
    ['analyze', () => [edited]],
    ['compare', () => ['compare', '--inside', edited, '--outside', edited]],
    ['rules', () => ['rules']],
    ['help', () => ['--help']],
  ])('says in one line that the report of %s does not fit on the disk', needs('full-device'), (_, argv) => {
    const { stderr, status } = spawnSync(
      'sh',
      ['-c', '"$@" > /dev/full', 'sh', process.execPath, MAIN, ...argv()],
      {
        encoding: 'utf8',
      },
    );
    expect(status).toBe(2);
    expect(stderr).toBe('mailwitness: the report cannot be written to standard output: the disk is full.\n');
  });

  it('is silent when the reader of a comparison goes away', () => {
    const shell =
      '{ "$0" "$1" compare -F json --inside "$2" --outside "$2"; echo "status $?" >&2; } | head -n 1';
    const { stdout, stderr } = spawnSync('sh', ['-c', shell, process.execPath, MAIN, many], {
      encoding: 'utf8',
    });
    expect(stdout).toBe('{"schema":"mailwitness/report/1",\n');
    expect(stderr).toMatch(/^status [012]\n$/);
  });

  it('is silent when the reader of --output, a named pipe, goes away', () => {
    const pipe = join(folder, 'report');
    execFileSync('mkfifo', [pipe]);
    const shell = 'head -c 1 "$3" >/dev/null & "$0" "$1" -F json -o "$3" "$2"; echo "status $?" >&2';
    const { stderr } = spawnSync('sh', ['-c', shell, process.execPath, MAIN, many, pipe], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('status 1\n');
  });

  it('writes a large report whole to a slow reader', async () => {
    const { out } = await ended(start(['-F', 'json', many]));
    expect(out.length).toBeGreaterThan(200_000);
    expect(parseReport<Report>(out).sessions).toHaveLength(400);
  });
});

describe('standard output that is a file', () => {
  it('gets what a pipe gets, behind what is there', async () => {
    const file = join(folder, 'redirected');
    writeFileSync(file, 'before\n');
    const stdout = openSync(file, 'a');
    const { status } = spawnSync(process.execPath, [MAIN, '-F', 'json', many], {
      stdio: ['ignore', stdout, 'pipe'],
    });
    closeSync(stdout);
    const piped = await ended(start(['-F', 'json', many]));
    expect(status).toBe(piped.code);
    expect(readFileSync(file, 'utf8')).toBe(`before\n${piped.out}`);
  });

  it('that cannot be written is told in one line', () => {
    const stdout = openSync(edited, 'r');
    const ended = spawnSync(process.execPath, [MAIN, edited], {
      stdio: ['ignore', stdout, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(stdout);
    expect(ended.stderr).toMatch(/^mailwitness: the report cannot be written to standard output: .+\.\n$/);
    expect(ended.status).toBe(2);
  });

  it('and standard error: a warning arrives', () => {
    const file = join(folder, 'errors');
    const stderr = openSync(file, 'w');
    spawnSync(process.execPath, [MAIN, join(folder, 'none')], { stdio: ['ignore', 'ignore', stderr] });
    closeSync(stderr);
    expect(readFileSync(file, 'utf8')).toMatch(/^mailwitness: .*none: .+\n$/);
  });
});

describe('the code cache', () => {
  it.each(['by its name', 'as an argument of node'])('is good for a start %s', (how) => {
    const [line = ''] = readFileSync(MAIN, 'utf8').split('\n', 1);
    const flags = how === 'by its name' ? line.split(' ').filter((word) => word.startsWith('--')) : [];
    const { stdout } = spawnSync(
      process.execPath,
      [...flags, '-e', TAKES_CACHE, join(dirname(MAIN), 'program.js'), String(flags.length)],
      { encoding: 'utf8' },
    );
    expect(stdout).toBe('taken\n');
  });

  it.each(['nothing', 'of another version', 'cut off'])(
    'that is %s changes nothing but the time',
    async (what) => {
      const copy = join(folder, `copy ${what}`);
      cpSync(dirname(MAIN), join(copy, 'dist/bin'), { recursive: true });
      cpSync(join(ROOT, 'package.json'), join(copy, 'package.json'));
      const cache = join(copy, 'dist/bin/program.js.0.cache');
      const octets = readFileSync(cache);
      if (what === 'nothing') rmSync(cache);
      // V8's own numbers stand in front.
      else if (what === 'of another version') writeFileSync(cache, octets.fill(1, 4, 8));
      else writeFileSync(cache, octets.subarray(0, 5000));
      const { stdout, stderr, status } = spawnSync(
        process.execPath,
        [join(copy, 'dist/bin/mailwitness.js'), '-F', 'json', edited],
        { encoding: 'utf8' },
      );
      const { code, out } = await ended(start(['-F', 'json', edited]));
      expect({ stdout, stderr, status }).toEqual({ stdout: out, stderr: '', status: code });
    },
  );
});

describe('SIGINT', () => {
  let writer: ChildProcess | undefined;

  /** A named pipe that gets these octets and then stays open. Resolves when all of them were taken. */
  function openPipe(name: string, octets: Buffer): { fifo: string; taken: Promise<unknown> } {
    const fifo = join(folder, name);
    execFileSync('mkfifo', [fifo]);
    writeFileSync(`${fifo}.octets`, octets);
    const script = 'exec 3> "$0" && cat "$1" >&3 && echo taken && exec sleep 60';
    writer = spawn('sh', ['-c', script, fifo, `${fifo}.octets`], { stdio: ['ignore', 'pipe', 'ignore'] });
    return { fifo, taken: once(writer.stdout!, 'data') };
  }

  afterEach(() => {
    writer?.kill('SIGKILL');
    writer = undefined;
  });

  it('reports what was read so far of a pipe that has not ended', async () => {
    // More than a pipe holds comes behind the session: once it is taken, the session has been read.
    const ticks = Array.from({ length: 3000 }, () => 'tick 0').join('\n');
    const capture = Buffer.concat([goldenCapture('asa-exchange'), pcapOf(scriptPackets(ticks)).subarray(24)]);
    const { fifo, taken } = openPipe('fifo', capture);
    const child = start(['-F', 'json', fifo]);
    const result = ended(child);
    await Promise.race([taken, result]);
    child.kill('SIGINT');
    const { code, out, err } = await result;
    const report = parseReport<Report>(out);
    expect(report.findings.length).toBeGreaterThan(0);
    expect(report.notAssessed.map(({ reason }) => reason)).toContain('interrupted');
    expect(err).toBe('mailwitness: interrupted: this is the report of what was read so far.\n');
    expect(code).toBe(1);
  });
});
