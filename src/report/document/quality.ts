import type { Analysis } from '../../analyze.js';
import type { NotAssessed } from '../../finding/finding.js';
import { enumerate, plural, thousands } from '../../finding/words.js';
import { printableOctets } from '../printable.js';
import type { Survey } from '../session-counts.js';
import { byReason, namedSessions, unique } from './grouping.js';

/** Reasons for not judging, for readers who do not know the words of the JSON report. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['gap', 'Packets are missing'],
  ['one-sided', 'One direction only'],
  ['midstream', 'Begun before the capture'],
  ['encrypted', 'Encrypted'],
  ['not-smtp', 'Not SMTP'],
  ['no-data', 'Nothing was said'],
  ['unknown-protocol', 'Too short to tell'],
  ['limit', 'Longer than is kept'],
  ['interrupted', 'Reading was interrupted'],
]);

const LACKS: ReadonlyMap<string, string> = new Map([
  ['gap', 'packets are missing'],
  ['one-sided', 'only one direction was captured'],
  ['midstream', 'the start is missing'],
  ['encrypted', 'a part is encrypted'],
  ['limit', 'not all was kept'],
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
    if (session === null || !LACKS.has(reason)) continue;
    const known = lacks.get(reason);
    if (known) known.add(session);
    else lacks.set(reason, new Set([session]));
  }
  if (partly === 0 && lacks.size === 0 && !damaged && !interrupted) {
    return 'Both directions of every SMTP session were captured, from the first packet on, without a gap.';
  }
  const why = [...lacks].map(([reason, { size }]) => `${LACKS.get(reason)} in ${thousands(size)}`);
  if (smtp === 1 && lacks.size > 0) {
    const what = enumerate([...lacks.keys()].map((reason) => LACKS.get(reason)!));
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

/** What could not be judged, by reason, with the first detail of each. */
export function unjudged(
  entries: readonly NotAssessed[],
): { reason: string; whom: string; detail: string }[] {
  return [...byReason(entries)].map(([reason, list]) => {
    const details = unique(list.map(({ detail }) => detail));
    const sessions = unique(list.map(({ session }) => session).filter((session) => session !== null));
    const more = details.length > 1 ? ` And ${thousands(details.length - 1)} more of the kind.` : '';
    return {
      reason: REASONS.get(reason) ?? printableOctets(reason),
      whom: sessions.length > 0 ? ` (${namedSessions(sessions)})` : '',
      detail: `${printableOctets(details[0] ?? '')}${more}`,
    };
  });
}
