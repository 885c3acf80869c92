import type { Confidence, Severity } from '../rules/finding.js';
import type { DigestKind } from '../smtp/digest.js';

/** Wrong usage: one line for the user, exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const FORMATS = ['text', 'json', 'ndjson'] as const;
export type Format = (typeof FORMATS)[number];
const SEVERITIES: readonly Severity[] = ['high', 'medium', 'low', 'info'];
const CONFIDENCES: readonly Confidence[] = ['certain', 'likely', 'possible'];

/** Known, and not to be had in this version. */
const LATER_COMMANDS = ['compare', 'live', 'rules', 'doctor'];
const LATER_FORMATS = ['markdown', 'jira', 'html', 'csv'];

export interface AnalyzeArguments {
  readonly files: readonly string[];
  readonly format: Format;
  readonly output: string | null;
  readonly ports: readonly number[];
  readonly only: readonly string[] | null;
  readonly except: readonly string[];
  readonly digest: DigestKind;
  readonly minConfidence: Confidence;
  readonly failOn: Severity;
  readonly quiet: boolean;
  readonly color: boolean;
}

export function isHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.length === 0
    ? false
    : (end < 0 ? argv : argv.slice(0, end)).some(
        (word) => word === '--help' || word === '-h' || word === 'help',
      );
}

export async function helpText(argv: readonly string[]): Promise<string> {
  const later = argv.find((word) => LATER_COMMANDS.includes(word));
  if (later) throw new UsageError(`the command "${later}" is not available in this version.`);
  return (await program()).helpInformation();
}

/** commander is loaded when there is something to parse or to explain: start-up is most of a small run. */
async function program() {
  const { Command, Option } = await import('commander');
  return new Command('mailwitness')
    .usage('[analyze] [options] FILE...')
    .description('Reads packets and says, with the packets to prove it, what a firewall did to mail.')
    .argument('[FILE...]', 'capture files (pcap, pcapng, also gzip or zstd); - is standard input')
    .addOption(new Option('-F, --format <format>', 'text, json or ndjson').default('text'))
    .option('-o, --output <file>', 'write the report to a file instead of standard output')
    .option('--port <list>', 'ports on which servers speak SMTP', '25,587,2525')
    .addOption(list(new Option('--rule <id>', 'only these rules (again, or with commas, for more)')))
    .addOption(list(new Option('--without-rule <id>').hideHelp()))
    .addOption(new Option('--digest <kind>', 'digest of messages: xxh64 or sha256').default('xxh64'))
    .addOption(new Option('--min-confidence <level>', 'certain, likely or possible').default('possible'))
    .addOption(
      new Option('--fail-on <severity>', 'exit with 1 for high, medium, low or info findings').default('low'),
    )
    .option('--quiet', 'no warnings and no progress on standard error')
    .option('--no-color', 'no colour (so does the variable NO_COLOR)')
    .option('-V, --version', 'print the version')
    .addHelpText(
      'after',
      '\n  --no-rule <id>             all rules but these\n\nExit status: 0 nothing found, 1 findings, 2 wrong usage or an input that is\nmissing, damaged or no capture.\n',
    )
    .exitOverride()
    .configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
}

function list(option: import('commander').Option): import('commander').Option {
  return option.argParser((value: string, before: string[] | undefined) => [
    ...(before ?? []),
    ...value.split(','),
  ]);
}

/** @throws UsageError */
export async function parseArguments(argv: readonly string[]): Promise<AnalyzeArguments> {
  const words = [...argv];
  if (LATER_COMMANDS.includes(words[0] ?? '')) {
    throw new UsageError(`the command "${words[0]}" is not available in this version.`);
  }
  if (words[0] === 'analyze') words.shift();
  for (const option of ['--anonymize', '--evidence']) {
    if (words.some((word) => word === option || word.startsWith(`${option}=`))) {
      throw new UsageError(`the option ${option} is not available in this version.`);
    }
  }
  const command = await program();
  try {
    // commander takes `--no-rule` for the opposite of `--rule` and gives it no value.
    command.parse(
      words.map((word) => word.replace(/^--no-rule(?=$|=)/, '--without-rule')),
      { from: 'user' },
    );
  } catch (error) {
    throw new UsageError(
      (error as Error).message.replace(/^error: /, '').replaceAll('--without-rule', '--no-rule'),
    );
  }
  const options = command.opts() as Record<string, unknown>;
  const format = String(options.format);
  if (LATER_FORMATS.includes(format))
    throw new UsageError(`the format "${format}" is not available in this version.`);
  if (command.args.length === 0) throw new UsageError('no capture is named; - is standard input.');
  if (command.args.filter((file) => file === '-').length > 1)
    throw new UsageError('standard input can be read only once.');
  return {
    files: command.args,
    format: oneOf('--format', format, FORMATS),
    output: (options.output as string | undefined) ?? null,
    ports: ports(String(options.port)),
    only: (options.rule as string[] | undefined) ?? null,
    except: (options.withoutRule as string[] | undefined) ?? [],
    digest: oneOf('--digest', String(options.digest), ['xxh64', 'sha256']),
    minConfidence: oneOf('--min-confidence', String(options.minConfidence), CONFIDENCES),
    failOn: oneOf('--fail-on', String(options.failOn), SEVERITIES),
    quiet: options.quiet === true,
    color: options.color !== false,
  };
}

function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  if ((allowed as readonly string[]).includes(value)) return value as T;
  throw new UsageError(`${option} is one of ${allowed.join(', ')}, not "${value}".`);
}

function ports(text: string): number[] {
  const numbers = text.split(',').map((part) => (/^\d{1,5}$/.test(part.trim()) ? Number(part) : 0));
  if (numbers.some((port) => port < 1 || port > 65535)) {
    throw new UsageError(`--port is a list of numbers from 1 to 65535, such as 25,587, not "${text}".`);
  }
  return [...new Set(numbers)];
}

/** At or above: the first of both lists is the highest. */
export function atLeast(severity: Severity, limit: Severity): boolean {
  return SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf(limit);
}

export function asSure(confidence: Confidence, limit: Confidence): boolean {
  return CONFIDENCES.indexOf(confidence) <= CONFIDENCES.indexOf(limit);
}
