/**
 * Runs what was built on a few captures and writes V8's code cache of the functions that were called, for
 * `src/cli/start.ts`. It serves the version of Node and the flags under which this is run.
 *
 * `node [FLAGS] code-cache.mjs FILE`
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

const [, , file] = process.argv;
const filename = fileURLToPath(new URL('dist/bin/program.js', import.meta.url));
const captures = ['asa-esmtp-outside', 'asa-esmtp-inside'].map((name) =>
  fileURLToPath(new URL(`captures/${name}.pcap`, import.meta.url)),
);
const COMMAND_LINES = [
  ['analyze', '-F', 'json', ...captures],
  ['analyze', ...captures],
];

const script = new Script(readFileSync(filename, 'latin1'), { filename });
const program = {};
script.runInThisContext()(program, createRequire(filename), filename, dirname(filename));
const nowhere = {
  write(_text, done) {
    done?.();
    return true;
  },
};
for (const words of COMMAND_LINES) {
  const status = await program.run(words, { stdout: nowhere, stderr: process.stderr, env: {} });
  if (status === 2) throw new Error(`${words.join(' ')}: status ${status}`);
}
writeFileSync(file, script.createCachedData());
