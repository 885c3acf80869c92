import { MESSAGE, MISSING } from '../facts/judging.js';
import { greetingOf, sessionMask } from '../facts/mask.js';
import { serverKeyOf } from '../facts/server-key.js';
import { lineEvidence, replyEvidence } from '../finding/evidence.js';
import type { Confidence, Evidence, SeenIn } from '../finding/finding.js';
import type { SmtpExchange, SmtpSession } from '../smtp/session.js';
import type { Rule } from './rule.js';

/** Postfix pauses for 10 s. */
const MIN_PAUSE_US = 5_000_000;
/** Who takes so long to go on after a reply is a person who types. */
const TYPED_US = 1_000_000;
/** Shorter lines may come in as many segments by chance. */
const MIN_TYPED_OCTETS = 4;

/** Servers that are told apart, and clients whose habits are remembered. */
const MAX_SERVERS = 10_000;
const MAX_CLIENTS = 10_000;
/** Of one server: sessions that are named, clients that are counted, packets that prove it. */
const MAX_NAMED = 10_000;
const MAX_COUNTED = 1_000;
const MAX_EVIDENCE = 8;

/** Signs of one session: HELO to a masked greeting, HELO to a clear one, a pause before the lone dot. */
interface Signs {
  readonly masked: boolean;
  readonly helo: boolean;
  readonly pauseUs: number | null;
  readonly evidence: readonly Evidence[];
}

interface Tally {
  readonly first: SeenIn;
  readonly others: SeenIn[];
  readonly clients: Set<string>;
  /** Sessions with the one sign, with the other, with both. */
  masked: number;
  paused: number;
  both: number;
  /** Clients that paused after HELO to a clear greeting. */
  readonly humble: Set<string>;
  shortestUs: number;
  longestUs: number;
  readonly evidence: Evidence[];
}

/**
 * The sender itself works around a PIX: HELO in answer to a masked greeting, and a pause in front of a lone `.CRLF`.
 *
 * Postfix does both by itself when the greeting is nothing but 2, 0 and stars (`smtp_pix_workarounds =
 * disable_esmtp, delay_dotcrlf`), the latter for mail that has waited for 500 s. RFC 5321 §4.1.1.1, §4.1.1.4.
 */
export const senderWorkaround: Rule = {
  meta: {
    id: 'sender-workaround',
    severity: 'low',
    title: 'The sender works around a PIX',
    summary:
      'The sender answers a masked greeting with HELO, or pauses for some 10 s before it sends the end of a message as a segment of its own; with both signs it has switched to workarounds.',
    whyItMatters:
      'A second opinion: the sender, too, takes the other side for a PIX. What it does without costs time and functions: no ESMTP, and ten seconds for each message.',
    remedy: [
      'Nothing at the sender: Postfix stops by itself when the greeting is clear again.',
      'ASA: `no mask-banner` or `no inspect esmtp`; PIX: `no fixup protocol smtp 25`.',
    ],
    references: ['KB 295725', 'RFC 5321 §4.1.1.1', 'RFC 5321 §4.1.1.4', 'postconf(5) smtp_pix_workarounds'],
    symptoms: [],
    staysSilent:
      'HELO to a clear greeting without a pause, HELO after EHLO, pauses under 5 s, ends split otherwise, octets still to be acknowledged (lost segments, a full window), commands typed by hand, gaps and one-sided captures.',
    verdict: { kind: 'consequence', order: 70, clause: 'the sender works around a PIX by itself' },
    cure: 'elsewhere',
    confirmedBy: null,
    changes: [],
    box: 'nothing',
    needs: { occasion: MESSAGE, doubts: MISSING },
  },
  create: (context) => {
    const tallies = new Map<string, Tally>();
    /** Where a client said EHLO first. */
    const ehlo = new Map<string, string>();
    let forgotten = 0;
    return {
      session(session) {
        const { address } = session.client;
        if (session.exchanges[1]?.verb === 'EHLO' && !ehlo.has(address) && ehlo.size < MAX_CLIENTS) {
          ehlo.set(address, session.id);
        }
        const signs = signsOf(session);
        if (signs === null) return;
        const key = serverKeyOf(session);
        let tally = tallies.get(key);
        if (!tally) {
          if (tallies.size >= MAX_SERVERS) {
            forgotten++;
            return;
          }
          tally = newTally(session);
          tallies.set(key, tally);
        }
        count(tally, session, signs);
      },
      end() {
        for (const tally of tallies.values()) {
          const { confidence, message } = judge(tally, ehlo);
          context.report({
            session: tally.first,
            others: tally.others,
            subject: '',
            severity: confidence === 'possible' ? 'info' : 'low',
            confidence,
            message,
            args: {
              heloToMask: tally.masked,
              pauses: tally.paused,
              both: tally.both,
              clients: tally.clients.size,
              pauseSeconds: tally.paused === 0 ? null : round(tally.shortestUs),
            },
            evidence: tally.evidence,
          });
        }
        if (forgotten > 0) {
          context.notAssessed({
            session: null,
            reason: 'limit',
            detail: `Workarounds in ${forgotten} sessions were not counted: only those at ${MAX_SERVERS} servers are.`,
          });
        }
      },
    };
  },
};

