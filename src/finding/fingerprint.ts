import { sha256 } from '../platform/platform.js';
import type { FindingDraft } from './finding.js';

const DIGITS = 16;

/**
 * Names a trouble across runs, files and times: SHA-256 of rule, server address, port and what endures of the subject,
 * joined by NUL; its first 16 hexadecimal digits.
 *
 * Sessions, frames, times and confidence are no part of it. Troubles of messages without a Message-ID share one for each
 * rule and server.
 */
export function fingerprintOf(rule: string, { session, subject, enduring }: FindingDraft): string {
  const { address, port } = session.server;
  const octets = Buffer.from(`${rule}\0${address}\0${port}\0${enduring ?? subject}`, 'utf8');
  return sha256(octets).toString('hex').slice(0, DIGITS);
}
