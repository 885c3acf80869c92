import type { Analysis } from '../../analyze.js';
import type { Comparison } from '../../compare/compare.js';
import type { Diagnosis } from '../../diagnose/diagnosis.js';
import type { Evidence, Finding } from '../../finding/finding.js';
import { enumerate, plural, thousands } from '../../finding/words.js';
import { asciiWhole } from '../ascii.js';
import { inPieces } from '../chunked.js';
import { textWidth } from '../columns.js';
import { type CaptureBlock, sessionsText } from '../document/capture-block.js';
import { displayFilters } from '../document/display-filter.js';
import {
  comparisonDocument,
  type DocumentOptions,
  type ExcludedBlock,
  type ReportDocument,
  reportDocument,
  type ServerBlock,
} from '../document/document.js';
import {
  actorText,
  confirmingLines,
  evidenceFilesOf,
  evidenceOf,
  referencesOf,
  remediesOf,
  sessionNames,
  shownOnce,
  surenessOf,
  timesSeen,
} from '../document/finding-group.js';
import type { FirewallLogBlock } from '../document/firewall-log-block.js';
import { JOINED, namedSessions, naming, PROOF, unique } from '../document/grouping.js';
import type { Places } from '../document/places.js';
import type { Unchecked } from '../document/quality.js';
import type { NotCheckedBlock } from '../document/silent-rules.js';
import { type Traffic, TrafficCounter } from '../document/traffic.js';
import { printableOctets, printableText } from '../printable.js';
import { survey } from '../session-counts.js';
import { comparisonLines } from './comparison-text.js';
import { Screen } from './screen.js';
import { type Span, type Style, TextLines } from './text-lines.js';

/** How the text is to look, and what was asked for. */
export interface TextOptions extends DocumentOptions {
  /** With colour; without it there is no escape sequence in the report. */
  readonly color: boolean;
  /** Columns, at least 60. Default 80. */
  readonly width?: number;
  /** Everything that was found, instead of one screen. */
  readonly details?: boolean;
  /** Nothing but ASCII, for a terminal that shows no more. */
  readonly ascii?: boolean;
}

/** Severity has a word, a shape and a colour: any two of them may be lost. */
const SEVERITY: Readonly<Record<Finding['severity'], Span>> = {
  high: ['■ HIGH', 'red'],
  medium: ['▲ MEDIUM', 'yellow'],
  low: ['● LOW', 'cyan'],
  info: ['○ NOTE', 'dim'],
};

/** Findings of one rule and server that stand one by one; the JSON report has them all. */
const MAX_SHOWN = 20;
const MAX_PROOFS = 20;
const EXCERPT_ROWS = 3;
const MAX_NAMED = 6;
const MAX_PROBLEMS = 10;

/**
 * The report for people, on one screen: who does what to mail and how sure that is, the findings in a line each, the
 * octets that prove it, what to change, what is not certain. With `details` all of it: for each server each finding with
 * its packets, then what was looked at, what was not found, and what could not be judged.
 *
 * No line is wider than `width`, but for lines that are to be pasted. Text of packets and names of files are made
 * printable.
 *
 * @example for (const piece of textReport(analysis, { color: false })) process.stdout.write(piece);
 */
export function textReport(analysis: Analysis, options: TextOptions): Iterable<string> {
  const traffic = new TrafficCounter(analysis);
  const seen = survey(analysis, (session) => traffic.session(session));
  return written(reportDocument(analysis, options, seen), traffic, options);
}

/** What changed between two captures, with both sides beside each other, then the same as of one capture. */
export function comparisonText(comparison: Comparison, options: TextOptions): Iterable<string> {
  const traffic = new TrafficCounter(comparison.analysis);
  const seen = survey(comparison.analysis, (session) => traffic.session(session));
  return written(comparisonDocument(comparison, options, seen), traffic, options);
}

function written(document: ReportDocument, traffic: Traffic, options: TextOptions): Iterable<string> {
  const page = new TextLines(options.width ?? 80, options.color);
  const report = options.details ? new TextReport(document, page) : new Screen(document, traffic, page);
  return inPieces(options.ascii ? inAscii(report.lines()) : report.lines());
}

function* inAscii(lines: Iterable<string>): Generator<string> {
  for (const line of lines) yield asciiWhole(line);
}

class TextReport {
  private readonly places: Places;

