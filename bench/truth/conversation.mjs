/**
 * A client that wants to hand over mail, a server, and all that stands between: one simulation, with every connection that
 * the client opens until it succeeds or gives up.
 *
 * What happened is written down in two places that know nothing of each other: the octets that each end sent and received,
 * and the box's own `acts`.
 */
import { CLIENTS, ReplyReader, sendMail, typeByHand } from './clients.mjs';
import { Clock } from './clock.mjs';
import { dotted } from './packet.mjs';
import { InlineBox, Link, PacketBox, Path, TapPoint, Translation } from './path.mjs';
import { Random } from './random.mjs';
import { SERVERS, ServerSession } from './servers.mjs';
import { Endpoint, Machine, STACKS } from './tcp.mjs';

function stamp(us) {
  return new Date(us / 1000).toUTCString().replace('GMT', '+0000');
}

/** What the client does over one connection. */
class ClientDriver {
  constructor(clock, random, connection) {
    Object.assign(this, { clock, random, connection });
    this.reader = new ReplyReader();
    this.replies = [];
    this.waiting = null;
    this.timer = null;
    this.ended = null;
    this.raws = 0;
  }

  begin(generator, endpoint, done) {
    Object.assign(this, { generator, endpoint, done });
    this.resume(undefined);
  }

  resume(value) {
    if (this.timer !== null) this.timer.act = null;
    this.timer = null;
    this.waiting = null;
    const { done, value: wait } = this.generator.next(value);
    if (done) {
      this.done(wait);
      return;
    }
    this.waiting = wait;
    if (wait.sleep !== undefined)
      this.timer = this.clock.after(wait.sleep * 1000, () => this.resume(undefined));
    else this.serve();
  }

  serve() {
    const { waiting } = this;
    if (waiting === null || waiting.sleep !== undefined || waiting.open) return;
    if (waiting.reply !== undefined) {
      const reply = this.replies.shift() ?? this.reader.next();
      if (reply) {
        this.answered(reply);
        this.resume(reply);
        return;
      }
    } else if (waiting.octets !== undefined && this.raws > 0) {
      this.raws = 0;
      this.resume({});
      return;
    }
    if (this.ended !== null) {
      this.resume({ failed: this.ended });
      return;
    }
    if (this.timer === null) {
      const limit = waiting.reply ?? waiting.octets;
      this.timer = this.clock.after(limit * 1000, () => {
        this.timer = null;
        this.connection.timeouts.push({ atUs: this.clock.nowUs, waitedMs: limit });
        this.resume({ failed: 'timeout' });
      });
    }
  }

  answered(reply) {
    const exchange = this.connection.exchanges.find((entry) => entry.reply === null);
    if (exchange !== undefined) {
      exchange.reply = reply;
      exchange.repliedUs = this.clock.nowUs;
    }
  }

  opened() {
    if (this.waiting?.open) this.resume(undefined);
  }

  data(octets) {
    if (this.waiting?.octets !== undefined) this.raws += octets.length;
    else this.reader.push(octets);
    this.serve();
  }

  over(how) {
    this.ended = how;
    if (this.waiting?.open) this.resume({ failed: how });
    else this.serve();
  }

  // What a client does.

  command(line) {
    this.commands([line]);
  }

  commands(lines) {
    for (const line of lines) this.typed(line);
    this.raw(Buffer.from(lines.map((line) => `${line}\r\n`).join(''), 'latin1'));
  }

  /** Notes a command whose octets are sent otherwise. */
  typed(line) {
    const verb = line.split(/[ :]/)[0].toUpperCase();
    this.connection.exchanges.push({ verb, line, sentUs: this.clock.nowUs, reply: null, repliedUs: null });
  }

  raw(octets) {
    this.connection.clientSent.push(octets);
    this.endpoint.write(octets);
  }

  close() {
    this.connection.closedUs ??= this.clock.nowUs;
    this.endpoint.close();
  }

  abort() {
    this.connection.closedUs ??= this.clock.nowUs;
    this.endpoint.abort();
  }

  note(what) {
    this.connection.notes.push({ what, atUs: this.clock.nowUs });
  }

  messageBegins(mail) {
    this.connection.messages.push({
      mail,
      beganUs: this.clock.nowUs,
      endedUs: null,
      reply: null,
      ending: null,
    });
  }

  messageEnds(_mail, attempt, ending) {
    const message = this.connection.messages.at(-1);
    Object.assign(message, {
      endedUs: this.clock.nowUs,
      attempt,
      ending,
      endOffset: 1 + this.endpoint.outgoing.length,
    });
    this.connection.exchanges.push({
      verb: '(end-of-data)',
      line: '.',
      sentUs: this.clock.nowUs,
      reply: null,
      repliedUs: null,
    });
  }

  messageAnswered(_mail, reply) {
    Object.assign(this.connection.messages.at(-1), { reply, answeredUs: this.clock.nowUs });
  }
}

