import { hmac } from '@noble/hashes/hmac.js';
import { sha1 as sha1Of } from '@noble/hashes/legacy.js';
import { sha256 as sha256Of } from '@noble/hashes/sha2.js';
import type { Decompression, OctetInput, RunningHash, Thread } from './contract.js';
import { WebGunzip } from './web-gunzip.js';

/** The only parts of it that are used: the type libraries here have no browsers. */
declare const MessageChannel: new () => {
  readonly port1: { onmessage: (() => void) | null; close(): void };
  readonly port2: { postMessage(message: null): void };
};

/** Put in by the build. */
declare const PROGRAM_VERSION: string;

/** The version of this program, as `package.json` has it. */
export function programVersion(): string {
  return PROGRAM_VERSION;
}

export function isAscii(octets: Uint8Array): boolean {
  for (let at = 0; at < octets.length; at++) if (octets[at]! > 0x7f) return false;
  return true;
}

export function basename(path: string): string {
  return path.replace(/\/+$/, '').replace(/^.*\//s, '');
}

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, octet) => {
  let rest = octet;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

/** CRC-32 of ISO 3309, as gzip has it. @param value  that of the octets before these */
export function crc32(octets: Uint8Array, value = 0): number {
  let rest = ~value;
  for (let at = 0; at < octets.length; at++) rest = CRC_TABLE[(rest ^ octets[at]!) & 0xff]! ^ (rest >>> 8);
  return ~rest >>> 0;
}

function octetsOf(octets: Uint8Array | string): Uint8Array {
  return typeof octets === 'string' ? Buffer.from(octets, 'utf8') : octets;
}

/** SHA-1, 20 octets. @param octets text is taken as UTF-8 */
export function sha1(octets: Uint8Array | string): Buffer {
  return Buffer.from(sha1Of(octetsOf(octets)));
}

/** SHA-256, 32 octets. @param octets text is taken as UTF-8 */
export function sha256(octets: Uint8Array | string): Buffer {
  return Buffer.from(sha256Of(octetsOf(octets)));
}

export function runningSha256(): RunningHash {
  const hash = sha256Of.create();
  return { update: (octets) => void hash.update(octets), digest: () => Buffer.from(hash.digest()) };
}

/** HMAC-SHA-256, RFC 2104, 32 octets. */
export function hmacSha256(key: Uint8Array, octets: Uint8Array): Buffer {
  return Buffer.from(hmac(sha256Of, key, octets));
}

/** Milliseconds of a clock that never goes back. */
export function now(): number {
  return performance.now();
}

/** Resolves after messages, timers and keys had their turn. A timer would wait 4 ms. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** Browsers have no zstd that can be counted on: `fzstd` does that. */
export async function decompression(): Promise<Decompression> {
  return { gunzip: (chunkSize) => new WebGunzip(chunkSize), unzstd: null };
}

/** Threads are the page's own affair. */
export function startThread(): Thread | null {
  return null;
}

/** No input has a name here that it could be opened by. */
export async function openInput(): Promise<OctetInput> {
  throw Object.assign(new Error('there are no files in a browser'), { code: 'ENOENT' });
}
