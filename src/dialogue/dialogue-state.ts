import { TO_GREETING } from '../smtp/expected-reply.js';
import type { PartialLine, WireLine } from '../smtp/line-splitter.js';
import * as protocol from '../smtp/protocol.js';
import { looksMasked } from '../smtp/reply.js';
import { Secrets } from '../smtp/secrets.js';
import type { NoReply } from '../smtp/session.js';
import type { ConnectionView } from '../stream/event.js';
import { ExchangeLog } from '../transcript/exchange-log.js';
import type { OpenTls } from '../transcript/tls-opening.js';
import { GREETING_KIND } from '../transcript/transcript-event.js';
import type { Checksum } from '../wire/segment.js';
import type { DialogueContext } from './dialogue-context.js';

/** What the client's next octets are. */
/** Commands, a line each. */
export const COMMANDS = 0;
/** Not known before a reply comes: they wait. */
export const WAITING = 1;
/** Mail data up to CRLF.CRLF. */
export const MAIL_DATA = 2;
/** `remaining` octets of mail data. */
export const CHUNK = 3;
/** `remaining` octets of something else. */
export const BINARY = 4;
/** Answers to challenges of AUTH. */
export const AUTH_RESPONSE = 5;
/** Their beginning was not captured: nothing counts before a certain command or a reply. */
export const SEARCHING = 6;
/** The server said 220 to STARTTLS: one octet will tell. */
export const AFTER_STARTTLS = 7;
/** Encrypted, or not SMTP. */
export const OPAQUE = 8;

/** Facts that a dialogue remembers: bits of `memory`, above those of protocol.ts in `seen`. */
export const BEGUN = 1 << 0;
export const CLOSING = 1 << 1;
export const CLIENT_SPOKE = 1 << 2;
export const SERVER_SPOKE = 1 << 3;
/** AUTH was tried. */
export const AUTH_ATTEMPTED = 1 << 4;
/** The sender of the mail transaction is `<>`. */
export const NULL_SENDER = 1 << 5;
/** Nothing of the server can be read any more. */
export const SERVER_OPAQUE = 1 << 6;
/** The server's next line may be the tail of one that began in a gap. */
export const SERVER_TAIL = 1 << 7;
/** A TLS record followed the 220 to STARTTLS, or something else did. */
export const TLS_FOLLOWED = 1 << 8;
export const TLS_BROKEN = 1 << 9;
/** The client's last line was AUTH, or an answer in its exchange. */
export const IN_AUTH = 1 << 10;
/** Octets of the client were lost: credentials may have been in them. */
export const CLIENT_LOST = 1 << 11;

/**
 * What one session is: its exchanges so far, and what its two streams are waiting for.
 *
 * There may be hundreds of thousands of these. Booleans are bits; what only some sessions need, or only for a
 * moment, is made when it is needed.
 */
export abstract class DialogueState {
  readonly log: ExchangeLog;
  /** Bits of protocol.ts. */
  seen = 0;
  encryptedFrom = 0;
  /** From the 220 to STARTTLS on. */
  protected tls: OpenTls | null = null;
  protected mode = COMMANDS;
  protected secrets: Secrets | null = null;
  protected clientPartial: PartialLine | null = null;
  protected serverPartial: PartialLine | null = null;
  private memory = 0;

  constructor(
    protected readonly context: DialogueContext,
    readonly connection: ConnectionView,
  ) {
    this.log = new ExchangeLog(context.transcripts);
  }

  protected knows(fact: number): boolean {
    return (this.memory & fact) !== 0;
  }

  protected note(fact: number): void {
    this.memory |= fact;
  }

  protected forget(fact: number): void {
    this.memory &= ~fact;
  }

  /** null: nothing followed. */
  get tlsFollowed(): boolean | null {
    return this.knows(TLS_FOLLOWED) ? true : this.knows(TLS_BROKEN) ? false : null;
  }

  /** The connection itself awaits a reply, the greeting: unless its beginning was not seen. */
  protected begin(frame: number, us: number): void {
    if (this.knows(BEGUN)) return;
    this.note(BEGUN);
    this.log.begin(frame, us);
    if (this.connection.midstream) {
      this.mode = SEARCHING;
      this.note(CLIENT_LOST | IN_AUTH);
    } else this.awaitGreeting();
  }

  protected awaitGreeting(): void {
    this.log.add(GREETING_KIND, TO_GREETING, null, null, 'unverifiable', 0, false);
  }

  /** Adds an exchange with a line of the client. */
  protected addLine(
    kind: number,
    awaits: number,
    line: WireLine,
    shown: string | null,
    early: boolean,
  ): number {
    const checksum: Checksum =
      looksMasked(line.octets, line.start, line.end) && this.log.keepsNext ? line.checksum() : 'unverifiable';
    return this.log.add(kind, awaits, line, shown, checksum, this.connection.serverPackets, early);
  }

  /** @param whole  all of it was captured, and kept */
  protected remember(secret: string, whole: boolean): void {
    if (secret.length < 3 && whole) return;
    this.secrets ??= new Secrets(this.context);
    this.secrets.add(secret);
    if (!whole) this.secrets.cut = true;
  }

  /** From here on nothing can be read. */
  protected encrypted(frame: number): void {
    if (this.encryptedFrom === 0) this.encryptedFrom = frame;
    this.seen |= protocol.TLS;
    this.opaque('encrypted');
  }

  protected opaque(cause: NoReply): void {
    this.mode = OPAQUE;
    this.clientPartial = null;
    this.log.giveUp(this.log.next, cause);
  }
}
