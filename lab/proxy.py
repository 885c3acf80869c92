#!/usr/bin/env python3
"""A full SMTP proxy: it ends both connections itself, greets for itself, and filters.

checkpoint: greets as Check Point's SMTP security server does; takes STARTTLS, CHUNKING and PIPELINING out of the EHLO
            reply, refuses the verbs it does not know
raptor:     the same with greeting and HELP reply of the Raptor / Symantec Enterprise Firewall proxy
strip:      greets as the server does and passes everything on, but takes STARTTLS out of the EHLO reply for the
            client whose address is given
av:         a desktop antivirus proxy: STARTTLS stays advertised and is answered locally `500 Unsupported command.`

Greetings are those of public service-probe files; what else they do is made up from public descriptions.
usage: proxy.py KIND LISTEN_ADDRESS SERVER_ADDRESS [LOG [CLIENT_ADDRESS]]         the log: see changes.py
"""
import re
import socket
import socketserver
import sys

from changes import Log, text

SEVEN = {b'HELO', b'MAIL', b'RCPT', b'DATA', b'RSET', b'NOOP', b'QUIT'}
GREETING = {'checkpoint': b'220 CheckPoint FireWall-1 secure ESMTP server', 'raptor': b'220 gw.example.com Generic SMTP handler',
            'av': b'220 gw.example.com avast! SMTP proxy ready.'}


def endpoint(address):
    """An end of a connection as the log of changes names it."""
    host, port = address
    return f'{host}:{port}'


class Ledger:
    """How many octets each of the four streams has, and the log of what is not the same on both connections."""

    def __init__(self, log, flow):
        self.log, self.flow = log, flow
        self.received = {'client': 0, 'server': 0}
        self.sent = {'client': 0, 'server': 0}

    def passed(self, direction, before, after):
        """A line as it came and, of the same length, as it went on."""
        self.log.altered(self.flow, direction, self.received[direction], before, after)
        self.received[direction] += len(before)
        self.sent[direction] += len(after)

    def removed(self, direction, octets):
        self.log.write(self.flow, direction, 'removed', offset=self.received[direction], before=text(octets))
        self.received[direction] += len(octets)

    def answered(self, octets):
        self.log.write(self.flow, 'server', 'answered', offset=self.sent['server'], after=text(octets))
        self.sent['server'] += len(octets)


class Handler(socketserver.StreamRequestHandler):
    timeout = 60

    def reply(self):
        lines = []
        while True:
            line = self.server_file.readline()
            if not line:
                return lines
            lines.append(line)
            if line[3:4] != b'-':
                return lines

    def own(self, octets, instead=()):
        """A reply of the proxy's own, instead of the server's if there is one."""
        for line in instead:
            self.ledger.removed('server', line)
        self.ledger.answered(octets)
        self.wfile.write(octets)

    def refuse(self, line, octets):
        self.ledger.removed('client', line)
        self.own(octets)

    def pass_on(self, octets):
        self.ledger.passed('client', octets, octets)
        self.up.sendall(octets)

    def pass_back(self, lines, without=None):
        kept = [x for x in lines if without is None or not re.match(without, x)]
        out = b''
        for line in lines:
            if line not in kept:
                self.ledger.removed('server', line)
                continue
            after = line if without is None else line[:3] + (b' ' if line is kept[-1] else b'-') + line[4:]
            self.ledger.passed('server', line, after)
            out += after
        self.wfile.write(out)

    def handle(self):
        self.up = socket.create_connection((self.server.target, 25), 20)
        self.server_file = self.up.makefile('rb')
        flow = endpoint(self.client_address)
        self.server.log.write(flow, 'client', 'translated', **{'as': endpoint(self.up.getsockname())}, shift=None)
        self.ledger = Ledger(self.server.log, flow)
        greeting = self.reply()
        if self.server.kind == 'strip':
            self.pass_back(greeting)
        else:
            self.own(GREETING[self.server.kind] + b'\r\n', instead=greeting)
        while True:
            line = self.rfile.readline(4096)
            if not line or not self.command(line, line.strip().split(b' ')[0].upper()):
                break
        self.up.close()

    def unwanted(self):
        """The lines that the client is not to see."""
        kind, client = self.server.kind, self.server.client
        if kind == 'strip':
            return rb'250.STARTTLS' if client == self.client_address[0] else None
        return None if kind == 'av' else rb'250.(STARTTLS|CHUNKING|PIPELINING)'

    def command(self, line, verb):
        """False when that was the end."""
        kind = self.server.kind
        if kind == 'raptor' and verb == b'HELP':
            self.refuse(line, b'214 Help not supported by this implementation\r\n')
            return True
        if kind not in ('av', 'strip') and verb not in SEVEN | {b'EHLO'}:
            self.refuse(line, b'500 Command not recognized\r\n')
            return True
        if kind == 'av' and verb == b'STARTTLS':
            self.refuse(line, b'500 Unsupported command.\r\n')
            return True
        self.pass_on(line)
        lines = self.reply()
        if verb == b'QUIT' and kind == 'av':
            self.own(b'221 Closing connection. Good bye.\r\n', instead=lines)
            return False
        self.pass_back(lines, self.unwanted() if verb == b'EHLO' else None)
        if verb == b'DATA' and lines and lines[0].startswith(b'354'):
            return self.mail_data()
        return verb != b'QUIT'

    def mail_data(self):
        body = b''
        while not body.endswith(b'\r\n.\r\n') and body != b'.\r\n':
            part = self.rfile.readline(65536)
            if not part:
                return False
            body += part
        self.pass_on(body)
        self.pass_back(self.reply())
        return True


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == '__main__':
    with Server((sys.argv[2], 25), Handler) as server:
        server.kind, server.target = sys.argv[1], sys.argv[3]
        server.log = Log(sys.argv[4] if len(sys.argv) > 4 else None)
        server.client = sys.argv[5] if len(sys.argv) > 5 else None
        server.serve_forever()
