import type { Analysis } from '../../analyze.js';
import type { Finding } from '../../finding/finding.js';
import { plural } from '../../finding/words.js';
import { inPieces } from '../chunked.js';
import { displayFilters } from '../document/display-filter.js';
import type { DocumentOptions } from '../document/document.js';
import { mainReason, UNJUDGED_WORDS } from '../document/silent-rules.js';
import { printableOctets, printableText } from '../printable.js';

/**
 * JUnit XML, as build servers read it: a test case for each finding, which fails unless it is a note, one that passes for
 * each rule that was silent, or is skipped where the rule could judge nothing, and one with an error for each capture that could not be read wholly.
 */
export function junitReport(analysis: Analysis, { rules = [] }: DocumentOptions = {}): Iterable<string> {
  return inPieces(junitLines(analysis, rules));
}

function* junitLines(
  { captures, findings, checks }: Analysis,
  rules: NonNullable<DocumentOptions['rules']>,
): Generator<string> {
  const spoken = new Set(findings.map(({ rule }) => rule));
  const silent = rules.filter(({ id }) => !spoken.has(id));
  const unchecked = new Map(
    checks.filter(({ status }) => status === 'not-checked').map((check) => [check.rule, check]),
  );
  const skipped = silent.filter(({ id }) => unchecked.has(id)).length;
  const failures = findings.filter(({ severity }) => severity !== 'info').length;
  const damaged = captures.filter(({ facts }) => facts.problems.length > 0);
  const tests = findings.length + silent.length + damaged.length;
  const counts = `tests="${tests}" failures="${failures}" errors="${damaged.length}"`;
  yield '<?xml version="1.0" encoding="UTF-8"?>\n';
  yield `<testsuites name="mailwitness" ${counts}>\n<testsuite name="mailwitness" ${counts} skipped="${skipped}">\n`;
  for (const { file, facts } of damaged) {
    const message = xml(printableText(facts.problems[0]!.message));
    yield `<testcase classname="capture" name="${xml(printableText(file))}"><error message="${message}"/></testcase>\n`;
  }
  for (const finding of findings) yield testCase(finding, captures.length > 1);
  for (const { id, title } of silent) {
    const check = unchecked.get(id);
    const place = `<testcase classname="${xml(id)}" name="${xml(printableText(title))}"`;
    if (check === undefined) yield `${place}/>\n`;
    else yield `${place}><skipped message="${UNJUDGED_WORDS[mainReason(check)]}"/></testcase>\n`;
  }
  yield '</testsuite>\n</testsuites>\n';
}

function testCase(finding: Finding, several: boolean): string {
  const { rule, title, server, fingerprint, severity, confidence, sessions, remedy, evidence } = finding;
  const name = `${printableText(title)} (${printableText(server.address)} port ${server.port}, ${fingerprint})`;
  const filters = displayFilters(evidence).map(({ capture, filter }) =>
    several ? `capture ${capture + 1}: ${filter}` : filter,
  );
  const detail = [
    printableOctets(finding.message),
    `${confidence}; ${plural(sessions.length, 'session')}`,
    ...evidence.map(
      ({ packet, excerpt, note }) =>
        `frame ${packet}: ${printableOctets(excerpt)} (${printableOctets(note)})`,
    ),
    `Wireshark: ${filters.join('; ')}`,
    ...remedy.map((text) => `Change: ${printableOctets(text)}`),
  ]
    .map(xml)
    .join('\n');
  const outcome =
    severity === 'info'
      ? `<system-out>${detail}</system-out>`
      : `<failure type="${severity}" message="${xml(printableOctets(finding.message))}">${detail}</failure>`;
  return `<testcase classname="${xml(rule)}" name="${xml(name)}">${outcome}</testcase>\n`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Printable text has no character that XML forbids. */
function xml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
