import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { isBrokenPipe } from './io.js';
import { cannotWrite, UsageError } from './usage-error.js';

const STANDARD_INPUT = 0;

/**
 * The file of `--output`. A report appears in it whole or not at all: it is written beside it and then put in
 * its place. What is no regular file (a pipe, `/dev/null`) is written as it is and never replaced.
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
  ) {
    this.before = statOf(path);
    this.target = this.before ? realpathSync(path) : path;
    if (this.before?.isDirectory()) throw cannotWrite(path, { code: 'EISDIR' });
    if (this.before && inputs.some((input) => isSame(this.before!, input))) {
      throw new UsageError(`${path} is one of the inputs: name another file for the report.`);
    }
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

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** By device and inode: a link to an input is the input. */
function isSame(output: Stats, name: string): boolean {
  let input: Stats | undefined;
  try {
    input = name === '-' ? fstatSync(STANDARD_INPUT) : statSync(name);
  } catch {
    return false;
  }
  return input.isFile() && input.dev === output.dev && input.ino === output.ino;
}
