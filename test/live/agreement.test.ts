/** Offline and live agree: the same packets give the same findings, however often they were judged on the way. */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { analyze } from '../../src/analyze.js';
import type { Finding } from '../../src/finding/finding.js';
import { catalog } from '../../src/rules/catalog.js';
import { sample } from '../support/extent.js';
import { watchFile } from '../support/monitor.js';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), '../../captures');
const recorded = readdirSync(FOLDER).filter((name) => /\.(pcap|pcapng)(\.(gz|zst))?$/.test(name));

/** All but the order in which they were found. */
function facts(findings: readonly Finding[]): object[] {
  return findings
    .map(({ id: _, ...finding }) => finding)
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

describe('offline and live agree', () => {
  it.each(sample(recorded, 30))('%s', async (name) => {
    const file = join(FOLDER, name);
    const offline = await analyze([file], { rules: catalog });
    const live = await watchFile(file, 7);
    expect(facts(live.monitor.findings())).toEqual(facts(offline.findings));
    expect(live.monitor.counts.sessions).toBe(offline.sessionCount);
    const told = new Map<string, string>();
    for (const { state, finding } of live.said) {
      if (state === 'withdrawn') told.delete(finding.id);
      else told.set(finding.id, finding.rule);
    }
    expect([...told.keys()].sort()).toEqual(
      live.monitor
        .findings()
        .map(({ id }) => id)
        .sort(),
    );
  });
});
