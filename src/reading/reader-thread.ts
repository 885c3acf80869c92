/**
 * A program of its own, for a thread: reads captures that no other thread has taken, in the order given, and posts
 * their sessions, packed.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { createDigestFactory, type DigestFactory } from '../mail/digest.js';
import { BatchWriter } from '../transcript/session-batch.js';
import { readSessions } from './capture-sessions.js';
import { claim, type ReaderMessage, type ReaderTask, STOP } from './thread-messages.js';

/** Packed octets that are worth a message. */
const WORTH_OCTETS = 1 << 16;

const { files, ports, digest: kind, mark, claims, tellsProgress } = workerData as ReaderTask;
const port = parentPort!;
const abort = new AbortController();

port.on('message', (message: unknown) => {
  if (message === STOP) abort.abort();
});

void readAll();

async function readAll(): Promise<void> {
  const digest = await createDigestFactory(kind);
  for (const [index, file] of files.entries())
    if (claim(claims, index, mark)) await read(index, file, digest);
  port.close();
}

async function read(index: number, file: string, digest: DigestFactory): Promise<void> {
  const batch = new BatchWriter();
  const send = (messages: number): void => {
    const sessions = batch.take();
    post({ kind: 'sessions', index, sessions, messages }, [sessions.buffer]);
  };
  const account = await readSessions(
    file,
    { capture: index, messages: 0 },
    {
      ports,
      digest,
      signal: abort.signal,
      ...(tellsProgress && {
        onProgress: (octets: number, total: number | null) =>
          post({ kind: 'progress', index, octets, total }),
      }),
    },
    (record, lastUs, messages) => {
      const packed = record.pack();
      batch.add(packed, lastUs);
      packed.release();
      if (batch.octets >= WORTH_OCTETS) send(messages);
    },
  );
  send(account.messages);
  post({ kind: 'read', index, account });
}

function post(message: ReaderMessage, moved: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, moved);
}
