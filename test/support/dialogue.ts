/**
 * A dialogue script becomes packets, a capture and findings: text in, text out.
 *
 * ```
 * S: 220 mail.example ESMTP        one line and its CRLF, in one segment (C: for the client)
 * C: EHLO client.example
 * S: 250-mail.example
 * S+ 250 SIZE                      the same, appended to the segment before it
 * C~ half a li                     as it stands, without CRLF; \r \n \t \0 \\ \xNN work in every line
 * C? QUIT                          sent and acknowledged, but not in this capture: a gap
 * C! QUIT                          sent, never acknowledged
 * C* 1000 x                        a line of 1000 x's
 * ```
 *
 * Directives, each on a line of its own:
 *
 * ```
 * @ +1800                          seconds pass (default 10 ms between segments)
 * session C=192.0.2.10:40001 S=198.51.100.25:25      ends the session before it (FIN) and begins another
 * midstream                        no handshake (in front of the session's first segment)
 * only C                           the capture holds the client's packets only (or S)
 * checksum bad | good              of the segments that follow
 * noack S                          the server acknowledges nothing from here (`ack S` ends that)
 * fin | fin C | rst C | rst S      how it ends: both sides, or one; default `fin` at the end of the script
 * cut                              the capture ends here: no FIN
 * tick 300                         a packet of another connection, so that the capture goes on 300 s
 * syn C mss=1460 ws=7 sack ts      options of this side's SYN from here; with ts on both sides all segments carry one
 * isn S 7000000                    this side's initial sequence number (in front of the session's first segment)
 * stack S ttl=255 ipid=0 ts=off    of this side's segments from here; also ts=+100000 (moves its clock), window=8192
 *                                  ipid=100+ counts up from 100
 * handshake 40                     milliseconds from the SYN to the SYN-ACK (default 0)
 * knock                            the client's SYN and nothing else, again if it was sent before
 * refuse                           the server's RST in answer to it; `refuse 9000000`: it acknowledges that much more
 * back C 5                         the side's next line begins 5 octets earlier: what it sent is sent again
 * sack C 100 200 1000              a SACK block by this side for offsets 100 to 200 of the other's stream, plus 1000
 * # a remark
 * ```
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Analysis, type AnalyzeOptions, analyze } from '../../src/analyze.js';
import type { Finding } from '../../src/finding/finding.js';
import type { Rule } from '../../src/rules/rule.js';
import { tcpPacket, u16, u32 } from './packet.js';

/** One packet of a script. */
export interface ScriptPacket {
  us: number;
  octets: Buffer;
}

/** 2024-05-06T07:08:09Z: when every script begins. */
export const SCRIPT_START_US = 1_714_979_289_000_000;

const STEP_US = 10_000;
const ACK_DELAY_US = 1_000;

interface Side {
  address: string;
  port: number;
  /** Next sequence number to send. */
  next: number;
  acknowledges: boolean;
  /** Sequence number that this side has received up to. */
  received: number;
  isn: number;
  syn: { mss?: number; scale?: number; sack?: boolean; stamps?: boolean };
  ttl: number;
  ipId: number | null;
  counts: boolean;
  window: number;
  /** Milliseconds that its clock is ahead; null: no timestamps though they were agreed. */
  clock: number | null;
}

type Letter = 'C' | 'S';

/** Octets of a script's line: the escapes and nothing else are interpreted. */
export function unescapeScript(text: string): Buffer {
  const plain = text.replace(/\\(r|n|t|0|\\|x[0-9a-fA-F]{2})/g, (_, code: string) => {
    switch (code[0]) {
      case 'r':
        return '\r';
      case 'n':
        return '\n';
      case 't':
        return '\t';
      case '0':
        return '\0';
      case '\\':
        return '\\';
      default:
        return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    }
  });
  return Buffer.from(plain, 'latin1');
}

