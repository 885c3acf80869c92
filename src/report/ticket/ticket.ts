import type { Analysis } from '../../analyze.js';
import type { Comparison } from '../../compare/compare.js';
import type { Diagnosis } from '../../diagnose/diagnosis.js';
import type { Evidence, Finding } from '../../finding/finding.js';
import { plural, thousands } from '../../finding/words.js';
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
  changesOf,
  commandsOf,
  confirmingLines,
  evidenceOf,
  remediesOf,
  surenessOf,
  timesSeen,
} from '../document/finding-group.js';
import type { FirewallLogBlock } from '../document/firewall-log-block.js';
import { inOrder, JOINED, namedSessions, PROOF, unique } from '../document/grouping.js';
import type { Unchecked } from '../document/quality.js';
import type { NotCheckedBlock } from '../document/silent-rules.js';
import { printableOctets, printableText } from '../printable.js';
import { fileName } from '../verdict.js';
import { comparisonBlocks } from './comparison-ticket.js';
import type { TrackerMarkup } from './tracker-markup.js';

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

/** Commands that write the report after a change, which `diff` holds against the one before. */
const REPORT_AFTER = 'mailwitness analyze -F json -o after.json after.pcap';
const COMPARISON_AFTER =
  'mailwitness compare --inside inside.pcap --outside outside.pcap -F json -o after.json';

/**
 * The report that is attached to a ticket, for somebody who did not ask for it: verdict, what was seen, the packets,
 * what to change, how to see it on the box; then what was ruled out, how good the capture is, what was not judged.
 *
 * Files are named without their folders.
 */
export function ticketReport(
  analysis: Analysis,
  options: DocumentOptions,
  markup: TrackerMarkup,
): Iterable<string> {
  return new Ticket(reportDocument(analysis, options), markup).blocks();
}

/** The same of two captures: what was changed between them, each change as it was sent and as it arrived, then the rest. */
export function comparisonTicket(
  comparison: Comparison,
  options: DocumentOptions,
  markup: TrackerMarkup,
): Iterable<string> {
  return new Ticket(comparisonDocument(comparison, options), markup).blocks();
}

class Ticket {
  constructor(
    private readonly document: ReportDocument,
    private readonly markup: TrackerMarkup,
  ) {}

  *blocks(): Generator<string> {
    const { document, markup } = this;
    const { comparison, servers, firewallLog, excluded, notChecked, unchecked } = document;
    yield markup.strong(document.verdict);
    if (comparison) yield* comparisonBlocks(comparison, markup);
    for (const server of servers.slice(0, MAX_SERVERS)) yield* this.server(server);
    if (servers.length > MAX_SERVERS) {
      yield markup.paragraph(`And ${plural(servers.length - MAX_SERVERS, 'more server')} with findings.`);
    }
    if (firewallLog) yield* this.firewallLog(firewallLog);
    yield* this.captures();
    if (excluded) yield* this.excluded(excluded);
    if (notChecked.length > 0) yield* this.notChecked(notChecked);
    if (unchecked.length > 0) yield* this.unchecked(unchecked);
    if (document.findings.length === 0) return;
    yield markup.heading(2, 'How to check that a change worked');
    yield markup.paragraph(
      'Capture the same kind of mail again. Nothing of the above may be left; this says so, finding by finding:',
    );
    yield markup.verbatim([
      comparison ? COMPARISON_AFTER : REPORT_AFTER,
      'mailwitness diff before.json after.json',
    ]);
    yield* markup.folded('All findings', this.everything());
  }

  private *server({ name, findings, diagnoses, groups }: ServerBlock): Generator<string> {
    const { markup } = this;
    yield markup.heading(2, `Server ${name}`);
    for (const diagnosis of diagnoses) {
      yield markup.paragraph(`${printableText(diagnosis.summary)} (${surenessOf(diagnosis, false)})`);
    }
    yield* this.groups(groups);
    yield* this.proofs(groups);
    yield* this.changes(diagnoses, findings);
    const commands = commandsOf(diagnoses);
    if (commands.length > 0) {
      yield markup.heading(3, 'How to see it on the firewall');
      yield markup.verbatim(commands.map(printableText));
    }
    const doubts = diagnoses.flatMap((diagnosis) => [
      actorText(diagnosis),
      ...diagnosis.ruledOut.map((box) => `Ruled out: ${box}`),
      ...diagnosis.notProved.map((what) => `Not proved: ${what}`),
    ]);
    if (doubts.length === 0) return;
    yield markup.heading(3, 'What was ruled out, and what is not proved');
    yield markup.list(doubts.map(printableText));
  }

