import { codesOnly, redactReplyText } from '../smtp/auth.js';
import { isCertainCommand } from '../smtp/command.js';
import * as to from '../smtp/expected-reply.js';
import { cutLine, finishPartial, keepPartial, type WireLine } from '../smtp/line-splitter.js';
import { isNtlmChallenge } from '../smtp/ntlm.js';
import * as protocol from '../smtp/protocol.js';
import {
  isGreetingMask,
  isHyphen,
  isMaskedSeparator,
  looksMasked,
  NO_CODE,
  replyCode,
} from '../smtp/reply.js';
import type { StreamChunk } from '../stream/event.js';
import type { ReplyLine } from '../transcript/exchange-log.js';
import {
  beginMessage,
  expectTls,
  heldLine,
  mustGuess,
  rememberHeld,
  resume,
  settleAs,
} from './client-stream.js';
import type { Dialogue } from './dialogue.js';
import * as state from './dialogue-bits.js';
import {
  expectRefusedMail,
  isStockRefusal,
  isUnknownVerb,
  isUnrecognized,
  mayQuoteRefusedText,
} from './refused-mail.js';

const TLS_HANDSHAKE = 0x16;
const STARTTLS_ANSWER = /\bTLS\b|\bSSL\b|go ahead|ready to start/i;

/** Takes in octets of the server: replies, and which of them decides what the client's octets are. */
export function serverChunk(dialogue: Dialogue, chunk: StreamChunk): void {
  dialogue.seen |= protocol.SERVER_OCTETS;
  const line = dialogue.context.serverLine;
  let at = chunk.start;
  while (at < chunk.end && !dialogue.knows(state.SERVER_OPAQUE)) {
    if (dialogue.serverPartial === null && beginsOpaque(dialogue, chunk.octets[at]!, chunk.frame)) return;
    const next = cutLine(chunk, at, dialogue.serverPartial, line);
    if (next < 0) {
      dialogue.serverPartial = keepPartial(chunk, at, dialogue.serverPartial);
      return;
    }
    dialogue.serverPartial = null;
    at = next;
    serverLine(dialogue, line, true);
  }
}

function beginsOpaque(dialogue: Dialogue, octet: number, frame: number): boolean {
  if (dialogue.mode === state.OPAQUE) return true;
  const undecided = dialogue.mode === state.AFTER_STARTTLS;
  if (octet !== TLS_HANDSHAKE && !(undecided && (octet < 0x20 || octet > 0x7e))) return false;
  // What the client answered to 220 may be in a gap, or come late.
  if (undecided) dialogue.note(state.SERVER_OPAQUE);
  else dialogue.encrypted(frame);
  return true;
}

/** @param whole  an LF ended it */
function serverLine(dialogue: Dialogue, line: WireLine, whole: boolean): void {
  const { octets, start, end } = line;
  const code = replyCode(octets, start, end);
  const tail = dialogue.knows(state.SERVER_TAIL);
  dialogue.forget(state.SERVER_TAIL);
  if (tail && code === NO_CODE) return;
  const reply = dialogue.context.reply;
  reply.code = code;
  reply.more = code !== NO_CODE && isHyphen(octets, start, end);
  reply.maskedSeparator = code !== NO_CODE && isMaskedSeparator(octets, start, end);
  reply.greetingMask = false;
  reply.checksum = 'unverifiable';
  reply.text = null;
  if (looksMasked(octets, start, end)) {
    reply.greetingMask = isGreetingMask(octets, start, end);
    reply.checksum = line.checksum();
  }
  if (!dialogue.knows(state.SERVER_SPOKE)) firstServerLine(dialogue, line, reply);
  if (code !== NO_CODE) dialogue.seen |= protocol.CODED_REPLY;
  if (dialogue.knows(state.SERVER_OPAQUE)) return;
  if (dialogue.log.keepsReplyLine(code)) reply.text = shown(dialogue, line, code);
  if (code >= 200 && code < 300) releaseCommandsBefore(dialogue, code);
  if (dialogue.log.reply(line, reply, whole)) replied(dialogue, line);
  // The reply that was to decide cannot be told from others any more.
  if (dialogue.held !== null && dialogue.held.decider < dialogue.log.head) mustGuess(dialogue);
}

