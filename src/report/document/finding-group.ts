import type { Diagnosis } from '../../diagnose/diagnosis.js';
import type { Evidence, Finding, Witness } from '../../finding/finding.js';
import { enumerate } from '../../finding/words.js';
import { printableOctets, printableText } from '../printable.js';
import { inOrder, namedSessions, naming, PROOF, unique } from './grouping.js';

/** What findings of one rule with one severity and confidence say together. */

/** Each advice once, in the order in which the findings give it. */
export function remediesOf(findings: readonly Finding[]): string[] {
  return unique(findings.flatMap(({ remedy }) => remedy)).map(printableOctets);
}

/** The changes that cure what was seen, the smallest that the boxes have; those of all boxes of a server. */
export function changesOf(diagnoses: readonly Diagnosis[]): string[] {
  return unique(diagnoses.flatMap(({ smallestChange }) => smallestChange)).map(printableText);
}

/** Commands that show on the box what was found. They are pasted: they hold an address that was checked, and no other text of packets. */
export function commandsOf(diagnoses: readonly Diagnosis[]): string[] {
  return unique(diagnoses.flatMap(({ verify }) => verify));
}

/** `likely; proved by the bytes, f1`: how sure a diagnosis is, and what it rests on. */
export function surenessOf({ confidence, proved }: Diagnosis, withFindings: boolean): string {
  const [first] = proved;
  if (!first) return confidence;
  const ids = withFindings ? `, ${naming(first.findings)}` : '';
  return `${confidence}; ${PROOF[first.proof]}${ids}`;
}

/** Whether a firewall did it or an attacker, and why. */
export function actorText({ actor: { kind, why } }: Diagnosis): string {
  const who =
    kind === 'appliance' ? 'A firewall feature, not an attack.' : 'A firewall or an attacker: not certain.';
  return printableText(`${who} ${why}`);
}

/** The first of the packets that prove these findings, in the order of the captures. */
export function evidenceOf(findings: readonly Finding[], limit: number): Evidence[] {
  return inOrder(findings.flatMap(({ evidence }) => evidence)).slice(0, limit);
}

/** Octets that were seen, and the other places where the same was seen again. */
export interface ShownEvidence {
  readonly first: Evidence;
  readonly again: readonly Evidence[];
}

/** What was seen again is not shown again. */
export function shownOnce(evidence: readonly Evidence[]): ShownEvidence[] {
  const shown = new Map<string, { first: Evidence; again: Evidence[] }>();
  for (const one of evidence) {
    const key = `${one.direction} ${one.excerpt} ${one.note}`;
    const known = shown.get(key);
    if (known) known.again.push(one);
    else shown.set(key, { first: one, again: [] });
  }
  return [...shown.values()];
}

/** Lines of the firewall's log that confirm one of these findings, each once. */
export function confirmingLines(findings: readonly Finding[]): Witness[] {
  const confirming = findings.flatMap(({ witnesses }) => witnesses?.filter(({ confirms }) => confirms) ?? []);
  return [...new Map(confirming.map((witness) => [witness.line, witness])).values()];
}

/** Names of the evidence captures of these findings. */
export function evidenceFilesOf(findings: readonly Finding[]): string[] {
  return findings.flatMap(({ evidenceFile }) => evidenceFile ?? []);
}

/** Sessions that show it, counted once, and how often it was seen in them. */
export function timesSeen(findings: readonly Finding[]): { sessions: number; count: number } {
  return {
    sessions: new Set(findings.flatMap(({ sessions }) => sessions)).size,
    count: findings.reduce((sum, { count }) => sum + count, 0),
  };
}

/** `session s1`, `3 sessions: s1, s2, s3`, in the order of the captures. */
export function sessionNames(findings: readonly Finding[]): string {
  return namedSessions(
    unique(findings.flatMap(({ sessions }) => sessions)).sort(
      (a, b) => Number(a.slice(1)) - Number(b.slice(1)),
    ),
  );
}

/** Where it is written: RFCs, vendors' documents, symptoms of KB 320027. */
export function referencesOf(findings: readonly Finding[]): string {
  const symptoms = unique(findings.flatMap((finding) => finding.symptoms)).map(
    (symptom) => symptom.split('/')[1]!,
  );
  const references = unique(findings.flatMap((finding) => finding.references)).map((reference) =>
    reference === 'KB 320027' && symptoms.length > 0
      ? `KB 320027 (${symptoms.length === 1 ? 'symptom' : 'symptoms'} ${enumerate(symptoms)})`
      : printableText(reference),
  );
  return references.join(', ');
}
