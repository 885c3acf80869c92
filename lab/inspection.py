"""What the emulated boxes do to one SMTP dialogue. Octets in, as many octets out.

mode          greeting                     verbs the box does not know      EHLO reply
none          untouched                    pass                             untouched
pix40         untouched                    answered `OK` by the box         (EHLO is not known)
cmap          220 SMTP/cmap____ read       answered `OK` by the box
pix44         first code, then all stars   verb X'd
pix51         2, 0 and the first code kept the line becomes NOOP and spaces
pix51-kb      2 and 0 kept, nothing else   the line becomes NOOP and spaces
pix6          2, 0 and the first code kept verb X'd
pix6-clear    untouched                    verb X'd
asa           2, 0 and the first code kept whole line X'd                   unknown lines: X's and a letter
asa-8bit      as asa, and 8BITMIME and BINARYMIME are masked too
asa-noauth    as asa, and AUTH is masked too
asa-tls       as asa, and STARTTLS passes (`allow-tls`)
asa-limits    as asa, and over a limit of the default map both ends are reset: command line, RCPT, header line
asa-limits-drop  as asa-limits, but nothing passes any more, and nobody is told
x-lines       untouched                    pass                             untouched
              in mail data, every fifth line of 60 and more base64 letters becomes X's
star-lines    as x-lines, with asterisks
lost-dot      the dot line is not passed on when CRLF.CRLF straddles two segments
lost-dot-rst  as lost-dot, but both ends are reset
block         untouched; the box drops each SYN of 198.51.100.10 (block-rst: answers it with a reset)
rst-unfit     untouched; a reset by the server comes with another acknowledgement number, as PIX 6 is said to send it
mss           untouched; segments of the client beyond the MSS that the server's SYN-ACK names are dropped
lost-250      the reply to the end of the message, and what follows it, is not passed on
tls-lost      STARTTLS and its 220 pass; what the client sends then is not passed on
tls-masked    STARTTLS and its 220 pass; what the server sends then becomes X's
tls-spoiled   STARTTLS and its 220 pass; type and version of the client's first TLS record are overwritten
"""
import collections
import re

SEVEN = {b'HELO', b'MAIL', b'RCPT', b'DATA', b'RSET', b'NOOP', b'QUIT'}
FIFTEEN = SEVEN | {b'AUTH', b'EHLO', b'ETRN', b'HELP', b'SAML', b'SEND', b'SOML', b'VRFY'}
# EHLO keywords that `inspect esmtp` examines and lets through; it masks every other line
EXAMINED = {b'SIZE', b'ETRN', b'PIPELINING', b'DSN', b'ENHANCEDSTATUSCODES', b'8BITMIME', b'BINARYMIME', b'AUTH'}
MODES = ('none', 'pix40', 'cmap', 'pix44', 'pix51', 'pix51-kb', 'pix6', 'pix6-clear',
         'asa', 'asa-8bit', 'asa-noauth', 'asa-tls', 'lost-dot', 'lost-dot-rst', 'lost-250',
         'tls-lost', 'tls-masked', 'tls-spoiled', 'x-lines', 'star-lines',
         'asa-limits', 'asa-limits-drop', 'block', 'block-rst', 'rst-unfit', 'mss')
OVERWRITES = {'x-lines': b'X', 'star-lines': b'*'}
HIDDEN = {'asa-8bit': {b'8BITMIME', b'BINARYMIME'}, 'asa-noauth': {b'AUTH'}}
UNMASKED_GREETING = ('pix40', 'pix6-clear')


def stars(octets, keep=b'20\r\n'):
    return bytes(c if c in keep else 0x2a for c in octets)


def masked_greeting(mode, reply):
    """The greeting, which may have several lines, as the client gets it."""
    lines = reply.split(b'\r\n')
    for n, line in enumerate(lines):
        if mode == 'cmap':
            head, tail = b'220 SMTP/cmap', b' read'
            lines[n] = line and head + b'_' * (len(line) - len(head) - len(tail)) + tail
        elif mode == 'pix51-kb':
            lines[n] = stars(line)
        elif mode == 'pix44':
            lines[n] = line[:4] + b'*' * (len(line) - 4) if n == 0 else b'*' * len(line)
        else:   # only the first line's code survives
            lines[n] = (line[:4] if n == 0 else b'*' * len(line[:4])) + stars(line[4:])
    return b'\r\n'.join(lines)


class Overwriter:
    """Overwrites lines of base64 in the segment that carries them, octet for octet; what lies in two segments stays."""

    def __init__(self, mask):
        self.mask, self.lines = mask, 0

    def edit(self, piece):
        return re.sub(rb'(?<=\n)[A-Za-z0-9+/]{60,}(?=\r\n)', self.line, piece)

    def line(self, match):
        self.lines += 1
        return self.mask * len(match[0]) if self.lines % 5 == 0 else match[0]


class Limits:
    """The limits of ASA's default map that drop the connection, as far as the lab crosses them."""
    COMMAND, RECIPIENTS, HEADER = 512, 100, 998

    def __init__(self):
        self.length = self.recipients = 0
        self.start = b''
        self.in_header = True
        self.crossed = False

    def read(self, payload, phase):
        for octet in payload:
            if octet != 0x0a:
                self.length += 1
                if self.length <= 4:
                    self.start += bytes([octet]).upper()
            end = octet == 0x0a
            if phase == 'command':
                self.in_header = True
                self.recipients = 0 if self.start == b'MAIL' else self.recipients + (end and self.start == b'RCPT')
                self.crossed |= self.length > self.COMMAND + 1 or self.recipients > self.RECIPIENTS
            elif self.in_header:
                self.crossed |= self.length > self.HEADER + 1
                self.in_header = not (end and self.start in (b'', b'\r'))
            if end:
                self.length, self.start = 0, b''


