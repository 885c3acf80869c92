#!/usr/bin/env python3
"""In-line firewall emulator for the lab: a user-space bridge between two interfaces.

It edits TCP port 25 segments in place, keeping every length (as the PIX and ASA do),
and puts the TCP checksum right again. Only the modes pix40 and cmap add and remove
octets (the box itself answers `OK`), with the sequence numbers shifted to suit.
It emulates what public documents say of those boxes; it is not their code.

usage: firewall.py --outside IF --inside IF --mode MODE [--lose N] [--loss PERCENT]
"""
import argparse
import random
import re
import select
import socket
import struct
import sys

SEVEN = {b'HELO', b'MAIL', b'RCPT', b'DATA', b'RSET', b'NOOP', b'QUIT'}
ESMTP = SEVEN | {b'AUTH', b'EHLO', b'ETRN', b'HELP', b'SAML', b'SEND', b'SOML', b'VRFY'}
# EHLO keywords that the ASA examines and lets through; every other line is masked
KEEP = {b'SIZE', b'ETRN', b'PIPELINING', b'DSN', b'ENHANCEDSTATUSCODES', b'8BITMIME', b'BINARYMIME', b'AUTH'}
MODES = ('none', 'pix40', 'cmap', 'pix44', 'pix51', 'pix51-kb', 'pix6', 'asa', 'asa-8bit', 'asa-noauth', 'asa-tls',
         'lost-eod', 'lost-250')


def csum(data):
    if len(data) % 2:
        data += b'\0'
    s = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def stars(line, keep):
    return bytes(c if c in keep else 0x2a for c in line)


def mask_banner(mode, payload):
    out = []
    for n, line in enumerate(payload.split(b'\r\n')):
        if mode == 'pix44':             # everything but the first line's code becomes a star
            out.append((line[:4] + b'*' * (len(line) - 4)) if n == 0 else b'*' * len(line))
        elif mode == 'pix51-kb':        # all but 2 and 0, the fourth octet too, as KB 320027 prints it
            out.append(stars(line, b'20'))
        elif mode == 'cmap':
            head, tail = b'220 SMTP/cmap', b' read'
            out.append(head + b'_' * max(0, len(line) - len(head) - len(tail)) + tail if line else b'')
        elif n == 0:                    # pix51, pix6, asa: code and space kept, then all but 2 and 0
            out.append(line[:4] + stars(line[4:], b'20'))
        else:
            out.append(stars(line, b'20'))
    return b'\r\n'.join(out)


class Flow:
    def __init__(self):
        self.phase = 'banner'
        self.tail = b''
        self.letter = 0
        self.edits = {}
        self.ended = False      # end of data went through
        self.lossy = False
        self.swallowed = False  # a split end of data was refused
        self.c_off = 0          # octets taken out of client > server
        self.s_off = 0          # octets put into server > client
        self.last_server = None


