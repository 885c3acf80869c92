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
  if (hasHoles(nearClient.session) || hasHoles(nearServer.session)) {
    const differences = list.differences.filter(isInPlace);
    return { differences, more: list.more, needsOctets: list.needsOctets };
  }
  return { differences: withoutLoneClose(list.differences), more: list.more, needsOctets: list.needsOctets };
}

/** Octets that did not arrive before the end are no hole of the capture: see `Sight`. */
function hasHoles({ gaps, gapCount, midstream }: SmtpSession): boolean {
  return midstream || gapCount > gaps.length || gaps.some(({ cause }) => cause !== 'unfilled');
}

/**
 * Next to a hole the two dialogues may be read differently, and their lines be laid beside the wrong ones: only octets
 * at one place of the stream can be held against each other.
 */
function isInPlace({ change, subject, before, after }: Difference): boolean {
  if (change === 'unseen' || subject === 'message' || before === null || after === null) {
    return change === 'unseen' || (subject === 'message' && change === 'altered');
  }
  return change === 'altered' && before.offset === after.offset && before.text.length === after.text.length;
}

/**
 * Where each side has a reset of the other, one may be the answer to the other, and of a connection only the first is
 * kept: by themselves they are no change.
 */
function withoutLoneClose(differences: readonly Difference[]): readonly Difference[] {
  const resets = differences.filter(({ subject }) => subject === 'close');
  const alone = differences.every(({ change, subject }) => subject === 'close' || change === 'unseen');
  return alone && resets.length > 1 ? differences.filter(({ subject }) => subject !== 'close') : differences;
}

/** Other protocols are not compared: what they say was not kept. */
function isReadable({ protocol }: SmtpSession): boolean {
  return protocol === 'smtp' || protocol === 'none';
}
