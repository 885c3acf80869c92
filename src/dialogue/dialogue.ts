import type { DigestFactory } from '../mail/digest.js';
import { TO_GREETING } from '../smtp/expected-reply.js';
import type { PartialLine, WireLine } from '../smtp/line-splitter.js';
import * as protocol from '../smtp/protocol.js';
import { looksMasked } from '../smtp/reply.js';
import { Secrets } from '../smtp/secrets.js';
import type { NoReply } from '../smtp/session.js';
import type {
  ConnectionListener,
  ConnectionView,
  Gap,
  StreamChunk,
  StreamListener,
} from '../stream/event.js';
import { ExchangeLog } from '../transcript/exchange-log.js';
import { FULL, TLS_BROKEN, TLS_FOLLOWED } from '../transcript/session-bits.js';
import { SessionSnapshot } from '../transcript/session-record.js';
import type { OpenTls } from '../transcript/tls-opening.js';
import { GREETING_KIND } from '../transcript/transcript-event.js';
import type { Checksum } from '../wire/segment.js';
import { clientChunk, clientGap, closeClient } from './client-stream.js';
import { BEGUN, CLIENT_LOST, COMMANDS, IN_AUTH, OPAQUE, SEARCHING, SERVER_TAIL } from './dialogue-bits.js';
import { DialogueContext } from './dialogue-context.js';
import type { HeldOctets } from './held-octets.js';
import type { OpenMessage } from './open-message.js';
import { clientGaveUp, cutServerLine, neverArrived, serverChunk, serverGap } from './server-stream.js';

export interface SmtpDialoguesOptions {
  /** Ordinal of the capture. */
  readonly capture: number;
  readonly digest: DigestFactory;
  /** Number of the next message: unique in the report. */
  readonly nextMessage: () => number;
  readonly onClosed: (record: SessionSnapshot) => void;
  /** Is notified of each dialogue that begins, for who cannot wait for its end. */
  readonly onOpened?: (dialogue: OpenDialogue) => void;
}

/** A dialogue that goes on. */
export interface OpenDialogue {
  readonly connection: ConnectionView;
  /**
   * The session as it would be if the capture had ended now, without the line or message that is under way. It may be
   * read at once only, before the dialogue goes on.
   */
  snapshot(): SessionSnapshot;
}

/**
 * Reads the SMTP dialogues of a capture's connections.
 *
 * @example
 * const dialogues = new SmtpDialogues({
 *   capture: 0,
 *   digest: await createDigestFactory('xxh64'),
 *   nextMessage: () => ++messages,
 *   onClosed: (record) => sessions.push(record.read(0, lastUs)),
 * });
 */
export class SmtpDialogues implements ConnectionListener {
  private readonly context: DialogueContext;
  private readonly onOpened: ((dialogue: OpenDialogue) => void) | undefined;
  /** Who looks at open dialogues sees those too that nobody answers. */
  readonly early: boolean;

  constructor({ capture, digest, nextMessage, onClosed, onOpened }: SmtpDialoguesOptions) {
    this.context = new DialogueContext(capture, digest, nextMessage, onClosed);
    this.onOpened = onOpened;
    this.early = onOpened !== undefined;
  }

  opened(connection: ConnectionView): StreamListener {
    const dialogue = new Dialogue(this.context, connection);
    this.onOpened?.(dialogue);
    return dialogue;
  }
}

/**
 * One session in progress: its exchanges so far, and what its two streams are waiting for. `client-stream.ts` and
 * `server-stream.ts` know what the octets of each mean; they keep here what they know.
 *
 * There may be hundreds of thousands of these. So it is one object for both streams, booleans are bits, and what only some
 * sessions need, or only for a moment, is made when it is needed.
 */
