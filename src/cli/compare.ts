import { statSync } from 'node:fs';
import { type ComparedPair, type Comparison, compare, type SideInput } from '../compare/compare.js';
import { isTold } from '../compare/pair.js';
import { diagnose } from '../diagnose/diagnose.js';
import { comparisonReportOf } from '../report/formats.js';
import { printableText } from '../report/printable.js';
import { anonymousCaptures, isNothingToJudge, warn } from './analyze.js';
import { chosenRules } from './chosen-rules.js';
import { type ExitStatus, type Io, interruptible, writeAll } from './io.js';
import { jobsFor, jobsOf } from './jobs.js';
import {
  type AnalyzeArguments,
  type Answer,
  asUsageError,
  checkedExtras,
  checkedReport,
  isAsSure,
  isAtLeast,
  JOBS_OPTION,
  type RawOptions,
  type ReportArguments,
  spreadRuleIds,
  textWidthOf,
  wantsAscii,
  wantsColor,
  withReportOptions,
} from './options.js';
import { OutputFile } from './output-file.js';
import { UsageError } from './usage-error.js';

/** A checked command line of `compare`. */
interface CompareArguments
  extends ReportArguments,
    Pick<AnalyzeArguments, 'jobs' | 'evidence' | 'force' | 'brief'> {
  readonly inside: SideInput;
  readonly outside: SideInput;
}

interface CompareOptions extends RawOptions {
  inside?: string;
  outside?: string;
  insideInterface?: string;
  outsideInterface?: string;
}

/**
 * `mailwitness compare --inside F --outside G`: holds two captures of the same traffic against each other.
 *
 * @param words  the command line behind `compare`
 * @returns 0 nothing was changed, 1 a change or findings at or above `--fail-on`, 2 an input is damaged or the two have no session
 *   in common
 * @throws UsageError
 */
export async function runCompare(words: readonly string[], io: Io, version: string): Promise<ExitStatus> {
  const args = await parseCompare(words);
  if ('text' in args) {
    await writeAll([args.text], io.stdout);
    return 0;
  }
  const rules = chosenRules(args.only, args.except);
  const files = [args.inside.file, args.outside.file];
  const inputs = args.key === null ? files : [...files, args.key];
  const file = args.output === null ? null : new OutputFile(args.output, inputs);
  const directory =
    args.evidence === null
      ? null
      : (await import('./write-evidence.js')).evidenceDirectory(args, files, inputs);
  const names = args.anonymize ? (await import('./anonymizer.js')).pseudonymsOf(args) : null;
  const { inside, outside, ports, digest, jobs } = args;
  const whole = await interruptible(io.interrupts, (signal) =>
    compare(inside, outside, { rules, ports, digest, jobs, signal }),
  );
  const findings = whole.analysis.findings.filter(({ confidence }) =>
    isAsSure(confidence, args.minConfidence),
  );
  const sure = { ...whole.analysis, findings, diagnoses: diagnose(findings, whole.analysis.rules) };
  if (!args.quiet) {
    warn(names ? { ...sure, captures: await anonymousCaptures(sure, names) } : sure, io.stderr);
    if (whole.pairs.length === 0) {
      const isOpen = whole.unpaired.some(({ reason }) => reason === 'ambiguous');
      io.stderr.write(
        `mailwitness: ${isOpen ? 'no session could be paired for certain' : 'the two captures have no session in common'}.\n`,
      );
    }
  }
  const making = { rules, ports, comparison: whole, names, version };
  const { analysis, failed: unwritten } = directory
    ? await (await import('./write-evidence.js')).writeEvidence(
        directory,
        whole.analysis,
        sure,
        making,
        args.quiet,
        io,
      )
    : { analysis: sure, failed: false };
  const named: Comparison = { ...whole, analysis };
  const comparison = names
    ? (await import('../anonymize/comparison.js')).anonymizedComparison(named, names)
    : named;
  const leftOut = whole.analysis.findings.filter((finding) => !findings.includes(finding));
  const judged = rules.filter(({ meta }) => !leftOut.some((finding) => finding.rule === meta.id));
  const options = {
    color: wantsColor(args, io),
    width: textWidthOf(args, io),
    details: args.details,
    ascii: wantsAscii(args, io),
    ports: args.ports,
    rules: judged.map(({ meta }) => meta),
    leftOut: leftOut.length,
    ...(args.evidence !== null && { evidence: args.evidence }),
  };
  const format = args.brief ? 'brief' : args.format;
  const report = await comparisonReportOf(comparison, format, options, version);
  if (file) file.write(report);
  else await writeAll(report, io.stdout);
  if (unwritten || comparison.analysis.captures.some(({ facts }) => facts.problems.length > 0)) return 2;
  if (isNothingToJudge(whole.analysis)) return 3;
  if (comparison.pairs.length === 0) return 2;
  const failed = findings.some(({ severity }) => isAtLeast(severity, args.failOn));
  return failed || comparison.pairs.some(wasChanged) ? 1 : 0;
}

