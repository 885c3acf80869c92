#!/usr/bin/env python3
"""In-line firewall emulator for the lab: a bridge in user space between two interfaces.

Frames are taken from one AF_PACKET socket and put on the other. Segments of TCP port 25 are edited on
the way: in place, octet for octet, every length kept, the TCP checksum put right again, as PIX and ASA do.
In two modes (pix40, cmap) the box also answers unknown commands itself with a bare `OK` and forwards
nothing; there it shifts the sequence numbers of what follows, as a box that swallows octets must.
It emulates what public documents say of those boxes; it is not their code.

usage: firewall.py --outside IF --inside IF --mode MODE [--lose N] [--loss PERCENT] [--distance MS]
"""
import argparse
import collections
import random
import select
import socket
import struct
import sys
import time

from inspection import MODES, Dialogue

SYN, RST, PSH, ACK = 2, 4, 8, 16
MASK32 = 0xffffffff


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Segment:
    """One TCP segment in an Ethernet frame, without the frame's padding."""

    def __init__(self, raw):
        self.ip = 14
        self.tcp = 14 + (raw[14] & 15) * 4
        raw = raw[:14 + struct.unpack_from('!H', raw, 16)[0]]
        self.data = self.tcp + (raw[self.tcp + 12] >> 4) * 4
        self.raw = raw
        self.source, self.destination, self.seq, self.ack = struct.unpack_from('!HHII', raw, self.tcp)
        self.flags = raw[self.tcp + 13]
        self.payload = raw[self.data:]

    def rebuilt(self, seq=None, ack=None, payload=None):
        """The same segment with other numbers or octets, checksum made right."""
        payload = self.payload if payload is None else payload
        tcp = bytearray(self.raw[self.tcp:self.data] + payload)
        seq = self.seq if seq is None else seq & MASK32
        ack = self.ack if ack is None else ack & MASK32
        struct.pack_into('!II', tcp, 4, seq, ack)
        struct.pack_into('!H', tcp, 16, 0)
        pseudo = self.raw[self.ip + 12:self.ip + 20] + struct.pack('!BBH', 0, 6, len(tcp))
        struct.pack_into('!H', tcp, 16, checksum(pseudo + bytes(tcp)))
        return self.raw[:self.tcp] + bytes(tcp)

    def answer(self, flags, text=b'', seq=None, ack=None):
        """A segment in the other direction which the box itself makes. No TCP options, TTL 255."""
        ip = bytearray(self.raw[self.ip:self.ip + 20])
        ip[0] = 0x45
        struct.pack_into('!HH', ip, 2, 40 + len(text), 0)
        ip[8] = 255
        ip[12:16], ip[16:20] = ip[16:20], ip[12:16]
        struct.pack_into('!H', ip, 10, 0)
        struct.pack_into('!H', ip, 10, checksum(bytes(ip)))
        seq = self.ack if seq is None else seq
        ack = self.seq + len(self.payload) if ack is None else ack
        tcp = struct.pack('!HHIIBBHHH', self.destination, self.source, seq & MASK32, ack & MASK32, 0x50, flags, 8192, 0, 0)
        frame = self.raw[6:12] + self.raw[0:6] + b'\x08\x00' + bytes(ip) + tcp + text
        return Segment(frame).rebuilt()


class Direction:
    """What passed one way: the octets as edited, so that a retransmission is edited the same way."""

    def __init__(self, first):
        self.first = first      # sequence number of the first octet of data
        self.edited = bytearray()

    def offset(self, seq):
        return (seq - self.first) & MASK32

    def pass_on(self, offset, payload, edit):
        """The edited octets; None for octets behind a hole (TCP will send them again)."""
        if offset > len(self.edited):
            return None
        fresh = offset + len(payload) - len(self.edited)
        if fresh > 0:
            self.edited += edit(payload[len(payload) - fresh:])
        return bytes(self.edited[offset:offset + len(payload)])


class Flow:
    def __init__(self, mode, lose):
        self.dialogue = Dialogue(mode, lose)
        self.client = None
        self.server = None
        self.taken = 0          # octets the box took out of client > server
        self.added = 0          # octets the box put into server > client
        self.swallowed = None   # (end of the last swallowed segment, the answer to it)


