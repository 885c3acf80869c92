#!/usr/bin/env node
/**
 * Are the subjects of the commits at most 72 characters long? Those count that came with this check or after it: older
 * ones are history, and are not written anew. Exit status 1 when one is too long; where it cannot be known, a line says so.
 *
 *   commit-subjects.mjs [FOLDER]     the repository (default: this one)
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const LONGEST = 72;
const OWN_PATH = '.ci/commit-subjects.mjs';
const folder = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));

/** What git prints; null where there is no git, no repository, or another failure. */
function git(...words) {
  // In continuous integration a checkout often belongs to another user than the one who runs the tests.
  const { status, stdout } = spawnSync('git', ['-c', `safe.directory=*`, '-C', folder, ...words], {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  return status === 0 ? stdout.trim() : null;
}

/**
 * The first commit that has this check. In a shallow clone whose oldest commit has it already, that oldest commit, which
 * is then a newer one: nothing old is judged either way.
 */
function firstWithCheck() {
  const added = git('log', '--diff-filter=A', '--format=%H', '--', OWN_PATH);
  return added ? added.split('\n').at(-1) : null;
}

const first = firstWithCheck();
if (first === null) {
  console.log('commit subjects: not checked: this is no clone with a history that holds the check');
} else {
  const later = git('log', '--no-merges', '--format=%h %s', `${first}..HEAD`) ?? '';
  const subjects = [...later.split('\n').filter(Boolean), git('log', '-1', '--format=%h %s', first)];
  const shallow = git('rev-parse', '--is-shallow-repository') === 'true' ? ', of a shallow clone' : '';
  const long = subjects.filter((line) => [...line.slice(line.indexOf(' ') + 1)].length > LONGEST);
  for (const line of long) console.log(`commit subject longer than ${LONGEST} characters: ${line}`);
  console.log(`commit subjects: ${subjects.length} checked${shallow}, ${long.length} too long`);
  if (long.length > 0) process.exitCode = 1;
}
