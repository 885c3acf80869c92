/**
 * Mail clients: programs with their habits, and people.
 *
 * A client is a generator. It sends through `io` and yields what it waits for: `{open}`, `{reply: ms}`, `{sleep: ms}`. It is
 * resumed with the reply, or `{failed: 'timeout' | 'closed' | 'reset' | 'refused' ..}`.
 */
import { stuffed } from './message.mjs';

const MINUTE = 60_000;

export const CLIENTS = {
  postfix: {
    stack: 'linux',
    hello: 'EHLO',
    pipelines: true,
    bdat: false,
    pixAware: true,
    greetingMs: 5 * MINUTE,
    replyMs: 5 * MINUTE,
    endMs: 10 * MINUTE,
    retryMs: [300_000, 600_000, 1_200_000, 2_400_000],
    size: true,
    piece: 4096,
  },
  exim: {
    stack: 'linux',
    hello: 'EHLO',
    pipelines: true,
    bdat: true,
    greetingMs: 5 * MINUTE,
    replyMs: 5 * MINUTE,
    endMs: 10 * MINUTE,
    retryMs: [900_000, 900_000, 900_000, 900_000],
    size: true,
    piece: 8192,
  },
  sendmail: {
    stack: 'linux',
    hello: 'if-esmtp',
    pipelines: true,
    bdat: false,
    greetingMs: 5 * MINUTE,
    replyMs: 60 * MINUTE,
    endMs: 60 * MINUTE,
    retryMs: [1_800_000, 1_800_000, 1_800_000],
    size: true,
    piece: 1024,
  },
  qmail: {
    stack: 'bsd',
    hello: 'HELO',
    pipelines: false,
    bdat: false,
    greetingMs: 20 * MINUTE,
    replyMs: 20 * MINUTE,
    endMs: 20 * MINUTE,
    retryMs: [400_000, 1_200_000, 2_000_000],
    size: false,
    piece: 1024,
  },
  exchange2003: {
    stack: 'windowsOld',
    hello: 'EHLO',
    pipelines: true,
    bdat: false,
    greetingMs: 5 * MINUTE,
    replyMs: 5 * MINUTE,
    endMs: 10 * MINUTE,
    retryMs: [600_000, 600_000, 600_000, 900_000],
    size: true,
    piece: 16_384,
  },
  exchange2016: {
    stack: 'windows',
    hello: 'EHLO',
    pipelines: true,
    bdat: true,
    greetingMs: 5 * MINUTE,
    replyMs: 5 * MINUTE,
    endMs: 10 * MINUTE,
    retryMs: [600_000, 900_000, 900_000],
    size: true,
    piece: 16_384,
  },
  msmtp: {
    stack: 'linux',
    hello: 'EHLO',
    pipelines: false,
    bdat: false,
    greetingMs: 3 * MINUTE,
    replyMs: 3 * MINUTE,
    endMs: 3 * MINUTE,
    retryMs: [120_000],
    size: false,
    piece: 1024,
    user: true,
  },
  swaks: {
    stack: 'linux',
    hello: 'EHLO',
    pipelines: false,
    bdat: false,
    greetingMs: 30_000,
    replyMs: 30_000,
    endMs: 30_000,
    retryMs: [60_000],
    size: false,
    piece: 65_536,
    user: true,
  },
  smtplib: {
    stack: 'linux',
    hello: 'EHLO',
    lower: true,
    pipelines: false,
    bdat: false,
    greetingMs: 60_000,
    replyMs: 60_000,
    endMs: 60_000,
    retryMs: [30_000, 60_000],
    size: true,
    piece: 65_536,
    user: true,
  },
  nodemailer: {
    stack: 'linux',
    hello: 'EHLO',
    pipelines: false,
    bdat: false,
    greetingMs: 30_000,
    replyMs: 600_000,
    endMs: 600_000,
    retryMs: [60_000, 120_000],
    size: false,
    piece: 16_384,
    user: true,
  },
};

