/** `--anonymize`: no original anywhere in whatever is written, and the same findings. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FORMATS } from '../../src/cli/options.js';
import { parseReport } from '../report/schema.js';
import { pcapOf, scriptPackets } from '../support/dialogue.js';
import { addressOctets } from '../support/packet.js';
import { ran } from './fake-io.js';

const CAPTURES = fileURLToPath(new URL('../../captures/', import.meta.url));

let folder: string;
let key: string;
let runs = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mw-'));
  key = join(folder, 'key');
  writeFileSync(key, 'sixteen octets or more of a key');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Planted {
  readonly script: string;
  /** Whatever of it must not be found: names as text, addresses as text too. */
  readonly names: readonly string[];
  readonly addresses: readonly string[];
}

/** A name that no word of ours and no pseudonym is. */
const name = fc
  .tuple(fc.constantFrom('Qz', 'qz', 'QZ'), fc.stringMatching(/^[a-z0-9]{4,9}$/))
  .map(([head, tail]) => `${head}${tail}q`);
const octet = fc.integer({ min: 1, max: 250 });
const v4 = fc.tuple(fc.integer({ min: 11, max: 99 }), octet, octet, octet).map((octets) => octets.join('.'));

const planted: fc.Arbitrary<Planted> = fc
  .record({
    host: name,
    domain: name,
    client: name,
    sender: name,
    recipient: name,
    id: name,
    subject: name,
    queue: name,
    person: name,
    inside: v4,
    server: v4,
    quoted: v4,
    split: fc.integer({ min: 1, max: 8 }),
  })
  .filter(({ inside, server, quoted }) => new Set([inside, server, quoted]).size === 3)
  .map((one) => {
    const {
      host,
      domain,
      client,
      sender,
      recipient,
      id,
      subject,
      queue,
      person,
      inside,
      server,
      quoted,
      split,
    } = one;
    const mail = `MAIL FROM:<${sender}@${domain}.org> SIZE=300`;
    const dialogue = `
S: 220 ****************************2*******0*****0****
C: EHLO ${client}.${domain}.org
S: 250-${host}.${domain}.org Hello ${person} [${inside}], you came by ${quoted}
S+ 250-SIZE 10240000
S+ 250-XXXXXXXA
S+ 250 XXXXXXXB
C: STARTTLS
S: 500 5.5.1 ${person}, unrecognized at ${host}
C~ ${mail.slice(0, 10 + split)}
C~ ${mail.slice(10 + split)}\\r\\n
S: 250 2.1.0 ${sender}@${domain}.org fine
C: RCPT TO:<${recipient}@${host}.${domain}.org>
S: 250 2.1.5 Ok
C: DATA
S: 354 go on, ${person}
C: Message-ID: <${id}.17@${client}.${domain}.org>
C: Subject: ${subject} and ${person}
C: From: ${person} <${sender}@${domain}.org>
C:
C: Dear ${person}, ${subject}.
C: .
`;
    const again = dialogue.replace('@ ', '');
    const ends = `S: 250 2.0.0 Ok: queued as ${queue}\nC: QUIT\nS: 221 ${host}.${domain}.org closing\n`;
    return {
      script: `session C=${inside}:40001 S=${server}:25${dialogue}rst S\n@ +1200\nsession C=${inside}:40002 S=${server}:25${again}${ends}`,
      names: [host, domain, client, sender, recipient, id, subject, queue, person],
      addresses: [inside, server, quoted],
    };
  });

/** Every file that was written, decompressed where it is compressed. */
function* written(directory: string): Generator<Buffer> {
  for (const file of readdirSync(directory)) {
    const octets = readFileSync(join(directory, file));
    yield file.endsWith('.gz') ? gunzipSync(octets) : octets;
  }
}

function expectNone({ names, addresses }: Planted, octets: Buffer, where: string): void {
  const text = octets.toString('latin1').toLowerCase();
  for (const one of names) {
    const lower = one.toLowerCase();
    for (const form of [lower, Buffer.from(one).toString('base64').slice(0, -3).toLowerCase()]) {
      expect(text.includes(form), `${one} in ${where}`).toBe(false);
    }
  }
  for (const address of addresses) {
    expect(
      new RegExp(`(?<![\\d.])${address.replaceAll('.', '\\.')}(?![\\d.])`).test(text),
      `${address} in ${where}`,
    ).toBe(false);
  }
}

describe('no original', () => {
  it('in any report, nor in what is said beside it, nor in evidence', async () => {
    await fc.assert(
      fc.asyncProperty(planted, async (one) => {
        const place = join(folder, `${++runs}-${one.names[0]}`);
        mkdirSync(place);
        const capture = join(place, `${one.names[1]}.pcap`);
        writeFileSync(capture, pcapOf(scriptPackets(one.script)));
        for (const format of FORMATS) {
          const { out, err } = await ran(['--anonymize', '-F', format, capture, `${capture}.absent`]);
          expect(out.length).toBeGreaterThan(100);
          expectNone(one, Buffer.from(out), format);
          expectNone(one, Buffer.from(err), 'stderr');
        }
        for (const length of ['--brief', '--details']) {
          const { out } = await ran(['--anonymize', length, capture, `${capture}.absent`]);
          expectNone(one, Buffer.from(out), length);
        }
        const evidence = join(folder, `evidence-${runs}`);
        const { out } = await ran(['--anonymize', '-F', 'json', '--evidence', evidence, capture]);
        expectNone(one, Buffer.from(out), 'json');
        const files = [...written(evidence)];
        expect(files.length).toBeGreaterThan(4);
        for (const octets of files) {
          expectNone(one, octets, 'evidence');
          for (const address of one.addresses) expect(octets.includes(addressOctets(address))).toBe(false);
        }
      }),
      { numRuns: 5 },
    );
  });
});

