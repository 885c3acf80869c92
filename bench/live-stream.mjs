/**
 * The mail that the benchmarks of `live` watch: every hundredth greeting is masked, every two-hundredth message comes a second time.
 */
const CONCURRENT = 500;
const BODY = `${'The quick brown fox jumps over the lazy dog, as it did before.\r\n'.repeat(22)}`;
const MASKED = `220 ${'*'.repeat(33)}2${'*'.repeat(5)}0${'*'.repeat(20)}`;

/** What is said in session `number`, by whom. */
function script(number) {
  const message = number % 200 === 199 ? number - 100 : number;
  return [
    ['S', number % 100 === 50 ? MASKED : '220 mx.example.com ESMTP Postfix'],
    ['C', 'EHLO client.example.net'],
    ['S', '250-mx.example.com\r\n250-SIZE 10240000\r\n250-STARTTLS\r\n250-8BITMIME\r\n250 DSN'],
    ['C', 'MAIL FROM:<alice@example.net>'],
    ['S', '250 2.1.0 Ok'],
    ['C', `RCPT TO:<user${message % 1000}@example.com>`],
    ['S', '250 2.1.5 Ok'],
    ['C', 'DATA'],
    ['S', '354 End data with <CR><LF>.<CR><LF>'],
    ['C', `Message-ID: <${message}.bench@client.example.net>\r\nSubject: n\r\n\r\n${BODY}.`],
    ['S', `250 2.0.0 Ok: queued as ${number.toString(16)}`],
    ['C', 'QUIT'],
    ['S', '221 2.0.0 Bye'],
  ];
}

/** The packets of one session, one at a time. */
class Session {
  constructor(number) {
    this.number = number;
    this.lines = script(number);
    this.step = 0;
    this.seq = [number, number * 7];
  }

  /** The next packet's record; null: it is over. */
  next(us) {
    const { step, lines } = this;
    this.step++;
    if (step === 0) return this.packet(0, 0x02, '', us);
    if (step === 1) return this.packet(1, 0x12, '', us);
    if (step === 2) return this.packet(0, 0x10, '', us);
    const line = lines[step - 3];
    if (line) return this.packet(line[0] === 'C' ? 0 : 1, 0x18, `${line[1]}\r\n`, us);
    if (step === lines.length + 3) return this.packet(1, 0x11, '', us);
    if (step === lines.length + 4) return this.packet(0, 0x11, '', us);
    if (step === lines.length + 5) return this.packet(1, 0x10, '', us);
    return null;
  }

  packet(from, flags, text, us) {
    const size = 54 + text.length;
    const record = Buffer.alloc(16 + size);
    record.writeUInt32LE(Math.floor(us / 1e6), 0);
    record.writeUInt32LE(us % 1e6, 4);
    record.writeUInt32LE(size, 8);
    record.writeUInt32LE(size, 12);
    const ip = 30;
    record.writeUInt16BE(0x0800, 28);
    record[ip] = 0x45;
    record.writeUInt16BE(size - 14, ip + 2);
    record[ip + 8] = 64;
    record[ip + 9] = 6;
    // The same message comes from the same client.
    const client = 0x0a000000 + (this.number % 50);
    const ends = [client, 0xc0000219];
    record.writeUInt32BE(ends[from], ip + 12);
    record.writeUInt32BE(ends[1 - from], ip + 16);
    const tcp = ip + 20;
    const port = 10_000 + (Math.floor(this.number / 50) % 50_000);
    record.writeUInt16BE(from === 0 ? port : 25, tcp);
    record.writeUInt16BE(from === 0 ? 25 : port, tcp + 2);
    record.writeUInt32BE(this.seq[from] >>> 0, tcp + 4);
    record.writeUInt32BE(flags === 0x02 ? 0 : this.seq[1 - from] >>> 0, tcp + 8);
    record[tcp + 12] = 0x50;
    record[tcp + 13] = flags;
    record.writeUInt16BE(0xffff, tcp + 14);
    record.latin1Write(text, tcp + 20);
    // A wrong checksum would say that the mask was put in after the capture.
    if (text === `${MASKED}\r\n`) record.writeUInt16BE(checksum(record, tcp), tcp + 16);
    this.seq[from] += text.length + (flags & 0x03 ? 1 : 0);
    return record;
  }
}

/** RFC 9293 §3.1, over IPv4. */
function checksum(record, tcp) {
  let sum = 6 + record.length - tcp;
  for (let at = tcp - 8; at < record.length; at += 2) sum += (record[at] << 8) | (record[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/**
 * A capture of so many sessions, `CONCURRENT` of them at once; says after how many sessions each piece comes.
 *
 * @param rate  sessions a minute in packet time; null: 25 us between packets
 */
export function* stream(sessions, rate = null) {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(262144, 16);
  header.writeUInt32LE(1, 20);
  yield { octets: header, begun: 0 };
  const open = [];
  const startUs = Date.now() * 1000;
  let begun = 0;
  let packets = 0;
  while (begun < sessions || open.length > 0) {
    while (open.length < CONCURRENT && begun < sessions) open.push(new Session(begun++));
    const us = startUs + (rate === null ? packets * 25 : (begun / rate) * 60e6);
    const piece = [];
    for (let index = open.length - 1; index >= 0; index--) {
      const record = open[index].next(us + piece.length);
      if (record) piece.push(record);
      else open.splice(index, 1);
    }
    packets += piece.length;
    yield { octets: Buffer.concat(piece), begun };
  }
}
