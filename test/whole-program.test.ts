/**
 * What must be true of the whole program, from the octets of a capture to the report: how a dialogue was cut into segments,
 * in which order they came and how often is no part of what was said; and of every capture the beginning is a capture, too.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ran } from './cli/fake-io.js';
import { parseReport } from './report/schema.js';
import { pcapOf, SCRIPT_START_US, type ScriptPacket, unescapeScript } from './support/dialogue.js';
import { runs, WHOLE } from './support/extent.js';
import { tcpPacket } from './support/packet.js';
import { Random } from './support/perturb.js';

const CAPTURES = fileURLToPath(new URL('../captures/', import.meta.url));
const STEP_US = 20_000;
const CLIENT_ISN = 0xffff_ff00;
const SERVER_ISN = 5_000_000;

let folder: string;
let capture: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailwitness-'));
  capture = join(folder, 'mail.pcap');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the client says, and what the server says to it. */
type Exchange = readonly [client: string, server: string];

const GREETINGS = [
  '220 mx.example ESMTP',
  '220 ****************0****2*****',
  '220-mx.example\\r\\n220 ESMTP',
];
const EXCHANGES: readonly Exchange[] = [
  ['EHLO client.example', '250-mx.example\\r\\n250-SIZE 10240000\\r\\n250-XXXXXXXA\\r\\n250 XXXXXXXXXXXB'],
  ['EHLO client.example', '500 5.5.1 Command unrecognized: "XXXX client.example"'],
  ['HELO client.example', '250 mx.example'],
  ['STARTTLS', '500 5.5.1 Command unrecognized: "XXXXXXXX"'],
  ['AUTH PLAIN AHVzZXIAcGFzc3dvcmQ=', '535 5.7.8 no'],
  ['AUTH LOGIN', '334 VXNlcm5hbWU6'],
  ['dXNlcm5hbWU=', '334 UGFzc3dvcmQ6'],
  ['cGFzc3dvcmQ=', '235 2.7.0 ok'],
  ['XXXX client.example', 'OK'],
  ['MAIL FROM:<a@example.com> SIZE=300', '250 2.1.0 ok'],
  ['RCPT TO:<b@example.net>', '250 2.1.5 ok'],
  ['MAIL FROM:<a@example.com>\\r\\nRCPT TO:<b@example.net>\\r\\nDATA', '250 ok\\r\\n250 ok\\r\\n354 go on'],
  ['DATA', '354 go on'],
  ['Message-ID: <1@example.com>\\r\\nSubject: \\xe4\\r\\n\\r\\n..text\\r\\n.', '250 2.0.0 queued'],
  ['Message-ID: <1@example.com>\\r\\n\\r\\nXXXXXXXXXXXX\\r\\n.\\r\\nQUIT', '554 5.6.1 no\\r\\n221 bye'],
  ['BDAT 9 LAST\\r\\nab\\r\\n.\\r\\nc', '250 ok'],
  ['NOOP', '250 ok'],
  ['RSET', '250 ok'],
  ['', '500 what?'],
];

interface Flight {
  readonly from: 'C' | 'S';
  readonly octets: Buffer;
}

const dialogue = fc
  .tuple(
    fc.constantFrom(...GREETINGS),
    fc.array(fc.constantFrom(...EXCHANGES), { minLength: 1, maxLength: 12 }),
  )
  .map(([greeting, exchanges]): Flight[] => [
    { from: 'S', octets: unescapeScript(`${greeting}\\r\\n`) },
    ...exchanges.flatMap(([client, server]): Flight[] => [
      { from: 'C', octets: unescapeScript(`${client}\\r\\n`) },
      { from: 'S', octets: unescapeScript(`${server}\\r\\n`) },
    ]),
  ]);

/** How a dialogue is carried; 0 percent and the whole flight: as plainly as can be. */
interface Carriage {
  readonly seed: number;
  readonly longest: number;
  readonly reordered: number;
  readonly repeated: number;
}

const PLAIN: Carriage = { seed: 1, longest: 10_000, reordered: 0, repeated: 0 };

const carriage: fc.Arbitrary<Carriage> = fc.record({
  seed: fc.integer(),
  longest: fc.constantFrom(1, 2, 7, 40, 10_000),
  reordered: fc.constantFrom(0, 50),
  repeated: fc.constantFrom(0, 30),
});

