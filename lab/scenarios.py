"""The scenarios: who sends what through which box, and what is recorded. Each one's first line says what it shows."""
import base64
import hashlib

import servers

ENVELOPE = 'MAIL FROM:<alice@example.net>\nRCPT TO:<bob@example.com>\nDATA\n'
# Postfix knows the starred greeting of a PIX and then says HELO by itself; most senders do not
NAIVE = {'smtp_pix_workarounds': ''}
# its workaround for the lost end of a message: flush, a pause, then `.CRLF` alone. Here it makes the split
SPLIT = {'smtp_pix_workaround_threshold_time': '0s', 'smtp_pix_workaround_delay_time': '1s'}
ONCE = {'minimal_backoff_time': '600s', 'maximal_backoff_time': '600s'}
AUTH = {'auth': servers.PLAIN_AND_LOGIN}
TWO_CLIENTS = ('198.51.100.10', '198.51.100.11')


def two_clients(lab):
    """Two clients in turns, twice."""
    for n, client in enumerate(TWO_CLIENTS * 2, 1):
        lab.talk('EHLO client.example.net\n' + ENVELOPE + data(lab, n) + 'QUIT\n', source=client)


def base64_of(text):
    return base64.b64encode(text.encode()).decode()


def data(lab, n=1, **more):
    return '@data\n' + lab.message(n, **more) + '\n@end\n'


# --- PIX ----------------------------------------------------------------------
def pix_4_0_ok(lab):
    "PIX 4.0: anything the box does not know is answered by a bare OK and goes no further"
    lab.network(); lab.firewall('pix40'); lab.postfix_server(); lab.both()
    lab.talk('goodmorning\nEHLO client.example.net\nAUTH LOGIN\nHELO client.example.net\n' + ENVELOPE + data(lab) + 'QUIT\n')


def pix_4_0_far(lab):
    "PIX 4.0, 20 ms away from the server: what the box answers itself is faster than the handshake"
    lab.network(); lab.firewall('pix40', '--distance', '20'); lab.postfix_server(); lab.both()
    lab.talk('EHLO client.example.net\nSTARTTLS\nHELO client.example.net\n' + ENVELOPE + data(lab) + 'QUIT\n')


def pix_cmap(lab):
    "old PIX: 220 SMTP/cmap____ read"
    lab.network(); lab.firewall('cmap'); lab.exim_server(); lab.both()
    lab.talk('EHLO client.example.net\nHELO client.example.net\n' + ENVELOPE + data(lab) + 'QUIT\n')


def pix_4_4_stars(lab):
    "PIX 4.4: the whole greeting starred; EHLO X'd, and the server refuses the X's; the sender falls back to HELO"
    lab.network(); lab.firewall('pix44'); lab.postfix_server(); lab.postfix_client(**NAIVE, smtp_always_send_ehlo='yes'); lab.both()
    lab.inject(lab.message()); lab.queue_empty()


def pix_5_1_noop(lab):
    "PIX 5.1: greeting starred but for 2 and 0; EHLO, AUTH and STARTTLS become NOOP, which the server answers"
    lab.network(); lab.firewall('pix51'); lab.exim_server(**AUTH); lab.postfix_client(**NAIVE, smtp_always_send_ehlo='yes'); lab.both()
    lab.inject(lab.message()); lab.queue_empty()
    lab.talk('EHLO client.example.net\nNOOP\nSTARTTLS\nHELO client.example.net\nAUTH LOGIN\n' + ENVELOPE + data(lab, 2) + 'QUIT\n')


def pix_5_1_kb(lab):
    "PIX 5.1 as KB 320027 prints it: the octet after 220 is starred too"
    lab.network(); lab.firewall('pix51-kb'); lab.exim_server(); lab.record(f'{lab.name}-outside.pcap.gz')
    lab.talk('HELO client.example.net\n' + ENVELOPE + data(lab) + 'QUIT\n')


def pix_6_xxxx(lab):
    "PIX 6: greeting starred; EHLO becomes XXXX, Exim refuses it, and the sending Exim falls back to HELO"
    lab.network(); lab.firewall('pix6'); lab.exim_server(); lab.exim_client(); lab.both('pcapng')
    lab.inject(lab.message()); lab.settle(3)


