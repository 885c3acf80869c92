import { expect, it } from 'vitest';
import { Base64Scan } from '../../src/mail/base64-scan.js';
import { chunksOf, randomCuts, seeded } from './mail-data-pieces.js';

interface Found {
  readonly kind: string;
  readonly offset: number;
  readonly octets: number;
}

const KINDS: Record<string, string> = { X: 'letters', '*': 'stars', '\0': 'nul' };

/** All octets of one kind with line ends between them, where 32 of them stand side by side. */
function naive(text: string): Found[] {
  return [...text.matchAll(/([X*\0])(?:[\r\n]*\1)*/g)]
    .filter(([mask]) => /([X*\0])\1{31}/.test(mask))
    .map(({ 0: mask, 1: character, index }) => ({
      kind: KINDS[character!]!,
      offset: index,
      octets: mask.replace(/[\r\n]/g, '').length,
    }));
}

function masksOf(text: string, cuts: readonly number[]): Found[] {
  const found: Found[] = [];
  const scan = new Base64Scan('1', ({ kind, offset, octets }) => found.push({ kind, offset, octets }));
  const octets = Buffer.from(text, 'latin1');
  const starts = [0, ...cuts];
  const pieces = starts.map((start, index) => octets.subarray(start, starts[index + 1] ?? octets.length));
  for (const chunk of chunksOf(pieces, 0, 1)) {
    scan.content(chunk.octets, chunk.start, chunk.end, chunk.offset, chunk.frame, chunk.checksum);
  }
  expect(scan.end()).toBe(true);
  return found;
}

it('finds the masks that a regular expression finds, in every place and segmentation', () => {
  const random = seeded(2045);
  let masks = 0;
  for (let round = 0; round < 1500; round++) {
    const raw = Buffer.from(Array.from({ length: 100 + random(3000) }, () => random(256)));
    const octets = [...raw.toString('base64').replace(/.{1,76}/g, '$&\r\n')];
    for (let runs = random(8); runs > 0; runs--) {
      const mask = ['X', '*', '\0'][random(3)]!;
      const over = random(3) === 0;
      // Behind what proves it base64.
      let at = 156 + random(octets.length);
      for (let count = 26 + random(random(3) ? 10 : 300); count > 0 && at < octets.length; at++) {
        if (!over && /[\r\n]/.test(octets[at]!)) continue;
        octets[at] = mask;
        count--;
      }
      // What looks like one to who looks here and there only.
      for (let step = 1 << random(6), far = at + 400; at < far && at < octets.length; at += step) {
        octets[at] = 'X';
      }
    }
    const text = octets.join('');
    const truth = naive(text);
    masks += truth.length;
    const cuts = random(2) ? [] : random(2) ? randomCuts(text.length, random) : [1 + random(text.length - 1)];
    expect(masksOf(text, cuts), JSON.stringify([text, cuts])).toEqual(truth);
  }
  expect(masks).toBeGreaterThan(1000);
});
