import type { Finding } from '../../finding/finding.js';
import { thousands } from '../../finding/words.js';
import { printableOctets } from '../printable.js';
import { unique } from './grouping.js';

/** Findings of one rule, severity and confidence in a line: what it is, and of what. */
export interface FindingLine {
  /** `ESMTP keyword masked in the EHLO reply: STARTTLS, SMTPUTF8 or CHUNKING` */
  readonly text: string;
  /** Frames that prove it, in the order of the captures. */
  readonly frames: readonly Frame[];
}

export interface Frame {
  readonly capture: number;
  readonly packet: number;
}

/** Arguments that name what a finding is about, the most exact first. */
const SUBJECTS = ['name', 'verb', 'keyword', 'product', 'candidates', 'messageId'] as const;

/** What is named in a line; the details have all. */
const MAX_SUBJECTS = 3;
const MAX_ALTERNATIVES = 3;
const MAX_CHARACTERS = 60;

export function findingLine(findings: readonly [Finding, ...Finding[]]): FindingLine {
  const title = printableOctets(findings[0].title);
  const subjects = unique(findings.map(subjectOf).filter((subject) => subject !== null));
  const shown = subjects.slice(0, MAX_SUBJECTS);
  // As many as there are findings: some of them may have no subject, or one that others have, too.
  const more = findings.length - shown.length;
  const rest = more > 0 ? ` and ${thousands(more)} more` : '';
  const what =
    shown.length > 0
      ? `: ${shown.join(', ')}${rest}`
      : findings.length > 1
        ? ` (${thousands(findings.length)})`
        : '';
  return { text: `${title}${what}`, frames: framesOf(findings) };
}

/** `STARTTLS`, `SMTPUTF8 or CHUNKING`; null: the title says it all. */
function subjectOf({ title, args }: Finding): string | null {
  for (const name of SUBJECTS) {
    const value = args[name];
    const values = typeof value === 'string' ? [value] : Array.isArray(value) ? value : [];
    if (values.length === 0 || values.length > MAX_ALTERNATIVES) continue;
    const text = values.map((one) => cut(printableOctets(one))).join(' or ');
    return title.includes(text) ? null : text;
  }
  return null;
}

function framesOf(findings: readonly Finding[]): Frame[] {
  const frames = new Map<string, Frame>();
  for (const { evidence } of findings) {
    for (const { capture, packet } of evidence) frames.set(`${capture} ${packet}`, { capture, packet });
  }
  return [...frames.values()].sort((a, b) => a.capture - b.capture || a.packet - b.packet);
}

function cut(text: string): string {
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS - 1)}…` : text;
}
