/**
 * Captures that are made to hurt, at half their size and whole: time, memory, and which limit the report names.
 * `npm run bench:attacks`
 *
 *   --quick      a tenth of the size
 *   --only NAME  one of them
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { line, NOTHING, segment, Writer } from './generate.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, '..');
const CACHE = join(ROOT, '.bench');
const PROGRAM = join(ROOT, 'dist/bin/mailwitness.js');
const scale = process.argv.includes('--quick') ? 0.1 : 1;
const onlyAt = process.argv.indexOf('--only');
const only = onlyAt < 0 ? null : process.argv[onlyAt + 1];
const MB = 1e6;

const [SYN, SYN_ACK, ACK, PUSH, FIN] = [0x02, 0x12, 0x10, 0x18, 0x11];
const flowOf = (number) => ({
  client: (0x0a000000 + Math.floor(number / 50_000)) >>> 0,
  server: 0xc0000219,
  port: 10_000 + (number % 50_000),
  serverPort: 25,
  seq: [(number * 7919) >>> 0, (number * 104_729) >>> 0],
});

function opened(writer, flow) {
  segment(writer, flow, 0, SYN, NOTHING, 0, 0);
  segment(writer, flow, 1, SYN_ACK, NOTHING, 0, 0);
  segment(writer, flow, 0, ACK, NOTHING, 0, 0);
}

const say = (writer, flow, from, octets) => segment(writer, flow, from, PUSH, octets, 0, octets.length);

/** A session up to the reply to DATA. */
function inMail(writer, flow) {
  opened(writer, flow);
  const turns = [
    [1, '220 mx.example ESMTP'],
    [0, 'EHLO client.example'],
    [1, '250 mx.example'],
    [0, 'MAIL FROM:<a@client.example>'],
    [1, '250 Ok'],
    [0, 'RCPT TO:<b@mx.example>'],
    [1, '250 Ok'],
    [0, 'DATA'],
    [1, '354 go on'],
    [0, 'Message-ID: <1@client.example>\r\n'],
  ];
  for (const [from, text] of turns) say(writer, flow, from, line(text));
}

function ended(writer, flow) {
  for (const [from, text] of [
    [0, '\r\n.'],
    [1, '250 2.0.0 queued'],
    [0, 'QUIT'],
    [1, '221 bye'],
  ])
    say(writer, flow, from, line(text));
  segment(writer, flow, 0, FIN, NOTHING, 0, 0);
  segment(writer, flow, 1, FIN, NOTHING, 0, 0);
}

/** @param make  gets a writer and how many */
const written = (make) => (path, count) => {
  const writer = new Writer(path);
  make(writer, count);
  writer.close();
};

/** Sends `length` octets of `payload`, again and again, in segments of 1,448 octets, acknowledged now and then. */
function stream(writer, flow, payload, length) {
  for (let at = 0, sent = 0; at < length; at += 1448, sent++) {
    segment(writer, flow, 0, ACK, payload, 0, Math.min(1448, length - at));
    if (sent % 8 === 7) segment(writer, flow, 1, ACK, NOTHING, 0, 0);
  }
}

