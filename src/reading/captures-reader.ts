import { createDigestFactory, type DigestKind } from '../mail/digest.js';
import { type CapturesOptions, type CapturesReader, OneByOne } from './one-by-one.js';

export interface CapturesReaderOptions extends Omit<CapturesOptions, 'digest'> {
  readonly digest: DigestKind;
  /** So many captures are read at once, each in a thread of its own; not where `read` is given. */
  readonly jobs: number;
}

/** What reads these captures: this thread, or others, which cost their start and the loading of their code. */
export async function capturesReader(
  files: readonly string[],
  { digest: digestKind, jobs, ...others }: CapturesReaderOptions,
): Promise<CapturesReader> {
  const options = { ...others, digestKind, digest: await createDigestFactory(digestKind) };
  if (jobs < 2 || files.length < 2 || options.read) return new OneByOne(files, options);
  const { ReaderThreads } = await import('./reader-threads.js');
  return new ReaderThreads(files, { ...options, jobs });
}
