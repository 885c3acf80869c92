import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lineErrors, parseReport } from '../report/schema.js';
import { pcapOf, scriptPackets } from '../support/dialogue.js';
import { attempt } from '../support/rule-table.js';
import { ran } from './fake-io.js';

interface Report {
  findings: { id: string; rule: string; confidence: string; message: string; witnesses?: object[] }[];
  firewallLog?: { lines: number; ignored: number; records: number; joined: object[]; notJoined: number };
}

const ENDS = 'from outside:192.0.2.10/40001 to inside:198.51.100.25/25';
const HEADER = `ESMTP Classification: Dropped connection for ESMTP Request ${ENDS}; matched Class 4: header line length gt 998`;

let folder: string;
let capture: string;
const log = (name: string, text: string | Buffer): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailwitness-'));
  capture = join(folder, 'mail.pcap');
  const script = attempt({ end: '.\\r\\n\n@ +300\nrst C\n@ +600' });
  writeFileSync(capture, pcapOf(scriptPackets(script)));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const json = async (...argv: string[]): Promise<Report> =>
  parseReport<Report>((await ran(['-F', 'json', ...argv, capture])).out);

describe('--asa-log', () => {
  it('makes a finding certain, and says by which line', async () => {
    const [before] = (await json()).findings;
    expect(before).toMatchObject({ rule: 'end-of-data-unacknowledged', confidence: 'possible' });
    expect(before).not.toHaveProperty('witnesses');
    const path = log(
      'asa.log',
      `May 6 2024 07:08:09 fw : %ASA-5-111008: x\nMay 6 2024 07:08:09 fw : %ASA-4-108004: ${HEADER}\r\n`,
    );
    const report = await json('--asa-log', path);
    expect(report.findings[0]).toMatchObject({
      confidence: 'certain',
      witnesses: [
        { source: 'asa-log', line: 2, text: HEADER, joinedBy: 'addresses-and-ports', confirms: true },
      ],
    });
    expect(report.firewallLog).toEqual({
      file: path,
      lines: 2,
      ignored: 1,
      records: 1,
      dropped: 0,
      joined: [{ session: 's1', line: 2, id: 108004, text: HEADER, joinedBy: 'addresses-and-ports' }],
      notJoined: 0,
    });
  });

  it('is a section of the text, and stands beside the packets', async () => {
    const path = log(
      'asa.log',
      `%ASA-4-108004: ${HEADER}\n%ASA-6-108007: TLS started on ESMTP session between client o:192.0.2.99/1 and server i:198.51.100.25/25\n`,
    );
    const screen = await ran(['--asa-log', path, capture]);
    expect(screen.out).toMatch(/^ {10}log line 1 {2}\S/m);
    expect(screen.out).toContain('Firewall log asa.log: 2 messages, 1 of them of no session here.');
    const { status, out } = await ran(['--details', '--asa-log', path, capture]);
    expect(status).toBe(1);
    expect(out).toContain("The firewall's own log says");
    expect(out.split('\n\n')[0]!.replaceAll('\n', ' ')).toMatch(
      /never answered; the firewall's own log says that it was the firewall\.$/,
    );
    expect(out).toContain("the firewall's log, line 1");
    expect(out).toContain('line 1, session s1 (by addresses and ports)');
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect((await ran([capture])).out).not.toContain("firewall's own log");
  });

  it('is an object of ndjson', async () => {
    const { out } = await ran([
      '-F',
      'ndjson',
      '--asa-log',
      log('asa.log', `%ASA-4-108004: ${HEADER}\n`),
      capture,
    ]);
    const objects = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });
    expect(objects.flatMap(lineErrors)).toEqual([]);
    expect(objects.at(-1)).toMatchObject({ type: 'firewallLog', joined: [{ session: 's1' }] });
  });

  it('takes hostile octets for text', async () => {
    const hostile = Buffer.from(
      `\x00\x1b[2J\xff\n%ASA-4-108004: ESMTP Parameter: Dropped ESMTP Request ${ENDS}; \x1b]0;owned\x07\u202e<script>${'x'.repeat(300)}\n`,
    );
    const path = log('hostile\x1b[31m.log', Buffer.concat([hostile, Buffer.alloc(10_000_000, 'x')]));
    const { out, err } = await ran(['--details', '--asa-log', path, capture]);
    expect(out).toContain('\\x1b]0;owned\\x07');
    expect((await ran(['--asa-log', path, capture])).out).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f\u202e]/);
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(out + err).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f\u202e]/);
    const report = (await ran(['-F', 'json', '--asa-log', path, capture])).out;
    expect(report).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f\u202e]/);
    expect(parseReport<Report>(report).firewallLog).toMatchObject({ lines: 3, ignored: 2, records: 1 });
  });

  it('may hold nothing that is understood', async () => {
    const report = await json('--asa-log', log('empty.log', ''));
    expect(report.firewallLog).toMatchObject({ lines: 0, records: 0, joined: [], notJoined: 0 });
  });

  it.each<[string, string[], RegExp]>([
    [
      'is missing',
      ['--asa-log', '/nowhere/asa.log'],
      /log \/nowhere\/asa\.log cannot be read: there is no such file/,
    ],
    ['is a folder', ['--asa-log', tmpdir()], /cannot be read: it is a directory/],
    ['has no name', ['--asa-log', ''], /name of the firewall's log is empty/],
    ['is not said', ['--asa-log'], /argument missing/],
  ])('%s: one line, status 2', async (_, argv, message) => {
    const { status, out, err } = await ran(argv[1] === undefined ? argv : [...argv, capture]);
    expect([status, out]).toEqual([2, '']);
    expect(err).toMatch(message);
    expect(err).toMatch(/^mailwitness: [^\n]+\n$/);
  });

  it('is not written over', async () => {
    const path = log('asa.log', 'x\n');
    const { status, err } = await ran(['--asa-log', path, '-o', path, capture]);
    expect(status).toBe(2);
    expect(err).toContain('is one of the inputs');
    expect(readFileSync(path, 'utf8')).toBe('x\n');
  });
});