/** How the end of a message is handed to TCP: each piece is one write. */
export const ENDINGS = {
  whole: ['\r\n.\r\n'],
  'CRLF|.CRLF': ['\r\n', '.\r\n'],
  'CR|LF.CRLF': ['\r', '\n.\r\n'],
  'CRLF.|CRLF': ['\r\n.', '\r\n'],
  'CRLF.CR|LF': ['\r\n.\r', '\n'],
};

/** Reads replies out of octets as a client does. */
export class ReplyReader {
  constructor() {
    this.text = '';
    this.lines = [];
  }

  push(octets) {
    this.text += octets.toString('latin1');
  }

  /** @returns a whole reply, or null: more is needed */
  next() {
    for (let end = this.text.indexOf('\n'); end >= 0; end = this.text.indexOf('\n')) {
      const line = this.text.slice(0, end).replace(/\r$/, '');
      this.text = this.text.slice(end + 1);
      this.lines.push(line);
      const continued = /^\d{3}-/.test(line) || (this.lines.length > 1 && !/^\d{3}/.test(line));
      if (continued) continue;
      const { lines } = this;
      this.lines = [];
      const code = /^\d{3}/.test(line) ? Number(line.slice(0, 3)) : 0;
      return { code, lines, text: lines.map((text) => text.slice(4)).join('\n') };
    }
    return null;
  }
}

const refused = (reply) => reply.failed !== undefined || reply.code >= 400 || reply.code === 0;

/** @returns `delivered`, `deferred`, `bounced`, or how it failed */
export function* sendMail(io, program, plan, attempt) {
  const habits = { ...CLIENTS[program], ...plan.habits };
  const say = (line) => io.command(habits.lower ? lowered(line) : line);
  yield { open: true };
  const greeting = yield { reply: habits.greetingMs };
  if (greeting.failed) return giveUp(io, greeting);
  if (greeting.code >= 400) return yield* quit(io, say, 'deferred');
  const text = greeting.lines.map((line) => line.slice(4)).join(' ');
  const masked = /^[*20 ]+$/.test(text) && text.includes('*');
  const workaround = habits.pixAware && plan.workaround !== false && masked;
  const state = { keywords: [], esmtp: false };
  const wantsEsmtp = habits.hello === 'EHLO' || (habits.hello === 'if-esmtp' && /ESMTP/.test(text));
  if (wantsEsmtp && !workaround) {
    say(`EHLO ${plan.helo}`);
    const reply = yield { reply: habits.replyMs };
    if (reply.failed) return giveUp(io, reply);
    if (reply.code === 250) readKeywords(state, reply);
  }
  if (!state.esmtp) {
    say(`HELO ${plan.helo}`);
    const reply = yield { reply: habits.replyMs };
    if (reply.failed) return giveUp(io, reply);
    if (refused(reply)) return yield* quit(io, say, 'deferred');
  }
  const offers = (word) => state.keywords.some((keyword) => keyword.split(/[ =]/)[0].toUpperCase() === word);
  for (const line of plan.asks ?? []) {
    say(line);
    const reply = yield { reply: habits.replyMs };
    if (reply.failed) return giveUp(io, reply);
  }
  if (plan.links && (offers('X-LINK2STATE') || plan.linksAnyway)) {
    say('X-LINK2STATE LAST CHUNK={00000028} MULTI (5) ({00000000} DIGEST_QUERY )');
    const reply = yield { reply: habits.replyMs };
    if (reply.failed) return giveUp(io, reply);
  }
  if (plan.tls && (offers('STARTTLS') || plan.tls === 'anyway')) {
    say('STARTTLS');
    const reply = yield { reply: habits.replyMs };
    if (reply.failed) return giveUp(io, reply);
    if (reply.code === 220) return yield* encrypted(io, plan);
    if (plan.needsTls) return yield* quit(io, say, 'deferred');
  }
  if (plan.auth && (offers('AUTH') || plan.auth === 'anyway')) {
    say(`AUTH PLAIN ${Buffer.from('\0user\0secret').toString('base64')}`);
    const reply = yield { reply: habits.replyMs };
    if (reply.failed) return giveUp(io, reply);
    if (reply.code === 503 || reply.code === 535) return yield* quit(io, say, 'bounced');
  }
  let outcome = 'delivered';
  for (const mail of plan.mails) {
    outcome = yield* transaction(io, say, habits, plan, mail, { offers, state, attempt, workaround });
    if (outcome === 'lost') return outcome;
    if (plan.resets) {
      say('RSET');
      const reply = yield { reply: habits.replyMs };
      if (reply.failed) return giveUp(io, reply);
    }
  }
  if (plan.abrupt === 'close') {
    io.close();
    return outcome;
  }
  if (plan.abrupt === 'abort') {
    io.abort();
    return outcome;
  }
  return yield* quit(io, say, outcome, plan.abrupt === 'reset-after-quit');
}

