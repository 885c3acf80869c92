import { IS_MIDSTREAM, SELECTIVE_ACKS } from '../facts/judging.js';
import type { Evidence } from '../finding/finding.js';
import type { SmtpSession } from '../smtp/session.js';
import type { SackAccount } from '../stream/tcp-facts.js';
import type { Rule } from './rule.js';

/** Packets with such blocks: one may be damaged, two may be chance. */
const MIN_PACKETS = 2;
const ENOUGH_PACKETS = 3;
/** Blocks lie this much apart within one window; three that are made up lie so near to each other once in 2^24. */
const MAX_SPREAD = 1 << 20;
const MAX_EVIDENCE = 6;

/**
 * SACK blocks outside of all that was sent, always by about the same distance.
 *
 * A box that makes initial sequence numbers anew must change each number that passes. FWSM, PIX and ASA change `seq`
 * and `ack` and leave the edges in the SACK option: they are the numbers of the other side of the box. RFC 2018 §3.
 */
export const sackImpossible: Rule = {
  meta: {
    id: 'sack-impossible',
    severity: 'medium',
    title: 'SACK blocks name octets that were never sent',
    summary:
      'SACK blocks lie outside of all that was sent, always by about the same distance: sequence numbers are rewritten on the way, SACK is not.',
    whyItMatters:
      'The sender cannot use such blocks, and some stacks drop the whole packet: each lost packet costs a timeout, long mail crawls or stalls though nothing refuses it.',
    remedy: [
      'ASA: `set connection random-sequence-number disable` for a class that matches this server and port; PIX and FWSM: `norandomseq` in its `static` or `nat`. Initial sequence numbers are then those of the server’s own system, as hard or easy to guess as it makes them.',
      'Or let the ends do without SACK (Linux: `net.ipv4.tcp_sack=0`): nothing is misled then, but loss is repaired more slowly.',
      'To see it on the box: `show running-config policy-map` (PIX, FWSM: `show running-config static`), and a capture on both sides, whose sequence numbers differ by that distance.',
    ],
    references: ['RFC 2018 §3', 'Cisco ta-p/3116739'],
    symptoms: [],
    staysSilent:
      'Blocks inside of what was sent, blocks for duplicates (RFC 2883), one packet alone, distances that vary, a sender any of whose blocks fits, captures without both SYNs.',
    verdict: {
      kind: 'consequence',
      order: 100,
      clause: 'lost packets could not be repaired as TCP means it',
    },
    cure: 'elsewhere',
    confirmedBy: null,
    changes: [],
    box: 'signature',
    needs: { occasion: SELECTIVE_ACKS, doubts: IS_MIDSTREAM },
  },
  create: (context) => ({
    session(session) {
      const { sack, clientOffer, serverOffer } = session.tcp;
      if (sack === null || sack.fitting > 0 || sack.spread > MAX_SPREAD) return;
      if (sack.frames.length < MIN_PACKETS) return;
      if (!session.synSeen || !session.synAckSeen) return;
      if (!clientOffer?.sackPermitted || !serverOffer?.sackPermitted) return;
      const enough = sack.frames.length >= ENOUGH_PACKETS;
      context.report({
        session,
        subject: sack.direction,
        confidence: enough ? 'likely' : 'possible',
        message: `${messageOf(sack)}${enough ? '' : ' Two packets may also have been damaged.'}`,
        args: {
          sender: sack.direction,
          blocks: sack.impossible,
          distance: sack.distance,
          spread: sack.spread,
        },
        evidence: evidenceOf(session, sack),
      });
    },
  }),
};

function messageOf({ direction, impossible, distance, spread }: SackAccount): string {
  const side = distance < 0 ? 'behind' : 'beyond';
  return `All ${impossible} SACK blocks of the ${direction} lie about ${Math.abs(distance)} octets ${side} its own acknowledgement, where nothing was sent; over all of them that distance varies by ${spread} octets. Between this capture and the ${direction} sequence numbers are rewritten, and SACK blocks are not: on the other side of that box the same numbers fit.`;
}

function evidenceOf({ capture }: SmtpSession, sack: SackAccount): Evidence[] {
  return sack.frames.slice(0, MAX_EVIDENCE).map((packet, index) => ({
    capture,
    packet,
    time: index === 0 ? sack.time : null,
    direction: sack.direction,
    offset: null,
    excerpt: '(SACK)',
    note: index === 0 ? `left edge ${sack.distance} from the acknowledgement` : 'as far away',
  }));
}
