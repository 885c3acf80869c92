import type { Finding, Witness } from '../rules/finding.js';
import type { JoinedLine } from './joiner.js';
import type { LogRecord } from './record.js';

/** Lines that one finding shows; those that confirm it first. */
const MAX_WITNESSES = 10;

const LIMIT =
  /^matched Class \d+: (?:cmd (?:line length|RCPT count)|(?:header|body) line length|sender-address length|MIME filename length)\b/i;
const OF_THE_MESSAGE = /^matched Class \d+: (?:header|body|MIME)\b/i;

const ended = ({ action }: LogRecord): boolean => /^(?:Dropped|Reset)/.test(action ?? '');
const masked = ({ action }: LogRecord): boolean => /^Masked/.test(action ?? '');

/** Which messages say of a connection exactly what a rule found in it. */
const CONFIRMING: Readonly<Record<string, (record: LogRecord) => boolean>> = {
  'inspection-limit': (record) => ended(record) && LIMIT.test(record.cause ?? ''),
  'end-of-data-unacknowledged': (record) => ended(record) && OF_THE_MESSAGE.test(record.cause ?? ''),
  'banner-masked': (record) => masked(record) && /^mask-banner\b/i.test(record.cause ?? ''),
  'capability-masked': (record) => masked(record) && /\behlo-reply-parameter\b/i.test(record.cause ?? ''),
  'verb-masked': (record) => masked(record) && /\bcmd verb\b/i.test(record.cause ?? ''),
};

/**
 * Gives each finding the lines that are joined to its sessions.
 *
 * A finding becomes `certain` where a line says of that very connection, by both addresses and both ports, that the
 * firewall did what was found. A weaker join, or another message, is told and changes nothing.
 */
export function withWitnesses(
  findings: readonly Finding[],
  joined: readonly JoinedLine[],
): readonly Finding[] {
  if (joined.length === 0) return findings;
  const bySession = new Map<string, JoinedLine[]>();
  for (const line of joined) {
    const list = bySession.get(line.session);
    if (list) list.push(line);
    else bySession.set(line.session, [line]);
  }
  return findings.map((finding) => {
    const lines = finding.sessions.flatMap((session) => bySession.get(session) ?? []);
    return lines.length === 0 ? finding : witnessed(finding, lines);
  });
}

function witnessed(finding: Finding, lines: readonly JoinedLine[]): Finding {
  const confirms = CONFIRMING[finding.rule] ?? (() => false);
  const witnesses = new Map<number, Witness>();
  for (const { record, joinedBy } of lines) {
    const { line, text } = record;
    if (!witnesses.has(line))
      witnesses.set(line, { source: 'asa-log', line, text, joinedBy, confirms: confirms(record) });
  }
  const sorted = [...witnesses.values()].sort(
    (a, b) => Number(b.confirms) - Number(a.confirms) || a.line - b.line,
  );
  const proof = sorted.find((witness) => witness.confirms && witness.joinedBy === 'addresses-and-ports');
  const told = { ...finding, witnesses: sorted.slice(0, MAX_WITNESSES) };
  if (!proof || finding.confidence === 'certain') return told;
  return {
    ...told,
    confidence: 'certain',
    message: `${finding.message} The firewall’s own log says that it did this to this connection (line ${proof.line}).`,
  };
}
