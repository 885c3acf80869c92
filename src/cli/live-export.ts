import { statSync } from 'node:fs';
import type { Analysis } from '../analyze.js';
import type { Watch } from '../live/watch.js';
import { reportOf } from '../report/formats.js';
import type { Rule } from '../rules/rule.js';
import { EvidenceDirectory } from './evidence-directory.js';
import type { Io } from './io.js';
import { inputsOf, type LiveArguments } from './live-options.js';
import { isAsSure } from './options.js';
import { OutputFile } from './output-file.js';
import { writeEvidence } from './write-evidence.js';

/**
 * Writes what the watch has found so far to the working directory: the report as a page and as JSON, and the evidence
 * captures where the packets can be read a second time.
 *
 * @param stamp  `20260506T070809Z`: part of every name, so that nothing is overwritten
 * @returns one line that says where they are
 * @throws UsageError
 */
export async function exportWatch(
  watch: Watch,
  args: LiveArguments,
  rules: readonly Rule[],
  stamp: string,
  version: string,
): Promise<string> {
  const base = `mailwitness-${stamp}`;
  const inputs = inputsOf(args);
  const { whole, sure, text } = soFar(watch, args, rules);
  let told = sure;
  let evidence =
    args.write === null
      ? 'no evidence captures: the packets were not kept'
      : `evidence by: mailwitness analyze --evidence proof ${args.write}/mailwitness-*.pcap`;
  if (sure.findings.length > 0 && args.read !== null && isRegular(args.read)) {
    const folder = `${base}-evidence`;
    const directory = new EvidenceDirectory(folder, false, [args.read], inputs);
    const making = { rules: [...rules], ports: args.ports, version };
    ({ analysis: told } = await writeEvidence(directory, whole, told, making, true, SILENT));
    evidence = `evidence in ${folder}`;
  }
  for (const format of ['html', 'json'] as const) {
    new OutputFile(`${base}.${format}`, inputs).write(await reportOf(told, format, text, version));
  }
  return `Exported ${base}.html and .json, ${evidence}.`;
}

/** Writes the report of what the watch has found to the file of `--output`. */
export async function writeReport(
  file: OutputFile,
  watch: Watch,
  args: LiveArguments,
  rules: readonly Rule[],
  version: string,
): Promise<void> {
  const { sure, text } = soFar(watch, args, rules);
  file.write(await reportOf(sure, args.format, text, version));
}

/** What there is to be told of a watch: all of it, what is as sure as was asked for, and how it is told. */
function soFar(watch: Watch, { ports, minConfidence }: LiveArguments, rules: readonly Rule[]) {
  const whole = watch.analysis();
  const findings = whole.findings.filter(({ confidence }) => isAsSure(confidence, minConfidence));
  const sure: Analysis = { ...whole, findings };
  const leftOut = whole.findings.length - findings.length;
  return {
    whole,
    sure,
    text: { color: false, details: true, ports, rules: rules.map(({ meta }) => meta), leftOut },
  };
}

/** The screen is the dashboard's. */
const SILENT: Io = { stdout: { write: () => true }, stderr: { write: () => true }, env: {} };

function isRegular(path: string): boolean {
  return path !== '-' && (statSync(path, { throwIfNoEntry: false })?.isFile() ?? false);
}
