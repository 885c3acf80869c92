/**
 * One end of a TCP connection, small but whole: handshake with options, cumulative and selective acknowledgements,
 * retransmission with back-off, delayed acknowledgements, orderly and abortive close. RFC 9293, 7323, 2018, 6298.
 *
 * Offsets inside count from the initial sequence number and are never reduced; the SYN takes offset 0, data begins at 1.
 */
import { ACK, EMPTY, FIN, PSH, RST, SYN } from './packet.mjs';

const DELAYED_ACK_US = 40_000;
const LONGEST_RTO_US = 60_000_000;
const WINDOW = 64_240;

/** Stacks as they look on the wire. Hop limit, options and the layout of a SYN differ; so does how IP ID counts. */
export const STACKS = {
  linux: {
    ttl: 64,
    layout: 'linux',
    time: true,
    sack: true,
    scale: 7,
    ids: 'counts',
    tries: 8,
    window: WINDOW,
  },
  windows: {
    ttl: 128,
    layout: 'windows',
    time: false,
    sack: true,
    scale: 8,
    ids: 'counts',
    tries: 5,
    window: 65_535,
  },
  bsd: { ttl: 64, layout: 'bsd', time: true, sack: true, scale: 6, ids: 'random', tries: 8, window: 65_535 },
  old: {
    ttl: 255,
    layout: 'plain',
    time: false,
    sack: false,
    scale: null,
    ids: 'counts',
    tries: 6,
    window: 8760,
  },
  windowsOld: {
    ttl: 128,
    layout: 'windows',
    time: false,
    sack: true,
    scale: null,
    ids: 'counts',
    tries: 5,
    window: 17_520,
  },
};

/** What a machine shares over its connections. */
export class Machine {
  constructor(ip, stack, random) {
    this.ip = ip;
    this.stack = stack;
    this.random = random;
    this.nextId = random.whole(0, 0xffff);
    this.timeBase = random.whole(1, 0x3fffffff);
  }

  identification() {
    if (this.stack.ids === 'random') return this.random.whole(0, 0xffff);
    this.nextId = (this.nextId + 1) & 0xffff;
    return this.nextId;
  }

  /** The clock of the timestamp option, in milliseconds. */
  ticks(nowUs) {
    return (this.timeBase + Math.floor((nowUs % 1e12) / 1000)) >>> 0;
  }
}

export class Endpoint {
  /** @param send  takes a packet @param events  `open`, `data`, `end`, `reset`, `failed`; all optional */
  constructor(clock, machine, local, remote, send, events, settings = {}) {
    Object.assign(this, { clock, machine, local, remote, events });
    this.transmit = send;
    const { stack } = machine;
    this.ownMss = settings.mss ?? 1460;
    this.ignoresMss = settings.ignoresMss ?? null;
    this.nagle = settings.nagle ?? false;
    this.tries = settings.tries ?? stack.tries;
    this.initial = machine.random.whole(0, 0xffffffff);
    this.state = 'closed';
    this.mss = 536;
    this.time = stack.time;
    this.sack = stack.sack;
    this.scaled = stack.scale !== null;
    this.peerInitial = null;
    this.peerTime = 0;
    /** Octets to send, from offset 1. */
    this.outgoing = EMPTY;
    this.pieces = [];
    this.unacknowledged = 0;
    this.next = 0;
    this.finAt = null;
    this.highest = 0;
    this.window = 64_240;
    this.congestion = 10;
    /** Octets received in order, up to this offset. */
    this.expected = 0;
    this.early = [];
    this.peerFin = null;
    this.rtoUs = 1_000_000;
    this.failures = 0;
    this.duplicateAcks = 0;
    this.recovering = undefined;
    this.timer = null;
    this.delayed = null;
    this.received = [];
    this.sacked = [];
  }

  open() {
    this.state = 'opening';
    this.next = 1;
    this.synSentUs = this.clock.nowUs;
    this.sendSyn();
    this.arm();
  }

