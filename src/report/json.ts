import type { Analysis, CaptureResult } from '../analyze.js';
import { formatTimestamp, type Timestamp } from '../capture/timestamp.js';
import type { Diagnosis } from '../diagnose/diagnosis.js';
import type { Finding, NotAssessed } from '../rules/finding.js';
import type {
  Extension,
  SmtpExchange,
  SmtpLine,
  SmtpMessage,
  SmtpReply,
  SmtpSession,
} from '../smtp/session.js';
import type { Gap } from '../stream/event.js';
import type { FirewallLogReport } from '../syslog/joiner.js';
import { displayFilters } from './display-filter.js';
import { inPieces } from './pieces.js';
import { decodeOctets, escapeJson } from './printable.js';
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
  yield* list('sessions', analysis.sessions(), (session) => `{${sessionMembers(session)}}`, ',\n');
  yield* list('findings', analysis.findings, (finding) => text(findingValue(finding)), ',\n');
  yield* list('diagnoses', analysis.diagnoses, (diagnosis) => text(diagnosisValue(diagnosis)), ',\n');
  const { firewallLog } = analysis;
  const end = firewallLog === null ? '\n' : ',\n';
  yield* list('notAssessed', analysis.notAssessed, (entry) => text(notAssessedValue(entry)), end);
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
  for (const session of analysis.sessions()) yield `{"type":"session",${sessionMembers(session)}}\n`;
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

const builder = new TextBuilder();

/**
 * Sessions are written straight away instead of as objects for `JSON.stringify`: there may be hundreds of thousands,
 * and this takes half the time. The price is that a member's order and quotes are ours to get right.
 */
function sessionMembers(session: SmtpSession): string {
  const { client, server, gaps, exchanges, messages } = session;
  builder.clear();
  builder.add('"id":"');
  builder.add(session.id);
  builder.add('","capture":');
  builder.number(session.capture);
  builder.add(',"client":');
  pushEndpoint(client);
  builder.add(',"server":');
  pushEndpoint(server);
  builder.add(',"start":');
  pushTime(session.start);
  builder.add(',"end":');
  pushTime(session.end);
  builder.add(',"closed":"');
  builder.add(session.closed);
  builder.add('","midstream":');
  builder.add(String(session.midstream));
  builder.add(',"gaps":');
  pushList(gaps, pushGap);
  builder.add(',"banner":');
  builder.add(banner(session));
  builder.add(',"helo":');
  builder.add(helo(session));
  builder.add(',"extensions":');
  pushList(session.extensions, pushExtension);
  builder.add(',"encryptedFrom":');
  builder.number(session.encryptedFrom);
  builder.add(',"commands":[');
  for (let index = 0; index < exchanges.length; index++) {
    if (index > 0) builder.add(',');
    pushCommand(exchanges[index]!, session);
  }
  builder.add('],"messages":');
  pushList(messages, pushMessage);
  return builder.take();
}

function pushList<T>(items: readonly T[], push: (item: T) => void): void {
  builder.add('[');
  for (let index = 0; index < items.length; index++) {
    if (index > 0) builder.add(',');
    push(items[index]!);
  }
  builder.add(']');
}

