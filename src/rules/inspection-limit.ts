import type { Timestamp } from '../capture/timestamp.js';
import { absenceDoubt, ENCRYPTED } from '../facts/absence.js';
import { IS_OPEN, MISSING, OVERLONG } from '../facts/judging.js';
import { sessionMask } from '../facts/mask.js';
import { LONG } from '../facts/session-flags.js';
import { sessionKeywords } from '../facts/templates.js';
import { lineEvidence } from '../finding/evidence.js';
import type { Confidence, Evidence } from '../finding/finding.js';
import type { OverlongItem } from '../mail/message-facts.js';
import { parsePath } from '../smtp/command.js';
import type { SmtpExchange, SmtpSession } from '../smtp/session.js';
import type { Rule } from './rule.js';

/** Torn down by the limit, and not by what came later. */
const TEARDOWN_US = 1_000_000;
/** So long the sender must have gone on into silence. */
const SILENCE_US = 3_000_000;

interface Limit {
  readonly id: 'command-line' | 'recipients' | 'header-line' | 'sender-address' | 'file-name';
  readonly allowed: number;
  /** `A header line of 1200 octets`, when the value is put in. */
  readonly what: (value: number) => string;
  /** Of ASA's default map. */
  readonly match: string;
}

/** The limits of `_default_esmtp_map` that drop the connection. Its limit for lines of the body only logs. */
const LIMITS = {
  command: {
    id: 'command-line',
    allowed: 512,
    what: (value) => `A command line of ${value} octets`,
    match: 'match cmd line length gt 512',
  },
  recipients: {
    id: 'recipients',
    allowed: 100,
    what: () => 'The 101st RCPT of a transaction',
    match: 'match cmd RCPT count gt 100',
  },
  header: {
    id: 'header-line',
    allowed: 998,
    what: (value) => `A header line of ${value} octets`,
    match: 'match header line length gt 998',
  },
  sender: {
    id: 'sender-address',
    allowed: 320,
    what: (value) => `A sender address of ${value} octets`,
    match: 'match sender-address length gt 320',
  },
  name: {
    id: 'file-name',
    allowed: 255,
    what: (value) => `The name of an attachment of ${value} octets`,
    match: 'match MIME filename length gt 255',
  },
} as const satisfies Record<string, Limit>;

/** One limit that was crossed, and where. */
interface Breach {
  readonly limit: Limit;
  readonly value: number;
  /** The exchange whose reply, or a later one's, would show that the server got it. */
  readonly exchange: number;
  readonly offset: number;
  /** Stream offset behind the octets that cross it. */
  readonly endOffset: number;
  readonly frame: number;
  readonly time: Timestamp | null;
  /** One short segment that waited for the reply before it: its size is no reason to lose it. */
  readonly small: boolean;
  readonly evidence: Evidence;
}

interface Teardown {
  readonly how: 'reset' | 'fin' | 'silence';
  readonly closeMs: number | null;
  readonly confidence: Confidence;
  readonly text: string;
  readonly doubt: string;
  readonly evidence: Evidence;
}

/**
 * The connection is torn down right after a limit of ASA's default map is crossed, and the server has not said a word.
 *
 * `inspect esmtp` drops the connection for a command line over 512 octets, the 101st RCPT, a header line over 998, a
 * sender over 320, a MIME file name over 255. A server with limits of its own says so: 500, 452, 552, 421. RFC 5321
 * §4.5.3.1, RFC 5322 §2.1.1.
 */
