/** What a watch keeps and tells besides its findings: packets, duplicates over a restart, metrics, a report at the end. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CapturedPacket } from '../../src/capture/packet.js';
import { readCapture } from '../../src/capture/source.js';
import { exportWatch } from '../../src/cli/live-export.js';
import { type LiveArguments, parseLive } from '../../src/cli/live-options.js';
import { listenAddress } from '../../src/cli/metrics-server.js';
import { PacketRing, ringSize } from '../../src/cli/packet-ring.js';
import { openMetrics } from '../../src/live/metrics.js';
import { catalog } from '../../src/rules/catalog.js';
import { schemaErrors } from '../report/schema.js';
import { Live } from '../support/live.js';
import { watchFile } from '../support/monitor.js';
import { needs } from '../support/needs.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
const capture = (name: string) => join(ROOT, 'captures', name);
const ASA = capture('asa-esmtp-outside.pcap');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailwitness-live-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Octets of all packets of captures, in order. */
async function packetsOf(files: readonly string[]): Promise<string[]> {
  const packets: string[] = [];
  for (const file of files) {
    await readCapture(file, {
      packet: ({ octets, start, end, us, ns }) =>
        packets.push(`${us}.${ns} ${octets.subarray(start, end).toString('hex')}`),
    });
  }
  return packets;
}

describe('--write', () => {
  it.each(['asa-esmtp-outside.pcap', 'pix-6-xxxx-inside.pcapng', 'asa-link2state-inside.pcap'])(
    'keeps the packets of %s as they came',
    async (name) => {
      const kept = join(folder, 'kept');
      await new Live(['-r', capture(name), '--write', kept]).ended;
      const files = readdirSync(kept).map((file) => join(kept, file));
      expect(await packetsOf(files)).toEqual(await packetsOf([capture(name)]));
      expect(statSync(files[0]!).mode & 0o077).toBe(0);
    },
  );

  it('keeps the newest of them, and removes no file but its own', async () => {
    const kept = join(folder, 'kept');
    mkdirSync(kept);
    writeFileSync(join(kept, 'mailwitness-old.pcap'), 'mine');
    const big = capture('compare-newsletter-outside.pcap.zst');
    expect(await new Live(['-r', big, '--write', kept, '--ring', '64KB,3']).ended).not.toBe(2);
    const files = readdirSync(kept)
      .filter((file) => file !== 'mailwitness-old.pcap')
      .sort();
    expect(files).toHaveLength(3);
    for (const file of files) expect(statSync(join(kept, file)).size).toBeLessThanOrEqual(64_000);
    expect(readFileSync(join(kept, 'mailwitness-old.pcap'), 'utf8')).toBe('mine');
    const all = await packetsOf([big]);
    const newest = await packetsOf(files.map((file) => join(kept, file)));
    expect(newest).toEqual(all.slice(-newest.length));
  });

  it('says once that the disk is full, and finds on', needs('root', 'mount'), async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
    try {
      const live = new Live(['-r', capture('compare-newsletter-outside.pcap.zst'), '--write', folder]);
      await live.ended;
      expect(live.err.match(/packets cannot be written to .*: the disk is full/g)).toHaveLength(1);
      expect(live.summary).toMatchObject({ state: 'ended' });
      const limits = live.summary.limits as { name: string; dropped: number }[];
      expect(limits.find(({ name }) => name === 'packet files')!.dropped).toBeGreaterThan(0);
      expect(live.rules().length).toBeGreaterThan(0);
    } finally {
      execFileSync('umount', [folder]);
    }
  });

  it.each([1e30, -1, Number.NaN, 2 ** 60])('keeps a packet of the impossible time %d', (us) => {
    const ring = new PacketRing(join(folder, 'kept'), { octets: 64e3, files: 2 }, 'stamp', () => {});
    const packet = new CapturedPacket();
    Object.assign(packet, {
      octets: Buffer.from('octets'),
      start: 0,
      end: 6,
      originalLength: 6,
      us,
      linkType: 1,
    });
    ring.packet(packet);
    ring.close();
    const [file] = readdirSync(join(folder, 'kept'));
    expect(readFileSync(join(folder, 'kept', file!)).subarray(24, 32)).toEqual(Buffer.alloc(8));
  });

  it.each(['0', '1KB,2', '100XB,2', '100MB,0', '-1', '200GB'])('--ring %s is wrong usage', (size) => {
    expect(() => ringSize(size)).toThrow(/--ring is a size/);
  });

  it('takes sizes as people write them', () => {
    expect(ringSize('100MB,10')).toEqual({ octets: 100e6, files: 10 });
    expect(ringSize('1g,2')).toEqual({ octets: 1e9, files: 2 });
    expect(ringSize('64kb')).toEqual({ octets: 64e3, files: 10 });
  });
});

