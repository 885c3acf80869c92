import { lastHello } from '../smtp/hello.js';
import type { SmtpSession } from '../smtp/session.js';
import type { SessionRow } from './watch.js';

/** What a view shows of a session in one line. */
export function sessionRow(session: SmtpSession, state: SessionRow['state']): SessionRow {
  const hello = lastHello(session.exchanges);
  const newest = session.exchanges.at(-1);
  const reply = newest?.reply ?? newest?.intermediate;
  return {
    number: Number(session.id.slice(1)),
    client: session.client,
    server: session.server,
    start: session.start,
    end: session.end,
    state,
    helo: hello?.argument ?? null,
    commands: session.exchanges.length,
    messages: session.messages.length,
    lastLine: reply?.lines.at(-1)?.text ?? newest?.line?.text ?? null,
    encrypted: session.encryptedFrom !== null,
    findings: [],
  };
}
