"""What a box does besides inspection: it is a hop with MAC addresses of its own, it gives clients another address and
port (NAT), and it makes sequence numbers anew."""
import random
import socket
import struct

from segment import ACK, MASK32, SYN, Segment, checksum, summed

IPV4, ARP = b'\x08\x00', b'\x08\x06'


class Hop:
    """A router's side of it: TTL one less, its own MAC address on each side."""

    def __init__(self, outside, inside):
        self.own = {True: outside, False: inside}
        self.neighbour = {}

    def arrived(self, raw, outside):
        self.neighbour[outside] = raw[6:12]

    def forwarded(self, raw):
        if raw[12:14] != IPV4:
            return raw
        head = bytearray(raw[:34])
        head[22] -= 1
        struct.pack_into('!H', head, 24, 0)
        struct.pack_into('!H', head, 24, checksum(bytes(head[14:]) + raw[34:14 + (raw[14] & 15) * 4]))
        return bytes(head) + raw[34:]

    def leaving(self, raw, outside):
        """The frame as it leaves on this side. In ARP too the box says that it has everybody's address."""
        own = self.own[outside]
        to = raw[0:6] if raw[0] & 1 else self.neighbour.get(outside, raw[0:6])
        if raw[12:14] == ARP:
            return to + own + raw[12:22] + own + raw[28:]
        return to + own + raw[12:]


class Name:
    """A flow's name inside: the client's address and port there, and what is added to sequence numbers."""

    def __init__(self, address, port, isn, shift):
        self.inside, self.isn = (address, port), isn
        self.client_shift, self.server_shift = shift
        self.outside = None


class Translation:
    def __init__(self, log, address=None, randomise=False, fix_sack=True):
        self.log, self.address, self.randomise, self.fix_sack = log, address, randomise, fix_sack
        self.random = random.Random(4)
        self.by_client, self.by_inside = {}, {}

    def inward(self, raw):
        if not (self.address or self.randomise):
            return raw
        segment = Segment(raw)
        client = raw[26:30], segment.source
        if segment.flags & (SYN | ACK) == SYN:
            self.opened(client, segment)
        name = self.by_client.get(client)
        return raw if name is None else self.renamed(segment, name.inside, 26, 0, name.client_shift, -name.server_shift)

    def outward(self, raw):
        if not (self.address or self.randomise):
            return raw
        segment = Segment(raw)
        name = self.by_inside.get((raw[30:34], segment.destination))
        return raw if name is None else self.renamed(segment, name.outside, 30, 2, name.server_shift, -name.client_shift)

    def opened(self, client, segment):
        known = self.by_client.get(client)
        if known and known.isn == segment.seq:
            return
        shift = (self.random.getrandbits(32), self.random.getrandbits(32)) if self.randomise else (0, 0)
        name = Name(*(self.free() if self.address else client), segment.seq, shift)
        name.outside = client
        self.by_client[client] = self.by_inside[name.inside] = name
        self.log.write(spoken(client), 'client', 'translated', **{'as': spoken(name.inside)},
                       shift={'client': name.client_shift, 'server': name.server_shift})

    def free(self):
        while True:
            inside = socket.inet_aton(self.address), self.random.randrange(1024, 65536)
            if inside not in self.by_inside:
                return inside

    def renamed(self, segment, end, at, port_at, seq_shift, ack_shift):
        """The segment with another address and port at one end, and with other numbers."""
        frame = bytearray(segment.raw)
        frame[at:at + 4] = end[0]
        struct.pack_into('!H', frame, segment.tcp + port_at, end[1])
        struct.pack_into('!I', frame, segment.tcp + 4, (segment.seq + seq_shift) & MASK32)
        if segment.flags & ACK:
            struct.pack_into('!I', frame, segment.tcp + 8, (segment.ack + ack_shift) & MASK32)
        for edge in segment.sack_blocks() if self.fix_sack else ():
            struct.pack_into('!I', frame, edge, (struct.unpack_from('!I', frame, edge)[0] + ack_shift) & MASK32)
        return summed(frame[:segment.tcp], frame[segment.tcp:])


def spoken(end):
    return f'{socket.inet_ntoa(end[0])}:{end[1]}'
