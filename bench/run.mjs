/**
 * Measures mailwitness beside other tools: whole processes, interleaved, in one run. `npm run bench`
 *
 *   --quick         two minutes: fewer rounds, tshark only on a tenth, no comparison of two captures
 *   --rounds N      rounds of the fast tools (default 3, quick 2); the best of them counts. Slow ones run once.
 *   --skip TOOLS    does without these: tshark,pcap-parser
 *   --write [FILE]  puts the tables into docs/performance.md, or the file
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeOtherSide } from './both-sides.mjs';
import { checkPairs, checkReport } from './check-report.mjs';
import { makeMany, makeMixed, makeSmall, makeSmtp } from './generate.mjs';
import { goals } from './goals.mjs';
import {
  better,
  build,
  CACHE,
  has,
  inTurns,
  machine,
  measure,
  program,
  publish,
  ROOT,
  SCRATCH,
  table,
  versions,
} from './measure.mjs';

const begun = performance.now();
const quick = process.argv.includes('--quick');
const roundsAt = process.argv.indexOf('--rounds');
const rounds = roundsAt < 0 ? (quick ? 2 : 3) : Number(process.argv[roundsAt + 1]);
const skipAt = process.argv.indexOf('--skip');
const skipped = skipAt < 0 ? [] : process.argv[skipAt + 1].split(',');
/** A tool that took so many seconds is not asked again. */
const patience = quick ? 4 : 30;
const MB = 1e6;
const WHOLE = 1000 * MB;

const MAIL_VARIANT = quick ? 100 * MB : WHOLE;
const MIXED_VARIANT = quick ? 300 * MB : WHOLE;

const VARIANTS = {
  plain: {},
  pcapng: { pcapng: true },
  IPv6: { ipv6: true },
  VLAN: { vlan: true },
};

const TITLES = {
  mail: 'Mail',
  mixed: 'Mixed: two octets in a hundred are mail',
  many: '200,000 sessions open at once',
};

/** Makes a capture where an earlier run has not. */
function capture(file, make) {
  const path = join(CACHE, file);
  const facts = `${path}.json`;
  if (!existsSync(path) || !existsSync(facts)) {
    console.error(`making ${file} ..`);
    writeFileSync(facts, JSON.stringify(make(path)));
  }
  return { path, truth: JSON.parse(readFileSync(facts, 'utf8')) };
}

const CAPTURES = [
  { name: 'mail', ...capture('mail-1g.pcap', (path) => makeSmtp(path, WHOLE)) },
  { name: 'mixed', ...capture('mixed-1g.pcap', (path) => makeMixed(path, WHOLE)) },
  { name: 'many', ...capture('many.pcap', (path) => makeMany(path, 200_000)) },
];
const SMALL = capture('small.pcap', makeSmall);

/** A capture of the given size in all variants; the plain one of the whole size is there already. */
function variantsOf(kind, make, octets) {
  return Object.entries(VARIANTS).map(([variant, how]) => {
    if (octets === WHOLE && variant === 'plain')
      return { variant, ...CAPTURES.find(({ name }) => name === kind) };
    const file = `${kind}-${octets / MB}m-${variant}.${how.pcapng ? 'pcapng' : 'pcap'}`;
    return { variant, ...capture(file, (path) => make(path, octets, how)) };
  });
}

build();
const reader = join(SCRATCH, 'read');
const compiler = has('cc');
if (compiler) execFileSync('cc', ['-O2', '-o', reader, join(ROOT, 'bench/read.c')]);
else console.error('no cc: dd takes the place of the plain read in C');

const flows = join(SCRATCH, 'tcpflow');
const report = join(SCRATCH, 'report.json');
const analyze = (...files) => program('analyze', '-F', 'json', ...files);
const plainRead = (file) =>
  compiler ? [reader, file] : ['dd', `if=${file}`, 'of=/dev/null', 'bs=1M', 'status=none'];
const tshark = (file) => [
  ...['tshark', '-r', file, '-Y', 'smtp', '-T', 'fields'],
  ...['-e', 'frame.number', '-e', 'smtp.req.command', '-e', 'smtp.response.code'],
];

