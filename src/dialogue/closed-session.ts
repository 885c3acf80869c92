import type { SmtpSession } from '../smtp/session.js';
import type { ConnectionView } from '../stream/event.js';
import type { ExchangeLog } from '../transcript/exchange-log.js';
import { type ClosedDialogue, materialise } from '../transcript/read-session.js';
import type { ClosedRecord, SessionRecord } from '../transcript/session-record.js';
import { Transcript, TranscriptReader } from '../transcript/transcript.js';
import type { DialogueContext } from './dialogue-context.js';

/** A dialogue as its records see it. */
interface Recorded {
  readonly connection: ConnectionView;
  readonly log: ExchangeLog;
  readonly seen: number;
  readonly encryptedFrom: number;
  readonly tlsFollowed: boolean | null;
}

/** What is known of a dialogue at one moment: a transcript and a few numbers. */
export class Snapshot implements ClosedRecord {
  readonly connection: ConnectionView;
  readonly transcript: Transcript;
  readonly frame: number;
  readonly us: number;
  readonly exchanges: number;
  readonly kept: number;
  readonly full: boolean;
  readonly seen: number;
  readonly encryptedFrom: number;
  readonly tlsFollowed: boolean | null;

  constructor(
    private readonly context: DialogueContext,
    dialogue: Recorded,
  ) {
    const { log } = dialogue;
    this.connection = dialogue.connection;
    this.transcript = log.sealed();
    this.frame = log.frame;
    this.us = log.us;
    this.exchanges = log.next;
    this.kept = log.kept;
    this.full = log.full;
    this.seen = dialogue.seen;
    this.encryptedFrom = dialogue.encryptedFrom;
    this.tlsFollowed = dialogue.tlsFollowed;
  }

  get capture(): number {
    return this.context.capture;
  }

  get index(): number {
    return this.connection.index;
  }

  materialise(firstIndex: number, captureLastUs: number): SmtpSession {
    return materialise(this, firstIndex, captureLastUs);
  }

  packed(): SessionRecord {
    const { connection, transcript, full, tlsFollowed } = this;
    const { store, length: events } = transcript;
    if (!connection.pack(store)) return this;
    store.number((full ? FULL : 0) | (tlsFollowed ? TLS_FOLLOWED : tlsFollowed === false ? TLS_BROKEN : 0));
    store.signed(this.frame);
    store.signed(this.us);
    store.number(this.exchanges);
    store.number(this.kept);
    store.number(this.seen);
    store.number(this.encryptedFrom);
    transcript.commit();
    this.context.unpack ??= connection.unpack;
    return new PackedRecord(this.context, transcript, connection.index, events);
  }

  release(): void {
    this.transcript.release();
  }
}

const FULL = 1 << 0;
const TLS_FOLLOWED = 1 << 1;
const TLS_BROKEN = 1 << 2;

/** A transcript, and behind its events the numbers of the dialogue and of its connection. */
class PackedRecord extends Transcript implements SessionRecord {
  constructor(
    private readonly context: DialogueContext,
    log: Transcript,
    readonly index: number,
    private readonly events: number,
  ) {
    super(log.store);
    this.continue(log);
  }

  materialise(firstIndex: number, captureLastUs: number): SmtpSession {
    const { context, events } = this;
    const { lines } = this.store;
    const octets = this.octets();
    const reader = new TranscriptReader(octets, events, this.length, lines);
    const connection = context.unpack!(reader);
    const flags = reader.number();
    const dialogue: ClosedDialogue = {
      capture: context.capture,
      connection,
      transcript: { reader: () => new TranscriptReader(octets, 0, events, lines) },
      full: (flags & FULL) !== 0,
      tlsFollowed: flags & TLS_FOLLOWED ? true : flags & TLS_BROKEN ? false : null,
      frame: reader.signed(),
      us: reader.signed(),
      exchanges: reader.number(),
      kept: reader.number(),
      seen: reader.number(),
      encryptedFrom: reader.number(),
    };
    return materialise(dialogue, firstIndex, captureLastUs);
  }
}
