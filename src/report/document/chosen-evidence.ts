import type { Evidence, Finding } from '../../finding/finding.js';
import { byRule, inOrder } from './grouping.js';

/** Few packets that stand for all: what a report shows that has no room for more. */

/** The three that a chat or a screen has room for. */
const PROOFS = 3;

/** Of the kinds of findings in turn, most severe first: three that show different octets. */
export function chosenProofs(findings: readonly Finding[]): Evidence[] {
  const chosen = new Map<string, Evidence>();
  const rows = byRule(findings).map((group) => inOrder(group.flatMap(({ evidence }) => evidence)));
  for (let place = 0; chosen.size < PROOFS && rows.some((row) => place < row.length); place++) {
    for (const row of rows) {
      const proof = row[place];
      if (proof && chosen.size < PROOFS && !chosen.has(proof.excerpt)) chosen.set(proof.excerpt, proof);
    }
  }
  return inOrder([...chosen.values()]);
}

/** Of each kind of finding in turn: as it was sent, and as it arrived. */
export function proofsOfBothSides(findings: readonly Finding[]): Evidence[] {
  const kinds = byRule(findings).slice(0, PROOFS);
  return inOrder(kinds.flatMap(([first]) => first!.evidence.slice(0, 2)));
}

/** All of the worst kind of finding, as far as their octets differ, before any of the next: one story, from question to answer. */
export function proofsOfWorst(findings: readonly Finding[]): Evidence[] {
  const chosen = new Map<string, Evidence>();
  for (const group of byRule(findings)) {
    for (const proof of inOrder(group.flatMap(({ evidence }) => evidence))) {
      if (chosen.size < PROOFS && !chosen.has(proof.excerpt)) chosen.set(proof.excerpt, proof);
    }
  }
  return inOrder([...chosen.values()]);
}
