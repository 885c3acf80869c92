import { fstatSync, statSync, writeSync } from 'node:fs';
import { devNull } from 'node:os';
import type { Output } from './io.js';

/**
 * Standard output (1) or standard error (2).
 *
 * Where it is a file it is written to without a stream of Node, which takes 5 ms to load. Its writes are as synchronous
 * as those of Node's own to files.
 */
export function standardStream(descriptor: 1 | 2): Output {
  if (isFile(descriptor)) return new DescriptorOutput(descriptor);
  const stream = descriptor === 1 ? process.stdout : process.stderr;
  // Without a listener a stream whose reader went away would end the program with a stack trace.
  stream.on('error', () => {});
  return stream;
}

function isFile(descriptor: number): boolean {
  try {
    const status = fstatSync(descriptor);
    return status.isFile() || (status.isCharacterDevice() && status.rdev === statSync(devNull).rdev);
  } catch {
    return false;
  }
}

class DescriptorOutput implements Output {
  constructor(private readonly descriptor: number) {}

  write(text: string, done?: (error?: Error | null) => void): boolean {
    let failure: Error | null = null;
    try {
      const octets = Buffer.from(text);
      for (let from = 0; from < octets.length; ) from += writeSync(this.descriptor, octets, from);
    } catch (error) {
      failure = error as Error;
    }
    if (done) queueMicrotask(() => done(failure));
    return true;
  }
}
