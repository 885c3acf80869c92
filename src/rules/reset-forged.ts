import { ENDED, IS_ONE_SIDED } from '../facts/judging.js';
import type { Confidence, Evidence, FindingDraft } from '../finding/finding.js';
import type { SmtpSession } from '../smtp/session.js';
import type { Direction } from '../stream/event.js';
import type { Rule } from './rule.js';

/** Routes of one path differ by less. */
const MIN_HOPS = 5;

/**
 * A reset inside a session that the side in whose name it came did not write.
 *
 * Who has reset a connection sends no further byte on it. A box that ends a session for reasons of its own writes resets in the
 * names of both sides; where one is lost, or its numbers do not fit, the session goes on behind it. RFC 9293 §3.10.7, RFC 5961.
 */
export const resetForged: Rule = {
  meta: {
    id: 'reset-forged',
    severity: 'medium',
    title: 'Somebody else reset the connection',
    summary:
      'A reset stands in the middle of a session whose sender goes on behind it, or it comes from another machine than the packets around it.',
    whyItMatters:
      'Something on the path ends mail sessions in the name of the server or of the client; each of them thinks that it was the other.',
    remedy: [
      'Look for an intrusion prevention, a content filter or a provider that resets connections: its log names the rule. The TTL of the reset says how far away it stands.',
      'ASA: `show asp drop` and `show service-policy inspect esmtp` count resets of an inspection.',
      'Capture on both sides of the firewall at once: mailwitness compare says on which side the reset begins.',
    ],
    references: ['RFC 9293 §3.10.7.3', 'RFC 5961 §3'],
    symptoms: [],
    staysSilent:
      'Resets of a connection that is closed already, resets behind which nobody says anything new, packets captured out of order.',
    verdict: {
      kind: 'deed',
      order: 35,
      verb: { past: 'reset', participle: 'reset' },
      objects: ['connections'],
    },
    cure: 'elsewhere',
    confirmedBy: null,
    changes: [],
    box: 'nothing',
    needs: { occasion: ENDED, doubts: IS_ONE_SIDED },
  },
  create: (context) => ({
    session(session) {
      const draft = wentOn(session) ?? notBelieved(session) ?? otherStack(session);
      if (draft !== null) context.report(draft);
    },
  }),
};

type Draft = FindingDraft | null;

/** The side in whose name the reset was written says something new behind it. */
function wentOn(session: SmtpSession): Draft {
  const [first] = session.tcp.forgedResets;
  if (!first) return null;
  const { direction, frame, time, hopLimit, wentOnFrame, answeredFrame } = first;
  const other = direction === 'client' ? 'server' : 'client';
  const both = answeredFrame !== null;
  return draft(session, direction, both ? 'certain' : 'likely', {
    message: `A reset in the name of the ${direction} stands in the middle of the session (TTL ${hopLimit}), and the ${direction} goes on behind it${both ? `, and so does the ${other}: neither of them wrote or believed it` : `, while the ${other} believed it`}. Something on the path wrote it.`,
    hopLimit,
    evidence: [
      packet(session, frame, time, direction, '(RST)', `a reset in the name of the ${direction}`),
      packet(session, wentOnFrame, null, direction, '', `the ${direction} goes on`),
      ...(both ? [packet(session, answeredFrame, null, other, '', `the ${other} goes on, too`)] : []),
    ],
  });
}

/** Its numbers do not fit, and the dialogue goes on. */
function notBelieved(session: SmtpSession): Draft {
  const { unfitResets } = session.tcp;
  if (unfitResets === null || session.exchanges.length === 0) return null;
  const next = session.exchanges.find(({ reply }) => (reply?.lines[0]?.frame ?? 0) > unfitResets.frame);
  const line = next?.reply?.lines[0];
  if (!line || session.midstream) return null;
  const { frame, time, count } = unfitResets;
  return draft(session, 'server', 'likely', {
    message: `${count === 1 ? 'A reset' : `${count} resets`} in the name of the server ${count === 1 ? 'has' : 'have'} numbers that do not fit, and the server goes on behind ${count === 1 ? 'it' : 'them'}: the server did not write ${count === 1 ? 'it' : 'them'}, and the client did not believe ${count === 1 ? 'it' : 'them'}.`,
    hopLimit: null,
    evidence: [
      packet(session, frame, time, 'server', '(RST)', 'its sequence number is outside of the window'),
      packet(session, line.frame, line.time, 'server', line.text.slice(0, 60), 'the server goes on'),
    ],
  });
}

/** The packets around it come from another distance. */
function otherStack(session: SmtpSession): Draft {
  const { foreignReset } = session.tcp;
  if (session.closed !== 'rst' || foreignReset === null || !inTheMiddle(session)) return null;
  const { direction, frame, time, hopLimit, ownHopLimit } = foreignReset;
  if (Math.abs(hopLimit - ownHopLimit) < MIN_HOPS) return null;
  return draft(session, direction, 'possible', {
    message: `The reset in the name of the ${direction} arrived with TTL ${hopLimit}, all other packets of the ${direction} with ${ownHopLimit}: another machine on the path wrote it, or the ${direction}’s own system gives its resets another TTL.`,
    hopLimit,
    evidence: [packet(session, frame, time, direction, '(RST)', `TTL ${hopLimit}, others ${ownHopLimit}`)],
  });
}

/** Something was under way: behind QUIT or a farewell a reset is only a short way to close. */
function inTheMiddle({ exchanges }: SmtpSession): boolean {
  const last = exchanges.at(-1);
  if (last === undefined || last.verb === 'QUIT') return false;
  return last.reply === null || (last.reply.code !== 221 && last.reply.code !== 421);
}

function draft(
  session: SmtpSession,
  direction: Direction,
  confidence: Confidence,
  {
    message,
    hopLimit,
    evidence,
  }: { message: string; hopLimit: number | null; evidence: readonly Evidence[] },
): FindingDraft {
  return { session, subject: direction, confidence, message, args: { direction, hopLimit }, evidence };
}

function packet(
  { capture }: SmtpSession,
  frame: number,
  time: Evidence['time'],
  direction: Direction,
  excerpt: string,
  note: string,
): Evidence {
  return { capture, packet: frame, time, direction, offset: null, excerpt, note };
}
