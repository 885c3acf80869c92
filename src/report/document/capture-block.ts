import type { CaptureResult } from '../../analyze.js';
import { plural, thousands } from '../../finding/words.js';
import { printableOctets } from '../printable.js';
import type { Survey } from '../session-counts.js';
import { LINK_TYPES, toSeconds, unique } from './grouping.js';

/** What one input was, and what was wrong with it. */
export interface CaptureBlock {
  /** What the report calls it where there are several: its number, or its side. */
  readonly name: string;
  /** Raw, with its folders; `-` is standard input. */
  readonly file: string;
  /** Format, link types, packets. */
  readonly contents: readonly string[];
  /** `4,761 bytes` */
  readonly size: string;
  /** Nothing at all could be read of it. */
  readonly unreadable: boolean;
  /** In UTC, to the second; null where no packet has a time. */
  readonly first: string | null;
  readonly last: string | null;
  /** `12 not TCP`: packets that were left aside, by reason. */
  readonly aside: readonly string[];
  /** The number of them. */
  readonly packetsAside: number;
  /** Its last packet is cut short. */
  readonly truncated: boolean;
  readonly problems: CaptureResult['facts']['problems'];
}

export function captureBlocks(
  captures: readonly CaptureResult[],
  names: readonly string[] | undefined,
): CaptureBlock[] {
  return captures.map(({ file, facts, skipped }, index) => {
    const links = unique(facts.linkTypes.map((type) => LINK_TYPES[type] ?? `link type ${type}`));
    return {
      name: names?.[index] ?? String(index + 1),
      file,
      contents: [facts.format, ...links, plural(facts.packets, 'packet')],
      size: plural(facts.bytes, 'byte'),
      unreadable: facts.packets === 0 && facts.problems.length > 0,
      first: toSeconds(facts.first),
      last: toSeconds(facts.last),
      aside: Object.entries(skipped).map(
        ([reason, count]) => `${thousands(count)} ${printableOctets(reason)}`,
      ),
      packetsAside: Object.values(skipped).reduce((sum, count) => sum + count, 0),
      truncated: facts.truncated,
      problems: facts.problems,
    };
  });
}

/** `3 SMTP sessions with 2 messages, and 1 connection without SMTP` */
export function sessionsText({ smtp, messages, other }: Survey): string {
  const others = other > 0 ? `, and ${plural(other, 'connection')} without SMTP` : '';
  return `${plural(smtp, 'SMTP session')} with ${plural(messages, 'message')}${others}`;
}
