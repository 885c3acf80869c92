import type { Finding } from '../finding/finding.js';
import type { ParameterCure, RuleMeta } from '../rules/rule-meta.js';
import { BOXES, type Box } from './boxes.js';

/** The least that covers what was seen, each with its cost in security; nothing where the box is not known. */
export function smallestChange(findings: readonly Finding[], box: Box, rules: readonly RuleMeta[]): string[] {
  if (box.vendor !== 'Cisco') return [];
  if (box.product === 'PIX') {
    return [
      '`no fixup protocol smtp 25` (4.2 and later): no SMTP command is inspected any more, for any server behind the box.',
    ];
  }
  if (box !== BOXES.esmtp) {
    return [
      'On a PIX up to 6.x `no fixup protocol smtp 25`, otherwise a class without SMTP inspection for this server: its commands are then not inspected.',
    ];
  }
  const found = new Set(findings.filter(({ severity }) => severity !== 'info').map(({ rule }) => rule));
  const cures = rules.filter(({ id }) => found.has(id)).map(({ cure }) => cure);
  if (cures.includes('inspection-off')) {
    return ['A class without `inspect esmtp` for this server: its commands are then not inspected.'];
  }
  return firstOfEachPart(cures.filter((cure) => typeof cure === 'object')).map(({ esmtp }) => esmtp);
}

function firstOfEachPart(cures: readonly ParameterCure[]): ParameterCure[] {
  const cured = new Set<string>();
  return cures
    .toSorted((a, b) => a.order - b.order)
    .filter(({ part }) => !cured.has(part) && cured.add(part));
}
