import type { Analysis, CaptureResult } from '../../analyze.js';
import { formatTimestamp, type Timestamp } from '../../capture/timestamp.js';
import type { Diagnosis } from '../../diagnose/diagnosis.js';
import type { Finding, NotAssessed } from '../../finding/finding.js';
import { lastHello } from '../../smtp/hello.js';
import type { Extension, SmtpExchange, SmtpMessage, SmtpReply, SmtpSession } from '../../smtp/session.js';
import type { Gap } from '../../stream/event.js';
import type { FirewallLogReport } from '../../syslog/joiner.js';
import { inPieces, PIECE } from '../chunked.js';
import { displayFilters } from '../document/display-filter.js';
import { decodeOctets, escapeJson } from '../printable.js';
import { TextBuilder } from './text-builder.js';

/** Who made the report. Handed in: no floor below the command line asks its surroundings. */
export interface ReportMaker {
  readonly name: string;
  readonly version: string;
}

export const REPORT_SCHEMA = 'mailwitness/report/1';

/**
 * The report as JSON (`schema/report-1.json`), one element to a line.
 *
 * Sessions are asked for one at a time, so that a report of 200,000 sessions takes no more memory than one of
 * them. The same analysis gives the same characters.
 */
export function jsonReport(analysis: Analysis, maker: ReportMaker): Iterable<string> {
  return inPieces(jsonLines(analysis, maker));
}

/**
 * One object per line, `type` = `capture` | `session` | `finding` | `diagnosis` | `firewallLog`; otherwise the objects
 * of the JSON report.
 */
export function ndjsonReport(analysis: Analysis): Iterable<string> {
  return inPieces(ndjsonLines(analysis));
}

/** @param more  members that follow, each of which begins with a comma */
export function* jsonLines(
  analysis: Analysis,
  { name, version }: ReportMaker,
  more: Iterable<string> = [],
): Generator<string> {
  yield `{"schema":${text(REPORT_SCHEMA)},\n"generator":${text({ name, version })},\n`;
  yield* list('captures', analysis.captures, (capture) => text(captureValue(capture)), ',\n');
  yield '"sessions":[';
  yield* sessionTexts(analysis.sessions(), '\n{', '},\n{', '}\n');
  yield '],\n';
  yield* list('findings', analysis.findings, (finding) => text(findingValue(finding)), ',\n');
  yield* list('diagnoses', analysis.diagnoses, (diagnosis) => text(diagnosisValue(diagnosis)), ',\n');
  const { firewallLog } = analysis;
  const end = firewallLog === null ? '\n' : ',\n';
  yield* list('notAssessed', analysis.notAssessed, (entry) => text(notAssessedValue(entry)), ',\n');
  yield* list('checks', analysis.checks, (check) => text(check), end);
  if (firewallLog !== null) yield `"firewallLog":${text(firewallLogValue(firewallLog))}\n`;
  yield* more;
  yield '}\n';
}

export function* list<T>(
  name: string,
  items: Iterable<T>,
  toText: (item: T) => string,
  end: string,
): Generator<string> {
  yield `"${name}":[`;
  let first = true;
  for (const item of items) {
    yield `${first ? '\n' : ',\n'}${toText(item)}`;
    first = false;
  }
  yield `${first ? '' : '\n'}]${end}`;
}

export function* ndjsonLines(analysis: Analysis): Generator<string> {
  for (const capture of analysis.captures) yield `${text({ type: 'capture', ...captureValue(capture) })}\n`;
  yield* sessionTexts(analysis.sessions(), '{"type":"session",', '}\n{"type":"session",', '}\n');
  for (const finding of analysis.findings) yield `${text({ type: 'finding', ...findingValue(finding) })}\n`;
  for (const diagnosis of analysis.diagnoses)
    yield `${text({ type: 'diagnosis', ...diagnosisValue(diagnosis) })}\n`;
  const { firewallLog } = analysis;
  if (firewallLog !== null) yield `${text({ type: 'firewallLog', ...firewallLogValue(firewallLog) })}\n`;
}

