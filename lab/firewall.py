#!/usr/bin/env python3
"""In-line firewall emulator for the lab: a bridge in user space between two interfaces.

Frames are taken from one AF_PACKET socket and put on the other. Segments of TCP port 25 are edited on
the way: in place, octet for octet, every length kept, the TCP checksum put right again, as PIX and ASA do.
In two modes (pix40, cmap) the box also answers unknown commands itself with a bare `OK` and forwards
nothing; there it shifts the sequence numbers of what follows, as a box that swallows octets must. Behind the
inspection stand, where asked for, NAT and new sequence numbers (translation.py). `--log` keeps a log of every change
(changes.py).
It emulates what public documents say of those boxes; it is not their code.

usage: firewall.py --outside IF --inside IF --mode MODE [--lose N] [--loss PERCENT] [--loss-behind PERCENT]
                   [--distance MS] [--log FILE] [--router] [--nat ADDRESS] [--randomise [--sack-left]]
"""
import argparse
import collections
import random
import select
import socket
import struct
import sys
import time

from changes import Log, text
from inspection import MODES, Dialogue
from segment import ACK, MASK32, PSH, RST, SYN, Segment
from translation import IPV4, Hop, Translation, spoken

UNWANTED = bytes([198, 51, 100, 10])
RECEIVE_BUFFER_FORCE = 33    # SO_RCVBUFFORCE, Linux


class Direction:
    """What passed one way: the octets as edited, so that a retransmission is edited the same way."""

    def __init__(self, first):
        self.first = first      # sequence number of the first octet of data
        self.edited = bytearray()
        self.fresh = None       # (offset, before, after) of what the last segment brought that was new

    def offset(self, seq):
        return (seq - self.first) & MASK32

    def pass_on(self, offset, payload, edit):
        """The edited octets; None for octets behind a hole (TCP will send them again)."""
        self.fresh = None
        if offset > len(self.edited):
            return None
        fresh = offset + len(payload) - len(self.edited)
        if fresh > 0:
            before = payload[len(payload) - fresh:]
            after = edit(before)
            self.fresh = len(self.edited), before, after
            self.edited += after
        return bytes(self.edited[offset:offset + len(payload)])


class Flow:
    def __init__(self, name, mode, lose, log):
        self.name, self.log = name, log
        self.dialogue = Dialogue(mode, lose)
        self.client = None
        self.server = None
        self.taken = 0          # octets the box took out of client > server
        self.added = 0          # octets the box put into server > client
        self.dead = False       # torn down: nothing passes any more
        self.swallowed = None   # (end of the last swallowed segment, the answer to it)

    def passed(self, direction):
        """Tells what was new in the segment that goes on."""
        octets, shift = (self.client, self.taken) if direction == 'client' else (self.server, 0)
        if octets.fresh:
            offset, before, after = octets.fresh
            self.log.altered(self.name, direction, offset + shift, before, after)

    def dropped(self, direction):
        """Tells what was new in the segment that does not."""
        octets, shift = (self.client, self.taken) if direction == 'client' else (self.server, 0)
        if octets.fresh:
            offset, before, _ = octets.fresh
            self.log.write(self.name, direction, 'dropped', offset=offset + shift, length=len(before))

    def drop_all(self, direction, segment):
        """Nothing passes any more."""
        octets, shift = (self.client, self.taken) if direction == 'client' else (self.server, 0)
        octets.pass_on(octets.offset(segment.seq - shift), segment.payload, bytes)
        self.dropped(direction)

    def reset(self, segment):
        """Both ends get a reset, at the client's segment."""
        for direction, end in ('client', self.client.offset(segment.seq)), ('server', self.server.offset(segment.ack)):
            self.log.write(self.name, direction, 'reset', offset=end)

    def swallow(self, segment, ok, answer):
        """The box answers in the server's name, who never hears of it."""
        self.log.write(self.name, 'client', 'removed', offset=self.client.offset(segment.seq), before=text(segment.payload))
        self.log.write(self.name, 'server', 'answered', offset=self.server.offset(segment.ack), after=text(ok))
        self.swallowed = segment.seq + len(segment.payload), answer
        self.taken += len(segment.payload)
        self.added += len(ok)


