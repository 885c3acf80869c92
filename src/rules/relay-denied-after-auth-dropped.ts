import { MISSING, RCPT_ANSWERED } from '../facts/judging.js';
import { ehloLost, lostVerbs } from '../facts/lost-verbs.js';
import { REFUSED } from '../facts/session-flags.js';
import { exchangeEvidence } from '../finding/evidence.js';
import type { SmtpReply } from '../smtp/session.js';
import type { Rule } from './rule.js';

/**
 * A recipient is refused as relaying in a session that could not authenticate, because AUTH was lost on the way.
 *
 * RFC 3463 §3.8 (5.7.1), RFC 4954 §6.
 */
export const relayDeniedAfterAuthDropped: Rule = {
  meta: {
    id: 'relay-denied-after-auth-dropped',
    severity: 'high',
    title: 'Relaying denied because AUTH was lost',
    summary:
      'RCPT is refused as relaying (550 5.7.1) in a session in which AUTH, or EHLO with it, was lost on the way.',
    whyItMatters:
      'The user is told that relaying is denied, and passwords and permissions are searched in vain.',
    remedy: [
      'Cure the loss of AUTH: PIX `no fixup protocol smtp 25`, ASA `no inspect esmtp`; or submit on port 587.',
    ],
    references: ['KB 320027', 'RFC 3463 §3.8', 'RFC 4954 §6'],
    symptoms: ['kb320027/6', 'kb320027/9'],
    staysSilent:
      'Relay refusals in sessions in which AUTH was visible, succeeded, or was refused for its password.',
    verdict: { kind: 'consequence', order: 10, clause: 'a recipient was refused as relaying' },
    cure: 'inspection-off',
    confirmedBy: null,
    changes: ['recipient-refused'],
    box: 'nothing',
    needs: { occasion: RCPT_ANSWERED, doubts: MISSING },
  },
  create: (context) => ({
    heeds: REFUSED,
    session(session) {
      const refused = session.exchanges.find(
        (exchange) => exchange.verb === 'RCPT' && exchange.reply !== null && relayDenied(exchange.reply),
      );
      if (!refused) return;
      const authenticated = session.exchanges.some((exchange) => exchange.reply?.code === 235);
      if (authenticated) return;
      const auth = lostVerbs(session).find((loss) => loss.subject === 'AUTH');
      const ehlo = ehloLost(session);
      if (!auth && !ehlo) return;
      const lost = auth ?? lostVerbs(session).find((loss) => loss.subject === 'EHLO');
      const code = refused.reply!.code;
      context.report({
        session,
        subject: 'RCPT',
        confidence: auth && auth.confidence !== 'possible' ? 'likely' : 'possible',
        message: auth
          ? `RCPT was refused with ${code} as relaying in a session that lost AUTH on the way (${auth.what}).`
          : `RCPT was refused with ${code} as relaying in a session whose EHLO did not reach the server: the client never saw whether AUTH is offered. The recipient may be refused for its own sake as well.`,
        args: { code, how: auth?.how ?? 'ehlo-lost' },
        evidence: [
          ...(lost?.evidence ?? []),
          ...exchangeEvidence(session, refused, ['the recipient', 'refused as relaying']),
        ],
      });
    },
  }),
};

function relayDenied(reply: SmtpReply): boolean {
  const { code, enhanced } = reply;
  if (code === null || ![454, 550, 551, 553, 554].includes(code)) return false;
  return (
    enhanced === '5.7.1' || enhanced === '4.7.1' || reply.lines.some((line) => /\brelay/i.test(line.text))
  );
}
