import type { SmtpSession } from '../smtp/session.js';
import type { NotAssessed } from './finding.js';

/** At most this many entries come from sessions; one more says how many there were. */
const MAX_ENTRIES = 1000;

/** Why rules cannot judge a session, or not all of it: a stable word and a sentence for each reason. */
export function whyNotAssessed(session: SmtpSession): { reason: string; detail: string }[] {
  const { protocol, server } = session;
  switch (protocol) {
    case 'none':
      return [{ reason: 'no-data', detail: 'The connection carried no data.' }];
    case 'unknown':
      return [{ reason: 'unknown-protocol', detail: 'Too little was captured to say whether this is SMTP.' }];
    case 'smtp':
      return whyNotWholly(session);
    default: {
      const name = protocol === 'other' ? 'Something other than SMTP' : protocol.toUpperCase();
      return [
        { reason: 'not-smtp', detail: `${name} was spoken on port ${server.port}; no rule was applied.` },
      ];
    }
  }
}

function whyNotWholly(session: SmtpSession): { reason: string; detail: string }[] {
  const reasons: { reason: string; detail: string }[] = [];
  if (session.gapCount > 0) {
    reasons.push({
      reason: 'gap',
      detail: `${session.gapCount} gap(s) in the captured streams: absence next to them is not evidence.`,
    });
  }
  if (session.oneSided) {
    reasons.push({
      reason: 'one-sided',
      detail: `Only packets of the ${session.oneSided} were captured: missing answers prove nothing.`,
    });
  }
  if (session.midstream) {
    reasons.push({
      reason: 'midstream',
      detail: 'The capture begins after the connection did: its start was not seen.',
    });
  }
  if (session.encryptedFrom !== null) {
    reasons.push({
      reason: 'encrypted',
      detail: `Encrypted from frame ${session.encryptedFrom}: what follows cannot be read.`,
    });
  }
  if (session.truncated) {
    reasons.push({
      reason: 'limit',
      detail: `The dialogue is longer than is kept: ${session.droppedExchanges} dropped.`,
    });
  }
  return reasons;
}

/** Collects, with a limit, why sessions could not be judged (wholly). */
export class NotAssessedCensus {
  private readonly entries: NotAssessed[] = [];
  private dropped = 0;

  session(session: SmtpSession): void {
    for (const why of whyNotAssessed(session)) {
      if (this.entries.length < MAX_ENTRIES) this.entries.push({ session: session.id, ...why });
      else this.dropped++;
    }
  }

  end(): NotAssessed[] {
    if (this.dropped === 0) return this.entries;
    const detail = `${this.dropped} more such entries were not listed.`;
    return [...this.entries, { session: null, reason: 'limit', detail }];
  }
}
