import { execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CaptureOpenError } from '../../src/capture/capture-error.js';
import type { CaptureFacts } from '../../src/capture/packet.js';
import { readCapture } from '../../src/capture/source.js';
import { enhancedPacket, Listening, pcapFile, readWhole } from '../support/pcap.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailwitness-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const records = (count: number, length: number) =>
  Array.from({ length: count }, (_, index) => ({
    seconds: index,
    fraction: index,
    octets: Buffer.alloc((index * 37) % length, index),
  }));
const small = pcapFile(records(50, 300));

function file(name: string, octets: Buffer | string): string {
  const path = join(folder, name);
  writeFileSync(path, octets);
  return path;
}

const refusal = (path: string): Promise<unknown> =>
  readCapture(path, new Listening()).then(
    () => null,
    (error: unknown) => error,
  );

describe('files', () => {
  it('reads what a reader reads that gets all octets at once', async () => {
    const listening = new Listening();
    const facts = await readCapture(file('small.pcap', small), listening);
    expect({ packets: listening.packets, facts }).toEqual(readWhole(small));
  });

  it('records lie across the pieces in which files are read', async () => {
    const large = pcapFile(records(4000, 2000));
    expect(large.length).toBeGreaterThan(3 * 1024 * 1024);
    const listening = new Listening();
    const facts = await readCapture(file('large.pcap', large), listening);
    expect({ packets: listening.packets, facts }).toEqual(readWhole(large));
  });

  it('a record may be larger than a piece', async () => {
    const octets = Buffer.alloc(2_500_000, 5);
    const large = pcapFile([...records(3, 9), { seconds: 1, fraction: 1, octets }, ...records(3, 9)], {
      snaplen: 3_000_000,
    });
    const lengths: number[] = [];
    const facts = await readCapture(file('jumbo.pcap', large), {
      packet: ({ start, end }) => lengths.push(end - start),
    });
    expect(lengths).toEqual([0, 1, 2, 2_500_000, 0, 1, 2]);
    expect(facts).toMatchObject({ packets: 7, bytes: large.length, truncated: false });
  });

  it('files of no, one, two and three octets', async () => {
    const codes = [];
    for (let length = 0; length < 4; length++) {
      const { problems } = await readCapture(file('tiny', small.subarray(0, length)), new Listening());
      codes.push(problems[0]?.code);
    }
    expect(codes).toEqual(['empty', 'truncated-header', 'truncated-header', 'truncated-header']);
  });

  it('a character device that never ends is no capture', async () => {
    if (!existsSync('/dev/zero')) return;
    expect(await readCapture('/dev/zero', new Listening())).toMatchObject({
      problems: [{ code: 'not-a-capture' }],
    });
  });
});

describe('inputs that cannot be opened', () => {
  it('are an error with a code, and a sentence that says what to do', async () => {
    const loop = join(folder, 'loop');
    symlinkSync(loop, loop);
    const cases: [string, string][] = [
      [join(folder, 'absent'), 'not-found'],
      [join(file('regular', 'x'), 'inside'), 'not-found'],
      ['a\0b', 'not-found'],
      [folder, 'is-directory'],
      [loop, 'not-readable'],
    ];
    for (const [path, code] of cases) {
      const error = await refusal(path);
      expect(error).toBeInstanceOf(CaptureOpenError);
      expect([path, (error as CaptureOpenError).code]).toEqual([path, code]);
      expect((error as CaptureOpenError).message).toMatch(/^[A-Z][^\n]*: [a-z][^\n]*\.$/);
      expect((error as CaptureOpenError).message).not.toContain(folder);
    }
  });

  it('files without permission', () => {
    const error = CaptureOpenError.from(Object.assign(new Error('EACCES'), { code: 'EACCES' }));
    expect(error.code).toBe('not-readable');
    expect(error.message).toMatch(/permission/);
  });
});

describe('while it reads', () => {
  const large = () => file('long.pcap', pcapFile(records(40_000, 2000)));

  it('says how far it has come', async () => {
    const path = large();
    const total = readFileSync(path).length;
    const heard: [number, number | null][] = [];
    await readCapture(path, { packet() {} }, { onProgress: (octets, size) => heard.push([octets, size]) });
    expect(heard.length).toBeGreaterThan(2);
    expect(heard.at(-1)).toEqual([total, total]);
    expect(heard.map(([octets]) => octets)).toEqual(heard.map(([octets]) => octets).sort((a, b) => a - b));
  });

  it('lets the process act, which may stop it', async () => {
    const stop = new AbortController();
    let heard = 0;
    const listener = {
      packet() {
        if (++heard === 1) setImmediate(() => stop.abort());
      },
    };
    const facts = await readCapture(large(), listener, { signal: stop.signal });
    expect(facts.packets).toBeGreaterThan(0);
    expect(facts.packets).toBeLessThan(40_000);
    expect(facts).toMatchObject({ format: 'pcap', truncated: false, problems: [] });
    expect(facts.last?.us).toBe((facts.packets - 1) * 1_000_001);
  });

  it('reads nothing when it was stopped before', async () => {
    const facts = await readCapture(large(), { packet() {} }, { signal: AbortSignal.abort() });
    expect(facts).toMatchObject({ packets: 0, truncated: false, problems: [] });
  });

  it('hands on what a listener throws, and closes the file', async () => {
    const path = file('small.pcap', small);
    const listener = {
      packet() {
        throw new RangeError('mine');
      },
    };
    for (let round = 0; round < 20; round++)
      await expect(readCapture(path, listener)).rejects.toThrow('mine');
    const descriptor = openSync(path, 'r');
    closeSync(descriptor);
    expect(descriptor).toBeLessThan(200);
  });
});

