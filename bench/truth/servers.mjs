/**
 * Mail servers: what each program really says, and one engine that says it.
 *
 * Wordings are those of the programs as they stand in their sources and in public transcripts; order of the EHLO lines too.
 */
export const SERVERS = {
  postfix: {
    stack: 'linux',
    greeting: (at) => [`${at.host} ESMTP Postfix${at.own.pick(['', '', ' (Debian/GNU)', ' (Ubuntu)'])}`],
    hello: (at) => at.host,
    helo: (at) => at.host,
    keywords: [
      'PIPELINING',
      'SIZE 10240000',
      'VRFY',
      'ETRN',
      'STARTTLS',
      'AUTH PLAIN LOGIN',
      'ENHANCEDSTATUSCODES',
      '8BITMIME',
      'DSN',
      'SMTPUTF8',
      'CHUNKING',
    ],
    optional: ['SMTPUTF8', 'CHUNKING', 'VRFY'],
    mail: () => '250 2.1.0 Ok',
    rcpt: () => '250 2.1.5 Ok',
    data: '354 End data with <CR><LF>.<CR><LF>',
    end: (at) => `250 2.0.0 Ok: queued as ${at.random.text('0123456789ABCDEF', 11)}`,
    bdat: (_at, octets) => `250 2.0.0 Ok: ${octets} bytes`,
    noop: '250 2.0.0 Ok',
    rset: '250 2.0.0 Ok',
    quit: () => '221 2.0.0 Bye',
    unknown: () => '502 5.5.2 Error: command not recognized',
    vrfy: (_at, who) => `252 2.0.0 ${who}`,
    help: ['502 5.5.2 Error: command not recognized'],
    tls: '220 2.0.0 Ready to start TLS',
    relay: (_at, rcpt) => `554 5.7.1 <${rcpt}>: Relay access denied`,
    user: (_at, rcpt) =>
      `550 5.1.1 <${rcpt}>: Recipient address rejected: User unknown in local recipient table`,
    later: (_at, rcpt) =>
      `450 4.2.0 <${rcpt}>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/example.com.html`,
    busy: '421 4.7.0 Error: too many connections',
    auth: {
      ok: '235 2.7.0 Authentication successful',
      no: '535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6',
    },
    order: '503 5.5.1 Error: need MAIL command',
  },
  exim: {
    stack: 'linux',
    greeting: (at) => [`${at.host} ESMTP Exim 4.${at.own.whole(80, 97)} ${at.date}`],
    hello: (at) => `${at.host} Hello ${at.peer} [${at.peerAddress}]`,
    helo: (at) => `${at.host} Hello ${at.peer} [${at.peerAddress}]`,
    keywords: [
      'SIZE 52428800',
      '8BITMIME',
      'PIPELINING',
      'PIPECONNECT',
      'AUTH PLAIN LOGIN',
      'CHUNKING',
      'STARTTLS',
      'HELP',
    ],
    optional: ['PIPECONNECT', 'CHUNKING'],
    mail: () => '250 OK',
    rcpt: () => '250 Accepted',
    data: '354 Enter message, ending with "." on a line by itself',
    end: (at) =>
      `250 OK id=1${at.random.text('abcdefXYZ', 5)}-000${at.random.text('0123456789abc', 3)}-${at.random.text('AQWxyz', 2)}`,
    bdat: (_at, octets) => `250 ${octets} byte chunk received`,
    noop: '250 OK',
    rset: '250 Reset OK',
    quit: (at) => `221 ${at.host} closing connection`,
    unknown: () => '500 unrecognized command',
    vrfy: () => '252 VRFY not available',
    help: ['214-Commands supported:', '214 AUTH STARTTLS HELO EHLO MAIL RCPT DATA BDAT NOOP QUIT RSET HELP'],
    tls: '220 TLS go ahead',
    relay: () => '550 relay not permitted',
    user: () => '550 Unrouteable address',
    later: () => '451 Temporary local problem - please try later',
    busy: '421 Too many concurrent SMTP connections; please try again later.',
    auth: { ok: '235 Authentication succeeded', no: '535 Incorrect authentication data' },
    order: '503 sender not yet given',
  },
  sendmail: {
    stack: 'linux',
    greeting: (at) => [
      `${at.host} ESMTP Sendmail 8.${at.own.pick(['13.8', '14.4', '15.2', '17.1'])}/8.14.4; ${at.date}`,
    ],
    hello: (at) => `${at.host} Hello ${at.peer} [${at.peerAddress}], pleased to meet you`,
    helo: (at) => `${at.host} Hello ${at.peer} [${at.peerAddress}], pleased to meet you`,
    keywords: [
      'ENHANCEDSTATUSCODES',
      'PIPELINING',
      'EXPN',
      'VERB',
      '8BITMIME',
      'SIZE',
      'DSN',
      'ETRN',
      'AUTH DIGEST-MD5 CRAM-MD5',
      'STARTTLS',
      'DELIVERBY',
      'HELP',
    ],
    optional: ['VERB', 'EXPN', 'ETRN'],
    mail: (_at, from) => `250 2.1.0 <${from}>... Sender ok`,
    rcpt: (_at, rcpt) => `250 2.1.5 <${rcpt}>... Recipient ok`,
    data: '354 Enter mail, end with "." on a line by itself',
    end: (at) =>
      `250 2.0.0 ${at.random.text('abcdefghijk0123456789', 8)}${at.random.whole(100000, 999999)} Message accepted for delivery`,
    noop: '250 2.0.0 OK',
    rset: '250 2.0.0 Reset state',
    quit: (at) => `221 2.0.0 ${at.host} closing connection`,
    unknown: (_at, line) => `500 5.5.1 Command unrecognized: "${line}"`,
    vrfy: () => '252 2.5.2 Cannot VRFY user; try RCPT to attempt delivery (or try finger)',
    help: [
      '214-2.0.0 This is sendmail',
      '214-2.0.0 Topics:',
      '214-2.0.0 \tHELO\tEHLO\tMAIL\tRCPT\tDATA',
      '214-2.0.0 \tRSET\tNOOP\tQUIT\tHELP\tVRFY',
      '214 2.0.0 End of HELP info',
    ],
    tls: '220 2.0.0 Ready to start TLS',
    relay: (_at, rcpt) => `550 5.7.1 <${rcpt}>... Relaying denied`,
    user: (_at, rcpt) => `550 5.1.1 <${rcpt}>... User unknown`,
    later: (_at, rcpt) => `451 4.7.1 <${rcpt}>... Greylisting in action, please come back in 00:05:00`,
    busy: '421 4.3.2 Connection rate limit exceeded.',
    auth: { ok: '235 2.0.0 OK Authenticated', no: '535 5.7.0 authentication failed' },
    order: '503 5.0.0 Need MAIL before RCPT',
  },
  exchange2003: {
    stack: 'windowsOld',
    greeting: (at) => [
      `${at.host} Microsoft ESMTP MAIL Service, Version: 6.0.3790.${at.own.pick([1830, 3959, 4675])} ready at  ${at.date} `,
    ],
    hello: (at) => `${at.host} Hello [${at.peerAddress}]`,
    helo: (at) => `${at.host} Hello [${at.peerAddress}]`,
    keywords: [
      'TURN',
      'SIZE',
      'ETRN',
      'PIPELINING',
      'DSN',
      'ENHANCEDSTATUSCODES',
      '8bitmime',
      'BINARYMIME',
      'CHUNKING',
      'VRFY',
      'X-EXPS GSSAPI NTLM LOGIN',
      'X-EXPS=LOGIN',
      'AUTH GSSAPI NTLM LOGIN',
      'AUTH=LOGIN',
      'X-LINK2STATE',
      'XEXCH50',
      'OK',
    ],
    optional: [],
    mail: (_at, from) => `250 2.1.0 ${from}....Sender OK`,
    rcpt: (_at, rcpt) => `250 2.1.5 ${rcpt} `,
    data: '354 Start mail input; end with <CRLF>.<CRLF>',
    end: (at) =>
      `250 2.6.0  <${at.host.toUpperCase().split('.')[0]}${at.random.text('ABCDEFGHIJKL0123456789', 18)}@${at.host}> Queued mail for delivery`,
    bdat: (_at, octets) => `250 2.1.5 ${octets} bytes received`,
    noop: '250 2.0.0 OK',
    rset: '250 2.0.0 Resetting',
    quit: (at) => `221 2.0.0 ${at.host} Service closing transmission channel`,
    unknown: () => '500 5.3.3 Unrecognized command',
    vrfy: (_at, who) => `252 2.1.5 Cannot VRFY user, but will take message for <${who}>`,
    help: [
      '214-This server supports the following commands:',
      '214 HELO EHLO STARTTLS RCPT DATA RSET MAIL QUIT HELP AUTH TURN ETRN BDAT VRFY',
    ],
    tls: '220 2.0.0 SMTP server ready',
    relay: (_at, rcpt) => `550 5.7.1 Unable to relay for ${rcpt}`,
    user: () => '550 5.1.1 User unknown',
    later: () => '452 4.3.1 Insufficient system resources',
    busy: '421 4.3.2 Service not available, closing transmission channel',
    auth: { ok: '235 2.7.0 Authentication successful.', no: '535 5.7.3 Authentication unsuccessful.' },
    order: '503 5.5.2 Need Mail From: first',
    refusesEightBit: true,
    link: true,
  },
  exchange2016: {
    stack: 'windows',
    greeting: (at) => [`${at.host} Microsoft ESMTP MAIL Service ready at ${at.date}`],
    hello: (at) => `${at.host} Hello [${at.peerAddress}]`,
    helo: (at) => `${at.host} Hello [${at.peerAddress}]`,
    keywords: [
      'SIZE 37748736',
      'PIPELINING',
      'DSN',
      'ENHANCEDSTATUSCODES',
      'STARTTLS',
      'X-ANONYMOUSTLS',
      'AUTH NTLM',
      'X-EXPS GSSAPI NTLM',
      '8BITMIME',
      'BINARYMIME',
      'CHUNKING',
      'XRDST',
    ],
    optional: ['XRDST', 'X-ANONYMOUSTLS'],
    mail: () => '250 2.1.0 Sender OK',
    rcpt: () => '250 2.1.5 Recipient OK',
    data: '354 Start mail input; end with <CRLF>.<CRLF>',
    end: (at) =>
      `250 2.6.0 <${at.random.text('0123456789abcdef', 32)}@${at.host}> [InternalId=${at.random.whole(1e6, 1e9)}, Hostname=${at.host}] 1528 bytes in 0.114, 13.0 KB/sec Queued mail for delivery`,
    bdat: (_at, octets) => `250 2.6.0 CHUNK received OK, ${octets} octets`,
    noop: '250 2.0.0 OK',
    rset: '250 2.0.0 Resetting',
    quit: () => '221 2.0.0 Service closing transmission channel',
    unknown: (_at, line) => `500 5.3.3 Unrecognized command '${line.split(' ')[0]}'`,
    vrfy: () => '252 2.1.5 Cannot VRFY user',
    help: [
      '214-This server supports the following commands:',
      '214 HELO EHLO STARTTLS RCPT DATA RSET MAIL QUIT HELP AUTH BDAT',
    ],
    tls: '220 2.0.0 SMTP server ready',
    relay: () => '550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain',
    user: () => '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup',
    later: () => '451 4.7.0 Temporary server error. Please try again later. PRX2',
    busy: '421 4.3.2 Service not available',
    auth: { ok: '235 2.7.0 Authentication successful', no: '535 5.7.3 Authentication unsuccessful' },
    order: '503 5.5.2 Need mail command',
  },
  qmail: {
    stack: 'bsd',
    greeting: (at) => [`${at.host} ESMTP`],
    hello: (at) => at.host,
    helo: (at) => at.host,
    keywords: ['PIPELINING', '8BITMIME'],
    optional: [],
    mail: () => '250 ok',
    rcpt: () => '250 ok',
    data: '354 go ahead',
    end: (at) => `250 ok ${Math.floor(at.nowUs / 1e6)} qp ${at.random.whole(300, 32000)}`,
    noop: '250 ok',
    rset: '250 flushed',
    quit: (at) => `221 ${at.host}`,
    unknown: () => '502 unimplemented (#5.5.1)',
    vrfy: () => "252 send some mail, i'll try my best",
    help: ['214 netqmail home page: http://qmail.org/netqmail'],
    relay: () => "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
    user: () => '550 sorry, no mailbox here by that name. (#5.7.17)',
    later: () => '451 temporary failure (#4.3.0)',
    busy: '421 unable to read controls (#4.3.0)',
    order: '503 MAIL first (#5.5.1)',
  },
  domino: {
    stack: 'windowsOld',
    greeting: (at) => [
      `${at.host} ESMTP Service (Lotus Domino Release ${at.own.pick(['6.5.4', '7.0.3', '8.5.3'])}) ready at ${at.date}`,
    ],
    hello: (at) => `${at.host} Hello ${at.peer} ([${at.peerAddress}]), pleased to meet you`,
    helo: (at) => `${at.host} Hello ${at.peer} ([${at.peerAddress}]), pleased to meet you`,
    keywords: ['HELP', 'SIZE', 'PIPELINING', 'DSN'],
    optional: ['DSN'],
    mail: (_at, from) => `250 ${from}... Sender OK`,
    rcpt: (_at, rcpt) => `250 ${rcpt}... Recipient OK`,
    data: '354 Enter message, end with "." on a line by itself',
    end: () => '250 Message accepted for delivery',
    noop: '250 OK',
    rset: '250 Reset state',
    quit: (at) => `221 ${at.host} SMTP Service closing transmission channel`,
    unknown: () => '500 Syntax error, command unrecognized',
    vrfy: () => '252 Cannot verify user, but will take message for this user and attempt delivery',
    help: [
      '214-Enter one of the following commands:',
      '214-HELO EHLO MAIL RCPT DATA RSET NOOP QUIT',
      '214 HELP VRFY',
    ],
    relay: () => '554 Relay rejected for policy reasons.',
    user: (_at, rcpt) => `550 ${rcpt}... No such user`,
    later: () => '452 Insufficient system resources',
    busy: '421 Service not available',
    order: '503 Issue a MAIL FROM: command before the RCPT TO: command',
  },
  opensmtpd: {
    stack: 'bsd',
    greeting: (at) => [`${at.host} ESMTP OpenSMTPD`],
    hello: (at) => `${at.host} Hello ${at.peer} [${at.peerAddress}], pleased to meet you`,
    helo: (at) => `${at.host} Hello ${at.peer} [${at.peerAddress}], pleased to meet you`,
    keywords: [
      '8BITMIME',
      'ENHANCEDSTATUSCODES',
      'SIZE 36700160',
      'DSN',
      'STARTTLS',
      'AUTH PLAIN LOGIN',
      'HELP',
    ],
    optional: [],
    mail: () => '250 2.0.0 Ok',
    rcpt: () => '250 2.1.5 Destination address valid: Recipient ok',
    data: '354 Enter mail, end with "." on a line by itself',
    end: (at) => `250 2.0.0 ${at.random.text('0123456789abcdef', 8)} Message accepted for delivery`,
    noop: '250 2.0.0 Ok',
    rset: '250 2.0.0 Reset state',
    quit: () => '221 2.0.0 Bye',
    unknown: () => '500 5.5.1 Invalid command: Command unrecognized',
    vrfy: () => '252 5.5.1 Cannot VRFY; try RCPT to attempt delivery',
    help: [
      '214- This is OpenSMTPD',
      '214- To report bugs in the implementation, please contact bugs@openbsd.org',
      '214 End of HELP info',
    ],
    tls: '220 2.0.0 Ready to start TLS',
    relay: (_at, rcpt) => `550 Invalid recipient: <${rcpt}>`,
    user: (_at, rcpt) => `550 Invalid recipient: <${rcpt}>`,
    later: () => '421 4.3.0 Temporary Error',
    busy: '421 4.3.0 Temporary Error',
    auth: { ok: '235 2.0.0 Authentication succeeded', no: '535 Authentication failed' },
    order: '503 5.5.1 Invalid command: Command not allowed at this point.',
  },
  courier: {
    stack: 'linux',
    greeting: (at) => [`${at.host} ESMTP`],
    hello: (at) => `${at.host} Ok.`,
    helo: () => 'Ok.',
    keywords: [
      'AUTH LOGIN PLAIN',
      'STARTTLS',
      'XVERP=Courier',
      'XEXDATA',
      'XSECURITY=NONE,STARTTLS',
      'PIPELINING',
      '8BITMIME',
      'SIZE',
      'DSN',
    ],
    optional: ['XSECURITY=NONE,STARTTLS'],
    mail: () => '250 Ok.',
    rcpt: () => '250 Ok.',
    data: '354 Ok.',
    end: (at) =>
      `250 Ok. ${at.random.text('0123456789ABCDEF', 16)}.${at.random.text('0123456789ABCDEF', 16)}.${at.random.text('0123456789ABCDEF', 8)}`,
    noop: '250 Ok.',
    rset: '250 Ok.',
    quit: () => '221 Bye.',
    unknown: () => '502 ESMTP command error',
    vrfy: () => '252 Ok.',
    help: ['214 Help not available.'],
    tls: '220 Ok',
    relay: () => '513 Relaying denied.',
    user: () => '550 User unknown.',
    later: () => '451 Temporary failure.',
    busy: '421 Too many connections.',
    auth: { ok: '235 Ok', no: '535 Authentication failed.' },
    order: '502 ESMTP command error',
  },
  haraka: {
    stack: 'linux',
    greeting: (at) => [`${at.host} ESMTP Haraka/${at.own.pick(['2.8.28', '3.0.1'])} ready`],
    hello: (at) => `${at.host} Hello ${at.peer} [${at.peerAddress}]Haraka is at your service.`,
    helo: (at) => `${at.host} Hello ${at.peer} [${at.peerAddress}]Haraka is at your service.`,
    keywords: ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'SIZE 0', 'STARTTLS', 'AUTH PLAIN LOGIN CRAM-MD5'],
    optional: [],
    mail: (_at, from) => `250 sender <${from}> OK`,
    rcpt: (_at, rcpt) => `250 recipient <${rcpt}> OK`,
    data: '354 go ahead, make my day',
    end: (at) =>
      `250 Message Queued (${at.random.text('0123456789ABCDEF', 8)}-${at.random.text('0123456789ABCDEF', 4)}-4${at.random.text('0123456789ABCDEF', 3)}-A9FB-${at.random.text('0123456789ABCDEF', 12)}.1)`,
    noop: '250 OK',
    rset: '250 OK',
    quit: (at) => `221 ${at.host} closing connection. Have a jolly good day.`,
    unknown: () => '500 Unrecognized command',
    vrfy: () => "252 Just try sending a mail and we'll see how it turns out...",
    help: ['250 Not implemented'],
    tls: '220 Go ahead.',
    relay: (_at, rcpt) => `550 I cannot deliver mail for <${rcpt}>`,
    user: (_at, rcpt) => `550 I cannot deliver mail for <${rcpt}>`,
    later: () => '450 Greylisting active, please try again later',
    busy: '421 Too many concurrent connections',
    auth: { ok: '235 2.7.0 Authentication successful', no: '535 5.7.8 Authentication failed' },
    order: '503 Use MAIL before RCPT',
  },
  smtpServer: {
    stack: 'linux',
    greeting: (at) => [`${at.host} ESMTP${at.own.pick(['', ' Service ready'])}`],
    hello: (at) => `${at.host} Nice to meet you, [${at.peerAddress}]`,
    helo: (at) => `${at.host} Nice to meet you, [${at.peerAddress}]`,
    keywords: ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'AUTH LOGIN PLAIN', 'STARTTLS'],
    optional: [],
    mail: () => '250 Accepted',
    rcpt: () => '250 Accepted',
    data: '354 End data with <CR><LF>.<CR><LF>',
    end: () => '250 OK: message queued',
    noop: '250 OK',
    rset: '250 Flushed',
    quit: () => '221 Bye',
    unknown: () => '500 Error: command not recognized',
    vrfy: () => '252 Try to send something. No promises though',
    help: ['214 See https://tools.ietf.org/html/rfc5321 for details'],
    tls: '220 Ready to start TLS',
    relay: () => '550 Relaying denied',
    user: () => '550 No such user here',
    later: () => '450 Try again later',
    busy: '421 Too many connected clients, try again in a moment',
    auth: { ok: '235 Authentication successful', no: '535 Error: Authentication failed, no such user' },
    order: '503 Error: need MAIL command',
  },
  aiosmtpd: {
    stack: 'linux',
    greeting: (at) => [`${at.host} Python SMTP 1.4.${at.own.whole(2, 6)}`],
    hello: (at) => at.host,
    helo: (at) => at.host,
    keywords: ['SIZE 33554432', '8BITMIME', 'SMTPUTF8', 'STARTTLS', 'HELP'],
    optional: ['SMTPUTF8'],
    mail: () => '250 OK',
    rcpt: () => '250 OK',
    data: '354 End data with <CR><LF>.<CR><LF>',
    end: () => '250 OK',
    noop: '250 OK',
    rset: '250 OK',
    quit: () => '221 Bye',
    unknown: (_at, line) => `500 Error: command "${line.split(' ')[0].toUpperCase()}" not recognized`,
    vrfy: (_at, who) =>
      `252 Cannot VRFY user, but will accept message and attempt delivery`.replace('user', who || 'user'),
    help: ['250 Supported commands: DATA EHLO HELO HELP MAIL NOOP QUIT RCPT RSET VRFY'],
    tls: '220 Ready to start TLS',
    relay: () => '550 5.7.1 Relaying denied',
    user: () => '550 5.1.1 No such user',
    later: () => '451 4.3.0 Try again later',
    busy: '421 4.3.2 Service busy',
    order: '503 Error: need MAIL command',
  },
  /** A device or an old program: no ESMTP at all (RFC 821). */
  plain821: {
    stack: 'old',
    greeting: (at) => [
      at.own.pick([
        `${at.host} SMTP ready`,
        `${at.host} Simple Mail Transfer Service Ready`,
        `${at.host} SMTP Server; ${at.date}`,
      ]),
    ],
    hello: null,
    helo: (at) => `${at.host}`,
    keywords: [],
    optional: [],
    mail: () => '250 Sender accepted',
    rcpt: () => '250 Recipient accepted',
    data: '354 Start mail input; end with <CRLF>.<CRLF>',
    end: () => '250 Mail accepted',
    noop: '250 OK',
    rset: '250 OK',
    quit: (at) => `221 ${at.host} closing`,
    unknown: () => '500 Command unrecognized',
    vrfy: () => '502 Command not implemented',
    help: ['502 Command not implemented'],
    relay: () => '550 Not local',
    user: () => '550 No such user',
    later: () => '450 Mailbox unavailable',
    busy: '421 Service not available',
    order: '503 Bad sequence of commands',
  },
};

