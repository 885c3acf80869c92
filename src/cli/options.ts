import type { Command } from 'commander';
import {
  CONFIDENCES,
  type Confidence,
  compareConfidence,
  compareSeverity,
  SEVERITIES,
  type Severity,
} from '../finding/finding.js';
import type { DigestKind } from '../mail/digest.js';
import { FORMATS } from '../report/formats.js';
import type { Io } from './io.js';
import { jobsFor, jobsOf } from './jobs.js';
import { UsageError } from './usage-error.js';

export { FORMATS };

const DIGESTS = ['xxh64', 'sha256'] as const;

/** What `analyze` and `compare` may both be told, checked. */
export interface ReportArguments {
  readonly format: (typeof FORMATS)[number];
  readonly output: string | null;
  readonly ports: readonly number[];
  /** null: all rules. */
  readonly only: readonly string[] | null;
  readonly except: readonly string[];
  readonly digest: DigestKind;
  readonly minConfidence: Confidence;
  readonly failOn: Severity;
  readonly quiet: boolean;
  readonly color: boolean;
  /** All of the text report, instead of one screen. */
  readonly details: boolean;
  /** Names become pseudonyms. */
  readonly anonymize: boolean;
  /** File with the key of the pseudonyms; null: a key of this run's own. */
  readonly key: string | null;
}

/** A checked command line of `analyze`. */
export interface AnalyzeArguments extends ReportArguments {
  readonly files: readonly string[];
  /** Captures that are read at once. */
  readonly jobs: number;
  /** File with what the firewall logged; null: none. */
  readonly asaLog: string | null;
  /** Directory of evidence captures, or null. */
  readonly evidence: string | null;
  /** Evidence captures of an earlier run are overwritten. */
  readonly force: boolean;
  /** Text that a form takes instead of the whole. */
  readonly brief: boolean;
}

/** Help or the version: printed, and nothing else is done. */
export interface Answer {
  readonly text: string;
}

/** As commander gives them. */
export interface RawOptions {
  format: string;
  output?: string;
  port: string;
  rule?: string[];
  noRule?: string[];
  digest: string;
  jobs?: string;
  asaLog?: string;
  minConfidence: string;
  failOn: string;
  quiet?: true;
  details?: true;
  color: boolean;
  anonymize?: true;
  key?: string;
  evidence?: string;
  force?: true;
  brief?: true;
}

const DEFAULTS: RawOptions = {
  format: 'text',
  port: '25,587,2525',
  digest: 'xxh64',
  minConfidence: 'possible',
  failOn: 'low',
  color: true,
};

/** @throws UsageError */
export async function parseCommandLine(
  argv: readonly string[],
  version: string,
): Promise<AnalyzeArguments | Answer> {
  const [first] = argv;
  const words = first === 'analyze' || first === 'help' ? argv.slice(1) : argv;
  // What has no option needs no parser: loading it takes longer than reading a small capture.
  if (first !== 'help' && words.every((word) => word === '-' || !word.startsWith('-'))) {
    return checked(words, DEFAULTS, words);
  }
  // Help and the version end the parsing by a throw; what they say comes here.
  const said: string[] = [];
  const command = await program(version, (text) => said.push(text));
  if (first === 'help') return { text: command.helpInformation() };
  try {
    command.parse(await spreadRuleIds(words), { from: 'user' });
  } catch (error) {
    if ((error as { exitCode?: unknown }).exitCode === 0) return { text: said.join('') };
    throw asUsageError(error);
  }
  return checked(command.args, command.opts<RawOptions>(), words);
}

/** @param words  the command line as it was given */
function checked(
  operands: readonly string[],
  options: RawOptions,
  words: readonly string[],
): AnalyzeArguments {
  const files = [...operands];
  // Options may stand in front of the command: `mailwitness --quiet analyze mail.pcap`.
  const [head = ''] = files;
  if (words[0]?.startsWith('-') && !words.slice(0, words.indexOf(head)).includes('--')) {
    if (head === 'compare') {
      throw new UsageError("'compare' comes first: mailwitness compare --inside F --outside G.");
    }
    if (head === 'live') throw new UsageError("'live' comes first: mailwitness live -i IFACE [options].");
    if (head === 'doctor') throw new UsageError("'doctor' comes first, and takes no option but -D.");
    if (head === 'rules') throw new UsageError("'rules' comes first: mailwitness rules [RULE] [options].");
    if (head === 'analyze') files.shift();
  }
  if (files.length === 0) {
    throw new UsageError(
      "no capture is named ('-' is standard input); 'mailwitness --help' tells how to name one.",
    );
  }
  if (files.filter((file) => file === '-').length > 1) {
    throw new UsageError("standard input can be read only once, and '-' is named twice.");
  }
  if (options.asaLog === '') throw new UsageError("the name of the firewall's log is empty.");
  return {
    files,
    jobs: options.jobs === undefined ? jobsFor(files) : jobsOf(options.jobs),
    asaLog: options.asaLog ?? null,
    ...checkedExtras(options),
    ...checkedReport(options),
  };
}