describe('pipes', () => {
  const fifo = (name: string): string => {
    const path = join(folder, name);
    execFileSync('mkfifo', [path]);
    return path;
  };

  it('a named pipe is waited for, and ends when its writer does', async () => {
    const path = fifo('pipe');
    const listening = new Listening();
    const reading = readCapture(path, listening);
    const writer = spawn('sh', ['-c', 'sleep 0.2; (head -c 1000; sleep 0.2; cat) > "$0"', path], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    writer.stdin.end(small);
    expect({ facts: await reading, packets: listening.packets }).toEqual(readWhole(small));
  });

  it('waiting for a writer that never comes can be stopped', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    const reading = readCapture(fifo('lonely'), new Listening(), { signal: stop.signal });
    expect(await reading).toMatchObject({ packets: 0, problems: [] });
    const before = AbortSignal.abort();
    expect(await readCapture(fifo('lonelier'), new Listening(), { signal: before })).toMatchObject({
      packets: 0,
    });
  });

  it('so can waiting for octets of a writer that is silent', async () => {
    const path = fifo('silent');
    const writer = spawn('sh', ['-c', 'exec sleep 30 > "$0"', path], { stdio: 'ignore' });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 300);
    expect(await readCapture(path, new Listening(), { signal: stop.signal })).toMatchObject({ packets: 0 });
    writer.kill();
  });
});

describe('standard input', () => {
  /** The capture floor and what it stands on, as plain JavaScript, for a process of its own. */
  let script = '';
  beforeAll(() => {
    const out = join(folder, 'capture');
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    for (const floor of ['platform', 'capture']) {
      mkdirSync(join(folder, floor));
      const source = join(ROOT, 'src', floor);
      for (const name of readdirSync(source)) {
        const { outputText } = ts.transpileModule(readFileSync(join(source, name), 'utf8'), {
          compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
        });
        writeFileSync(join(folder, floor, name.replace('.ts', '.js')), outputText);
      }
    }
    script = join(out, 'read.js');
    writeFileSync(
      script,
      `import { fstatSync } from 'node:fs';
       import { readCapture } from './source.js';
       // The owner of the process can make a socket not block: by looking at it.
       if (fstatSync(0).isSocket()) process.stdin;
       const stop = new AbortController();
       process.on('SIGINT', () => stop.abort());
       const report = (value) => process.stdout.write(JSON.stringify(value) + '\\n');
       let heard = 0;
       try {
         report(await readCapture('-', { packet() { if (++heard === 10) report('ten'); } }, { signal: stop.signal }));
       } catch (error) { report(error.code); }
       process.exit();`,
    );
  });

  const last = (output: string): unknown => JSON.parse(output.trim().split('\n').at(-1) ?? '');
  const expected = (): CaptureFacts => readWhole(small).facts;
  const shell = (command: string): unknown =>
    last(
      execFileSync('sh', ['-c', command, process.execPath, script, file('in.pcap', small)], {
        encoding: 'utf8',
      }),
    );

  it('a pipe of the shell', () => {
    expect(shell('cat "$2" | "$0" "$1"')).toEqual(expected());
  });

  it('a pipe whose writer takes its time', () => {
    expect(shell('(head -c 100 "$2"; sleep 0.3; tail -c +101 "$2") | "$0" "$1"')).toEqual(expected());
  });

  it('a file', () => {
    expect(shell('"$0" "$1" < "$2"')).toEqual(expected());
  });

  it('a file that somebody has read from', () => {
    expect(shell('(head -c 0 > /dev/null; "$0" "$1") < "$2"')).toEqual(expected());
  });

  it('nothing', () => {
    expect(shell('"$0" "$1" < /dev/null')).toMatchObject({ problems: [{ code: 'empty' }] });
  });

  it('a directory', () => {
    expect(shell('"$0" "$1" < /')).toBe('is-directory');
  });

  it('a silent pipe: an interrupt still gets the report', async () => {
    const command = '(cat "$2"; exec sleep 30) | exec "$0" "$1"';
    const args = ['-c', command, process.execPath, script, file('in.pcap', small)];
    const child = spawn('sh', args, { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (output === '') setTimeout(() => process.kill(-child.pid!, 'SIGINT'), 100);
      output += text;
    });
    await new Promise((resolve) => child.stdout.on('end', resolve));
    expect(last(output)).toEqual(expected());
  });
});

it('writers of this test and pcapng agree', () => {
  expect(enhancedPacket({ octets: Buffer.alloc(3) })).toHaveLength(36);
});
