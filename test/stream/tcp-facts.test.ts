/** What a session knows of its TCP: offers, stacks, oversize segments, SACK blocks. */
import { describe, expect, it } from 'vitest';
import type { TcpFacts } from '../../src/stream/tcp-facts.js';
import { packOffer, sackBlocks, tsvalOf, unpackOffer } from '../../src/stream/tcp-facts.js';
import { TcpSegment } from '../../src/wire/segment.js';
import { analyzeScripts, SCRIPT_START_US } from '../support/dialogue.js';
import { tcp } from '../support/packet.js';

async function facts(script: string): Promise<TcpFacts> {
  const analysis = await analyzeScripts([script], { rules: [] });
  return [...analysis.sessions()][0]!.tcp;
}

function segmentWith(options: string): TcpSegment {
  const octets = tcp({ sport: 40000, dport: 25, flags: 'S', options: Buffer.from(options, 'hex') });
  const segment = new TcpSegment();
  segment.octets = octets;
  segment.start = octets.length;
  segment.end = octets.length;
  return segment;
}

const TALK = `
  S: 220 mail.example ESMTP
  C: EHLO client.example
  S: 250 mail.example
`;

describe('offers', () => {
  it.each([
    ['', null, null, false, false],
    ['020405b4', 1460, null, false, false],
    ['0204056401010402', 1380, null, true, false],
    ['020405b40402080a0000000100000000 01030307', 1460, 7, true, true],
    // No-operations in front, end of options in the middle, a scale beyond 14.
    ['0101 0303ff00 0204', null, 14, false, false],
    // A length that leads out of the header, one below 2, an MSS of a wrong length, an MSS of 0.
    ['0204', null, null, false, false],
    ['0201ffff', null, null, false, false],
    ['0203ff01', null, null, false, false],
    ['02040000', null, null, false, false],
  ])('%s', (hex, mss, windowScale, sackPermitted, timestamps) => {
    const segment = segmentWith(hex.replaceAll(' ', ''));
    expect(unpackOffer(packOffer(segment))).toEqual({ mss, windowScale, sackPermitted, timestamps });
  });

  it('are in the session, with the time that the handshake took', async () => {
    const seen = await facts(`syn C mss=1460 ws=7 sack ts\nsyn S mss=1380\n${TALK}`);
    expect(seen.clientOffer).toEqual({ mss: 1460, windowScale: 7, sackPermitted: true, timestamps: true });
    expect(seen.serverOffer).toEqual({
      mss: 1380,
      windowScale: null,
      sackPermitted: false,
      timestamps: false,
    });
    expect([seen.synCount, seen.lastSynFrame, seen.handshakeUs, seen.serverHopLimit]).toEqual([1, 1, 0, 57]);
    expect(seen.synAckFrame).toBe(2);
  });

  it('come with what names a connection: initial sequence numbers, TSval, hop limits', async () => {
    const seen = await facts(`syn C ts\nsyn S ts\n${TALK}`);
    const { clientIsn, serverIsn, clientTsval, serverTsval, clientHopLimit, serverHopLimit } = seen;
    expect([clientIsn, serverIsn, clientTsval, serverTsval]).toEqual([1000, 5_000_000, 100_000, 100_000]);
    expect([clientHopLimit, serverHopLimit]).toEqual([64, 57]);
    const without = await facts(TALK);
    expect([without.clientTsval, without.serverTsval, without.clientIsn]).toEqual([null, null, 1000]);
  });

  it('are absent midstream', async () => {
    const seen = await facts(`midstream\n${TALK}`);
    expect([seen.clientOffer, seen.serverOffer, seen.synCount]).toEqual([null, null, 0]);
    expect(seen.synAckFrame).toBeNull();
  });
});

describe('resets', () => {
  it.each([
    ['rst C', 10, null],
    ['rst S', null, 10],
    ['fin', null, null],
    ['cut', null, null],
  ])('%s', async (end, client, server) => {
    const seen = await facts(`${TALK}${end}`);
    expect([seen.clientResetFrame, seen.serverResetFrame]).toEqual([client, server]);
  });
});