def pix_6_echo(lab):
    "PIX 6 before sendmail, which quotes what it refuses: one side is enough to see the X's"
    lab.network(); lab.firewall('pix6'); lab.sendmail_server(); lab.postfix_client(**NAIVE, smtp_always_send_ehlo='yes'); lab.both()
    lab.inject(lab.message()); lab.queue_empty()
    lab.talk('EHLO client.example.net\nSTARTTLS\nHELO client.example.net\nQUIT\n')


def pix_6_off(lab):
    "PIX 6 with an unmasked greeting; then `no fixup protocol smtp 25`, and the same server takes EHLO and ETRN"
    lab.network(); lab.firewall('pix6-clear'); lab.postfix_server(); lab.both()
    lab.talk('EHLO client.example.net\nHELO client.example.net\nETRN example.com\n' + ENVELOPE + data(lab) + 'QUIT\n')
    lab.change_firewall('none')
    lab.talk('EHLO client.example.net\nETRN example.com\n' + ENVELOPE + data(lab, 2) + 'QUIT\n')


def greeting_stalled(lab):
    "a greeting of two lines loses its second 220 to the mask; the sender waits until it gives up"
    lab.network(); lab.firewall('pix44')
    lab.exim_server(main='smtp_banner = mx.example.com ESMTP\\nNo unsolicited mail, please\n')
    lab.postfix_client(**NAIVE, **{**ONCE, 'smtp_helo_timeout': '6s'}); lab.both()
    lab.inject(lab.message()); lab.settle(10)


def auth_dropped(lab):
    "PIX 6: EHLO and AUTH are X'd, the sender cannot log in, and relaying is denied"
    lab.network(); lab.firewall('pix6'); lab.exim_server(**AUTH); lab.both()
    lab.talk('EHLO client.example.net\nHELO client.example.net\nAUTH LOGIN\n'
             'MAIL FROM:<alice@example.com>\nRCPT TO:<carol@example.org>\nQUIT\n')


# --- ASA ----------------------------------------------------------------------
def asa_esmtp(lab):
    "ASA inspect esmtp: greeting masked, keywords masked with counting letters, STARTTLS X'd and refused by the server"
    lab.network(); lab.firewall('asa'); lab.postfix_server(**lab.certificate())
    lab.postfix_client(**NAIVE, smtp_tls_security_level='may'); lab.both()
    lab.inject(lab.message()); lab.queue_empty()
    lab.talk('EHLO client.example.net\nSTARTTLS\n' + ENVELOPE + data(lab, 2) + 'QUIT\n')


def asa_auth_masked(lab):
    "ASA with a policy that masks AUTH too: swaks goes on without a login, and relaying is denied"
    lab.network(); lab.firewall('asa-noauth'); lab.exim_server(**AUTH); lab.both()
    lab.swaks('--auth-optional', '--auth-user', 'user', '--auth-password', 'lab-only', sender='alice@example.com',
              to='carol@example.org')


def asa_link2state(lab):
    "ASA between two Exchange-like ends (scripted): X-LINK2STATE masked in the reply, and X'd as a command"
    lab.network(); lab.firewall('asa'); lab.mock('exchange'); lab.both(nano=True)
    lab.talk('EHLO client.example.net\nX-LINK2STATE LAST CHUNK={00000028} MULTI (5) '
             '({00000000-0000-0000-0000-000000000001})\n' + ENVELOPE + data(lab) + 'QUIT\n')


def pix_link2state(lab):
    "PIX 6 between two Exchange-like ends (scripted): of X-LINK2STATE only the verb is X'd, twelve of them"
    lab.network(); lab.firewall('pix6'); lab.mock('exchange'); lab.record(f'{lab.name}-inside.pcap')
    lab.talk('HELO client.example.net\nX-LINK2STATE LAST CHUNK={00000028} MULTI (5) '
             '({00000000-0000-0000-0000-000000000001})\nXEXCH50 1024 2\nQUIT\n')


