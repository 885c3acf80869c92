/** What was sent again, what was acknowledged selectively, and what never reached the other end. */
import { describe, expect, it } from 'vitest';
import type { TcpFacts } from '../../src/stream/tcp-facts.js';
import { hear } from '../support/streams.js';

const HANDSHAKE = 'C S -1\nS SA -1\nC A 0';

function facts(script: string): TcpFacts {
  return hear(`${HANDSHAKE}\n${script}`).connections[0]!.view.tcp;
}

describe('octets sent again', () => {
  it('are counted until they are acknowledged, with the time of each try', () => {
    const { resent, resentCount } = facts(`
      C PA 0 .\\r\\n
      @200 C PA 0 .\\r\\n
      @400 C PA 0 .\\r\\n
      @800 C PA 0 .\\r\\n`);
    expect(resentCount).toBe(1);
    expect(resent).toMatchObject([
      { direction: 'client', offset: 0, length: 3, repeats: 3, frame: 5, lastFrame: 7, acknowledged: false },
    ]);
    expect(resent[0]!.frames).toEqual([5, 6, 7]);
    expect(resent[0]!.lastUs - resent[0]!.us).toBe(1_200_000);
  });

  it('arrived where they were acknowledged in the end', () => {
    const { resent } = facts('C PA 0 .\\r\\n\n@200 C PA 0 .\\r\\n\nS A 0:3');
    expect(resent).toMatchObject([{ repeats: 1, acknowledged: true, selected: false }]);
  });

  it('are not the copies of a mirror port', () => {
    expect(facts('C PA 0 .\\r\\n\n@0 C PA 0 .\\r\\n').resentCount).toBe(0);
  });

  it('give room to what did not arrive', () => {
    const arrived = Array.from({ length: 30 }, (_, index) => {
      const at = index * 3;
      return `C PA ${at} .\\r\\n\n@200 C PA ${at} .\\r\\n\nS A 0:${at + 3}`;
    }).join('\n');
    const { resent, resentCount } = facts(`${arrived}\nC PA 90 end\n@300 C PA 90 end`);
    expect(resentCount).toBe(31);
    expect(resent.filter(({ acknowledged }) => !acknowledged)).toMatchObject([{ offset: 90 }]);
  });
});

describe('octets that never reached the other end', () => {
  it('are shown by a bare acknowledgement that lies ahead of what the client ever acknowledged', () => {
    const { lost } = facts(`
      S PA 0:0 220 a\\r\\n
      C PA 0:7 end\\r\\n
      @5 S A 59:5
      @2000 C A 5:7`);
    expect(lost).toEqual([
      {
        direction: 'server',
        offset: 7,
        octets: 52,
        frame: 6,
        time: expect.objectContaining({ digits: 6 }),
        heardFrame: 7,
        heardAfterUs: 2_000_000,
      },
    ]);
  });

  it('are shown by a FIN, too, and end where later octets begin', () => {
    const { lost } = facts(`
      S PA 0:0 220 a\\r\\n
      @5 S PA 20:0 221 b\\r\\n
      @300 S FA 27:0
      @2000 C FA 0:7`);
    expect(lost).toMatchObject([{ direction: 'server', offset: 7, octets: 13, heardFrame: 7 }]);
  });

  it('are none where the client acknowledged them: they were not captured', () => {
    const { lost } = facts('S PA 0:0 220 a\\r\\n\n@5 S A 59:0\nC A 0:59');
    expect(lost).toEqual([]);
  });

  it('are none where they came after all', () => {
    expect(facts('S PA 0:0 220 a\\r\\n\nS A 14:0\n@9 S PA 7:0 220 b\\r\\n\nC A 0:14').lost).toEqual([]);
  });

  it('prove nothing while the receiver has not been heard', () => {
    expect(facts('S PA 0:0 220 a\\r\\n\nC A 0:7\nS A 59:0').lost).toMatchObject([{ heardFrame: 0 }]);
  });

  it('are not told by a packet that nobody accepts', () => {
    expect(facts('S PA 0:0 220 a\\r\\n\nbad S A 59:0\n@2000 C A 0:7').lost).toEqual([]);
  });
});
