import type { SmtpSession } from '../smtp/session.js';
import type { Watch } from './watch.js';

/** The lists as they are now; a session that is opened, as it is then. */
export function frozen(watch: Watch): Watch {
  const { source, counts, health } = watch;
  const sessions = [...watch.sessions()];
  const byNumber = new Map(sessions.map((row) => [row.number, row]));
  let session: { readonly number: number; readonly kept: SmtpSession | null } | null = null;
  const duplicates = [...watch.duplicates()];
  const findings = watch.findings();
  return {
    source,
    counts: { ...counts },
    health: { ...health },
    sessions: () => sessions,
    sessionNumbers: () => sessions.map(({ number }) => number),
    sessionRow: (number) => byNumber.get(number) ?? null,
    session(number) {
      // One that is in progress stands still, too; the one before is kept no longer.
      if (session?.number !== number) session = { number, kept: watch.session(number) };
      return session.kept;
    },
    findings: () => findings,
    duplicates: () => duplicates,
    analysis: () => watch.analysis(),
  };
}
