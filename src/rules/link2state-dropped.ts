import { IS_OPEN, MISSING, PRIVATE_VERB } from '../facts/judging.js';
import { LOSS_TRAITS, lostVerbs } from '../facts/lost-verbs.js';
import type { Rule } from './rule.js';
import { TOOK_AWAY, verbs } from './verdict.js';

const EXCHANGE_VERBS = new Set(['X-LINK2STATE', 'X-EXPS', 'XEXCH50']);

/**
 * X-LINK2STATE, X-EXPS or XEXCH50 was masked, refused or swallowed on the way.
 *
 * Exchange 2000 and 2003 exchange routing state and authenticate to each other with these verbs.
 */
export const link2stateDropped: Rule = {
  meta: {
    id: 'link2state-dropped',
    severity: 'medium',
    title: 'Exchange’s own verbs lost on the way',
    summary:
      'X-LINK2STATE, X-EXPS or XEXCH50 is masked, spoiled, swallowed or refused though it was offered.',
    whyItMatters:
      'Routing groups no longer learn each other’s link state, and servers cannot authenticate to each other.',
    remedy: [
      'Take mail between the organisation’s own servers out of the inspection: `no inspect esmtp` (PIX: `no fixup protocol smtp 25`).',
    ],
    references: ['KB 320027'],
    symptoms: ['kb320027/12', 'kb320027/13', 'kb320027/14'],
    staysSilent: 'Servers that do not offer these verbs; authentication that was carried and failed.',
    verdict: { kind: 'deed', order: 100, verb: TOOK_AWAY, objects: verbs },
    cure: 'inspection-off',
    confirmedBy: null,
    changes: ['lost X-LINK2STATE', 'lost X-EXPS', 'lost XEXCH50'],
    box: 'nothing',
    needs: { occasion: PRIVATE_VERB, doubts: MISSING | IS_OPEN, seen: 'before-server' },
  },
  create: (context) => ({
    heeds: LOSS_TRAITS,
    session(session) {
      for (const loss of lostVerbs(session)) {
        if (!EXCHANGE_VERBS.has(loss.subject)) continue;
        context.report({
          session,
          subject: loss.subject,
          confidence: loss.confidence,
          message: `${loss.subject} was lost on the way: ${loss.what}.`,
          args: { verb: loss.subject, how: loss.how },
          evidence: loss.evidence,
        });
      }
    },
  }),
};
