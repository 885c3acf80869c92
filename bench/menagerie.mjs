/**
 * Throws a menagerie of captures at the program for a while: those of the given folders, whole and spoiled in a dozen ways,
 * at every command, in every format. `npm run menagerie`
 *
 *   --minutes N   how long (default 60)
 *   --seed N      of the choice of captures, damages and commands (default 1)
 *   FOLDER..      where captures are (default: captures/, and ../shared/captures/public where it is)
 *
 * Ends with 1 when a run crashed, hung, told of a failed rule, left a file behind that nobody asked for, wrote what is no
 * JSON where JSON was asked for, or took more memory than promised; the input and the command of each are kept and named. Beside
 * the runs one process goes on analysing spoiled captures until the end: what it holds then must be what it held in the beginning.
 */
import { spawn } from 'node:child_process';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { FORMATS } from '../dist/cli/options.js';
import { random } from './generate.mjs';
import { build, CACHE, machine, program, ROOT, SCRATCH, table } from './measure.mjs';

const HANG_SECONDS = 20;
const MAX_RESIDENT = 512 * 1024 * 1024;
/** What the long-lived process may hold more at the end than after its first minutes, in MB of heap and resident. */
const WARM_MINUTES = 5;
const MAX_GROWTH_MB = 20;
const MAX_INPUT = 4e6;
const COMPARED = ['text', 'json', 'ndjson', 'html', 'markdown', 'jira'];
const CAPTURE = /\.(pcap|pcapng|cap|ntar|dmp|trace|pkt)(\.gz|\.zst)?$/i;

/** Choices that are the same for the same seed. */
export function chance(seed) {
  const next = random(seed);
  const below = (limit) => Math.floor(next() * limit);
  return { below, one: (list) => list[below(list.length)], often: (share) => next() < share };
}

const EXTREMES = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

/** Ways to spoil a capture. Each gives a new Buffer. */
const DAMAGES = {
  none: (octets) => octets,
  flipped(octets, { below }) {
    const spoiled = Buffer.from(octets);
    for (let count = 1 + below(64); count > 0 && spoiled.length > 0; count--)
      spoiled[below(spoiled.length)] ^= 1 << below(8);
    return spoiled;
  },
  'cut off': (octets, { below }) => octets.subarray(0, below(octets.length + 1)),
  'cut in front': (octets, { below }) => octets.subarray(below(octets.length + 1)),
  'with a hole'(octets, { below }) {
    const at = below(octets.length + 1);
    return Buffer.concat([octets.subarray(0, at), octets.subarray(at + below(3000))]);
  },
  'with a piece twice'(octets, { below }) {
    const at = below(octets.length + 1);
    return Buffer.concat([octets.subarray(0, at), octets.subarray(at - below(Math.min(at, 3000) + 1))]);
  },
  'with extreme numbers'(octets, { below, one, often }) {
    const spoiled = Buffer.from(octets);
    for (let count = 1 + below(8); count > 0 && spoiled.length >= 4; count--) {
      const at = below(spoiled.length - 3);
      if (often(0.5)) spoiled.writeUInt32LE(one(EXTREMES), at);
      else spoiled.writeUInt32BE(one(EXTREMES), at);
    }
    return spoiled;
  },
  'with letters changed'(octets, { below }) {
    const spoiled = Buffer.from(octets);
    for (let count = 200; count > 0 && spoiled.length > 0; count--) {
      const at = below(spoiled.length);
      if (spoiled[at] >= 0x20 && spoiled[at] < 0x7f) spoiled[at] = 0x20 + below(0x5f);
    }
    return spoiled;
  },
  'of noise': (octets, { below }) =>
    Buffer.from(Array.from({ length: Math.min(octets.length, 5000) }, () => below(256))),
  'behind another': (octets, _chance, other) => Buffer.concat([other, octets]),
  gzipped: (octets) => gzipSync(octets, { level: 1 }),
  'gzipped and flipped': (octets, chances) => DAMAGES.flipped(gzipSync(octets, { level: 1 }), chances),
  'gzipped and cut off': (octets, chances) => DAMAGES['cut off'](gzipSync(octets, { level: 1 }), chances),
};

export function spoiled(files, chances) {
  const [file, other] = [chances.one(files), chances.one(files)];
  const how = chances.often(0.25) ? 'none' : chances.one(Object.keys(DAMAGES));
  return {
    what: `${basename(file)} ${how}`,
    octets: DAMAGES[how](readFileSync(file), chances, how === 'behind another' ? readFileSync(other) : null),
  };
}

export function capturesIn(folders) {
  return folders
    .flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && CAPTURE.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file).length <= MAX_INPUT)
    .sort();
}

