import type { Analysis, CaptureResult } from '../analyze.js';
import { formatTimestamp, type Timestamp } from '../capture/timestamp.js';
import type { Evidence, Finding, NotAssessed } from '../rules/finding.js';
import { cutText, enumerate, plural, thousands, wrapText } from './columns.js';
import { printableOctets, printableText } from './printable.js';

/** How the text is to look. */
export interface TextOptions {
  readonly color: boolean;
  /** Columns, at least 60. Default 80. */
  readonly width?: number;
}

const SGR = { bold: '1', dim: '2', red: '31', yellow: '33', green: '32', cyan: '36' } as const;
type Style = keyof typeof SGR;

/** Severity has a word, a shape and a colour: any one of them may be lost. */
const SEVERITY: Readonly<Record<Finding['severity'], { readonly shape: string; readonly style: Style }>> = {
  high: { shape: '■', style: 'red' },
  medium: { shape: '▲', style: 'yellow' },
  low: { shape: '●', style: 'cyan' },
  info: { shape: '○', style: 'dim' },
};

const SEVERITY_ORDER = ['high', 'medium', 'low', 'info'] as const;
const CONFIDENCE_ORDER = ['certain', 'likely', 'possible'] as const;

/** Named per reason in "not judged". */
const SESSIONS_NAMED = 5;

/**
 * The report for people: the verdict in the first line, then the proof, and at the end what could not be judged.
 *
 * Every line ends in LF and is at most `width` columns wide. Packet text is made printable; with `color` false
 * there is no escape sequence in it.
 */
export function* textReport(analysis: Analysis, options: TextOptions): Generator<string> {
  const page = new Page(Math.max(60, options.width ?? 80), options.color);
  const findings = analysis.findings;
  yield page.paragraph(verdict(analysis), '', findings.length > 0 ? 'bold' : 'green');
  yield '\n';
  for (const [server, list] of byServer(findings)) {
    yield page.line(`Server ${server}`, 'bold');
    yield '\n';
    for (const finding of list) yield* findingText(page, finding, analysis);
  }
  yield page.line(analysis.captures.length === 1 ? 'Capture' : 'Captures', 'bold');
  for (const capture of analysis.captures) yield* captureText(page, capture);
  yield page.paragraph(`${plural(analysis.sessionCount, 'session')} on the SMTP ports.`, '  ');
  const groups = byReason(analysis.notAssessed);
  if (groups.length > 0) {
    yield '\n';
    yield page.line('Not judged', 'bold');
    for (const group of groups) yield page.paragraph(group, '  ', undefined, '    ');
  }
}

/** One sentence that can stand alone. */
function verdict({ findings, sessionCount, captures }: Analysis): string {
  const serious = findings.filter((finding) => finding.severity !== 'info');
  if (serious.length === 0) {
    const damaged = captures.filter((capture) => capture.facts.problems.length > 0).length;
    const rest = damaged > 0 ? ` ${plural(damaged, 'capture')} could not be read whole.` : '';
    if (sessionCount === 0) return `Nothing to judge: there is no mail session in the capture.${rest}`;
    if (findings.length > 0)
      return `No sign of harm to mail in ${plural(sessionCount, 'session')}; notes below.${rest}`;
    return `No sign that a firewall changed mail in ${plural(sessionCount, 'session')}.${rest}`;
  }
  const best = CONFIDENCE_ORDER.find((level) => serious.some((finding) => finding.confidence === level))!;
  const telling = serious.filter((finding) => finding.confidence === best);
  const servers = [...new Set(serious.map(({ server }) => printableText(server.address)))];
  const deeds = [...new Set(telling.map((finding) => DEEDS[finding.rule] ?? finding.title))];
  const shown = deeds.slice(0, 4);
  const who = { certain: 'A firewall', likely: 'Very probably a firewall', possible: 'Possibly a firewall' }[
    best
  ];
  const where = servers.length === 1 ? `in front of ${servers[0]}` : `in front of ${servers.length} servers`;
  const more = deeds.length > shown.length ? ', and more' : '';
  return `${who} ${where} ${more ? shown.join(', ') : enumerate(shown)}${more}.`;
}

