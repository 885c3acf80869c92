/**
 * The emulated box's own log of what it changed, against what tshark reads in the recordings of both sides. What the
 * sender sent, with the log applied to it, must be what the receiver got: no octet more and no octet less.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { needs } from './support/needs.js';
import { WIRESHARK_ENV } from './support/wireshark.js';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), '../captures');
const SUFFIX = '.changes.jsonl.gz';
/** The one scenario whose recordings lack frames. */
const WITH_GAPS = 'compare-loss';
/** Connections that are not let through have one side only, or say nothing. */
const BLOCKED = /^blocked-/;
const SHADE = '\u2591';
/** The client's packets come in outside and go out inside; the server's the other way round. */
const COOKED: Record<Side, string> = {
  outside: '(tcp.dstport == 25 && sll.pkttype != 4) || (tcp.srcport == 25 && sll.pkttype == 4)',
  inside: '(tcp.dstport == 25 && sll.pkttype == 4) || (tcp.srcport == 25 && sll.pkttype != 4)',
};
const CLIENT_MAC = '02:00:00:00:00:20';

type Side = 'inside' | 'outside';
type Sender = 'client' | 'server';

interface Change {
  flow: string;
  direction: Sender;
  kind: 'altered' | 'removed' | 'answered' | 'dropped' | 'reset' | 'translated';
  offset: number;
  before?: string;
  after?: string;
  length?: number;
  as?: string;
  shift?: { client: number; server: number } | null;
}

/** One octet of a stream as text; undefined where the recording lacks it. */
type Stream = (string | undefined)[];

class Connection {
  readonly first: Partial<Record<Sender, number>> = {};
  readonly streams: Record<Sender, Stream> = { client: [], server: [] };

  add(sender: Sender, seq: number, syn: boolean, payload: string): void {
    if (syn) this.first[sender] = (seq + 1) >>> 0;
    const start = (seq - (this.first[sender] ?? seq)) | 0;
    for (let n = 0; n < payload.length; n++) this.streams[sender][start + n] ??= payload[n];
  }
}

/** Every connection of one side, by the client's address and port. */
type Recorded = Map<string, Connection>;

const FIELDS = [
  'frame.interface_id',
  'ip.src',
  'tcp.srcport',
  'ip.dst',
  'tcp.dstport',
  'tcp.seq_raw',
  'tcp.flags.syn',
  'tcp.payload',
];

const FILES = readdirSync(FOLDER).filter((file) => /\.pcap(ng)?(\.gz|\.zst)?$/.test(file));

/** What tshark reads, one for each interface. */
function connections(path: string, filter: string): Map<number, Recorded> {
  const fields = FIELDS.flatMap((field) => ['-e', field]);
  const read = spawnSync('tshark', ['-r', path, '-Y', filter, '-T', 'fields', ...fields], {
    encoding: 'latin1',
    env: WIRESHARK_ENV,
    maxBuffer: 1 << 28,
  });
  const interfaces = new Map<number, Recorded>();
  for (const line of read.stdout.split('\n').filter(Boolean)) {
    const [number, from, port, to, toPort, seq, syn, payload] = line.split('\t') as string[];
    const sender = toPort === '25' ? 'client' : 'server';
    const client = sender === 'client' ? `${from}:${port}` : `${to}:${toPort}`;
    const found = interfaces.get(Number(number)) ?? new Map<string, Connection>();
    interfaces.set(Number(number), found);
    if (!found.has(client)) found.set(client, new Connection());
    found.get(client)!.add(sender, Number(seq), syn === '1', Buffer.from(payload!, 'hex').toString('latin1'));
  }
  return interfaces;
}