export const PLAIN_SETTINGS = {
  near: {},
  far: {},
  between: {},
  box: null,
  packetBox: null,
  translation: null,
  boxStack: null,
  serverSettings: {},
  clientTcp: {},
  serverTcp: {},
  attempts: 3,
  typed: false,
  /** Also where the server's machine has nothing on the port. */
  nothingListens: false,
  port: 25,
};

/**
 * Runs one conversation to its end.
 *
 * @param settings  `random`, `startUs`, `client` and `server` (programs), `clientIp`, `serverIp`, `host`, `domain`, `plan`
 * @param taps  `outside` (towards the client) and `inside` (towards the server), each may be null
 */
export function converse(settings, taps, numbering) {
  const all = { ...PLAIN_SETTINGS, ...settings };
  const { random } = all;
  const clock = new Clock(all.startUs);
  const clientStack = STACKS[all.clientStack ?? CLIENTS[all.client]?.stack ?? 'linux'];
  const serverStack = STACKS[all.serverStack ?? SERVERS[all.server].stack];
  const client = new Machine(all.clientIp, clientStack, random.fork());
  const server = new Machine(all.translation?.server ?? all.serverIp, serverStack, random.fork());
  const own = boxStack(all, random);
  const conversation = {
    ...all,
    clock,
    connections: [],
    acts: [],
    linkActs: [],
    outcome: null,
    serverSeen: [],
  };
  let attempt = 0;

  const connect = () => {
    const connection = {
      number: numbering.next++,
      attempt,
      clientPort: random.whole(32_768, 60_999),
      openedUs: clock.nowUs,
      acts: [],
      exchanges: [{ verb: '(greeting)', line: null, sentUs: clock.nowUs, reply: null, repliedUs: null }],
      messages: [],
      clientSent: [],
      serverSent: [],
      timeouts: [],
      notes: [],
      failed: null,
      closedUs: null,
      serverMessages: [],
    };
    conversation.connections.push(connection);
    begin(connection, attempt);
  };

  const begin = (connection, number) => {
    const tcp = wire(conversation, connection, { clock, random, client, server, own, taps });
    const driver = new ClientDriver(clock, random, connection);
    tcp.driver = driver;
    const { endpoint } = tcp;
    connection.endpoints = tcp;
    const script = all.typed ? typeByHand : sendMail;
    driver.begin(script(driver, all.client, all.plan, number), endpoint, (outcome) => {
      connection.outcome = outcome;
      finished(outcome);
    });
    endpoint.open();
  };

  const finished = (outcome) => {
    conversation.outcome = outcome;
    attempt++;
    if (outcome === 'delivered' || outcome === 'bounced' || attempt >= all.attempts) return;
    const waits = all.plan.habits?.retryMs ?? CLIENTS[all.client]?.retryMs ?? [60_000];
    const wait = waits[Math.min(attempt - 1, waits.length - 1)];
    clock.after(wait * 1000 * random.between(0.98, 1.03), connect);
  };

  connect();
  clock.run();
  conversation.endUs = clock.nowUs;
  for (const connection of conversation.connections) {
    const { endpoint, serverEndpoint } = connection.endpoints;
    connection.clientGot = Buffer.concat(endpoint.received);
    connection.serverGot = Buffer.concat(serverEndpoint.received);
    connection.clientSent = Buffer.concat(connection.clientSent);
    connection.serverSent = Buffer.concat(connection.serverSent);
    for (const message of connection.messages) {
      message.acknowledged = message.endOffset !== undefined && endpoint.unacknowledged >= message.endOffset;
    }
    connection.opened = endpoint.peerInitial !== null;
    conversation.acts.push(...connection.acts.map((act) => ({ ...act, connection })));
    connection.endpoints = null;
  }
  conversation.clock = null;
  return conversation;
}

/** How packets of the box's own look. */
function boxStack(all, random) {
  let id = random.whole(0, 0xffff);
  return {
    ttl: 255,
    window: 4096,
    dontFragment: false,
    ip: all.boxIp ?? all.serverIp,
    identification: () => {
      id = (id + random.whole(1, 900)) & 0xffff;
      return id;
    },
    ...all.boxStack,
  };
}

