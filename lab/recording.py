"""Turns what tcpdump wrote into the file that is kept: pcapng without any word about the machine, gzip, zstd,
or a file with holes in it, as if the recorder had not kept up."""
import gzip
import struct
import subprocess

MICRO, NANO = 0xa1b2c3d4, 0xa1b23c4d


def records(octets):
    """(header of the file, [record]) of a pcap file in this machine's byte order."""
    kept, at = [], 24
    while at + 16 <= len(octets):
        captured = struct.unpack_from('=I', octets, at + 8)[0]
        kept.append(octets[at:at + 16 + captured])
        at += 16 + captured
    return octets[:24], kept


def without(octets, frames):
    """The same file without these frames (counted from 1)."""
    header, kept = records(octets)
    return header + b''.join(r for n, r in enumerate(kept, 1) if n not in frames)


def block(kind, body):
    body += b'\0' * (-len(body) % 4)
    return struct.pack('=II', kind, len(body) + 12) + body + struct.pack('=I', len(body) + 12)


def pcapng(octets):
    """Section, one interface, Enhanced Packet Blocks; no hardware, system, application or interface name."""
    header, kept = records(octets)
    magic, _, _, _, _, snaplen, link = struct.unpack('=IHHiIII', header)
    unit = 10**9 if magic == NANO else 10**6
    resolution = struct.pack('=HHB3xHH', 9, 1, 9 if magic == NANO else 6, 0, 0)
    out = [block(0x0a0d0d0a, struct.pack('=IHHq', 0x1a2b3c4d, 1, 0, -1)),
           block(1, struct.pack('=HHI', link, 0, snaplen) + resolution)]
    for record in kept:
        seconds, fraction, captured, original = struct.unpack_from('=IIII', record)
        time = seconds * unit + fraction
        out.append(block(6, struct.pack('=IIIII', 0, time >> 32, time & 0xffffffff, captured, original) + record[16:]))
    return b''.join(out)


def keep(source, target, gaps=()):
    """Writes the recording `source` as `target`; the ending of its name says how."""
    with open(source, 'rb') as f:
        octets = f.read()
    if gaps:
        octets = without(octets, gaps)
    if '.pcapng' in target:
        octets = pcapng(octets)
    if target.endswith('.gz'):
        octets = gzip.compress(octets, 9, mtime=0)
    if target.endswith('.zst'):
        octets = subprocess.run(['zstd', '-q', '-19'], input=octets, stdout=subprocess.PIPE, check=True).stdout
    with open(target, 'wb') as f:
        f.write(octets)
