/** Sessions as two captures on both sides of a firewall hold them, from a seed, and which of them are one. */
import type { Timestamp } from '../../src/capture/timestamp.js';
import type { PairingSession } from '../../src/compare/pair.js';
import { SessionKeys } from '../../src/compare/session-key.js';
import type { SmtpExchange, SmtpLine, SmtpMessage, SmtpReply } from '../../src/smtp/session.js';
import type { TcpFacts } from '../../src/stream/tcp-facts.js';
import { SCRIPT_START_US } from '../support/dialogue.js';
import { Random } from '../support/perturb.js';

/** One session as it was, at the place of the inside capture and by a clock that is right. */
export interface Truth {
  startUs: number;
  lastsUs: number;
  client: string;
  port: number;
  server: string;
  isns: readonly [client: number, server: number];
  tsvals: readonly [client: number, server: number] | null;
  /** null: a connection without an octet. */
  mail: { greeting: string; messageId: string | null; from: string; to: readonly string[] } | null;
}

/** What a capture, and the box in front of it, make of a session. */
export interface View {
  clockUs: (us: number) => number;
  client?: (truth: Truth) => string;
  port?: (truth: Truth) => number;
  server?: (truth: Truth) => string;
  isns?: (truth: Truth) => readonly [number, number];
  withoutTimestamps?: boolean;
  withoutTimes?: boolean;
  masked?: boolean;
  /** Random delay of each moment, up to. */
  jitterUs?: number;
  hopLimits?: readonly [client: number, server: number];
  handshakeUs?: number;
}

function time(us: number): Timestamp {
  return { us: Math.round(us), ns: 0, digits: 6 };
}

function lineOf(direction: 'client' | 'server', text: string): SmtpLine {
  return {
    direction,
    text,
    octets: text.length,
    ending: 'CRLF',
    truncated: false,
    offset: 0,
    frame: 1,
    lastFrame: 1,
    time: null,
    checksum: 'unverifiable',
  };
}

function replyOf(...texts: string[]): SmtpReply {
  return {
    code: Number(texts[0]!.slice(0, 3)),
    enhanced: null,
    lines: texts.map((text) => lineOf('server', text)),
    complete: true,
    droppedLines: 0,
  };
}

function exchangeOf(command: string | null, ...reply: string[]): SmtpExchange {
  const [verb = '', ...rest] = (command ?? '(greeting)').split(' ');
  return {
    kind: command === null ? 'greeting' : 'command',
    verb,
    known: true,
    argument: command === null ? null : rest.join(' '),
    line: command === null ? null : lineOf('client', command),
    intermediate: null,
    reply: replyOf(...reply),
    noReply: null,
    pipelined: false,
    acknowledged: true,
    segments: 1,
    message: null,
    afterGap: false,
  };
}

function messageOf({ messageId, from, to }: NonNullable<Truth['mail']>): SmtpMessage {
  return {
    id: 'm1',
    transport: 'DATA',
    messageId,
    from,
    fromSeen: true,
    to,
    recipients: to.length,
    body: null,
    octets: 900,
    missingOctets: 0,
    accepted: true,
    replyCode: 250,
    digest: 'xxh64:0123456789abcdef',
    frame: 1,
    time: null,
    offset: 0,
    terminated: true,
    terminator: null,
    commandExchange: 4,
    endExchange: null,
    eightBit: false,
    eightBitFrame: null,
    eightBitOffset: null,
    report: null,
    looksLikeReport: false,
    damages: [],
    longHeaderLine: null,
    longFileName: null,
  };
}

function exchangesOf(mail: Truth['mail'], masked: boolean): SmtpExchange[] {
  if (mail === null) return [];
  const { greeting, from, to } = mail;
  return [
    exchangeOf(null, masked ? `220 ${'*'.repeat(greeting.length - 4)}` : greeting),
    exchangeOf('EHLO client.example', '250-mail.example', masked ? '250 XXXXXXXX' : '250 STARTTLS'),
    exchangeOf(`MAIL FROM:<${from}>`, '250 2.1.0 Ok'),
    ...to.map((path) => exchangeOf(`RCPT TO:<${path}>`, '250 2.1.5 Ok')),
    exchangeOf('QUIT', '221 2.0.0 Bye'),
  ];
}

/** The session with the number, as that view has it. */
export function viewed(truth: Truth, view: View, id: number, random: Random): PairingSession {
  const moment = (us: number) =>
    view.withoutTimes ? null : time(view.clockUs(us) + (view.jitterUs ? random.int(view.jitterUs + 1) : 0));
  const [clientIsn, serverIsn] = (view.isns ?? ((of: Truth) => of.isns))(truth);
  const tsvals = view.withoutTimestamps ? null : truth.tsvals;
  const start = moment(truth.startUs);
  const silent = truth.mail === null;
  return {
    id: `s${id}`,
    client: {
      address: (view.client ?? ((of) => of.client))(truth),
      port: (view.port ?? ((of) => of.port))(truth),
    },
    server: { address: (view.server ?? ((of) => of.server))(truth), port: 25 },
    start,
    end: moment(truth.startUs + truth.lastsUs),
    midstream: false,
    oneSided: silent ? 'client' : null,
    protocol: silent ? 'none' : 'smtp',
    exchanges: exchangesOf(truth.mail, view.masked ?? false),
    messages: truth.mail === null ? [] : [messageOf(truth.mail)],
    tcp: {
      clientIsn,
      serverIsn: silent ? null : serverIsn,
      clientTsval: tsvals?.[0] ?? null,
      serverTsval: silent ? null : (tsvals?.[1] ?? null),
      clientHopLimit: view.hopLimits?.[0] ?? 64,
      serverHopLimit: view.hopLimits?.[1] ?? 64,
      handshakeUs: view.handshakeUs ?? null,
      lastSynTime: start,
    } as TcpFacts,
  };
}

