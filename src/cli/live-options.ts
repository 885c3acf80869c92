import { DRIVER_NAMES } from '../live/drivers/choose.js';
import type { DriverName } from '../live/watch.js';
import { type ListenAddress, listenAddress } from './metrics-server.js';
import {
  type Answer,
  asUsageError,
  checkedReport,
  oneOf,
  type RawOptions,
  type ReportArguments,
  spreadRuleIds,
  withReportOptions,
} from './options.js';
import { DEFAULT_RING, type RingSize, ringSize } from './packet-ring.js';
import { UsageError } from './usage-error.js';

/** A checked command line of `live`. One of `interface` and `read` is there, unless `list` is. */
export interface LiveArguments extends ReportArguments {
  readonly interface: string | null;
  /** Where a capture stream comes from; `-`: standard input. */
  readonly read: string | null;
  /** null: the default. */
  readonly filter: string | null;
  readonly driver: 'auto' | Exclude<DriverName, 'stream'>;
  readonly list: boolean;
  readonly ui: boolean;
  readonly ascii: boolean;
  readonly duplicateWindowUs: number;
  /** Where duplicates are remembered over a restart; null: nowhere. */
  readonly state: string | null;
  readonly metrics: string | null;
  readonly metricsPort: ListenAddress | null;
  /** Directory that keeps the packets; null: they are not kept. */
  readonly write: string | null;
  readonly ring: RingSize;
}

/** What nothing may be written over: the stream, and the state, which is read before it is written. */
export function inputsOf({ read, state }: LiveArguments): string[] {
  return [read, state].filter((name) => name !== null);
}

interface RawLiveOptions extends RawOptions {
  interface?: string;
  read?: string;
  filter?: string;
  driver: string;
  listInterfaces?: true;
  ui: boolean;
  ascii?: true;
  duplicateWindow: string;
  state?: string;
  metrics?: string;
  metricsPort?: string;
  write?: string;
  ring?: string;
}

/** What is no name of an interface to dumpcap but a pipe, a socket or an option. */
const NO_INTERFACE = /^-|^TCP@|[/\s]/i;

/** @throws UsageError */
export async function parseLive(words: readonly string[]): Promise<LiveArguments | Answer> {
  const said: string[] = [];
  const { Command } = await import('commander');
  const command = new Command('mailwitness live')
    .usage('[options] -i IFACE | -r FILE')
    .description('Watches mail on the wire: a dashboard on a terminal, otherwise one JSON line per finding.')
    .allowExcessArguments(true)
    .option('-i, --interface <name>', 'the interface to capture on')
    .option('-r, --read <file>', "a capture that is being written: a pipe, or '-' for standard input")
    .option('-f, --filter <bpf>', 'the capture filter (libpcap) instead of the default')
    .option('--driver <name>', `what captures: auto, ${DRIVER_NAMES.join(', ')}`, 'auto')
    .option('-D, --list-interfaces', 'list the interfaces that can be captured on')
    .option('--no-ui', 'no dashboard: one JSON line per finding')
    .option('--ascii', 'the dashboard without line drawing')
    .option('--duplicate-window <time>', 'how long messages are remembered: 3d, 12h, 90m', '3d')
    .option('--state <file>', 'remembers them over a restart')
    .option('--write <dir>', 'keeps the packets there')
    .option('--ring <size,files>', 'how many of them: 100MB,10 unless told otherwise')
    .option('--metrics <file>', 'how the watch stands, as OpenMetrics text, every 15 s')
    .option(
      '--metrics-port <port>',
      'the same by HTTP: [ADDRESS:]PORT, on this machine only unless told otherwise',
    );
  await withReportOptions(command, (text) => said.push(text));
  command.addHelpText('after', MORE_HELP);
  try {
    command.parse(await spreadRuleIds(words), { from: 'user' });
  } catch (error) {
    if ((error as { exitCode?: unknown }).exitCode === 0) return { text: said.join('') };
    throw asUsageError(error);
  }
  return checked(command.args, command.opts<RawLiveOptions>());
}

function checked([first]: readonly string[], options: RawLiveOptions): LiveArguments {
  if (first !== undefined) {
    throw new UsageError(`live reads what -i or -r names, not '${first}': mailwitness live -r ${first}`);
  }
  if (options.anonymize)
    throw new UsageError('live keeps names: anonymize what it has written, with analyze.');
  const { interface: name, read, filter } = options;
  const list = options.listInterfaces ?? false;
  if (!list && name === undefined && read === undefined) {
    throw new UsageError(
      "live needs -i IFACE or -r FILE ('-' is standard input); 'mailwitness live -D' lists interfaces.",
    );
  }
  if (name !== undefined && read !== undefined) throw new UsageError('-i and -r exclude each other.');
  if (name !== undefined && (name === '' || NO_INTERFACE.test(name))) {
    throw new UsageError(`'${name}' is no interface: 'mailwitness live -D' lists those there are.`);
  }
  if (read === '') throw new UsageError('the name of the capture is empty.');
  if (filter !== undefined && read !== undefined) {
    throw new UsageError('-f is for -i: a stream is filtered where it is captured.');
  }
  if (options.ring !== undefined && options.write === undefined) {
    throw new UsageError('--ring says how much is kept: --write DIR says where.');
  }
  for (const option of ['state', 'metrics', 'write'] as const) {
    if (options[option] === '') throw new UsageError(`the name behind --${option} is empty.`);
  }
  if (options.output === undefined && options.format !== 'text' && options.format !== 'ndjson') {
    throw new UsageError(
      `live prints ndjson; a report at the end goes to a file: -F ${options.format} -o FILE.`,
    );
  }
  return {
    ...checkedReport(options),
    interface: name ?? null,
    read: read ?? null,
    filter: filter ?? null,
    driver: oneOf('--driver', options.driver, ['auto', ...DRIVER_NAMES] as const),
    list,
    ui: options.ui,
    ascii: options.ascii ?? false,
    duplicateWindowUs: windowUs(options.duplicateWindow),
    state: options.state ?? null,
    metrics: options.metrics ?? null,
    metricsPort: options.metricsPort === undefined ? null : listenAddress(options.metricsPort),
    write: options.write ?? null,
    ring: options.ring === undefined ? DEFAULT_RING : ringSize(options.ring),
  };
}

const UNITS_US: Readonly<Record<string, number>> = { s: 1e6, m: 60e6, h: 3600e6, d: 86_400e6 };

function windowUs(text: string): number {
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  const us = match ? Number(match[1]) * UNITS_US[match[2]!]! : 0;
  if (us <= 0 || us > 366 * UNITS_US.d!) {
    throw new UsageError(`--duplicate-window is a time such as 3d, 12h or 90m, not '${text}'.`);
  }
  return us;
}

const MORE_HELP = `
  ssh fw tcpdump -U -w - port 25 | mailwitness live -r -

With -o FILE, a report of the whole is written at the end, in the form of -F.
SIGINT and SIGTERM end it with a summary, SIGUSR1 prints how it stands.

Exit status: as of 'mailwitness analyze'.
`;