  private *groups(groups: ServerBlock['groups']): Generator<string> {
    const { markup } = this;
    yield markup.heading(3, 'What was seen');
    const shown = groups.slice(0, MAX_GROUPS);
    yield markup.table(
      ['How bad', 'What', 'How sure', 'How it is proved', 'How often'],
      shown.map((findings) => {
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
    const items = shown.map((findings) => {
      const [first] = findings as readonly [Finding];
      const more = findings.length > 1 ? ` And ${thousands(findings.length - 1)} more like it.` : '';
      return `${printableText(first.title)}: ${printableOctets(first.message)}${more}`;
    });
    if (groups.length > shown.length) {
      items.push(`And ${thousands(groups.length - shown.length)} more kinds of findings.`);
    }
    yield markup.list(items);
  }

  private *proofs(groups: ServerBlock['groups']): Generator<string> {
    const { markup } = this;
    const { places } = this.document;
    const evidence = distinct(inOrder(groups.flatMap((findings) => evidenceOf(findings, GROUP_PROOFS))));
    const shown = evidence.slice(0, MAX_PROOFS);
    yield markup.heading(3, 'The packets that prove it');
    const lines: string[] = [];
    let last = '';
    for (const proof of shown) {
      const head = places.line(proof);
      if (head !== last) lines.push(head);
      last = head;
      lines.push(...excerptLines(proof));
    }
    if (evidence.length > shown.length) lines.push(`and ${thousands(evidence.length - shown.length)} more`);
    yield markup.verbatim(lines);
    const several = this.document.captures.length > 1;
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
    const confirming = confirmingLines(groups.flat());
    if (confirming.length === 0) return;
    yield markup.paragraph("The firewall's own log says so:");
    yield markup.verbatim(
      confirming.slice(0, MAX_LOG_LINES).map(({ line, text }) => `line ${line}  ${printableOctets(text)}`),
    );
  }

  private *changes(diagnoses: readonly Diagnosis[], findings: readonly Finding[]): Generator<string> {
    const { markup } = this;
    const smallest = changesOf(diagnoses);
    const remedies = remediesOf(findings);
    yield markup.heading(3, 'What to change');
    if (smallest.length === 0) {
      yield markup.list(remedies.slice(0, MAX_GROUPS));
      return;
    }
    yield markup.list(smallest.map((change) => `Smallest change: ${change}`));
    const others = remedies.filter((remedy) => !smallest.includes(remedy)).slice(0, MAX_GROUPS);
    if (others.length > 0) yield* markup.folded('For one finding at a time', [markup.list(others)]);
  }

  private *firewallLog(log: FirewallLogBlock): Generator<string> {
    const { markup } = this;
    yield markup.heading(2, "The firewall's own log");
    yield markup.paragraph(
      `${fileName(log.file)}: ${plural(log.lines, 'line')}, ${plural(log.messages, 'message')} of its mail inspection, ${thousands(log.notJoined)} of them about no session here.`,
    );
    const { entries } = log;
    if (entries.length === 0) return;
    const lines = entries
      .slice(0, MAX_LOG_LINES)
      .map(
        ({ line, text, joined: [{ session, joinedBy }] }) =>
          `line ${line}, ${session}, ${JOINED[joinedBy]}: ${printableOctets(text)}`,
      );
    if (entries.length > lines.length) lines.push(`and ${thousands(entries.length - lines.length)} more`);
    yield markup.verbatim(lines);
  }

  private *captures(): Generator<string> {
    const { markup } = this;
    const { captures, comparison, ports, quality, seen } = this.document;
    yield markup.heading(2, captures.length === 1 ? 'How good the capture is' : 'How good the captures are');
    const items = captures.slice(0, MAX_FILES).map(captureText);
    if (captures.length > MAX_FILES) items.push(`And ${plural(captures.length - MAX_FILES, 'more file')}.`);
    const looked = ports.length > 0 ? ` Ports looked at: ${ports.join(', ')}.` : '';
    items.push(
      `${sessionsText(seen)}${comparison ? ', both captures together' : ''}.${looked} Times are UTC.`,
    );
    if (quality !== '') items.push(quality);
    yield markup.list(items);
  }

  private *excluded({ absence, rules }: ExcludedBlock): Generator<string> {
    const { markup } = this;
    yield markup.heading(2, 'Looked for and not found');
    yield markup.paragraph(absence);
    yield* markup.folded(`What was looked for (${rules.length})`, [
      markup.list(rules.map(({ title, extent }) => `${printableText(title)}${extent}`)),
    ]);
  }

  /** What the silence of the report does not speak of. */
  private *notChecked(blocks: readonly NotCheckedBlock[]): Generator<string> {
    const { markup } = this;
    yield markup.heading(2, 'Not checked');
    const count = blocks.reduce((sum, { rules }) => sum + rules.length, 0);
    const items = blocks.map(
      ({ why, rules }) => `${why}: ${rules.map(({ title }) => printableText(title)).join('; ')}.`,
    );
    yield* markup.folded(`What could not be judged here (${count})`, [markup.list(items)]);
  }

  private *unchecked(reasons: readonly Unchecked[]): Generator<string> {
    const { markup } = this;
    yield markup.heading(2, 'What could not be judged');
    const items = reasons.slice(0, MAX_REASONS).map(({ sessions, detail, entries }) => {
      const whom = sessions.length > 0 ? ` (${namedSessions(unique(sessions))})` : '';
      const more = entries > 1 ? ` And ${thousands(entries - 1)} more of the kind.` : '';
      return `${detail}${whom}${more}`;
    });
    if (reasons.length > items.length) items.push(`And ${thousands(reasons.length - items.length)} more.`);
    yield markup.list(items);
  }

  /** Each finding with what finds it again. */
  private *everything(): Generator<string> {
    const { markup } = this;
    const { captures, findings } = this.document;
    const shown = findings.slice(0, MAX_LISTED);
    yield markup.table(
      ['Finding', 'Rule', 'Fingerprint', 'Sessions', 'Display filter'],
      shown.map((finding) => [
        finding.id,
        finding.rule,
        finding.fingerprint,
        namedSessions(finding.sessions),
        displayFilters(finding.evidence)
          .map(({ capture, filter }) =>
            captures.length > 1 ? `${captures[capture]?.name}: \`${filter}\`` : `\`${filter}\``,
          )
          .join('; '),
      ]),
    );
    if (findings.length > shown.length) {
      yield markup.paragraph(`And ${plural(findings.length - shown.length, 'more finding')}.`);
    }
    const messages = shown
      .slice(0, MAX_MESSAGES)
      .map(({ id, message }) => `${id}: ${printableOctets(message)}`);
    yield markup.list(messages);
  }

  private captureName(index: number): string {
    const { captures, comparison } = this.document;
    const capture = captures[index];
    if (capture === undefined) return `capture ${index + 1}`;
    const file = fileName(capture.file);
    return comparison ? `${capture.name}, ${file}` : file;
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
  const { sessions, count } = timesSeen(findings);
  const times = count > sessions ? `${thousands(count)} times in ` : '';
  return `${times}${plural(sessions, 'session')}`;
}

function captureText(capture: CaptureBlock): string {
  const { first, last, packetsAside, problems } = capture;
  const when = first === null ? '' : `, ${first}${last !== null && last !== first ? ` to ${last}` : ''}`;
  const left = packetsAside > 0 ? `; ${plural(packetsAside, 'packet')} left aside` : '';
  const short = capture.truncated ? ' Its last packet is cut short.' : '';
  const [problem] = problems;
  const more = problems.length > 1 ? ` And ${plural(problems.length - 1, 'more problem')}.` : '';
  const damage = problem ? ` Damaged: ${printableText(problem.message)}${more}` : '';
  return `File ${fileName(capture.file)}: ${capture.contents.join(', ')}${when}${left}.${short}${damage}`;
}
