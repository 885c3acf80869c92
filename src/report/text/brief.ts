import type { Analysis } from '../../analyze.js';
import { formatTimestamp, type Timestamp } from '../../capture/timestamp.js';
import type { Comparison } from '../../compare/compare.js';
import type { Evidence, Finding } from '../../finding/finding.js';
import { plural, thousands } from '../../finding/words.js';
import { captureNames, comparisonVerdict } from '../document/comparison-words.js';
import { displayFilters } from '../document/display-filter.js';
import { byRule, byServer, captureName, inOrder, PROOF, unique } from '../document/grouping.js';
import { absenceText, quality } from '../document/quality.js';
import { printableOctets, printableText } from '../printable.js';
import { survey } from '../session-counts.js';
import type { TicketOptions } from '../ticket/ticket.js';
import { fileName, verdict } from '../verdict.js';

/** Characters of the whole report: what a form or a chat takes. */
export const BRIEF_LIMIT = 4000;

const MAX_LINE = 400;
const MAX_KINDS = 6;
const MAX_CHANGES = 3;
const PROOFS = 3;
const MAX_EXCERPT = 120;

/**
 * Plain text of at most 4,000 characters: verdict, box, smallest change, three proofs, and how to see them. What does not
 * fit is left out from the end, a line at a time; what comes first always fits.
 */
export function briefReport(analysis: Analysis, options: TicketOptions = {}): Iterable<string> {
  const lines: string[] = [];
  const more = '(shortened; the whole report has the rest)\n';
  let left = BRIEF_LIMIT - more.length;
  for (const whole of briefLines(analysis, options)) {
    const line = `${cut(whole, MAX_LINE)}\n`;
    if (line.length > left) {
      lines.push(more);
      break;
    }
    left -= line.length;
    lines.push(line);
  }
  return [lines.join('')];
}

/** The same of two captures that were held against each other. */
export function comparisonBrief(comparison: Comparison, options: TicketOptions = {}): Iterable<string> {
  const compared = {
    verdict: comparisonVerdict(comparison),
    opening: [],
    captureNames: captureNames(comparison),
    verify: [],
  };
  return briefReport(comparison.analysis, { ...options, compared });
}

function* briefLines(analysis: Analysis, options: TicketOptions): Generator<string> {
  const seen = survey(analysis);
  const names = options.compared?.captureNames;
  yield options.compared?.verdict ?? verdict(analysis, seen, options.leftOut ?? 0);
  const servers = byServer(analysis.findings);
  const [worst] = servers;
  if (!worst) {
    if (seen.smtp > 0) {
      // What was changed between two captures need not be a finding.
      if (!options.compared) yield absenceText(seen);
      yield quality(analysis, seen);
    }
    yield* files(analysis);
    return;
  }
  const [server, findings] = worst;
  const { address, port } = findings[0]!.server;
  const diagnoses = analysis.diagnoses.filter(
    (one) => one.server.address === address && one.server.port === port,
  );
  yield '';
  yield `Server ${server}`;
  for (const { summary, confidence, proved } of diagnoses.slice(0, 2)) {
    const rests = proved[0] ? `; ${PROOF[proved[0].proof]}` : '';
    yield `  ${printableText(summary)} (${confidence}${rests})`;
  }
  const changes = unique(diagnoses.flatMap(({ smallestChange }) => smallestChange));
  const remedies = changes.length > 0 ? changes : unique(findings.flatMap(({ remedy }) => remedy));
  yield 'Change:';
  for (const change of remedies.slice(0, MAX_CHANGES)) yield `  - ${printableOctets(change)}`;
  const proofs = options.compared ? proofsOfBothSides(findings) : chosenProofs(findings);
  yield 'Proof:';
  for (const proof of proofs)
    yield `  ${proofText(proof, `${captureName(analysis, names, proof.capture)} frame`.trimStart())}`;
  for (const { capture, filter } of displayFilters(proofs)) {
    const file = analysis.captures.length > 1 ? analysis.captures[capture]?.file : undefined;
    const which = names?.[capture] ?? (file === undefined ? '' : fileName(file));
    yield `  Wireshark${which === '' ? '' : `, ${which}`}: ${filter}`;
  }
  const kinds = byRule(findings);
  yield 'Seen:';
  for (const group of kinds.slice(0, MAX_KINDS)) {
    const { title, confidence, proof } = group[0]!;
    const sessions = new Set(group.flatMap((finding) => finding.sessions)).size;
    const times = group.length > 1 ? ` (${thousands(group.length)})` : '';
    yield `  - ${printableText(title)}${times}: ${confidence}, ${PROOF[proof]}, ${plural(sessions, 'session')}`;
  }
  if (kinds.length > MAX_KINDS) yield `  - and ${thousands(kinds.length - MAX_KINDS)} more`;
  if (servers.length > 1) yield `And ${plural(servers.length - 1, 'more server')} with findings.`;
  const commands = unique(diagnoses.flatMap(({ verify }) => verify)).slice(0, 3);
  if (commands.length > 0) yield 'To see it on the firewall:';
  for (const command of commands) yield `  ${printableText(command)}`;
  for (const box of diagnoses.flatMap(({ ruledOut }) => ruledOut).slice(0, 2))
    yield `Ruled out: ${printableText(box)}`;
  for (const what of diagnoses.flatMap(({ notProved }) => notProved).slice(0, 3))
    yield `Not proved: ${printableText(what)}`;
  yield* files(analysis);
}

/** Of the kinds of findings in turn, most severe first: three that show different octets. */
function chosenProofs(findings: readonly Finding[]): Evidence[] {
  const chosen = new Map<string, Evidence>();
  const rows = byRule(findings).map((group) => inOrder(group.flatMap(({ evidence }) => evidence)));
  for (let place = 0; chosen.size < PROOFS && rows.some((row) => place < row.length); place++) {
    for (const row of rows) {
      const proof = row[place];
      if (proof && chosen.size < PROOFS && !chosen.has(proof.excerpt)) chosen.set(proof.excerpt, proof);
    }
  }
  return inOrder([...chosen.values()]);
}

/** Of each kind of finding in turn: as it was sent, and as it arrived. */
function proofsOfBothSides(findings: readonly Finding[]): Evidence[] {
  const kinds = byRule(findings).slice(0, PROOFS);
  return inOrder(kinds.flatMap(([first]) => first!.evidence.slice(0, 2)));
}

function proofText({ packet, time, direction, excerpt, note }: Evidence, frame: string): string {
  const where = `${frame} ${packet}`;
  const way = direction === 'client' ? 'client -> server' : 'server -> client';
  const remark = note === '' ? '' : ` (${printableOctets(note)})`;
  return `${where}${clock(time)}, ${way}: ${cut(printableOctets(excerpt), MAX_EXCERPT)}${remark}`;
}

function clock(time: Timestamp | null): string {
  const text = formatTimestamp(time && { ...time, digits: Math.min(3, time.digits) });
  return text === null ? '' : ` ${text}`;
}

function* files({ captures }: Analysis): Generator<string> {
  const [first] = captures;
  if (!first) return;
  const more = captures.length > 1 ? ` and ${thousands(captures.length - 1)} more` : '';
  yield `From ${fileName(first.file)}${more}. Times are UTC.`;
}

function cut(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}
