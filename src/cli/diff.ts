import { readFileSync } from 'node:fs';
import { inPieces } from '../report/chunked.js';
import {
  changesBetween,
  changesJson,
  changesText,
  isLeft,
  type Reported,
  reportedFrom,
} from '../report/text/changes.js';
import { type ExitStatus, type Io, writeAll } from './io.js';
import { asUsageError, oneOf } from './options.js';
import { UsageError } from './usage-error.js';

const FORMATS = ['text', 'json'] as const;

/**
 * `mailwitness diff BEFORE.json AFTER.json`: what became of the findings, for the end of a ticket.
 *
 * @param words  what follows `diff` on the command line
 * @returns 0 nothing is left (notes do not count), 1 something is still there, new, or cannot be told
 * @throws UsageError when a file cannot be read or is no report
 */
export async function runDiff(words: readonly string[], io: Io): Promise<ExitStatus> {
  const said: string[] = [];
  const { Command } = await import('commander');
  const command = new Command('mailwitness diff')
    .usage('[options] BEFORE.json AFTER.json')
    .description("What became of the findings between two reports of 'mailwitness analyze -F json'.")
    .argument('[FILE...]', 'the report before the change, and the one after it')
    .option('-F, --format <format>', `how to report: ${FORMATS.join(', ')}`, 'text')
    .helpOption('-h, --help', 'print this')
    .addHelpText('after', EXIT_STATUS)
    .exitOverride()
    .configureOutput({ writeOut: (text) => said.push(text), writeErr: () => {}, getOutHelpWidth: () => 80 });
  try {
    command.parse(words, { from: 'user' });
  } catch (error) {
    if ((error as { exitCode?: unknown }).exitCode !== 0) throw asUsageError(error);
    await writeAll(said, io.stdout);
    return 0;
  }
  const format = oneOf('--format', command.opts<{ format: string }>().format, FORMATS);
  const [first, second, ...more] = command.args;
  if (first === undefined || second === undefined || more.length > 0) {
    throw new UsageError("'diff' takes two reports: mailwitness diff BEFORE.json AFTER.json.");
  }
  const [before, after] = [readReport(first), readReport(second)];
  const changes = changesBetween(before, after);
  const report = (format === 'json' ? changesJson : changesText)(changes, before, after);
  await writeAll(inPieces(report), io.stdout);
  return changes.some(isLeft) ? 1 : 0;
}

const EXIT_STATUS = `
Exit status:
  0  nothing is left (notes do not count)
  1  something is still there, is new, or cannot be told
  2  wrong usage, or a file that is no report
`;

function readReport(path: string): Reported {
  let text: string;
  try {
    const octets = readFileSync(path);
    text = isDeep(octets) ? '' : octets.toString('utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new UsageError(`the report ${path} cannot be read: ${REASONS[code] ?? `${code}.`}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  const report = reportedFrom(path, value);
  if (report) return report;
  throw new UsageError(`${path} is no report of this program: make it with 'mailwitness analyze -F json'.`);
}

/** A report is nine deep. */
const MAX_DEPTH = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Of braces; brackets differ in the bit 0x20. */
const OPENING = 0x7b;
const CLOSING = 0x7d;

/**
 * Is it nested deeper than a report is?
 *
 * The parser makes an array of a hundred octets of each bracket: 40 MB of them took 2 GB. The price is a pass over the octets.
 */
function isDeep(octets: Buffer): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < octets.length; at++) {
    const octet = octets[at]!;
    if (octet === QUOTE) quoted = !quoted;
    else if (quoted) at += octet === BACKSLASH ? 1 : 0;
    else if ((octet | 0x20) === OPENING) depth++;
    else if ((octet | 0x20) === CLOSING) depth--;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file.',
  ENOTDIR: 'its folder is a file.',
  EISDIR: 'it is a directory.',
  EACCES: 'permission is missing.',
  ERR_STRING_TOO_LONG: 'it is larger than 512 MB.',
};
