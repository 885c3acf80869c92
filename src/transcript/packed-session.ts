import type { SmtpSession } from '../smtp/session.js';
import { PackedConnection, packConnection } from '../stream/packed-connection.js';
import { Packer, Unpacker } from '../stream/packing.js';
import type { LineTexts } from './line-table.js';
import { materialise } from './read-session.js';
import type { ClosedRecord, SessionRecord } from './session-record.js';
import { TranscriptReader } from './transcript.js';

const FULL = 1 << 0;
const TLS_KNOWN = 1 << 1;
const TLS_FOLLOWED = 1 << 2;

/** Finished sessions on their way to another thread. */
export interface PackedSessions {
  readonly octets: Uint8Array<ArrayBuffer>;
  /** Where each begins. */
  readonly starts: readonly number[];
  /** Lines of the capture's line table that are new since the sessions before. */
  readonly lines: readonly string[];
}

/** Packs the finished sessions of one capture. */
export class SessionPacker {
  private readonly packer = new Packer();
  private starts: number[] = [];
  private fresh: string[] = [];
  /** Lines of the table that were packed. */
  private lines = 0;

  get octets(): number {
    return this.packer.length;
  }

  /** @param lastUs  time of the capture's newest packet */
  add(record: ClosedRecord, lastUs: number): void {
    const { packer } = this;
    const { transcript } = record;
    this.starts.push(packer.length);
    packer.number(record.index);
    packer.float(lastUs);
    packer.signed(record.frame);
    packer.float(record.us);
    packer.number(record.exchanges);
    packer.number(record.kept);
    packer.octet(
      (record.full ? FULL : 0) |
        (record.tlsFollowed === null ? 0 : TLS_KNOWN) |
        (record.tlsFollowed ? TLS_FOLLOWED : 0),
    );
    packer.signed(record.seen);
    packer.number(record.encryptedFrom);
    packer.bytes(transcript.octets(), transcript.length);
    packConnection(record.connection, packer);
    const fresh = transcript.store.lines.since(this.lines);
    this.lines += fresh.length;
    for (const line of fresh) this.fresh.push(line);
  }

  /** What was added since the last time. */
  take(): PackedSessions {
    const { starts, fresh } = this;
    this.starts = [];
    this.fresh = [];
    return { octets: this.packer.take(), starts, lines: fresh };
  }
}

/** The sessions of one capture that another thread has read. */
export class PackedCapture implements LineTexts {
  private readonly lines: string[] = [];

  /**
   * @param capture  ordinal of the capture in the report
   * @param firstMessage  messages of the captures before this one
   */
  constructor(
    readonly capture: number,
    readonly firstMessage: number,
  ) {}

  text(line: number): string {
    return this.lines[line]!;
  }

  records({ octets, starts, lines }: PackedSessions): PackedSession[] {
    for (const line of lines) this.lines.push(line);
    const buffer = Buffer.from(octets.buffer, octets.byteOffset, octets.length);
    return starts.map((start) => new PackedSession(this, buffer, start));
  }
}

/** A finished session as another thread has packed it; it stays packed, and is small. */
export class PackedSession implements SessionRecord {
  readonly index: number;

  constructor(
    private readonly capture: PackedCapture,
    private readonly octets: Buffer,
    private readonly at: number,
  ) {
    this.index = new Unpacker(octets, at).number();
  }

  /** Time of the capture's newest packet when the session ended. */
  get lastUs(): number {
    const from = new Unpacker(this.octets, this.at);
    from.number();
    return from.float();
  }

  materialise(firstIndex: number, captureLastUs: number): SmtpSession {
    const from = new Unpacker(this.octets, this.at);
    from.number();
    from.float();
    const frame = from.signed();
    const us = from.float();
    const exchanges = from.number();
    const kept = from.number();
    const flags = from.octet();
    const seen = from.signed();
    const encryptedFrom = from.number();
    const octets = from.bytes();
    const { capture } = this;
    const dialogue = {
      capture: capture.capture,
      firstMessage: capture.firstMessage,
      transcript: { reader: () => new TranscriptReader(octets, 0, octets.length, capture) },
      frame,
      us,
      exchanges,
      kept,
      full: (flags & FULL) !== 0,
      tlsFollowed: flags & TLS_KNOWN ? (flags & TLS_FOLLOWED) !== 0 : null,
      seen,
      encryptedFrom,
      connection: new PackedConnection(from),
    };
    return materialise(dialogue, firstIndex, captureLastUs);
  }

  /** It goes with its capture. */
  release(): void {}
}
