import { absenceDoubt, UNARRIVED } from '../facts/absence.js';
import { MISSING, TLS_BEGUN } from '../facts/judging.js';
import { sessionMask } from '../facts/mask.js';
import { TLS } from '../facts/session-flags.js';
import { sessionKeywords } from '../facts/templates.js';
import { closeEvidence, exchangeEvidence } from '../finding/evidence.js';
import type { Confidence, Evidence } from '../finding/finding.js';
import type { SmtpExchange, SmtpSession, TlsFlight, TlsOpening } from '../smtp/session.js';
import { handshakeOctets, isSsl2Hello, isTlsRecord, TLS_HEADER_OCTETS } from '../smtp/tls-record.js';
import type { Rule } from './rule.js';
import { BROKE } from './verdict.js';

/** A client that gives up sooner did not wait for an answer. */
const WAITED_US = 5e6;
/** After so long in a capture that goes on, an answer is not merely late. */
const SILENT_US = 60e6;
/** A segment that holds more than this is lost where a path has a smaller MTU and does not say so. */
const LARGE_OCTETS = 1200;

/**
 * STARTTLS was answered 220, and no TLS handshake follows: what one side sent was overwritten, or lost.
 *
 * Only the header of the first record of each side is looked at, five octets. An alert is a sane record: a handshake
 * that fails honestly says so. RFC 3207 §4, RFC 8446 §5.1.
 */
export const tlsHandshakeBroken: Rule = {
  meta: {
    id: 'tls-handshake-broken',
    severity: 'high',
    title: 'TLS handshake broken after STARTTLS',
    summary:
      'After the 220 to STARTTLS the first record of a side is overwritten, or the client’s is never answered; says which side is silent.',
    whyItMatters:
      'The sender was promised TLS and cannot have it: it waits, gives up and tries again, and the mail stays in its queue.',
    remedy: [
      'Take SMTP out of the box’s TLS inspection (deep inspection, SSL inspection) for this server.',
      'ASA: `allow-tls` in the ESMTP inspection policy map, or `no inspect esmtp`; what is encrypted is then not inspected.',
      'Until then the server had better not offer STARTTLS to the other side: mail in clear text passes at least.',
    ],
    references: ['RFC 3207 §4', 'RFC 8446 §5.1', 'Fortinet 227547'],
    symptoms: ['kb320027/5'],
    staysSilent:
      'Handshakes that begin, TLS alerts, old SSL 2.0 hellos, clients that close, say QUIT or go on in plain text after the 220, STARTTLS refused, gaps, one-sided and cut captures.',
    verdict: { kind: 'deed', order: 90, verb: BROKE, objects: ['the TLS handshake'] },
    cure: 'inspection-off',
    confirmedBy: null,
    changes: ['tls-handshake-altered'],
    box: 'nothing',
    needs: { occasion: TLS_BEGUN, doubts: MISSING },
  },
  create: (context) => ({
    heeds: TLS,
    session(session) {
      const { tls } = session;
      // What lies behind octets that never arrived is no beginning of a record.
      if (!tls?.client || absenceDoubt(session, UNARRIVED) !== null) return;
      const asked = session.exchanges.findLastIndex(
        ({ verb, reply }) => verb === 'STARTTLS' && reply?.code === 220,
      );
      const starttls = session.exchanges[asked];
      // Commands that are answered: the client went on in plain text.
      if (!starttls || session.exchanges.slice(asked + 1).some(({ reply }) => reply?.code)) return;
      const broken = brokenClient(tls.client) ?? brokenServer(session, tls, tls.client);
      if (broken === null) return;
      const seconds = Math.round(waitedUs(session, tls.client) / 1e6);
      context.report({
        session,
        subject: `${broken.side} ${broken.kind}`,
        confidence: broken.confidence,
        message: `STARTTLS was answered 220, and ${broken.what}.${broken.doubt === '' ? '' : ` ${broken.doubt}`}`,
        args: {
          side: broken.side,
          kind: broken.kind,
          clientHead: hex(tls.client.head),
          serverHead: tls.server === null ? null : hex(tls.server.head),
          clientOctets: tls.client.octets,
          serverOctets: tls.server?.octets ?? 0,
          acknowledged: tls.acknowledged,
          waitedSeconds: broken.kind === 'silent' ? seconds : null,
          closedBy: session.closedBy,
        },
        evidence: proof(session, starttls, tls, broken),
      });
    },
  }),
};

interface Broken {
  readonly side: 'client' | 'server';
  readonly kind: 'masked' | 'plain' | 'garbled' | 'silent';
  readonly confidence: Confidence;
  readonly what: string;
  /** A sentence, or nothing. */
  readonly doubt: string;
}

/** The client's first record was spoiled before it came here. */
function brokenClient({ head, octets, checksum }: TlsFlight): Broken | null {
  if (isTlsRecord(head) || isSsl2Hello(head) || head.length < TLS_HEADER_OCTETS) return null;
  if (checksum === 'invalid') return null;
  const filler = fillerOf(head);
  if (filler !== null) {
    return {
      side: 'client',
      kind: 'masked',
      confidence: 'likely',
      what: `what the client sent next begins with ${filler.name} where the header of a TLS record must be`,
      doubt: '',
    };
  }
  if (isPlain(head)) return null;
  const length = head.charCodeAt(3) * 256 + head.charCodeAt(4);
  const trace =
    head.charCodeAt(0) === 0x16 || head.charCodeAt(1) === 3 || octets === TLS_HEADER_OCTETS + length;
  return {
    side: 'client',
    kind: 'garbled',
    confidence: trace ? 'likely' : 'possible',
    what: `what the client sent next (${hex(head)}) begins no TLS record`,
    doubt: trace
      ? 'Part of a record’s header is still there.'
      : 'A client that speaks something else shows the same.',
  };
}