export class Dialogue implements StreamListener, OpenDialogue {
  readonly log: ExchangeLog;
  /** Bits of protocol.ts. */
  seen = 0;
  encryptedFrom = 0;
  /** From the 220 to STARTTLS on. */
  tls: OpenTls | null = null;
  mode = COMMANDS;
  secrets: Secrets | null = null;
  clientPartial: PartialLine | null = null;
  serverPartial: PartialLine | null = null;
  message: OpenMessage | null = null;
  /** While the mode is WAITING: what is waited for, and what has come meanwhile. */
  held: HeldOctets | null = null;
  /** Octets left of a chunk; after STARTTLS, octets of the record seen; while searching, lines passed over; of refused mail, its lines. */
  remaining = 0;
  /** Bits of dialogue-bits.ts. */
  private memory = 0;

  constructor(
    readonly context: DialogueContext,
    readonly connection: ConnectionView,
  ) {
    this.log = new ExchangeLog(context.store);
  }

  chunk(chunk: StreamChunk): void {
    if (chunk.start >= chunk.end) return;
    this.begin(chunk.frame, chunk.us);
    if (chunk.direction === 'client') clientChunk(this, chunk);
    else {
      serverChunk(this, chunk);
      this.tls?.fromServer(chunk);
    }
  }

  gap(gap: Gap, frame: number): void {
    this.begin(frame, Number.NaN);
    if (gap.cause === 'midstream') {
      if (gap.direction === 'server') this.note(SERVER_TAIL);
      else if (this.mode === COMMANDS) this.mode = SEARCHING;
    } else if (gap.direction === 'client') clientGap(this, gap.octets, gap.offset, frame);
    else if (gap.cause === 'unfilled' && clientGaveUp(this)) neverArrived(this);
    else serverGap(this);
  }

  closed(): void {
    const { log, context } = this;
    this.begin(this.connection.firstFrame, Number.NaN);
    cutServerLine(this);
    closeClient(this);
    log.close();
    if (this.tls !== null) {
      this.tls.stage(context.store, log);
      context.store.commit(log);
    }
    context.onClosed(this.snapshot());
  }

  snapshot(): SessionSnapshot {
    const { context, log, connection, memory, seen, encryptedFrom } = this;
    const { frame, us, next: exchanges, kept } = log;
    const bits = (log.full ? FULL : 0) | (memory & (TLS_FOLLOWED | TLS_BROKEN));
    const facts = { bits, frame, us, exchanges, kept, seen, encryptedFrom };
    return new SessionSnapshot(context.store, log, facts, connection);
  }

  knows(fact: number): boolean {
    return (this.memory & fact) !== 0;
  }

  note(fact: number): void {
    this.memory |= fact;
  }

  forget(fact: number): void {
    this.memory &= ~fact;
  }

  /** The connection itself awaits a reply, the greeting: unless its beginning was not seen. */
  begin(frame: number, us: number): void {
    if (this.knows(BEGUN)) return;
    this.note(BEGUN);
    this.log.begin(frame, us);
    if (this.connection.midstream) {
      this.mode = SEARCHING;
      this.note(CLIENT_LOST | IN_AUTH);
    } else this.awaitGreeting();
  }

  awaitGreeting(): void {
    this.log.add(GREETING_KIND, TO_GREETING, null, null, 'unverifiable', 0, false);
  }

  /** Adds an exchange with a line of the client. */
  addLine(kind: number, awaits: number, line: WireLine, shown: string | null, early: boolean): number {
    const checksum: Checksum =
      looksMasked(line.octets, line.start, line.end) && this.log.keepsNext ? line.checksum() : 'unverifiable';
    return this.log.add(kind, awaits, line, shown, checksum, this.connection.serverPackets, early);
  }

  /** @param whole  all of it was captured, and kept */
  remember(secret: string, whole: boolean): void {
    if (secret.length < 3 && whole) return;
    this.secrets ??= new Secrets(this.context);
    this.secrets.add(secret);
    if (!whole) this.secrets.cut = true;
  }

  /** From here on nothing can be read. */
  encrypted(frame: number): void {
    if (this.encryptedFrom === 0) this.encryptedFrom = frame;
    this.seen |= protocol.TLS;
    this.opaque('encrypted');
  }

  opaque(cause: NoReply): void {
    this.mode = OPAQUE;
    this.clientPartial = null;
    this.log.giveUp(this.log.next, cause);
  }
}
