import type { Analysis } from '../analyze.js';
import type { CapturedPacket, CaptureFacts, PacketListener } from '../capture/packet.js';
import { diagnose } from '../diagnose/diagnose.js';
import { SmtpDialogues } from '../dialogue/dialogue.js';
import { KnownGreetings } from '../facts/banner-xray.js';
import type { Finding, NotAssessed } from '../finding/finding.js';
import { whyNotAssessed } from '../finding/not-assessed.js';
import type { DigestFactory } from '../mail/digest.js';
import { PacketReader } from '../reading/packet-reader.js';
import type { Rule } from '../rules/rule.js';
import { RuleAccounts } from '../rules/rule-accounts.js';
import { RuleSet } from '../rules/rule-set.js';
import type { SmtpSession } from '../smtp/session.js';
import type { ConnectionView } from '../stream/event.js';
import type { SessionRecord } from '../transcript/session-record.js';
import { ClosedSessions } from './closed-sessions.js';
import type { DuplicateMemory } from './duplicate-memory.js';
import { type Announcement, FindingBoard } from './finding-board.js';
import { OpenSessions } from './open-sessions.js';
import { DUPLICATE_RULE, RuleGenerations } from './rule-generations.js';
import type {
  DuplicateRow,
  HealthFacts,
  SessionRow,
  SourceFacts,
  TableHealth,
  Watch,
  WatchCounts,
} from './watch.js';

/** What a watch may use, however long it goes on. */
export interface MonitorLimits {
  /** Connections open at once. */
  readonly connections: number;
  /** Closed connections of which late packets are known as such. */
  readonly remembered: number;
  /** Distinct IPv6 addresses. */
  readonly addresses: number;
  /** Closed sessions that can be looked at. */
  readonly sessions: number;
  readonly findings: number;
  /** Sessions that one finding lists. */
  readonly sessionsOfFinding: number;
  /** Sessions after which the rules begin anew: what they remember grows with each session. */
  readonly sessionsOfRules: number;
  /** Milliseconds of one tick that sessions in progress may take to be judged; the others wait for the next. */
  readonly tickMs: number;
}

export const DEFAULT_MONITOR_LIMITS: MonitorLimits = {
  connections: 100_000,
  remembered: 1 << 14,
  addresses: 1 << 19,
  sessions: 10_000,
  findings: 10_000,
  sessionsOfFinding: 1_000,
  sessionsOfRules: 200_000,
  tickMs: 50,
};

export interface MonitorOptions {
  /** What reports call the capture. */
  readonly name: string;
  readonly ports: readonly number[];
  readonly rules: readonly Rule[];
  readonly digest: DigestFactory;
  /** What takes the place of the rule `duplicate-delivery`, which knows its own captures only. */
  readonly duplicates: DuplicateMemory;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** Does the work when others have had their turn; without it sessions are judged as they close. */
  readonly later?: (work: () => void) => void;
  readonly residentOctets?: () => number;
  /** Tables of those that keep things beside the watch. */
  readonly tables?: () => readonly TableHealth[];
  /** Called for each packet, before anything is made of it. */
  readonly onPacket?: (packet: CapturedPacket) => void;
  readonly onFinding?: (announcement: Announcement) => void;
  /** The source is not as it was. */
  readonly onSource?: (now: SourceFacts, before: SourceFacts) => void;
  readonly limits?: Partial<MonitorLimits>;
}

/** Sessions that wait to be judged; beyond that packets wait for them. */
const MAX_WAITING = 5_000;
/** Milliseconds that judging takes at once: keys and packets wait so long. */
const SLICE_MS = 10;
/** Ending the rules may take this part of the time. */
const PACE = 20;
const MAX_TROUBLES = 100;

const NOTHING_TOLD: SourceFacts = {
  driver: 'stream',
  interface: null,
  filter: null,
  times: 'unknown',
  state: 'starting',
  trouble: null,
};

interface Waiting {
  readonly record: SessionRecord;
  readonly connection: ConnectionView;
  readonly us: number;
}

/**
 * The pipeline over a capture that goes on: packets in, findings out as they are proved.
 *
 * Sessions that have ended are judged as `analyze` judges them. One in progress is judged twice a second, where it got
 * packets, as if the capture had ended now, by what rules say of a session by itself; what it is when it has ended supersedes
 * that.
 *
 * @example
 * const monitor = new Monitor({ ports: [25], rules: catalog, digest, now: () => performance.now() });
 * setInterval(() => monitor.tick(), 400);
 * await readCapture('-', monitor);
 * monitor.end();
 */
