/** The way between two machines: links, taps, translation, and the box. Elements stand in order from client to server. */

import { ACK, EMPTY, FIN, PSH, RST, SYN } from './packet.mjs';
import { StreamEdit } from './stream-edit.mjs';

export class Path {
  constructor(clock, elements) {
    this.clock = clock;
    this.elements = elements;
    this.client = null;
    this.server = null;
    elements.forEach((element, index) => {
      element.onward = (packet, fromClient) =>
        this.step(packet, fromClient, fromClient ? index + 1 : index - 1);
    });
  }

  step(packet, fromClient, index) {
    if (index < 0) this.client?.receive(packet);
    else if (index >= this.elements.length) this.server?.receive(packet);
    else this.elements[index].pass(packet, fromClient);
  }

  fromClient(packet) {
    this.step(packet, true, 0);
  }

  fromServer(packet) {
    this.step(packet, false, this.elements.length - 1);
  }
}

/** A stretch of network: routers, delay, loss, reordering, bit errors, a maximum size. */
export class Link {
  constructor(
    clock,
    random,
    {
      delayUs = 500,
      hops = 0,
      loss = 0,
      reorder = 0,
      errors = 0,
      mtu = 1500,
      silent = false,
      router = 0,
    } = {},
  ) {
    Object.assign(this, { clock, random, delayUs, hops, loss, reorder, errors, mtu, silent, router });
    this.lastArrival = [0, 0];
    this.acts = [];
  }

  pass(packet, fromClient) {
    const { clock, random } = this;
    const size = 40 + (packet.options.time ? 12 : 0) + packet.payload.length;
    if (size > this.mtu) {
      this.acts.push({ kind: 'too-big', atUs: clock.nowUs, fromClient, octets: size });
      if (!this.silent) this.tooBig(packet, fromClient);
      return;
    }
    if (this.loss > 0 && random.next() * 100 < this.loss) {
      this.acts.push({ kind: 'lost', atUs: clock.nowUs, fromClient });
      return;
    }
    let onward = this.hops === 0 ? packet : { ...packet, ttl: Math.max(1, packet.ttl - this.hops) };
    if (this.errors > 0 && packet.payload.length > 0 && random.next() * 100 < this.errors) {
      onward = { ...onward, flip: random.whole(0, packet.payload.length - 1) };
      this.acts.push({ kind: 'bit-error', atUs: clock.nowUs, fromClient });
    }
    let delay = this.delayUs * (1 + random.next() * 0.05);
    const late = this.reorder > 0 && random.next() * 100 < this.reorder;
    if (late) delay += this.delayUs * 0.5 + 3000;
    const side = fromClient ? 0 : 1;
    const arrival = late ? clock.nowUs + delay : Math.max(clock.nowUs + delay, this.lastArrival[side] + 5);
    if (!late) this.lastArrival[side] = arrival;
    clock.after(arrival - clock.nowUs, () => this.onward(onward, fromClient));
  }

  /** ICMP: fragmentation needed (RFC 1191). */
  tooBig(packet, fromClient) {
    this.onward(icmpAbout(packet, this.router, { type: 3, code: 4, mtu: this.mtu }), !fromClient);
  }
}

/** An ICMP error that quotes the packet, on its way back to its sender. */
export function icmpAbout(packet, router, { type, code, mtu }) {
  return {
    source: router,
    destination: packet.source,
    sourcePort: packet.destinationPort,
    destinationPort: packet.sourcePort,
    ttl: 254,
    identification: packet.identification ^ 0x2a2a,
    dontFragment: false,
    payload: EMPTY,
    flags: 0,
    flip: null,
    options: {},
    icmp: { type, code, mtu, quoted: packet },
  };
}

export class TapPoint {
  constructor(clock, tap, connection) {
    Object.assign(this, { clock, tap, connection });
  }

  pass(packet, fromClient) {
    this.tap.note(this.clock.nowUs, packet, fromClient, this.connection);
    this.onward(packet, fromClient);
  }
}

/** Addresses, ports and sequence numbers as the inside sees them; timestamps and hop limits pass. */
export class Translation {
  constructor(
    { server = null, client = null, port = null, shifts = [0, 0], keepsSack = false },
    acts,
    clock,
  ) {
    Object.assign(this, { server, client, port, shifts, keepsSack, acts, clock });
    this.outside = null;
  }

