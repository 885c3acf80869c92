import { formatTimestamp, type Timestamp } from '../../capture/timestamp.js';
import {
  compareConfidence,
  compareSeverity,
  type Evidence,
  type Finding,
  type JoinedBy,
} from '../../finding/finding.js';
import { plural } from '../../finding/words.js';
import { printableText } from '../printable.js';

/** What reports for people share: how findings are put together, and the words for what is a code elsewhere. */

/** The ladder of evidence, in words. Below its last step a finding would be a guess: see "Not judged". */
export const PROOF: Readonly<Record<Finding['proof'], string>> = {
  octets: 'proved by the bytes',
  contrast: 'proved by contrast',
  'fits-only': 'no other likely cause',
  'fits-among': 'other causes fit as well',
};

export const JOINED: Readonly<Record<JoinedBy, string>> = {
  'addresses-and-ports': 'by addresses and ports',
  'client-address-and-ports': 'by ports and the address of the client: that of the server differs',
  'server-address-and-ports': 'by ports and the address of the server: that of the client differs',
  addresses: 'by addresses: it has no ports',
};

export const LINK_TYPES: Readonly<Record<number, string>> = {
  0: 'loopback',
  1: 'Ethernet',
  9: 'PPP',
  12: 'raw IP',
  14: 'raw IP',
  50: 'PPP',
  51: 'PPPoE',
  101: 'raw IP',
  108: 'loopback',
  113: 'Linux cooked',
  228: 'raw IPv4',
  229: 'raw IPv6',
  276: 'Linux cooked v2',
};

/** Ids that a list names. */
const MAX_NAMED = 6;

/** Most severe first; among equals in the order of the packets that prove them. */
export function byServer(findings: readonly Finding[]): [string, Finding[]][] {
  const servers = new Map<string, Finding[]>();
  for (const finding of findings) {
    const { address, port } = finding.server;
    const name = `${printableText(address)} port ${port}`;
    const list = servers.get(name);
    if (list) list.push(finding);
    else servers.set(name, [finding]);
  }
  for (const list of servers.values()) list.sort(compareFindings);
  return [...servers].sort(([, a], [, b]) => compareFindings(a[0]!, b[0]!));
}

export function byRule(findings: readonly Finding[]): [Finding, ...Finding[]][] {
  const groups = new Map<string, [Finding, ...Finding[]]>();
  for (const finding of findings) {
    const key = `${finding.severity} ${finding.confidence} ${finding.rule}`;
    const list = groups.get(key);
    if (list) list.push(finding);
    else groups.set(key, [finding]);
  }
  return [...groups.values()];
}

function compareFindings(a: Finding, b: Finding): number {
  return compareSeverity(a.severity, b.severity) || compareConfidence(a.confidence, b.confidence);
}

export function inOrder(evidence: readonly Evidence[]): Evidence[] {
  return [...evidence].sort((a, b) => a.capture - b.capture || a.packet - b.packet);
}

/** `session s1`, `3 sessions: s1, s2, s3`, `40 sessions: s1, s2, ..` */
export function namedSessions(sessions: readonly string[]): string {
  return sessions.length === 1
    ? `session ${sessions[0]}`
    : `${plural(sessions.length, 'session')}: ${naming(sessions)}`;
}

export function naming(ids: readonly string[]): string {
  return `${ids.slice(0, MAX_NAMED).join(', ')}${ids.length > MAX_NAMED ? ', ..' : ''}`;
}

export function toSeconds(time: Timestamp | null): string | null {
  return (
    formatTimestamp(time && { ...time, digits: 0 })
      ?.replace('T', ' ')
      .replace('Z', '') ?? null
  );
}

export function unique<T>(items: readonly T[]): T[] {
  return [...new Set(items)];
}
