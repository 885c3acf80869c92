import type { Analysis, CaptureResult } from '../analyze.js';
import type { Diagnosis } from '../diagnose/diagnosis.js';
import type { Evidence, Finding, NotAssessed } from '../finding/finding.js';
import type { SmtpExchange, SmtpLine, SmtpMessage, SmtpReply, SmtpSession } from '../smtp/session.js';
import type { Endpoint } from '../stream/event.js';
import type { FirewallLogReport } from '../syslog/joiner.js';
import type { FirewallLog } from '../syslog/reader.js';
import type { LogEndpoint } from '../syslog/record.js';
import type { Pseudonyms } from './pseudonyms.js';

/** Sessions that are read for their words before the sentences about them are made: those of findings, so many. */
const MAX_READ = 20_000;

/** Says in every report that what it names is named otherwise. */
export const ANONYMIZED: NotAssessed = {
  session: null,
  reason: 'anonymized',
  detail:
    'Addresses, host names, mailboxes, identifiers and file names are pseudonyms, and so is every word of a packet that is not known to name nobody. Ports, times, numbers, lengths, masks and digests of messages are as they were.',
};

/**
 * The same analysis with pseudonyms for whatever may name somebody. What was found stays found: the same findings, in the
 * same frames, as sure and as often.
 *
 * Sessions are rewritten one by one when they are asked for.
 */
export function anonymizedAnalysis(analysis: Analysis, names: Pseudonyms): Analysis {
  const rewriter = new Rewriter(names, analysis.captures);
  rewriter.readSessions(analysis);
  // First what was said, then the sentences about it.
  const findings = analysis.findings.map((finding) => rewriter.finding(finding));
  return {
    ...analysis,
    captures: analysis.captures.map((capture, index) => rewriter.capture(capture, index)),
    *sessions() {
      for (const session of analysis.sessions()) yield rewriter.session(session);
    },
    session: (id) => {
      const session = analysis.session(id);
      return session && rewriter.session(session);
    },
    findings,
    diagnoses: analysis.diagnoses.map((diagnosis) => rewriter.diagnosis(diagnosis)),
    notAssessed: [ANONYMIZED, ...analysis.notAssessed.map((entry) => rewriter.notAssessed(entry))],
    firewallLog: analysis.firewallLog && rewriter.firewallLog(analysis.firewallLog),
  };
}

/** The captures alone: what is said of them before there is a report. */
export function anonymizedCaptures(captures: readonly CaptureResult[], names: Pseudonyms): CaptureResult[] {
  const rewriter = new Rewriter(names, captures);
  return captures.map((capture, index) => rewriter.capture(capture, index));
}

/** Rewrites each part of an analysis. */
export class Rewriter {
  constructor(
    private readonly names: Pseudonyms,
    private readonly captures: readonly CaptureResult[] = [],
  ) {}

  /** Remembers the words of the sessions of which findings speak. */
  readSessions(analysis: Analysis): void {
    const wanted = new Set<string>();
    for (const { sessions, evidenceSessions = [], evidence } of analysis.findings) {
      for (const { excerpt } of evidence) this.names.line(excerpt);
      for (const id of [...evidenceSessions, ...sessions]) if (wanted.size < MAX_READ) wanted.add(id);
    }
    for (const id of wanted) {
      const session = analysis.session(id);
      if (session) this.session(session);
    }
  }

  /** A sentence of ours: names of captures first, which may be any words. */
  sentence = (text: string): string => {
    let made = text;
    for (const [index, { file }] of this.captures.entries()) {
      if (file.length > 1) made = made.replaceAll(file, fileName(file, index));
    }
    return this.names.sentence(made);
  };

  line = (text: string): string => this.names.line(text);

  file(file: string, index: number): string {
    return fileName(file, index);
  }

  capture(capture: CaptureResult, index: number): CaptureResult {
    const { file, facts } = capture;
    const problems = facts.problems.map((problem) => ({
      ...problem,
      message: this.sentence(problem.message),
    }));
    return { ...capture, file: fileName(file, index), facts: { ...facts, problems } };
  }

  session(session: SmtpSession): SmtpSession {
    const { client, server, exchanges, extensions, messages } = session;
    const made: SmtpSession = {
      ...session,
      tcp: session.tcp,
      client: this.endpoint(client),
      server: this.endpoint(server),
      exchanges: exchanges.map((exchange) => this.exchange(exchange)),
      extensions: extensions.map((extension) => ({
        text: this.line(extension.text),
        keyword: this.line(extension.keyword),
        line: this.smtpLine(extension.line),
      })),
      messages: messages.map((message) => this.message(message)),
      // What is known of the session was read from the words that are being replaced.
      facts: null,
    };
    return made;
  }

