#!/usr/bin/env python3
"""Builds a small mail world in network namespaces of its own, runs scenarios in it and records both sides.

    client 198.51.100.10 --(outside)-- firewall.py --(inside)-- server 192.0.2.25

Scenarios stand in scenarios.py and comparisons.py, what the box does in inspection.py and translation.py, the servers'
configurations in servers.py. Of what was recorded on both sides of a box, the box's log of what it changed (changes.py) is
kept too.
Everything lives below one temporary folder and in three namespaces; both are removed at the end.
"""
import argparse
import contextlib
import glob
import gzip
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import recording
import servers

HERE = os.path.dirname(os.path.abspath(__file__))
CLIENT, SERVER, INNER, NAT = '198.51.100.10', '192.0.2.25', '203.0.113.25', '192.0.2.1'
QUIET = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}


def run(*command, **more):
    return subprocess.run(command, check=True, **{**QUIET, **more})


def unpack(package, work):
    """A Debian package, unpacked below `work` and never installed (Postfix, Exim and sendmail exclude each other)."""
    given = os.environ.get(f'MAILWITNESS_LAB_{package.partition("-")[0].upper()}')
    if given:
        return given
    folder = f'{work}/{package}'
    if not os.path.isdir(folder):
        os.makedirs(folder)
        run('apt-get', 'download', package, cwd=folder)
        run('dpkg-deb', '-x', glob.glob(f'{folder}/*.deb')[0], folder)
    return folder


