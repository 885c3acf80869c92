import type { SessionRef } from '../finding/finding.js';
import type { SmtpSession } from '../smtp/session.js';
import { ehloWorked } from './mask.js';
import { serverKey, serverKeyOf } from './server-key.js';

/** Servers remembered, and keywords of each. */
const MAX_SERVERS = 10_000;
const MAX_KEYWORDS = 64;

/** What one server was seen to do in any session of the run. */
export interface ServerKnowledge {
  /** EHLO was answered with keywords. */
  esmtp: boolean;
  /** Keywords offered in clear, upper case; `AUTH=LOGIN` counts as AUTH. */
  readonly keywords: Set<string>;
  /** The session that showed them first. */
  session: SessionRef | null;
}

/** Remembers servers over all sessions, within limits; beyond them a server is simply not known. */
export class Knowledge {
  private readonly servers = new Map<string, ServerKnowledge>();

  learn(session: SmtpSession): void {
    const key = serverKeyOf(session);
    let server = this.servers.get(key);
    if (!server) {
      if (this.servers.size >= MAX_SERVERS) return;
      server = { esmtp: false, keywords: new Set(), session: null };
      this.servers.set(key, server);
    }
    if (!session.exchanges.some(ehloWorked)) return;
    server.esmtp = true;
    server.session ??= { id: session.id, capture: session.capture };
    for (const { keyword } of session.extensions) {
      if (server.keywords.has(keyword)) continue;
      if (server.keywords.size < MAX_KEYWORDS) server.keywords.add(keyword.split('=')[0]!);
    }
  }

  of(session: Pick<SmtpSession, 'server'>): ServerKnowledge | undefined {
    return this.servers.get(serverKey(session.server));
  }
}
