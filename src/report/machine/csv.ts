import type { Analysis } from '../../analyze.js';
import { formatTimestamp } from '../../capture/timestamp.js';
import { lastHello } from '../../smtp/hello.js';
import { inPieces } from '../chunked.js';
import { displayFilters } from '../document/display-filter.js';
import { printableOctets, printableText } from '../printable.js';

type Cell = string | number | boolean | null;

const FINDING_COLUMNS = [
  'finding',
  'fingerprint',
  'severity',
  'confidence',
  'proof',
  'rule',
  'title',
  'server_address',
  'server_port',
  'sessions',
  'first_session',
  'count',
  'capture',
  'first_frame',
  'first_time',
  'display_filter',
  'message',
  'octets',
  'change',
  'symptoms',
  'references',
] as const;

const SESSION_COLUMNS = [
  'session',
  'capture',
  'client_address',
  'client_port',
  'server_address',
  'server_port',
  'start',
  'end',
  'closed',
  'first_frame',
  'last_frame',
  'protocol',
  'banner',
  'helo',
  'encrypted_from',
  'commands',
  'messages',
  'accepted',
  'gaps',
  'findings',
] as const;

/** Findings for a spreadsheet: one to a line, RFC 4180 with a header line and CRLF, in UTF-8 without a mark. */
export function csvReport(analysis: Analysis): Iterable<string> {
  return inPieces(findingLines(analysis));
}

/** Sessions likewise, in a file of their own: a sheet is one table. */
export function csvSessions(analysis: Analysis): Iterable<string> {
  return inPieces(sessionLines(analysis));
}

function* findingLines({ captures, findings }: Analysis): Generator<string> {
  yield line(FINDING_COLUMNS);
  for (const finding of findings) {
    const [first] = finding.evidence;
    const file = captures[finding.capture]?.file ?? '';
    yield line([
      finding.id,
      finding.fingerprint,
      finding.severity,
      finding.confidence,
      finding.proof,
      finding.rule,
      finding.title,
      finding.server.address,
      finding.server.port,
      finding.sessions.length,
      finding.session,
      finding.count,
      printableText(file),
      first?.packet ?? null,
      formatTimestamp(first?.time ?? null),
      displayFilters(finding.evidence)
        .map(({ capture, filter }) => (captures.length > 1 ? `${capture + 1}: ${filter}` : filter))
        .join('; '),
      printableOctets(finding.message),
      printableOctets(first?.excerpt ?? ''),
      finding.remedy.map(printableOctets).join(' '),
      finding.symptoms.join(' '),
      finding.references.map(printableText).join('; '),
    ]);
  }
}

function* sessionLines(analysis: Analysis): Generator<string> {
  const found = new Map<string, string[]>();
  for (const { id, sessions } of analysis.findings) {
    for (const session of sessions) {
      const list = found.get(session);
      if (list) list.push(id);
      else found.set(session, [id]);
    }
  }
  yield line(SESSION_COLUMNS);
  for (const session of analysis.sessions()) {
    const greeting = session.exchanges.find(({ kind }) => kind === 'greeting')?.reply;
    const hello = lastHello(session.exchanges);
    yield line([
      session.id,
      printableText(analysis.captures[session.capture]?.file ?? ''),
      session.client.address,
      session.client.port,
      session.server.address,
      session.server.port,
      formatTimestamp(session.start),
      formatTimestamp(session.end),
      session.closed,
      session.firstFrame,
      session.lastFrame,
      session.protocol,
      greeting ? greeting.lines.map(({ text }) => printableOctets(text)).join(' / ') : null,
      hello?.argument ? printableOctets(hello.argument) : null,
      session.encryptedFrom,
      session.exchanges.length,
      session.messages.length,
      session.messages.filter(({ accepted }) => accepted === true).length,
      session.gapCount,
      (found.get(session.id) ?? []).slice(0, MAX_IDS).join(' '),
    ]);
  }
}

/** Ids in one cell. */
const MAX_IDS = 50;

function line(cells: readonly Cell[]): string {
  return `${cells.map(cell).join(',')}\r\n`;
}

function cell(value: Cell): string {
  if (value === null) return '';
  if (typeof value !== 'string') return String(value);
  return quoted(defused(value));
}

const PLAIN = /^[\w .:/()-]*$/;

function quoted(text: string): string {
  return PLAIN.test(text) ? text : `"${text.replaceAll('"', '""')}"`;
}

/**
 * An apostrophe in front of what a spreadsheet would take for a formula. Spaces, quotes and the wide forms of the signs
 * do not save a cell; and behind a semicolon begins a cell where semicolons part them.
 */
function defused(text: string): string {
  return text.replace(/^(?=["'\s]*[=+\-@＝＋－＠])/, "'").replace(/;(?=["'\s]*[=+\-@＝＋－＠])/g, ";'");
}
