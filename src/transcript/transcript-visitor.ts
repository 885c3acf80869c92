import type { NoReply } from '../smtp/session.js';
import { type MessageBegin, type MessageRecord, readMessageBegin, readMessageEnd } from './message-record.js';
import { readTls, type TlsRecord } from './tls-opening.js';
import type { TranscriptReader } from './transcript.js';
import * as event from './transcript-event.js';

/** Receives the events of a transcript, in their order. A cursor is valid during the call. */
export interface TranscriptVisitor {
  /**
   * @param kind  index into KINDS
   * @param flags  PIPELINED and AFTER_GAP
   * @param serverPackets  packets of the server captured until then
   * @param line  null: there is none, and nothing is known of segments and packets either
   */
  exchange(
    kind: number,
    flags: number,
    segments: number,
    serverPackets: number,
    line: event.LineCursor | null,
  ): void;
  /**
   * @param flags  INTERMEDIATE and COMPLETE
   * @param exchange  index; -1: the newest
   * @param code  -1: it is in the line
   */
  reply(flags: number, exchange: number, code: number, line: event.LineCursor): void;
  /** Another line of the newest reply, and whether that is complete now. */
  replyLine(complete: boolean, line: event.LineCursor): void;
  /** So many lines of the newest reply were not kept. */
  droppedLines(complete: boolean, count: number): void;
  /** Exchanges that got no reply. */
  noReply(cause: NoReply, first: number, count: number): void;
  message(message: MessageRecord): void;
  tls(tls: TlsRecord): void;
}

/** Reads a transcript to its end. This is the one place that knows its grammar, which `transcript-event.ts` describes. */
export function readTranscript(
  reader: TranscriptReader,
  origin: event.Origin,
  visitor: TranscriptVisitor,
): void {
  const line = new event.LineCursor(reader, origin);
  let begun: MessageBegin | null = null;
  while (!reader.ended) {
    const flags = reader.octet();
    switch (flags & event.EVENT_MASK) {
      case event.EXCHANGE: {
        const segments = reader.number();
        const serverPackets = segments > 0 ? reader.number() : 0;
        visitor.exchange((flags >> 3) & 7, flags, segments, serverPackets, segments > 0 ? line.next() : null);
        break;
      }
      case event.REPLY: {
        const exchange = flags & event.TO_NEWEST ? -1 : reader.number();
        const code = flags & event.CODE_IN_TEXT ? -1 : reader.number();
        visitor.reply(flags, exchange, code, line.next());
        break;
      }
      case event.MORE:
        visitor.replyLine((flags & event.COMPLETE) !== 0, line.next());
        break;
      case event.DROPPED_LINES:
        visitor.droppedLines((flags & event.COMPLETE) !== 0, reader.number());
        break;
      case event.NO_REPLY:
        visitor.noReply(event.CAUSES[flags >> 3] ?? 'limit', reader.number(), reader.number());
        break;
      case event.MESSAGE:
        begun = readMessageBegin(reader, flags, origin);
        break;
      case event.MESSAGE_END:
        if (begun === null)
          throw new TypeError('the transcript is damaged: a message ends that has not begun');
        visitor.message(readMessageEnd(reader, flags, begun, origin));
        break;
      case event.TLS:
        visitor.tls(readTls(reader, flags, origin));
        break;
    }
  }
}