  pass(packet, fromClient) {
    if (this.outside === null) {
      this.outside = { client: packet.source, port: packet.sourcePort, server: packet.destination };
    }
    const [own, other] = fromClient ? this.shifts : [this.shifts[1], this.shifts[0]];
    const sign = fromClient ? 1 : -1;
    // Inside numbers are outside numbers plus the shift of the side that chose them.
    const moved = {
      ...packet,
      seq: (packet.seq + sign * own) >>> 0,
      ack: packet.flags & ACK ? (packet.ack + sign * other) >>> 0 : packet.ack,
    };
    if (packet.options.sack && other !== 0) {
      if (this.keepsSack) this.acts.push({ kind: 'sack-kept', atUs: this.clock.nowUs, fromClient });
      else {
        const sack = packet.options.sack.map((edges) => edges.map((edge) => (edge + sign * other) >>> 0));
        moved.options = { ...packet.options, sack };
      }
    }
    const { outside } = this;
    if (fromClient) {
      moved.source = this.client ?? packet.source;
      moved.sourcePort = this.port ?? packet.sourcePort;
      moved.destination = this.server ?? packet.destination;
    } else {
      moved.destination = outside.client;
      moved.destinationPort = outside.port;
      if (!packet.icmp) moved.source = outside.server;
    }
    this.onward(moved, fromClient);
  }
}

/** A box that stands in the way of one connection and edits what passes. */
export class InlineBox {
  /** @param own  stack of the box: `ttl`, `window`, `identification()` */
  constructor(clock, inspection, own, acts) {
    Object.assign(this, { clock, inspection, own, acts });
    this.client = new StreamEdit();
    this.server = new StreamEdit();
    this.clientBase = null;
    this.serverBase = null;
    this.dead = false;
    this.answered = null;
  }

  pass(packet, fromClient) {
    if (packet.icmp) {
      this.onward(packet, fromClient);
      return;
    }
    if (packet.flip !== null || this.dead) return;
    if ((packet.flags & SYN) !== 0) {
      if (fromClient) {
        this.clientBase = (packet.seq + 1) >>> 0;
        this.headers = [packet, null];
      } else {
        this.serverBase = (packet.seq + 1) >>> 0;
        if (this.headers) this.headers[1] = packet;
      }
      this.onward(packet, fromClient);
      return;
    }
    if (this.clientBase === null || this.serverBase === null) {
      this.onward(packet, fromClient);
      return;
    }
    const [stream, base, other, otherBase] = fromClient
      ? [this.client, this.clientBase, this.server, this.serverBase]
      : [this.server, this.serverBase, this.client, this.clientBase];
    const offset = (packet.seq - base) | 0;
    const { length } = packet.payload;
    const end = offset + length;
    if (length > 0) {
      if (offset > stream.incoming) return;
      if (end > stream.incoming) {
        const from = stream.incoming;
        const fresh = packet.payload.subarray(from - offset);
        const result = fromClient
          ? this.inspection.fromClient(fresh, from)
          : this.inspection.fromServer(fresh, from);
        if (result.reset) {
          this.reset(packet, fromClient);
          return;
        }
        if (result.drop) return;
        for (const { before, after } of result.pieces) stream.add(before, after);
        for (const answer of result.answers) this.answer(answer, packet);
        if (result.ate) this.spoken(EMPTY, packet);
      } else if (fromClient && this.answered !== null && end === this.answered.end) {
        this.spokenAgain(packet);
      }
    }
    const begin = stream.image(Math.max(0, offset));
    const payload = length === 0 ? EMPTY : Buffer.from(stream.out.subarray(begin, stream.image(end, true)));
    if (length > 0 && payload.length === 0 && (packet.flags & FIN) === 0) return;
    const seq = length === 0 && offset < 0 ? packet.seq : (base + begin) >>> 0;
    const acknowledged = (packet.ack - otherBase) | 0;
    // One more than all octets: the FIN.
    const ack =
      packet.flags & ACK && acknowledged >= 0 ? (otherBase + other.preimage(acknowledged)) >>> 0 : packet.ack;
    this.onward(
      { ...packet, payload, seq, ack, options: this.moved(packet.options, other, otherBase) },
      fromClient,
    );
  }

  moved(options, other, otherBase) {
    if (!options.sack || other.runs.every(({ equal }) => equal)) return options;
    const sack = options.sack.map((edges) =>
      edges.map((edge) => (otherBase + other.preimage((edge - otherBase) | 0)) >>> 0),
    );
    return { ...options, sack };
  }