const QUIET = {
  /** Milliseconds before any reply. */
  thinkMs: 4,
  greetMs: 10,
  endMs: 30,
  neverGreets: false,
  greeting: null,
  /** Keywords that this server does not offer. */
  without: [],
  tls: true,
  auth: false,
  /** Requires AUTH before it takes mail for others. */
  relays: false,
  /** Refusals: what to say to MAIL, RCPT, DATA, the message, the n-th time. */
  refuse: {},
  /** Verbs of its own choice to refuse with 502. */
  disabled: [],
  closesAfter: null,
};

/** One session of a server program, fed with octets, speaking through `io`: `send`, `close`, `abort`, `after`, `note`. */
export class ServerSession {
  constructor(program, settings, io) {
    this.program = SERVERS[program];
    this.settings = { ...QUIET, ...settings };
    this.io = io;
    this.waiting = Buffer.alloc(0);
    this.phase = 'command';
    this.busy = true;
    this.begun = 0;
    this.at = settings.at;
    this.body = [];
    this.bodyOctets = 0;
    this.recipients = 0;
    this.chunk = 0;
    this.commands = 0;
    this.keywords = this.offered();
  }

  offered() {
    const { program, settings } = this;
    return program.keywords.filter((keyword) => {
      const word = keyword.split(/[ =]/)[0];
      if (settings.without.includes(word)) return false;
      if (word === 'STARTTLS') return settings.tls;
      if (word === 'AUTH' && !program.link) return settings.auth;
      return true;
    });
  }

