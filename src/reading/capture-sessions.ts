import { CaptureOpenError } from '../capture/capture-error.js';
import { type CaptureFacts, nothingRead, type PacketListener } from '../capture/packet.js';
import { type ReadOptions, readCapture } from '../capture/source.js';
import { SmtpDialogues } from '../dialogue/dialogue.js';
import type { DigestFactory } from '../mail/digest.js';
import type { SessionSnapshot } from '../transcript/session-record.js';
import { PacketReader } from './packet-reader.js';

/** How the sessions of one capture are read. */
export interface ReadingOptions {
  readonly ports: readonly number[];
  readonly digest: DigestFactory;
  readonly signal?: AbortSignal;
  readonly onProgress?: (octets: number, total: number | null) => void;
  /** What reads an input by its name. Default: `readCapture`. */
  readonly read?: (file: string, listener: PacketListener, options: ReadOptions) => Promise<CaptureFacts>;
}

/** Where a capture stands in the report: its ordinal, and the messages numbered before its own. */
export interface Place {
  readonly capture: number;
  readonly messages: number;
}

/** What is known of a capture when all its sessions were reported. */
export interface CaptureAccount {
  readonly facts: CaptureFacts;
  /** Packets that are not in any session, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
  /** Connections, each of which has a number. */
  readonly connections: number;
  /** Messages numbered so far, those of captures before it included. */
  readonly messages: number;
  /** Time of the newest packet; NaN when unknown. */
  readonly lastUs: number;
}

/**
 * Receives each finished session once, in the order of closing.
 *
 * @param lastUs  time of the newest packet then
 * @param messages  messages numbered so far
 */
export type SessionListener<R> = (record: R, lastUs: number, messages: number) => void;

/**
 * Reads one capture and reports each session in it when it is over.
 *
 * An input that cannot be opened or read is a problem in its facts.
 */
export async function readSessions(
  file: string,
  place: Place,
  options: ReadingOptions,
  closed: SessionListener<SessionSnapshot>,
): Promise<CaptureAccount> {
  const { ports, digest, signal, onProgress, read = readCapture } = options;
  let { messages } = place;
  const dialogues = new SmtpDialogues({
    capture: place.capture,
    digest,
    nextMessage: () => ++messages,
    onClosed: (record) => closed(record, reader.table.lastUs, messages),
  });
  const reader = new PacketReader({ ports, connections: dialogues });
  let facts: CaptureFacts;
  try {
    facts = await read(file, reader, { ...(signal && { signal }), ...(onProgress && { onProgress }) });
  } catch (error) {
    if (!(error instanceof CaptureOpenError)) throw error;
    facts = { ...nothingRead(), problems: [{ code: error.code, message: error.message }] };
  }
  reader.end();
  const { connectionCount: connections, lastUs } = reader.table;
  return { facts, skipped: reader.skipped, connections, messages, lastUs };
}
