/** Analyses made by hand, for what no capture easily shows: hostile text everywhere, odd values, many sessions. */
import type { Analysis } from '../../src/analyze.js';
import type { Finding } from '../../src/finding/finding.js';
import { catalog } from '../../src/rules/catalog.js';
import type { SmtpExchange, SmtpLine, SmtpMessage, SmtpReply, SmtpSession } from '../../src/smtp/session.js';
import { PLAIN_TCP } from '../support/conversation.js';

export const TIME = { us: 1_714_979_289_000_000, ns: 0, digits: 6 };

export function fakeLine(text: string, more: Partial<SmtpLine> = {}): SmtpLine {
  return {
    direction: 'server',
    text,
    octets: text.length,
    ending: 'CRLF',
    truncated: false,
    offset: 0,
    frame: 4,
    lastFrame: 4,
    time: TIME,
    checksum: 'unverifiable',
    ...more,
  };
}

export function fakeReply(code: number | null, ...lines: string[]): SmtpReply {
  return {
    code,
    enhanced: null,
    lines: lines.map((line) => fakeLine(line)),
    complete: true,
    droppedLines: 0,
  };
}

export function fakeExchange(more: Partial<SmtpExchange>): SmtpExchange {
  return {
    kind: 'command',
    verb: 'NOOP',
    known: true,
    argument: null,
    line: fakeLine('NOOP', { direction: 'client' }),
    intermediate: null,
    reply: null,
    noReply: null,
    pipelined: false,
    acknowledged: true,
    segments: 1,
    message: null,
    afterGap: false,
    ...more,
  };
}

export function fakeMessage(more: Partial<SmtpMessage> = {}): SmtpMessage {
  return {
    id: 'm1',
    transport: 'DATA',
    messageId: '<1@example.net>',
    from: 'anna@example.net',
    fromSeen: true,
    to: ['bert@example.com'],
    recipients: 1,
    body: null,
    octets: 100,
    missingOctets: 0,
    accepted: true,
    replyCode: 250,
    digest: 'xxh64:0000000000000000',
    frame: 6,
    time: TIME,
    offset: 0,
    terminated: true,
    terminator: null,
    commandExchange: 0,
    endExchange: null,
    eightBit: false,
    eightBitFrame: null,
    eightBitOffset: null,
    report: null,
    looksLikeReport: false,
    damages: [],
    longHeaderLine: null,
    longFileName: null,
    ...more,
  };
}

export function fakeSession(more: Partial<SmtpSession> = {}): SmtpSession {
  return {
    id: 's1',
    capture: 0,
    client: { address: '192.0.2.10', port: 40000 },
    server: { address: '198.51.100.25', port: 25 },
    start: TIME,
    end: TIME,
    firstFrame: 1,
    lastFrame: 9,
    closed: 'fin',
    closedBy: 'client',
    closeFrame: 8,
    midstream: false,
    oneSided: null,
    synSeen: true,
    synAckSeen: true,
    silenceUs: 0,
    protocol: 'smtp',
    tcp: PLAIN_TCP,
    gaps: [],
    gapCount: 0,
    overlaps: [],
    overlapCount: 0,
    exchanges: [],
    extensions: [],
    encryptedFrom: null,
    tlsFollowed: null,
    tls: null,
    messages: [],
    truncated: false,
    droppedExchanges: 0,
    ...more,
  };
}

export function fakeFinding(more: Partial<Finding> = {}): Finding {
  return {
    id: 'f1',
    rule: 'banner-masked',
    fingerprint: '00ff00ff00ff00ff',
    severity: 'medium',
    confidence: 'certain',
    proof: 'octets',
    title: 'Server greeting masked in transit',
    message: 'The greeting arrives masked.',
    args: {},
    capture: 0,
    session: 's1',
    sessions: ['s1'],
    count: 1,
    evidence: [
      {
        capture: 0,
        packet: 4,
        time: TIME,
        direction: 'server',
        offset: 0,
        excerpt: '220 ****2**0***',
        note: 'the greeting',
      },
    ],
    symptoms: ['kb320027/1'],
    remedy: ['ASA: `no mask-banner`.'],
    references: ['KB 320027', 'RFC 5321 §3.1'],
    server: { address: '198.51.100.25', port: 25 },
    ...more,
  };
}

export function fakeAnalysis(
  more: Partial<Analysis> & { sessionList?: readonly SmtpSession[] } = {},
): Analysis {
  const { sessionList = [fakeSession()], ...rest } = more;
  return {
    captures: [
      {
        file: 'mail.pcap',
        facts: {
          format: 'pcap',
          linkTypes: [1],
          packets: 9,
          bytes: 1234,
          first: TIME,
          last: TIME,
          truncated: false,
          problems: [],
        },
        skipped: {},
      },
    ],
    sessionCount: sessionList.length,
    smtpCount: sessionList.length,
    checks: catalog.map(({ meta: { id } }) => ({
      rule: id,
      status: rest.findings?.some(({ rule }) => rule === id) ? 'found' : 'not-seen',
      judged: sessionList.length,
      notJudged: [],
    })),
    sessions: () => sessionList,
    session: (id) => sessionList.find((session) => session.id === id) ?? null,
    rules: catalog.map(({ meta }) => meta),
    findings: [],
    diagnoses: [],
    notAssessed: [],
    firewallLog: null,
    interrupted: false,
    ...rest,
  };
}