/** Packets of one connection: all of a flight at one time, the other side's acknowledgement behind it. */
function carried(
  flights: readonly Flight[],
  { seed, longest, reordered, repeated }: Carriage,
): ScriptPacket[] {
  const random = new Random(seed);
  const next = { C: CLIENT_ISN, S: SERVER_ISN };
  const packets: ScriptPacket[] = [];
  let us = SCRIPT_START_US;
  const packet = (
    from: 'C' | 'S',
    flags: string,
    seq: number,
    payload: Buffer = Buffer.alloc(0),
  ): ScriptPacket => {
    const ports = from === 'C' ? { sport: 40_000, dport: 25 } : { sport: 25, dport: 40_000 };
    const addresses =
      from === 'C'
        ? { src: '192.0.2.10', dst: '198.51.100.25' }
        : { src: '198.51.100.25', dst: '192.0.2.10' };
    const ack = flags === 'S' ? 0 : next[from === 'C' ? 'S' : 'C'];
    return { us, octets: tcpPacket({ ...ports, ...addresses, flags, seq, ack, payload }) };
  };
  packets.push(packet('C', 'S', next.C++));
  packets.push(packet('S', 'SA', next.S++));
  packets.push(packet('C', 'A', next.C));
  for (const { from, octets } of flights) {
    us += STEP_US;
    const pieces: ScriptPacket[] = [];
    for (let at = 0; at < octets.length; ) {
      const end = Math.min(octets.length, at + 1 + random.int(longest));
      pieces.push(packet(from, 'PA', next[from] + at, octets.subarray(at, end)));
      // Cut differently the second time: it begins earlier.
      const again = Math.max(0, at - random.int(9));
      // One octet sent again at the end looks like a keep-alive, which has none.
      if (random.chance(repeated) && end - again > 1) {
        pieces.push(packet(from, 'PA', next[from] + again, octets.subarray(again, end)));
      }
      at = end;
    }
    for (let index = pieces.length - 1; index > 0; index--) {
      if (!random.chance(reordered)) continue;
      const other = random.int(index + 1);
      [pieces[index], pieces[other]] = [pieces[other]!, pieces[index]!];
    }
    packets.push(...pieces);
    next[from] += octets.length;
    packets.push(packet(from === 'C' ? 'S' : 'C', 'A', next[from === 'C' ? 'S' : 'C']));
  }
  us += STEP_US;
  packets.push(packet('C', 'FA', next.C++));
  packets.push(packet('S', 'FA', next.S++));
  packets.push(packet('C', 'A', next.C));
  return packets;
}

/** Rules that are about segments, packets, or how fast they came. */
const OF_SEGMENTS =
  'char-mode-telnet,end-of-data-split,reply-spoofed,segment-over-mss,sack-impossible,sender-workaround';

/** The report without what is about packets. */
async function told(flights: readonly Flight[], how: Carriage): Promise<unknown> {
  writeFileSync(capture, pcapOf(carried(flights, how)));
  const { status, out, err } = await ran(['-F', 'json', '--no-rule', OF_SEGMENTS, capture]);
  expect(err).toBe('');
  const { captures, findings } = parseReport(out) as {
    captures: unknown;
    findings: { id: string; fingerprint: string }[];
  };
  expect(captures).toMatchObject([{ truncated: false, problems: [] }]);
  // Findings are numbered in the order of their packets.
  const names = new Map(findings.map(({ id, fingerprint }) => [id, fingerprint]));
  const named = out.replace(/"(f\d+)"/g, (whole, id: string) =>
    names.has(id) ? `"${names.get(id)}"` : whole,
  );
  const report = withoutPackets(JSON.parse(named)) as Record<string, unknown[]>;
  return { ...report, status, captures: 1, findings: sorted(report.findings!) };
}

function sorted(list: readonly unknown[]): unknown[] {
  return [...list].sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
}

const OF_PACKETS = new Set(['packet', 'packets', 'frames', 'segments', 'filters']);

function withoutPackets(value: unknown): unknown {
  if (Array.isArray(value)) {
    const list = value.map(withoutPackets);
    return list.every((one) => typeof one === 'string' && /^[0-9a-f]{16}$/.test(one)) ? list.sort() : list;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) =>
      OF_PACKETS.has(name) ? [] : [[name, withoutPackets(member)]],
    ),
  );
}

describe('a dialogue', () => {
  it('is the same however it was cut into segments, in whatever order and however often they came', async () => {
    let exchanges = 0;
    await fc.assert(
      fc.asyncProperty(dialogue, carriage, async (flights, how) => {
        const plain = await told(flights, PLAIN);
        expect(await told(flights, how)).toEqual(plain);
        exchanges += flights.length;
      }),
      { numRuns: runs(200), seed: 7 },
    );
    expect(exchanges).toBeGreaterThan(runs(1000));
  });
});

const ALL = process.env.MAILWITNESS_ALL_PREFIXES !== undefined;
/** Of each capture, unless all are asked for. */
const PREFIXES = WHOLE ? 3 : 1;

describe('every prefix', () => {
  const recorded = readdirSync(CAPTURES).filter((name) => /\.pcap(ng)?(\.gz|\.zst)?$/.test(name));

  it(
    `of every recorded capture gives a report${ALL ? '' : `: ${PREFIXES} of each`}`,
    async () => {
      const random = new Random(20_240_506);
      for (const name of recorded) {
        const octets = readFileSync(join(CAPTURES, name));
        const file = join(folder, 'prefix');
        writeFileSync(file, octets);
        const step = ALL ? 1 : Math.ceil(octets.length / PREFIXES);
        let before = Number.POSITIVE_INFINITY;
        for (let from = octets.length; from >= 0; from -= step) {
          const length = Math.max(0, from - (ALL ? 0 : random.int(Math.min(step, from + 1))));
          truncateSync(file, length);
          const { status, out, err } = await ran(['-F', 'json', file]);
          expect(err, `${name} ${length}`).not.toMatch(/internal error|\n\s+at /);
          if (out === '') {
            expect([status, length <= 24], `${name} ${length}`).toEqual([2, true]);
            continue;
          }
          const { captures } = parseReport(out) as { captures: { packets: number }[] };
          const { packets } = captures[0]!;
          expect(packets, `${name} ${length}`).toBeLessThanOrEqual(before);
          before = packets;
        }
      }
    },
    ALL ? 24 * 3_600_000 : 60_000,
  );
});