describe('--state', () => {
  const FIVE_TIMES = capture('delivered-five-times-outside.pcap');

  /** One session of it after another, as a capture of its own. */
  function sessionFile(number: number): string {
    const whole = readFileSync(FIVE_TIMES);
    const records = recordsOf(whole);
    const begins = records.flatMap((record, index) =>
      (record[16 + 14 + 20 + 13]! & 0x12) === 2 ? [index] : [],
    );
    const file = join(folder, `session${number}.pcap`);
    const own = records.slice(begins[number], begins[number + 1] ?? records.length);
    writeFileSync(file, Buffer.concat([whole.subarray(0, 24), ...own]));
    return file;
  }

  it('knows after a restart what was sent before it', async () => {
    const state = join(folder, 'state');
    const before = new Live(['-r', sessionFile(0), '--state', state, '--rule', 'duplicate-delivery']);
    await before.ended;
    expect(before.rules()).toEqual([]);
    const alone = new Live(['-r', sessionFile(1), '--rule', 'duplicate-delivery']);
    await alone.ended;
    expect(alone.rules()).toEqual([]);
    expect(statSync(state).mode & 0o077).toBe(0);
    const after = new Live(['-r', sessionFile(1), '--state', state, '--rule', 'duplicate-delivery']);
    expect(await after.ended).toBe(1);
    const found = after.lines.find(({ rule }) => rule === 'duplicate-delivery')!;
    expect(found.message).toMatch(/sent 2 times .* 1 of them was seen before what is kept of the capture/);
    expect(existsSync(`${state}.part`)).toBe(false);
  });

  it.each([
    ['cut short', (text: string) => text.slice(0, -20)],
    ['no state', () => 'root:x:0:0'],
    ['another shape', (text: string) => text.replace(/"outcome":"\w+"/, '"outcome":7')],
    ['empty', () => ''],
  ])('one that is %s is set aside, with a warning', async (_, spoil) => {
    const state = join(folder, 'state');
    await new Live(['-r', FIVE_TIMES, '--state', state]).ended;
    const spoiled = spoil(readFileSync(state, 'utf8'));
    writeFileSync(state, spoiled);
    const live = new Live(['-r', FIVE_TIMES, '--state', state]);
    expect(await live.ended).toBe(1);
    expect(live.err).toMatch(/state is damaged: it was set aside as .*state\.damaged/);
    expect(readFileSync(`${state}.damaged`, 'utf8')).toBe(spoiled);
    expect(readFileSync(state, 'utf8')).toMatch(/^"mailwitness\/duplicates\/1"\n/);
  });
});

function recordsOf(whole: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 24; at < whole.length; ) {
    const end = at + 16 + whole.readUInt32LE(at + 8);
    records.push(whole.subarray(at, end));
    at = end;
  }
  return records;
}

/** https://github.com/OpenObservability/OpenMetrics: as strictly as its text parser. */
function checkMetrics(text: string): Map<string, number> {
  expect(text.endsWith('# EOF\n')).toBe(true);
  const samples = new Map<string, number>();
  let family = '';
  let type = '';
  const families = new Set<string>();
  for (const line of text.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1)) {
    const told = /^# (TYPE|HELP) (\S+) (.+)$/.exec(line);
    if (told) {
      if (told[1] === 'TYPE') {
        expect(families.has(told[2]!)).toBe(false);
        families.add(told[2]!);
        family = told[2]!;
        type = told[3]!;
      }
      continue;
    }
    const sample =
      /^([a-z_]+)((?:\{[a-z]+="(?:[^"\\\n]|\\.)*"(?:,[a-z]+="(?:[^"\\\n]|\\.)*")*\})?) (\d+(?:\.\d+)?)$/.exec(
        line,
      );
    expect(sample, line).not.toBeNull();
    expect(sample![1]).toBe(family + { counter: '_total', gauge: '', info: '_info' }[type]);
    expect(samples.has(sample![1]! + sample![2])).toBe(false);
    samples.set(sample![1]! + sample![2], Number(sample![3]));
  }
  return samples;
}

describe('metrics', () => {
  it('are OpenMetrics text', async () => {
    const { monitor } = await watchFile(ASA, 7);
    const samples = checkMetrics(openMetrics(monitor, '1.2.3'));
    expect(samples.get('mailwitness_packets_total')).toBe(38);
    expect(samples.get('mailwitness_sessions_total')).toBe(2);
    expect(samples.get('mailwitness_findings{severity="high"}')).toBe(1);
    expect(samples.get('mailwitness_findings_by_rule{rule="capability-masked"}')).toBe(3);
    expect(samples.has('mailwitness_drops_total')).toBe(false);
    expect(samples.get('mailwitness_build_info{version="1.2.3"}')).toBe(1);
    monitor.drops = 7;
    expect(checkMetrics(openMetrics(monitor, '1')).get('mailwitness_drops_total')).toBe(7);
  });

  it('are written to a file', async () => {
    const file = join(folder, 'metrics.prom');
    await new Live(['-r', ASA, '--metrics', file]).ended;
    expect(checkMetrics(readFileSync(file, 'utf8')).get('mailwitness_packets_total')).toBe(38);
    expect(readdirSync(folder)).toEqual(['metrics.prom']);
  });

  it('are served on loopback, and nothing else is', async () => {
    const port = await freePort();
    const live = new Live(['-r', '-', '--metrics-port', String(port)]);
    live.child.stdin.write(readFileSync(ASA));
    await live.until(() => live.rules().length >= 5);
    const { status, type, body } = await get(port, '/metrics');
    expect(status).toBe(200);
    expect(type).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(checkMetrics(body).get('mailwitness_packets_total')).toBe(38);
    expect((await get(port, '/')).status).toBe(404);
    expect((await get(port, '/metrics?x')).status).toBe(404);
    expect((await get(port, '/metrics', 'POST')).status).toBe(405);
    expect(listeningOn(port)).toEqual(['127.0.0.1']);
    const second = new Live(['-r', '-', '--metrics-port', String(port)]);
    expect(await second.ended).toBe(2);
    expect(second.err).toMatch(/the port is in use: name another/);
    live.child.stdin.end();
    expect(await live.ended).toBe(1);
  });

  it.each([
    ['9100', { host: '127.0.0.1', port: 9100 }],
    ['0.0.0.0:9100', { host: '0.0.0.0', port: 9100 }],
    ['[::1]:9100', { host: '::1', port: 9100 }],
  ])('listen on %s', (text, address) => {
    expect(listenAddress(text)).toEqual(address);
  });

  it.each(['', 'x', '99999', ':9100', 'a b:1'])('%s is no address', (text) => {
    expect(() => listenAddress(text)).toThrow(/--metrics-port/);
  });
});

