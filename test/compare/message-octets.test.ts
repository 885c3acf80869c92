/** Messages read a second time: which octets differ, and in which frames. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shownExcerpt } from '../../src/compare/message-excerpt.js';
import { MessageOctets, type WantedOctets } from '../../src/compare/message-octets.js';
import type { Difference, Side, Spot } from '../../src/compare/pair.js';
import { createDigestFactory } from '../../src/mail/digest.js';
import { StreamChunk } from '../../src/stream/event.js';
import { FakeConnection } from '../support/conversation.js';
import { pcapOf, scriptPackets } from '../support/dialogue.js';
import { lineOf } from './difference-lines.js';
import { compareFiles } from './second-reading.js';

const digest = await createDigestFactory('xxh64');

async function compareInOrder(outside: string, inside: string): Promise<Difference[]> {
  const pairs = await compareFiles(outside, inside, (_, sessions, index) => sessions[index]);
  return pairs.flatMap(({ differences }) => differences);
}

async function compareScripts(outside: string, inside: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'mailwitness-'));
  try {
    const files = [outside, inside].map((script, index) => {
      const file = join(folder, `${index}.pcap`);
      writeFileSync(file, pcapOf(scriptPackets(script)));
      return file;
    });
    return (await compareInOrder(files[0]!, files[1]!)).map(lineOf);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const mail = (...body: string[]) =>
  [
    'S: 220 mx.example',
    'C: DATA',
    'S: 354 go',
    ...body.map((line) => `C: ${line}`),
    'C: .',
    'S: 250 ok',
    'C: QUIT',
    'S: 221 bye',
  ].join('\n');

describe('a second reading', () => {
  it('finds the octets, with their frames', async () => {
    expect(
      await compareScripts(
        mail('Subject: x', '', 'one|two', 'three|four'),
        mail('Subject: x', '', 'one two', 'three four'),
      ),
    ).toEqual([
      'altered message DATA blank 0..1 "|" -> " " #14/#14',
      'altered message DATA blank 0..1 "|" -> " " #16/#16',
    ]);
  });

  it('shows what changed and nothing around it', async () => {
    expect(await compareScripts(mail('the word Viagra here'), mail('the word XXXXXX here'))).toEqual([
      'altered message DATA xs 0..6 "Viagra" -> "XXXXXX" #10/#10',
    ]);
  });

  it('takes octets that nearly touch for one place, in one line', async () => {
    expect(await compareScripts(mail('aXbc def', 'a'), mail('XXXX def', 'b'))).toEqual([
      'altered message DATA xs 0..1,2..4 "aXbc" -> "XXXX" #10/#10',
      'altered message DATA other 0..1 "a" -> "b" #12/#12',
    ]);
  });

  it('tells no credential', async () => {
    expect(await compareScripts(mail('password: abc'), mail('password: xyz'))).toEqual([
      'altered message DATA other 0..3 "[3 octets]" -> "[3 octets]" #10/#10',
    ]);
    expect(await compareScripts(mail('AHVzZXIAcGFzc3dvcmQ='), mail('XXXXXXXXXXXXXXXXXXXX'))).toEqual([
      'altered message DATA xs 0..5,6..20 "[20 octets]" -> "XXXXXXXXXXXXXXXXXXXX" #10/#10',
    ]);
    expect(await compareScripts(mail('password: aXc'), mail('password: XXX'))).toEqual([
      'altered message DATA xs 0..3 "[3 octets]" -> "XXX" #10/#10',
    ]);
  });

  it('finds what was put in and taken out', async () => {
    expect(
      await compareScripts(mail('Subject: x', '', 'a'), mail('Received: box', 'Subject: x', '', 'a')),
    ).toEqual(['altered message DATA other 15 octets "" -> "Received: box\\r\\n" #10/#10']);
    expect(
      await compareScripts(mail('Subject: x', 'X-One: 1', '', 'a'), mail('Subject: x', '', 'a')),
    ).toEqual(['altered message DATA other 0..10 "X-One: 1\\r\\n" -> "" #12/#12']);
  });

  it('lists 32 places and counts the rest', async () => {
    const lines = Array.from({ length: 40 }, (_, index) => `line ${index}`);
    const found = await compareScripts(
      mail(...lines),
      mail(...lines.map((line) => line.replace('line', 'XXXX'))),
    );
    expect(found).toHaveLength(33);
    expect(found[32]).toBe('altered message DATA xs 32 octets "" -> "" #74/#74');
  });

  it('leaves a message that differs in nothing but its transport', async () => {
    const data = 'S: 220 mx.example\nC: DATA\nS: 354 go\nC: a\nC: .\nS: 250 ok';
    const bdat = 'S: 220 mx.example\nC: BDAT 3 LAST\nC: a\nS: 250 ok';
    const found = await compareScripts(data, bdat);
    expect(found.filter((line) => line.includes('message'))).toEqual([]);
  });

  it('reads the recorded attachment', async () => {
    const folder = join(dirname(fileURLToPath(import.meta.url)), '../../captures');
    const found = await compareInOrder(
      join(folder, 'attachment-damaged-outside.pcap'),
      join(folder, 'attachment-damaged-inside.pcap'),
    );
    const mask = 'X'.repeat(32);
    expect(found).toHaveLength(18);
    expect(found.slice(0, 2).map(lineOf)).toEqual([
      `altered message DATA xs 0..53,54..73,74..76 "[76 octets]" -> "${mask}" #11/#11`,
      `altered message DATA xs 0..76 "[76 octets]" -> "${mask}" #12/#12`,
    ]);
    expect(lineOf(found[17]!)).toBe(
      `altered message DATA other 0..76 "[76 octets]" -> "${'*'.repeat(32)}" #35/#36`,
    );
  });
});

/** Two messages of one connection as WantedOctets has them. */
function wanted(before: number, after: number): WantedOctets {
  const spot = (side: Side): Spot => ({ side, session: 's1', capture: 0, packet: 9, offset: 0, text: '' });
  return {
    difference: {
      change: 'altered',
      subject: 'message',
      how: 'other',
      direction: 'client',
      verb: 'DATA',
      before: spot('outside'),
      after: spot('inside'),
      octets: 1,
      ranges: [],
    },
    before: { from: 0, to: before },
    after: { from: 0, to: after },
  };
}

