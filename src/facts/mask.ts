import type { SmtpExchange, SmtpReply, SmtpSession } from '../smtp/session.js';
import { isWhole } from './absence.js';
import { factsOf } from './session-facts.js';

/** How a greeting was overwritten. `keep-2-0`: all but 2, 0 (and spaces); `all-stars`; `cmap`. */
export type GreetingMask = 'keep-2-0' | 'all-stars' | 'cmap';

export interface MaskedGreeting {
  readonly family: GreetingMask;
  readonly stars: number;
  /** Octets of all lines, line ends not counted. */
  readonly octets: number;
  /** A later line kept its code and hyphen, which a mask would have overwritten. */
  readonly codesKept: boolean;
}

/** A text of 0 to 2 asterisks is no mask: `220 `, `220 2002`. */
const MIN_STARS = 3;

/** Reads a greeting as a mask, or null. Any clear character in any line makes it a decorated honest one. */
export function maskedGreeting(reply: SmtpReply): MaskedGreeting | null {
  const first = reply.lines[0]?.text ?? '';
  // Nearly every greeting ends here, at the first character of a host name.
  const lead = first[4];
  if (lead !== undefined && lead !== '*' && lead !== '2' && lead !== '0' && lead !== ' ' && lead !== 'S')
    return null;
  const octets = reply.lines.reduce((sum, line) => sum + line.octets, 0);
  if (/^220 SMTP\/cmap_{3,} ?read/.test(first)) {
    return { family: 'cmap', stars: 0, octets, codesKept: false };
  }
  if (!first.startsWith('220')) return null;
  let stars = 0;
  let kept = false;
  let codesKept = false;
  for (const [index, line] of reply.lines.entries()) {
    let text = line.text;
    if (index === 0) text = text.slice(/^220[ -]/.test(text) ? 4 : 3);
    else if (/^220-/.test(text)) {
      codesKept = true;
      text = text.slice(4);
    }
    if (!/^[*20 ]*$/.test(text)) return null;
    stars += text.split('*').length - 1;
    if (/[20]/.test(text)) kept = true;
  }
  if (stars < MIN_STARS) return null;
  return { family: kept ? 'keep-2-0' : 'all-stars', stars, octets, codesKept };
}

/** The greeting's exchange with its reply, when one was seen. */
export function greetingOf(session: SmtpSession): { exchange: SmtpExchange; reply: SmtpReply } | null {
  const exchange = session.exchanges[0];
  return exchange?.kind === 'greeting' && exchange.reply ? { exchange, reply: exchange.reply } : null;
}

/** The masked greeting of a session, checksum notwithstanding. */
export function sessionMask(session: SmtpSession): MaskedGreeting | null {
  const facts = factsOf(session);
  if (facts.greetingMask === undefined) {
    const greeting = greetingOf(session);
    facts.greetingMask = greeting && isWhole(session, greeting.reply) ? maskedGreeting(greeting.reply) : null;
  }
  return facts.greetingMask;
}

/** Verbs that firewalls are known to mask, by length: a mask keeps the length. */
export const VERBS_BY_LENGTH: Readonly<Record<number, readonly string[]>> = {
  4: ['EHLO', 'AUTH', 'BDAT', 'ETRN', 'TURN', 'ATRN', 'VRFY', 'EXPN', 'HELP', 'VERB', 'ONEX'],
  6: ['X-EXPS'],
  7: ['XEXCH50', 'XCLIENT'],
  8: ['STARTTLS', 'XFORWARD'],
  12: ['X-LINK2STATE'],
};

/** Of each length the verb that is a whole line by itself: a line of so many X's and nothing else was probably this one. */
export const LONE_VERBS = { 8: 'STARTTLS', 12: 'X-LINK2STATE' } as const;

/**
 * A command whose line, or whose verb alone, is X's: `XXXXXXXX`, `XXXX client.example`.
 *
 * Only the command position counts: names and addresses may hold X's.
 */
export function maskedCommand(exchange: SmtpExchange): boolean {
  if (exchange.kind !== 'command' || exchange.line === null) return false;
  const { text } = exchange.line;
  if (!text.startsWith('XXXX')) return false;
  if (/^X{4,}(?: [X ]*)?$/.test(text)) return true;
  const verb = /^X{4,12}(?= )/.exec(text)?.[0];
  return verb !== undefined && VERBS_BY_LENGTH[verb.length] !== undefined;
}

/** X's after the 220 to STARTTLS that get no reply code are no command: a TLS record was overwritten. */
export function isSpoiledTls({ encryptedFrom }: SmtpSession, { line, reply }: SmtpExchange): boolean {
  return encryptedFrom !== null && line !== null && line.frame > encryptedFrom && !reply?.code;
}

export interface EchoedMask {
  /** The X's that the refusal quotes. */
  readonly quoted: string;
  /** What was sent has that length: the verb, or the whole line. */
  readonly matches: 'verb' | 'line';
}

/**
 * A refusal that quotes X's where something else was sent, of just its length: the echo oracle.
 *
 * The server answers what it got. It got X's, so the octets were changed between the two.
 */
export function echoedMask(exchange: SmtpExchange): EchoedMask | null {
  const { line, reply } = exchange;
  if (exchange.kind !== 'command' || !line || !reply?.code || reply.code < 500 || reply.code > 504)
    return null;
  if (/X{3}|x{4}/.test(line.text)) return null;
  const verbOctets = line.text.split(/[ \t]/, 1)[0]!.length;
  for (const { text } of reply.lines) {
    for (const match of text
      .slice(4)
      .matchAll(/(?<![0-9A-Za-z@.-])(X{3,}|x{4,})(?![0-9A-WYZa-wyz@.-])(?: [Xx]+)*/g)) {
      if (match[1]!.length === verbOctets) return { quoted: match[1]!, matches: 'verb' };
      if (match[0].length === line.octets) return { quoted: match[0], matches: 'line' };
    }
  }
  return null;
}

/** EHLO arrived as EHLO: it was answered 250 with a host name or keywords. */
export function ehloWorked(exchange: SmtpExchange): boolean {
  return (
    exchange.verb === 'EHLO' &&
    exchange.reply?.code === 250 &&
    (exchange.reply.lines.length > 1 || /^250 (?!ok\b)\S*\.\S/i.test(exchange.reply.lines[0]?.text ?? ''))
  );
}
