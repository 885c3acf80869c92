import type { Analysis, CaptureResult } from '../../analyze.js';
import type { Finding } from '../../finding/finding.js';
import type { RuleMeta } from '../../rules/rule-meta.js';
import { inPieces } from '../chunked.js';
import { displayFilters } from '../document/display-filter.js';
import { decodeOctets, escapeJson, printableOctets } from '../printable.js';
import type { ReportMaker } from './json.js';

/** What SARIF needs beside the analysis. */
export interface SarifOptions {
  /** The rules that were asked. */
  readonly rules: readonly Pick<RuleMeta, 'id' | 'title' | 'summary' | 'whyItMatters' | 'severity'>[];
}

type Level = 'error' | 'warning' | 'note';

const LEVEL: Readonly<Record<Finding['severity'], Level>> = {
  high: 'error',
  medium: 'warning',
  low: 'warning',
  info: 'note',
};

/**
 * SARIF 2.1.0, one result to a line. A capture is no text: frames are named as logical locations, and the display filter
 * is among the properties.
 */
export function sarifReport(analysis: Analysis, maker: ReportMaker, options: SarifOptions): Iterable<string> {
  return inPieces(sarifLines(analysis, maker, options));
}

function* sarifLines(
  { captures, findings }: Analysis,
  { name, version }: ReportMaker,
  { rules }: SarifOptions,
): Generator<string> {
  const driver = {
    name,
    version,
    rules: rules.map(({ id, title, summary, whyItMatters, severity }) => ({
      id,
      shortDescription: { text: title },
      fullDescription: { text: summary },
      help: { text: whyItMatters },
      defaultConfiguration: { level: LEVEL[severity] },
    })),
  };
  const indexes = new Map(rules.map(({ id }, index) => [id, index]));
  yield '{"version":"2.1.0",\n"runs":[{\n';
  yield `"tool":${text({ driver })},\n`;
  yield `"invocations":[${text(invocation(captures))}],\n`;
  yield `"artifacts":${text(captures.map(({ file }) => ({ location: { uri: uri(file) } })))},\n`;
  yield '"results":[';
  for (const [index, finding] of findings.entries()) {
    yield `${index === 0 ? '\n' : ',\n'}${text(result(finding, captures, indexes.get(finding.rule)))}`;
  }
  yield `${findings.length === 0 ? '' : '\n'}]\n}]}\n`;
}

function invocation(captures: readonly CaptureResult[]): object {
  const notifications = captures.flatMap(({ file, facts }, index) =>
    facts.problems.map(({ message }) => ({
      level: 'error',
      message: { text: message },
      locations: [{ physicalLocation: { artifactLocation: { uri: uri(file), index } } }],
    })),
  );
  return {
    executionSuccessful: notifications.length === 0,
    ...(notifications.length > 0 && { toolExecutionNotifications: notifications }),
  };
}

function result(finding: Finding, captures: readonly CaptureResult[], ruleIndex: number | undefined): object {
  const { capture, evidence, severity, confidence, proof, fingerprint, count, sessions } = finding;
  return {
    ruleId: finding.rule,
    ...(ruleIndex !== undefined && { ruleIndex }),
    kind: 'fail',
    level: LEVEL[severity],
    message: { text: decodeOctets(finding.message) },
    locations: [location(captures, evidence[0]?.capture ?? capture, evidence.slice(0, 1))],
    relatedLocations: evidence.map((proof, id) => ({
      id,
      ...location(captures, proof.capture, [proof]),
      message: { text: `${printableOctets(proof.excerpt)} (${printableOctets(proof.note)})` },
    })),
    partialFingerprints: { 'mailwitness/v1': fingerprint },
    occurrenceCount: count,
    properties: {
      finding: finding.id,
      severity,
      confidence,
      proof,
      sessions: sessions.length,
      filters: displayFilters(evidence),
      remedy: finding.remedy.map(decodeOctets),
    },
  };
}

function location(
  captures: readonly CaptureResult[],
  capture: number,
  evidence: Finding['evidence'],
): object {
  const file = captures[capture]?.file ?? '-';
  return {
    physicalLocation: { artifactLocation: { uri: uri(file), index: capture } },
    logicalLocations: evidence.map(({ packet }) => ({ name: `frame ${packet}`, kind: 'packet' })),
  };
}

/** A relative reference, or a file: URI; each segment escaped. */
function uri(file: string): string {
  const path = file.replaceAll('\\', '/').split('/').map(encoded).join('/');
  return path.startsWith('/') ? `file://${path}` : path;
}

function encoded(segment: string): string {
  return encodeURIComponent(segment.replace(/[\ud800-\udfff]/gu, '\ufffd')).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function text(value: unknown): string {
  return escapeJson(JSON.stringify(value));
}
