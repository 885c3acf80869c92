import type { Analysis, CaptureResult } from '../../analyze.js';
import { formatTimestamp, type Timestamp } from '../../capture/timestamp.js';
import type { Diagnosis } from '../../diagnose/diagnosis.js';
import type { Evidence, Finding } from '../../finding/finding.js';
import { plural, thousands } from '../../finding/words.js';
import type { RuleMeta } from '../../rules/rule-meta.js';
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
  PROOF,
  toSeconds,
  unique,
} from '../document/grouping.js';
import { absenceText, quality } from '../document/quality.js';
import { printableOctets, printableText } from '../printable.js';
import { type Survey, survey } from '../session-counts.js';
import { fileName, verdict } from '../verdict.js';

/** What a report for a tracker is told. */
export interface TicketOptions {
  /** Ports that were looked at. */
  readonly ports?: readonly number[];
  /** The rules that were asked. */
  readonly rules?: readonly Pick<RuleMeta, 'id' | 'title'>[];
  /** Findings that the analysis no longer holds because they are less certain than was asked for. */
  readonly leftOut?: number;
  /** Of a comparison of two captures, which `comparison-ticket.ts` tells. */
  readonly compared?: Compared;
}

/** What stands in a report of two captures in place of what is told of one. */
export interface Compared {
  readonly verdict: string;
  /** In front of the findings. */
  readonly opening: Iterable<string>;
  /** What each capture is called. */
  readonly captureNames: readonly string[];
  /** Commands that check a change. */
  readonly verify: readonly string[];
}

/**
 * How one tracker marks up text. What comes in is printable and nothing more; what goes out has nothing live in it that
 * was not meant. Each method gives a block that ends with an empty line.
 */
export interface Markup {
  heading(level: 2 | 3, text: string): string;
  strong(text: string): string;
  paragraph(text: string): string;
  list(items: readonly string[]): string;
  /** For words of the program's own: cells hold no text of packets. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): string;
  /** Lines as they are: octets, commands, filters. */
  verbatim(lines: readonly string[]): string;
  /** What is opened on demand, where the tracker can. */
  folded(summary: string, blocks: Iterable<string>): Iterable<string>;
}

/** One page: what is more is counted. The JSON report has it all. */
const MAX_SERVERS = 5;
const MAX_GROUPS = 12;
const MAX_PROOFS = 24;
const GROUP_PROOFS = 4;
const MAX_MESSAGES = 30;
const MAX_FILES = 10;
const MAX_REASONS = 10;
const MAX_LOG_LINES = 10;
const MAX_LISTED = 50;

/** Characters of one octet excerpt. */
const EXCERPT = 160;

const SEVERITY: Readonly<Record<Finding['severity'], string>> = {
  high: 'high',
  medium: 'medium',
  low: 'low',
  info: 'note',
};

/**
 * The report that is attached to a ticket, for somebody who did not ask for it: verdict, what was seen, the packets,
 * what to change, how to see it on the box; then what was ruled out, how good the capture is, what was not judged.
 *
 * Files are named without their folders.
 */
export function* ticketBlocks(analysis: Analysis, options: TicketOptions, markup: Markup): Generator<string> {
  yield* new Ticket(analysis, options, markup).blocks();
}

class Ticket {
  private readonly seen: Survey;
  /** Several days are covered: times need their date. */
  private readonly dated: boolean;

  constructor(
    private readonly analysis: Analysis,
    private readonly options: TicketOptions,
    private readonly markup: Markup,
  ) {
    this.seen = survey(analysis);
    const days = analysis.captures.flatMap(({ facts }) =>
      [facts.first, facts.last].map((time) => formatTimestamp(time)?.slice(0, 10) ?? null),
    );
    this.dated = new Set(days.filter((day) => day !== null)).size > 1;
  }

  *blocks(): Generator<string> {
    const { analysis, markup, seen } = this;
    const { compared, leftOut = 0 } = this.options;
    yield markup.strong(compared?.verdict ?? verdict(analysis, seen, leftOut));
    if (compared) yield* compared.opening;
    const servers = byServer(analysis.findings);
    for (const [server, findings] of servers.slice(0, MAX_SERVERS)) yield* this.server(server, findings);
    if (servers.length > MAX_SERVERS) {
      yield markup.paragraph(`And ${plural(servers.length - MAX_SERVERS, 'more server')} with findings.`);
    }
    yield* this.firewallLog();
    yield* this.captures();
    yield* this.silentRules();
    yield* this.notJudged();
    if (analysis.findings.length === 0) return;
    yield markup.heading(2, 'How to check that a change worked');
    yield markup.paragraph(
      'Capture the same kind of mail again. Nothing of the above may be left; this says so, finding by finding:',
    );
    yield markup.verbatim([
      ...(compared?.verify ?? ['mailwitness analyze -F json -o after.json after.pcap']),
      'mailwitness diff before.json after.json',
    ]);
    yield* markup.folded('All findings', this.everything());
  }

