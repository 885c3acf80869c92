import { catalog } from '../rules/catalog.js';
import type { Rule } from '../rules/rule.js';
import { UsageError } from './usage-error.js';

/** What of an id may be mistyped for it to be recognised. */
const MAX_TYPING_ERRORS = 4;

/**
 * The rules of `--rule` and `--no-rule`, in the order of the catalogue.
 *
 * @param only  null: all
 * @throws UsageError for an id that does not exist; says which was probably meant
 */
export function chosenRules(only: readonly string[] | null, except: readonly string[]): Rule[] {
  const ids = catalog.map((rule) => rule.meta.id);
  for (const id of [...(only ?? []), ...except]) {
    if (ids.includes(id)) continue;
    const near = nearest(id, ids);
    const advice = near ? `Did you mean ${near}?` : `The rules are ${ids.join(', ')}.`;
    throw new UsageError(`there is no rule '${id}'. ${advice}`);
  }
  return catalog.filter(({ meta }) => (only === null || only.includes(meta.id)) && !except.includes(meta.id));
}

function nearest(word: string, ids: readonly string[]): string | undefined {
  if (word.length > 64) return undefined;
  const distances = ids.map((id) => editDistance(word, id));
  const least = Math.min(...distances);
  return least <= MAX_TYPING_ERRORS ? ids[distances.indexOf(least)] : undefined;
}

/** Insertions, deletions and replacements that make one word of the other (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
