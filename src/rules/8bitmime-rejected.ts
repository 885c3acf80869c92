import { EIGHT_BIT, IS_OPEN, MISSING } from '../facts/judging.js';
import { REFUSED } from '../facts/session-flags.js';
import { exchangeEvidence, lineEvidence } from '../finding/evidence.js';
import type { Rule } from './rule.js';

/**
 * An 8-bit body is refused though nobody said that it would be: 554 5.6.1, or BODY=8BITMIME refused though offered.
 *
 * RFC 6152 §2, RFC 3463 §3.7.
 */
export const eightBitMimeRejected: Rule = {
  meta: {
    id: '8bitmime-rejected',
    severity: 'medium',
    title: '8-bit body refused',
    summary:
      'The message is refused with 554 5.6.1, or MAIL with BODY=8BITMIME is refused by a server that offered 8BITMIME.',
    whyItMatters: 'Mail with 8-bit content comes back, mail without passes: the failure looks random.',
    remedy: [
      'Let the keyword and the parameter pass: ASA `no inspect esmtp`, PIX `no fixup protocol smtp 25`.',
      'Or have the sender encode to 7 bit.',
    ],
    references: ['KB 320027', 'RFC 6152 §2', 'RFC 3463 §3.7'],
    symptoms: ['kb320027/10'],
    staysSilent: 'Other refusals of a message, and BODY=8BITMIME refused where it was not offered.',
    verdict: { kind: 'consequence', order: 20, clause: '8-bit mail was refused' },
    cure: 'inspection-off',
    confirmedBy: null,
    changes: [],
    box: 'nothing',
    needs: { occasion: EIGHT_BIT, doubts: MISSING | IS_OPEN, seen: 'before-server' },
    eightBit: true,
  },
  create: (context) => ({
    heeds: REFUSED,
    session(session) {
      const offer = session.extensions.find((extension) => extension.keyword === '8BITMIME');
      for (const exchange of session.exchanges) {
        const { reply } = exchange;
        if (!reply?.code || reply.code < 500) continue;
        const said561 =
          reply.enhanced === '5.6.1' ||
          reply.lines.some((line) => /body type not supported/i.test(line.text));
        if (exchange.message !== null && said561) {
          const message = session.messages[exchange.message];
          // A body of 7 bits that nobody declared to be more was not refused for 8BITMIME.
          if (message && !message.eightBit && message.missingOctets === 0 && message.body !== '8BITMIME')
            continue;
          context.report({
            session,
            subject: message?.messageId ?? `${session.id}/${exchange.message}`,
            enduring: message?.messageId ?? '',
            confidence: offer ? 'likely' : 'possible',
            message: `The message was refused with ${reply.code} ${reply.enhanced ?? ''}: its body type is not supported${
              offer
                ? ', though 8BITMIME was offered.'
                : '. 8BITMIME was not offered in this session: a server that honestly lacks it refuses so as well.'
            }`,
            args: {
              code: reply.code,
              enhanced: reply.enhanced,
              offered: offer !== undefined,
              eightBit: message?.eightBit ?? null,
            },
            evidence: [
              ...(offer ? [lineEvidence(session, offer.line, '8BITMIME was offered')] : []),
              ...exchangeEvidence(session, exchange, ['the end of the message', 'refused for its body type']),
            ],
          });
        } else if (exchange.verb === 'MAIL' && /\bBODY=8BITMIME\b/i.test(exchange.argument ?? '') && offer) {
          const parameter = [501, 504, 555].includes(reply.code) || said561;
          if (!parameter) continue;
          context.report({
            session,
            subject: 'MAIL BODY=8BITMIME',
            confidence: 'likely',
            message: `MAIL with BODY=8BITMIME was refused with ${reply.code} by a server that offers 8BITMIME.`,
            args: { code: reply.code, enhanced: reply.enhanced, offered: true, eightBit: null },
            evidence: [
              lineEvidence(session, offer.line, '8BITMIME was offered'),
              ...exchangeEvidence(session, exchange, ['the parameter', 'refused']),
            ],
          });
        }
      }
    },
  }),
};
