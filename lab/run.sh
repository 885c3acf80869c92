#!/bin/sh
# Records the lab's captures again: sudo sh lab/run.sh [-o FOLDER] [scenario...]
# Needs: python3, iproute2, ethtool, tcpdump, dumpcap (Wireshark), swaks, exim4-daemon-light, openssl.
# Postfix is fetched with apt-get download and unpacked into a temporary folder; nothing is installed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
exec python3 -B "$here/lab.py" "$@"
