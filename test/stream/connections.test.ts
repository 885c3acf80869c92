import { describe, expect, test } from 'vitest';
import { HANDSHAKE, hear, linesOf } from '../support/streams.js';

const check = (script: string, expected: string): void => expect(hear(script).log).toEqual(linesOf(expected));

const FIN = `
C FA 6
S FA 4
C A 7
`;

describe('in order', () => {
  test('a whole connection', () =>
    check(
      `${HANDSHAKE}
       S PA 0 220\\n
       C PA 0 HELO a
       ${FIN}`,
      `S 0 220\\n #4
       C 0 HELO a #5
       closed fin #8`,
    ));

  test('a SYN with data, whether the server takes it at once or not', () => {
    check('C S -1 EHLO\nS SA -1:0\nC PA 0 EHLO', 'C 0 EHLO #1\nclosed end-of-capture #3');
    check('C S -1 EHLO\nS SA -1:4\nC PA 4 x', 'C 0 EHLO #1\nC 4 x #3\nclosed end-of-capture #3');
  });

  test('sequence numbers wrap', () => {
    const text = `isn=4294967290 C S -1\nS SA -1\nC A 0\nC PA 0 0123456789\nC PA 10 abc\nS A 0:13`;
    check(text, 'C 0 0123456789 #4\nC 10 abc #5\nclosed end-of-capture #6');
    const early = `isn=4294967290 C S -1\nS SA -1\nC A 0\nC PA 10 abc\nC PA 0 0123456789`;
    check(early, 'C 0 0123456789 #5\nC 10 abc #4\nclosed end-of-capture #5');
  });

  test('zero octets, urgent and window updates are no data', () =>
    check(`${HANDSHAKE}C PA 0 a\nC A 1\nC A 1\nC PA 1 b`, 'C 0 a #4\nC 1 b #7\nclosed end-of-capture #7'));
});

describe('who is the client', () => {
  const opened = (script: string) => {
    const view = hear(script).connections[0]?.view;
    return view && [view.client.port, view.server.port, view.midstream];
  };

  test('the sender of the SYN, even from an SMTP port', () => {
    expect(opened('ports=25:40000 C S -1')).toEqual([25, 40000, false]);
    expect(opened('S SA -1:0')).toEqual([40000, 25, false]);
  });

  test('without a SYN: the side whose port is not an SMTP port', () => {
    expect(opened('S PA 0 220 hi')).toEqual([40000, 25, true]);
    expect(opened('C PA 0 EHLO')).toEqual([40000, 25, true]);
  });

  test('both ports are SMTP ports: who speaks first, unless it is a reply', () => {
    expect(opened('ports=587:25 C PA 0 EHLO')).toEqual([587, 25, true]);
    expect(opened('ports=587:25 S PA 0 220 hi')).toEqual([587, 25, true]);
    expect(opened('ports=587:25 S PA 0 MAIL')).toEqual([25, 587, true]);
  });

  test('addresses, times and frames', () => {
    const view = hear(`${HANDSHAKE}C PA 0 a`).connections[0]!.view;
    expect(view.client).toEqual({ address: '192.0.2.10', port: 40000 });
    expect(view.server).toEqual({ address: '198.51.100.25', port: 25 });
    expect([view.firstFrame, view.lastFrame, view.clientPackets, view.serverPackets]).toEqual([1, 4, 3, 1]);
    expect(view.end!.us - view.start!.us).toBe(3000);
    expect([view.synSeen, view.synAckSeen, view.midstream]).toEqual([true, true, false]);
  });
});

