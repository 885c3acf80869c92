import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readCapture } from '../../src/capture/source.js';
import { createDecoder } from '../../src/fragment/decoder.js';
import { ConnectionTable } from '../../src/stream/connections.js';
import type { ConnectionView, Direction, Gap } from '../../src/stream/event.js';
import { AddressTable } from '../../src/wire/address.js';
import { tcpChecksum } from '../../src/wire/checksum.js';
import { needs } from '../support/needs.js';
import {
  differencesOf,
  differencesTold,
  type PublicCapture,
  publicCaptures,
  publicPath,
} from '../support/public-captures.js';

interface Stream {
  view: ConnectionView;
  client: Buffer[];
  server: Buffer[];
}

async function streamsOf(capture: PublicCapture, only?: readonly number[]): Promise<Stream[]> {
  const ports = only ?? [
    ...new Set([25, 587, 2525, ...(capture.smtp_streams ?? []).map((s) => s.server_port)]),
  ];
  const addresses = new AddressTable();
  const streams: Stream[] = [];
  const table = new ConnectionTable(
    {
      opened(view) {
        const stream: Stream = { view, client: [], server: [] };
        streams.push(stream);
        return {
          chunk: (c) => stream[c.direction].push(Buffer.from(c.octets.subarray(c.start, c.end))),
          gap: () => {},
          closed: () => {},
        };
      },
    },
    addresses,
    ports,
    (segment) => tcpChecksum(segment, addresses),
  );
  await readCapture(publicPath(capture), createDecoder(table, ports, addresses));
  table.end();
  return streams;
}

function endpoint({ address, port }: { address: string; port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Holes between octets; that a beginning or an end was not captured is no concern of TShark's follow. */
function gapsIn({ view, client, server }: Stream, direction: Direction): Gap[] {
  const octets = (direction === 'client' ? client : server).reduce((sum, chunk) => sum + chunk.length, 0);
  return view.gaps.filter((gap) => gap.direction === direction && gap.offset > 0 && gap.offset < octets);
}

function digest(octets: Buffer): string {
  return createHash('sha256').update(octets).digest('hex');
}

const withSmtp = publicCaptures.filter((capture) => (capture.smtp_streams ?? []).length > 0);

describe('the streams that TShark follows', needs('public-captures'), () => {
  test('are more than a few', () => expect(withSmtp.length).toBeGreaterThan(10));

  test.each(withSmtp)('$file', async (capture) => {
    const streams = await streamsOf(capture);
    const differences: string[] = [];
    for (const theirs of capture.smtp_streams!) {
      for (const direction of ['client', 'server'] as Direction[]) {
        const key = `${theirs.tcp_stream} ${direction}`;
        const ours = streams.filter(
          (s) => endpoint(s.view.client) === theirs.client && endpoint(s.view.server) === theirs.server,
        );
        const octets = Buffer.concat(ours.flatMap((s) => s[direction]));
        const { follow } = theirs;
        const agree =
          ours.length === 1 &&
          octets.length === follow[`${direction}_bytes`] &&
          digest(octets) === follow[`${direction}_sha256`];
        if (!agree) differences.push(key);
        else if (!theirs.follow.gap_marker) expect(gapsIn(ours[0]!, direction), key).toEqual([]);
      }
    }
    expect(differences).toEqual(differencesOf('Connections and streams', capture.file));
  });

  test('and how many connections there are on the ports of SMTP', async () => {
    const differences: { file: string; what: string }[] = [];
    for (const capture of publicCaptures) {
      const streams = await streamsOf(capture, [25, 465, 587, 2525]);
      const { tcp_streams_on_smtp_ports: theirs } = capture;
      const { file } = capture;
      if (streams.length !== theirs) differences.push({ file, what: `${streams.length} ${theirs}` });
    }
    expect(differences).toEqual(expect.arrayContaining(differencesTold('Numbers of connections')));
    expect(differences).toHaveLength(differencesTold('Numbers of connections').length);
  });
});
