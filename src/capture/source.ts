import { type OpenOptions, openInput } from '../platform/platform.js';
import { CaptureOpenError } from './capture-error.js';
import type { CaptureFacts, PacketListener } from './packet.js';
import { type ReadInputOptions, readInput } from './read-input.js';
import { CaptureReader } from './reader.js';

/** How to read one capture by its name. */
export interface ReadOptions extends ReadInputOptions, Pick<OpenOptions, 'stdin'> {}

/** What reads an input by its name: `readCapture`, or what takes its place. */
export type ReadCapture = (
  file: string,
  listener: PacketListener,
  options: ReadOptions,
) => Promise<CaptureFacts>;

/**
 * Reads one capture, file or pipe, or standard input for `-`, compressed or not.
 *
 * The listener hears its packets in their order; see `CaptureReader` for what it may keep. What is wrong
 * with the capture stands in the facts.
 *
 * @throws CaptureOpenError when it cannot be opened
 * @example
 * const facts = await readCapture('mail.pcapng.gz', { packet: (packet) => console.log(packet.frame) });
 * console.log(facts.format); // pcapng+gzip
 */
export async function readCapture(
  path: string,
  listener: PacketListener,
  options: ReadOptions = {},
): Promise<CaptureFacts> {
  const input = await openInput(path, options).catch((error: unknown) => {
    throw CaptureOpenError.from(error);
  });
  try {
    return await readInput(input, new CaptureReader(listener), options);
  } finally {
    input.close();
  }
}
