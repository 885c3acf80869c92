#!/usr/bin/env python3
"""A scripted SMTP client: reads a script on standard input and speaks it to 192.0.2.25 port 25.

Each line is sent with CRLF and a reply is awaited. `@data` sends the lines up to `@end`, then the
dot line. `@type text` sends one octet per segment. `@wait N` waits for a late reply at most N s.
Lines are Latin-1, so 8-bit bodies can be written.
"""
import socket
import sys
import time


def main():
    sys.stdin.reconfigure(encoding='latin-1')
    s = socket.create_connection(('192.0.2.25', 25), 10)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.settimeout(8)
    buf = b''

    def reply(wait=8):
        nonlocal buf
        s.settimeout(wait)
        while True:
            while b'\n' in buf:
                line, buf = buf.split(b'\n', 1)
                print('S', line.decode('latin-1').rstrip())
                if line[3:4] != b'-' or not line[:3].isdigit():
                    if line[:3].isdigit() or line.strip() == b'OK' or b'*' not in line:
                        return
            try:
                more = s.recv(4096)
            except socket.timeout:
                print('S (nothing)')
                return
            if not more:
                print('S (closed)')
                return
            buf += more

    lines = iter(sys.stdin.read().split('\n'))
    reply(6)
    for line in lines:
        if line == '' or line.startswith('#'):
            continue
        if line == '@data':
            body = []
            for part in lines:
                if part == '@end':
                    break
                body.append('.' + part if part.startswith('.') else part)
            s.sendall('\r\n'.join(body + ['.', '']).encode('latin-1'))
            reply()
        elif line.startswith('@type '):
            for c in line[6:].encode() + b'\r\n':
                s.sendall(bytes([c]))
                time.sleep(0.05)
            reply()
        elif line.startswith('@wait '):
            reply(float(line[6:]))
        else:
            print('C', line)
            s.sendall(line.encode('latin-1') + b'\r\n')
            reply()
        time.sleep(0.02)
    s.close()


main()
