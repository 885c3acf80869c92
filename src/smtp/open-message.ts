import type { StreamChunk } from '../stream/event.js';
import type { DigestFactory } from './digest.js';
import { type MailDataFacts, MailDataScanner } from './mail-data.js';
import type { MessageOrigin } from './message-record.js';

/** A message whose data is arriving. */
export class OpenMessage implements MessageOrigin {
  /** Given with the first octet; 0 before it. */
  number = 0;
  frame = 0;
  us = Number.NaN;
  ns = 0;
  digits = 6;
  offset = 0;
  started = false;
  /** Octets of it are absent. */
  broken = false;
  /** The newest chunk is the last one, and its exchange. RFC 3030 §2. */
  lastChunk = false;
  chunkExchange = -1;
  readonly scanner: MailDataScanner;

  constructor(
    digest: DigestFactory,
    readonly transport: 'DATA' | 'BDAT',
    nullSender: boolean,
    /** The exchange of DATA or of the first BDAT. */
    readonly commandExchange: number,
  ) {
    this.scanner = new MailDataScanner(digest, transport, nullSender);
  }

  /** Notes where the data begins. */
  start(chunk: StreamChunk, from: number): void {
    this.started = true;
    this.frame = chunk.frame;
    this.us = chunk.us;
    this.ns = chunk.ns;
    this.digits = chunk.digits;
    this.offset = chunk.offset + from - chunk.start;
  }

  gap(octets: number | null): void {
    this.broken = true;
    this.scanner.gap(octets);
  }

  /** A message ended by its last chunk, of which `end` is the stream offset. */
  finishChunked(
    chunk: { frame: number; us: number; ns: number; digits: number },
    end: number,
  ): MailDataFacts {
    const facts = this.scanner.finish();
    const { frame, us, ns, digits } = chunk;
    return {
      ...facts,
      terminated: true,
      terminator: { offset: end, endOffset: end, splits: [], frame, lastFrame: frame, us, ns, digits },
    };
  }
}
