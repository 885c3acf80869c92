#!/usr/bin/env python3
"""A full SMTP proxy: it ends both connections itself, greets for itself, and filters.

checkpoint: greets as Check Point's SMTP security server does; takes STARTTLS, CHUNKING and PIPELINING out of the EHLO
            reply, refuses the verbs it does not know
raptor:     the same with greeting and HELP reply of the Raptor / Symantec Enterprise Firewall proxy
av:         a desktop antivirus proxy: STARTTLS stays advertised and is answered locally `500 Unsupported command.`

Greetings are those of public service-probe files; what else they do is made up from public descriptions.
usage: proxy.py KIND LISTEN_ADDRESS SERVER_ADDRESS
"""
import re
import socket
import socketserver
import sys

SEVEN = {b'HELO', b'MAIL', b'RCPT', b'DATA', b'RSET', b'NOOP', b'QUIT'}
GREETING = {'checkpoint': b'220 CheckPoint FireWall-1 secure ESMTP server', 'raptor': b'220 gw.example.com Generic SMTP handler',
            'av': b'220 gw.example.com avast! SMTP proxy ready.'}


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

    def handle(self):
        kind, target = self.server.kind, self.server.target
        self.up = socket.create_connection((target, 25), 20)
        self.server_file = self.up.makefile('rb')
        self.reply()
        self.wfile.write(GREETING[kind] + b'\r\n')
        while True:
            line = self.rfile.readline(4096)
            if not line:
                break
            verb = line.strip().split(b' ')[0].upper()
            if kind == 'raptor' and verb == b'HELP':
                self.wfile.write(b'214 Help not supported by this implementation\r\n')
                continue
            if kind != 'av' and verb not in SEVEN | {b'EHLO'}:
                self.wfile.write(b'500 Command not recognized\r\n')
                continue
            if kind == 'av' and verb == b'STARTTLS':
                self.wfile.write(b'500 Unsupported command.\r\n')
                continue
            self.up.sendall(line)
            lines = self.reply()
            if verb == b'QUIT' and kind == 'av':
                lines = [b'221 Closing connection. Good bye.\r\n']
            if verb == b'EHLO' and kind != 'av':
                lines = [x for x in lines if not re.match(rb'250.(STARTTLS|CHUNKING|PIPELINING)', x)]
                lines = [x[:3] + (b' ' if n == len(lines) - 1 else b'-') + x[4:] for n, x in enumerate(lines)]
            self.wfile.write(b''.join(lines))
            if verb == b'DATA' and lines and lines[0].startswith(b'354'):
                body = b''
                while True:
                    part = self.rfile.readline(65536)
                    if not part:
                        return
                    body += part
                    if part == b'.\r\n':
                        break
                self.up.sendall(body)
                self.wfile.write(b''.join(self.reply()))
            if verb == b'QUIT':
                break
        self.up.close()


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == '__main__':
    with Server((sys.argv[2], 25), Handler) as server:
        server.kind, server.target = sys.argv[1], sys.argv[3]
        server.serve_forever()
