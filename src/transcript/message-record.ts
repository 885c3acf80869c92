import type { Timestamp } from '../capture/timestamp.js';
import type { DigestKind } from '../mail/digest.js';
import type { Overlong } from '../mail/header-scan.js';
import type { MailDataFacts } from '../mail/mail-data.js';
import type { DeliveryReport, MailDamage, OverlongItem } from '../mail/message-facts.js';
import { CHECKSUMS } from '../wire/segment.js';
import type { TranscriptReader, TranscriptStore } from './transcript.js';
import { MESSAGE, MESSAGE_END, type Origin, readTime, stageTime } from './transcript-event.js';

/** Of a MESSAGE. */
const BDAT = 1 << 3;
/** Of a MESSAGE_END. */
const HAS_MORE = 1 << 3;
const TERMINATED = 1 << 4;
const EIGHT_BIT = 1 << 5;
const REPORT_LIKE = 1 << 6;
const HAS_REPORT = 1 << 7;

/** Of a Message-ID and of a delivery report's texts; all of them fit the stage together. */
const MAX_TEXT = 500;
const DIGEST_KINDS: readonly DigestKind[] = ['xxh64', 'sha256'];
/** Of what there is more of. */
const DAMAGED = 1 << 0;
const LONG_LINE = 1 << 1;
const LONG_NAME = 1 << 2;
const DAMAGES: readonly MailDamage['kind'][] = ['stars', 'letters', 'nul', 'cut', 'unclosed'];
const SHAPES: readonly MailDamage['shape'][] = ['inside', 'lines', 'over-lines'];
/** Of a part's number. */
const MAX_PART = 60;
const NONE: readonly MailDamage[] = [];
const REPORT_TEXTS = ['status', 'diagnostic', 'originalMessageId', 'finalRecipient', 'text'] as const;

/** What the transcript has where a message begins. */
export interface MessageBegin {
  readonly number: number;
  readonly transport: 'DATA' | 'BDAT';
  readonly commandExchange: number;
  readonly frame: number;
  readonly time: Timestamp | null;
  readonly offset: number;
}

/** One message as the transcript holds it; sender and recipients follow from the exchanges. */
export interface MessageRecord extends MessageBegin {
  readonly endExchange: number | null;
  readonly octets: number;
  readonly missingOctets: number;
  readonly digest: string;
  readonly messageId: string | null;
  readonly eightBit: boolean;
  readonly eightBitFrame: number | null;
  readonly eightBitOffset: number | null;
  readonly looksLikeReport: boolean;
  readonly report: DeliveryReport | null;
  readonly damages: readonly MailDamage[];
  readonly longHeaderLine: OverlongItem | null;
  readonly longFileName: OverlongItem | null;
  readonly terminated: boolean;
  readonly terminator: TerminatorRecord | null;
}

export interface TerminatorRecord {
  readonly offset: number;
  readonly endOffset: number;
  readonly splits: readonly number[];
  readonly frame: number;
  readonly lastFrame: number;
  readonly time: Timestamp | null;
  /** Packets of the server captured until then. */
  readonly serverPackets: number;
  readonly pauseUs: number | null;
}

/** Where a message begins: a chunk, or the line in front of it. */
export interface MessagePlace {
  readonly frame: number;
  readonly us: number;
  readonly ns: number;
  readonly digits: number;
}

/**
 * Stages the beginning of a message.
 *
 * ```
 * MESSAGE      transport | number, DATA's exchange, frame, time, offset
 * ```
 */
export function stageMessageBegin(
  store: TranscriptStore,
  transport: 'DATA' | 'BDAT',
  number: number,
  commandExchange: number,
  at: MessagePlace,
  offset: number,
  origin: Origin,
): void {
  store.octet(MESSAGE | (transport === 'BDAT' ? BDAT : 0));
  store.number(number);
  store.number(commandExchange);
  store.signed(at.frame - origin.frame);
  stageTime(store, at.us, at.ns, at.digits, origin);
  store.number(offset);
}

