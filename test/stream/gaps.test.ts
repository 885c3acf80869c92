import { describe, expect, test } from 'vitest';
import { HANDSHAKE, hear, linesOf, parseStream, type RunOptions, run } from '../support/streams.js';

const check = (script: string, expected: string, options: RunOptions = {}): void =>
  expect(hear(script, options).log).toEqual(linesOf(expected));

describe('a hole that the peer acknowledged', () => {
  test('is a gap after three further segments', () =>
    check(
      `${HANDSHAKE}far C PA 0 abc\nC PA 3 def\nS A 0:6\nC PA 6 g\nS A 0:6\nC PA 7 h`,
      `gap C 0+3 uncaptured #8
       C 3 def #4
       C 6 g #6
       C 7 h #8
       closed end-of-capture #8`,
    ));

  test('is not while packets may only be out of order', () =>
    check(
      `${HANDSHAKE}C PA 3 def\nS A 0:6\nC PA 6 g\nC PA 0 abc`,
      `C 0 abc #7
       C 3 def #4
       C 6 g #6
       closed end-of-capture #7`,
    ));

  test('is one after 20 ms, with the next packet', () => {
    const script = (ms: number) =>
      `${HANDSHAKE}far C PA 0 abc\nC PA 3 def\nS A 0:6\n@${ms} S A 0:6\nC PA 6 g`;
    expect(hear(script(19)).log[0]).toBe('gap C 0+3 uncaptured #7');
    expect(hear(script(20)).log[0]).toBe('gap C 0+3 uncaptured #6');
    expect(hear(script(19)).log).toHaveLength(4);
  });

  test('is one at once when its sender heard the answer and went on', () =>
    check(
      `${HANDSHAKE}far S PA 0 220\nC PA 0:3 NOOP\nS PA 3:4 250\nC PA 4:6 QUIT`,
      `gap S 0+3 uncaptured #5
       C 0 NOOP #4
       S 3 250 #5
       C 4 QUIT #6
       closed end-of-capture #6`,
    ));

  test('reaches only as far as was acknowledged', () =>
    check(
      `${HANDSHAKE}C PA 9 def\nS A 0:4\n@30 S A 0:4\nC PA 4 56789def`,
      `gap C 0+4 uncaptured #6
       C 4 56789 #7
       C 9 def #4
       closed end-of-capture #7`,
    ));

  test('at the end of the connection, too', () =>
    check(
      `${HANDSHAKE}far C PA 0 abc\nS A 0:3`,
      `gap C 0+3 uncaptured #4
       closed end-of-capture #4`,
    ));

  test('of which the last octet is the FIN', () => {
    check(`${HANDSHAKE}far C PA 0 abc\nC FA 3\nS FA 0:4\nC A 4:1`, 'gap C 0+3 uncaptured #6\nclosed fin #6');
    check(
      `${HANDSHAKE}C PA 0 abc\nfar C FA 3\nS A 0:4\nS A 0:4\n@90 S A 0:4`,
      'C 0 abc #4\nclosed end-of-capture #7',
    );
  });

  test('a single octet, when something follows it', () =>
    check(
      `${HANDSHAKE}far C PA 0 a\nS A 0:1\nS A 0:1\n@90 C PA 1 b\n@90 C PA 2 c`,
      `
      gap C 0+1 uncaptured #7
      C 1 b #6
      C 2 c #7
      closed end-of-capture #7`,
    ));

  test('an acknowledgement of what can not have been sent is ignored', () =>
    check(
      `${HANDSHAKE}S A 0:90000000\nS A 0:90000000\nS A 0:90000000\n@50 S A 0:90000000\nC PA 0 abc`,
      `
      C 0 abc #8
      closed end-of-capture #8`,
    ));
});

describe('a hole that nobody acknowledged', () => {
  test('is declared when the connection ends', () =>
    check(
      `C S -1\nC A 0:0\nC PA 3:0 def\nC PA 6:0 ghi\nC PA 12:0 m`,
      `gap C 0+3 unfilled #5
       C 3 def #3
       C 6 ghi #4
       gap C 9+3 unfilled #5
       C 12 m #5
       closed end-of-capture #5`,
    ));

  test('in front of a FIN', () =>
    check(`${HANDSHAKE}C PA 0 abc\nC FA 9`, 'C 0 abc #4\ngap C 3+6 unfilled #5\nclosed end-of-capture #5'));

  test('reset', () =>
    check(`${HANDSHAKE}C PA 3 def\nS R 0`, 'gap C 0+3 unfilled #5\nC 3 def #4\nclosed rst #5'));
});

