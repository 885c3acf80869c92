"""Runs a command and prints, as JSON, what it took: seconds of the wall, of the CPU, and resident octets at most."""
import json
import os
import sys
import time

out, command = sys.argv[1], sys.argv[2:]
begin = time.monotonic()
child = os.fork()
if child == 0:
    sink = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(sink, 1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    try:
        os.execvp(command[0], command)
    finally:
        os._exit(127)
_, status, usage = os.wait4(child, 0)
print(json.dumps({
    'wall': time.monotonic() - begin,
    'cpu': usage.ru_utime + usage.ru_stime,
    'rss': usage.ru_maxrss * 1024,
    'status': os.waitstatus_to_exitcode(status),
}))
