#!/usr/bin/env python3
"""A scripted server for what Debian does not have: the EHLO list and the refusals of an Exchange 2003 server.

A mock: it speaks no more than is shown here. Its keywords stand in the order in which a public transcript of such a
server behind an ASA shows them, masked; the names were found by their lengths.
usage: mock_server.py exchange
"""
import socketserver

KEYWORDS = ['TURN', 'SIZE', 'ETRN', 'PIPELINING', 'DSN', 'ENHANCEDSTATUSCODES', '8bitmime', 'BINARYMIME', 'CHUNKING', 'VRFY',
            'X-EXPS GSSAPI NTLM LOGIN', 'X-EXPS=LOGIN', 'AUTH GSSAPI NTLM LOGIN', 'AUTH=LOGIN', 'X-LINK2STATE', 'XEXCH50', 'OK']
GREETING = '220 mx.example.com Microsoft ESMTP MAIL Service, Version: 6.0.3790.3959 ready at  Tue, 4 Mar 2008 10:20:02 +0200'


class Handler(socketserver.StreamRequestHandler):
    timeout = 60
    eight_bit = False

    def say(self, *lines):
        self.wfile.write(''.join(line + '\r\n' for line in lines).encode())

    def handle(self):
        self.say(GREETING)
        while line := self.rfile.readline(2048):
            verb = line.strip().split(b' ')[0].upper()
            if verb == b'DATA':
                self.say('354 Start mail input; end with <CRLF>.<CRLF>')
                if not self.mail_data():
                    return
            else:
                self.command(verb, line)
            if verb == b'QUIT':
                return

    def command(self, verb, line):
        if verb == b'HELO':
            self.say('250 mx.example.com Hello [198.51.100.10]')
        elif verb == b'EHLO':
            self.say('250-mx.example.com Hello [198.51.100.10]', *('250-' + k for k in KEYWORDS[:-1]), '250 ' + KEYWORDS[-1])
        elif verb == b'MAIL':
            self.eight_bit = b'8BITMIME' in line.upper()
            self.say('250 2.1.0 Sender OK')
        elif verb == b'RCPT':
            self.say('250 2.1.5 Recipient OK')
        elif verb == b'X-LINK2STATE':
            self.say('200 LAST CHUNK={00000028} DONE_RESPONSE')
        elif verb in (b'RSET', b'NOOP'):
            self.say('250 2.0.0 OK')
        elif verb == b'QUIT':
            self.say('221 2.0.0 mx.example.com Service closing transmission channel')
        else:
            self.say('500 5.3.3 Unrecognized command')

    def mail_data(self):
        """Refuses 8-bit octets that were not announced with BODY=8BITMIME."""
        high = False
        while (line := self.rfile.readline(65536)) != b'.\r\n':
            if not line:
                return False
            high = high or max(line) > 127
        if high and not self.eight_bit:
            self.say('554 5.6.1 Body type not supported by Remote Host')
        else:
            self.say('250 2.6.0 Queued mail for delivery')
        return True


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == '__main__':
    with Server(('0.0.0.0', 25), Handler) as server:
        server.serve_forever()