class ScriptPlayer {
  readonly packets: ScriptPacket[] = [];
  private us = SCRIPT_START_US;
  private client: Side = side('192.0.2.10', 40000, 1000, 64);
  private server: Side = side('198.51.100.25', 25, 5_000_000, 57);
  private begun = false;
  private ended = true;
  private midstream = false;
  private only: Letter | null = null;
  private badChecksum = false;
  private sessions = 0;
  private handshakeUs = 0;
  /** The segment that `+` lines still extend. */
  private pending: { from: Letter; octets: Buffer; kind: string } | null = null;

  run(script: string): ScriptPacket[] {
    for (const [index, raw] of script.split('\n').entries()) {
      const line = raw.trimStart();
      if (line === '' || line.startsWith('#')) continue;
      if (!this.data(line) && !this.directive(line.trimEnd())) {
        throw new TypeError(`script line ${index + 1} is not understood: ${raw}`);
      }
    }
    this.flush();
    if (!this.ended) this.finish(null);
    return this.packets;
  }

  private data(line: string): boolean {
    const match = /^([CS])([:+~?!*])(?: (.*))?$/.exec(line);
    if (!match) return false;
    const from = match[1] as Letter;
    const kind = match[2]!;
    let octets: Buffer;
    if (kind === '*') {
      const [count = '', unit = 'x'] = (match[3] ?? '').split(' ');
      octets = Buffer.concat([Buffer.alloc(Number(count), unit, 'latin1'), Buffer.from('\r\n')]);
    } else {
      const text = unescapeScript(match[3] ?? '');
      octets = kind === '~' ? text : Buffer.concat([text, Buffer.from('\r\n')]);
    }
    if (kind === '+' && this.pending?.from === from) {
      this.pending.octets = Buffer.concat([this.pending.octets, octets]);
      return true;
    }
    this.flush();
    this.pending = { from, octets, kind };
    return true;
  }

  private directive(line: string): boolean {
    this.flush();
    const [word, ...rest] = line.split(/\s+/);
    switch (word) {
      case '@':
        this.us += Math.round(Number(rest[0]?.replace('+', '')) * 1e6);
        return true;
      case 'session':
        if (!this.ended) this.finish(null);
        this.open(rest);
        return true;
      case 'midstream':
        this.midstream = true;
        return true;
      case 'only':
        this.only = rest[0] === 'S' ? 'S' : 'C';
        return true;
      case 'checksum':
        this.badChecksum = rest[0] === 'bad';
        return true;
      case 'noack':
      case 'ack':
        (rest[0] === 'C' ? this.client : this.server).acknowledges = word === 'ack';
        return true;
      case 'fin':
        this.begin();
        this.finish((rest[0] as Letter | undefined) ?? null);
        return true;
      case 'rst':
        this.begin();
        this.send(rest[0] === 'S' ? 'S' : 'C', 'RA', Buffer.alloc(0));
        this.ended = true;
        return true;
      case 'cut':
        this.begin();
        this.ended = true;
        return true;
      case 'syn':
        this.side(rest[0]).syn = synOptions(rest.slice(1));
        return true;
      case 'isn': {
        const of = this.side(rest[0]);
        of.isn = Number(rest[1]) >>> 0;
        of.next = of.isn;
        return true;
      }
      case 'stack':
        this.stack(this.side(rest[0]), rest.slice(1));
        return true;
      case 'handshake':
        this.handshakeUs = Number(rest[0]) * 1000;
        return true;
      case 'knock':
        this.send('C', 'S', Buffer.alloc(0));
        return true;
      case 'refuse': {
        const { next } = this.client;
        this.server.received = (next + 1 + Number(rest[0] ?? 0)) >>> 0;
        this.send('S', 'RA', Buffer.alloc(0));
        return true;
      }
      case 'back': {
        const sender = this.side(rest[0]);
        sender.next = (sender.next - Number(rest[1])) >>> 0;
        return true;
      }
      case 'sack':
        this.sack(rest[0] === 'S' ? 'S' : 'C', rest.slice(1).map(Number));
        return true;
      case 'tick':
        this.us += Number(rest[0]) * 1e6;
        this.packets.push({
          us: this.us,
          octets: tcpPacket({ src: '203.0.113.7', dst: '203.0.113.25', sport: 50000, dport: 25, flags: 'S' }),
        });
        return true;
      default:
        return false;
    }
  }