class Dialogue:
    def __init__(self, mode, lose):
        """lose: a list of one number, shared by all connections: how many deliveries still lose their end."""
        self.mode, self.lose = mode, lose
        self.esmtp = mode.startswith('asa')
        self.filters = mode.startswith(('pix', 'cmap', 'asa'))
        self.known = FIFTEEN if self.esmtp else SEVEN
        if mode == 'asa-tls':
            self.known = self.known | {b'STARTTLS'}
        self.phase = 'command'
        self.pending = collections.deque([b'(greeting)'])
        self.seen = 0           # octets of the client, as edited
        self.window = b''       # the last four octets of mail data
        self.overwriter = Overwriter(OVERWRITES[mode]) if mode in OVERWRITES else None
        self.limits = Limits() if mode.startswith('asa-limits') else None
        self.letter = 0
        self.in_ehlo = False
        self.hole = None        # client offset of the octet that does not get through
        self.reply_lost = False
        self.greeted = False
        self.handshake = False  # the client's TLS has begun

    def box_answers(self, payload):
        """Would the box answer this itself?"""
        if self.mode not in ('pix40', 'cmap') or self.phase != 'command':
            return False
        return verb_of(payload) not in SEVEN

    # --- client > server ---------------------------------------------------
    def from_client(self, payload):
        out, at = b'', 0
        if self.limits and self.phase in ('command', 'data'):
            self.limits.read(payload, self.phase)
        while at < len(payload):
            if self.phase == 'tls':
                out += self.tls(payload[at:], self.seen + at)
                break
            if self.phase == 'data':
                used = self.mail_data(payload, at)
                piece = payload[at:at + used]
                out += self.overwriter.edit(piece) if self.overwriter else piece
                at += used
                continue
            end = payload.find(b'\n', at) + 1 or len(payload)
            out += self.line(payload[at:end])
            at = end
        self.seen += len(payload)
        return out

    def tls(self, octets, offset):
        first, self.handshake = not self.handshake, True
        if first and self.mode == 'tls-lost':
            self.hole = offset
        if first and self.mode == 'tls-spoiled':
            return b'\0' * 3 + octets[3:]
        return octets

    def line(self, line):
        complete = line.endswith(b'\n')
        if self.phase == 'auth':
            self.phase = 'command'
            self.pending.append(b'AUTH')
            return line
        verb = verb_of(line)
        if complete:
            self.pending.append(verb)
        if not self.filters or verb in self.known or not verb:
            return line
        body = line.rstrip(b'\r\n')
        end = line[len(body):]
        if self.mode.startswith('pix51'):
            return (b'NOOP' + b' ' * len(body))[:len(body)] + end
        masked = len(body) if self.esmtp else len(verb)
        return b'X' * masked + body[masked:] + end

    def mail_data(self, payload, at):
        """How many octets from `at` belong to the mail data, its end included."""
        seen = self.window + payload[at:]
        dot = seen.find(b'\r\n.\r\n')
        if dot < 0:
            self.window = seen[-4:]
            return len(payload) - at
        split = dot < len(self.window) and self.window != b'\r\n'
        used = dot + 5 - len(self.window)
        if self.lose[0] > 0 and (self.mode == 'lost-250' or self.mode.startswith('lost-dot') and split):
            self.lose[0] -= 1
            if self.mode == 'lost-250':
                self.reply_lost = None      # lost from the next reply on
            else:
                self.hole = self.seen + at + used - 1
        self.phase = 'command'
        self.pending.append(b'(end-of-data)')
        return used

    # --- server > client ---------------------------------------------------
    def from_server(self, payload):
        if self.phase == 'tls':
            return b'X' * len(payload) if self.mode == 'tls-masked' else payload
        if self.reply_lost is None:
            self.reply_lost = True
        if not self.greeted:
            self.greeted = True
            self.pending.popleft()
            masks = (self.filters or self.mode.startswith('lost-dot')) and self.mode not in UNMASKED_GREETING
            return masked_greeting(self.mode, payload) if masks else payload
        return b''.join(self.reply_line(line) for line in payload.splitlines(keepends=True))

    def reply_line(self, line):
        verb = self.pending[0] if self.pending else b''
        body = line.rstrip(b'\r\n')
        end = line[len(body):]
        last = body[3:4] != b'-'
        if last and self.pending:
            self.pending.popleft()
        if verb == b'DATA' and body.startswith(b'354'):
            self.phase, self.window = 'data', b'\r\n'
        elif verb == b'AUTH' and body.startswith(b'334'):
            self.phase = 'auth'
        elif verb == b'STARTTLS' and body.startswith(b'220'):
            self.phase = 'tls'
        elif verb == b'EHLO' and body.startswith(b'250') and self.esmtp:
            return self.keyword(body, last) + end
        return line

    def keyword(self, body, last):
        """`250-` and the domain pass; a line that is not examined becomes X's and A, B, C.. at equal length."""
        first, self.in_ehlo = not self.in_ehlo, not last
        word = body[4:].split(b' ')[0].upper()
        examined = EXAMINED - HIDDEN.get(self.mode, set()) | ({b'STARTTLS'} if self.mode == 'asa-tls' else set())
        if first:
            self.letter = 0
        if first or len(body) < 5 or word in examined:
            return body
        self.letter += 1
        return body[:4] + b'X' * (len(body) - 5) + bytes([0x40 + self.letter])


def verb_of(line):
    return re.split(rb'[ :\r\n]', line, maxsplit=1)[0].upper()
