/**
 * Measures `mailwitness live -r -`: memory, how soon it answers, and what it found, under load and over time.
 *
 *   node bench/live.mjs [--sessions N]                  as fast as it reads (default 100,000)
 *   node bench/live.mjs --soak MINUTES [--rate N]       N sessions a minute (default 2,000) in real time
 *                       [--speed N]                     N times as fast, though the packets' times are the same
 *
 * SIGUSR1 stands for a key: the time until the answer is there is measured. `bench/live-keys.mjs` presses keys.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stream } from './live-stream.mjs';

const PROGRAM = join(dirname(fileURLToPath(import.meta.url)), '../dist/bin/mailwitness.js');
const option = (name, otherwise) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const soak = option('--soak', 0);
const rate = option('--rate', 2_000);
const speed = option('--speed', 1);
const sessions = soak > 0 ? Math.round(soak * rate) : option('--sessions', 100_000);

const dashes = process.argv.indexOf('--');
/** Of `live`, behind `--`. */
const more = dashes < 0 ? [] : process.argv.slice(dashes + 1);

const ASK_MS = 250;
const child = spawn(process.execPath, [
  '--max-semi-space-size=2',
  '--v8-pool-size=1',
  '--heap-growing-percent=15',
  PROGRAM,
  'live',
  '-r',
  '-',
  ...more,
]);
const resident = () => {
  try {
    return (/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'latin1'))?.[1] ?? 0) / 1000;
  } catch {
    return 0;
  }
};

const started = performance.now();
const memory = [];
const answers = [];
let askedAt = 0;
let out = '';
let announced = 0;
child.stdout.on('data', (octets) => {
  out = (out + octets).slice(-20_000);
  announced += octets.toString().split('"type":"finding"').length - 1;
});
let err = '';
child.stderr.on('data', (octets) => {
  err = (err + octets).slice(-2000);
  if (askedAt === 0 || !err.includes('resident')) return;
  answers.push(performance.now() - askedAt);
  askedAt = 0;
  err = '';
});
const asking = setInterval(() => {
  memory.push([performance.now() - started, resident()]);
  if (askedAt !== 0 || performance.now() - started < 1500) return;
  askedAt = performance.now();
  child.kill('SIGUSR1');
}, ASK_MS);

for (const { octets, begun } of stream(sessions, soak > 0 ? rate : null)) {
  if (!child.stdin.write(octets)) await new Promise((resolve) => child.stdin.once('drain', resolve));
  const due = started + (soak > 0 ? ((begun / rate) * 60e3) / speed : 0);
  if (due > performance.now()) await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
}
clearInterval(asking);
child.stdin.end();
const status = await new Promise((resolve) => child.on('close', resolve));

const seconds = (performance.now() - started) / 1000;
const summary = JSON.parse(out.trim().split('\n').at(-1));
const sorted = answers.toSorted((a, b) => a - b);
const at = (part) =>
  (sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN).toFixed(0);
const after = (ms) => memory.find(([time]) => time >= ms)?.[1] ?? Number.NaN;
console.log(
  `${sessions} sessions, ${summary.packets} packets in ${seconds.toFixed(1)} s, exit status ${status}`,
);
console.log(
  `resident: at most ${Math.max(...memory.map(([, mb]) => mb)).toFixed(0)} MB, ${memory.at(-1)[1].toFixed(0)} MB at the end`,
);
console.log(
  `answers to ${answers.length} signals: median ${at(0.5)} ms, 99% ${at(0.99)} ms, longest ${at(1)} ms`,
);
console.log(
  `sessions seen ${summary.sessions}, messages ${summary.messages}, findings ${JSON.stringify(summary.findings)}, announced ${announced}`,
);
for (const { name, used, limit, dropped } of summary.limits)
  console.log(`  ${name}: ${used} of ${limit}, ${dropped} dropped`);
if (soak > 5) {
  const fiveMinutes = (5 * 60e3) / speed;
  const settled = after(fiveMinutes);
  const later = memory.filter(([time]) => time >= fiveMinutes).map(([, mb]) => mb);
  console.log(
    `resident after 5 minutes ${settled.toFixed(0)} MB; since then at most ${(Math.max(...later) - settled).toFixed(1)} MB more`,
  );
}