def asa_telnet(lab):
    "commands typed octet by octet through the ASA: every octet becomes an X"
    lab.network(); lab.firewall('asa'); lab.postfix_server(); lab.both()
    lab.talk('@bare HELO client.example.net\nHELO client.example.net\nQUIT\n')


def asa_allow_tls(lab):
    "ASA with allow-tls: the greeting is masked, STARTTLS works"
    lab.network(); lab.firewall('asa-tls'); lab.postfix_server(**lab.certificate())
    lab.postfix_client(**NAIVE, smtp_tls_security_level='may'); lab.both('pcap.zst')
    lab.inject(lab.message()); lab.queue_empty()


# --- TLS ------------------------------------------------------------------------
def broken_tls(lab, mode):
    lab.network(); lab.firewall(mode); lab.postfix_server(**lab.certificate(), smtpd_starttls_timeout='20s')
    lab.postfix_client(smtp_tls_security_level='may', smtp_starttls_timeout='12s'); lab.both()
    lab.inject(lab.message()); lab.queue_empty(60)


def tls_lost(lab):
    "STARTTLS passes and the client's TLS hello does not; after the sender's time-out the mail goes in clear text"
    broken_tls(lab, 'tls-lost'); lab.settle(10)


def tls_masked(lab):
    "STARTTLS passes and the server's first TLS records arrive as X's; the mail goes in clear text then"
    broken_tls(lab, 'tls-masked')


def tls_spoiled(lab):
    "STARTTLS passes; type and version of the client's TLS hello arrive as zeros; the mail goes in clear text then"
    broken_tls(lab, 'tls-spoiled')


# --- 8BITMIME -------------------------------------------------------------------
GERMAN = {'headers': 'Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n',
          'body': 'Gr\xfc\xdfe aus M\xfcnchen, bis sp\xe4ter.\n'}


def eightbit_ndr(lab):
    "8BITMIME is masked, Exim sends 8-bit text all the same, the server (scripted) refuses it, Exim's report comes back"
    lab.network(); lab.firewall('asa-8bit'); lab.mock('exchange')
    lab.exim_client(main='accept_8bitmime = true\nbounce_return_body = false\n'); lab.both()
    lab.inject(lab.message(subject='Invitation', sender='author@example.com', **GERMAN), sender='author@example.com', eight_bit=True)
    lab.settle(6)


def eightbit_not_offered(lab):
    "no firewall: Exim sends 8-bit text to an Exim that does not offer 8BITMIME"
    lab.network(); lab.firewall(); lab.exim_server(main='accept_8bitmime = false\n')
    lab.exim_client(main='accept_8bitmime = true\n'); lab.record(f'{lab.name}.pcap')
    lab.inject(lab.message(subject='Invitation', **GERMAN), eight_bit=True); lab.settle(3)


def control_8bitmime(lab):
    "8-bit text to a Postfix that offers 8BITMIME, nothing in between"
    lab.network(); lab.firewall(); lab.postfix_server(); lab.postfix_client(); lab.record(f'{lab.name}.pcap')
    lab.inject(lab.message(subject='Invitation', **GERMAN), eight_bit=True); lab.queue_empty()


def exchange_ndr(lab):
    "8BITMIME is masked, so an Exchange-like sender (scripted) gives up before MAIL and reports 5.6.1 to the author"
    lab.network(); lab.firewall('asa-8bit'); lab.mock('exchange'); lab.record(f'{lab.name}-outside.pcap')
    body = ('--=_report\nContent-Type: text/plain; charset=us-ascii\n\nYour message did not reach some or all of the intended '
            'recipients.\n\n      bob@example.com\n            <client.example.net #5.6.1 smtp;554 5.6.1 Body type not '
            'supported by Remote Host>\n\n--=_report\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; '
            'client.example.net\n\nFinal-Recipient: rfc822; bob@example.com\nAction: failed\nStatus: 5.6.1\n'
            'Diagnostic-Code: smtp;554 5.6.1 Body type not supported by Remote Host\n\n--=_report\nContent-Type: '
            f'message/rfc822\n\n{lab.message(1)}\n--=_report--\n')
    lab.talk('EHLO client.example.net\nQUIT\n@again\nEHLO client.example.net\nMAIL FROM:<>\nRCPT TO:<alice@example.com>\nDATA\n'
             + data(lab, 2, subject='Delivery Status Notification (Failure)', to='alice@example.com',
                    sender='postmaster@client.example.net', body=body,
                    headers='Content-Type: multipart/report; report-type=delivery-status; boundary="=_report"\n') + 'QUIT\n')


