/**
 * Writes packets of TCP into a capture: Ethernet, IPv4 or IPv6, with or without a VLAN tag, as pcap or pcapng.
 *
 * TCP checksums are left at zero, as offloading network cards leave them in captures of their own host, unless they are
 * asked for.
 */
import { closeSync, openSync, renameSync, writeSync } from 'node:fs';

const PIECE = 8 << 20;
const PCAP_HEADER = 24;
const PCAP_RECORD = 16;
/** Ethernet, IPv4, TCP. */
const PLAIN_HEADERS = 54;
const BEGIN_SECONDS = 1_700_000_000;

export const SYN = 0x02;
export const SYN_ACK = 0x12;
export const ACK = 0x10;
export const PUSH = 0x18;
export const FIN = 0x11;
export const NOTHING = Buffer.alloc(0);

/** What a variant of a capture changes of the plain one: classic pcap, microseconds, IPv4, no tag. */
export const PLAIN = { pcapng: false, ipv6: false, vlan: false, checksums: false };

/** A pcapng block of the given type. */
export function block(type, body) {
  const octets = Buffer.alloc(12 + body.length);
  octets.writeUInt32LE(type, 0);
  octets.writeUInt32LE(octets.length, 4);
  body.copy(octets, 8);
  octets.writeUInt32LE(octets.length, octets.length - 4);
  return octets;
}

export function sectionHeader() {
  const body = Buffer.alloc(16, 0xff);
  body.writeUInt32LE(0x1a2b3c4d, 0);
  body.writeUInt32LE(1, 4);
  return block(0x0a0d0d0a, body);
}

/** Of an Ethernet whose times are microseconds, as they are when nothing is said of them. */
export function interfaceDescription() {
  const body = Buffer.alloc(8);
  body.writeUInt16LE(1, 0);
  return block(1, body);
}

function fileHeader() {
  const octets = Buffer.alloc(PCAP_HEADER);
  octets.writeUInt32LE(0xa1b2c3d4, 0);
  octets.writeUInt16LE(2, 4);
  octets.writeUInt16LE(4, 6);
  octets.writeUInt32LE(262144, 16);
  octets.writeUInt32LE(1, 20);
  return octets;
}

/** Writes records into large pieces. */
export class Writer {
  constructor(path, variant = PLAIN) {
    this.path = path;
    this.variant = { ...PLAIN, ...variant };
    this.descriptor = openSync(`${path}.part`, 'w');
    this.buffer = Buffer.alloc(PIECE);
    this.length = 0;
    this.packets = 0;
    this.us = 0;
    /** Octets of a plain capture of the same packets: so every variant of a capture ends with the same one. */
    this.size = PCAP_HEADER;
    if (this.variant.pcapng) this.raw(Buffer.concat([sectionHeader(), interfaceDescription()]));
    else this.raw(fileHeader());
  }

  raw(octets) {
    octets.copy(this.buffer, this.length);
    this.length += octets.length;
  }

  /** Reserves a record for a packet of so many octets; returns where the packet begins. */
  record(size) {
    if (this.length + size + 64 > PIECE) this.flush();
    this.us += 25;
    this.packets++;
    return this.variant.pcapng ? this.enhancedPacket(size) : this.pcapRecord(size);
  }

  pcapRecord(size) {
    const { buffer, length: at } = this;
    buffer.writeUInt32LE(BEGIN_SECONDS + Math.floor(this.us / 1e6), at);
    buffer.writeUInt32LE(this.us % 1e6, at + 4);
    buffer.writeUInt32LE(size, at + 8);
    buffer.writeUInt32LE(size, at + 12);
    this.length += PCAP_RECORD + size;
    return at + PCAP_RECORD;
  }

  enhancedPacket(size) {
    const { buffer, length: at } = this;
    const padded = (size + 3) & ~3;
    const total = 32 + padded;
    const time = BEGIN_SECONDS * 1e6 + this.us;
    buffer.writeUInt32LE(6, at);
    buffer.writeUInt32LE(total, at + 4);
    buffer.writeUInt32LE(0, at + 8);
    buffer.writeUInt32LE(Math.floor(time / 2 ** 32), at + 12);
    buffer.writeUInt32LE(time % 2 ** 32, at + 16);
    buffer.writeUInt32LE(size, at + 20);
    buffer.writeUInt32LE(size, at + 24);
    buffer.fill(0, at + 28 + size, at + 28 + padded);
    buffer.writeUInt32LE(total, at + 28 + padded);
    this.length += total;
    return at + 28;
  }

