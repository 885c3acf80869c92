"""The box's own log of what it changed: one JSON object a line, one line a change.

flow       the client's address and port as the outside sees them
direction  who sent it, `client` or `server`
kind       altered     octets overwritten: `before`, `after`, of one length, each octet of which is another than it was;
                       `offset` counts from 0 behind the SYN in what the sender sent
           removed     octets taken out: `before`; `offset` as above
           answered    octets which the box itself put in: `after`; `offset` counts in what the receiver got
           dropped     octets that were not passed on, now or later, in whichever segments they came: `offset` and
                       `length`, as the sender counts
           reset       a reset in the name of the sender, sent by the box; `offset` as the sender counts
           translated  the flow's other name: `as` is the client's address and port as the inside sees them, `shift`
                       what the box adds to the sequence numbers of the client's octets on their way in and of the
                       server's on their way out, modulo 2^32 (null: not the same connection at all, a proxy)

The octets are text in Latin-1. A run of changed octets is cut where segments are; what TCP sends again is not told
again. Not told: hop limits, MAC addresses, connections that are not let through (modes block, rst-unfit), segments whose
octets come again in smaller ones (mode mss), and what the lab loses or leaves out of a recording: no box did that.
What the sender sent, with this log applied to it, is what the receiver got.
"""
import json


class Log:
    def __init__(self, path):
        self.file = open(path, 'a', buffering=1, encoding='ascii') if path else None

    def write(self, flow, direction, kind, **more):
        if self.file:
            self.file.write(json.dumps({'flow': flow, 'direction': direction, 'kind': kind, **more}) + '\n')

    def altered(self, flow, direction, offset, before, after):
        """One line for each run of octets that differ."""
        start = None
        for n in range(len(before) + 1):
            differs = n < len(before) and before[n] != after[n]
            if differs and start is None:
                start = n
            elif not differs and start is not None:
                self.write(flow, direction, 'altered', offset=offset + start, before=text(before[start:n]),
                           after=text(after[start:n]))
                start = None


def text(octets):
    return octets.decode('latin-1')
