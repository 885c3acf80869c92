"""One TCP segment as it lies in an Ethernet frame, and the changes a box can make to it."""
import struct

SYN, RST, PSH, ACK = 2, 4, 8, 16
MASK32 = 0xffffffff
SACK = 5


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def summed(head, tcp):
    """A frame of these headers (Ethernet, IP) and this segment, with both checksums made right."""
    head, tcp = bytearray(head), bytearray(tcp)
    struct.pack_into('!H', head, 24, 0)
    struct.pack_into('!H', head, 24, checksum(bytes(head[14:])))
    struct.pack_into('!H', tcp, 16, 0)
    pseudo = bytes(head[26:34]) + struct.pack('!BBH', 0, 6, len(tcp))
    struct.pack_into('!H', tcp, 16, checksum(pseudo + bytes(tcp)))
    return bytes(head + tcp)


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
        return summed(self.raw[:self.tcp], tcp)

    def sack_blocks(self):
        """Where in the frame the edges of its SACK blocks are."""
        at = self.tcp + 20
        while at + 1 < self.data and self.raw[at] != 0:
            length = 1 if self.raw[at] == 1 else max(2, self.raw[at + 1])
            if self.raw[at] == SACK:
                yield from range(at + 2, min(at + length, self.data) - 3, 4)
            at += length

    def answer(self, flags, text=b'', seq=None, ack=None):
        """A segment in the other direction which the box itself makes. No TCP options, TTL 255."""
        ip = bytearray(self.raw[self.ip:self.ip + 20])
        ip[0] = 0x45
        struct.pack_into('!HH', ip, 2, 40 + len(text), 0)
        ip[8] = 255
        ip[12:16], ip[16:20] = ip[16:20], ip[12:16]
        seq = self.ack if seq is None else seq
        ack = self.seq + len(self.payload) if ack is None else ack
        tcp = struct.pack('!HHIIBBHHH', self.destination, self.source, seq & MASK32, ack & MASK32, 0x50, flags, 8192, 0, 0)
        frame = self.raw[6:12] + self.raw[0:6] + b'\x08\x00' + bytes(ip) + tcp + text
        return Segment(frame).rebuilt()
