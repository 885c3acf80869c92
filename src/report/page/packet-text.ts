import { printableOctets } from '../printable.js';
import { type Content, html, separated } from './markup.js';

/** Octets of a line that a page shows. */
const MAX_OCTETS = 200;

/** `anna@` of `anna@example.com`, and `"anna b"@`. The text was cut before: no backtracking without end. */
const LOCAL_PART = /(?:"[^"]{0,64}"|[^\s<>:;,"@()[\]]{1,64})@(?=[A-Za-z0-9[])/g;

/** Three asterisks or more in one text: then every one of them is a mask. */
const STARRED = /(?:\*[^*]*){3}/;
const STARS = /\*+/g;
/** `XXXX`, and the letter that ASA counts with: `XXXXXXXB`. */
const CROSSES = /X{3,}[A-Z]?/g;
/** A keyword of one or two octets, of which the mask leaves fewer X's than that. */
const SHORT_KEYWORD = /(?<=^250[ -])X[A-Z]?$/g;

/**
 * Text of a packet as a page shows it: printable, cut, names of mailboxes left out.
 *
 * @param excerpt  raw latin1
 */
export function packetText(excerpt: string): string {
  const cut = excerpt.length > MAX_OCTETS ? `${excerpt.slice(0, MAX_OCTETS)}…` : excerpt;
  return printableOctets(cut.slice(0, MAX_OCTETS)).replace(LOCAL_PART, '…@') + cut.slice(MAX_OCTETS);
}

/**
 * Octets with dots for the names of mailboxes, as many as there were octets: places in the text stay true.
 *
 * @param octets  raw latin1
 */
export function withoutMailboxes(octets: string): string {
  return octets.replace(LOCAL_PART, (found) => `${'.'.repeat(found.length - 1)}@`);
}

/** The same with the octets marked that were overwritten. For lines that are evidence: X may be honest elsewhere. */
export function maskedText(excerpt: string): Content {
  const text = packetText(excerpt);
  const runs = STARRED.test(text)
    ? [...text.matchAll(STARS)]
    : [...text.matchAll(CROSSES), ...text.matchAll(SHORT_KEYWORD)];
  const parts: Content[] = [];
  let from = 0;
  for (const { 0: run, index } of runs) {
    parts.push(text.slice(from, index), html`<mark>${run}</mark>`);
    from = index + run.length;
  }
  return [...parts, text.slice(from)];
}

/** Text of ours in which commands stand between backticks. */
export function prose(text: string): Content {
  const parts = text.split('`');
  if (parts.length % 2 === 0) return text;
  return separated(
    parts.map((part, index) => (index % 2 === 0 ? part : html`<code>${part}</code>`)),
    '',
  );
}
