#!/usr/bin/env python3
"""A mail world to be watched while it lives: an Exim behind a box, and a sender that sends when told to. Needs root.

Standard output says `{"client": NAMESPACE, ..}` when it stands. Then each line of standard input is a command, answered by a
line: `mail` sends a message, `unplug` takes the client's interface away, `plug` brings it back. The end of standard input ends it.
usage: wire.py [MODE]     of firewall.py; default asa
"""
import json
import os
import shutil
import signal
import sys
import tempfile

from lab import CLIENT, Lab, run


def mail(lab, n):
    lab.talk('EHLO client.example.net\nMAIL FROM:<alice@example.net>\nRCPT TO:<bob@example.com>\nDATA\n@data\n'
             + lab.message(n) + '\n@end\nQUIT\n')


def unplug(lab):
    run('ip', '-n', lab.spaces['firewall'], 'link', 'del', 'outside')
    os.killpg(lab.bridge.pid, signal.SIGTERM)
    lab.bridge.wait(5)


def plug(lab, mode):
    client, firewall, _ = lab.spaces.values()
    run('ip', 'link', 'add', 'outside', 'netns', firewall, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', client)
    for space, device, last in ((firewall, 'outside', 0x10), (client, 'eth0', 0x20)):
        run('ip', '-n', space, 'link', 'set', device, 'address', f'02:00:00:00:00:{last:02x}')
        run('ip', '-n', space, 'link', 'set', device, 'up', 'promisc', 'on')
        for feature in ('tx', 'rx', 'sg', 'tso', 'gso', 'gro'):
            lab.inside_of(space, 'ethtool', '-K', device, feature, 'off')
    run('ip', '-n', client, 'addr', 'add', f'{CLIENT}/24', 'dev', 'eth0')
    run('ip', '-n', client, 'route', 'add', '192.0.2.0/24', 'dev', 'eth0')
    lab.firewall(mode)


def main():
    mode = sys.argv[1] if len(sys.argv) > 1 else 'asa'
    work = tempfile.mkdtemp(prefix='mailwitness-wire-')
    os.chmod(work, 0o755)     # Exim drops its rights
    lab = Lab('wire', work, work)
    try:
        lab.network()
        lab.firewall(mode)
        lab.exim_server()
        print(json.dumps(lab.spaces), flush=True)
        for n, line in enumerate(sys.stdin, 1):
            command = line.strip()
            if command == 'mail':
                mail(lab, n)
            elif command == 'unplug':
                unplug(lab)
            elif command == 'plug':
                plug(lab, mode)
            print(command, flush=True)
    finally:
        lab.close(False)
        shutil.rmtree(work, ignore_errors=True)


if __name__ == '__main__':
    main()
