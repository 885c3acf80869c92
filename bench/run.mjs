/**
 * Measures mailwitness beside other tools: whole processes, interleaved, in one run. `npm run bench`
 *
 *   --quick      captures of a tenth of the size
 *   --rounds N   rounds of the fast tools (default 3); the best of them counts. Slow ones run once.
 */
import { execFileSync } from 'node:child_process';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { makeOtherSide } from './both-sides.mjs';
import { makeMany, makeMixed, makeSmtp } from './generate.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, '..');
const CACHE = join(ROOT, '.bench');
const quick = process.argv.includes('--quick');
const rounds = Number(process.argv[process.argv.indexOf('--rounds') + 1]) || 3;
const scale = quick ? 0.1 : 1;

mkdirSync(CACHE, { recursive: true });

const CAPTURES = [
  ['smtp-1g', (path) => makeSmtp(path, 1e9 * scale)],
  ['mixed-1g', (path) => makeMixed(path, 1e9 * scale)],
  ['many', (path) => makeMany(path, 200_000 * scale)],
].map(([name, make]) => {
  const path = join(CACHE, `${name}${quick ? '-quick' : ''}.pcap`);
  const facts = `${path}.json`;
  if (!existsSync(path) || !existsSync(facts)) {
    console.log(`making ${name} ..`);
    writeFileSync(facts, JSON.stringify(make(path)));
  }
  return { name, path, truth: JSON.parse(readFileSync(facts, 'utf8')) };
});

function has(command, ...args) {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch (error) {
    return error.code !== 'ENOENT';
  }
}

/** Mail as it was at the inside of a firewall, and its other side. */
const INSIDE = CAPTURES[0];
const OUTSIDE = join(CACHE, `smtp-1g-outside${quick ? '-quick' : ''}.pcap`);
if (!existsSync(OUTSIDE)) {
  console.log('making smtp-1g-outside ..');
  makeOtherSide(INSIDE.path, OUTSIDE);
}

execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: 'inherit' });

const reader = join(CACHE, 'read');
const compiler = has('cc', '--version');
if (compiler) execFileSync('cc', ['-O2', '-o', reader, join(HERE, 'read.c')]);
else console.log('skipped: plain read in C (no cc); dd takes its place');

const PROGRAM = join(ROOT, 'dist/bin/mailwitness.js');

/** Node's flags in the first line of the program. */
function ownFlags() {
  return readFileSync(PROGRAM, 'utf8')
    .split('\n', 1)[0]
    .split(' ')
    .filter((word) => word.startsWith('--'));
}

const work = join(CACHE, 'tcpflow');
const report = join(CACHE, 'report.json');
const TOOLS = [
  {
    name: 'plain read',
    command: (file) =>
      compiler ? [reader, file] : ['dd', `if=${file}`, 'of=/dev/null', 'bs=1M', 'status=none'],
  },
  {
    name: 'mailwitness',
    command: (file) => [...[process.execPath, ...ownFlags(), PROGRAM], ...['analyze', '-F', 'json', file]],
    out: report,
  },
  {
    name: 'tcpdump',
    needs: 'tcpdump',
    command: (file) => ['tcpdump', '-r', file, '-w', '/dev/null', 'tcp port 25'],
  },
  {
    name: 'tcpflow',
    needs: 'tcpflow',
    prepare: () => {
      rmSync(work, { recursive: true, force: true });
      mkdirSync(work);
    },
    command: (file) => ['tcpflow', '-r', file, '-o', work, 'port 25'],
    slow: true,
  },
  {
    name: 'pcap-parser',
    command: (file) => [process.execPath, join(HERE, 'pcap-parser-count.cjs'), file],
    slow: true,
  },
  {
    name: 'tshark',
    needs: 'tshark',
    command: (file) => [
      ...['tshark', '-r', file, '-Y', 'smtp', '-T', 'fields'],
      ...['-e', 'frame.number', '-e', 'smtp.req.command', '-e', 'smtp.response.code'],
    ],
    slow: true,
  },
].filter((tool) => {
  if (!tool.needs || has(tool.needs, '--version')) return true;
  console.log(`skipped: ${tool.name} is not installed`);
  return false;
});

function measure(tool, file) {
  tool.prepare?.();
  const out = execFileSync('python3', [
    join(HERE, 'measure.py'),
    tool.out ?? join(CACHE, 'out'),
    ...tool.command(file),
  ]);
  return JSON.parse(out.toString());
}

function keepBest(best, name, taken) {
  const before = best.get(name);
  if (!before || taken.wall < before.wall)
    best.set(name, { ...taken, rss: Math.max(taken.rss, before?.rss ?? 0) });
}

/** The report must hold what the generator wrote: a fast wrong answer is no answer. */
async function check(path, truth) {
  let sessions = 0;
  let messages = 0;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (!line.startsWith('{"id":"s')) continue;
    sessions++;
    messages += line.split('"accepted":true').length - 1;
  }
  if (sessions !== truth.sessions || messages !== truth.messages) {
    throw new Error(
      `report of ${sessions} sessions, ${messages} messages; made were ${truth.sessions}, ${truth.messages}`,
    );
  }
}