  /** A reply in the server's name, from the box's own stack. */
  answer(octets, packet) {
    const offset = this.server.out.length;
    this.acts.push({
      kind: 'answered',
      atUs: this.clock.nowUs,
      direction: 'server',
      offset: this.server.incoming,
      before: EMPTY,
      after: octets,
    });
    this.server.add(0, octets);
    this.answered = { end: this.client.incoming, offset, octets };
    this.spoken(octets, packet, offset);
  }

  spokenAgain(packet) {
    this.spoken(this.answered.octets, packet, this.answered.offset);
  }

  spoken(octets, packet, offset = this.server.out.length) {
    this.onward(
      this.written(
        packet,
        false,
        octets.length > 0 ? PSH | ACK : ACK,
        (this.serverBase + offset) >>> 0,
        octets,
      ),
      false,
    );
  }

  /** A packet of the box's own, towards the client or the server. */
  written(packet, towardsServer, flags, seq, payload) {
    const same = towardsServer === (packet.destinationPort === 25 || packet.destinationPort === 587);
    const { own } = this;
    const [source, destination] = same
      ? [packet.source, packet.destination]
      : [packet.destination, packet.source];
    const [sourcePort, destinationPort] = same
      ? [packet.sourcePort, packet.destinationPort]
      : [packet.destinationPort, packet.sourcePort];
    const ack = towardsServer
      ? (this.serverBase + this.server.preimage((packet.ack - this.serverBase) | 0)) >>> 0
      : (this.clientBase + this.client.incoming) >>> 0;
    return {
      source,
      destination,
      sourcePort,
      destinationPort,
      seq,
      ack,
      flags,
      window: own.window,
      options: {},
      layout: 'plain',
      payload,
      ttl: own.ttl,
      identification: own.identification(),
      dontFragment: own.dontFragment,
      flip: null,
    };
  }

  /** Both ends get a reset they believe. */
  reset(packet, fromClient) {
    this.dead = true;
    const clientNext = (this.clientBase + this.client.out.length) >>> 0;
    const acknowledged = fromClient ? packet.ack : (this.serverBase + this.server.out.length) >>> 0;
    this.onward(this.written(packet, false, RST | ACK, acknowledged, EMPTY), false);
    this.onward(this.written(packet, true, RST | ACK, clientNext, EMPTY), true);
  }
}

/** A box that lets dialogues be and meddles with packets. */
export class PacketBox {
  constructor(clock, settings, own, acts) {
    Object.assign(this, { clock, settings, own, acts });
    this.mss = [1460, 1460];
    this.count = 0;
  }

  pass(packet, fromClient) {
    const { settings, clock } = this;
    const { block, overMss, forgedReset } = settings;
    if (packet.icmp) {
      this.onward(packet, fromClient);
      return;
    }
    if (block && fromClient && packet.flags === SYN) {
      this.acts.push({ kind: 'blocked', atUs: clock.nowUs, how: block });
      if (block === 'reset') this.onward(this.refusal(packet), false);
      if (block === 'icmp') this.onward(icmpAbout(packet, this.own.ip, { type: 3, code: 13 }), false);
      return;
    }
    if ((packet.flags & SYN) !== 0 && packet.options.mss) this.mss[fromClient ? 0 : 1] = packet.options.mss;
    if (overMss && packet.payload.length > this.mss[fromClient ? 1 : 0]) {
      this.acts.push({ kind: 'over-mss', atUs: clock.nowUs, octets: packet.payload.length, fromClient });
      return;
    }
    this.onward(packet, fromClient);
    if (forgedReset && packet.payload.length > 0 && ++this.count === forgedReset) {
      this.acts.push({ kind: 'reset-forged', atUs: clock.nowUs, fromClient });
      // Beyond any window: neither end believes it.
      const wrong = {
        ...packet,
        ...this.mark(),
        flags: RST,
        payload: EMPTY,
        options: {},
        seq: (packet.seq + 0x30000000) >>> 0,
        ack: 0,
      };
      this.onward(wrong, fromClient);
    }
  }

  mark() {
    const { own } = this;
    return {
      ttl: own.ttl,
      identification: own.identification(),
      window: 0,
      layout: 'plain',
      dontFragment: own.dontFragment,
    };
  }

  refusal(packet) {
    return {
      ...packet,
      ...this.mark(),
      source: packet.destination,
      destination: packet.source,
      sourcePort: packet.destinationPort,
      destinationPort: packet.sourcePort,
      seq: 0,
      ack: (packet.seq + 1) >>> 0,
      flags: RST | ACK,
      options: {},
    };
  }
}
