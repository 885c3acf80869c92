import type { MailDataFacts } from '../mail/mail-data.js';
import * as auth from '../smtp/auth.js';
import * as verb from '../smtp/command.js';
import * as to from '../smtp/expected-reply.js';
import { cutLine, finishPartial, keepPartial, type WireLine } from '../smtp/line-splitter.js';
import * as protocol from '../smtp/protocol.js';
import type { StreamChunk } from '../stream/event.js';
import { type MessagePlace, stageMessageBegin, stageMessageEnd } from '../transcript/message-record.js';
import { TLS_BROKEN, TLS_FOLLOWED } from '../transcript/session-bits.js';
import { OpenTls } from '../transcript/tls-opening.js';
import {
  BDAT_KIND,
  COMMAND_KIND,
  END_OF_DATA_KIND,
  RESPONSE_KIND,
  UNSEEN_KIND,
} from '../transcript/transcript-event.js';
import type { Dialogue } from './dialogue.js';
import {
  AFTER_STARTTLS,
  AUTH_ATTEMPTED,
  AUTH_RESPONSE,
  BINARY,
  CHUNK,
  CLIENT_LOST,
  CLIENT_SPOKE,
  CLOSING,
  COMMANDS,
  IN_AUTH,
  MAIL_DATA,
  MAIL_REFUSED,
  NULL_SENDER,
  OPAQUE,
  REFUSED_MAIL,
  SEARCHING,
  WAITING,
} from './dialogue-bits.js';
import { HeldOctets, MAX_HELD } from './held-octets.js';
import { OpenMessage, pointAtDot } from './open-message.js';
import { expectRefusedMail, takesRefusedText } from './refused-mail.js';

const TLS_HANDSHAKE = 0x16;
const TLS_MAJOR = 0x03;
const COLON = 0x3a;
const SPACE = 0x20;
/** Lines in front of the first command that may be answers to AUTH: a client waits after each of those. */
const MAX_FRAGMENTS = 3;

/** Takes in octets of the client: commands, mail data, and what of them must not be shown. */
export function clientChunk(dialogue: Dialogue, chunk: StreamChunk): void {
  dialogue.seen |= protocol.CLIENT_OCTETS;
  const at = dialogue.mode === WAITING ? chunk.start : take(dialogue, chunk, chunk.start, false);
  if (at < chunk.end) dialogue.context.held += dialogue.held!.add(chunk, at, dialogue.log.awaitsReply);
  if (dialogue.held !== null) settle(dialogue, false);
}

/** Takes in octets; returns where it stopped because what follows must wait, or the end. */
function take(dialogue: Dialogue, chunk: StreamChunk, from: number, early: boolean): number {
  dialogue.tls?.fromClient(chunk, from);
  let at = from;
  while (at < chunk.end) {
    switch (dialogue.mode) {
      case WAITING:
        return at;
      case OPAQUE:
        return chunk.end;
      case MAIL_DATA:
        at = takeMailData(dialogue, chunk, at, early);
        break;
      case CHUNK:
      case BINARY:
        at = takeCounted(dialogue, chunk, at);
        break;
      case AFTER_STARTTLS:
        at = takeAfterStarttls(dialogue, chunk, at);
        break;
      default: {
        if (dialogue.clientPartial === null && chunk.octets[at] === TLS_HANDSHAKE) {
          dialogue.note(TLS_FOLLOWED);
          dialogue.encrypted(chunk.frame);
          return chunk.end;
        }
        const line = dialogue.context.clientLine;
        const next = cutLine(chunk, at, dialogue.clientPartial, line);
        if (next < 0) {
          dialogue.clientPartial = keepPartial(chunk, at, dialogue.clientPartial);
          return chunk.end;
        }
        dialogue.clientPartial = null;
        at = next;
        clientLine(dialogue, line, early, true);
      }
    }
  }
  return at;
}

