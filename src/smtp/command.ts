/** What a command does to the dialogue. */
export const OTHER = 0;
export const HELLO = 1;
export const MAIL = 2;
export const RCPT = 3;
export const DATA = 4;
export const BDAT = 5;
export const RSET = 6;
export const QUIT = 7;
export const STARTTLS = 8;
export const AUTH = 9;
export const XEXCH50 = 10;
/** A verb that the registry does not know, or none. */
export const UNKNOWN = 11;
/** A line without any text: some servers answer it, some do not. */
export const EMPTY = 12;
/** USER, PASS and the like: other protocols', and their arguments are secrets. */
export const LOGIN = 13;
export const EFFECTS = 14;

interface Verb {
  /** The one string for it: comparing it with another verb then compares two addresses. */
  readonly verb: string;
  /** Verbs that belong to other protocols do not count as known. */
  readonly known: boolean;
  readonly effect: number;
}

/** RFC 5321 and the registered extensions, and those that Exchange, Postfix and old servers added. */
const VERBS: ReadonlyMap<string, Verb> = new Map(
  (
    [
      ['HELO EHLO LHLO', HELLO],
      ['MAIL SEND SOML SAML', MAIL],
      ['RCPT', RCPT],
      ['DATA', DATA],
      ['BDAT', BDAT],
      ['RSET', RSET],
      ['QUIT', QUIT],
      ['STARTTLS', STARTTLS],
      ['AUTH X-EXPS', AUTH],
      ['XEXCH50', XEXCH50],
      ['USER PASS PASSWORD PASSWD ACCT APOP LOGIN AUTHENTICATE AUTHINFO', LOGIN],
      [
        'NOOP VRFY EXPN HELP TURN ATRN ETRN VERB ONEX XADR XCLIENT XFORWARD X-LINK2STATE XUSR XVRB XAUTH XQUE XREMOTEQUEUE XTRN XSTA XCIR XGEN X-ERCP BURL X-ANONYMOUSTLS X-RCPTFORW XPROXYTO XSHADOW XSHADOWREQUEST XQDISCARD XRDST XSESSIONPARAMS WIZ DEBUG SHOWQ MAXSIZE',
        OTHER,
      ],
    ] as const
  ).flatMap(([verbs, effect]) =>
    verbs.split(' ').map((verb): [string, Verb] => [verb, { verb, known: effect !== LOGIN, effect }]),
  ),
);

/** Those of four letters, by their octets in a number: so nearly every command is known without a string. */
const FOUR_LETTERS: ReadonlyMap<number, Verb> = new Map(
  [...VERBS.values()]
    .filter(({ verb }) => verb.length === 4)
    .map((verb) => [fourLetters(verb.verb, 0), verb]),
);

/** Four letters as a number, in upper case; 0: one of the four is no letter. */
function fourLetters(text: string, from: number): number {
  let word = 0;
  for (let at = from; at < from + 4; at++) {
    const upper = text.charCodeAt(at) & ~0x20;
    if (!(upper >= 0x41 && upper <= 0x5a)) return 0;
    word = (word << 8) | upper;
  }
  return word;
}

export interface Command {
  /** Upper case; as seen when it is no verb. */
  readonly verb: string;
  readonly known: boolean;
  /** What follows the verb and one space; null when nothing does. */
  readonly argument: string | null;
  readonly effect: number;
}

const PLAUSIBLE = /^[A-Za-z][A-Za-z0-9-]{0,19}$/;
const ONLY_X = /^[Xx]+$/;

