import { describe, expect, test } from 'vitest';
import { HANDSHAKE, hear, linesOf, parseStream, type RunOptions, run } from '../support/streams.js';

const check = (script: string, expected: string, options: RunOptions = {}): void =>
  expect(hear(script, options).log).toEqual(linesOf(expected));

describe('FIN', () => {
  test('of both sides, with data in it, out of order', () =>
    check(
      `${HANDSHAKE}C FPA 3 def\nC PA 0 abc\nS A 0:7\nS FPA 0 bye\nC A 7:4`,
      `C 0 abc #5
       C 3 def #4
       S 0 bye #7
       closed fin #8`,
    ));

  test('of one side does not end the other', () =>
    check(
      `${HANDSHAKE}C FA 0\nS A 0:1\n@400000 S PA 0 still here`,
      `S 0 still here #6
       closed end-of-capture #6`,
    ));

  test('data behind it is ignored', () =>
    check(
      `${HANDSHAKE}C PA 5 held\nC FPA 0 abc\nC PA 3 more\nC PA 0 abcdef\nS FA 0:4\nC A 4`,
      `C 0 abc #5
       closed fin #9`,
    ));

  test('frames of the first ones', () => {
    const { view } = hear(`${HANDSHAKE}C FA 0\nC FA 0\nS FA 0\nC A 1`).connections[0]!;
    expect([view.clientFinFrame, view.serverFinFrame, view.clientRstFrame]).toEqual([4, 6, 0]);
  });

  test('last acknowledgement not captured: closed a minute later all the same', () => {
    const { log, table } = hear(
      `${HANDSHAKE}C FA 0\nS FA 0\n@59000 ports=40001:25 C S -1\n@60000 C A 0\n@60000 C A 0`,
      { open: true },
    );
    expect(log).toEqual(['closed fin #5']);
    expect(table.openCount).toBe(1);
  });

  test('an open hole closes as fin, not earlier than it must', () =>
    check(
      `${HANDSHAKE}C PA 3 def\nC FA 6\nS FA 0:0\nC A 7:1`,
      'gap C 0+3 unfilled #7\nC 3 def #4\nclosed fin #7',
    ));
});

describe('RST', () => {
  test('closes where it is expected', () => {
    check(`${HANDSHAKE}C PA 0 abc\nS R 0`, 'C 0 abc #4\nclosed rst #5');
    check(`${HANDSHAKE}C PA 0 abc\nC RA 3`, 'C 0 abc #4\nclosed rst #5');
    const { view } = hear(`${HANDSHAKE}S RA 0`).connections[0]!;
    expect([view.clientRstFrame, view.serverRstFrame]).toEqual([0, 4]);
  });

  test('far from what is expected does not', () =>
    check(`${HANDSHAKE}C R 90000000\nS R -90000000\nC PA 0 abc`, 'C 0 abc #6\nclosed end-of-capture #6'));

  test('of a refused SYN must acknowledge it', () => {
    check('C S -1\nS RA 0:77000000\nS RA 0:0', 'closed rst #3');
  });

  test('after both FINs changes nothing', () => check(`${HANDSHAKE}C FA 0\nS FA 0\nC R 1`, 'closed fin #6'));
});

