import type { Diagnosis } from '../../diagnose/diagnosis.js';
import { serverKey } from '../../facts/server-key.js';
import type { Evidence, Finding, Severity } from '../../finding/finding.js';
import { plural, thousands } from '../../finding/words.js';
import { cutText, textWidth } from '../columns.js';
import { type ServersAlike, serversAlike } from '../document/alike.js';
import type { CaptureBlock } from '../document/capture-block.js';
import { proofsOfWorst } from '../document/chosen-evidence.js';
import { displayFilters } from '../document/display-filter.js';
import type { ReportDocument, ServerBlock } from '../document/document.js';
import {
  changesOf,
  commandsOf,
  confirmingLines,
  evidenceFilesOf,
  remediesOf,
} from '../document/finding-group.js';
import { type FindingLine, type Frame, findingLine } from '../document/finding-line.js';
import { unique } from '../document/grouping.js';
import { endpointText } from '../document/headline.js';
import { WAY } from '../document/places.js';
import {
  type CaptureTraffic,
  compareWorst,
  type MessageCounts,
  type ServerTraffic,
  type Traffic,
} from '../document/traffic.js';
import { printableOctets, printableText } from '../printable.js';
import { fileName } from '../verdict.js';
import { comparisonSummary } from './comparison-text.js';
import type { Span, Style, TextLines } from './text-lines.js';

/** A screen: what one server takes at most. */
const MAX_LINES = 30;

const MAX_FINDINGS = 5;
const MAX_FRAMES = 4;
const MAX_FILTERED = 8;
const MAX_FILTERS = 3;
/** Columns below which a remark is not worth cutting. */
const MIN_REMARK = 20;
const MAX_EXPLANATION = 3;
const MAX_CHANGES = 2;
const MAX_CHANGE_ROWS = 3;
/** Kinds of trouble of several servers: told as a block, in a line each, and counted. */
const MAX_BLOCKS = 2;
const MAX_KINDS = 6;
const MAX_SERVERS = 8;
const MAX_OTHERS = 10;
const MAX_CAPTURES = 20;
const MAX_REASONS = 4;
const MAX_DAMAGED = 3;

const LABEL: Readonly<Record<Severity, Span>> = {
  high: ['  HIGH    ', 'red'],
  medium: ['  MEDIUM  ', 'yellow'],
  low: ['  LOW     ', 'cyan'],
  info: ['  NOTE    ', 'dim'],
};

/**
 * The report on one screen: who does what to mail and how sure that is, what was found, the octets that prove it, what to
 * change, and what is not certain. The details have the rest.
 */
export class Screen {
  constructor(
    private readonly document: ReportDocument,
    private readonly traffic: Traffic,
    private readonly page: TextLines,
  ) {}

  *lines(): Generator<string> {
    const { comparison, outcome, captures, servers } = this.document;
    if (comparison) yield* comparisonSummary(comparison, this.page);
    if (outcome === 'found') {
      const kinds = serversAlike(servers.filter(({ findings }) => findings.some(isSerious)));
      const [only] = kinds;
      if (kinds.length === 1 && only!.servers.length === 1) yield* this.oneServer(only!.first);
      else yield* this.manyServers(kinds);
    } else if (!comparison) yield* this.nothingFound();
    if (captures.length > 1 && !comparison) yield* this.captures();
    yield* this.closing();
  }

  /** The block of one server, with as much explanation as there is room for. */
  private *oneServer(server: ServerBlock): Generator<string> {
    const head = [...this.head(server, [server])];
    const rest = ['\n', ...this.proof(server), ...this.cure(server)];
    const { comparison } = this.document;
    const above = comparison ? [...comparisonSummary(comparison, this.page)] : [];
    const used = lineCount([...above, ...head, ...rest, ...this.closing()]);
    yield* head;
    yield* this.explanation(server, MAX_LINES - used);
    yield* rest;
  }

  /** Who does what, how often, and the findings in a line each. */
  private *head({ headline, groups }: ServerBlock, servers: readonly ServerBlock[]): Generator<string> {
    const { page } = this;
    const text =
      servers.length === 1
        ? headline.text
        : headline.deed
          ? `${headline.deed} ${plural(servers.length, 'server')}`
          : `${headline.text} And so with ${plural(servers.length - 1, 'other server')}.`;
    yield page.entry(['✗ ', 'red'], [text, 'bold'], headline.confidence ?? '', 4);
    if (!this.document.comparison) yield page.clipped(this.summary(servers), '  ', 2, 'dim');
    yield '\n';
    const serious = groups.filter(([finding]) => isSerious(finding));
    for (const group of serious.slice(0, MAX_FINDINGS))
      yield this.findingLine(group[0].severity, findingLine(group));
    const more = serious.length - MAX_FINDINGS;
    if (more > 0) yield page.line([`          and ${thousands(more)} more (--details)`, 'dim']);
  }

