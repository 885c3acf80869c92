import type { DigestFactory } from '../mail/digest.js';
import { MailContext } from '../mail/mail-context.js';
import { WireLine } from '../smtp/line-splitter.js';
import { Beginnings, EarlierSecrets, type SecretsKept } from '../smtp/secrets.js';
import { StreamChunk } from '../stream/event.js';
import type { ReplyLine } from '../transcript/exchange-log.js';
import type { SessionSnapshot } from '../transcript/session-record.js';
import { TranscriptStore } from '../transcript/transcript.js';

/** Octets held for all sessions together: more than that, and each session guesses at once. */
const MAX_HELD_TOGETHER = 64 << 20;

/** What the dialogues of one capture share, so that none needs its own. */
export class DialogueContext implements SecretsKept {
  readonly store: TranscriptStore;
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
  secretOctets = 0;
  readonly beginnings = new Beginnings();
  readonly earlier = new EarlierSecrets();

  constructor(
    capture: number,
    digest: DigestFactory,
    readonly nextMessage: () => number,
    readonly onClosed: (record: SessionSnapshot) => void,
  ) {
    this.store = new TranscriptStore(capture);
    this.mail = new MailContext(digest);
  }

  get heldTooMuch(): boolean {
    return this.held > MAX_HELD_TOGETHER;
  }
}