export class Monitor implements PacketListener, Watch {
  source: SourceFacts = NOTHING_TOLD;
  drops: number | null = null;
  private readonly limits: MonitorLimits;
  private readonly reader: PacketReader;
  private readonly open: OpenSessions;
  private readonly closed: ClosedSessions;
  private readonly board: FindingBoard;
  private readonly generations: RuleGenerations;
  /** Closed, and not judged yet, with the time of the capture when they closed. */
  private waiting: Waiting[] = [];
  private next = 0;
  private scheduled = false;
  private closedFindings: ReadonlyMap<string, Finding> = new Map();
  private remarks: readonly NotAssessed[] = [];
  private readonly unjudged = new Map<string, number>();
  private readonly troubles: HealthFacts['troubles'][number][] = [];
  private readonly recall = (number: number): SmtpSession | null => this.closed.session(number, this.nowUs());
  private packets = 0;
  private octets = 0;
  private messages = 0;
  private gaps = 0;
  private limitCloses = 0;
  /** Added to frame numbers: a capture that was begun again goes on with them. */
  private frameBase = 0;
  private newestFrame = 0;
  private first: WatchCounts['last'] = null;
  private linkType = -1;
  private readonly linkTypes = new Set<number>();
  private facts: CaptureFacts | null = null;
  private readonly begunMs: number;
  private packetMs: number;
  private rateMs: number;
  private ratePackets = 0;
  private rate = 0;
  private unannounced = false;
  private announcedAtMs = Number.NEGATIVE_INFINITY;
  private announcingMs = 0;
  private ended = false;
  private closingUs: number | null = null;

  constructor(private readonly options: MonitorOptions) {
    this.limits = { ...DEFAULT_MONITOR_LIMITS, ...options.limits };
    const { ports, digest, now } = options;
    const dialogues = new SmtpDialogues({
      capture: 0,
      digest,
      nextMessage: () => ++this.messages,
      onOpened: (dialogue) => this.open.opened(dialogue),
      onClosed: (record) => this.sessionClosed(record),
    });
    const { connections, remembered } = this.limits;
    this.reader = new PacketReader({
      ports,
      connections: dialogues,
      segment: (_, connection) => {
        if (connection !== null) this.open.touch(connection);
      },
      addresses: this.limits.addresses,
      limits: { connections, remembered },
    });
    this.closed = new ClosedSessions(this.limits.sessions);
    this.board = new FindingBoard(this.limits.findings, (announcement) =>
      this.options.onFinding?.(announcement),
    );
    this.generations = new RuleGenerations(
      options.rules.map((rule) => (rule.meta.id === DUPLICATE_RULE ? options.duplicates.rule : rule)),
      this.recall,
      this.limits,
    );
    const rulesOfOne = options.rules.map((rule) =>
      rule.meta.id === DUPLICATE_RULE ? options.duplicates.ruleOfOpen : rule,
    );
    const greetings = new KnownGreetings();
    this.open = new OpenSessions({
      now,
      rules: () => new RuleSet(rulesOfOne, this.recall, this.limits.sessionsOfFinding, undefined, greetings),
    });
    this.begunMs = now();
    this.packetMs = this.begunMs;
    this.rateMs = this.begunMs;
  }

  packet(packet: CapturedPacket): void {
    this.options.onPacket?.(packet);
    packet.frame += this.frameBase;
    this.newestFrame = packet.frame;
    this.packets++;
    this.octets += packet.end - packet.start;
    if (this.first === null && !Number.isNaN(packet.us)) {
      this.first = { us: packet.us, ns: packet.ns, digits: packet.digits };
    }
    if (packet.linkType !== this.linkType) {
      this.linkType = packet.linkType;
      this.linkTypes.add(packet.linkType);
    }
    this.reader.packet(packet);
  }

  /** A capture begins whose frames are numbered from 1 again. */
  resume(): void {
    this.frameBase = this.newestFrame;
  }

  /** Something is wrong with the source, or right again. */
  notify(facts: Partial<SourceFacts>): void {
    const { trouble } = facts;
    if (trouble && trouble !== this.source.trouble) {
      this.troubles.push({ time: this.counts.last, message: trouble });
      if (this.troubles.length > MAX_TROUBLES) this.troubles.shift();
    }
    const before = this.source;
    this.source = { ...before, ...facts };
    this.options.onSource?.(this.source, before);
  }

  /** To be called a few times a second: it announces what is proved, and closes what is idle. */
  tick(): void {
    if (this.ended) return;
    const startMs = this.options.now();
    this.measure(startMs);
    const nowUs = this.nowUs();
    this.expire(nowUs);
    this.open.judge(nowUs, startMs + this.limits.tickMs);
    this.announceNews(startMs);
  }