const ATTACKS = [
  {
    name: 'SYNs, each of another client',
    count: 1_000_000,
    limit: 1024,
    make: written((writer, count) => {
      for (let n = 0; n < count; n++) segment(writer, flowOf(n), 0, SYN, NOTHING, 0, 0);
    }),
  },
  {
    name: 'half-open connections',
    count: 300_000,
    limit: 1024,
    make: written((writer, count) => {
      for (let n = 0; n < count; n++) {
        const flow = flowOf(n);
        segment(writer, flow, 0, SYN, NOTHING, 0, 0);
        segment(writer, flow, 1, SYN_ACK, NOTHING, 0, 0);
      }
    }),
  },
  {
    name: 'MB of hole in sequence space, then octets on both sides of it',
    count: 2048,
    make: written((writer, count) => {
      const flow = flowOf(0);
      inMail(writer, flow);
      const body = Buffer.alloc(1448, 'text\r\n');
      for (let n = 0; n < 20_000; n++) {
        flow.seq[0] = (flow.seq[0] + Math.floor((count * MB) / 20_000)) >>> 0;
        segment(writer, flow, 0, ACK, body, 0, 1448);
      }
      ended(writer, flow);
    }),
  },
  {
    name: 'octets in reverse order, one by one',
    count: 500_000,
    make: written((writer, count) => {
      const flow = flowOf(0);
      inMail(writer, flow);
      const [begin] = flow.seq;
      const octet = Buffer.from('a');
      for (let n = count - 1; n >= 0; n--) {
        flow.seq[0] = (begin + n) >>> 0;
        segment(writer, flow, 0, ACK, octet, 0, 1);
      }
      flow.seq[0] = (begin + count) >>> 0;
      ended(writer, flow);
    }),
  },
  {
    name: 'overlaps that differ',
    count: 100_000,
    make: written((writer, count) => {
      const flow = flowOf(0);
      inMail(writer, flow);
      const octets = [Buffer.alloc(100, 'a'), Buffer.alloc(100, 'b')];
      for (let n = 0; n < count; n++) {
        segment(writer, flow, 0, ACK, octets[n & 1], 0, 100);
        flow.seq[0] = (flow.seq[0] - 50) >>> 0;
      }
      ended(writer, flow);
    }),
  },
  {
    name: 'fragments whose datagrams never end',
    count: 500_000,
    make: written((writer, count) => {
      const payload = Buffer.alloc(64, 'x');
      for (let n = 0; n < count; n++) {
        segment(writer, flowOf(n % 1000), 0, ACK, payload, 0, 64);
        const at = writer.length - 64 - 54;
        writer.buffer.writeUInt16BE(n & 0xffff, at + 18);
        // More fragments; the offset is one of a thousand.
        writer.buffer.writeUInt16BE(0x2000 | (1 + (n % 1000) * 8), at + 20);
      }
    }),
  },
  {
    name: 'capability lines in one reply',
    count: 100_000,
    make: written((writer, count) => {
      const flow = flowOf(0);
      opened(writer, flow);
      say(writer, flow, 1, line('220 mx.example ESMTP'));
      say(writer, flow, 0, line('EHLO client.example'));
      for (let n = 0; n < count; n++) say(writer, flow, 1, line(`250-KEYWORD${n}`));
      say(writer, flow, 1, line('250 LAST'));
      say(writer, flow, 0, line('QUIT'));
    }),
  },
  {
    name: 'MB in one line',
    count: 1000,
    make: written((writer, count) => {
      const flow = flowOf(0);
      opened(writer, flow);
      say(writer, flow, 1, line('220 mx.example ESMTP'));
      stream(writer, flow, Buffer.alloc(1448, 'A'), count * MB);
      say(writer, flow, 0, line(''));
    }),
  },
  {
    name: 'MB in one message',
    count: 1000,
    make: written((writer, count) => {
      const flow = flowOf(0);
      inMail(writer, flow);
      stream(writer, flow, Buffer.alloc(1448, 'a line of a text\r\n'), count * MB);
      ended(writer, flow);
    }),
  },
  {
    name: 'commands in one session',
    count: 1_000_000,
    make: written((writer, count) => {
      const flow = flowOf(0);
      opened(writer, flow);
      say(writer, flow, 1, line('220 mx.example ESMTP'));
      const [noop, ok] = [line('NOOP'), line('250 Ok')];
      for (let n = 0; n < count; n++) {
        say(writer, flow, 0, noop);
        say(writer, flow, 1, ok);
      }
    }),
  },
  { name: 'interface blocks', count: 1_000_000, extension: 'pcapng', make: interfaces },
  {
    name: 'uses of one address pair',
    count: 200_000,
    limit: 1024,
    make: written((writer, count) => {
      for (let n = 0; n < count; n++) {
        const flow = flowOf(0);
        flow.seq = [(n * 100_003) >>> 0, (n * 200_003) >>> 0];
        opened(writer, flow);
        say(writer, flow, 1, line('220 mx.example ESMTP'));
        say(writer, flow, 0, line('QUIT'));
        segment(writer, flow, 0, 0x14, NOTHING, 0, 0);
      }
    }),
  },
  { name: 'MB out of one gzip', count: 10_000, extension: 'pcap.gz', make: bomb },
];

