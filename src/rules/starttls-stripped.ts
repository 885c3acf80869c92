import { IS_OPEN, MISSING, STARTTLS_SENT } from '../facts/judging.js';
import { LOSS_TRAITS, lostVerbs } from '../facts/lost-verbs.js';
import type { Rule } from './rule.js';
import { TOOK_AWAY } from './verdict.js';

/**
 * STARTTLS was masked, refused or swallowed on the way: mail goes in clear text.
 *
 * A mask of eight octets may hide STARTTLS, CHUNKING or 8BITMIME: its length alone is never called STARTTLS.
 * RFC 3207 §4, §6.
 */
export const starttlsStripped: Rule = {
  meta: {
    id: 'starttls-stripped',
    severity: 'high',
    title: 'STARTTLS lost on the way',
    summary:
      'The STARTTLS keyword is masked, or the command is spoiled, swallowed or refused though it was offered.',
    whyItMatters:
      'Mail is sent in clear text, or not at all where TLS is demanded (DANE, MTA-STS): it stays in the queue.',
    remedy: [
      'ASA: `allow-tls` in the ESMTP inspection policy map; what is encrypted is then not inspected.',
      'Or `no inspect esmtp`.',
    ],
    references: ['RFC 3207 §4', 'RFC 3207 §6', 'KB 320027'],
    symptoms: ['kb320027/4', 'kb320027/5'],
    staysSilent:
      'Servers without TLS, replies 454 and 503, STARTTLS absent after STARTTLS, a mask whose length fits other keywords as well.',
    verdict: { kind: 'deed', order: 80, verb: TOOK_AWAY, objects: ['STARTTLS'] },
    cure: {
      part: 'ehlo-reply',
      order: 10,
      esmtp: '`allow-tls` in the inspection’s parameters: what is encrypted is then not inspected.',
      parameter: 'allow-tls',
    },
    confirmedBy: null,
    changes: ['lost STARTTLS'],
    box: 'nothing',
    needs: { occasion: STARTTLS_SENT, doubts: MISSING | IS_OPEN, seen: 'before-server' },
  },
  create: (context) => ({
    heeds: LOSS_TRAITS,
    session(session) {
      for (const loss of lostVerbs(session)) {
        if (loss.subject !== 'STARTTLS') continue;
        context.report({
          session,
          subject: 'STARTTLS',
          confidence: loss.confidence,
          message: `STARTTLS was lost on the way: ${loss.what}.`,
          args: { how: loss.how },
          evidence: loss.evidence,
        });
      }
    },
  }),
};
