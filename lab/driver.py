#!/usr/bin/env python3
"""A client's network driver that spoils the MSS: what a recorder sees of the SYN-ACK and what TCP gets differ.

The client's TCP speaks to a tun device; from there IP packets go to the card as they are, and the other way with the MSS
of each SYN-ACK overwritten. usage: driver.py DEVICE MAC-OF-THE-PEER MSS
"""
import fcntl
import os
import select
import socket
import struct
import sys

from segment import SYN, Segment, summed

TUNSETIFF, TUN_WITHOUT_HEADER = 0x400454ca, 0x1001


def with_mss(segment, mss):
    frame = bytearray(segment.raw)
    if segment.flags & SYN and frame[segment.tcp + 20:segment.tcp + 22] == b'\x02\x04':
        struct.pack_into('!H', frame, segment.tcp + 22, mss)
    return summed(frame[:segment.tcp], frame[segment.tcp:])


def main():
    device, peer, mss = sys.argv[1], bytes.fromhex(sys.argv[2].replace(':', '')), int(sys.argv[3])
    tun = os.open('/dev/net/tun', os.O_RDWR)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack('16sH', b'stack', TUN_WITHOUT_HEADER))
    card = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    card.bind((device, 0))
    header = peer + card.getsockname()[4] + b'\x08\x00'
    while True:
        for ready in select.select([tun, card], [], [])[0]:
            if ready is tun:
                packet = os.read(tun, 65535)
                if packet[0] >> 4 == 4:
                    card.send(header + packet)
                continue
            raw, address = card.recvfrom(65535)
            if address[2] != socket.PACKET_OUTGOING and raw[23] == 6:
                os.write(tun, with_mss(Segment(raw), mss)[14:])


main()
