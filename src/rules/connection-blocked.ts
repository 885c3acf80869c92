import type { Timestamp } from '../capture/timestamp.js';
import { Answered } from '../facts/answered.js';
import { WORDLESS } from '../facts/judging.js';
import { serverKey, serverKeyOf } from '../facts/server-key.js';
import type { Confidence, Evidence, FindingDraft, SeenIn } from '../finding/finding.js';
import type { SmtpSession } from '../smtp/session.js';
import type { Direction } from '../stream/event.js';
import type { ReturnedSegment } from '../stream/tcp-facts.js';
import type { IcmpKind } from '../wire/icmp-error.js';
import type { Rule } from './rule.js';

/** Clients at servers whose failed attempts are kept, and of each of these. */
const MAX_PAIRS = 10_000;
const MAX_ATTEMPTS = 64;
const MAX_NAMED = 1_000;
/** Packets of one finding, and clients that it names. */
const MAX_EVIDENCE = 8;
const MAX_CLIENTS = 5;
/** Who knocks at more servers than these scans, or nobody answers him. */
const MAX_SERVERS = 20;
/** Before so long an answer may still come. RFC 6298 §2.1 has the first SYN repeated after 1 s, older stacks after 3 s. */
const PATIENCE_US = 3_000_000;
/** SYNs closer to each other are one, captured twice. */
const REPEATED_US = 200_000;
/** Some stacks try three times within a second, from one port, when refused: one attempt of their user. */
const ONE_ATTEMPT_US = 1_000_000;
/** A server that is back within this time was started again. */
const RESTART_US = 300_000_000;

type Kind = 'unanswered' | 'refused' | 'reset-ignored' | 'returned';

/** What one client met at one server. */
interface Blocked {
  readonly kind: Kind;
  readonly client: string;
  readonly server: SeenIn['server'];
  readonly attempts: SeenIn[];
  readonly evidence: Evidence[];
  count: number;
  /** Of the first reset. */
  readonly hopLimit: number | null;
  lastAttemptUs: number;
  lastPort: number;
  /** The first ICMP error that returned a SYN. */
  returned: ReturnedSegment | null;
  syns: number;
  firstUs: number;
  lastUs: number;
}

/**
 * A client repeats its SYN because no answer comes, or its SYN is answered by a reset, again and again.
 *
 * A client that has the SYN-ACK sends an ACK and not its SYN again: its own packets prove that none came. Who dropped
 * it they do not say; that the server answers others at the same time, does. RFC 9293 §3.8.1, §3.10.7.3.
 */