function brokenServer(session: SmtpSession, tls: TlsOpening, client: TlsFlight): Broken | null {
  const hello = handshakeOctets(client.head);
  // Of a record that did not come whole, nobody can expect an answer.
  if (hello === null ? !isSsl2Hello(client.head) : client.octets < TLS_HEADER_OCTETS + hello) return null;
  if (tls.server === null) return silentServer(session, tls, client);
  const { head, checksum } = tls.server;
  if (isTlsRecord(head) || isSsl2Hello(head) || head.length < TLS_HEADER_OCTETS) return null;
  if (checksum === 'invalid') return null;
  const filler = fillerOf(head);
  if (filler !== null) {
    return {
      side: 'server',
      kind: 'masked',
      confidence: filler.confidence,
      what: `the server’s answer to the client’s hello begins with ${filler.name} where the header of a TLS record must be`,
      doubt: '',
    };
  }
  if (isPlain(head)) {
    const second = sessionMask(session) !== null || sessionKeywords(session).length > 0;
    const code = /^[2-5]\d\d[ -]/.test(head) ? ` that begins with ${head.slice(0, 3)}` : '';
    return {
      side: 'server',
      kind: 'plain',
      confidence: second ? 'likely' : 'possible',
      what: `the client’s hello was answered by plain text${code}`,
      doubt: second
        ? 'The same session shows a mask.'
        : 'A server that says 220 and cannot begin TLS shows the same.',
    };
  }
  return {
    side: 'server',
    kind: 'garbled',
    confidence: 'likely',
    what: `what the server sent next (${hex(head)}) begins no TLS record`,
    doubt: '',
  };
}

/** The client has sent its hello, and there is no answer at all. */
function silentServer(session: SmtpSession, tls: TlsOpening, client: TlsFlight): Broken | null {
  const us = waitedUs(session, client);
  const { closedBy } = session;
  if (closedBy === null ? us < SILENT_US : closedBy === 'client' && us < WAITED_US) return null;
  const lost = tls.acknowledged === false;
  const large = client.octets > LARGE_OCTETS;
  const fate = lost
    ? 'The server’s TCP never acknowledged it: it did not arrive'
    : tls.acknowledged
      ? 'The server’s TCP (or a box that answers for it) acknowledged it'
      : 'Whether it arrived, the capture does not show';
  const others = lost
    ? 'a path that loses large segments'
    : closedBy === 'server'
      ? 'a server that closes without an alert'
      : 'a server that hangs, or a path that died,';
  const end =
    closedBy === null
      ? 'nobody spoke any more'
      : `the ${closedBy} ${session.closed === 'rst' ? 'reset' : 'closed'} the connection`;
  return {
    side: 'server',
    kind: 'silent',
    confidence: lost && !large ? 'likely' : 'possible',
    what: `the client’s hello of ${client.octets} octets was not answered within ${Math.round(us / 1e6)} s; ${end}`,
    doubt: `${fate}.${lost && !large ? '' : ` ${others[0]!.toUpperCase()}${others.slice(1)} shows the same.`}`,
  };
}

function waitedUs(session: SmtpSession, client: TlsFlight): number {
  const us = (session.end?.us ?? Number.NaN) - (client.time?.us ?? Number.NaN);
  const goesOn = session.closed === 'end-of-capture' || session.closed === 'idle';
  const sum = us + (goesOn ? session.silenceUs : 0);
  return Number.isFinite(sum) ? Math.max(0, sum) : 0;
}

function proof(
  session: SmtpSession,
  starttls: SmtpExchange,
  { client, server }: TlsOpening,
  broken: Broken,
): Evidence[] {
  const sent = (flight: TlsFlight, direction: 'client' | 'server', note: string): Evidence => ({
    capture: session.capture,
    packet: flight.frame,
    time: flight.time,
    direction,
    offset: flight.offset,
    excerpt: hex(flight.head),
    note,
  });
  const hello = handshakeOctets(client!.head);
  const first =
    broken.side === 'client'
      ? 'no header of a TLS record'
      : hello === null
        ? 'a hello of SSL 2.0'
        : `the header of a TLS record: handshake, ${hello} octets`;
  return [
    ...exchangeEvidence(session, starttls, ['asks for TLS', 'TLS may begin']),
    sent(client!, 'client', first),
    ...(broken.side === 'server' && server ? [sent(server, 'server', 'no header of a TLS record')] : []),
    ...closeEvidence(
      session,
      broken.kind === 'silent' ? 'no answer until here' : 'the connection is given up',
    ),
  ];
}

/** One octet all over, as masks write it. A zero may also be what a recorder writes. */
function fillerOf(head: string): { name: string; confidence: Confidence } | null {
  if (/^[Xx]+$/.test(head)) return { name: 'X’s', confidence: 'certain' };
  if (/^\*+$/.test(head)) return { name: 'asterisks', confidence: 'certain' };
  if (/^\0+$/.test(head)) return { name: 'zeros', confidence: 'likely' };
  return null;
}

function isPlain(head: string): boolean {
  return /^[\t\r\n -~]+$/.test(head);
}

/** `16 03 01 02 00` */
function hex(head: string): string {
  return Array.from(head, (octet) => octet.charCodeAt(0).toString(16).padStart(2, '0')).join(' ');
}
