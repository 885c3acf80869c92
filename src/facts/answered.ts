import type { Evidence, SeenIn, SessionRef } from '../finding/finding.js';
import type { SmtpSession } from '../smtp/session.js';
import { serverKey, serverKeyOf } from './server-key.js';

/** Clients at servers that are known to have been answered; servers, and connections of each. */
const MAX_PAIRS = 50_000;
const MAX_SERVERS = 10_000;
const MAX_WITNESSES = 1_000;
/** Of one client's connections so close together one is kept. */
const CLOSE_US = 10_000_000;

/** Who asked whom. */
export interface Asked {
  readonly client: string;
  readonly server: SeenIn['server'];
}

interface Witness {
  readonly client: string;
  readonly session: SessionRef;
  readonly us: number;
  /** Of the server's first packet to this client. */
  readonly hopLimit: number | null;
  readonly evidence: Evidence;
}

/** Remembers which clients were answered by which servers, and when; within limits. */
export class Answered {
  /** Some were not remembered. */
  full = false;
  /** Of each client and server: when the last connection that was answered began, in microseconds. */
  private readonly last = new Map<string, number>();
  private readonly witnesses = new Map<string, Witness[]>();
  /** Clients that were answered by any server, on a port. */
  private readonly reaching = new Set<string>();

  /** A connection in which the server answered. */
  learn(session: SmtpSession): void {
    const { client, server, start, firstFrame, capture, synSeen } = session;
    const us = start?.us ?? Number.NaN;
    const pair = `${client.address} ${serverKeyOf(session)}`;
    const before = this.last.get(pair);
    if (before !== undefined) this.last.set(pair, Math.max(us, before));
    else if (this.last.size >= MAX_PAIRS) this.full = true;
    else {
      this.last.set(pair, us);
      this.reaching.add(`${client.address} ${server.port}`);
    }
    const list = this.listOf(serverKeyOf(session));
    const newest = list?.at(-1);
    if (newest && newest.client === client.address && Math.abs(us - newest.us) < CLOSE_US) return;
    if (list === null || list.length >= MAX_WITNESSES) {
      this.full = true;
      return;
    }
    list.push({
      client: client.address,
      session: { id: session.id, capture },
      us,
      hopLimit: session.tcp.serverHopLimit,
      evidence: {
        capture,
        packet: firstFrame,
        time: start,
        direction: 'client',
        offset: null,
        excerpt: synSeen ? '(SYN)' : '',
        note: 'another client, which was answered',
      },
    });
  }

  /** Did this client get through after that time? Without times: at all? */
  laterThan({ client, server }: Asked, us: number): boolean {
    const last = this.last.get(`${client} ${serverKey(server)}`);
    return last !== undefined && !(last <= us);
  }

  /** Did this client get through to any server on this port? */
  elsewhere({ client, server }: Asked): boolean {
    return this.reaching.has(`${client} ${server.port}`);
  }

  /** Another client whose connection began in between, and was answered. */
  other(
    { client, server }: Asked,
    { firstUs, lastUs }: { readonly firstUs: number; readonly lastUs: number },
  ): Witness | null {
    const found = this.witnesses
      .get(serverKey(server))
      ?.find((witness) => witness.client !== client && witness.us >= firstUs && witness.us <= lastUs);
    return found ?? null;
  }

  private listOf(key: string): Witness[] | null {
    let list = this.witnesses.get(key);
    if (list === undefined) {
      if (this.witnesses.size >= MAX_SERVERS) return null;
      list = [];
      this.witnesses.set(key, list);
    }
    return list;
  }
}