/** One that nobody listens on now. */
function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Addresses of IPv4, and `[IPv6]`, where somebody listens on a port, as the kernel has it. */
function listeningOn(port: number): string[] {
  const rowsOf = (name: string) => readFileSync(`/proc/net/${name}`, 'latin1').trim().split('\n').slice(1);
  const addressOf = (row: string): string | null => {
    const [, local = '', , state] = row.trim().split(/\s+/);
    const [address = '', itsPort = ''] = local.split(':');
    if (state !== '0A' || Number.parseInt(itsPort, 16) !== port) return null;
    return address.length > 8 ? '[IPv6]' : [...Buffer.from(address, 'hex')].reverse().join('.');
  };
  const rows = ['tcp', 'tcp6'].filter((name) => existsSync(`/proc/net/${name}`)).flatMap(rowsOf);
  return rows.map(addressOf).filter((address) => address !== null);
}

function get(
  port: number,
  path: string,
  method = 'GET',
): Promise<{ status: number; type: string; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method }, (answer) => {
      let body = '';
      answer.on('data', (octets: Buffer) => {
        body += octets.toString();
      });
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, type: answer.headers['content-type'] ?? '', body }),
      );
    });
    asked.on('error', reject);
    asked.end();
  });
}

describe('an export', () => {
  const here = process.cwd();
  afterEach(() => process.chdir(here));

  it('holds the report, and the evidence where the packets can be read again', async () => {
    const { monitor } = await watchFile(ASA, 7, { name: ASA });
    process.chdir(folder);
    const args = (await parseLive(['-r', ASA])) as LiveArguments;
    const line = await exportWatch(monitor, args, catalog, '20260506T070809Z', '1.2.3');
    expect(line).toMatch(/evidence in mailwitness-20260506T070809Z-evidence/);
    expect(readdirSync(folder).sort()).toEqual([
      'mailwitness-20260506T070809Z-evidence',
      'mailwitness-20260506T070809Z.html',
      'mailwitness-20260506T070809Z.json',
    ]);
    const evidence = readdirSync('mailwitness-20260506T070809Z-evidence').filter((name) =>
      /pcapng$/.test(name),
    );
    expect(evidence).toHaveLength(5);
    const report = JSON.parse(readFileSync('mailwitness-20260506T070809Z.json', 'utf8')) as object;
    expect(schemaErrors(report)).toEqual([]);
    expect(report).toMatchObject({ captures: [{ file: ASA, packets: 38 }] });
  });

  it('says how to get evidence of packets that are kept', async () => {
    const { monitor } = await watchFile(ASA, 7);
    process.chdir(folder);
    const kept = (await parseLive(['-i', 'eth0', '--write', 'kept'])) as LiveArguments;
    expect(await exportWatch(monitor, kept, catalog, '1', '1')).toMatch(
      /analyze --evidence proof kept\/mailwitness-/,
    );
    const bare = (await parseLive(['-i', 'eth0'])) as LiveArguments;
    expect(await exportWatch(monitor, bare, catalog, '2', '1')).toMatch(/the packets were not kept/);
  });
});

describe('-o', () => {
  it.each(['text', 'json', 'html', 'markdown', 'csv'])('writes a report at the end: %s', async (format) => {
    const file = join(folder, 'report');
    expect(await new Live(['-r', ASA, '-o', file, '-F', format]).ended).toBe(1);
    const live = readFileSync(file, 'utf8');
    expect(live).toMatch(/banner-masked|greeting/i);
    if (format === 'json') {
      const report = JSON.parse(live) as { sessions: unknown[]; findings: unknown[] };
      expect(schemaErrors(report)).toEqual([]);
      expect(report.sessions).toHaveLength(2);
      expect(report.findings).toHaveLength(5);
    }
  });
});
