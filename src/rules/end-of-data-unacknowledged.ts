import { absenceDoubt, knownSilence } from '../facts/absence.js';
import { blackHole } from '../facts/black-hole.js';
import { isUnanswered, splitText } from '../facts/end-of-data.js';
import { IS_OPEN, MESSAGE, MISSING } from '../facts/judging.js';
import { sessionMask } from '../facts/mask.js';
import { END_OPEN } from '../facts/session-flags.js';
import { sessionKeywords } from '../facts/templates.js';
import { foreignAcknowledgements } from '../facts/who-answered.js';
import { closeEvidence, lineEvidence, replyEvidence } from '../finding/evidence.js';
import { plural } from '../finding/words.js';
import type { SmtpSession, Terminator } from '../smtp/session.js';
import type { Rule } from './rule.js';

/** RFC 5321 §4.5.3.2.6: a client waits 10 minutes for the reply to the end of a message. */
/** A client that gives up sooner did not wait. RFC 5321 §4.5.3.2.6 asks for ten minutes. */
const LEAST_WAIT_US = 500_000;
const SLOW_ACCEPTANCE_US = 600e6;

/**
 * The message ended, and no final reply came.
 *
 * Mailguard is known to refuse CRLF.CRLF when it is split over two packets: the server never sees the end, the
 * sender never gets a reply, and sends the message again and again. RFC 5321 §4.1.1.4, RFC 1047.
 */
export const endOfDataUnacknowledged: Rule = {
  meta: {
    id: 'end-of-data-unacknowledged',
    severity: 'high',
    title: 'The end of the message was never answered',
    summary:
      'The client sent CRLF.CRLF and no final reply came; says whether the server’s TCP acknowledged it and where it was split.',
    whyItMatters:
      'The sender must believe that the message was not taken, and sends it again: recipients get it once for each attempt that arrived.',
    remedy: [
      'PIX: an image with the fix of CSCds90792, or `no fixup protocol smtp 25`; ASA: `no inspect esmtp`.',
      'Postfix as the sender: `smtp_pix_workarounds = delay_dotcrlf` bridges the time.',
    ],
    references: ['KB 295725', 'RFC 5321 §4.1.1.4', 'RFC 1047'],
    symptoms: ['kb320027/2', 'kb320027/7', 'kb320027/8'],
    staysSilent: 'Captures that end too early, gaps, one-sided captures: the reply could have been missed.',
    verdict: {
      kind: 'consequence',
      order: 50,
      clause: ({ findings: { length } }) =>
        length === 1
          ? 'the end of a message was never answered'
          : `the ends of ${plural(length, 'message')} were never answered`,
    },
    cure: 'inspection-off',
    confirmedBy: { action: 'ended', cause: /^matched Class \d+: (?:header|body|MIME)\b/i },
    changes: ['message-end-lost', 'final-reply-lost'],
    box: 'nothing',
    needs: { occasion: MESSAGE, doubts: MISSING | IS_OPEN },
  },
  create: (context) => ({
    heeds: END_OPEN,
    session(session) {
      if (absenceDoubt(session) !== null) return;
      // The path lost what came in front of the end: no box kept it for itself.
      if (blackHole(session)?.direction === 'client') return;
      for (const exchange of session.exchanges) {
        if (exchange.kind !== 'end-of-data' || !exchange.line || exchange.message === null) continue;
        const message = session.messages[exchange.message];
        const terminator = message?.terminator;
        if (!message || !terminator || !isUnanswered(exchange, message)) continue;
        const waitedUs = waited(session, terminator);
        // A client that goes at once had not waited for a reply.
        if (session.closedBy === 'client' && waitedUs < LEAST_WAIT_US) continue;
        const split = splitText(terminator);
        const seen = sessionMask(session) !== null || sessionKeywords(session).length > 0;
        const arrived = terminator.acknowledged;
        const byAnother = foreignAcknowledgements(session).find(({ frame }) => frame >= terminator.lastFrame);
        const slow = waitedUs >= SLOW_ACCEPTANCE_US;
        const confidence =
          arrived === false || byAnother || exchange.noReply === 'lost' || (seen && !slow)
            ? 'likely'
            : 'possible';
        const ack = byAnother
          ? `Another machine acknowledged it in the server’s name (frame ${byAnother.frame}, TTL ${byAnother.hopLimit}, the server’s own packets ${session.tcp.serverHopLimit}).`
          : exchange.noReply === 'lost'
            ? 'The server’s own sequence numbers show that it sent a reply, which never reached the client.'
            : arrived === null
              ? 'Whether the server’s TCP acknowledged it, the capture does not show.'
              : arrived
                ? 'The server’s TCP (or a box that answers for it) acknowledged it.'
                : 'It was never acknowledged by TCP: it did not arrive.';
        const end = exchange.reply
          ? 'the server gave up with 421, still waiting for the end'
          : knownSilence(exchange) === 'silent'
            ? 'nobody spoke any more'
            : `the ${session.closedBy ?? 'other side'} ${session.closed === 'rst' ? 'reset' : 'closed'} the connection`;
        const doubt =
          confidence === 'possible' ? ' A server that takes long to accept, or dies, shows the same.' : '';
        context.report({
          session,
          subject: message.messageId ?? `${session.id}/${exchange.message}`,
          enduring: message.messageId ?? '',
          confidence,
          message: `The message ${message.messageId ?? message.id} ended in frame ${terminator.lastFrame}${split ? `, split as ${split}` : ', in one segment'}, and no final reply came within ${Math.round(waitedUs / 1e6)} s, until ${end}. ${ack}${doubt}`,
          args: {
            messageId: message.messageId,
            acknowledged: arrived,
            split,
            waitedSeconds: Math.round(waitedUs / 1e6),
            closedBy: session.closedBy,
            reset: session.closed === 'rst',
          },
          evidence: [
            ...replyEvidence(
              session,
              session.exchanges[message.commandExchange]?.intermediate ?? null,
              'the server is ready for the message',
            ),
            lineEvidence(
              session,
              exchange.line,
              split ? `the end, split as ${split}` : 'the end of the message',
            ),
            ...replyEvidence(session, exchange.reply, 'the server gives up waiting: no reply to the message'),
            ...closeEvidence(session, 'no reply until here'),
          ],
        });
      }
    },
  }),
};

function waited(session: SmtpSession, terminator: Terminator): number {
  const us = (session.end?.us ?? Number.NaN) - (terminator.time?.us ?? Number.NaN);
  const rest = session.closed === 'end-of-capture' || session.closed === 'idle' ? session.silenceUs : 0;
  const sum = us + (Number.isFinite(rest) ? rest : 0);
  return Number.isFinite(sum) ? Math.max(0, sum) : 0;
}
