/** What is written is read again, by our reader and by capinfos. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type PacketRecord, pcapngFile } from '../../src/evidence/pcapng-writer.js';
import { needs } from '../support/needs.js';
import { readWhole } from '../support/pcap.js';
import { WIRESHARK_ENV } from '../support/wireshark.js';

const US = 1_714_979_289_123_456;

function record(more: Partial<PacketRecord> = {}): PacketRecord {
  const octets = Buffer.from('0102030405', 'hex');
  return { linkType: 1, us: US, ns: 0, digits: 6, octets, originalLength: 5, comment: 'a comment', ...more };
}

describe('a pcapng file', () => {
  it('holds packets with their times, lengths and link types', () => {
    const { packets, facts } = readWhole(
      pcapngFile(
        [
          record(),
          record({ ns: 789, digits: 9 }),
          record({ us: US - (US % 1_000_000), digits: 0 }),
          record({ linkType: 101, originalLength: 1500 }),
          record({ us: US + 123, digits: 3 }),
        ],
        'about all',
        'test 1.0',
      ),
    );
    expect(facts).toMatchObject({ format: 'pcapng', problems: [], truncated: false, packets: 5 });
    expect(
      packets.map(({ us, ns, digits, linkType, originalLength }) => [
        us,
        ns,
        digits,
        linkType,
        originalLength,
      ]),
    ).toEqual([
      [US, 0, 6, 1, 5],
      [US, 789, 9, 1, 5],
      [US - (US % 1_000_000), 0, 0, 1, 5],
      [US, 0, 6, 101, 1500],
      [Math.floor(US / 1000) * 1000, 0, 3, 1, 5],
    ]);
    for (const { octets } of packets) expect(octets).toBe('0102030405');
  });

  it('gives a packet without a time that of the one in front of it, and no time before 1970', () => {
    const { packets } = readWhole(
      pcapngFile([record(), record({ us: Number.NaN }), record({ us: -5 })], '', 'test'),
    );
    expect(packets.map(({ us }) => us)).toEqual([US, US, 0]);
  });

  it('keeps what is not a multiple of four octets, and comments in any language, not cut inside a character', () => {
    const long = 'é'.repeat(10_000);
    const file = pcapngFile([record({ octets: Buffer.alloc(3), comment: long }), record()], 'größer', 't');
    const { packets, facts } = readWhole(file);
    expect(facts.problems).toEqual([]);
    expect(packets.map(({ octets }) => octets.length / 2)).toEqual([3, 5]);
    const text = new TextDecoder('utf-8', { fatal: true });
    const start = file.indexOf(Buffer.from('éé'));
    const length = file.readUInt16LE(start - 2);
    expect(text.decode(file.subarray(start, start + length))).toBe(`${'é'.repeat(4000)}...`);
  });

  it('is what capinfos expects', needs('capinfos'), () => {
    const folder = mkdtempSync(join(tmpdir(), 'mailwitness-'));
    try {
      const file = join(folder, 'x.pcapng');
      writeFileSync(file, pcapngFile([record(), record({ digits: 9, ns: 1 })], 'the finding', 'test 1.0'));
      const out = execFileSync('capinfos', [file], {
        encoding: 'utf8',
        env: WIRESHARK_ENV,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      expect(out).toMatch(/Number of packets:\s+2\n/);
      expect(out).toMatch(/Capture application:\s+test 1\.0\n/);
      expect(out).toMatch(/Capture comment:\s+the finding\n/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
