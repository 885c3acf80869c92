import type { Analysis } from '../../analyze.js';
import type { Comparison } from '../../compare/compare.js';
import { inPieces } from '../chunked.js';
import type { DocumentOptions } from '../document/document.js';
import { comparisonTicket, ticketReport } from './ticket.js';
import type { TrackerMarkup } from './tracker-markup.js';

/**
 * The report as GitHub Flavored Markdown, with tables and `<details>`: for issue trackers.
 *
 * Trackers make links of mentions, addresses, issue numbers and commits even where Markdown itself has no markup, and
 * only code is exempt. So a word that holds anything but letters, digits and plain punctuation becomes a code span, and
 * octets stand in fenced blocks.
 */
export function markdownReport(analysis: Analysis, options: DocumentOptions = {}): Iterable<string> {
  return inPieces(ticketReport(analysis, options, MARKDOWN));
}

/** The same of two captures that were held against each other. */
export function comparisonMarkdown(comparison: Comparison, options: DocumentOptions = {}): Iterable<string> {
  return inPieces(comparisonTicket(comparison, options, MARKDOWN));
}

/** Characters of markup in any dialect, and what trackers and autolinks look for. */
const LIVE =
  /[@#$~!^*_<>[\]\\`|{}&]|:\/\/|\bwww\.|\b(?:mailto|xmpp|tel|javascript|data):|:[a-z+-][\w+-]*:|\bGH-\d|\b[\da-f]{7,}\b/i;

/** What would begin a list, a heading's underline or a quotation at the start of a block. */
const BEGINS_BLOCK = /^(?:[-+=]|\d+[.)])/;

const LEADING = /^["'“‘(]*/;
const TRAILING = /["'”’).,;:?]*$/;

interface Run {
  readonly code: boolean;
  readonly text: string;
}

/** One line of text in which nothing is live. */
export function markdownInline(text: string): string {
  const runs: Run[] = [];
  const add = (code: boolean, piece: string): void => {
    const last = runs.at(-1);
    if (piece === '') return;
    if (last?.code === code) runs[runs.length - 1] = { code, text: last.text + piece };
    else runs.push({ code, text: piece });
  };
  for (const [index, piece] of text
    .trimStart()
    .split(/(`[^`]+`)/)
    .entries()) {
    if (index % 2 === 1) add(true, piece.slice(1, -1));
    else for (const word of piece.split(/( +)/)) addWord(word, add, runs.length === 0);
  }
  return runs.map((run) => (run.code ? code(run.text) : run.text)).join('');
}

function addWord(word: string, add: (code: boolean, piece: string) => void, first: boolean): void {
  if (!LIVE.test(word) && !(first && BEGINS_BLOCK.test(word))) {
    add(false, word);
    return;
  }
  const lead = LEADING.exec(word)![0];
  const tail = TRAILING.exec(word.slice(lead.length))![0];
  const middle = word.slice(lead.length, word.length - tail.length);
  add(false, lead);
  add(true, middle);
  add(middle === '' || LIVE.test(tail), tail);
}

/** A span longer than every run of backticks in it. */
function code(text: string): string {
  const fence = '`'.repeat(longestRun(text) + 1);
  const padded = /^[ `]|[ `]$/.test(text) ? ` ${text} ` : text;
  return `${fence}${padded}${fence}`;
}

function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
}

function cell(text: string): string {
  return markdownInline(text).replaceAll('|', '\\|');
}

const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |\n`;

const MARKDOWN: TrackerMarkup = {
  heading: (level, text) => `${'#'.repeat(level)} ${markdownInline(text)}\n\n`,
  strong: (text) => `**${markdownInline(text)}**\n\n`,
  paragraph: (text) => `${markdownInline(text)}\n\n`,
  list: (items) => `${items.map((item) => `- ${markdownInline(item)}\n`).join('')}\n`,
  table: (head, rows) => `${row(head)}|${' --- |'.repeat(head.length)}\n${rows.map(row).join('')}\n`,
  verbatim: (lines) => {
    const fence = '`'.repeat(Math.max(3, longestRun(lines.join('\n')) + 1));
    return `${fence}text\n${lines.join('\n')}\n${fence}\n\n`;
  },
  *folded(summary, blocks) {
    // The summary is HTML and stays on the program's own words.
    yield `<details><summary>${summary}</summary>\n\n`;
    yield* blocks;
    yield '</details>\n\n';
  },
};