  private findingLine(severity: Severity, { text, frames }: FindingLine): string {
    return this.page.entry(LABEL[severity], [text], this.framesText(frames), 2);
  }

  /** `2 of 2 sessions · 2 messages accepted · 2026-11-25 06:37:24 to 06:37:27 UTC` */
  private summary(servers: readonly ServerBlock[]): string {
    const traffic = servers.flatMap(({ server }) => this.traffic.servers.get(serverKey(server)) ?? []);
    const sum = (count: (one: ServerTraffic) => number): number =>
      traffic.reduce((total, one) => total + count(one), 0);
    const messages = {
      accepted: sum((one) => one.messages.accepted),
      refused: sum((one) => one.messages.refused),
      unanswered: sum((one) => one.messages.unanswered),
    };
    const sessions = sum((one) => one.sessions);
    const parts = [
      `${thousands(sum((one) => one.hit))} of ${plural(sessions, 'session')}`,
      messagesText(messages),
    ];
    const span = this.document.places.span(
      traffic.map(({ start }) => start),
      traffic.map(({ end }) => end),
    );
    return [...parts, span].filter((part) => part !== '').join(' · ');
  }

  /** `frames 8 23 24 ..`, `inside 8 23, outside 12`: as many as a line has room for. */
  private framesText(frames: readonly Frame[]): string {
    const shown = frames.slice(0, MAX_FRAMES);
    const more = frames.length > shown.length ? ' ..' : '';
    const captures = unique(shown.map(({ capture }) => capture));
    const texts = captures.map((capture) => {
      const numbers = shown.filter((frame) => frame.capture === capture).map(({ packet }) => packet);
      const name = this.document.places.capture(capture);
      const word = name !== '' ? name : frames.length === 1 ? 'frame' : 'frames';
      return `${word} ${numbers.join(' ')}`;
    });
    return `${texts.join(', ')}${more}`;
  }

  /** What the worst finding says in full, as far as there is room. */
  private *explanation({ groups }: ServerBlock, room: number): Generator<string> {
    const [worst] = groups;
    const rows = Math.min(MAX_EXPLANATION, room - 1);
    if (!worst || rows < 1) return;
    yield '\n';
    yield this.page.clipped(printableOctets(worst[0].message), '  ', rows);
  }

  /** The octets, unless the changes above have shown them as both sides saw them; and how to see them in Wireshark. */
  private *proof({ findings }: ServerBlock): Generator<string> {
    const { page } = this;
    const { comparison, places } = this.document;
    const serious = findings.filter(isSerious);
    let label = '  Proof   ';
    for (const proof of comparison ? [] : proofsOfWorst(serious)) {
      yield page.line([label, 'bold'], [`${WAY[proof.direction]}  `, 'dim'], ...this.excerpt(proof));
      label = '          ';
    }
    for (const { capture, filter } of displayFilters(firstFrames(serious)).slice(0, MAX_FILTERS)) {
      const name = places.capture(capture);
      // Not broken at the edge: it is to be pasted.
      yield `${label}Wireshark${name === '' ? '' : ` ${name}`}  ${filter}\n`;
      label = '          ';
    }
    const [line] = confirmingLines(serious);
    if (line) yield page.clipped(printableOctets(line.text), `          log line ${line.line}  `, 1);
    const files = evidenceFilesOf(findings);
    if (this.document.evidence !== undefined && files.length > 0) {
      const folder = printableText(this.document.evidence);
      yield page.verbatim(`${plural(files.length, 'capture')} in ${folder}`, label, 2);
    }
  }

  /** The octets, and what they are, on what is left of the line. */
  private excerpt({ excerpt, note }: Evidence): Span[] {
    const room = this.page.width - 10 - WAY.client.length - 2;
    const text = cut(printableOctets(excerpt), room);
    const left = room - textWidth(text) - 2;
    const whole = note === '' ? '' : `(${printableOctets(note)})`;
    // A few letters of a remark say nothing.
    if (left < Math.min(MIN_REMARK, textWidth(whole))) return [[text]];
    return [[text], [`  ${cut(whole, left)}`, 'dim']];
  }

