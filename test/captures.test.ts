/** The recorded captures: each gives exactly the findings that `captures/expected.json` names. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { analyze } from '../src/analyze.js';
import { catalog } from '../src/rules/catalog.js';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), '../captures');
const expected = JSON.parse(readFileSync(join(FOLDER, 'expected.json'), 'utf8')) as Record<string, string[]>;
const readme = readFileSync(join(FOLDER, 'README.md'), 'utf8');
const recorded = readdirSync(FOLDER).filter((name) => /\.(pcap|pcapng)(\.(gz|zst))?$/.test(name));

describe('captures', () => {
  it('are all named in expected.json and in the table', () => {
    expect(Object.keys(expected).sort()).toEqual(recorded.sort());
    for (const name of recorded) expect(readme).toContain(name);
  });

  it('hold captures that speak and controls that do not', () => {
    const silent = Object.values(expected).filter((rules) => rules.length === 0);
    expect(silent.length).toBeGreaterThan(5);
    expect(recorded.length - silent.length).toBeGreaterThan(10);
  });

  it.each(Object.entries(expected))('%s gives %j', async (name, rules) => {
    expect(existsSync(join(FOLDER, name))).toBe(true);
    const analysis = await analyze([join(FOLDER, name)], { rules: catalog });
    expect(analysis.captures[0]!.facts.problems).toEqual([]);
    expect([...new Set(analysis.findings.map((finding) => finding.rule))].sort()).toEqual([...rules].sort());
    for (const finding of analysis.findings) {
      expect(finding.evidence.length).toBeGreaterThan(0);
      for (const evidence of finding.evidence) {
        expect(evidence.packet).toBeGreaterThanOrEqual(1);
        expect(evidence.packet).toBeLessThanOrEqual(analysis.captures[0]!.facts.packets);
      }
    }
  });

  it('given all together, the controls still give nothing of their own', async () => {
    // All servers of the lab have one address. One without ESMTP among them, or one that does not listen, would be
    // another server's contradiction.
    const contradictions = ['control-no-esmtp.pcap', 'blocked-unfit-inside.pcap'];
    const controls = Object.keys(expected).filter(
      (name) => expected[name]!.length === 0 && !contradictions.includes(name),
    );
    const analysis = await analyze(
      controls.map((name) => join(FOLDER, name)),
      { rules: catalog },
    );
    expect(analysis.findings.map((finding) => [finding.rule, finding.message])).toEqual([]);
  });
});
