/** Writes docs/rules/ from what the rules say of themselves. `npm run docs` */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { catalog } from '../dist/index.js';

const program = fileURLToPath(new URL('../dist/bin/mailwitness.js', import.meta.url));
const page = (...rule) => execFileSync(process.execPath, [program, 'rules', ...rule, '-F', 'markdown']);

writeFileSync(new URL('rules/README.md', import.meta.url), page());
for (const { meta } of catalog) writeFileSync(new URL(`rules/${meta.id}.md`, import.meta.url), page(meta.id));