interface Report {
  captures: { file: string }[];
  findings: {
    rule: string;
    confidence: string;
    count: number;
    fingerprint: string;
    evidenceFile?: string | null;
    evidence: { packet: number; excerpt: string }[];
  }[];
  notAssessed: { reason: string }[];
  sessions: { client: { address: string } }[];
}

const reportOf = async (...words: string[]): Promise<Report> =>
  parseReport<Report>((await ran(['-F', 'json', ...words])).out);
const shape = ({ findings }: Report) =>
  findings.map(({ rule, confidence, count, evidence }) => [
    rule,
    confidence,
    count,
    evidence.map(({ packet }) => packet),
  ]);

describe('the same findings', () => {
  it.each(
    readdirSync(CAPTURES).filter((file) =>
      /^(?:asa|pix|auth|delivered|proxy|8bit|exchange|control-exim).*outside\.pcap|^control-exim/.test(file),
    ),
  )('%s', async (file) => {
    const capture = join(CAPTURES, file);
    const before = await reportOf(capture);
    const after = await reportOf('--anonymize', '--key', key, capture);
    expect(shape(after)).toEqual(shape(before));
    for (const [index, { evidence }] of after.findings.entries()) {
      for (const [at, { excerpt }] of evidence.entries()) {
        const original = before.findings[index]!.evidence[at]!.excerpt;
        expect(excerpt).toHaveLength(original.length);
        // Masks stay where they were.
        expect(excerpt.replace(/[^*]/g, ' ')).toBe(original.replace(/[^*]/g, ' '));
      }
    }
    expect(after.notAssessed[0]!.reason).toBe('anonymized');
  });

  it('in evidence captures too, by the same names as in the report', async () => {
    const capture = join(CAPTURES, 'asa-esmtp-outside.pcap');
    const plain = await reportOf('--evidence', join(folder, 'plain'), capture);
    const given = await reportOf('--anonymize', '--key', key, '--evidence', join(folder, 'given'), capture);
    const has = ({ findings }: Report) => findings.map(({ evidenceFile }) => evidenceFile !== null);
    expect(has(given)).toEqual(has(plain));
    for (const { rule, evidenceFile } of given.findings) {
      const again = await reportOf(join(folder, 'given', evidenceFile!));
      expect(again.findings.map((one) => one.rule)).toContain(rule);
      expect(again.sessions[0]!.client.address).toBe(given.sessions[0]!.client.address);
    }
  });
});

describe('a comparison', () => {
  it('says the same of the same octets, and names nobody', async () => {
    const sides = ['inside', 'outside'].flatMap((side) => [
      `--${side}`,
      join(CAPTURES, `compare-asa-${side}.pcap.zst`),
    ]);
    interface Compared {
      pairs: {
        differences: {
          change: string;
          subject: string;
          ranges: unknown;
          before: { text: string } | null;
          after: { text: string } | null;
        }[];
      }[];
    }
    const compared = async (...more: string[]) =>
      parseReport<Compared & Report>((await ran(['compare', '-F', 'json', ...sides, ...more])).out);
    const [before, after] = [await compared(), await compared('--anonymize', '--key', key)];
    const told = ({ pairs }: Compared) => pairs.flatMap(({ differences }) => differences);
    expect(told(after).length).toBeGreaterThan(5);
    expect(told(after).map(({ change, subject, ranges }) => [change, subject, ranges])).toEqual(
      told(before).map(({ change, subject, ranges }) => [change, subject, ranges]),
    );
    for (const [index, { before: from, after: to }] of told(after).entries()) {
      const original = told(before)[index]!;
      expect([from?.text.length, to?.text.length]).toEqual([
        original.before?.text.length,
        original.after?.text.length,
      ]);
    }
    expect(JSON.stringify(after)).not.toMatch(/mx\.example|client\.example|192\.0\.2\.25|compare-asa/);
    const { out } = await ran(['compare', ...sides, '--anonymize']);
    expect(out).not.toMatch(/mx\.example|client\.example|192\.0\.2\.25|compare-asa/);
  });
});

describe('the key', () => {
  const capture = join(CAPTURES, 'asa-esmtp-outside.pcap');

  it('gives the same names in every run, and none gives others each time', async () => {
    const out = async (...words: string[]) =>
      (await ran(['--anonymize', '-F', 'json', ...words, capture])).out;
    expect(await out('--key', key)).toBe(await out('--key', key));
    expect(await out()).not.toBe(await out());
  });

  it('is told of on the page', async () => {
    expect((await ran(['--anonymize', '-F', 'html', capture])).out).toContain('names in it are pseudonyms');
    expect((await ran(['-F', 'html', capture])).out).toContain('it does hold addresses');
  });

  it('names no file of the capture', async () => {
    const { captures } = await reportOf('--anonymize', capture);
    expect(captures.map(({ file }) => file)).toEqual(['capture-1.pcap']);
  });

  it.each([
    ['absent', () => join(folder, 'no-key')],
    ['a directory', () => folder],
    ['too short', () => join(folder, 'short')],
    ['empty', () => ''],
  ])('%s: one line, and nothing is read', async (_, path) => {
    writeFileSync(join(folder, 'short'), 'short');
    const { status, out, err } = await ran(['--anonymize', '--key', path(), capture]);
    expect([status, out]).toEqual([2, '']);
    expect(err).toMatch(/^mailwitness: .*key.*\n$/);
  });

  it('alone is a mistake', async () => {
    const { status, err } = await ran(['--key', key, capture]);
    expect(status).toBe(2);
    expect(err).toContain('--key is for --anonymize');
  });
});
