/** Writes docs/rules/ and the tables of README.md from what the rules say of themselves. `npm run docs` */
import { readFileSync, writeFileSync } from 'node:fs';
import { catalog } from '../dist/index.js';
import { withRuleTables } from '../dist/report/text/readme-tables.js';
import { ruleMarkdown, rulesMarkdown } from '../dist/report/text/rule-page.js';

const metas = catalog.map(({ meta }) => meta);
const readme = new URL('../README.md', import.meta.url);

writeFileSync(readme, withRuleTables(readFileSync(readme, 'utf8'), metas));
writeFileSync(new URL('rules/README.md', import.meta.url), rulesMarkdown(metas));
for (const meta of metas) writeFileSync(new URL(`rules/${meta.id}.md`, import.meta.url), ruleMarkdown(meta));
