/** A test that cannot run on a machine says why, and continuous integration passes only over what nobody can bring. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { debianPackages, isNeed } from './support/needs.js';
import { allowedSkips, skipList } from './support/skipped-tests.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const HERE = { ci: false, offline: false };
const CI = { ci: true, offline: false };

const tests = readdirSync(join(ROOT, 'test'), { recursive: true, withFileTypes: true })
  .filter(({ name }) => name.endsWith('.test.ts'))
  .map(({ parentPath, name }) => join(parentPath, name))
  .map((path) => ({ path: relative(ROOT, path), text: readFileSync(path, 'utf8') }));

/** Another way to leave a test out than `needs`. */
const LEFT_OUT = /\b(it|test|describe)(\.\w+)*\.(skipIf|runIf|skip|todo|only)\b|\bcontext\.skip\b/;

describe('a test that is skipped', () => {
  it('is skipped by what it needs, and in no other way', () => {
    const own = relative(ROOT, fileURLToPath(import.meta.url));
    expect(
      tests.filter(({ path, text }) => path !== own && LEFT_OUT.test(text)).map(({ path }) => path),
    ).toEqual([]);
  });

  it('is listed with its reason and what to install, a line for each reason', () => {
    const skips = [
      { lacking: ['exim4'] },
      { lacking: ['public-captures'] },
      { lacking: ['exim4'] },
      { lacking: [] },
    ] as const;
    expect(skipList(skips, HERE)).toEqual({
      lines: [
        'skipped: 2 tests: no exim4 (Debian: exim4-daemon-light)',
        'skipped: 1 test: no collection of public captures beside the project',
        'skipped: 1 test: without a reason',
      ],
      allowed: false,
    });
  });

  it('fails in continuous integration, unless nobody can bring what it lacks', () => {
    expect(skipList([{ lacking: ['exim4'] }], CI)).toEqual({
      lines: ['skipped, which fails in CI: 1 test: no exim4 (Debian: exim4-daemon-light)'],
      allowed: false,
    });
    expect(skipList([{ lacking: ['exim4'] }], { ci: true, offline: true }).allowed).toBe(true);
    expect(skipList([{ lacking: ['fonts'] }], { ci: true, offline: true }).allowed).toBe(false);
    expect(skipList([{ lacking: ['network-namespaces', 'exim4'] }], CI).allowed).toBe(true);
    expect(skipList([{ lacking: [] }], { ci: true, offline: true }).allowed).toBe(false);
  });

  it('is allowed for a reason each, of which no installation is one', () => {
    for (const [need, reason] of Object.entries(allowedSkips)) {
      expect(isNeed(need), need).toBe(true);
      expect(reason.length, need).toBeGreaterThan(40);
    }
  });

  it('lacks nothing that .ci/run does not install', () => {
    const [, list = ''] = /^packages='([^']*)'/m.exec(readFileSync(join(ROOT, '.ci/run'), 'utf8'))!;
    expect(list.split(/\s+/).sort()).toEqual([...debianPackages].sort());
  });
});

describe('a run', () => {
  it('ends with the list, and fails in continuous integration for a skip that is none of it', () => {
    const folder = mkdtempSync(join(ROOT, 'node_modules/.skips-'));
    try {
      writeFileSync(
        join(folder, 'vitest.config.mjs'),
        `export default { test: { include: ['*.test.ts'], reporters: ['${join(ROOT, 'test/support/skipped-tests.ts')}'] } };`,
      );
      const needs = join(ROOT, 'test/support/needs.js');
      writeFileSync(
        join(folder, 'a.test.ts'),
        `import { describe, expect, it } from 'vitest';
         import { needs } from '${needs}';
         describe('inside', needs('tmux'), () => { it('one', () => {}); it('two', needs('git'), () => {}); });
         it('other', () => expect(1).toBe(1));`,
      );
      const run = (ci: string) => {
        const { stdout, status } = spawnSync(
          process.execPath,
          [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder],
          { encoding: 'utf8', env: { PATH: '/nowhere', CI: ci } },
        );
        return [status, stdout.trim().split('\n')];
      };
      const lines = (verdict: string) => [
        `${verdict}: 1 test: no tmux (Debian: tmux)`,
        `${verdict}: 1 test: no git (Debian: git); no tmux (Debian: tmux)`,
      ];
      expect(run('')).toEqual([0, lines('skipped')]);
      expect(run('true')).toEqual([1, lines('skipped, which fails in CI')]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
