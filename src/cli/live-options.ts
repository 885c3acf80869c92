import { DRIVER_NAMES } from '../live/drivers/choose.js';
import type { DriverName } from '../live/watch.js';
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
}

interface RawLiveOptions extends RawOptions {
  interface?: string;
  read?: string;
  filter?: string;
  driver: string;
  listInterfaces?: true;
  ui: boolean;
  ascii?: true;
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
    .option('--ascii', 'the dashboard without line drawing');
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
  return {
    ...checkedReport(options),
    interface: name ?? null,
    read: read ?? null,
    filter: filter ?? null,
    driver: oneOf('--driver', options.driver, ['auto', ...DRIVER_NAMES] as const),
    list,
    ui: options.ui,
    ascii: options.ascii ?? false,
  };
}

const MORE_HELP = `
  ssh fw tcpdump -U -w - port 25 | mailwitness live -r -

SIGINT and SIGTERM end it with a summary, SIGUSR1 prints how it stands.

Exit status: as of 'mailwitness analyze'.
`;