  finding(finding: Finding): Finding {
    const { message, title, args, evidence, remedy, witnesses, server, fingerprint } = finding;
    const value = (one: Finding['args'][string]): Finding['args'][string] => {
      if (typeof one === 'string') return this.sentence(one);
      return Array.isArray(one) ? one.map((text: string) => this.sentence(text)) : one;
    };
    return {
      ...finding,
      fingerprint: this.names.digest(fingerprint),
      title: this.sentence(title),
      message: this.sentence(message),
      args: Object.fromEntries(Object.entries(args).map(([name, one]) => [name, value(one)])),
      evidence: evidence.map((one) => this.evidence(one)),
      remedy: remedy.map(this.sentence),
      server: { ...server, address: this.names.address(server.address) },
      ...(witnesses && {
        witnesses: witnesses.map((witness) => ({ ...witness, text: this.line(witness.text) })),
      }),
    };
  }

  diagnosis(diagnosis: Diagnosis): Diagnosis {
    const { server, summary, proved, ruledOut, actor, smallestChange, notProved, verify } = diagnosis;
    return {
      ...diagnosis,
      server: { ...server, address: this.names.address(server.address) },
      summary: this.sentence(summary),
      proved: proved.map((one) => ({ ...one, what: this.sentence(one.what) })),
      ruledOut: ruledOut.map(this.sentence),
      actor: { ...actor, why: this.sentence(actor.why) },
      smallestChange: smallestChange.map(this.sentence),
      notProved: notProved.map(this.sentence),
      verify: verify.map(this.sentence),
    };
  }

  notAssessed(entry: NotAssessed): NotAssessed {
    return { ...entry, detail: this.sentence(entry.detail) };
  }

  /** As it is joined to packets that were rewritten too. */
  log(log: FirewallLog): FirewallLog {
    const end = ({ address, ...more }: LogEndpoint): LogEndpoint => ({
      ...more,
      address: address === null ? null : this.names.address(address),
    });
    const records = log.records.map((record) => ({
      ...record,
      from: end(record.from),
      to: end(record.to),
      text: this.line(record.text),
      action: record.action === null ? null : this.line(record.action),
      cause: record.cause === null ? null : this.line(record.cause),
    }));
    return { ...log, file: 'asa.log', records };
  }

  firewallLog(report: FirewallLogReport): FirewallLogReport {
    const log = this.log(report);
    const made = new Map(report.records.map((record, index) => [record, log.records[index]!]));
    const joined = report.joined.map((one) => ({ ...one, record: made.get(one.record) ?? one.record }));
    return { ...report, ...log, joined };
  }

  evidence(evidence: Evidence): Evidence {
    return { ...evidence, excerpt: this.line(evidence.excerpt), note: this.sentence(evidence.note) };
  }

  private endpoint({ address, port }: Endpoint): Endpoint {
    return { address: this.names.address(address), port };
  }

  private exchange(exchange: SmtpExchange): SmtpExchange {
    const { kind, verb, argument, line, intermediate, reply } = exchange;
    return {
      ...exchange,
      // `(greeting)` is a name of ours.
      verb: kind === 'command' ? this.line(verb) : verb,
      argument: argument === null ? null : this.names.argument(verb, argument),
      line: line && this.smtpLine(line),
      intermediate: intermediate && this.reply(intermediate),
      reply: reply && this.reply(reply),
    };
  }

  private reply(reply: SmtpReply): SmtpReply {
    return { ...reply, lines: reply.lines.map((line) => this.smtpLine(line)) };
  }

  private smtpLine(line: SmtpLine): SmtpLine {
    return { ...line, text: this.line(line.text) };
  }

  private message(message: SmtpMessage): SmtpMessage {
    const { messageId, from, to, report } = message;
    const maybe = (text: string | null): string | null => (text === null ? null : this.line(text));
    return {
      ...message,
      messageId: messageId === null ? null : this.line(messageId),
      from: this.line(from),
      to: to.map(this.line),
      report: report && {
        ...report,
        diagnostic: maybe(report.diagnostic),
        originalMessageId: maybe(report.originalMessageId),
        finalRecipient: maybe(report.finalRecipient),
        text: maybe(report.text),
      },
    };
  }
}

/** `capture-1.pcap`: what the file is called and where it lies may name its owner. */
function fileName(file: string, index: number): string {
  if (file === '-') return file;
  const [ending = ''] = /(?:\.(?:pcap|pcapng|cap|gz|zst)){1,2}$/i.exec(file) ?? [];
  return `capture-${index + 1}${ending.toLowerCase()}`;
}