/** A command line over captures that lie in `folder`; what it may write besides, and whether JSON comes out. */
function commandLine(folder, made, { one, often, below }) {
  const capture = () => made(often);
  const common = [
    ...(often(0.2) ? ['--anonymize'] : []),
    ...(often(0.1) ? ['--digest', 'sha256'] : []),
    ...(often(0.1) ? ['--port', String(one([25, 80, 53, 443, 587]))] : []),
    ...(often(0.1) ? ['--min-confidence', 'certain'] : []),
    ...(often(0.1) ? ['--fail-on', 'info'] : []),
  ];
  const evidence = often(0.25) ? ['--evidence', join(folder, 'evidence')] : [];
  const log = () => {
    const path = join(folder, 'firewall.log');
    writeFileSync(path, LOG_LINES.filter(() => often(0.7)).join(often(0.9) ? '\n' : '\0'));
    return ['--asa-log', path];
  };
  const kind = below(10);
  if (kind < 6) {
    const format = one(FORMATS);
    const inputs = Array.from({ length: often(0.8) ? 1 : 2 + below(3) }, capture);
    const jobs = often(0.15) ? ['--jobs', '2'] : [];
    const brief = often(0.1) ? ['--brief'] : ['-F', format];
    const words = ['analyze', ...brief, ...common, ...evidence, ...jobs, ...(often(0.1) ? log() : [])];
    if (often(0.1)) return { words: [...words, '-'], stdin: inputs[0], format: brief[1] };
    return { words: [...words, ...inputs], format: brief[1] };
  }
  if (kind < 8) {
    const format = one(COMPARED);
    const [inside, outside] = [capture(), capture()];
    const sides = ['--inside', inside, '--outside', often(0.2) ? inside : outside];
    return { words: ['compare', '-F', format, ...common, ...evidence, ...sides], format };
  }
  if (kind < 9) {
    const input = capture();
    const format = one(FORMATS);
    const report = join(folder, 'report');
    const kept = often(0.5) ? ['--write', join(folder, 'ring'), '--ring', '100KB,3'] : [];
    const watch = [
      ...(often(0.5) ? ['--state', join(folder, 'state')] : []),
      ...(often(0.5) ? ['--metrics', join(folder, 'metrics')] : []),
      ...(often(0.5) ? ['-F', format, '-o', report] : []),
    ];
    // `live` names nobody by pseudonyms.
    const words = ['live', '--no-ui', ...kept, ...watch, ...common.filter((word) => word !== '--anonymize')];
    return often(0.5)
      ? { words: [...words, '-r', input], format: 'ndjson' }
      : { words: [...words, '-r', '-'], stdin: input, format: 'ndjson' };
  }
  return {
    words: ['diff', made.report(), made.report(), ...(often(0.5) ? ['-F', 'json'] : [])],
    format: null,
  };
}

const LOG_LINES = [
  '%ASA-4-108002: SMTP replaced string: out 198.51.100.25 in 192.0.2.10 data: XXXX',
  '<164>Nov 28 2026 10:00:00 fw : %ASA-4-108004: ESMTP Classification: Dropped connection for ESMTP Request from inside:192.0.2.10/1025 to outside:198.51.100.25/25; matched Class 20: header line length',
  '%ASA-6-108005: ESMTP Classification: Received ESMTP Request from a:1/2 to b:3/4; ..',
  '%PIX-2-108003: Terminating ESMTP/SMTP connection; malicious pattern detected in the mail address from inside:192.0.2.10/1 to outside:198.51.100.25/25. Data:|x',
  `%ASA-5-108007: ${'TLS '.repeat(5000)}`,
  '\x1b[2J\u0000',
];

/** What is wrong with how a run ended; null: nothing. */
function wrong({ status, rss }, { format }, out, err, folder) {
  if (status === 124 || status === 137 || status === -9) return `hung for ${HANG_SECONDS} s`;
  if (status !== 0 && status !== 1 && status !== 2) return `ended with ${status}`;
  if (/internal error|^\s+at .+:\d+:\d+\)?$/m.test(err)) return 'crashed';
  if (rss > MAX_RESIDENT) return `took ${(rss / 1e6).toFixed(0)} MB`;
  if (out.includes('rule-failed')) return 'a rule failed';
  if (status !== 2 || out !== '') {
    try {
      if (format === 'json' || format === 'sarif') JSON.parse(out);
      if (format === 'ndjson' || format === 'eve')
        for (const line of out.trim().split('\n')) if (line) JSON.parse(line);
    } catch {
      return `wrote what is no ${format}`;
    }
  }
  const left = readdirSync(folder, { recursive: true }).find((name) => /\.(tmp|part|partial)\b/.test(name));
  return left === undefined ? null : `left ${left} behind`;
}