export const connectionBlocked: Rule = {
  meta: {
    id: 'connection-blocked',
    severity: 'medium',
    title: 'Connections are not answered, or refused',
    summary:
      'A client repeats its SYN and gets no answer, a reset each time, or a reset whose numbers do not fit; says whether the server answers others.',
    whyItMatters:
      'Mail for the server waits in its senders’ queues and comes back after days; mail from senders that get through hides it.',
    remedy: [
      'Capture inside and outside at once: a SYN that is seen outside alone was dropped in between; one that the server gets, the server did not answer.',
      'ASA: `packet-tracer input outside tcp CLIENT 40000 SERVER 25` names the rule that drops it; `show asp drop` and `show access-list` count. Permit the port to this server alone: it can then be reached by everybody.',
      'On the server: `ss -ltn` (does it listen?), its own packet filter and block lists. At the client: does its provider let port 25 out?',
    ],
    references: ['KB 320027', 'RFC 9293 §3.10.7.3', 'Cisco ta-p/3108605'],
    symptoms: ['kb320027/1', 'kb320027/5'],
    staysSilent:
      'One SYN alone, a repeated SYN that is answered, one refusal, a client that gets through within five minutes, who knocks at more than 20 servers, captures that end within 3 s.',
    verdict: { kind: 'consequence', order: 80, clause: 'connections were not answered, or were refused' },
    cure: 'elsewhere',
    confirmedBy: null,
    changes: [],
    box: 'nothing',
    needs: { occasion: WORDLESS, doubts: 0 },
  },
  create: (context) => {
    const blocked = new Map<string, Blocked>();
    const singles = new Map<string, number>();
    const knocked = new Map<string, Set<string>>();
    const answered = new Answered();
    let forgotten = 0;

    function knock(session: SmtpSession): void {
      const { client } = session;
      const servers = knocked.get(client.address);
      if (servers === undefined && knocked.size >= MAX_PAIRS) return;
      if (servers === undefined) knocked.set(client.address, new Set([serverKeyOf(session)]));
      else if (servers.size <= MAX_SERVERS) servers.add(serverKeyOf(session));
    }

    return {
      session(session) {
        answered.learn(session);
      },
      wordless(session) {
        if (!session.synSeen) return;
        if (session.synAckSeen) {
          if (session.tcp.clientPackets > session.tcp.synCount) answered.learn(session);
          return;
        }
        const kind = kindOf(session);
        if (kind === null) return;
        knock(session);
        const pair = `${session.client.address} ${serverKeyOf(session)}`;
        if (kind === 'single') {
          if (singles.has(pair) || singles.size < MAX_PAIRS) singles.set(pair, (singles.get(pair) ?? 0) + 1);
          return;
        }
        const key = `${kind} ${pair}`;
        let met = blocked.get(key);
        if (met === undefined) {
          if (blocked.size >= MAX_PAIRS) {
            forgotten++;
            return;
          }
          met = newlyBlocked(kind, session);
          blocked.set(key, met);
        }
        count(met, session);
      },
      end() {
        const scanners = new Set<string>();
        const told = new Map<string, Blocked[]>();
        for (const met of blocked.values()) {
          const { client, server, kind } = met;
          if ((knocked.get(client)?.size ?? 0) > MAX_SERVERS) {
            scanners.add(client);
            continue;
          }
          // A SYN that nobody repeats was answered: the capture holds nothing but SYNs.
          const alone = singles.get(`${client} ${serverKey(server)}`) ?? 0;
          if (kind === 'unanswered' && alone >= met.count) continue;
          if (
            (kind === 'refused' || (kind === 'returned' && met.returned?.kind !== 'prohibited')) &&
            met.count < 2
          )
            continue;
          const came = answered.laterThan(met, met.lastUs);
          if (came && met.lastUs - met.firstUs < RESTART_US) continue;
          const key = `${kind} ${came} ${serverKey(server)}`;
          const others = told.get(key);
          if (others) others.push(met);
          else told.set(key, [met]);
        }
        for (const met of told.values()) context.report(draftOf(met, answered));
        if (scanners.size > 0) {
          context.notAssessed({
            session: null,
            reason: 'scan',
            detail: `${scanners.size} client(s) got no answer at more than ${MAX_SERVERS} servers (first ${[...scanners][0]}): a scan, or a provider that lets port 25 out to nobody.`,
          });
        }
        if (forgotten > 0 || answered.full) {
          context.notAssessed({
            session: null,
            reason: 'limit',
            detail: `Blocked connections: ${forgotten} attempts were not counted${answered.full ? ', and not all that were answered are known' : ''}; only those of ${MAX_PAIRS} clients and servers are.`,
          });
        }
      },
    };
  },
};

/** `single`: one SYN, no answer. null: nothing to say. */
function kindOf(session: SmtpSession): Kind | 'single' | null {
  const { tcp } = session;
  if (tcp.serverPackets === 0 && returnedBy(session) !== null) return 'returned';
  if (tcp.unfitResets !== null && tcp.unfitResets.count >= 2 && tcp.synCount >= 2) return 'reset-ignored';
  if (session.closed === 'rst' && session.closedBy === 'server') return 'refused';
  if (tcp.serverPackets > 0 || tcp.clientPackets > tcp.synCount) return null;
  const repeated = us(tcp.lastSynTime) - us(session.start);
  if (!(repeated + session.silenceUs >= PATIENCE_US)) return null;
  return repeated >= REPEATED_US ? 'unanswered' : 'single';
}

/** The ICMP error that says why a SYN does not get there. One about size is another matter. */
function returnedBy({ tcp }: SmtpSession): ReturnedSegment | null {
  return tcp.returned.find(({ direction, kind }) => direction === 'client' && STOPPED.includes(kind)) ?? null;
}