/** `whole` and `quick`: the captures on which a run of that kind waits for it, where these are not all. */
const TOOLS = [
  { name: 'plain read', command: plainRead },
  { name: 'mailwitness', command: analyze },
  {
    name: 'tcpdump',
    needs: 'tcpdump',
    command: (file) => ['tcpdump', '-r', file, '-w', '/dev/null', 'tcp port 25'],
  },
  {
    name: 'tcpflow',
    needs: 'tcpflow',
    // Of 200,000 open sessions it makes 400,000 files.
    whole: ['mail', 'mixed'],
    quick: ['mail'],
    prepare: () => {
      rmSync(flows, { recursive: true, force: true });
      mkdirSync(flows);
    },
    command: (file) => ['tcpflow', '-r', file, '-o', flows, 'port 25'],
    once: true,
  },
  {
    name: 'pcap-parser',
    quick: [],
    command: (file) => [process.execPath, join(ROOT, 'bench/pcap-parser-count.cjs'), file],
    once: true,
  },
  { name: 'tshark', needs: 'tshark', quick: [], command: tshark, once: true },
].filter(({ name, needs }) => {
  if (skipped.includes(name)) return false;
  if (!needs || has(needs)) return true;
  console.error(`skipped: ${needs} is not installed`);
  return false;
});

const results = new Map();
const sections = [];

function section(title, ...parts) {
  const text = [`### ${title}`, ...parts].join('\n\n');
  sections.push(text);
  console.log(`${text}\n`);
}

const seconds = (value) => value.toFixed(value < 10 ? 2 : 1);

/** All tools in turns on one capture. */
async function measureTools({ name, path, truth }) {
  // Once unmeasured, so that the file is in the page cache for everybody.
  measure(plainRead(path));
  const best = new Map();
  results.set(name, best);
  for (let round = 0; round < rounds; round++) {
    for (const { name: tool, command, prepare, once, ...only } of TOOLS) {
      if ((quick ? only.quick : only.whole)?.includes(name) === false) continue;
      if (round > 0 && (once || best.get(tool).wall > patience)) continue;
      console.error(`${name}: ${tool} ..`);
      prepare?.();
      const ours = tool === 'mailwitness';
      const taken = measure(command(path), ours ? report : undefined);
      if (taken.status !== 0) throw new Error(`${tool} ended with ${taken.status} on ${path}`);
      if (ours && round === 0) await checkReport(report, truth);
      best.set(tool, better(best.get(tool), taken));
    }
  }
  rmSync(flows, { recursive: true, force: true });
}

/** What tshark would take of the whole: it takes so much of a tenth, and so much of nothing. */
function extrapolateTshark() {
  const samples = {
    mail: capture('mail-tenth.pcap', (path) => makeSmtp(path, WHOLE / 10)),
    mixed: capture('mixed-tenth.pcap', (path) => makeMixed(path, WHOLE / 10)),
    many: capture('many-tenth.pcap', (path) => makeMany(path, 20_000)),
  };
  const nothing = measure(tshark(SMALL.path));
  for (const { name, truth } of CAPTURES) {
    const sample = samples[name];
    const taken = measure(tshark(sample.path));
    const times = truth.packets / sample.truth.packets;
    const whole = (what) => nothing[what] + (taken[what] - nothing[what]) * times;
    results.get(name).set('tshark', { wall: whole('wall'), cpu: whole('cpu'), rss: Number.NaN });
  }
}

function tellTools({ name, path, truth }) {
  const best = results.get(name);
  const plain = best.get('plain read').wall;
  const rows = [...best].map(([tool, taken]) => [
    quick && tool === 'tshark' ? 'tshark (extrapolated from a tenth)' : tool,
    seconds(taken.wall),
    (taken.wall / plain).toFixed(1),
    seconds(taken.cpu),
    Number.isNaN(taken.rss) ? '-' : (taken.rss / MB).toFixed(0),
  ]);
  const [octets, packets, sessions, messages] = [
    statSync(path).size / MB,
    truth.packets,
    truth.sessions,
    truth.messages,
  ].map((count) => Math.round(count).toLocaleString('en'));
  section(
    TITLES[name],
    `${octets} MB, ${packets} packets, ${sessions} sessions, ${messages} messages.`,
    table(['tool', 'seconds', 'in plain reads', 'CPU seconds', 'MB resident'], rows),
  );
}

/** The table of what was measured in turns. */
const tableOf = (best, digits) =>
  table(
    ['', 'seconds', 'CPU seconds', 'MB resident'],
    [...best].map(([name, { wall, cpu, rss }]) => [
      name,
      ...[wall, cpu].map((value) => (digits ? value.toFixed(digits) : seconds(value))),
      (rss / MB).toFixed(0),
    ]),
  );

function measureSmall() {
  const empty = join(SCRATCH, 'empty.js');
  writeFileSync(empty, '');
  const commands = { 'empty Node process': [process.execPath, empty], mailwitness: analyze(SMALL.path) };
  const best = inTurns(commands, quick ? 15 : 40);
  results.set('small', best);
  const octets = statSync(SMALL.path).size.toLocaleString('en');
  section('A small capture', `${octets} octets, ${SMALL.truth.sessions} sessions.`, tableOf(best, 3));
}

