import type { SmtpSession } from '../smtp/session.js';
import { factsOf } from './session-facts.js';

/** `192.0.2.25 25`: what a server is remembered by. */
export function serverKey({ address, port }: SmtpSession['server']): string {
  return `${address} ${port}`;
}

/** The key of the session's server: one string for all that look it up, which has its hash after the first. */
export function serverKeyOf(session: SmtpSession): string {
  const facts = factsOf(session);
  facts.serverKey ??= serverKey(session.server);
  return facts.serverKey;
}
