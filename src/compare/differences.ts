import type { SmtpSession } from '../smtp/session.js';
import { compareDialogues } from './dialogue-differences.js';
import { DifferenceList, type SidedSession } from './difference-list.js';
import type { WantedOctets } from './message-octets.js';
import type { Difference } from './pair.js';
import { compareResets, compareTcp } from './tcp-differences.js';
import { compareTls } from './tls-differences.js';

export type { SidedSession } from './difference-list.js';

export interface Differences {
  /** TCP options first, then the dialogue in its order, resets last. */
  readonly differences: readonly Difference[];
  /** Further ones that are not listed. */
  readonly more: number;
  /** Messages that differ. Which octets do, a second reading of both captures tells. */
  readonly needsOctets: readonly WantedOctets[];
}

/**
 * What is not the same in two captures of one session. Octets of the client go from `nearClient` to `nearServer`,
 * those of the server the other way.
 *
 * What one capture has and the other has not is a change only where that one would have it, had it been there: not next
 * to a gap, not in front of its beginning or behind its end, not where it is encrypted.
 *
 * @example
 * const { differences } = differencesOf({ side: 'outside', session: a }, { side: 'inside', session: b });
 * for (const { change, subject, before, after } of differences) console.log(change, subject, before?.packet, after?.packet);
 */
export function differencesOf(nearClient: SidedSession, nearServer: SidedSession): Differences {
  const list = new DifferenceList(nearClient, nearServer);
  compareTcp(list);
  if (isReadable(nearClient.session) && isReadable(nearServer.session)) compareDialogues(list);
  compareTls(list);
  compareResets(list);
  return { differences: list.differences, more: list.more, needsOctets: list.needsOctets };
}

/** Other protocols are not compared: what they say was not kept. */
function isReadable({ protocol }: SmtpSession): boolean {
  return protocol === 'smtp' || protocol === 'none';
}