function newlyBlocked(kind: Kind, session: SmtpSession): Blocked {
  const { client, server, tcp } = session;
  return {
    kind,
    client: client.address,
    server,
    attempts: [],
    evidence: [],
    count: 0,
    hopLimit: tcp.serverHopLimit,
    lastAttemptUs: Number.NaN,
    lastPort: -1,
    returned: returnedBy(session),
    syns: 0,
    firstUs: Number.POSITIVE_INFINITY,
    lastUs: Number.NEGATIVE_INFINITY,
  };
}

function count(met: Blocked, session: SmtpSession): void {
  const { tcp, id, capture, server } = session;
  const firstUs = us(session.start);
  const lastUs = us(tcp.lastSynTime);
  met.syns += tcp.synCount;
  const again =
    session.client.port === met.lastPort && Math.abs(firstUs - met.lastAttemptUs) < ONE_ATTEMPT_US;
  met.lastAttemptUs = firstUs;
  met.lastPort = session.client.port;
  if (firstUs < met.firstUs) met.firstUs = firstUs;
  if (lastUs > met.lastUs) met.lastUs = lastUs;
  if (again && met.kind === 'refused') return;
  met.count++;
  if (met.attempts.length < MAX_ATTEMPTS) met.attempts.push({ id, capture, server });
  if (met.evidence.length < MAX_EVIDENCE) met.evidence.push(...evidenceOf(met.kind, session));
}

function evidenceOf(kind: Kind, session: SmtpSession): Evidence[] {
  const { tcp, capture, start } = session;
  const packet = (frame: number, time: Timestamp | null, direction: Direction, note: string): Evidence => ({
    capture,
    packet: frame,
    time,
    direction,
    offset: null,
    excerpt: direction === 'client' ? '(SYN)' : '(RST)',
    note,
  });
  const first = packet(session.firstFrame, start, 'client', 'the client asks');
  const last = packet(tcp.lastSynFrame, tcp.lastSynTime, 'client', `its SYN number ${tcp.synCount}`);
  switch (kind) {
    case 'returned': {
      const error = returnedBy(session)!;
      const said = packet(error.frame, error.time, 'server', `${error.from} says: ${SAYS[error.kind]}`);
      return [first, { ...said, excerpt: `(ICMP type ${error.type} code ${error.code})` }];
    }
    case 'unanswered':
      return [first, last];
    case 'refused':
      return [first, packet(session.closeFrame!, session.end, 'server', 'refused')];
    case 'reset-ignored': {
      const reset = tcp.unfitResets!;
      return [first, packet(reset.frame, reset.time, 'server', 'does not acknowledge that SYN'), last];
    }
  }
}