describe('SYNs', () => {
  it('are counted', async () => {
    const seen = await facts('session\nknock\n@ +1\nknock\n@ +2\nknock');
    expect([seen.synCount, seen.lastSynFrame, seen.serverPackets]).toEqual([3, 3, 0]);
    expect(seen.handshakeUs).toBeNull();
  });

  it('that are repeated leave it open which one was answered', async () => {
    const seen = await facts(`knock\n@ +1\n${TALK}`);
    expect([seen.synCount, seen.handshakeUs]).toEqual([2, null]);
    expect(seen.serverOffer).not.toBeNull();
  });
});

describe('resets of the server that do not fit', () => {
  it('are counted, and leave the connection open', async () => {
    const seen = await facts('session\nknock\nrefuse 900000000\n@ +3\nknock\nrefuse 900000000');
    expect(seen.unfitResets).toMatchObject({ count: 2, frame: 2 });
    expect([seen.synCount, seen.serverPackets]).toEqual([2, 2]);
  });

  it('are none where the reset acknowledges the SYN', async () => {
    expect((await facts('session\nknock\nrefuse')).unfitResets).toBeNull();
  });
});

describe('stacks of the server', () => {
  const STAMPS = 'syn C ts\nsyn S ts\n';

  it('one', async () => {
    expect((await facts(`${STAMPS}${TALK}@ +5\n${TALK}`)).foreignCount).toBe(0);
    expect((await facts(TALK)).foreignCount).toBe(0);
  });

  it('another hop limit', async () => {
    const seen = await facts(
      `${TALK}C: STARTTLS\nstack S ttl=255 ipid=0 window=8192\nS: 500 no\nstack S ttl=57\nC: QUIT\nS: 221 bye`,
    );
    expect(seen.foreignCount).toBe(1);
    expect(seen.foreign[0]).toMatchObject({
      hopLimit: 255,
      ipId: 0,
      window: 8192,
      tsval: null,
      offset: 42,
      length: 8,
      reset: false,
      otherClock: false,
    });
  });

  it('another hop limit, with the IP IDs and the window of the server’s own in front and behind', async () => {
    const script = `stack S ipid=700+\n${TALK}C: STARTTLS\nstack S ttl=255 ipid=9 window=8192\nS: 500 no\nstack S ttl=57 ipid=800+ window=5000\nC: QUIT\nS: 221 bye`;
    expect((await facts(script)).foreign).toEqual([
      expect.objectContaining({ ipId: 9, ownIpIdBefore: 704, ownWindowBefore: 65535, ownIpIdAfter: 800 }),
    ]);
    const cut = await facts(`${TALK}C: STARTTLS\nstack S ttl=255\nS: 500 no\ncut`);
    expect(cut.foreign[0]).toMatchObject({ ownIpIdBefore: 1, ownIpIdAfter: null });
  });

  it('no timestamp though they were agreed', async () => {
    const seen = await facts(`${STAMPS}${TALK}C: STARTTLS\nstack S ts=off\nS: 500 no`);
    expect(seen.foreign.map(({ length, tsval }) => [length, tsval])).toContainEqual([8, null]);
  });

  it('another clock, ahead or behind', async () => {
    for (const shift of ['+2000000000', '-50000000']) {
      const seen = await facts(`${STAMPS}${TALK}C: STARTTLS\nstack S ts=${shift}\nS: 500 no`);
      expect(seen.foreign.map(({ length, otherClock }) => [length, otherClock])).toContainEqual([8, true]);
    }
  });

  it('a clock that begins after the handshake', async () => {
    const seen = await facts(`${STAMPS}${TALK}`.replace('ts\nsyn S', 'ts\nstack S ts=-100000\nsyn S'));
    expect(seen.foreignCount).toBe(0);
  });

  it('a reset without a timestamp is nobody else’s, one with another hop limit is', async () => {
    expect((await facts(`${STAMPS}${TALK}stack S ts=off\nrst S`)).foreignCount).toBe(0);
    const seen = await facts(`${STAMPS}${TALK}stack S ttl=250\nrst S`);
    expect(seen.foreign.map(({ reset, hopLimit }) => [reset, hopLimit])).toEqual([[true, 250]]);
  });
});

