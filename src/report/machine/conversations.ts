import type { Analysis } from '../../analyze.js';
import type { Finding } from '../../finding/finding.js';
import type { Endpoint } from './community-id.js';

/** Both ends of a session. */
export interface Conversation {
  readonly client: Endpoint;
  readonly server: Endpoint;
}

/** The ends of the session in which each finding was seen first, by session. Walks the sessions once. */
export function conversations(analysis: Analysis): ReadonlyMap<string, Conversation> {
  const wanted = new Set(analysis.findings.map(sessionOf));
  const found = new Map<string, Conversation>();
  if (wanted.size === 0) return found;
  for (const { id, client, server } of analysis.sessions()) {
    if (wanted.has(id)) found.set(id, { client, server });
  }
  return found;
}

export function sessionOf({ session, sessions }: Finding): string {
  return session ?? sessions[0] ?? '';
}