/** What the firewall did, as the end of the sentence that begins with it. */
const DEEDS: Readonly<Record<string, string>> = {
  'banner-masked': 'overwrites the greeting',
  'banner-proxy': 'answers in the server’s place',
  'greeting-stalled': 'breaks the greeting so that clients wait for ever',
  'capability-masked': 'hides ESMTP keywords',
  'verb-masked': 'overwrites commands',
  'verb-swallowed': 'swallows commands',
  'verb-rejected': 'has offered verbs refused',
  'ehlo-rejected': 'breaks EHLO',
  'auth-dropped': 'takes AUTH away',
  'starttls-stripped': 'takes STARTTLS away',
  'link2state-dropped': 'takes the verbs of Exchange away',
  'relay-denied-after-auth-dropped': 'causes refusals to relay',
  '8bitmime-rejected': 'breaks 8-bit mail',
  'ndr-8bitmime': 'makes 8-bit mail bounce',
  'duplicate-delivery': 'makes mail arrive several times',
  'end-of-data-unacknowledged': 'loses the end of messages',
};

function byServer(findings: readonly Finding[]): [string, Finding[]][] {
  const servers = new Map<string, Finding[]>();
  for (const finding of findings) {
    const { address, port } = finding.server;
    const name = `${address.includes(':') ? `[${address}]` : address}:${port}`;
    const list = servers.get(name);
    if (list) list.push(finding);
    else servers.set(name, [finding]);
  }
  const rank = (finding: Finding): number =>
    SEVERITY_ORDER.indexOf(finding.severity) * 3 + CONFIDENCE_ORDER.indexOf(finding.confidence);
  for (const list of servers.values()) list.sort((a, b) => rank(a) - rank(b));
  return [...servers];
}

function* findingText(page: Page, finding: Finding, analysis: Analysis): Generator<string> {
  const { shape, style } = SEVERITY[finding.severity];
  const head = `${finding.id}  ${printableText(finding.title)}`;
  yield page.styled([
    [`${shape} `, style],
    [head, 'bold'],
  ]);
  yield page.line(`  ${finding.rule} · ${finding.severity} · ${finding.confidence}`, 'dim');
  yield page.paragraph(printableOctets(finding.message), '  ');
  for (const evidence of finding.evidence) yield* evidenceText(page, evidence, analysis);
  if (finding.sessions.length > 1) {
    const named = finding.sessions.slice(0, SESSIONS_NAMED).join(', ');
    const rest = finding.sessions.length > SESSIONS_NAMED ? ', ..' : '';
    yield page.paragraph(`In ${plural(finding.sessions.length, 'session')}: ${named}${rest}.`, '  ');
  }
  for (const [index, remedy] of finding.remedy.entries()) {
    yield page.paragraph(
      `${index === 0 ? 'Change:' : '    or:'} ${printableText(remedy)}`,
      '  ',
      'green',
      '          ',
    );
  }
  yield page.paragraph(`See ${finding.references.map(printableText).join(', ')}.`, '  ', 'dim');
  yield '\n';
}

function* evidenceText(page: Page, evidence: Evidence, analysis: Analysis): Generator<string> {
  const way = evidence.direction === 'client' ? 'client → server' : 'server → client';
  const file =
    analysis.captures.length > 1 ? `${shortName(analysis.captures[evidence.capture]?.file ?? '')} ` : '';
  const time = clock(evidence.time);
  yield page.line(`    ${file}frame ${evidence.packet}${time === '' ? '' : `  ${time}`}  ${way}`, 'cyan');
  for (const piece of cutText(printableOctets(evidence.excerpt), page.width - 6)) yield `      ${piece}\n`;
  yield page.paragraph(`(${printableOctets(evidence.note)})`, '      ', 'dim');
}

