import type { Finding, Witness } from '../finding/finding.js';
import type { LogMessage, RuleMeta } from '../rules/rule-meta.js';
import type { JoinedLine } from './joiner.js';
import type { LogRecord } from './record.js';

/** Lines that one finding shows; those that confirm it first. */
const MAX_WITNESSES = 10;

/** How messages 108004 and 108005 begin when the inspection did so. */
const ACTIONS: Readonly<Record<LogMessage['action'], RegExp>> = {
  ended: /^(?:Dropped|Reset)/,
  masked: /^Masked/,
};

function isMessage({ action, cause }: LogRecord, message: LogMessage): boolean {
  return ACTIONS[message.action].test(action ?? '') && message.cause.test(cause ?? '');
}

/**
 * Gives each finding the lines that are joined to its sessions.
 *
 * A finding becomes `certain` where a line says of that very connection, by both addresses and both ports, that the
 * firewall did what was found. A weaker join, or another message, is told and changes nothing.
 */
export function withWitnesses(
  findings: readonly Finding[],
  joined: readonly JoinedLine[],
  rules: readonly Pick<RuleMeta, 'id' | 'confirmedBy'>[],
): readonly Finding[] {
  if (joined.length === 0) return findings;
  const bySession = new Map<string, JoinedLine[]>();
  for (const line of joined) {
    const list = bySession.get(line.session);
    if (list) list.push(line);
    else bySession.set(line.session, [line]);
  }
  const summary = new SessionWitnesses(
    bySession,
    new Map(rules.map(({ id, confirmedBy }) => [id, confirmedBy])),
  );
  return findings.map((finding) => {
    const told = finding.sessions.flatMap((session) => summary.of(session, finding.rule) ?? []);
    return told.length === 0 ? finding : witnessed(finding, told);
  });
}

/** What the lines of one session are for the findings of one rule. */
interface Told {
  /** As many as one finding shows. */
  readonly witnesses: readonly Witness[];
  /** The first that says it of that very connection. */
  readonly proof: Witness | undefined;
}

/**
 * The lines of each session as each rule sees them, made once: ten thousand findings of a session that ten thousand lines
 * speak of would look at a hundred million otherwise.
 */
class SessionWitnesses {
  private readonly made = new Map<string, Told>();

  constructor(
    private readonly lines: ReadonlyMap<string, readonly JoinedLine[]>,
    /** By rule: the message that confirms it. */
    private readonly confirmedBy: ReadonlyMap<string, LogMessage | null>,
  ) {}

  /** null: no line speaks of the session. */
  of(session: string, rule: string): Told | null {
    const lines = this.lines.get(session);
    if (lines === undefined) return null;
    const key = `${session} ${rule}`;
    let told = this.made.get(key);
    if (told === undefined) {
      const message = this.confirmedBy.get(rule) ?? null;
      const sorted = inOrder(
        lines.map(({ record, joinedBy }) => {
          const { line, text } = record;
          return {
            source: 'asa-log',
            line,
            text,
            joinedBy,
            confirms: message !== null && isMessage(record, message),
          };
        }),
      );
      told = { witnesses: sorted.slice(0, MAX_WITNESSES), proof: sorted.find(isProof) };
      this.made.set(key, told);
    }
    return told;
  }
}

function isProof({ confirms, joinedBy }: Witness): boolean {
  return confirms && joinedBy === 'addresses-and-ports';
}

/** Those that confirm first, then as they stand in the log. */
function inOrder(witnesses: readonly Witness[]): Witness[] {
  return [...witnesses].sort((a, b) => Number(b.confirms) - Number(a.confirms) || a.line - b.line);
}

function witnessed(finding: Finding, sessions: readonly Told[]): Finding {
  // A line may be joined to several sessions.
  const byLine = new Map(sessions.flatMap(({ witnesses }) => witnesses.map((one) => [one.line, one])));
  const witnesses = inOrder([...byLine.values()]).slice(0, MAX_WITNESSES);
  const [proof] = inOrder(sessions.flatMap((one) => one.proof ?? []));
  const told = { ...finding, witnesses };
  if (!proof || finding.confidence === 'certain') return told;
  return {
    ...told,
    confidence: 'certain',
    message: `${finding.message} The firewall’s own log says that it did this to this connection (line ${proof.line}).`,
  };
}
