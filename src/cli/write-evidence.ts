import type { Analysis } from '../analyze.js';
import { Rewriter } from '../anonymize/analysis.js';
import type { Pseudonyms } from '../anonymize/pseudonyms.js';
import type { Comparison } from '../compare/compare.js';
import { evidenceCaptures } from '../evidence/evidence-capture.js';
import type { NotAssessed } from '../finding/finding.js';
import { printableText } from '../report/printable.js';
import type { Rule } from '../rules/rule.js';
import type { FirewallLog } from '../syslog/reader.js';
import { evidenceRewriter } from './anonymizer.js';
import { EvidenceDirectory } from './evidence-directory.js';
import type { Io } from './io.js';
import type { AnalyzeArguments } from './options.js';
import { UsageError } from './usage-error.js';

/** Findings without evidence that are told one by one. */
const MAX_TOLD = 20;

/** @throws UsageError before anything is read */
export function evidenceDirectory(
  { evidence, force }: Pick<AnalyzeArguments, 'evidence' | 'force'>,
  files: readonly string[],
  inputs: readonly string[],
): EvidenceDirectory {
  return new EvidenceDirectory(evidence!, force, files, inputs);
}

/**
 * Writes an evidence capture for each finding that is reported.
 *
 * What cannot be written ends the writing and not the report, which is made all the same.
 *
 * @param whole  the analysis as it was made
 * @param told  what of it is reported
 * @returns `told` with the files' names, and with what got none
 */
export async function writeEvidence(
  directory: EvidenceDirectory,
  whole: Analysis,
  told: Analysis,
  {
    version,
    names: pseudonyms = null,
    firewallLog,
    ...making
  }: {
    rules: Rule[];
    ports: readonly number[];
    firewallLog?: FirewallLog;
    comparison?: Comparison;
    names?: Pseudonyms | null;
    version: string;
  },
  quiet: boolean,
  { stderr }: Io,
): Promise<{ analysis: Analysis; failed: boolean }> {
  const names = new Map<string, string>();
  const without: NotAssessed[] = [];
  let failed = false;
  const log = firewallLog && pseudonyms ? new Rewriter(pseudonyms).log(firewallLog) : firewallLog;
  const options = {
    ...making,
    ...(log && { firewallLog: log }),
    ...(pseudonyms && { rewriter: evidenceRewriter(pseudonyms, whole.captures) }),
    application: `mailwitness ${version}`,
  };
  try {
    for await (const capture of evidenceCaptures(whole, told.findings, options)) {
      const { id } = capture.finding;
      if (capture.octets === null) without.push(refused(id, capture.reason));
      else {
        directory.write(capture.name, capture.octets);
        names.set(id, capture.name);
      }
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    failed = true;
    stderr.write(`mailwitness: ${printableText(error.message)}\n`);
  }
  if (!quiet && names.size > 0) {
    const files = names.size === 1 ? '1 evidence capture is' : `${names.size} evidence captures are`;
    stderr.write(`mailwitness: ${files} in ${printableText(directory.path)}, each also gzipped.\n`);
  }
  const findings = told.findings.map((finding) => ({
    ...finding,
    evidenceFile: names.get(finding.id) ?? null,
  }));
  const notAssessed = [...told.notAssessed, ...withLimit(without)];
  return { analysis: { ...told, findings, notAssessed }, failed };
}

function refused(id: string, reason: string): NotAssessed {
  return { session: null, reason: 'evidence', detail: `No evidence capture of ${id}: ${reason}.` };
}

function withLimit(entries: readonly NotAssessed[]): NotAssessed[] {
  if (entries.length <= MAX_TOLD) return [...entries];
  const detail = `${entries.length - MAX_TOLD} more findings have no evidence capture.`;
  return [...entries.slice(0, MAX_TOLD), { session: null, reason: 'evidence', detail }];
}
