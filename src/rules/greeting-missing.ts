import { WORDLESS } from '../facts/judging.js';
import { serverKeyOf } from '../facts/server-key.js';
import type { Evidence, FindingDraft, SeenIn, SessionRef } from '../finding/finding.js';
import type { SmtpSession } from '../smtp/session.js';
import type { Rule } from './rule.js';

/** Servers whose silence is kept, sessions of each, and packets of one finding. */
const MAX_SERVERS = 10_000;
const MAX_SILENT = 64;
const MAX_EVIDENCE = 8;

/**
 * A client that is not greeted waits five minutes (RFC 5321 §4.5.3.2.1). Servers that make strangers wait on purpose, or ask block
 * lists first, greet within a minute.
 */
const LONG_US = 60_000_000;
/** Who gives up by himself has waited for something: monitors that only look whether the port is open hang up at once. */
const GIVEN_UP_US = 10_000_000;

/** What was seen at one server. */
interface Silent {
  readonly sessions: SeenIn[];
  readonly evidence: Evidence[];
  count: number;
  longestUs: number;
  /** The server's own numbers say that it sent a greeting, which never arrived. */
  sent: number;
}

/**
 * Connections are accepted, and no greeting comes while the client waits.
 *
 * Something answered the SYN, so something is there: a box that accepts in the server's name and cannot reach it, or waits for
 * what never comes; a server that is stuck. RFC 5321 §3.1, §4.5.3.2.1.
 */
export const greetingMissing: Rule = {
  meta: {
    id: 'greeting-missing',
    severity: 'high',
    title: 'Connections are accepted and never greeted',
    summary:
      'The connection opens, the client waits, and no greeting comes; says how often, how long the client waited, and whether others are greeted.',
    whyItMatters:
      'No mail gets through on such a connection, and the sender notices only when it gives up, five minutes later.',
    remedy: [
      'Capture at the server at the same time: a greeting that leaves the server and does not arrive was lost on the way; where no connection arrives, something else answered for the server.',
      'A firewall that proxies SMTP or TCP (SYN cookies, TCP intercept, an application gateway): look whether it reaches the server behind it.',
      'On the server: DNS look-ups of the client’s address, block lists and ident (port 113) can delay the greeting.',
    ],
    references: ['RFC 5321 §3.1', 'RFC 5321 §4.5.3.2.1'],
    symptoms: ['kb320027/1', 'kb320027/5'],
    staysSilent:
      'Clients that hang up within ten seconds, servers that greet late but do greet, captures that end while the client still waits, captures of one direction.',
    verdict: {
      kind: 'consequence',
      order: 75,
      clause: 'connections were accepted and never greeted',
    },
    cure: 'elsewhere',
    confirmedBy: null,
    changes: [],
    box: 'nothing',
    needs: { occasion: WORDLESS, doubts: 0 },
  },
  create: (context) => {
    const servers = new Map<string, Silent>();
    /** By server, a session that was greeted; of those beyond the limit nobody says that others are greeted. */
    const greeted = new Map<string, SessionRef>();
    let forgotten = 0;

    function at(session: SmtpSession): Silent | null {
      const key = serverKeyOf(session);
      let silent = servers.get(key);
      if (silent === undefined) {
        if (servers.size >= MAX_SERVERS) {
          forgotten++;
          return null;
        }
        silent = { sessions: [], evidence: [], count: 0, longestUs: 0, sent: 0 };
        servers.set(key, silent);
      }
      return silent;
    }

    return {
      session(session) {
        const [first] = session.exchanges;
        if (first?.kind !== 'greeting' || !first.reply || greeted.size >= MAX_SERVERS) return;
        const key = serverKeyOf(session);
        if (!greeted.has(key)) greeted.set(key, { id: session.id, capture: session.capture });
      },
      wordless(session) {
        const waitedUs = waited(session);
        if (waitedUs === null) return;
        const silent = at(session);
        if (silent === null) return;
        const { id, capture, server } = session;
        silent.count++;
        silent.longestUs = Math.max(silent.longestUs, waitedUs);
        if (session.tcp.lost.some(({ direction }) => direction === 'server')) silent.sent++;
        if (silent.sessions.length < MAX_SILENT) silent.sessions.push({ id, capture, server });
        if (silent.evidence.length < MAX_EVIDENCE) silent.evidence.push(...evidenceOf(session));
      },
      end() {
        for (const [key, silent] of servers) {
          const draft = draftOf(silent, greeted.get(key) ?? null);
          if (draft) context.report(draft);
        }
        if (forgotten > 0) {
          context.notAssessed({
            session: null,
            reason: 'limit',
            detail: `${forgotten} connections without a greeting were not counted: only those of ${MAX_SERVERS} servers are.`,
          });
        }
      },
    };
  },
};

