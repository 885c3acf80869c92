import type { Analysis, CaptureResult } from '../analyze.js';
import { formatTimestamp } from '../capture/timestamp.js';
import type { Finding, NotAssessed } from '../rules/finding.js';
import type { SmtpExchange, SmtpLine, SmtpMessage, SmtpReply, SmtpSession } from '../smtp/session.js';
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
 * One object per line, `type` = `capture` | `session` | `finding` | `diagnosis`; otherwise the objects of the
 * JSON report.
 */
export function ndjsonReport(analysis: Analysis): Iterable<string> {
  return inPieces(ndjsonLines(analysis));
}

function* jsonLines(analysis: Analysis, { name, version }: ReportMaker): Generator<string> {
  yield `{"schema":${text(REPORT_SCHEMA)},\n"generator":${text({ name, version })},\n`;
  yield* list('captures', analysis.captures, captureValue, ',\n');
  yield* list('sessions', analysis.sessions(), sessionValue, ',\n');
  yield* list('findings', analysis.findings, findingValue, ',\n');
  yield '"diagnoses":[],\n';
  yield* list('notAssessed', analysis.notAssessed, notAssessedValue, '\n');
  yield '}\n';
}

function* list<T>(
  name: string,
  items: Iterable<T>,
  toValue: (item: T) => object,
  end: string,
): Generator<string> {
  yield `"${name}":[`;
  let first = true;
  for (const item of items) {
    yield `${first ? '\n' : ',\n'}${text(toValue(item))}`;
    first = false;
  }
  yield `${first ? '' : '\n'}]${end}`;
}

function* ndjsonLines(analysis: Analysis): Generator<string> {
  for (const capture of analysis.captures) yield `${text({ type: 'capture', ...captureValue(capture) })}\n`;
  for (const session of analysis.sessions()) yield `${text({ type: 'session', ...sessionValue(session) })}\n`;
  for (const finding of analysis.findings) yield `${text({ type: 'finding', ...findingValue(finding) })}\n`;
}

/** Escaped after it was serialised: one pass over a whole session instead of one per string. */
function text(value: unknown): string {
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

function sessionValue(session: SmtpSession): object {
  const { client, server } = session;
  return {
    id: session.id,
    capture: session.capture,
    client: { address: client.address, port: client.port },
    server: { address: server.address, port: server.port },
    start: formatTimestamp(session.start),
    end: formatTimestamp(session.end),
    closed: session.closed,
    midstream: session.midstream,
    gaps: session.gaps.map(({ direction, offset, octets, cause }) => ({ direction, offset, octets, cause })),
    banner: banner(session),
    helo: helo(session),
    extensions: session.extensions.map((extension) => decodeOctets(extension.text)),
    encryptedFrom: session.encryptedFrom,
    commands: session.exchanges.map((exchange) => commandValue(exchange, session)),
    messages: session.messages.map(messageValue),
  };
}

/** The lines of the greeting as they were on the wire, code included. */
function banner(session: SmtpSession): string | null {
  const greeting = session.exchanges.find((exchange) => exchange.kind === 'greeting')?.reply;
  return greeting ? greeting.lines.map((line) => decodeOctets(line.text)).join('\n') : null;
}

/** What the client called itself last. */
function helo(session: SmtpSession): string | null {
  const hello = session.exchanges.findLast(({ verb }) => verb === 'EHLO' || verb === 'HELO');
  return hello?.argument == null ? null : decodeOctets(hello.argument);
}

function commandValue(exchange: SmtpExchange, session: SmtpSession): object {
  const { line } = exchange;
  const greeting = exchange.kind === 'greeting';
  // The greeting answers the connection itself, which its first packet asks for.
  const packet = greeting ? session.firstFrame : (line?.frame ?? null);
  const time = greeting ? session.start : (line?.time ?? null);
  // DATA is answered by 354, its end by what follows; AUTH by 334, the responses after it likewise.
  const reply = exchange.intermediate ?? exchange.reply;
  return {
    verb: decodeOctets(exchange.verb),
    argument: exchange.argument === null ? null : decodeOctets(exchange.argument),
    packet,
    time: formatTimestamp(time),
    reply: reply && replyValue(reply),
  };
}

function replyValue(reply: SmtpReply): object {
  const first = reply.lines[0];
  return {
    code: reply.code,
    enhanced: reply.enhanced,
    text: reply.lines.map((line) => decodeOctets(withoutCode(line, reply.code))),
    packet: first?.frame ?? null,
    time: formatTimestamp(first?.time ?? null),
  };
}

/** A masked continuation line has lost its code, and stays as it is. */
function withoutCode({ text: octets }: SmtpLine, code: number | null): string {
  if (code === null || !octets.startsWith(String(code).padStart(3, '0'))) return octets;
  return octets[3] === ' ' || octets[3] === '-' ? octets.slice(4) : octets.slice(3);
}

function messageValue(message: SmtpMessage): object {
  return {
    id: message.id,
    messageId: message.messageId === null ? null : decodeOctets(message.messageId),
    from: message.fromSeen ? decodeOctets(message.from) : null,
    to: message.to.map(decodeOctets),
    octets: message.octets,
    accepted: message.accepted,
    replyCode: message.replyCode,
    digest: message.digest,
    packet: message.frame,
  };
}

function findingValue(finding: Finding): object {
  return {
    id: finding.id,
    rule: finding.rule,
    severity: finding.severity,
    confidence: finding.confidence,
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
    symptoms: finding.symptoms,
    remedy: finding.remedy.map(decodeOctets),
    references: finding.references.map(decodeOctets),
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

function notAssessedValue({ session, reason, detail }: NotAssessed): object {
  return { session, reason, detail: decodeOctets(detail) };
}
