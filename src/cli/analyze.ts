import { type Analysis, analyze, type CaptureResult } from '../analyze.js';
import type { Pseudonyms } from '../anonymize/pseudonyms.js';
import { diagnose } from '../diagnose/diagnose.js';
import { type ReportOptions, reportOf } from '../report/formats.js';
import { printableText } from '../report/printable.js';
import type { Rule } from '../rules/rule.js';
import type { FirewallLog } from '../syslog/reader.js';
import { chosenRules } from './chosen-rules.js';
import { type ExitStatus, type Io, interruptible, type Output, writeAll } from './io.js';
import {
  type AnalyzeArguments,
  isAsSure,
  isAtLeast,
  textWidthOf,
  wantsAscii,
  wantsColor,
} from './options.js';
import { OutputFile } from './output-file.js';
import { Progress } from './progress.js';

/** Problems of one capture that are told on standard error; the report has them all. */
const MAX_WARNINGS = 3;

/**
 * `mailwitness analyze FILE...`: reads the captures, writes the report, tells what was wrong with them.
 *
 * @throws UsageError before anything is read, or when the report cannot be written
 */
export async function runAnalyze(args: AnalyzeArguments, io: Io, version: string): Promise<ExitStatus> {
  const rules = chosenRules(args.only, args.except);
  const file = args.output === null ? null : new OutputFile(args.output, inputsOf(args));
  const directory =
    args.evidence === null
      ? null
      : (await import('./write-evidence.js')).evidenceDirectory(args, args.files, inputsOf(args));
  const names = args.anonymize ? (await import('./anonymizer.js')).pseudonymsOf(args) : null;
  const log = args.asaLog === null ? null : (await import('./log-file.js')).readLogFile(args.asaLog);
  const whole = await analyzeInterruptibly(args, rules, log, io);
  const findings = whole.findings.filter((finding) => isAsSure(finding.confidence, args.minConfidence));
  const sure: Analysis = {
    ...whole,
    sessions: () => whole.sessions(),
    findings,
    diagnoses: findings.length === whole.findings.length ? whole.diagnoses : diagnose(findings, whole.rules),
  };
  if (!args.quiet) {
    warn(names ? { ...sure, captures: await anonymousCaptures(sure, names) } : sure, io.stderr);
  }
  const making = { rules, ports: args.ports, ...(log && { firewallLog: log }), names, version };
  const { analysis: named, failed } = directory
    ? await (await import('./write-evidence.js')).writeEvidence(
        directory,
        whole,
        sure,
        making,
        args.quiet,
        io,
      )
    : { analysis: sure, failed: false };
  const analysis = names
    ? (await import('../anonymize/analysis.js')).anonymizedAnalysis(named, names)
    : named;
  // A rule whose findings were all left out was not found silent.
  const leftOut = whole.findings.filter((finding) => !findings.includes(finding));
  const judged = rules.filter(({ meta }) => !leftOut.some((finding) => finding.rule === meta.id));
  const options: ReportOptions = {
    color: wantsColor(args, io),
    width: textWidthOf(args, io),
    details: args.details,
    ascii: wantsAscii(args, io),
    ports: args.ports,
    rules: judged.map(({ meta }) => meta),
    leftOut: leftOut.length,
    ...(args.evidence !== null && { evidence: args.evidence }),
  };
  const report = await reportOf(analysis, args.brief ? 'brief' : args.format, options, version);
  if (file) file.write(report);
  else await writeAll(report, io.stdout);
  if (failed || analysis.captures.some(({ facts }) => facts.problems.length > 0)) return 2;
  if (findings.some((finding) => isAtLeast(finding.severity, args.failOn))) return 1;
  return isNothingToJudge(whole) ? 3 : 0;
}

/** No SMTP session in any input, and no finding either. */
export function isNothingToJudge({ smtpCount, findings }: Analysis): boolean {
  return smtpCount === 0 && findings.length === 0;
}

export async function anonymousCaptures({ captures }: Analysis, names: Pseudonyms): Promise<CaptureResult[]> {
  return (await import('../anonymize/analysis.js')).anonymizedCaptures(captures, names);
}

/** What nothing may be written over. */
function inputsOf({ files, asaLog, key }: AnalyzeArguments): string[] {
  return [...files, asaLog, key].filter((name) => name !== null);
}

/** What was read until a SIGINT is analysed all the same. */
async function analyzeInterruptibly(
  args: AnalyzeArguments,
  rules: Rule[],
  firewallLog: FirewallLog | null,
  io: Io,
): Promise<Analysis> {
  const progress = io.stderr.isTTY === true && !args.quiet ? new Progress(io.stderr) : null;
  try {
    return await interruptible(io.interrupts, (signal) =>
      analyze(args.files, {
        rules,
        ports: args.ports,
        digest: args.digest,
        jobs: args.jobs,
        ...(firewallLog && { firewallLog }),
        signal,
        ...(progress && { onProgress: (file, octets, total) => progress.show(file, octets, total) }),
      }),
    );
  } finally {
    progress?.clear();
  }
}

/** Tells on standard error what was wrong with the captures. */
export function warn({ captures, interrupted }: Analysis, stderr: Output): void {
  for (const { file, facts } of captures) {
    const name = file === '-' ? 'standard input' : printableText(file);
    const say = (text: string): void => {
      stderr.write(`mailwitness: ${name}: ${printableText(text)}\n`);
    };
    for (const problem of facts.problems.slice(0, MAX_WARNINGS)) say(problem.message);
    const more = facts.problems.length - MAX_WARNINGS;
    if (more > 0) say(`and ${more} more; the report has them all.`);
    if (facts.truncated) say('the last packet is cut short; all before it was read.');
  }
  if (interrupted) stderr.write('mailwitness: interrupted: this is the report of what was read so far.\n');
}
