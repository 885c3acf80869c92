import { boxWitness } from '../facts/box-witness.js';
import { EHLO_ANSWERED, IS_ONE_SIDED } from '../facts/judging.js';
import { REFUSED } from '../facts/session-flags.js';
import { exchangeEvidence } from '../finding/evidence.js';
import type { FindingDraft } from '../finding/finding.js';
import type { Rule } from './rule.js';
import { BROKE } from './verdict.js';

const MAX_WAITING = 1_000;

/**
 * EHLO is refused with 500 or 502, and something else says that the firewall is why.
 *
 * A refusal alone proves nothing: old servers have no ESMTP, and the refusal's text is the server's own. A masked
 * greeting, a refusal that quotes X's, or EHLO accepted from others are the second witness. RFC 5321 §3.2, §4.1.1.1.
 */
export const ehloRejected: Rule = {
  meta: {
    id: 'ehlo-rejected',
    severity: 'high',
    title: 'EHLO is refused on the way',
    summary:
      'EHLO is refused with 500 or 502 in a session with a second sign of a firewall, or by a server that accepts it from others.',
    whyItMatters: 'The client falls back to HELO: no AUTH, no STARTTLS, no 8BITMIME, no size check.',
    remedy: [
      'PIX: `no fixup protocol smtp 25`; ASA: `no inspect esmtp`; IOS: take SMTP out of the inspection.',
    ],
    references: ['KB 320027', 'RFC 5321 §3.2', 'RFC 5321 §4.1.1.1'],
    symptoms: ['kb320027/4'],
    staysSilent: 'Servers that really have no ESMTP: a refusal without a second witness.',
    verdict: { kind: 'deed', order: 110, verb: BROKE, objects: ['EHLO'] },
    cure: 'inspection-off',
    confirmedBy: null,
    changes: ['ehlo-refused'],
    box: 'signature',
    needs: { occasion: EHLO_ANSWERED, doubts: IS_ONE_SIDED, seen: 'before-server' },
  },
  create: (context) => {
    let forgotten = 0;
    const waiting: FindingDraft[] = [];
    return {
      heeds: REFUSED,
      session(session) {
        for (const exchange of session.exchanges) {
          const code = exchange.reply?.code;
          if (
            exchange.verb !== 'EHLO' ||
            !exchange.line ||
            (code !== 500 && code !== 502) ||
            exchange.afterGap
          )
            continue;
          const witness = boxWitness(session, exchange);
          const evidence = exchangeEvidence(session, exchange, ['EHLO as it was sent', 'refused as unknown']);
          const draft: FindingDraft = {
            session: { id: session.id, capture: session.capture, server: session.server },
            subject: 'EHLO',
            confidence: witness?.confidence ?? 'likely',
            message: `EHLO was refused with ${code}, and ${witness?.clause ?? ''}.`,
            args: { code, witness: witness?.kind ?? 'other-session' },
            evidence: witness?.kind === 'echo' ? evidence : [...(witness?.evidence ?? []), ...evidence],
          };
          if (witness) context.report(draft);
          else if (waiting.length < MAX_WAITING) waiting.push(draft);
          else forgotten++;
        }
      },
      end() {
        for (const draft of waiting) {
          const known = context.knowledge.of(draft.session);
          if (!known?.esmtp || !known.session) continue;
          context.report({
            ...draft,
            confidence: 'likely',
            proof: 'contrast',
            contrast: [known.session],
            message: `EHLO was refused with ${draft.args.code} by a server that answers it with keywords in session ${known.session.id}: it is not the server that lacks ESMTP.`,
          });
        }
        if (forgotten > 0) {
          context.notAssessed({
            session: null,
            reason: 'limit',
            detail: `${forgotten} refusals of EHLO were not held against other sessions: only ${MAX_WAITING} are.`,
          });
        }
      },
    };
  },
};