  flush() {
    writeSync(this.descriptor, this.buffer, 0, this.length);
    this.length = 0;
  }

  close() {
    this.flush();
    closeSync(this.descriptor);
    renameSync(`${this.path}.part`, this.path);
  }
}

/** Ethernet and, where the variant says so, a tag; returns how many octets they are. */
function linkHeader(buffer, at, { ipv6, vlan }) {
  const type = ipv6 ? 0x86dd : 0x0800;
  buffer[at + 5] = 1;
  buffer[at + 11] = 2;
  if (!vlan) {
    buffer.writeUInt16BE(type, at + 12);
    return 14;
  }
  buffer.writeUInt32BE(0x8100_0064, at + 12);
  buffer.writeUInt16BE(type, at + 16);
  return 18;
}

function ipv4Header(buffer, at, length, identification, source, destination) {
  buffer[at] = 0x45;
  buffer.writeUInt16BE(20 + length, at + 2);
  buffer.writeUInt16BE(identification, at + 4);
  buffer[at + 8] = 64;
  buffer[at + 9] = 6;
  buffer.writeUInt32BE(source, at + 12);
  buffer.writeUInt32BE(destination, at + 16);
  return 20;
}

/** The addresses are the IPv4 ones behind 2001:db8::. */
function ipv6Header(buffer, at, length, source, destination) {
  buffer[at] = 0x60;
  buffer.writeUInt16BE(length, at + 4);
  buffer[at + 6] = 6;
  buffer[at + 7] = 64;
  buffer.writeUInt32BE(0x2001_0db8, at + 8);
  buffer.writeUInt32BE(source, at + 20);
  buffer.writeUInt32BE(0x2001_0db8, at + 24);
  buffer.writeUInt32BE(destination, at + 36);
  return 40;
}

/** RFC 9293 section 3.1, over IPv4. */
function checksum(buffer, at, length) {
  let sum = 6 + length;
  for (let from = at - 8; from < at + length - 1; from += 2) sum += buffer.readUInt16BE(from);
  if (length % 2 === 1) sum += buffer[at + length - 1] << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** One TCP segment of a flow; `from` 0 is the client. */
export function segment(writer, flow, from, flags, payload, start, end) {
  const { variant } = writer;
  const length = end - start;
  const headers = PLAIN_HEADERS + (variant.ipv6 ? 20 : 0) + (variant.vlan ? 4 : 0);
  let at = writer.record(headers + length);
  writer.size += PCAP_RECORD + PLAIN_HEADERS + length;
  const { buffer } = writer;
  buffer.fill(0, at, at + headers);
  const [source, destination] = from === 0 ? [flow.client, flow.server] : [flow.server, flow.client];
  at += linkHeader(buffer, at, variant);
  at += variant.ipv6
    ? ipv6Header(buffer, at, 20 + length, source, destination)
    : ipv4Header(buffer, at, 20 + length, writer.packets & 0xffff, source, destination);
  buffer.writeUInt16BE(from === 0 ? flow.port : flow.serverPort, at);
  buffer.writeUInt16BE(from === 0 ? flow.serverPort : flow.port, at + 2);
  buffer.writeUInt32BE(flow.seq[from], at + 4);
  buffer.writeUInt32BE((flags & 0x10) === 0 ? 0 : flow.seq[1 - from], at + 8);
  buffer[at + 12] = 0x50;
  buffer[at + 13] = flags;
  buffer.writeUInt16BE(64240, at + 14);
  if (length > 0) payload.copy(buffer, at + 20, start, end);
  if (variant.checksums) buffer.writeUInt16BE(checksum(buffer, at, 20 + length), at + 16);
  flow.seq[from] = (flow.seq[from] + length + ((flags & 3) !== 0 ? 1 : 0)) >>> 0;
}
