/** What captures that are made for a measurement say: flows, sessions, and the pieces of them. */
import { ACK, FIN, NOTHING, PUSH, SYN, SYN_ACK, segment, Writer } from './packets.mjs';

export const SEGMENT = 1448;

export const line = (text) => Buffer.from(`${text}\r\n`, 'latin1');

/** The flow of the given number; no two of the first 800 million are alike. */
export const flowOf = (number) => ({
  client: (0x0a000000 + Math.floor(number / 50_000)) >>> 0,
  server: 0xc0000219,
  port: 10_000 + (number % 50_000),
  serverPort: 25,
  seq: [(number * 7919) >>> 0, (number * 104_729) >>> 0],
});

export const say = (writer, flow, from, octets) =>
  segment(writer, flow, from, PUSH, octets, 0, octets.length);

export function opened(writer, flow) {
  segment(writer, flow, 0, SYN, NOTHING, 0, 0);
  segment(writer, flow, 1, SYN_ACK, NOTHING, 0, 0);
  segment(writer, flow, 0, ACK, NOTHING, 0, 0);
}

export function closed(writer, flow) {
  segment(writer, flow, 0, FIN, NOTHING, 0, 0);
  segment(writer, flow, 1, FIN, NOTHING, 0, 0);
  segment(writer, flow, 0, ACK, NOTHING, 0, 0);
}

/** Lines in turn, the first of them from the end that is given. */
export function turns(writer, flow, first, texts) {
  let from = first;
  for (const text of texts) {
    say(writer, flow, from, line(text));
    from = 1 - from;
  }
}

/** Up to the reply to EHLO. */
export function greeted(writer, flow, greeting = '220 mx.example ESMTP') {
  opened(writer, flow);
  turns(writer, flow, 1, [greeting, 'EHLO client.example', '250 mx.example']);
}

/** A message up to its first header field. */
export function messageBegun(writer, flow, number) {
  turns(writer, flow, 0, [
    'MAIL FROM:<a@client.example>',
    '250 Ok',
    'RCPT TO:<b@mx.example>',
    '250 Ok',
    'DATA',
    '354 go on',
  ]);
  say(writer, flow, 0, line(`Message-ID: <${number}@client.example>\r\n`));
}

export const messageEnded = (writer, flow) => turns(writer, flow, 0, ['\r\n.', '250 2.0.0 queued']);

/** A session up to the begin of its message. */
export function inMail(writer, flow) {
  greeted(writer, flow);
  messageBegun(writer, flow, 1);
}

export function quit(writer, flow) {
  turns(writer, flow, 0, ['QUIT', '221 bye']);
  closed(writer, flow);
}

/** Ends what `inMail` began. */
export function ended(writer, flow) {
  messageEnded(writer, flow);
  quit(writer, flow);
}

/** Sends `length` octets of `payload`, again and again, in segments of `size` octets, acknowledged now and then. */
export function stream(writer, flow, payload, length, size = SEGMENT) {
  for (let at = 0, sent = 0; at < length; at += size, sent++) {
    segment(writer, flow, 0, ACK, payload, 0, Math.min(size, length - at));
    if (sent % 8 === 7) segment(writer, flow, 1, ACK, NOTHING, 0, 0);
  }
}

/** @param make  gets a writer and how many */
export const written = (make, variant) => (path, count) => {
  const writer = new Writer(path, variant);
  make(writer, count);
  writer.close();
};