/** The same dialogues octet for octet, otherwise packed; what remains when start-up is taken off. */
async function measureVariants(kind, variants) {
  let expected = null;
  const best = new Map();
  for (let round = 0; round < (quick ? 3 : 4); round++) {
    for (const { variant, path, truth } of variants) {
      best.set(variant, better(best.get(variant), measure(analyze(path), report)));
      if (round > 0) continue;
      const digest = await checkReport(report, truth);
      expected ??= digest;
      if (digest !== expected)
        throw new Error(`${kind} in ${variant}: other messages than in the plain capture`);
    }
  }
  const start = results.get('small').get('mailwitness').cpu;
  const work = new Map([...best].map(([name, { cpu }]) => [name, { cpu: cpu - start }]));
  results.set(`${kind} variants, work`, work);
  const plain = work.get('plain').cpu;
  return variants.map(({ variant }) => {
    const { wall, cpu } = best.get(variant);
    return [kind, variant, seconds(wall), seconds(cpu), (work.get(variant).cpu / plain).toFixed(2)];
  });
}

async function measurePackings() {
  const mail = variantsOf('mail', makeSmtp, MAIL_VARIANT);
  const rows = await measureVariants('mail', mail);
  if (canJobs) measureJobs(mail.map(({ path }) => path));
  forget(mail);
  const mixed = variantsOf('mixed', makeMixed, MIXED_VARIANT);
  rows.push(...(await measureVariants('mixed', mixed)));
  forget(mixed);
  section(
    'The same in other packets',
    `${MAIL_VARIANT / MB} MB of mail, ${MIXED_VARIANT / MB} MB mixed; the messages are the same. The ratio is of CPU time less that of the small capture.`,
    table(['', 'packed as', 'seconds', 'CPU seconds', 'in times of the plain one'], rows),
  );
}

/** Three gigabytes that are made in ten seconds need not stay. */
function forget(variants) {
  if (quick) return;
  for (const { variant, path } of variants) if (variant !== 'plain') rmSync(path);
}

/** Four files, one after the other and two at once; the report is the same. */
function measureJobs(files) {
  const commands = Object.fromEntries(
    [1, 2].map((jobs) => [
      `--jobs ${jobs}`,
      program('analyze', '-F', 'json', '--jobs', String(jobs), ...files),
    ]),
  );
  const reports = Object.values(commands).map((command) => {
    measure(command, report);
    return readFileSync(report);
  });
  if (!reports[0].equals(reports[1])) throw new Error('--jobs 2 reports something else than --jobs 1');
  const best = inTurns(commands, rounds);
  results.set('jobs', best);
  section(
    'Several captures at once',
    `The mail of ${MAIL_VARIANT / MB} MB in all four variants, with one command. Both reports are the same, octet for octet.`,
    tableOf(best),
  );
}

/** Both sides together, in turns with one of them alone. */
async function measureComparison() {
  const [{ path, truth }] = CAPTURES;
  const outside = capture('mail-1g-outside.pcap', (to) => makeOtherSide(path, to) ?? {}).path;
  measure(plainRead(outside));
  const both = program('compare', '-F', 'json', '--inside', path, '--outside', outside);
  measure(both, report);
  await checkPairs(report, truth);
  const best = inTurns({ analyze: analyze(path), compare: both }, rounds);
  results.set('both sides', best);
  const pairs = truth.sessions.toLocaleString('en');
  section(
    'Both sides of a firewall',
    `The mail, and the same as a firewall passes it on that masks greetings and makes sequence numbers anew: ${pairs} pairs.`,
    tableOf(best),
  );
}

const canJobs = execFileSync(program()[0], program('analyze', '--help').slice(1)).includes('--jobs');

for (const one of CAPTURES) await measureTools(one);
if (quick && has('tshark') && !skipped.includes('tshark')) extrapolateTshark();
for (const one of CAPTURES) tellTools(one);
measureSmall();
await measurePackings();
if (!quick) await measureComparison();

const lines = goals(results, { extrapolated: quick });
const held = table(
  ['goal', 'limit', 'measured', 'in CPU time', 'met'],
  lines.map(({ cells }) => cells),
);
console.log(`### Goals\n\n${held}\n`);
const minutes = ((performance.now() - begun) / 60_000).toFixed(1);
const where = `${machine()}\n${versions(['tshark', 'tcpdump', 'tcpflow']).join('; ')}.\n${quick ? 'A quick run' : 'A whole run'} of ${minutes} minutes, ${rounds} rounds.`;
console.log(where);
publish('measurements', [where, `### Goals`, held, ...sections].join('\n\n'));
publish('goals', `${held}\n\n${where}`, join(ROOT, 'README.md'));