/** @throws UsageError */
export function checkedExtras(options: RawOptions): Pick<AnalyzeArguments, 'evidence' | 'force' | 'brief'> {
  if (options.brief && options.format !== 'text')
    throw new UsageError('--brief is text and has no other format.');
  if (options.evidence === '') throw new UsageError('the name of the evidence directory is empty.');
  if (options.force && options.evidence === undefined) {
    throw new UsageError('--force is for --evidence, which is not there.');
  }
  return {
    evidence: options.evidence ?? null,
    force: options.force ?? false,
    brief: options.brief ?? false,
  };
}

/** @throws UsageError */
export function checkedReport(options: RawOptions): ReportArguments {
  if (options.key !== undefined && !options.anonymize)
    throw new UsageError('--key is for --anonymize alone.');
  if (options.key === '') throw new UsageError('the name of the key is empty.');
  if (options.output === '') throw new UsageError('the name of the output file is empty.');
  return {
    format: oneOf('--format', options.format, FORMATS),
    output: options.output === undefined || options.output === '-' ? null : options.output,
    ports: ports(options.port),
    anonymize: options.anonymize ?? false,
    key: options.key ?? null,
    only: options.rule ?? null,
    except: options.noRule ?? [],
    digest: oneOf('--digest', options.digest, DIGESTS),
    minConfidence: oneOf('--min-confidence', options.minConfidence, CONFIDENCES),
    failOn: oneOf('--fail-on', options.failOn, SEVERITIES),
    quiet: options.quiet ?? false,
    details: detailsOf(options),
    color: options.color,
  };
}

/** @throws UsageError */
function detailsOf({ details, brief, format }: RawOptions): boolean {
  if (details && format !== 'text')
    throw new UsageError('--details is for text: every other format has all.');
  if (details && brief) throw new UsageError('--details and --brief are two lengths of one report.');
  return details ?? false;
}

/** Of commands that take several captures. */
export const JOBS_OPTION = [
  '-j, --jobs <n>',
  'read so many captures at once; 0: as many as there are cores',
] as const;

/** commander is loaded here and not at the top: start-up is most of a small run. */
async function program(version: string, say: (text: string) => void): Promise<Command> {
  const { Command } = await import('commander');
  const command = new Command('mailwitness')
    .usage('[analyze] [options] FILE...')
    .description('Reads packets and says, with the packets to prove it, what a firewall did to mail.')
    .argument('[FILE...]', "captures: pcap or pcapng, plain, gzip or zstd; '-' is standard input")
    .version(version, '-V, --version', 'print the version')
    .option(
      '--evidence <dir>',
      'writes a small capture for each finding: the packets that prove it, annotated, without credentials and text',
    )
    .option(...JOBS_OPTION)
    .option('--brief', 'text of at most 4,000 characters, for a form or a chat')
    .option('--force', 'lets --evidence overwrite the captures of an earlier run')
    .option(
      '--asa-log <file>',
      "the firewall's own syslog: its messages 108002 to 108007 are joined to the sessions",
    );
  return (await withReportOptions(command, say)).addHelpText('after', EXIT_STATUS);
}

/** Adds the options that `analyze` and `compare` share, and makes the parser say what it has to say to `say`. */
export async function withReportOptions(command: Command, say: (text: string) => void): Promise<Command> {
  const { Option } = await import('commander');
  const ruleIds = (value: string, before: string[] = []): string[] => [
    ...before,
    ...value.split(',').map((id) => id.trim()),
  ];
  // commander takes `--no-..` for the opposite of an option and would give it no value.
  const noRule = new Option('--no-rule <id...>', 'all rules but these').argParser(ruleIds);
  noRule.negate = false;
  noRule.variadic = false;
  const rule = new Option('--rule <id...>', 'only these rules').argParser(ruleIds);
  // Variadic for the reader only: commander would take every FILE that follows for an id.
  rule.variadic = false;
  return command
    .option('-F, --format <format>', `how to report: ${FORMATS.join(', ')}`, DEFAULTS.format)
    .option('--details', 'all of the text report; without it, one screen')
    .option('-o, --output <file>', 'where to report to instead of standard output')
    .option('--port <list>', 'ports on which servers speak SMTP', DEFAULTS.port)
    .addOption(rule)
    .addOption(noRule)
    .option('--digest <kind>', `digest of messages: ${DIGESTS.join(', ')}`, DEFAULTS.digest)
    .option(
      '--min-confidence <level>',
      `leave out what is less than ${CONFIDENCES.join(', ')}`,
      DEFAULTS.minConfidence,
    )
    .option('--fail-on <severity>', `exit with 1 from ${SEVERITIES.join(', ')} on`, DEFAULTS.failOn)
    .option('--quiet', 'no warnings and no progress')
    .option('--no-color', 'no colour (nor with NO_COLOR in the environment)')
    .option('--anonymize', 'stable pseudonyms for addresses, hosts, mailboxes and words')
    .option('--key <file>', 'the key of the pseudonyms; without it each run has its own')
    .helpOption('-h, --help', 'print this')
    .exitOverride()
    .configureOutput({ writeOut: say, writeErr: () => {}, getOutHelpWidth: () => 80 });
}

