import type { DigestFactory } from '../mail/digest.js';
import { MailContext } from '../mail/mail-context.js';
import { WireLine } from '../smtp/line-splitter.js';
import { Beginnings, type SecretsKept } from '../smtp/secrets.js';
import { type ClosedConnection, type NumberSource, StreamChunk } from '../stream/event.js';
import { LogStore, type ReplyLine } from '../transcript/exchange-log.js';
import type { ClosedRecord } from '../transcript/session-record.js';

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
  readonly mail: MailContext;
  held = 0;
  /** Reads packed connections; null: none was packed yet. */
  unpack: ((source: NumberSource) => ClosedConnection) | null = null;
  secretOctets = 0;
  readonly beginnings = new Beginnings();

  constructor(
    readonly capture: number,
    digest: DigestFactory,
    readonly nextMessage: () => number,
    readonly onClosed: (record: ClosedRecord) => void,
  ) {
    this.mail = new MailContext(digest);
  }

  get heldTooMuch(): boolean {
    return this.held > MAX_HELD_TOGETHER;
  }
}
