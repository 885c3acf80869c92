import { StreamChunk } from '../stream/event.js';
import type { DigestFactory } from './digest.js';
import { Answer, type ReplyLine } from './exchange-log.js';
import { WireLine } from './line-splitter.js';
import { TranscriptStore } from './transcript.js';
import { LastLine } from './transcript-event.js';

/** Octets held for all sessions together: more than that, and each session guesses at once. */
const MAX_HELD_TOGETHER = 64 << 20;

/** What the dialogues of one capture share, so that none needs its own. */
export class DialogueContext {
  readonly transcripts = new TranscriptStore();
  readonly last = new LastLine();
  readonly answer = new Answer();
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

  constructor(
    readonly capture: number,
    readonly digest: DigestFactory,
    readonly nextMessage: () => number,
  ) {}

  get heldTooMuch(): boolean {
    return this.held > MAX_HELD_TOGETHER;
  }
}
