import type { SmtpSession } from '../smtp/session.js';
import { ConnectionRecord } from '../stream/connection-record.js';
import type { ConnectionView } from '../stream/event.js';
import type { LineTexts } from './line-table.js';
import { readSession } from './read-session.js';
import { type Chain, TranscriptReader, type TranscriptStore } from './transcript.js';

/** A finished session: compact, until somebody wants to see it. */
export interface SessionRecord {
  /** Of its connection in the capture. */
  readonly index: number;
  /** Octets that it takes. */
  readonly length: number;
  /**
   * Makes the session. May be called any number of times; the result depends on the arguments only.
   *
   * @param firstIndex  sessions of the captures before this one
   * @param captureLastUs  time of the capture's newest packet; NaN when unknown
   */
  read(firstIndex: number, captureLastUs: number): SmtpSession;
  /** Frees what the session takes. It must not be read afterwards. */
  release(): void;
}

/** What is known of a dialogue beside its transcript and its connection. */
export interface DialogueFacts {
  /** Frame and time of its first event. */
  readonly frame: number;
  readonly us: number;
  /** Exchanges there were, and those in the transcript. */
  readonly exchanges: number;
  readonly kept: number;
  /** FULL, TLS_FOLLOWED, TLS_BROKEN of session-bits.ts. */
  readonly bits: number;
  /** Bits of protocol.ts. */
  readonly seen: number;
  /** Frame; 0: never. */
  readonly encryptedFrom: number;
}

/** A session whose connection can still be asked: one that has just ended, or one in progress as it is now. */
export class SessionSnapshot implements SessionRecord {
  readonly length: number;
  private readonly first: number;

  /** @param chain  the transcript as far as it goes. Nothing may be appended to it while the snapshot is in use */
  constructor(
    private readonly store: TranscriptStore,
    private readonly chain: Chain,
    private readonly facts: DialogueFacts,
    readonly connection: ConnectionView,
  ) {
    this.first = chain.first;
    this.length = chain.length;
  }

  get index(): number {
    return this.connection.index;
  }

  read(firstIndex: number, captureLastUs: number): SmtpSession {
    const { store, facts, connection, length } = this;
    const octets = store.gather(this.first, length);
    const reader = new TranscriptReader(octets, 0, length, store.lines);
    const { capture, firstMessage } = store;
    const parts = { capture, firstMessage, facts, connection, transcript: reader };
    return readSession(parts, firstIndex, captureLastUs);
  }

  /**
   * The same in few octets, for who keeps a million of them or sends them away. To be asked for once, while the listener
   * hears that the connection is closed; neither this snapshot nor the connection may be used afterwards.
   */
  pack(): PackedSession {
    const { store, chain, facts, connection, length } = this;
    store.number(facts.bits);
    store.signed(facts.frame);
    store.time(facts.us, 0);
    store.number(facts.exchanges);
    store.number(facts.kept);
    store.number(facts.seen);
    store.number(facts.encryptedFrom);
    connection.write(store);
    store.commit(chain);
    return new PackedSession(store, connection.index, chain.first, chain.length, length);
  }

  release(): void {
    this.store.release(this.first, this.length);
  }
}

/** Where packed sessions lie: the store of a capture that is read here, or a batch that came from elsewhere. */
export interface SessionHome {
  /** Ordinal of the capture in the report. */
  readonly capture: number;
  /** Messages that were numbered before those of the transcripts. */
  readonly firstMessage: number;
  readonly lines: LineTexts;
  /** Octets that begin with those of one session; valid until the next call. */
  gather(first: number, length: number): Buffer;
  release(first: number, length: number): void;
}

/**
 * A finished session in one run of octets. They are the same wherever they lie:
 *
 * ```
 * transcript | bits, first frame and time, exchanges, kept exchanges, protocol, encrypted from | connection
 * ```
 *
 * Only the lines of the line table are elsewhere, in its home.
 */
export class PackedSession implements SessionRecord {
  /**
   * @param first  where its octets begin, as its home counts
   * @param length  octets of all
   * @param events  octets of the transcript
   */
  constructor(
    readonly home: SessionHome,
    readonly index: number,
    private readonly first: number,
    readonly length: number,
    readonly events: number,
  ) {}

  read(firstIndex: number, captureLastUs: number): SmtpSession {
    const { home, length, events } = this;
    const octets = this.octets();
    const reader = new TranscriptReader(octets, events, length, home.lines);
    const facts = readFacts(reader);
    const connection = new ConnectionRecord(reader, this.index);
    const transcript = new TranscriptReader(octets, 0, events, home.lines);
    const { capture, firstMessage } = home;
    const parts = { capture, firstMessage, facts, connection, transcript };
    return readSession(parts, firstIndex, captureLastUs);
  }

  /** Begins with its octets; valid until another session of its home is read. */
  octets(): Buffer {
    return this.home.gather(this.first, this.length);
  }

  release(): void {
    this.home.release(this.first, this.length);
  }
}

function readFacts(reader: TranscriptReader): DialogueFacts {
  return {
    bits: reader.number(),
    frame: reader.signed(),
    us: reader.time(0),
    exchanges: reader.number(),
    kept: reader.number(),
    seen: reader.number(),
    encryptedFrom: reader.number(),
  };
}
