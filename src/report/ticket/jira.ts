import type { Analysis } from '../../analyze.js';
import type { Comparison } from '../../compare/compare.js';
import { inPieces } from '../chunked.js';
import type { DocumentOptions } from '../document/document.js';
import { comparisonTicket, ticketReport } from './ticket.js';
import type { TrackerMarkup } from './tracker-markup.js';

/**
 * The report as Jira's wiki markup, as Jira Server, Data Center and Cloud read it.
 *
 * A backslash makes markup plain, but there is none for a backslash, a colon or a vertical line in a table. So octets
 * stand in `{noformat}`, links are written `http[:]//`, and a backslash in front of markup gets a space behind it.
 */
export function jiraReport(analysis: Analysis, options: DocumentOptions = {}): Iterable<string> {
  return inPieces(ticketReport(analysis, options, JIRA));
}

/** The same of two captures that were held against each other. */
export function comparisonJira(comparison: Comparison, options: DocumentOptions = {}): Iterable<string> {
  return inPieces(comparisonTicket(comparison, options, JIRA));
}

/** Plain everywhere when it is escaped; live somewhere when it is not. */
const ALWAYS = /[{}[\]*_^~|!@#%]/g;

/** Deletion, insertion, dashes and issue keys: not inside a word such as `end-of-data`. */
const AT_EDGE = /(?<![a-z])[-+]|[-+](?![a-z])/g;

/** `:)`, `(/)`, `(y)`, `(c)`. */
const EMOTICON = /([:;])([()])|\((?=[^\s()]{1,4}\))/g;

const SCHEME = /:(?=\/\/)|(?<=\b(?:mailto|file|news|javascript|data|tel|sip|xmpp|callto|skype)):/gi;

/** One line of text in which nothing is live. */
export function jiraInline(text: string): string {
  return text
    .split(/(`[^`]+`)/)
    .map((piece, index) => (index % 2 === 1 ? `{{${escaped(piece.slice(1, -1))}}}` : escaped(piece)))
    .join('');
}

function escaped(text: string): string {
  return text
    .replace(/\\(?=[^a-z0-9 ]|$)/gi, '\\ ')
    .replace(SCHEME, '[:]')
    .replace(/\bwww\./gi, (www) => `${www.slice(0, 3)}[.]`)
    .replace(ALWAYS, '\\$&')
    .replace(AT_EDGE, '\\$&')
    .replace(/\?(?=\?)|(?<=\?)\?/g, '\\?')
    .replace(EMOTICON, (found, colon?: string, paren?: string) =>
      colon === undefined ? `\\${found}` : `${colon}\\${paren}`,
    )
    .replace(/:(?=[DP]\b)/g, ': ')
    .replace(/^\s*(?=(?:h[1-6]|bq)\.)/i, '… ');
}

/** Nothing is live in it but its own end. */
function noformat(text: string): string {
  return text.replace(/\{(?=noformat)/gi, '{ ');
}

const JIRA: TrackerMarkup = {
  heading: (level, text) => `h${level}. ${jiraInline(text)}\n\n`,
  // Not between asterisks: Atlassian's parser reads what stands there a second time, without its escapes.
  strong: (text) => `h2. ${jiraInline(text)}\n\n`,
  paragraph: (text) => `${jiraInline(text)}\n\n`,
  list: (items) => `${items.map((item) => `* ${jiraInline(item)}\n`).join('')}\n`,
  table: (head, rows) =>
    `||${head.map((text) => `${jiraInline(text)}||`).join('')}\n` +
    `${rows.map((cells) => `|${cells.map((text) => `${jiraInline(text)}|`).join('')}\n`).join('')}\n`,
  verbatim: (lines) => `{noformat}\n${lines.map(noformat).join('\n')}\n{noformat}\n\n`,
  *folded(summary, blocks) {
    yield `h3. ${jiraInline(summary)}\n\n`;
    yield* blocks;
  },
};
