import { describe, expect, it } from 'vitest';
import { catalog } from '../../src/rules/catalog.js';
import { FirewallLogJoiner } from '../../src/syslog/joiner.js';
import { FirewallLogReader } from '../../src/syslog/reader.js';
import { withWitnesses } from '../../src/syslog/witnesses.js';
import { fakeFinding, fakeSession } from '../report/fake-analysis.js';

const metas = catalog.map(({ meta }) => meta);
const started = (client: string, server: string) =>
  `%ASA-6-108007: TLS started on ESMTP session between client o:${client} and server i:${server}`;
const dropped = (from: string, to: string, cause = 'matched Class 2: cmd RCPT count gt 100') =>
  `%ASA-4-108004: ESMTP Classification: Dropped connection for ESMTP Request from o:${from} to i:${to}; ${cause}`;
const replaced = (out: string, inside: string) =>
  `%ASA-2-108002: SMTP replaced |: out ${out} in ${inside} data: MAIL FROM:<x>`;

const session = (id: string, client: string, server: string, capture = 0) => {
  const end = (text: string) => {
    const at = text.lastIndexOf('/');
    return { address: text.slice(0, at), port: Number(text.slice(at + 1)) };
  };
  return fakeSession({ id, capture, client: end(client), server: end(server) });
};

const logOf = (...lines: string[]) => {
  const reader = new FirewallLogReader('asa.log');
  reader.push(Buffer.from(lines.join('\n'), 'latin1'));
  return reader.end();
};

function joins(lines: string[], ...sessions: ReturnType<typeof session>[]) {
  const joiner = new FirewallLogJoiner(logOf(...lines));
  for (const one of sessions) joiner.session(one);
  return joiner.end();
}

const C = '192.0.2.10/40000';
const S = '198.51.100.25/25';
const SESSION = session('s1', C, S);

