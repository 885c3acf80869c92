/**
 * A script of test/support/dialogue.ts (its data lines, `@`, `midstream`, `only`, `noack`, `fin`, `rst`, `cut`,
 * `tick`) fed to SmtpDialogues directly, without packets: any segmentation, and fast.
 */

import { SmtpDialogues } from '../../src/dialogue/dialogue.js';
import { createDigestFactory } from '../../src/mail/digest.js';
import type { SmtpSession } from '../../src/smtp/session.js';
import type { CloseReason, ConnectionView, Direction, Gap } from '../../src/stream/event.js';
import { StreamChunk } from '../../src/stream/event.js';
import type { TcpFacts } from '../../src/stream/tcp-facts.js';
import type { SessionRecord } from '../../src/transcript/session-record.js';
import type { Checksum } from '../../src/wire/segment.js';
import { SCRIPT_START_US, unescapeScript } from './dialogue.js';

export const digest = await createDigestFactory('xxh64');

/** Nothing out of the ordinary. */
export const PLAIN_TCP: TcpFacts = {
  clientPackets: 2,
  serverPackets: 1,
  clientOffer: null,
  serverOffer: null,
  synCount: 1,
  lastSynFrame: 1,
  lastSynTime: null,
  synAckFrame: 2,
  clientResetFrame: null,
  serverResetFrame: null,
  handshakeUs: null,
  clientIsn: null,
  serverIsn: null,
  clientTsval: null,
  serverTsval: null,
  clientHopLimit: 64,
  serverHopLimit: 64,
  serverLastFrame: 1,
  serverLastUs: SCRIPT_START_US,
  serverClose: null,
  clientAcknowledged: 0,
  serverAcknowledged: 0,
  clientEnd: 0,
  foreign: [],
  foreignCount: 0,
  oversize: [],
  oversizeCount: 0,
  sack: null,
  unfitResets: null,
  resent: [],
  resentCount: 0,
  selected: [],
  lost: [],
  forgedResets: [],
  foreignReset: null,
  returned: [],
};

/** A connection that a test moves by hand. */
export class FakeConnection implements ConnectionView {
  index = 0;
  client = { address: '192.0.2.10', port: 40000 };
  server = { address: '198.51.100.25', port: 25 };
  start: ConnectionView['start'] = { us: SCRIPT_START_US, ns: 0, digits: 6 };
  end: ConnectionView['end'] = { us: SCRIPT_START_US, ns: 0, digits: 6 };
  firstFrame = 1;
  lastFrame = 1;
  midstream = false;
  synSeen = true;
  synAckSeen = true;
  clientPackets = 2;
  serverPackets = 1;
  clientFinFrame = 0;
  serverFinFrame = 0;
  clientRstFrame = 0;
  serverRstFrame = 0;
  closed: CloseReason = 'end-of-capture';
  acked: Record<Direction, number> = { client: 0, server: 0 };
  gaps: Gap[] = [];
  gapCount = 0;
  overlaps = [];
  overlapCount = 0;
  tcp = PLAIN_TCP;
  streamOffset(): null {
    return null;
  }

  acknowledged(direction: Direction): number {
    return this.acked[direction];
  }

  write(): void {
    throw new TypeError('what a test moves by hand has no record');
  }
}

export interface Conversation {
  session: SmtpSession;
  again: SmtpSession;
  record: SessionRecord;
}

interface Step {
  direction: Direction;
  octets: Buffer;
  kind: string;
  us: number;
  acknowledged: boolean;
  checksum: Checksum;
}

export interface ConverseOptions {
  /** Cuts a run of octets of one direction into segments. */
  split?: (octets: Buffer, direction: Direction) => Buffer[];
  /** Joins what the same side says in a row first. */
  join?: boolean;
  /** Only so many octets of all reach the capture; the rest is as if it had ended. */
  limit?: number;
}

/** One octet a segment. */
export function octetByOctet(octets: Buffer): Buffer[] {
  return Array.from(octets, (_, index) => octets.subarray(index, index + 1));
}

/** Cuts at random places, the same for the same seed. */
export function randomly(seed: number): (octets: Buffer) => Buffer[] {
  let state = seed >>> 0 || 1;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return (octets) => {
    const pieces: Buffer[] = [];
    for (let at = 0; at < octets.length; ) {
      const count = 1 + Math.floor(random() * random() * 30);
      pieces.push(octets.subarray(at, at + count));
      at += count;
    }
    return pieces;
  };
}

