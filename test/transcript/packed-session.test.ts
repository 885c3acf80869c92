/** A session that went through a thread's messages is the session itself. */
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CaptureReader } from '../../src/capture/reader.js';
import { createDigestFactory } from '../../src/mail/digest.js';
import { readSessions } from '../../src/reading/capture-sessions.js';
import type { SmtpSession } from '../../src/smtp/session.js';
import { PackedCapture, SessionPacker } from '../../src/transcript/packed-session.js';
import { pcapOf, scriptPackets } from '../support/dialogue.js';
import { runs, sample } from '../support/extent.js';
import { mutantOf } from '../support/mutants.js';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), '../../captures');
const recorded = readdirSync(FOLDER)
  .filter((name) => /\.(pcap|pcapng)$/.test(name))
  .sort();
const digest = await createDigestFactory('xxh64');

/** `tcp` is made when asked for; here everything is. */
function whole(session: SmtpSession): unknown {
  return { ...session, tcp: session.tcp };
}

interface Read {
  readonly straight: unknown[];
  readonly packed: unknown[];
}

/** @param batch  so many sessions are packed together */
async function read(octets: Buffer, batch = 3, place = { capture: 2, messages: 40 }): Promise<Read> {
  const straight: unknown[] = [];
  const packed: unknown[] = [];
  const packer = new SessionPacker();
  const capture = new PackedCapture(place.capture, place.messages);
  const move = (): void => {
    // As it crosses to another thread.
    for (const record of capture.records(structuredClone(packer.take()))) {
      packed.push(whole(record.materialise(7, record.lastUs)));
    }
  };
  let sessions = 0;
  const pushed = (listener: ConstructorParameters<typeof CaptureReader>[0]) => {
    const reader = new CaptureReader(listener);
    reader.push(octets);
    return Promise.resolve(reader.end(true));
  };
  const options = { ports: [25, 587, 2525], digest };
  await readSessions(
    tmpdir(),
    place,
    { ...options, read: (_, listener) => pushed(listener) },
    (record, lastUs) => straight.push(whole(record.materialise(7, lastUs))),
  );
  await readSessions(
    tmpdir(),
    { capture: 0, messages: 0 },
    { ...options, read: (_, listener) => pushed(listener) },
    (record, lastUs) => {
      packer.add(record, lastUs);
      record.release();
      if (++sessions % batch === 0) move();
    },
  );
  move();
  return { straight, packed };
}

describe('a packed session', () => {
  it.each(sample(recorded, 25))('of %s', async (name) => {
    const { straight, packed } = await read(readFileSync(join(FOLDER, name)));
    expect(straight.length).toBeGreaterThan(0);
    expect(packed).toEqual(straight);
  });

  it('of captures that were bent', async () => {
    for (let number = 1; number <= runs(120); number++) {
      const octets = readFileSync(join(FOLDER, recorded[number % recorded.length]!));
      const { straight, packed } = await read(mutantOf(octets, number), 1);
      expect(packed, `mutant ${number}`).toEqual(straight);
    }
  });

  it('has the lines that many sessions share, in whichever batch they came first', async () => {
    const script = Array.from(
      { length: 12 },
      (_, index) =>
        `session C=192.0.2.10:${10000 + index} S=198.51.100.25:25\nS: 220 mx.example ESMTP\nC: EHLO client.example\nS: 250 mx.example\nC: QUIT\nS: 221 bye ${index % 3}`,
    );
    const octets = pcapOf(scriptPackets(script.join('\n')));
    for (const batch of [1, 2, 5, 100]) {
      const { straight, packed } = await read(octets, batch);
      expect(packed).toHaveLength(12);
      expect(packed).toEqual(straight);
    }
  });
});