function newTally(session: SmtpSession): Tally {
  const { id, capture, server } = session;
  return {
    first: { id, capture, server },
    others: [],
    clients: new Set(),
    masked: 0,
    paused: 0,
    both: 0,
    humble: new Set(),
    shortestUs: Number.POSITIVE_INFINITY,
    longestUs: 0,
    evidence: [],
  };
}

function count(tally: Tally, session: SmtpSession, { masked, helo, pauseUs, evidence }: Signs): void {
  const { id, capture, server, client } = session;
  if (id !== tally.first.id && tally.others.length < MAX_NAMED) tally.others.push({ id, capture, server });
  if (tally.clients.size < MAX_COUNTED) tally.clients.add(client.address);
  if (masked) tally.masked++;
  if (pauseUs !== null) {
    tally.paused++;
    if (masked) tally.both++;
    else if (helo && tally.humble.size < MAX_COUNTED) tally.humble.add(client.address);
    tally.shortestUs = Math.min(tally.shortestUs, pauseUs);
    tally.longestUs = Math.max(tally.longestUs, pauseUs);
  }
  // Both signs in one session say more than what came before.
  if (masked && pauseUs !== null && tally.both === 1) tally.evidence.unshift(...evidence);
  else tally.evidence.push(...evidence);
  tally.evidence.length = Math.min(tally.evidence.length, MAX_EVIDENCE);
}

/** null: no sign, or not a program's. */
function signsOf(session: SmtpSession): Signs | null {
  const { exchanges } = session;
  const hello = exchanges[1];
  const helo = hello?.verb === 'HELO' && hello.line !== null && !hello.afterGap;
  const greeting = greetingOf(session)?.reply;
  const masked =
    helo &&
    !greeting?.lines.some(({ checksum }) => checksum === 'invalid') &&
    (sessionMask(session)?.stars ?? 0) > 0;
  const paused = session.messages.find(({ terminator }) => (terminator?.pauseUs ?? 0) >= MIN_PAUSE_US);
  if ((!masked && !paused) || exchanges.some((exchange, index) => isTyped(exchange, exchanges[index - 1])))
    return null;
  const pauseUs = paused?.terminator?.pauseUs ?? null;
  const end = paused && paused.endExchange !== null ? exchanges[paused.endExchange] : undefined;
  if (paused && !end?.line) return null;
  return {
    masked,
    helo,
    pauseUs,
    evidence: [
      ...(masked ? replyEvidence(session, greeting!, 'the greeting is masked') : []),
      ...(helo ? [lineEvidence(session, hello.line!, 'HELO, not EHLO')] : []),
      ...(end?.line
        ? [
            lineEvidence(
              session,
              end.line,
              `alone, after ${round(pauseUs!)} s in which nothing else was sent`,
            ),
          ]
        : []),
    ],
  };
}

/** Octet by octet, or long after the reply it follows. A connection that is used again may have idled before MAIL. */
function isTyped({ kind, verb, line, segments }: SmtpExchange, before: SmtpExchange | undefined): boolean {
  if (kind !== 'command' || line === null) return false;
  if (line.octets >= MIN_TYPED_OCTETS && segments >= line.octets) return true;
  if (verb !== 'HELO' && verb !== 'EHLO' && verb !== 'RCPT' && verb !== 'DATA') return false;
  const replied = before?.reply?.lines.at(-1)?.time?.us ?? Number.NaN;
  return (line.time?.us ?? Number.NaN) - replied >= TYPED_US;
}

function judge(tally: Tally, ehlo: ReadonlyMap<string, string>): { confidence: Confidence; message: string } {
  const { both, masked, paused, clients, humble } = tally;
  const pause = pauseText(tally);
  if (both > 0) {
    return {
      confidence: 'likely',
      message: `The sender took the other side for a PIX and changed its ways: HELO in answer to a masked greeting, and ${pause}.`,
    };
  }
  const humbled = [...humble].find((address) => ehlo.has(address));
  if (humbled !== undefined) {
    return {
      confidence: 'likely',
      message: `The sender seems to work around a PIX: HELO, though it says EHLO in session ${ehlo.get(humbled)}, and ${pause}.`,
    };
  }
  if (paused > 0) {
    return {
      confidence: 'possible',
      message: `The sender sent ${pause}. Postfix does so where it takes the other side for a PIX; a slow program that hands the message on in pieces, somebody who types it, and an end that was lost several times on the way here show the same.`,
    };
  }
  const said = [...clients].find((address) => ehlo.has(address));
  const habit = said === undefined ? '' : ` The same client says EHLO in session ${ehlo.get(said)}.`;
  const others =
    said === undefined
      ? 'Senders that look for "ESMTP" in the greeting, and those that say HELO to everyone, show the same.'
      : 'A sender that looks for "ESMTP" in the greeting shows the same.';
  return {
    confidence: 'possible',
    message: `HELO was the answer to a masked greeting${masked > 1 ? ` in ${masked} sessions` : ''}: senders that know a PIX by it do not try EHLO.${habit} ${others}`,
  };
}

function pauseText({ paused, shortestUs, longestUs }: Tally): string {
  const [shortest, longest] = [round(shortestUs), round(longestUs)];
  const seconds = shortest === longest ? `${shortest} s` : `${shortest} to ${longest} s`;
  const ends = paused === 1 ? 'the end of a message' : `the ends of messages in ${paused} sessions`;
  return `${ends} as a lone ".CRLF" ${seconds} after all else was sent and acknowledged`;
}

function round(us: number): number {
  return Math.round(us / 1e5) / 10;
}
