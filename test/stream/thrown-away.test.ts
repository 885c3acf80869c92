/** A packet with a wrong checksum is thrown away by its receiver, and its octets were never said. */
import { describe, expect, it } from 'vitest';
import { HANDSHAKE, hear } from '../support/streams.js';

function heard(script: string) {
  const { connections, log, table } = hear(`${HANDSHAKE}${script}`);
  const [{ text }] = connections as [(typeof connections)[0]];
  return {
    client: text.call(connections[0]!, 'client'),
    server: connections[0]!.text('server'),
    thrownAway: table.thrownAway,
    log,
  };
}

describe('a wrong checksum', () => {
  it('gives way to the copy that was sent again, whose frame and time it has', () => {
    const { client, thrownAway, log } = heard(`
      S PA 0:0 220 a\\r\\n
      bad C PA 0:7 EHLX a\\r\\n
      @200 C PA 0:7 EHLO a\\r\\n
      S PA 7:8 250 b\\r\\n`);
    expect(client).toBe('EHLO a\r\n');
    expect(thrownAway).toBe(1);
    expect(log).toContain('C 0 EHLO a\\r\\n #6');
    expect(log.some((line) => line.startsWith('overlap'))).toBe(false);
  });

  it('is no matter where the receiver acknowledges it: the capture was changed afterwards', () => {
    const { server, thrownAway, log } = heard(`
      bad S PA 0:0 220 ***\\r\\n
      C A 0:9
      C PA 0:9 EHLO a\\r\\n`);
    expect(server).toBe('220 ***\r\n');
    expect(thrownAway).toBe(0);
    expect(log.indexOf('S 0 220 ***\\r\\n #4')).toBeLessThan(log.indexOf('C 0 EHLO a\\r\\n #6'));
  });

  it('gives way to copies with other cuts', () => {
    const { client } = heard(`
      S PA 0:0 220 a\\r\\n
      bad C PA 0:7 EHLX abc\\r\\n
      @200 C PA 0:7 EHLO
      @10 C PA 4:7  abc\\r\\n
      S PA 7:10 250 b\\r\\n`);
    expect(client).toBe('EHLO abc\r\n');
  });

  it('was never said where nobody acknowledged it and no other copy came', () => {
    const { client, thrownAway } = heard('S PA 0:0 220 a\\r\\n\nbad C PA 0:7 QUXT\\r\\n');
    expect(client).toBe('');
    expect(thrownAway).toBe(1);
  });

  it('says nothing of a sender all of whose checksums are wrong', () => {
    const script = 'bad C S -1\nS SA -1\nbad C A 0\nS PA 0 220 a\\r\\n\nbad C PA 0:7 QUIT\\r\\n';
    const { connections, table } = hear(script);
    expect(connections[0]!.text('client')).toBe('QUIT\r\n');
    expect(table.thrownAway).toBe(0);
  });

  it('makes a reset, a FIN and an acknowledgement void', () => {
    const { log, server } = heard(`
      S PA 0:0 220 a\\r\\n
      bad S R 7
      bad C FA 0:7
      bad C A 0:99
      @9 C PA 0:7 QUIT\\r\\n
      S PA 7:6 221 b\\r\\n`);
    expect(server).toBe('220 a\r\n221 b\r\n');
    expect(log.some((line) => line.startsWith('gap'))).toBe(false);
    expect(log.at(-1)).toMatch(/closed end-of-capture/);
  });

  it('is looked for in long segments, too', () => {
    const body = (letter: string) => letter.repeat(1200);
    const { client } = heard(`
      S PA 0:0 354 a\\r\\n
      bad C PA 0:7 ${body('x')}
      @200 C PA 0:7 ${body('y')}
      S A 7:1200`);
    expect(client).toBe(body('y'));
  });

  it('is no matter to a capture of one direction', () => {
    const { connections } = hear('C S -1\nfar S SA -1\nC A 0:0\nbad C PA 0:0 QUIT\\r\\n');
    expect(connections[0]!.text('client')).toBe('QUIT\r\n');
  });
});

describe('a segment that is doubted', () => {
  it('is believed where the hole in front of it was acknowledged: nothing waits for ever', () => {
    const { client } = heard(`
      S PA 0:0 220 a\\r\\n
      bad C PA 0:7 EHLO a\\r\\n
      C PA 20:7 x\\r\\n
      S A 7:23
      C PA 23:7 y\\r\\n
      S A 7:26
      @40 C PA 26:7 z\\r\\n
      S A 7:29`);
    expect(client).toContain('EHLO a\r\n');
  });
});
