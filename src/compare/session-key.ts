import type { Timestamp } from '../capture/timestamp.js';
import type { SmtpExchange, SmtpMessage, SmtpReply } from '../smtp/session.js';
import { Fingerprint } from './fingerprint.js';
import type { PairingSession } from './pair.js';

/** Messages of one session that pairing looks at. */
const MAX_MESSAGES = 16;

/** Lines below which a dialogue tells nothing: a greeting and a QUIT are alike everywhere. */
const MIN_LINES = 5;

/**
 * What is kept of the sessions of one side, so that the sessions themselves need not be: about 220 octets each.
 *
 * One column for each fact, since a million objects would be three times as large. A session is its place in the
 * columns, in the order of adding. Absent numbers are NaN, absent fingerprints 0.
 */
export class SessionKeys {
  readonly id: number[] = [];
  /** Time of the last SYN of the client: those before it may not have come through. Otherwise of the first packet. */
  readonly start: number[] = [];
  readonly end: number[] = [];
  /** Time of the first packet. */
  readonly first: number[] = [];
  readonly clientIsn: number[] = [];
  readonly serverIsn: number[] = [];
  readonly clientTsval: number[] = [];
  readonly serverTsval: number[] = [];
  readonly clientAddress: number[] = [];
  readonly clientPort: number[] = [];
  /** Address and port. */
  readonly clientEndpoint: number[] = [];
  /** Address and port. */
  readonly server: number[] = [];
  /** Both endpoints. */
  readonly endpoints: number[] = [];
  readonly clientHopLimit: number[] = [];
  readonly serverHopLimit: number[] = [];
  readonly handshakeUs: number[] = [];
  readonly midstream: boolean[] = [];
  /** Spoke SMTP: its lines may be compared. */
  readonly smtp: boolean[] = [];
  /** Lengths of all lines of both sides: masks keep them. */
  readonly lengths: number[] = [];
  /** First reverse-path and first forward-path, which masks leave alone; 0 where one may have been missed. */
  readonly firstMail: number[] = [];
  readonly firstRecipient: number[] = [];
  /** What the client calls itself in its first EHLO or HELO: no translation and no proxy of the server's changes it. */
  readonly hello: number[] = [];
  /** All of MAIL and RCPT. */
  readonly envelope: number[] = [];
  /** Where its messages begin in the lists below. */
  readonly messagesFrom: number[] = [0];
  /** Of the Message-ID, or of the digest where there is none. */
  readonly messageName: number[] = [];
  /** The same with its reverse-path and forward-paths. */
  readonly messageTo: number[] = [];
  private readonly covered: (readonly [from: number, to: number])[] = [];

  get count(): number {
    return this.id.length;
  }

  /** The session may be forgotten afterwards. */
  add(session: PairingSession): void {
    const { client, server, tcp } = session;
    this.id.push(Number(session.id.slice(1)));
    this.start.push(microseconds(tcp.lastSynTime ?? session.start));
    this.first.push(microseconds(session.start));
    this.end.push(microseconds(session.end));
    this.clientIsn.push(tcp.clientIsn ?? Number.NaN);
    this.serverIsn.push(tcp.serverIsn ?? Number.NaN);
    this.clientTsval.push(tcp.clientTsval ?? Number.NaN);
    this.serverTsval.push(tcp.serverTsval ?? Number.NaN);
    this.clientAddress.push(Fingerprint.of(client.address));
    this.clientPort.push(client.port);
    this.clientEndpoint.push(Fingerprint.of(client.address, client.port));
    this.server.push(Fingerprint.of(server.address, server.port));
    this.endpoints.push(Fingerprint.of(client.address, client.port, server.address, server.port));
    this.clientHopLimit.push(tcp.clientHopLimit ?? Number.NaN);
    this.serverHopLimit.push(tcp.serverHopLimit ?? Number.NaN);
    this.handshakeUs.push(tcp.handshakeUs ?? Number.NaN);
    this.midstream.push(session.midstream);
    this.smtp.push(session.protocol === 'smtp');
    this.addDialogue(session);
    this.addMessages(session);
  }

