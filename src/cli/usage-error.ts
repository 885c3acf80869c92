/** The command cannot be carried out as it was given: one line for the user, exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The failure of an output, with what to do about it. */
export function cannotWrite(where: string, error: unknown, what = 'the report'): UsageError {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  const advice: Record<string, string> = {
    ENOENT: 'its folder does not exist.',
    ENOTDIR: 'its folder is a file.',
    EISDIR: 'it is a directory.',
    EACCES: 'permission is missing.',
    EPERM: 'permission is missing.',
    EROFS: 'the file system is read-only.',
    ENOSPC: 'the disk is full.',
    EDQUOT: 'the quota is used up.',
  };
  return new UsageError(`${what} cannot be written to ${where}: ${advice[code] ?? `${code}.`}`);
}
