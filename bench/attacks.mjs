/**
 * Captures that are made to hurt, at half their size and whole: time, memory, and which limit the report names.
 * `npm run bench:attacks`
 *
 *   --quick         a tenth of the size
 *   --only NAME     one of them
 *   --write [FILE]  puts the table into docs/performance.md, or the file
 *
 * Growth is that of CPU time beyond start-up, at most 2.3 from half to whole. Exit status 1 where a limit is broken.
 */
import { closeSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  ended,
  flowOf,
  greeted,
  inMail,
  line,
  opened,
  quit,
  SEGMENT,
  say,
  stream,
  written,
} from './dialogue.mjs';
import { makeSmall } from './generate.mjs';
import { build, inTurns, machine, measure, program, publish, SCRATCH, table } from './measure.mjs';
import { ACK, interfaceDescription, NOTHING, SYN, SYN_ACK, sectionHeader, segment } from './packets.mjs';

const scale = process.argv.includes('--quick') ? 0.1 : 1;
const onlyAt = process.argv.indexOf('--only');
const only = onlyAt < 0 ? null : process.argv[onlyAt + 1];
const MB = 1e6;
const report = join(SCRATCH, 'report.json');

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
      const body = Buffer.alloc(SEGMENT, 'text\r\n');
      for (let n = 0; n < 20_000; n++) {
        flow.seq[0] = (flow.seq[0] + Math.floor((count * MB) / 20_000)) >>> 0;
        segment(writer, flow, 0, ACK, body, 0, SEGMENT);
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
      // With its header 80 octets: a fragment that others follow has a multiple of eight.
      const payload = Buffer.alloc(60, 'x');
      for (let n = 0; n < count; n++) {
        segment(writer, flowOf(n % 1000), 0, ACK, payload, 0, 60);
        const at = writer.length - 60 - 54;
        writer.buffer.writeUInt16BE(n & 0xffff, at + 18);
        // More fragments; the offset is one of a thousand.
        writer.buffer.writeUInt16BE(0x2000 | (1 + (n % 1000) * 8), at + 20);
      }
    }),
  },
  {
    name: 'first fragments, each of a datagram that never ends',
    count: 500_000,
    make: written((writer, count) => {
      const payload = Buffer.alloc(60, 'x');
      for (let n = 0; n < count; n++) {
        segment(writer, flowOf(n), 0, ACK, payload, 0, 60);
        const at = writer.length - 60 - 54;
        writer.buffer.writeUInt16BE(n & 0xffff, at + 18);
        writer.buffer.writeUInt16BE(0x2000, at + 20);
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
      stream(writer, flow, Buffer.alloc(SEGMENT, 'A'), count * MB);
      say(writer, flow, 0, line(''));
    }),
  },
  {
    name: 'MB in one message',
    count: 1000,
    make: written((writer, count) => {
      const flow = flowOf(0);
      inMail(writer, flow);
      stream(writer, flow, Buffer.alloc(SEGMENT, 'a line of a text\r\n'), count * MB);
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
  {
    name: 'refused verbs, 4,900 in each session',
    count: 196_000,
    make: written((writer, count) => {
      for (let n = 0; n < count; n += 4900) refusals(writer, flowOf(n), Math.min(4900, count - n));
    }),
  },
  {
    name: "sessions, and 10,000 lines of the firewall's log that name their ends, each of another day",
    count: 20_000,
    log: (path) => {
      const day = (n) => `${MONTHS[n % 12]} ${String(1 + (n % 28)).padStart(2, '0')} ${1000 + n}`;
      const replaced = 'SMTP replaced string: out 10.0.0.0 in 192.0.2.25 data: MAIL FROM:<a@client.example>';
      const lines = Array.from(
        { length: 10_000 },
        (_, n) => `${day(n)} 07:08:09 fw : %PIX-2-108002: ${replaced}\n`,
      );
      writeFileSync(path, lines.join(''));
    },
    make: written((writer, count) => {
      for (let n = 0; n < count; n++) {
        const flow = flowOf(n);
        greeted(writer, flow);
        quit(writer, flow);
      }
    }),
  },
  { name: 'MB out of one gzip', count: 10_000, extension: 'pcap.gz', make: bomb },
];

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Verbs that are refused, a hundred sent at once. */
function refusals(writer, flow, count) {
  greeted(writer, flow);
  for (let n = 0; n < count; n += 100) {
    const many = Math.min(100, count - n);
    say(writer, flow, 0, line(Array(many).fill('VRFY a').join('\r\n')));
    say(writer, flow, 1, line(Array(many).fill('502 no').join('\r\n')));
  }
  quit(writer, flow);
}

function interfaces(path, count) {
  const thousand = Buffer.concat(Array.from({ length: 1000 }, interfaceDescription));
  const descriptor = openSync(path, 'w');
  writeSync(descriptor, sectionHeader());
  for (let n = 0; n < count; n += 1000) writeSync(descriptor, thousand);
  closeSync(descriptor);
}

/** Members of 10 MB, one behind the other, are one gzip stream. RFC 1952 section 2.2. */
function bomb(path, count) {
  const once = `${path}.once`;
  written((writer) => {
    const flow = flowOf(0);
    opened(writer, flow);
    while (writer.size < 10 * MB) segment(writer, flow, 0, ACK, Buffer.alloc(SEGMENT), 0, SEGMENT);
  })(once);
  const octets = readFileSync(once);
  rmSync(once);
  const descriptor = openSync(path, 'w');
  writeSync(descriptor, gzipSync(octets));
  const more = gzipSync(octets.subarray(24));
  for (let n = 10; n < count; n += 10) writeSync(descriptor, more);
  closeSync(descriptor);
}

function measured(path, options) {
  const taken = measure(program('analyze', '--quiet', '-F', 'json', ...options, path), report);
  return {
    ...taken,
    octets: statSync(path).size,
    named: namedLimits(JSON.parse(readFileSync(report, 'utf8'))),
  };
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

build();
const small = join(SCRATCH, 'small.pcap');
makeSmall(small);
const start = inTurns({ small: program('analyze', '-F', 'json', small) }, 5).get('small').cpu;

const rows = [];
for (const { name, count, make, log, extension = 'pcap', limit = 512 } of ATTACKS) {
  if (only !== null && !name.includes(only)) continue;
  const path = join(SCRATCH, `attack.${extension}`);
  const whole = Math.round(count * scale);
  const logPath = join(SCRATCH, 'attack.log');
  log?.(logPath);
  const options = log ? ['--asa-log', logPath] : [];
  const [half, all] = [whole / 2, whole].map((size) => {
    make(path, size);
    return measured(path, options);
  });
  rmSync(path);
  const growth = Math.max(all.cpu - start, 0.05) / Math.max(half.cpu - start, 0.05);
  const met = growth <= 2.3 && all.rss <= limit * 2 ** 20 && all.status <= 2;
  if (!met) process.exitCode = 1;
  rows.push([
    `${whole.toLocaleString('en')} ${name}`,
    (all.octets / MB).toFixed(0),
    half.cpu.toFixed(2),
    all.cpu.toFixed(2),
    growth.toFixed(1),
    (all.rss / MB).toFixed(0),
    all.named,
    met ? 'yes' : '**no**',
  ]);
  console.error(rows.at(-1).join(' | '));
}
const text = table(
  [
    'attack',
    'MB of capture',
    'CPU seconds at half',
    'CPU seconds',
    'growth',
    'MB resident',
    'what the report names',
    'met',
  ],
  rows,
);
console.log(`\n${text}\n\n${machine()}`);
publish('attacks', `${machine()}\n\n${text}`);
