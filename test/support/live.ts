/** The built program's `live` as a process, and what it says. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = join(dirname(fileURLToPath(import.meta.url)), '../../dist/bin/mailwitness.js');

/** How much longer than usual things take now: what is promised in seconds is promised of a machine that has time for it. */
export function haste(): number {
  const began = performance.now();
  spawnSync(process.execPath, ['-e', '0']);
  return Math.max(1, (performance.now() - began) / 100);
}

/** The processes that a running process has started, the first one first. */
export function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
  return children === '' ? [] : children.split(' ').map(Number);
}

export interface Line {
  readonly type: string;
  readonly rule?: string;
  readonly at: number;
  readonly [name: string]: unknown;
}

/** A running `mailwitness live`, and the lines it has said. */
export class Live {
  readonly lines: Line[] = [];
  err = '';
  readonly ended: Promise<number | null>;
  readonly child: ChildProcessWithoutNullStreams;

  /** @param before  what runs it: `ip netns exec ..` */
  constructor(args: readonly string[], before: readonly string[] = []) {
    const [file = '', ...more] = [...before, process.execPath, PROGRAM, 'live', ...args];
    this.child = spawn(file, more);
    let rest = '';
    this.child.stdout.on('data', (octets: Buffer) => {
      const lines = (rest + octets.toString()).split('\n');
      rest = lines.pop()!;
      for (const line of lines) this.lines.push({ ...(JSON.parse(line) as Line), at: Date.now() });
    });
    this.child.stderr.on('data', (octets: Buffer) => {
      this.err += octets.toString();
    });
    this.ended = new Promise((resolve) => this.child.on('close', resolve));
  }

  async until(wanted: () => boolean, ms = 60_000): Promise<void> {
    const end = Date.now() + ms;
    while (!wanted()) {
      if (Date.now() > end) throw new Error(`did not happen: ${JSON.stringify(this.lines)} ${this.err}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Has it said so on standard error, so many times? */
  async says(what: RegExp, times = 1, ms = 60_000): Promise<void> {
    await this.until(() => this.err.split('\n').filter((line) => what.test(line)).length >= times, ms);
  }

  async end(): Promise<number | null> {
    this.child.kill('SIGTERM');
    return this.ended;
  }

  get summary(): Line {
    return this.lines.find(({ type }) => type === 'summary')!;
  }

  rules(): string[] {
    return this.lines.filter(({ type }) => type === 'finding').map(({ rule }) => rule!);
  }
}
