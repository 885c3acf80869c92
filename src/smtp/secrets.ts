import { withheld } from './auth.js';

/** Secrets of one session that are remembered, to recognise them where they are echoed, and octets of them together. */
const MAX_SECRETS = 64;
const MAX_SECRET_OCTETS = 8192;
/** Of all open sessions together. */
const MAX_TOGETHER = 64 << 20;
/** Shorter than that, an echo cannot be told from a word: at the beginning of a secret, and elsewhere. */
const MIN_ECHO = 4;
const MIN_PIECE = 6;
/** Of one line so many are decoded; further ones are taken for secrets. */
const MAX_DECODED = 16;

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const MAILBOX = /^[^@\s]+@[^@\s]+\.[a-z]{2,}$/;
const PIECES = /[^\s"'<>()[\],;:]{6,}/g;
const ENCODED_PIECES = /[A-Za-z0-9+/]{8,}/g;
const WORD = /[a-z0-9]/;

/** What the sessions of a capture share. */
export interface SecretsKept {
  /** Octets of secrets of open sessions. */
  secretOctets: number;
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
    const tokens = secret.split(/[ \t]+/, 9);
    if (tokens.length === 9) this.overflowed = true;
    for (const token of tokens) {
      if (token.length < 3) continue;
      this.remember(this.sent, token);
      this.remember(this.fields, token);
      if (!BASE64.test(token)) continue;
      const decoded = Buffer.from(token, 'base64').latin1Slice();
      for (const field of decoded.split(/[\0\x01 ]/, 8)) {
        if (field.length >= 3) this.remember(this.fields, field);
      }
    }
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
    this.pieces(lower, answer, hidden);
    this.encodedAnew(text, hidden);
    return hidden.rest();
  }

  private remember(list: string[], secret: string): void {
    const lower = secret.toLowerCase();
    if (list.includes(lower)) return;
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
    for (const { 0: piece, index } of text.matchAll(ENCODED_PIECES)) {
      if (++looked > MAX_DECODED || this.isIn(decodings(piece))) hidden.mark(index, index + piece.length);
    }
  }

  private isIn(octets: string): boolean {
    return this.fields.some(
      (field) => field.length >= MIN_ECHO && octets.includes(field.slice(0, MIN_PIECE)),
    );
  }
}

/** From each of the four places at which three octets may begin; lower case. */
function decodings(piece: string): string {
  return [0, 1, 2, 3]
    .map((from) => Buffer.from(piece.slice(from), 'base64').latin1Slice())
    .join('\n')
    .toLowerCase();
}

/** Where `text` repeats the beginning of the secret, or all of it. */
function echoes(text: string, secret: string, hidden: Hidden): void {
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

function wholeWords(text: string, secret: string, hidden: Hidden): void {
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