/** Each session has its partner, and of each pair the greeting and both new numbers are told, and nothing else. */
async function checkPairs(path, truth) {
  let pairs = 0;
  let wrong = 0;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (!line.startsWith('{"inside":"s')) continue;
    pairs++;
    const { differences } = JSON.parse(line.replace(/,$/, ''));
    const subjects = differences.map(({ subject }) => subject).sort();
    const stars = differences.find(({ how }) => how === 'stars');
    if (subjects.join() !== 'greeting,sequence-numbers,sequence-numbers' || stars?.octets !== 28) wrong++;
  }
  if (pairs !== truth.sessions || wrong > 0) {
    throw new Error(`${pairs} pairs, ${wrong} of them wrong; made were ${truth.sessions}`);
  }
}

/** Both sides together, in turns with one of them alone. */
async function measureComparison() {
  const { path, truth } = INSIDE;
  const one = TOOLS.find(({ name }) => name === 'mailwitness');
  const program = one.command(path).slice(0, -4);
  const both = {
    out: report,
    command: () => [...program, 'compare', '-F', 'json', '--inside', path, '--outside', OUTSIDE],
  };
  measure(TOOLS[0], OUTSIDE);
  const best = new Map();
  for (let round = 0; round < rounds; round++) {
    for (const [name, tool] of [
      ['analyze, one side', one],
      ['compare, both sides', both],
    ]) {
      const taken = measure(tool, path);
      if (tool === both && round === 0) await checkPairs(report, truth);
      keepBest(best, name, taken);
    }
  }
  return best;
}

const results = new Map();
for (const { name, path, truth } of CAPTURES) {
  // Once unmeasured, so that the file is in the page cache for everybody.
  measure(TOOLS[0], path);
  const best = new Map();
  for (let round = 0; round < rounds; round++) {
    for (const tool of TOOLS) {
      if (tool.slow && round > 0) continue;
      const taken = measure(tool, path);
      if (tool.out && round === 0) await check(tool.out, truth);
      keepBest(best, tool.name, taken);
    }
  }
  results.set(name, best);
  console.log(
    `\n${name}: ${(statSync(path).size / 1e6).toFixed(0)} MB, ${truth.packets} packets, ${truth.sessions} sessions, ${truth.messages} messages`,
  );
  console.log('| tool | seconds | x plain read | CPU seconds | resident MB |\n|---|---|---|---|---|');
  const plain = best.get('plain read').wall;
  for (const [tool, { wall, cpu, rss }] of best) {
    console.log(
      `| ${tool} | ${wall.toFixed(2)} | ${(wall / plain).toFixed(1)} | ${cpu.toFixed(2)} | ${(rss / 1e6).toFixed(0)} |`,
    );
  }
}

const comparison = await measureComparison();
results.set('both', comparison);
console.log(`\nsmtp-1g and its other side: ${INSIDE.truth.sessions} pairs`);
console.log('| | seconds | CPU seconds | resident MB |\n|---|---|---|---|');
for (const [name, { wall, cpu, rss }] of comparison) {
  console.log(`| ${name} | ${wall.toFixed(2)} | ${cpu.toFixed(2)} | ${(rss / 1e6).toFixed(0)} |`);
}

console.log(
  `\n${cpus().length} cores (${cpus()[0]?.model}), ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.version}\n`,
);
console.log('| goal | measured | met |\n|---|---|---|');
function goal(text, value, limit, atLeast = false) {
  if (!Number.isFinite(value)) return console.log(`| ${text} | not measured | - |`);
  const met = atLeast ? value >= limit : value <= limit;
  console.log(`| ${text} | ${value.toFixed(value < 10 ? 1 : 0)} | ${met ? 'yes' : 'NO'} |`);
}
const figure = (capture, tool, what) => results.get(capture)?.get(tool)?.[what] ?? Number.NaN;
const ratio = (capture, what, tool, other) => figure(capture, tool, what) / figure(capture, other, what);
goal('smtp-1g: at most 12 x a plain read', ratio('smtp-1g', 'wall', 'mailwitness', 'plain read'), 12);
goal('mixed-1g: at most 3 x a plain read', ratio('mixed-1g', 'wall', 'mailwitness', 'plain read'), 3);
goal(
  'smtp-1g: tshark takes at least 25 x the CPU',
  ratio('smtp-1g', 'cpu', 'tshark', 'mailwitness'),
  25,
  true,
);
goal(
  'mixed-1g: tshark takes at least 60 x the CPU',
  ratio('mixed-1g', 'cpu', 'tshark', 'mailwitness'),
  60,
  true,
);
for (const { name } of CAPTURES) {
  goal(`${name}: at most 1 x tcpflow`, ratio(name, 'wall', 'mailwitness', 'tcpflow'), 1);
}
goal('smtp-1g: at most 100 MB resident', figure('smtp-1g', 'mailwitness', 'rss') / 1e6, 100);
goal('mixed-1g: at most 100 MB resident', figure('mixed-1g', 'mailwitness', 'rss') / 1e6, 100);
goal('many: at most 400 MB resident', figure('many', 'mailwitness', 'rss') / 1e6, 400);
goal(
  'compare: at most 2.2 x analysing one side',
  ratio('both', 'wall', 'compare, both sides', 'analyze, one side'),
  2.2,
);
goal(
  'compare: at most 2.2 x the CPU of analysing one side',
  ratio('both', 'cpu', 'compare, both sides', 'analyze, one side'),
  2.2,
);
goal(
  'compare: at most 200 MB resident beyond it',
  (figure('both', 'compare, both sides', 'rss') - figure('both', 'analyze, one side', 'rss')) / 1e6,
  200,
);
rmSync(work, { recursive: true, force: true });
