/** A reset in the middle that neither end believed: the dialogue is read to its end, and the reset is known. */
import { describe, expect, it } from 'vitest';
import { HANDSHAKE, hear } from '../support/streams.js';

const BEGINNING = `${HANDSHAKE}
  S PA 0:0 220 a\\r\\n
  C PA 0:7 EHLO b\\r\\n
  S PA 7:8 250 a\\r\\n`;

function heard(script: string) {
  const { connections, table } = hear(`${BEGINNING}\n${script}`);
  const [connection] = connections;
  const { view } = connection!;
  return {
    client: connection!.text('client'),
    server: connection!.text('server'),
    closed: view.closed,
    closedFrame: view.serverRstFrame || view.clientRstFrame,
    forged: view.tcp.forgedResets,
    connections: connections.length,
    table,
  };
}

describe('a reset', () => {
  it('that neither end believed does not end the session', () => {
    const { client, server, closed, forged, connections } = heard(`
      S R 14
      @20 C PA 8:14 QUIT\\r\\n
      S PA 14:14 221 a\\r\\n
      C A 14:21`);
    expect([client, server]).toEqual(['EHLO b\r\nQUIT\r\n', '220 a\r\n250 a\r\n221 a\r\n']);
    expect([closed, connections]).toEqual(['end-of-capture', 1]);
    expect(forged).toMatchObject([{ direction: 'server', frame: 7, wentOnFrame: 9, answeredFrame: 10 }]);
  });

  it('in the name of the client, too', () => {
    const { client, forged } = heard(`
      C RA 8:14
      @20 C PA 8:14 NOOP\\r\\n
      S PA 14:14 250 ok\\r\\n
      C PA 14:22 QUIT\\r\\n`);
    expect(client).toBe('EHLO b\r\nNOOP\r\nQUIT\r\n');
    expect(forged).toMatchObject([{ direction: 'client', frame: 7, wentOnFrame: 8, answeredFrame: 9 }]);
  });

  it('that both ends believed ends it, whatever was still under way', () => {
    const { client, closed, forged } = heard('S R 14\nC PA 8:14 QUIT\\r\\n');
    expect([client, closed, forged]).toEqual(['EHLO b\r\n', 'rst', []]);
  });

  it('that the client believed ends it, though the server goes on', () => {
    const { server, closed, forged } = heard('S R 14\nS PA 14:8 451 slow\\r\\n\nC R 8');
    expect([server, closed]).toEqual(['220 a\r\n250 a\r\n', 'rst']);
    expect(forged).toMatchObject([{ direction: 'server', frame: 7, wentOnFrame: 8, answeredFrame: null }]);
  });

  it('is believed where the client only says once more what it had said', () => {
    const { closed, forged } = heard('S R 14\nS PA 7:8 250 a\\r\\n\nC A 8:14');
    expect([closed, forged]).toEqual(['rst', []]);
  });

  it('behind a FIN is late, and ends it at once', () => {
    const { closed, table } = heard('S FA 14:8\nC R 8');
    expect(closed).toBe('rst');
    expect(table.openCount).toBe(0);
  });

  it('with much behind it that decides nothing is believed', () => {
    const late = Array.from({ length: 20 }, (_, index) => `C PA ${8 + index * 4}:14 ab\\r\\n`).join('\n');
    expect(heard(`S R 14\n${late}\nS PA 14:88 250 a\\r\\n`).closed).toBe('rst');
  });
});