/** Recordings of one side each, all read at once: as interfaces of one file. */
function recordedSides(files: readonly string[]): Map<string, Recorded> {
  const folder = mkdtempSync(join(tmpdir(), 'mailwitness-'));
  try {
    const all = join(folder, 'all.pcapng');
    const paths = files.map((file) => join(FOLDER, file));
    const { status } = spawnSync('mergecap', ['-I', 'none', '-w', all, ...paths], { env: WIRESHARK_ENV });
    expect(status).toBe(0);
    const interfaces = connections(all, 'tcp');
    return new Map(files.map((file, number) => [file, interfaces.get(number)!]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A recording with both cables in it. */
function bothSides(file: string): Record<Side, Recorded> {
  const filter = (side: Side) => {
    if (file.startsWith('compare-cooked')) return COOKED[side];
    if (file.includes('.pcapng')) return `tcp and frame.interface_name == "${side}"`;
    return `tcp and ${side === 'outside' ? '' : '!'}(eth.addr == ${CLIENT_MAC})`;
  };
  const of = (side: Side) => [...connections(join(FOLDER, file), filter(side)).values()][0]!;
  return { inside: of('inside'), outside: of('outside') };
}

/** What the receiver must get of it. */
function applied(sent: Stream, changes: readonly Change[]): Stream {
  const got: (string | undefined | null)[] = [...sent];
  for (const { kind, offset, before, after, length } of changes) {
    if (kind === 'altered') {
      expect(after).toHaveLength(before!.length);
      for (let n = 0; n < before!.length; n++) {
        expect(after![n]).not.toBe(before![n]);
        expect([before![n], undefined]).toContain(sent[offset + n]);
        got[offset + n] = after![n];
      }
    } else if (kind === 'removed') {
      expect(sent.slice(offset, offset + before!.length).join('')).toBe(before);
      got.fill(null, offset, offset + before!.length);
    } else if (kind === 'dropped') {
      got.fill(undefined, offset, offset + length!);
    }
  }
  const left = got.filter((octet): octet is string | undefined => octet !== null);
  for (const { kind, offset, after } of changes) if (kind === 'answered') left.splice(offset, 0, ...after!);
  return left;
}

/** Both as text, up to the last octet; a shade where an octet is missing, where there are gaps in either. */
function texts(a: Stream, b: Stream, gaps: boolean): [string, string] {
  const length = gaps ? Math.min(a.length, b.length) : Number.POSITIVE_INFINITY;
  const text = (own: Stream, other: Stream) =>
    Array.from(own.slice(0, length), (octet, n) =>
      gaps && other[n] === undefined ? SHADE : (octet ?? SHADE),
    )
      .join('')
      .replace(/\u2591+$/, '');
  return [text(a, b), text(b, a)];
}

describe('the log of the emulated box', needs('tshark', 'mergecap'), () => {
  const names = readdirSync(FOLDER)
    .filter((file) => file.endsWith(SUFFIX))
    .map((file) => file.slice(0, -SUFFIX.length));

  const fileOf = (name: string, side: Side) => FILES.find((file) => file.startsWith(`${name}-${side}.`));
  let sides: Map<string, Recorded>;
  beforeAll(() => {
    sides = recordedSides(
      names.flatMap((name) => [fileOf(name, 'inside') ?? [], fileOf(name, 'outside') ?? []].flat()),
    );
  }, 60_000);

  it('is there for more than ten scenarios', () => expect(names.length).toBeGreaterThan(10));

  describe.each(names)('%s', (name) => {
    const gaps = name === WITH_GAPS;
    let changes: Change[];
    let recorded: Record<Side, Recorded>;
    beforeAll(() => {
      const lines = gunzipSync(readFileSync(join(FOLDER, name + SUFFIX)))
        .toString('latin1')
        .split('\n');
      changes = lines.filter(Boolean).map((line) => JSON.parse(line) as Change);
      const one = FILES.find((file) => file.startsWith(`${name}.`));
      const of = (side: Side) => sides.get(fileOf(name, side)!)!;
      recorded = one ? bothSides(one) : { inside: of('inside'), outside: of('outside') };
    });

    it('names connections of the recordings, each once', () => {
      expect(recorded.outside.size).toBeGreaterThan(0);
      const translated = changes.filter((change) => change.kind === 'translated');
      expect(new Set(translated.map((change) => change.as)).size).toBe(translated.length);
      for (const { flow } of changes) expect([...recorded.outside.keys()]).toContain(flow);
    });

    it('leads from what was sent to what was received', () => {
      let octets = 0;
      for (const [flow, outside] of recorded.outside) {
        const own = changes.filter((change) => change.flow === flow);
        const inside = recorded.inside.get(own.find((change) => change.kind === 'translated')?.as ?? flow);
        if (inside === undefined && BLOCKED.test(name)) continue;
        const towards = (direction: Sender) => own.filter((change) => change.direction === direction);
        const client = applied(outside.streams.client, towards('client'));
        const server = applied(inside!.streams.server, towards('server'));
        const [toServer, atServer] = texts(client, inside!.streams.client, gaps);
        const [toClient, atClient] = texts(server, outside.streams.server, gaps);
        expect(atServer).toBe(toServer);
        expect(atClient).toBe(toClient);
        octets += toServer.length + toClient.length;
      }
      if (name !== 'blocked-unfit') expect(octets).toBeGreaterThan(recorded.inside.size * 50);
    });

    it('says by how much sequence numbers are shifted', () => {
      for (const { flow, as, shift } of changes.filter(
        (change) => change.kind === 'translated' && change.shift,
      )) {
        const [outside, inside] = [recorded.outside.get(flow)!, recorded.inside.get(as!)!];
        expect((inside.first.client! - outside.first.client!) >>> 0).toBe(shift!.client);
        expect((outside.first.server! - inside.first.server!) >>> 0).toBe(shift!.server);
      }
    });
  });
});
