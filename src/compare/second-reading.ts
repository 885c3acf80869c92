import { type AnalyzeOptions, DEFAULT_PORTS } from '../analyze.js';
import { CaptureOpenError } from '../capture/capture-error.js';
import type { ReadCapture } from '../capture/source.js';
import { createDigestFactory } from '../mail/digest.js';
import { PacketReader } from '../reading/packet-reader.js';
import { MessageOctets, type WantedOctets } from './message-octets.js';
import type { Side, Spot } from './pair.js';
import { type Accept, only } from './sides-of-one-file.js';

/** A capture that can be read again. */
export interface Source {
  readonly file: string;
  readonly read: ReadCapture;
  /** Which of its packets are meant; null: all. */
  readonly accept: Accept | null;
  /** Sessions that were numbered before its first. */
  readonly sessionsBefore: number;
}

/**
 * Reads both captures once more, for the octets of messages that are not the same.
 *
 * A capture that cannot be read twice (standard input, or a file that is gone) leaves the differences as they were.
 *
 * @returns null where nothing more is known
 */
export async function readAgain(
  wanted: readonly WantedOctets[],
  sources: Readonly<Record<Side, Source>>,
  { ports = DEFAULT_PORTS, signal }: Pick<AnalyzeOptions, 'ports' | 'signal'>,
): Promise<MessageOctets | null> {
  if (sources.inside.file === '-' || sources.outside.file === '-') return null;
  const connectionOf = ({ side, session }: Spot) =>
    Number(session.slice(1)) - 1 - sources[side].sessionsBefore;
  const octets = new MessageOctets(wanted, await createDigestFactory('xxh64'), connectionOf);
  try {
    for (const side of ['inside', 'outside'] as const) {
      const { file, read, accept } = sources[side];
      const reader = new PacketReader({ ports, connections: octets.reading(side), checksums: false });
      await read(file, accept ? only(accept, reader) : reader, signal ? { signal } : {});
      reader.end();
    }
  } catch (error) {
    if (!(error instanceof CaptureOpenError)) throw error;
    return null;
  }
  return octets;
}