const NEEDS_NO_ESCAPE = /^[ !#-[\]-~]*$/;

/** Octets as a JSON string. */
function quoted(octets: string): string {
  return NEEDS_NO_ESCAPE.test(octets) ? `"${octets}"` : text(decodeOctets(octets));
}

function pushQuoted(octets: string | null): void {
  if (octets === null) builder.add('null');
  else if (NEEDS_NO_ESCAPE.test(octets)) builder.quoted(octets);
  else builder.add(text(decodeOctets(octets)));
}

function pushTime(moment: Timestamp | null): void {
  const formatted = formatTimestamp(moment);
  if (formatted === null) builder.add('null');
  else builder.quoted(formatted);
}

function pushEndpoint({ address, port }: SmtpSession['client']): void {
  builder.add('{"address":');
  pushQuoted(address);
  builder.add(',"port":');
  builder.number(port);
  builder.add('}');
}

function pushGap({ direction, offset, octets, cause }: Gap): void {
  builder.add(`{"direction":"${direction}","offset":${offset},"octets":${octets},"cause":"${cause}"}`);
}

function pushExtension(extension: Extension): void {
  pushQuoted(extension.text);
}

/** The lines of the greeting as they were on the wire, code included. */
function banner(session: SmtpSession): string {
  const greeting = session.exchanges.find((exchange) => exchange.kind === 'greeting')?.reply;
  if (!greeting) return 'null';
  if (greeting.lines.length === 1) return quoted(greeting.lines[0]!.text);
  return text(greeting.lines.map((line) => decodeOctets(line.text)).join('\n'));
}

/** What the client called itself last. */
function helo(session: SmtpSession): string {
  const hello = session.exchanges.findLast(({ verb }) => verb === 'EHLO' || verb === 'HELO');
  const name = hello?.argument ?? null;
  return name === null ? 'null' : quoted(name);
}

function pushCommand(exchange: SmtpExchange, session: SmtpSession): void {
  const { line } = exchange;
  const greeting = exchange.kind === 'greeting';
  // The greeting answers the connection itself, which its first packet asks for.
  const packet = greeting ? session.firstFrame : (line?.frame ?? null);
  builder.add('{"verb":');
  pushQuoted(exchange.verb);
  builder.add(',"argument":');
  pushQuoted(exchange.argument);
  builder.add(',"packet":');
  builder.number(packet);
  builder.add(',"time":');
  pushTime(greeting ? session.start : (line?.time ?? null));
  builder.add(',"reply":');
  // DATA is answered by 354, its end by what follows; AUTH by 334, the responses after it likewise.
  const reply = exchange.intermediate ?? exchange.reply;
  if (reply) pushReply(reply);
  else builder.add('null');
  builder.add('}');
}

function pushReply({ code, enhanced, lines }: SmtpReply): void {
  const first = lines[0];
  builder.add('{"code":');
  builder.number(code);
  builder.add(',"enhanced":');
  pushQuoted(enhanced);
  builder.add(',"text":[');
  for (let index = 0; index < lines.length; index++) {
    if (index > 0) builder.add(',');
    pushQuoted(withoutCode(lines[index]!, code));
  }
  builder.add('],"packet":');
  builder.number(first?.frame ?? null);
  builder.add(',"time":');
  pushTime(first?.time ?? null);
  builder.add('}');
}

/** A masked continuation line has lost its code, and stays as it is. */
function withoutCode({ text: octets }: SmtpLine, code: number | null): string {
  if (code === null || !beginsWith(octets, code)) return octets;
  return octets[3] === ' ' || octets[3] === '-' ? octets.slice(4) : octets.slice(3);
}

function beginsWith(octets: string, code: number): boolean {
  const tens = Math.floor(code / 10);
  return (
    octets.charCodeAt(0) === ZERO + Math.floor(tens / 10) &&
    octets.charCodeAt(1) === ZERO + (tens % 10) &&
    octets.charCodeAt(2) === ZERO + (code % 10)
  );
}

const ZERO = 0x30;

function pushMessage(message: SmtpMessage): void {
  builder.add('{"id":"');
  builder.add(message.id);
  builder.add('","messageId":');
  pushQuoted(message.messageId);
  builder.add(',"from":');
  pushQuoted(message.fromSeen ? message.from : null);
  builder.add(',"to":');
  pushList(message.to, pushQuoted);
  builder.add(',"octets":');
  builder.number(message.octets);
  builder.add(',"accepted":');
  builder.add(String(message.accepted));
  builder.add(',"replyCode":');
  builder.number(message.replyCode);
  builder.add(',"digest":"');
  builder.add(message.digest);
  builder.add('","packet":');
  builder.number(message.frame);
  builder.add('}');
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
