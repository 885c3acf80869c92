/** A session that was packed into a batch is the session itself, whoever reads the batch, alone and whenever. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CaptureReader } from '../../src/capture/reader.js';
import { createDigestFactory } from '../../src/mail/digest.js';
import { readSessions } from '../../src/reading/capture-sessions.js';
import type { SmtpSession } from '../../src/smtp/session.js';
import { BatchError, BatchWriter, LineStrings, SessionBatch } from '../../src/transcript/session-batch.js';
import { pcapOf, scriptPackets } from '../support/dialogue.js';
import { runs, sample } from '../support/extent.js';
import { mutantOf } from '../support/mutants.js';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), '../../captures');
/** Another process runs what was built. */
const BUILT = pathToFileURL(join(FOLDER, '../dist/transcript/session-batch.js')).href;
const recorded = readdirSync(FOLDER)
  .filter((name) => /\.(pcap|pcapng)$/.test(name))
  .sort();
const digest = await createDigestFactory('xxh64');

/** `tcp` is made when asked for; here everything is. */
function whole(session: SmtpSession): unknown {
  return { ...session, tcp: session.tcp };
}

/** Sessions that share most of their lines. */
function scripted(sessions: number): Buffer {
  const script = Array.from(
    { length: sessions },
    (_, index) =>
      `session C=192.0.2.10:${10000 + index} S=198.51.100.25:25\nS: 220 mx.example ESMTP\nC: EHLO client.example\nS: 250 mx.example\nC: QUIT\nS: 221 bye ${index % 3}`,
  );
  return pcapOf(scriptPackets(script.join('\n')));
}

interface Read {
  readonly straight: unknown[];
  readonly packed: unknown[];
  readonly batches: Uint8Array<ArrayBuffer>[];
}

/** @param batch  so many sessions are packed together */
async function read(octets: Buffer, batch = 3, place = { capture: 2, messages: 40 }): Promise<Read> {
  const straight: unknown[] = [];
  const packed: unknown[] = [];
  const writer = new BatchWriter();
  const batches: Uint8Array<ArrayBuffer>[] = [];
  // As it crosses to another thread.
  const move = (): void => void batches.push(structuredClone(writer.take()));
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
    (record, lastUs) => straight.push(whole(record.read(7, lastUs))),
  );
  await readSessions(
    tmpdir(),
    { capture: 0, messages: 0 },
    { ...options, read: (_, listener) => pushed(listener) },
    (record, lastUs) => {
      const session = record.pack();
      writer.add(session, lastUs);
      session.release();
      if (++sessions % batch === 0) move();
    },
  );
  move();
  // The last batch first, and half of them with strings that others have used.
  const strings = new LineStrings();
  const read = batches.map((_, number) => {
    const batch = batches.at(-1 - number)!;
    const shared = number % 2 === 0 ? [strings] : [];
    const { capture, messages } = place;
    const found = new SessionBatch(batch, capture, messages, ...shared).sessions();
    return found.map(({ record, lastUs }) => whole(record.read(7, lastUs)));
  });
  packed.push(...read.reverse().flat());
  return { straight, packed, batches };
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
    const octets = scripted(12);
    for (const batch of [1, 2, 5, 100]) {
      const { straight, packed } = await read(octets, batch);
      expect(packed).toHaveLength(12);
      expect(packed).toEqual(straight);
    }
  });

  it('is read in another process, from any batch alone', async () => {
    const { straight, batches } = await read(scripted(12), 5);
    expect(batches).toHaveLength(3);
    const program = `
      import { readFileSync } from 'node:fs';
      const { SessionBatch } = await import(${JSON.stringify(BUILT)});
      const octets = new Uint8Array(Buffer.from(readFileSync(0, 'latin1'), 'base64'));
      const sessions = new SessionBatch(octets, 2, 40).sessions();
      const whole = ({ record, lastUs }) => {
        const session = record.read(7, lastUs);
        return { ...session, tcp: session.tcp };
      };
      process.stdout.write(JSON.stringify(sessions.map(whole)));
    `;
    for (const [number, batch] of [...batches.entries()].reverse()) {
      const input = Buffer.from(batch).toString('base64');
      const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
        input,
        encoding: 'utf8',
      });
      expect(stderr).toBe('');
      expect(JSON.parse(stdout)).toEqual(
        JSON.parse(JSON.stringify(straight.slice(number * 5, number * 5 + 5))),
      );
    }
  });
});

describe('a batch', () => {
  const open = (octets: Uint8Array<ArrayBuffer>) => new SessionBatch(octets, 0, 0).sessions();

  it('that was cut, or has something behind it, says so', async () => {
    const [batch] = (await read(scripted(5), 5)).batches;
    for (let length = 0; length < batch!.length; length++) {
      expect(() => open(batch!.slice(0, length)), `${length}`).toThrow(BatchError);
    }
    expect(() => open(new Uint8Array([...batch!, 0]))).toThrow(
      /A batch of \d+ octets, of which \d+ are here/,
    );
  });

  it('of another version, and what is none, are refused', async () => {
    const [batch] = (await read(scripted(5), 5)).batches;
    const later = batch!.slice();
    later[3] = 2;
    expect(() => open(later)).toThrow('A batch of sessions in version 2; version 1 is the one that is read.');
    for (const text of ['', 'mws', 'GET / HTTP/1.1\r\nHost: mx.example\r\n\r\n', '\0'.repeat(100)]) {
      expect(() => open(new Uint8Array(Buffer.from(text)))).toThrow('These octets are no batch of sessions.');
    }
  });

  it('with any octet changed is read or refused, and ends', async () => {
    const [batch] = (await read(scripted(4), 5)).batches;
    let refused = 0;
    for (let at = 0; at < batch!.length; at++) {
      for (const value of [0, 0x7f, 0xff, batch![at]! ^ 0x20]) {
        const changed = batch!.slice();
        changed[at] = value;
        try {
          for (const { record, lastUs } of open(changed)) whole(record.read(0, lastUs));
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(0);
  });

  it('without sessions is one', () => {
    expect(open(new BatchWriter().take())).toEqual([]);
  });
});
