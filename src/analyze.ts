import type { CaptureFacts, PacketListener } from './capture/packet.js';
import type { ReadOptions } from './capture/source.js';
import { diagnose } from './diagnose/diagnose.js';
import type { Diagnosis } from './diagnose/diagnosis.js';
import type { Finding, NotAssessed } from './finding/finding.js';
import { createDigestFactory, type DigestKind } from './mail/digest.js';
import { type CapturesReader, OneByOne } from './reading/one-by-one.js';
import type { Rule } from './rules/rule.js';
import { RuleSet } from './rules/rule-set.js';
import type { SmtpSession } from './smtp/session.js';
import { FirewallLogJoiner, type FirewallLogReport } from './syslog/joiner.js';
import type { FirewallLog } from './syslog/reader.js';
import { withWitnesses } from './syslog/witnesses.js';
import type { SessionRecord } from './transcript/session-record.js';

/** What one run may be told. */
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
  readonly read?: (file: string, listener: PacketListener, options: ReadOptions) => Promise<CaptureFacts>;
  /** So many captures are read at once, each in a thread of its own; not where `read` is given. Default 1. */
  readonly jobs?: number;
  /** What reads the captures, where they are not all of a larger run. Default: made of what stands above. */
  readonly captures?: CapturesReader;
  /** Hears each session once, in the order of closing, as the rules do. */
  readonly onSession?: (session: SmtpSession) => void;
  /** Captures, sessions and messages that were numbered before: for a run that is part of a larger one. */
  readonly numbered?: Numbered;
}

export interface Numbered {
  readonly captures: number;
  readonly sessions: number;
  readonly messages: number;
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
  sessions(): Iterable<SmtpSession>;
  /** The session of this id; null: there is none. */
  session(id: string): SmtpSession | null;
  /** What a run that goes on from here is to be told. */
  readonly numbered: Numbered;
  readonly findings: readonly Finding[];
  /** Per server, what box explains its findings. */
  readonly diagnoses: readonly Diagnosis[];
  readonly notAssessed: readonly NotAssessed[];
  /** null: no log was given. */
  readonly firewallLog: FirewallLogReport | null;
  readonly interrupted: boolean;
}

export const DEFAULT_PORTS: readonly number[] = [25, 587, 2525];

/** At most this many entries of `notAssessed` come from sessions; one more says how many there were. */
const MAX_NOT_ASSESSED = 1000;

interface CapturePart {
  readonly firstIndex: number;
  readonly lastUs: number;
  readonly records: SessionRecord[];
}

/**
 * Reads captures one after another, tells the rules of each finished session, and returns what they found.
 *
 * An input that cannot be opened or read becomes a problem of its capture; it never stops the others.
 *
 * @example
 * const analysis = await analyze(['captures/asa-esmtp-outside.pcap'], { rules: catalog });
 * for (const finding of analysis.findings) console.log(finding.rule, finding.message);
 */