  private open(words: readonly string[]): void {
    this.sessions++;
    const { client, server } = this;
    this.client = side(client.address, 40000 + this.sessions, 1000 + this.sessions * 7_000_000, 64);
    this.server = side(server.address, server.port, 5_000_000 + this.sessions * 9_000_000, 57);
    this.client.syn = client.syn;
    this.server.syn = server.syn;
    for (const word of words) {
      const match = /^([CS])=(.+):(\d+)$/.exec(word);
      if (!match) throw new TypeError(`endpoint is not understood: ${word}`);
      const end = match[1] === 'C' ? this.client : this.server;
      end.address = match[2]!;
      end.port = Number(match[3]);
    }
    this.begun = false;
    this.ended = true;
    this.midstream = false;
  }

  private begin(): void {
    if (this.begun) return;
    this.begun = true;
    this.ended = false;
    if (this.midstream) {
      this.client.received = this.server.next;
      this.server.received = this.client.next;
      return;
    }
    this.send('C', 'S', Buffer.alloc(0));
    this.client.next = (this.client.next + 1) >>> 0;
    this.server.received = this.client.next;
    this.us += this.handshakeUs;
    this.send('S', 'SA', Buffer.alloc(0));
    this.server.next = (this.server.next + 1) >>> 0;
    this.client.received = this.server.next;
    this.send('C', 'A', Buffer.alloc(0));
  }

  private flush(): void {
    const pending = this.pending;
    if (!pending) return;
    this.pending = null;
    this.begin();
    this.us += STEP_US;
    const sender = pending.from === 'C' ? this.client : this.server;
    const receiver = pending.from === 'C' ? this.server : this.client;
    if (pending.kind !== '?') this.send(pending.from, 'PA', pending.octets);
    sender.next = (sender.next + pending.octets.length) >>> 0;
    if (pending.kind === '!' || !receiver.acknowledges) return;
    receiver.received = sender.next;
    this.us += ACK_DELAY_US;
    this.send(pending.from === 'C' ? 'S' : 'C', 'A', Buffer.alloc(0));
  }

  /** FIN of both, or of one side only. */
  private finish(from: Letter | null): void {
    this.ended = true;
    this.us += STEP_US;
    for (const letter of from ? [from] : (['C', 'S'] as const)) {
      this.send(letter, 'FA', Buffer.alloc(0));
      const sender = letter === 'C' ? this.client : this.server;
      const receiver = letter === 'C' ? this.server : this.client;
      sender.next = (sender.next + 1) >>> 0;
      if (receiver.acknowledges) receiver.received = sender.next;
      this.send(letter === 'C' ? 'S' : 'C', 'A', Buffer.alloc(0));
    }
  }

  private side(letter: string | undefined): Side {
    return letter === 'S' ? this.server : this.client;
  }

  private stack(of: Side, words: readonly string[]): void {
    for (const word of words) {
      const [name, value = ''] = word.split('=');
      if (name === 'ttl') of.ttl = Number(value);
      else if (name === 'ipid') {
        of.ipId = Number(value.replace('+', ''));
        of.counts = value.endsWith('+');
      } else if (name === 'window') of.window = Number(value);
      else if (name === 'ts') of.clock = value === 'off' ? null : Number(value.replace('+', ''));
      else throw new TypeError(`stack is not understood: ${word}`);
    }
  }

  private sack(from: Letter, [first = 0, last = 0, shift = 0]: readonly number[]): void {
    this.begin();
    const { isn } = from === 'C' ? this.server : this.client;
    const edges = [first, last].map((offset) => u32(isn + 1 + offset + shift));
    this.send(from, 'A', Buffer.alloc(0), Buffer.concat([Buffer.from([1, 1, 5, 10]), ...edges]));
  }

