"""Scenarios for `compare`: the same mail on both sides of the box, and beside it the box's own log of what it changed
(changes.py). Each one's first line says what it shows."""
from scenarios import ENVELOPE, NAIVE, SPLIT, attachment, data

PATIENT = {'smtp_data_done_timeout': '30s', 'smtp_helo_timeout': '30s', 'smtp_data_init_timeout': '30s', 'smtp_quit_timeout': '20s'}
LONG = 'A line of plain text, nothing special about it.\n' * 300


def both(lab):
    lab.both('pcap.zst')


def asa(lab, *box, nat=False, record=both, **client):
    """Postfix to Postfix through an ASA that masks the greeting, keywords and STARTTLS; then STARTTLS all the same."""
    lab.network(); (lab.nat if nat else lab.firewall)('asa', *box); lab.postfix_server(**lab.certificate())
    lab.postfix_client(**NAIVE, smtp_tls_security_level='may', **client); record(lab)
    lab.inject(lab.message()); lab.queue_empty(60)
    lab.talk('EHLO client.example.net\nSTARTTLS\n' + ENVELOPE + data(lab, 2) + 'QUIT\n')


def compare_asa(lab):
    "ASA: greeting, keywords and STARTTLS masked"
    asa(lab)


def compare_pix6(lab):
    "PIX 6: greeting starred but for 2 and 0, EHLO becomes XXXX"
    lab.network(); lab.firewall('pix6'); lab.exim_server(); both(lab)
    lab.talk('EHLO client.example.net\nHELO client.example.net\n' + ENVELOPE + data(lab) + 'QUIT\n')


def compare_pix51(lab):
    "PIX 5.1: EHLO, AUTH and STARTTLS become NOOP and spaces"
    lab.network(); lab.firewall('pix51'); lab.exim_server(); both(lab)
    lab.talk('EHLO client.example.net\nNOOP\nSTARTTLS\nHELO client.example.net\nAUTH LOGIN\n' + ENVELOPE + data(lab) + 'QUIT\n')


def compare_pix40(lab):
    "PIX 4.0: the box answers what it does not know with OK, and the server never hears of it"
    lab.network(); lab.firewall('pix40'); lab.postfix_server(); both(lab)
    lab.talk('goodmorning\nEHLO client.example.net\nAUTH LOGIN\nHELO client.example.net\n' + ENVELOPE + data(lab) + 'QUIT\n')


def compare_lost_dot(lab):
    "CRLF.CRLF in two segments is not passed on; the second attempt succeeds"
    lab.network(); lab.firewall('lost-dot', '--lose', '1'); lab.postfix_server(smtpd_timeout='6s'); lab.postfix_client(**SPLIT); both(lab)
    lab.inject(lab.message()); lab.queue_empty(60)


def compare_lost_reset(lab):
    "the box resets both ends when CRLF.CRLF comes in two segments; the second attempt succeeds"
    lab.network(); lab.firewall('lost-dot-rst', '--lose', '1'); lab.postfix_server(smtpd_timeout='6s'); lab.postfix_client(**SPLIT); both(lab)
    lab.inject(lab.message()); lab.queue_empty(60)


def compare_lost_250(lab):
    "the server's answer to the end of the message is not passed on; the second attempt succeeds"
    lab.network(); lab.firewall('lost-250', '--lose', '1'); lab.postfix_server(smtpd_timeout='8s'); lab.postfix_client(); both(lab)
    lab.inject(lab.message()); lab.queue_empty(60)


def compare_attachment(lab):
    "lines of a base64 attachment arrive as X's; text and line ends are untouched"
    lab.network(); lab.firewall('x-lines'); lab.postfix_server(); lab.postfix_client(); both(lab)
    lab.inject(attachment(lab, 1)); lab.queue_empty()