/** One server, one kind. */
function draftOf(met: readonly Blocked[], answered: Answered): FindingDraft {
  const [one] = met as [Blocked];
  const { kind, server } = one;
  const witness = met.map((each) => answered.other(each, each)).find((seen) => seen !== null) ?? null;
  const came = answered.laterThan(one, one.lastUs);
  const clients = met.map(({ client }) => client);
  const attempts = sum(met.map((each) => each.count));
  const syns = sum(met.map((each) => each.syns));
  const lasted =
    Math.max(...met.map(({ lastUs }) => lastUs)) - Math.min(...met.map(({ firstUs }) => firstUs));
  const onLink = kind === 'refused' && one.hopLimit === 255 && !isNear(clients[0]!, server.address);
  const foreign = kind === 'refused' && witness !== null && witness.hopLimit !== one.hopLimit;
  const reaches = met.some((each) => answered.elsewhere(each));
  const seconds = Number.isFinite(lasted) ? Math.round(lasted / 1e6) : null;
  const who = clients.length === 1 ? clients[0]! : `${clients.length} clients`;
  const [first, ...others] = met.flatMap((each) => each.attempts).slice(0, MAX_NAMED);
  return {
    session: first!,
    others,
    ...(witness !== null && { contrast: [witness.session] }),
    subject: came ? `${kind} for a while` : kind,
    ...(came && { severity: 'info' as const }),
    confidence: sureness(one, came, witness !== null || onLink),
    ...(witness !== null && !came && { proof: 'contrast' as const }),
    message: `${who} asked port ${server.port} of ${server.address} ${times(attempts)} (${syns} SYNs${seconds ? ` in ${seconds} s` : ''}) and ${MET[kind]}. ${
      came
        ? 'Later the same client got through: the server was down, or what stood between was changed.'
        : one.returned !== null
          ? `${one.returned.from} says so itself, by ICMP: ${SAYS[one.returned.kind]} (type ${one.returned.type} code ${one.returned.code}).`
          : reasons(kind, witness?.client ?? null, reaches)
    }${onLink ? ' The resets arrived with TTL 255, which no router has lowered: they were written on this very link, and not by a server of another network.' : ''}${foreign ? ` The resets came with hop limit ${one.hopLimit}, the server’s own packets with ${witness!.hopLimit}.` : ''}`,
    args: {
      kind,
      clients: clients.slice(0, MAX_CLIENTS),
      clientCount: clients.length,
      attempts,
      syns,
      seconds,
      otherClient: witness?.client ?? null,
      gotThroughLater: came,
      ...(one.returned !== null && { icmpFrom: one.returned.from, icmpKind: one.returned.kind }),
      resetHopLimit: kind === 'refused' ? one.hopLimit : null,
      serverHopLimit: witness?.hopLimit ?? null,
    },
    evidence: [
      ...met.flatMap(({ evidence }) => evidence).slice(0, MAX_EVIDENCE - 1),
      ...(witness === null ? [] : [witness.evidence]),
    ],
  };
}

function sureness({ kind, returned }: Blocked, came: boolean, isWitnessed: boolean): Confidence {
  if (came) return 'possible';
  if (kind === 'returned') return returned?.kind === 'prohibited' ? 'certain' : 'likely';
  return isWitnessed || kind === 'reset-ignored' ? 'likely' : 'possible';
}

/** The first 16 bits of both addresses are the same: they may be on one link. IPv6: the first two groups. */
function isNear(client: string, server: string): boolean {
  const network = (address: string) => address.split(/[.:]/).slice(0, 2).join(' ');
  return network(client) === network(server);
}

/** Kinds of ICMP errors that end an attempt, and what they say. */
const SAYS: Readonly<Record<IcmpKind, string>> = {
  prohibited: 'administratively prohibited',
  unreachable: 'unreachable',
  refused: 'nothing listens there',
  'time-exceeded': 'the packet went in circles (TTL exceeded)',
  'fragmentation-needed': 'too large',
  other: 'a parameter problem',
};
const STOPPED: readonly IcmpKind[] = ['prohibited', 'unreachable', 'refused', 'time-exceeded'];

const MET: Readonly<Record<Kind, string>> = {
  returned: 'got its SYN back',
  unanswered: 'got no answer',
  refused: 'was refused by a reset each time',
  'reset-ignored':
    'got resets that do not acknowledge its SYN, so it did not believe them and went on asking',
};

function reasons(kind: Kind, other: string | null, reaches: boolean): string {
  if (kind === 'reset-ignored') {
    return 'A server acknowledges what it refuses: the numbers were changed on the way (PIX 6, CSCeg04006), or the resets are not the server’s. Either way the port is closed for this client.';
  }
  if (other !== null) {
    return `Between its SYNs ${other} was answered, so the server is up: something in front of it refuses this client, or the server’s own packet filter or block list does, or${kind === 'refused' ? ' its limit of connections' : ' the answer takes another way and is lost there'}.`;
  }
  const provider = reaches ? 'a firewall' : 'a firewall or the client’s provider';
  return kind === 'refused'
    ? `No other client is known to have been answered then: nothing may listen there, or ${provider} may reset, or the server’s own packet filter.`
    : `No other client is known to have been answered then: the server may be down, ${provider} or the server’s own packet filter may drop the port, or the answer may take another way and be lost there.`;
}

function us(time: Timestamp | null): number {
  return time?.us ?? Number.NaN;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, number) => all + number, 0);
}

function times(number: number): string {
  return number === 1 ? 'once' : number === 2 ? 'twice' : `${number} times`;
}