function clientLine(dialogue: Dialogue, line: WireLine, early: boolean, whole: boolean): void {
  const boundary = dialogue.mode === REFUSED_MAIL && dialogue.remaining === 0;
  if (line.total === 0 && (dialogue.mode === COMMANDS || boundary)) {
    dialogue.addLine(COMMAND_KIND, to.TO_EMPTY, line, null, early);
    return;
  }
  const text = line.text();
  if (dialogue.mode === AUTH_RESPONSE) {
    const index = response(dialogue, line, text, to.TO_AUTH, early, whole);
    if (whole) waitFor(dialogue, index, to.TO_AUTH);
    return;
  }
  if (dialogue.mode === SEARCHING) {
    if (!whole) return;
    if (text === '.') {
      dialogue.mode = COMMANDS;
      dialogue.addLine(END_OF_DATA_KIND, to.TO_END, line, null, early);
      return;
    }
    if (!verb.isCertainCommand(text)) {
      if (dialogue.remaining++ < MAX_FRAGMENTS) dialogue.remember(auth.secretOfFragment(text), true);
      return;
    }
    dialogue.mode = COMMANDS;
    if (dialogue.knows(MAIL_REFUSED)) {
      dialogue.mode = REFUSED_MAIL;
      dialogue.remaining = 1;
    }
  }
  if (dialogue.mode !== COMMANDS || mayBeHeader(line)) {
    if (takesRefusedText(dialogue, text, early)) return;
  }
  command(dialogue, line, text, early, whole);
}

/** Asked of every command: the verbs that are sent most have no colon in their first octets. */
function mayBeHeader({ octets, start, end }: WireLine): boolean {
  for (let at = start; at < end; at++) {
    const octet = octets[at]!;
    if (octet === COLON) return true;
    if (octet === SPACE) return false;
  }
  return false;
}

function command(dialogue: Dialogue, line: WireLine, text: string, early: boolean, whole: boolean): void {
  const command = verb.parseCommand(text);
  const { effect } = command;
  if (!dialogue.knows(CLIENT_SPOKE) || effect === verb.UNKNOWN) {
    dialogue.seen |= protocol.clientEvidence(
      text.slice(0, 200),
      !dialogue.knows(CLIENT_SPOKE),
      dialogue.seen,
    );
    if (dialogue.seen & (protocol.HTTP | protocol.SSH)) {
      dialogue.opaque('limit');
      return;
    }
    dialogue.note(CLIENT_SPOKE);
  }
  dialogue.seen |= protocol.commandEvidence(command);
  const redaction = auth.redactCommand(text, line.total, command, attempted(dialogue));
  if (redaction?.response) {
    response(dialogue, line, text, to.TO_UNKNOWN, early, whole);
    return;
  }
  const login = redaction !== null && effect !== verb.MAIL && !isProxyCommand(command.verb);
  if (login || effect === verb.AUTH || effect === verb.LOGIN) {
    dialogue.note(AUTH_ATTEMPTED | IN_AUTH);
  } else if (effect !== verb.UNKNOWN) dialogue.forget(IN_AUTH);
  else if (auth.mayBeAuth(text)) dialogue.note(IN_AUTH);
  if (redaction !== null) dialogue.remember(redaction.secret, whole && !line.truncated);
  let shown = redaction?.text ?? null;
  if (dialogue.secrets !== null && (effect === verb.UNKNOWN || effect === verb.OTHER)) {
    const scrubbed = dialogue.secrets.scrub(shown ?? text, false);
    if (scrubbed !== text) shown = scrubbed;
  }
  const kind = effect === verb.BDAT ? BDAT_KIND : COMMAND_KIND;
  const index = dialogue.addLine(kind, to.AWAITED_BY[effect]!, line, shown, early);
  if (whole) enact(dialogue, command, index, line);
}

/** What these say of the client is no attempt to log in. */
function isProxyCommand(name: string): boolean {
  return name === 'XCLIENT' || name === 'XFORWARD';
}

/** What follows from a command for the octets after it. */
function enact(dialogue: Dialogue, { effect, argument }: verb.Command, index: number, line: WireLine): void {
  switch (effect) {
    case verb.MAIL:
      abandonMessage(dialogue);
      if (verb.parsePath(argument)?.mailbox === '') dialogue.note(NULL_SENDER);
      else dialogue.forget(NULL_SENDER);
      break;
    case verb.HELLO:
    case verb.RSET:
      abandonMessage(dialogue);
      dialogue.forget(NULL_SENDER);
      break;
    case verb.DATA:
    case verb.AUTH:
    case verb.STARTTLS:
      waitFor(dialogue, index, to.AWAITED_BY[effect]!);
      break;
    case verb.XEXCH50: {
      const size = verb.parseXexch50(argument);
      if (size < 0) break;
      dialogue.remaining = size;
      waitFor(dialogue, index, to.TO_XEXCH50);
      break;
    }
    case verb.BDAT:
      beginChunk(dialogue, argument, index, line);
      break;
  }
}