export const inspectionLimit: Rule = {
  meta: {
    id: 'inspection-limit',
    severity: 'high',
    title: 'Torn down where a limit of the inspection was crossed',
    summary:
      'A limit of ASA’s default map is crossed (command over 512 octets, more than 100 RCPT, header line over 998, sender over 320, MIME file name over 255), and the connection is closed within a second, or nothing more passes, without a reply.',
    whyItMatters:
      'Only such messages fail, each time, and neither end has an error to show: mail to many recipients, or with one long header line, is tried until it comes back.',
    remedy: [
      'ASA: an ESMTP map of your own (`policy-map type inspect esmtp NAME`) in which the match that was crossed has a higher number, or `log` instead of `drop-connection log`; then `inspect esmtp NAME`.',
    ],
    references: ['KB 320027', 'Cisco ASA _default_esmtp_map', 'RFC 5321 §4.5.3.1', 'RFC 5322 §2.1.1'],
    symptoms: ['kb320027/2'],
    staysSilent:
      'Any reply of the server after it (500, 452, 552, 421: its own limit), closes by the client, closes more than a second later, lines of the body, gaps, one-sided and cut captures.',
    verdict: {
      kind: 'consequence',
      order: 130,
      clause: 'a connection was torn down where a limit of the inspection was crossed',
    },
    cure: {
      part: 'limits',
      order: 30,
      esmtp:
        'Only the `match` that is crossed with a higher number, or `log` in place of `drop-connection`: the server is then exposed to longer input.',
    },
    confirmedBy: {
      action: 'ended',
      cause:
        /^matched Class \d+: (?:cmd (?:line length|RCPT count)|(?:header|body) line length|sender-address length|MIME filename length)\b/i,
    },
    changes: [],
    box: 'signature',
    needs: { occasion: OVERLONG, doubts: MISSING | IS_OPEN },
  },
  create: (context) => ({
    heeds: LONG,
    session(session) {
      if (absenceDoubt(session, ENCRYPTED) !== null) return;
      for (const breach of breaches(session)) {
        if (answered(session, breach)) continue;
        const teardown = closedBy(session, breach) ?? silenced(session, breach);
        if (teardown === null) continue;
        const { limit, value, offset, frame } = breach;
        context.report({
          session,
          subject: limit.id,
          confidence: teardown.confidence,
          message: `${limit.what(value)} was sent, over a limit of ${limit.allowed}; ${teardown.text}.${teardown.doubt}`,
          args: {
            limit: limit.id,
            value,
            allowed: limit.allowed,
            offset,
            frame,
            how: teardown.how,
            closeMs: teardown.closeMs,
          },
          evidence: [breach.evidence, teardown.evidence],
          remedy: [
            `ASA: \`policy-map type inspect esmtp NAME\`, and in it \`${limit.match}\` with a higher number, or with \`log\` instead of \`drop-connection log\`; then \`inspect esmtp NAME\` for this server.`,
            'No other match of the map need change, and the inspection stays on.',
          ],
        });
        return;
      }
    },
  }),
};

/** The first breach of each limit in each transaction and message, in no order. */
function breaches(session: SmtpSession): Breach[] {
  const found: Breach[] = [];
  let recipients = 0;
  for (let index = 0; index < session.exchanges.length; index++) {
    const exchange = session.exchanges[index]!;
    const { kind, verb, line } = exchange;
    if (verb !== 'RCPT') {
      if (verb === 'MAIL' || verb === 'RSET' || kind === 'end-of-data') recipients = 0;
    } else if (++recipients === LIMITS.recipients.allowed + 1) {
      found.push(...ofLine(session, LIMITS.recipients, recipients, index, exchange));
    }
    if (kind !== 'command' || line === null) continue;
    if (line.octets > LIMITS.command.allowed) {
      found.push(...ofLine(session, LIMITS.command, line.octets, index, exchange));
    }
    if (verb !== 'MAIL') continue;
    const sender = parsePath(exchange.argument)?.mailbox.length ?? 0;
    if (sender > LIMITS.sender.allowed)
      found.push(...ofLine(session, LIMITS.sender, sender, index, exchange));
  }
  for (const { longHeaderLine, longFileName, commandExchange } of session.messages) {
    if (longHeaderLine) found.push(ofItem(session, LIMITS.header, longHeaderLine, commandExchange));
    if (longFileName) found.push(ofItem(session, LIMITS.name, longFileName, commandExchange));
  }
  return found;
}

function ofLine(
  session: SmtpSession,
  limit: Limit,
  value: number,
  index: number,
  { line, segments, pipelined }: SmtpExchange,
): Breach[] {
  if (line === null) return [];
  return [
    {
      limit,
      value,
      exchange: index,
      offset: line.offset,
      endOffset: line.offset + line.octets,
      frame: line.lastFrame,
      time: line.time,
      small: segments === 1 && !pipelined && line.octets <= LIMITS.command.allowed,
      evidence: lineEvidence(session, line, `over the limit of ${limit.allowed}`),
    },
  ];
}

