import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { refuseInput, statOf } from './input-files.js';
import { isBrokenPipe } from './io.js';
import { cannotWrite } from './usage-error.js';

/**
 * The file of `--output` or `--metrics`. A text appears in it whole or not at all: it is written beside it and then
 * put in its place. What is no regular file (a pipe, `/dev/null`) is written as it is and never replaced.
 *
 * Made before the captures are read, so that a name which cannot be is told before the work.
 */
export class OutputFile {
  private readonly target: string;
  private readonly before: Stats | undefined;

  /** @throws UsageError when it is one of the inputs, or plainly cannot be written */
  constructor(
    private readonly path: string,
    inputs: readonly string[],
    purpose = 'the report',
  ) {
    this.before = statOf(path);
    this.target = this.before ? realpathSync(path) : path;
    if (this.before?.isDirectory()) throw cannotWrite(path, { code: 'EISDIR' });
    refuseInput(path, inputs, purpose);
    const folder = dirname(this.target);
    try {
      accessSync(this.replaced ? folder : this.target, constants.W_OK);
    } catch (error) {
      throw cannotWrite(path, error);
    }
    if (!statSync(folder).isDirectory()) throw cannotWrite(path, { code: 'ENOTDIR' });
  }

  /** @throws UsageError when it could not be written; the file is then what it was before */
  write(pieces: Iterable<string>): void {
    try {
      if (this.replaced) this.replace(pieces);
      else this.fill(this.target, 'w', pieces);
    } catch (error) {
      throw error instanceof Error && 'code' in error ? cannotWrite(this.path, error) : error;
    }
  }

  private replace(pieces: Iterable<string>): void {
    const part = join(dirname(this.target), `.mailwitness-${process.pid}.part`);
    try {
      this.fill(part, 'wx', pieces);
      if (this.before) chmodSync(part, this.before.mode & 0o777);
      renameSync(part, this.target);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') rmSync(part, { force: true });
      throw error;
    }
  }

  private get replaced(): boolean {
    return this.before?.isFile() ?? true;
  }

  private fill(path: string, flags: 'w' | 'wx', pieces: Iterable<string>): void {
    const descriptor = openSync(path, flags);
    try {
      for (const piece of pieces) writeFileSync(descriptor, piece);
    } catch (error) {
      if (!isBrokenPipe(error)) throw error;
    } finally {
      closeSync(descriptor);
    }
  }
}