class Firewall:
    def __init__(self, mode, lose=0, loss=(0, 0), log=None, translation=None):
        self.mode, self.lose, self.loss = mode, [lose], loss
        self.random = random.Random(25)
        self.flows = {}
        self.mss = 536
        self.log = log or Log(None)
        self.translation = translation or Translation(self.log)

    def frame(self, raw, outside):
        """(frames to forward, frames to send back) for one frame."""
        if raw[12:14] != IPV4 or raw[23] != 6:
            return [raw], []
        segment = Segment(raw)
        if (segment.destination if outside else segment.source) != 25:
            return [raw], []
        if self.lost(0):
            return [], []
        if outside:
            forward, back = self.inspect(raw, True)
            forward = [self.translation.inward(frame) for frame in forward]
        else:
            forward, back = self.inspect(self.translation.outward(raw), False)
        return [] if self.lost(1) else forward, back

    def lost(self, n):
        """Lost in front of the box (0) or behind it (1)."""
        return self.loss[n] and self.random.random() * 100 < self.loss[n]

    def inspect(self, raw, outside):
        """The same, with addresses and numbers as the outside sees them."""
        segment = Segment(raw)
        if self.mode in ('none', 'block', 'block-rst', 'rst-unfit', 'mss'):
            return self.handshake(raw, segment, outside)
        client = (raw[26:30], segment.source) if outside else (raw[30:34], segment.destination)
        if outside and segment.flags & SYN:
            self.flows[client] = Flow(spoken(client), self.mode, self.lose, self.log)
            self.flows[client].client = Direction(segment.seq + 1)
        flow = self.flows.get(client)
        if flow is None:
            return [raw], []
        if not outside and segment.flags & SYN:
            flow.server = Direction(segment.seq + 1)
        if flow.server is None:
            return [raw], []
        if flow.dead:
            flow.drop_all('client' if outside else 'server', segment)
            return [], []
        return (self.from_client if outside else self.from_server)(flow, segment)

    def handshake(self, raw, segment, outside):
        """The modes that touch no dialogue."""
        if self.mode.startswith('block') and outside and segment.flags & SYN and raw[26:30] == UNWANTED:
            return [], [segment.answer(RST | ACK, seq=0, ack=segment.seq + 1)] if self.mode == 'block-rst' else []
        if self.mode == 'rst-unfit' and not outside and segment.flags & RST:
            return [segment.rebuilt(ack=segment.ack + 0x2a17c0de)], []
        if self.mode == 'mss' and not outside and segment.flags & SYN:
            self.mss = struct.unpack_from('!H', raw, segment.tcp + 22)[0]
        if self.mode == 'mss' and outside and len(segment.payload) > self.mss:
            return [], []
        return [raw], []

    def from_client(self, flow, segment):
        dialogue, payload = flow.dialogue, None
        seq, ack = segment.seq - flow.taken, segment.ack - flow.added
        if segment.payload:
            offset = flow.client.offset(seq)
            if flow.swallowed and segment.seq + len(segment.payload) == flow.swallowed[0]:
                return [], [flow.swallowed[1]]
            if offset == len(flow.client.edited) and dialogue.box_answers(segment.payload):
                ok = segment.answer(PSH | ACK, b'OK\r\n')
                flow.swallow(segment, b'OK\r\n', ok)
                return [], [ok]
            payload = flow.client.pass_on(offset, segment.payload, dialogue.from_client)
            if payload is None:
                return [], []
            if dialogue.limits and dialogue.limits.crossed:
                flow.dead = True
                flow.dropped('client')
                if self.mode == 'asa-limits-drop':
                    return [], []
                flow.reset(segment)
                return [self.reset(segment, seq, ack)], [segment.answer(RST | ACK, ack=segment.seq)]
            hole = dialogue.hole
            if hole is not None and offset <= hole < offset + len(payload):
                flow.dropped('client')
                if self.mode != 'lost-dot-rst':
                    return [], []
                flow.reset(segment)
                return [self.reset(segment, seq, ack)], [segment.answer(RST | ACK)]
            flow.passed('client')
        return [segment.rebuilt(seq, ack, payload)], []

    @staticmethod
    def reset(segment, seq, ack):
        """A reset in the sender's name."""
        raw = bytearray(segment.raw[:segment.data])
        struct.pack_into('!H', raw, segment.ip + 2, len(raw) - 14)
        raw[segment.tcp + 13] = RST | ACK
        return Segment(bytes(raw)).rebuilt(seq, ack)

    def from_server(self, flow, segment):
        payload = None
        if segment.payload:
            payload = flow.server.pass_on(flow.server.offset(segment.seq), segment.payload, flow.dialogue.from_server)
            if payload is None:
                return [], []
            if flow.dialogue.reply_lost:
                flow.dropped('server')
                return [], []
            flow.passed('server')
        return [segment.rebuilt(segment.seq + flow.added, segment.ack + flow.taken, payload)], []


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument('--outside', required=True)
    parser.add_argument('--inside', required=True)
    parser.add_argument('--mode', choices=MODES, default='none')
    parser.add_argument('--lose', type=int, default=4, help='how many deliveries lose their end (modes lost-*)')
    parser.add_argument('--loss', type=float, default=0, help='percent of port 25 packets lost, the same ones each time')
    parser.add_argument('--loss-behind', type=float, default=0, help='the same, lost behind the box')
    parser.add_argument('--distance', type=float, default=0, help='milliseconds that a frame travels between box and server')
    parser.add_argument('--log', help='file for what the box changed, see changes.py')
    parser.add_argument('--router', action='store_true', help='a hop: TTL one less, MAC addresses of its own')
    parser.add_argument('--nat', metavar='ADDRESS', help='a router that gives clients this address, and another port')
    parser.add_argument('--randomise', action='store_true', help='sequence numbers of both directions are made anew')
    parser.add_argument('--sack-left', action='store_true', help='with --randomise: SACK blocks keep the old numbers')
    return parser.parse_args()


