"""Turns what tcpdump wrote into the file that is kept: pcapng without any word about the machine, gzip, zstd,
a file with holes in it, as if the recorder had not kept up, one with a clock that is wrong, or two recordings in one."""
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


def microseconds(record):
    seconds, fraction = struct.unpack_from('=II', record)
    return seconds * 10**6 + fraction


def clocked(octets, seconds, ppm):
    """The same file as a clock writes it that is so far ahead at its first packet, and so many parts per million fast."""
    header, kept = records(octets)
    first = microseconds(kept[0]) if kept else 0
    out = [header]
    for record in kept:
        time = microseconds(record)
        time += seconds * 10**6 + round((time - first) * ppm / 10**6)
        out.append(struct.pack('=II', *divmod(time, 10**6)) + record[8:])
    return b''.join(out)


def merged(files):
    """One file of several, in order of time."""
    header = records(files[0])[0]
    return header + b''.join(sorted((r for octets in files for r in records(octets)[1]), key=microseconds))


def interface(octets, name):
    """An Interface Description Block; no hardware, system or application."""
    magic, _, _, _, _, snaplen, link = struct.unpack('=IHHiIII', octets[:24])
    named = struct.pack('=HH', 2, len(name)) + name.encode() + b'\0' * (-len(name) % 4) if name else b''
    resolution = struct.pack('=HHB3xHH', 9, 1, 9 if magic == NANO else 6, 0, 0)
    return block(1, struct.pack('=HHI', link, 0, snaplen) + named + resolution)


def pcapng(files):
    """Section, interfaces, Enhanced Packet Blocks in order of time. `files`: {name of the interface, or '': octets}."""
    unit = 10**9 if struct.unpack_from('=I', next(iter(files.values())))[0] == NANO else 10**6
    out = [block(0x0a0d0d0a, struct.pack('=IHHq', 0x1a2b3c4d, 1, 0, -1)), *(interface(o, name) for name, o in files.items())]
    packets = []
    for number, octets in enumerate(files.values()):
        for record in records(octets)[1]:
            seconds, fraction, captured, original = struct.unpack_from('=IIII', record)
            packets.append((seconds * unit + fraction, number, captured, original, record[16:]))
    for time, number, captured, original, packet in sorted(packets, key=lambda p: p[0]):
        out.append(block(6, struct.pack('=IIIII', number, time >> 32, time & 0xffffffff, captured, original) + packet))
    return b''.join(out)


def keep(sources, target, gaps=(), clock=None):
    """Writes the recordings `sources` ({interface: file}) as `target`; the ending of its name says how."""
    files = {}
    for name, source in sources.items():
        with open(source, 'rb') as f:
            octets = f.read()
        octets = without(octets, gaps) if gaps else octets
        files[name] = clocked(octets, *clock) if clock else octets
    octets = pcapng(files) if '.pcapng' in target else merged(list(files.values())) if len(files) > 1 else files.popitem()[1]
    if target.endswith('.gz'):
        octets = gzip.compress(octets, 9, mtime=0)
    if target.endswith('.zst'):
        octets = subprocess.run(['zstd', '-q', '-19'], input=octets, stdout=subprocess.PIPE, check=True).stdout
    with open(target, 'wb') as f:
        f.write(octets)