  start() {
    const { settings, io, at } = this;
    if (settings.neverGreets) return;
    io.after(settings.greetMs, () => {
      if (settings.refuse.connection) {
        this.answer([settings.refuse.connection]);
        io.close();
        return;
      }
      const lines = settings.greeting ?? this.program.greeting(at);
      this.answer(lines.map((line, index) => `220${index === lines.length - 1 ? ' ' : '-'}${line}`));
      this.busy = false;
      this.work();
    });
  }

  answer(lines) {
    this.io.send(Buffer.from(lines.map((line) => `${line}\r\n`).join(''), 'latin1'));
  }

  octets(octets) {
    if (this.phase === 'tls') {
      this.io.tls(octets);
      return;
    }
    this.waiting = this.waiting.length === 0 ? octets : Buffer.concat([this.waiting, octets]);
    this.work();
  }

  work() {
    while (!this.busy && this.waiting.length > 0) {
      if (this.phase === 'data') {
        if (!this.mailData()) return;
      } else if (this.phase === 'chunk') {
        if (!this.chunkData()) return;
      } else {
        const end = this.waiting.indexOf(10);
        if (end < 0) return;
        const line = this.waiting.toString('latin1', 0, end).replace(/\r$/, '');
        this.waiting = this.waiting.subarray(end + 1);
        this.command(line);
      }
    }
  }

