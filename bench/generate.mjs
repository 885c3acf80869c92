/** Makes the captures of the benchmark, seeded and the same each time, in any variant of packets.mjs. */
import { ended, flowOf, greeted, line, messageBegun, SEGMENT, stream } from './dialogue.mjs';
import { NOTHING, PLAIN, segment, Writer } from './packets.mjs';

/** mulberry32: small, seeded, good enough to vary sizes. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const GREETING = line('220 mx.example.com ESMTP Postfix');
const EHLO = line('EHLO client.example.net');
const FEATURES = Buffer.from(
  '250-mx.example.com\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250-ETRN\r\n250-STARTTLS\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250 DSN\r\n',
);
const MAIL = line('MAIL FROM:<alice@example.net> SIZE=100000');
const RCPT = line('RCPT TO:<bob@example.com>');
const DATA = line('DATA');
const OK = line('250 2.1.0 Ok');
const GO = line('354 End data with <CR><LF>.<CR><LF>');
const QUEUED = line('250 2.0.0 Ok: queued as 4F1A2B3C');
const QUIT = line('QUIT');
const BYE = line('221 2.0.0 Bye');
const END = Buffer.from('.\r\n');

/** 4 MiB of base64 in lines of 76, and of prose with a dot at some line's begin. */
function bodies(next) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const base64 = Buffer.alloc(78 * 54_000);
  for (let at = 0; at < base64.length; at += 78) {
    for (let i = 0; i < 76; i++) base64[at + i] = alphabet.charCodeAt(Math.floor(next() * 64));
    base64[at + 76] = 13;
    base64[at + 77] = 10;
  }
  const prose = Buffer.alloc(78 * 54_000);
  const words =
    'the figures of the last quarter are in the table below and will be sent again tomorrow. '.repeat(2);
  for (let at = 0; at < prose.length; at += 78) {
    const from = Math.floor(next() * 80);
    prose.write(words.slice(from, from + 76), at, 'latin1');
    if (next() < 0.02) prose.write('..', at, 'latin1');
    prose[at + 76] = 13;
    prose[at + 77] = 10;
  }
  return [base64, base64, base64, prose];
}

/** A whole session, step by step: each call of the generator's next() writes a few packets. */
function* session(writer, number, next, pool, stats) {
  const flow = {
    client: 0x0a000000 + Math.floor(number / 50_000),
    server: 0xc0000219,
    port: 10_000 + (number % 50_000),
    serverPort: 25,
    seq: [Math.floor(next() * 4294967296), Math.floor(next() * 4294967296)],
  };
  const say = (from, octets) => segment(writer, flow, from, 0x18, octets, 0, octets.length);
  const ack = (from) => segment(writer, flow, from, 0x10, NOTHING, 0, 0);
  stats.sessions++;
  segment(writer, flow, 0, 0x02, NOTHING, 0, 0);
  segment(writer, flow, 1, 0x12, NOTHING, 0, 0);
  ack(0);
  say(1, GREETING);
  yield;
  say(0, EHLO);
  say(1, FEATURES);
  yield;
  const messages = 1 + (next() < 0.4 ? 1 : 0);
  for (let message = 0; message < messages; message++) {
    say(0, MAIL);
    say(1, OK);
    say(0, RCPT);
    say(1, OK);
    say(0, DATA);
    say(1, GO);
    yield;
    const header = Buffer.from(
      `Message-ID: <${number}.${message}@client.example.net>\r\nFrom: <alice@example.net>\r\nTo: <bob@example.com>\r\nSubject: figures ${number}\r\n\r\n`,
    );
    say(0, header);
    const body = pool[Math.floor(next() * pool.length)];
    const lines = 20 + Math.floor(next() * 2600);
    const first = Math.floor(next() * (54_000 - lines)) * 78;
    const last = first + lines * 78;
    let unacknowledged = 0;
    for (let at = first; at < last; ) {
      const end = Math.min(last, at + SEGMENT);
      segment(writer, flow, 0, 0x10, body, at, end);
      at = end;
      if (++unacknowledged % 2 === 0) ack(1);
      if (unacknowledged % 16 === 0) yield;
    }
    say(0, END);
    say(1, QUEUED);
    stats.messages++;
    yield;
  }
  say(0, QUIT);
  say(1, BYE);
  segment(writer, flow, 0, 0x11, NOTHING, 0, 0);
  segment(writer, flow, 1, 0x11, NOTHING, 0, 0);
  ack(0);
}

