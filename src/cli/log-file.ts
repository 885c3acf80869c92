import { closeSync, openSync, readSync } from 'node:fs';
import { type FirewallLog, FirewallLogReader } from '../syslog/reader.js';
import { UsageError } from './usage-error.js';

const PIECE = 1 << 16;

/**
 * Reads the file of `--asa-log`, of any length, a piece at a time.
 *
 * @throws UsageError when it cannot be read
 */
export function readLogFile(path: string): FirewallLog {
  const reader = new FirewallLogReader(path);
  const piece = Buffer.allocUnsafe(PIECE);
  try {
    const descriptor = openSync(path, 'r');
    try {
      for (;;) {
        const octets = readSync(descriptor, piece, 0, PIECE, null);
        if (octets === 0) return reader.end();
        reader.push(piece.subarray(0, octets));
      }
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw cannotRead(path, error);
  }
}

function cannotRead(path: string, error: unknown): UsageError {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  const reasons: Record<string, string> = {
    ENOENT: 'there is no such file.',
    ENOTDIR: 'its folder is a file.',
    EISDIR: 'it is a directory.',
    EACCES: 'permission is missing.',
  };
  return new UsageError(`the firewall's log ${path} cannot be read: ${reasons[code] ?? `${code}.`}`);
}
