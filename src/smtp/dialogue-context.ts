import { type ClosedConnection, type NumberSource, StreamChunk } from '../stream/event.js';
import type { DigestFactory } from './digest.js';
import { LogStore, type ReplyLine } from './exchange-log.js';
import { WireLine } from './line-splitter.js';
import type { ClosedDialogue } from './materialise.js';
import type { SecretsKept } from './secrets.js';
import type { SmtpSession } from './session.js';
import type { Transcript } from './transcript.js';

/** A finished session: compact, until somebody wants to see it. */
export interface SessionRecord {
  /** Of its connection in the capture. */
  readonly index: number;
  /**
   * Makes the session. May be called any number of times; the result depends on the arguments only.
   *
   * @param firstIndex  sessions of the captures before this one
   * @param captureLastUs  time of the capture's newest packet; NaN when unknown
   */
  materialise(firstIndex: number, captureLastUs: number): SmtpSession;
  /** Frees what the session takes. It must not be materialised afterwards. */
  release(): void;
}

/** A session that has just ended, with what it is made of. */
export interface ClosedRecord extends SessionRecord, ClosedDialogue {
  readonly transcript: Transcript;
  /**
   * The same in few octets, for who keeps a million of them. Asked for once; neither this record nor the connection may be
   * used afterwards.
   */
  packed(): SessionRecord;
}

/** Octets held for all sessions together: more than that, and each session guesses at once. */
const MAX_HELD_TOGETHER = 64 << 20;

/** What the dialogues of one capture share, so that none needs its own. */
export class DialogueContext implements SecretsKept {
  readonly transcripts = new LogStore();
  readonly answer = this.transcripts.answer;
  readonly clientLine = new WireLine('client');
  readonly serverLine = new WireLine('server');
  /** Points at held octets while they are taken in. */
  readonly replay = new StreamChunk();
  readonly reply: ReplyLine = {
    code: 0,
    more: false,
    maskedSeparator: false,
    greetingMask: false,
    text: null,
    checksum: 'unverifiable',
  };
  held = 0;
  /** Reads packed connections; null: none was packed yet. */
  unpack: ((source: NumberSource) => ClosedConnection) | null = null;
  secretOctets = 0;

  constructor(
    readonly capture: number,
    readonly digest: DigestFactory,
    readonly nextMessage: () => number,
    readonly onClosed: (record: ClosedRecord) => void,
  ) {}

  get heldTooMuch(): boolean {
    return this.held > MAX_HELD_TOGETHER;
  }
}
