import type { Watch } from './watch.js';

/** The lists as they are now; sessions that are opened are asked for, as long as they are kept. */
export function frozen(watch: Watch): Watch {
  const { source, counts, health } = watch;
  const sessions = [...watch.sessions()];
  const duplicates = [...watch.duplicates()];
  const findings = watch.findings();
  return {
    source,
    counts: { ...counts },
    health: { ...health },
    sessions: () => sessions,
    session: (number) => watch.session(number),
    findings: () => findings,
    duplicates: () => duplicates,
    analysis: () => watch.analysis(),
  };
}