  sendSyn() {
    const { stack } = this.machine;
    const options = { mss: this.ownMss };
    if (this.scaled) options.scale = stack.scale;
    if (this.sack) options.sackPermitted = true;
    if (this.time) options.time = [this.machine.ticks(this.clock.nowUs), this.peerTime];
    this.packet(this.peerInitial === null ? SYN : SYN | ACK, 0, EMPTY, options);
  }

  packet(flags, offset, payload, options) {
    const { machine, local, remote } = this;
    const chosen = options ?? {};
    if (options === undefined) {
      if (this.time) chosen.time = [machine.ticks(this.clock.nowUs), this.peerTime];
      if (this.sack && this.early.length > 0) chosen.sack = this.blocks();
    }
    const acknowledges = (flags & ACK) !== 0;
    if (acknowledges && this.delayed !== null) {
      this.delayed.act = null;
      this.delayed = null;
    }
    const scale = this.scaled && (flags & SYN) === 0 ? machine.stack.scale : 0;
    this.transmit({
      source: local.ip,
      destination: remote.ip,
      sourcePort: local.port,
      destinationPort: remote.port,
      seq: (this.initial + offset) >>> 0,
      ack: acknowledges ? (this.peerInitial + this.acknowledgement()) >>> 0 : 0,
      flags,
      window: Math.min(0xffff, machine.stack.window >> Math.min(scale, 4)),
      options: chosen,
      layout: machine.stack.layout,
      payload,
      ttl: machine.stack.ttl,
      identification: machine.identification(),
      dontFragment: true,
      flip: null,
    });
  }

  acknowledgement() {
    return this.peerFin !== null && this.peerFin === this.expected ? this.expected + 1 : this.expected;
  }

  /** The newest three ranges beyond the hole. */
  blocks() {
    return this.early
      .slice(0, 3)
      .map(({ from, payload }) => [
        (this.peerInitial + from) >>> 0,
        (this.peerInitial + from + payload.length) >>> 0,
      ]);
  }

  write(octets) {
    if (this.state === 'dead' || octets.length === 0) return;
    this.outgoing = this.outgoing.length === 0 ? octets : Buffer.concat([this.outgoing, octets]);
    this.pump();
  }

  /** FIN behind all that was written. */
  close() {
    if (this.finAt !== null || this.state === 'dead') return;
    this.finAt = 1 + this.outgoing.length;
    this.pump();
  }

  abort() {
    if (this.state === 'dead' || this.state === 'closed') return;
    if (this.peerInitial !== null) this.packet(RST | ACK, this.next, EMPTY);
    this.die();
  }

  die() {
    this.state = 'dead';
    this.disarm();
    if (this.delayed !== null) this.delayed.act = null;
  }

  segmentLimit() {
    return this.ignoresMss ?? this.mss - (this.time ? 12 : 0);
  }

  pump() {
    if (this.state !== 'open') return;
    const end = 1 + this.outgoing.length;
    const limit = this.segmentLimit();
    while (this.next < end) {
      const room = Math.min(this.window, this.congestion * limit) - (this.next - this.unacknowledged);
      const length = Math.min(limit, end - this.next, room);
      if (length <= 0) break;
      if (this.nagle && length < limit && this.next > this.unacknowledged && this.finAt === null) break;
      if (length < limit && length < end - this.next) break;
      this.sendData(this.next, length);
      this.next += length;
      this.highest = Math.max(this.highest, this.next);
    }
    if (this.finAt !== null && this.next === this.finAt) {
      this.packet(FIN | ACK, this.finAt, EMPTY);
      this.next = this.finAt + 1;
      this.highest = Math.max(this.highest, this.next);
    }
    if (this.unacknowledged < this.next) this.arm();
  }

  sendData(offset, length) {
    const payload = Buffer.from(this.outgoing.subarray(offset - 1, offset - 1 + length));
    const last = offset + length === 1 + this.outgoing.length;
    this.packet(last ? PSH | ACK : ACK, offset, payload);
  }

  arm() {
    if (this.timer !== null) return;
    this.timer = this.clock.after(this.rtoUs, () => {
      this.timer = null;
      this.timedOut();
    });
  }

  disarm() {
    if (this.timer !== null) this.timer.act = null;
    this.timer = null;
  }

