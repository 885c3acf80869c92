/** What leaves the program with a packet: nothing that a report does not show, however the streams were cut. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blank } from '../../src/evidence/blanking.js';
import { createDecoder } from '../../src/fragment/decoder.js';
import { AddressTable } from '../../src/wire/address.js';
import { tcpChecksum } from '../../src/wire/checksum.js';
import type { Checksum } from '../../src/wire/segment.js';
import {
  credentialScripts,
  PASSWORD,
  PASSWORD64,
  PLAIN,
  surrounded,
  USER,
  USER64,
} from '../support/credentials.js';
import { pcapOf, type ScriptPacket, scriptPackets, unescapeScript } from '../support/dialogue.js';
import { collected } from '../support/evidence.js';
import { runs } from '../support/extent.js';
import { ethernet, ipv4, tcp } from '../support/packet.js';

/** The dialogue in segments of `size` octets at most; 0: as it stands. */
function cut(script: string, size: number): string {
  if (size === 0) return script;
  return script
    .split('\n')
    .flatMap((line) => {
      const match = /^\s*([CS])([:+~])(?: (.*))?$/.exec(line);
      if (!match) return [line];
      const octets = unescapeScript(match[2] === '~' ? (match[3] ?? '') : `${match[3] ?? ''}\\r\\n`);
      const pieces: string[] = [];
      for (let at = 0; at < octets.length; at += size) {
        const escaped = [...octets.subarray(at, at + size)].map(
          (octet) => `\\x${octet.toString(16).padStart(2, '0')}`,
        );
        pieces.push(`${match[1]}~ ${escaped.join('')}`);
      }
      return pieces;
    })
    .join('\n');
}

/** Some packets come twice, some in front of the one before. */
function disturbed(packets: ScriptPacket[], seed: number): ScriptPacket[] {
  if (seed === 0) return packets;
  const result = [...packets];
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  for (let at = 3; at + 1 < result.length; at++) {
    if (random(5) === 0) [result[at], result[at + 1]] = [result[at + 1]!, result[at]!];
    else if (random(6) === 0) result.splice(at + 1 + random(3), 0, result[at]!);
  }
  return result.map((packet, index) => ({ ...packet, us: packets[0]!.us + index * 1000 }));
}

/** What of all packets would be written: each as it is, and the payloads of each direction behind one another. */
async function written(script: string, size: number, seed: number): Promise<string> {
  const { sessions, packets } = await collected(pcapOf(disturbed(scriptPackets(cut(script, size)), seed)));
  const streams = { client: '', server: '' };
  const all = packets.map((packet) => {
    const session = sessions.find((one) => one.session.id === packet.session)!;
    const { octets } = blank(packet, session.readable.of(packet.direction), true);
    streams[packet.direction] += octets.latin1Slice(packet.start, packet.end);
    return octets.latin1Slice();
  });
  return [...all, streams.client, streams.server].join('\n').toLowerCase();
}

/** Every part of six octets. */
function parts(secret: string): string[] {
  const all: string[] = [];
  for (let at = 0; at + 6 <= secret.length; at++) all.push(secret.slice(at, at + 6).toLowerCase());
  return all;
}

function leaked(text: string, secrets: readonly string[]): string[] {
  return secrets.flatMap(parts).filter((part) => text.includes(part));
}

describe('credentials', () => {
  it.each(Object.entries(credentialScripts))('are overwritten: %s', async (_, exchange) => {
    const secrets = [PLAIN, USER64, PASSWORD64, PASSWORD, USER];
    for (const [size, seed] of [
      [0, 0],
      [1, 0],
      [3, 0],
      [0, 5],
      [7, 6],
      [2, 7],
    ] as const) {
      const text = await written(surrounded(exchange), size, seed);
      expect(leaked(text, secrets), `${size} ${seed}`).toEqual([]);
    }
  });
});

