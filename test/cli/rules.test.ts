import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { withRuleTables } from '../../src/report/text/readme-tables.js';
import { ruleMarkdown, ruleRecord, rulesMarkdown } from '../../src/report/text/rule-page.js';
import { catalog } from '../../src/rules/catalog.js';
import { FakeOutput, ran } from './fake-io.js';

const DOCS = join(dirname(fileURLToPath(import.meta.url)), '../../docs/rules');
const metas = catalog.map(({ meta }) => meta);

describe('mailwitness rules', () => {
  it('lists every rule, in the order of the catalogue', async () => {
    const { status, out, err } = await ran(['rules']);
    expect([status, err]).toEqual([0, '']);
    const ids = out
      .split('\n')
      .flatMap((line) => /^(?:high|medium|low|info) +([a-z0-9-]+) {2}/.exec(line)?.[1] ?? []);
    expect(ids).toEqual(metas.map(({ id }) => id));
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it.each(metas)('tells all that $id says of itself', async (meta) => {
    const { status, out } = await ran(['rules', meta.id]);
    expect(status).toBe(0);
    const words = out.replace(/\s+/g, ' ');
    for (const text of [
      meta.title,
      meta.summary,
      meta.whyItMatters,
      meta.staysSilent,
      ...meta.remedy,
      ...meta.references,
    ]) {
      expect(words).toContain(text);
    }
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('prints the same as JSON', async () => {
    const records = metas.map(ruleRecord);
    expect(JSON.parse((await ran(['rules', 'auth-dropped', '-F', 'json'])).out)).toEqual(
      records.find(({ id }) => id === 'auth-dropped'),
    );
    expect(JSON.parse((await ran(['rules', '--format', 'json'])).out)).toEqual(records);
    expect(Object.keys(records[0]!)).toEqual([
      'id',
      'severity',
      'title',
      'summary',
      'whyItMatters',
      'remedy',
      'references',
      'symptoms',
      'staysSilent',
    ]);
  });

  it('is coloured on a terminal only, and not with NO_COLOR', async () => {
    const sequence = '\x1b';
    const terminal = new FakeOutput(true);
    await ran(['rules', 'auth-dropped'], { stdout: terminal });
    expect(terminal.text).toContain(sequence);
    const plain = new FakeOutput(true);
    await ran(['rules', 'auth-dropped'], { stdout: plain, env: { NO_COLOR: '1' } });
    expect(plain.text).not.toContain(sequence);
    expect((await ran(['rules', 'auth-dropped'])).out).not.toContain(sequence);
  });

  it('has help of its own', async () => {
    const { status, out } = await ran(['rules', '--help']);
    expect(status).toBe(0);
    expect(out).toContain('Usage: mailwitness rules [RULE]');
  });
});

it('README.md has the tables that the rules give', () => {
  const readme = readFileSync(join(DOCS, '../../README.md'), 'utf8');
  expect(withRuleTables(readme, metas)).toBe(readme);
  expect(withRuleTables(readme, metas.slice(1))).not.toContain(`| \`${metas[0]!.id}\` |`);
  expect(() => withRuleTables('', metas)).toThrow('no place for the table of rules');
});

describe('docs/rules', () => {
  it.each(metas)('$id.md is what its rule says', (meta) => {
    const path = join(DOCS, `${meta.id}.md`);
    expect(existsSync(path) ? readFileSync(path, 'utf8') : 'absent: npm run docs').toBe(ruleMarkdown(meta));
  });

  it('has an index, and no page of a rule that is gone', () => {
    expect(readFileSync(join(DOCS, 'README.md'), 'utf8')).toBe(rulesMarkdown(metas));
    const pages = ['README.md', ...metas.map(({ id }) => `${id}.md`)].sort();
    expect(readdirSync(DOCS).sort()).toEqual(pages);
  });
});
