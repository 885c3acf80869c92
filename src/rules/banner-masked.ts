import type { BannerXray } from '../facts/banner-xray.js';
import { GREETED } from '../facts/judging.js';
import { greetingOf, type MaskedGreeting, sessionMask } from '../facts/mask.js';
import { sessionKeywords } from '../facts/templates.js';
import { lineEvidence } from '../finding/evidence.js';
import type { Confidence } from '../finding/finding.js';
import type { SmtpSession } from '../smtp/session.js';
import type { Rule } from './rule.js';
import { OVERWROTE } from './verdict.js';

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
/** With fewer 2's and 0's a greeting fits by chance: nothing is read from it. */
const MIN_KEPT = 5;
const MAX_SHOWN = 2;

/**
 * A greeting whose text has been overwritten in transit: `220 ****************2**0***`.
 *
 * The mask keeps length, 2's and 0's: known greetings are laid under it, and those that fit are named as no more
 * than that. Clients can then no longer see "ESMTP", and some fall back to HELO. RFC 5321 §3.1, §4.2.
 */
export const bannerMasked: Rule = {
  meta: {
    id: 'banner-masked',
    severity: 'medium',
    title: 'Server greeting masked in transit',
    summary:
      'The greeting of the server arrives as asterisks, all other text overwritten octet by octet; says which known greetings fit under it.',
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
    verdict: { kind: 'deed', order: 10, verb: OVERWROTE, objects: ["the server's greeting"] },
    cure: {
      part: 'greeting',
      order: 40,
      esmtp:
        '`no mask-banner`, only if the greeting is to be seen: it shows which server and release this is.',
      parameter: 'no mask-banner',
    },
    confirmedBy: { action: 'masked', cause: /^mask-banner\b/i },
    changes: ['greeting-masked'],
    box: 'signature',
    needs: { occasion: GREETED, doubts: 0, seen: 'before-server' },
  },
  create: (context) => ({
    session(session) {
      const greeting = greetingOf(session);
      const mask = sessionMask(session);
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
      const beneath = context.greetings.under(greeting.reply, mask);
      const doubt =
        confidence === 'certain'
          ? ''
          : ' A server may greet so by its own will: some traps and test servers do.';
      context.report({
        session,
        subject: mask.family,
        confidence,
        message: `The greeting of ${mask.octets} octets arrives masked: ${FAMILY_TEXT[mask.family]}. Its length was kept.${doubt}${beneath ? ` ${told(beneath)}` : ''}`,
        args: {
          family: mask.family,
          octets: mask.octets,
          stars: mask.stars,
          lines: greeting.reply.lines.length,
          tried: beneath?.tried ?? 0,
          fits: beneath?.readings.length ?? 0,
          readings: beneath && beneath.kept >= MIN_KEPT ? beneath.readings.map(({ text }) => text) : [],
        },
        evidence: greeting.reply.lines
          .slice(0, 3)
          .map((line) => lineEvidence(session, line, 'the greeting as it arrived')),
      });
    },
  }),
};

function judge(session: SmtpSession, mask: MaskedGreeting): Confidence {
  if (mask.family === 'cmap' || sessionKeywords(session).length > 0) return 'certain';
  if (mask.codesKept) return 'possible';
  if (mask.family === 'keep-2-0') {
    if (mask.stars >= CERTAIN_STARS) return 'certain';
    return mask.stars >= LIKELY_STARS ? 'likely' : 'possible';
  }
  return mask.stars >= CERTAIN_STARS ? 'likely' : 'possible';
}

/** What known greetings, laid under the mask, say of it. Never more than that they fit. */
function told({ readings, tried, kept }: BannerXray): string {
  if (readings.length === 0) return `None of ${tried} known greetings fits under it.`;
  const fit = `Of ${tried} known greetings ${readings.length} ${readings.length === 1 ? 'fits' : 'fit'} under it`;
  if (kept < MIN_KEPT) return `${fit}: too little was kept to tell which server it was.`;
  const [first] = readings;
  if (readings.length === 1) return `${fit}, "${first!.text}"; one that is not known here may fit as well.`;
  if (readings.length <= MAX_SHOWN) {
    return `${fit}, ${readings.map(({ text }) => `"${text}"`).join(' and ')}: which it was cannot be told.`;
  }
  const products = [...new Set(readings.map(({ product }) => product))];
  return products.length === 1
    ? `${fit}, all of ${products[0]}, such as "${first!.text}"; one that is not known here may fit as well.`
    : `${fit}, of ${products.join(', ')}: which it was cannot be told.`;
}