function firstServerLine(dialogue: Dialogue, line: WireLine, reply: ReplyLine): void {
  dialogue.note(state.SERVER_SPOKE);
  const text = line.octets.latin1Slice(line.start, Math.min(line.end, line.start + 512));
  dialogue.seen |= protocol.serverEvidence(text, reply.code);
  if (reply.greetingMask) dialogue.seen |= protocol.FIREWALL_MARK;
  if (dialogue.seen & (protocol.HTTP | protocol.SSH)) {
    dialogue.opaque('limit');
    dialogue.note(state.SERVER_OPAQUE);
    return;
  }
  // Only a greeting and the answer to STARTTLS are 220: a capture can begin between handshake and greeting.
  const unasked = dialogue.log.next === 0 && (dialogue.seen & protocol.CLIENT_OCTETS) === 0;
  if (unasked && reply.code === 220 && !STARTTLS_ANSWER.test(text)) dialogue.awaitGreeting();
}

/** The line without secrets; null when its own octets may be kept. */
function shown(dialogue: Dialogue, line: WireLine, code: number): string | null {
  rememberHeld(dialogue);
  const lost = dialogue.knows(state.CLIENT_LOST);
  if (mayQuoteRefusedText(dialogue, code, dialogue.log.replyAwaits)) {
    const quoting = line.text();
    if (line.total === quoting.length && isStockRefusal(quoting)) return null;
    const codes = codesOnly(quoting, line.total);
    return codes === quoting ? null : codes;
  }
  if (dialogue.secrets === null && !lost && code !== 334 && code !== NO_CODE && code < 400) return null;
  const text = line.text();
  // The names in it are repeated in what follows.
  if (code === 334 && isNtlmChallenge(text)) dialogue.remember(text.slice(4).trim(), true);
  const awaited = dialogue.log.replyAwaits;
  const unseen =
    awaited < 0 || awaited === to.TO_UNSEEN || (lost && (awaited !== to.TO_HELLO || code >= 400));
  const answersAuth =
    awaited < 0 || awaited === to.TO_UNSEEN || awaited === to.TO_AUTH || awaited === to.TO_UNKNOWN;
  const { secrets } = dialogue;
  let shown = text;
  if (secrets !== null) {
    const unknown = answersAuth
      ? secrets.cut || secrets.overflowed
      : secrets.overflowed && awaited !== to.TO_HELLO && awaited !== to.TO_GREETING;
    if (unknown) return codesOnly(text, line.total);
    // The code stays whatever was sent: it is the server's.
    const at = code === NO_CODE ? 0 : Math.min(4, text.length);
    shown = text.slice(0, at) + secrets.scrub(text.slice(at), answersAuth);
  }
  shown = redactReplyText(shown, line.total, code, unseen, lost);
  shown = dialogue.context.earlier.scrub(shown);
  return shown === text ? null : shown;
}

/**
 * A client that waited for the answer to DATA in vain says QUIT or RSET, and that is what a 2xx then answers:
 * DATA has no 2xx.
 */
function releaseCommandsBefore(dialogue: Dialogue, code: number): void {
  if (dialogue.held === null || dialogue.held.decider !== dialogue.log.head) return;
  const awaited = dialogue.log.replyAwaits;
  if (awaited !== dialogue.held.awaited || (awaited !== to.TO_DATA && code !== 221)) return;
  const held = heldLine(dialogue);
  if (held !== null && isCertainCommand(held)) settleAs(dialogue, state.COMMANDS);
}