/** A line of an AUTH exchange, or one that looks like it: nothing of it is kept but its length. */
function response(
  dialogue: Dialogue,
  line: WireLine,
  text: string,
  awaits: number,
  early: boolean,
  whole: boolean,
): number {
  dialogue.note(AUTH_ATTEMPTED | IN_AUTH);
  dialogue.remember(text.trim(), whole && !line.truncated);
  return dialogue.addLine(RESPONSE_KIND, awaits, line, auth.withheld(line.total), early);
}

// Octets that wait for a reply.

function waitFor(dialogue: Dialogue, exchange: number, awaited: number): void {
  dialogue.mode = WAITING;
  dialogue.held ??= new HeldOctets();
  dialogue.held.decider = exchange;
  dialogue.held.awaited = awaited;
  dialogue.held.guessing = dialogue.knows(CLOSING) || dialogue.connection.serverPackets === 0;
}

/** The reply that is waited for will not come, or not be seen. */
export function mustGuess(dialogue: Dialogue): void {
  if (dialogue.mode !== WAITING) return;
  dialogue.held!.guessing = true;
  settle(dialogue, false);
}

/** The reply has said what follows. */
export function settleAs(dialogue: Dialogue, mode: number): void {
  dialogue.mode = mode;
  if (dialogue.held !== null) settle(dialogue, false);
}

/** The first line held, when one waits. */
export function heldLine(dialogue: Dialogue): string | null {
  if (dialogue.mode !== WAITING) return null;
  const { text, ended } = dialogue.held!.firstLine();
  return ended ? text : null;
}

/** Answers to AUTH that wait are secrets already: the server may repeat them. */
export function rememberHeld(dialogue: Dialogue): void {
  if (dialogue.mode !== WAITING || dialogue.held!.awaited !== to.TO_AUTH) return;
  for (const text of dialogue.held!.firstLines()) {
    const secret = verb.isCertainCommand(text)
      ? auth.redactCommand(text, text.length, verb.parseCommand(text), auth.TRIED)?.secret
      : text.trim();
    if (secret !== undefined) dialogue.remember(secret, true);
  }
}

function attempted(dialogue: Dialogue): number {
  if (dialogue.knows(IN_AUTH)) return auth.JUST_TRIED;
  return dialogue.knows(AUTH_ATTEMPTED) ? auth.TRIED : auth.NOT_TRIED;
}

/** Takes in what is held, as far as it is known what it is. `force`: guess where it is not. */
function settle(dialogue: Dialogue, force: boolean): void {
  for (;;) {
    const held = dialogue.held;
    if (held === null) return;
    if (dialogue.mode === WAITING) {
      const forced = force || held.cost > MAX_HELD || dialogue.context.heldTooMuch;
      if (!(forced || held.guessing) || !guess(dialogue, held, forced)) return;
    }
    if (held.empty) {
      dropHeld(dialogue);
      return;
    }
    const gap = held.takeGap();
    if (gap !== null) {
      clientGap(dialogue, gap.missing, gap.offset, gap.frame);
      continue;
    }
    const { replay } = dialogue.context;
    const at = take(dialogue, replay, held.peek(replay), held.early);
    held.taken(at);
    if (dialogue.mode === WAITING && dialogue.log.awaitsReply) held.allEarly();
  }
}

/** What the held octets are, by what they look like. False: there are not enough of them yet. */
function guess(dialogue: Dialogue, held: HeldOctets, forced: boolean): boolean {
  if (held.empty) return false;
  const { text, ended } = held.firstLine();
  if (!ended && !forced) return false;
  dialogue.mode = COMMANDS;
  if (held.awaited === to.TO_STARTTLS) awaitTls(dialogue);
  else if (verb.isCertainCommand(text)) return true;
  else if (held.awaited === to.TO_DATA) beginMessage(dialogue, 'DATA', held.decider, MAIL_DATA);
  else if (held.awaited === to.TO_AUTH) dialogue.mode = AUTH_RESPONSE;
  else if (held.awaited === to.TO_XEXCH50 && dialogue.remaining > 0) dialogue.mode = BINARY;
  return true;
}

function dropHeld(dialogue: Dialogue): void {
  dialogue.context.held -= dialogue.held?.cost ?? 0;
  dialogue.held = null;
}

// Mail data.

