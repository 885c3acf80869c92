import { type BlackHole, blackHole } from '../facts/black-hole.js';
import { BULK, IS_ONE_SIDED } from '../facts/judging.js';
import type { Evidence } from '../finding/finding.js';
import type { SmtpSession } from '../smtp/session.js';
import type { Rule } from './rule.js';

/**
 * Full-size segments within the receiver's MSS are lost again and again, smaller ones pass.
 *
 * The next link takes smaller packets only, and the ICMP error that says so is filtered, or not heeded. Mail stops in the middle
 * of a message, or of a TLS handshake, and it looks as if a firewall had swallowed it. RFC 1191, RFC 2923 §2.1, RFC 8201.
 */
export const pathMtuBlackHole: Rule = {
  meta: {
    id: 'path-mtu-black-hole',
    severity: 'high',
    title: 'Large packets are lost on the way, small ones pass',
    summary:
      'Full-size segments are sent again and again and never arrive, while smaller ones of the same connection do: the path takes smaller packets only, and nobody says so.',
    whyItMatters:
      'Short dialogues work, messages never get through: senders try for days, and then send the mail back.',
    remedy: [
      'Let ICMP "fragmentation needed" (IPv4 type 3 code 4) and "packet too big" (IPv6 type 2) through to the sender.',
      'Or make TCP use smaller segments: ASA `sysopt connection tcpmss 1300`, IOS `ip tcp adjust-mss 1300` on the link with the smaller MTU.',
      'To try it: `ping -M do -s 1472 SERVER` from the sender, and smaller sizes until an answer comes.',
    ],
    references: ['RFC 1191', 'RFC 2923 §2.1', 'RFC 8201', 'RFC 4821'],
    symptoms: [],
    staysSilent:
      'Segments that arrive at the second or third try, segments larger than the receiver’s MSS, a receiver that is not heard at all any more.',
    verdict: {
      kind: 'consequence',
      order: 95,
      clause: 'large packets are lost on the way and small ones pass',
    },
    cure: 'elsewhere',
    confirmedBy: null,
    changes: ['large-segments-lost'],
    box: 'nothing',
    needs: { occasion: BULK, doubts: IS_ONE_SIDED },
  },
  create: (context) => ({
    session(session) {
      const hole = blackHole(session);
      if (hole === null) return;
      const { direction, segment, selected, returned } = hole;
      context.report({
        session,
        subject: direction,
        confidence: returned !== null || (selected !== null && segment.repeats > 2) ? 'likely' : 'possible',
        message: `A segment of ${segment.length} bytes from the ${direction} was sent ${segment.repeats + 1} times and never arrived, ${passed(hole)}. The path takes smaller packets only and nobody tells the sender: a tunnel, a VPN or a link with a smaller MTU, behind which ICMP is filtered. This is the path, not an inspection of mail.`,
        args: {
          direction,
          octets: segment.length,
          copies: segment.repeats + 1,
          selected: selected !== null,
          mtu: returned?.mtu ?? null,
          router: returned?.from ?? null,
        },
        evidence: evidenceOf(session, hole),
      });
    },
  }),
};

function passed({ selected, returned }: BlackHole): string {
  if (returned !== null) {
    const mtu = returned.mtu === null ? '' : ` (at most ${returned.mtu} bytes)`;
    return `and ${returned.from} says by ICMP that it is too large${mtu}, which the sender does not heed`;
  }
  return selected !== null
    ? 'while the receiver acknowledged bytes behind it selectively (SACK): smaller packets arrived'
    : 'while smaller packets of the same connection arrived';
}

function evidenceOf(
  { capture }: SmtpSession,
  { direction, segment, selected, returned }: BlackHole,
): Evidence[] {
  const other = direction === 'client' ? 'server' : 'client';
  const packet = (frame: number, from: Evidence['direction'], excerpt: string, note: string): Evidence => ({
    capture,
    packet: frame,
    time: null,
    direction: from,
    offset: null,
    excerpt,
    note,
  });
  return [
    ...segment.frames
      .slice(0, 4)
      .map((frame) =>
        packet(frame, direction, `(${segment.length} bytes again)`, 'the large segment, sent once more'),
      ),
    ...(selected ? [packet(selected.frame, other, '(SACK)', 'bytes behind it arrived')] : []),
    ...(returned ? [packet(returned.frame, other, '(ICMP)', `too large, says ${returned.from}`)] : []),
  ];
}
