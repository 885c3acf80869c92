import { withheld } from './auth.js';
import { ntlmNames, wideRuns } from './ntlm.js';

/** Secrets of one session that are remembered, to recognise them where they are echoed, and octets of them together. */
const MAX_SECRETS = 64;
const MAX_SECRET_OCTETS = 8192;
/** Of all open sessions together. */
const MAX_TOGETHER = 64 << 20;
/** Of sessions so far that are remembered; of fewer octets, or very many, none. */
const MAX_EARLIER = 256;
const MIN_EARLIER = 8;
const MAX_EARLIER_OCTETS = 256;
/** Shorter than that, an echo cannot be told from a word: at the beginning of a secret, and elsewhere. */
const MIN_ECHO = 4;
const MIN_PIECE = 6;
/** Of one line so many are decoded, and so many of its places looked up; further ones are taken for secrets. */
const MAX_DECODED = 16;
const MAX_LOOKED_UP = 256;
/** NULs and \x01 part so many fields of what was encoded: PLAIN and XOAUTH2 have three, the rest is binary. */
const MAX_FIELDS = 8;

/** DIGEST-MD5, SCRAM, XOAUTH2 and OAUTHBEARER name their parts: only some of them are secrets. RFC 2831, 5802, 7628 */
const NAMED = /^(?:[ny],|c=|user=|[a-z-]{2,10}="?[^,"]*"?,[a-z-]{2,10}=)/i;
const NAMED_SECRETS =
  /(?:^|[\x01,])(?:username|user|authzid|response|auth|[nap])="?(?:Bearer +)?([^",\x01]+)/gi;