export function converse(script: string, options: ConverseOptions = {}): Conversation {
  const connection = new FakeConnection();
  let us = SCRIPT_START_US;
  let lastUs = us;
  let only: string | null = null;
  let checksum: Checksum = 'valid';
  const acknowledges: Record<Direction, boolean> = { client: true, server: true };
  let ended: string | null = null;
  let steps: Step[] = [];
  for (const raw of script.split('\n')) {
    const line = raw.trimStart();
    if (line === '' || line.startsWith('#')) continue;
    const data = /^([CS])([:+~?!*])(?: (.*))?$/.exec(line);
    if (data) {
      const direction = data[1] === 'C' ? 'client' : 'server';
      const kind = data[2]!;
      let octets: Buffer;
      if (kind === '*') {
        const [count = '', unit = 'x'] = (data[3] ?? '').split(' ');
        octets = Buffer.concat([Buffer.alloc(Number(count), unit), Buffer.from('\r\n')]);
      } else {
        const text = unescapeScript(data[3] ?? '');
        octets = kind === '~' ? text : Buffer.concat([text, Buffer.from('\r\n')]);
      }
      const last = steps.at(-1);
      if (kind === '+' && last?.direction === direction && last.kind !== '?') {
        last.octets = Buffer.concat([last.octets, octets]);
        continue;
      }
      us += 10_000;
      const acknowledged = kind !== '!' && acknowledges[direction === 'client' ? 'server' : 'client'];
      steps.push({ direction, octets, kind, us, acknowledged, checksum });
      continue;
    }
    const [word, value = ''] = line.trim().split(/\s+/);
    if (word === '@') us += Number(value.replace('+', '')) * 1e6;
    else if (word === 'midstream') {
      connection.midstream = true;
      connection.synSeen = false;
      connection.synAckSeen = false;
    } else if (word === 'only') only = value === 'C' ? 'client' : 'server';
    else if (word === 'noack' || word === 'ack')
      acknowledges[value === 'C' ? 'client' : 'server'] = word === 'ack';
    else if (word === 'checksum') checksum = value === 'bad' ? 'invalid' : 'valid';
    else if (word === 'fin' || word === 'rst' || word === 'cut') ended = word;
    else if (word === 'tick') {
      us += Number(value) * 1e6;
      lastUs = us;
    } else throw new TypeError(`not understood: ${line}`);
  }
  if (only) {
    const sided = only;
    steps = steps.filter((step) => step.direction === sided);
    if (only === 'client') connection.serverPackets = 0;
    else connection.clientPackets = 0;
  }
  if (options.join) steps = joined(steps);

  let record: SessionRecord | null = null;
  let messages = 0;
  const dialogues = new SmtpDialogues({
    capture: 0,
    digest,
    nextMessage: () => ++messages,
    onClosed: (closed) => {
      record = closed;
    },
  });
  const listener = dialogues.opened(connection);
  const chunk = new StreamChunk();
  const offsets: Record<Direction, number> = { client: 0, server: 0 };
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  let cutShort = false;
  for (const step of steps) {
    const octets = step.octets.subarray(0, Math.min(step.octets.length, left));
    left -= octets.length;
    if (octets.length < step.octets.length) cutShort = true;
    if (octets.length === 0 && step.octets.length > 0) break;
    const { direction } = step;
    if (step.kind === '?') {
      const gap: Gap = { direction, offset: offsets[direction], octets: octets.length, cause: 'uncaptured' };
      connection.gaps.push(gap);
      connection.gapCount++;
      listener.gap(gap, connection.lastFrame);
      offsets[direction] += octets.length;
    } else {
      for (const piece of options.split?.(octets, direction) ?? [octets]) {
        connection.lastFrame++;
        if (direction === 'client') connection.clientPackets++;
        else connection.serverPackets++;
        // Other octets around it: who reads past the end is found out.
        const around = Buffer.concat([Buffer.from('\r\n.\r\n'), piece, Buffer.from('\r\n250 no\r\n.\r\n')]);
        chunk.direction = direction;
        chunk.octets = around;
        chunk.start = 5;
        chunk.end = 5 + piece.length;
        chunk.offset = offsets[direction];
        chunk.frame = connection.lastFrame;
        chunk.us = step.us;
        chunk.checksum = () => step.checksum;
        listener.chunk(chunk);
        around.fill(0x58);
        offsets[direction] += piece.length;
        connection.end = { us: step.us, ns: 0, digits: 6 };
      }
    }
    lastUs = Math.max(lastUs, step.us);
    if (step.acknowledged && !only) {
      connection.acked[direction] = offsets[direction];
      if (direction === 'client') connection.serverPackets++;
      else connection.clientPackets++;
      connection.lastFrame++;
    }
  }
  if (!cutShort && ended !== 'cut') {
    connection.closed = ended === 'rst' ? 'rst' : 'fin';
    connection.clientFinFrame = ++connection.lastFrame;
  }
  listener.closed(connection);
  const closed = record as SessionRecord | null;
  if (closed === null) throw new Error('never closed');
  const session = closed.read(0, lastUs);
  return { session, again: closed.read(0, lastUs), record: closed };
}

function joined(steps: readonly Step[]): Step[] {
  const result: Step[] = [];
  for (const step of steps) {
    const last = result.at(-1);
    const same = last?.direction === step.direction && last.kind !== '?' && step.kind !== '?';
    if (last && same && last.acknowledged === step.acknowledged && last.us + 10_000 === step.us) {
      result[result.length - 1] = { ...last, octets: Buffer.concat([last.octets, step.octets]) };
    } else result.push({ ...step });
  }
  return result;
}

/** A session in a line for each exchange: `EHLO client.example -> 250 [3]`. */
export function account(session: SmtpSession): string {
  const lines = session.exchanges.map((exchange) => {
    const flags = [exchange.pipelined && 'pipelined', exchange.afterGap && 'gap'].filter(Boolean);
    const reply = (r: typeof exchange.reply): string =>
      r === null
        ? ''
        : `${r.code ?? 'none'}${r.lines.length > 1 ? `[${r.lines.length}]` : ''}${r.complete ? '' : '..'}`;
    const answers = [reply(exchange.intermediate), reply(exchange.reply)].filter((text) => text !== '');
    const subject = [exchange.verb, exchange.argument].filter((part) => part !== null).join(' ');
    return `${subject} -> ${answers.join(' ') || exchange.noReply}${flags.length ? ` (${flags.join(' ')})` : ''}`;
  });
  const messages = session.messages.map(
    (message) =>
      `${message.id} <${message.from}> to ${message.to.join(' ') || '-'}: ${message.octets} octets` +
      `${message.missingOctets ? ` ${message.missingOctets} missing` : ''}` +
      `${message.terminated ? '' : ' unterminated'} ${message.accepted}`,
  );
  return [...lines, ...messages].join('\n');
}