const BODY = `S: 220 mx.example ESMTP
C: EHLO client.example
S: 250 mx.example
C: MAIL FROM:<author@example.com>
S: 250 ok
C: RCPT TO:<reader@example.net>
S: 250 ok
C: DATA
S: 354 go on
C: From: "Planted-Name" <planted.mailbox@secret.example>
C+ Subject: Planted-Subject
C+  folded-Subject-words
C+ Message-ID: <kept-1@example.com>
C+ Content-Type: multipart/mixed; name="Planted-File.xls";
C+  boundary="kept-boundary"
C+ X-Value: planted-Value
C+
C+ Planted-Preamble
C+ --kept-boundary
C+ Content-Type: text/plain; charset="Planted-Charset"
C+ Content-Disposition: attachment; filename="Planted-Attachment.doc"
C+
C+ Status: planted-Status-text
C+ Message-ID: <planted-body-id@example.com>
C+ ..planted-Stuffed line
C+ \\xfcn\\xefc\\xf6d\\xe9-planted-Eight
C+ AUTH PLAIN planted-Auth-in-body
C+ 250 planted-Reply-in-body
C+ --planted-boundary
C+ planted-Plain XXXXXXXXXXXXXXXXXXXXXXXXX planted-Text
C+ --kept-boundary--
C+ Planted-Epilogue
C+ .
S: 250 queued
C: QUIT
S: 221 bye`;

const PLANTED = [...BODY.matchAll(/planted[-.][\w.-]+|folded-Subject-words|secret\.example/gi)].map(
  ([text]) => text,
);

describe('messages', () => {
  it.each([
    [0, 0],
    [1, 0],
    [2, 0],
    [5, 0],
    [0, 3],
    [11, 4],
    [3, 9],
  ])('are overwritten in segments of %d (disturbance %d)', async (size, seed) => {
    const text = await written(BODY, size, seed);
    for (const planted of PLANTED) expect(text).not.toContain(planted.toLowerCase());
    expect(leaked(text, ['planted-', 'folded-'])).toEqual([]);
    if (seed === 0) {
      for (const kept of [
        'message-id: <kept-1@example.com>',
        'boundary="kept-boundary"',
        '\r\n--kept-boundary--\r\n',
        '\r\n.\r\n',
      ]) {
        expect(text).toContain(kept);
      }
      expect(text).toContain('rcpt to:<reader@example.net>');
    }
  });

  it('keep their length, their lines and where octets are beyond ASCII', async () => {
    const { sessions, packets } = await collected(pcapOf(scriptPackets(BODY)));
    for (const packet of packets) {
      const { octets } = blank(packet, sessions[0]!.readable.of(packet.direction), true);
      expect(octets.length).toBe(packet.octets.length);
      for (let at = packet.start; at < packet.end; at++) {
        const before = packet.octets[at]!;
        const after = octets[at]!;
        expect(after > 127).toBe(before > 127);
        expect(after === 10 || after === 13).toBe(before === 10 || before === 13);
      }
    }
  });

  it('of BDAT, and what no exchange is known for, are overwritten', async () => {
    const script = `S: 220 mx\nC: EHLO c\nS: 250 CHUNKING\nC: MAIL FROM:<a@b.example>\nS: 250 ok\nC: RCPT TO:<c@d.example>\nS: 250 ok
C: BDAT 21\nC~ planted-Chunk-of-mail\nS: 250 ok\nC: BDAT 19 LAST\nC~ planted-second-one \nS: 250 ok\nC: QUIT\nS: 221 bye`;
    for (const size of [0, 1, 4]) expect(await written(script, size, 0)).not.toContain('plante');
    expect(await written(`midstream\nC: planted-Mail data\nC: more planted-Data`, 0, 0)).not.toContain(
      'plante',
    );
  });

  it('leave nothing of TLS but the heads of its first records', async () => {
    const script = `S: 220 mx\nC: EHLO c\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nC~ \\x16\\x03\\x01\\x00\\x20planted-client-hello-with-name
S~ \\x16\\x03\\x03\\x00\\x20planted-server-hello-certificate`;
    const text = await written(script, 0, 0);
    expect(text).not.toContain('plante');
    expect(text).toContain('\x16\x03\x01\x00\x20\0\0\0');
  });
});

