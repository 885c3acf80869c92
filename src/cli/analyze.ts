import { closeSync, openSync, realpathSync, renameSync, rmSync, writeSync } from 'node:fs';
import { type Analysis, analyze } from '../analyze.js';
import { jsonReport, ndjsonReport } from '../report/json.js';
import { inPieces } from '../report/pieces.js';
import { printableText } from '../report/printable.js';
import { textReport } from '../report/text.js';
import { catalog } from '../rules/catalog.js';
import type { Rule } from '../rules/rule.js';
import { type AnalyzeArguments, asSure, atLeast, UsageError } from './options.js';
import type { ExitStatus, Io, Output } from './run.js';

/** `mailwitness analyze FILE...` */
export async function runAnalyze(args: AnalyzeArguments, io: Io, version: string): Promise<ExitStatus> {
  const rules = chosenRules(args);
  if (args.output !== null) refuseInputAsOutput(args.output, args.files);
  const abort = new AbortController();
  // The first Ctrl-C ends the reading and reports what was read; a second one ends the program.
  const interrupted = () => {
    abort.abort();
    io.interrupts?.off('SIGINT', interrupted);
  };
  io.interrupts?.on('SIGINT', interrupted);
  const progress = io.stderr.isTTY && !args.quiet ? new Progress(io.stderr) : null;
  let whole: Analysis;
  try {
    whole = await analyze(args.files, {
      rules,
      ports: args.ports,
      digest: args.digest,
      signal: abort.signal,
      ...(progress && { onProgress: (file, octets, total) => progress.show(file, octets, total) }),
    });
  } finally {
    progress?.clear();
    io.interrupts?.off('SIGINT', interrupted);
  }
  const analysis: Analysis = {
    captures: whole.captures,
    sessionCount: whole.sessionCount,
    sessions: () => whole.sessions(),
    findings: whole.findings.filter((finding) => asSure(finding.confidence, args.minConfidence)),
    notAssessed: whole.notAssessed,
    interrupted: whole.interrupted,
  };
  if (!args.quiet) warn(analysis, io.stderr);
  await deliver(reportOf(analysis, args, io, version), args.output, io.stdout);
  if (analysis.captures.some((capture) => capture.facts.problems.length > 0)) return 2;
  return analysis.findings.some((finding) => atLeast(finding.severity, args.failOn)) ? 1 : 0;
}

function chosenRules({ only, except }: AnalyzeArguments): Rule[] {
  const ids = catalog.map((rule) => rule.meta.id);
  for (const id of [...(only ?? []), ...except]) {
    if (ids.includes(id)) continue;
    const near = ids.filter((known) => known.includes(id) || id.includes(known) || known[0] === id[0]);
    throw new UsageError(`there is no rule "${id}"; rules are ${(near.length > 0 ? near : ids).join(', ')}.`);
  }
  return catalog.filter(({ meta }) => (only === null || only.includes(meta.id)) && !except.includes(meta.id));
}

function reportOf(analysis: Analysis, args: AnalyzeArguments, io: Io, version: string): Iterable<string> {
  switch (args.format) {
    case 'json':
      return jsonReport(analysis, { name: 'mailwitness', version });
    case 'ndjson':
      return ndjsonReport(analysis);
    case 'text': {
      const color =
        args.color &&
        args.output === null &&
        io.stdout.isTTY === true &&
        !io.env.NO_COLOR &&
        io.env.TERM !== 'dumb';
      return inPieces(textReport(analysis, { color, width: 80 }));
    }
  }
}

function warn(analysis: Analysis, stderr: Output): void {
  for (const { file, facts } of analysis.captures) {
    const name = printableText(file === '-' ? 'standard input' : file);
    if (facts.truncated) stderr.write(`mailwitness: ${name}: the last record is cut short.\n`);
    for (const problem of facts.problems.slice(0, 3)) {
      stderr.write(`mailwitness: ${name}: ${printableText(problem.message)}\n`);
    }
  }
  if (analysis.interrupted) stderr.write('mailwitness: interrupted; this is the report of what was read.\n');
}

/** To a file: beside it first and then in its place, so that no half report is left. */
async function deliver(pieces: Iterable<string>, path: string | null, stdout: Output): Promise<void> {
  if (path === null) {
    for (const piece of pieces) if (!(await write(stdout, piece))) return;
    return;
  }
  const part = `${path}.part`;
  let descriptor: number;
  try {
    descriptor = openSync(part, 'w');
  } catch (error) {
    throw new UsageError(
      `the report cannot be written to ${path} (${(error as NodeJS.ErrnoException).code}): name another file.`,
    );
  }
  try {
    for (const piece of pieces) writeSync(descriptor, piece);
    closeSync(descriptor);
    renameSync(part, path);
  } catch (error) {
    rmSync(part, { force: true });
    throw new UsageError(
      `the report cannot be written to ${path} (${(error as NodeJS.ErrnoException).code}): is the disk full?`,
    );
  }
}

/** Waits until the piece is taken: a slow reader must not make us hold the report. False: nobody reads. */
function write(output: Output, text: string): Promise<boolean> {
  return new Promise((resolve) => {
    output.write(text, (error) => resolve(!error));
  });
}

function refuseInputAsOutput(output: string, files: readonly string[]): void {
  const real = (path: string): string => {
    try {
      return realpathSync(path);
    } catch {
      return path;
    }
  };
  if (files.some((file) => file !== '-' && real(file) === real(output))) {
    throw new UsageError(`${output} is one of the captures: name another file for the report.`);
  }
}

/** One line on a terminal, rewritten at most ten times a second. */
class Progress {
  private last = 0;
  private shown = false;

  constructor(private readonly stderr: Output) {}

  show(file: string, octets: number, total: number | null): void {
    const now = Date.now();
    if (now - this.last < 100) return;
    this.last = now;
    this.shown = true;
    const part = total
      ? `${Math.min(100, Math.floor((octets / total) * 100))} %`
      : `${Math.floor(octets / 1e6)} MB`;
    this.stderr.write(`\r\x1b[K${printableText(file).slice(-60)} ${part}`);
  }

  clear(): void {
    if (this.shown) this.stderr.write('\r\x1b[K');
  }
}