  private *cure({ diagnoses, groups, headline }: ServerBlock): Generator<string> {
    const { page } = this;
    const known =
      headline.box === null ? [] : diagnoses.filter(({ confidence }) => confidence !== 'possible');
    yield '\n';
    yield* this.fix(known, groups);
    const commands = commandsOf(known).filter((command) => /^show (?!version)/.test(command));
    if (commands.length > 0) yield page.clipped(commands.join('; '), '  Check   ', 1);
    const doubts = unique(known.flatMap(({ notProved }) => notProved)).map(printableText);
    if (doubts.length > 0) {
      yield '\n';
      yield page.clipped(`Not certain: ${doubts.join(' ')}`, '  ', 2, 'dim');
    }
  }

  private *fix(diagnoses: readonly Diagnosis[], groups: ServerBlock['groups']): Generator<string> {
    const { page } = this;
    const fix = diagnoses.find((one) => one.fix !== null)?.fix;
    if (fix) {
      // Not broken at the edge: they are to be pasted.
      for (const [index, line] of fix.lines.entries())
        yield `${index === 0 ? '  Fix     ' : '          '}${line}\n`;
      const costs = fix.costs.map((cost) => printableText(cost).replace(/\.$/, ''));
      if (fix.placeholder !== null) yield page.clipped(fix.placeholder, '          ', 2, 'dim');
      yield page.clipped(`cost: ${costs.join('; ')}`, '          ', 2, 'dim');
      return;
    }
    const changes = changesOf(diagnoses);
    const serious = groups.filter(([finding]) => isSerious(finding)).flat();
    const texts = (changes.length > 0 ? changes : remediesOf(serious)).slice(0, MAX_CHANGES);
    for (const [index, text] of texts.entries()) {
      yield page.clipped(text, index === 0 ? '  Fix     ' : '          ', MAX_CHANGE_ROWS, 'green');
    }
  }

  private *manyServers(kinds: readonly ServersAlike[]): Generator<string> {
    const { page, document } = this;
    if (kinds.length > 1 && !document.comparison) {
      const hit = document.servers.filter(({ findings }) => findings.some(isSerious));
      yield page.entry(['✗ ', 'red'], [document.sentence, 'bold'], '', 5);
      yield page.clipped(this.summary(hit), '  ', 2, 'dim');
      yield '\n';
    }
    for (const [index, { first, servers }] of kinds.slice(0, MAX_KINDS).entries()) {
      if (index > 0) yield '\n';
      yield* this.head(first, servers);
      if (servers.length > 1) yield* this.serverTable(servers);
      if (index >= MAX_BLOCKS) continue;
      yield '\n';
      yield* this.proof(first);
      yield* this.cure(first);
    }
    const others = kinds.slice(MAX_KINDS).flatMap(({ servers }) => servers);
    if (others.length === 0) return;
    yield '\n';
    yield page.line([`  ${plural(others.length, 'other server')}`, 'bold']);
    for (const { server, groups } of others.slice(0, MAX_OTHERS)) {
      const [worst] = groups;
      if (!worst) continue;
      const { text } = findingLine(worst);
      yield page.entry(LABEL[worst[0].severity], [`${endpointText(server)}  ${text}`], '', 1);
    }
    if (others.length > MAX_OTHERS) {
      yield page.line([`          and ${thousands(others.length - MAX_OTHERS)} more (--details)`, 'dim']);
    }
  }

  private *serverTable(servers: readonly ServerBlock[]): Generator<string> {
    const { page } = this;
    const rows = servers.slice(0, MAX_SERVERS).map(({ server, findings }) => ({
      name: endpointText(server),
      traffic: this.traffic.servers.get(serverKey(server)),
      frames: this.framesText(findingFrames(findings)),
    }));
    const width = Math.max(...rows.map(({ name }) => textWidth(name)));
    yield '\n';
    for (const { name, traffic, frames } of rows) {
      const sessions = traffic ? `${thousands(traffic.hit)} of ${plural(traffic.sessions, 'session')}` : '';
      const mail = traffic ? messagesText(traffic.messages) : '';
      const text = [sessions, mail].filter((part) => part !== '').join(', ');
      yield page.entry([`  ${name}${' '.repeat(width - textWidth(name))}  `], [text], frames, 1);
    }
    const more = servers.length - rows.length;
    if (more > 0) yield page.line([`  and ${plural(more, 'more server')} (--details)`, 'dim']);
  }

