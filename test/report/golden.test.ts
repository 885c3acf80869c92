/** Whole runs: a dialogue, through every floor, to both reports. `UPDATE_GOLDEN=1` writes them anew. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Analysis, analyze } from '../../src/analyze.js';
import { csvReport, csvSessions } from '../../src/report/machine/csv.js';
import { eveReport } from '../../src/report/machine/eve.js';
import { jsonReport, ndjsonReport } from '../../src/report/machine/json.js';
import { junitReport } from '../../src/report/machine/junit.js';
import { sarifReport } from '../../src/report/machine/sarif.js';
import { zeekReport } from '../../src/report/machine/zeek.js';
import { briefReport } from '../../src/report/text/brief.js';
import { textReport } from '../../src/report/text/text.js';
import { jiraReport } from '../../src/report/ticket/jira.js';
import { markdownReport } from '../../src/report/ticket/markdown.js';
import { catalog } from '../../src/rules/catalog.js';
import { expectGolden, goldenCapture, goldenNames, inFolder } from '../support/golden.js';
import { lineErrors, parseReport } from './schema.js';

async function golden(name: string): Promise<Analysis> {
  return inFolder(async (folder) => {
    const path = join(folder, `${name}.pcap`);
    writeFileSync(path, goldenCapture(name));
    const analysis = await analyze([path], { rules: catalog });
    return {
      ...analysis,
      captures: analysis.captures.map((capture) => ({ ...capture, file: `${name}.pcap` })),
    };
  });
}

const OPTIONS = { ports: [25, 587, 2525], rules: catalog.map(({ meta }) => meta) };

const textOf = (analysis: Analysis, color = false): string =>
  [...textReport(analysis, { ...OPTIONS, color, details: true })].join('');

/** The other formats, by the ending of their files. */
const FORMATS: Readonly<Record<string, (analysis: Analysis) => Iterable<string>>> = {
  'screen.txt': (analysis) => textReport(analysis, { ...OPTIONS, color: false }),
  md: (analysis) => markdownReport(analysis, OPTIONS),
  jira: (analysis) => jiraReport(analysis, OPTIONS),
  'brief.txt': (analysis) => briefReport(analysis, OPTIONS),
  csv: csvReport,
  'eve.json': eveReport,
  'zeek.json': zeekReport,
  'junit.xml': (analysis) => junitReport(analysis, OPTIONS),
  sarif: (analysis) => sarifReport(analysis, { name: 'mailwitness', version: '0.0.0' }, OPTIONS),
  'sessions.csv': csvSessions,
};

// The version is left out of the files: it changes with every release.
const jsonOf = (analysis: Analysis): string =>
  [...jsonReport(analysis, { name: 'mailwitness', version: '0.0.0' })].join('');

describe('golden reports', () => {
  it.each(goldenNames)('%s', async (name) => {
    const analysis = await golden(name);
    const [text, json] = [textOf(analysis), jsonOf(analysis)];
    parseReport(json);
    const lines = [...ndjsonReport(analysis)].join('').trimEnd().split('\n');
    for (const line of lines) expect(lineErrors(JSON.parse(line) as { type: string })).toEqual([]);
    expect(lines).toHaveLength(
      1 + analysis.sessionCount + analysis.findings.length + analysis.diagnoses.length,
    );
    expect(textOf(analysis, true).replaceAll(/\x1b\[\d+m/g, '')).toBe(text);
    // The same input gives the same report.
    const again = await golden(name);
    expect(jsonOf(again)).toBe(json);
    expect(textOf(again)).toBe(text);
    expectGolden(`${name}.txt`, text);
    expectGolden(`${name}.json`, json);
    for (const [ending, report] of Object.entries(FORMATS)) {
      const made = [...report(analysis)].join('');
      expect([...report(again)].join('')).toBe(made);
      expectGolden(`${name}.${ending}`, made);
    }
  });

  it('keeps credentials out', async () => {
    const analysis = await golden('clean');
    for (const report of [textOf(analysis), jsonOf(analysis), [...ndjsonReport(analysis)].join('')]) {
      expect(report).not.toMatch(/YW5uYQ|c2VjcmV0|VXNlcm5hbWU6|secret/);
    }
    expect(jsonOf(analysis)).toContain('"argument":"LOGIN"');
  });
});
