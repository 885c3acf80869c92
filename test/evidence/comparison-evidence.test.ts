/** Evidence captures of comparisons: both sides in one file, which gives the finding again when it is compared. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Comparison, compare } from '../../src/compare/compare.js';
import { type EvidenceCapture, evidenceCaptures } from '../../src/evidence/evidence-capture.js';
import { catalog } from '../../src/rules/catalog.js';
import { needs } from '../support/needs.js';
import { WIRESHARK_ENV } from '../support/wireshark.js';

const CAPTURES = fileURLToPath(new URL('../../captures/', import.meta.url));

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailwitness-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function comparing(inside: string, outside: string): Promise<Comparison> {
  return compare({ file: inside, interface: null }, { file: outside, interface: null }, { rules: catalog });
}

const lab = (name: string) =>
  comparing(`${CAPTURES}compare-${name}-inside.pcap.zst`, `${CAPTURES}compare-${name}-outside.pcap.zst`);

async function evidenceOf(comparison: Comparison): Promise<EvidenceCapture[]> {
  const { analysis } = comparison;
  const all: EvidenceCapture[] = [];
  const options = { rules: catalog, application: 'test', comparison };
  for await (const one of evidenceCaptures(analysis, analysis.findings, options)) all.push(one);
  return all;
}

/** Of the file alone, as somebody does who gets it. */
async function comparedAgain(octets: Buffer): Promise<Comparison> {
  const file = join(folder, 'again.pcapng');
  writeFileSync(file, octets);
  return compare({ file, interface: 'inside' }, { file, interface: 'outside' }, { rules: catalog });
}

function octetsOf(capture: EvidenceCapture): Buffer {
  expect(capture.octets, 'reason' in capture ? capture.reason : '').not.toBeNull();
  return capture.octets!;
}

describe('a finding that both sides prove', () => {
  it.each(['asa', 'nat', 'pix40', 'pix51', 'lost-dot'])(
    'compare-%s: is found again in its capture, as certain',
    async (name) => {
      const captures = await evidenceOf(await lab(name));
      const certain = captures.filter(({ finding }) => finding.confidence === 'certain');
      expect(certain.length).toBeGreaterThan(0);
      for (const capture of certain) {
        const { analysis } = await comparedAgain(octetsOf(capture));
        const { rule, confidence, proof } = capture.finding;
        expect(analysis.findings.map((found) => [found.rule, found.confidence, found.proof])).toContainEqual([
          rule,
          confidence,
          proof,
        ]);
      }
    },
  );

  it('of one file that holds both sides', async () => {
    const file = `${CAPTURES}compare-any.pcap.zst`;
    const comparison = await comparing(file, file);
    const captures = await evidenceOf(comparison);
    const starttls = captures.find(({ finding }) => finding.rule === 'starttls-stripped')!;
    const again = await comparedAgain(octetsOf(starttls));
    expect(again.pairs.length).toBeGreaterThan(0);
    expect(again.analysis.findings.map(({ rule }) => rule)).toContain('starttls-stripped');
  });

  it('whose captures were given the other way round names its sides as they are', async () => {
    const swapped = await comparing(
      `${CAPTURES}compare-asa-outside.pcap.zst`,
      `${CAPTURES}compare-asa-inside.pcap.zst`,
    );
    expect(swapped.swapped).toBe(true);
    const [first] = await evidenceOf(swapped);
    const again = await comparedAgain(octetsOf(first!));
    expect(again.swapped).toBe(false);
    expect(again.analysis.findings.map(({ rule }) => rule)).toContain(first!.finding.rule);
  });

  it('of a damaged attachment shows the mask and none of the text', async () => {
    const comparison = await lab('attachment');
    const [capture] = await evidenceOf(comparison);
    expect(capture!.finding.rule).toBe('attachment-damaged');
    const sent = /^[A-Za-z0-9+/=]{40,76}$/m;
    const shown = octetsOf(capture!)
      .toString('latin1')
      .split(/[\r\n]+/)
      .filter((line) => sent.test(line));
    expect(shown.filter((line) => !/^[Xx]+$/.test(line))).toEqual([]);
  });

  it('that is not found again is not written', async () => {
    const comparison = await lab('asa');
    const [finding] = comparison.analysis.findings;
    const untrue = { ...finding!, evidence: finding!.evidence.map((one) => ({ ...one, offset: 12345 })) };
    const all: EvidenceCapture[] = [];
    for await (const one of evidenceCaptures(comparison.analysis, [untrue], {
      rules: catalog,
      application: 'test',
      comparison,
    }))
      all.push(one);
    expect(all[0]!.octets).toBeNull();
  });

  it('is opened by tshark without a warning, both sides and comments shown', needs('tshark'), async () => {
    const captures = await evidenceOf(await lab('asa'));
    const capture = captures.find(({ finding }) => finding.rule === 'starttls-stripped')!;
    const file = join(folder, 'shown.pcapng');
    writeFileSync(file, octetsOf(capture));
    const fields = ['frame.interface_name', 'frame.comment', 'tcp.checksum.status'];
    const { stdout, stderr, status } = spawnSync(
      'tshark',
      [
        ...['-r', file, '-o', 'tcp.check_checksum:TRUE', '-T', 'fields'],
        ...fields.flatMap((name) => ['-e', name]),
      ],
      { encoding: 'utf8', env: WIRESHARK_ENV },
    );
    expect(status).toBe(0);
    expect(stderr.replace(/^Running as user "root".*\n/m, '').trim()).toBe('');
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((row) => row.split('\t'));
    expect(new Set(rows.map(([name]) => name))).toEqual(new Set(['inside', 'outside']));
    for (const [, comment] of rows)
      expect(comment).toMatch(/^starttls-stripped: .*\(frame \d+ of compare-asa-/);
    expect(rows.filter(([, comment]) => comment!.includes('proof: as it was sent')).length).toBeGreaterThan(
      0,
    );
    expect(rows.filter(([, , checksum]) => checksum === '0')).toEqual([]);
    expect(readFileSync(file).includes(Buffer.from('frame.interface_name == "inside"'))).toBe(true);
  });
});