describe('one direction only', () => {
  test('the client alone', () =>
    check(
      `C S -1\nC A 0:0\n@50 C PA 0:20 EHLO\n@50 C PA 4:60 MAIL\n@50 C PA 8:90 RCPT`,
      `gap S 0+20 uncaptured #4
       C 0 EHLO #3
       gap S 20+40 uncaptured #5
       C 4 MAIL #4
       gap S 60+30 uncaptured #5
       C 8 RCPT #5
       closed end-of-capture #5`,
    ));

  test('the server alone', () =>
    check(
      `S SA -1:0\nS PA 0:0 220\n@50 S PA 3:6 250\n@50 S PA 6:12 250\n@50 S A 9:18`,
      `S 0 220 #2
       gap C 0+6 uncaptured #4
       S 3 250 #3
       gap C 6+6 uncaptured #5
       S 6 250 #4
       gap C 12+6 uncaptured #5
       closed end-of-capture #5`,
    ));

  test('midstream', () =>
    check(
      'C PA 0:500 MAIL\nC PA 4:600 RCPT',
      `
      gap C 0+? midstream #1
      gap S 0+? midstream #1
      C 0 MAIL #1
      C 4 RCPT #2
      closed end-of-capture #2`,
    ));
});

describe('sliced packets', () => {
  test('deliver what there is', () =>
    check(
      `${HANDSHAKE}cut=3 C PA 0 abcdef\nC PA 6 g\ncut=0 C PA 7 hij\nC PA 10 k`,
      `C 0 abc #4
       gap C 3+3 sliced #4
       C 6 g #5
       gap C 7+3 sliced #6
       C 10 k #7
       closed end-of-capture #7`,
    ));

  test('out of order', () =>
    check(
      `${HANDSHAKE}cut=1 C PA 3 def\nC PA 6 g\nC PA 0 abc`,
      `C 0 abc #6
       C 3 d #4
       gap C 4+2 sliced #6
       C 6 g #5
       closed end-of-capture #6`,
    ));
});

describe('limits', () => {
  const late = (count: number) => Array.from({ length: count }, (_, i) => `C PA ${3 + i} x`).join('\n');

  test('segments that wait', () => {
    const { log } = hear(`${HANDSHAKE}${late(5)}\nC PA 8 y`, { limits: { heldSegments: 4 } });
    expect(log.slice(0, 3)).toEqual(['gap C 0+3 limit #8', 'C 3 x #4', 'C 4 x #5']);
    expect(log.slice(-2)).toEqual(['C 8 y #9', 'closed end-of-capture #9']);
  });

  test('octets that wait', () => {
    const { log, table } = hear(`${HANDSHAKE}C PA 3 0123456789\nC PA 20 0123456789`, {
      limits: { heldOctets: 15 },
      open: true,
    });
    expect(log).toEqual(['gap C 0+3 limit #5', 'C 3 0123456789 #4']);
    expect(table.heldCost).toBeGreaterThan(10);
    table.end();
    expect(table.heldCost).toBe(0);
  });

  test('octets that wait in all connections', () => {
    const { log } = hear(
      `${HANDSHAKE}C PA 3 abc
       ports=40001:25 C S -1
       C PA 3 abc
       C PA 9 abc`,
      { limits: { heldTotal: 1200 } },
    );
    expect(log.filter((line) => line.includes('limit'))).toEqual(['1: gap C 0+3 limit #7']);
    expect(log.filter((line) => line.includes('unfilled'))).toEqual([
      'gap C 0+3 unfilled #4',
      '1: gap C 6+3 unfilled #7',
    ]);
  });

  test('lists hold twenty, counts all', () => {
    const lines = Array.from({ length: 30 }, (_, i) => `cut=1 C PA ${i * 2} ab\nC PA ${i * 2} x`).join('\n');
    const { view } = hear(`${HANDSHAKE}${lines}`).connections[0]!;
    expect([view.gaps.length, view.gapCount]).toEqual([20, 30]);
    expect([view.overlaps.length, view.overlapCount]).toEqual([20, 30]);
    expect(view.gaps[19]).toEqual({ direction: 'client', offset: 39, octets: 1, cause: 'sliced' });
  });

  test('data far beyond any window belongs to something else', () =>
    check(
      `${HANDSHAKE}C PA 1200000000 x\nC PA -1200000000 x\nC PA 0 a`,
      'C 0 a #6\nclosed end-of-capture #6',
    ));
});

describe('what was acknowledged', () => {
  const acked = (script: string) => {
    const { view } = hear(`${HANDSHAKE}${script}`).connections[0]!;
    return [view.acknowledged('client'), view.acknowledged('server')];
  };

  test('is the highest, and never the FIN', () => {
    expect(acked('')).toEqual([0, 0]);
    expect(acked('C PA 0 abc\nS A 0:3\nS A 0:1')).toEqual([3, 0]);
    expect(acked('C PA 0 abc\nC FA 3\nS A 0:4\nS PA 0 x\nC A 4')).toEqual([3, 1]);
    expect(acked('C PA 0 abc\nS A 0:4')).toEqual([3, 0]);
    expect(acked('C PA 0 abc\nS RA 0:3')).toEqual([3, 0]);
  });

  test('can be asked at any time', () => {
    const seen: number[] = [];
    run(parseStream(`${HANDSHAKE}C PA 0 abc\nS PA 0:2 x\nS PA 1:3 y`), {
      chunk: (_, view) => seen.push(view.acknowledged('client')),
    });
    expect(seen).toEqual([0, 2, 3]);
  });
});
