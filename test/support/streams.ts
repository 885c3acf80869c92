/**
 * A TCP exchange as text becomes segments, and what a ConnectionTable says of them becomes text.
 *
 * ```
 * C S -1                 side, flags, sequence number (0 is the first octet after the SYN)
 * S SA -1                an A without a number acknowledges what the other side sent so far
 * C A 0
 * C PA 0 EHLO a\r\n      data to the end of the line; \r \n \0 \xNN are understood
 * S PA 0:8 250 ok\r\n    sequence number : acknowledgement
 * ```
 *
 * In front of a line: `@20` milliseconds pass (default 1), `bad` wrong checksum, `offload` only the pseudo-header's
 * sum, `cut=3` only so many octets captured, `isn=70000` another initial sequence number of this side from here,
 * `ports=40001:25` of this line and the following, `far` the frame is not captured. `#` begins a remark.
 */

import assert from 'node:assert/strict';
import { ConnectionRecord } from '../../src/stream/connection-record.js';
import { ConnectionTable, type StreamLimits } from '../../src/stream/connections.js';
import type {
  ClosedConnection,
  ConnectionListener,
  ConnectionView,
  Direction,
  StreamChunk,
} from '../../src/stream/event.js';
import { NumberReader, OctetWriter } from '../../src/stream/packing.js';
import { AddressTable } from '../../src/wire/address.js';
import { tcpChecksum } from '../../src/wire/checksum.js';
import { TcpSegment } from '../../src/wire/segment.js';
import { tcp } from './packet.js';

export const CLIENT_ADDRESS = '192.0.2.10';
export const SERVER_ADDRESS = '198.51.100.25';
const START_US = 1_714_979_289_000_000;
const ETHERNET_AND_IP = 34;
const FLAG_BITS: Record<string, number> = { F: 1, S: 2, R: 4, P: 8, A: 16 };

/** One segment, numbers as on the wire. */
export interface WireSegment {
  from: 'C' | 'S';
  clientPort: number;
  serverPort: number;
  flags: string;
  seq: number;
  ack: number;
  data: Buffer;
  us: number;
  bad?: boolean;
  offload?: boolean;
  /** Captured octets of the data. */
  captured?: number;
  /** A super-segment without a length in its IP header. */
  claimed?: boolean;
}

/** Everything heard of one connection. */
export class HeardConnection {
  readonly log: string[] = [];
  readonly client: Buffer[] = [];
  readonly server: Buffer[] = [];
  closed = 0;

  constructor(public view: ClosedConnection) {}

  text(direction: Direction): string {
    return Buffer.concat(this[direction]).toString('latin1');
  }
}

export interface Heard {
  connections: HeardConnection[];
  /** All events in order; those of further connections begin with their index. */
  log: string[];
  table: ConnectionTable;
}

export interface RunOptions {
  ports?: readonly number[];
  limits?: Partial<StreamLimits>;
  /** Hears each chunk too. */
  chunk?: (chunk: StreamChunk, connection: ConnectionView) => void;
  /** Listeners are asked for only when there is something to hear. */
  late?: boolean;
  /** Do not end the table. */
  open?: boolean;
  /** Frames in front of the first segment's. */
  framesBefore?: number;
}

const FACTS = [
  ...['index', 'client', 'server', 'start', 'end', 'firstFrame', 'lastFrame', 'midstream', 'synSeen'],
  ...['synAckSeen', 'clientPackets', 'serverPackets', 'clientFinFrame', 'serverFinFrame', 'clientRstFrame'],
  ...['serverRstFrame', 'closed', 'gaps', 'gapCount', 'overlaps', 'overlapCount', 'tcp'],
] as const;

/** Each closed connection of each test must be the same when it was written and read. Returns what was read. */
function writtenAndRead(connection: ConnectionView): ClosedConnection {
  const sink = new OctetWriter();
  connection.write(sink);
  const source = new NumberReader(sink.written(), 0);
  const again = new ConnectionRecord(source, connection.index);
  assert.equal(source.at, sink.length);
  for (const fact of FACTS) assert.deepEqual(again[fact], connection[fact], fact);
  for (const side of ['client', 'server'] as const) {
    assert.equal(again.acknowledged(side), connection.acknowledged(side));
  }
  return again;
}