  private *server(server: string, findings: readonly Finding[]): Generator<string> {
    const { markup } = this;
    yield markup.heading(2, `Server ${server}`);
    const [{ server: endpoint }] = findings as readonly [Finding];
    const diagnoses = this.analysis.diagnoses.filter(
      (one) => one.server.address === endpoint.address && one.server.port === endpoint.port,
    );
    for (const diagnosis of diagnoses) yield* this.box(diagnosis);
    const groups = byRule(findings);
    yield* this.groups(groups);
    yield* this.proofs(groups);
    yield* this.changes(diagnoses, findings);
    const commands = unique(diagnoses.flatMap(({ verify }) => verify));
    if (commands.length > 0) {
      yield markup.heading(3, 'How to see it on the firewall');
      yield markup.verbatim(commands.map(printableText));
    }
    const doubts = diagnoses.flatMap(({ actor, ruledOut, notProved }) => [
      `${actor.kind === 'appliance' ? 'An appliance, not an attacker' : 'Appliance or attacker: cannot tell'}. ${actor.why}`,
      ...ruledOut.map((box) => `Ruled out: ${box}`),
      ...notProved.map((what) => `Not proved: ${what}`),
    ]);
    if (doubts.length === 0) return;
    yield markup.heading(3, 'What was ruled out, and what is not proved');
    yield markup.list(doubts.map(printableText));
  }

  private *box({ summary, confidence, proved }: Diagnosis): Generator<string> {
    const rests = proved[0] ? `; ${PROOF[proved[0].proof]}` : '';
    yield this.markup.paragraph(`${printableText(summary)} (${confidence}${rests})`);
  }

  private *groups(groups: readonly (readonly Finding[])[]): Generator<string> {
    const { markup } = this;
    yield markup.heading(3, 'What was seen');
    const told = groups.slice(0, MAX_GROUPS);
    yield markup.table(
      ['How bad', 'What', 'How sure', 'How it is proved', 'How often'],
      told.map((findings) => {
        const [first] = findings as readonly [Finding];
        const times = findings.length > 1 ? ` (${thousands(findings.length)})` : '';
        return [
          SEVERITY[first.severity],
          `${printableText(first.title)}${times}`,
          first.confidence,
          unique(findings.map(({ proof }) => PROOF[proof])).join(', '),
          often(findings),
        ];
      }),
    );
    const items = told.map((findings) => {
      const [first] = findings as readonly [Finding];
      const more = findings.length > 1 ? ` And ${thousands(findings.length - 1)} more like it.` : '';
      return `${printableText(first.title)}: ${printableOctets(first.message)}${more}`;
    });
    if (groups.length > told.length) {
      items.push(`And ${thousands(groups.length - told.length)} more kinds of findings.`);
    }
    yield markup.list(items);
  }

  private *proofs(groups: readonly (readonly Finding[])[]): Generator<string> {
    const { markup } = this;
    const all = groups.flatMap((findings) =>
      inOrder(findings.flatMap(({ evidence }) => evidence)).slice(0, GROUP_PROOFS),
    );
    const evidence = distinct(inOrder(all));
    const shown = evidence.slice(0, MAX_PROOFS);
    yield markup.heading(3, 'The packets that prove it');
    const lines: string[] = [];
    let last = '';
    for (const proof of shown) {
      const head = this.frame(proof);
      if (head !== last) lines.push(head);
      last = head;
      lines.push(...excerptLines(proof));
    }
    if (evidence.length > shown.length) lines.push(`and ${thousands(evidence.length - shown.length)} more`);
    yield markup.verbatim(lines);
    const several = this.analysis.captures.length > 1;
    yield markup.paragraph(
      several
        ? 'To see them in Wireshark, open the capture and paste its display filter:'
        : 'To see them in Wireshark, open the capture and paste this display filter:',
    );
    yield markup.verbatim(
      displayFilters(shown).map(({ capture, filter }) =>
        several ? `${this.captureName(capture)}: ${filter}` : filter,
      ),
    );
    const witnesses = groups
      .flat()
      .flatMap(({ witnesses: lines = [] }) => lines.filter(({ confirms }) => confirms));
    const confirming = new Map(witnesses.map((witness) => [witness.line, witness]));
    if (confirming.size === 0) return;
    yield markup.paragraph("The firewall's own log says so:");
    yield markup.verbatim(
      [...confirming.values()]
        .slice(0, MAX_LOG_LINES)
        .map(({ line, text }) => `line ${line}  ${printableOctets(text)}`),
    );
  }

