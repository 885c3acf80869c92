import { describe, expect, it } from 'vitest';
import { SessionArchive } from '../../src/reading/session-archive.js';
import type { SmtpSession } from '../../src/smtp/session.js';
import type { SessionRecord } from '../../src/transcript/session-record.js';

/** Counts how often it is read. */
class FakeRecord implements SessionRecord {
  reads = 0;

  constructor(
    readonly index: number,
    readonly length = 500,
  ) {}

  read(firstIndex: number, captureLastUs: number): SmtpSession {
    this.reads++;
    return { id: `s${firstIndex + this.index + 1}`, silenceUs: captureLastUs } as SmtpSession;
  }

  release(): void {}
}

const ids = (archive: SessionArchive) => [...archive.sessions()].map(({ id }) => id);

describe('an archive of sessions', () => {
  it('gives them in the order of their numbers, and by number', () => {
    const archive = new SessionArchive();
    archive.add(0, 7, [new FakeRecord(4), new FakeRecord(1)]);
    archive.add(5, 9, [new FakeRecord(0)]);
    expect(archive.count).toBe(3);
    expect(ids(archive)).toEqual(['s2', 's5', 's6']);
    expect([0, 1, 2, 3, 5, 6, 7].map((number) => archive.session(number)?.id ?? null)).toEqual([
      ...[null, null, 's2', null, 's5', 's6', null],
    ]);
    expect(archive.session(5)!.silenceUs).toBe(7);
    expect(archive.session(6)!.silenceUs).toBe(9);
  });

  it('reads those of a small capture once', () => {
    const archive = new SessionArchive();
    const records = Array.from({ length: 100 }, (_, index) => new FakeRecord(index));
    archive.add(0, 0, records);
    for (let pass = 0; pass < 5; pass++)
      for (const session of archive.sessions()) expect(session).toBeDefined();
    expect(records.map(({ reads }) => reads)).toEqual(records.map(() => 1));
  });

  it('keeps none made of a large one, also when it became large later', () => {
    const archive = new SessionArchive();
    const first = Array.from({ length: 100 }, (_, index) => new FakeRecord(index));
    archive.add(0, 0, first);
    ids(archive);
    archive.add(100, 0, [new FakeRecord(0, 1 << 16)]);
    ids(archive);
    ids(archive);
    expect(first.map(({ reads }) => reads)).toEqual(first.map(() => 3));
  });
});