describe('a line is joined to a session', () => {
  it.each<[string, string, string | null]>([
    ['both ends', started(C, S), 'addresses-and-ports'],
    ['both ends, the server first', dropped(S, C), 'addresses-and-ports'],
    ['the server is translated', dropped(C, '10.0.0.25/25'), 'client-address-and-ports'],
    ['the client is translated', dropped('10.0.0.10/40000', S), 'server-address-and-ports'],
    ['the server has a name', dropped(C, 'mailhost/25'), 'client-address-and-ports'],
    ['addresses alone', replaced('192.0.2.10', '198.51.100.25'), 'addresses'],
    ['addresses alone, the server first', replaced('198.51.100.25', '192.0.2.10'), 'addresses'],
    ['another client port', dropped('192.0.2.10/40001', S), null],
    ['another server port', dropped(C, '198.51.100.25/587'), null],
    ['both ends are translated', dropped('10.0.0.10/40000', '10.0.0.25/25'), null],
    ['one address alone', replaced('192.0.2.10', '10.0.0.25'), null],
    ['ends that change places', dropped('192.0.2.10/25', '198.51.100.25/40000'), null],
  ])('%s', (_, line, by) => {
    const { joined, notJoined } = joins([line], SESSION);
    expect(joined.map((one) => [one.session, one.joinedBy])).toEqual(by === null ? [] : [['s1', by]]);
    expect(notJoined).toBe(by === null ? 1 : 0);
  });

  it('of IPv6', () => {
    const six = session('s1', '2001:db8::1/40000', '2001:db8::25/25');
    expect(joins([started('2001:DB8:0:0::1/40000', '2001:db8::25/25')], six).joined).toHaveLength(1);
  });

  it('the surer way wins', () => {
    const translated = session('s2', C, '203.0.113.25/25');
    const { joined } = joins([dropped(C, S)], translated, SESSION);
    expect(joined).toMatchObject([{ session: 's1', joinedBy: 'addresses-and-ports' }]);
  });

  it('of both captures of one connection', () => {
    const { joined } = joins([dropped(C, S)], SESSION, session('s2', C, S, 1));
    expect(joined.map((one) => one.session)).toEqual(['s1', 's2']);
  });

  it('but not where ports have been used again', () => {
    const { joined, notJoined } = joins([dropped(C, S)], SESSION, session('s2', C, S));
    expect([joined, notJoined]).toEqual([[], 1]);
  });

  it('and not where the ports fit several', () => {
    const { joined } = joins([dropped('10.0.0.10/40000', S)], SESSION, session('s2', '192.0.2.11/40000', S));
    expect(joined).toEqual([]);
  });

  it('and of a line without ports, to twenty', () => {
    const many = Array.from({ length: 30 }, (_, index) => session(`s${index + 1}`, `192.0.2.10/${index}`, S));
    expect(joins([replaced('192.0.2.10', '198.51.100.25')], ...many).joined).toHaveLength(20);
  });

  it('where lines of days without number name the same ends, to so many sessions only, and says so', () => {
    const days = Array.from(
      { length: 50 },
      (_, index) => `May 06 ${1900 + index} 07:08:09 fw : ${replaced('192.0.2.10', '198.51.100.25')}`,
    );
    const joiner = new FirewallLogJoiner(logOf(...days, replaced('192.0.2.10', '198.51.100.25')), 200);
    for (let index = 0; index < 30; index++) joiner.session(session(`s${index}`, `192.0.2.10/${index}`, S));
    expect(joiner.end().joined.map((one) => one.session)).toEqual(['s0', 's1', 's2', 's3']);
    expect(joiner.notAssessed()).toEqual([
      {
        session: null,
        reason: 'limit',
        detail: expect.stringMatching(/^26 sessions were not looked for in the firewall's log/),
      },
    ]);
  });

  it('and nothing is said of it otherwise', () => {
    const joiner = new FirewallLogJoiner(logOf(dropped(C, S)));
    joiner.session(SESSION);
    expect(joiner.notAssessed()).toEqual([]);
  });

  it('in the order of the lines', () => {
    const { joined } = joins([dropped(S, C), 'x', started(C, S)], SESSION);
    expect(joined.map(({ record }) => record.line)).toEqual([1, 3]);
  });
});

describe('of times', () => {
  const at = (stamp: string) => joins([`${stamp} fw : ${started(C, S)}`], SESSION).joined.length;

  it.each([
    'May  6 07:08:09',
    'May 06 2024 07:08:09',
    'May 05 2024 20:00:00',
    'May 06 2024 21:00:00',
    '2024-05-06T00:00:00+02:00',
    '<164>May  6 2024 07:08:09',
    'Yesterday',
    '',
  ])('%j may be that of the session', (stamp) => {
    expect(at(stamp)).toBe(1);
  });

  it.each([
    'May  7 07:08:09',
    'May 06 2023 07:08:09',
    'May 05 2024 07:08:09',
    '2024-06-06 07:08:09',
    'Nov  6 07:08:09',
  ])('%j is another day', (stamp) => {
    expect(at(stamp)).toBe(0);
  });

  it('a year may have ended', () => {
    const eve = { us: Date.UTC(2024, 11, 31, 23) * 1000, ns: 0, digits: 6 };
    const joiner = new FirewallLogJoiner(logOf(`Jan  1 00:30:00 fw : ${started(C, S)}`));
    joiner.session({ ...SESSION, start: eve, end: eve });
    expect(joiner.end().joined).toHaveLength(1);
  });

  it('a capture may have none', () => {
    const joiner = new FirewallLogJoiner(logOf(`Jan  1 00:30:00 fw : ${started(C, S)}`));
    joiner.session({ ...SESSION, start: null, end: null });
    expect(joiner.end().joined).toHaveLength(1);
  });
});

describe('a finding', () => {
  const judge = (rule: string, line: string, one = SESSION) =>
    withWitnesses(
      [fakeFinding({ rule, confidence: 'possible', message: 'Seen.', sessions: ['s1'] })],
      joins([line], one).joined,
      metas,
    )[0]!;
  const masked = (cause: string) => dropped(S, C, cause).replace('Dropped connection', 'Masked header flags');
  const header = 'matched Class 4: header line length gt 998';

  it.each<[string, string]>([
    ['inspection-limit', dropped(C, S)],
    ['inspection-limit', dropped(C, S, header)],
    ['end-of-data-unacknowledged', dropped(C, S, header)],
    ['end-of-data-unacknowledged', dropped(C, S, header).replace('Dropped connection', 'Reset connection')],
    ['capability-masked', masked('matched Class 7: ehlo-reply-parameter others')],
    ['banner-masked', masked('mask-banner: x')],
    ['verb-masked', masked('matched Class 7: cmd verb X')],
  ])('%s is certain by %s', (rule, line) => {
    const { confidence, message, witnesses } = judge(rule, line);
    expect(confidence).toBe('certain');
    expect(message).toMatch(/^Seen\. The firewall’s own log says .* \(line 1\)\.$/);
    expect(witnesses).toMatchObject([
      { source: 'asa-log', line: 1, joinedBy: 'addresses-and-ports', confirms: true },
    ]);
  });

  it.each<[string, string, string, boolean]>([
    ['a weaker join', 'inspection-limit', dropped(C, '10.0.0.25/25'), true],
    ['another message', 'banner-masked', dropped(C, S), false],
    ['another cause', 'end-of-data-unacknowledged', dropped(C, S), false],
    [
      'it was only noted',
      'inspection-limit',
      dropped(C, S).replace('108004', '108005').replace('Dropped connection for', 'Received'),
      false,
    ],
    ['no ports', 'verb-masked', replaced('192.0.2.10', '198.51.100.25'), false],
    ['TLS started', 'tls-handshake-broken', started(C, S), false],
  ])('stays as sure as it was: %s', (_, rule, line, confirms) => {
    const finding = judge(rule, line);
    expect(finding).toMatchObject({ confidence: 'possible', message: 'Seen.' });
    expect(finding.witnesses).toMatchObject([{ line: 1, confirms }]);
  });

  it('of another session has no witness', () => {
    const findings = [fakeFinding({ sessions: ['s2'] })];
    expect(withWitnesses(findings, joins([dropped(C, S)], SESSION).joined, metas)).toEqual(findings);
    expect(withWitnesses(findings, [], metas)).toBe(findings);
  });

  it('shows ten lines, each once, those that confirm it first', () => {
    const lines = [...Array<string>(15).fill(started(C, S)), dropped(C, S)];
    const { joined } = joins(lines, SESSION, session('s2', C, S, 1));
    const [finding] = withWitnesses(
      [fakeFinding({ rule: 'inspection-limit', sessions: ['s1', 's2'] })],
      joined,
      metas,
    );
    expect(finding!.witnesses!.map(({ line }) => line)).toEqual([16, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});