  private *changes(diagnoses: readonly Diagnosis[], findings: readonly Finding[]): Generator<string> {
    const { markup } = this;
    const smallest = unique(diagnoses.flatMap(({ smallestChange }) => smallestChange)).map(printableText);
    const remedies = unique(findings.flatMap(({ remedy }) => remedy)).map(printableOctets);
    yield markup.heading(3, 'What to change');
    if (smallest.length === 0) {
      yield markup.list(remedies.slice(0, MAX_GROUPS));
      return;
    }
    yield markup.list(smallest.map((change) => `Smallest change: ${change}`));
    const others = remedies.filter((remedy) => !smallest.includes(remedy)).slice(0, MAX_GROUPS);
    if (others.length > 0) yield* markup.folded('For one finding at a time', [markup.list(others)]);
  }

  private *firewallLog(): Generator<string> {
    const { markup } = this;
    const log = this.analysis.firewallLog;
    if (log === null) return;
    yield markup.heading(2, "The firewall's own log");
    yield markup.paragraph(
      `${fileName(log.file)}: ${plural(log.lines, 'line')}, ${plural(log.records.length, 'message')} of its mail inspection, ${thousands(log.notJoined)} of them about no session here.`,
    );
    const lines = unique(log.joined.map(({ record }) => record.line));
    if (lines.length === 0) return;
    const told = lines.slice(0, MAX_LOG_LINES).map((line) => {
      const [first] = log.joined.filter(({ record }) => record.line === line);
      return `line ${line}, ${first!.session}, ${JOINED[first!.joinedBy]}: ${printableOctets(first!.record.text)}`;
    });
    if (lines.length > told.length) told.push(`and ${thousands(lines.length - told.length)} more`);
    yield markup.verbatim(told);
  }

  private *captures(): Generator<string> {
    const { markup, seen } = this;
    const { captures } = this.analysis;
    yield markup.heading(2, captures.length === 1 ? 'How good the capture is' : 'How good the captures are');
    const items = captures.slice(0, MAX_FILES).flatMap((capture) => captureTexts(capture));
    if (captures.length > MAX_FILES) items.push(`And ${plural(captures.length - MAX_FILES, 'more file')}.`);
    const others = seen.other > 0 ? `, and ${plural(seen.other, 'connection')} without SMTP` : '';
    const ports = this.options.ports?.length ? ` Ports looked at: ${this.options.ports.join(', ')}.` : '';
    items.push(
      `${plural(seen.smtp, 'SMTP session')} with ${plural(seen.messages, 'message')}${others}${this.options.compared ? ', both captures together' : ''}.${ports} Times are UTC.`,
    );
    if (seen.smtp > 0) {
      items.push(quality(this.analysis, seen));
    }
    yield markup.list(items);
  }

  private *silentRules(): Generator<string> {
    const { markup, seen } = this;
    const spoken = new Set(this.analysis.findings.map(({ rule }) => rule));
    const silent = (this.options.rules ?? []).filter(({ id }) => !spoken.has(id));
    if (silent.length === 0 || seen.smtp === 0) return;
    yield markup.heading(2, 'Looked for and not found');
    yield markup.paragraph(absenceText(seen));
    yield* markup.folded(`What was looked for (${silent.length})`, [
      markup.list(silent.map(({ title }) => printableText(title))),
    ]);
  }

  private *notJudged(): Generator<string> {
    const { markup } = this;
    const groups = [...byReason(this.analysis.notAssessed)];
    if (groups.length === 0) return;
    yield markup.heading(2, 'What could not be judged');
    const items = groups.slice(0, MAX_REASONS).map(([, entries]) => {
      const sessions = entries.map(({ session }) => session).filter((session) => session !== null);
      const whom = sessions.length > 0 ? ` (${namedSessions(unique(sessions))})` : '';
      const more = entries.length > 1 ? ` And ${thousands(entries.length - 1)} more of the kind.` : '';
      return `${printableOctets(entries[0]!.detail)}${whom}${more}`;
    });
    if (groups.length > items.length) items.push(`And ${thousands(groups.length - items.length)} more.`);
    yield markup.list(items);
  }

