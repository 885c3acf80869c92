import { ANSWERED, EHLO_ANSWERED } from '../facts/judging.js';
import type { Rule } from './rule.js';
import { verbs } from './verdict.js';

const REWROTE = { past: 'rewrote', participle: 'rewritten' };

/**
 * A command arrives as another one: EHLO as HELO, for instance, which leaves the client without any keyword.
 *
 * Only the two sides of a box show it: what each of them holds by itself is honest SMTP. `compare` reports it.
 */
export const verbRewritten: Rule = {
  meta: {
    id: 'verb-rewritten',
    severity: 'medium',
    title: 'Command rewritten in transit',
    summary:
      'Both sides seen: a command arrives as another one, such as EHLO as HELO, and the server answers what the client never asked.',
    whyItMatters:
      'The client believes that the server answered its own command. EHLO that arrives as HELO costs every keyword: no STARTTLS, no AUTH, no SIZE, no 8BITMIME, and mail goes in clear and without a login.',
    remedy: [
      'Turn off the SMTP proxy or inspection of the box between the two captures, or let it pass ESMTP (EHLO).',
    ],
    references: ['RFC 5321 §2.2.1', 'RFC 5321 §4.1.1.1'],
    symptoms: ['kb320027/4'],
    staysSilent:
      'One side alone; verbs in other letter case; a client that falls back to HELO by itself; verbs overwritten with X’s or with NOOP, which have rules of their own.',
    verdict: { kind: 'deed', order: 125, verb: REWROTE, objects: verbs },
    cure: 'inspection-off',
    confirmedBy: null,
    changes: ['command-rewritten'],
    box: 'nothing',
    needs: { occasion: ANSWERED | EHLO_ANSWERED, doubts: 0, seen: 'both-sides' },
  },
  create: () => ({}),
};