def compare_proxy(lab):
    "a proxy ends one connection and opens another, greets for itself, takes keywords out and refuses a verb"
    lab.network(proxy=True); lab.postfix_server(**lab.certificate()); lab.proxy('checkpoint')
    lab.postfix_client(smtp_tls_security_level='may'); both(lab)
    lab.inject(lab.message()); lab.queue_empty()
    lab.talk('EHLO client.example.net\nSTARTTLS\n' + ENVELOPE + data(lab, 2) + 'QUIT\n')


def compare_nat(lab):
    "ASA that also gives the client another address and port, and makes both directions' sequence numbers anew"
    asa(lab, '--randomise', nat=True)


def compare_loss(lab):
    "ASA, and packets are lost on both sides of it; then frames are missing from either recording, not the same ones"
    lab.network(); lab.firewall('asa', '--loss', '8', '--loss-behind', '8'); lab.postfix_server()
    lab.postfix_client(**NAIVE, **PATIENT); both(lab)
    for n in (1, 2, 3):
        lab.inject(lab.message(n, body=LONG)); lab.queue_empty(120)
    for side, remainder in (('outside', 5), ('inside', 17)):
        name = f'{lab.name}-{side}.pcap.zst'
        lab.gaps[name] = [n for n in range(1, len(lab.frames(name)) + 1) if n % 23 == remainder]


def compare_skew(lab):
    "ASA, five deliveries in 24 s; the outside's clock is 3 min 17 s ahead and 40 parts per million fast"
    lab.network(); lab.firewall('asa'); lab.postfix_server(**lab.certificate())
    lab.postfix_client(**NAIVE, smtp_tls_security_level='may'); both(lab)
    for n in range(1, 6):
        lab.inject(lab.message(n)); lab.queue_empty(); lab.settle(4)
    lab.clocks[f'{lab.name}-outside.pcap.zst'] = (197, 40)


def newsletter(lab, timestamps):
    lab.network()
    for space in ('client', 'server'):
        lab.inside_of(lab.spaces[space], 'sysctl', '-qw', f'net.ipv4.tcp_timestamps={timestamps}', 'net.core.somaxconn=1024')
    lab.nat('asa', '--randomise'); lab.sink_server('-h', 'mx.example.com', '-w', '2', backlog=512); both(lab)
    lab.flood(lab.message(subject='News of this week', sender='news@example.net', body='Dear reader,\n\nthere is no news.\n'), 200)


def compare_newsletter(lab):
    "200 sessions at once that say the same, through NAT and new sequence numbers"
    newsletter(lab, timestamps=1)


def compare_newsletter_bare(lab):
    "the same without TCP timestamps: only order and the clock can tell which session is which"
    newsletter(lab, timestamps=0)


def compare_one_file(lab):
    "ASA; one pcapng, recorded on the box itself, with the interfaces `outside` and `inside`"
    asa(lab, record=lambda _: lab.record_at_box(f'{lab.name}.pcapng.zst'))


def compare_any(lab):
    "ASA as a router; one pcap with every packet twice, which only MAC addresses and TTL tell apart"
    asa(lab, '--router', record=lambda _: lab.record_at_box(f'{lab.name}.pcap.zst'))


def compare_cooked(lab):
    "ASA; one pcap of all the box's interfaces (`-i any`): only whether a packet came in or went out tells its side"
    asa(lab, record=lambda _: lab.record_any(f'{lab.name}.pcap.zst'))


def compare_control(lab):
    "Postfix to Postfix, nothing in between"
    lab.network(); lab.firewall(); lab.postfix_server(); lab.postfix_client(); both(lab)
    lab.inject(lab.message()); lab.queue_empty()


COMPARISONS = {s.__name__.replace('_', '-'): s for s in (
    compare_asa, compare_pix6, compare_pix51, compare_pix40, compare_lost_dot, compare_lost_reset, compare_lost_250,
    compare_attachment, compare_proxy, compare_nat, compare_loss, compare_skew, compare_newsletter, compare_newsletter_bare, compare_one_file,
    compare_any, compare_cooked, compare_control)}
