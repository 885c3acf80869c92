/**
 * Doubles one thing at a time and says what that costs: CPU time of whole processes, with all rules and JSON out.
 * `npm run bench:doubling`
 *
 *   --only WORD     those whose name holds the word
 *   --rounds N      the best of so many (default 2)
 *   --write [FILE]  puts the table into docs/performance.md, or the file
 *
 * Start-up, measured with a capture of 44 KB, is taken off each time. What the compiler takes to get warm is not: it
 * makes small sizes dearer, so sizes begin where that no longer matters. Exit status 1 where a doubling costs more than
 * 2.3 times.
 */
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { checkReport } from './check-report.mjs';
import {
  closed,
  ended,
  flowOf,
  greeted,
  inMail,
  line,
  messageBegun,
  messageEnded,
  opened,
  quit,
  SEGMENT,
  say,
  stream,
  turns,
} from './dialogue.mjs';
import { makeMany, makeSmall } from './generate.mjs';
import { better, build, inTurns, machine, measure, program, publish, SCRATCH, table } from './measure.mjs';
import { ACK, NOTHING, segment, Writer } from './packets.mjs';

const LIMIT = 2.3;
const DOUBLINGS = 3;
/** Where a limit seems broken: on a busy machine a single run may take half as long again. */
const MORE_ROUNDS = 3;
const MASKED = '220 ****************2**0******';
const option = (name) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
};
const rounds = Number(option('--rounds') ?? 2);
const only = option('--only') ?? '';

const TEXT = Buffer.alloc(SEGMENT + 64, 'a line of a text\r\n');

/** Sends `count` segments of 64 octets in the order that `place` gives them. */
function scattered(writer, count, place) {
  const flow = flowOf(0);
  inMail(writer, flow);
  const [begin] = flow.seq;
  for (let n = 0; n < count; n++) {
    flow.seq[0] = (begin + place(n) * 64) >>> 0;
    segment(writer, flow, 0, ACK, TEXT, 0, 64);
  }
  flow.seq[0] = (begin + count * 64) >>> 0;
  ended(writer, flow);
  return { sessions: 1, messages: 1 };
}

function shortSession(writer, flow, number, greeting) {
  greeted(writer, flow, greeting);
  messageBegun(writer, flow, number);
  messageEnded(writer, flow);
  quit(writer, flow);
}

/**
 * `smallest` of what is doubled, and `make`, which writes so many of them and says what a report of that must hold.
 */
const SHAPES = [
  {
    name: 'packets of one message',
    smallest: 500_000,
    make: (writer, count) => {
      const flow = flowOf(0);
      inMail(writer, flow);
      stream(writer, flow, TEXT, count * 64, 64);
      ended(writer, flow);
      return { sessions: 1, messages: 1 };
    },
  },
  {
    name: 'sessions, one after the other',
    smallest: 5_000,
    make: (writer, count) => {
      for (let n = 0; n < count; n++) shortSession(writer, flowOf(n), n);
      return { sessions: count, messages: count };
    },
  },
  { name: 'sessions open at once', smallest: 10_000, makeFile: makeMany },
  {
    name: 'messages in one session',
    smallest: 30_000,
    make: (writer, count) => {
      const flow = flowOf(0);
      greeted(writer, flow);
      for (let n = 0; n < count; n++) {
        messageBegun(writer, flow, n);
        messageEnded(writer, flow);
      }
      quit(writer, flow);
      return { sessions: 1 };
    },
  },
  {
    name: 'commands in one session',
    smallest: 150_000,
    make: (writer, count) => {
      const flow = flowOf(0);
      greeted(writer, flow);
      const [noop, ok] = [line('NOOP'), line('250 Ok')];
      for (let n = 0; n < count; n++) {
        say(writer, flow, 0, noop);
        say(writer, flow, 1, ok);
      }
      quit(writer, flow);
      return { sessions: 1 };
    },
  },
  {
    name: 'findings, each of a server of its own',
    smallest: 1_250,
    variant: { checksums: true },
    make: (writer, count) => {
      for (let n = 0; n < count; n++) {
        const flow = { ...flowOf(n), server: (0xc0000200 + n) >>> 0 };
        shortSession(writer, flow, n, MASKED);
      }
      return { sessions: count, messages: count, findings: count };
    },
  },
  {
    name: 'sessions that add to one finding',
    smallest: 5_000,
    variant: { checksums: true },
    make: (writer, count) => {
      for (let n = 0; n < count; n++) shortSession(writer, flowOf(n), n, MASKED);
      return { sessions: count, messages: count, findings: 1 };
    },
  },
  {
    name: 'commands of one session that were masked',
    smallest: 80_000,
    variant: { checksums: true },
    make: (writer, count) => {
      const flow = flowOf(0);
      greeted(writer, flow);
      for (let n = 0; n < count; n++) turns(writer, flow, 0, ['XXXX', '500 unknown']);
      quit(writer, flow);
      return { sessions: 1, findings: 1 };
    },
  },
  {
    name: 'segments whose neighbours changed places',
    smallest: 250_000,
    make: (writer, count) => scattered(writer, count, (n) => n ^ 1),
  },
  {
    name: 'segments out of order by a thousand',
    smallest: 250_000,
    make: (writer, count) =>
      scattered(writer, count - (count % 1000), (n) => n - (n % 1000) + ((n * 617) % 1000)),
  },
  {
    name: 'segments in reverse order',
    smallest: 200_000,
    make: (writer, count) => ({ ...scattered(writer, count, (n) => count - 1 - n), messages: undefined }),
  },
  {
    name: 'segments sent twice',
    smallest: 400_000,
    make: (writer, count) => scattered(writer, count, (n) => n >> 1),
  },
  {
    name: 'segments with a gap behind each',
    smallest: 200_000,
    make: (writer, count) => {
      const flow = flowOf(0);
      inMail(writer, flow);
      for (let n = 0; n < count; n++) {
        segment(writer, flow, 0, ACK, TEXT, 0, 64);
        flow.seq[0] = (flow.seq[0] + 64) >>> 0;
        segment(writer, flow, 1, ACK, NOTHING, 0, 0);
      }
      ended(writer, flow);
      return { sessions: 1 };
    },
  },
  {
    name: 'connections without a word',
    smallest: 50_000,
    make: (writer, count) => {
      for (let n = 0; n < count; n++) {
        const flow = flowOf(n);
        opened(writer, flow);
        closed(writer, flow);
      }
      return {};
    },
  },
];

