import type { RuleDocumentation } from '../../rules/rule-meta.js';
import { TextLines } from './text-lines.js';

/** How a page of documentation is laid out. */
export interface RulePageOptions {
  readonly width: number;
  readonly color: boolean;
}

const TITLES = { why: 'Why it matters', change: 'What to change', silent: 'Stays silent for' } as const;

/** What a rule says of itself, for JSON: without what the program keeps of it for its own use. */
export function ruleRecord({
  id,
  severity,
  title,
  summary,
  whyItMatters,
  remedy,
  references,
  symptoms,
  staysSilent,
}: RuleDocumentation): RuleDocumentation {
  return { id, severity, title, summary, whyItMatters, remedy, references, symptoms, staysSilent };
}

/** The catalogue, a rule to a row: severity, id, what it sees. */
export function* ruleList(
  rules: readonly RuleDocumentation[],
  { width, color }: RulePageOptions,
): Generator<string> {
  const page = new TextLines(width, color);
  const room = Math.max(...rules.map(({ id }) => id.length));
  for (const { id, severity, summary } of rules) {
    yield page.paragraph(summary, `${severity.padEnd(6)}  ${id.padEnd(room)}  `);
  }
  yield '\n';
  yield page.paragraph("'mailwitness rules RULE' tells more of one.");
}

/** One rule's own documentation, for the terminal. */
export function* ruleText(meta: RuleDocumentation, { width, color }: RulePageOptions): Generator<string> {
  const page = new TextLines(width, color);
  yield page.line([meta.id, 'bold'], [`  ${meta.severity}`]);
  yield page.paragraph(meta.title);
  yield `\n${page.paragraph(meta.summary, '  ')}`;
  yield `\n${page.line([TITLES.why, 'bold'])}${page.paragraph(meta.whyItMatters, '  ')}`;
  yield `\n${page.line([TITLES.change, 'bold'])}`;
  for (const remedy of meta.remedy) yield page.paragraph(remedy, '  - ');
  yield `\n${page.line([TITLES.silent, 'bold'])}${page.paragraph(meta.staysSilent, '  ')}`;
  yield `\n${page.paragraph(sources(meta), '', 'dim')}`;
}

/** The same as a page of Markdown. */
export function ruleMarkdown(meta: RuleDocumentation): string {
  return [
    `# ${meta.id}`,
    `**${meta.title}** (${meta.severity})`,
    meta.summary,
    `## ${TITLES.why}`,
    meta.whyItMatters,
    `## ${TITLES.change}`,
    meta.remedy.map((remedy) => `- ${remedy}`).join('\n'),
    `## ${TITLES.silent}`,
    meta.staysSilent,
    sources(meta),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n');
}

/** The catalogue as a table whose rows lead to those pages. */
export function rulesMarkdown(rules: readonly RuleDocumentation[]): string {
  const rows = rules.map(
    ({ id, severity, summary }) => `| [\`${id}\`](${id}.md) | ${severity} | ${summary} |`,
  );
  return `# Rules\n\n| rule | severity | speaks when |\n|---|---|---|\n${rows.join('\n')}\n`;
}

function sources({ references, symptoms }: RuleDocumentation): string {
  const numbers = symptoms.map((symptom) => symptom.replace('kb320027/', ''));
  const explained =
    numbers.length === 0
      ? ''
      : ` Symptom${numbers.length > 1 ? 's' : ''} of KB 320027: ${numbers.join(', ')}.`;
  return `Sources: ${references.join(', ')}.${explained}`;
}
