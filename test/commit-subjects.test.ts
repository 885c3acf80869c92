/** The check of commit subjects, in repositories made for it: what is old counts for nothing, what is new for all of it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { needs } from './support/needs.js';

const CHECK = fileURLToPath(new URL('../.ci/commit-subjects.mjs', import.meta.url));
const LONG = `src: ${'x'.repeat(68)}`;
/** 72 characters, of more octets. */
const FITS = `src: ${'ü'.repeat(67)}`;

let folder: string;
let repository: string;

function git(...words: string[]): void {
  const who = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.com' };
  const ends = { GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.com' };
  execFileSync('git', ['-C', repository, ...words], {
    stdio: 'ignore',
    // Nobody's hooks, signatures and names of branches.
    env: { ...process.env, ...who, ...ends, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
  });
}

function commit(subject: string): void {
  git(
    'commit',
    '--allow-empty',
    '-m',
    subject,
    '-m',
    'A body whose lines may be as long as they need to be: it says why, and nobody lists it.',
  );
}

function checked(path: string): { status: number | null; lines: string[] } {
  const { status, stdout } = spawnSync(process.execPath, [CHECK, path], { encoding: 'utf8' });
  return { status, lines: stdout.trim().split('\n') };
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailwitness-git-'));
  repository = join(folder, 'repository');
  mkdirSync(join(repository, '.ci'), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function withCheck(): void {
  git('init', '-q');
  commit(LONG);
  copyFileSync(CHECK, join(repository, '.ci/commit-subjects.mjs'));
  git('add', '.');
  git('commit', '-m', '.ci: subjects are short');
}

describe('commit subjects', needs('git'), () => {
  it('may be long that are older than the check', () => {
    withCheck();
    commit(FITS);
    expect(checked(repository)).toEqual({ status: 0, lines: ['commit subjects: 2 checked, 0 too long'] });
  });

  it('fail by name when they are longer than 72 characters', () => {
    withCheck();
    commit(LONG);
    const { status, lines } = checked(repository);
    expect(status).toBe(1);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^commit subject longer than 72 characters: [0-9a-f]+ src: x{68}$/);
  });

  it('are checked in a shallow clone as far as it goes', () => {
    withCheck();
    commit(LONG);
    commit(FITS);
    for (const [depth, lines] of [
      [1, ['commit subjects: 1 checked, of a shallow clone, 0 too long']],
      [2, [expect.stringContaining(LONG), 'commit subjects: 2 checked, of a shallow clone, 1 too long']],
      [9, [expect.stringContaining(LONG), 'commit subjects: 3 checked, 1 too long']],
    ] as const) {
      const clone = join(folder, `clone-${depth}`);
      git('clone', '-q', '--depth', String(depth), `file://${repository}`, clone);
      expect(checked(clone)).toEqual({ status: lines.length - 1, lines });
    }
  });

  it('cannot be known without a repository, and a line says so', () => {
    writeFileSync(join(repository, 'file'), '');
    expect(checked(repository)).toEqual({
      status: 0,
      lines: ['commit subjects: not checked: this is no clone with a history that holds the check'],
    });
  });
});
