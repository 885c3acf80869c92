import type { SmtpSession } from '../smtp/session.js';
import type { ClosedDialogue } from './read-session.js';
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