export function beginMessage(
  dialogue: Dialogue,
  transport: 'DATA' | 'BDAT',
  exchange: number,
  mode: number,
): void {
  abandonMessage(dialogue);
  dialogue.message = new OpenMessage(dialogue.context.mail, transport, dialogue.knows(NULL_SENDER), exchange);
  dialogue.mode = mode;
}

function takeMailData(dialogue: Dialogue, chunk: StreamChunk, at: number, early: boolean): number {
  const message = dialogue.message!;
  if (!message.begun) writeBegin(dialogue, message, chunk, chunk.offset + at - chunk.start);
  const end = message.data(chunk, at);
  if (end < 0) return chunk.end;
  const facts = message.finish();
  const terminator = facts.terminator!;
  // What is outstanding, TCP waits for: that is no pause of the sender's.
  if (dialogue.connection.acknowledged('client') < terminator.endOffset - 3) terminator.pauseUs = null;
  const line = dialogue.context.clientLine;
  pointAtDot(line, terminator);
  const index = dialogue.addLine(END_OF_DATA_KIND, to.TO_END, line, null, early);
  writeMessage(dialogue, facts, index);
  dialogue.mode = COMMANDS;
  return end;
}

function beginChunk(dialogue: Dialogue, argument: string | null, index: number, line: WireLine): void {
  const { size, last } = verb.parseBdat(argument);
  if (size < 0) return;
  if (dialogue.message === null) beginMessage(dialogue, 'BDAT', index, COMMANDS);
  const message = dialogue.message!;
  message.lastChunk = last ? index : -1;
  dialogue.remaining = size;
  dialogue.mode = CHUNK;
  if (size === 0) endCounted(dialogue, line, line.endOffset);
}

function takeCounted(dialogue: Dialogue, chunk: StreamChunk, at: number): number {
  const end = Math.min(chunk.end, at + dialogue.remaining);
  dialogue.remaining -= end - at;
  const message = dialogue.message;
  if (dialogue.mode === CHUNK && message !== null) {
    if (!message.begun) writeBegin(dialogue, message, chunk, chunk.offset + at - chunk.start);
    message.chunked(chunk, at, end);
  }
  if (dialogue.remaining === 0) endCounted(dialogue, chunk, chunk.offset + end - chunk.start);
  return end;
}

/** @param at  where the last octet was; null: in a gap */
function endCounted(
  dialogue: Dialogue,
  at: { frame: number; us: number; ns: number; digits: number } | null,
  endOffset: number,
): void {
  const message = dialogue.mode === CHUNK ? dialogue.message : null;
  if (dialogue.mode === CHUNK) expectRefusedMail(dialogue);
  else dialogue.mode = COMMANDS;
  if (message === null || message.lastChunk < 0) return;
  if (!message.begun && at !== null) writeBegin(dialogue, message, at, endOffset);
  writeMessage(dialogue, message.finishChunked(at, endOffset), message.lastChunk);
}

/** The message ends without its end having been seen. */
export function abandonMessage(dialogue: Dialogue): void {
  if (dialogue.message !== null) writeMessage(dialogue, dialogue.message.finish(), null);
}

function writeBegin(dialogue: Dialogue, message: OpenMessage, at: MessagePlace, offset: number): void {
  message.noteBegun();
  const { log } = dialogue;
  const { store } = dialogue.context;
  const exchange = message.commandExchange;
  if (exchange >= log.kept) return;
  const number = dialogue.context.nextMessage();
  stageMessageBegin(store, message.transport, number, exchange, at, offset, log);
  store.commit(log);
}

/** Also when the transcript is full: a message that begins in it ends in it. */
function writeMessage(dialogue: Dialogue, facts: MailDataFacts, end: number | null): void {
  const message = dialogue.message!;
  const { log } = dialogue;
  const { store } = dialogue.context;
  dialogue.message = null;
  dialogue.forget(NULL_SENDER);
  if (!message.begun || message.commandExchange >= log.kept) return;
  const keptEnd = end !== null && end < log.kept ? end : null;
  stageMessageEnd(store, facts, keptEnd, dialogue.connection.serverPackets, log);
  store.commit(log);
}

// Encryption.

