import {
  accessSync,
  closeSync,
  constants,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { cannotWrite, UsageError } from './usage-error.js';

const WHAT = 'evidence';
const OWN_NAME = /^f\d+-[a-z0-9-]+\.pcapng(\.gz)?$/;
/** What system made the file: unknown, whichever it is (RFC 1952 §2.3.1). */
const GZIP_OS = 9;
const UNKNOWN_OS = 255;

/**
 * The directory of `--evidence`. A file appears in it whole or not at all, beside it a gzipped copy, which issue trackers
 * take that refuse `.pcapng`. Nothing outside of it is written, not even through a link in it.
 *
 * Made before the captures are read, so that a directory which cannot be is told before the work.
 */
export class EvidenceDirectory {
  /** @throws UsageError when it cannot be, or holds evidence of an earlier run that is to stay */
  constructor(
    readonly path: string,
    private readonly force: boolean,
    captures: readonly string[],
    /** What must not be written over. */
    private readonly inputs: readonly string[],
  ) {
    for (const capture of captures) refuseReadOnce(capture);
    try {
      mkdirSync(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw cannotWrite(path, error, WHAT);
    }
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
      throw new UsageError(`evidence cannot be written to ${path}: it is no directory.`);
    }
    let names: string[];
    try {
      accessSync(path, constants.W_OK | constants.X_OK);
      names = readdirSync(path);
    } catch (error) {
      throw cannotWrite(path, error, WHAT);
    }
    const old = names.filter((name) => OWN_NAME.test(name));
    if (old.length > 0 && !force) {
      throw new UsageError(
        `${path} holds evidence captures already (${old.sort()[0]}): name another directory, or add --force to overwrite them.`,
      );
    }
  }

  /**
   * Writes one capture and its gzipped copy.
   *
   * @throws UsageError when that fails; no half file is left
   */
  write(name: string, octets: Uint8Array): void {
    this.put(name, octets);
    const packed = gzipSync(octets, { level: 9 });
    packed[GZIP_OS] = UNKNOWN_OS;
    this.put(`${name}.gz`, packed);
  }

  private put(name: string, octets: Uint8Array): void {
    const target = join(this.path, name);
    const part = join(this.path, `.mailwitness-${process.pid}.part`);
    let begun = false;
    try {
      this.refuseInput(target);
      const descriptor = openSync(part, 'wx');
      begun = true;
      try {
        writeFileSync(descriptor, octets);
      } finally {
        closeSync(descriptor);
      }
      if (this.force) renameSync(part, target);
      else place(part, target);
    } catch (error) {
      throw error instanceof UsageError ? error : cannotWrite(target, error, WHAT);
    } finally {
      if (begun) rmSync(part, { force: true });
    }
  }

  /** By device and inode: a link to an input is the input. */
  private refuseInput(target: string): void {
    const there = lstatSync(target, { throwIfNoEntry: false });
    if (there && this.inputs.some((input) => isSame(there, statSync(input, { throwIfNoEntry: false })))) {
      throw new UsageError(`${target} is one of the inputs: name another directory for the evidence.`);
    }
  }
}

/** Which packets are wanted is known when a capture was read: it is read twice. */
function refuseReadOnce(capture: string): void {
  const stats = capture === '-' ? undefined : statSync(capture, { throwIfNoEntry: false });
  // What cannot be opened at all is told as ever.
  if (capture !== '-' && (!stats || stats.isFile() || stats.isDirectory())) return;
  const name = capture === '-' ? 'standard input' : capture;
  throw new UsageError(
    `--evidence reads captures twice, and ${name} can be read only once: write it to a file first.`,
  );
}

/** Gives the file its name if nothing has it. */
function place(part: string, target: string): void {
  try {
    linkSync(part, target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw alreadyThere(target);
    // File systems without links: the name is taken first.
    if (code !== 'EPERM' && code !== 'ENOSYS' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP') throw error;
    if (lstatSync(target, { throwIfNoEntry: false })) throw alreadyThere(target);
    renameSync(part, target);
  }
}

function alreadyThere(target: string): UsageError {
  return new UsageError(`${target} is there already: add --force to overwrite it.`);
}

function isSame(one: Stats, other: Stats | undefined): boolean {
  return other !== undefined && other.dev === one.dev && other.ino === one.ino;
}
