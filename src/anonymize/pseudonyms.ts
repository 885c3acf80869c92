import { AddressPseudonyms } from './addresses.js';
import { keyedOctets } from './keyed.js';
import { VOCABULARY } from './vocabulary.js';

/** Words that were replaced, kept so that sentences about them can be put right. */
const MAX_REMEMBERED = 200_000;
const MAX_WORD = 1_000;
/** Shorter words of free text name nobody. */
const SHORT = 4;

const CONSONANTS = 'bcdfghjklmnpqrstvwz';
const VOWELS = 'aeiou';
/** X's side by side may be a mask, with the letter behind them that ASA counts with: they are proof. */
const MASKED = /X{3,}[A-Z](?![A-Za-z0-9])|X{3,}/g;

const BARE_V4 = String.raw`\d{1,3}(?:\.\d{1,3}){3}(?!\.?\w)`;
/** `192.0.2.1` */
const V4 = String.raw`(?<![\w.])${BARE_V4}`;
const HEX = '[0-9A-Fa-f]';
/** `2001:db8::1`, `IPv6:2001:db8::1`, `::ffff:192.0.2.1` */
const V6 = `(?:(?<![A-Za-z0-9:])|(?<=[Ii][Pp][Vv]6:))(?:::|${HEX}{1,4}:)(?:(?:${HEX}|:){0,40}?${BARE_V4}|(?:${HEX}|:){0,40}(?:${HEX}|::))?`;
const WORD = '[A-Za-z0-9]+(?:[_-]{1,3}[A-Za-z0-9]+)*';
/** Octets beyond ASCII, one character each, or what UTF-8 made of them. */
const FOREIGN = String.raw`[^\x00-\x7f]+`;
const ATOM = String.raw`[A-Za-z0-9!#$%&'*+/?^_{|}~\x60-]|[^\x00-\x7f]`;
/** The left side of a mailbox or an identifier, RFC 5322 §3.4.1. */
const MAILBOX = String.raw`(?:${ATOM})(?:${ATOM}|\.){0,250}@(?=[A-Za-z0-9[]|[^\x00-\x7f])`;
/** An identifier or a path without a right side. */
const ANGLED = '(?<=<)(?!CR>|LF>|CRLF>)[^<>@\\s]{1,500}(?=>)';
const HOST = String.raw`${WORD}(?:\.${WORD})+`;
const TOKEN = new RegExp(`(${V4})|(${V6})|(${MAILBOX})|(${ANGLED})|(${HOST})|(${WORD})|(${FOREIGN})`, 'g');
/** A reply code in front of a dash would be read as part of the word behind it. */
const LINE = /^(\d{3}-|)([^\n]*)/gm;
const BEHIND_AT = /@$/;
/** `5.7.1`, `4.96-58`, `7.x`: versions and status codes; `200Y`: a year of which a mask left so much. */
const NUMERIC = /^v?\d[\d-]*$|^x$|^\d{1,3}Y{1,3}$/i;
/** Long numbers in hexadecimal are told by their digits: a greeting of Barracuda is known by one. */
const HEXADECIMAL = /^(?=.*\d)[0-9a-f]{16,}$/;
/** Of an address literal, RFC 5321 §4.1.3. */
const TAG = /^ipv6$/i;
/** Where `TOKEN` has a host. */
const HOST_GROUP = 5;
/** Commands whose argument is a name, whatever word it is. RFC 5321 §4.1.1.1, §4.1.1.6, §4.1.1.7. */
const NAMING = /^((?:EHLO|HELO|LHLO|VRFY|EXPN)[ \t]+)(.*)$/is;
/** `e.g.` of a sentence of ours. */
const ABBREVIATION = /^[a-z]\.[a-z]$/i;

/**
 * Stable pseudonyms, as long as what they stand for, of everything in a text that may name somebody.
 *
 * Only the key decides: the same word gives the same pseudonym, in every report and evidence capture that is made with
 * it. Kinds of characters stay (letter, digit, case), places of dots and dashes too, and no character stays the same.
 */
export class Pseudonyms {
  readonly addresses: AddressPseudonyms;
  /** By the word in lower case. */
  private readonly remembered = new Map<string, string>();

  /** @param key  secret; 16 octets or more */
  constructor(private readonly key: Buffer) {
    this.addresses = new AddressPseudonyms(key);
  }

  address(text: string): string {
    return this.addresses.text(text) ?? this.line(text);
  }

  /**
   * Text of a packet: addresses, hosts, mailboxes, identifiers, and every word that is not known to name nobody.
   *
   * @param text  latin1, one character per octet; the result has as many
   */
  line(text: string): string {
    return text.replace(LINE, (_, code: string, rest: string) => {
      const [, verb, name] = NAMING.exec(rest) ?? [];
      if (verb !== undefined && name !== undefined) return code + verb + this.name(name);
      return code + rest.replace(TOKEN, (...found) => this.token(found, (word) => this.freeWord(word)));
    });
  }

  /** The argument of a command, as it stands in the command's line. */
  argument(verb: string, text: string): string {
    return NAMING.test(`${verb} ${text}`) ? this.name(text) : this.line(text);
  }