describe('what lies behind a packet in its frame', () => {
  it('is nobody’s business', async () => {
    const short = ethernet(
      0x0800,
      ipv4({ protocol: 6 }, tcp({ sport: 40000, dport: 25, flags: 'S', seq: 1 })),
    );
    const packets = scriptPackets('S: 220 mx\nC: QUIT\nS: 221 bye');
    packets[0] = {
      us: packets[0]!.us,
      octets: Buffer.concat([packets[0]!.octets, Buffer.from('planted-Padding')]),
    };
    const { sessions, packets: all } = await collected(pcapOf(packets));
    const { octets } = blank(all[0]!, sessions[0]!.readable.of('client'), false);
    expect(octets.length).toBe(packets[0]!.octets.length);
    expect(octets.subarray(short.length).every((octet) => octet === 0)).toBe(true);
  });
});

describe('the checksum', () => {
  function verdict(octets: Buffer): Checksum {
    const addresses = new AddressTable();
    let found: Checksum = 'unverifiable';
    const listener = {
      segment: (segment: Parameters<typeof tcpChecksum>[0]) => {
        found = tcpChecksum(segment, addresses);
      },
    };
    createDecoder(listener, [25], addresses).packet({
      octets,
      start: 0,
      end: octets.length,
      originalLength: octets.length,
      interfaceName: '',
      frame: 1,
      linkType: 1,
      us: 0,
      ns: 0,
      digits: 6,
    });
    return found;
  }

  it('is right where it was right, and wrong where it was wrong', () => {
    const payload = fc.uint8Array({ minLength: 1, maxLength: 70 });
    fc.assert(
      fc.property(payload, fc.constantFrom<'valid' | 'invalid'>('valid', 'invalid'), (text, before) => {
        const badChecksum = before === 'invalid';
        const segment = tcp({
          sport: 40000,
          dport: 25,
          flags: 'PA',
          payload: Buffer.from(text),
          badChecksum,
        });
        const octets = ethernet(0x0800, ipv4({ protocol: 6 }, segment));
        expect(verdict(octets)).toBe(before);
        const packet = {
          capture: 0,
          frame: 1,
          linkType: 1,
          us: 0,
          ns: 0,
          digits: 6,
          originalLength: octets.length,
          octets,
          tcpStart: 34,
          start: 54,
          end: octets.length,
          flags: 0x18,
          checksum: before,
          session: null,
          direction: 'client' as const,
          offset: 0,
        };
        expect(verdict(blank(packet, null, false).octets)).toBe(before);
        expect(verdict(blank(packet, null, true).octets)).toBe(before);
      }),
      { numRuns: runs(300), seed: 3 },
    );
  });

  it('stays the pseudo-header’s sum where the network card was to finish it', async () => {
    const { packets } = await collected(pcapOf(scriptPackets('S: 220 mx\nC: some text')));
    const packet = packets.find(({ start, end, direction }) => end > start && direction === 'client')!;
    const { octets } = blank({ ...packet, checksum: 'offloaded' }, null, false);
    expect(octets.readUInt16BE(packet.tcpStart + 16)).toBe(packet.octets.readUInt16BE(packet.tcpStart + 16));
  });
});

describe('octets that were sent twice', () => {
  it('are shown only where they are what was heard first', async () => {
    const script = `S: 220 mx.example ESMTP
C: NOOP 0123456789abcdef
S: 250 ok
back C 23
C: NOOP Planted-Secret-1
C: QUIT
S: 221 bye`;
    const text = await written(script, 0, 0);
    expect(text).toContain('noop 0123456789abcdef');
    expect(text).toContain('noop ');
    expect(leaked(text, ['Planted-Secret'])).toEqual([]);
  });
});