/** Escaped after it was serialised: one pass over the whole. */
export function text(value: unknown): string {
  return escapeJson(JSON.stringify(value));
}

function captureValue({ file, facts, skipped }: CaptureResult): object {
  return {
    file,
    format: facts.format,
    linkTypes: facts.linkTypes,
    packets: facts.packets,
    bytes: facts.bytes,
    first: formatTimestamp(facts.first),
    last: formatTimestamp(facts.last),
    truncated: facts.truncated,
    skipped,
    problems: facts.problems.map(({ code, message, packet, offset }) => ({
      code,
      message,
      ...(packet !== undefined && { packet }),
      ...(offset !== undefined && { offset }),
    })),
  };
}

/**
 * Sessions, with what stands before the first, between two, and after the last; nothing where there are none.
 *
 * They are written straight away instead of as objects for `JSON.stringify`: there may be hundreds of thousands,
 * and this takes a third of the time. The price is that a member's order and quotes are ours to get right. Many are
 * handed on as one text: a string for each, which others then put together, was half of the garbage.
 */
function* sessionTexts(
  sessions: Iterable<SmtpSession>,
  before: string,
  between: string,
  after: string,
): Generator<string> {
  const writer = new SessionWriter();
  const { builder } = writer;
  let first = true;
  for (const session of sessions) {
    builder.add(first ? before : between);
    first = false;
    writer.pushSession(session);
    if (builder.length >= PIECE) yield builder.take();
  }
  if (first) return;
  builder.add(after);
  yield builder.take();
}

const SPACE = 0x20;
const HYPHEN = 0x2d;
const ZERO = 0x30;

/** Writes the members of sessions, one session after the other. */
class SessionWriter {
  readonly builder = new TextBuilder();
  /** The second that was written last, and how a time of it begins: most times of a session share one. */
  private newestSecond = Number.NaN;
  private newestBeginning = '';

  pushSession(session: SmtpSession): void {
    const { client, server, gaps, exchanges, messages } = session;
    this.builder.add('"id":"');
    this.builder.add(session.id);
    this.builder.add('","capture":');
    this.builder.number(session.capture);
    this.builder.add(',"client":');
    this.pushEndpoint(client);
    this.builder.add(',"server":');
    this.pushEndpoint(server);
    this.builder.add(',"start":');
    this.pushTime(session.start);
    this.builder.add(',"end":');
    this.pushTime(session.end);
    this.builder.add(',"closed":"');
    this.builder.add(session.closed);
    this.builder.add(session.midstream ? '","midstream":true,"gaps":' : '","midstream":false,"gaps":');
    this.pushList(gaps, this.pushGap);
    this.builder.add(',"banner":');
    this.pushBanner(exchanges);
    this.builder.add(',"helo":');
    this.pushQuoted(lastHello(exchanges)?.argument ?? null);
    this.builder.add(',"extensions":');
    this.pushList(session.extensions, this.pushExtension);
    this.builder.add(',"encryptedFrom":');
    this.builder.number(session.encryptedFrom);
    this.builder.add(',"commands":[');
    for (let index = 0; index < exchanges.length; index++) {
      this.builder.add(index === 0 ? '{"verb":' : ',{"verb":');
      this.pushCommand(exchanges[index]!, session);
    }
    this.builder.add('],"messages":');
    this.pushList(messages, this.pushMessage);
  }

  private pushList<T>(items: readonly T[], push: (item: T) => void): void {
    if (items.length === 0) {
      this.builder.add('[]');
      return;
    }
    for (let index = 0; index < items.length; index++) {
      this.builder.add(index === 0 ? '[' : ',');
      push(items[index]!);
    }
    this.builder.add(']');
  }

  /** @param from  where what is meant begins */
  private pushQuoted(octets: string | null, from = 0): void {
    if (octets === null) this.builder.add('null');
    else if (!this.builder.quoted(octets, from)) this.builder.add(text(decodeOctets(octets.slice(from))));
  }