/** Reads a command line. Anything is a command; `known` says whether it is one of ours. */
export function parseCommand(text: string): Command {
  let from = 0;
  while (from < text.length && isSpace(text.charCodeAt(from))) from++;
  let to = from;
  while (to < text.length && !isSpace(text.charCodeAt(to))) to++;
  const argument = to + 1 < text.length ? text.slice(to + 1) : null;
  const word = to - from === 4 ? FOUR_LETTERS.get(fourLetters(text, from)) : undefined;
  if (word !== undefined) return { verb: word.verb, known: word.known, argument, effect: word.effect };
  const token = text.slice(from, to);
  const upper = token.toUpperCase();
  const other = VERBS.get(upper);
  if (other !== undefined) return { verb: other.verb, known: other.known, argument, effect: other.effect };
  const verb = PLAUSIBLE.test(token) && !ONLY_X.test(token) ? upper : token;
  return { verb, known: false, argument, effect: token === '' ? EMPTY : UNKNOWN };
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** Every alternative reads each character in one way only: a hostile line costs linear time. */
const CERTAIN = new RegExp(
  `^(?:${[
    '(?:EHLO|HELO|LHLO)[ \\t]+[\\x21-\\x7e]{1,255}',
    '(?:MAIL[ \\t]+FROM|RCPT[ \\t]+TO):[ \\t]*(?:<[^\\x00-\\x1f<>]{0,900}>|[^\\x00-\\x20<>]{1,900})(?:[ \\t][\\x20-\\x7e]*)?',
    'DATA|RSET|QUIT|NOOP|STARTTLS|HELP|TURN',
    'BDAT[ \\t]+\\d{1,15}(?:[ \\t]+LAST)?',
    '(?:AUTH|X-EXPS)[ \\t]+[A-Z0-9_-]{1,24}(?:[ \\t]+[A-Za-z0-9+/=]*)?',
    'XEXCH50[ \\t]+\\d{1,15}[ \\t]+\\d{1,15}',
    'X-LINK2STATE[ \\t]+[\\x21-\\x7e][\\x20-\\x7e]*',
  ].join('|')})$`,
  'i',
);

/** Is it a command beyond doubt? Asked where a line might as well be mail data or a credential. */
export function isCertainCommand(text: string): boolean {
  return text.length <= 1000 && CERTAIN.test(text.trimEnd());
}

/** Of these a name or number follows, and words do not: `HELP wanted` is no command where a message may stand. */
const MAY_TAKE_ONE = /^(?:EHLO|HELO|LHLO|VRFY|EXPN|ETRN|ATRN|X[A-Z0-9-]{3,19})[ \t]+[\x21-\x7e]+$/;
const SIMILAR =
  /^(?:(?:MAIL|SEND|SOML|SAML)[ \t]+FROM[ \t]*:|RCPT[ \t]+TO[ \t]*:|(?:AUTH|X-EXPS|BDAT|XEXCH50)(?:[ \t]+[\x21-\x7e]+){0,2}$|(?:EHLO|HELO|LHLO|VERB|ONEX|X-LINK2STATE)$)/i;
/** Overwritten in transit, in whole or but for a path or one word. */
const MASKED = /^X{4,20}(?:[ \t]+(?:(?:FROM|TO)[ \t]*:.*|X+|[\x21-\x7e]*=))?$/i;

/** Does a line look more like a command than like the beginning of a message? Asked where either may stand. */
export function isLikelyCommand(text: string): boolean {
  const line = text.trimEnd();
  if (isCertainCommand(line) || MASKED.test(line) || SIMILAR.test(line)) return true;
  return (MAY_TAKE_ONE.test(line) || MAY_TAKE_ONE.test(line.toUpperCase())) && parseCommand(line).known;
}

/** The header fields that messages have. RFC 5322 §3.6, RFC 2045 §3, RFC 6376 §3.5, RFC 8617 §4.1 */
const HEADER_FIELD =
  /^(?:Received|Return-Path|Delivered-To|Message-ID|Date|From|To|Cc|Bcc|Subject|Reply-To|Sender|In-Reply-To|References|MIME-Version|Content-(?:Type|Transfer-Encoding|Disposition|ID|Language)|DKIM-Signature|DomainKey-Signature|ARC-[A-Z-]+|Resent-[A-Z-]+|List-[A-Z-]+|Importance|Precedence|User-Agent|Thread-(?:Topic|Index)|X-Mailer|X-Priority|X-MimeOLE|X-MSMail-Priority|X-Originating-IP|X-Spam-[A-Z-]+):/i;

/** Is it a field of a message's header beyond doubt? No command has a colon in its first word. */
export function isHeaderField(text: string): boolean {
  return HEADER_FIELD.test(text);
}

/** Size and LAST of a BDAT argument; size is -1 where it is malformed: no chunk follows what a server refuses. RFC 3030 §2. */
export function parseBdat(argument: string | null): { size: number; last: boolean } {
  const match = /^[ \t]*(\d{1,15})(?:[ \t]+(LAST))?[ \t]*$/i.exec(argument ?? '');
  return match ? { size: Number(match[1]), last: match[2] !== undefined } : { size: -1, last: false };
}

/** How many octets follow the 354 to XEXCH50; -1 when the argument does not say. */
export function parseXexch50(argument: string | null): number {
  const match = /^[ \t]*(\d{1,9})(?:[ \t]|$)/.exec(argument ?? '');
  return match ? Number(match[1]) : -1;
}

/** A reverse-path or forward-path and what follows it. */
export interface Path {
  /** Without brackets and source route. */
  readonly mailbox: string;
  readonly parameters: string;
}

/**
 * Reads `FROM:<a@b> SIZE=1`. Also without brackets, with spaces, in lower case, with a source route
 * (RFC 5321 §4.1.1.3) and with quoted local parts that hold any of `<> @,:`.
 */
export function parsePath(argument: string | null): Path | null {
  if (argument === null) return null;
  const after = afterKeyword(argument);
  let from = Math.max(after, 0);
  const bracket = argument.charCodeAt(from) === BRACKET ? from : after < 0 ? argument.indexOf('<') : -1;
  if (bracket >= 0) from = bracket + 1;
  let quoted = false;
  let at = from;
  for (; at < argument.length; at++) {
    const code = argument.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE) quoted = !quoted;
    else if (!quoted && (bracket >= 0 ? code === CLOSING_BRACKET : isSpace(code))) break;
  }
  const mailbox = withoutRoute(argument.slice(from, at).trim());
  return { mailbox, parameters: argument.slice(at + 1).trim() };
}