# --- the end of a message ---------------------------------------------------------
def delivered_five_times(lab):
    "the server's answer to the end of the message is lost four times: it has five copies, the sender knows of one"
    lab.network(); lab.firewall('lost-250', '--lose', '4'); lab.postfix_server(smtpd_timeout='8s'); lab.postfix_client(); lab.both()
    lab.inject(lab.message()); lab.queue_empty(90)


def lost_end_of_data(lab):
    "CRLF.CRLF in two segments is not passed on, twice; the third attempt succeeds"
    lab.network(); lab.firewall('lost-dot', '--lose', '2'); lab.postfix_server(smtpd_timeout='6s')
    lab.postfix_client(**SPLIT); lab.both()
    lab.inject(lab.message()); lab.queue_empty(90)


def reset_end_of_data(lab):
    "the box resets both ends when CRLF.CRLF comes in two segments, twice; the third attempt succeeds"
    lab.network(); lab.firewall('lost-dot-rst', '--lose', '2'); lab.postfix_server(smtpd_timeout='6s')
    lab.postfix_client(**SPLIT); lab.both()
    lab.inject(lab.message()); lab.queue_empty(90)


# --- no connection ------------------------------------------------------------------
IMPATIENT = {'smtp_connect_timeout': '8s'}


def blocked_syn(lab):
    "the box drops the SYNs of one client; in between another client is served"
    lab.network(); lab.firewall('block'); lab.postfix_server(); lab.postfix_client(**IMPATIENT); lab.both()
    lab.inject(lab.message()); lab.settle(10)
    lab.talk('EHLO other.example.net\n' + ENVELOPE + data(lab, 2) + 'QUIT\n', source='198.51.100.11'); lab.settle(12)


def blocked_reset(lab):
    "the box resets the connections of one client; in between another client is served"
    lab.network(); lab.firewall('block-rst'); lab.postfix_server(); lab.postfix_client(**IMPATIENT); lab.both()
    lab.inject(lab.message()); lab.settle(3)
    lab.talk('EHLO other.example.net\n' + ENVELOPE + data(lab, 2) + 'QUIT\n', source='198.51.100.11'); lab.settle(12)


def blocked_unfit(lab):
    "nothing listens; the server's resets come with other numbers, the client does not believe them and repeats its SYN"
    lab.network(); lab.firewall('rst-unfit'); lab.postfix_client(**IMPATIENT); lab.both()
    lab.inject(lab.message()); lab.settle(12)


def sender_workaround(lab):
    "Postfix sees a masked greeting and works around the PIX: HELO, and 10 s before it sends `.CRLF` alone"
    lab.network(); lab.firewall('pix6'); lab.postfix_server(smtpd_timeout='30s')
    lab.postfix_client(smtp_pix_workaround_threshold_time='0s'); lab.both()
    lab.inject(lab.message()); lab.queue_empty(40)


def attachment(lab, seed, **more):
    """A message with a text and a file of 3000 octets that look random and are the same each time."""
    octets = b''.join(hashlib.sha256(f'{seed}.{n}'.encode()).digest() for n in range(94))[:3000]
    lines = base64.encodebytes(octets).decode()
    body = ('--=_mixed\nContent-Type: text/plain; charset=us-ascii\n\nHello Bob,\n\nthe figures are attached.\n\nAlice\n\n'
            '--=_mixed\nContent-Type: application/octet-stream; name="figures.dat"\nContent-Transfer-Encoding: base64\n'
            f'Content-Disposition: attachment; filename="figures.dat"\n\n{lines}\n--=_mixed--\n')
    return lab.message(seed, body=body, headers='Content-Type: multipart/mixed; boundary="=_mixed"\n', **more)