/** Feeds the segments and writes down every event. */
export function run(segments: readonly WireSegment[], options: RunOptions = {}): Heard {
  const addresses = new AddressTable();
  const connections: HeardConnection[] = [];
  const log: string[] = [];
  const listener: ConnectionListener = {
    early: !options.late,
    opened(view) {
      const heard = new HeardConnection(view);
      connections.push(heard);
      const say = (line: string) => {
        heard.log.push(line);
        log.push(view.index === 0 ? line : `${view.index}: ${line}`);
      };
      return {
        chunk(chunk) {
          if (heard.closed > 0) throw new Error('a chunk after the end');
          const octets = Buffer.from(chunk.octets.subarray(chunk.start, chunk.end));
          heard[chunk.direction].push(octets);
          const side = chunk.direction === 'client' ? 'C' : 'S';
          say(`${side} ${chunk.offset} ${printable(octets)} #${chunk.frame}`);
          options.chunk?.(chunk, view);
        },
        gap(gap, frame) {
          if (heard.closed > 0) throw new Error('a gap after the end');
          const side = gap.direction === 'client' ? 'C' : 'S';
          say(`gap ${side} ${gap.offset}+${gap.octets ?? '?'} ${gap.cause} #${frame}`);
        },
        closed(connection) {
          heard.closed++;
          heard.view = writtenAndRead(connection);
          for (const o of connection.overlaps) {
            say(
              `overlap ${o.direction === 'client' ? 'C' : 'S'} ${o.offset}+${o.octets} ${o.checksum} #${o.frame}`,
            );
          }
          say(`closed ${connection.closed} #${connection.lastFrame}`);
        },
      };
    },
  };
  const table = new ConnectionTable(
    listener,
    addresses,
    options.ports ?? [25, 587],
    (segment) => tcpChecksum(segment, addresses),
    options.limits,
  );
  const cursor = new TcpSegment();
  for (const [index, segment] of segments.entries()) {
    pointAt(cursor, segment, (options.framesBefore ?? 0) + index + 1);
    table.segment(cursor);
    // Who keeps a view of the segment reads this.
    cursor.octets.fill(0xee);
  }
  if (!options.open) table.end();
  return { connections, log, table };
}

/** Points the cursor at a segment's octets, which lie in a buffer of their own. */
export function pointAt(cursor: TcpSegment, segment: WireSegment, frame: number): void {
  const { from, data } = segment;
  const header = tcp({
    src: from === 'C' ? CLIENT_ADDRESS : SERVER_ADDRESS,
    dst: from === 'C' ? SERVER_ADDRESS : CLIENT_ADDRESS,
    sport: from === 'C' ? segment.clientPort : segment.serverPort,
    dport: from === 'C' ? segment.serverPort : segment.clientPort,
    seq: segment.seq >>> 0,
    ack: segment.ack >>> 0,
    flags: segment.flags,
    payload: data,
    badChecksum: segment.bad ?? false,
  });
  if (segment.offload) header.writeUInt16BE(pseudoSum(header.length), 16);
  cursor.octets = Buffer.concat([Buffer.alloc(ETHERNET_AND_IP), header]);
  cursor.frame = frame;
  cursor.us = segment.us;
  cursor.ns = 0;
  cursor.digits = 6;
  cursor.family = 4;
  cursor.source = addressNumber(from === 'C' ? CLIENT_ADDRESS : SERVER_ADDRESS);
  cursor.destination = addressNumber(from === 'C' ? SERVER_ADDRESS : CLIENT_ADDRESS);
  cursor.sourcePort = from === 'C' ? segment.clientPort : segment.serverPort;
  cursor.destinationPort = from === 'C' ? segment.serverPort : segment.clientPort;
  cursor.seq = segment.seq | 0;
  cursor.ack = segment.ack | 0;
  cursor.flags = 0;
  for (const letter of segment.flags) cursor.flags |= FLAG_BITS[letter] ?? 0;
  cursor.tcpStart = ETHERNET_AND_IP;
  cursor.start = ETHERNET_AND_IP + 20;
  cursor.end = cursor.start + (segment.captured ?? data.length);
  cursor.length = data.length;
  cursor.lengthClaimed = segment.claimed ?? true;
}