  timedOut() {
    if (this.state === 'dead' || this.unacknowledged >= this.next) return;
    this.failures++;
    if (this.failures > this.tries) {
      const opening = this.state !== 'open';
      this.die();
      this.events.failed?.(opening ? 'not-opened' : 'timed-out');
      return;
    }
    this.rtoUs = Math.min(LONGEST_RTO_US, this.rtoUs * 2);
    this.congestion = 1;
    this.recovering = this.next;
    this.retransmit();
    this.arm();
  }

  /** The oldest segment, cut anew: what was two small segments may now be one. */
  retransmit() {
    if (this.state === 'opening' || this.unacknowledged === 0) {
      this.sendSyn();
      return;
    }
    const end = Math.min(1 + this.outgoing.length, this.next);
    const held = this.sacked.find(([from]) => from > this.unacknowledged);
    const stop = held === undefined ? end : Math.min(end, held[0]);
    const length = Math.min(this.segmentLimit(), stop - this.unacknowledged);
    if (length > 0) this.sendData(this.unacknowledged, length);
    else if (this.finAt === this.unacknowledged) this.packet(FIN | ACK, this.finAt, EMPTY);
  }

  receive(packet) {
    if (packet.flip !== null) return;
    if (this.state === 'dead') {
      if ((packet.flags & RST) === 0 && this.peerInitial !== null) this.refuse(packet);
      return;
    }
    if (packet.icmp) {
      if (packet.icmp.code === 4 && packet.icmp.mtu > 0) this.shrink(packet.icmp.mtu - 40);
      if (packet.icmp.code !== 4 && this.state === 'opening') {
        this.die();
        this.events.failed?.('not-opened');
      }
      return;
    }
    if (this.state === 'closed' && packet.flags === SYN) this.accept(packet);
    else if (this.state === 'opening') this.opening(packet);
    else if (this.state === 'accepting' || this.state === 'open') this.established(packet);
  }

  /** Fragmentation was needed (RFC 1191): smaller segments from now on. */
  shrink(mss) {
    if (mss >= this.mss) return;
    this.mss = mss;
    this.recovering = this.next;
    this.retransmit();
  }

  /** What no connection wants is answered with a reset (RFC 9293 section 3.10.7.1). */
  refuse(packet) {
    const end = packet.payload.length + ((packet.flags & (SYN | FIN)) !== 0 ? 1 : 0);
    const { initial, peerInitial } = this;
    this.peerInitial = packet.seq;
    this.initial = packet.ack;
    const { expected, peerFin, early } = this;
    this.expected = end;
    this.peerFin = null;
    this.early = [];
    this.packet(packet.flags & ACK ? RST : RST | ACK, 0, EMPTY, {});
    Object.assign(this, { initial, peerInitial, expected, peerFin, early });
  }

  agree(packet) {
    const { options } = packet;
    this.peerInitial = packet.seq;
    this.expected = 1;
    this.mss = Math.min(options.mss ?? 536, this.ownMss);
    this.time = this.time && options.time !== undefined;
    this.sack = this.sack && options.sackPermitted === true;
    this.scaled = this.scaled && options.scale !== undefined;
    if (this.time) this.peerTime = options.time[0];
  }

  accept(packet) {
    this.agree(packet);
    this.state = 'accepting';
    this.next = 1;
    this.sendSyn();
    this.arm();
  }

  opening(packet) {
    if ((packet.flags & RST) !== 0) {
      if ((packet.ack - this.initial) >>> 0 !== 1) return;
      this.die();
      this.events.failed?.('refused');
      return;
    }
    if ((packet.flags & (SYN | ACK)) !== (SYN | ACK) || (packet.ack - this.initial) >>> 0 !== 1) return;
    this.agree(packet);
    this.opened();
    this.packet(ACK, 1, EMPTY);
  }

  opened() {
    this.state = 'open';
    this.unacknowledged = 1;
    this.failures = 0;
    this.rtoUs = 300_000;
    this.disarm();
    this.events.open?.();
    this.pump();
  }

