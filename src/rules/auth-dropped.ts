import { AUTH_SENT, IS_OPEN, MISSING } from '../facts/judging.js';
import { LOSS_TRAITS, lostVerbs } from '../facts/lost-verbs.js';
import type { Rule } from './rule.js';
import { TOOK_AWAY } from './verdict.js';

/**
 * AUTH was masked, refused or swallowed on the way.
 *
 * A wrong password (535), a demand for TLS first (530, 538) and AUTH offered only inside TLS are the server's own
 * affair. RFC 4954 §4, §6.
 */
export const authDropped: Rule = {
  meta: {
    id: 'auth-dropped',
    severity: 'high',
    title: 'AUTH lost on the way',
    summary:
      'The AUTH keyword is masked, or the AUTH command is spoiled, swallowed or refused though it was offered.',
    whyItMatters:
      'Clients cannot log on: their mail is refused as relaying, with a message that blames the user.',
    remedy: [
      'PIX: `no fixup protocol smtp 25`; ASA: `no inspect esmtp` or a policy map without the mask.',
      'Or let clients submit on port 587 or 465, which these inspections leave alone by default.',
    ],
    references: ['KB 320027', 'RFC 4954 §4'],
    symptoms: ['kb320027/6', 'kb320027/9'],
    staysSilent: 'Replies 535, 530, 538, 454, 504; AUTH that is simply not offered, or only inside TLS.',
    verdict: { kind: 'deed', order: 70, verb: TOOK_AWAY, objects: ['AUTH'] },
    cure: 'inspection-off',
    confirmedBy: null,
    changes: ['lost AUTH'],
    box: 'nothing',
    needs: { occasion: AUTH_SENT, doubts: MISSING | IS_OPEN, seen: 'before-server' },
  },
  create: (context) => ({
    heeds: LOSS_TRAITS,
    session(session) {
      for (const loss of lostVerbs(session)) {
        if (loss.subject !== 'AUTH') continue;
        context.report({
          session,
          subject: 'AUTH',
          confidence: loss.confidence,
          message: `AUTH was lost on the way: ${loss.what}.`,
          args: { how: loss.how },
          evidence: loss.evidence,
        });
      }
    },
  }),
};