HASHED_PUZZLE = 'x-cr-hashedpuzzle: ' + 'AAB4 ABaM AVbc ' * 78 + 'AA==\n'     # 1,193 octets; Outlook writes such
CROWD = ','.join(f'colleague{n}@example.com' for n in range(1, 111))
AT_ONCE = {'smtp_destination_recipient_limit': '200', 'smtp_line_length_limit': '0'}


def limits(lab, mode):
    lab.network(); lab.firewall(mode); lab.postfix_server(); lab.postfix_client(**NAIVE, **ONCE, **AT_ONCE); lab.both('pcap.gz')
    lab.inject(lab.message(1), to=CROWD); lab.settle(8)
    lab.inject(lab.message(2, headers=HASHED_PUZZLE)); lab.settle(8)


def asa_limits(lab):
    "the ASA resets both ends at the 101st recipient, and at a header line of 1,193 octets"
    limits(lab, 'asa-limits')


def asa_limits_drop(lab):
    "the ASA lets nothing pass any more from the 101st recipient on, and from a header line of 1,193 octets; nobody is told"
    limits(lab, 'asa-limits-drop')


def attachment_damaged(lab):
    "lines of a base64 attachment arrive as X's, then those of another as asterisks; text and line ends are untouched"
    lab.network(); lab.firewall('x-lines'); lab.postfix_server(); lab.postfix_client(); lab.both()
    lab.inject(attachment(lab, 1)); lab.queue_empty()
    lab.change_firewall('star-lines')
    lab.inject(attachment(lab, 2)); lab.queue_empty()


# --- TCP ------------------------------------------------------------------------------
PATIENT = {'smtp_data_done_timeout': '60s', 'smtp_helo_timeout': '60s', 'smtp_data_init_timeout': '60s'}
LONG = 'A line of plain text, nothing special about it.\n' * 1500


def sack_left(lab):
    "the box makes sequence numbers anew and leaves SACK blocks as they are; eight packets in a hundred are lost"
    lab.network(); lab.firewall('none', '--randomise', '--sack-left', '--loss', '8'); lab.postfix_server(smtpd_timeout='90s')
    lab.postfix_client(**PATIENT); lab.both('pcap.gz')
    lab.inject(lab.message(body=LONG)); lab.queue_empty(100)


def sack_fixed(lab):
    "the box makes sequence numbers anew and puts the SACK blocks right, too; eight packets in a hundred are lost"
    lab.network(); lab.firewall('none', '--randomise', '--loss', '8'); lab.postfix_server(smtpd_timeout='90s')
    lab.postfix_client(**PATIENT); lab.both('pcap.gz')
    lab.inject(lab.message(body=LONG)); lab.queue_empty(100)


def over_mss(lab):
    "the sender's driver spoils the MSS, the box drops what is larger than the server allows; its TCP tries smaller ones in the end"
    lab.network(); lab.firewall('mss'); lab.postfix_server(smtpd_timeout='90s'); lab.spoil_mss(1000, 1460)
    lab.postfix_client(**PATIENT); lab.both()
    lab.inject(lab.message(body=LONG[:12000])); lab.queue_empty(100)


def control_over_mss(lab):
    "the sender's driver spoils the MSS, and every segment is passed"
    lab.network(); lab.firewall(); lab.postfix_server(smtpd_timeout='90s'); lab.spoil_mss(1000, 1460)
    lab.postfix_client(**PATIENT); lab.record(f'{lab.name}.pcap')
    lab.inject(lab.message(body=LONG[:12000])); lab.queue_empty(100)


def control_offload(lab):
    "recorded on the sending host, whose card cuts the segments: what is recorded is larger than any MSS"
    lab.network(); lab.cable(); lab.postfix_server(); lab.postfix_client(**PATIENT); lab.record(f'{lab.name}.pcap.gz')
    lab.inject(lab.message(body=LONG)); lab.queue_empty(30)


