/**
 * Measures how soon the dashboard of `mailwitness live` answers a key while it reads as fast as it can.
 *
 *   node bench/live-keys.mjs [--sessions N]        default 100,000; needs tmux
 *
 * In a terminal of tmux a key for each of the four views is sent in turn; the time until the view is on the screen is
 * measured. It includes what tmux takes, of which the times at the end of the capture give an idea.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stream } from './live-stream.mjs';

const PROGRAM = join(dirname(fileURLToPath(import.meta.url)), '../dist/bin/mailwitness.js');
const at = process.argv.indexOf('--sessions');
const sessions = at < 0 ? 100_000 : Number(process.argv[at + 1]);

const VIEWS = ['[Sessions]', '[Findings', '[Duplicates', '[Health]'];
const PATIENCE_MS = 10_000;
const AFTERWARDS = 20;

const folder = mkdtempSync(join(tmpdir(), 'mailwitness-keys-'));
const tmux = (...words) =>
  execFileSync('tmux', ['-L', `keys-${process.pid}`, ...words], { encoding: 'utf8' });
const screen = () => tmux('capture-pane', '-p', '-t', 'main');
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(sign) {
  const since = performance.now();
  for (;;) {
    const now = screen();
    if (now.includes(sign)) return { now, ms: performance.now() - since };
    if (performance.now() - since > PATIENCE_MS) throw new Error(`no ${sign}:\n${now}`);
    await pause(2);
  }
}

function told(name, times) {
  const sorted = times.toSorted((a, b) => a - b);
  const part = (of) => sorted[Math.min(sorted.length - 1, Math.floor(of * sorted.length))].toFixed(0);
  console.log(
    `${name}: ${times.length} keys, median ${part(0.5)} ms, 99% ${part(0.99)} ms, longest ${part(1)} ms`,
  );
}

try {
  const file = join(folder, 'mail.pcap');
  const descriptor = openSync(file, 'w');
  for (const { octets } of stream(sessions)) writeSync(descriptor, octets);
  closeSync(descriptor);
  const command = `LC_ALL=C.UTF-8 ${process.execPath} --max-semi-space-size=2 --v8-pool-size=1 --heap-growing-percent=15 ${PROGRAM} live -r ${file}`;
  tmux('-f', '/dev/null', 'new-session', '-d', '-s', 'main', '-x', '120', '-y', '40', command);
  await until('RUNNING');
  const during = [];
  const afterwards = [];
  for (let key = 1; afterwards.length < AFTERWARDS; key++) {
    const view = key % VIEWS.length;
    tmux('send-keys', '-t', 'main', String(view + 1));
    const { now, ms } = await until(VIEWS[view]);
    (now.includes('ENDED') ? afterwards : during).push(ms);
    await pause(50);
  }
  told('while it reads', during);
  told('when it has read', afterwards);
} finally {
  try {
    tmux('kill-server');
  } catch {
    // It has ended already.
  }
  rmSync(folder, { recursive: true, force: true });
}
