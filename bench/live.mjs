/**
 * Measures `mailwitness live -r -`: memory, how soon it answers, and what it found, under load and over time.
 *
 *   node bench/live.mjs [--sessions N]                  as fast as it reads (default 100,000)
 *   node bench/live.mjs --soak MINUTES [--rate N]       N sessions a minute (default 2,000) in real time
 *
 * Every hundredth greeting is masked, every two-hundredth message comes a second time. SIGUSR1 stands for a key: the time
 * until the answer is there is measured.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = join(dirname(fileURLToPath(import.meta.url)), '../dist/bin/mailwitness.js');
const option = (name, otherwise) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const soak = option('--soak', 0);
const rate = option('--rate', 2_000);
const sessions = soak > 0 ? Math.round(soak * rate) : option('--sessions', 100_000);

const dashes = process.argv.indexOf('--');
/** Of `live`, behind `--`. */
const more = dashes < 0 ? [] : process.argv.slice(dashes + 1);

const ASK_MS = 250;
const CONCURRENT = 500;
const BODY = `${'The quick brown fox jumps over the lazy dog, as it did before.\r\n'.repeat(22)}`;
const MASKED = `220 ${'*'.repeat(33)}2${'*'.repeat(5)}0${'*'.repeat(20)}`;

/** What is said in session `number`, by whom. */
function script(number) {
  const message = number % 200 === 199 ? number - 100 : number;
  return [
    ['S', number % 100 === 50 ? MASKED : '220 mx.example.com ESMTP Postfix'],
    ['C', 'EHLO client.example.net'],
    ['S', '250-mx.example.com\r\n250-SIZE 10240000\r\n250-STARTTLS\r\n250-8BITMIME\r\n250 DSN'],
    ['C', 'MAIL FROM:<alice@example.net>'],
    ['S', '250 2.1.0 Ok'],
    ['C', `RCPT TO:<user${message % 1000}@example.com>`],
    ['S', '250 2.1.5 Ok'],
    ['C', 'DATA'],
    ['S', '354 End data with <CR><LF>.<CR><LF>'],
    ['C', `Message-ID: <${message}.bench@client.example.net>\r\nSubject: n\r\n\r\n${BODY}.`],
    ['S', `250 2.0.0 Ok: queued as ${number.toString(16)}`],
    ['C', 'QUIT'],
    ['S', '221 2.0.0 Bye'],
  ];
}

/** The packets of one session, one at a time. */
class Session {
  constructor(number) {
    this.number = number;
    this.lines = script(number);
    this.step = 0;
    this.seq = [number, number * 7];
  }

  /** The next packet's record; null: it is over. */
  next(us) {
    const { step, lines } = this;
    this.step++;
    if (step === 0) return this.packet(0, 0x02, '', us);
    if (step === 1) return this.packet(1, 0x12, '', us);
    if (step === 2) return this.packet(0, 0x10, '', us);
    const line = lines[step - 3];
    if (line) return this.packet(line[0] === 'C' ? 0 : 1, 0x18, `${line[1]}\r\n`, us);
    if (step === lines.length + 3) return this.packet(1, 0x11, '', us);
    if (step === lines.length + 4) return this.packet(0, 0x11, '', us);
    if (step === lines.length + 5) return this.packet(1, 0x10, '', us);
    return null;
  }

  packet(from, flags, text, us) {
    const size = 54 + text.length;
    const record = Buffer.alloc(16 + size);
    record.writeUInt32LE(Math.floor(us / 1e6), 0);
    record.writeUInt32LE(us % 1e6, 4);
    record.writeUInt32LE(size, 8);
    record.writeUInt32LE(size, 12);
    const ip = 30;
    record.writeUInt16BE(0x0800, 28);
    record[ip] = 0x45;
    record.writeUInt16BE(size - 14, ip + 2);
    record[ip + 8] = 64;
    record[ip + 9] = 6;
    // The same message comes from the same client.
    const client = 0x0a000000 + (this.number % 50);
    const ends = [client, 0xc0000219];
    record.writeUInt32BE(ends[from], ip + 12);
    record.writeUInt32BE(ends[1 - from], ip + 16);
    const tcp = ip + 20;
    const port = 10_000 + (Math.floor(this.number / 50) % 50_000);
    record.writeUInt16BE(from === 0 ? port : 25, tcp);
    record.writeUInt16BE(from === 0 ? 25 : port, tcp + 2);
    record.writeUInt32BE(this.seq[from] >>> 0, tcp + 4);
    record.writeUInt32BE(flags === 0x02 ? 0 : this.seq[1 - from] >>> 0, tcp + 8);
    record[tcp + 12] = 0x50;
    record[tcp + 13] = flags;
    record.writeUInt16BE(0xffff, tcp + 14);
    record.latin1Write(text, tcp + 20);
    // A wrong checksum would say that the mask was put in after the capture.
    if (text === `${MASKED}\r\n`) record.writeUInt16BE(checksum(record, tcp), tcp + 16);
    this.seq[from] += text.length + (flags & 0x03 ? 1 : 0);
    return record;
  }
}

/** RFC 9293 §3.1, over IPv4. */
function checksum(record, tcp) {
  let sum = 6 + record.length - tcp;
  for (let at = tcp - 8; at < record.length; at += 2) sum += (record[at] << 8) | (record[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** Packets of so many sessions, `CONCURRENT` of them at once; says after how many sessions each piece comes. */
function* stream() {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(262144, 16);
  header.writeUInt32LE(1, 20);
  yield { octets: header, begun: 0 };
  const open = [];
  const startUs = Date.now() * 1000;
  let begun = 0;
  let packets = 0;
  while (begun < sessions || open.length > 0) {
    while (open.length < CONCURRENT && begun < sessions) open.push(new Session(begun++));
    const us = startUs + (soak > 0 ? (begun / rate) * 60e6 : packets * 25);
    const piece = [];
    for (let index = open.length - 1; index >= 0; index--) {
      const record = open[index].next(us + piece.length);
      if (record) piece.push(record);
      else open.splice(index, 1);
    }
    packets += piece.length;
    yield { octets: Buffer.concat(piece), begun };
  }
}

const child = spawn(process.execPath, [
  '--max-semi-space-size=4',
  '--heap-growing-percent=20',
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

for (const { octets, begun } of stream()) {
  if (!child.stdin.write(octets)) await new Promise((resolve) => child.stdin.once('drain', resolve));
  const due = started + (soak > 0 ? (begun / rate) * 60e3 : 0);
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
  const settled = after(5 * 60e3);
  console.log(
    `resident after 5 minutes ${settled.toFixed(0)} MB; since then at most ${(Math.max(...memory.filter(([time]) => time >= 5 * 60e3).map(([, mb]) => mb)) - settled).toFixed(1)} MB more`,
  );
}
