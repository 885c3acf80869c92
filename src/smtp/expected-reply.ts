import * as verb from './command.js';

/** What a reply is awaited for. */
export const TO_OTHER = 0;
export const TO_GREETING = 1;
export const TO_HELLO = 2;
export const TO_DATA = 3;
export const TO_AUTH = 4;
export const TO_STARTTLS = 5;
export const TO_XEXCH50 = 6;
/** 354 to XEXCH50 came; this is the answer to what followed. */
export const TO_BINARY = 7;
export const TO_QUIT = 8;
export const TO_END = 9;
export const TO_EMPTY = 10;
export const TO_UNKNOWN = 11;
/** A reply without a question. */
export const TO_UNSEEN = 12;
/** A line of a message that the server takes for a command. */
export const TO_TEXT = 13;
/** A chunk of mail data. RFC 3030 §2 */
export const TO_CHUNK = 14;

/** What a command awaits, by its effect. */
export const AWAITED_BY: readonly number[] = (() => {
  const awaits = new Array<number>(verb.EFFECTS).fill(TO_OTHER);
  awaits[verb.HELLO] = TO_HELLO;
  awaits[verb.DATA] = TO_DATA;
  awaits[verb.AUTH] = TO_AUTH;
  awaits[verb.BDAT] = TO_CHUNK;
  awaits[verb.STARTTLS] = TO_STARTTLS;
  awaits[verb.XEXCH50] = TO_XEXCH50;
  awaits[verb.QUIT] = TO_QUIT;
  awaits[verb.UNKNOWN] = TO_UNKNOWN;
  awaits[verb.EMPTY] = TO_EMPTY;
  return awaits;
})();

const DECISIVE_CODES: ReadonlySet<number> = new Set([354, 334, 235, 535, 221, 220]);

/** Is there a command that alone is answered with this code? */
export function isDecisive(code: number): boolean {
  return DECISIVE_CODES.has(code);
}

/** RFC 5321 §4.3.2, RFC 4954 §4, RFC 3207 §4: codes that only one command is answered with. */
export function answersOnly(awaited: number, code: number): boolean {
  switch (code) {
    case 354:
      return awaited === TO_DATA || awaited === TO_XEXCH50;
    case 334:
    case 235:
    case 535:
      return awaited === TO_AUTH;
    case 221:
      return awaited === TO_QUIT;
    case 220:
      return awaited === TO_STARTTLS || awaited === TO_GREETING;
    default:
      return false;
  }
}

/** May this be answered with the code at all? */
export function couldAnswer(awaited: number, code: number): boolean {
  if (awaited === TO_GREETING) return code === 220 || code === 0 || code >= 400;
  if (awaited === TO_TEXT) return code === 0 || code >= 400;
  if (awaited === TO_EMPTY) return code === 0 || code >= 500;
  if (awaited === TO_UNKNOWN || awaited === TO_UNSEEN) return true;
  switch (code) {
    case 354:
    case 334:
    case 235:
    case 221:
    case 220:
      return answersOnly(awaited, code);
    default:
      return true;
  }
}