  /**
   * The capture has ended.
   *
   * @param whole  by itself: no time has gone by after its last packet
   * @param facts  what the reader knows of it
   */
  end(whole: boolean, facts: CaptureFacts | null = null): void {
    if (this.ended) return;
    this.facts = facts;
    if (!whole) {
      this.expire(this.nowUs());
      this.closingUs = this.nowUs();
    }
    this.reader.end();
    while (this.next < this.waiting.length) this.judgeNext();
    this.ended = true;
    this.open.forgetAll();
    this.judgeEnd();
    this.board.hold(this.closedFindings, new Map());
  }

  /** Sessions that have ended wait to be judged. */
  get behind(): boolean {
    return this.next < this.waiting.length;
  }

  get counts(): WatchCounts {
    return {
      elapsedMs: this.options.now() - this.begunMs,
      packets: this.packets,
      octets: this.octets,
      drops: this.drops,
      sessions: this.reader.table.connectionCount,
      openSessions: this.reader.table.openCount,
      messages: this.messages,
      findings: this.board.size,
      last: Number.isNaN(this.reader.table.lastUs)
        ? null
        : { us: this.reader.table.lastUs, ns: 0, digits: 6 },
    };
  }

  get health(): HealthFacts {
    const { limits, closed, board } = this;
    const notAssessed = Object.fromEntries(this.unjudged);
    for (const { reason } of this.remarks) notAssessed[reason] = (notAssessed[reason] ?? 0) + 1;
    return {
      packetsPerSecond: this.rate,
      residentOctets: this.options.residentOctets?.() ?? 0,
      tables: [
        {
          name: 'open connections',
          used: this.reader.table.openCount,
          limit: limits.connections,
          dropped: this.limitCloses,
        },
        { name: 'closed sessions', used: closed.size, limit: limits.sessions, dropped: closed.dropped },
        this.options.duplicates.health,
        { name: 'findings', used: board.size, limit: limits.findings, dropped: board.dropped },
        {
          name: 'sessions compared by rules',
          used: this.generations.judged,
          limit: limits.sessionsOfRules,
          dropped: this.generations.forgotten,
        },
        ...(this.options.tables?.() ?? []),
      ],
      skipped: this.reader.skipped,
      gaps: this.gaps,
      notAssessed,
      troubles: this.troubles,
    };
  }

  *sessions(): Iterable<SessionRow> {
    for (const number of this.sessionNumbers()) {
      const row = this.sessionRow(number);
      if (row) yield row;
    }
  }

  *sessionNumbers(): Iterable<number> {
    const numbers = this.closed.numbers();
    let next = 0;
    for (const index of this.open.indices()) {
      while (next < numbers.length && numbers[next]! > index + 1) yield numbers[next++]!;
      yield index + 1;
    }
    while (next < numbers.length) yield numbers[next++]!;
  }

  sessionRow(number: number): SessionRow | null {
    const row = this.open.row(number - 1, this.reader.table.lastUs) ?? this.closed.row(number);
    const findings = this.board.ofSession(number);
    return row && findings ? { ...row, findings } : row;
  }

  session(number: number): SmtpSession | null {
    const nowUs = this.nowUs();
    return this.closed.session(number, nowUs) ?? this.open.session(number - 1, nowUs);
  }

  findings(): readonly Finding[] {
    return this.board.findings();
  }

  duplicates(): Iterable<DuplicateRow> {
    const ids = new Map(
      this.board
        .findings()
        .filter(({ rule }) => rule === DUPLICATE_RULE)
        .map(({ id, args }) => [args.messageId, id]),
    );
    return this.options.duplicates.rows((subject) => ids.get(subject) ?? null);
  }

  analysis(): Analysis {
    const findings = this.findings();
    const rules = this.options.rules.map(({ meta }) => meta);
    const numbers = [...this.sessions()].map(({ number }) => number).sort((a, b) => a - b);
    const accounts = new RuleAccounts();
    let smtpCount = 0;
    for (const session of this.sessionsOf(numbers)) {
      if (session.protocol === 'smtp') smtpCount++;
      if (session.protocol === 'smtp' || session.protocol === 'none') accounts.session(session);
    }
    return {
      captures: [{ file: this.options.name, facts: this.captureFacts(), skipped: this.reader.skipped }],
      sessionCount: numbers.length,
      smtpCount,
      sessions: () => this.sessionsOf(numbers),
      session: (id) => this.session(Number(id.slice(1))),
      rules,
      findings,
      diagnoses: diagnose(findings, rules),
      notAssessed: [...this.witnessRemarks(), ...this.remarks],
      // Sessions that one could be held against may be forgotten already.
      checks: accounts.checks(
        rules.map(({ id, needs }) => ({ id, needs, alone: numbers.length, failed: false })),
        findings,
      ),
      firewallLog: null,
      interrupted: false,
    };
  }

