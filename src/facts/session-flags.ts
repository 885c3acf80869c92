import type { SmtpExchange, SmtpReply, SmtpSession } from '../smtp/session.js';
import { factsOf } from './session-facts.js';

/** A reply of 500 or above. */
export const REFUSED = 1 << 0;
/** A reply without a code. */
export const UNCODED = 1 << 1;
/** A command line that begins with four X's. */
export const X_COMMAND = 1 << 2;
/** A line of the last EHLO reply that begins with X, or is of one character. */
export const X_KEYWORD = 1 << 3;
/** A verb that 250 in one line does not answer, answered so. */
export const SWALLOWED = 1 << 4;
/** NOOP, or EHLO answered by one line. */
export const BARE = 1 << 5;
/** A greeting whose last line did not come. */
export const GREETING_OPEN = 1 << 6;
/** The end of a message without a reply, or with 421. */
export const END_OPEN = 1 << 7;
/** A line in four segments or more. */
export const IN_PIECES = 1 << 8;
/** A command line of more than 320 octets, more than 100 commands, a long header line or file name. */
export const LONG = 1 << 9;
/** The 220 to STARTTLS. */
export const TLS = 1 << 10;
export const MESSAGES = 1 << 11;

const MANY_SEGMENTS = 4;
const LONG_OCTETS = 320;
const MANY_EXCHANGES = 100;
const UPPER_X = 0x58;

/**
 * What most sessions show nothing of, as bits of a number. A rule that can only find something where one of these flags
 * is set names them in its `heeds`, next to its condition, and is not called for the other sessions.
 *
 * One pass over a session replaces one for each rule: that saves a tenth of the CPU time of a capture of 20,000 sessions in
 * which nothing is amiss. The price is that a rule must name every flag under which it could report; a test gives every
 * rule every session and expects the same findings.
 */
export function flagsOf(session: SmtpSession): number {
  const facts = factsOf(session);
  if (facts.flags < 0) facts.flags = readFlags(session);
  return facts.flags;
}

function readFlags({ exchanges, extensions, messages, tls }: SmtpSession): number {
  let flags = tls === null ? 0 : TLS;
  if (exchanges.length > MANY_EXCHANGES) flags |= LONG;
  for (let index = 0; index < exchanges.length; index++) flags |= ofExchange(exchanges[index]!);
  const greeting = exchanges[0];
  if (greeting?.kind === 'greeting' && greeting.reply?.complete === false) flags |= GREETING_OPEN;
  for (let index = 0; index < extensions.length; index++) {
    const { text } = extensions[index]!;
    if (text.length === 1 || text.charCodeAt(0) === UPPER_X) flags |= X_KEYWORD;
  }
  for (let index = 0; index < messages.length; index++) {
    const { longHeaderLine, longFileName } = messages[index]!;
    flags |= longHeaderLine === null && longFileName === null ? MESSAGES : MESSAGES | LONG;
  }
  return flags;
}

function ofExchange({ kind, verb, line, reply, segments }: SmtpExchange): number {
  let flags = segments < MANY_SEGMENTS ? 0 : IN_PIECES;
  if (line !== null) {
    const { text, octets } = line;
    if (octets > LONG_OCTETS || text.length > LONG_OCTETS) flags |= LONG;
    if (text.charCodeAt(0) === UPPER_X && text.startsWith('XXXX')) flags |= X_COMMAND;
  }
  if (reply !== null) flags |= ofReply(verb, reply);
  if (kind === 'end-of-data' && (reply === null || reply.code === 421)) flags |= END_OPEN;
  return verb === 'NOOP' ? flags | BARE : flags;
}

function ofReply(verb: string, { code, lines }: SmtpReply): number {
  if (code === null) return UNCODED;
  if (code >= 500) return REFUSED;
  if (code !== 250 || lines.length !== 1) return 0;
  switch (verb) {
    case 'EHLO':
      return BARE;
    case 'AUTH':
    case 'STARTTLS':
    case 'X-LINK2STATE':
    case 'X-EXPS':
    case 'XEXCH50':
      return SWALLOWED;
    default:
      return 0;
  }
}
