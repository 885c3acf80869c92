import type { Finding } from '../finding/finding.js';
import type { RuleMeta } from '../rules/rule-meta.js';
import type { Box } from './boxes.js';

/** By the name of the product that answers in the server's place. */
const PROXIES: readonly { readonly name: RegExp; readonly vendor: string; readonly feature: string }[] = [
  { name: /^Check Point /, vendor: 'Check Point', feature: 'SMTP security server' },
  { name: /^WatchGuard /, vendor: 'WatchGuard', feature: 'SMTP proxy' },
  { name: /^(Raptor|Symantec) /, vendor: 'Symantec', feature: 'SMTP proxy' },
  { name: /^avast! /, vendor: 'avast!', feature: 'SMTP proxy of the virus scanner' },
];

/** The proxy that findings name; null when none does. */
export function proxyOf(
  findings: readonly Finding[],
  rules: readonly RuleMeta[],
): { speaking: Finding[]; box: Box } | null {
  const naming = new Set(rules.filter(({ box }) => box === 'product').map(({ id }) => id));
  const speaking = findings.filter(({ rule }) => naming.has(rule));
  const product = speaking[0]?.args.product;
  if (typeof product !== 'string') return null;
  const known = PROXIES.find(({ name }) => name.test(product));
  const vendor = known?.vendor ?? 'unknown';
  return { speaking, box: { vendor, product, feature: known?.feature ?? 'SMTP proxy', releases: null } };
}