  private *sessionsOf(numbers: readonly number[]): Generator<SmtpSession> {
    for (const number of numbers) {
      const session = this.session(number);
      if (session) yield session;
    }
  }

  private captureFacts(): CaptureFacts {
    return {
      format: this.facts?.format ?? 'pcap',
      linkTypes: this.facts?.linkTypes ?? [...this.linkTypes],
      packets: this.packets,
      bytes: this.facts?.bytes ?? this.octets,
      first: this.first,
      last: this.counts.last,
      truncated: this.facts?.truncated ?? false,
      problems: this.facts?.problems ?? [],
    };
  }

  /** How well the wire could be seen, and what had to be forgotten: what readers of a report must know. */
  private witnessRemarks(): NotAssessed[] {
    const { source, drops } = this;
    const remarks: NotAssessed[] = [];
    const say = (reason: string, detail: string) => remarks.push({ session: null, reason, detail });
    if (source.interface !== null) {
      const times = source.times === 'kernel' ? 'taken by the kernel' : 'taken on arrival';
      const lost = drops === null ? 'drops unknown' : `${drops} packets dropped`;
      say(
        'live',
        `Captured on ${source.interface} by ${source.driver}, filter ${source.filter}: times ${times}, ${lost}.`,
      );
    }
    for (const { name, limit, dropped } of this.health.tables) {
      if (dropped > 0) say('limit', `${name}: ${dropped} are not kept (limit ${limit}).`);
    }
    for (const [reason, count] of this.unjudged) say(reason, `${count} sessions.`);
    return remarks;
  }

  /** What closes now closes for the time that has gone by, not at a packet. */
  private expire(nowUs: number): void {
    this.closingUs = nowUs;
    this.reader.table.expire(nowUs);
    this.closingUs = null;
  }

  /** Time of the capture: that of the newest packet, and what has gone by since. */
  private nowUs(): number {
    const { lastUs } = this.reader.table;
    return this.ended ? lastUs : lastUs + 1000 * (this.options.now() - this.packetMs);
  }

  private measure(nowMs: number): void {
    if (this.packets > this.ratePackets) this.packetMs = nowMs;
    if (nowMs - this.rateMs < 1000) return;
    this.rate = Math.round(((this.packets - this.ratePackets) * 1000) / (nowMs - this.rateMs));
    this.rateMs = nowMs;
    this.ratePackets = this.packets;
  }

  private sessionClosed(record: SessionRecord): void {
    const connection = this.open.closed(record.index);
    this.waiting.push({ record, connection, us: this.closingUs ?? this.reader.table.lastUs });
    if (!this.options.later || this.waiting.length - this.next > MAX_WAITING) this.judgeNext();
    else this.judgeLater(this.options.later);
  }

  private judgeLater(later: (work: () => void) => void): void {
    if (this.scheduled) return;
    this.scheduled = true;
    later(() => {
      this.scheduled = false;
      const untilMs = this.options.now() + SLICE_MS;
      while (this.next < this.waiting.length && this.options.now() < untilMs) this.judgeNext();
      if (this.next < this.waiting.length) this.judgeLater(later);
    });
  }

  private judgeNext(): void {
    const { record, connection, us } = this.waiting[this.next++]!;
    if (this.next * 2 >= this.waiting.length) {
      this.waiting = this.waiting.slice(this.next);
      this.next = 0;
    }
    const session = record.read(0, us);
    this.open.forget(record.index);
    this.gaps += session.gapCount;
    if (session.closed === 'limit') this.limitCloses++;
    this.census(session);
    // Kept before the rules see it: they may ask for it by its number.
    this.closed.add(record, connection, session);
    this.generations.session(session);
    this.unannounced = true;
  }

  private census(session: SmtpSession): void {
    for (const { reason } of whyNotAssessed(session)) {
      this.unjudged.set(reason, (this.unjudged.get(reason) ?? 0) + 1);
    }
  }

  // Findings.

  /** Announces what is new, but not so often that this takes much of the time. */
  private announceNews(nowMs: number): void {
    if (!(this.unannounced || this.open.changed) || nowMs - this.announcedAtMs < this.announcingMs * PACE)
      return;
    this.unannounced = false;
    this.open.changed = false;
    this.judgeEnd();
    this.board.hold(this.closedFindings, this.open.findings());
    this.announcedAtMs = this.options.now();
    this.announcingMs = this.announcedAtMs - nowMs;
  }

  private judgeEnd(): void {
    const { findings, notAssessed } = this.generations.end();
    this.remarks = notAssessed;
    this.closedFindings = findings;
  }
}
