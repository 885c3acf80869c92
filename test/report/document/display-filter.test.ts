import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { analyze } from '../../../src/analyze.js';
import { displayFilters } from '../../../src/report/document/display-filter.js';
import { catalog } from '../../../src/rules/catalog.js';
import { sample } from '../../support/extent.js';
import { goldenCapture, goldenNames, inFolder } from '../../support/golden.js';
import { needs } from '../../support/needs.js';
import { WIRESHARK_ENV } from '../../support/wireshark.js';
import { fakeFinding } from '../fake-analysis.js';

describe('display filters', () => {
  it('name each frame once, in order, for each capture', () => {
    const [proof] = fakeFinding().evidence;
    const at = (capture: number, packet: number) => ({ ...proof!, capture, packet });
    expect(displayFilters([at(1, 7), at(0, 1046), at(0, 1041), at(0, 1046)])).toEqual([
      { capture: 0, filter: 'frame.number in {1041, 1046}' },
      { capture: 1, filter: 'frame.number in {7}' },
    ]);
  });

  it.each(sample(goldenNames, 3))('show exactly the proof of %s in tshark', needs('tshark'), async (name) => {
    await inFolder(async (folder) => {
      const path = join(folder, `${name}.pcap`);
      writeFileSync(path, goldenCapture(name));
      const { findings } = await analyze([path], { rules: catalog });
      for (const { evidence } of findings) {
        const [{ filter } = { filter: '' }] = displayFilters(evidence);
        const shown = spawnSync('tshark', ['-r', path, '-Y', filter, '-T', 'fields', '-e', 'frame.number'], {
          env: WIRESHARK_ENV,
        });
        const frames = new Set(evidence.map(({ packet }) => packet));
        expect(shown.stdout.toString().trim().split('\n').map(Number)).toEqual(
          [...frames].sort((a, b) => a - b),
        );
      }
    });
  });
});
