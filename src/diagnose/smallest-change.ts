import type { Finding } from '../finding/finding.js';
import type { Cure, ParameterCure, RuleMeta } from '../rules/rule-meta.js';
import { BOXES, type Box } from './boxes.js';
import type { Fix } from './diagnosis.js';

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
  const cures = curesOf(findings, rules);
  if (cures.includes('inspection-off')) {
    return ['A class without `inspect esmtp` for this server: its commands are then not inspected.'];
  }
  return parametersOf(cures).map(({ esmtp }) => esmtp);
}

/**
 * The same as lines to paste. What merely looks different costs no security: as long as something worse was found, only
 * that is cured.
 */
export function fixOf(findings: readonly Finding[], box: Box, rules: readonly RuleMeta[]): Fix | null {
  if (box.vendor === 'Cisco' && box.product === 'PIX') {
    return {
      lines: ['no fixup protocol smtp 25'],
      placeholder: null,
      costs: ['no SMTP command is inspected any more, for any server behind the box.'],
    };
  }
  if (box !== BOXES.esmtp) return null;
  const grave = findings.filter(({ severity }) => severity === 'high' || severity === 'medium');
  const cures = curesOf(grave.length > 0 ? grave : findings, rules);
  if (cures.includes('inspection-off')) return null;
  const parameters = parametersOf(cures);
  const lines = parameters.flatMap(({ parameter }) => parameter ?? []);
  if (lines.length === 0 || lines.length < parameters.length) return null;
  return {
    lines: ['policy-map type inspect esmtp MAIL', ' parameters', ...lines.map((line) => `  ${line}`)],
    placeholder: 'MAIL stands for the map that your `inspect esmtp` names.',
    costs: parameters.map(({ esmtp }) => esmtp.slice(esmtp.indexOf(': ') + 2)),
  };
}

function curesOf(findings: readonly Finding[], rules: readonly RuleMeta[]): Cure[] {
  const found = new Set(findings.filter(({ severity }) => severity !== 'info').map(({ rule }) => rule));
  return rules.filter(({ id }) => found.has(id)).map(({ cure }) => cure);
}

function parametersOf(cures: readonly Cure[]): ParameterCure[] {
  return firstOfEachPart(cures.filter((cure) => typeof cure === 'object'));
}

function firstOfEachPart(cures: readonly ParameterCure[]): ParameterCure[] {
  const cured = new Set<string>();
  return cures
    .toSorted((a, b) => a.order - b.order)
    .filter(({ part }) => !cured.has(part) && cured.add(part));
}
