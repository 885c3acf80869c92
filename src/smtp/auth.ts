import { AUTH, type Command, LOGIN, MAIL, RCPT, UNKNOWN } from './command.js';

/** Mechanism names that may be shown. Anything else after AUTH could be the secret itself. */
const MECHANISM =
  /^(?:PLAIN|LOGIN|CRAM-MD5|CRAM-SHA1|DIGEST-MD5|NTLM|GSSAPI|GSS-SPNEGO|SPNEGO|NEGOTIATE|EXTERNAL|ANONYMOUS|OTP|SKEY|SECURID|SRP|MSN|DPA|WDIGEST|KERBEROS_V[45]|XOAUTH2?|OAUTHBEARER|OAUTH10A|SCRAM-SHA-?(?:1|224|256|384|512)(?:-PLUS)?|SCRAM-SHA3-512(?:-PLUS)?|GS2-KRB5(?:-PLUS)?|SAML20|OPENID20|X-EXPS|EXCHANGEAUTH)$/i;

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const ONLY_X = /^[Xx]{3,}[A-Z]?$/;

/** Secrets of a session that are remembered, to recognise them where they are echoed, and octets of each. */
const MAX_SECRETS = 16;
const MAX_SECRET_OCTETS = 512;
/** Shorter than that, an echo cannot be told from a word. */
const MIN_ECHO = 4;

/** What is written instead of octets that must not leave. */
export function withheld(octets: number): string {
  return `[${octets} octets]`;
}

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
 * @param attempted  AUTH was tried in this session
 */
export function redactCommand(
  text: string,
  octets: number,
  command: Command,
  attempted: boolean,
): Redaction | null {
  const { verb, effect, argument } = command;
  if (effect === MAIL || effect === RCPT) return null; // AUTH= of MAIL is a mailbox. RFC 4954 §5
  if (argument === null && effect !== UNKNOWN) return null;
  const tokens = tokensOf(text);
  if (effect === AUTH) {
    const mechanism = tokens[1];
    if (mechanism === undefined) return null;
    const shown = MECHANISM.test(mechanism.text) ? mechanism : tokens[0]!;
    return hideAfter(text, octets, shown.end);
  }
  if (effect === LOGIN) return argument === null ? null : hideAfter(text, octets, tokens[0]!.end);
  if (verb === 'BURL') {
    const at = text.search(/urlauth=/i);
    return at < 0 ? null : hideAfter(text, octets, at + 8);
  }
  if (effect === UNKNOWN || verb === 'NOOP' || verb === 'HELP') {
    const named = namedMechanism(tokens);
    if (named !== undefined && tokens[tokens.length - 1] !== named) return hideAfter(text, octets, named.end);
  }
  if (effect === UNKNOWN) {
    const only = tokens.length === 1 ? tokens[0]!.text : '';
    if (only !== '' && isResponse(only, attempted)) {
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
  if (token.endsWith('=')) return token.length % 4 === 0;
  return (
    token.length >= 8 && /[A-Z]/.test(token.slice(1)) && /[a-z]/.test(token) && !/^[A-Z]+[a-z]+$/.test(token)
  );
}

function hideAfter(text: string, octets: number, end: number): Redaction | null {
  const rest = text.slice(end);
  const secret = rest.trim();
  if (secret === '') return null;
  const shown = end + rest.length - rest.trimStart().length;
  return { text: text.slice(0, shown) + withheld(octets - shown), response: false, secret };
}

interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** The first sixteen; what stands behind them is one more. */
function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (const match of text.matchAll(/[^ \t]+/g)) {
    tokens.push({ text: match[0], start: match.index, end: match.index + match[0].length });
    if (tokens.length === 16) break;
  }
  return tokens;
}

/** The secrets that a session's client has sent, kept while the session is open to recognise their echo. */
export class Secrets {
  /** As sent, lower case. */
  private readonly sent: string[] = [];
  /** Names and passwords in them, lower case: looked for in the answers to AUTH only. */
  private readonly decoded: string[] = [];

  add(secret: string): void {
    for (const token of secret.split(/[ \t]+/, 8)) {
      if (token.length < 3) continue;
      remember(this.sent, token);
      if (!BASE64.test(token)) continue;
      for (const field of Buffer.from(token, 'base64')
        .latin1Slice()
        .split(/[\0\x01 ]/, 8)) {
        if (field.length >= 3) remember(this.decoded, field);
      }
    }
  }

  /** The text without what it repeats of a secret. `answer`: it answers a line of an AUTH exchange. */
  scrub(text: string, answer: boolean): string {
    const lower = text.toLowerCase();
    const hidden: [number, number][] = [];
    for (const secret of this.sent) echoes(lower, secret, hidden);
    if (answer) for (const secret of this.decoded) echoes(lower, secret, hidden);
    // An echo can also begin in the middle of a secret, where the server cut what it repeats.
    for (const match of lower.matchAll(/[a-z0-9+/=]{8,}/g)) {
      if (this.sent.some((secret) => secret.includes(match[0]))) {
        hidden.push([match.index, match.index + match[0].length]);
      }
    }
    return hidden.length === 0 ? text : without(text, hidden);
  }
}

function remember(list: string[], secret: string): void {
  const lower = secret.slice(0, MAX_SECRET_OCTETS).toLowerCase();
  if (list.includes(lower)) return;
  if (list.length === MAX_SECRETS) list.shift();
  list.push(lower);
}

/** Where `text` repeats the beginning of the secret, or all of it. */
function echoes(text: string, secret: string, found: [number, number][]): void {
  const head = secret.slice(0, MIN_ECHO);
  let at = text.indexOf(head);
  while (at >= 0 && found.length < 64) {
    let end = at + head.length;
    while (end < text.length && text[end] === secret[end - at]) end++;
    found.push([at, end]);
    at = text.indexOf(head, end);
  }
}

function without(text: string, hidden: readonly [number, number][]): string {
  let result = '';
  let at = 0;
  for (const [start, end] of [...hidden].sort((a, b) => a[0] - b[0] || b[1] - a[1])) {
    if (end <= at) continue;
    const from = Math.max(start, at);
    result += text.slice(at, from) + withheld(end - from);
    at = end;
  }
  return result + text.slice(at);
}

/**
 * Takes credentials out of a server's line whose command was not seen: a challenge, or a refusal that quotes
 * the command.
 */
export function redactReplyText(text: string, octets: number, code: number): string {
  if (code === 334) {
    return octets > 4 ? `${text.slice(0, 4)}${withheld(octets - 4)}` : text;
  }
  if (!/PLAIN|LOGIN|AUTH|X-EXPS|NTLM|GSSAPI|PASS/i.test(text)) return text;
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
