import type { Analysis, CaptureResult } from '../../analyze.js';
import { formatTimestamp, type Timestamp } from '../../capture/timestamp.js';
import type { Diagnosis } from '../../diagnose/diagnosis.js';
import type { Evidence, Finding } from '../../finding/finding.js';
import { enumerate, plural, thousands } from '../../finding/words.js';
import type { JoinedLine } from '../../syslog/joiner.js';
import { inPieces } from '../chunked.js';
import { textWidth } from '../columns.js';
import { displayFilters } from '../document/display-filter.js';
import {
  byReason,
  byRule,
  byServer,
  captureName,
  inOrder,
  JOINED,
  LINK_TYPES,
  namedSessions,
  naming,
  PROOF,
  toSeconds,
  unique,
} from '../document/grouping.js';
import { absenceText, quality } from '../document/quality.js';
import { printableOctets, printableText } from '../printable.js';
import { type Survey, survey } from '../session-counts.js';
import { verdict } from '../verdict.js';
import { type Span, type Style, TextLines } from './text-lines.js';

/** How the text is to look, and what was asked for. */
export interface TextOptions {
  /** With colour; without it there is no escape sequence in the report. */
  readonly color: boolean;
  /** Columns, at least 60. Default 80. */
  readonly width?: number;
  /** Ports that were looked at. */
  readonly ports?: readonly number[];
  /** Ids of the rules that were asked, in the order of the catalogue. */
  readonly rules?: readonly string[];
  /** The first paragraph; null: none, it was said already. Default: the verdict of the analysis. */
  readonly verdict?: null;
  /** Findings that the analysis no longer holds because they are less certain than was asked for. */
  readonly leftOut?: number;
  /** Directory of the evidence captures. */
  readonly evidence?: string;
  /** What each capture is called. Default: its number, where there are several. */
  readonly captureNames?: readonly string[];
}

/** Severity has a word, a shape and a colour: any two of them may be lost. */
const SEVERITY: Readonly<Record<Finding['severity'], Span>> = {
  high: ['■ HIGH', 'red'],
  medium: ['▲ MEDIUM', 'yellow'],
  low: ['● LOW', 'cyan'],
  info: ['○ NOTE', 'dim'],
};

const ACTOR: Readonly<Record<Diagnosis['actor']['kind'], string>> = {
  appliance: 'An appliance',
  undecided: 'Not decidable',
};

/** Findings of one rule and server that are told one by one; the JSON report has them all. */
const MAX_TOLD = 20;
const MAX_PROOFS = 20;
const EXCERPT_ROWS = 3;
const MAX_NAMED = 6;
const MAX_PROBLEMS = 10;

/**
 * The report for people: the verdict first, then for each server the findings with their packets and what to
 * change, then what was looked at, what was not found, and what could not be judged.
 *
 * No line is wider than `width`. Text of packets and names of files are made printable.
 *
 * @example for (const piece of textReport(analysis, { color: false })) process.stdout.write(piece);
 */
export function textReport(analysis: Analysis, options: TextOptions): Iterable<string> {
  return inPieces(textLines(analysis, options));
}

/** The report line by line. */
export function textLines(analysis: Analysis, options: TextOptions): Iterable<string> {
  return new TextReport(analysis, options).lines();
}

class TextReport {
  private readonly page: TextLines;
  /** Several days are covered: times need their date. */
  private readonly dated: boolean;

  constructor(
    private readonly analysis: Analysis,
    private readonly options: TextOptions,
  ) {
    this.page = new TextLines(options.width ?? 80, options.color);
    const times = analysis.captures.flatMap(({ facts }) => [facts.first, facts.last]);
    const days = times.map((time) => formatTimestamp(time)?.slice(0, 10)).filter((day) => day !== undefined);
    this.dated = new Set(days).size > 1;
  }

  *lines(): Generator<string> {
    const { analysis, page } = this;
    const seen = survey(analysis);
    const serious = analysis.findings.some((finding) => finding.severity !== 'info');
    const clean = !serious && seen.smtp > 0 && seen.partly === 0;
    if (this.options.verdict !== null) {
      yield page.paragraph(
        verdict(analysis, seen, this.options.leftOut ?? 0),
        '',
        serious ? 'bold' : clean ? 'green' : 'yellow',
      );
    }
    for (const [server, findings] of byServer(analysis.findings)) yield* this.server(server, findings);
    yield* this.firewallLog();
    yield* this.captures(seen);
    yield* this.silentRules(seen);
    yield* this.notJudged();
    if (serious) {
      yield* this.heading('How to check that a change worked');
      yield page.paragraph(
        'Capture again while the same kind of mail passes, and run mailwitness on it: the findings above must be gone.',
        '  ',
      );
    }
  }

