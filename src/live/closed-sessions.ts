import type { SmtpSession } from '../smtp/session.js';
import type { ConnectionView } from '../stream/event.js';
import type { SessionRecord } from '../transcript/session-record.js';
import { sessionRow } from './session-row.js';
import type { SessionRow } from './watch.js';

/** What a row of a closed session shows, without what its connection knows: ten thousand of them are kept. */
class Kept {
  private readonly helo: string | null;
  private readonly lastLine: string | null;
  private readonly commands: number;
  private readonly messages: number;
  private readonly encrypted: boolean;

  constructor(
    readonly record: SessionRecord,
    private readonly connection: ConnectionView,
    session: SmtpSession,
  ) {
    const row = sessionRow(session, session.closed);
    this.helo = row.helo;
    this.lastLine = row.lastLine;
    this.commands = row.commands;
    this.messages = row.messages;
    this.encrypted = row.encrypted;
  }

  row(): SessionRow {
    const { connection, helo, lastLine, commands, messages, encrypted } = this;
    const { client, server, start, end, closed } = connection;
    return {
      number: this.record.index + 1,
      client,
      server,
      start,
      end,
      state: closed,
      helo,
      commands,
      messages,
      lastLine,
      encrypted,
      findings: [],
    };
  }
}

/** The newest closed sessions, up to a limit. The oldest one makes room for the next, gives its memory back and is counted. */
export class ClosedSessions {
  /** Sessions that have made room for others. */
  dropped = 0;
  private readonly kept = new Map<number, Kept>();
  private sorted: readonly number[] | null = null;

  constructor(readonly limit: number) {}

  get size(): number {
    return this.kept.size;
  }

  /** @param session  made of the record */
  add(record: SessionRecord, connection: ConnectionView, session: SmtpSession): void {
    this.sorted = null;
    this.kept.set(record.index + 1, new Kept(record, connection, session));
    if (this.kept.size <= this.limit) return;
    const [oldest] = this.kept.keys();
    this.kept.get(oldest!)!.record.release();
    this.kept.delete(oldest!);
    this.dropped++;
  }

  /** null: never closed, or dropped. */
  session(number: number, lastUs: number): SmtpSession | null {
    return this.kept.get(number)?.record.read(0, lastUs) ?? null;
  }

  /** null: as of `session`. */
  row(number: number): SessionRow | null {
    return this.kept.get(number)?.row() ?? null;
  }

  /** The newest first. */
  numbers(): readonly number[] {
    this.sorted ??= [...this.kept.keys()].sort((a, b) => b - a);
    return this.sorted;
  }
}