  /** Tells from when to when a capture ran. Without it, the sessions say. */
  cover(from: Timestamp | null, to: Timestamp | null): void {
    if (from !== null && to !== null) this.covered.push([from.us, to.us]);
  }

  /** When this side was captured, in order of time. */
  coverage(): readonly (readonly [from: number, to: number])[] {
    if (this.covered.length > 0) return this.covered.toSorted((a, b) => a[0] - b[0]);
    let from = Number.POSITIVE_INFINITY;
    let to = Number.NEGATIVE_INFINITY;
    for (let at = 0; at < this.count; at++) {
      if (this.first[at]! < from) from = this.first[at]!;
      if (this.end[at]! > to) to = this.end[at]!;
    }
    return from <= to ? [[from, to]] : [];
  }

  private addDialogue(session: PairingSession): void {
    const lengths = new Fingerprint();
    const envelope = new Fingerprint();
    let lines = 0;
    let paths = 0;
    let mail = 0;
    let recipient = 0;
    let hello = 0;
    let whole = session.oneSided === null && !session.midstream;
    const reply = (of: SmtpReply | null): void => {
      for (const { octets } of of?.lines ?? []) lengths.number(octets);
      lines += of?.lines.length ?? 0;
    };
    for (const exchange of session.protocol === 'smtp' ? session.exchanges : []) {
      if (missesSomething(exchange)) whole = false;
      if (exchange.line !== null) {
        lengths.number(exchange.line.octets);
        lines++;
      }
      reply(exchange.intermediate);
      reply(exchange.reply);
      if (exchange.verb === 'EHLO' || exchange.verb === 'HELO') {
        hello ||= Fingerprint.of('hello', (exchange.argument ?? '').trim().toLowerCase());
      }
      const path = pathOf(exchange);
      if (path === null) continue;
      envelope.text(path);
      paths++;
      if (exchange.verb === 'MAIL') mail ||= whole ? Fingerprint.of(path) : 0;
      else recipient ||= whole ? Fingerprint.of(path) : 0;
    }
    this.lengths.push(lines >= MIN_LINES ? lengths.value : 0);
    this.hello.push(hello);
    this.envelope.push(paths > 0 ? envelope.value : 0);
    this.firstMail.push(mail);
    this.firstRecipient.push(recipient);
  }

  private addMessages({ messages }: PairingSession): void {
    for (const message of messages.slice(0, MAX_MESSAGES)) {
      const name = nameOf(message);
      if (name === null) continue;
      this.messageName.push(Fingerprint.of(name));
      this.messageTo.push(Fingerprint.of(name, message.from, ...message.to));
    }
    this.messagesFrom.push(this.messageName.length);
  }
}

function microseconds(time: Timestamp | null): number {
  return time?.us ?? Number.NaN;
}

/** What makes the message this one. A proxy adds a header line, and another digest with it, but keeps the Message-ID. */
function nameOf({ messageId, digest, missingOctets, octets }: SmtpMessage): string | null {
  if (messageId !== null) return messageId;
  return missingOctets === 0 && octets > 2 ? digest : null;
}

/** Something in front of or in this exchange is not in the capture. */
function missesSomething({ kind, afterGap, noReply }: SmtpExchange): boolean {
  return kind === 'unseen' || afterGap || noReply === 'gap' || noReply === 'one-sided' || noReply === 'limit';
}

/** `<a@b.example>` of MAIL and RCPT, whatever parameters follow. */
function pathOf({ kind, verb, argument }: SmtpExchange): string | null {
  if (kind !== 'command' || (verb !== 'MAIL' && verb !== 'RCPT')) return null;
  return /<[^>]*>/.exec(argument ?? '')?.[0].toLowerCase() ?? null;
}
