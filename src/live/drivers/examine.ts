import { type ChildProcess, spawn } from 'node:child_process';
import type { Driver, EndCause } from './driver.js';
import { listed } from './interfaces.js';
import { tryCommand } from './try.js';

const LIST_MS = 3_000;
const CAPTURE_MS = 4_000;

/** What came of trying a driver. */
export interface Examined {
  readonly driver: Driver;
  readonly works: boolean;
  readonly cause: EndCause;
  /** First line that it printed about its failure. */
  readonly complaint: string;
  /** What it was tried on; null: it lists none. */
  readonly interface: string | null;
  readonly interfaces: number;
}

/** Begins a capture, for as long as it takes to see that it begins. */
export async function examine(driver: Driver, wanted: string | null): Promise<Examined> {
  const list = await tryCommand(driver.list, LIST_MS);
  const interfaces = listed(list.stdout);
  const name = wanted ?? interfaces[0]?.name ?? null;
  const facts = { driver, interface: name, interfaces: interfaces.length };
  const missing = list.error === 'ENOENT' || driver.cause(list.stderr, null) === 'missing';
  if (missing) return { ...facts, works: false, cause: 'missing', complaint: '' };
  if (list.error !== null || name === null) {
    return { ...facts, works: false, cause: 'rights', complaint: list.error ?? firstLine(list.stderr) };
  }
  return { ...facts, ...(await begins(driver, name)) };
}

function begins(driver: Driver, name: string): Promise<Pick<Examined, 'works' | 'cause' | 'complaint'>> {
  const { file, args } = driver.command({ interface: name, filter: 'tcp port 25' });
  return new Promise((resolve) => {
    let stderr = '';
    let works = false;
    const child: ChildProcess = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), CAPTURE_MS);
    // The header of the capture is written when it has begun.
    child.stdout!.once('data', () => {
      works = true;
      child.kill('SIGINT');
    });
    child.stderr!.on('data', (octets: Buffer) => {
      if (stderr.length < 4096) stderr += octets.toString('latin1');
    });
    const done = (cause: EndCause): void => {
      clearTimeout(timer);
      resolve({ works, cause, complaint: firstLine(stderr) });
    };
    child.on('error', (error: NodeJS.ErrnoException) => done(error.code === 'EACCES' ? 'rights' : 'missing'));
    child.on('close', (_, signal) => done(driver.cause(stderr, signal)));
  });
}

function firstLine(stderr: string): string {
  return (
    stderr.split(/\r?\n/).find((line) => line.trim() !== '' && !/^Capturing on/.test(line)) ??
    'it said nothing'
  ).slice(0, 200);
}
