/** What is released says the same of itself everywhere. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const read = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
const { version } = JSON.parse(read('package.json')) as { version: string };
const headings = [...read('CHANGELOG.md').matchAll(/^## (.*)$/gm)].map(([, heading]) => heading!);
const released = headings.slice(1).map((heading) => {
  const [, number = '', date = ''] = /^(\d+\.\d+\.\d+) \((\d{4}-\d\d-\d\d)\)$/.exec(heading) ?? [];
  return { heading, number, date };
});

describe('the changelog', () => {
  it('begins with what is not released, and then has versions with their days, the newest first', () => {
    expect(headings[0]).toBe('Unreleased');
    for (const { heading, number } of released) expect(number, heading).not.toBe('');
    const days = released.map(({ date }) => date);
    expect(days).toEqual([...days].sort().reverse());
    for (const day of days) expect(new Date(day).toISOString().slice(0, 10)).toBe(day);
  });

  it('has the version of the package as its newest', () => {
    expect(released[0]!.number).toBe(version);
  });
});

describe('the lock file', () => {
  it('has the version of the package', () => {
    const lock = JSON.parse(read('package-lock.json')) as {
      version: string;
      packages: Record<string, { version: string }>;
    };
    expect([lock.version, lock.packages['']!.version]).toEqual([version, version]);
  });
});
