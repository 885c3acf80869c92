#!/usr/bin/env python3
"""Builds the lab in network namespaces of its own, runs scenarios, records both sides.

client 198.51.100.10 --(outside)-- firewall.py --(inside)-- server 192.0.2.25
"""
import argparse
import base64
import glob
import gzip
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import servers

HERE = os.path.dirname(os.path.abspath(__file__))
CLIENT, SERVER, INNER = '198.51.100.10', '192.0.2.25', '203.0.113.25'


def sh(*cmd, **kw):
    return subprocess.run(cmd, check=True, stdout=subprocess.DEVNULL, **kw)


def fetch_postfix(work):
    given = os.environ.get('MAILWITNESS_LAB_POSTFIX')
    if given:
        return given
    d = f'{work}/postfix'
    os.makedirs(d)
    sh('apt-get', 'download', 'postfix', cwd=d, stderr=subprocess.DEVNULL)
    sh('dpkg-deb', '-x', glob.glob(f'{d}/postfix_*.deb')[0], d)
    return d


class Lab:
    def __init__(self, name, work, out, postfix_root):
        self.name, self.out, self.root = name, out, postfix_root
        self.d = f'{work}/{name}'
        os.makedirs(self.d)
        self.ns = {k: f'mwlab{os.getpid()}{k}' for k in 'cfs'}
        self.procs, self.caps = [], []
        self.post = {}

    # --- network ----------------------------------------------------------
    def net(self, proxy=False):
        for n in self.ns.values():
            sh('ip', 'netns', 'add', n)
            self.at(n, 'ip', 'link', 'set', 'lo', 'up')
            self.at(n, 'sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1')
        c, f, s = (self.ns[k] for k in 'cfs')
        for a, far in (('outside', c), ('inside', s)):
            sh('ip', 'link', 'add', a, 'netns', f, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', far)
            for n, dev in ((f, a), (far, 'eth0')):
                self.at(n, 'ip', 'link', 'set', dev, 'up', 'promisc', 'on')
                subprocess.run(['ip', 'netns', 'exec', n, 'ethtool', '-K', dev, 'tx', 'off', 'rx', 'off', 'gso', 'off', 'gro', 'off',
                                'tso', 'off'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.at(c, 'ip', 'addr', 'add', f'{CLIENT}/24', 'dev', 'eth0')
        self.at(c, 'ip', 'route', 'add', '192.0.2.0/24', 'dev', 'eth0')
        if proxy:
            self.at(f, 'ip', 'addr', 'add', f'{SERVER}/24', 'dev', 'outside')
            self.at(f, 'ip', 'route', 'add', '198.51.100.0/24', 'dev', 'outside')
            self.at(f, 'ip', 'addr', 'add', '203.0.113.1/24', 'dev', 'inside')
            self.at(s, 'ip', 'addr', 'add', f'{INNER}/24', 'dev', 'eth0')
        else:
            self.at(s, 'ip', 'addr', 'add', f'{SERVER}/24', 'dev', 'eth0')
            self.at(s, 'ip', 'route', 'add', '198.51.100.0/24', 'dev', 'eth0')

    def at(self, ns, *cmd):
        return sh('ip', 'netns', 'exec', ns, *cmd)

    def spawn(self, where, cmd, env=None, wait=None):
        log = open(f'{self.d}/proc{len(self.procs)}.log', 'wb')
        p = subprocess.Popen(['ip', 'netns', 'exec', self.ns[where], *cmd], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                             env={**os.environ, **(env or {})}, start_new_session=True)
        self.procs.append(p)
        if wait:
            self.wait_port(where, *wait)
        return p

    def wait_port(self, where, addr, port):
        code = ('import socket,time,sys\nfor i in range(50):\n try:\n  open("/proc/net/tcp")\n'
                f'  if any(l.split()[1].endswith(":{port:04X}") and l.split()[3]=="0A" for l in list(open("/proc/net/tcp"))[1:]): sys.exit(0)\n'
                ' except OSError: pass\n time.sleep(0.1)\nsys.exit(1)')
        r = subprocess.run(['ip', 'netns', 'exec', self.ns[where], sys.executable, '-c', code])
        if r.returncode:
            raise RuntimeError(f'{self.name}: no server on port {port}; see {self.d}')

    # --- parts ------------------------------------------------------------
    def firewall(self, mode='none', *more):
        self.spawn('f', [sys.executable, '-B', f'{HERE}/firewall.py', '--outside', 'outside', '--inside', 'inside', '--mode', mode, *more])

    def proxy(self, kind):
        self.spawn('f', [sys.executable, '-B', f'{HERE}/proxy.py', kind, SERVER, INNER], wait=(SERVER, 25))

    def capture(self, outside='', inside='', fmt='pcap'):
        """Names of the files to write for either side; '' for none."""
        for where, name in (('c', outside), ('s', inside)):
            if not name:
                continue
            path = f'{self.d}/{name}'
            if fmt == 'pcapng':
                cmd = ['dumpcap', '-q', '-i', 'eth0', '-f', 'tcp port 25', '-w', path]
            else:
                cmd = ['tcpdump', '-U', '-Z', 'root', '-s', '0', '-i', 'eth0', '-w', path]
                if fmt == 'nano':
                    cmd += ['--time-stamp-precision=nano']
                cmd += ['tcp port 25']
            self.spawn(where, cmd)
            self.caps.append((path, fmt))
        for _ in range(50):
            if all(os.path.exists(p) for p, _ in self.caps):
                break
            time.sleep(0.1)
        time.sleep(0.7)

    def postfix_server(self, **settings):
        base = {'smtpd_banner': '$myhostname ESMTP Postfix', 'virtual_mailbox_domains': 'example.com',
                'virtual_mailbox_maps': '', 'virtual_transport': 'discard:', 'smtpd_timeout': '25s'}
        base.update(settings)
        cmd, env = servers.postfix(self.root, f'{self.d}/server', 'mx.example.com', base)
        self.spawn('s', cmd, env, wait=(SERVER, 25))

    def postfix_client(self, **settings):
        base = {'relayhost': f'[{SERVER}]', 'smtp_data_done_timeout': '4s', 'minimal_backoff_time': '5s', 'maximal_backoff_time': '6s',
                'queue_run_delay': '2s', 'smtp_helo_timeout': '8s', 'smtp_data_init_timeout': '8s', 'smtp_quit_timeout': '3s'}
        base.update(settings)
        cmd, env = servers.postfix(self.root, f'{self.d}/client', 'client.example.net', base, '127.0.0.1:2525')
        self.spawn('c', cmd, env, wait=('127.0.0.1', 2525))

    def exim_server(self, **kw):
        cmd, env = servers.exim(f'{self.d}/server', 'mx.example.com', **kw)
        self.spawn('s', cmd, env, wait=(SERVER, 25))

    def exim_client(self, main=''):
        routers = f'out:\n  driver = manualroute\n  domains = ! +none\n  transport = smtp\n  route_list = * {SERVER}\n  self = send\n'
        cmd, env = servers.exim(f'{self.d}/client', 'client.example.net', local='', routers=routers,
                                main='domainlist none =\ntls_advertise_hosts =\n' + main)
        with open(cmd[2]) as f:
            text = f.read().replace('daemon_smtp_ports = 25', 'daemon_smtp_ports = 2525').replace('0.0.0.0', '127.0.0.1')
        with open(cmd[2], 'w') as f:
            f.write(text)
        self.spawn('c', cmd, env, wait=('127.0.0.1', 2525))

    def mock(self, kind):
        self.spawn('s', [sys.executable, '-B', f'{HERE}/mock_server.py', kind], wait=(SERVER, 25))

    def cert(self):
        sh('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '3650', '-subj', '/CN=mx.example.com', '-keyout',
           f'{self.d}/key.pem', '-out', f'{self.d}/cert.pem', stderr=subprocess.DEVNULL)
        os.chmod(f'{self.d}/key.pem', 0o644)
        os.chmod(self.d, 0o755)
        return f'{self.d}/cert.pem', f'{self.d}/key.pem'

    # --- senders ----------------------------------------------------------
    def message(self, n, subject='Quarterly figures', to='bob@example.com', sender='alice@example.net', body=None, headers=''):
        return (f'Message-ID: <{n}.{self.name}@client.example.net>\nDate: Tue, 04 Mar 2025 10:20:0{n % 10} +0000\n'
                f'From: Alice <{sender}>\nTo: <{to}>\nSubject: {subject}\nMIME-Version: 1.0\n{headers}\n'
                + (body or 'Hello Bob,\n\nthe figures are attached to the next message.\n\nAlice\n'))

    def inject(self, msg, to='bob@example.com', sender='alice@example.net', eight=False):
        """Hands a message to the client's own real mail server, over its loopback."""
        code = ('import smtplib,sys\ns=smtplib.SMTP("127.0.0.1",2525,local_hostname="desk.example.net")\n'
                'o=["BODY=8BITMIME"] if sys.argv[1]=="1" else []\n'
                's.ehlo();s.sendmail(sys.argv[2],sys.argv[3].split(","),sys.stdin.buffer.read(),o);s.quit()')
        subprocess.run(['ip', 'netns', 'exec', self.ns['c'], sys.executable, '-c', code, '1' if eight else '0', sender, to],
                       input=msg.replace('\n', '\r\n').encode('latin-1'), check=True)

    def talk(self, script):
        r = subprocess.run(['ip', 'netns', 'exec', self.ns['c'], sys.executable, '-B', f'{HERE}/talk.py'],
                           input=script.encode('latin-1'), stdout=subprocess.PIPE, timeout=90)
        with open(f'{self.d}/talk.log', 'ab') as f:
            f.write(r.stdout)

    def swaks(self, *args, msg=None, to='bob@example.com', sender='alice@example.net'):
        path = f'{self.d}/swaks.eml'
        with open(path, 'w', encoding='latin-1') as f:
            f.write(msg or self.message(1))
        r = subprocess.run(['ip', 'netns', 'exec', self.ns['c'], 'swaks', '--server', SERVER, '--helo', 'client.example.net', '--from', sender,
                            '--to', to, '--data', f'@{path}', '--timeout', '10', *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        with open(f'{self.d}/talk.log', 'ab') as f:
            f.write(r.stdout)

    def settle(self, seconds=1.5):
        time.sleep(seconds)

    def queue_empty(self, limit):
        """Waits until the client's Postfix queue is empty."""
        end = time.time() + limit
        time.sleep(1)
        while time.time() < end:
            if not any(files for q in ('incoming', 'active', 'deferred') for _, _, files in os.walk(f'{self.d}/client/spool/{q}')):
                return
            time.sleep(0.5)

    def close(self):
        time.sleep(0.8)
        for p in self.procs:
            if p.poll() is None:
                try:
                    os.killpg(p.pid, signal.SIGINT if p.args[4] in ('tcpdump', 'dumpcap') else signal.SIGTERM)
                except ProcessLookupError:
                    pass
        for p in self.procs:
            try:
                p.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(p.pid, signal.SIGKILL)
        for n in self.ns.values():
            for pid in subprocess.run(['ip', 'netns', 'pids', n], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.split():
                try:
                    os.kill(int(pid), signal.SIGKILL)   # only what runs inside our own namespaces
                except ProcessLookupError:
                    pass
            subprocess.run(['ip', 'netns', 'del', n], stderr=subprocess.DEVNULL)
        for path, _ in self.caps:
            name = os.path.basename(path)
            if name in self.post:
                self.post[name](path)
            if name.endswith('.gz'):
                with open(path, 'rb') as f, open(f'{self.out}/{name}', 'wb') as g, gzip.GzipFile('', 'wb', 9, g, 0) as z:
                    z.write(f.read())
            else:
                shutil.copyfile(path, f'{self.out}/{name}')


def b64(s):
    return base64.b64encode(s.encode()).decode()


ENVELOPE = 'MAIL FROM:<alice@example.net>\nRCPT TO:<bob@example.com>\nDATA\n'


def both(lab, fmt='pcap', ext='pcap'):
    lab.capture(f'{lab.name}-outside.{ext}', f'{lab.name}-inside.{ext}', fmt)


# --- scenarios ------------------------------------------------------------
def pix_5_1_noop(lab):
    "Postfix sends through PIX 5.1: banner starred, EHLO swapped for NOOP"
    lab.net(); lab.firewall('pix51'); lab.postfix_server(); lab.postfix_client(smtp_pix_workarounds=''); both(lab)
    lab.inject(lab.message(1)); lab.queue_empty(20)
    lab.talk('EHLO client.example.net\nHELO client.example.net\nAUTH LOGIN\n' + ENVELOPE + '@data\n' + lab.message(2) + '\n@end\nQUIT\n')


def pix_5_1_kb(lab):
    "as KB 320027 prints it: the octet after 220 is starred too (scripted sender; Postfix and Exim wait for ever at such a line)"
    lab.net(); lab.firewall('pix51-kb'); lab.exim_server(main='tls_advertise_hosts =\n'); both(lab)
    lab.talk('EHLO client.example.net\nHELO client.example.net\n' + ENVELOPE + '@data\n' + lab.message(1) + '\n@end\nQUIT\n')


def pix_6_x_xxxx(lab):
    "Exim sends through PIX 6.x: banner starred, EHLO becomes XXXX, the server refuses it"
    lab.net(); lab.firewall('pix6'); lab.exim_server(main='tls_advertise_hosts =\n'); lab.exim_client(); both(lab, 'pcapng', 'pcapng')
    lab.inject(lab.message(1)); lab.settle(3)


def pix_4_0_ok(lab):
    "anything the box does not know is answered by a bare OK"
    lab.net(); lab.firewall('pix40'); lab.postfix_server(); both(lab)
    lab.talk('goodmorning\nEHLO client.example.net\nAUTH LOGIN\nHELO client.example.net\n' + ENVELOPE + '@data\n' + lab.message(1)
             + '\n@end\nQUIT\n')


def pix_4_4_masked(lab):
    "the whole greeting starred, EHLO refused"
    lab.net(); lab.firewall('pix44'); lab.postfix_server(); lab.postfix_client(smtp_pix_workarounds='', smtp_always_send_ehlo='yes'); both(lab)
    lab.inject(lab.message(1)); lab.queue_empty(20)


def pix_cmap(lab):
    "220 SMTP/cmap____ read"
    lab.net(); lab.firewall('cmap'); lab.exim_server(main='tls_advertise_hosts =\n'); both(lab)
    lab.talk('EHLO client.example.net\nHELO client.example.net\n' + ENVELOPE + '@data\n' + lab.message(1) + '\n@end\nQUIT\n')


def asa_esmtp(lab):
    "inspect esmtp: greeting masked, keywords masked with counting letters, STARTTLS X'd"
    lab.net(); lab.firewall('asa'); c, k = lab.cert()
    lab.postfix_server(smtpd_tls_cert_file=c, smtpd_tls_key_file=k, smtpd_tls_security_level='may')
    lab.postfix_client(smtp_pix_workarounds='', smtp_tls_security_level='may')
    both(lab, 'pcapng', 'pcapng')
    lab.inject(lab.message(1)); lab.queue_empty(20)
    lab.talk('EHLO client.example.net\nSTARTTLS\n' + ENVELOPE + '@data\n' + lab.message(2) + '\n@end\nQUIT\n')


def greeting_stalled(lab):
    "a two-line greeting loses its second 220 to the mask; the sender waits until it gives up"
    lab.net(); lab.firewall('pix44')
    lab.exim_server(main='tls_advertise_hosts =\nsmtp_banner = mx.example.com ESMTP\\nNo unsolicited mail, please\n')
    lab.postfix_client(smtp_helo_timeout='6s', smtp_pix_workarounds='', minimal_backoff_time='600s', maximal_backoff_time='600s')
    both(lab)
    lab.inject(lab.message(1)); lab.settle(9)


def auth_dropped(lab):
    "EHLO and AUTH are X'd, so the sender cannot log in and relaying is denied"
    lab.net(); lab.firewall('pix6'); lab.exim_server(main='tls_advertise_hosts =\n', auth=servers.PLAIN); both(lab)
    lab.talk('EHLO client.example.net\nHELO client.example.net\nAUTH LOGIN\nMAIL FROM:<alice@example.com>\nRCPT TO:<carol@example.org>\nQUIT\n')


def asa_auth_masked(lab):
    "the AUTH line of the EHLO reply is masked; swaks goes on without a login and relaying is denied"
    lab.net(); lab.firewall('asa-noauth'); lab.exim_server(main='tls_advertise_hosts =\n', auth=servers.PLAIN); both(lab)
    lab.swaks('--auth-optional', '--auth-user', 'user', '--auth-password', 'lab-only', sender='alice@example.com', to='carol@example.org')


def link2state(lab):
    "two Exchange-like ends (scripted): X-LINK2STATE masked in the reply and X'd as a command"
    lab.net(); lab.firewall('asa'); lab.mock('exchange'); both(lab, 'nano')
    lab.talk('EHLO client.example.net\nX-LINK2STATE LAST CHUNK={00000028} MULTI (5) ({00000000-0000-0000-0000-000000000001})\n' + ENVELOPE + '@data\n'
             + lab.message(1) + '\n@end\nQUIT\n')


def ndr_8bitmime(lab):
    "8BITMIME is masked, Exim sends 8-bit text all the same, the server refuses the body, Exim's delivery report comes back"
    lab.net(); lab.firewall('asa-8bit'); lab.mock('exchange'); lab.exim_client(); both(lab)
    lab.inject(lab.message(1, subject='Invitation', to='bob@example.com', sender='author@example.com', headers='Content-Type: text/plain; charset=iso-8859-1\n'
                           'Content-Transfer-Encoding: 8bit\n', body='Gr\xfc\xdfe aus M\xfcnchen, bis sp\xe4ter.\n'), sender='author@example.com', eight=True)
    lab.settle(5)


def lost_250(lab):
    "the server's answer to end of data is lost four times: Postfix sends five copies"
    lab.net(); lab.firewall('lost-250', '--lose', '4'); lab.postfix_server(); lab.postfix_client(); both(lab)
    lab.inject(lab.message(1)); lab.queue_empty(60)


def lost_end_of_data(lab):
    "CRLF.CRLF in two segments is refused by the box four times: five attempts"
    lab.net(); lab.firewall('lost-eod', '--lose', '4'); lab.postfix_server(smtpd_timeout='6s')
    # the sender's own PIX workaround makes the split: flush, a pause, then `.CRLF` by itself
    lab.postfix_client(smtp_pix_workaround_threshold_time='0s', smtp_pix_workaround_delay_time='1s')
    both(lab)
    lab.inject(lab.message(1)); lab.queue_empty(90)


def full_proxy(lab):
    "a proxy firewall ends both connections and greets for itself"
    lab.net(proxy=True); c, k = lab.cert()
    lab.postfix_server(smtpd_tls_cert_file=c, smtpd_tls_key_file=k, smtpd_tls_security_level='may')
    lab.proxy('raptor'); lab.postfix_client(); both(lab)
    lab.inject(lab.message(1)); lab.queue_empty(20)
    lab.talk('HELP\nQUIT\n')


def av_proxy(lab):
    "an antivirus proxy leaves STARTTLS in the list and answers it with a 500 of its own"
    lab.net(proxy=True); c, k = lab.cert()
    lab.postfix_server(smtpd_tls_cert_file=c, smtpd_tls_key_file=k, smtpd_tls_security_level='may')
    lab.proxy('av'); both(lab)
    lab.talk('EHLO client.example.net\nSTARTTLS\n' + ENVELOPE + '@data\n' + lab.message(1) + '\n@end\nQUIT\n')


def telnet(lab):
    "commands typed octet by octet through the ASA"
    lab.net(); lab.firewall('asa'); lab.postfix_server(); both(lab)
    lab.talk('@type HELO client.example.net\nHELO client.example.net\nQUIT\n')


def control(lab, side='outside', fmt='pcap', ext='pcap'):
    if side == 'outside':
        lab.capture(outside=f'{lab.name}.{ext}', fmt=fmt)
    else:
        lab.capture(inside=f'{lab.name}.{ext}', fmt=fmt)


def control_postfix(lab):
    "Postfix to Postfix, nothing in between"
    lab.net(); lab.firewall(); lab.postfix_server(); lab.postfix_client(); control(lab)
    lab.inject(lab.message(1)); lab.queue_empty(20)


def control_exim(lab):
    "Exim to Exim, nothing in between"
    lab.net(); lab.firewall(); lab.exim_server(main='tls_advertise_hosts =\nsmtp_banner = mx.example.com ESMTP\\n*** 20 years of *** honest mail ***\n')
    lab.exim_client(); control(lab, fmt='pcapng', ext='pcapng')
    lab.inject(lab.message(1)); lab.settle(3)


def control_old_no_esmtp(lab):
    "a server without ESMTP refuses EHLO by itself"
    lab.net(); lab.firewall(); lab.mock('old'); lab.postfix_client(smtp_always_send_ehlo='yes'); control(lab)
    lab.inject(lab.message(1)); lab.queue_empty(20)


def control_greylisting(lab):
    "450 first, accepted on the second try"
    lab.net(); lab.firewall()
    lab.spawn('s', [sys.executable, '-B', f'{HERE}/greylist_policy.py'], wait=('127.0.0.1', 10023))
    lab.postfix_server(smtpd_recipient_restrictions='check_policy_service inet:127.0.0.1:10023')
    lab.postfix_client(); control(lab)
    lab.inject(lab.message(1)); lab.queue_empty(30)


def control_starttls(lab):
    "STARTTLS that works"
    lab.net(); lab.firewall(); c, k = lab.cert()
    lab.postfix_server(smtpd_tls_cert_file=c, smtpd_tls_key_file=k, smtpd_tls_security_level='may')
    lab.postfix_client(smtp_tls_security_level='may'); control(lab)
    lab.inject(lab.message(1)); lab.queue_empty(20)


def control_mailing_list(lab):
    "one Message-ID to three recipients in three sessions"
    lab.net(); lab.firewall(); lab.postfix_server(); lab.postfix_client(smtp_destination_recipient_limit='1', default_destination_recipient_limit='1',
                                                                      smtp_connection_cache_on_demand='no')
    control(lab)
    lab.inject(lab.message(1, to='list@lists.example.net', headers='List-Id: <list.lists.example.net>\nPrecedence: list\n', sender='alice@example.net'),
               to='bob@example.com,carol@example.com,dan@example.com', sender='list-bounces@lists.example.net')
    lab.queue_empty(20)


def control_packet_loss(lab):
    "12 packets in 100 are lost on the way, TCP repairs it"
    lab.net(); lab.firewall('none', '--loss', '12'); lab.postfix_server()
    lab.postfix_client(smtp_data_done_timeout='30s', smtp_helo_timeout='30s'); both(lab)
    lab.inject(lab.message(1, body='A line of plain text, nothing special about it.\n' * 300)); lab.queue_empty(60)


def control_capture_gap(lab):
    "the capture itself has holes: four packets are missing from the file"
    lab.net(); lab.firewall(); lab.postfix_server(); lab.postfix_client(); control(lab)

    def gap(path):
        # nothing in the protocol fails: the recorder lost a body segment and some ACKs
        sh('editcap', '-F', 'pcap', path, path + '.new', '11', '24', '25', '30')
        os.replace(path + '.new', path)
    lab.post[f'{lab.name}.pcap'] = gap
    lab.inject(lab.message(1, body='A line of plain text, nothing special about it.\n' * 300)); lab.queue_empty(30)


def control_auth_inside_tls(lab):
    "AUTH is offered only after STARTTLS"
    lab.net(); lab.firewall(); c, k = lab.cert()
    lab.exim_server(main=f'tls_certificate = {c}\ntls_privatekey = {k}\ntls_advertise_hosts = *\n'
                    'auth_advertise_hosts = ${if eq{$tls_in_cipher}{}{}{*}}\n', auth=servers.PLAIN)
    control(lab, fmt='nano')
    lab.swaks('--tls', '--auth', 'PLAIN', '--auth-user', 'user', '--auth-password', 'lab-only')


def control_auth_535(lab):
    "a wrong password: 535, then a real relay refusal"
    lab.net(); lab.firewall(); lab.exim_server(main='tls_advertise_hosts =\n', auth=servers.PLAIN); control(lab)
    lab.talk('EHLO client.example.net\nAUTH PLAIN ' + b64('\0user\0wrong') + '\nMAIL FROM:<alice@example.com>\nRCPT TO:<carol@example.org>\nQUIT\n')


def control_relay_denied(lab):
    "a stranger asks for relaying and is refused"
    lab.net(); lab.firewall(); lab.exim_server(main='tls_advertise_hosts =\n', auth=servers.PLAIN); control(lab, ext='pcap.gz')
    lab.talk('EHLO client.example.net\nMAIL FROM:<alice@example.net>\nRCPT TO:<carol@example.org>\nQUIT\n')


def control_asa_allow_tls(lab):
    "an ASA with allow-tls, no mask-banner cannot be seen: here only that STARTTLS works through it"
    lab.net(); lab.firewall('asa-tls'); c, k = lab.cert()
    lab.postfix_server(smtpd_tls_cert_file=c, smtpd_tls_key_file=k, smtpd_tls_security_level='may')
    lab.postfix_client(smtp_tls_security_level='may', smtp_pix_workarounds=''); both(lab)
    lab.inject(lab.message(1)); lab.queue_empty(20)


SCENARIOS = {
    'pix-5.1-noop': pix_5_1_noop, 'pix-5.1-kb': pix_5_1_kb, 'pix-6.x-xxxx': pix_6_x_xxxx, 'pix-4.0-ok': pix_4_0_ok, 'pix-4.4-masked': pix_4_4_masked,
    'pix-cmap': pix_cmap, 'asa-esmtp': asa_esmtp, 'asa-allow-tls': control_asa_allow_tls, 'asa-auth-masked': asa_auth_masked,
    'asa-telnet': telnet, 'greeting-stalled': greeting_stalled, 'auth-dropped': auth_dropped,
    'link2state': link2state, '8bitmime-ndr': ndr_8bitmime, 'lost-250': lost_250, 'lost-end-of-data': lost_end_of_data,
    'full-proxy': full_proxy, 'av-proxy': av_proxy,
    'control-postfix': control_postfix, 'control-exim': control_exim, 'control-old-no-esmtp': control_old_no_esmtp,
    'control-greylisting': control_greylisting, 'control-starttls': control_starttls, 'control-mailing-list': control_mailing_list,
    'control-packet-loss': control_packet_loss, 'control-capture-gap': control_capture_gap,
    'control-auth-inside-tls': control_auth_inside_tls, 'control-auth-535': control_auth_535, 'control-relay-denied': control_relay_denied,
}


def main():
    p = argparse.ArgumentParser(description='Records the lab captures. Root is needed for network namespaces.')
    p.add_argument('-o', '--out', default=os.path.join(os.path.dirname(HERE), 'captures'))
    p.add_argument('-k', '--keep', action='store_true', help='keep the work directory')
    p.add_argument('-l', '--list', action='store_true')
    p.add_argument('scenario', nargs='*')
    args = p.parse_args()
    if args.list:
        for k, f in SCENARIOS.items():
            print(f'{k:26} {f.__doc__}')
        return 0
    unknown = [s for s in args.scenario if s not in SCENARIOS]
    if unknown:
        p.error(f'no such scenario: {", ".join(unknown)}')
    if os.geteuid():
        p.error('root is needed (network namespaces, raw sockets)')
    work = tempfile.mkdtemp(prefix='mwlab')
    os.chmod(work, 0o755)
    failed = []
    try:
        root = fetch_postfix(work)
        for name in args.scenario or SCENARIOS:
            lab = Lab(name, work, args.out, root)
            try:
                SCENARIOS[name](lab)
            except Exception as e:
                failed.append(name)
                print(f'{name}: {type(e).__name__}: {e}', file=sys.stderr)
            finally:
                lab.close()
            print(name, flush=True)
    finally:
        if args.keep:
            print(f'work directory kept: {work}')
        else:
            shutil.rmtree(work, ignore_errors=True)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
