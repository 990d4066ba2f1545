# SPDX-License-Identifier: MIT
"""Single measurements."""
import collections
import glob
import re
import subprocess

from setups import LOAD

Run = collections.namedtuple("Run", "rate p50 p99")  # 1/s, milliseconds
UNITS = {"us": 1e-3, "ms": 1, "s": 1000}


def _milliseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * UNITS[unit]


def wrk(url, connections, seconds=1):
    """Requests one after the other on kept connections."""
    done = subprocess.run(
        ["wrk", "--latency", "-t1", f"-c{connections}", f"-d{seconds}s", url],
        capture_output=True, text=True, check=True)
    assert "Non-2xx" not in done.stdout, done.stdout
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), "
                       r"write (\d+), timeout (\d+)", done.stdout)
    if errors:
        # Apache ends a process now and then, with kept connections.
        connect, read, write, timeout = map(int, errors.groups())
        assert connect + write + timeout == 0 and read < 20, done.stdout
    found = {name: re.search(rf"^\s*{name}\s+(\S+)", done.stdout,
                             re.MULTILINE).group(1)
             for name in ("Requests/sec:", "50%", "99%")}
    return Run(float(found["Requests/sec:"]), _milliseconds(found["50%"]),
               _milliseconds(found["99%"]))


Load = collections.namedtuple("Load", "seconds failed matched p50 p99 max")


def load(port, requests, *options):
    """See load.c."""
    done = subprocess.run(
        [LOAD, *map(str, options), str(port), str(requests)],
        capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seconds, failed, matched, *latencies = done.stdout.split()
    return Load(float(seconds), int(failed), int(matched),
                *(float(us) / 1000 for us in latencies))


def processor_seconds(pid):
    """That the threads of a process have used."""
    total = 0
    for name in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with open(name) as file:
            total += int(file.read().split()[0])
    return total / 1e9