class Lab:
    """One scenario's network, servers, senders and recordings."""

    def __init__(self, name, work, out):
        self.name, self.work, self.out = name, work, out
        os.umask(0o022)         # servers drop their rights, and read what is written for them
        self.folder = f'{work}/{name}'
        os.makedirs(self.folder)
        self.spaces = {k: f'mwlab{os.getpid()}{k}' for k in ('client', 'firewall', 'server')}
        self.processes = []
        self.recorders = []     # tcpdump processes
        self.recordings = {}    # file to keep: {name of the interface: what tcpdump wrote}
        self.gaps = {}          # file to keep: frames which the recorder missed
        self.clocks = {}        # file to keep: (seconds its clock is ahead, parts per million it is fast)
        self.log = f'{self.folder}/changes.jsonl'

    # --- network -----------------------------------------------------------
    def network(self, proxy=False):
        """Two cables meet in the firewall's namespace. With `proxy`, the firewall itself has the server's address."""
        for space in self.spaces.values():
            run('ip', 'netns', 'add', space)
            self.inside_of(space, 'sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1')
            self.inside_of(space, 'ip', 'link', 'set', 'lo', 'up')
        client, firewall, server = self.spaces.values()
        for n, (side, far) in enumerate((('outside', client), ('inside', server))):
            run('ip', 'link', 'add', side, 'netns', firewall, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', far)
            for space, device, last in ((firewall, side, 0x10 + n), (far, 'eth0', 0x20 + n)):
                self.inside_of(space, 'ip', 'link', 'set', device, 'address', f'02:00:00:00:00:{last:02x}')
                self.inside_of(space, 'ip', 'link', 'set', device, 'up', 'promisc', 'on')
                # without offloads a captured segment is one that was on the wire, with its real checksum
                for feature in ('tx', 'rx', 'sg', 'tso', 'gso', 'gro'):
                    subprocess.run(['ip', 'netns', 'exec', space, 'ethtool', '-K', device, feature, 'off'], **QUIET, check=False)
        self.inside_of(client, 'ip', 'addr', 'add', f'{CLIENT}/24', 'dev', 'eth0')
        self.inside_of(client, 'ip', 'route', 'add', '192.0.2.0/24', 'dev', 'eth0')
        near = server
        if proxy:
            self.inside_of(firewall, 'ip', 'addr', 'add', '203.0.113.1/24', 'dev', 'inside')
            self.inside_of(server, 'ip', 'addr', 'add', f'{INNER}/24', 'dev', 'eth0')
            near = firewall
        device = 'outside' if proxy else 'eth0'
        self.inside_of(near, 'ip', 'addr', 'add', f'{SERVER}/24', 'dev', device)
        self.inside_of(near, 'ip', 'route', 'add', '198.51.100.0/24', 'dev', device)

    @staticmethod
    def inside_of(space, *command):
        return run('ip', 'netns', 'exec', space, *command)

    def spawn(self, where, command, env=None, port=None):
        with open(f'{self.folder}/process{len(self.processes)}.log', 'wb') as log:
            process = subprocess.Popen(['ip', 'netns', 'exec', self.spaces[where], *command], stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log, env={**os.environ, **(env or {})}, start_new_session=True)
        self.processes.append(process)
        if port:
            self.await_listener(where, port)
        return process

    def await_listener(self, where, port):
        command = ['ip', 'netns', 'exec', self.spaces[where], 'ss', '-Hltn', 'sport', '=', str(port)]
        for _ in range(100):
            if subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout:
                return
            time.sleep(0.1)
        raise RuntimeError(f'nothing listens on port {port}')

    # --- the parts of a scenario --------------------------------------------
    def script(self, where, name, *arguments, port=None):
        return self.spawn(where, [sys.executable, '-B', f'{HERE}/{name}', *arguments], port=port)

    def firewall(self, mode='none', *more):
        self.bridge = self.script('firewall', 'firewall.py', '--outside', 'outside', '--inside', 'inside', '--mode', mode,
                                  '--log', self.log, *more)
        time.sleep(0.4)

    def cable(self):
        """Instead of a firewall: the kernel's bridge, and cards that cut segments."""
        client, firewall, server = self.spaces.values()
        self.inside_of(firewall, 'ip', 'link', 'add', 'bridge', 'up', 'type', 'bridge')
        for side in ('outside', 'inside'):
            self.inside_of(firewall, 'ip', 'link', 'set', side, 'master', 'bridge')
        for space, device in ((client, 'eth0'), (firewall, 'outside'), (firewall, 'inside'), (server, 'eth0')):
            self.inside_of(space, 'ethtool', '-K', device, 'tx', 'on', 'sg', 'on', 'tso', 'on', 'gso', 'on')
        time.sleep(1)

    def spoil_mss(self, announced, taken):
        """The server announces one MSS, the client's driver makes another of it."""
        client, _, server = self.spaces.values()
        self.inside_of(server, 'ip', 'route', 'replace', '198.51.100.0/24', 'dev', 'eth0', 'advmss', str(announced))
        self.inside_of(server, 'ip', 'neigh', 'add', CLIENT, 'lladdr', '02:00:00:00:00:20', 'dev', 'eth0')
        # packets on the card are for the driver alone
        self.inside_of(client, 'ip', 'addr', 'flush', 'dev', 'eth0')
        self.inside_of(client, 'sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=1', 'net.ipv4.conf.eth0.rp_filter=1',
                       'net.ipv4.tcp_mtu_probing=1', 'net.ipv4.tcp_base_mss=900')
        self.script('client', 'driver.py', 'eth0', '02:00:00:00:00:21', str(taken))
        time.sleep(0.5)
        self.inside_of(client, 'ip', 'addr', 'add', f'{CLIENT}/24', 'dev', 'stack')
        self.inside_of(client, 'ip', 'link', 'set', 'stack', 'up')
        self.inside_of(client, 'ip', 'route', 'add', '192.0.2.0/24', 'dev', 'stack', 'src', CLIENT)

    def nat(self, mode='none', *more):
        """A firewall that gives the client another address, one in the server's own network."""
        self.inside_of(self.spaces['server'], 'ip', 'neigh', 'add', NAT, 'lladdr', '02:00:00:00:00:11', 'dev', 'eth0')
        self.firewall(mode, '--nat', NAT, *more)

    def change_firewall(self, mode):
        """The administrator changes the configuration."""
        os.killpg(self.bridge.pid, signal.SIGTERM)
        self.bridge.wait(5)
        self.firewall(mode)

    def proxy(self, kind, *more):
        self.script('firewall', 'proxy.py', kind, SERVER, INNER, self.log, *more, port=25)

    def record(self, *names, nano=False):
        """`…-outside.…` is recorded at the client, `…-inside.…` at the server, any other name at the client."""
        for name in names:
            self.recorder('server' if '-inside.' in name else 'client', 'eth0', name, nano)
        self.recorders_ready()

    def record_at_box(self, name):
        """Both cables, recorded on the box itself, in one file."""
        for device in ('outside', 'inside'):
            self.recorder('firewall', device, name, interface=device)
        self.recorders_ready()

    def record_any(self, name):
        """Both cables, recorded on the box itself as the pseudo-device `any` has them: without Ethernet headers."""
        self.recorder('firewall', 'any', name)
        self.recorders_ready()

    def recorder(self, where, device, name, nano=False, interface=''):
        raw = f'{self.folder}/{name}{interface}.raw'
        command = ['tcpdump', '-U', '--immediate-mode', '-Z', 'root', '-s', '0', '-B', '8192', '-i', device, '-w', raw]
        self.recorders.append(self.spawn(where, command + (['--nano'] if nano else []) + ['tcp port 25']))
        self.recordings.setdefault(f'{self.out}/{name}', {})[interface] = raw

    def recorders_ready(self):
        raws = [raw for files in self.recordings.values() for raw in files.values()]
        for _ in range(100):
            if all(os.path.exists(raw) and os.path.getsize(raw) for raw in raws):
                break
            time.sleep(0.1)
        time.sleep(0.3)

    def both(self, ending='pcap', nano=False):
        self.record(f'{self.name}-outside.{ending}', f'{self.name}-inside.{ending}', nano=nano)

    def postfix_server(self, **settings):
        base = {'smtpd_banner': '$myhostname ESMTP Postfix', 'virtual_mailbox_domains': 'example.com',
                'virtual_mailbox_maps': '', 'virtual_transport': 'discard:', 'smtpd_timeout': '25s'}
        command, env = servers.postfix(unpack('postfix', self.work), f'{self.folder}/server', 'mx.example.com', {**base, **settings})
        self.spawn('server', command, env, port=25)

    def postfix_client(self, **settings):
        """Postfix as the sender, with retry times of seconds where the world has minutes."""
        base = {'relayhost': f'[{SERVER}]', 'smtp_data_done_timeout': '4s', 'minimal_backoff_time': '5s',
                'maximal_backoff_time': '6s', 'queue_run_delay': '2s', 'smtp_helo_timeout': '8s',
                'smtp_data_init_timeout': '8s', 'smtp_quit_timeout': '3s'}
        command, env = servers.postfix(unpack('postfix', self.work), f'{self.folder}/client', 'client.example.net',
                                       {**base, **settings}, '127.0.0.1:2525')
        self.spawn('client', command, env, port=2525)

    def exim_server(self, **more):
        self.spawn('server', servers.exim(f'{self.folder}/server', 'mx.example.com', **more), port=25)

    def exim_client(self, **more):
        self.spawn('client', servers.exim_client(f'{self.folder}/client', 'client.example.net', SERVER, **more), port=2525)

    def sendmail_server(self):
        root, wrappers = unpack('sendmail-bin', self.work), unpack('libwrap0', self.work)
        libraries = ':'.join(glob.glob(f'{wrappers}/**/lib/*/', recursive=True))
        self.spawn('server', servers.sendmail(root, f'{self.folder}/server', 'mx.example.com'), {'LD_LIBRARY_PATH': libraries}, port=25)

    def sink_server(self, *options, backlog=16):
        """smtp-sink comes with Postfix: a real server that throws mail away."""
        root = unpack('postfix', self.work)
        self.spawn('server', [f'{root}/usr/sbin/smtp-sink', '-u', 'nobody', *options, '0.0.0.0:25', str(backlog)],
                   {'LD_LIBRARY_PATH': f'{root}/usr/lib/postfix'}, port=25)

    def mock(self, kind):
        self.script('server', 'mock_server.py', kind, port=25)

    def certificate(self):
        key, certificate = f'{self.folder}/key.pem', f'{self.folder}/certificate.pem'
        run('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '3650',
            '-subj', '/CN=mx.example.com', '-keyout', key, '-out', certificate)
        os.chmod(key, 0o644)
        return {'smtpd_tls_cert_file': certificate, 'smtpd_tls_key_file': key, 'smtpd_tls_security_level': 'may'}

    # --- senders ------------------------------------------------------------
    def flood(self, message, sessions, sender='news@example.net'):
        """smtp-source, which comes with Postfix too: the same message in as many sessions at once."""
        root, path = unpack('postfix', self.work), f'{self.folder}/newsletter.eml'
        with open(path, 'w', encoding='latin-1') as f:
            f.write(message)
        run('ip', 'netns', 'exec', self.spaces['client'], f'{root}/usr/sbin/smtp-source', '-s', str(sessions), '-m', str(sessions),
            '-M', 'client.example.net', '-f', sender, '-t', 'bob@example.com', '-F', path, f'inet:{SERVER}:25',
            env={**os.environ, 'LD_LIBRARY_PATH': f'{root}/usr/lib/postfix'}, timeout=120)

    def message(self, n=1, subject='Quarterly figures', to='bob@example.com', sender='alice@example.net', body=None, headers=''):
        text = body or 'Hello Bob,\n\nthe figures are attached to the next message.\n\nAlice\n'
        now = time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime())
        return (f'Message-ID: <{n}.{self.name}@client.example.net>\nDate: {now}\nFrom: Alice <{sender}>\nTo: <{to}>\n'
                f'Subject: {subject}\nMIME-Version: 1.0\n{headers}\n{text}')

    def inject(self, message, to='bob@example.com', sender='alice@example.net', eight_bit=False):
        """Hands a message to the client's own real mail server, over its loopback interface."""
        code = ('import smtplib, sys\ns = smtplib.SMTP("127.0.0.1", 2525, local_hostname="desk.example.net")\ns.ehlo()\n'
                's.sendmail(sys.argv[2], sys.argv[3].split(","), sys.stdin.buffer.read(), sys.argv[1].split())\ns.quit()')
        run('ip', 'netns', 'exec', self.spaces['client'], sys.executable, '-c', code, 'BODY=8BITMIME' if eight_bit else '', sender,
            to, input=message.replace('\n', '\r\n').encode('latin-1'))

    def talk(self, script, source=None):
        """A scripted sender, see talk.py. `source`: another address than the client's own."""
        if source:
            self.inside_of(self.spaces['client'], 'ip', 'addr', 'replace', f'{source}/24', 'dev', 'eth0')
        with open(f'{self.folder}/talk.log', 'ab') as log:
            subprocess.run(['ip', 'netns', 'exec', self.spaces['client'], sys.executable, '-B', f'{HERE}/talk.py', SERVER,
                            *([source] if source else [])],
                           input=script.encode('latin-1'), stdout=log, stderr=log, timeout=120, check=True)

    def swaks(self, *arguments, message=None, to='bob@example.com', sender='alice@example.net'):
        path = f'{self.folder}/swaks.eml'
        with open(path, 'w', encoding='latin-1') as f:
            f.write(message or self.message())
        with open(f'{self.folder}/talk.log', 'ab') as log:
            subprocess.run(['ip', 'netns', 'exec', self.spaces['client'], 'swaks', '--server', SERVER, '--helo', 'client.example.net',
                            '--from', sender, '--to', to, '--data', f'@{path}', '--timeout', '10', *arguments],
                           stdout=log, stderr=log, check=False)

    def frames(self, name):
        """What has been recorded so far for the file `name`."""
        with open(f'{self.folder}/{name}.raw', 'rb') as f:
            return recording.records(f.read())[1]

    @staticmethod
    def settle(seconds=1.5):
        time.sleep(seconds)

    def queue_empty(self, limit=20):
        """Waits until the client's Postfix has delivered everything, and its last connection is closed."""
        end = time.time() + limit
        time.sleep(1)
        while time.time() < end:
            folders = (os.walk(f'{self.folder}/client/spool/{q}') for q in ('maildrop', 'incoming', 'active', 'deferred'))
            if not any(files for walk in folders for _, _, files in walk):
                time.sleep(1)
                return
            time.sleep(0.3)
        raise RuntimeError('mail is left in the queue')

    # --- the end --------------------------------------------------------------
    def close(self, keep):
        """Ends the processes of this scenario, takes the network away and keeps the recordings."""
        time.sleep(0.8)
        for process in self.recorders + [p for p in reversed(self.processes) if p not in self.recorders]:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT if process in self.recorders else signal.SIGTERM)
                try:
                    process.wait(3)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
        for space in self.spaces.values():
            pids = subprocess.run(['ip', 'netns', 'pids', space], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
            for pid in pids.stdout.split():     # daemons that left their process group; only ours live in our namespaces
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            subprocess.run(['ip', 'netns', 'del', space], **QUIET, check=False)
        if keep:
            for target, raws in self.recordings.items():
                name = os.path.basename(target)
                recording.keep(raws, target, self.gaps.get(name, ()), self.clocks.get(name))
            if self.has_both_sides():
                self.keep_log()

    def has_both_sides(self):
        names = [os.path.basename(target) for target in self.recordings]
        return self.name.startswith('compare-') \
            or all(any(side in name for name in names) for side in ('-inside.', '-outside.'))

    def keep_log(self):
        """What the box says it changed, beside the recordings; an empty file when it changed nothing."""
        octets = b''
        if os.path.exists(self.log):
            with open(self.log, 'rb') as f:
                octets = f.read()
        with open(f'{self.out}/{self.name}.changes.jsonl.gz', 'wb') as f:
            f.write(gzip.compress(octets, 9, mtime=0))


def main():
    from comparisons import COMPARISONS
    from scenarios import SCENARIOS
    scenarios = {**SCENARIOS, **COMPARISONS}
    parser = argparse.ArgumentParser(description='Records the lab captures. Needs root, for network namespaces.')
    parser.add_argument('-o', '--out', default=os.path.join(os.path.dirname(HERE), 'captures'))
    parser.add_argument('-k', '--keep', action='store_true', help='keep the work folder, with the logs')
    parser.add_argument('-l', '--list', action='store_true', help='list the scenarios')
    parser.add_argument('scenario', nargs='*')
    args = parser.parse_args()
    if args.list:
        for name, scenario in scenarios.items():
            print(f'{name:26} {scenario.__doc__}')
        return 0
    unknown = [name for name in args.scenario if name not in scenarios]
    if unknown:
        parser.error(f'no such scenario: {", ".join(unknown)}')
    if os.geteuid():
        parser.error('root is needed (network namespaces, raw sockets)')
    work = tempfile.mkdtemp(prefix='mwlab')
    os.chmod(work, 0o755)
    failed = []
    try:
        for name in args.scenario or scenarios:
            lab, done = Lab(name, work, args.out), False
            try:
                scenarios[name](lab)
                done = True
            except Exception as error:      # the other scenarios go on
                failed.append(name)
                print(f'{name}: {type(error).__name__}: {error}', file=sys.stderr)
            finally:
                lab.close(done)
            print(f'{name}: {"recorded" if done else "failed"}', flush=True)
    finally:
        if args.keep:
            print(f'work folder kept: {work}')
        else:
            shutil.rmtree(work, ignore_errors=True)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