  private pushTime(moment: Timestamp | null): void {
    if (moment === null) {
      this.builder.add('null');
      return;
    }
    const { us, digits } = moment;
    const second = Math.floor(us / 1e6);
    if (digits !== 6 || second !== this.newestSecond) {
      const formatted = formatTimestamp(moment);
      if (formatted === null) this.builder.add('null');
      else this.builder.quoted(formatted, 0);
      if (formatted === null || digits !== 6) return;
      this.newestSecond = second;
      this.newestBeginning = `"${formatted.slice(0, '2001-02-07T05:01:23.'.length)}`;
      return;
    }
    this.builder.add(this.newestBeginning);
    this.builder.sixDigits(Math.floor(us - second * 1e6));
    this.builder.add('Z"');
  }

  private pushEndpoint({ address, port }: SmtpSession['client']): void {
    this.builder.add('{"address":');
    this.pushQuoted(address);
    this.builder.add(',"port":');
    this.builder.number(port);
    this.builder.add('}');
  }

  private readonly pushGap = ({ direction, offset, octets, cause }: Gap): void => {
    this.builder.add(`{"direction":"${direction}","offset":${offset},"octets":${octets},"cause":"${cause}"}`);
  };

  private readonly pushExtension = (extension: Extension): void => {
    this.pushQuoted(extension.text);
  };

  private readonly pushPath = (path: string): void => {
    this.pushQuoted(path);
  };

  /** The lines of the greeting as they were on the wire, code included. */
  private pushBanner(exchanges: readonly SmtpExchange[]): void {
    let greeting: SmtpReply | null = null;
    for (let index = 0; index < exchanges.length; index++) {
      const { kind, reply } = exchanges[index]!;
      if (kind !== 'greeting') continue;
      greeting = reply;
      break;
    }
    if (greeting === null) this.builder.add('null');
    else if (greeting.lines.length === 1) this.pushQuoted(greeting.lines[0]!.text);
    else this.builder.add(text(greeting.lines.map((line) => decodeOctets(line.text)).join('\n')));
  }

  /** All but the beginning of its first member. */
  private pushCommand(exchange: SmtpExchange, session: SmtpSession): void {
    const { line } = exchange;
    const greeting = exchange.kind === 'greeting';
    this.pushQuoted(exchange.verb);
    this.builder.add(',"argument":');
    this.pushQuoted(exchange.argument);
    this.builder.add(',"packet":');
    // The greeting answers the connection itself, which its first packet asks for.
    this.builder.number(greeting ? session.firstFrame : (line?.frame ?? null));
    this.builder.add(',"time":');
    this.pushTime(greeting ? session.start : (line?.time ?? null));
    // DATA is answered by 354, its end by what follows; AUTH by 334, the responses after it likewise.
    const reply = exchange.intermediate ?? exchange.reply;
    if (reply) this.pushReply(reply);
    else this.builder.add(',"reply":null}');
  }

  /** The last member of a command. */
  private pushReply({ code, enhanced, lines }: SmtpReply): void {
    const first = lines[0];
    this.builder.add(',"reply":{"code":');
    this.builder.number(code);
    this.builder.add(',"enhanced":');
    this.pushQuoted(enhanced);
    this.builder.add(',"text":[');
    for (let index = 0; index < lines.length; index++) {
      if (index > 0) this.builder.add(',');
      const { text: octets } = lines[index]!;
      this.pushQuoted(octets, codeEnd(octets, code));
    }
    this.builder.add('],"packet":');
    this.builder.number(first?.frame ?? null);
    this.builder.add(',"time":');
    this.pushTime(first?.time ?? null);
    this.builder.add('}}');
  }