export interface TrafficShape {
  sessions: number;
  /** Time over which sessions begin. */
  spanUs: number;
  /** Different clients, messages and recipients that there are. */
  clients: number;
  messages: number;
  recipients: number;
  timestamps: boolean;
  /** How different their durations are; default 2 s. */
  lastsSpreadUs?: number;
  /** Percent of connections without an octet. */
  silent?: number;
}

/** Sessions from a seed; one host's TSvals count its milliseconds. Ports repeat, as ports do. */
export function traffic(shape: TrafficShape, random: Random): Truth[] {
  return Array.from({ length: shape.sessions }, () => {
    const startUs = SCRIPT_START_US + random.int(Math.max(1, Math.floor(shape.spanUs / 10))) * 10;
    const client = random.int(shape.clients);
    const message = random.int(shape.messages);
    const ms = Math.floor(startUs / 1000) % 2 ** 31;
    const silent = random.chance(shape.silent ?? 0);
    return {
      startUs,
      lastsUs: 50_000 + random.int(shape.lastsSpreadUs ?? 2_000_000),
      client: `192.0.2.${client}`,
      port: 40_000 + random.int(20_000),
      server: '198.51.100.25',
      isns: [random.int(2 ** 32 - 1), random.int(2 ** 32 - 1)] as const,
      tsvals: shape.timestamps ? ([(ms + client * 7919) >>> 0, (ms + 123_457) >>> 0] as const) : null,
      mail: silent
        ? null
        : {
            greeting: '220 mail.example ESMTP',
            messageId: `<${message}@client.example>`,
            from: 'news@client.example',
            to: [`reader${random.int(shape.recipients)}@mail.example`],
          },
    };
  });
}

export interface Scene {
  inside: SessionKeys;
  outside: SessionKeys;
  /** Which inside session is which outside one, among those that both captured. */
  twins: ReadonlyMap<number, number>;
  /** The sessions themselves, for twins of the algorithm. */
  sessions: { inside: PairingSession[]; outside: PairingSession[] };
}

export interface SceneOptions {
  inside: View;
  outside: View;
  /** Percent of sessions that each capture does not hold. */
  loss?: readonly [inside: number, outside: number];
  /** Whether a capture holds it at all. */
  inInside?: (truth: Truth) => boolean;
  inOutside?: (truth: Truth) => boolean;
}

export function scene(truths: readonly Truth[], options: SceneOptions, random: Random): Scene {
  const pick = (lost: number, holds: (truth: Truth) => boolean) => {
    const kept = truths
      .map((_, index) => index)
      .filter((index) => holds(truths[index]!) && !random.chance(lost));
    for (let at = kept.length - 1; at > 0; at--) {
      const other = random.int(at + 1);
      [kept[at], kept[other]] = [kept[other]!, kept[at]!];
    }
    return kept;
  };
  const [lostInside, lostOutside] = options.loss ?? [0, 0];
  const ins = pick(lostInside, options.inInside ?? (() => true));
  const outs = pick(lostOutside, options.inOutside ?? (() => true));
  const sessionsOf = (of: number[], view: View) =>
    of.map((index, place) => viewed(truths[index]!, view, place + 1, random));
  const sessions = { inside: sessionsOf(ins, options.inside), outside: sessionsOf(outs, options.outside) };
  const numberOutside = new Map(outs.map((index, place) => [index, place + 1]));
  const twins = new Map<number, number>();
  for (const [place, index] of ins.entries()) {
    const number = numberOutside.get(index);
    if (number !== undefined) twins.set(place + 1, number);
  }
  return { inside: keysOf(sessions.inside), outside: keysOf(sessions.outside), twins, sessions };
}

export function keysOf(sessions: Iterable<PairingSession>): SessionKeys {
  const keys = new SessionKeys();
  for (const session of sessions) keys.add(session);
  return keys;
}

export function clockOf(offsetUs = 0, driftPpm = 0): View['clockUs'] {
  return (us) => us + offsetUs + driftPpm * 1e-6 * (us - SCRIPT_START_US);
}

/** Translated addresses and ports, in the way of a firewall with one public address. */
export function translated(random: Random): Pick<View, 'client' | 'port'> {
  const ports = new Map<Truth, number>();
  return {
    client: () => '203.0.113.9',
    port: (truth) => {
      if (!ports.has(truth)) ports.set(truth, 1_024 + random.int(60_000));
      return ports.get(truth)!;
    },
  };
}

/** Other sequence numbers than the sender chose. */
export function randomised(random: Random): NonNullable<View['isns']> {
  return () => [random.int(2 ** 32 - 1), random.int(2 ** 32 - 1)];
}

export { Random };
