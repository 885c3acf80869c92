/** The surroundings of `run`, as strings. */
import type { EventEmitter } from 'node:events';
import type { ExitStatus, Io, Output } from '../../src/cli/io.js';
import { run } from '../../src/cli/run.js';

export class FakeOutput implements Output {
  text = '';
  readonly columns = 80;

  constructor(
    readonly isTTY = false,
    /** What every write fails with. */
    private readonly failure: string | null = null,
  ) {}

  write(text: string, done?: (error?: Error | null) => void): boolean {
    if (this.failure === null) this.text += text;
    done?.(this.failure === null ? null : Object.assign(new Error('write failed'), { code: this.failure }));
    return true;
  }
}

export interface Ran {
  readonly status: ExitStatus;
  readonly out: string;
  readonly err: string;
}

export async function ran(
  argv: readonly string[],
  more: { stdout?: FakeOutput; stderr?: FakeOutput; env?: Io['env']; interrupts?: EventEmitter } = {},
): Promise<Ran> {
  const stdout = more.stdout ?? new FakeOutput();
  const stderr = more.stderr ?? new FakeOutput();
  const interrupts = more.interrupts as unknown as NonNullable<Io['interrupts']> | undefined;
  const status = await run(argv, { stdout, stderr, env: more.env ?? {}, ...(interrupts && { interrupts }) });
  return { status, out: stdout.text, err: stderr.text };
}