  private readonly pushMessage = (message: SmtpMessage): void => {
    const { accepted } = message;
    this.builder.add('{"id":"');
    this.builder.add(message.id);
    this.builder.add('","messageId":');
    this.pushQuoted(message.messageId);
    this.builder.add(',"from":');
    this.pushQuoted(message.fromSeen ? message.from : null);
    this.builder.add(',"to":');
    this.pushList(message.to, this.pushPath);
    this.builder.add(',"octets":');
    this.builder.number(message.octets);
    this.builder.add(
      accepted ? ',"accepted":true' : accepted === null ? ',"accepted":null' : ',"accepted":false',
    );
    this.builder.add(',"replyCode":');
    this.builder.number(message.replyCode);
    this.builder.add(',"digest":"');
    this.builder.add(message.digest);
    this.builder.add('","packet":');
    this.builder.number(message.frame);
    this.builder.add('}');
  };
}

/** Where a line's text begins. A masked continuation line has lost its code: then with the line. */
function codeEnd(octets: string, code: number | null): number {
  if (code === null || !beginsWith(octets, code)) return 0;
  const separator = octets.charCodeAt(3);
  return separator === SPACE || separator === HYPHEN ? 4 : 3;
}

function beginsWith(octets: string, code: number): boolean {
  const tens = Math.floor(code / 10);
  return (
    octets.charCodeAt(0) === ZERO + Math.floor(tens / 10) &&
    octets.charCodeAt(1) === ZERO + (tens % 10) &&
    octets.charCodeAt(2) === ZERO + (code % 10)
  );
}

export function findingValue(finding: Finding): object {
  return {
    id: finding.id,
    rule: finding.rule,
    fingerprint: finding.fingerprint,
    severity: finding.severity,
    confidence: finding.confidence,
    proof: finding.proof,
    title: finding.title,
    message: decodeOctets(finding.message),
    args: decodedArgs(finding.args),
    capture: finding.capture,
    session: finding.session,
    sessions: finding.sessions,
    count: finding.count,
    evidence: finding.evidence.map((evidence) => ({
      capture: evidence.capture,
      packet: evidence.packet,
      time: formatTimestamp(evidence.time),
      direction: evidence.direction,
      offset: evidence.offset,
      excerpt: decodeOctets(evidence.excerpt),
      note: decodeOctets(evidence.note),
    })),
    filters: displayFilters(finding.evidence),
    ...(finding.evidenceFile !== undefined && { evidenceFile: finding.evidenceFile }),
    symptoms: finding.symptoms,
    remedy: finding.remedy.map(decodeOctets),
    references: finding.references.map(decodeOctets),
    ...(finding.witnesses && {
      witnesses: finding.witnesses.map((witness) => ({ ...witness, text: decodeOctets(witness.text) })),
    }),
  };
}

/** Names of arguments come from rules, their values from packets. */
function decodedArgs(args: Finding['args']): object {
  return Object.fromEntries(
    Object.entries(args).map(([name, value]) => [
      name,
      typeof value === 'string'
        ? decodeOctets(value)
        : Array.isArray(value)
          ? value.map(decodeOctets)
          : value,
    ]),
  );
}

/** Its texts are the program's own; the address is no text of a packet. */
function diagnosisValue(diagnosis: Diagnosis): object {
  const { server, device, confidence, summary, because, proved, ruledOut, actor } = diagnosis;
  const { smallestChange, notProved, verify, symptoms } = diagnosis;
  return {
    server: { address: server.address, port: server.port },
    device,
    confidence,
    summary,
    because,
    proved,
    ruledOut,
    actor,
    smallestChange,
    notProved,
    verify,
    symptoms,
  };
}

function firewallLogValue({
  file,
  lines,
  ignored,
  records,
  dropped,
  joined,
  notJoined,
}: FirewallLogReport): object {
  return {
    file,
    lines,
    ignored,
    records: records.length,
    dropped,
    joined: joined.map(({ session, record, joinedBy }) => ({
      session,
      line: record.line,
      id: record.id,
      text: decodeOctets(record.text),
      joinedBy,
    })),
    notJoined,
  };
}

function notAssessedValue({ session, reason, detail }: NotAssessed): object {
  return { session, reason, detail: decodeOctets(detail) };
}