class Firewall:
    def __init__(self, args):
        self.mode = args.mode
        self.lose = args.lose
        self.loss = args.loss
        self.rng = random.Random(25)
        self.flows = {}
        self.box_answers = args.mode in ('pix40', 'cmap')
        self.banner = args.mode in ('cmap', 'pix44', 'pix51', 'pix51-kb', 'pix51-kb', 'pix6', 'asa', 'asa-8bit', 'asa-noauth', 'asa-tls', 'lost-eod')
        self.verbs = ESMTP if args.mode.startswith('asa') else SEVEN
        if args.mode == 'asa-tls':
            self.verbs = ESMTP | {b'STARTTLS'}
        self.filter = args.mode not in ('none', 'lost-250')

    # --- client > server --------------------------------------------------
    def command(self, line):
        body = line.rstrip(b'\r\n')
        end = line[len(body):]
        if not body:
            return line
        verb = re.split(rb'[ :]', body, maxsplit=1)[0].upper()
        if verb in self.verbs:
            return line
        if self.mode.startswith('pix51'):
            return (b'NOOP' + (b' ' + b'X' * 512))[:len(body)] + end
        if self.mode.startswith('asa'):
            return b'X' * len(body) + end
        return b'X' * len(verb) + body[len(verb):] + end

    def from_client(self, f, payload):
        """Returns the new payload, or None to drop the segment."""
        if f.phase == 'banner':
            f.phase = 'command'
        if f.phase == 'tls' or not self.filter and f.phase != 'data':
            return payload
        if f.phase == 'auth':
            f.phase = 'command'
            return payload
        if f.swallowed:
            return None
        if f.phase == 'data':
            seen = f.tail + payload
            at = seen.find(b'\r\n.\r\n')
            if at < 0:
                f.tail = seen[-4:]
                return payload
            if self.mode == 'lost-eod' and at < len(f.tail):
                if self.lose > 0:
                    self.lose -= 1
                    f.swallowed = True
            if f.swallowed:
                return None
            f.phase, f.tail, f.ended = 'command', b'', True
            rest = at + 5 - (len(seen) - len(payload))
            if self.mode == 'lost-250' and self.lose > 0:
                self.lose -= 1
                f.lossy = True
            return payload[:rest] + (self.from_client(f, payload[rest:]) if payload[rest:] else b'')
        out = b''
        for line in payload.splitlines(keepends=True):
            out += self.command(line)
            if line[:4].upper() == b'EHLO':
                f.letter = 0
                f.phase = 'ehlo'
            elif line[:8].upper() == b'STARTTLS' and (self.mode == 'asa-tls' or not self.filter):
                f.phase = 'starttls'
        return out

    # --- server > client --------------------------------------------------
    def from_server(self, f, payload):
        if f.lossy:
            return None
        if f.phase == 'tls':
            return payload
        if f.phase == 'banner':
            return mask_banner(self.mode, payload) if self.banner else payload
        if payload.startswith(b'354'):
            f.phase, f.tail = 'data', b'\r\n'
        elif payload.startswith(b'334'):
            f.phase = 'auth'
        elif f.phase == 'starttls' and payload.startswith(b'220'):
            f.phase = 'tls'
        elif f.phase == 'ehlo' and payload.startswith(b'250') and self.mode.startswith('asa'):
            out = []
            keep = set(KEEP)
            if self.mode == 'asa-8bit':
                keep -= {b'8BITMIME', b'BINARYMIME'}
            if self.mode == 'asa-noauth':
                keep -= {b'AUTH'}
            if self.mode == 'asa-tls':
                keep |= {b'STARTTLS'}
            for n, line in enumerate(payload.split(b'\r\n')):
                word = line[4:].split(b' ')[0].upper()
                if n == 0 or len(line) < 5 or word in keep:
                    out.append(line)
                else:
                    out.append(line[:4] + b'X' * (len(line) - 5) + bytes([0x41 + f.letter % 26]))
                    f.letter += 1
            return b'\r\n'.join(out)
        return payload

    # --- frames -----------------------------------------------------------
    def frame(self, raw, outside):
        """Returns (frames to forward, frames to send back)."""
        if raw[12:14] != b'\x08\x00' or raw[23] != 6:
            return [raw], []
        ihl = (raw[14] & 15) * 4
        total = struct.unpack('!H', raw[16:18])[0]
        raw = raw[:14 + total]
        t = 14 + ihl
        sport, dport, seq, ack = struct.unpack('!HHII', raw[t:t + 12])
        if (dport if outside else sport) != 25:
            return [raw], []
        if self.loss and self.rng.random() * 100 < self.loss:
            return [], []
        flags = raw[t + 13]
        start = t + (raw[t + 12] >> 4) * 4
        payload = raw[start:]
        key = raw[26:30] + raw[t:t + 2] if outside else raw[30:34] + raw[t + 2:t + 4]
        if outside and flags & 2:
            self.flows[key] = Flow()
        f = self.flows.get(key)
        if f is None:
            return [raw], []
        back = []
        new = payload
        if payload:
            memo = (outside, seq, len(payload))
            if memo in f.edits:
                new = f.edits[memo]
            elif outside and self.box_answers and f.phase in ('command', 'banner') and self.forbidden(payload):
                f.phase = 'command'
                back.append(self.answer(raw, t, start, f, seq, ack, len(payload), b'OK\r\n'))
                f.c_off += len(payload)
                f.s_off += 4
                return [], back
            else:
                new = (self.from_client if outside else self.from_server)(f, payload)
                if not f.swallowed:
                    f.edits[memo] = new
            if new is None:
                return [], []
            assert len(new) == len(payload), 'a length changed'
        if not outside:
            f.last_server = raw[t:start]
        if outside:
            seq, ack = seq - f.c_off, ack - f.s_off if flags & 16 else ack
        else:
            seq, ack = seq + f.s_off, ack + f.c_off if flags & 16 else ack
        return [self.build(raw, t, start, seq, ack, new)], back

    def forbidden(self, payload):
        word = re.split(rb'[ :\r\n]', payload, maxsplit=1)[0].upper()
        return word not in SEVEN

    def build(self, raw, t, start, seq, ack, payload):
        ip = raw[14:t]
        tcp = bytearray(raw[t:start] + payload)
        struct.pack_into('!II', tcp, 4, seq & 0xffffffff, ack & 0xffffffff)
        struct.pack_into('!H', tcp, 16, 0)
        struct.pack_into('!H', tcp, 16, csum(ip[12:20] + struct.pack('!BBH', 0, 6, len(tcp)) + bytes(tcp)))
        return raw[:14] + ip + bytes(tcp)

    def answer(self, raw, t, start, f, seq, ack, length, text):
        """The box's own reply, in the server's name."""
        head = bytearray(f.last_server if f.last_server and len(f.last_server) == start - t else raw[t:start])
        head[0:4] = raw[t + 2:t + 4] + raw[t:t + 2]
        head[13] = 0x18
        if start - t == 32 and raw[t + 20:t + 24] == b'\x01\x01\x08\x0a':
            head[20:32] = b'\x01\x01\x08\x0a' + raw[t + 28:t + 32] + raw[t + 24:t + 28]
        ip = bytearray(raw[14:t])
        ip[12:16], ip[16:20] = raw[30:34], raw[26:30]
        struct.pack_into('!H', ip, 2, len(ip) + len(head) + len(text))
        struct.pack_into('!H', ip, 4, 0)
        ip[8] = 255
        struct.pack_into('!H', ip, 10, 0)
        struct.pack_into('!H', ip, 10, csum(bytes(ip)))
        whole = raw[6:12] + raw[0:6] + raw[12:14] + bytes(ip) + bytes(head)
        return self.build(whole, 14 + len(ip), len(whole), ack, seq + length, text)


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--outside', required=True)
    p.add_argument('--inside', required=True)
    p.add_argument('--mode', choices=MODES, default='none')
    p.add_argument('--lose', type=int, default=4, help='how many deliveries lose their end (lost-* modes)')
    p.add_argument('--loss', type=float, default=0, help='percent of port 25 packets lost (deterministic)')
    args = p.parse_args()
    fw = Firewall(args)
    socks = {}
    for name, outside in ((args.outside, True), (args.inside, False)):
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        s.bind((name, 0))
        socks[s] = outside
    peer = {a: b for a in socks for b in socks if a is not b}
    print('ready', flush=True)
    while True:
        for s in select.select(list(socks), [], [])[0]:
            raw, addr = s.recvfrom(65535)
            if addr[2] == 4:            # PACKET_OUTGOING: our own
                continue
            forward, back = fw.frame(raw, socks[s])
            for out in forward:
                peer[s].send(out)
            for out in back:
                s.send(out)


if __name__ == '__main__':
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
