#!/bin/sh
# Records the captures of the lab again: sudo lab/run.sh [-l] [-k] [-o FOLDER] [scenario...]
# Debian. Installs the tools it needs; of Postfix and sendmail, which Exim excludes, it only unpacks the packages
# below a temporary folder. Nothing else of the machine is touched: network namespaces of its own, removed at the end.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
packages='exim4-daemon-light tcpdump iproute2 ethtool swaks openssl zstd python3 procps'
missing=
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
    apt-get update -q
    # shellcheck disable=SC2086 -- a list of names
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
fi
exec python3 -B "$here/lab.py" "$@"
