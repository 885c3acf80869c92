import { absenceDoubt, MIDSTREAM } from '../facts/absence.js';
import { GREETED } from '../facts/judging.js';
import { greetingOf } from '../facts/mask.js';
import { GREETING_OPEN } from '../facts/session-flags.js';
import { closeEvidence, lineEvidence } from '../finding/evidence.js';
import type { Rule } from './rule.js';

/** So long a client must have waited before its silence says something. RFC 5321 §4.5.3.2.1 allows 5 minutes. */
const WAITED_US = 5e6;

/**
 * A multi-line greeting whose later reply codes were masked: `220-****`, then `********`, and nobody speaks.
 *
 * The client waits for `220 ` and never sees it. RFC 5321 §4.2.1.
 */
export const greetingStalled: Rule = {
  meta: {
    id: 'greeting-stalled',
    severity: 'high',
    title: 'Masked multi-line greeting: the client waits for ever',
    summary:
      'A greeting of several lines lost its later reply codes to the mask, and the client waited until it gave up.',
    whyItMatters:
      'No mail passes at all: the sender never learns that the greeting is over, and gives up after minutes.',
    remedy: [
      'Give the server a greeting of one line; that alone cures the stall.',
      'ASA: `no mask-banner`. PIX: `no fixup protocol smtp 25`.',
    ],
    references: ['KB 320027', 'RFC 5321 §4.2.1', 'RFC 5321 §4.5.3.2.1'],
    symptoms: ['kb320027/1', 'kb320027/5'],
    staysSilent: 'Next to a gap, in a one-sided or cut capture, and where the client went on to speak.',
    verdict: {
      kind: 'deed',
      order: 40,
      verb: { past: 'left', participle: 'left' },
      objects: ['clients waiting for the end of the greeting'],
    },
    cure: 'inspection-off',
    confirmedBy: null,
    changes: [],
    box: 'nothing',
    needs: { occasion: GREETED, doubts: 0, seen: 'before-server' },
  },
  create: (context) => ({
    heeds: GREETING_OPEN,
    session(session) {
      if (absenceDoubt(session, MIDSTREAM) !== null) return;
      const greeting = greetingOf(session);
      if (!greeting || greeting.reply.complete) return;
      const { lines } = greeting.reply;
      const [first] = lines;
      const last = lines.at(-1);
      if (!first || !last || !/^220-/.test(first.text)) return;
      const broken = lines.slice(1).filter((line) => !/^220[ -]/.test(line.text));
      if (broken.length === 0 || !broken.every((line) => /^[*20 -]*\*[*20 -]*$/.test(line.text))) return;
      if (broken.some((line) => line.checksum === 'invalid')) return;
      const spoke = session.exchanges.some(
        (exchange) => exchange.kind === 'command' && exchange.verb !== 'QUIT',
      );
      if (spoke) return;
      const waitedUs = (session.end?.us ?? Number.NaN) - (last.time?.us ?? Number.NaN);
      const closed = session.closedBy !== null;
      const silent = session.silenceUs >= 60e6 || session.closed === 'idle';
      if (!silent && !(closed && waitedUs >= WAITED_US)) return;
      const seconds = Math.round((silent ? waitedUs + session.silenceUs : waitedUs) / 1e6);
      context.report({
        session,
        subject: 'greeting',
        confidence: 'certain',
        message: `The greeting begins with "220-", its ${broken.length} later line(s) lost their reply code to the mask, and the client said nothing for ${seconds} s: it still waits for "220 ".`,
        args: { lines: lines.length, codesLost: broken.length, waitedSeconds: seconds },
        evidence: [
          lineEvidence(session, first, 'promises more lines'),
          lineEvidence(session, last, 'its reply code is overwritten: the greeting never ends'),
          ...closeEvidence(session, 'the connection is given up'),
        ],
      });
    },
  }),
};