class Firewall:
    def __init__(self, mode, lose=0, loss=0):
        self.mode, self.lose, self.loss = mode, [lose], loss
        self.random = random.Random(25)
        self.flows = {}

    def frame(self, raw, outside):
        """(frames to forward, frames to send back) for one frame."""
        if raw[12:14] != b'\x08\x00' or raw[23] != 6:
            return [raw], []
        segment = Segment(raw)
        if (segment.destination if outside else segment.source) != 25:
            return [raw], []
        if self.loss and self.random.random() * 100 < self.loss:
            return [], []
        if self.mode == 'none':
            return [raw], []
        port = segment.source if outside else segment.destination
        if outside and segment.flags & SYN:
            self.flows[port] = Flow(self.mode, self.lose)
            self.flows[port].client = Direction(segment.seq + 1)
        flow = self.flows.get(port)
        if flow is None:
            return [raw], []
        if not outside and segment.flags & SYN:
            flow.server = Direction(segment.seq + 1)
        if flow.server is None:
            return [raw], []
        return (self.from_client if outside else self.from_server)(flow, segment)

    def from_client(self, flow, segment):
        dialogue, payload = flow.dialogue, None
        seq, ack = segment.seq - flow.taken, segment.ack - flow.added
        if segment.payload:
            offset = flow.client.offset(seq)
            if flow.swallowed and segment.seq + len(segment.payload) == flow.swallowed[0]:
                return [], [flow.swallowed[1]]
            if offset == len(flow.client.edited) and dialogue.box_answers(segment.payload):
                # also acknowledged in the server's name; the server never hears of it
                ok = segment.answer(PSH | ACK, b'OK\r\n')
                flow.swallowed = segment.seq + len(segment.payload), ok
                flow.taken += len(segment.payload)
                flow.added += 4
                return [], [ok]
            payload = flow.client.pass_on(offset, segment.payload, dialogue.from_client)
            if payload is None:
                return [], []
            hole = dialogue.hole
            if hole is not None and offset <= hole < offset + len(payload):
                if self.mode != 'lost-dot-rst':
                    return [], []
                return [self.reset(segment, seq, ack)], [segment.answer(RST | ACK)]
        return [segment.rebuilt(seq, ack, payload)], []

    @staticmethod
    def reset(segment, seq, ack):
        """A reset in the sender's name."""
        raw = bytearray(segment.raw[:segment.data])
        struct.pack_into('!H', raw, segment.ip + 2, len(raw) - 14)
        struct.pack_into('!H', raw, segment.ip + 10, 0)
        struct.pack_into('!H', raw, segment.ip + 10, checksum(bytes(raw[segment.ip:segment.tcp])))
        raw[segment.tcp + 13] = RST | ACK
        return Segment(bytes(raw)).rebuilt(seq, ack)

    def from_server(self, flow, segment):
        payload = None
        if segment.payload:
            payload = flow.server.pass_on(flow.server.offset(segment.seq), segment.payload, flow.dialogue.from_server)
            if payload is None or flow.dialogue.reply_lost:
                return [], []
        return [segment.rebuilt(segment.seq + flow.added, segment.ack + flow.taken, payload)], []


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--outside', required=True)
    parser.add_argument('--inside', required=True)
    parser.add_argument('--mode', choices=MODES, default='none')
    parser.add_argument('--lose', type=int, default=4, help='how many deliveries lose their end (modes lost-*)')
    parser.add_argument('--loss', type=float, default=0, help='percent of port 25 packets lost, the same ones each time')
    parser.add_argument('--distance', type=float, default=0, help='milliseconds that a frame travels between box and server')
    args = parser.parse_args()
    firewall = Firewall(args.mode, args.lose, args.loss)
    sides = {}
    for name, outside in ((args.outside, True), (args.inside, False)):
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        s.bind((name, 0))
        sides[s] = outside
    peer = {a: b for a in sides for b in sides if a is not b}
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
            forward, back = firewall.frame(raw, sides[s])
            for frame in forward:
                if args.distance:
                    travelling.append((time.monotonic() + args.distance / 1000, peer[s], frame))
                else:
                    peer[s].send(frame)
            for frame in back:
                s.send(frame)


if __name__ == '__main__':
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
