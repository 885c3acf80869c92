import type { Analysis } from '../../analyze.js';
import type { NotAssessed } from '../../finding/finding.js';
import { enumerate, plural, thousands } from '../../finding/words.js';
import { printableOctets } from '../printable.js';
import type { Survey } from '../session-counts.js';
import { unique } from './grouping.js';

/** A reason for not judging, for readers who do not know the words of the JSON report. */
interface ReasonWords {
  readonly title: string;
  /** What the capture lacks of a session that was judged in part; null: it lacks nothing, or all. */
  readonly lacks: string | null;
}

const REASONS: ReadonlyMap<string, ReasonWords> = new Map([
  ['gap', { title: 'Packets are missing', lacks: 'packets are missing' }],
  ['one-sided', { title: 'One direction only', lacks: 'only one direction was captured' }],
  ['midstream', { title: 'Begun before the capture', lacks: 'the start is missing' }],
  ['encrypted', { title: 'Encrypted', lacks: 'a part is encrypted' }],
  ['not-smtp', { title: 'Not SMTP', lacks: null }],
  ['no-data', { title: 'Nothing was said', lacks: null }],
  ['unknown-protocol', { title: 'Too short to tell', lacks: null }],
  ['limit', { title: 'Longer than is kept', lacks: 'not all was kept' }],
  ['interrupted', { title: 'Reading was interrupted', lacks: null }],
]);

/** How far "not seen" can be trusted. */
export function absenceText({ smtp, partly }: Pick<Survey, 'smtp' | 'partly'>): string {
  const seen = `Not seen in ${plural(smtp, 'session')}`;
  if (partly === 0) return `${seen}; the capture is good enough to have seen it.`;
  if (smtp === 1) return `${seen}, which was not captured well enough to be sure.`;
  if (partly === smtp) return `${seen}, none of which was captured well enough to be sure.`;
  return `${seen}; ${thousands(smtp - partly)} of them were captured well enough to have seen it.`;
}

/** Whether the capture is good enough for what it is to show. */
export function quality({ captures, notAssessed, interrupted }: Analysis, { smtp, partly }: Survey): string {
  if (smtp === 0) return '';
  const damaged = captures.some(({ facts }) => facts.problems.length > 0);
  const lacks = new Map<string, Set<string>>();
  for (const { reason, session } of notAssessed) {
    const lack = REASONS.get(reason)?.lacks ?? null;
    if (session === null || lack === null) continue;
    const known = lacks.get(lack);
    if (known) known.add(session);
    else lacks.set(lack, new Set([session]));
  }
  if (partly === 0 && lacks.size === 0 && !damaged && !interrupted) {
    return 'Both directions of every SMTP session were captured, from the first packet on, without a gap.';
  }
  const why = [...lacks].map(([lack, { size }]) => `${lack} in ${thousands(size)}`);
  if (smtp === 1 && lacks.size > 0) {
    const what = enumerate([...lacks.keys()]);
    return `The session could be judged only in part: ${what}. What is absent there proves nothing.`;
  }
  const whole = smtp - partly;
  return [
    whole > 0
      ? `${plural(whole, 'session')} of ${thousands(smtp)} could be judged wholly.`
      : 'No session could be judged wholly.',
    ...(why.length > 0 ? [`Of the sessions, ${enumerate(why)}: what is absent there proves nothing.`] : []),
    ...(damaged ? ['Not all of the input could be read.'] : []),
  ].join(' ');
}

/** Sessions that could not be judged for the same reason. */
export interface Unchecked {
  /** As the JSON report has it. */
  readonly reason: string;
  /** For readers who do not know the words of the JSON report. */
  readonly words: string;
  /** One for each entry that names a session. */
  readonly sessions: readonly string[];
  /** The first of the details. */
  readonly detail: string;
  /** Details that differ, and entries. */
  readonly details: number;
  readonly entries: number;
}

/** What could not be judged, by reason. */
export function unchecked(entries: readonly NotAssessed[]): Unchecked[] {
  const reasons = new Map<string, NotAssessed[]>();
  for (const entry of entries) {
    const list = reasons.get(entry.reason);
    if (list) list.push(entry);
    else reasons.set(entry.reason, [entry]);
  }
  return [...reasons].map(([reason, list]) => {
    const details = unique(list.map(({ detail }) => detail));
    return {
      reason: printableOctets(reason),
      words: REASONS.get(reason)?.title ?? printableOctets(reason),
      sessions: list.map(({ session }) => session).filter((session) => session !== null),
      detail: printableOctets(details[0] ?? ''),
      details: details.length,
      entries: list.length,
    };
  });
}
