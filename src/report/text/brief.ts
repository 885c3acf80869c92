import type { Analysis } from '../../analyze.js';
import { formatTimestamp, type Timestamp } from '../../capture/timestamp.js';
import type { Comparison } from '../../compare/compare.js';
import type { Evidence } from '../../finding/finding.js';
import { plural, thousands } from '../../finding/words.js';
import type { CaptureBlock } from '../document/capture-block.js';
import { chosenProofs, proofsOfBothSides } from '../document/chosen-evidence.js';
import { displayFilters } from '../document/display-filter.js';
import {
  comparisonDocument,
  type DocumentOptions,
  type ReportDocument,
  reportDocument,
} from '../document/document.js';
import { changesOf, commandsOf, remediesOf, surenessOf, timesSeen } from '../document/finding-group.js';
import { PROOF } from '../document/grouping.js';
import { absenceText } from '../document/quality.js';
import { extentText } from '../document/silent-rules.js';
import { printableOctets, printableText } from '../printable.js';
import { fileName } from '../verdict.js';

/** Characters of the whole report: what a form or a chat takes. */
export const BRIEF_LIMIT = 4000;

const MAX_LINE = 400;
const MAX_KINDS = 6;
const MAX_CHANGES = 3;
const MAX_EXCERPT = 120;

/**
 * Plain text of at most 4,000 characters: verdict, box, smallest change, three proofs, and how to see them. What does not
 * fit is left out from the end, a line at a time; what comes first always fits.
 */
export function briefReport(analysis: Analysis, options: DocumentOptions = {}): Iterable<string> {
  return shortened(briefLines(reportDocument(analysis, options)));
}

/** The same of two captures that were held against each other. */
export function comparisonBrief(comparison: Comparison, options: DocumentOptions = {}): Iterable<string> {
  return shortened(briefLines(comparisonDocument(comparison, options)));
}

function shortened(whole: Iterable<string>): string[] {
  const lines: string[] = [];
  const more = '(shortened; the whole report has the rest)\n';
  let left = BRIEF_LIMIT - more.length;
  for (const text of whole) {
    const line = `${cut(text, MAX_LINE)}\n`;
    if (line.length > left) {
      lines.push(more);
      break;
    }
    left -= line.length;
    lines.push(line);
  }
  return [lines.join('')];
}

function* briefLines(document: ReportDocument): Generator<string> {
  const { verdict, servers, comparison, excluded, notChecked, quality, seen, captures, places } = document;
  yield verdict;
  const [worst] = servers;
  if (!worst) {
    if (seen.smtp > 0) {
      // What was changed between two captures need not be a finding.
      if (!comparison) yield absenceText(seen);
      yield quality;
      if (!comparison && excluded) yield extentText(excluded.rules, notChecked);
    }
    yield* sources(captures);
    return;
  }
  const { name, findings, diagnoses, groups } = worst;
  yield '';
  yield `Server ${name}`;
  for (const diagnosis of diagnoses.slice(0, 2)) {
    yield `  ${printableText(diagnosis.summary)} (${surenessOf(diagnosis, false)})`;
  }
  const changes = changesOf(diagnoses);
  yield 'Change:';
  for (const change of (changes.length > 0 ? changes : remediesOf(findings)).slice(0, MAX_CHANGES)) {
    yield `  - ${change}`;
  }
  const proofs = comparison ? proofsOfBothSides(findings) : chosenProofs(findings);
  yield 'Proof:';
  for (const proof of proofs) yield `  ${proofText(proof, places.frame(proof))}`;
  for (const { capture, filter } of displayFilters(proofs)) {
    const which = comparison?.captureNames[capture] ?? fileOf(captures, capture);
    yield `  Wireshark${which === '' ? '' : `, ${which}`}: ${filter}`;
  }
  yield 'Seen:';
  for (const group of groups.slice(0, MAX_KINDS)) {
    const { title, confidence, proof } = group[0]!;
    const times = group.length > 1 ? ` (${thousands(group.length)})` : '';
    yield `  - ${printableText(title)}${times}: ${confidence}, ${PROOF[proof]}, ${plural(timesSeen(group).sessions, 'session')}`;
  }
  if (groups.length > MAX_KINDS) yield `  - and ${thousands(groups.length - MAX_KINDS)} more`;
  if (servers.length > 1) yield `And ${plural(servers.length - 1, 'more server')} with findings.`;
  const commands = commandsOf(diagnoses).slice(0, 3);
  if (commands.length > 0) yield 'To see it on the firewall:';
  for (const command of commands) yield `  ${printableText(command)}`;
  for (const box of diagnoses.flatMap(({ ruledOut }) => ruledOut).slice(0, 2))
    yield `Ruled out: ${printableText(box)}`;
  for (const what of diagnoses.flatMap(({ notProved }) => notProved).slice(0, 3))
    yield `Not proved: ${printableText(what)}`;
  yield* sources(captures);
}

/** The file in which a frame is found; empty where there is one alone. */
function fileOf(captures: readonly CaptureBlock[], index: number): string {
  const capture = captures.length > 1 ? captures[index] : undefined;
  return capture === undefined ? '' : fileName(capture.file);
}

function proofText({ time, direction, excerpt, note }: Evidence, where: string): string {
  const way = direction === 'client' ? 'client -> server' : 'server -> client';
  const remark = note === '' ? '' : ` (${printableOctets(note)})`;
  return `${where}${clock(time)}, ${way}: ${cut(printableOctets(excerpt), MAX_EXCERPT)}${remark}`;
}

function clock(time: Timestamp | null): string {
  const text = formatTimestamp(time && { ...time, digits: Math.min(3, time.digits) });
  return text === null ? '' : ` ${text}`;
}

function* sources([first, ...others]: readonly CaptureBlock[]): Generator<string> {
  if (!first) return;
  const more = others.length > 0 ? ` and ${thousands(others.length)} more` : '';
  yield `From ${fileName(first.file)}${more}. Times are UTC.`;
}

function cut(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}
