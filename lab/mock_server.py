#!/usr/bin/env python3
"""Scripted servers for what cannot be had as Debian packages. Mocks: they speak no more than is shown.

exchange: the EHLO list and refusals of an Exchange 2003-like server (names in its public order)
old:      a server from before ESMTP: HELO only, 500 to EHLO
"""
import socketserver
import sys

EXCHANGE = ['TURN', 'SIZE', 'ETRN', 'PIPELINING', 'DSN', 'ENHANCEDSTATUSCODES', '8bitmime', 'BINARYMIME', 'CHUNKING', 'VRFY',
            'X-EXPS GSSAPI NTLM LOGIN', 'X-EXPS=LOGIN', 'AUTH GSSAPI NTLM LOGIN', 'AUTH=LOGIN', 'X-LINK2STATE', 'XEXCH50', 'OK']


class Handler(socketserver.StreamRequestHandler):
    timeout = 60

    def say(self, *lines):
        self.wfile.write(''.join(line + '\r\n' for line in lines).encode())

    def handle(self):
        exchange = self.server.kind == 'exchange'
        self.say('220 mx.example.com Microsoft ESMTP MAIL Service, Version: 6.0.3790.3959 ready at  Tue, 4 Mar 2008 10:20:02 +0200'
                 if exchange else '220 mx.example.com SMTP ready')
        eight = False
        while True:
            line = self.rfile.readline(2048)
            if not line:
                return
            verb = line.strip().split(b' ')[0].upper().decode('latin-1')
            if verb == 'HELO':
                self.say('250 mx.example.com Hello [198.51.100.10]')
            elif verb == 'EHLO' and exchange:
                tail = ['250-' + k for k in EXCHANGE]
                tail[-1] = '250 OK'
                self.say('250-mx.example.com Hello [198.51.100.10]', *tail)
            elif verb == 'MAIL':
                eight = b'8BITMIME' in line.upper()
                self.say('250 2.1.0 Sender OK')
            elif verb == 'RCPT':
                self.say('250 2.1.5 Recipient OK')
            elif verb == 'X-LINK2STATE' and exchange:
                self.say('200 LAST CHUNK={00000028} DONE_RESPONSE')
            elif verb == 'DATA':
                self.say('354 Start mail input; end with <CRLF>.<CRLF>')
                high = False
                while True:
                    part = self.rfile.readline(65536)
                    if not part:
                        return
                    if part == b'.\r\n':
                        break
                    high = high or any(c > 127 for c in part)
                if exchange and high and not eight:
                    self.say('554 5.6.1 Body type not supported by Remote Host')
                else:
                    self.say('250 2.6.0 Queued mail for delivery' if exchange else '250 Mail accepted')
            elif verb in ('RSET', 'NOOP'):
                self.say('250 2.0.0 OK' if exchange else '250 OK')
            elif verb == 'QUIT':
                self.say('221 2.0.0 mx.example.com closing' if exchange else '221 Goodbye')
                return
            else:
                self.say('500 5.3.3 Unrecognized command' if exchange else '500 Command unrecognized')


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == '__main__':
    with Server(('0.0.0.0', 25), Handler) as server:
        server.kind = sys.argv[1]
        server.serve_forever()