function lowered(line) {
  const [verb, ...rest] = line.split(' ');
  return [verb.toLowerCase(), ...rest].join(' ');
}

function readKeywords(state, reply) {
  state.esmtp = true;
  state.keywords = reply.lines.slice(1).map((line) => line.slice(4));
}

function giveUp(io, { failed }) {
  if (failed === 'timeout') io.note('gave-up');
  io.close();
  return 'lost';
}

function* quit(io, say, outcome, resets = false) {
  say('QUIT');
  yield { reply: 30_000 };
  if (resets) io.abort();
  else io.close();
  return outcome;
}

/** Records that look like TLS 1.2; what they hold is noise. */
function* encrypted(io, plan) {
  const { random } = io;
  const recordOf = (type, length) => {
    const octets = Buffer.concat([
      Buffer.from([type, 3, type === 22 ? 1 : 3, length >> 8, length & 255]),
      random.octets(length),
    ]);
    if (type === 22) octets[5] = 1;
    return octets;
  };
  io.raw(recordOf(22, random.whole(180, 512)));
  const hello = yield { octets: plan.tlsMs ?? 60_000 };
  if (hello.failed) return giveUp(io, hello);
  io.raw(Buffer.concat([recordOf(22, 70), recordOf(20, 1), recordOf(22, 40)]));
  const finished = yield { octets: 60_000 };
  if (finished.failed) return giveUp(io, finished);
  for (let turn = 0; turn < 6; turn++) {
    io.raw(recordOf(23, random.whole(40, 700)));
    const answer = yield { octets: 60_000 };
    if (answer.failed) return giveUp(io, answer);
  }
  io.close();
  return 'delivered';
}

function* transaction(io, say, habits, plan, mail, { offers, state, attempt, workaround }) {
  const { envelope } = mail;
  const eightBit = mail.octets.some((octet) => octet > 127);
  const parameters = [];
  if (state.esmtp && habits.size && offers('SIZE')) parameters.push(`SIZE=${mail.octets.length}`);
  if (state.esmtp && eightBit && (offers('8BITMIME') || plan.body8)) parameters.push('BODY=8BITMIME');
  const lines = [
    ['MAIL', `MAIL FROM:<${envelope.from}>${parameters.map((text) => ` ${text}`).join('')}`],
    ...envelope.to.map((to) => ['RCPT', `RCPT TO:<${to}>`]),
  ];
  const chunks = habits.bdat && offers('CHUNKING');
  const pipelines = habits.pipelines && offers('PIPELINING') && plan.pipelining !== false;
  if (pipelines && !chunks) lines.push(['DATA', 'DATA']);
  let good = 0;
  let worst = null;
  let dataReply = null;
  const judge = (kind, reply) => {
    if (kind === 'DATA') dataReply = reply;
    else if (reply.code >= 400 || reply.code === 0) worst ??= { kind, reply };
    else if (kind === 'RCPT') good++;
  };
  if (pipelines) {
    io.commands(lines.map(([, line]) => line));
    for (const [kind] of lines) {
      const reply = yield { reply: habits.replyMs };
      if (reply.failed) return giveUp(io, reply);
      judge(kind, reply);
    }
  } else {
    for (const [kind, line] of lines) {
      say(line);
      const reply = yield { reply: habits.replyMs };
      if (reply.failed) return giveUp(io, reply);
      judge(kind, reply);
      if (kind === 'MAIL' && worst !== null) break;
    }
  }
  if (dataReply?.code === 354 && good === 0) {
    io.raw(Buffer.from('.\r\n'));
    yield { reply: habits.replyMs };
  }
  if (worst !== null && good === 0)
    return worst.reply.code >= 500 || worst.reply.code === 0 ? 'bounced' : 'deferred';
  if (chunks) return yield* sendChunks(io, habits, mail, attempt);
  if (dataReply === null) {
    say('DATA');
    dataReply = yield { reply: habits.replyMs };
    if (dataReply.failed) return giveUp(io, dataReply);
  }
  if (dataReply.code !== 354) return dataReply.code >= 500 ? 'bounced' : 'deferred';
  return yield* sendData(io, habits, plan, mail, attempt, workaround);
}