function takeAfterStarttls(dialogue: Dialogue, chunk: StreamChunk, at: number): number {
  const octet = chunk.octets[at]!;
  if (dialogue.remaining === 0) {
    if (octet === TLS_HANDSHAKE) {
      dialogue.remaining = 1;
      return at + 1;
    }
    if (dialogue.encryptedFrom !== 0) dialogue.note(TLS_BROKEN);
    const plain = (octet >= 0x20 && octet < 0x7f) || (octet >= 0x09 && octet <= 0x0d);
    if (plain) dialogue.mode = COMMANDS;
    else dialogue.encrypted(chunk.frame);
    return at;
  }
  dialogue.note(octet === TLS_MAJOR ? TLS_FOLLOWED : TLS_BROKEN);
  dialogue.encrypted(chunk.frame);
  return chunk.end;
}

/** @param line  the 220 */
export function expectTls(dialogue: Dialogue, line: WireLine): void {
  dialogue.encryptedFrom = line.lastFrame;
  dialogue.tls = new OpenTls(dialogue.connection, line.endOffset);
  dialogue.forget(TLS_FOLLOWED | TLS_BROKEN);
  awaitTls(dialogue);
  settleAs(dialogue, AFTER_STARTTLS);
}

function awaitTls(dialogue: Dialogue): void {
  dialogue.mode = AFTER_STARTTLS;
  dialogue.remaining = 0;
}

export function clientGap(dialogue: Dialogue, octets: number | null, offset: number, frame: number): void {
  switch (dialogue.mode) {
    case OPAQUE:
      return;
    case WAITING:
      dialogue.note(CLIENT_LOST);
      if (dialogue.held!.awaited === to.TO_AUTH) dialogue.remember('', false);
      dialogue.context.held += dialogue.held!.addGap(octets, offset, frame);
      return;
    case MAIL_DATA:
      missMailData(dialogue, octets, offset, frame);
      return;
    case CHUNK:
    case BINARY:
      if (octets !== null && octets <= dialogue.remaining) {
        dialogue.remaining -= octets;
        if (dialogue.mode === CHUNK) missMailData(dialogue, octets, offset, frame);
        if (dialogue.remaining === 0) endCounted(dialogue, null, 0);
        return;
      }
      if (dialogue.mode === CHUNK) missMailData(dialogue, null, offset, frame);
      break;
    case AFTER_STARTTLS:
      dialogue.encrypted(dialogue.encryptedFrom);
      return;
  }
  if (dialogue.mode === AUTH_RESPONSE) dialogue.remember('', false);
  const insideLine = dialogue.clientPartial !== null && dialogue.mode === COMMANDS;
  abandonMessage(dialogue);
  cutClientLine(dialogue);
  dialogue.log.clientGap(insideLine);
  dialogue.mode = SEARCHING;
  dialogue.remaining = 0;
  dialogue.note(CLIENT_LOST | IN_AUTH);
}

function missMailData(dialogue: Dialogue, octets: number | null, offset: number, frame: number): void {
  const { message } = dialogue;
  if (message === null) return;
  if (!message.begun) writeBegin(dialogue, message, { frame, us: Number.NaN, ns: 0, digits: 0 }, offset);
  message.noteBroken();
  message.gap(octets);
}

/** A gap begins inside a line. What there is of it gets a reply, and the verb may be there. */
function cutClientLine(dialogue: Dialogue): void {
  const partial = dialogue.clientPartial;
  dialogue.clientPartial = null;
  if (partial === null || dialogue.mode === SEARCHING) return;
  const line = dialogue.context.clientLine;
  finishPartial(partial, line, false);
  const text = line.text();
  const known = /[ \t]/.test(text) && verb.parseCommand(text).known;
  if (dialogue.mode === AUTH_RESPONSE || known) clientLine(dialogue, line, false, false);
  else dialogue.log.add(UNSEEN_KIND, to.TO_UNKNOWN, null, null, 'unverifiable', 0, false);
}

/** The server has answered: what the client began before lay in a gap. */
export function resume(dialogue: Dialogue, mode: number): void {
  abandonMessage(dialogue);
  dialogue.clientPartial = null;
  dialogue.mode = mode;
}

export function closeClient(dialogue: Dialogue): void {
  dialogue.note(CLOSING);
  settle(dialogue, true);
  const partial = dialogue.clientPartial;
  dialogue.clientPartial = null;
  if (partial !== null && dialogue.mode !== OPAQUE) {
    const line = dialogue.context.clientLine;
    finishPartial(partial, line, false);
    clientLine(dialogue, line, false, false);
  }
  abandonMessage(dialogue);
  dropHeld(dialogue);
  dialogue.secrets?.release();
}
