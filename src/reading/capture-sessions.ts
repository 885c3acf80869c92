import { CaptureOpenError } from '../capture/capture-error.js';
import { type CaptureFacts, nothingRead, type PacketListener } from '../capture/packet.js';
import { type ReadOptions, readCapture } from '../capture/source.js';
import { SmtpDialogues } from '../dialogue/dialogue.js';
import { createDecoder } from '../fragment/decoder.js';
import type { DigestFactory } from '../mail/digest.js';
import { ConnectionTable } from '../stream/connections.js';
import type { SessionSnapshot } from '../transcript/session-record.js';
import { AddressTable } from '../wire/address.js';
import { tcpChecksum } from '../wire/checksum.js';

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

/** What is known of a capture when all its sessions were told. */
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
 * Hears each finished session once, in the order of closing.
 *
 * @param lastUs  time of the newest packet then
 * @param messages  messages numbered so far
 */
export type SessionListener<R> = (record: R, lastUs: number, messages: number) => void;

/**
 * Reads one capture and tells of each session in it when it is over.
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
  const addresses = new AddressTable();
  let { messages } = place;
  // The time of the newest packet is known to the table only, and the table is made of the dialogues.
  let table: ConnectionTable | undefined = undefined as ConnectionTable | undefined;
  const dialogues = new SmtpDialogues({
    capture: place.capture,
    digest,
    nextMessage: () => ++messages,
    onClosed: (record) => closed(record, table?.lastUs ?? Number.NaN, messages),
  });
  table = new ConnectionTable(dialogues, addresses, ports, (segment) => tcpChecksum(segment, addresses));
  const decoder = createDecoder(table, ports, addresses);
  let facts: CaptureFacts;
  try {
    facts = await read(file, decoder, { ...(signal && { signal }), ...(onProgress && { onProgress }) });
  } catch (error) {
    if (!(error instanceof CaptureOpenError)) throw error;
    facts = { ...nothingRead(), problems: [{ code: error.code, message: error.message }] };
  }
  table.end();
  const { connectionCount: connections, lastUs } = table;
  return { facts, skipped: decoder.skipped, connections, messages, lastUs };
}
