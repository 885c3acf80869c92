import { fstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { UsageError } from './usage-error.js';

const STANDARD_INPUT = 0;

/**
 * Whatever a command writes, it does not write over what it reads.
 *
 * @param target  what would be written; it need not be there
 * @param inputs  what the command reads; `-` is standard input
 * @param purpose  what another name is wanted for: `the report`
 * @throws UsageError when the target is one of the inputs, by its name or through a link
 */
export function refuseInput(target: string, inputs: readonly string[], purpose: string): void {
  const there = statOf(target);
  if (inputs.some((input) => isInput(target, there, input))) {
    throw new UsageError(`${target} is one of the inputs: name another file for ${purpose}.`);
  }
}

/** By device and inode: a link to an input is the input. By its place where neither is there yet. */
function isInput(target: string, there: Stats | undefined, name: string): boolean {
  if (there === undefined) return name !== '-' && placeOf(target) === placeOf(name);
  const input = name === '-' ? standardInput() : statOf(name);
  return input?.isFile() === true && input.dev === there.dev && input.ino === there.ino;
}

/** The path without links in its folders. */
function placeOf(path: string): string {
  const absolute = resolve(path);
  try {
    return join(realpathSync(dirname(absolute)), basename(absolute));
  } catch {
    return absolute;
  }
}

function standardInput(): Stats | undefined {
  try {
    return fstatSync(STANDARD_INPUT);
  } catch {
    return undefined;
  }
}

export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