describe('how quiet the connection was in front of a chunk', () => {
  const quiet = (script: string): number[] => {
    const us: number[] = [];
    hear(script, { chunk: ({ quietUs }) => us.push(quietUs) });
    return us;
  };

  test('since its packet before, of either side', () => {
    expect(quiet(`${HANDSHAKE}C PA 0 a\n@500 S A 0:1\n@7000 C PA 1 b\n@30 S PA 0:2 c`)).toEqual([
      1000, 7_000_000, 30_000,
    ]);
  });

  test('a retransmission is a packet too', () => {
    expect(quiet(`${HANDSHAKE}C PA 0 a\n@6000 C PA 0 a\n@20 S A 0:1\n@1 C PA 1 b`)).toEqual([1000, 1000]);
  });

  test('cannot be told of what had to wait, or came first', () => {
    expect(quiet(`${HANDSHAKE}@10 C PA 1 b\n@6000 C PA 0 a`)).toEqual([6_000_000, Number.NaN]);
    expect(quiet('C PA 700 MAIL')).toEqual([Number.NaN]);
  });

  test('other connections do not count', () => {
    const two = `${HANDSHAKE}C PA 0 a\n@10 ports=40001:25 C S -1\n@5000 ports=40000:25 C PA 1 b`;
    expect(quiet(two)).toEqual([1000, 5_010_000]);
  });
});

describe('what opens nothing', () => {
  test.each(['C A 0', 'C R 0', 'S RA 0:0', 'C FA 0', 'C A 0 \\0'])('%s', (script) => check(script, ''));
  test('a SYN alone does; a refusal closes it', () => {
    check('C S -1', 'closed end-of-capture #1');
    check('C S -1\nS RA -5001:0', 'closed rst #2');
  });
});

describe('beginning not captured', () => {
  const both = 'gap C 0+? midstream #1\ngap S 0+? midstream #1\n';

  test('midstream: the first octet seen is offset 0', () =>
    check(
      'C PA 700 MAIL\nS PA 90 250\nC PA 704 RCPT',
      `${both}C 0 MAIL #1\nS 0 250 #2\nC 4 RCPT #3\nclosed end-of-capture #3`,
    ));

  test('a SYN-ACK fixes both beginnings', () =>
    check(
      'S SA -1:0\nS PA 0:0 220\nC PA 4:3 MAIL\nS A 3:8\nS A 3:8\nS A 3:8\nS A 3:8',
      `
      S 0 220 #2
      gap C 0+4 uncaptured #7
      C 4 MAIL #3
      closed end-of-capture #7`,
    ));

  test('SYN-ACK missing: the client tells', () =>
    check(
      'C S -1\nC A 0:0\nS PA 3:0 abc\n@30 C A 0:6',
      'gap S 0+3 uncaptured #4\nS 3 abc #3\nclosed end-of-capture #4',
    ));

  test('SYN-ACK missing and the greeting captured behind its acknowledgement', () =>
    check(
      'C S -1\nC PA 0:3 EHLO\nS PA 0:0 220\nS PA 3:4 250',
      'C 0 EHLO #2\nS 0 220 #3\nS 3 250 #4\nclosed end-of-capture #4',
    ));

  test('SYN captured behind the SYN-ACK', () => {
    const { connections } = hear('S SA -1:0\nC S -1\nC PA 0 a');
    expect(connections).toHaveLength(1);
    const { synSeen, synAckSeen, midstream } = connections[0]!.view;
    expect({ synSeen, synAckSeen, midstream }).toEqual({ synSeen: true, synAckSeen: true, midstream: false });
  });

  test('both sides open at once', () => {
    const { connections, log } = hear('C S -1\nS S -1\nC SA -1:0\nS SA -1:0\nC PA 0 a\nS PA 0 b');
    expect(connections).toHaveLength(1);
    expect(log).toEqual(['C 0 a #5', 'S 0 b #6', 'closed end-of-capture #6']);
  });
});

