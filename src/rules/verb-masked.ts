import { ANSWERED, MISSING } from '../facts/judging.js';
import { echoedMask, isSpoiledTls, maskedCommand, sessionMask, VERBS_BY_LENGTH } from '../facts/mask.js';
import { REFUSED, X_COMMAND } from '../facts/session-flags.js';
import { sessionKeywords } from '../facts/templates.js';
import { exchangeEvidence } from '../finding/evidence.js';
import type { Rule } from './rule.js';
import { OVERWROTE, verbs } from './verdict.js';

/**
 * A command arrived as X's, or the server's refusal quotes X's where something else was sent.
 *
 * The box cannot refuse a command without changing lengths, so it spoils it and lets the server refuse.
 */
export const verbMasked: Rule = {
  meta: {
    id: 'verb-masked',
    severity: 'high',
    title: 'Command overwritten with X’s in transit',
    summary:
      'A command on the wire is X’s (seen at the server), or a refusal quotes X’s of the length that was sent (seen at the client).',
    whyItMatters:
      'The server never got the command. Its refusal is blamed on the server, though it answers what the firewall made of it.',
    remedy: [
      'ASA: `no inspect esmtp`, or `allow-tls` where only STARTTLS is hit. PIX: `no fixup protocol smtp 25`.',
    ],
    references: ['KB 320027', 'RFC 5321 §4.1.1', 'RFC 5321 §4.2.4'],
    symptoms: ['kb320027/3', 'kb320027/4'],
    staysSilent:
      'X’s elsewhere than in a command’s or a quoted command’s place; wrong checksums (anonymised captures).',
    verdict: { kind: 'deed', order: 120, verb: OVERWROTE, objects: verbs },
    cure: 'inspection-off',
    confirmedBy: { action: 'masked', cause: /\bcmd verb\b/i },
    changes: ['command-masked'],
    box: 'signature',
    needs: { occasion: ANSWERED, doubts: MISSING },
  },
  create: (context) => ({
    heeds: REFUSED | X_COMMAND,
    session(session) {
      for (const exchange of session.exchanges) {
        const echoed = echoedMask(exchange);
        if (echoed) {
          context.report({
            session,
            subject: exchange.verb,
            confidence: 'certain',
            message: `"${exchange.verb}" was sent, and the refusal (${exchange.reply!.code}) quotes "${echoed.quoted}", of the same length as the ${echoed.matches}: the server got X's in its place.`,
            args: {
              verb: exchange.verb,
              quoted: echoed.quoted,
              octets: echoed.quoted.length,
              seenAt: 'client',
            },
            evidence: exchangeEvidence(session, exchange, [
              'sent in clear',
              'quotes what arrived at the server',
            ]),
          });
          continue;
        }
        if (!maskedCommand(exchange) || isSpoiledTls(session, exchange)) continue;
        const { line } = exchange;
        if (line!.checksum === 'invalid') {
          context.notAssessed({
            session: session.id,
            reason: 'anonymised',
            detail:
              'A command is X’s in a segment with a wrong checksum: it may have been overwritten after the capture.',
          });
          continue;
        }
        const token = exchange.line!.text.split(' ', 1)[0]!;
        const candidates = VERBS_BY_LENGTH[token.length] ?? [];
        const second = sessionMask(session) !== null || sessionKeywords(session).length > 0;
        context.report({
          session,
          subject: token,
          confidence: second ? 'certain' : 'likely',
          message: `A command of ${line!.octets} octets reached the server as X's. ${candidates.length > 0 ? `Verbs of that length that are known to be masked: ${candidates.join(', ')}.` : 'Masks that cover the whole line hide the verb’s own length.'}${second ? '' : ' Somebody may also have typed it.'}`,
          args: { octets: line!.octets, verbOctets: token.length, candidates, seenAt: 'server' },
          evidence: exchangeEvidence(session, exchange, [
            'the command as it arrived',
            'the server refuses the X’s',
          ]),
        });
      }
    },
  }),
};