  private *heading(text: string): Generator<string> {
    yield '\n';
    yield this.page.line([text, 'bold']);
  }

  private *server(server: string, findings: readonly Finding[]): Generator<string> {
    const { page } = this;
    const sessions = new Set(findings.flatMap((finding) => finding.sessions)).size;
    yield '\n';
    yield page.spread(
      [[`Server ${server}`, 'bold']],
      [`${plural(findings.length, 'finding')} in ${plural(sessions, 'session')}`],
      '─',
    );
    const [{ server: endpoint }] = findings as readonly [Finding];
    const diagnoses = this.analysis.diagnoses.filter(
      (one) => one.server.address === endpoint.address && one.server.port === endpoint.port,
    );
    for (const diagnosis of diagnoses) yield* this.diagnosis(diagnosis);
    for (const group of byRule(findings)) yield* this.group(group);
  }

  private *diagnosis(diagnosis: Diagnosis): Generator<string> {
    const { page } = this;
    yield '\n';
    const [first, ...others] = diagnosis.proved;
    const rests = first ? `; ${PROOF[first.proof]}, ${naming(first.findings)}` : '';
    yield page.paragraph(
      `${printableText(diagnosis.summary)} (${diagnosis.confidence}${rests})`,
      '  ',
      'bold',
    );
    for (const { what, proof, findings } of others) {
      yield page.paragraph(`${printableText(what)} (${PROOF[proof]}, ${naming(findings)})`, '  Also: ');
    }
    const { kind, why } = diagnosis.actor;
    yield page.paragraph(`${ACTOR[kind]}. ${printableText(why)}`, '  Appliance or attacker: ');
    for (const box of diagnosis.ruledOut) yield page.paragraph(printableText(box), '  Ruled out: ');
    for (const change of diagnosis.smallestChange) {
      yield page.paragraph(printableText(change), '  Smallest change: ', 'green');
    }
    yield page.paragraph(diagnosis.notProved.join(' '), '  Not proved: ', 'dim');
    if (diagnosis.verify.length === 0) return;
    yield page.line(['  To see it on the box:']);
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
    const told = findings.slice(0, MAX_TOLD);
    for (const { message, args } of told) {
      yield page.paragraph(printableOctets(message), findings.length > 1 ? '  - ' : '  ');
      yield* this.attempts(args.attempts);
    }
    if (findings.length > told.length) {
      yield page.paragraph(`and ${thousands(findings.length - told.length)} more like these`, '  - ', 'dim');
    }
    yield '\n';
    const evidence = inOrder(told.flatMap((one) => one.evidence)).slice(0, MAX_PROOFS);
    yield* this.proofs(evidence);
    yield* this.filters(evidence);
    yield* this.witnesses(told);
    yield* this.evidenceFiles(findings);
    yield '\n';
    for (const [index, remedy] of unique(findings.flatMap((one) => one.remedy)).entries()) {
      yield page.paragraph(printableOctets(remedy), index === 0 ? '  Change: ' : '          ', 'green');
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
    const again = new Map<string, string[]>();
    const firsts: { proof: Evidence; head: string; others: string[] }[] = [];
    for (const proof of evidence) {
      const key = `${proof.direction} ${proof.excerpt} ${proof.note}`;
      const others = again.get(key);
      if (others) {
        const time = this.clock(proof.time);
        others.push(`${this.place(proof)}${time === '' ? '' : ` (${time})`}`);
        continue;
      }
      const first = { proof, head: this.frame(proof), others: [] };
      again.set(key, first.others);
      firsts.push(first);
    }
    for (const [index, { proof, head, others }] of firsts.entries()) {
      if (head !== firsts[index - 1]?.head) yield this.page.line([head, 'cyan']);
      yield* this.excerpt(proof);
      const next = firsts[index + 1];
      // Lines of one reply that came again in another: said once, after the last of them.
      if (next?.head === head && next.others.join() === others.join()) continue;
      if (others.length > 0) yield this.page.paragraph(`the same in ${enumerate(others)}`, '      ', 'dim');
    }
  }

  /** Not broken at the edge: they are to be pasted. */
  private *filters(evidence: readonly Evidence[]): Generator<string> {
    for (const { capture, filter } of displayFilters(evidence)) {
      const which = captureName(this.analysis, this.options.captureNames, capture);
      yield `    Wireshark${which === '' ? '' : `, ${which}`}: ${filter}\n`;
    }
  }

  private *evidenceFiles(findings: readonly Finding[]): Generator<string> {
    const { evidence } = this.options;
    const names = findings.flatMap(({ evidenceFile }) => evidenceFile ?? []);
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

  /** Lines of the firewall's log that say what was found; all others stand in the section of their own. */
  private *witnesses(findings: readonly Finding[]): Generator<string> {
    const confirming = findings.flatMap(
      ({ witnesses }) => witnesses?.filter(({ confirms }) => confirms) ?? [],
    );
    const lines = new Map(confirming.map((witness) => [witness.line, witness]));
    for (const { line, text, joinedBy } of [...lines.values()].slice(0, MAX_NAMED)) {
      yield this.page.line([`    the firewall's log, line ${line}`, 'cyan']);
      yield this.page.paragraph(`${printableOctets(text)} (${JOINED[joinedBy]})`, '      ');
    }
  }

  private *firewallLog(): Generator<string> {
    const { page } = this;
    const log = this.analysis.firewallLog;
    if (log === null) return;
    yield* this.heading("The firewall's own log says");
    yield page.paragraph(printableText(log.file), '  ');
    const limit = log.dropped > 0 ? `, and ${thousands(log.dropped)} beyond the limit` : '';
    const others = log.notJoined > 0 ? `, ${thousands(log.notJoined)} of them joined to no session here` : '';
    yield page.paragraph(
      `${plural(log.lines, 'line')}, ${thousands(log.ignored)} of them ignored; ${plural(log.records.length, 'message')} of 108002 to 108007${limit}${others}`,
      '    ',
      'dim',
    );
    const lines = new Map<number, JoinedLine[]>();
    for (const joined of log.joined) {
      const list = lines.get(joined.record.line);
      if (list) list.push(joined);
      else lines.set(joined.record.line, [joined]);
    }
    for (const [line, joined] of [...lines].slice(0, MAX_TOLD)) {
      const [{ record, joinedBy }] = joined as [JoinedLine];
      const sessions = namedSessions(joined.map(({ session }) => session));
      yield page.paragraph(`line ${line}, ${sessions} (${JOINED[joinedBy]})`, '  - ');
      yield page.paragraph(printableOctets(record.text), '    ');
    }
    if (lines.size > MAX_TOLD) {
      yield page.paragraph(`and ${thousands(lines.size - MAX_TOLD)} more such lines`, '  - ', 'dim');
    }
  }

  private place({ capture, packet }: Evidence): string {
    return `${captureName(this.analysis, this.options.captureNames, capture)} frame ${packet}`.trimStart();
  }

  private frame(evidence: Evidence): string {
    const way = evidence.direction === 'client' ? 'client → server' : 'server → client';
    return `    ${[this.place(evidence), this.clock(evidence.time), way].filter(Boolean).join('  ')}`;
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

  private *captures(seen: ReturnType<typeof survey>): Generator<string> {
    const { captures } = this.analysis;
    yield* this.heading(captures.length === 1 ? 'Capture' : 'Captures');
    for (const [index, capture] of captures.entries()) {
      const name = this.options.captureNames?.[index] ?? index + 1;
      yield* this.capture(capture, captures.length > 1 ? `  ${name}  ` : '  ');
    }
    const others = seen.other > 0 ? `, and ${plural(seen.other, 'connection')} without SMTP` : '';
    const ports = this.options.ports?.length ? ` Ports looked at: ${this.options.ports.join(', ')}.` : '';
    yield this.page.paragraph(
      `${plural(seen.smtp, 'SMTP session')} with ${plural(seen.messages, 'message')}${others}${this.options.captureNames ? ', both captures together' : ''}.${ports} Times are UTC.`,
      '  ',
    );
  }

  private *capture({ file, facts, skipped }: CaptureResult, lead: string): Generator<string> {
    const { page } = this;
    const indent = ' '.repeat(lead.length + 2);
    yield page.paragraph(file === '-' ? 'standard input' : printableText(file), lead);
    const say = (text: string, style: Style = 'dim'): string => page.paragraph(text, indent, style);
    if (facts.packets > 0 || facts.problems.length === 0) {
      const links = unique(facts.linkTypes.map((type) => LINK_TYPES[type] ?? `link type ${type}`));
      const what = [facts.format, ...links, plural(facts.packets, 'packet'), plural(facts.bytes, 'octet')];
      yield say(what.join(', '));
      const [first, last] = [toSeconds(facts.first), toSeconds(facts.last)];
      if (first) yield say(last && last !== first ? `${first} to ${last}` : first);
    }
    const reasons = Object.entries(skipped).map(
      ([reason, count]) => `${thousands(count)} ${printableOctets(reason)}`,
    );
    if (reasons.length > 0) yield say(`packets left aside: ${reasons.join(', ')}`);
    if (facts.truncated)
      yield say('! Its last packet is cut short: the capturer was stopped while it wrote.', 'yellow');
    for (const problem of facts.problems.slice(0, MAX_PROBLEMS)) {
      const where = [
        ...(problem.packet === undefined ? [] : [`frame ${problem.packet}`]),
        ...(problem.offset === undefined ? [] : [`octet ${thousands(problem.offset)}`]),
      ];
      const place = where.length > 0 ? `${where.join(', ')}: ` : '';
      yield say(`! ${place}${printableText(problem.message)} [${printableText(problem.code)}]`, 'red');
    }
    const more = facts.problems.length - MAX_PROBLEMS;
    if (more > 0) yield say(`! and ${plural(more, 'more problem', 'more problems')}`, 'red');
  }

  /** What was ruled out, as far as the sessions could be judged. */
  private *silentRules(seen: Survey): Generator<string> {
    const spoken = new Set(this.analysis.findings.map((finding) => finding.rule));
    const silent = (this.options.rules ?? []).filter((rule) => !spoken.has(rule));
    if (silent.length === 0 || seen.smtp === 0) return;
    yield* this.heading('Looked for and not found');
    yield this.page.paragraph(`${absenceText(seen)} ${quality(this.analysis, seen)}`, '  ');
    yield this.page.paragraph(`${silent.join(', ')}.`, '  ');
  }

  private *notJudged(): Generator<string> {
    const groups = byReason(this.analysis.notAssessed);
    if (groups.size === 0) return;
    yield* this.heading('Not judged: absent, or cannot tell');
    for (const [reason, entries] of groups) {
      const details = unique(entries.map((entry) => entry.detail));
      const sessions = entries.map((entry) => entry.session).filter((session) => session !== null);
      const whom = sessions.length > 0 ? ` (${namedSessions(sessions)})` : '';
      const more = details.length > 1 ? ` And ${thousands(details.length - 1)} more of the kind.` : '';
      yield this.page.paragraph(
        `${printableOctets(reason)}${whom}: ${printableOctets(details[0] ?? '')}${more}`,
        '  - ',
      );
    }
  }

  private clock(time: Timestamp | null): string {
    const text = formatTimestamp(time && { ...time, digits: Math.min(3, time.digits) });
    if (text === null) return '';
    return this.dated ? text.slice(0, -1).replace('T', ' ') : text.slice(11, -1);
  }
}

/** Rule, ids, sessions, symptoms, sources: what one needs to look it up elsewhere. */
function provenance(findings: readonly Finding[]): string {
  const [first] = findings as readonly [Finding];
  const ids = naming(findings.map(({ id }) => id));
  const mark = findings.length === 1 ? `, fingerprint ${first.fingerprint}` : '';
  const sessions = unique(findings.flatMap((finding) => finding.sessions)).sort(
    (a, b) => Number(a.slice(1)) - Number(b.slice(1)),
  );
  const count = findings.reduce((sum, finding) => sum + finding.count, 0);
  const times = count > sessions.length && findings.length === 1 ? `, ${thousands(count)} times` : '';
  const symptoms = unique(findings.flatMap((finding) => finding.symptoms)).map(
    (symptom) => symptom.split('/')[1]!,
  );
  const references = unique(findings.flatMap((finding) => finding.references)).map((reference) =>
    reference === 'KB 320027' && symptoms.length > 0
      ? `KB 320027 (${symptoms.length === 1 ? 'symptom' : 'symptoms'} ${enumerate(symptoms)})`
      : printableText(reference),
  );
  const proof = enumerate(unique(findings.map((finding) => PROOF[finding.proof])));
  return `${proof.charAt(0).toUpperCase()}${proof.slice(1)}. ${first.rule} (${ids}${mark}) in ${namedSessions(sessions)}${times}. ${references.join(', ')}.`;
}
