import type { Analysis } from '../analyze.js';
import type { SmtpSession } from '../smtp/session.js';

/** What a report for people says of the sessions as a whole. */
export interface Survey {
  /** Sessions in which SMTP was spoken. */
  readonly smtp: number;
  /** Connections to one of the ports in which something else was spoken, or nothing was sent. */
  readonly other: number;
  readonly messages: number;
  /** SMTP sessions of which a part could not be judged. */
  readonly partly: number;
  /** Client addresses of the sessions that findings name. */
  readonly clients: ReadonlyMap<string, string>;
}

/**
 * Walks the sessions once; keeps numbers, and the client's address where a finding will ask for it.
 *
 * @param visit  is given each session, so that whoever counts something else needs no walk of its own
 */
export function survey(analysis: Analysis, visit?: (session: SmtpSession) => void): Survey {
  const wanted = new Set(analysis.findings.flatMap((finding) => finding.sessions));
  const limited = new Set(analysis.notAssessed.map((entry) => entry.session));
  const clients = new Map<string, string>();
  let [smtp, other, messages, partly] = [0, 0, 0, 0];
  for (const session of analysis.sessions()) {
    visit?.(session);
    if (wanted.has(session.id)) clients.set(session.id, session.client.address);
    messages += session.messages.length;
    if (session.protocol !== 'smtp') other++;
    else {
      smtp++;
      if (limited.has(session.id)) partly++;
    }
  }
  return { smtp, other, messages, partly, clients };
}