  constructor(
    private readonly document: ReportDocument,
    private readonly page: TextLines,
  ) {
    this.places = document.places;
  }

  *lines(): Generator<string> {
    const { document, page } = this;
    const { comparison, servers, firewallLog, excluded, notChecked, unchecked } = document;
    yield page.paragraph(document.verdict, '', this.verdictStyle());
    if (comparison) yield* comparisonLines(comparison, page);
    for (const server of servers) yield* this.server(server);
    if (firewallLog) yield* this.firewallLog(firewallLog);
    yield* this.captures();
    if (excluded) yield* this.excluded(excluded);
    if (notChecked.length > 0) yield* this.notChecked(notChecked);
    if (unchecked.length > 0) yield* this.unchecked(unchecked);
    if (document.outcome === 'found') {
      yield* this.heading('How to check that a change worked');
      yield page.paragraph(
        'Capture again while the same kind of mail passes, and run mailwitness on it: the findings above must be gone.',
        '  ',
      );
    }
  }

  private verdictStyle(): Style {
    const { comparison, outcome } = this.document;
    if (comparison) return comparison.pairs === 0 ? 'yellow' : comparison.changed > 0 ? 'bold' : 'green';
    return outcome === 'found' ? 'bold' : outcome === 'clean' ? 'green' : 'yellow';
  }

  private *heading(text: string): Generator<string> {
    yield '\n';
    yield this.page.line([text, 'bold']);
  }

  private *server({ name, findings, sessions, diagnoses, groups }: ServerBlock): Generator<string> {
    yield '\n';
    yield this.page.spread(
      [[`Server ${name}`, 'bold']],
      [`${plural(findings.length, 'finding')} in ${plural(sessions, 'session')}`],
      '─',
    );
    for (const diagnosis of diagnoses) yield* this.diagnosis(diagnosis);
    for (const group of groups) yield* this.group(group);
  }

  private *diagnosis(diagnosis: Diagnosis): Generator<string> {
    const { page } = this;
    yield '\n';
    yield page.paragraph(
      `${printableText(diagnosis.summary)} (${surenessOf(diagnosis, true)})`,
      '  ',
      'bold',
    );
    for (const { what, proof, findings } of diagnosis.proved.slice(1)) {
      yield page.paragraph(`${printableText(what)} (${PROOF[proof]}, ${naming(findings)})`, '  Also: ');
    }
    yield page.paragraph(actorText(diagnosis), '  ');
    for (const box of diagnosis.ruledOut) yield page.paragraph(printableText(box), '  Ruled out: ');
    for (const change of diagnosis.smallestChange) {
      yield page.paragraph(printableText(change), '  Smallest change: ', 'green');
    }
    yield page.paragraph(diagnosis.notProved.join(' '), '  Not proved: ', 'dim');
    if (diagnosis.verify.length === 0) return;
    yield page.line(['  To see it on the firewall:']);
    // Not broken at the edge: they are to be pasted. They hold an address that was checked, and nothing else of packets.
    for (const command of diagnosis.verify) yield `    ${command}\n`;
  }

  /** Findings of one rule with one severity and confidence: the same heading, the same advice. */
  private *group(findings: readonly Finding[]): Generator<string> {
    const { page } = this;
    const [finding] = findings;
    if (!finding) return;
    const [mark, style] = SEVERITY[finding.severity];
    const times = findings.length > 1 ? ` (${findings.length})` : '';
    yield '\n';
    yield page.line(
      [mark, style],
      [` ${finding.confidence}  `],
      [`${printableOctets(finding.title)}${times}`, 'bold'],
    );
    const shown = findings.slice(0, MAX_SHOWN);
    for (const { message, args } of shown) {
      yield page.paragraph(printableOctets(message), findings.length > 1 ? '  - ' : '  ');
      yield* this.attempts(args.attempts);
    }
    if (findings.length > shown.length) {
      yield page.paragraph(`and ${thousands(findings.length - shown.length)} more like these`, '  - ', 'dim');
    }
    yield '\n';
    const evidence = evidenceOf(shown, MAX_PROOFS);
    yield* this.proofs(evidence);
    yield* this.filters(evidence);
    yield* this.witnesses(shown);
    yield* this.evidenceFiles(findings);
    yield '\n';
    for (const [index, remedy] of remediesOf(findings).entries()) {
      yield page.paragraph(remedy, index === 0 ? '  Change: ' : '          ', 'green');
    }
    yield page.paragraph(provenance(findings), '  ', 'dim');
  }

