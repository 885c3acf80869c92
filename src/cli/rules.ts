import type { Command } from 'commander';
import { ruleList, ruleMarkdown, ruleRecord, rulesMarkdown, ruleText } from '../report/text/rule-page.js';
import { catalog } from '../rules/catalog.js';
import type { RuleMeta } from '../rules/rule-meta.js';
import { chosenRules } from './chosen-rules.js';
import { type ExitStatus, type Io, writeAll } from './io.js';
import { asUsageError, oneOf, wantsColor } from './options.js';
import { UsageError } from './usage-error.js';

const FORMATS = ['text', 'json', 'markdown'] as const;
const DEFAULT_WIDTH = 80;
const MAX_WIDTH = 100;

/**
 * `mailwitness rules [RULE]`: the catalogue, or one rule's own documentation.
 *
 * @param words  what follows `rules` on the command line
 * @throws UsageError for an id that does not exist
 */
export async function runRules(words: readonly string[], io: Io): Promise<ExitStatus> {
  const said: string[] = [];
  const command = await program((text) => said.push(text));
  try {
    command.parse(words, { from: 'user' });
  } catch (error) {
    if ((error as { exitCode?: unknown }).exitCode !== 0) throw asUsageError(error);
    await writeAll(said, io.stdout);
    return 0;
  }
  const options = command.opts<{ format: string; color: boolean }>();
  const format = oneOf('--format', options.format, FORMATS);
  const [id, ...more] = command.args;
  if (more.length > 0) throw new UsageError("'rules' takes one rule at most; without one it lists them all.");
  const metas = chosenRules(id === undefined ? null : [id], []).map(({ meta }) => meta);
  await writeAll(pages(metas, id !== undefined, format, options.color, io), io.stdout);
  return 0;
}

function pages(
  metas: readonly RuleMeta[],
  one: boolean,
  format: (typeof FORMATS)[number],
  color: boolean,
  io: Io,
): Iterable<string> {
  const [first] = metas;
  if (format === 'json') {
    const records = metas.map(ruleRecord);
    return [`${JSON.stringify(one ? records[0] : records, null, 2)}\n`];
  }
  if (format === 'markdown') return [one ? ruleMarkdown(first!) : rulesMarkdown(metas)];
  const width = Math.min(io.stdout.columns ?? DEFAULT_WIDTH, MAX_WIDTH);
  const layout = { width, color: wantsColor({ color, output: null }, io) };
  return one ? ruleText(first!, layout) : ruleList(metas, layout);
}

async function program(say: (text: string) => void): Promise<Command> {
  const { Command } = await import('commander');
  return new Command('mailwitness rules')
    .usage('[RULE] [options]')
    .description(`Lists the ${catalog.length} rules; with RULE, what that one sees, and why it matters.`)
    .argument('[RULE...]', 'the id of a rule')
    .option('-F, --format <format>', `how to print: ${FORMATS.join(', ')}`, 'text')
    .option('--no-color', 'no colour (nor with NO_COLOR in the environment)')
    .helpOption('-h, --help', 'print this')
    .exitOverride()
    .configureOutput({ writeOut: say, writeErr: () => {}, getOutHelpWidth: () => 80 });
}
