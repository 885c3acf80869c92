/**
 * Measures `--jobs`: copies of one capture at once, and the same after each other.
 *
 *   node bench/jobs.mjs [--copies N] [--size MB] [--rounds N] [--write]
 *
 * Every run must write the same report. The busiest thread's time is what an idle machine with a core for each would
 * need at least, whatever goes on beside; no seconds are told.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeMany, makeSmtp } from './generate.mjs';
import { build, CACHE, machine, program, publish, SCRATCH, table } from './measure.mjs';

const option = (name, otherwise) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const copies = option('--copies', 4);
const size = option('--size', 1000) * 1e6;
const rounds = option('--rounds', 2);
const JOBS = [1, 2, 4];
const LOOK_MS = 10;
/** In which the kernel counts the time of a thread, a second. */
const TICKS = 100;

build();
const captures = {
  [`${size / 1e6} MB of mail`]: made(`jobs-mail-${size}.pcap`, (path) => makeSmtp(path, size)),
  '20,000 sessions': made('jobs-sessions.pcap', (path) => makeMany(path, 20_000)),
};
const rows = [];
for (const [name, path] of Object.entries(captures)) {
  const report = (jobs) => join(SCRATCH, `${jobs}.json`);
  const files = Array.from({ length: copies }, () => path);
  const commands = JOBS.map((jobs) => [
    jobs,
    program('--jobs', String(jobs), '-F', 'json', '-o', report(jobs), ...files),
  ]);
  const taken = new Map();
  for (let round = 0; round < rounds; round++) {
    for (const [jobs, command] of commands) taken.set(jobs, better(taken.get(jobs), await run(command)));
  }
  const sums = JOBS.map((jobs) =>
    createHash('sha256')
      .update(readFileSync(report(jobs)))
      .digest('hex'),
  );
  if (new Set(sums).size > 1) throw new Error(`${name}: the reports are not the same`);
  const alone = taken.get(1);
  for (const jobs of JOBS) {
    const { busiest, cpu, rss } = taken.get(jobs);
    rows.push([
      jobs === 1 ? `${copies} × ${name}` : '',
      jobs,
      busiest.toFixed(2),
      (busiest / alone.busiest).toFixed(2),
      cpu.toFixed(2),
      (cpu / alone.cpu).toFixed(2),
      (rss / 1e6).toFixed(0),
    ]);
  }
}
const head = [
  'captures',
  '`--jobs`',
  'busiest thread, CPU seconds',
  'ratio',
  'all threads',
  'ratio',
  'resident MB',
];
const text = `${machine()} ${rounds === 1 ? 'One round' : `Best of ${rounds} rounds`}, in turns; the reports are the same octets.\n\n${table(head, rows)}`;
console.log(text);
publish('jobs', text);

/** What a run takes, by looking at its threads again and again until it ends: each one's time is asked of the kernel. */
function run([file, ...argv]) {
  const child = spawn(file, argv, { stdio: 'ignore' });
  const threads = new Map();
  let rss = 0;
  const look = () => {
    try {
      const folder = `/proc/${child.pid}`;
      rss =
        Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`${folder}/status`, 'latin1'))?.[1] ?? rss / 1024) * 1024;
      for (const thread of readdirSync(`${folder}/task`)) {
        const fields = readFileSync(`${folder}/task/${thread}/stat`, 'latin1').split(') ')[1].split(' ');
        threads.set(thread, (Number(fields[11]) + Number(fields[12])) / TICKS);
      }
    } catch {
      // It has ended meanwhile.
    }
  };
  const timer = setInterval(look, LOOK_MS);
  return new Promise((resolve, reject) => {
    child.on('close', (status) => {
      clearInterval(timer);
      if (status !== 0 && status !== 1) reject(new Error(`${argv.join(' ')} ended with ${status}`));
      const times = [...threads.values()];
      const cpu = times.reduce((sum, time) => sum + time, 0);
      resolve({ busiest: Math.max(...times), cpu, rss });
    });
  });
}

function better(one, other) {
  if (!one) return other;
  const least = (name) => Math.min(one[name], other[name]);
  return { busiest: least('busiest'), cpu: least('cpu'), rss: Math.max(one.rss, other.rss) };
}

function made(name, make) {
  const path = join(CACHE, name);
  if (!existsSync(path)) make(path);
  return path;
}