  /** The table of attempts that some findings have, a row to a line. */
  private *attempts(rows: Finding['args'][string] | undefined): Generator<string> {
    if (!Array.isArray(rows)) return;
    yield '\n';
    for (const row of rows) yield this.page.paragraph(printableOctets(row), '    - ');
  }

  /** Evidence of one frame stands under one line that names it; what was seen again is not shown again. */
  private *proofs(evidence: readonly Evidence[]): Generator<string> {
    const proofs = shownOnce(evidence).map(({ first, again }) => ({
      first,
      head: `    ${this.places.line(first)}`,
      others: again.map((one) => this.placeAndTime(one)),
    }));
    for (const [index, { first, head, others }] of proofs.entries()) {
      if (head !== proofs[index - 1]?.head) yield this.page.line([head, 'cyan']);
      yield* this.excerpt(first);
      const next = proofs[index + 1];
      // Lines of one reply that came again in another: the repetition is named once, after the last of them.
      if (next?.head === head && next.others.join() === others.join()) continue;
      if (others.length > 0) yield this.page.paragraph(`the same in ${enumerate(others)}`, '      ', 'dim');
    }
  }

  private placeAndTime(evidence: Evidence): string {
    const time = this.places.clock(evidence.time);
    return `${this.places.frame(evidence)}${time === '' ? '' : ` (${time})`}`;
  }

  /** Not broken at the edge: they are to be pasted. */
  private *filters(evidence: readonly Evidence[]): Generator<string> {
    for (const { capture, filter } of displayFilters(evidence)) {
      const which = this.places.capture(capture);
      yield `    Wireshark${which === '' ? '' : `, ${which}`}: ${filter}\n`;
    }
  }

  private *evidenceFiles(findings: readonly Finding[]): Generator<string> {
    const { evidence } = this.document;
    const names = evidenceFilesOf(findings);
    if (evidence === undefined || names.length === 0) return;
    const folder = printableText(evidence.endsWith('/') ? evidence : `${evidence}/`);
    const more = names.length > MAX_NAMED ? ` and ${thousands(names.length - MAX_NAMED)} more` : '';
    const [first, ...others] = names.slice(0, MAX_NAMED);
    yield this.page.paragraph(
      `packets: ${[`${folder}${first}`, ...others].join(', ')}${more}`,
      '    ',
      'dim',
    );
  }

  /** Lines of the firewall's log that confirm what was found; all others stand in the section of their own. */
  private *witnesses(findings: readonly Finding[]): Generator<string> {
    for (const { line, text, joinedBy } of confirmingLines(findings).slice(0, MAX_NAMED)) {
      yield this.page.line([`    the firewall's log, line ${line}`, 'cyan']);
      yield this.page.paragraph(`${printableOctets(text)} (${JOINED[joinedBy]})`, '      ');
    }
  }

  private *firewallLog(log: FirewallLogBlock): Generator<string> {
    const { page } = this;
    yield* this.heading("The firewall's own log says");
    yield page.paragraph(printableText(log.file), '  ');
    const limit = log.dropped > 0 ? `, and ${thousands(log.dropped)} beyond the limit` : '';
    const others = log.notJoined > 0 ? `, ${thousands(log.notJoined)} of them joined to no session here` : '';
    yield page.paragraph(
      `${plural(log.lines, 'line')}, ${thousands(log.ignored)} of them ignored; ${plural(log.messages, 'message')} of 108002 to 108007${limit}${others}`,
      '    ',
      'dim',
    );
    for (const { line, text, joined } of log.entries.slice(0, MAX_SHOWN)) {
      const sessions = namedSessions(joined.map(({ session }) => session));
      yield page.paragraph(`line ${line}, ${sessions} (${JOINED[joined[0].joinedBy]})`, '  - ');
      yield page.paragraph(printableOctets(text), '    ');
    }
    const more = log.entries.length - MAX_SHOWN;
    if (more > 0) yield page.paragraph(`and ${thousands(more)} more such lines`, '  - ', 'dim');
  }