/**
 * Stages the end of a message and what is known of it.
 *
 * ```
 * MESSAGE_END  flags | end's exchange + 1 (0: none), octets, missing, digest, Message-ID,
 *   [frame and offset of the first 8-bit octet], [report],
 *   splits + 1 (0: no terminator) [offset, length, frame, last - first frame, time, server packets,
 *   [pause + 1 (0: none) of a lone dot]],
 *   [what there is more of, damages: number, each: kind, shape, checksum, part, offset, frame, octets;
 *    long header line, long file name: octets, offset, frame, time]
 * ```
 */
export function stageMessageEnd(
  store: TranscriptStore,
  facts: MailDataFacts,
  endExchange: number | null,
  serverPackets: number,
  origin: Origin,
): void {
  const { damages, longHeaderLine, longFileName } = facts;
  const more =
    (damages.length > 0 ? DAMAGED : 0) | (longHeaderLine ? LONG_LINE : 0) | (longFileName ? LONG_NAME : 0);
  store.octet(
    MESSAGE_END |
      (facts.terminated ? TERMINATED : 0) |
      (facts.eightBit ? EIGHT_BIT : 0) |
      (facts.looksLikeReport ? REPORT_LIKE : 0) |
      (facts.report ? HAS_REPORT : 0) |
      (more === 0 ? 0 : HAS_MORE),
  );
  store.number(endExchange === null ? 0 : endExchange + 1);
  store.number(facts.octets);
  store.number(facts.missingOctets);
  stageDigest(store, facts.digest);
  store.text(facts.messageId?.slice(0, MAX_TEXT) ?? null);
  if (facts.eightBit) {
    store.number(facts.eightBitFrame ?? 0);
    store.number(facts.eightBitOffset ?? 0);
  }
  if (facts.report) stageReport(store, facts.report);
  const end = facts.terminator;
  store.octet(end ? 1 + end.splits.reduce((bits, position) => bits | (1 << position), 0) : 0);
  if (end) {
    store.number(end.offset);
    store.number(end.endOffset - end.offset);
    store.signed(end.frame - origin.frame);
    store.signed(end.lastFrame - end.frame);
    stageTime(store, end.us, end.ns, end.digits, origin);
    store.number(serverPackets);
    if (isLoneDot(end.splits)) store.number(end.pauseUs === null ? 0 : end.pauseUs + 1);
  }
  if (more !== 0) {
    store.octet(more);
    if (damages.length > 0) stageDamages(store, damages, origin);
    for (const item of [longHeaderLine, longFileName]) if (item) stageOverlong(store, item, origin);
  }
}

/** @param first  the octet with the flags */
export function readMessageBegin(reader: TranscriptReader, first: number, origin: Origin): MessageBegin {
  return {
    number: reader.number(),
    transport: first & BDAT ? 'BDAT' : 'DATA',
    commandExchange: reader.number(),
    frame: origin.frame + reader.signed(),
    time: readTime(reader, origin),
    offset: reader.number(),
  };
}

/** @param first  the octet with the flags */
export function readMessageEnd(
  reader: TranscriptReader,
  first: number,
  begin: MessageBegin,
  origin: Origin,
): MessageRecord {
  const end = reader.number();
  const octets = reader.number();
  const missingOctets = reader.number();
  const digest = readDigest(reader);
  const messageId = reader.text();
  const eightBit = (first & EIGHT_BIT) !== 0;
  const eightBitFrame = eightBit ? reader.number() : null;
  const eightBitOffset = eightBit ? reader.number() : null;
  const report = first & HAS_REPORT ? readReport(reader) : null;
  const terminator = readTerminator(reader, origin);
  const more = first & HAS_MORE ? reader.octet() : 0;
  return {
    number: begin.number,
    transport: begin.transport,
    commandExchange: begin.commandExchange,
    endExchange: end === 0 ? null : end - 1,
    frame: begin.frame,
    time: begin.time,
    offset: begin.offset,
    octets,
    missingOctets,
    digest,
    messageId,
    eightBit,
    eightBitFrame,
    eightBitOffset,
    looksLikeReport: (first & REPORT_LIKE) !== 0,
    report,
    terminated: (first & TERMINATED) !== 0,
    terminator,
    damages: more & DAMAGED ? readDamages(reader, origin) : NONE,
    longHeaderLine: more & LONG_LINE ? readOverlong(reader, origin) : null,
    longFileName: more & LONG_NAME ? readOverlong(reader, origin) : null,
  };
}