# --- proxies ----------------------------------------------------------------------
def proxy_checkpoint(lab):
    "a proxy firewall ends both connections and greets for itself"
    lab.network(proxy=True); lab.postfix_server(**lab.certificate()); lab.proxy('checkpoint')
    lab.postfix_client(smtp_tls_security_level='may'); lab.both()
    lab.inject(lab.message()); lab.queue_empty()


def proxy_raptor(lab):
    "another one, which also answers HELP for itself"
    lab.network(proxy=True); lab.postfix_server(); lab.proxy('raptor'); lab.record(f'{lab.name}-outside.pcap')
    lab.talk('EHLO client.example.net\nHELP\n' + ENVELOPE + data(lab) + 'QUIT\n')


def proxy_antivirus(lab):
    "an antivirus proxy leaves STARTTLS in the list and answers it with a 500 of its own"
    lab.network(proxy=True); lab.postfix_server(**lab.certificate()); lab.proxy('av'); lab.both()
    lab.talk('EHLO client.example.net\nSTARTTLS\n' + ENVELOPE + data(lab) + 'QUIT\n')


def capability_removed(lab):
    "a proxy takes the STARTTLS line out of the EHLO reply for one client; another client sees it in the same server's reply"
    lab.network(proxy=True); lab.postfix_server(**lab.certificate()); lab.proxy('strip', TWO_CLIENTS[0])
    lab.record(f'{lab.name}-outside.pcap')
    two_clients(lab)


# --- controls: nothing was done, nothing may be found -------------------------------
def control_postfix(lab):
    "Postfix to Postfix, nothing in between"
    lab.network(); lab.firewall(); lab.postfix_server(); lab.postfix_client(); lab.both()
    lab.inject(lab.message()); lab.queue_empty()


def control_exim(lab):
    "Exim to Exim; a greeting of several lines, framed by stars"
    lab.network(); lab.firewall()
    lab.exim_server(main='smtp_banner = ****************************************\\nmx.example.com ESMTP, no unsolicited mail'
                    '\\n****************************************\n')
    lab.exim_client(); lab.record(f'{lab.name}.pcapng')
    lab.inject(lab.message()); lab.settle(3)


def control_sendmail(lab):
    "Postfix to sendmail"
    lab.network(); lab.firewall(); lab.sendmail_server(); lab.postfix_client(); lab.record(f'{lab.name}.pcap')
    lab.inject(lab.message()); lab.queue_empty()


def control_no_esmtp(lab):
    "a server without ESMTP refuses EHLO by itself"
    lab.network(); lab.firewall(); lab.sink_server('-e'); lab.postfix_client(smtp_always_send_ehlo='yes'); lab.record(f'{lab.name}.pcap')
    lab.inject(lab.message()); lab.queue_empty()


def control_typed(lab):
    "a message typed line by line: seconds before each command, six before the dot"
    lab.network(); lab.firewall(); lab.postfix_server(); lab.record(f'{lab.name}.pcap')
    lab.talk('@wait 2\nHELO client.example.net\n@wait 2\nMAIL FROM:<alice@example.net>\n@wait 2\nRCPT TO:<bob@example.com>\n'
             '@wait 2\nDATA\n@line Subject: hello\n@line\n@wait 2\n@line Hello Bob\n@wait 6\n.\nQUIT\n')


def control_two_clients(lab):
    "two clients in turns at one Postfix, nothing in between"
    lab.network(); lab.firewall(); lab.postfix_server(**lab.certificate()); lab.record(f'{lab.name}.pcap')
    two_clients(lab)


def control_auth_for_one(lab):
    "AUTH is offered to one of two clients only (Exim `auth_advertise_hosts`)"
    lab.network(); lab.firewall()
    lab.exim_server(main=f'auth_advertise_hosts = {TWO_CLIENTS[0]}\n', **AUTH); lab.record(f'{lab.name}.pcap')
    two_clients(lab)


def control_greylisting(lab):
    "450 first, accepted on the second try"
    lab.network(); lab.firewall(); lab.script('server', 'greylist_policy.py', port=10023)
    lab.postfix_server(smtpd_recipient_restrictions='check_policy_service inet:127.0.0.1:10023')
    lab.postfix_client(); lab.record(f'{lab.name}.pcap')
    lab.inject(lab.message()); lab.queue_empty(30)