  private *excerpt({ excerpt, note }: Evidence): Generator<string> {
    const { page } = this;
    const indent = '      ';
    const text = printableOctets(excerpt);
    const remark = note === '' ? '' : `(${printableOctets(note)})`;
    const room = page.width - indent.length - textWidth(text) - 2;
    if (text !== '' && remark !== '' && textWidth(remark) <= room) {
      yield page.line([`${indent}${text}  `], [remark, 'dim']);
      return;
    }
    yield page.verbatim(text, indent, EXCERPT_ROWS);
    if (remark !== '') yield page.paragraph(remark, indent, 'dim');
  }

  private *captures(): Generator<string> {
    const { captures, comparison, ports, seen } = this.document;
    yield* this.heading(captures.length === 1 ? 'Capture' : 'Captures');
    for (const capture of captures) {
      yield* this.capture(capture, captures.length > 1 ? `  ${capture.name}  ` : '  ');
    }
    const looked = ports.length > 0 ? ` Ports looked at: ${ports.join(', ')}.` : '';
    yield this.page.paragraph(
      `${sessionsText(seen)}${comparison ? ', both captures together' : ''}.${looked} Times are UTC.`,
      '  ',
    );
  }

  private *capture(capture: CaptureBlock, lead: string): Generator<string> {
    const { page } = this;
    const { file, first, last, aside, problems } = capture;
    const indent = ' '.repeat(lead.length + 2);
    const line = (text: string, style: Style = 'dim'): string => page.paragraph(text, indent, style);
    yield page.paragraph(file === '-' ? 'standard input' : printableText(file), lead);
    if (!capture.unreadable) {
      yield line([...capture.contents, capture.size].join(', '));
      if (first) yield line(last && last !== first ? `${first} to ${last}` : first);
    }
    if (aside.length > 0) yield line(`packets left aside: ${aside.join(', ')}`);
    if (capture.truncated)
      yield line('! Its last packet is cut short: the capturer was stopped while it wrote.', 'yellow');
    for (const problem of problems.slice(0, MAX_PROBLEMS)) {
      const where = [
        ...(problem.packet === undefined ? [] : [`frame ${problem.packet}`]),
        ...(problem.offset === undefined ? [] : [`byte ${thousands(problem.offset)}`]),
      ];
      const place = where.length > 0 ? `${where.join(', ')}: ` : '';
      yield line(`! ${place}${printableText(problem.message)} [${printableText(problem.code)}]`, 'red');
    }
    const more = problems.length - MAX_PROBLEMS;
    if (more > 0) yield line(`! and ${plural(more, 'more problem', 'more problems')}`, 'red');
  }

  /** What was ruled out, as far as the sessions could be judged. */
  private *excluded({ absence, rules }: ExcludedBlock): Generator<string> {
    yield* this.heading('Looked for and not found');
    yield this.page.paragraph(`${absence} ${this.document.quality}`, '  ');
    yield this.page.paragraph(`${rules.map(({ id, extent }) => `${id}${extent}`).join(', ')}.`, '  ');
  }

  /** What the silence of the report does not speak of. */
  private *notChecked(blocks: readonly NotCheckedBlock[]): Generator<string> {
    yield* this.heading('Not checked');
    for (const { why, rules } of blocks) {
      yield this.page.paragraph(`${why}: ${rules.map(({ id }) => id).join(', ')}.`, '  ');
    }
  }

  private *unchecked(reasons: readonly Unchecked[]): Generator<string> {
    yield* this.heading('What could not be judged');
    for (const { reason, sessions, detail, details } of reasons) {
      const whom = sessions.length > 0 ? ` (${namedSessions(sessions)})` : '';
      const more = details > 1 ? ` And ${thousands(details - 1)} more of the kind.` : '';
      yield this.page.paragraph(`${reason}${whom}: ${detail}${more}`, '  - ');
    }
  }
}

/** Rule, ids, sessions, symptoms, sources: what one needs to look it up elsewhere. */
function provenance(findings: readonly Finding[]): string {
  const [first] = findings as readonly [Finding];
  const ids = naming(findings.map(({ id }) => id));
  const mark = findings.length === 1 ? `, fingerprint ${first.fingerprint}` : '';
  const { sessions, count } = timesSeen(findings);
  const times = count > sessions && findings.length === 1 ? `, ${thousands(count)} times` : '';
  const proof = enumerate(unique(findings.map((finding) => PROOF[finding.proof])));
  return `${proof.charAt(0).toUpperCase()}${proof.slice(1)}. ${first.rule} (${ids}${mark}) in ${sessionNames(findings)}${times}. ${referencesOf(findings)}.`;
}
