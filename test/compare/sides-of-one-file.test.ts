/** One capture that holds both sides of a box, and how they are told apart. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CapturedPacket } from '../../src/capture/packet.js';
import { readCapture } from '../../src/capture/source.js';
import { type Comparison, compare } from '../../src/compare/compare.js';
import { splitOf } from '../../src/compare/sides-of-one-file.js';
import { catalog } from '../../src/rules/catalog.js';
import { pcapOf, type ScriptPacket, scriptPackets } from '../support/dialogue.js';

const CAPTURES = fileURLToPath(new URL('../../captures/', import.meta.url));
const COOKED = `${CAPTURES}compare-cooked.pcap.zst`;
const LINUX_SLL = 113;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailwitness-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function capture(name: string, packets: readonly ScriptPacket[], linkType = 1): string {
  const file = join(folder, `${name}.pcap`);
  const octets = pcapOf([...packets].sort((a, b) => a.us - b.us));
  octets.writeUInt32LE(linkType, 20);
  writeFileSync(file, octets);
  return file;
}

/** The same file given for both sides. */
function comparing(file: string): Promise<Comparison> {
  const side = { file, interface: null };
  return compare(side, side, { rules: catalog });
}

/** `greeting, keyword`: what was changed, once each. */
function changed({ pairs }: Comparison): string {
  return [...new Set(pairs.flatMap(({ differences }) => differences.map(({ subject }) => subject)))].join();
}

const SAID = (greeting: string, ttl: readonly [client: number, server: number]) => `
  stack C ttl=${ttl[0]}
  stack S ttl=${ttl[1]}
  S: ${greeting}
  C: EHLO client.example
  S: 250 mx.example
  C: QUIT
  S: 221 bye
`;

/** Every packet of the inside a little later, as a box hands it on. */
const later = (packets: readonly ScriptPacket[]) =>
  packets.map((packet) => ({ ...packet, us: packet.us + 200 }));

const OUTSIDE = scriptPackets(SAID('220 **********', [64, 63]));
const INSIDE = later(scriptPackets(SAID('220 mx.example', [63, 64])));

async function recorded(file: string): Promise<{ us: number; linkType: number; octets: Buffer }[]> {
  const found: { us: number; linkType: number; octets: Buffer }[] = [];
  await readCapture(
    file,
    {
      packet({ linkType, octets, start, end, us }: CapturedPacket) {
        found.push({ us, linkType, octets: Buffer.from(octets.subarray(start, end)) });
      },
    },
    {},
  );
  return found;
}

/** Version 2 of the header as version 1, which has no number of an interface. */
function asVersion1({ us, octets }: ScriptPacket): ScriptPacket {
  const header = Buffer.alloc(16);
  header.writeUInt16BE(octets[10]!, 0);
  octets.copy(header, 2, 8, 10);
  octets.copy(header, 14, 0, 2);
  return { us, octets: Buffer.concat([header, octets.subarray(20)]) };
}

describe('both sides in one capture', () => {
  it.each([
    ['compare-one-file.pcapng.zst', 'their interfaces'],
    ['compare-any.pcap.zst', 'their Ethernet addresses'],
    ['compare-cooked.pcap.zst', 'whether they came in or went out'],
  ])('%s: told apart by %s', async (name, by) => {
    const comparison = await comparing(CAPTURES + name);
    expect(comparison.notes.join()).toContain(`they were told apart by ${by}.`);
    expect(comparison.pairs).toHaveLength(2);
    expect(comparison.unpaired).toEqual([]);
    expect(comparison.nearerServer).toBe('inside');
    expect(changed(comparison)).toBe('greeting,keyword,command');
  });

  it('is told apart by whether packets came in or went out in the older header too', async () => {
    const packets = (await recorded(COOKED)).map(asVersion1);
    const comparison = await comparing(capture('version1', packets, LINUX_SLL));
    expect(comparison.notes.join()).toContain('whether they came in or went out');
    expect(comparison.pairs).toHaveLength(2);
    expect(changed(comparison)).toBe('greeting,keyword,command');
  });

  it('is told apart by hop limits, where a router took one off', async () => {
    const comparison = await comparing(capture('hops', [...OUTSIDE, ...INSIDE]));
    expect(comparison.notes.join()).toContain('they were told apart by their hop limits.');
    expect(comparison.pairs).toHaveLength(1);
    expect(comparison.nearerServer).toBe('inside');
    const [greeting] = comparison.pairs[0]!.differences;
    expect([greeting!.before!.text, greeting!.after!.text]).toEqual(['220 mx.example', '220 **********']);
  });

  it('is not told apart where there is one side, or nothing tells them', async () => {
    const alike = later(scriptPackets(SAID('220 mx.example', [64, 63])));
    for (const packets of [OUTSIDE, [...OUTSIDE, ...alike]]) {
      expect(await splitOf(capture('alike', packets), [25])).toBeNull();
    }
    const cameIn = (await recorded(COOKED)).filter(({ octets }) => octets[10] !== 4).map(asVersion1);
    expect(await splitOf(capture('one-way', cameIn, LINUX_SLL), [25])).toBeNull();
  });

  it('leaves what is not of either side to neither', async () => {
    const split = await splitOf(COOKED, [25]);
    const packets = await recorded(COOKED);
    const sides = { client: 0, server: 0, both: 0 };
    await readCapture(
      COOKED,
      {
        packet(packet) {
          const [near, far] = [split!.nearClient(packet), split!.nearServer(packet)];
          if (near) sides.client++;
          if (far) sides.server++;
          if (near && far) sides.both++;
        },
      },
      {},
    );
    expect(sides).toEqual({ client: packets.length / 2, server: packets.length / 2, both: 0 });
  });
});