def main():
    args = arguments()
    log, sides = Log(args.log), {}
    for name, outside in ((args.outside, True), (args.inside, False)):
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        s.setsockopt(socket.SOL_SOCKET, RECEIVE_BUFFER_FORCE, 8 << 20)     # or a burst is lost here
        s.bind((name, 0))
        sides[s] = outside
    peer = {a: b for a in sides for b in sides if a is not b}
    hop = Hop(*(s.getsockname()[4] for s in sides)) if args.router or args.nat else None
    firewall = Firewall(args.mode, args.lose, (args.loss, args.loss_behind), log,
                        Translation(log, args.nat, args.randomise, not args.sack_left))
    travelling = collections.deque()    # (when it arrives, where, frame): all travel equally long
    while True:
        while travelling and travelling[0][0] <= time.monotonic():
            _, where, frame = travelling.popleft()
            where.send(frame)
        wait = max(0, travelling[0][0] - time.monotonic()) if travelling else None
        for s in select.select(list(sides), [], [], wait)[0]:
            raw, address = s.recvfrom(65535)
            if address[2] == socket.PACKET_OUTGOING:
                continue
            if hop:
                hop.arrived(raw, sides[s])
            forward, back = firewall.frame(raw, sides[s])
            for frame in forward:
                sent = hop.leaving(hop.forwarded(frame), not sides[s]) if hop else frame
                if args.distance:
                    travelling.append((time.monotonic() + args.distance / 1000, peer[s], sent))
                else:
                    peer[s].send(sent)
            for frame in back:
                s.send(hop.leaving(frame, sides[s]) if hop else frame)


if __name__ == '__main__':
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
