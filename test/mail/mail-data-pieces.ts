import { createDigestFactory, type DigestFactory } from '../../src/mail/digest.js';
import { MailContext } from '../../src/mail/mail-context.js';
import { type MailDataFacts, MailDataScanner } from '../../src/mail/mail-data.js';
import { StreamChunk } from '../../src/stream/event.js';

export const xxh64: DigestFactory = await createDigestFactory('xxh64');

/** Mulberry32: the same numbers for the same seed, everywhere. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const BEFORE = Buffer.from('\r\n.\r\nMessage-ID: <before@example.com>\r\n.');
const AFTER = Buffer.from('\n.\r\n\r\n.\r\n--\xff', 'latin1');

/** A chunk inside a buffer that would mislead who reads beyond the chunk. */
export function chunkOf(octets: Buffer, offset: number, frame: number): StreamChunk {
  return chunksOf([octets], offset, frame)[0]!;
}

/** Chunks that follow each other in the stream and lie in one such buffer, as segments do in a capture. */
export function chunksOf(pieces: readonly Buffer[], offset: number, frame: number): StreamChunk[] {
  const octets = Buffer.concat(pieces.flatMap((piece) => [BEFORE, piece, AFTER]));
  let start = BEFORE.length;
  let at = offset;
  return pieces.map((piece, index) => {
    const chunk = chunkAt(octets, start, start + piece.length, at, frame + index);
    start = chunk.end + AFTER.length + BEFORE.length;
    at += piece.length;
    return chunk;
  });
}

function chunkAt(octets: Buffer, start: number, end: number, offset: number, frame: number): StreamChunk {
  const chunk = new StreamChunk();
  chunk.octets = octets;
  chunk.start = start;
  chunk.end = end;
  chunk.offset = offset;
  chunk.frame = frame;
  chunk.us = 1_000_000 + frame;
  chunk.quietUs = frame;
  return chunk;
}

export interface ScanOptions {
  digest?: DigestFactory;
  nullSender?: boolean;
  transport?: 'DATA' | 'BDAT';
  /** Stream offset of the first octet. */
  base?: number;
  /** Octets missing in front of the piece with this index. */
  gaps?: ReadonlyMap<number, number | null>;
  /** Each piece in a buffer of its own, as held segments are. Otherwise they share one. */
  apart?: boolean;
}

/**
 * Feeds `text` (latin1) cut in front of each index of `cuts`; the first piece has frame 1.
 *
 * @returns what was found, and how many octets the scanner consumed
 */
export function scan(
  text: string,
  cuts: readonly number[],
  options: ScanOptions = {},
): { facts: MailDataFacts; consumed: number } {
  const octets = Buffer.from(text, 'latin1');
  const { digest = xxh64, nullSender = false, transport = 'DATA', base = 100, apart = false } = options;
  const scanner = new MailDataScanner(new MailContext(digest), transport, nullSender);
  const starts = [0, ...cuts];
  const pieces = starts.map((start, index) => octets.subarray(start, starts[index + 1] ?? octets.length));
  const chunks = apart
    ? pieces.map((piece, index) => chunkOf(piece, base + starts[index]!, index + 1))
    : chunksOf(pieces, base, 1);
  for (const [index, start] of starts.entries()) {
    const gap = options.gaps?.get(index);
    if (gap !== undefined) scanner.gap(gap);
    const chunk = chunks[index]!;
    if (transport === 'BDAT') {
      scanner.chunked(chunk, chunk.start, chunk.end);
      continue;
    }
    const end = scanner.data(chunk, chunk.start);
    if (end >= 0) return { facts: scanner.finish(), consumed: start + end - chunk.start };
  }
  return { facts: scanner.finish(), consumed: octets.length };
}

/** Every way to cut `length` octets. */
export function* segmentations(length: number): Generator<number[]> {
  for (let bits = 0; bits < 1 << (length - 1); bits++) {
    const cuts: number[] = [];
    for (let at = 1; at < length; at++) if (bits & (1 << (at - 1))) cuts.push(at);
    yield cuts;
  }
}

/** Some cuts, now many, now few. */
export function randomCuts(length: number, random: (below: number) => number): number[] {
  const rarity = 1 + random(12);
  const cuts: number[] = [];
  for (let at = 1; at < length; at++) if (random(rarity) === 0) cuts.push(at);
  return cuts;
}
