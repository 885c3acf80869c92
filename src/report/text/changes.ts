import { plural, thousands } from '../../finding/words.js';
import { unique } from '../document/grouping.js';
import { escapeJson, printableText } from '../printable.js';

/** As much of a finding in a JSON report as is compared and shown. */
export interface ReportedFinding {
  readonly fingerprint: string;
  readonly rule: string;
  readonly severity: string;
  readonly title: string;
  readonly message: string;
  readonly sessions: readonly string[];
  readonly server: string;
}

/** One report, as it was written by `analyze -F json`. */
export interface Reported {
  readonly file: string;
  readonly version: string;
  readonly findings: readonly ReportedFinding[];
  /** Servers of which SMTP was seen: `198.51.100.25 port 25`. */
  readonly servers: ReadonlySet<string>;
  readonly damaged: boolean;
}

/**
 * `fixed`: gone, and the server was seen again; `unseen`: gone, but so is the server, which proves nothing; `same`: the
 * same rule at the same server, of the same subject.
 */
export type ChangeKind = 'same' | 'new' | 'unseen' | 'fixed';

export interface Change {
  readonly kind: ChangeKind;
  readonly finding: ReportedFinding;
}

const KINDS: Readonly<Record<ChangeKind, string>> = {
  same: 'Still there',
  new: 'New',
  unseen: 'Not certain: no SMTP session with this server after the change',
  fixed: 'Fixed',
};

const MAX_SHOWN = 50;

/** What became of each finding, by fingerprint. */
export function changesBetween(before: Reported, after: Reported): Change[] {
  const [then, now] = [byFingerprint(before), byFingerprint(after)];
  const changes: Change[] = [];
  for (const [fingerprint, finding] of then) {
    const kind = now.has(fingerprint) ? 'same' : after.servers.has(finding.server) ? 'fixed' : 'unseen';
    changes.push({ kind, finding: now.get(fingerprint) ?? finding });
  }
  for (const [fingerprint, finding] of now) {
    if (!then.has(fingerprint)) changes.push({ kind: 'new', finding });
  }
  const order = Object.keys(KINDS);
  return changes.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}

/** Is something left that the ticket is about? Notes are not. */
export function isLeft({ kind, finding }: Change): boolean {
  return kind !== 'fixed' && finding.severity !== 'info';
}

export function* changesText(
  changes: readonly Change[],
  before: Reported,
  after: Reported,
): Generator<string> {
  const count = (kind: ChangeKind): number => changes.filter((change) => change.kind === kind).length;
  const left = changes.filter(isLeft).length;
  const [fixed, same, fresh, unseen] = [count('fixed'), count('same'), count('new'), count('unseen')];
  const open = unseen > 0 ? `, ${thousands(unseen)} not certain` : '';
  const sum = `${thousands(fixed)} fixed, ${thousands(same)} still there, ${thousands(fresh)} new${open}`;
  yield `${changes.length === 0 ? 'Nothing was found before or after.' : left === 0 ? `Nothing is left: ${sum}.` : `Not done: ${sum}.`}\n`;
  if (after.damaged)
    yield `${printableText(after.file)} is of a damaged capture: what is not in it may have been missed.\n`;
  if (before.version !== after.version) {
    yield `Made by different versions (${printableText(before.version)}, ${printableText(after.version)}): rules may differ.\n`;
  }
  for (const [kind, heading] of Object.entries(KINDS)) {
    const group = changes.filter((change) => change.kind === kind);
    if (group.length === 0) continue;
    yield `\n${heading}\n`;
    for (const { finding } of group.slice(0, MAX_SHOWN)) yield `  ${findingText(finding)}\n`;
    if (group.length > MAX_SHOWN) yield `  and ${plural(group.length - MAX_SHOWN, 'more finding')}\n`;
  }
}

function findingText({ fingerprint, rule, severity, title, message, server }: ReportedFinding): string {
  return [
    fingerprint,
    severity === 'info' ? 'note' : severity,
    `${rule} at ${server}:`,
    title,
    `(${message})`,
  ]
    .map(printableText)
    .join(' ');
}

export function* changesJson(
  changes: readonly Change[],
  before: Reported,
  after: Reported,
): Generator<string> {
  const left = changes.filter(isLeft).length;
  const head = JSON.stringify({ before: before.file, after: after.file, left });
  yield escapeJson(`{"schema":"mailwitness/diff/1",${head.slice(1, -1)},\n"changes":[`);
  for (const [index, { kind, finding }] of changes.entries()) {
    yield escapeJson(
      `${index === 0 ? '\n' : ',\n'}${JSON.stringify({ change: JSON_KINDS[kind], ...finding })}`,
    );
  }
  yield `${changes.length === 0 ? '' : '\n'}]}\n`;
}

const JSON_KINDS: Readonly<Record<ChangeKind, string>> = {
  same: 'still-there',
  new: 'new',
  unseen: 'cannot-tell',
  fixed: 'fixed',
};

/** Troubles that share a fingerprint (messages without a Message-ID) are one. */
function byFingerprint({ findings }: Reported): Map<string, ReportedFinding> {
  return new Map(findings.map((finding) => [finding.fingerprint, finding]));
}

/**
 * Takes from a parsed JSON report what is compared.
 *
 * @returns null when it is no report of this program, or one without fingerprints
 */
export function reportedFrom(file: string, value: unknown): Reported | null {
  const report = asObject(value);
  if (report?.schema !== 'mailwitness/report/1') return null;
  const [findings, sessions, captures] = [report.findings, report.sessions, report.captures];
  if (!Array.isArray(findings) || !Array.isArray(sessions) || !Array.isArray(captures)) return null;
  const servers = new Map<string, string>();
  const spoken = new Set<string>();
  for (const entry of sessions) {
    const session = asObject(entry);
    const server = asObject(session?.server);
    if (typeof session?.id !== 'string' || typeof server?.address !== 'string') return null;
    const name = `${server.address} port ${String(server.port)}`;
    servers.set(session.id, name);
    if (Array.isArray(session.commands) && session.commands.some(hasReply)) spoken.add(name);
  }
  const reported: ReportedFinding[] = [];
  for (const entry of findings) {
    const finding = asObject(entry);
    if (!finding) return null;
    const texts = ['fingerprint', 'rule', 'severity', 'title', 'message'] as const;
    const [fingerprint, rule, severity, title, message] = texts.map((name) => finding[name]);
    const ids = finding.sessions;
    if (typeof fingerprint !== 'string' || typeof rule !== 'string' || typeof severity !== 'string')
      return null;
    if (typeof title !== 'string' || typeof message !== 'string' || !Array.isArray(ids)) return null;
    const names = ids.filter((id) => typeof id === 'string');
    const first = typeof finding.session === 'string' ? finding.session : names[0];
    const server = servers.get(first ?? '') ?? 'unknown server';
    reported.push({ fingerprint, rule, severity, title, message, sessions: unique(names), server });
  }
  const version = asObject(report.generator)?.version;
  return {
    file,
    version: typeof version === 'string' ? version : 'unknown',
    findings: reported,
    servers: spoken,
    damaged: captures.some((capture) => {
      const problems = asObject(capture)?.problems;
      return Array.isArray(problems) && problems.length > 0;
    }),
  };
}

function hasReply(command: unknown): boolean {
  return asObject(asObject(command)?.reply) !== null;
}

function asObject(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
}
