#!/usr/bin/env node
/**
 * Ruff over the Python of `lab/` and `bench/`, by its WebAssembly build: it comes with `npm ci`, so no Python and no package
 * of the machine is needed. Exit status 1 when it finds something.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const { PositionEncoding, Workspace } = createRequire(import.meta.url)('@astral-sh/ruff-wasm-nodejs');

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OPTIONS = {
  // What Debian 12 has, on which the lab runs.
  'target-version': 'py311',
  lint: {
    select: ['E4', 'E7', 'E9', 'F', 'W', 'B', 'C4', 'I', 'PIE', 'PLE', 'PLW', 'RET', 'SIM', 'UP'],
    // Scenarios are tables: the steps of one row, with semicolons between them, are read in one line. And a log is open as
    // long as the process that writes it.
    ignore: ['E702', 'SIM115'],
  },
};

const workspace = new Workspace(OPTIONS, PositionEncoding.Utf16);
const files = ['lab', 'bench'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true })
    .filter((name) => name.endsWith('.py'))
    .sort()
    .map((name) => join(folder, name)),
);
let found = 0;
for (const file of files) {
  for (const { code, message, start_location: at } of workspace.check(
    readFileSync(join(ROOT, file), 'utf8'),
  )) {
    console.log(`${file}:${at.row}:${at.column} ${code} ${message}`);
    found++;
  }
}
if (found > 0) process.exitCode = 1;