def control_starttls(lab):
    "STARTTLS that works"
    lab.network(); lab.firewall(); lab.postfix_server(**lab.certificate()); lab.postfix_client(smtp_tls_security_level='may')
    lab.record(f'{lab.name}.pcap')
    lab.inject(lab.message()); lab.queue_empty()


def control_tls_alert(lab):
    "client and server share no version of TLS: the server says so by an alert, nothing in between"
    lab.network(); lab.firewall(); lab.postfix_server(**lab.certificate(), smtpd_tls_protocols='>=TLSv1.3')
    lab.postfix_client(smtp_tls_security_level='may', smtp_tls_protocols='<=TLSv1.2'); lab.record(f'{lab.name}.pcap')
    lab.inject(lab.message()); lab.queue_empty(30)


def control_mailing_list(lab):
    "one message to three recipients of a list, in three sessions"
    lab.network(); lab.firewall(); lab.postfix_server()
    lab.postfix_client(smtp_destination_recipient_limit='1', smtp_connection_cache_on_demand='no'); lab.record(f'{lab.name}.pcap.gz')
    lab.inject(lab.message(to='list@lists.example.net', headers='List-Id: <list.lists.example.net>\nPrecedence: list\n'),
               to='bob@example.com,carol@example.com,dan@example.com', sender='list-bounces@lists.example.net')
    lab.queue_empty()


def control_packet_loss(lab):
    "twelve packets in a hundred are lost on the way, TCP repairs it"
    lab.network(); lab.firewall('none', '--loss', '12'); lab.postfix_server()
    lab.postfix_client(smtp_data_done_timeout='30s', smtp_helo_timeout='30s', smtp_data_init_timeout='30s'); lab.both()
    lab.inject(lab.message(body='A line of plain text, nothing special about it.\n' * 300)); lab.queue_empty(90)


def control_capture_gap(lab):
    "the recording has holes: a piece of the message, and the packet with the reply to it, are missing from the file"
    lab.network(); lab.firewall(); lab.postfix_server(); lab.postfix_client(); name = f'{lab.name}.pcap'; lab.record(name)
    lab.inject(lab.message(body='A line of plain text, nothing special about it.\n' * 300)); lab.queue_empty(30)
    frames = lab.frames(name)
    longest = max(range(len(frames)), key=lambda n: len(frames[n]))
    lab.gaps[name] = [longest + 1] + [n for n, frame in enumerate(frames, 1) if b'queued as' in frame]


def control_chunking(lab):
    "Exim to Postfix with PIPELINING and BDAT"
    lab.network(); lab.firewall(); lab.postfix_server(); lab.exim_client(transport='  hosts_try_chunking = *'); lab.record(f'{lab.name}.pcapng.zst')
    lab.inject(lab.message()); lab.settle(3)


def control_limits(lab):
    "110 recipients in one transaction, and a header line of 1,193 octets, with no box in between"
    lab.network(); lab.firewall(); lab.postfix_server(); lab.postfix_client(**AT_ONCE); lab.record(f'{lab.name}.pcap.gz')
    lab.inject(lab.message(1), to=CROWD); lab.queue_empty()
    lab.inject(lab.message(2, headers=HASHED_PUZZLE)); lab.queue_empty()


def control_attachment(lab):
    "the attachment passes untouched; a second one in lines of 998 octets, with text of asterisks and X's in front of it"
    lab.network(); lab.firewall(); lab.postfix_server(); lab.postfix_client(); lab.record(f'{lab.name}.pcap.gz')
    lab.inject(attachment(lab, 1)); lab.queue_empty()
    long_lines = attachment(lab, 2)
    head, lines = long_lines.split('filename="figures.dat"\n\n')
    letters = lines.split('\n\n')[0].replace('\n', '')
    wrapped = '\n'.join(letters[at:at + 996] for at in range(0, len(letters), 996))
    text = '*' * 76 + '\n' + 'X' * 76 + '\n'
    lab.swaks(message=head.replace('the figures', text + 'the figures') + 'filename="figures.dat"\n\n' + wrapped + ' \n--=_mixed-- \nafter\n')