/** What the dialogue says is not the same; TCP options and gaps are no such change. */
function wasChanged({ differences }: ComparedPair): boolean {
  return differences.some(isTold);
}

function isPipe(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFIFO() ?? false;
}

async function parseCompare(words: readonly string[]): Promise<CompareArguments | Answer> {
  const said: string[] = [];
  const { Command } = await import('commander');
  const command = new Command('mailwitness compare')
    .usage('[options] --inside FILE --outside FILE')
    .description('Holds the same traffic, captured on both sides of a firewall, against each other.')
    .allowExcessArguments(true)
    .option('--inside <file>', 'the capture at the inside of the firewall')
    .option('--outside <file>', 'the capture at its outside; may be the same file')
    .option('--inside-interface <name>', 'only packets of this interface of the inside file (pcapng)')
    .option('--outside-interface <name>', 'only packets of this interface of the outside file')
    .option(...JOBS_OPTION)
    .option('--evidence <dir>', 'writes a small capture for each finding, with the packets of both sides')
    .option('--force', 'lets --evidence overwrite the captures of an earlier run')
    .option('--brief', 'text of at most 4,000 characters, for a form or a chat');
  await withReportOptions(command, (text) => said.push(text));
  command.addHelpText('after', EXIT_STATUS);
  try {
    command.parse(await spreadRuleIds(words), { from: 'user' });
  } catch (error) {
    if ((error as { exitCode?: unknown }).exitCode === 0) return { text: said.join('') };
    throw asUsageError(error);
  }
  const options = command.opts<CompareOptions>();
  if (command.args.length > 0) {
    throw new UsageError(
      `compare takes its captures by --inside and --outside, not '${command.args[0]}' alone.`,
    );
  }
  const { inside, outside } = options;
  if (!inside || !outside) {
    throw new UsageError(
      "compare needs --inside FILE and --outside FILE; 'mailwitness compare --help' tells more.",
    );
  }
  if (inside === '-' && outside === '-') {
    throw new UsageError("standard input can be read only once, and '-' is named twice.");
  }
  if (inside === outside && isPipe(inside)) {
    throw new UsageError(`${printableText(inside)} can be read only once, and is named twice.`);
  }
  return {
    ...checkedReport(options),
    ...checkedExtras(options),
    jobs: options.jobs === undefined ? jobsFor([inside, outside]) : jobsOf(options.jobs),
    inside: { file: inside, interface: options.insideInterface ?? null },
    outside: { file: outside, interface: options.outsideInterface ?? null },
  };
}

const EXIT_STATUS = `
A capture that holds both sides may be given twice: they are told apart by the
interfaces of a pcapng, by Ethernet addresses or by hop limits. Interfaces may
be named by --inside-interface and --outside-interface.

Exit status:
  0  nothing was changed between the two, and neither shows a finding
  1  something was changed, or findings of the severity of --fail-on or above
  2  wrong usage, an input that is missing or damaged, or nothing in common
  3  nothing to judge: no SMTP session in either, and no finding
`;