const EXIT_STATUS = `
'mailwitness compare --inside F --outside G' holds two captures of the same
traffic against each other. 'mailwitness diff BEFORE.json AFTER.json' says what
a change has cured. 'mailwitness live -i IFACE' watches the wire; 'mailwitness
doctor' says what it can watch with here. 'mailwitness rules [RULE]' lists the
rules, or tells more of one.

Exit status:
  0  nothing found
  1  findings of the severity of --fail-on or above
  2  wrong usage, or an input that is missing, damaged or no capture; what could
     be read is reported all the same; wins over 1
  3  nothing to judge: no SMTP session in any input, and no finding

Ctrl-C while a capture is read reports what has been read so far.
`;

/**
 * `--rule a b FILE` names two rules and a file. Only words that are ids are taken for ids: commander's own way
 * would swallow the files.
 */
export async function spreadRuleIds(words: readonly string[]): Promise<string[]> {
  if (!words.some((word) => /^--(no-)?rule(=|$)/.test(word))) return [...words];
  const { catalog } = await import('../rules/catalog.js');
  const known = new Set(catalog.map((rule) => rule.meta.id));
  const spread: string[] = [];
  let flag: string | null = null;
  let valueFollows = false;
  for (const [index, word] of words.entries()) {
    if (word === '--') return [...spread, ...words.slice(index)];
    const match = /^(--(?:no-)?rule)(=|$)/.exec(word);
    if (match) {
      flag = match[1]!;
      valueFollows = match[2] === '';
    } else if (valueFollows) {
      valueFollows = false;
    } else if (flag !== null && word.split(',').every((id) => known.has(id))) {
      spread.push(flag);
    } else {
      flag = null;
    }
    spread.push(word);
  }
  return spread;
}

/** commander's message without its `error: `, on one line. */
export function asUsageError(error: unknown): unknown {
  if (!(error instanceof Error) || !('exitCode' in error)) return error;
  const text = error.message.replace(/^error: /, '').replace(/\n\(?(Did you mean [^)]*)\)?/, '; $1');
  return new UsageError(`${text.replace(/[.?]?$/, (end) => end || '.')} See 'mailwitness --help'.`);
}

/** @throws UsageError */
export function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw new UsageError(`${option} is one of ${allowed.join(', ')}, not '${value}'.`);
}

function ports(text: string): number[] {
  const numbers = text.split(',').map((part) => (/^\s*\d{1,5}\s*$/.test(part) ? Number(part) : 0));
  if (numbers.some((port) => port < 1 || port > 65535)) {
    throw new UsageError(`--port is a list of numbers from 1 to 65535 such as 25,587, not '${text}'.`);
  }
  return [...new Set(numbers)];
}

/** At or above the limit. */
export function isAtLeast(severity: Severity, limit: Severity): boolean {
  return compareSeverity(severity, limit) <= 0;
}

/** As sure as the limit, or surer. */
export function isAsSure(confidence: Confidence, limit: Confidence): boolean {
  return compareConfidence(confidence, limit) <= 0;
}

/** Only on a terminal that can, and when nobody objects. https://no-color.org: any value but an empty one. */
export function wantsColor(args: Pick<ReportArguments, 'color' | 'output'>, { stdout, env }: Io): boolean {
  return args.color && args.output === null && stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
}

const DEFAULT_WIDTH = 80;
const MIN_WIDTH = 60;
const MAX_WIDTH = 120;

/** Columns of a text report: those of the terminal, within reason; 80 where there is none. */
export function textWidthOf({ output }: Pick<ReportArguments, 'output'>, { stdout }: Io): number {
  if (output !== null || stdout.isTTY !== true || !stdout.columns) return DEFAULT_WIDTH;
  return Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, stdout.columns));
}

/** A terminal that cannot show more than ASCII gets no more: LANG=C and the like. A file gets all. */
export function wantsAscii({ output }: Pick<ReportArguments, 'output'>, { stdout, env }: Io): boolean {
  return output === null && stdout.isTTY === true && !isUtf8(env);
}

/** The locale can show more than ASCII, as the C library looks it up. */
export function isUtf8({ LC_ALL, LC_CTYPE, LANG }: Io['env']): boolean {
  return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '');
}