function* sendChunks(io, habits, mail, attempt) {
  io.messageBegins(mail);
  const { octets } = mail;
  for (let at = 0; ; ) {
    const part = octets.subarray(at, at + 30_000);
    at += part.length;
    const last = at >= octets.length;
    io.command(`BDAT ${part.length}${last ? ' LAST' : ''}`);
    io.raw(part);
    if (last) io.messageEnds(mail, attempt, 'bdat');
    const reply = yield { reply: last ? habits.endMs : habits.replyMs };
    if (last) io.messageAnswered(mail, reply);
    if (reply.failed) return giveUp(io, reply);
    if (reply.code >= 500 || reply.code === 0) return 'bounced';
    if (reply.code >= 400) return 'deferred';
    if (last) return 'delivered';
  }
}

function* sendData(io, habits, plan, mail, attempt, workaround) {
  io.messageBegins(mail);
  let ending = typeof plan.ending === 'function' ? plan.ending(attempt) : (plan.ending ?? 'whole');
  const wire = stuffed(mail.octets);
  const body = wire.subarray(0, wire.length - 2);
  const delays = workaround && attempt > 0;
  if (delays) ending = 'CRLF|.CRLF';
  const pieces = ENDINGS[ending];
  const pause = delays ? 10_000 : ending === 'whole' ? 0 : (plan.endPauseMs ?? 60);
  for (let at = 0; at < body.length; at += habits.piece) {
    const part = body.subarray(at, at + habits.piece);
    const last = at + habits.piece >= body.length;
    if (last) {
      io.raw(Buffer.concat([part, Buffer.from(pieces[0])]));
    } else io.raw(part);
    if (plan.pauseMs && !last) yield { sleep: plan.pauseMs };
  }
  for (const piece of pieces.slice(1)) {
    yield { sleep: pause };
    io.raw(Buffer.from(piece));
  }
  io.messageEnds(mail, attempt, ending);
  const reply = yield { reply: habits.endMs };
  io.messageAnswered(mail, reply);
  if (reply.failed) return giveUp(io, reply);
  if (reply.code >= 500 || reply.code === 0) return 'bounced';
  if (reply.code >= 400) return 'deferred';
  return 'delivered';
}

/** A person at telnet, line by line or key by key. */
export function* typeByHand(io, _program, plan) {
  const { random } = io;
  yield { open: true };
  const greeting = yield { reply: 120_000 };
  if (greeting.failed) return giveUp(io, greeting);
  for (const line of plan.typed) {
    yield { sleep: random.between(600, 4000) };
    if (plan.keys) {
      io.typed(line);
      for (const key of line) {
        io.raw(Buffer.from(key, 'latin1'));
        yield { sleep: random.between(60, 350) };
      }
      io.raw(Buffer.from('\r\n'));
    } else io.command(line);
    const reply = yield { reply: plan.patienceMs ?? 40_000 };
    if (reply.failed) return giveUp(io, reply);
    if (line === 'DATA' && reply.code === 354) {
      for (const text of ['Subject: test', '', 'hello', '.']) {
        yield { sleep: random.between(500, 2000) };
        io.raw(Buffer.from(`${text}\r\n`));
      }
      const end = yield { reply: 120_000 };
      if (end.failed) return giveUp(io, end);
    }
  }
  io.close();
  return 'delivered';
}
