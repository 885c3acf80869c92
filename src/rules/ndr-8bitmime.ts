import { IS_OPEN, MISSING, REPORT } from '../facts/judging.js';
import { ehloWorked } from '../facts/mask.js';
import { KeptPlaces, placeNumber, placeOf } from '../facts/message-index.js';
import { MESSAGES } from '../facts/session-flags.js';
import { sessionKeywords } from '../facts/templates.js';
import { lineEvidence } from '../finding/evidence.js';
import type { Evidence, FindingDraft } from '../finding/finding.js';
import type { Rule, RuleContext } from './rule.js';

/** Reports remembered. */
const MAX_REPORTS = 1_000;

interface Original {
  readonly session: { readonly id: string; readonly capture: number };
  readonly us: number;
  /** What the sender saw of 8BITMIME. */
  readonly offer: 'offered' | 'masked' | 'no-ehlo' | 'absent';
  readonly evidence: readonly Evidence[];
}

/**
 * A delivery report on the wire says 5.6.1, "Body type not supported by Remote Host".
 *
 * The remote never said it: the sending server wrote it when 8BITMIME was not offered to it. RFC 3464, RFC 3463 §3.7.
 */
export const ndr8bitmime: Rule = {
  meta: {
    id: 'ndr-8bitmime',
    severity: 'medium',
    title: 'Delivery report: body type not supported',
    summary: 'A delivery report says 5.6.1 or "Body type not supported by Remote Host".',
    whyItMatters: 'Mail with 8-bit content comes back, because the sending server was not shown 8BITMIME.',
    remedy: ['Let EHLO and its keywords pass: PIX `no fixup protocol smtp 25`, ASA `no inspect esmtp`.'],
    references: ['KB 320027', 'RFC 3464 §2.3.4', 'RFC 3463 §3.7', 'RFC 6152 §3'],
    symptoms: ['kb320027/10'],
    staysSilent: 'Delivery reports with any other status, and messages that merely talk of one.',
    verdict: { kind: 'consequence', order: 40, clause: 'mail came back for its body type' },
    cure: 'inspection-off',
    confirmedBy: null,
    changes: [],
    box: 'nothing',
    needs: { occasion: REPORT, doubts: MISSING | IS_OPEN },
    eightBit: true,
  },
  create: (context) => {
    const originals = new KeptPlaces(context.kept);
    let forgotten = 0;
    const reports: { original: string | null; us: number; draft: FindingDraft }[] = [];
    return {
      heeds: MESSAGES,
      session(session) {
        for (const [index, message] of session.messages.entries()) {
          const { report } = message;
          if (message.looksLikeReport && report && (report.status === '5.6.1' || report.text !== null)) {
            if (reports.length >= MAX_REPORTS) {
              forgotten++;
              continue;
            }
            const time = message.time;
            reports.push({
              original: report.originalMessageId,
              us: time?.us ?? Number.NaN,
              draft: {
                session: { id: session.id, capture: session.capture, server: session.server },
                subject: report.originalMessageId ?? message.messageId ?? `${session.id}/${message.id}`,
                enduring: report.originalMessageId ?? message.messageId ?? '',
                confidence: 'possible',
                message: `A delivery report says ${report.status ?? '5.6.1'}${report.text ? `, "${report.text}"` : ''}.`,
                args: {
                  status: report.status,
                  originalMessageId: report.originalMessageId,
                  recipient: report.finalRecipient,
                },
                evidence: [
                  {
                    capture: session.capture,
                    packet: report.frame,
                    time,
                    direction: 'client',
                    offset: report.offset,
                    excerpt: `Status: ${report.status ?? '(none)'}`,
                    note: report.text ?? 'the delivery report',
                  },
                ],
              },
            });
          } else if (message.messageId !== null) {
            originals.note(message.messageId, placeNumber(session, index));
          }
        }
      },
      end() {
        for (const { original: id, us, draft } of reports) {
          const original = id === null ? null : originalOf(id, originals.find(id), context);
          if (!original || original.us > us) {
            context.report({
              ...draft,
              message: `${draft.message} The original is not in the capture: whether 8BITMIME was hidden from the sender, or the remote honestly lacks it, cannot be told.`,
            });
            continue;
          }
          const why = {
            masked: 'there the EHLO reply was masked: the sender was not shown 8BITMIME',
            'no-ehlo': 'there EHLO got no keywords: the sender could not see 8BITMIME',
            absent:
              'there 8BITMIME was not among the keywords; a remote that honestly lacks it shows the same',
            offered: 'there 8BITMIME was offered; the refusal came from further on',
          }[original.offer];
          context.report({
            ...draft,
            confidence: original.offer === 'masked' || original.offer === 'no-ehlo' ? 'likely' : 'possible',
            others: [original.session],
            message: `${draft.message} The original was sent in session ${original.session.id}; ${why}.`,
            evidence: [...draft.evidence, ...original.evidence],
          });
        }
        if (forgotten > 0) {
          context.notAssessed({
            session: null,
            reason: 'limit',
            detail: `${forgotten} delivery reports were not looked into: only ${MAX_REPORTS} are.`,
          });
        }
      },
    };
  },
};

/** The message with this Message-ID, if it is the one at that place. */
function originalOf(id: string, place: number, context: RuleContext): Original | null {
  if (place < 0) return null;
  const at = placeOf(place);
  const session = context.session(at.session);
  const message = session?.messages[at.message];
  if (!session || message?.messageId !== id) return null;
  const clear = session.extensions.some((extension) => extension.keyword === '8BITMIME');
  const masked = sessionKeywords(session).length > 0;
  const ehlo = session.exchanges.some(ehloWorked);
  const command = session.exchanges[message.commandExchange]?.line;
  return {
    session: { id: session.id, capture: session.capture },
    us: message.time?.us ?? Number.NaN,
    offer: clear ? 'offered' : masked ? 'masked' : ehlo ? 'absent' : 'no-ehlo',
    evidence: command ? [lineEvidence(session, command, 'the original message')] : [],
  };
}
