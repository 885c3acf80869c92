import { EHLO_ACCEPTED } from '../facts/judging.js';
import { serverKey } from '../facts/server-key.js';
import { X_KEYWORD } from '../facts/session-flags.js';
import { type MaskedKeyword, sessionKeywords } from '../facts/templates.js';
import { lineEvidence } from '../finding/evidence.js';
import type { Finding } from '../finding/finding.js';
import { plural } from '../finding/words.js';
import type { Rule } from './rule.js';

/**
 * A line of the EHLO reply is X's: `250-XXXXXXXA`, `250 XXXB`; the ASA ends each with a letter that counts.
 *
 * The mask keeps the length of the line it hides; the order of the lines is laid over those of known servers. RFC 5321 §4.1.1.1.
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
    verdict: {
      kind: 'deed',
      order: 50,
      verb: { past: 'hid', participle: 'hidden' },
      objects: ({ findings }) => [keywords(findings)],
    },
    cure: {
      part: 'ehlo-reply',
      order: 20,
      esmtp:
        'No `mask` for `match ehlo-reply-parameter others`: keywords are then offered whose commands the inspection may still spoil.',
    },
    confirmedBy: { action: 'masked', cause: /\behlo-reply-parameter\b/i },
    changes: ['keyword-masked'],
    box: 'signature',
    needs: { occasion: EHLO_ACCEPTED, doubts: 0, seen: 'before-server' },
  },
  create: (context) => ({
    heeds: X_KEYWORD,
    session(session) {
      const keywords = sessionKeywords(session);
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
        const name = reading(keyword);
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
            tried: keyword.tried,
          },
          evidence: [lineEvidence(session, keyword.extension.line, `${keyword.octets} octets masked`)],
        });
      }
    },
  }),
};

/** What order and lengths say of the hidden line, and how much that is worth. */
function reading(keyword: MaskedKeyword): string {
  const candidates = keyword.candidates.join(', ') || 'no keyword that is known here';
  if (keyword.fits.length === 0) {
    const why =
      keyword.tried === 0
        ? 'Too few keywords are clear to compare their order with that of known servers.'
        : `None of ${keyword.tried} known servers' replies fits in order and lengths.`;
    return `${why} Of that length: ${candidates}. Which it was, the length alone does not say.`;
  }
  const fit = `Order and lengths fit ${keyword.fits.length} of ${keyword.tried} known servers' replies, ${keyword.fits.join(' and ')}`;
  if (keyword.name === null) return `${fit}, and leave ${candidates}: which of them it was cannot be told.`;
  const others = keyword.byLength.length > 0 ? ` (by length alone also ${some(keyword.byLength)})` : '';
  return `${fit}, where it is "${keyword.name}"${others}.`;
}

function some(words: readonly string[]): string {
  const more = words.length - 3;
  return more > 0 ? `${words.slice(0, 3).join(', ')} and ${more} more` : words.join(' or ');
}

/** A masked line is a finding of its own: as many as one session showed. Several servers are not added up. */
function keywords(findings: readonly Finding[]): string {
  if (new Set(findings.map(({ server }) => serverKey(server))).size > 1) return 'ESMTP keywords';
  const lines = new Map<string, number>();
  for (const { sessions } of findings) for (const id of sessions) lines.set(id, (lines.get(id) ?? 0) + 1);
  const most = Math.max(1, ...lines.values());
  return most === 1 ? 'an ESMTP keyword' : plural(most, 'ESMTP keyword');
}