  /** Each finding with what finds it again. */
  private *everything(): Generator<string> {
    const { markup } = this;
    const { findings } = this.analysis;
    const told = findings.slice(0, MAX_LISTED);
    yield markup.table(
      ['Finding', 'Rule', 'Fingerprint', 'Sessions', 'Display filter'],
      told.map((finding) => [
        finding.id,
        finding.rule,
        finding.fingerprint,
        namedSessions(finding.sessions),
        displayFilters(finding.evidence)
          .map(({ capture, filter }) =>
            this.analysis.captures.length > 1
              ? `${this.options.compared?.captureNames[capture] ?? capture + 1}: \`${filter}\``
              : `\`${filter}\``,
          )
          .join('; '),
      ]),
    );
    if (findings.length > told.length) {
      yield markup.paragraph(`And ${plural(findings.length - told.length, 'more finding')}.`);
    }
    const messages = told
      .slice(0, MAX_MESSAGES)
      .map(({ id, message }) => `${id}: ${printableOctets(message)}`);
    yield markup.list(messages);
  }

  private captureName(capture: number): string {
    const file = this.analysis.captures[capture]?.file;
    const side = this.options.compared?.captureNames[capture];
    if (file === undefined) return `capture ${capture + 1}`;
    return side === undefined ? fileName(file) : `${side}, ${fileName(file)}`;
  }

  private frame({ capture, packet, time, direction }: Evidence): string {
    const name = captureName(this.analysis, this.options.compared?.captureNames, capture);
    const where = `${name} frame ${packet}`.trimStart();
    const way = direction === 'client' ? 'client → server' : 'server → client';
    return [where, this.clock(time), way].filter(Boolean).join('  ');
  }

  private clock(time: Timestamp | null): string {
    const text = formatTimestamp(time && { ...time, digits: Math.min(3, time.digits) });
    if (text === null) return '';
    return this.dated ? text.slice(0, -1).replace('T', ' ') : text.slice(11, -1);
  }
}

function excerptLines({ excerpt, note }: Evidence): string[] {
  const text = cut(printableOctets(excerpt));
  const remark = note === '' ? '' : `(${printableOctets(note)})`;
  if (text === '') return remark === '' ? [] : [`    ${remark}`];
  return [`    ${text}${remark === '' ? '' : `  ${remark}`}`];
}

function cut(text: string): string {
  return text.length > EXCERPT ? `${text.slice(0, EXCERPT - 1)}…` : text;
}

/** What several findings rest on is shown once. */
function distinct(evidence: readonly Evidence[]): Evidence[] {
  const seen = new Map<string, Evidence>();
  for (const proof of evidence) {
    const key = `${proof.capture} ${proof.packet} ${proof.offset} ${proof.excerpt}`;
    if (!seen.has(key)) seen.set(key, proof);
  }
  return [...seen.values()];
}

function often(findings: readonly Finding[]): string {
  const sessions = new Set(findings.flatMap((finding) => finding.sessions)).size;
  const count = findings.reduce((sum, finding) => sum + finding.count, 0);
  const times = count > sessions ? `${thousands(count)} times in ` : '';
  return `${times}${plural(sessions, 'session')}`;
}

function captureTexts({ file, facts, skipped }: CaptureResult): string[] {
  const name = fileName(file);
  const links = unique(facts.linkTypes.map((type) => LINK_TYPES[type] ?? `link type ${type}`));
  const what = [facts.format, ...links, plural(facts.packets, 'packet')].join(', ');
  const [first, last] = [toSeconds(facts.first), toSeconds(facts.last)];
  const when = first === null ? '' : `, ${first}${last !== null && last !== first ? ` to ${last}` : ''}`;
  const aside = Object.values(skipped).reduce((sum, count) => sum + count, 0);
  const left = aside > 0 ? `; ${plural(aside, 'packet')} left aside` : '';
  const short = facts.truncated ? ' Its last packet is cut short.' : '';
  const [problem] = facts.problems;
  const more = facts.problems.length > 1 ? ` And ${plural(facts.problems.length - 1, 'more problem')}.` : '';
  const damage = problem ? ` Damaged: ${printableText(problem.message)}${more}` : '';
  return [`File ${name}: ${what}${when}${left}.${short}${damage}`];
}
