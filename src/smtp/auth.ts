import { AUTH, type Command, LOGIN, MAIL, parseCommand, parsePath, RCPT, UNKNOWN } from './command.js';

/** Mechanism names that may be shown. Anything else after AUTH could be the secret itself. */
const MECHANISM =
  /^(?:PLAIN|LOGIN|CRAM-MD5|CRAM-SHA1|DIGEST-MD5|NTLM|GSSAPI|GSS-SPNEGO|SPNEGO|NEGOTIATE|EXTERNAL|ANONYMOUS|OTP|SKEY|SECURID|SRP|MSN|DPA|WDIGEST|KERBEROS_V[45]|XOAUTH2?|OAUTHBEARER|OAUTH10A|SCRAM-SHA-?(?:1|224|256|384|512)(?:-PLUS)?|SCRAM-SHA3-512(?:-PLUS)?|GS2-KRB5(?:-PLUS)?|SAML20|OPENID20|X-EXPS|EXCHANGEAUTH)$/i;

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const ONLY_X = /^[Xx]{3,}[A-Z]?$/;

/** User and password in front of a host, perhaps cut before it; what HTTP says of itself. */
const USER_INFO = /:\/\/[^\s/@]*(?:@|:[^\s/@]*$)/;
/** What calls itself a secret, where no SMTP command stands; a mechanism that its response is stuck to. */
const CALLED_SECRET =
  /\b(?:pass(?:word|wd|phrase)?|pwd|secret|token|(?:api|auth)[-_]?key|(?:PLAIN|LOGIN|NTLM|GSSAPI|CRAM-MD5|DIGEST-MD5|XOAUTH2|OAUTHBEARER))["']?[ \t]*[:=,>]["']?/i;
/** An address is none, whatever words are in it. */
const MASKED_PATH = /^\S+[ \t]+(?:FROM|TO):/i;
/** Who is responsible for a message, in xtext: a login, as a rule; `<>` is nobody. RFC 4954 §5 */
const AUTH_PARAMETER = /[ \t]AUTH=(?!<>(?:[ \t]|$))/i;
/** What Postfix lets a proxy say of the client beside its login; what it says for want of a value. */
const ATTRIBUTE = /([A-Z][A-Z0-9-]*)=(\S+)/gi;
const SHOWN_ATTRIBUTE = /^(?:NAME|ADDR|PORT|PROTO|HELO|DESTADDR|DESTPORT|DESTNAME|SOURCE|TTL)$/i;
const NO_VALUE = /^\[(?:UNAVAILABLE|TEMPUNAVAIL)\]$/i;
const HTTP_SECRET = /^(?:proxy-)?authorization:|^(?:set-)?cookie:/i;

/** Words of a line that are looked at one by one; and parts of one that CRs part. */
const MAX_TOKENS = 16;
const MAX_PARTS = 64;

/** What is written instead of octets that must not leave. */
export function withheld(octets: number): string {
  return `[${octets} octets]`;
}

/** Was AUTH tried in this session: before, or by the line in front of this one? */
export const NOT_TRIED = 0;
export const TRIED = 1;
export const JUST_TRIED = 2;

/** A client's line after its secrets were taken out. */
export interface Redaction {
  readonly text: string;
  /** Not a command but an answer in an AUTH exchange. */
  readonly response: boolean;
  /** What was taken out; '' when nothing was. */
  readonly secret: string;
}

/**
 * Takes credentials out of a client's line that stands where a command stands. RFC 4954 §4.
 *
 * A firewall overwrites or swallows verbs, so that a secret can stand behind any verb, or alone: what looks
 * like one is taken for one.
 *
 * @param octets  of the whole line, where `text` was cut
 * @param attempted  NOT_TRIED, TRIED or JUST_TRIED
 */
export function redactCommand(
  text: string,
  octets: number,
  command: Command,
  attempted: number,
): Redaction | null {
  if (text.includes('\r')) {
    const several = redactSeveral(text, octets, attempted);
    if (several !== null) return several;
  }
  return redactOne(text, octets, command, attempted);
}

/** A client that ends its lines with CR alone says several things in what is one line to us. */
function redactSeveral(text: string, octets: number, attempted: number): Redaction | null {
  let start = 0;
  for (const part of text.split('\r', MAX_PARTS)) {
    const command = parseCommand(part);
    const redaction = redactOne(part, part.length, command, attempted);
    const follows = command.effect === AUTH || (command.effect === UNKNOWN && mayBeAuth(part));
    if (redaction !== null || follows) {
      const end = redaction === null ? part.length : shownInFront(part, redaction.text);
      const hidden = hideAfter(text, octets, start + end);
      return hidden && { ...hidden, response: start + end === 0 };
    }
    start += part.length + 1;
  }
  return start > text.length ? null : hideAfter(text, octets, start);
}

/** How much of a line is in front of what was taken out. */
function shownInFront(text: string, redacted: string): number {
  let end = 0;
  while (end < text.length && text[end] === redacted[end]) end++;
  return end;
}

/** Of what may be a secret by its place and of what says that it is one, the one that begins earlier. */
function redactOne(text: string, octets: number, command: Command, attempted: number): Redaction | null {
  const placed = redactByPlace(text, octets, command, attempted);
  if (placed?.response) return placed;
  const userInfo = text.includes('://') ? text.search(USER_INFO) : -1;
  const ends = userInfo < 0 ? [] : [userInfo + 3];
  if (command.effect === UNKNOWN && !MASKED_PATH.test(text)) {
    const called = CALLED_SECRET.exec(text);
    if (called !== null) ends.push(called.index + called[0].length);
  }
  if (ends.length === 0) return placed;
  const called = hideAfter(text, octets, Math.min(...ends));
  if (placed === null || called === null) return placed ?? called;
  return called.secret.length > placed.secret.length ? called : placed;
}

function redactByPlace(text: string, octets: number, command: Command, attempted: number): Redaction | null {
  const { verb, effect, argument } = command;
  if (effect === MAIL) return hideAuthParameter(text, octets, parsePath(argument)?.mailbox ?? '');
  if (effect === RCPT) return null;
  if (verb === 'XCLIENT' || verb === 'XFORWARD') return hideAttributes(text, octets);
  if (effect === UNKNOWN && MASKED_PATH.test(text)) {
    const masked = hideAuthParameter(text, octets, '');
    if (masked !== null) return masked;
  }
  if (argument === null && effect !== UNKNOWN) return null;
  const tokens = tokensOf(text);
  if (effect === AUTH) {
    const mechanism = tokens[1];
    if (mechanism === undefined) return null;
    const shown = MECHANISM.test(mechanism.text) ? mechanism : tokens[0]!;
    return hideAfter(text, octets, shown.end);
  }
  if (effect === LOGIN || verb === 'XAUTH')
    return argument === null ? null : hideAfter(text, octets, tokens[0]!.end);
  if (verb === 'BURL') {
    const at = text.search(/urlauth=/i);
    return at < 0 ? null : hideAfter(text, octets, at + 8);
  }
  if (attempted === JUST_TRIED) {
    // Sent blindly, in clear text, and perhaps in several words.
    if (verb === 'NOOP') return hideAfter(text, octets, tokens[0]!.end);
    if (effect === UNKNOWN && !ONLY_X.test(verb)) {
      return { text: withheld(octets), response: true, secret: text.trim() };
    }
  }
  if (effect === UNKNOWN && HTTP_SECRET.test(verb)) return hideAfter(text, octets, tokens[0]!.end);
  if (effect === UNKNOWN || verb === 'NOOP' || verb === 'HELP') {
    const named = namedMechanism(tokens);
    if (named !== undefined && tokens[tokens.length - 1] !== named) return hideAfter(text, octets, named.end);
  }
  if (effect === UNKNOWN && argument !== null && /^AUTH/i.test(verb) && !mayBeAuth(text)) {
    return hideAfter(text, octets, tokens[0]!.end);
  }
  if (effect === UNKNOWN) {
    const only = tokens.length === 1 ? tokens[0]!.text : '';
    if (only !== '' && isResponse(only, attempted !== NOT_TRIED)) {
      return { text: withheld(octets), response: true, secret: only };
    }
  }
  for (let index = 1; index < tokens.length; index++) {
    const { text: token, start } = tokens[index]!;
    const before = tokens[index - 1]!.text;
    const suspect =
      MECHANISM.test(before) && BASE64.test(token)
        ? token.length >= 12
        : (effect === UNKNOWN || verb === 'NOOP') && token.length >= 4 && looksEncoded(token);
    if (suspect) return hideAfter(text, octets, start);
  }
  if (effect === UNKNOWN || verb === 'NOOP') {
    // Damaged on its way, or stuck to its mechanism; or behind more words than were looked at.
    const within = tokens.find(({ text: token }) => !/[@.<>:]/.test(token) && encodedRun(token) >= 0);
    if (within && effect === UNKNOWN) return hideAfter(text, octets, within.start + encodedRun(within.text));
    const looked = tokens.length === MAX_TOKENS ? tokens[MAX_TOKENS - 1]!.end : text.length;
    const behind = encodedRun(text.slice(looked));
    if (behind >= 0) return hideAfter(text, octets, looked + behind);
  }
  if (effect === UNKNOWN && attempted === JUST_TRIED && !/[@<>:.]/.test(text)) {
    // The first words of one were masked. What has a dot or a colon may be a host or a path behind EHLO or MAIL.
    const clear = tokens.find(({ text: token }) => !ONLY_X.test(token));
    if (clear && !MECHANISM.test(clear.text)) return hideAfter(text, octets, clear.start);
  }
  return null;
}

/** `PLAIN` in `XXXX PLAIN AHVzZXI=`, `AUTH=PLAIN AHVzZXI=` or `PLAIN AHVzZXI=`. */
function namedMechanism(tokens: readonly Token[]): Token | undefined {
  for (const token of tokens.slice(0, 2)) {
    const equals = token.text.indexOf('=');
    const name = equals > 0 && equals < token.text.length - 1 ? token.text.slice(equals + 1) : token.text;
    if (MECHANISM.test(name)) return token;
  }
  return undefined;
}

function isResponse(token: string, attempted: boolean): boolean {
  if (ONLY_X.test(token)) return false;
  // After an attempt the client may send name and password blindly, encoded or not.
  if (attempted) return token.length >= 3;
  return looksEncoded(token) && (token.endsWith('=') || token.length >= 8);
}

/** Base64 of something, and not a word or a host name. */
function looksEncoded(token: string): boolean {
  if (!BASE64.test(token)) return false;
  if (token.endsWith('=') && token.length % 4 === 0) return true;
  return (
    token.length >= 8 &&
    /[A-Z]/.test(token.slice(1)) &&
    /[a-z]/.test(token) &&
    !/^[A-Z]+[a-z]+=?$/.test(token)
  );
}

/** Where base64 of twelve octets or more begins in a token; -1: nowhere. */
function encodedRun(token: string): number {
  for (const { 0: run, index } of token.matchAll(/[A-Za-z0-9+/]{12,}={0,2}/g))
    if (looksEncoded(run)) return index;
  return -1;
}

function hideAfter(text: string, octets: number, end: number): Redaction | null {
  const rest = text.slice(end);
  const secret = rest.trim();
  if (secret === '') return null;
  const shown = end + rest.length - rest.trimStart().length;
  return { text: text.slice(0, shown) + withheld(octets - shown), response: false, secret };
}

/** The value of AUTH=, unless it is the sender, who is shown; what stands behind it is shown. */
function hideAuthParameter(text: string, octets: number, sender: string): Redaction | null {
  const match = AUTH_PARAMETER.exec(text);
  if (match === null) return null;
  const start = match.index + match[0].length;
  const length = text.slice(start).search(/[ \t]|$/);
  const secret = text.slice(start, start + length);
  if (secret === '' || secret === sender || secret === `<${sender}>`) return null;
  const end = start + length;
  const hidden = end === text.length ? octets - start : length;
  const shown = text.slice(0, start) + withheld(hidden) + text.slice(end);
  return { text: shown, response: false, secret: withPlain(secret) };
}

/** What is sent in xtext, as it is sent and as it is meant. RFC 3461 §4 */
function withPlain(text: string): string {
  const plain = text.replace(/\+([0-9A-F]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return plain === text ? text : `${text} ${plain}`;
}

/** The values of all attributes that are not known to be harmless. */
function hideAttributes(text: string, octets: number): Redaction | null {
  const secrets: string[] = [];
  let shown = '';
  let from = 0;
  for (const { 0: whole, 1: name, 2: value, index } of text.matchAll(ATTRIBUTE)) {
    if (SHOWN_ATTRIBUTE.test(name!) || NO_VALUE.test(value!)) continue;
    const end = index + whole.length;
    const start = end - value!.length;
    shown += text.slice(from, start) + withheld(end === text.length ? octets - start : end - start);
    secrets.push(withPlain(value!));
    from = end;
  }
  if (secrets.length === 0) return null;
  return { text: shown + text.slice(from), response: false, secret: secrets.join(' ') };
}

interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** The first sixteen. */
function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (const match of text.matchAll(/[^ \t]+/g)) {
    tokens.push({ text: match[0], start: match.index, end: match.index + match[0].length });
    if (tokens.length === MAX_TOKENS) break;
  }
  return tokens;
}

const MAY_BE_AUTH = /^X{4,6}[ \t]+X{4,}[ \t]*$/i;

/** A command that may have been AUTH, though its verb was overwritten: `XXXX LOGIN`, `XXXX XXXXX`, `AUT LOGIN`. */
export function mayBeAuth(text: string): boolean {
  if (MAY_BE_AUTH.test(text)) return true;
  const match =
    /^\S+[ \t]+(?:AUTHENTICATE[ \t]+)?(\S+)[ \t]*$/i.exec(text) ?? /^AUTH[=:]?(\S+)[ \t]*$/i.exec(text);
  return match !== null && MECHANISM.test(match[1]!);
}

/** Does a line of a client that is no command, read where the capture begins or goes on, hold what may be a secret? */
export function secretOfFragment(text: string): string {
  const tokens = tokensOf(text);
  if (tokens.length === 1 && !/[@<>]/.test(text)) return tokens[0]!.text;
  return tokens.flatMap(({ text: token }) => (looksEncoded(token) ? [token] : [])).join(' ');
}

/** A server's line of which only the codes may be shown, and the bare OK of a firewall. RFC 5321 §4.2, RFC 2034 §4. */
export function codesOnly(text: string, octets: number): string {
  if (/^OK$/i.test(text)) return text;
  const { length } = /^(?:\d{3}(?:[ -](?:[245]\.\d{1,3}\.\d{1,3}(?: |$))?|$))?/.exec(text)![0];
  return octets > length ? text.slice(0, length) + withheld(octets - length) : text;
}

/**
 * Takes credentials out of a server's line whose command was not seen: a challenge, or a refusal that quotes
 * the command.
 *
 * @param unseen  what it answers is not known for certain
 * @param lost  octets of the client were lost: any reply may quote them
 */
export function redactReplyText(
  text: string,
  octets: number,
  code: number,
  unseen: boolean,
  lost: boolean,
): string {
  if (code === 334) {
    return octets > 4 ? `${text.slice(0, 4)}${withheld(octets - 4)}` : text;
  }
  if (unseen && code === 535) return codesOnly(text, octets);
  if (!(unseen && (code >= 500 || lost)) && !/PLAIN|LOGIN|AUTH|X-EXPS|NTLM|GSSAPI|PASS/i.test(text))
    return text;
  return text.replace(
    /(^|[^A-Za-z0-9+/=])([A-Za-z0-9+/]{8,}={0,2})(?![A-Za-z0-9+/=])/g,
    (all, before, token) =>
      looksEncoded(token) && !isName(token) ? `${before}${withheld(token.length)}` : all,
  );
}

/** Upper case or digits only, or words such as `SmtpServer`. */
function isName(token: string): boolean {
  return /^[A-Z0-9]+$/.test(token) || /^(?:[A-Z]{1,5}[a-z]{2,})+$/.test(token);
}
