/**
 * A reporter that ends a run with the list of what was skipped and why, a line for each reason. In continuous integration
 * (`CI=true`) a skip is a failure, unless `allowed-skips.json` has a reason why no installation can help it.
 */
import { readFileSync } from 'node:fs';
import type { Reporter, TestCase, TestModule, TestSuite, Vitest } from 'vitest/node';
import { debianPackage, isNeed, lackingOf, type Need } from './needs.js';

/** Skips that continuous integration may have, by what is lacking, each with its reason. */
export const allowedSkips = JSON.parse(
  readFileSync(new URL('./allowed-skips.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, string>>;

/** How the program runs: from the environment, so that a test can say otherwise. */
export interface Circumstances {
  readonly ci: boolean;
  /** No package of the distribution could be fetched: what is not there could not be installed. */
  readonly offline: boolean;
}

export interface Skip {
  /** Nothing: a test that was skipped without `needs`. */
  readonly lacking: readonly Need[];
}

interface Row {
  readonly text: string;
  readonly allowed: boolean;
  tests: number;
}

function mayLack(need: Need, { offline }: Circumstances): boolean {
  return need in allowedSkips || (offline && debianPackage(need) !== null);
}

/** The list, in the order of the first test of each reason; and whether the run may pass with it. */
export function skipList(skips: readonly Skip[], now: Circumstances): { lines: string[]; allowed: boolean } {
  const rows = new Map<string, Row>();
  for (const { lacking } of skips) {
    const text = lacking.length > 0 ? lacking.map(lackingOf).join('; ') : 'without a reason';
    // A test that lacks two things cannot run before both are there: one that nobody can bring excuses the other.
    const allowed = lacking.some((need) => mayLack(need, now));
    const row = rows.get(text) ?? { text, allowed, tests: 0 };
    row.tests++;
    rows.set(text, row);
  }
  const list = [...rows.values()];
  return {
    lines: list.map(({ text, allowed, tests }) => {
      const verdict = now.ci && !allowed ? 'skipped, which fails in CI' : 'skipped';
      return `${verdict}: ${tests} ${tests === 1 ? 'test' : 'tests'}: ${text}`;
    }),
    allowed: list.every(({ allowed }) => allowed),
  };
}

/** What a test or a suite around it lacks. */
function lackingOfTest(test: TestCase): Need[] {
  const lacking: Need[] = [];
  for (let at: TestCase | TestSuite | TestModule = test; at.type !== 'module'; at = at.parent) {
    lacking.push(...(at.meta().lacking ?? []));
  }
  return [...new Set(lacking.filter(isNeed))];
}

function skipsOf(modules: readonly TestModule[]): Skip[] {
  return modules.flatMap((module) =>
    [...module.children.allTests('skipped')].map((test) => ({ lacking: lackingOfTest(test) })),
  );
}

export default class SkippedTests implements Reporter {
  private filtered = false;

  onInit(vitest: Vitest): void {
    // Tests that the one who runs them did not name are not skipped for a reason of the machine.
    this.filtered = vitest.config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    if (this.filtered) return;
    const now = { ci: process.env.CI === 'true', offline: process.env.MAILWITNESS_OFFLINE === '1' };
    const { lines, allowed } = skipList(skipsOf(modules), now);
    if (lines.length > 0) console.log(`\n${lines.join('\n')}`);
    if (now.ci && !allowed) process.exitCode = 1;
  }
}