describe('segments beyond the MSS', () => {
  const BEGIN = `syn C mss=1460\nsyn S mss=1000\n${TALK}C: DATA\nS: 354 go\n`;

  it('never acknowledged, sent again, then smaller', async () => {
    const big = `C! ${'x'.repeat(1200)}\nback C 1202\n`;
    const seen = await facts(`${BEGIN}${big}@ +1\n${big}@ +2\nC~ ${'x'.repeat(900)}\nC~ ${'x'.repeat(302)}`);
    expect(seen.oversize).toEqual([
      expect.objectContaining({ direction: 'client', length: 1202, mss: 1000, copies: 2, passed: false }),
    ]);
    expect(seen.oversize[0]!.smallerFrame).toBeGreaterThan(seen.oversize[0]!.lastFrame);
  });

  it('acknowledged as they are', async () => {
    const seen = await facts(`${BEGIN}C~ ${'x'.repeat(1200)}`);
    expect(seen.oversize).toEqual([expect.objectContaining({ copies: 1, passed: true, smallerFrame: null })]);
  });

  it('none', async () => {
    expect((await facts(`${BEGIN}C~ ${'x'.repeat(1000)}`)).oversizeCount).toBe(0);
    expect((await facts(`${TALK}C~ ${'x'.repeat(1400)}`)).oversizeCount).toBe(0);
  });

  it('are listed up to a limit, and counted', async () => {
    const seen = await facts(`${BEGIN}${`C~ ${'x'.repeat(1200)}\n`.repeat(30)}`);
    expect([seen.oversize.length, seen.oversizeCount]).toEqual([20, 30]);
  });
});

describe('the end of the server', () => {
  it('is its first FIN or RST, with its time', async () => {
    const reset = await facts(`${TALK}C: MAIL FROM:<>\n@ +0.25\nrst S`);
    const { serverClose, serverLastFrame, serverLastUs } = reset;
    expect(serverClose).toEqual({ frame: serverLastFrame, us: SCRIPT_START_US + 294_000, reset: true });
    expect(serverLastUs).toBe(SCRIPT_START_US + 294_000);
    const fin = await facts(`${TALK}fin S\n@ +9\nfin C`);
    expect(fin.serverClose).toEqual({ frame: 10, us: SCRIPT_START_US + 43_000, reset: false });
    expect((await facts(`${TALK}rst C`)).serverClose).toBeNull();
    expect((await facts(`${TALK}cut`)).serverClose).toBeNull();
  });

  it('is its last packet where it falls silent, and what it acknowledged until then', async () => {
    const seen = await facts(`${TALK}noack S\nC: MAIL FROM:<>\n@ +30\nC: QUIT\nrst C`);
    expect([seen.serverLastFrame, seen.serverLastUs]).toEqual([8, SCRIPT_START_US + 32_000]);
    expect(seen.clientAcknowledged).toBe('EHLO client.example\r\n'.length);
  });
});

describe('SACK blocks', () => {
  it('inside of what was sent, also behind the acknowledgement', async () => {
    const seen = await facts(`${TALK}C~ abc\nsack S 10 20\nsack S 5 6`);
    expect(seen.sack).toMatchObject({ possible: 2, impossible: 0 });
  });

  it('far outside, always by the same distance', async () => {
    const seen = await facts(`${TALK}C~ abc\nsack S 30 40 900000000\nC~ defghi\nsack S 36 40 900000000`);
    expect(seen.sack).toMatchObject({ possible: 0, impossible: 2, fitting: 0, direction: 'server' });
    expect(seen.sack!.frames.length).toBe(2);
    expect(Math.abs(seen.sack!.distance - 900_000_000)).toBeLessThan(100);
    expect(seen.sack!.spread).toBeLessThan(100);
  });

  it('of the other side, which fit', async () => {
    const seen = await facts(`${TALK}C~ abc\nsack C 5 10\nsack S 30 40 900000000`);
    expect(seen.sack).toMatchObject({ possible: 1, impossible: 1, fitting: 0, direction: 'server' });
  });

  it('several of one segment; a length that is no multiple of a block is cut', () => {
    const edges: number[][] = [];
    sackBlocks(segmentWith('0101 0512 00000001 00000002 00000003 00000004'.replaceAll(' ', '')), (...edge) =>
      edges.push(edge),
    );
    sackBlocks(segmentWith('0101 0507 0000000100'.replaceAll(' ', '')), (...edge) => edges.push(edge));
    expect(edges).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });
});

it('TSval', () => {
  expect(tsvalOf(segmentWith('0101080affffffff00000000'))).toBe(0xffffffff);
  expect(tsvalOf(segmentWith('0204 05b4'.replaceAll(' ', '')))).toBe(-1);
});