describe('late packets', () => {
  const FIN = 'C FA 0\nS FA 0\nC A 1\n';

  test('open nothing', () => {
    const { connections } = hear(
      `${HANDSHAKE}C PA 0 QUIT\nS PA 0 221\nC FA 4\nS FA 3\nC A 5
       C PA 0 QUIT\nS PA 0 221\nS FA 3\nC A 5\nC R 5\nC S -1\nS SA -1`,
    );
    expect(connections).toHaveLength(1);
  });

  test('of a connection that was reset open nothing', () =>
    expect(hear(`${HANDSHAKE}C R 0\nS PA 0 250 late\nS PA 8 more`).connections).toHaveLength(1));

  test('a new SYN opens', () =>
    check(
      `${HANDSHAKE}${FIN}isn=90000 C S -1\nisn=7 S SA -1\nC PA 0 a`,
      `
      closed fin #6
      1: C 0 a #9
      1: closed end-of-capture #9`,
    ));

  test('data of another numbering opens midstream', () => {
    const { connections } = hear(`${HANDSHAKE}${FIN}C PA 500000000 a`);
    expect(connections.map((c) => c.view.midstream)).toEqual([false, true]);
  });

  test('are late for four minutes', () => {
    const openedAfter = (ms: number) =>
      hear(`${HANDSHAKE}C PA 0 ab\nC R 2\n@${ms} C PA 0 ab\nC PA 0 ab`).connections.length;
    expect(openedAfter(230_000)).toBe(1);
    expect(openedAfter(250_000)).toBe(2);
  });

  test('only so many connections are remembered', () => {
    const many = Array.from({ length: 200 }, (_, i) => `ports=${40000 + i}:25 C S -1\nS RA 0:0`).join('\n');
    const late = Array.from({ length: 200 }, (_, i) => `ports=${40000 + i}:25 C PA 0 x`).join('\n');
    const { connections } = hear(`${many}\n${late}`, { limits: { remembered: 128 } });
    expect(connections).toHaveLength(200 + 72);
  });
});

describe('port reuse', () => {
  test('a SYN with another number closes what was there', () =>
    check(
      `${HANDSHAKE}C PA 0 old\nisn=777777777 C S -1\nisn=99 S SA -1\nC PA 0 new`,
      `
      C 0 old #4
      closed reused #4
      1: C 0 new #7
      1: closed end-of-capture #7`,
    ));

  test('a SYN sent again does not', () => {
    expect(hear('C S -1\n@3000 C S -1\n@6000 C S -1\nS SA -1\nS SA -1\nC PA 0 a').log).toEqual([
      'C 0 a #6',
      'closed end-of-capture #6',
    ]);
    expect(hear(`${HANDSHAKE}C PA 0 a\nC S -1\nS SA -1\nC PA 1 b`).connections).toHaveLength(1);
  });

  test('by the SYN-ACK when only the server is captured', () =>
    check(
      'S SA -1\nS PA 0 old\nisn=900000000 C S -1\nisn=800000000 S SA -1\nS PA 0 new'.replace(
        /isn=900000000 C S -1\n/,
        'isn=900000000 far C S -1\n',
      ),
      `
      S 0 old #2
      closed reused #2
      1: S 0 new #4
      1: closed end-of-capture #4`,
    ));

  test('a stray SYN-ACK is ignored', () =>
    check(
      'C S -1\nisn=6 S SA -1:70000\nisn=5000 S SA -1:0\nC PA 0 a\nS PA 0 b',
      'C 0 a #4\nS 0 b #5\nclosed end-of-capture #5',
    ));

  test('after both FINs the old one closed properly', () =>
    check(`${HANDSHAKE}C FA 0\nS FA 0\nisn=777777777 C S -1`, 'closed fin #5\n1: closed end-of-capture #6'));
});

describe('probes', () => {
  test('keep-alives are no data, no overlap', () =>
    check(
      `${HANDSHAKE}C PA 0 abc\nC A 2 \\0\nS A 0:3\nC A 2\nS A 0:3\nC A 2 Z\nC PA 3 def\nS A -1 \\0`,
      `
      C 0 abc #4
      C 3 def #10
      closed end-of-capture #11`,
    ));

  test('before any data', () =>
    check(`${HANDSHAKE}C A -1 \\0\nC A -1\nC PA 0 abc`, 'C 0 abc #6\nclosed end-of-capture #6'));

  test('zero-window probes are sent again with what follows', () =>
    check(
      `${HANDSHAKE}C PA 0 abc\nC A 3 d\nS A 0:3\nC A 3 d\nS A 0:3\nC PA 3 def`,
      `
      C 0 abc #4
      C 3 d #5
      C 4 ef #9
      closed end-of-capture #9`,
    ));
});

