#!/usr/bin/env python3
"""Postfix policy service: the first attempt of a client, sender and recipient is deferred, later ones pass."""
import socketserver

SEEN = set()


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        asked = {}
        for octets in self.rfile:
            line = octets.strip().decode('latin-1')
            if line:
                key, _, value = line.partition('=')
                asked[key] = value
                continue
            triple = tuple(asked.get(k) for k in ('client_address', 'sender', 'recipient'))
            known = triple in SEEN
            SEEN.add(triple)
            asked = {}
            self.wfile.write(b'action=DUNNO\n\n' if known else b'action=DEFER_IF_PERMIT 4.2.0 Greylisted, please try again\n\n')


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


Server(('127.0.0.1', 10023), Handler).serve_forever()