function ofItem(session: SmtpSession, limit: Limit, item: OverlongItem, exchange: number): Breach {
  const { octets, offset, frame, time } = item;
  return {
    limit,
    value: octets,
    exchange,
    offset,
    endOffset: offset + 1,
    frame,
    time,
    small: false,
    evidence: {
      capture: session.capture,
      packet: frame,
      time,
      direction: 'client',
      offset,
      excerpt: `(${limit === LIMITS.name ? 'file name' : 'header line'} of ${octets} octets)`,
      note: `over the limit of ${limit.allowed}`,
    },
  };
}

/** The server has spoken since: about this, about what came later, or to say goodbye. */
function answered({ exchanges }: SmtpSession, { exchange, frame }: Breach): boolean {
  return exchanges.some(({ reply, intermediate }, index) =>
    [reply, intermediate].some((said) => {
      const line = said?.lines[0];
      return line !== undefined && line.frame > frame && (index >= exchange || said?.code === 421);
    }),
  );
}

/** The server's side closes within a second. */
function closedBy(session: SmtpSession, { frame, time }: Breach): Teardown | null {
  const { serverClose } = session.tcp;
  // Octets in front of its FIN that were not captured may be the reply.
  if (session.gaps.some(({ direction }) => direction === 'server')) return null;
  if (serverClose === null || session.closedBy !== 'server' || serverClose.frame <= frame || time === null) {
    return null;
  }
  const us = serverClose.us - time.us;
  if (!(us >= 0 && us <= TEARDOWN_US)) return null;
  const closeMs = Math.round(us / 1000);
  const { reset } = serverClose;
  return {
    how: reset ? 'reset' : 'fin',
    closeMs,
    confidence: 'likely',
    text: `${closeMs} ms later the connection was ${reset ? 'reset' : 'closed'} from the server’s side, without a reply`,
    doubt: ' A server that dies at this very octet shows the same.',
    evidence: {
      capture: session.capture,
      packet: serverClose.frame,
      time: closeTime(session, serverClose.us),
      direction: 'server',
      offset: null,
      excerpt: reset ? '(RST)' : '(FIN)',
      note: `${closeMs} ms later, without a reply`,
    },
  };
}

function closeTime({ end }: SmtpSession, us: number): Timestamp | null {
  if (end === null || Number.isNaN(us)) return null;
  return end.us === us ? end : { us, ns: 0, digits: 6 };
}

/** Nothing of the server any more, though the sender goes on. */
function silenced(session: SmtpSession, breach: Breach): Teardown | null {
  const { serverLastFrame, serverLastUs, clientAcknowledged, serverClose } = session.tcp;
  const { time, frame, endOffset, small } = breach;
  if (time === null || session.end === null || serverClose !== null || serverLastFrame === 0) return null;
  if (clientAcknowledged >= endOffset || session.lastFrame <= Math.max(frame, serverLastFrame)) return null;
  // Acknowledgements of what came before may be on their way still.
  if (!(serverLastUs - time.us <= TEARDOWN_US && session.end.us - time.us >= SILENCE_US)) return null;
  const seconds = Math.round((session.end.us - time.us) / 1e6);
  const masked = sessionMask(session) !== null || sessionKeywords(session).length > 0;
  return {
    how: 'silence',
    closeMs: null,
    confidence: small || masked ? 'likely' : 'possible',
    text: `it was never acknowledged, nor anything after it: for ${seconds} s the client sent into silence`,
    doubt: small
      ? ' A server or a path that fails at this very octet shows the same.'
      : ` A path that loses segments of this size, or a server that dies, shows the same${masked ? '; but the session is masked as well' : ''}.`,
    evidence: {
      capture: session.capture,
      packet: serverLastFrame,
      time: null,
      direction: 'server',
      offset: null,
      excerpt: '(last packet of the server)',
      note: 'nothing of the server any more',
    },
  };
}