  /** Replies after a while; nothing else is read until then. */
  later(ms, act) {
    this.busy = true;
    this.io.after(ms, () => {
      this.busy = false;
      act();
      this.work();
    });
  }

  reply(lines, then) {
    const list = Array.isArray(lines) ? lines : [lines];
    this.later(this.settings.thinkMs * this.at.random.between(0.6, 1.6), () => {
      this.answer(list);
      then?.();
    });
  }

  command(line) {
    const { program, settings, at } = this;
    this.commands++;
    if (this.phase === 'auth') {
      this.phase = 'command';
      this.reply(settings.authFails ? program.auth.no : program.auth.ok, () => {
        this.trusted = !settings.authFails;
      });
      return;
    }
    const verb = line.split(/[ :]/)[0].toUpperCase();
    const argument = line.slice(verb.length + 1);
    this.io.note?.({ kind: 'received', verb, line });
    if (settings.closesAfter !== null && this.commands > settings.closesAfter) {
      this.reply(program.busy, () => this.io.close());
      return;
    }
    if (settings.disabled.includes(verb)) {
      this.reply(settings.disabledReply ?? program.unknown(at, line));
      return;
    }
    const known = COMMANDS[verb];
    if (known === undefined) this.reply(program.unknown(at, line));
    else known.call(this, argument, line);
  }