/** Both ends, the way between them, and the server program behind. */
function wire(conversation, connection, { clock, random, client, server, own, taps }) {
  const all = conversation;
  const acts = connection.acts;
  const link = (options) => {
    const made = new Link(clock, random.fork(), options);
    made.acts = conversation.linkActs;
    return made;
  };
  const elements = [link(all.near)];
  if (taps.outside) elements.push(new TapPoint(clock, taps.outside, connection.number));
  elements.push(link({ delayUs: 60, ...all.between }));
  const inspection = all.box ? all.box.session(acts, clock) : null;
  if (inspection) elements.push(new InlineBox(clock, inspection, own, acts));
  if (all.packetBox) elements.push(new PacketBox(clock, all.packetBox, own, acts));
  let farClient = client.ip;
  if (all.translation) {
    const shifts = all.translation.randomises ? [random.whole(1e6, 4e9), random.whole(1e6, 4e9)] : [0, 0];
    const port = all.translation.port ? random.whole(1024, 65_000) : null;
    const { server: address, client: translated, keepsSack } = all.translation;
    elements.push(
      new Translation({ server: address, client: translated, port, shifts, keepsSack }, acts, clock),
    );
    farClient = translated ?? farClient;
    connection.translated = { server: address ?? null, client: translated ?? null, port, shifts };
  }
  elements.push(link({ delayUs: 60 }));
  if (taps.inside) elements.push(new TapPoint(clock, taps.inside, connection.number));
  elements.push(link(all.far));
  const path = new Path(clock, elements);

  const tcp = { driver: null };
  tcp.endpoint = new Endpoint(
    clock,
    client,
    { ip: client.ip, port: connection.clientPort },
    { ip: all.translation?.server ? all.publicIp : server.ip, port: all.port },
    (packet) => path.fromClient(packet),
    {
      open: () => {
        connection.establishedUs = clock.nowUs;
        tcp.driver.opened();
      },
      data: (octets) => tcp.driver.data(octets),
      end: () => {
        connection.serverClosedUs ??= clock.nowUs;
        tcp.driver.over('closed');
      },
      reset: () => {
        // A reset of what the client has closed already means nothing.
        if (connection.closedUs === null) connection.resetUs = clock.nowUs;
        tcp.driver.over('reset');
      },
      failed: (how) => {
        connection.failed = how;
        tcp.driver.over(how);
      },
    },
    all.clientTcp,
  );
  path.client = tcp.endpoint;

  let session = null;
  const serverSettings = {
    ...all.serverSettings,
    ...(all.perAttempt ? all.perAttempt(connection.attempt, connection) : {}),
    domain: all.domain,
    at: {
      host: all.host,
      random: random.fork(),
      // What a machine says of itself is the same on every connection.
      own: new Random(server.ip),
      date: stamp(clock.nowUs),
      nowUs: clock.nowUs,
      peer: 'unknown',
      peerAddress: dotted(farClient),
    },
  };
  tcp.serverEndpoint = new Endpoint(
    clock,
    server,
    { ip: server.ip, port: all.port },
    { ip: 0, port: 0 },
    (packet) => path.fromServer(packet),
    {
      open: () => session.start(),
      data: (octets) => session.octets(octets),
      end: () => tcp.serverEndpoint.close(),
      reset: () => {
        connection.serverResetUs = clock.nowUs;
      },
      failed: () => {},
    },
    all.serverTcp,
  );
  session = new ServerSession(all.server, serverSettings, {
    send: (octets) => {
      if (tcp.serverEndpoint.state === 'dead') return;
      connection.serverSent.push(octets);
      tcp.serverEndpoint.write(octets);
    },
    close: () => tcp.serverEndpoint.close(),
    abort: () => tcp.serverEndpoint.abort(),
    after: (ms, act) => clock.after(ms * 1000, act),
    tls: (octets) => serverTls(tcp, connection, octets, random),
    note: (what) => {
      if (what.kind === 'message') connection.serverMessages.push({ ...what, atUs: clock.nowUs });
    },
  });
  path.server = {
    receive: (packet) => {
      if (all.nothingListens) {
        refuseConnection(path, server, packet);
        return;
      }
      const { remote } = tcp.serverEndpoint;
      if (tcp.serverEndpoint.state === 'closed' && !packet.icmp)
        Object.assign(remote, { ip: packet.source, port: packet.sourcePort });
      if (packet.icmp || packet.sourcePort === remote.port) tcp.serverEndpoint.receive(packet);
    },
  };
  return tcp;
}

function refuseConnection(path, server, packet) {
  if (packet.flags !== 0x02) return;
  path.fromServer({
    ...packet,
    source: packet.destination,
    destination: packet.source,
    sourcePort: packet.destinationPort,
    destinationPort: packet.sourcePort,
    seq: 0,
    ack: (packet.seq + 1) >>> 0,
    flags: 0x14,
    window: 0,
    options: {},
    ttl: server.stack.ttl,
    identification: 0,
  });
}

/** The server's half of what looks like TLS: one flight of records for each of the client's. */
function serverTls(tcp, connection, octets, random) {
  const answer = (type, length) =>
    Buffer.concat([Buffer.from([type, 3, 3, length >> 8, length & 255]), random.octets(length)]);
  const sane = octets[0] >= 20 && octets[0] <= 23 && octets[1] === 3;
  let reply;
  if (!sane) reply = Buffer.from([21, 3, 1, 0, 2, 2, 10]);
  else if (connection.tlsBegun) reply = answer(octets[0] === 22 ? 22 : 23, random.whole(40, 200));
  else reply = Buffer.concat([answer(22, 80), answer(22, random.whole(800, 2200))]);
  connection.tlsBegun = true;
  connection.serverSent.push(reply);
  tcp.serverEndpoint.write(reply);
  if (!sane) tcp.serverEndpoint.close();
}
