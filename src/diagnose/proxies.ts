import type { Finding } from '../finding/finding.js';
import type { Box } from './boxes.js';

/** From the name that `banner-proxy` gives. */
const PROXIES: readonly { readonly name: RegExp; readonly vendor: string; readonly feature: string }[] = [
  { name: /^Check Point /, vendor: 'Check Point', feature: 'SMTP security server' },
  { name: /^WatchGuard /, vendor: 'WatchGuard', feature: 'SMTP proxy' },
  { name: /^(Raptor|Symantec) /, vendor: 'Symantec', feature: 'SMTP proxy' },
  { name: /^avast! /, vendor: 'avast!', feature: 'SMTP proxy of the virus scanner' },
];

/** The proxy that a greeting names; null when none does. */
export function proxyOf(findings: readonly Finding[]): { speaking: Finding[]; box: Box } | null {
  const speaking = findings.filter(({ rule }) => rule === 'banner-proxy');
  const product = speaking[0]?.args.product;
  if (typeof product !== 'string') return null;
  const known = PROXIES.find(({ name }) => name.test(product));
  const vendor = known?.vendor ?? 'unknown';
  return { speaking, box: { vendor, product, feature: known?.feature ?? 'SMTP proxy', releases: null } };
}