/** Reads a script; see the head of this file. */
export function parseStream(script: string, clientIsn = 1000, serverIsn = 5000): WireSegment[] {
  const segments: WireSegment[] = [];
  const isn = { C: clientIsn, S: serverIsn };
  const sent = { C: 0, S: 0 };
  let us = START_US;
  let ports = [40000, 25];
  for (const raw of script.split('\n')) {
    let line = raw.trimStart();
    if (line === '' || line.startsWith('#')) continue;
    us += 1000;
    const segment: Partial<WireSegment> = {};
    let far = false;
    for (;;) {
      const [, word = '', rest = ''] = /^(\S+)\s*(.*)$/s.exec(line) ?? [];
      const [name, value = ''] = word.split('=');
      if (word.startsWith('@')) us += Number(word.slice(1)) * 1000 - 1000;
      else if (word === 'bad') segment.bad = true;
      else if (word === 'offload') segment.offload = true;
      else if (word === 'far') far = true;
      else if (name === 'cut') segment.captured = Number(value);
      else if (name === 'isn') {
        const side = /[CS](?= )/.exec(rest)?.[0] === 'S' ? 'S' : 'C';
        isn[side] = Number(value);
        sent[side] = 0;
      } else if (name === 'ports') ports = value.split(':').map(Number);
      else break;
      line = rest;
    }
    const match = /^([CS]) ([SAFRP]+) (-?\d+)(?::(-?\d+))?(?: (.*))?$/s.exec(line);
    if (!match) throw new TypeError(`line is not understood: ${raw}`);
    const from = match[1] as 'C' | 'S';
    const other = from === 'C' ? 'S' : 'C';
    const flags = match[2]!;
    const at = Number(match[3]);
    const data = octetsOf(match[5] ?? '');
    const ack = match[4] === undefined ? sent[other] : Number(match[4]);
    sent[from] = Math.max(sent[from], at + data.length + (flags.includes('F') ? 1 : 0));
    if (far) continue;
    segments.push({
      ...segment,
      from,
      clientPort: ports[0]!,
      serverPort: ports[1]!,
      flags,
      seq: (isn[from] + 1 + at) | 0,
      ack: flags.includes('A') ? (isn[other] + 1 + ack) | 0 : 0,
      data,
      us,
    });
  }
  return segments;
}

/** What is heard of a script. */
export function hear(script: string, options: RunOptions = {}): Heard {
  return run(parseStream(script), options);
}

/** Expected events, one a line, indented as the test likes. */
export function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trimStart())
    .filter((line) => line !== '');
}

/** The three packets that open a connection. */
export const HANDSHAKE = `
C S -1
S SA -1
C A 0
`;

export function printable(octets: Buffer): string {
  return octets
    .toString('latin1')
    .replace(/[\r\n\0]/g, (c) => (c === '\r' ? '\\r' : c === '\n' ? '\\n' : '\\0'));
}

function octetsOf(text: string): Buffer {
  const plain = text.replace(/\\(r|n|0|x[0-9a-f]{2})/g, (_, code: string) =>
    code === 'r'
      ? '\r'
      : code === 'n'
        ? '\n'
        : code === '0'
          ? '\0'
          : String.fromCharCode(Number.parseInt(code.slice(1), 16)),
  );
  return Buffer.from(plain, 'latin1');
}

function addressNumber(text: string): number {
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number);
  return (a << 24) | (b << 16) | (c << 8) | d;
}

function pseudoSum(length: number): number {
  let sum = 6 + length;
  for (const address of [CLIENT_ADDRESS, SERVER_ADDRESS]) {
    const number = addressNumber(address);
    sum += (number >>> 16) + (number & 0xffff);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}
