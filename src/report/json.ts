import type { Analysis, CaptureResult } from '../analyze.js';
import { formatTimestamp, type Timestamp } from '../capture/timestamp.js';
import type { Diagnosis } from '../diagnose/diagnosis.js';
import type { Finding, NotAssessed } from '../rules/finding.js';
import type { SmtpExchange, SmtpLine, SmtpMessage, SmtpReply, SmtpSession } from '../smtp/session.js';
import type { Gap } from '../stream/event.js';
import type { FirewallLogReport } from '../syslog/joiner.js';
import { displayFilters } from './display-filter.js';
import { inPieces } from './pieces.js';
import { decodeOctets, escapeJson } from './printable.js';

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

/**
 * Sessions are written straight away instead of as objects for `JSON.stringify`: there may be hundreds of thousands,
 * and this takes half the time. The price is that a member's order and quotes are ours to get right.
 */
function sessionMembers(session: SmtpSession): string {
  const { client, server, gaps, exchanges, messages } = session;
  return (
    `"id":"${session.id}","capture":${session.capture},` +
    `"client":{"address":${quoted(client.address)},"port":${client.port}},` +
    `"server":{"address":${quoted(server.address)},"port":${server.port}},` +
    `"start":${time(session.start)},"end":${time(session.end)},` +
    `"closed":"${session.closed}","midstream":${session.midstream},"gaps":[${joined(gaps, gapText)}],` +
    `"banner":${banner(session)},"helo":${helo(session)},` +
    `"extensions":[${joined(session.extensions, (extension) => quoted(extension.text))}],` +
    `"encryptedFrom":${session.encryptedFrom},` +
    `"commands":[${joined(exchanges, (exchange) => commandText(exchange, session))}],` +
    `"messages":[${joined(messages, messageText)}]`
  );
}

function joined<T>(items: readonly T[], toText: (item: T) => string): string {
  let all = '';
  for (let index = 0; index < items.length; index++) all += (index === 0 ? '' : ',') + toText(items[index]!);
  return all;
}

const NEEDS_NO_ESCAPE = /^[ !#-[\]-~]*$/;

/** Octets as a JSON string. */
function quoted(octets: string): string {
  return NEEDS_NO_ESCAPE.test(octets) ? `"${octets}"` : text(decodeOctets(octets));
}

function quotedOrNull(octets: string | null): string {
  return octets === null ? 'null' : quoted(octets);
}

function time(moment: Timestamp | null): string {
  const formatted = formatTimestamp(moment);
  return formatted === null ? 'null' : `"${formatted}"`;
}

function gapText({ direction, offset, octets, cause }: Gap): string {
  return `{"direction":"${direction}","offset":${offset},"octets":${octets},"cause":"${cause}"}`;
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
  return quotedOrNull(hello?.argument ?? null);
}

function commandText(exchange: SmtpExchange, session: SmtpSession): string {
  const { line } = exchange;
  const greeting = exchange.kind === 'greeting';
  // The greeting answers the connection itself, which its first packet asks for.
  const packet = greeting ? session.firstFrame : (line?.frame ?? null);
  const moment = greeting ? session.start : (line?.time ?? null);
  // DATA is answered by 354, its end by what follows; AUTH by 334, the responses after it likewise.
  const reply = exchange.intermediate ?? exchange.reply;
  return (
    `{"verb":${quoted(exchange.verb)},"argument":${quotedOrNull(exchange.argument)},` +
    `"packet":${packet},"time":${time(moment)},"reply":${reply ? replyText(reply) : 'null'}}`
  );
}

function replyText(reply: SmtpReply): string {
  const first = reply.lines[0];
  return (
    `{"code":${reply.code},"enhanced":${quotedOrNull(reply.enhanced)},` +
    `"text":[${joined(reply.lines, (line) => quoted(withoutCode(line, reply.code)))}],` +
    `"packet":${first?.frame ?? null},"time":${time(first?.time ?? null)}}`
  );
}

/** A masked continuation line has lost its code, and stays as it is. */
function withoutCode({ text: octets }: SmtpLine, code: number | null): string {
  if (code === null || !octets.startsWith(String(code).padStart(3, '0'))) return octets;
  return octets[3] === ' ' || octets[3] === '-' ? octets.slice(4) : octets.slice(3);
}

function messageText(message: SmtpMessage): string {
  return (
    `{"id":"${message.id}","messageId":${quotedOrNull(message.messageId)},` +
    `"from":${quotedOrNull(message.fromSeen ? message.from : null)},"to":[${joined(message.to, quoted)}],` +
    `"octets":${message.octets},"accepted":${message.accepted},"replyCode":${message.replyCode},` +
    `"digest":"${message.digest}","packet":${message.frame}}`
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
