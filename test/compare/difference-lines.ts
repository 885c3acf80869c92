/** Differences as lines of text, and two scripts as two captures of one session. */
import { type Differences, differencesOf } from '../../src/compare/differences.js';
import type { Difference, Spot } from '../../src/compare/pair.js';
import type { SmtpSession } from '../../src/smtp/session.js';
import { analyzeScripts } from '../support/dialogue.js';

/** `altered command EHLO xs 0..4 "EHLO a" -> "XXXX a" #6/#6`; of the server, `<-` and near the server first. */
export function lineOf(difference: Difference): string {
  const { change, subject, how, direction, verb, before, after, octets, ranges } = difference;
  const text = (spot: Spot | null): string => (spot === null ? '-' : JSON.stringify(spot.text));
  const frame = (spot: Spot | null): string => (spot === null ? '-' : `#${spot.packet}`);
  const where = ranges.map(([from, to]) => `${from}..${to}`).join(',');
  const words = [change, subject, verb, how, where || (octets > 0 ? `${octets} octets` : null)];
  const arrow = direction === 'client' ? '->' : '=>';
  const spots = `${text(before)} ${arrow} ${text(after)} ${frame(before)}/${frame(after)}`;
  return [...words.filter((word) => word !== null), spots].join(' ');
}

export function compare(nearClient: SmtpSession, nearServer: SmtpSession): Differences {
  return differencesOf({ side: 'outside', session: nearClient }, { side: 'inside', session: nearServer });
}

export function linesBetween(nearClient: SmtpSession, nearServer: SmtpSession): string[] {
  return compare(nearClient, nearServer).differences.map(lineOf);
}

/** The first session of each script. */
export async function sessionsOf(scripts: readonly string[]): Promise<SmtpSession[]> {
  return Promise.all(
    scripts.map(async (script) => {
      const [session] = (await analyzeScripts([script], { rules: [] })).sessions();
      return session!;
    }),
  );
}