function interfaces(path, count) {
  const block = (type, body) => {
    const octets = Buffer.alloc(12 + body.length);
    octets.writeUInt32LE(type, 0);
    octets.writeUInt32LE(octets.length, 4);
    body.copy(octets, 8);
    octets.writeUInt32LE(octets.length, octets.length - 4);
    return octets;
  };
  const section = Buffer.alloc(16, 0xff);
  section.writeUInt32LE(0x1a2b3c4d, 0);
  section.writeUInt32LE(1, 4);
  const description = Buffer.alloc(8);
  description.writeUInt16LE(1, 0);
  const thousand = Buffer.concat(Array.from({ length: 1000 }, () => block(1, description)));
  const descriptor = openSync(path, 'w');
  writeSync(descriptor, block(0x0a0d0d0a, section));
  for (let n = 0; n < count; n += 1000) writeSync(descriptor, thousand);
  closeSync(descriptor);
}

/** Members of 10 MB, one behind the other, are one gzip stream. RFC 1952 section 2.2. */
function bomb(path, count) {
  const once = `${path}.once`;
  written((writer) => {
    const flow = flowOf(0);
    opened(writer, flow);
    while (writer.size < 10 * MB) segment(writer, flow, 0, ACK, Buffer.alloc(1448), 0, 1448);
  })(once);
  const octets = readFileSync(once);
  rmSync(once);
  const descriptor = openSync(path, 'w');
  writeSync(descriptor, gzipSync(octets));
  const more = gzipSync(octets.subarray(24));
  for (let n = 10; n < count; n += 10) writeSync(descriptor, more);
  closeSync(descriptor);
}

function measured(path) {
  const out = join(CACHE, 'attack.json');
  const flags = readFileSync(PROGRAM, 'utf8')
    .split('\n', 1)[0]
    .split(' ')
    .filter((word) => word.startsWith('--'));
  const taken = JSON.parse(
    execFileSync('python3', [
      ...[join(HERE, 'measure.py'), out, process.execPath, ...flags, PROGRAM],
      ...['analyze', '--quiet', '-F', 'json', path],
    ]).toString(),
  );
  const text = readFileSync(out, 'utf8');
  const report = JSON.parse(text);
  rmSync(out);
  return { ...taken, named: namedLimits(report) };
}

/** What the report says of limits that were reached. */
function namedLimits({ captures, sessions, notAssessed }) {
  const named = new Set();
  for (const { reason, detail } of notAssessed) if (/limit/.test(reason)) named.add(detail);
  for (const { problems, skipped } of captures) {
    for (const { code } of problems) named.add(code);
    for (const [reason, count] of Object.entries(skipped)) named.add(`${reason}: ${count}`);
  }
  for (const { closed, gaps } of sessions) {
    if (closed === 'limit') named.add('session closed: limit');
    for (const { cause } of gaps.slice(0, 3)) named.add(`gap: ${cause}`);
  }
  return [...named].slice(0, 3).join('; ') || '-';
}

mkdirSync(CACHE, { recursive: true });
execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: 'inherit' });
console.log(`${cpus().length} cores (${cpus()[0]?.model}), Node ${process.version}\n`);
console.log('| attack | capture MB | CPU s at half | CPU s | growth | resident MB | what the report names |');
console.log('|---|---|---|---|---|---|---|');
let failed = false;
for (const { name, count, make, extension = 'pcap', limit = 512 } of ATTACKS) {
  if (only !== null && !name.includes(only)) continue;
  const path = join(CACHE, `attack.${extension}`);
  const whole = Math.round(count * scale);
  const taken = [whole / 2, whole].map((size) => {
    make(path, size);
    return { ...measured(path), octets: statSync(path).size };
  });
  rmSync(path);
  const [half, all] = taken;
  const start = 0.12;
  const growth = Math.max(all.cpu - start, 0.05) / Math.max(half.cpu - start, 0.05);
  const bad = growth > 2.3 || all.rss > limit * 2 ** 20 || all.status > 2;
  failed ||= bad;
  console.log(
    `| ${whole.toLocaleString('en')} ${name} | ${(all.octets / MB).toFixed(0)} | ${half.cpu.toFixed(2)} | ${all.cpu.toFixed(2)} | ${growth.toFixed(1)}${bad ? ' NO' : ''} | ${(all.rss / MB).toFixed(0)} | ${all.named} |`,
  );
}
process.exitCode = failed ? 1 : 0;