function* captureText(page: Page, { file, facts, skipped }: CaptureResult): Generator<string> {
  yield page.paragraph(printableText(file === '-' ? 'standard input' : file), '  ');
  const span = facts.first ? `, ${formatTimestamp(facts.first)} to ${formatTimestamp(facts.last)}` : '';
  yield page.paragraph(
    `${facts.format}, ${plural(facts.packets, 'packet')}, ${plural(facts.bytes, 'octet')}${span}`,
    '    ',
    'dim',
  );
  const reasons = Object.entries(skipped).map(([reason, count]) => `${thousands(count)} ${reason}`);
  if (reasons.length > 0) yield page.paragraph(`not used: ${reasons.join(', ')}`, '    ', 'dim');
  if (facts.truncated)
    yield page.paragraph(
      '! The last record is cut short: the capture was ended in mid-write.',
      '    ',
      'yellow',
    );
  for (const problem of facts.problems.slice(0, 10)) {
    const where = [
      problem.packet === undefined ? '' : `packet ${problem.packet}`,
      problem.offset === undefined ? '' : `octet ${problem.offset}`,
    ].filter((part) => part !== '');
    const place = where.length > 0 ? ` (${where.join(', ')})` : '';
    yield page.paragraph(
      `! ${problem.code}: ${printableOctets(problem.message)}${place}`,
      '    ',
      'red',
      '      ',
    );
  }
  if (facts.problems.length > 10)
    yield page.line(`    ! and ${facts.problems.length - 10} more problems`, 'red');
}

/** One line per reason, with the sessions it is about. */
function byReason(entries: readonly NotAssessed[]): string[] {
  const groups = new Map<string, { sessions: string[]; details: string[]; count: number }>();
  for (const entry of entries) {
    const group = groups.get(entry.reason) ?? { sessions: [], details: [], count: 0 };
    groups.set(entry.reason, group);
    group.count++;
    if (entry.session && group.sessions.length < SESSIONS_NAMED) group.sessions.push(entry.session);
    if (group.details.length < 1) group.details.push(entry.detail);
  }
  return [...groups].map(([reason, { sessions, details, count }]) => {
    const whom =
      sessions.length > 0
        ? ` in ${plural(count, 'session')} (${sessions.join(', ')}${count > sessions.length ? ', ..' : ''})`
        : '';
    return `${reason}${whom}: ${printableOctets(details[0] ?? '')}${count > 1 ? ' And the like.' : ''}`;
  });
}

/** Time of day with three decimals: the date stands with the capture. */
function clock(time: Timestamp | null): string {
  return formatTimestamp(time && { ...time, digits: Math.min(3, time.digits) })?.slice(11, -1) ?? '';
}

function shortName(file: string): string {
  return printableText(file.split(/[/\\]/).at(-1) ?? file).slice(0, 30);
}

/** Lines of one width, coloured or not. */
class Page {
  constructor(
    readonly width: number,
    private readonly color: boolean,
  ) {}

  line(text: string, style?: Style): string {
    return `${this.paint(cutText(text, this.width)[0] ?? '', style)}\n`;
  }

  styled(parts: readonly (readonly [string, Style])[]): string {
    let left = this.width;
    let out = '';
    for (const [text, style] of parts) {
      const piece = cutText(text, Math.max(1, left))[0] ?? '';
      out += this.paint(piece, style);
      left -= piece.length;
    }
    return `${out}\n`;
  }

  paragraph(text: string, indent: string, style?: Style, hanging = indent): string {
    const lines = wrapText(text, this.width - Math.max(indent.length, hanging.length));
    return lines
      .map((line, index) => `${index === 0 ? indent : hanging}${this.paint(line, style)}\n`)
      .join('');
  }

  private paint(text: string, style?: Style): string {
    return this.color && style ? `\x1b[${SGR[style]}m${text}\x1b[0m` : text;
  }
}