  /** The options of a segment: those of a SYN, or a timestamp where both sides agreed on it. */
  private options(source: Side, target: Side, flags: string): Buffer {
    const parts: Buffer[] = [];
    const isSyn = flags.includes('S');
    const { syn, clock } = source;
    if (isSyn && syn.mss !== undefined) parts.push(Buffer.concat([Buffer.from([2, 4]), u16(syn.mss)]));
    if (isSyn && syn.scale !== undefined) parts.push(Buffer.from([1, 3, 3, syn.scale]));
    if (isSyn && syn.sack) parts.push(Buffer.from([1, 1, 4, 2]));
    if (syn.stamps && (isSyn || target.syn.stamps) && clock !== null) {
      const tsval = 100_000 + Math.floor((this.us - SCRIPT_START_US) / 1000) + clock;
      parts.push(Buffer.concat([Buffer.from([1, 1, 8, 10]), u32(tsval), u32(0)]));
    }
    return Buffer.concat(parts);
  }

  private send(from: Letter, flags: string, payload: Buffer, more = Buffer.alloc(0)): void {
    if (this.only !== null && this.only !== from) return;
    const [source, target] = from === 'C' ? [this.client, this.server] : [this.server, this.client];
    const octets = tcpPacket({
      src: source.address,
      dst: target.address,
      sport: source.port,
      dport: target.port,
      seq: source.next,
      ack: flags === 'S' ? 0 : source.received,
      flags,
      payload,
      ttl: source.ttl,
      window: source.window,
      ...(source.ipId === null ? {} : { ipId: source.ipId }),
      options: Buffer.concat([this.options(source, target, flags), more]),
      badChecksum: this.badChecksum && payload.length > 0,
    });
    this.packets.push({ us: this.us, octets });
    if (source.counts && source.ipId !== null) source.ipId = (source.ipId + 1) & 0xffff;
  }
}

function side(address: string, port: number, next: number, ttl: number): Side {
  const stack = { syn: {}, ttl, ipId: null, counts: false, window: 65535, clock: 0 };
  return { address, port, next, isn: next, acknowledges: true, received: 0, ...stack };
}

function synOptions(words: readonly string[]): Side['syn'] {
  const syn: Side['syn'] = {};
  for (const word of words) {
    const [name, value] = word.split('=');
    if (name === 'mss') syn.mss = Number(value);
    else if (name === 'ws') syn.scale = Number(value);
    else if (name === 'sack') syn.sack = true;
    else if (name === 'ts') syn.stamps = true;
    else throw new TypeError(`SYN option is not understood: ${word}`);
  }
  return syn;
}

/** The packets (Ethernet) of a script, in order of time. */
export function scriptPackets(script: string): ScriptPacket[] {
  return new ScriptPlayer().run(script);
}

/** A microsecond pcap, little endian, link type Ethernet. */
export function pcapOf(packets: readonly ScriptPacket[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(262144, 16);
  header.writeUInt32LE(1, 20);
  const parts: Buffer[] = [header];
  for (const { us, octets } of packets) {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(Math.floor(us / 1e6), 0);
    record.writeUInt32LE(us % 1e6, 4);
    record.writeUInt32LE(octets.length, 8);
    record.writeUInt32LE(octets.length, 12);
    parts.push(record, octets);
  }
  return Buffer.concat(parts);
}

/** Runs each script as a capture of its own through the whole pipeline. */
export async function analyzeScripts(scripts: readonly string[], options: AnalyzeOptions): Promise<Analysis> {
  const folder = mkdtempSync(join(tmpdir(), 'mailwitness-'));
  try {
    const files = scripts.map((script, index) => {
      const file = join(folder, `${index}.pcap`);
      writeFileSync(file, pcapOf(scriptPackets(script)));
      return file;
    });
    return await analyze(files, options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the given rules find in one script, or in several captures together. */
export async function findings(
  script: string | readonly string[],
  rules: readonly Rule[],
): Promise<readonly Finding[]> {
  const scripts = typeof script === 'string' ? [script] : script;
  return (await analyzeScripts(scripts, { rules })).findings;
}