  /** Text that is a name and nothing else: here a word of the protocol is no word of the protocol. */
  private name(text: string): string {
    const own = (word: string): string => (word.length < SHORT || TAG.test(word) ? word : this.ownWord(word));
    return text.replace(TOKEN, (...found) => {
      const host = found[HOST_GROUP] as string | undefined;
      return host === undefined ? this.token(found, own) : this.host(host, true, false);
    });
  }

  /** A sentence of ours about packets: what is quoted is text of a packet, of the rest only what was replaced elsewhere. */
  sentence(text: string): string {
    return text
      .split('"')
      .map((part, index, parts) =>
        index % 2 === 1 && index < parts.length - 1
          ? this.line(part)
          : part.replace(TOKEN, (...found) => this.token(found, (word) => this.knownWord(word), true)),
      )
      .join('"');
  }

  /** An identifier of ours that was made of originals. */
  digest(text: string): string {
    return keyedOctets(this.key, `digest\0${text}`, Math.ceil(text.length / 2))
      .toString('hex')
      .slice(0, text.length);
  }

  private token(found: readonly unknown[], word: (text: string) => string, ours = false): string {
    const [whole, v4, v6, mailbox, angled, host, plain] = found as string[];
    if (v4 !== undefined) return this.addresses.text(v4) ?? v4;
    if (v6 !== undefined) {
      return this.addresses.text(v6) ?? this.addresses.macText(v6) ?? this.words(v6, word);
    }
    if (mailbox !== undefined) return `${this.words(mailbox.slice(0, -1), (part) => this.ownWord(part))}@`;
    if (angled !== undefined) return this.words(angled, (part) => this.ownWord(part));
    if (host !== undefined) {
      const before = (found.at(-1) as string).slice(0, found.at(-2) as number);
      return this.host(host, BEHIND_AT.test(before), ours);
    }
    if (plain === undefined) return ours ? this.knownWord(whole!) : this.ownWord(whole!);
    return this.behindAt(found, plain, word);
  }

  /** The right side of `postmaster@localhost` names a host too. */
  private behindAt(found: readonly unknown[], plain: string, word: (text: string) => string): string {
    const before = (found.at(-1) as string)[(found.at(-2) as number) - 1];
    return before === '@' ? this.ownWord(plain) : word(plain);
  }

  private words(text: string, word: (text: string) => string): string {
    return text.replace(WORDS, word);
  }

  /** Label by label, so that hosts of one domain stay hosts of one domain. A last label of up to three letters stays. */
  private host(text: string, certain: boolean, ours: boolean): string {
    const labels = text.split('.');
    if (!certain && labels.every((label) => NUMERIC.test(label))) return text;
    if (ours && ABBREVIATION.test(text)) return text;
    if (labels.every((label) => label === 'CRLF')) return text;
    return labels
      .map((label, index) =>
        index === labels.length - 1 && /^[A-Za-z]{1,3}$/.test(label) ? label : this.ownWord(label),
      )
      .join('.');
  }

  private freeWord(word: string): string {
    return word.length < SHORT || NUMERIC.test(word) || VOCABULARY.has(word.toLowerCase())
      ? word
      : this.ownWord(word);
  }

  private knownWord(word: string): string {
    const lower = word.toLowerCase();
    if (word.length < SHORT || VOCABULARY.has(lower)) return word;
    return this.remembered.has(lower) ? this.ownWord(word) : word;
  }

  private ownWord(word: string): string {
    const folded = word.toLowerCase();
    // A few letters are two in lower case.
    const lower = folded.length === word.length ? folded : word;
    let made = this.remembered.get(lower);
    if (made === undefined) {
      made = this.made(lower);
      if (this.remembered.size < MAX_REMEMBERED && word.length >= SHORT && word.length <= MAX_WORD) {
        this.remembered.set(lower, made);
      }
    }
    const cased = Array.from(lower, (_, at) =>
      word[at] === lower[at] ? made[at]! : made[at]!.toUpperCase(),
    );
    for (const { index, 0: mask } of word.matchAll(MASKED)) cased.splice(index, mask.length, ...mask);
    return cased.join('');
  }

  /** Letters that can be spoken; each character another than the one whose place it takes. */
  private made(lower: string): string {
    const octets = keyedOctets(this.key, `word\0${lower}`, lower.length);
    const hexadecimal = HEXADECIMAL.test(lower);
    let made = '';
    for (const [at, octet] of octets.entries()) {
      const from = lower[at]!;
      const kind = /[0-9]/.test(from)
        ? '0123456789'
        : hexadecimal
          ? 'abcdef'
          : /[_-]/.test(from)
            ? ''
            : at % 2 === octets[0]! % 2
              ? VOWELS
              : CONSONANTS;
      if (kind === '') made += from;
      else {
        const choice = octet % (kind.includes(from) ? kind.length - 1 : kind.length);
        made += kind.replace(from, '')[choice]!;
      }
    }
    return made;
  }
}

const WORDS = new RegExp(`${WORD}|${FOREIGN}`, 'g');