  mailData() {
    const seen = Buffer.concat([...this.body.slice(-1), this.waiting]);
    const tail = this.body.length === 0 ? 0 : this.body[this.body.length - 1].length;
    let end = seen.indexOf('\r\n.\r\n', 0, 'latin1');
    let used = 5;
    if (tail === 0 && this.waiting.toString('latin1', 0, 3) === '.\r\n') {
      end = 0;
      used = 3;
    }
    if (end < 0) {
      this.body.push(this.waiting);
      // The last two pieces are joined so that an end that is cut into pieces is still seen.
      if (this.body.length > 1) {
        const last = this.body.pop();
        this.body.push(Buffer.concat([this.body.pop(), last]));
      }
      this.waiting = Buffer.alloc(0);
      return false;
    }
    const before = this.body.slice(0, -1);
    const body = Buffer.concat([...before, seen.subarray(0, end + (used === 5 ? 2 : 0))]);
    this.waiting = seen.subarray(end + used);
    this.finish(body);
    return true;
  }

  chunkData() {
    const part = this.waiting.subarray(0, this.chunk);
    this.waiting = this.waiting.subarray(part.length);
    this.chunk -= part.length;
    this.body.push(part);
    if (this.chunk > 0) return false;
    this.phase = 'command';
    if (this.lastChunk) this.finish(Buffer.concat(this.body));
    else this.reply(this.program.bdat(this.at, this.chunkLength));
    return true;
  }