function readTerminator(reader: TranscriptReader, origin: Origin): TerminatorRecord | null {
  const bits = reader.octet() - 1;
  if (bits < 0) return null;
  const offset = reader.number();
  const endOffset = offset + reader.number();
  const frame = origin.frame + reader.signed();
  const lastFrame = frame + reader.signed();
  const time = readTime(reader, origin);
  const serverPackets = reader.number();
  const splits = bits === 0 ? [] : [0, 1, 2, 3, 4].filter((position) => bits & (1 << position));
  const pause = isLoneDot(splits) ? reader.number() : 0;
  const pauseUs = pause === 0 ? null : pause - 1;
  return { offset, endOffset, splits, frame, lastFrame, time, serverPackets, pauseUs };
}

function isLoneDot(splits: readonly number[]): boolean {
  return splits.length === 1 && splits[0] === 2;
}

function stageOverlong(store: TranscriptStore, item: Overlong, origin: Origin): void {
  store.number(item.octets);
  store.number(item.offset);
  store.signed(item.frame - origin.frame);
  stageTime(store, item.us, item.ns, item.digits, origin);
}

function readOverlong(reader: TranscriptReader, origin: Origin): OverlongItem {
  return {
    octets: reader.number(),
    offset: reader.number(),
    frame: origin.frame + reader.signed(),
    time: readTime(reader, origin),
  };
}

function stageDamages(store: TranscriptStore, damages: readonly MailDamage[], origin: Origin): void {
  store.octet(damages.length);
  for (const { kind, shape, checksum, part, offset, frame, octets } of damages) {
    store.octet(DAMAGES.indexOf(kind));
    store.octet(SHAPES.indexOf(shape));
    store.octet(CHECKSUMS.indexOf(checksum));
    store.text(part.slice(0, MAX_PART));
    store.number(offset);
    store.signed(frame - origin.frame);
    store.number(octets);
  }
}

function readDamages(reader: TranscriptReader, origin: Origin): MailDamage[] {
  return Array.from({ length: reader.octet() }, () => ({
    kind: DAMAGES[reader.octet()]!,
    shape: SHAPES[reader.octet()]!,
    checksum: CHECKSUMS[reader.octet()]!,
    part: reader.text() ?? '',
    offset: reader.number(),
    frame: origin.frame + reader.signed(),
    octets: reader.number(),
  }));
}

function stageReport(store: TranscriptStore, report: DeliveryReport): void {
  for (const name of REPORT_TEXTS) store.text(report[name]?.slice(0, MAX_TEXT) ?? null);
  store.number(report.frame);
  store.number(report.offset);
}

function readReport(reader: TranscriptReader): DeliveryReport {
  const [status = null, diagnostic = null, originalMessageId = null, finalRecipient = null, text = null] =
    REPORT_TEXTS.map(() => reader.text());
  const frame = reader.number();
  return { status, diagnostic, originalMessageId, finalRecipient, text, frame, offset: reader.number() };
}

/** `xxh64:0123456789abcdef` as its kind's number and its octets: 10 instead of 22. */
function stageDigest(store: TranscriptStore, digest: string): void {
  const colon = digest.indexOf(':');
  const octets = digest.slice(colon + 1);
  store.octet(DIGEST_KINDS.indexOf(digest.slice(0, colon) as DigestKind));
  store.octet(octets.length / 2);
  store.hex(octets);
}

function readDigest(reader: TranscriptReader): string {
  const kind = DIGEST_KINDS[reader.octet()]!;
  return `${kind}:${reader.hex(reader.octet())}`;
}
