import { expect, it } from 'vitest';
import xxhash from 'xxhash-wasm';
import { MODULE, Xxh64, Xxh64Digest } from '../../src/platform/xxh64.js';
import { seeded } from '../mail/mail-data-pieces.js';
import { moduleOctets } from './xxh64-module.js';

const twin = await xxhash();

function expected(octets: Uint8Array): string {
  return `xxh64:${twin.h64Raw(octets).toString(16).padStart(16, '0')}`;
}

/** Octets of every value, none of them zero for long. */
function noise(length: number, seed: number): Buffer {
  const random = seeded(seed);
  return Buffer.from(Array.from({ length }, () => random(256)));
}

it('agrees with the library on every length up to some stripes', () => {
  const xxh64 = new Xxh64();
  const octets = noise(300, 1);
  for (let length = 0; length <= octets.length; length++) {
    const digest = new Xxh64Digest(xxh64);
    digest.update(octets.subarray(0, length));
    expect(digest.finish(), String(length)).toBe(expected(octets.subarray(0, length)));
  }
});

it('agrees with the library wherever a message is interrupted by another', () => {
  const xxh64 = new Xxh64();
  const octets = noise(150, 2);
  for (let cut = 0; cut <= octets.length; cut++) {
    const digest = new Xxh64Digest(xxh64);
    const other = new Xxh64Digest(xxh64);
    digest.update(octets.subarray(0, cut));
    other.update(octets.subarray(cut));
    digest.update(octets.subarray(cut));
    expect(other.finish(), String(cut)).toBe(expected(octets.subarray(cut)));
    expect(digest.finish(), String(cut)).toBe(expected(octets));
  }
});

it('agrees with the library around the end of the stage', () => {
  const octets = noise(40_000, 3);
  for (const length of [16_383, 16_384, 16_385, 16_415, 16_416, 32_768, 40_000]) {
    for (const first of [0, 1, 31, 32, 16_384, length]) {
      const digest = new Xxh64Digest(new Xxh64());
      digest.update(octets.subarray(0, Math.min(first, length)));
      digest.update(octets.subarray(first, length));
      expect(digest.finish(), `${first} of ${length}`).toBe(expected(octets.subarray(0, length)));
    }
  }
});

it('keeps 40,000 messages apart, and uses a state again when its message is over', () => {
  const xxh64 = new Xxh64();
  const octets = noise(41_000, 4);
  const open = Array.from({ length: 40_000 }, () => new Xxh64Digest(xxh64));
  for (const part of [0, 1]) {
    for (const [index, digest] of open.entries()) {
      digest.update(octets.subarray(index + 50 * part, index + 50 + 50 * part));
    }
  }
  for (const [index, digest] of open.entries()) {
    // Half of them end before the others go on.
    if (index % 2 === 1) expect(digest.finish()).toBe(expected(octets.subarray(index, index + 100)));
  }
  const later = Array.from({ length: 20_000 }, () => new Xxh64Digest(xxh64));
  for (const digest of later) digest.update(octets.subarray(0, 77));
  for (const [index, digest] of open.entries()) {
    if (index % 2 === 1) continue;
    digest.update(octets.subarray(index + 100, index + 133));
    expect(digest.finish()).toBe(expected(octets.subarray(index, index + 133)));
  }
  const states = new Set([...open, ...later].map(({ state }) => state));
  expect(states.size).toBeLessThanOrEqual(40_001);
  for (const digest of later) expect(digest.finish()).toBe(expected(octets.subarray(0, 77)));
});

it('has the module that its instructions make', () => {
  expect(Buffer.from(moduleOctets()).toString('base64')).toBe(MODULE);
});