const MAILBOX = /^[^@\s]+@[^@\s]+\.[a-z]{2,}$/;
const PIECES = /[^\s"'<>()[\],;:]{6,}/g;
const ENCODED_PIECES = /[A-Za-z0-9+/_-]{8,}/g;
const HEX_PIECES = /(?:[0-9A-Fa-f]{2}[ :-]?){4,}/g;
/** A NUL is every second octet of UTF-16. */
const ESCAPED = /\0|%([0-9A-Fa-f]{2})|\\x([0-9A-Fa-f]{2})|\\([0-7]{3})|\\([^\w\s])/g;
const WORD = /[a-z0-9]/;

/** What the sessions of a capture share. */
export interface SecretsKept {
  /** Octets of secrets of open sessions. */
  secretOctets: number;
  /** For the search of one line at a time; all zero in between. */
  readonly beginnings: Beginnings;
  /** Of sessions so far. */
  readonly earlier: EarlierSecrets;
}

/** Four octets that begin somewhere in the secrets: a bit tells of most places of a text that none begins there. */
export class Beginnings {
  private readonly seen = new Uint8Array(1 << 12);

  note(text: string, at: number): void {
    this.seen[beginning(text, at)] = 1;
  }

  mayBegin(text: string, at: number): boolean {
    return this.seen[beginning(text, at)] !== 0;
  }

  clear(): void {
    this.seen.fill(0);
  }
}

/**
 * Secrets of a capture's sessions so far, for a server that repeats one to somebody else. Whole ones only, and only what
 * looks like a password or was encoded: a login is a name, and names are said for other reasons.
 */
export class EarlierSecrets {
  private readonly secrets: string[] = [];
  private readonly beginnings = new Beginnings();
  private next = 0;

  /** The newest take the place of the oldest. */
  add(lower: string, secret: string): void {
    const { length } = secret;
    if (length < MIN_EARLIER || length > MAX_EARLIER_OCTETS || !looksSecret(secret)) return;
    if (this.secrets.includes(lower)) return;
    this.secrets[this.next] = lower;
    this.next = (this.next + 1) % MAX_EARLIER;
    this.beginnings.note(lower, 0);
  }

  /** The text without them. */
  scrub(text: string): string {
    if (this.secrets.length === 0) return text;
    const lower = text.toLowerCase();
    const hidden = new Hidden(text);
    let looked = 0;
    for (let at = 0; at + MIN_EARLIER <= lower.length; at++) {
      if (!this.beginnings.mayBegin(lower, at)) continue;
      // A line made to cost much: as in parts(), the rest is taken for a secret.
      if (++looked > MAX_LOOKED_UP) {
        hidden.mark(at, lower.length);
        break;
      }
      for (const secret of this.secrets) {
        if (lower.startsWith(secret, at)) hidden.mark(at, at + secret.length);
      }
    }
    return hidden.rest();
  }
}

/** Letters of both cases behind each other, or letters and digits or signs; and no host, path or mailbox. */
function looksSecret(text: string): boolean {
  if (/[^\x21-\x7e]/.test(text) || /^[\w-]+(?:\.[\w-]+)+$|[@:<>[\]]/.test(text)) return false;
  return /[a-z][A-Z]|[A-Za-z].*[^A-Za-z.-]|[^A-Za-z.-].*[A-Za-z]/.test(text);
}

/** The secrets that a session's client has sent, kept while the session is open to recognise their echo. */
export class Secrets {
  /** There were more than could be kept: any word of the server may be one. */
  overflowed = false;
  /** Part of one was not captured: any word of an answer to AUTH may be of it. */
  cut = false;
  /** As sent, lower case. */
  private readonly sent: string[] = [];
  /** Names and passwords in them, lower case. */
  private readonly fields: string[] = [];
  private octets = 0;

  constructor(private readonly kept: SecretsKept) {}

  add(secret: string): void {
    const tokens = secret.split(/[\s\0]+/, 9);
    if (tokens.length === 9) this.overflowed = true;
    for (const token of tokens) {
      if (token.length < 3) continue;
      this.remember(this.sent, token);
      this.remember(this.fields, token);
      this.decode(token);
    }
    // A server that passes over white space has decoded all of it at once.
    if (tokens.length > 1) this.decode(secret);
  }

  /** Octets that are none of base64 are passed over, as servers do: quotes, a NUL, what was typed and deleted. */
  private decode(token: string): void {
    const octets = Buffer.from(token, 'base64');
    const decoded = octets.latin1Slice();
    for (const name of ntlmNames(octets)) this.rememberField(name);
    for (const run of wideRuns(decoded)) this.rememberField(run);
    if (NAMED.test(decoded)) {
      for (const [, value] of decoded.matchAll(NAMED_SECRETS)) this.rememberField(value!);
      return;
    }
    for (const field of decoded.split(/[\0\x01]/, MAX_FIELDS)) {
      this.rememberField(field);
      if (field.includes(' ')) for (const word of field.split(' ')) this.rememberField(word);
    }
  }

  private rememberField(field: string): void {
    if (field.length >= 3) this.remember(this.fields, field);
  }

  /** The session is over. */
  release(): void {
    this.kept.secretOctets -= this.octets;
    this.octets = 0;
  }

  /**
   * The text without what it repeats of a secret.
   *
   * @param answer  it may answer a line of an AUTH exchange: parts of names and passwords count
   */
  scrub(text: string, answer: boolean): string {
    const lower = text.toLowerCase();
    const hidden = new Hidden(text);
    for (const secret of this.sent) echoes(lower, secret, hidden);
    for (const field of this.fields) {
      if (answer) echoes(lower, field, hidden);
      else if (field.length >= MIN_PIECE && !MAILBOX.test(field)) wholeWords(lower, field, hidden);
    }
    const whole = this.together(answer);
    const plain = unescaped(lower);
    if (plain !== null && answer) {
      const marks = {
        mark: (from: number, to: number) => hidden.mark(plain.places[from]!, plain.places[to]!),
      };
      for (const field of this.fields) echoes(plain.text, field, marks);
    }
    if (whole.length >= MIN_PIECE) {
      parts(lower, whole, hidden, this.kept.beginnings);
      if (plain !== null) parts(plain.text, whole, hidden, this.kept.beginnings, plain.places);
    }
    this.pieces(lower, answer, hidden);
    this.encodedAnew(text, hidden);
    return hidden.rest();
  }

  /** All whose parts count: of a mailbox, its host is named for other reasons. */
  private together(answer: boolean): string {
    const all = [...this.sent, ...this.fields];
    if (!answer) return all.filter((one) => !MAILBOX.test(one)).join('\n');
    return all.map((one) => (MAILBOX.test(one) ? one.slice(0, one.indexOf('@')) : one)).join('\n');
  }

  private remember(list: string[], secret: string): void {
    const lower = secret.toLowerCase();
    if (list.includes(lower)) return;
    this.kept.earlier.add(lower, secret);
    const { length } = lower;
    const full = list.length === MAX_SECRETS || this.octets + length > MAX_SECRET_OCTETS;
    if (full || this.kept.secretOctets + length > MAX_TOGETHER) {
      this.overflowed = true;
      return;
    }
    this.octets += length;
    this.kept.secretOctets += length;
    list.push(lower);
  }

  /** An echo can also begin in the middle of a secret, where the server cut what it repeats. */
  private pieces(lower: string, answer: boolean, hidden: Hidden): void {
    let all: string | null = null;
    for (const { 0: piece, index } of lower.matchAll(PIECES)) {
      all ??= (answer ? [...this.sent, ...this.fields] : this.sent).join('\n');
      if (all.includes(piece)) hidden.mark(index, index + piece.length);
    }
  }

  /** The server may have encoded again what it was told, with other octets in front of it. */
  private encodedAnew(text: string, hidden: Hidden): void {
    let looked = 0;
    let all: string | null = null;
    for (const [pieces, decodings] of [
      [ENCODED_PIECES, base64Decodings],
      [HEX_PIECES, hexDecodings],
    ] as const) {
      for (const { 0: piece, index } of text.matchAll(pieces)) {
        all ??= this.fields.join('\n');
        if (++looked > MAX_DECODED || this.isIn(decodings(piece), all)) {
          hidden.mark(index, index + piece.length);
        }
      }
    }
  }

  private isIn(octets: string, all: string): boolean {
    const short = (field: string): boolean => field.length >= MIN_ECHO && field.length < MIN_PIECE;
    if (this.fields.some((field) => short(field) && octets.includes(field))) return true;
    const found = new Hidden(octets);
    parts(octets, all, found, this.kept.beginnings);
    return found.any;
  }
}

/** From each of the four places at which three octets may begin; lower case. */
function base64Decodings(piece: string): string {
  return alsoNarrow([0, 1, 2, 3].map((from) => Buffer.from(piece.slice(from), 'base64').latin1Slice()));
}

/** Also what there is of it in UTF-16; lower case. */
function alsoNarrow(decodings: readonly string[]): string {
  return decodings
    .flatMap((octets) => [octets, ...wideRuns(octets)])
    .join('\n')
    .toLowerCase();
}

/** From both places at which an octet may begin; lower case. */
function hexDecodings(piece: string): string {
  const digits = piece.replace(/[ :-]/g, '');
  return alsoNarrow([0, 1].map((from) => Buffer.from(digits.slice(from), 'hex').latin1Slice()));
}

/** `%2d`, `\x2d`, `\055` and `\-` made octets, and where each stood; null: there are none. */
function unescaped(text: string): { text: string; places: number[] } | null {
  let plain = '';
  const places: number[] = [];
  let from = 0;
  const copy = (to: number): void => {
    for (; from < to; from++) places.push(from);
  };
  for (const match of text.matchAll(ESCAPED)) {
    const [whole, percent, hex, octal, itself] = match;
    plain += text.slice(from, match.index);
    copy(match.index);
    if (whole === '\0') {
      from++;
      continue;
    }
    places.push(from);
    plain +=
      itself ??
      String.fromCharCode(octal ? Number.parseInt(octal, 8) & 0xff : Number.parseInt((percent ?? hex)!, 16));
    from += whole.length;
  }
  if (from === 0) return null;
  plain += text.slice(from);
  copy(text.length);
  places.push(text.length);
  return { text: plain.toLowerCase(), places };
}

function beginning(text: string, at: number): number {
  const a = text.charCodeAt(at) * 31 + text.charCodeAt(at + 1);
  const b = text.charCodeAt(at + 2) * 31 + text.charCodeAt(at + 3);
  return (a * 961 + b) & 0xfff;
}

/**
 * Marks every six octets of the text that are somewhere in the secrets.
 *
 * To look up each place would cost text times secrets, which a hostile server and client make 2 KB times 16 KB for each
 * line: hence the bits, and a limit. The price is that of a line made so, more is withheld than has to be.
 *
 * @param places  where in the line each octet of the text stood
 */
function parts(
  text: string,
  secrets: string,
  hidden: Hidden,
  beginnings: Beginnings,
  places: number[] | null = null,
): void {
  for (let at = 0; at + 3 < secrets.length; at++) beginnings.note(secrets, at);
  let looked = 0;
  for (let at = 0; at + MIN_PIECE <= text.length; at++) {
    const end = at + MIN_PIECE;
    if (!beginnings.mayBegin(text, at) || !beginnings.mayBegin(text, end - 4)) continue;
    if (++looked > MAX_LOOKED_UP || secrets.includes(text.slice(at, end))) {
      if (places === null) hidden.mark(at, end);
      else hidden.mark(places[at]!, places[end]!);
    }
  }
  beginnings.clear();
}

/** Where `text` repeats the beginning of the secret, or all of it. */
function echoes(text: string, secret: string, hidden: Pick<Hidden, 'mark'>): void {
  if (secret.length < MIN_ECHO) {
    wholeWords(text, secret, hidden);
    return;
  }
  const head = secret.slice(0, MIN_ECHO);
  for (let at = text.indexOf(head); at >= 0; ) {
    let end = at + head.length;
    while (end < text.length && text[end] === secret[end - at]) end++;
    hidden.mark(at, end);
    at = text.indexOf(head, end);
  }
}

function wholeWords(text: string, secret: string, hidden: Pick<Hidden, 'mark'>): void {
  for (let at = text.indexOf(secret); at >= 0; ) {
    const end = at + secret.length;
    if (!WORD.test(text[at - 1] ?? '') && !WORD.test(text[end] ?? '')) hidden.mark(at, end);
    at = text.indexOf(secret, end);
  }
}

/** What is not to be shown of a text. */
class Hidden {
  private marks: Uint8Array | null = null;

  constructor(private readonly text: string) {}

  get any(): boolean {
    return this.marks !== null;
  }

  mark(from: number, to: number): void {
    this.marks ??= new Uint8Array(this.text.length);
    this.marks.fill(1, from, to);
  }

  rest(): string {
    const { marks, text } = this;
    if (marks === null) return text;
    let rest = '';
    for (let at = 0; at < text.length; ) {
      let end = at + 1;
      while (end < text.length && marks[end] === marks[at]) end++;
      rest += marks[at] === 1 ? withheld(end - at) : text.slice(at, end);
      at = end;
    }
    return rest;
  }
}