/** A reply is complete: what does the client send next? */
function replied(dialogue: Dialogue, line: WireLine): void {
  const { replyTo: exchange, replyAwaited: awaited, replyCode: code } = dialogue.log;
  // To a server that knows no BDAT, the lines of the chunk are commands.
  if (awaited === to.TO_CHUNK && isUnknownVerb(code)) dialogue.note(state.MAIL_REFUSED);
  switch (dialogue.mode) {
    case state.WAITING: {
      const { decider } = dialogue.held!;
      if (exchange === decider) decided(dialogue, awaited, code, line);
      else if (code === 354 && decider < exchange) decided(dialogue, to.TO_DATA, code, line);
      break;
    }
    case state.SEARCHING:
      if (code === 334) resume(dialogue, state.AUTH_RESPONSE);
      else if (code === 354) resumeInMailData(dialogue, exchange);
      else if (isUnrecognized(code) || dialogue.knows(state.MAIL_REFUSED)) resumeRefused(dialogue);
      else resume(dialogue, state.COMMANDS);
      break;
    case state.COMMANDS:
    case state.REFUSED_MAIL:
      // The command was masked or lost; the server has understood it all the same.
      if (code === 334) resume(dialogue, state.AUTH_RESPONSE);
      else if (code === 354) resumeInMailData(dialogue, exchange);
      break;
    case state.MAIL_DATA:
      if (exchange === dialogue.message?.commandExchange && code >= 400) dialogue.note(state.MAIL_REFUSED);
      if (awaited !== to.TO_UNSEEN || !hasEndedElsewhere(dialogue, code)) break;
      if (code >= 400) resumeRefused(dialogue);
      else resume(dialogue, state.COMMANDS);
      break;
  }
}

/** What the server refuses may go on: a message, or what the client says instead. */
function resumeRefused(dialogue: Dialogue): void {
  resume(dialogue, state.REFUSED_MAIL);
  expectRefusedMail(dialogue);
}

function settleAsRefused(dialogue: Dialogue): void {
  expectRefusedMail(dialogue);
  settleAs(dialogue, state.REFUSED_MAIL);
}

function resumeInMailData(dialogue: Dialogue, exchange: number): void {
  resume(dialogue, state.MAIL_DATA);
  beginMessage(dialogue, 'DATA', exchange, state.MAIL_DATA);
}

/** The end of the mail data was in a gap, or it was none to us: some servers take LF.LF. */
function hasEndedElsewhere(dialogue: Dialogue, code: number): boolean {
  return dialogue.message?.broken ? code !== 354 : code >= 200 && code < 300;
}

function decided(dialogue: Dialogue, awaited: number, code: number, line: WireLine): void {
  switch (awaited) {
    case to.TO_DATA:
      if (code === 354) {
        beginMessage(dialogue, 'DATA', dialogue.held!.decider, state.MAIL_DATA);
        settleAs(dialogue, state.MAIL_DATA);
      } else if (code >= 400) settleAsRefused(dialogue);
      else mustGuess(dialogue);
      break;
    case to.TO_AUTH:
      settleAs(dialogue, code === 334 ? state.AUTH_RESPONSE : state.COMMANDS);
      break;
    case to.TO_STARTTLS:
      if (code === 220) expectTls(dialogue, line);
      else settleAs(dialogue, state.COMMANDS);
      break;
    case to.TO_XEXCH50:
      settleAs(dialogue, code === 354 && dialogue.remaining > 0 ? state.BINARY : state.COMMANDS);
      break;
    default:
      settleAs(dialogue, state.COMMANDS);
  }
}

/** Has the client ended the connection? */
export function clientGaveUp(dialogue: Dialogue): boolean {
  return dialogue.connection.clientFinFrame !== 0 || dialogue.connection.clientRstFrame !== 0;
}

/**
 * Octets of the server which the client never acknowledged before it ended the connection: they did not reach it.
 * What it waited for, it did not get; no capture has missed that.
 */
export function neverArrived(dialogue: Dialogue): void {
  if (dialogue.mode === state.OPAQUE) return;
  cutServerLine(dialogue);
  dialogue.note(state.SERVER_TAIL);
  dialogue.log.giveUp(dialogue.log.next, 'closed');
  mustGuess(dialogue);
}

export function serverGap(dialogue: Dialogue): void {
  if (dialogue.mode === state.OPAQUE) return;
  cutServerLine(dialogue);
  dialogue.note(state.SERVER_TAIL);
  dialogue.log.serverGap();
  mustGuess(dialogue);
}

/** A line without its end: its code may be there. */
export function cutServerLine(dialogue: Dialogue): void {
  const partial = dialogue.serverPartial;
  dialogue.serverPartial = null;
  if (partial === null || dialogue.mode === state.OPAQUE) return;
  const line = dialogue.context.serverLine;
  finishPartial(partial, line, false);
  serverLine(dialogue, line, false);
  dialogue.log.cutReply();
  // Whatever the reply goes on to say, the client has waited for it.
  if (dialogue.mode === state.SEARCHING && dialogue.context.reply.more) resume(dialogue, state.COMMANDS);
}
