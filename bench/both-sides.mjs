/**
 * Makes of a capture that generate.mjs wrote the same traffic as it was on the other side of a firewall: one hop
 * more, numbers made anew, a clock that is behind, and greetings behind asterisks.
 */
import { closeSync, openSync, readSync, renameSync, writeSync } from 'node:fs';

const PIECE = 8 << 20;
const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const HOP_LIMIT = 22;
const TCP = 34;
const BEHIND_SECONDS = 180;
const GREETING = Buffer.from('220 ');
const ASTERISK = 0x2a;

/** What is added to the sequence numbers of what one end sends. */
function shift(address, port) {
  return Math.imul(address ^ (port << 16), 0x9e3779b1) >>> 0;
}

function add(buffer, at, number) {
  buffer.writeUInt32BE((buffer.readUInt32BE(at) + number) >>> 0, at);
}

function rewrite(buffer, record, end) {
  const packet = record + RECORD_HEADER;
  buffer.writeUInt32LE(buffer.readUInt32LE(record) - BEHIND_SECONDS, record);
  const tcp = packet + TCP;
  const [source, destination] = [buffer.readUInt32BE(packet + 26), buffer.readUInt32BE(packet + 30)];
  const [from, to] = [buffer.readUInt16BE(tcp), buffer.readUInt16BE(tcp + 2)];
  // What the server sends has come one hop farther here, what the client sends has one more to go.
  buffer[packet + HOP_LIMIT] += from === 25 ? -1 : 1;
  // Both ports, so that the numbers of two connections of one server do not move alike.
  add(buffer, tcp + 4, shift(source, from ^ (to << 1)));
  if ((buffer[tcp + 13] & 0x10) !== 0) add(buffer, tcp + 8, shift(destination, to ^ (from << 1)));
  const payload = tcp + 20;
  if (from !== 25 || buffer.compare(GREETING, 0, 4, payload, Math.min(end, payload + 4)) !== 0) return;
  buffer.fill(ASTERISK, payload + 4, end - 2);
}

/** Reads `path` and writes its other side to `to`. */
export function makeOtherSide(path, to) {
  const input = openSync(path, 'r');
  const output = openSync(`${to}.part`, 'w');
  const buffer = Buffer.alloc(PIECE);
  let held = readSync(input, buffer, 0, FILE_HEADER);
  writeSync(output, buffer, 0, held);
  held = 0;
  for (;;) {
    const got = readSync(input, buffer, held, PIECE - held);
    if (got === 0) break;
    held += got;
    let at = 0;
    while (at + RECORD_HEADER <= held) {
      const end = at + RECORD_HEADER + buffer.readUInt32LE(at + 8);
      if (end > held) break;
      rewrite(buffer, at, end);
      at = end;
    }
    writeSync(output, buffer, 0, at);
    buffer.copyWithin(0, at, held);
    held -= at;
  }
  closeSync(input);
  closeSync(output);
  renameSync(`${to}.part`, to);
}
