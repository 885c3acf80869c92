import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { CaptureResult } from '../analyze.js';
import { Rewriter } from '../anonymize/analysis.js';
import { rewriteAddresses } from '../anonymize/packets.js';
import { Pseudonyms } from '../anonymize/pseudonyms.js';
import type { EvidenceRewriter } from '../evidence/evidence-capture.js';
import type { ReportArguments } from './options.js';
import { UsageError } from './usage-error.js';

const KEY_OCTETS = 32;
/** Shorter ones are guessed; longer ones are no keys but files that were meant for something else. */
const MIN_KEY = 16;
const MAX_KEY = 1 << 20;

/**
 * The pseudonyms of this run; null: everybody keeps his name. Without `--key` no other run gives the same.
 *
 * @throws UsageError when the key cannot be read, or is none
 */
export function pseudonymsOf({ anonymize, key }: ReportArguments): Pseudonyms | null {
  if (!anonymize) return null;
  return new Pseudonyms(key === null ? randomBytes(KEY_OCTETS) : keyOf(key));
}

function keyOf(path: string): Buffer {
  let octets: Buffer;
  try {
    const stats = statSync(path);
    if (!stats.isFile()) throw new UsageError(`the key ${path} is no file.`);
    if (stats.size > MAX_KEY) throw new UsageError(`the key ${path} has more than ${MAX_KEY} octets.`);
    octets = readFileSync(path);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(`the key ${path} cannot be read (${code ?? 'unknown error'}).`);
  }
  if (octets.length >= MIN_KEY) return octets;
  throw new UsageError(
    `the key ${path} has ${octets.length} octets: at least ${MIN_KEY} are needed, such as 'head -c 32 /dev/urandom > ${path}' gives.`,
  );
}

/** How evidence captures get the same pseudonyms as the report. */
export function evidenceRewriter(names: Pseudonyms, captures: readonly CaptureResult[]): EvidenceRewriter {
  const rewriter = new Rewriter(names, captures);
  return {
    packet: (octets, packet) => rewriteAddresses(octets, packet, names.addresses),
    text: rewriter.sentence,
    line: rewriter.line,
    file: (file, index) => rewriter.file(file, index),
    finding: (finding) => rewriter.finding(finding),
  };
}