/** Microseconds that the client waited for a greeting; null: not long enough, or nobody can say. */
function waited(session: SmtpSession): number | null {
  const { synSeen, synAckSeen, tcp, oneSided, closedBy, gapCount, start, end, silenceUs } = session;
  if (!synSeen || !synAckSeen || oneSided !== null || tcp.clientPackets <= tcp.synCount) return null;
  // A hole that the client acknowledged is a greeting that was not captured.
  if (gapCount > 0 && tcp.lost.length === 0) return null;
  const seenUs = (end?.us ?? Number.NaN) - (start?.us ?? Number.NaN);
  const waitedUs = closedBy === null && Number.isFinite(silenceUs) ? seenUs + silenceUs : seenUs;
  if (!Number.isFinite(waitedUs)) return null;
  if (waitedUs >= LONG_US) return waitedUs;
  return closedBy === 'client' && waitedUs >= GIVEN_UP_US ? waitedUs : null;
}

function evidenceOf({
  capture,
  firstFrame,
  start,
  tcp,
  closeFrame,
  closedBy,
  closed,
}: SmtpSession): Evidence[] {
  const packet = (
    frame: number,
    excerpt: string,
    note: string,
    direction: Evidence['direction'],
  ): Evidence => ({
    capture,
    packet: frame,
    time: frame === firstFrame ? start : null,
    direction,
    offset: null,
    excerpt,
    note,
  });
  const lost = tcp.lost.find(({ direction }) => direction === 'server');
  return [
    packet(firstFrame, '(SYN)', 'the client asks', 'client'),
    ...(tcp.synAckFrame === null ? [] : [packet(tcp.synAckFrame, '(SYN, ACK)', 'it is accepted', 'server')]),
    ...(lost ? [packet(lost.frame, '', `${lost.octets} bytes were sent in front of this`, 'server')] : []),
    ...(closeFrame !== null && closedBy !== null
      ? [packet(closeFrame, closed === 'rst' ? '(RST)' : '(FIN)', `the ${closedBy} hangs up`, closedBy)]
      : []),
  ];
}

function draftOf(
  { sessions, evidence, count, longestUs, sent }: Silent,
  greeted: SessionRef | null,
): FindingDraft | null {
  const [first, ...others] = sessions;
  if (!first) return null;
  const seconds = Math.round(longestUs / 1e6);
  const many = count === 1 ? 'A connection was' : `${count} connections were`;
  return {
    session: first,
    others,
    ...(greeted !== null && { contrast: [greeted] }),
    subject: 'greeting',
    confidence: sent > 0 || count > 1 ? 'likely' : 'possible',
    message: `${many} accepted and never greeted; the client waited up to ${seconds} s. ${cause(sent, greeted !== null)}`,
    args: { connections: count, seconds, sent, othersGreeted: greeted !== null },
    evidence,
  };
}

function cause(sent: number, othersGreeted: boolean): string {
  if (sent > 0)
    return `The server's own sequence numbers show that it sent a greeting in ${sent} of them: it was lost on the way.`;
  return othersGreeted
    ? 'Other connections to this server are greeted: a box that answers for the server and does not reach it, a limit of the server, or a server that was stuck at the time.'
    : 'Something accepts connections for the server, and it does not speak: a box that does not reach the server behind it, or a server that is stuck.';
}
