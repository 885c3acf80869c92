import type { Analysis, CaptureResult } from '../analyze.js';
import { formatTimestamp } from '../capture/timestamp.js';
import type { Finding, NotAssessed } from '../rules/finding.js';
import type { SmtpExchange, SmtpLine, SmtpMessage, SmtpReply, SmtpSession } from '../smtp/session.js';
import { decodeOctets, escapeJson } from './printable.js';

/** Who made the report. Handed in: no floor below the command line asks its surroundings. */
export interface Generator {
  readonly name: string;
  readonly version: string;
}

/** Output is made in pieces of at least this many characters; smaller writes cost more than the work. */
const PIECE = 64 * 1024;

const SCHEMA = 'mailwitness/report/1';

/**
 * The report as JSON (`schema/report-1.json`), one element to a line.
 *
 * Sessions are asked for one at a time: a report of 200,000 sessions takes no more memory than one of them.
 * The same analysis gives the same characters.
 */
export function jsonReport(analysis: Analysis, generator: Generator): Iterable<string> {
  return inPieces(jsonLines(analysis, generator));
}

function* jsonLines(analysis: Analysis, generator: Generator): Generator2 {
  const { name, version } = generator;
  yield `{"schema":${json(SCHEMA)},\n"generator":${json({ name, version })},\n`;
  yield* list('captures', analysis.captures, captureJson);
  yield* list('sessions', analysis.sessions(), sessionJson);
  yield* list('findings', analysis.findings, findingJson);
  yield '"diagnoses":[],\n';
  yield* list('notAssessed', analysis.notAssessed, notAssessedJson, '\n');
  yield '}\n';
}

type Generator2 = Iterable<string>;

function* list<T>(name: string, items: Iterable<T>, toValue: (item: T) => object, end = ',\n'): Generator2 {
  yield `"${name}":[`;
  let first = true;
  for (const item of items) {
    yield `${first ? '\n' : ',\n'}${json(toValue(item))}`;
    first = false;
  }
  yield `${first ? '' : '\n'}]${end}`;
}

/**
 * One object per line, `type` = `capture` | `session` | `finding` | `diagnosis`; otherwise the objects of the
 * JSON report.
 */
export function ndjsonReport(analysis: Analysis): Iterable<string> {
  return inPieces(ndjsonLines(analysis));
}

function* ndjsonLines(analysis: Analysis): Generator2 {
  for (const capture of analysis.captures) yield line('capture', captureJson(capture));
  for (const session of analysis.sessions()) yield line('session', sessionJson(session));
  for (const finding of analysis.findings) yield line('finding', findingJson(finding));
}