export async function analyze(files: readonly string[], options: AnalyzeOptions): Promise<Analysis> {
  const captures: CaptureResult[] = [];
  const parts: CapturePart[] = [];
  const recall = (number: number): SmtpSession | null => {
    const part = parts.findLast(({ firstIndex }) => firstIndex < number);
    const record = part && find(part.records, number - 1 - part.firstIndex);
    return record?.read(part!.firstIndex, part!.lastUs) ?? null;
  };
  const ruleSet = new RuleSet(options.rules, recall);
  const census = new NotAssessedCensus();
  const joiner = options.firewallLog ? new FirewallLogJoiner(options.firewallLog) : null;
  const { captures: captureBase, sessions: sessionBase, messages: messageBase } = options.numbered ?? NOTHING;
  let messages = messageBase;
  let firstIndex = sessionBase;
  const captureReader = options.captures ?? (await capturesReader(files, options));
  try {
    for (const [index, file] of files.entries()) {
      const records: SessionRecord[] = [];
      const base = firstIndex;
      const place = { capture: captureBase + index, messages };
      const account = await captureReader.read(index, place, (record, lastUs) => {
        records.push(record);
        const session = record.read(base, lastUs);
        census.session(session);
        ruleSet.session(session);
        joiner?.session(session);
        options.onSession?.(session);
      });
      if (account === null) break;
      records.sort((a, b) => a.index - b.index);
      parts.push({ firstIndex: base, lastUs: account.lastUs, records });
      firstIndex += account.connections;
      messages = account.messages;
      captures.push({ file, facts: account.facts, skipped: account.skipped });
    }
  } finally {
    await captureReader.end();
  }
  const { findings: found, notAssessed } = ruleSet.end();
  const firewallLog = joiner?.end() ?? null;
  const findings = withWitnesses(found, firewallLog?.joined ?? []);
  const interrupted = options.signal?.aborted ?? false;
  return {
    captures,
    sessionCount: parts.reduce((sum, part) => sum + part.records.length, 0),
    *sessions() {
      for (const part of parts)
        for (const record of part.records) yield record.read(part.firstIndex, part.lastUs);
    },
    session: (id) => recall(Number(id.slice(1))),
    numbered: { captures: captureBase + files.length, sessions: firstIndex, messages },
    findings,
    diagnoses: diagnose(findings),
    notAssessed: [
      ...(interrupted
        ? [
            {
              session: null,
              reason: 'interrupted',
              detail: 'Reading was interrupted; the rest was not read.',
            },
          ]
        : []),
      ...census.end(),
      ...notAssessed,
      ...(joiner?.notAssessed() ?? []),
    ],
    firewallLog,
    interrupted,
  };
}

/** What reads these captures for a run: here, or in threads, which cost their start and their code its loading. */
export async function capturesReader(
  files: readonly string[],
  options: AnalyzeOptions,
): Promise<CapturesReader> {
  const { ports = DEFAULT_PORTS, digest: digestKind = 'xxh64', jobs = 1, ...others } = options;
  const reading = { ports, digestKind, digest: await createDigestFactory(digestKind), ...others };
  if (jobs < 2 || files.length < 2 || options.read) return new OneByOne(files, reading);
  const { ReaderThreads } = await import('./reading/reader-threads.js');
  return new ReaderThreads(files, { ...reading, jobs });
}

const NOTHING: Numbered = { captures: 0, sessions: 0, messages: 0 };

/** By binary search: records lie in the order of their connections. */
function find(records: readonly SessionRecord[], index: number): SessionRecord | undefined {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (records[middle]!.index < index) low = middle + 1;
    else high = middle;
  }
  return records[low]?.index === index ? records[low] : undefined;
}

/** Collects, with a limit, why sessions could not be judged (wholly). */
class NotAssessedCensus {
  private readonly entries: NotAssessed[] = [];
  private dropped = 0;

  session(session: SmtpSession): void {
    const say = (reason: string, detail: string) => {
      if (this.entries.length < MAX_NOT_ASSESSED) this.entries.push({ session: session.id, reason, detail });
      else this.dropped++;
    };
    if (session.protocol !== 'smtp') {
      if (session.protocol === 'none') {
        say('no-data', 'The connection carried no data.');
      } else if (session.protocol === 'unknown') {
        say('unknown-protocol', 'Too little was captured to say whether this is SMTP.');
      } else {
        const name =
          session.protocol === 'other' ? 'Something other than SMTP' : session.protocol.toUpperCase();
        say('not-smtp', `${name} was spoken on port ${session.server.port}; no rule was applied.`);
      }
      return;
    }
    if (session.gapCount > 0) {
      say('gap', `${session.gapCount} gap(s) in the captured streams: absence next to them is not evidence.`);
    }
    if (session.oneSided) {
      say(
        'one-sided',
        `Only packets of the ${session.oneSided} were captured: missing answers prove nothing.`,
      );
    }
    if (session.midstream)
      say('midstream', 'The capture begins after the connection did: its start was not seen.');
    if (session.encryptedFrom !== null) {
      say('encrypted', `Encrypted from frame ${session.encryptedFrom}: what follows cannot be read.`);
    }
    if (session.truncated)
      say('limit', `The dialogue is longer than is kept: ${session.droppedExchanges} dropped.`);
  }

  end(): NotAssessed[] {
    if (this.dropped === 0) return this.entries;
    return [
      ...this.entries,
      { session: null, reason: 'limit', detail: `${this.dropped} more such entries were not listed.` },
    ];
  }
}
