/** Every finding of every recorded capture has an evidence capture, which gives that finding to whoever reads it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { analyze } from '../../src/analyze.js';
import { CaptureOpenError } from '../../src/capture/capture-error.js';
import { evidenceCaptures } from '../../src/evidence/evidence-capture.js';
import type { Finding } from '../../src/finding/finding.js';
import { catalog } from '../../src/rules/catalog.js';
import {
  credentialScripts,
  PASSWORD,
  PASSWORD64,
  PLAIN,
  surrounded,
  USER,
  USER64,
} from '../support/credentials.js';
import { pcapOf, scriptPackets } from '../support/dialogue.js';
import { analyzed, evidenceOf, readerOf } from '../support/evidence.js';
import { sample } from '../support/extent.js';
import { needs } from '../support/needs.js';
import { ethernet, ipv4 } from '../support/packet.js';
import { readWhole } from '../support/pcap.js';
import { WIRESHARK_ENV } from '../support/wireshark.js';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), '../../captures');
const RECORDED = readdirSync(FOLDER).filter((name) => /\.(pcap|pcapng)(\.(gz|zst))?$/.test(name));
/** Masks, mail data, TLS, many sessions: starting tshark takes half a second each time. */
const SHOWN = [
  'asa-esmtp-outside.pcap',
  'attachment-damaged-inside.pcap',
  'tls-masked-outside.pcap',
  'delivered-five-times-outside.pcap',
];

const IN_OTHER_WORDS = 'Read alone it gives this finding in other words';

/** Findings that count hundreds of sessions cannot count them in a small file. */
const told = ({ rule, confidence, severity, server, args }: Finding, whole: boolean): string =>
  JSON.stringify([rule, confidence, severity, server, whole ? args : null]);

