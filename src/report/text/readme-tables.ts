import { SYMPTOMS } from '../../diagnose/symptoms.js';
import type { RuleDocumentation } from '../../rules/rule-meta.js';

/**
 * README.md with its two tables of rules made anew: what each rule sees, and which rules speak for a symptom.
 *
 * @param readme  has each table between `<!-- rules -->` or `<!-- symptoms -->` and `<!-- end -->`
 * @throws Error where one of these places is missing
 */
export function withRuleTables(readme: string, rules: readonly RuleDocumentation[]): string {
  return between(between(readme, 'rules', ruleTable(rules)), 'symptoms', symptomTable(rules));
}

function ruleTable(rules: readonly RuleDocumentation[]): string {
  const rows = rules.map(({ id, summary }) => `| \`${id}\` | ${summary} |`);
  return ['| rule | speaks when |', '|---|---|', ...rows].join('\n');
}

function symptomTable(rules: readonly RuleDocumentation[]): string {
  const rows = SYMPTOMS.map(({ id, seen, onTheWire }, index) => {
    const speaking = rules.filter(({ symptoms }) => symptoms.includes(id)).map((rule) => `\`${rule.id}\``);
    return `| ${index + 1} | ${seen} | ${onTheWire} | ${speaking.join(', ') || 'none yet'} |`;
  });
  return ['| | symptom | what the wire shows | rules |', '|---|---|---|---|', ...rows].join('\n');
}

function between(text: string, name: string, table: string): string {
  const begin = `<!-- ${name} -->\n`;
  const start = text.indexOf(begin) + begin.length;
  const end = text.indexOf('\n<!-- end -->', start);
  if (start < begin.length || end < 0) throw new Error(`README.md has no place for the table of ${name}`);
  return text.slice(0, start) + table + text.slice(end);
}
