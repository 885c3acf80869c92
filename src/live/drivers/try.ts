import { spawn } from 'node:child_process';
import type { Command } from './driver.js';

/** Octets of each stream that are kept. */
const MAX_OUTPUT = 64 << 10;

/** What a program has printed that was run to its end. */
export interface Tried {
  /** The program is not there, or may not be run: the name of the error. */
  readonly error: string | null;
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program for its answer; ends it after `ms`. */
export function tryCommand({ file, args }: Command, ms: number): Promise<Tried> {
  return new Promise((resolve) => {
    const output = { stdout: '', stderr: '' };
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const timer = setTimeout(() => child.kill('SIGTERM'), ms);
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('data', (octets: Buffer) => {
        if (output[name].length < MAX_OUTPUT) output[name] += octets.toString('latin1');
      });
    }
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      resolve({ error: error.code ?? error.message, code: null, ...output });
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ error: null, code, ...output });
    });
  });
}