const QUOTE = 0x22;
const COLON = 0x3a;
const BRACKET = 0x3c;
const CLOSING_BRACKET = 0x3e;
const BACKSLASH = 0x5c;

/** Where the path begins behind `FROM:` or `TO:`; -1: there is neither. Asked three times for each command. */
function afterKeyword(argument: string): number {
  const from = afterSpaces(argument, 0);
  const length = holds(argument, from, 'from') ? 4 : holds(argument, from, 'to') ? 2 : -1;
  if (length < 0) return -1;
  const colon = afterSpaces(argument, from + length);
  return argument.charCodeAt(colon) === COLON ? afterSpaces(argument, colon + 1) : -1;
}

function afterSpaces(text: string, from: number): number {
  let at = from;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

/** Does the word stand there, in any case? */
function holds(text: string, from: number, word: string): boolean {
  for (let index = 0; index < word.length; index++) {
    if ((text.charCodeAt(from + index) | 0x20) !== word.charCodeAt(index)) return false;
  }
  return true;
}

/** `@one,@two:user@three` is delivered to `user@three`. RFC 5321 appendix C. */
function withoutRoute(path: string): string {
  return path.startsWith('@') ? path.replace(/^@[^:"]*:/, '') : path;
}

/** BODY= of a MAIL command, upper case. RFC 6152 §2. */
export function bodyParameter(parameters: string): string | null {
  if (parameters === '') return null;
  const match = /(?:^|[ \t])BODY=([^ \t]+)/i.exec(parameters);
  return match ? match[1]!.toUpperCase() : null;
}