def control_auth(lab):
    "a login that works, and the mail is relayed; then a wrong password and a real relay refusal"
    lab.network(); lab.firewall(); lab.exim_server(**AUTH); lab.record(f'{lab.name}.pcap', nano=True)
    lab.swaks('--auth', 'PLAIN', '--auth-user', 'user', '--auth-password', 'lab-only', to='bob@example.com')
    lab.talk('EHLO client.example.net\nAUTH PLAIN ' + base64_of('\0user\0wrong')
             + '\nMAIL FROM:<alice@example.com>\nRCPT TO:<carol@example.org>\nQUIT\n')


def control_server_late(lab):
    "the server is started after its sender's first two attempts, which are refused"
    lab.network(); lab.firewall(); lab.postfix_client(); lab.record(f'{lab.name}.pcap')
    lab.inject(lab.message()); lab.settle(8); lab.postfix_server(); lab.queue_empty(30)


def control_auth_inside_tls(lab):
    "AUTH is offered only after STARTTLS"
    lab.network(); lab.firewall(); made = lab.certificate()
    lab.exim_server(tls=f'tls_certificate = {made["smtpd_tls_cert_file"]}\ntls_privatekey = {made["smtpd_tls_key_file"]}\n'
                    'tls_advertise_hosts = *\n', main='auth_advertise_hosts = ${if eq{$tls_in_cipher}{}{}{*}}\n', **AUTH)
    lab.record(f'{lab.name}.pcap')
    lab.swaks('--tls', '--auth', 'PLAIN', '--auth-user', 'user', '--auth-password', 'lab-only')


def control_far(lab):
    "Postfix to Postfix with 20 ms between them: no reply is faster than the handshake"
    lab.network(); lab.firewall('none', '--distance', '20'); lab.postfix_server(); lab.postfix_client()
    lab.record(f'{lab.name}.pcap')
    lab.inject(lab.message()); lab.queue_empty()


def control_relay_denied(lab):
    "a stranger asks for relaying and is refused"
    lab.network(); lab.firewall(); lab.exim_server(**AUTH); lab.record(f'{lab.name}.pcap.gz')
    lab.talk('EHLO client.example.net\nMAIL FROM:<alice@example.net>\nRCPT TO:<carol@example.org>\nQUIT\n')


NAMES = {'eightbit_ndr': '8bitmime-ndr', 'eightbit_not_offered': '8bitmime-not-offered', 'pix_4_0_ok': 'pix-4.0-ok',
         'pix_4_0_far': 'pix-4.0-far', 'pix_4_4_stars': 'pix-4.4-stars', 'pix_5_1_noop': 'pix-5.1-noop', 'pix_5_1_kb': 'pix-5.1-kb'}
SCENARIOS = {NAMES.get(s.__name__, s.__name__.replace('_', '-')): s for s in (
    asa_esmtp, pix_6_xxxx, control_postfix, pix_4_0_ok, pix_4_0_far, pix_cmap, pix_4_4_stars, pix_5_1_noop, pix_5_1_kb, pix_6_echo, pix_6_off,
    greeting_stalled, auth_dropped, asa_auth_masked, asa_link2state, pix_link2state, asa_telnet, asa_allow_tls, eightbit_ndr,
    eightbit_not_offered, exchange_ndr, delivered_five_times, lost_end_of_data, reset_end_of_data, sender_workaround,
    blocked_syn, blocked_reset, blocked_unfit, control_server_late,
    sack_left, sack_fixed, over_mss, control_over_mss, control_offload,
    proxy_checkpoint, proxy_raptor, proxy_antivirus, capability_removed, tls_lost, tls_masked, tls_spoiled, control_exim, control_8bitmime,
    control_sendmail, control_no_esmtp, control_typed, control_two_clients, control_auth_for_one, control_greylisting, control_starttls, control_mailing_list, control_packet_loss, control_capture_gap, control_chunking, control_auth, control_auth_inside_tls, control_far, control_relay_denied,
    control_tls_alert,
    attachment_damaged, control_attachment, asa_limits, asa_limits_drop, control_limits)}