describe('the recorded captures', () => {
  it.each(sample(RECORDED, 30))('%s: each finding is found again in its own capture', async (name) => {
    const folder = mkdtempSync(join(tmpdir(), 'mailwitness-'));
    try {
      const analysis = await analyze([join(FOLDER, name)], { rules: catalog });
      const options = { rules: catalog, application: 'test' };
      const known = new Set(analysis.findings.map(({ rule }) => rule));
      for await (const evidence of evidenceCaptures(analysis, analysis.findings, options)) {
        const { finding, octets } = evidence;
        expect(octets, `${finding.id} ${finding.rule}: ${octets ? '' : evidence.reason}`).not.toBeNull();
        const file = join(folder, evidence.name!);
        writeFileSync(file, octets!);
        const again = await analyze([file], { rules: catalog });
        expect(again.captures[0]!.facts).toMatchObject({ format: 'pcapng', problems: [], truncated: false });
        const whole = !octets!.includes(IN_OTHER_WORDS);
        if (finding.sessions.length <= 16) expect(whole, finding.rule).toBe(true);
        expect(again.findings.map((one) => told(one, whole))).toContain(told(finding, whole));
        for (const { rule } of again.findings) expect(known).toContain(rule);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('tshark reads the evidence without a warning and shows the comments', {
    timeout: 300_000,
    ...needs('tshark'),
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mailwitness-'));
    try {
      for (const name of SHOWN) {
        const analysis = await analyze([join(FOLDER, name)], { rules: catalog });
        const options = { rules: catalog, application: 'test' };
        const seen = new Set<string>();
        for await (const evidence of evidenceCaptures(analysis, analysis.findings, options)) {
          if (evidence.octets === null || seen.has(evidence.finding.rule)) continue;
          seen.add(evidence.finding.rule);
          const file = join(folder, 'evidence.pcapng');
          writeFileSync(file, evidence.octets);
          const check = ['-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE'];
          const fields = ['frame.comment', '_ws.malformed', 'tcp.checksum.status', 'ip.checksum.status'];
          const args = [
            '-n',
            ...check,
            '-r',
            file,
            '-T',
            'fields',
            ...fields.flatMap((field) => ['-e', field]),
          ];
          const rows = execFileSync('tshark', args, {
            encoding: 'utf8',
            env: WIRESHARK_ENV,
            stdio: ['ignore', 'pipe', 'pipe'],
          })
            .trimEnd()
            .split('\n')
            .map((line) => line.split('\t'));
          expect(rows.length).toBe(evidence.packets);
          for (const [comment, malformed, tcp, ip] of rows) {
            expect(comment).toContain(`${evidence.finding.rule}: `);
            expect([malformed, tcp === '0', ip === '0']).toEqual(['', false, false]);
          }
          expect(rows.some(([comment]) => comment!.includes('proof: '))).toBe(true);
        }
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

const MASKED = `S: 220 ****************************
C: EHLO client.example
S: 250-mx.example
S+ 250 SIZE 1000
C: AUTH PLAIN AHVzZXIAc2VjcmV0LXdvcmQ=
S: 235 ok
C: MAIL FROM:<a@example.com>
S: 250 ok
C: QUIT
S: 221 bye`;

const SENT = `S: 220 mx.example ESMTP
C: EHLO client.example
S: 250 mx.example
C: MAIL FROM:<a@example.com>
S: 250 ok
C: RCPT TO:<b@example.net>
S: 250 ok
C: DATA
S: 354 go on
C: Message-ID: <1@example.com>
C+
C+ text
C+ .`;

describe('an evidence capture', () => {
  it('holds the proof and the handshake, with their times, lengths and numbers', async () => {
    const capture = pcapOf(scriptPackets(MASKED));
    const [evidence] = await evidenceOf(capture);
    expect(evidence).toMatchObject({ name: 'f1-banner-masked.pcapng', packets: 4 });
    const before = readWhole(capture).packets;
    const after = readWhole(evidence!.octets!).packets;
    expect(after.map(({ us, octets }) => ({ us, octets }))).toEqual(
      before.slice(0, 4).map(({ us, octets }) => ({ us, octets })),
    );
  });

  it('is the same octets every time', async () => {
    const capture = pcapOf(scriptPackets(MASKED));
    const [one] = await evidenceOf(capture);
    const [other] = await evidenceOf(capture);
    expect(one!.octets!.equals(other!.octets!)).toBe(true);
  });

  it('shows hostile text in its comments as what it is', async () => {
    const script = `S: 220 ****************************
C: EHLO client.example
S: 250-mx.example
S+ 250-XXXXXXXA
S+ 250 XXXXXXXXXXXXXXXXXXXXXB
C: XXXX\\x1b[2J
S: 500 what is XXXX\\x1b[2J
C: QUIT
S: 221 bye`;
    for (const { finding, octets } of await evidenceOf(pcapOf(scriptPackets(script)))) {
      expect(octets, finding.rule).not.toBeNull();
      const comments = octets!.latin1Slice(0, 28 + 2000);
      expect(comments.slice(0, comments.indexOf('test')).includes('\x1b')).toBe(false);
    }
  });

  it('joins what was found in two captures', async () => {
    const second = MASKED.replace('S: 220', 'session C=192.0.2.10:40007 S=198.51.100.25:25\nS: 220');
    const captures = [pcapOf(scriptPackets(MASKED)), pcapOf(scriptPackets(second))];
    const [evidence] = await evidenceOf(...captures);
    expect(evidence!.finding.evidence.map(({ capture }) => capture)).toEqual([0, 1]);
    expect(evidence).toMatchObject({ name: 'f1-banner-masked.pcapng' });
  });

  it('keeps nanoseconds, the link type and packets cut short as they were', async () => {
    const packets = scriptPackets(MASKED);
    const ticks = (us: number): bigint => BigInt(us) * 1000n + 123n;
    const { enhancedPacket, interfaceDescription, sectionHeader } = await import('../support/pcap.js');
    const capture = Buffer.concat([
      sectionHeader(),
      interfaceDescription({ linkType: 101, tsresol: 9 }),
      ...packets.map(({ us, octets }) => {
        const ip = octets.subarray(14);
        return enhancedPacket({ ticks: ticks(us), octets: ip, original: ip.length });
      }),
    ]);
    const [evidence] = await evidenceOf(capture);
    const [first] = readWhole(evidence!.octets!).packets;
    expect(first).toMatchObject({ linkType: 101, digits: 9, ns: 123, us: packets[0]!.us });
  });
});

describe('what cannot be had', () => {
  it('is refused with its reason: IP fragments', async () => {
    const packets = scriptPackets(MASKED).flatMap(({ us, octets }) => {
      if (!octets.includes('***')) return [{ us, octets }];
      const segment = octets.subarray(34);
      const fields = { protocol: 6, src: '198.51.100.25', dst: '192.0.2.10', ipId: 7 };
      return [
        { us, octets: ethernet(0x0800, ipv4({ ...fields, more: true }, segment.subarray(0, 24))) },
        { us: us + 1, octets: ethernet(0x0800, ipv4({ ...fields, offset: 24 }, segment.subarray(24))) },
      ];
    });
    const all = await evidenceOf(pcapOf(packets));
    expect(all.map(({ finding }) => finding.rule)).toContain('banner-masked');
    for (const evidence of all) {
      expect(evidence).toMatchObject({ name: null, reason: expect.stringContaining('IP fragments') });
    }
  });

  it('is refused with its reason: more than two hundred findings', async () => {
    const servers = Array.from({ length: 203 }, (_, index) => {
      const session = `session C=192.0.2.10:${41000 + index} S=198.51.100.${index + 20}:25`;
      return `${session}\nS: 220 ****************************\nC: QUIT\nS: 221 bye`;
    });
    const all = await evidenceOf(pcapOf(scriptPackets(servers.join('\n'))));
    expect(all).toHaveLength(203);
    expect(all.filter(({ octets }) => octets !== null)).toHaveLength(200);
    expect(all[202]).toMatchObject({ octets: null, reason: 'only the first 200 findings of a run get one' });
  });

  it('is refused with its reason: a message of more packets than fit', async () => {
    const long = (lines: number): string => {
      const body = SENT.replace('C+ text', 'C* 1000 y\n'.repeat(lines).trimEnd()).replace('C+ .', 'C: .');
      return `${body}\nC: QUIT\n@ +90\nfin C\ntick 300`;
    };
    const reason = async (lines: number): Promise<string | null> => {
      const all = await evidenceOf(pcapOf(scriptPackets(long(lines))));
      const one = all.find(({ finding }) => finding.rule === 'end-of-data-unacknowledged')!;
      return one.octets === null ? one.reason : null;
    };
    expect(await reason(1000)).toBeNull();
    expect(await reason(6000)).toBe('the packets that prove it are too many for a small file');
  });

  it('is refused when the capture is gone, or another one, when it is read again', async () => {
    const capture = pcapOf(scriptPackets(MASKED));
    const analysis = await analyzed([capture]);
    const reading = {
      gone: async () => {
        throw CaptureOpenError.directory();
      },
      other: readerOf([pcapOf(scriptPackets('S: 220 mx\nC: AUTH PLAIN AHBsYW50ZWQAcGxhbnRlZA=='))]),
    };
    for (const read of Object.values(reading)) {
      for await (const { octets } of evidenceCaptures(analysis, analysis.findings, {
        rules: catalog,
        read,
        application: 't',
      })) {
        expect(octets).toBeNull();
      }
    }
  });

  it('reads no further than the analysis did, when the file has grown', async () => {
    // That nothing came for minutes is seen by the last packet of the capture.
    const silent = `${SENT}\ncut\ntick 300`;
    const packets = scriptPackets(silent);
    const analysis = await analyzed([pcapOf(packets)]);
    const more = scriptPackets('session C=192.0.2.99:40000 S=198.51.100.25:25\nS: 220 mx\nC: QUIT\nS: 221 x');
    const later = more.map(({ us, octets }) => ({ us: us + 900e6, octets }));
    const read = readerOf([pcapOf([...packets, ...later])]);
    const options = { rules: catalog, read, application: 'test' };
    const found: string[] = [];
    for await (const { finding, octets } of evidenceCaptures(analysis, analysis.findings, options)) {
      expect(octets, finding.rule).not.toBeNull();
      found.push(finding.rule);
      expect(octets!.includes(Buffer.from([192, 0, 2, 99]))).toBe(false);
      if (finding.rule === 'end-of-data-unacknowledged') {
        expect(octets!.includes(Buffer.from([203, 0, 113, 7]))).toBe(true);
        expect(octets!.latin1Slice()).toContain('the last packet of the capture: it went on until then');
      }
    }
    expect(found).toContain('end-of-data-unacknowledged');
  });
});

describe('secrets', () => {
  /** Every part of so many octets. */
  const parts = (secret: string, size: number): string[] =>
    Array.from({ length: secret.length - size + 1 }, (_, at) => secret.slice(at, at + size).toLowerCase());

  it.each(Object.entries(credentialScripts))(
    'are in no file, in whole or in part: %s',
    async (_, exchange) => {
      const script = surrounded(exchange)
        .replace('220 mx.example ESMTP', '220 ****************************')
        .replace('S+ 250 AUTH PLAIN LOGIN', 'S+ 250-XXXXXXXA\nS+ 250 XXXXXXXXXXXXXXXXXXXXXB');
      for (const { finding, octets } of await evidenceOf(pcapOf(scriptPackets(script)))) {
        if (octets === null) continue;
        const text = octets.latin1Slice().toLowerCase();
        const found = [
          ...[PASSWORD, USER].flatMap((secret) => parts(secret, 4)),
          ...[PLAIN, USER64, PASSWORD64].flatMap((secret) => parts(secret, 6)),
        ].filter((part) => text.includes(part));
        expect(found, finding.rule).toEqual([]);
      }
    },
  );
});