const report = join(SCRATCH, 'report.json');
const analyze = (path) => program('analyze', '--quiet', '-F', 'json', path);

function made({ make, makeFile, variant }, path, count) {
  if (makeFile) return makeFile(path, count);
  const writer = new Writer(path, variant);
  const truth = make(writer, count);
  writer.close();
  return truth;
}

const ratios = (cpu) => cpu.slice(1).map((value, index) => value / cpu[index]);
const linear = (cpu) => Math.max(...ratios(cpu)) <= LIMIT;

/** CPU seconds of each size, beyond start-up. */
async function measured(shape, start) {
  const sizes = Array.from({ length: DOUBLINGS + 1 }, (_, doubling) => {
    const path = join(SCRATCH, `doubling-${doubling}.pcap`);
    return { path, truth: made(shape, path, shape.smallest * 2 ** doubling), best: undefined };
  });
  let cpu = [];
  for (let round = 0; round < rounds || (!linear(cpu) && round < rounds + MORE_ROUNDS); round++) {
    for (const size of sizes) {
      size.best = better(size.best, measure(analyze(size.path), report));
      if (round === 0) await checkReport(report, size.truth);
    }
    cpu = sizes.map(({ best }) => Math.max(best.cpu - start, 0.01));
  }
  const octets = statSync(sizes.at(-1).path).size;
  for (const { path } of sizes) rmSync(path);
  return { cpu, rss: sizes.at(-1).best.rss, octets };
}

build();
const small = join(SCRATCH, 'small.pcap');
makeSmall(small);
const start = inTurns({ small: analyze(small) }, 9).get('small').cpu;

const rows = [];
for (const shape of SHAPES.filter(({ name }) => name.includes(only))) {
  const { cpu, rss, octets } = await measured(shape, start);
  const met = linear(cpu);
  if (!met) process.exitCode = 1;
  const row = [
    `${(shape.smallest * 2 ** DOUBLINGS).toLocaleString('en')} ${shape.name}`,
    (octets / 1e6).toFixed(0),
    cpu.map((value) => value.toFixed(2)).join(', '),
    ratios(cpu)
      .map((ratio) => ratio.toFixed(1))
      .join(', '),
    (rss / 1e6).toFixed(0),
    met ? 'yes' : '**no**',
  ];
  rows.push(row);
  console.error(row.join(' | '));
}
const text = table(
  [
    'at most',
    'MB',
    'CPU seconds at an eighth, a quarter, half, whole',
    'times per doubling',
    'MB resident',
    'met',
  ],
  rows,
);
console.log(`\n${text}\n\n${machine()}`);
publish('doubling', `${machine()}\nStart-up, taken off each time: ${start.toFixed(2)} s.\n\n${text}`);