  private *nothingFound(): Generator<string> {
    const { page, document } = this;
    const { captures, outcome, ports } = document;
    if (outcome === 'nothing-to-judge') {
      yield page.entry(['? ', 'yellow'], [document.verdict, 'bold'], '', 4);
      if (ports.length > 0) {
        yield page.clipped(`Ports looked at: ${ports.join(', ')}; --port LIST names others.`, '  ', 1, 'dim');
      }
      return;
    }
    const [mark, style, text]: [string, Style, string] =
      outcome === 'clean'
        ? ['✓ ', 'green', 'No firewall interference found']
        : ['? ', 'yellow', 'No firewall interference found in what could be judged'];
    const name = captures.length === 1 ? fileName(captures[0]!.file) : plural(captures.length, 'capture');
    yield page.entry([mark, style], [text, 'bold'], name, 2);
    yield* this.deliveries();
    yield page.clipped(document.quality, '  ', 3, outcome === 'clean' ? undefined : 'yellow');
    if (outcome === 'unsure') yield* this.unchecked();
    for (const finding of document.findings.slice(0, MAX_FINDINGS))
      yield this.findingLine(finding.severity, findingLine([finding]));
    yield page.paragraph(
      'Cannot be seen from one side: what was changed behind this point, and keywords that are removed for everybody.',
      '  ',
      'dim',
    );
    yield page.paragraph(
      'Trouble persists? Capture on the other side too: mailwitness compare --inside FILE --outside FILE',
      '  ',
      'dim',
    );
  }

  /** What became of the messages, the first of them with the server’s own words, which have its queue ids. */
  private *deliveries(): Generator<string> {
    const { page } = this;
    const { seen } = this.document;
    const { deliveries, messages } = this.traffic;
    const [only] = deliveries;
    const reply = deliveries.length === 1 && only?.reply ? `: ${printableOctets(only.reply)}` : '';
    const parts = [plural(seen.smtp, 'session'), messagesText(messages)].filter((part) => part !== '');
    yield page.clipped(`${parts.join(', ')}${reply}`, '  ', 2);
    if (deliveries.length < 2) return;
    for (const { reply: last } of deliveries) {
      yield page.clipped(last === null ? '(no final reply)' : printableOctets(last), '    ', 1, 'dim');
    }
    const more = seen.messages - deliveries.length;
    if (more > 0) yield page.line([`    and ${plural(more, 'more message')}`, 'dim']);
  }

  private *unchecked(): Generator<string> {
    const { unchecked } = this.document;
    for (const { words, sessions, detail } of unchecked.slice(0, MAX_REASONS)) {
      const count = sessions.length > 0 ? ` (${plural(unique(sessions).length, 'session')})` : '';
      yield this.page.clipped(`${words}${count}: ${detail}`, '  - ', 1, 'dim');
    }
    const more = unchecked.length - MAX_REASONS;
    if (more > 0) yield this.page.line([`  - and ${plural(more, 'more reason')} (--details)`, 'dim']);
  }

  /** A line for each capture, the worst first. */
  private *captures(): Generator<string> {
    const { page, document, traffic } = this;
    const rows = document.captures
      .map((capture, index) => ({ capture, counts: traffic.captures[index]! }))
      .sort((a, b) => compareWorst(a.counts.worst?.severity, b.counts.worst?.severity));
    const shown = rows.slice(0, MAX_CAPTURES);
    const names = shown.map(({ capture }) => fileName(capture.file));
    const width = Math.min(Math.floor(page.width / 2.5), Math.max(...names.map(textWidth)));
    yield '\n';
    yield page.line([`  ${plural(rows.length, 'capture')}`, 'bold']);
    for (const [index, { capture, counts }] of shown.entries()) {
      const name = cut(names[index]!, width);
      const sessions = plural(counts.sessions, 'session').padEnd(12);
      const text = `  ${name}${' '.repeat(width - textWidth(name))}  ${sessions}  ${outcomeText(capture, counts)}`;
      yield page.line([cut(text, page.width)]);
    }
    const more = rows.slice(MAX_CAPTURES);
    if (more.length === 0) return;
    const hit = more.filter(({ counts }) => counts.worst !== null).length;
    const rest = `and ${thousands(more.length)} more, ${thousands(hit)} of them with findings (--details)`;
    yield page.line([`  ${rest}`, 'dim']);
  }