describe('time', () => {
  test('nobody is asked to listen to what never says anything, until it ends', () => {
    const script = `${HANDSHAKE}ports=40001:25 C S -1\nports=40002:25 C S -1\nC PA 0 a`;
    const open = hear(script, { late: true, open: true });
    expect(open.connections.map(({ view }) => view.client.port)).toEqual([40002]);
    open.table.end();
    expect(open.connections.map(({ view }) => view.client.port)).toEqual([40002, 40000, 40001]);
    expect(open.log.filter((line) => /closed/.test(line))).toHaveLength(3);
  });

  test('an hour without a packet, by the time of other packets', () => {
    const script = (ms: number) =>
      `${HANDSHAKE}C PA 0 a\nports=40001:25 C S -1\n@${ms} C A 0\n@61000 C A 0\n@10 C A 0\nports=40000:25 C PA 1 b`;
    expect(hear(script(3_500_000)).log).toContain('C 1 b #9');
    expect(hear(script(3_500_000)).connections).toHaveLength(2);
    expect(hear(script(3_600_000)).log).toContain('closed idle #4');
    expect(hear(script(3_600_000)).connections[2]!.view.midstream).toBe(true);
  });

  test('five minutes of silence are no end', () =>
    check(
      `${HANDSHAKE}C PA 0 a\n@300000 S A 0:1\n@600000 S PA 0 b`,
      'C 0 a #4\nS 0 b #6\nclosed end-of-capture #6',
    ));

  test('a connection that goes on after two silent hours is the same', () =>
    check(
      `${HANDSHAKE}C PA 0 a\n@7200000 C PA 1 b\nC PA 2 c`,
      'C 0 a #4\nC 1 b #5\nC 2 c #6\nclosed end-of-capture #6',
    ));

  test('one packet from the future ends nothing', () => {
    const segments = parseStream(`${HANDSHAKE}C PA 0 a\nC PA 1 b\nC PA 2 c`);
    segments[4]!.us = 4e15;
    const { log, table } = run(segments);
    expect(log).toEqual(['C 0 a #4', 'C 1 b #5', 'C 2 c #6', 'closed end-of-capture #6']);
    expect(table.lastUs).toBe(4e15);
  });

  test('backward and absent times', () => {
    const segments = parseStream(`${HANDSHAKE}C PA 3 b\nC PA 0 abc\nS A 0:4\nS A 0:4`);
    for (const [i, segment] of segments.entries()) segment.us = 1e15 - i * 1e9;
    expect(run(segments).log).toEqual(['C 0 abc #5', 'C 3 b #4', 'closed end-of-capture #7']);
    expect(run(segments).table.lastUs).toBe(1e15);
    for (const segment of segments) segment.us = Number.NaN;
    const { log, connections, table } = run(segments);
    expect(log).toEqual(['C 0 abc #5', 'C 3 b #4', 'closed end-of-capture #7']);
    expect(connections[0]!.view.start).toBeNull();
    expect(connections[0]!.view.end).toBeNull();
    expect(table.lastUs).toBeNaN();
  });
});

describe('too many connections', () => {
  test('the one longest unused closes', () => {
    const opens = Array.from({ length: 10 }, (_, i) => `ports=${40000 + i}:25 C S -1`).join('\n');
    const { log, table } = hear(`${opens}\nports=40000:25 C A 0\nports=41000:25 C S -1`, {
      limits: { connections: 10 },
      open: true,
    });
    expect(log).toEqual(['1: closed limit #2']);
    expect(table.openCount).toBe(10);
    expect(table.connectionCount).toBe(11);
  });

  test('at the end all close in the order they opened', () => {
    const opens = Array.from({ length: 5000 }, (_, i) => `ports=${10000 + i}:25 C S -1`).join('\n');
    const { log, connections } = hear(opens, { limits: { connections: 4000 } });
    expect(log.filter((line) => line.includes('limit'))).toHaveLength(1000);
    const indexes = log.slice(1000).map((line) => (/^\d+:/.test(line) ? Number.parseInt(line, 10) : 0));
    expect(indexes).toEqual(indexes.toSorted((a, b) => a - b));
    expect(connections.every((c) => c.closed === 1)).toBe(true);
  });
});