/** Feeds a message in pieces; frames count from 10. */
function feed(octets: MessageOctets, side: Side, message: Buffer, piece: number, hole = -1): void {
  const connection = new FakeConnection();
  const listener = octets.reading(side).opened(connection);
  const chunk = new StreamChunk();
  for (let at = 0, frame = 10; at < message.length; at += piece, frame++) {
    const end = Math.min(message.length, at + piece);
    chunk.octets = Buffer.concat([Buffer.from('?'), message.subarray(at, end), Buffer.from('!')]);
    chunk.start = 1;
    chunk.end = 1 + end - at;
    chunk.offset = at;
    chunk.frame = frame;
    if (frame !== hole) listener.chunk(chunk);
    else listener.gap({ direction: 'client', offset: at, octets: end - at, cause: 'uncaptured' }, frame);
  }
  listener.closed(connection);
}

describe('limits', () => {
  it('of a message that is too large to keep, the place is found', () => {
    const before = Buffer.alloc((9 << 20) + 100, 'abc');
    const after = Buffer.from(before);
    after[5_000_000] = 0x58;
    const want = wanted(before.length, after.length);
    const octets = new MessageOctets([want], digest);
    feed(octets, 'outside', before, 65_536);
    feed(octets, 'inside', after, 40_000);
    expect(octets.resolve([want.difference]).map(lineOf)).toEqual([
      `altered message DATA other 1 octets "" -> "" #${10 + Math.floor(4_997_120 / 65_536)}/#${10 + Math.floor(4_997_120 / 40_000)}`,
    ]);
    expect(octets.resolve([want.difference])[0]!.before!.offset).toBe(4_997_120);
  });

  it('of more messages than are kept, the last are found by place', () => {
    const size = 7 << 20;
    const want = Array.from({ length: 9 }, () => wanted(size, size));
    const ranged = want.map((each, index) => ({
      ...each,
      before: { from: index * size, to: (index + 1) * size },
      after: { from: index * size, to: (index + 1) * size },
    }));
    const octets = new MessageOctets(ranged, digest);
    const before = Buffer.alloc(size * 9, 'abc');
    const after = Buffer.from(before);
    for (let index = 0; index < 9; index++) after[index * size + 5000] = 0x58;
    feed(octets, 'outside', before, 60_000);
    feed(octets, 'inside', after, 60_000);
    const offsets = ranged.map(
      ({ difference }, index) => octets.resolve([difference])[0]!.before!.offset! - index * size,
    );
    expect(offsets).toEqual([5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 4096]);
  });

  it('a hole in the second reading leaves things as they were', () => {
    const want = wanted(100, 100);
    const octets = new MessageOctets([want], digest);
    feed(octets, 'outside', Buffer.alloc(100, 'a'), 10);
    feed(octets, 'inside', Buffer.alloc(100, 'b'), 10, 12);
    expect(octets.resolve([want.difference])).toEqual([want.difference]);
  });

  it('finds the same however it is cut', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        fc.array(fc.tuple(fc.nat(299), fc.nat(255)), { maxLength: 6 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        (message, edits, one, other) => {
          const before = Buffer.from(message);
          const after = Buffer.from(message);
          for (const [at, octet] of edits) if (at < after.length) after[at] = octet;
          const want = wanted(before.length, after.length);
          const octets = new MessageOctets([want], digest);
          feed(octets, 'outside', before, one);
          feed(octets, 'inside', after, other);
          const found = octets.resolve([want.difference]);
          const expected = [...before.keys()].filter((at) => before[at] !== after[at]);
          if (expected.length === 0) {
            expect(found).toEqual([want.difference]);
            return;
          }
          const told = found.flatMap(({ before, ranges }) =>
            ranges.flatMap(([from, to]) =>
              Array.from({ length: to - from }, (_, at) => before!.offset! + from + at),
            ),
          );
          expect(told).toEqual(expected);
          for (const { before, after } of found) {
            expect(before!.packet).toBe(10 + Math.floor(before!.offset! / one));
            expect(after!.packet).toBe(10 + Math.floor(after!.offset! / other));
          }
        },
      ),
      { seed: 1 },
    );
  });
});

describe('excerpts', () => {
  it.each([
    ['one |two| three', 'two'],
    ['PASS |abc|', '[3 octets]'],
    ['user=x |abc|', '[3 octets]'],
    ['c2VjcmV0|d29y|ZA==', '[4 octets]'],
    ['c2VjcmV0|XXXX|ZA==', 'XXXX'],
    ['mail|a@b.example|', 'a@b.example'],
    [`|${'long '.repeat(20)}|`, 'long long long long long long lo'],
  ])('%s', (line, shown) => {
    const [head = '', changed = '', tail = ''] = line.split('|');
    const before = `Subject: password\r\n${head}`;
    const octets = Buffer.from(`${before}${changed}${tail}\r\nuser: x\r\n`);
    expect(shownExcerpt(octets, before.length, before.length + changed.length).text).toBe(shown);
  });
});