  established(packet) {
    const offset = this.expected + ((packet.seq - (this.peerInitial + this.expected)) | 0);
    if ((packet.flags & RST) !== 0) {
      if (offset !== this.acknowledgement()) return;
      this.die();
      this.events.reset?.();
      return;
    }
    if ((packet.flags & SYN) !== 0) {
      this.packet(ACK, this.next, EMPTY);
      return;
    }
    if (packet.options.time) {
      if (this.time && offset <= this.expected) this.peerTime = packet.options.time[0];
    }
    this.acknowledged(packet);
    if (this.state !== 'open') return;
    const held = packet.payload.length > 0 || (packet.flags & FIN) !== 0;
    if (held) this.take(offset, packet);
    else if (offset < this.acknowledgement()) this.packet(ACK, this.next, EMPTY);
  }

  acknowledged(packet) {
    const offset = this.unacknowledged + ((packet.ack - (this.initial + this.unacknowledged)) | 0);
    if (offset > this.highest && this.state === 'open') return;
    if (this.state === 'accepting') {
      if (offset !== 1) return;
      this.opened();
      return;
    }
    this.sacked = (packet.options.sack ?? [])
      .map(([from, to]) => [
        this.unacknowledged + ((from - (this.initial + this.unacknowledged)) | 0),
        this.unacknowledged + ((to - (this.initial + this.unacknowledged)) | 0),
      ])
      .filter(([from, to]) => from >= offset && to <= this.highest)
      .sort(([one], [other]) => one - other);
    if (offset > this.unacknowledged) {
      this.unacknowledged = offset;
      this.next = Math.max(this.next, offset);
      this.failures = 0;
      this.duplicateAcks = 0;
      this.rtoUs = 300_000;
      this.congestion = Math.min(44, this.congestion + 2);
      this.disarm();
      if (this.unacknowledged < this.next) {
        this.arm();
        // A partial acknowledgement after a loss: what is missing is the next hole.
        if (this.recovering !== undefined && offset < this.recovering) this.retransmit();
      }
      if (this.recovering !== undefined && offset >= this.recovering) this.recovering = undefined;
      if (this.finAt !== null && offset > this.finAt) this.events.finished?.();
      this.pump();
    } else if (packet.payload.length === 0 && this.unacknowledged < this.next && (packet.flags & FIN) === 0) {
      this.duplicateAcks++;
      if (this.duplicateAcks === 3) {
        this.recovering = this.next;
        this.retransmit();
      }
    }
  }

  take(offset, packet) {
    const end = offset + packet.payload.length;
    if ((packet.flags & FIN) !== 0) this.peerFin = end;
    if (end <= this.expected && packet.payload.length > 0) {
      this.packet(ACK, this.next, EMPTY);
      return;
    }
    if (offset > this.expected) {
      if (packet.payload.length > 0 && !this.early.some(({ from }) => from === offset)) {
        this.early.push({ from: offset, payload: packet.payload });
        this.early.sort((one, other) => one.from - other.from);
      }
      this.packet(ACK, this.next, EMPTY);
      return;
    }
    const fresh = [packet.payload.subarray(this.expected - offset)];
    this.expected = Math.max(this.expected, end);
    const gap = this.early.length > 0;
    while (this.early.length > 0 && this.early[0].from <= this.expected) {
      const { from, payload } = this.early.shift();
      if (from + payload.length <= this.expected) continue;
      fresh.push(payload.subarray(this.expected - from));
      this.expected = from + payload.length;
    }
    const octets = fresh.length === 1 ? fresh[0] : Buffer.concat(fresh);
    const ended = this.peerFin !== null && this.peerFin === this.expected && !this.ended;
    if (ended || gap || packet.payload.length === 0) this.packet(ACK, this.next, EMPTY);
    else if (this.delayed === null) {
      this.delayed = this.clock.after(DELAYED_ACK_US, () => {
        this.delayed = null;
        if (this.state === 'open') this.packet(ACK, this.next, EMPTY);
      });
    } else this.packet(ACK, this.next, EMPTY);
    if (octets.length > 0) {
      this.received.push(octets);
      this.events.data?.(octets);
    }
    if (ended) {
      this.ended = true;
      this.events.end?.();
    }
  }
}
