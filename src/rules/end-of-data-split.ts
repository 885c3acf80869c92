import { absenceDoubt } from '../facts/absence.js';
import { blackHole } from '../facts/black-hole.js';
import { isUnanswered, splitText } from '../facts/end-of-data.js';
import { fisherExact } from '../facts/fisher.js';
import { IS_OPEN, MESSAGE, MISSING } from '../facts/judging.js';
import { serverKeyOf } from '../facts/server-key.js';
import { MESSAGES } from '../facts/session-flags.js';
import { closeEvidence, lineEvidence } from '../finding/evidence.js';
import type { Confidence, Evidence, SeenIn } from '../finding/finding.js';
import type { SmtpExchange, SmtpMessage, SmtpSession } from '../smtp/session.js';
import type { Rule } from './rule.js';

/** Servers that are told apart; attempts at more are not counted. */
const MAX_SERVERS = 10_000;
/** Failed attempts of one server: those that are named, and packets that prove them. */
const MAX_NAMED = 10_000;
const MAX_EVIDENCE = 8;
/** Chance is no explanation below this. */
const SIGNIFICANT = 0.05;

interface Tally {
  splitFailed: number;
  splitPassed: number;
  wholeFailed: number;
  wholePassed: number;
  readonly failed: SeenIn[];
  readonly splits: Set<string>;
  readonly evidence: Evidence[];
}

/**
 * CRLF.CRLF straddles segments, and that attempt failed.
 *
 * Mailguard is known to refuse an end that is not in one packet (KB 295725, CSCds90792). One failure is an anecdote:
 * attempts with a split end are held against those with a whole one, at the same server.
 */
export const endOfDataSplit: Rule = {
  meta: {
    id: 'end-of-data-split',
    severity: 'high',
    title: 'A message whose end is split over segments fails',
    summary:
      'CRLF.CRLF straddles segments (says where) and no final reply came; contrasts split and whole ends at the same server.',
    whyItMatters:
      'Where an end lies in the segments is chance or the sender’s habit: some mail passes, some is sent again and again, and nobody sees a pattern.',
    remedy: [
      'PIX: an image with the fix of CSCds90792, or `no fixup protocol smtp 25`; ASA: `no inspect esmtp`.',
      'Postfix as the sender: `smtp_pix_workarounds = delay_dotcrlf` sends `.CRLF` after a pause, as one segment.',
    ],
    references: ['KB 295725', 'RFC 5321 §4.1.1.4', 'RFC 9293 §3.8'],
    symptoms: ['kb320027/7', 'kb320027/8'],
    staysSilent:
      'Servers where as many split ends pass as fail, gaps, one-sided and cut captures, whole ends that fail just the same.',
    verdict: { kind: 'consequence', order: 110, clause: 'messages whose end was split over segments failed' },
    cure: 'inspection-off',
    confirmedBy: null,
    changes: ['split-end-lost'],
    box: 'signature',
    needs: { occasion: MESSAGE, doubts: MISSING | IS_OPEN },
  },
  create: (context) => {
    const tallies = new Map<string, Tally>();
    let forgotten = 0;
    return {
      heeds: MESSAGES,
      session(session) {
        // The path lost what came in front of the end, however it was split.
        if (blackHole(session)?.direction === 'client') return;
        if (absenceDoubt(session) !== null) return;
        for (const exchange of session.exchanges) {
          if (exchange.kind !== 'end-of-data' || !exchange.line || exchange.message === null) continue;
          const message = session.messages[exchange.message];
          if (!message?.terminator) continue;
          const failed = isUnanswered(exchange, message);
          // A refusal is an answer: the end arrived.
          if (!failed && message.accepted === null) continue;
          const key = serverKeyOf(session);
          let tally = tallies.get(key);
          if (!tally) {
            if (tallies.size >= MAX_SERVERS) {
              forgotten++;
              continue;
            }
            tally = {
              splitFailed: 0,
              splitPassed: 0,
              wholeFailed: 0,
              wholePassed: 0,
              failed: [],
              splits: new Set(),
              evidence: [],
            };
            tallies.set(key, tally);
          }
          count(tally, session, exchange, message, failed);
        }
      },
      end() {
        for (const tally of tallies.values()) {
          const [first, ...others] = tally.failed;
          if (!first) continue;
          const judged = judge(tally);
          if (judged === null) continue;
          const splits = [...tally.splits];
          context.report({
            session: first,
            others,
            subject: '',
            confidence: judged.confidence,
            proof: judged.chance !== null && judged.chance < SIGNIFICANT ? 'contrast' : 'fits-among',
            message: `${attempts(tally.splitFailed, 'attempt')} whose end was split as ${splits.join(' or ')} got no final reply. ${judged.contrast}`,
            args: {
              splits,
              splitFailed: tally.splitFailed,
              splitPassed: tally.splitPassed,
              wholeFailed: tally.wholeFailed,
              wholePassed: tally.wholePassed,
              chance: judged.chance,
            },
            evidence: tally.evidence,
          });
        }
        if (forgotten > 0) {
          context.notAssessed({
            session: null,
            reason: 'limit',
            detail: `The ends of ${forgotten} messages were not compared: only those at ${MAX_SERVERS} servers are.`,
          });
        }
      },
    };
  },
};

function count(
  tally: Tally,
  session: SmtpSession,
  exchange: SmtpExchange,
  message: SmtpMessage,
  failed: boolean,
): void {
  const split = splitText(message.terminator!);
  if (split === null) {
    if (failed) tally.wholeFailed++;
    else tally.wholePassed++;
    return;
  }
  if (!failed) {
    tally.splitPassed++;
    return;
  }
  tally.splitFailed++;
  tally.splits.add(split);
  const { id, capture, server } = session;
  if (tally.failed.length < MAX_NAMED) tally.failed.push({ id, capture, server });
  if (tally.evidence.length >= MAX_EVIDENCE) return;
  tally.evidence.push(
    lineEvidence(session, exchange.line!, `the end, split as ${split}`),
    ...closeEvidence(session, 'no final reply until here'),
  );
}

/** null: the numbers do not speak against the split. */
function judge(tally: Tally): { confidence: Confidence; contrast: string; chance: number | null } | null {
  const { splitFailed, splitPassed, wholeFailed, wholePassed } = tally;
  if (splitPassed >= splitFailed) return null;
  const whole = wholeFailed + wholePassed;
  const passed = splitPassed > 0 ? ` ${attempts(splitPassed, 'other')} with a split end succeeded.` : '';
  if (whole === 0) {
    return {
      confidence: 'possible',
      contrast: `No attempt with its end in one segment was captured to hold against it.${passed} A server that takes long to accept, or dies, shows the same.`,
      chance: null,
    };
  }
  if (wholeFailed > 0 && wholeFailed * (splitFailed + splitPassed) >= splitFailed * whole) return null;
  const chance = fisherExact(splitFailed, splitPassed, wholeFailed, wholePassed);
  const sure = chance < SIGNIFICANT;
  const odds = chance < 0.001 ? 'less than 0.001' : chance.toFixed(3);
  return {
    confidence: sure ? 'likely' : 'possible',
    contrast: `With the end in one segment ${wholePassed} of ${whole} succeeded.${passed} The probability of such a difference by chance is ${odds} (Fisher’s exact test)${sure ? '' : ': too few attempts to rule chance out'}.`,
    chance: Number(chance.toPrecision(3)),
  };
}

function attempts(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}
