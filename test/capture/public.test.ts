/**
 * Public captures, and what other programs say of them: `pcap-parser` packet by packet, the record counts of
 * a walk over the headers, the block sequences that the pcapng conformance files were made from.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { CaptureFacts } from '../../src/capture/packet.js';
import { readCapture } from '../../src/capture/source.js';
import { needs } from '../support/needs.js';
import { type HeardPacket, Listening, readPieces } from '../support/pcap.js';
import {
  differencesOf,
  differencesTold,
  type PublicCapture,
  publicCaptures,
  publicPath,
} from '../support/public-captures.js';

interface Witness {
  on(event: 'packet', hear: (packet: WitnessPacket) => void): Witness;
  on(event: 'end', hear: () => void): Witness;
  on(event: 'error', hear: (error: Error) => void): Witness;
}

interface WitnessPacket {
  header: {
    timestampSeconds: number;
    timestampMicroseconds: number;
    capturedLength: number;
    originalLength: number;
  };
  data: Buffer;
}

const pcapParser = createRequire(import.meta.url)('pcap-parser') as { parse(input: Readable): Witness };

/** Where reading has to stop, or the file says two things of itself: what becomes of it here, as docs/public-captures.md has it. */
function damageOf(file: string): { truncated: boolean; problems: string[]; heard: number | null } {
  const [row] = differencesOf('Files', file);
  const words = row === undefined ? [] : row.split(', ');
  const heard = words.find((word) => word.endsWith(' packets'));
  return {
    truncated: words.includes('truncated'),
    problems: words.filter((word) => word.startsWith('bad-')),
    heard: heard === undefined ? null : Number.parseInt(heard, 10),
  };
}

async function read(capture: PublicCapture): Promise<{ packets: HeardPacket[]; facts: CaptureFacts }> {
  const listening = new Listening();
  const facts = await readCapture(publicPath(capture), listening);
  return { packets: listening.packets, facts };
}

function octetsOf(capture: PublicCapture): Buffer {
  const octets = readFileSync(publicPath(capture));
  return capture.compression === 'gzip' ? gunzipSync(octets) : octets;
}

function witnessed(octets: Buffer): Promise<WitnessPacket[]> {
  return new Promise((resolve, reject) => {
    const packets: WitnessPacket[] = [];
    pcapParser
      .parse(Readable.from([octets]))
      .on('packet', (packet) => packets.push(packet))
      .on('error', reject)
      .on('end', () => resolve(packets));
  });
}

describe('every public capture', needs('public-captures'), () => {
  it('has as many packets as its headers say, and is whole where they are', async () => {
    expect(publicCaptures.length).toBeGreaterThan(600);
    for (const capture of publicCaptures) {
      const { file, records_by_header_walk: records, compression } = capture;
      const { packets, facts } = await read(capture);
      const { truncated, problems, heard } = damageOf(file);
      const format = capture.format.startsWith('pcapng') ? 'pcapng' : 'pcap';
      expect({
        file,
        format: facts.format,
        packets: facts.packets,
        heard: packets.length,
        truncated: facts.truncated,
        problems: facts.problems.map(({ code }) => code),
      }).toEqual({
        file,
        format: compression ? `${format}+${compression}` : format,
        packets: records,
        heard: heard ?? records,
        truncated,
        problems,
      });
    }
    const named = publicCaptures.filter(({ framing_problem }) => framing_problem);
    for (const { file } of named) expect(differencesOf('Files', file), file).toHaveLength(1);
  });

  it('is the subject of each row of the table', () => {
    const files = new Set(publicCaptures.map(({ file }) => file));
    for (const section of ['Files', 'Connections and streams', 'Numbers of connections', 'Sessions']) {
      const rows = differencesTold(section);
      expect(rows.length, section).toBeGreaterThan(0);
      for (const { file } of rows) expect(files, section).toContain(file);
      if (section === 'Files') expect(rows.every(({ what }) => /truncated|bad-/.test(what))).toBe(true);
    }
  });

  it('reads the same in pieces', () => {
    for (const capture of publicCaptures.filter(({ category }) => category !== 'large')) {
      const octets = octetsOf(capture);
      const size = 1 + (octets.length % 997);
      const pieces = function* () {
        for (let at = 0; at < octets.length; at += size) yield octets.subarray(at, at + size);
      };
      expect([capture.file, readPieces(pieces())]).toEqual([capture.file, readPieces([octets])]);
    }
  });
});

describe('pcap-parser, which reads microsecond pcap', needs('public-captures'), () => {
  it('hears the same packets: times, lengths, octets', async () => {
    let files = 0;
    let compared = 0;
    for (const capture of publicCaptures) {
      if (!/^pcap us (le|be)$/.test(capture.format) || capture.framing_problem) continue;
      const { packets } = await read(capture);
      const expected = (await witnessed(octetsOf(capture))).map(({ header, data }, index) => ({
        frame: index + 1,
        us: header.timestampSeconds * 1e6 + header.timestampMicroseconds,
        // pcap-parser hands on original lengths as they stand, below the captured ones in fuzzed files.
        originalLength: Math.max(header.originalLength, header.capturedLength),
        octets: data.toString('hex'),
      }));
      const ours = packets.map(({ frame, us, originalLength, octets }) => ({
        frame,
        us,
        originalLength,
        octets,
      }));
      expect([capture.file, ours]).toEqual([capture.file, expected]);
      files++;
      compared += ours.length;
    }
    expect(files).toBeGreaterThan(470);
    expect(compared).toBeGreaterThan(50_000);
  });
});

describe('the pcapng conformance files', needs('public-captures'), () => {
  const conformance = publicCaptures.filter(
    ({ file, category }) => category === 'pcapng-conformance' && file.endsWith('.pcapng'),
  );

  it.each(conformance)('$file: packets and their frame numbers', async (capture) => {
    const said = readFileSync(publicPath(capture).replace(/pcapng$/, 'txt'), 'utf8');
    const sequence = /Block sequence: (.*)/.exec(said)?.[1]?.trim().split(', ') ?? [];
    expect(sequence[0]).toBe('SHB');
    // Custom blocks (CB, DCB) have frame numbers in packet viewers.
    const numbered = sequence.filter((name) => /^(EPB|SPB|CB|DCB)$/.test(name));
    const expected = numbered.flatMap((name, index) => (/CB$/.test(name) ? [] : [index + 1]));
    const { packets, facts } = await read(capture);
    expect(packets.map(({ frame }) => frame)).toEqual(expected);
    expect(numbered).toHaveLength(capture.tshark.packets);
    expect(facts).toMatchObject({
      format: 'pcapng',
      packets: expected.length,
      truncated: false,
      problems: [],
    });
    const timeless = sequence.filter((name) => name === 'SPB').length;
    expect(packets.filter(({ us }) => Number.isNaN(us))).toHaveLength(timeless);
  });
});
