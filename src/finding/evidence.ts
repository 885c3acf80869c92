import type { SmtpExchange, SmtpLine, SmtpReply, SmtpSession } from '../smtp/session.js';
import type { Evidence } from './finding.js';

/** Octets of a line that are shown. */
const EXCERPT = 120;

/** The packet of one line, and what it shows. */
export function lineEvidence(session: SmtpSession, line: SmtpLine, note: string): Evidence {
  return {
    capture: session.capture,
    packet: line.lastFrame,
    time: line.time,
    direction: line.direction,
    offset: line.offset,
    excerpt: line.text.length > EXCERPT ? `${line.text.slice(0, EXCERPT)}...` : line.text,
    note,
  };
}

/** The first line of a reply; nothing when the reply has none. */
export function replyEvidence(session: SmtpSession, reply: SmtpReply | null, note: string): Evidence[] {
  const line = reply?.lines[0];
  return line ? [lineEvidence(session, line, note)] : [];
}

/** A command and its reply. */
export function exchangeEvidence(
  session: SmtpSession,
  exchange: SmtpExchange,
  notes: readonly [command: string, reply: string],
): Evidence[] {
  return [
    ...(exchange.line ? [lineEvidence(session, exchange.line, notes[0])] : []),
    ...replyEvidence(session, exchange.reply, notes[1]),
  ];
}

/** How the connection ended, when that was seen. */
export function closeEvidence(session: SmtpSession, note: string): Evidence[] {
  if (session.closeFrame === null || session.closedBy === null) return [];
  return [
    {
      capture: session.capture,
      packet: session.closeFrame,
      time: null,
      direction: session.closedBy,
      offset: null,
      excerpt: session.closed === 'rst' ? '(RST)' : '(FIN)',
      note,
    },
  ];
}
