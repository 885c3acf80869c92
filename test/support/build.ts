/** Before the tests that start the program: what is started is what the sources say. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = join(ROOT, 'dist/bin/mailwitness.js');
const BUILDERS = ['build.mjs', 'code-cache.mjs', 'tsconfig.build.json', 'package.json'];

export default function buildWhenStale(): void {
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const changed = [...sources, ...BUILDERS.map((name) => join(ROOT, name))].map(
    (path) => statSync(path).mtimeMs,
  );
  if (existsSync(PROGRAM) && statSync(PROGRAM).mtimeMs >= Math.max(...changed)) return;
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: 'inherit' });
}