/** Sessions until the capture has `size` octets, 64 at a time. `others` writes what is not mail in between. */
function sessions(writer, size, seed, others) {
  const next = random(seed);
  const pool = bodies(next);
  const stats = { sessions: 0, messages: 0, packets: 0 };
  const active = [];
  let number = 0;
  while (writer.size < size || active.length > 0) {
    while (active.length < 64 && writer.size < size)
      active.push(session(writer, number++, next, pool, stats));
    for (let i = active.length - 1; i >= 0; i--) {
      if (active[i].next().done) active.splice(i, 1);
      else if (writer.size < size) others?.(next);
    }
  }
  stats.packets = writer.packets;
  writer.close();
  return stats;
}

/** `size` octets of mail. */
export function makeSmtp(path, size, variant = PLAIN) {
  return sessions(new Writer(path, variant), size, 1);
}

/** `size` octets, two in a hundred of them mail. */
export function makeMixed(path, size, variant = PLAIN) {
  const writer = new Writer(path, variant);
  const noise = Buffer.alloc(1 << 20, 'not mail at all ');
  const flows = Array.from({ length: 500 }, (_, index) => ({
    client: 0x0a800000 + index,
    server: 0xc6336400 + (index % 200),
    port: 20_000 + index,
    serverPort: index % 3 === 0 ? 80 : 443,
    seq: [index, index],
  }));
  return sessions(writer, size, 2, (next) => {
    // About 49 octets of other traffic for one of mail.
    for (let i = 0; i < 330; i++) {
      const flow = flows[Math.floor(next() * flows.length)];
      const length = next() < 0.7 ? SEGMENT : Math.floor(next() * 200);
      const at = Math.floor(next() * 100_000);
      segment(writer, flow, next() < 0.8 ? 1 : 0, 0x10, noise, at, at + length);
    }
  });
}

/** `count` sessions that are all open at once, each within a message; then all of them end. */
export function makeMany(path, count) {
  const writer = new Writer(path);
  const next = random(3);
  const pool = bodies(next);
  const flows = Array.from({ length: count }, (_, number) => flowOf(number));
  const say = (flow, from, octets) => segment(writer, flow, from, 0x18, octets, 0, octets.length);
  const rounds = [
    (flow) => {
      segment(writer, flow, 0, 0x02, NOTHING, 0, 0);
      segment(writer, flow, 1, 0x12, NOTHING, 0, 0);
      segment(writer, flow, 0, 0x10, NOTHING, 0, 0);
      say(flow, 1, GREETING);
    },
    (flow) => {
      say(flow, 0, EHLO);
      say(flow, 1, FEATURES);
    },
    (flow) => {
      say(flow, 0, MAIL);
      say(flow, 1, OK);
      say(flow, 0, RCPT);
      say(flow, 1, OK);
    },
    (flow, number) => {
      say(flow, 0, DATA);
      say(flow, 1, GO);
      say(flow, 0, Buffer.from(`Message-ID: <${number}@client.example.net>\r\nSubject: many\r\n\r\n`));
    },
    (flow, number) => {
      const at = (number % 50_000) * 78;
      segment(writer, flow, 0, 0x18, pool[0], at, at + 1404);
      segment(writer, flow, 1, 0x10, NOTHING, 0, 0);
    },
    (flow) => {
      say(flow, 0, END);
      say(flow, 1, QUEUED);
    },
    (flow) => {
      say(flow, 0, QUIT);
      say(flow, 1, BYE);
      segment(writer, flow, 0, 0x11, NOTHING, 0, 0);
      segment(writer, flow, 1, 0x11, NOTHING, 0, 0);
      segment(writer, flow, 0, 0x10, NOTHING, 0, 0);
    },
  ];
  for (const round of rounds) for (const [number, flow] of flows.entries()) round(flow, number);
  const stats = { sessions: count, messages: count, packets: writer.packets };
  writer.close();
  return stats;
}

/** A capture as it comes with a bug report: a few sessions with a message each, 44 KB in all. */
export function makeSmall(path) {
  const writer = new Writer(path);
  const count = 8;
  for (let number = 0; number < count; number++) {
    const flow = flowOf(number);
    greeted(writer, flow);
    messageBegun(writer, flow, number);
    stream(writer, flow, Buffer.alloc(SEGMENT, 'a line of a text\r\n'), 3640);
    ended(writer, flow);
  }
  writer.close();
  return { sessions: count, messages: count, packets: writer.packets };
}