describe('out of order', () => {
  test('waits for the hole and keeps frames', () =>
    check(
      `${HANDSHAKE}C PA 3 def\nC PA 6 ghi\nC PA 0 abc\nC PA 9 j`,
      `
      C 0 abc #6
      C 3 def #4
      C 6 ghi #5
      C 9 j #7
      closed end-of-capture #7`,
    ));

  test('a segment over several holes', () =>
    check(
      `${HANDSHAKE}C PA 2 c\nC PA 4 e\nC PA 1 bcdef\nC PA 0 abc`,
      `
      C 0 a #7
      C 1 b #6
      C 2 c #4
      C 3 d #6
      C 4 e #5
      C 5 f #6
      closed end-of-capture #7`,
    ));

  test('a reply captured in front of its command waits for it', () =>
    check(
      `${HANDSHAKE}S PA 0:4 250\nC PA 0:0 NOOP\nS PA 3:4 x`,
      `
      C 0 NOOP #5
      S 0 250 #4
      S 3 x #6
      closed end-of-capture #6`,
    ));

  test('a reply to a command that was not captured comes behind the gap', () =>
    check(
      `${HANDSHAKE}S PA 0:4 250\nC PA 4:3 RSET\nS PA 3:8 250`,
      `
      gap C 0+4 uncaptured #5
      S 0 250 #4
      C 4 RSET #5
      S 3 250 #6
      closed end-of-capture #6`,
    ));

  test('duplicates of a mirror port say nothing', () => {
    const lines = `${HANDSHAKE}S PA 0 220\\n\nC PA 0 HELO a${FIN}`.split('\n').filter((line) => line !== '');
    const doubled = lines.flatMap((line) => [line, line]).join('\n');
    const { connections, table } = hear(doubled);
    expect(connections).toHaveLength(1);
    expect(connections[0]!.log).toEqual(['S 0 220\\n #7', 'C 0 HELO a #9', 'closed fin #15']);
    expect(table.openCount).toBe(0);
  });
});

describe('overlaps', () => {
  test('a retransmission that differs from what was delivered', () =>
    check(
      `${HANDSHAKE}C PA 0 EHLO a\nC PA 0 XXXX a\nC PA 6 b`,
      `
      C 0 EHLO a #4
      C 6 b #6
      overlap C 0+4 valid #5
      closed end-of-capture #6`,
    ));

  test('one that repeats it, or parts of it, or more, is none', () =>
    check(
      `${HANDSHAKE}C PA 0 EHLO a\nC PA 0 EHLO a\nC PA 2 LO\nC PA 2 LO ab`,
      'C 0 EHLO a #4\nC 6 b #7\nclosed end-of-capture #7',
    ));

  test('over several delivered segments', () =>
    check(
      `${HANDSHAKE}C PA 0 abc\nC PA 3 def\nC PA 6 ghi\nC PA 1 bXdefgXij`,
      `
      C 0 abc #4
      C 3 def #5
      C 6 ghi #6
      C 9 j #7
      overlap C 2+6 valid #7
      closed end-of-capture #7`,
    ));

  test('first copy kept among held ones', () =>
    check(
      `${HANDSHAKE}C PA 2 cd\nC PA 1 bXXe\nC PA 0 a`,
      `
      C 0 a #6
      C 1 b #5
      C 2 cd #4
      C 4 e #5
      overlap C 2+2 valid #5
      closed end-of-capture #6`,
    ));

  test('the verdict on the later copy', () => {
    const script = (how: string) => `${HANDSHAKE}C PA 0 abc\n${how} C PA 0 abX`;
    // Nobody took it: it was never said.
    expect(hear(script('bad')).log).not.toContain('overlap C 2+1 invalid #5');
    expect(hear(script('offload')).log).toContain('overlap C 2+1 offloaded #5');
    expect(hear(script('cut=2')).log).not.toContain('overlap C 2+1 unverifiable #5');
  });

  test('a held copy that no receiver accepts gives way to a whole one', () =>
    check(`${HANDSHAKE}bad C PA 1 XX\nC PA 1 bc\nC PA 0 a`, 'C 0 a #6\nC 1 bc #5\nclosed end-of-capture #6'));
});
