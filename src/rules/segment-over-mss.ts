import { absenceDoubt } from '../facts/absence.js';
import { BULK, HAS_GAP, IS_MIDSTREAM, IS_ONE_SIDED } from '../facts/judging.js';
import type { Evidence } from '../finding/finding.js';
import type { SmtpSession } from '../smtp/session.js';
import type { OversizeSegment } from '../stream/tcp-facts.js';
import type { Rule } from './rule.js';

/** What one packet of an ordinary network carries. Larger ones are made by the recording host's card or kernel. */
const MAX_SEGMENT = 1_480;
/** Octets of the timestamp option, which the MSS does not count. RFC 6691 §2. */
const TIMESTAMP = 12;

/**
 * A segment larger than its receiver's MSS is sent again and again and never acknowledged.
 *
 * PIX and ASA 7.0 drop what exceeds the MSS of the handshake: commands and short messages pass, the first full segment
 * of a long one never does. RFC 9293 §3.7.1.
 */
export const segmentOverMss: Rule = {
  meta: {
    id: 'segment-over-mss',
    severity: 'medium',
    title: 'Segments larger than the receiver’s MSS do not arrive',
    summary:
      'A segment larger than its receiver’s MSS is sent again and again and never acknowledged, while smaller ones of the same connection are.',
    whyItMatters:
      'Commands and short messages pass; a message that fills a segment hangs until a timeout, is sent again later and hangs again.',
    remedy: [
      'The sender: let it obey the MSS. What lies between its TCP and the wire (a driver, a tunnel, a box that rewrites the MSS) often is why it does not.',
      'PIX and ASA from 7.0: `exceed-mss allow` in a tcp-map, given by `set connection advanced-options` to a class that matches this server and port. The receiver then gets segments larger than it asked for, which the check is there to spare it.',
      'To see it on the box: `show asp drop`, and message 419001 ("MSS exceeded", with both sizes) in its log; `show running-config all tcp-map` for what is set: 7.0 drops, later releases pass unless told otherwise.',
    ],
    references: ['RFC 9293 §3.7.1', 'Cisco 65436', 'Cisco 113137'],
    symptoms: ['kb320027/2'],
    staysSilent:
      'Larger segments that are acknowledged (the recording host’s offload), more than one packet carries, multiples of the MSS, sent once, gaps and one-sided captures, captures without the handshake.',
    verdict: {
      kind: 'consequence',
      order: 90,
      clause: 'segments larger than the receiver allows did not arrive',
    },
    cure: 'elsewhere',
    confirmedBy: null,
    changes: [],
    box: 'signature',
    needs: { occasion: BULK, doubts: IS_ONE_SIDED | IS_MIDSTREAM | HAS_GAP },
  },
  create: (context) => ({
    session(session) {
      const { oversize } = session.tcp;
      if (oversize.length === 0 || oversize.some(({ passed }) => passed) || absenceDoubt(session) !== null)
        return;
      const stuck = oversize.find((segment) => isStuck(segment));
      if (stuck === undefined || !session.exchanges.some(({ reply }) => reply !== null)) return;
      const { direction, length, mss, copies, smallerFrame } = stuck;
      const arrived = smallerFrame !== null && stuck.acknowledged >= stuck.offset + length;
      if (!arrived && stuck.acknowledged !== stuck.offset) return;
      const receiver = direction === 'client' ? 'server' : 'client';
      context.report({
        session,
        subject: direction,
        confidence: arrived ? 'likely' : 'possible',
        ...(arrived && { proof: 'contrast' as const }),
        message: `The ${direction} sent a segment of ${length} octets ${copies} times (frames ${stuck.frame} to ${stuck.lastFrame}) to a ${receiver} whose MSS is ${mss}; it was never acknowledged. ${
          arrived
            ? `The same octets in smaller segments (from frame ${smallerFrame}) were. Something drops what exceeds the MSS, as PIX and ASA 7.0 do; a path for smaller packets only, whose ICMP messages are lost, would do it too.`
            : 'All before it was. Something may drop what exceeds the MSS, as PIX and ASA 7.0 do; a path for smaller packets only may, or the connection broke just then.'
        }`,
        args: { direction, length, mss, copies, smallerFrame, offset: stuck.offset },
        evidence: evidenceOf(session, stuck, arrived),
      });
    },
  }),
};

function isStuck({ copies, length, mss, offset }: OversizeSegment): boolean {
  if (copies < 2 || offset === 0 || length > MAX_SEGMENT) return false;
  // Full segments that the recording host has put together.
  return length % mss !== 0 && length % (mss - TIMESTAMP) !== 0;
}

function evidenceOf({ capture }: SmtpSession, stuck: OversizeSegment, arrived: boolean): Evidence[] {
  const { direction, offset, length, mss, copies, smallerFrame } = stuck;
  const packet = (frame: number, excerpt: string, note: string): Evidence => ({
    capture,
    packet: frame,
    time: null,
    direction,
    offset,
    excerpt,
    note,
  });
  const larger = `(${length} octets)`;
  const frames = [
    packet(stuck.frame, larger, `the MSS is ${mss}`),
    packet(
      stuck.lastFrame,
      larger,
      `the same, for the ${copies}${copies === 2 ? 'nd' : copies === 3 ? 'rd' : 'th'} time`,
    ),
  ];
  if (arrived) frames.push(packet(smallerFrame!, '(smaller)', 'the same octets, and they are acknowledged'));
  return frames;
}
