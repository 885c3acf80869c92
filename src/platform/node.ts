import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Decompression, OctetTransform, RunningHash, Thread, ThreadListener } from './contract.js';

export { isAscii } from 'node:buffer';
export { basename } from 'node:path';
export { crc32 } from 'node:zlib';
export { openInput } from './node-input.js';

/** The version of this program, as `package.json` has it. */
export function programVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** SHA-1, 20 octets. @param octets text is taken as UTF-8 */
export function sha1(octets: Uint8Array | string): Buffer {
  return createHash('sha1').update(octets).digest();
}

/** SHA-256, 32 octets. @param octets text is taken as UTF-8 */
export function sha256(octets: Uint8Array | string): Buffer {
  return createHash('sha256').update(octets).digest();
}

export function runningSha256(): RunningHash {
  return createHash('sha256');
}

/** HMAC-SHA-256, RFC 2104, 32 octets. */
export function hmacSha256(key: Uint8Array, octets: Uint8Array): Buffer {
  return createHmac('sha256', key).update(octets).digest();
}

/** Milliseconds of a clock that never goes back. */
export function now(): number {
  return performance.now();
}

/** Resolves after signals, timers and keys had their turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The library is loaded only now. */
export async function decompression(): Promise<Decompression> {
  const zlib = await import('node:zlib');
  // From Node 22.15 on; the type package is that of the oldest Node.
  const { createZstdDecompress } = zlib as {
    createZstdDecompress?: (options: object) => OctetTransform;
  };
  return {
    gunzip: (chunkSize) => zlib.createGunzip({ chunkSize }),
    unzstd: createZstdDecompress ? (chunkSize) => createZstdDecompress({ chunkSize }) : null,
  };
}

/** Starts a thread; null: there is none to be had. */
export function startThread(program: URL, workerData: unknown, listener: ThreadListener): Thread | null {
  let worker: Worker;
  try {
    worker = new Worker(program, { workerData });
  } catch {
    return null;
  }
  worker.on('message', (message: unknown) => listener.message(message));
  worker.on('error', (error: NodeJS.ErrnoException) => listener.error(error));
  worker.on('exit', () => listener.exit());
  return worker;
}
