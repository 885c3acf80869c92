import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { driversFor } from '../live/drivers/choose.js';
import { type Examined, examine } from '../live/drivers/examine.js';
import { printableText } from '../report/printable.js';
import { type ExitStatus, type Io, writeAll } from './io.js';
import { OWN_PROGRAMS } from './live.js';
import { UsageError } from './usage-error.js';

const HELP = `Usage: mailwitness doctor [-i IFACE]

Says which live drivers work here, and what to type for each that does not. Each
is tried on the interface: by default on the first that it lists.

Exit status: 0 one works at least, 1 none does, 2 wrong usage.
`;

/** By package manager: how to install what is missing. */
const INSTALL: readonly { readonly manager: string; readonly commands: Readonly<Record<string, string>> }[] =
  [
    {
      manager: 'apt-get',
      commands: {
        dumpcap: 'sudo apt-get install wireshark-common',
        tcpdump: 'sudo apt-get install tcpdump',
        cap: 'sudo apt-get install libpcap-dev g++ make python3 && npm rebuild cap',
      },
    },
    {
      manager: 'dnf',
      commands: {
        dumpcap: 'sudo dnf install wireshark-cli',
        tcpdump: 'sudo dnf install tcpdump',
        cap: 'sudo dnf install libpcap-devel gcc-c++ make python3 && npm rebuild cap',
      },
    },
    {
      manager: 'apk',
      commands: {
        dumpcap: 'sudo apk add wireshark-common',
        tcpdump: 'sudo apk add tcpdump',
        cap: 'sudo apk add libpcap-dev g++ make python3 && npm rebuild cap',
      },
    },
    {
      manager: 'brew',
      commands: {
        dumpcap: 'brew install wireshark',
        tcpdump: 'brew install tcpdump',
        cap: 'brew install libpcap && npm rebuild cap',
      },
    },
  ];

/** `mailwitness doctor`: which live drivers work here, and what to type for each that does not. */
export async function runDoctor(words: readonly string[], io: Io): Promise<ExitStatus> {
  if (words.includes('--help') || words.includes('-h')) {
    await writeAll([HELP], io.stdout);
    return 0;
  }
  const [flag, name, ...rest] = words;
  const isNamed = flag === '-i' || flag === '--interface';
  if (rest.length > 0 || (flag !== undefined && !isNamed) || (isNamed && !name)) {
    throw new UsageError("doctor takes '-i IFACE' or nothing: mailwitness doctor --help");
  }
  const drivers = driversFor(OWN_PROGRAMS);
  const lines: string[] = [];
  let first: string | null = null;
  for (const driver of drivers) {
    const found = await examine(driver, name ?? null);
    if (found.works) first ??= driver.name;
    lines.push(`${driver.name.padEnd(8)} ${found.works ? 'works' : 'no   '}  ${detail(found, io)}`);
  }
  lines.push(
    '-r       works  reads what another machine captures: ssh HOST tcpdump -U -w - port 25 | mailwitness live -r -',
  );
  lines.push(
    first === null
      ? "'mailwitness live -i' does not work here; 'mailwitness live -r' does."
      : `'mailwitness live -i IFACE' uses ${first}.`,
  );
  await writeAll(
    lines.map((line) => `${printableText(line)}\n`),
    io.stdout,
  );
  return first === null ? 1 : 0;
}

function detail(
  { driver, works, cause, complaint, interface: name, interfaces }: Examined,
  { env }: Io,
): string {
  if (works) {
    const times = driver.times === 'kernel' ? "the kernel's times" : 'times on arrival';
    const drops = {
      dumpcap: 'drops told at the end',
      tcpdump: 'drops told while it runs',
      cap: 'drops unknown',
    };
    return `tried on ${name}, one of ${interfaces}; ${times}, ${drops[driver.name]}`;
  }
  switch (cause) {
    case 'missing':
      return `not installed: ${installCommand(driver.name, env.PATH ?? '')}`;
    case 'rights':
      return `may not capture on ${name ?? 'any interface'}: ${driver.mend}`;
    case 'interface':
      return `there is no interface ${name}: mailwitness live -D`;
    case 'gone':
      return `${name} is down: sudo ip link set ${name} up`;
    default:
      return `failed (${complaint}): ${driver.list.file} ${driver.list.args.join(' ')}`;
  }
}

function installCommand(name: 'dumpcap' | 'tcpdump' | 'cap', path: string): string {
  const folders = [...path.split(delimiter), '/usr/bin', '/sbin', '/usr/local/bin', '/opt/homebrew/bin'];
  const found = INSTALL.find(({ manager }) => folders.some((folder) => existsSync(join(folder, manager))));
  return (
    found?.commands[name] ??
    `install ${name === 'cap' ? 'libpcap with its headers, then: npm rebuild cap' : name}`
  );
}
