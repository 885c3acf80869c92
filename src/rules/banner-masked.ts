import type { SmtpSession } from '../smtp/session.js';
import { lineEvidence } from './evidence.js';
import type { Confidence } from './finding.js';
import { greetingOf, type MaskedGreeting, maskedGreeting } from './mask.js';
import type { Rule } from './rule.js';
import { maskedKeywords } from './templates.js';

const FAMILY_TEXT = {
  'keep-2-0':
    'everything but 2, 0 and spaces was overwritten with asterisks, as PIX 5.1 and later and the ASA do',
  'all-stars':
    'the whole text was overwritten with asterisks, as PIX 4.4 does (later boxes leave 2 and 0, where the text has any)',
  cmap: 'the text was replaced by "SMTP/cmap", as the oldest PIX do',
} as const;

/** So many asterisks no honest administrator types around kept 2's and 0's. */
const CERTAIN_STARS = 20;
const LIKELY_STARS = 8;

/**
 * A greeting whose text has been overwritten in transit: `220 ****************2**0***`.
 *
 * Clients can then no longer see "ESMTP", and some fall back to HELO. RFC 5321 §3.1, §4.2.
 */
export const bannerMasked: Rule = {
  meta: {
    id: 'banner-masked',
    severity: 'medium',
    title: 'Server greeting masked in transit',
    summary: 'The greeting of the server arrives as asterisks, all other text overwritten octet by octet.',
    whyItMatters:
      'It proves that something between client and server rewrites SMTP. Senders that look for "ESMTP" in the greeting fall back to HELO and lose AUTH, STARTTLS, SIZE and 8BITMIME; others switch on workarounds that slow mail down.',
    remedy: [
      'ASA: in the ESMTP inspection policy map, `parameters` / `no mask-banner`.',
      'PIX: `no fixup protocol smtp 25`; ASA without a policy map of its own: `no inspect esmtp`.',
    ],
    references: ['KB 320027', 'KB 295725', 'RFC 5321 §3.1', 'RFC 5321 §4.2'],
    symptoms: ['kb320027/1', 'kb320027/5'],
    staysSilent:
      'A greeting with any clear text (asterisks that decorate it), fewer than three asterisks, `220 `, `220 2002`, and masks in segments whose checksum is wrong (anonymised captures).',
  },
  create: (context) => ({
    session(session) {
      const greeting = greetingOf(session);
      const mask = greeting && maskedGreeting(greeting.reply);
      if (!greeting || !mask) return;
      if (greeting.reply.lines.some((line) => line.checksum === 'invalid')) {
        context.notAssessed({
          session: session.id,
          reason: 'anonymised',
          detail:
            'The greeting is masked in a segment with a wrong checksum: it may have been overwritten after the capture.',
        });
        return;
      }
      const confidence = judge(session, mask);
      const doubt =
        confidence === 'certain'
          ? ''
          : ' A server may greet so by its own will: some traps and test servers do.';
      context.report({
        session,
        subject: mask.family,
        confidence,
        message: `The greeting of ${mask.octets} octets arrives masked: ${FAMILY_TEXT[mask.family]}. Its length was kept.${doubt}`,
        args: {
          family: mask.family,
          octets: mask.octets,
          stars: mask.stars,
          lines: greeting.reply.lines.length,
        },
        evidence: greeting.reply.lines
          .slice(0, 3)
          .map((line) => lineEvidence(session, line, 'the greeting as it arrived')),
      });
    },
  }),
};

function judge(session: SmtpSession, mask: MaskedGreeting): Confidence {
  if (mask.family === 'cmap' || maskedKeywords(session.extensions).length > 0) return 'certain';
  if (mask.codesKept) return 'possible';
  if (mask.family === 'keep-2-0') {
    if (mask.stars >= CERTAIN_STARS) return 'certain';
    return mask.stars >= LIKELY_STARS ? 'likely' : 'possible';
  }
  return mask.stars >= CERTAIN_STARS ? 'likely' : 'possible';
}
