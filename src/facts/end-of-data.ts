import type { SmtpExchange, SmtpMessage, Terminator } from '../smtp/session.js';
import { knownSilence } from './absence.js';

/**
 * No final reply came. A 421 is none when TCP never acknowledged the end: the server gave up waiting for it
 * (RFC 5321 §3.8).
 */
export function isUnanswered(exchange: SmtpExchange, message: SmtpMessage): boolean {
  if (exchange.reply) return exchange.reply.code === 421 && message.terminator?.acknowledged === false;
  const silence = knownSilence(exchange);
  return silence !== null && silence !== 'next';
}

const PARTS = ['CR', 'LF', '.', 'CR', 'LF'] as const;

/** `CRLF|.CRLF`: where new segments began within the five octets; null when they lay in one. */
export function splitText(terminator: Terminator): string | null {
  if (terminator.splits.length === 0) return null;
  const inside = terminator.splits.filter((position) => position > 0);
  if (inside.length === 0) return null;
  return PARTS.map((part, index) => (inside.includes(index) ? `|${part}` : part)).join('');
}
