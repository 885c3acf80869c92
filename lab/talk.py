#!/usr/bin/env python3
"""A scripted SMTP client: speaks the script on standard input to port 25 of the address given,
from the address given behind it.

Each line is sent with CRLF, then the reply is awaited. Further words:
  @data .. @end   mail data, dot-stuffed, with the dot line behind it
  @bare TEXT      TEXT octet by octet, each in its own segment, as a terminal in character mode sends it
  @again          a new connection
  @wait SECONDS   nothing happens for so long
  @line TEXT      TEXT and its CRLF; no reply is awaited
Latin-1 in, so that 8-bit bodies can be written. Stops waiting for a reply after eight seconds.
"""
import socket
import sys
import time

PATIENCE = 8


class Talk:
    def __init__(self, server, source=''):
        self.socket = socket.create_connection((server, 25), PATIENCE, (source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(PATIENCE)
        self.buffer = b''
        self.reply()

    def line(self):
        while b'\n' not in self.buffer:
            more = self.socket.recv(4096)
            if not more:
                return b''
            self.buffer += more
        line, self.buffer = self.buffer.split(b'\n', 1)
        return line

    def reply(self):
        """One reply; a line without a code (`OK`, asterisks) ends it too."""
        while True:
            try:
                line = self.line()
            except (TimeoutError, ConnectionError) as error:
                print('S', type(error).__name__)
                return
            print('S', line.decode('latin-1').rstrip())
            if line[3:4] != b'-' or not line[:3].isdigit():
                return

    def say(self, octets):
        print('C', octets.decode('latin-1').rstrip())
        self.socket.sendall(octets)
        self.reply()
        time.sleep(0.02)

    def bare(self, octets):
        for octet in octets:
            self.socket.sendall(bytes([octet]))
            time.sleep(0.06)
        self.reply()


def main():
    sys.stdin.reconfigure(encoding='latin-1')
    lines = iter(sys.stdin.read().split('\n'))
    talk = Talk(*sys.argv[1:])
    for line in lines:
        if line == '@data':
            body = []
            for part in lines:
                if part == '@end':
                    break
                body.append('.' + part if part.startswith('.') else part)
            talk.say('\r\n'.join(body + ['.', '']).encode('latin-1'))
        elif line == '@again':
            talk.socket.close()
            talk = Talk(*sys.argv[1:])
        elif line.startswith('@wait '):
            time.sleep(float(line[6:]))
        elif line.startswith('@line'):
            talk.socket.sendall(line[6:].encode('latin-1') + b'\r\n')
            time.sleep(0.02)
        elif line.startswith('@bare '):
            talk.bare(line[6:].encode() + b'\r\n')
        elif line:
            talk.say(line.encode('latin-1') + b'\r\n')
    talk.socket.close()


main()
