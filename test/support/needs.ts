/**
 * What a test needs of the machine besides Node, and what to do where it is not there. A test that cannot run here is
 * skipped by `needs` and by nothing else: so each skip has a reason, and `skipped-tests.ts` lists it at the end of a run.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');

export const PUBLIC_CAPTURES = join(ROOT, '../shared/captures/public');

interface Requirement {
  readonly there: () => boolean;
  /** What is said of a test that is skipped for want of it. */
  readonly lacking: string;
  /** The package of Debian that brings it; null where no package does. */
  readonly debian: string | null;
}

/** The path of the first of these programs that is on PATH. */
export function onPath(...programs: string[]): string | null {
  for (const program of programs) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const path = join(folder, program);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // The next folder may have it.
      }
    }
  }
  return null;
}

export const findChromium = (): string | null => onPath('chromium', 'chromium-browser', 'google-chrome');

/** The folder of the fonts that pages are laid out with in tests: with those of the machine every page breaks elsewhere. */
export function fontFolder(): string | null {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('dejavu-fonts-ttf/package.json')), 'ttf');
  } catch {
    return null;
  }
}

function program(debian: string, ...names: string[]): Requirement {
  return { there: () => onPath(...names) !== null, lacking: `no ${names[0]}`, debian };
}

const succeeds = (command: string, ...args: string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0;

const REQUIREMENTS = {
  chromium: { there: () => findChromium() !== null, lacking: 'no Chromium', debian: 'chromium' },
  tshark: program('tshark', 'tshark'),
  mergecap: program('wireshark-common', 'mergecap'),
  capinfos: program('wireshark-common', 'capinfos'),
  dumpcap: program('wireshark-common', 'dumpcap'),
  tcpdump: program('tcpdump', 'tcpdump'),
  tmux: program('tmux', 'tmux'),
  exim4: program('exim4-daemon-light', 'exim4'),
  ip: program('iproute2', 'ip'),
  ethtool: program('ethtool', 'ethtool'),
  python3: program('python3', 'python3'),
  setcap: program('libcap2-bin', 'setcap'),
  setpriv: program('util-linux', 'setpriv'),
  git: program('git', 'git'),
  cap: {
    there: () => succeeds(process.execPath, join(ROOT, 'dist/live/drivers/cap-child.js'), 'list'),
    lacking: 'the package cap could not be built: npm ci builds it where libpcap is',
    debian: 'libpcap-dev',
  },
  fonts: {
    there: () => fontFolder() !== null,
    lacking: 'the package dejavu-fonts-ttf is not installed: run npm ci',
    debian: null,
  },
  root: { there: () => process.getuid?.() === 0, lacking: 'not root', debian: null },
  'network-namespaces': {
    there: () => succeeds('unshare', '--net', 'true'),
    lacking: 'no right to make network namespaces',
    debian: null,
  },
  mount: {
    // In a namespace of its own, so that nothing of it is left.
    there: () => succeeds('unshare', '--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'),
    lacking: 'no right to mount a small file system',
    debian: null,
  },
  'full-device': {
    there: () => existsSync('/dev/full'),
    lacking: 'no /dev/full, which Linux has',
    debian: null,
  },
  'public-captures': {
    there: () => existsSync(join(PUBLIC_CAPTURES, 'manifest.json')),
    lacking: 'no collection of public captures beside the project',
    debian: null,
  },
} as const satisfies Readonly<Record<string, Requirement>>;

export type Need = keyof typeof REQUIREMENTS;

export const isNeed = (name: string): name is Need => Object.hasOwn(REQUIREMENTS, name);

export const debianPackage = (need: Need): string | null => REQUIREMENTS[need].debian;

/** Every package of Debian that some test needs, once each. */
export const debianPackages: readonly string[] = [
  ...new Set(Object.values(REQUIREMENTS).flatMap(({ debian }) => debian ?? [])),
];

const known = new Map<Need, boolean>();

/** Trying costs a process for some, so each is tried once in a test file, and only when a test asks. */
export function has(need: Need): boolean {
  const before = known.get(need);
  if (before !== undefined) return before;
  const there = REQUIREMENTS[need].there();
  known.set(need, there);
  return there;
}

/** Why the machine cannot run what needs this, with what to install. */
export function lackingOf(need: Need): string {
  const { lacking, debian } = REQUIREMENTS[need];
  return debian === null ? lacking : `${lacking} (Debian: ${debian})`;
}

declare module 'vitest' {
  interface TaskMeta {
    /** What a skipped test lacks. */
    lacking?: readonly Need[];
  }
}

/** Options of a suite or of a test that is skipped, with its reason, where something of this is not there. */
export function needs(...all: Need[]): { skip: boolean; meta: { lacking: readonly Need[] } } {
  const lacking = all.filter((need) => !has(need));
  return { skip: lacking.length > 0, meta: { lacking } };
}
