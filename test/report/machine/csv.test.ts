import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Analysis } from '../../../src/analyze.js';
import { csvReport, csvSessions } from '../../../src/report/machine/csv.js';
import { fakeAnalysis, fakeFinding, fakeSession } from '../fake-analysis.js';
import { HOSTILE, hostileAnalysis, hostileText } from '../hostile-text.js';

const REPORTS = { csvReport, csvSessions };
const FORMULA = /^["'\s]*[=+\-@＝＋－＠]/;

function rows(
  report: (analysis: Analysis) => Iterable<string>,
  analysis: Analysis,
  delimiter = ',',
): string[][] {
  const text = [...report(analysis)].join('');
  expect(text.replaceAll('\r\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
  return parse(text, { delimiter, relax_column_count: delimiter !== ',', relax_quotes: delimiter !== ',' });
}

function formulas(table: readonly string[][]): string[] {
  return table.flat().filter((cell) => FORMULA.test(cell) && !cell.startsWith("'"));
}

describe.each(Object.entries(REPORTS))('%s', (_, report) => {
  it('is a table, whatever was in the packets, with no formula in it', () => {
    fc.assert(
      fc.property(fc.array(hostileText, { minLength: 1, maxLength: 12 }), (texts) => {
        const table = rows(report, hostileAnalysis(texts));
        expect(new Set(table.map((row) => row.length)).size).toBe(1);
        expect(formulas(table)).toEqual([]);
      }),
    );
  });

  it('has no formula where semicolons part cells', () => {
    for (const text of HOSTILE) expect(formulas(rows(report, hostileAnalysis([text]), ';'))).toEqual([]);
  });
});

it('has one line for each finding', () => {
  const table = rows(csvReport, fakeAnalysis({ findings: [fakeFinding(), fakeFinding({ id: 'f2' })] }));
  expect(table).toHaveLength(3);
  const [head, first] = table as [string[], string[]];
  const cell = (name: string): string | undefined => first[head.indexOf(name)];
  expect(cell('fingerprint')).toBe('00ff00ff00ff00ff');
  expect(cell('server_address')).toBe('198.51.100.25');
  expect(cell('display_filter')).toBe('frame.number in {4}');
  expect(cell('octets')).toBe('220 ****2**0***');
});

it('has one line for each session, with its findings', () => {
  const sessionList = [fakeSession(), fakeSession({ id: 's2' })];
  const table = rows(csvSessions, fakeAnalysis({ sessionList, findings: [fakeFinding()] }));
  expect(table.map((row) => [row[0], row.at(-1)])).toEqual([
    ['session', 'findings'],
    ['s1', 'f1'],
    ['s2', ''],
  ]);
});
