/** A watch made by hand. */
import type { DuplicateRow, SessionRow, Watch } from '../../src/live/watch.js';
import { fakeAnalysis, fakeFinding, fakeSession, TIME } from '../report/fake-analysis.js';

export function fakeRow(number: number, more: Partial<SessionRow> = {}): SessionRow {
  return {
    number,
    client: { address: '198.51.100.10', port: 40_000 + number },
    server: { address: '192.0.2.25', port: 25 },
    start: { ...TIME, us: TIME.us + number * 1_000_000 },
    end: TIME,
    state: 'fin',
    helo: 'client.example.net',
    commands: 6,
    messages: 1,
    lastLine: '221 2.0.0 Bye',
    encrypted: false,
    findings: [],
    ...more,
  };
}

export function fakeDuplicate(more: Partial<DuplicateRow> = {}): DuplicateRow {
  return {
    messageId: '<1@example.net>',
    from: 'anna@example.net',
    copies: 5,
    accepted: 4,
    first: TIME,
    last: { ...TIME, us: TIME.us + 1_200_000_000 },
    sessions: [1, 2],
    finding: null,
    ...more,
  };
}

/** Nine sessions and three findings, unless told otherwise. */
export function fakeWatch(more: Partial<Watch> = {}): Watch {
  const findings = [
    fakeFinding({
      id: 'f1',
      severity: 'high',
      title: 'STARTTLS lost on the way',
      sessions: ['s9'],
      count: 12,
    }),
    fakeFinding({
      id: 'f2',
      severity: 'medium',
      title: 'Server greeting masked in transit',
      sessions: ['s8', 's9'],
    }),
    fakeFinding({ id: 'f3', severity: 'info', title: 'Typed by hand', sessions: ['s1'] }),
  ];
  const rows = Array.from({ length: 9 }, (_, index) => 9 - index).map((number) =>
    fakeRow(number, {
      ...(number === 9 && { state: 'open', lastLine: 'EHLO client.example.net', findings: ['f1', 'f2'] }),
      ...(number === 8 && { state: 'rst', findings: ['f2'] }),
      ...(number === 7 && { encrypted: true }),
      ...(number === 1 && { findings: ['f3'] }),
    }),
  );
  const given = (): Iterable<SessionRow> => more.sessions?.() ?? rows;
  return {
    source: {
      driver: 'dumpcap',
      interface: 'eth0',
      filter: 'tcp port 25 or tcp port 587 or tcp port 2525 or (vlan and tcp port 25)',
      times: 'kernel',
      state: 'running',
      trouble: null,
    },
    counts: {
      elapsedMs: 751_000,
      packets: 12_345,
      octets: 4_567_890,
      drops: 0,
      sessions: 9,
      openSessions: 1,
      messages: 8,
      findings: 3,
      last: TIME,
    },
    health: {
      packetsPerSecond: 312,
      residentOctets: 83_900_000,
      tables: [
        { name: 'open connections', used: 1, limit: 100_000, dropped: 0 },
        { name: 'closed sessions', used: 10_000, limit: 10_000, dropped: 2_345 },
      ],
      skipped: { 'not-tcp': 12 },
      gaps: 0,
      notAssessed: { encrypted: 1 },
      troubles: [{ time: TIME, message: 'eth0 went down' }],
    },
    sessions: () => rows,
    sessionNumbers: () => [...given()].map(({ number }) => number),
    sessionRow: (number) => [...given()].find((row) => row.number === number) ?? null,
    session: (number) => (number >= 1 && number <= 9 ? fakeSession({ id: `s${number}` }) : null),
    findings: () => findings,
    duplicates: () => [
      fakeDuplicate({ finding: 'f1' }),
      fakeDuplicate({ messageId: null, copies: 2, accepted: 2 }),
    ],
    analysis: () => fakeAnalysis(),
    ...more,
  };
}