/** Runs a command line and tells what it took. */
function run({ words, stdin }, folder) {
  const [out, err] = [join(folder, 'out'), join(folder, 'err')];
  const script = 'err=$1; shift; exec "$@" 2>"$err"';
  const command = ['timeout', '-s', 'KILL', String(HANG_SECONDS), ...program(...words)];
  const child = spawn(
    'python3',
    [join(ROOT, 'bench/measure.py'), out, 'sh', '-c', script, 'sh', err, ...command],
    {
      stdio: [stdin ? 'pipe' : 'ignore', 'pipe', 'inherit'],
    },
  );
  if (stdin) {
    child.stdin.on('error', () => {}); // who does not want more of it, closes it
    createReadStream(stdin).pipe(child.stdin);
  }
  let said = '';
  child.stdout.on('data', (text) => {
    said += text;
  });
  return new Promise((resolve) =>
    child.on('close', () =>
      resolve({
        took: JSON.parse(said),
        out: readFileSync(out, 'utf8'),
        err: existsSync(err) ? readFileSync(err, 'utf8') : '',
      }),
    ),
  );
}

async function main() {
  const words = process.argv.slice(2);
  const option = (name, otherwise) => {
    const at = words.indexOf(name);
    return at < 0 ? otherwise : Number(words.splice(at, 2)[1]);
  };
  const minutes = Math.max(1, Math.round(option('--minutes', 60)));
  const seed = option('--seed', 1);
  const usual = [join(ROOT, 'captures'), join(ROOT, '../shared/captures/public')].filter(existsSync);
  const files = capturesIn(words.length > 0 ? words : usual);
  build();
  const chances = chance(seed);
  const end = Date.now() + minutes * 60_000;
  const long = spawn(
    process.execPath,
    [
      '--expose-gc',
      fileURLToPath(new URL('menagerie-growth.mjs', import.meta.url)),
      String(minutes),
      String(seed),
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  long.stdin.end(files.join('\n'));
  const growth = [];
  createInterface(long.stdout).on('line', (line) => growth.push(JSON.parse(line)));
  const longEnded = new Promise((resolve) => long.on('close', resolve));

  const kept = join(CACHE, 'menagerie');
  const reports = [];
  const failures = [];
  const statuses = new Map();
  let [runs, longest, most] = [0, 0, 0];
  while (Date.now() < end) {
    const folder = join(SCRATCH, `m${runs}`);
    mkdirSync(folder);
    const whats = [];
    const made = () => {
      const { what, octets } = spoiled(files, chances);
      const path = join(folder, `${whats.length}.pcap`);
      whats.push(what);
      writeFileSync(path, octets);
      return path;
    };
    made.report = () => {
      const path = join(folder, `${whats.length}.json`);
      whats.push('a report');
      const octets = Buffer.from(chances.one([...reports, '{}']));
      writeFileSync(path, chances.often(0.5) ? octets : DAMAGES['with letters changed'](octets, chances));
      return path;
    };
    const line = commandLine(folder, made, chances);
    const { took, out, err } = await run(line, folder);
    runs++;
    statuses.set(took.status, (statuses.get(took.status) ?? 0) + 1);
    longest = Math.max(longest, took.wall);
    most = Math.max(most, took.rss);
    if (line.format === 'json' && took.status < 2) {
      if (reports.length < 20) reports.push(out);
      else reports[chances.below(20)] = out;
    }
    const fault = wrong(took, line, out, err, folder);
    if (fault !== null) {
      const place = join(kept, `${seed}-${runs}`);
      mkdirSync(place, { recursive: true });
      for (const name of readdirSync(folder)) {
        if (/^(\d+\.(pcap|json)|firewall\.log|out|err)$/.test(name))
          writeFileSync(join(place, name), readFileSync(join(folder, name)));
      }
      failures.push(fault);
      console.log(
        `${fault}: ${whats.join(', ')}: ${line.words.join(' ')}\n  kept in ${place}\n  ${err.slice(0, 300)}`,
      );
    }
    rmSync(folder, { recursive: true, force: true });
  }
  await longEnded;

  const first = growth.find(({ minute }) => minute >= Math.min(WARM_MINUTES, minutes / 2)) ?? growth[0];
  const last = growth.at(-1);
  const grown = { heap: last.heap - first.heap, resident: last.resident - first.resident };
  const leaks = grown.heap > MAX_GROWTH_MB || grown.resident > 4 * MAX_GROWTH_MB || last.open > first.open;
  const ended = [...statuses].sort().map(([status, count]) => `${status}: ${count}`);
  console.log(`${machine()}\n`);
  console.log(
    table(
      [
        'captures',
        'minutes',
        'seed',
        'runs',
        'exit status',
        'longest run, s',
        'most resident, MB',
        'failures',
      ],
      [
        [
          ...[files.length, minutes, seed, runs, ended.join(', ')],
          ...[longest.toFixed(1), (most / 1e6).toFixed(0), failures.length],
        ],
      ],
    ),
  );
  console.log('\nOne process, after a collection of garbage:\n');
  console.log(
    table(
      ['after, minutes', 'analyses', 'heap, MB', 'resident, MB', 'open files'],
      [first, last].map(({ minute, analyses, heap, resident, open }) => [
        ...[minute, analyses, heap.toFixed(1), resident.toFixed(0), open],
      ]),
    ),
  );
  if (leaks) console.log('\nIt grows.');
  process.exitCode = failures.length > 0 || leaks ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
