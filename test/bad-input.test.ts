/** Damaged and hostile captures through the whole pipeline: bounded, named, and the rest still reported. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Analysis, analyze } from '../src/analyze.js';
import { catalog } from '../src/rules/catalog.js';
import { analyzeScripts, pcapOf, SCRIPT_START_US, scriptPackets } from './support/dialogue.js';
import { ethernet, ipTcpPacket, ipv4, tcpPacket } from './support/packet.js';

const folder = mkdtempSync(join(tmpdir(), 'mailwitness-bad-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

function file(octets: Buffer | string): string {
  const path = join(folder, `${files++}.bin`);
  writeFileSync(path, octets);
  return path;
}

const run = (...paths: string[]): Promise<Analysis> => analyze(paths, { rules: catalog });

const MASKED = `
  S: 220 ****************************2*******0*****
  C: EHLO client.example
  S: 250-mail.example
  S+ 250 SIZE 1000
  C: QUIT
  S: 221 bye
`;
const good = pcapOf(scriptPackets(MASKED));

const packet = (octets: Buffer) => ({ us: SCRIPT_START_US, octets });
const rules = (analysis: Analysis): string[] => analysis.findings.map((finding) => finding.rule);
const problems = (analysis: Analysis, index = 0): string[] =>
  analysis.captures[index]!.facts.problems.map((problem) => problem.code);

describe('inputs that are no captures', () => {
  it.each([
    ['empty', Buffer.alloc(0)],
    ['text', Buffer.from('Received: from mail.example\r\n'.repeat(100))],
    ['zeros', Buffer.alloc(5000)],
    ['a lone magic number', good.subarray(0, 4)],
    ['gzip of nothing', Buffer.from('1f8b0800000000000003030000000000000000', 'hex')],
    ['cut gzip', Buffer.from('1f8b08', 'hex')],
    ['cut zstd', Buffer.from('28b52ffd', 'hex')],
  ])('%s', async (_, octets) => {
    const analysis = await run(file(octets));
    expect(problems(analysis).length + (analysis.captures[0]!.facts.truncated ? 1 : 0)).toBeGreaterThan(0);
    expect(analysis.findings).toEqual([]);
  });

  it('a missing file among good ones does not stop the good ones', async () => {
    const analysis = await run(file(good), join(folder, 'absent.pcap'), folder, file(good));
    expect(analysis.captures.map((capture) => capture.facts.problems.length)).toEqual([0, 1, 1, 0]);
    expect(analysis.sessionCount).toBe(2);
    expect(rules(analysis)).toContain('banner-masked');
  });
});

describe('captures cut and bent', () => {
  it('cut anywhere: everything in front of the cut is read', async () => {
    let last = 0;
    for (let length = 24; length <= good.length; length++) {
      const analysis = await run(file(good.subarray(0, length)));
      const { packets, truncated } = analysis.captures[0]!.facts;
      expect(problems(analysis)).toEqual([]);
      expect(packets).toBeGreaterThanOrEqual(last);
      expect(packets - last).toBeLessThanOrEqual(1);
      if (!truncated && packets > last) expect(packets).toBe(last + 1);
      last = packets;
    }
    expect(last).toBe(scriptPackets(MASKED).length);
  });

  it('a record that lies about its length is named, what came before is reported', async () => {
    const bent = Buffer.concat([good, Buffer.alloc(16, 0xff), Buffer.alloc(100)]);
    const analysis = await run(file(bent));
    expect(problems(analysis)).toEqual(['bad-record-length']);
    expect(rules(analysis)).toContain('banner-masked');
  });

  it('any octet changed: no crash, no hang', async () => {
    let seed = 7;
    for (let round = 0; round < 300; round++) {
      const bent = Buffer.from(good);
      for (let change = 0; change < 3; change++) {
        seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
        bent[seed % bent.length] = seed >>> 24;
      }
      const analysis = await run(file(bent));
      for (const session of analysis.sessions()) expect(session.id).toMatch(/^s\d+$/);
    }
  });
});

describe('hostile contents', () => {
  it('tunnels a thousand deep', async () => {
    let inner = ipTcpPacket({ sport: 40000, dport: 25, flags: 'S' });
    for (let depth = 0; depth < 1000; depth++) inner = ipv4({ protocol: 4 }, inner);
    const analysis = await run(file(pcapOf([packet(ethernet(0x0800, inner))])));
    expect(analysis.captures[0]!.skipped).toEqual({ 'tunnel-depth': 1 });
  });

  it('100,000 capability lines', async () => {
    const lines = Array.from({ length: 100_000 }, (_, index) => `  S+ 250-X${index}`);
    lines[0] = '  S: 250-mail.example';
    const chunks: string[] = [];
    for (let i = 0; i < lines.length; i += 1000) {
      chunks.push(
        lines
          .slice(i, i + 1000)
          .join('\n')
          .replace('S+', i === 0 ? 'S:' : 'S:'),
      );
    }
    const script = `  S: 220 mail.example ESMTP\n  C: EHLO a.example\n${chunks.join('\n')}\n  S: 250 OK\n  C: QUIT\n  S: 221 bye`;
    const analysis = await analyzeScripts([script], { rules: catalog });
    const [session] = [...analysis.sessions()];
    expect(session!.exchanges[1]!.reply!.code).toBe(250);
    expect(session!.exchanges[1]!.reply!.lines.length).toBeLessThanOrEqual(1000);
    expect(session!.exchanges[1]!.reply!.lines.length + session!.exchanges[1]!.reply!.droppedLines).toBe(
      100_001,
    );
    expect(session!.exchanges[2]!.verb).toBe('QUIT');
    expect(analysis.findings).toEqual([]);
  });

  it('one line of 64 MiB', async () => {
    const size = 60_000;
    const count = 1118;
    const packets = scriptPackets('S: 220 mail.example ESMTP\ncut');
    const handshake = packets[0]!.octets;
    const isn = handshake.readUInt32BE(14 + 20 + 4);
    const ack = packets[1]!.octets.readUInt32BE(14 + 20 + 4);
    const payload = Buffer.alloc(size, 0x41);
    for (let i = 0; i < count; i++) {
      packets.push({
        us: SCRIPT_START_US + 1_000_000 + i,
        octets: tcpPacket({
          sport: 40000,
          dport: 25,
          seq: (isn + 1 + i * size) >>> 0,
          ack,
          flags: 'PA',
          payload,
        }),
      });
    }
    const path = file(pcapOf(packets));
    const before = process.memoryUsage().rss;
    const analysis = await run(path);
    expect(process.memoryUsage().rss - before).toBeLessThan(120 << 20);
    const [session] = [...analysis.sessions()];
    const line = session!.exchanges.find((exchange) => exchange.kind === 'command')?.line;
    expect(line?.octets ?? size * count).toBe(size * count);
    expect(analysis.findings).toEqual([]);
  });
});