  /** What of the input could not be read. */
  private *problems(): Generator<string> {
    const { page, document } = this;
    const damaged = document.captures.filter(({ problems }) => problems.length > 0);
    for (const { file, problems } of damaged.slice(0, MAX_DAMAGED)) {
      const more = problems.length > 1 ? ` And ${plural(problems.length - 1, 'more problem')}.` : '';
      const text = `! ${fileName(file)}: ${printableText(problems[0]!.message)}${more}`;
      yield page.clipped(text, '  ', 2, 'red');
    }
    const more = damaged.length - MAX_DAMAGED;
    if (more > 0) yield page.line([`  ! and ${plural(more, 'more damaged capture')} (--details)`, 'red']);
    for (const { file } of document.captures.filter(({ truncated }) => truncated).slice(0, MAX_DAMAGED)) {
      const text = `${fileName(file)}: its last packet is cut short; all before it was read.`;
      yield page.clipped(text, '  ', 1, 'dim');
    }
    if (document.interrupted)
      yield page.line(['  ! Reading was interrupted: the rest was not read.', 'yellow']);
  }

  /** What limits all of it, and how much was looked for. */
  private *closing(): Generator<string> {
    const { page, document } = this;
    const { outcome, excluded, notChecked, findings, quality, seen, firewallLog, leftOut } = document;
    yield* this.problems();
    if (leftOut > 0)
      yield page.line([`  ! ${plural(leftOut, 'less certain finding')} left out, as asked for.`, 'yellow']);
    if (firewallLog) {
      const { file, messages, notJoined } = firewallLog;
      const others = notJoined > 0 ? `, ${thousands(notJoined)} of them of no session here` : '';
      const text = `Firewall log ${fileName(file)}: ${plural(messages, 'message')}${others}.`;
      yield page.clipped(text, '  ', 1, 'dim');
    }
    if (outcome === 'found' && seen.partly > 0) yield page.clipped(quality, '  ', 2, 'yellow');
    const notes = outcome === 'found' ? findings.filter((finding) => !isSerious(finding)).length : 0;
    const where = outcome === 'unsure' ? ' in what could be judged' : '';
    const checks = excluded?.rules.length ?? 0;
    const word = outcome === 'found' ? 'other check' : 'check';
    const impossible = notChecked.reduce((sum, { rules }) => sum + rules.length, 0);
    const parts = [
      ...(checks > 0 ? [`${plural(checks, word)} found nothing${where}`] : []),
      ...(impossible > 0 ? [`${thousands(impossible)} not possible here`] : []),
      ...(notes > 0 ? [plural(notes, 'note')] : []),
    ];
    if (parts.length > 0) yield page.clipped(`${parts.join(', ')} (--details).`, '  ', 1, 'dim');
  }
}

function isSerious({ severity }: Finding): boolean {
  return severity !== 'info';
}

/** `2 messages accepted`, `3 messages: 2 accepted, 1 refused`; empty where there was none. */
function messagesText({ accepted, refused, unanswered }: MessageCounts): string {
  const total = accepted + refused + unanswered;
  if (total === 0) return '';
  const parts = [
    ...(accepted > 0 ? [`${thousands(accepted)} accepted`] : []),
    ...(refused > 0 ? [`${thousands(refused)} refused`] : []),
    ...(unanswered > 0 ? [`${thousands(unanswered)} without a final reply`] : []),
  ];
  return parts.length === 1
    ? `${plural(total, 'message')} ${parts[0]!.slice(parts[0]!.indexOf(' ') + 1)}`
    : `${plural(total, 'message')}: ${parts.join(', ')}`;
}

/** The worst that was found in a capture, or why nothing was. */
function outcomeText({ unreadable }: CaptureBlock, { sessions, worst }: CaptureTraffic): string {
  if (unreadable) return 'could not be read';
  if (worst) return `${LABEL[worst.severity][0].trim()} ${printableOctets(worst.title)}`;
  return sessions === 0 ? 'nothing to judge' : 'nothing found';
}

function findingFrames(findings: readonly Finding[]): readonly Frame[] {
  const [first, ...others] = findings.filter(isSerious);
  return first ? findingLine([first, ...others]).frames : [];
}

/** As much of the evidence as a filter has room for. */
function firstFrames(findings: readonly Finding[]): Evidence[] {
  const evidence = findings.flatMap((finding) => finding.evidence);
  const frames = new Set<string>();
  return evidence.filter(({ capture, packet }) => {
    if (frames.size < MAX_FILTERED) frames.add(`${capture} ${packet}`);
    return frames.has(`${capture} ${packet}`);
  });
}

function cut(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  return width < 2 ? '' : `${cutText(text, width - 1)[0]}…`;
}

function lineCount(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + text.split('\n').length - 1, 0);
}
