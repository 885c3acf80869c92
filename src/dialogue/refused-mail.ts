import * as auth from '../smtp/auth.js';
import * as verb from '../smtp/command.js';
import * as to from '../smtp/expected-reply.js';
import { NO_CODE } from '../smtp/reply.js';
import { UNSEEN_KIND } from '../transcript/transcript-event.js';
import type { Dialogue } from './dialogue.js';
import {
  AUTH_ATTEMPTED,
  CLIENT_LOST,
  COMMANDS,
  MAIL_DATA,
  MAIL_REFUSED,
  REFUSED_MAIL,
} from './dialogue-bits.js';

/**
 * Mail that nobody takes for mail: a client that goes on with its message though DATA was refused. To the server each
 * line is a command, and its refusals may quote them; to us they are text of a message, which is shown nowhere.
 */

/** Lines of it that may be answers to AUTH, where an attempt was seen or may have been missed. */
const MAX_SECRETS = 3;
/** Of a server that takes the lines of a message for commands. RFC 5321 §4.2.4 */
const UNRECOGNIZED = { from: 500, to: 504 };

/** Words of which servers make refusals: one made of nothing else quotes nothing. RFC 5321 §4.2.2 */
const STOCK = new Set(
  'a an and are argument arguments bad before bye closing command commands connection disconnecting error errors expected first for from goodbye implemented in invalid is it limit line long mail many me no not of or out parameter parameters please rcpt recognised recognized rejected required sequence send session syntax the this to too try unable unexpected unimplemented unknown unrecognised unrecognized unsupported valid what you'.split(
    ' ',
  ),
);

/** Does a refusal say nothing but what servers say of any line? */
export function isStockRefusal(text: string): boolean {
  const words = text.replace(/^\d{3}(?:[ -]|$)(?:[245]\.\d{1,3}\.\d{1,3}(?= |$))?/, '');
  return (
    !/[^\x20-\x7e]|\d/.test(words) &&
    words.split(/[^A-Za-z]+/).every((word) => word === '' || STOCK.has(word.toLowerCase()))
  );
}

/** From here on the client's lines are a message unless the first looks like a command. */
export function expectRefusedMail(dialogue: Dialogue): void {
  dialogue.mode = REFUSED_MAIL;
  dialogue.remaining = 0;
}

/** Does a server that replies so take what it reads for commands? */
export function isUnrecognized(code: number): boolean {
  return code >= UNRECOGNIZED.from && code <= UNRECOGNIZED.to;
}

/** RFC 5321 §4.2.4; 503 is said by a server that has read the chunk. */
export function isUnknownVerb(code: number): boolean {
  return code >= 500 && code <= 502;
}

/**
 * Takes a line that may be text of a message that was refused. Each gets an exchange, since the server answers each.
 *
 * @returns it is, and nothing more is to be done about it; false: it is a command
 */
export function takesRefusedText(dialogue: Dialogue, text: string, early: boolean): boolean {
  if (dialogue.mode === COMMANDS) {
    if (!verb.isHeaderField(text)) return false;
    expectRefusedMail(dialogue);
  } else if (isCommand(dialogue, text)) {
    if (dialogue.remaining === 0) dialogue.mode = COMMANDS;
    else if (isEndOfMessage(text)) dialogue.remaining = 0;
    return false;
  }
  dialogue.note(MAIL_REFUSED);
  if (dialogue.remaining < MAX_SECRETS && dialogue.knows(AUTH_ATTEMPTED | CLIENT_LOST)) {
    dialogue.remember(auth.secretOfFragment(text), true);
  }
  dialogue.remaining = text === '.' ? 0 : dialogue.remaining + 1;
  dialogue.log.add(UNSEEN_KIND, to.TO_TEXT, null, null, 'unverifiable', 0, early);
  return true;
}

/**
 * Inside the message a line may quote a command. It is one where the client has every reply, or gives up: whoever
 * sends a message sends on without waiting.
 */
function isCommand(dialogue: Dialogue, text: string): boolean {
  if (dialogue.remaining === 0) return verb.isLikelyCommand(text);
  return isEndOfMessage(text) || (!dialogue.log.awaitsReply && verb.isCertainCommand(text));
}

function isEndOfMessage(text: string): boolean {
  return /^(?:RSET|QUIT)[ \t]*$/i.test(text);
}

/** May a reply with this code quote text of a message that was refused? */
export function mayQuoteRefusedText(dialogue: Dialogue, code: number, awaited: number): boolean {
  if (awaited === to.TO_TEXT) return true;
  const unasked = awaited < 0 || awaited === to.TO_UNSEEN;
  // The lines may come later in the capture than what they were answered with.
  if (!dialogue.knows(MAIL_REFUSED)) {
    const inMail = dialogue.mode === REFUSED_MAIL || dialogue.mode === MAIL_DATA;
    return inMail && unasked && isUnrecognized(code);
  }
  return code === NO_CODE || code >= 400 || unasked || awaited === to.TO_UNKNOWN;
}
