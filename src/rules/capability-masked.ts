import { lineEvidence } from './evidence.js';
import type { Rule } from './rule.js';
import { maskedKeywords } from './templates.js';

/**
 * A line of the EHLO reply is X's: `250-XXXXXXXA`, `250 XXXB`; the ASA ends each with a letter that counts.
 *
 * The mask keeps the length of the line it hides. RFC 5321 §4.1.1.1.
 */
export const capabilityMasked: Rule = {
  meta: {
    id: 'capability-masked',
    severity: 'medium',
    title: 'ESMTP keyword masked in the EHLO reply',
    summary:
      'A keyword line of the EHLO reply arrives as X’s of the same length, on an ASA with a letter counting A, B, C.',
    whyItMatters:
      'The client cannot use what it cannot read: without STARTTLS mail goes in clear text, without CHUNKING or X-LINK2STATE servers of one organisation stop understanding each other.',
    remedy: [
      'ASA: in the ESMTP inspection policy map, no `mask` for `match ehlo-reply-parameter others`; for STARTTLS `allow-tls`.',
      'Or `no inspect esmtp` where nothing depends on it.',
    ],
    references: ['KB 320027', 'RFC 5321 §4.1.1.1'],
    symptoms: ['kb320027/4', 'kb320027/12'],
    staysSilent:
      'Keywords that merely begin with X (XCLIENT, X-EXPS), up to three X’s without the letters, wrong checksums (anonymised captures).',
  },
  create: (context) => ({
    session(session) {
      const keywords = maskedKeywords(session.extensions);
      if (keywords.length === 0) return;
      if (keywords.some(({ extension }) => extension.line.checksum === 'invalid')) {
        context.notAssessed({
          session: session.id,
          reason: 'anonymised',
          detail:
            'Keywords are masked in a segment with a wrong checksum: they may have been overwritten after the capture.',
        });
        return;
      }
      const sequence = keywords.filter((keyword) => keyword.letter !== null).length;
      for (const [index, keyword] of keywords.entries()) {
        const candidates = keyword.candidates.join(', ') || 'no keyword that is known here';
        const name = keyword.name
          ? `Order and lengths fit ${keyword.fits.join(' and ')}, where it is "${keyword.name}".`
          : keyword.fits.length > 0
            ? `Order and lengths fit ${keyword.fits.join(' and ')} and leave ${candidates}: which of them it was cannot be told.`
            : `Of that length: ${candidates}. Which it was, the length alone does not say.`;
        context.report({
          session,
          subject: `${index}:${keyword.extension.text}`,
          confidence:
            keyword.letter !== null ? (sequence > 1 || keyword.octets >= 4 ? 'certain' : 'likely') : 'likely',
          message: `A line of ${keyword.octets} octets in the EHLO reply is masked as "${keyword.extension.text}"${keyword.letter ? `, letter ${keyword.letter} of the ASA's count` : ''}. ${name}`,
          args: {
            octets: keyword.octets,
            letter: keyword.letter,
            candidates: keyword.candidates,
            name: keyword.name,
            fits: keyword.fits,
          },
          evidence: [lineEvidence(session, keyword.extension.line, `${keyword.octets} octets masked`)],
        });
      }
    },
  }),
};
