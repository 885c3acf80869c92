import type { CaptureFacts } from './capture/packet.js';
import type { ReadCapture } from './capture/source.js';
import { diagnose } from './diagnose/diagnose.js';
import type { Diagnosis } from './diagnose/diagnosis.js';
import type { RuleCheck } from './finding/check.js';
import type { Finding, NotAssessed } from './finding/finding.js';
import { NotAssessedCensus } from './finding/not-assessed.js';
import type { DigestKind } from './mail/digest.js';
import { type CapturesReaderOptions, capturesReader } from './reading/captures-reader.js';
import type { CapturesReader } from './reading/one-by-one.js';
import { SessionArchive } from './reading/session-archive.js';
import type { Rule } from './rules/rule.js';
import type { RuleMeta } from './rules/rule-meta.js';
import { RuleSet } from './rules/rule-set.js';
import type { SmtpSession } from './smtp/session.js';
import { FirewallLogJoiner, type FirewallLogReport } from './syslog/joiner.js';
import type { FirewallLog } from './syslog/reader.js';
import { withWitnesses } from './syslog/witnesses.js';
import type { SessionRecord } from './transcript/session-record.js';

/** How captures are read and judged. */
export interface AnalyzeOptions {
  /** TCP ports on which servers speak SMTP. Default 25, 587, 2525. */
  readonly ports?: readonly number[];
  readonly rules: readonly Rule[];
  /** Digest of messages. Default `xxh64`. */
  readonly digest?: DigestKind;
  /** The firewall's own log, joined to the sessions. */
  readonly firewallLog?: FirewallLog;
  /** Stops reading; what was read so far is analysed. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (file: string, octets: number, total: number | null) => void;
  /** What reads an input by its name. Default: `readCapture`, which reads files. */
  readonly read?: ReadCapture;
  /** So many captures are read at once, each in a thread of its own; not where `read` is given. Default 1. */
  readonly jobs?: number;
  /** Receives each session once, in the order of closing, as the rules do. */
  readonly onSession?: (session: SmtpSession) => void;
}

/** One input and what became of it. */
export interface CaptureResult {
  readonly file: string;
  readonly facts: CaptureFacts;
  /** Packets that are not in any session, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
}

/** The result of a run. Sessions are made one at a time when asked for, in the order of their ids. */
export interface Analysis {
  readonly captures: readonly CaptureResult[];
  readonly sessionCount: number;
  /** Sessions in which SMTP was spoken. */
  readonly smtpCount: number;
  sessions(): Iterable<SmtpSession>;
  /** The session of this id; null: there is none. */
  session(id: string): SmtpSession | null;
  /** The rules that were asked, in their order. */
  readonly rules: readonly RuleMeta[];
  readonly findings: readonly Finding[];
  /** Per server, what box explains its findings. */
  readonly diagnoses: readonly Diagnosis[];
  readonly notAssessed: readonly NotAssessed[];
  /** By rule, in their order: which sessions its silence speaks of. */
  readonly checks: readonly RuleCheck[];
  /** null: no log was given. */
  readonly firewallLog: FirewallLogReport | null;
  readonly interrupted: boolean;
}

export const DEFAULT_PORTS: readonly number[] = [25, 587, 2525];

/** A run that is part of a larger one. */
export interface PartOfRun {
  /** Captures, sessions and messages that were numbered before. */
  readonly numbered: Numbered;
  /** What reads the captures, where they are not all of the larger run. Default: `capturesReader`. */
  readonly reader?: CapturesReader;
}

export interface Numbered {
  readonly captures: number;
  readonly sessions: number;
  readonly messages: number;
}

export const NOTHING_NUMBERED: Numbered = { captures: 0, sessions: 0, messages: 0 };

/**
 * Reads captures one after another, gives the rules each finished session, and returns what they found.
 *
 * An input that cannot be opened or read becomes a problem of its capture; it never stops the others.
 *
 * @example
 * const analysis = await analyze(['captures/asa-esmtp-outside.pcap'], { rules: catalog });
 * for (const finding of analysis.findings) console.log(finding.rule, finding.message);
 */
export async function analyze(files: readonly string[], options: AnalyzeOptions): Promise<Analysis> {
  return (await analyzePart(files, options, { numbered: NOTHING_NUMBERED })).analysis;
}

/** As `analyze`, for a run that is part of a larger one. Returns what was numbered, with all that was before. */
export async function analyzePart(
  files: readonly string[],
  options: AnalyzeOptions,
  { numbered, reader }: PartOfRun,
): Promise<{ analysis: Analysis; numbered: Numbered }> {
  const archive = new SessionArchive();
  const ruleSet = new RuleSet(options.rules, (number) => archive.session(number));
  const census = new NotAssessedCensus();
  const joiner = options.firewallLog ? new FirewallLogJoiner(options.firewallLog) : null;
  const results: CaptureResult[] = [];
  let { sessions, messages } = numbered;
  let smtpCount = 0;
  const captures = reader ?? (await capturesReader(files, reading(options)));
  try {
    for (const [index, file] of files.entries()) {
      const records: SessionRecord[] = [];
      const place = { capture: numbered.captures + index, messages };
      const account = await captures.read(index, place, (record, lastUs) => {
        records.push(record);
        const session = record.read(sessions, lastUs);
        if (session.protocol === 'smtp') smtpCount++;
        for (const listener of [census, ruleSet, joiner]) listener?.session(session);
        options.onSession?.(session);
      });
      if (account === null) break;
      archive.add(sessions, account.lastUs, records);
      results.push({ file, facts: account.facts, skipped: account.skipped });
      sessions += account.connections;
      messages = account.messages;
    }
  } finally {
    await captures.end();
  }
  const rules = options.rules.map(({ meta }) => meta);
  const { findings: found, notAssessed } = ruleSet.end();
  const firewallLog = joiner?.end() ?? null;
  const findings = withWitnesses(found, firewallLog?.joined ?? [], rules);
  const interrupted = options.signal?.aborted ?? false;
  const analysis = {
    captures: results,
    sessionCount: archive.count,
    smtpCount,
    sessions: () => archive.sessions(),
    session: (id: string) => archive.session(Number(id.slice(1))),
    rules,
    findings,
    diagnoses: diagnose(findings, rules),
    notAssessed: [
      ...(interrupted ? [INTERRUPTED] : []),
      ...census.end(),
      ...notAssessed,
      ...(joiner?.notAssessed() ?? []),
    ],
    checks: ruleSet.checks(found),
    firewallLog,
    interrupted,
  };
  return { analysis, numbered: { captures: numbered.captures + files.length, sessions, messages } };
}

const INTERRUPTED: NotAssessed = {
  session: null,
  reason: 'interrupted',
  detail: 'Reading was interrupted; the rest was not read.',
};

/** How captures are read for an analysis. */
export function reading(options: Omit<AnalyzeOptions, 'rules'>): CapturesReaderOptions {
  const { ports = DEFAULT_PORTS, digest = 'xxh64', jobs = 1, signal, onProgress, read } = options;
  return {
    ports,
    digest,
    jobs,
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
    ...(read && { read }),
  };
}