  finish(body) {
    const { program, settings, at } = this;
    this.phase = 'command';
    this.body = [];
    let reply = settings.refuse.message ?? program.end(at);
    if (program.refusesEightBit && !this.eightBitAnnounced && body.some((octet) => octet > 127)) {
      reply = '554 5.6.1 Body type not supported by Remote Host';
    }
    const accepted = reply.startsWith('2');
    this.io.note?.({ kind: 'message', body, reply, accepted });
    if (settings.abortsAtEnd) {
      this.later(settings.endMs, () => this.io.abort());
      return;
    }
    this.recipients = 0;
    this.sender = undefined;
    this.later(settings.endMs, () => this.answer([reply]));
  }
}

function forward(argument) {
  return /<([^>]*)>/.exec(argument)?.[1] ?? argument.replace(/^.*:\s*/, '').split(' ')[0];
}

const COMMANDS = {
  HELO(argument) {
    this.at.peer = argument.split(' ')[0] || 'unknown';
    this.reply(`250 ${this.program.helo(this.at)}`);
  },
  EHLO(argument, line) {
    this.at.peer = argument.split(' ')[0] || 'unknown';
    if (this.program.hello === null) {
      this.reply(this.program.unknown(this.at, line));
      return;
    }
    const lines = [this.program.hello(this.at), ...this.keywords];
    this.reply(lines.map((text, index) => `250${index === lines.length - 1 ? ' ' : '-'}${text}`));
  },
  MAIL(argument) {
    this.eightBitAnnounced = /BODY=8BITMIME/i.test(argument);
    const refusal = this.settings.refuse.mail;
    if (refusal === undefined) this.sender = forward(argument);
    this.reply(refusal ?? this.program.mail(this.at, forward(argument)));
  },
  RCPT(argument) {
    const { program, settings, at } = this;
    const rcpt = forward(argument);
    if (this.sender === undefined) {
      this.reply(program.order);
      return;
    }
    if (settings.refuse.rcpt) {
      this.reply(program[settings.refuse.rcpt](at, rcpt));
      return;
    }
    const own = settings.relays || this.trusted || rcpt.endsWith(`@${settings.domain}`);
    if (!own) {
      this.reply(program.relay(at, rcpt));
      return;
    }
    if (rcpt.startsWith('nobody')) {
      this.reply(program.user(at, rcpt));
      return;
    }
    this.recipients++;
    this.reply(program.rcpt(at, rcpt));
  },
  DATA() {
    const { program, settings } = this;
    if (settings.refuse.data || this.recipients === 0) {
      this.reply(
        settings.refuse.data ??
          (this.sender === undefined ? program.order : '554 5.5.1 Error: no valid recipients'),
      );
      return;
    }
    this.reply(program.data, () => {
      this.phase = 'data';
      this.body = [];
    });
  },
  BDAT(argument, line) {
    if (!this.keywords.includes('CHUNKING')) {
      this.reply(this.program.unknown(this.at, line));
      return;
    }
    const [length, last] = argument.split(' ');
    this.chunk = Number(length);
    this.chunkLength = this.chunk;
    this.lastChunk = last === 'LAST';
    this.phase = 'chunk';
    if (this.chunk === 0) this.chunkData();
  },
  RSET() {
    this.sender = undefined;
    this.recipients = 0;
    this.reply(this.program.rset);
  },
  NOOP() {
    this.reply(this.program.noop);
  },
  QUIT() {
    this.reply(this.program.quit(this.at), () => this.io.close());
  },
  VRFY(argument) {
    this.reply(this.program.vrfy(this.at, argument));
  },
  EXPN(_argument, line) {
    this.reply(
      this.keywords.includes('EXPN')
        ? `250 2.1.5 <${line.slice(5)}>`
        : '502 5.7.0 Sorry, we do not allow this operation',
    );
  },
  ETRN() {
    this.reply(
      this.keywords.includes('ETRN') ? '250 2.0.0 Queuing started' : '502 5.5.1 Command not implemented',
    );
  },
  HELP() {
    this.reply(this.program.help);
  },
  STARTTLS(_argument, line) {
    if (!this.keywords.includes('STARTTLS')) {
      this.reply(this.program.unknown(this.at, line));
      return;
    }
    this.reply(this.program.tls, () => {
      this.phase = 'tls';
      if (this.waiting.length > 0) this.io.tls(this.waiting);
      this.waiting = Buffer.alloc(0);
    });
  },
  AUTH(argument, line) {
    const { program, settings } = this;
    if (!this.keywords.some((keyword) => keyword.startsWith('AUTH')) || program.auth === undefined) {
      this.reply(program.unknown(this.at, line));
      return;
    }
    if (argument.split(' ').length > 1) {
      this.reply(settings.authFails ? program.auth.no : program.auth.ok, () => {
        this.trusted = !settings.authFails;
      });
      return;
    }
    this.reply('334 ', () => {
      this.phase = 'auth';
    });
  },
  'X-LINK2STATE'(_argument, line) {
    this.reply(
      this.program.link ? '200 LAST CHUNK={00000028} DONE_RESPONSE' : this.program.unknown(this.at, line),
    );
  },
  'X-EXPS'(_argument, line) {
    this.reply(
      this.program.link ? '235 2.7.0 Authentication successful.' : this.program.unknown(this.at, line),
    );
  },
};
