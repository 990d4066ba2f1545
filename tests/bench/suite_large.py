# SPDX-License-Identifier: MIT
"""Large files: by PXESrv itself, and by the web server on its word."""
import os

import setups
from figures import Figures, spread
from measure import load
from tree import Link

SIZES = {"4 kB": 4 << 10, "64 kB": 64 << 10, "256 kB": 256 << 10,
         "1 MB": 1 << 20, "16 MB": 16 << 20, "256 MB": 256 << 20}
BYTES = 2 << 30  # a measurement, in up to MOST requests
MOST = 20000
AT_A_TIME = 4


def measure(port, path, size):
    """MB/s."""
    requests = max(AT_A_TIME, min(MOST, BYTES // size))
    run = load(port, requests, "-k", "-c", AT_A_TIME, "-u", path, "-w", size)
    assert run.failed == 0 and run.matched == requests, (path, size, run)
    return size * requests / run.seconds / 1e6


def servers():
    accel = ("#fastcgi_param PXESRV_SEND", "fastcgi_param PXESRV_SEND")
    sendfile = [
        ('#"x-sendfile"', '"x-sendfile"'),
        ('#"x-sendfile-docroot"', '"x-sendfile-docroot"'),
        ("#setenv.add-environment", "setenv.add-environment"),
        ('#\t"PXESRV_SEND" => "x-sendfile"\n\t#)',
         '\t"PXESRV_SEND" => "x-sendfile"\n\t)')]
    return {
        ("nginx", "inline"): setups.Nginx("nginx-inline", workers=2),
        ("nginx", "x-accel-redirect"): setups.Nginx(
            "nginx-accel", workers=2, changes=[accel]),
        ("lighttpd", "inline"): setups.Lighttpd("lighttpd-inline"),
        ("lighttpd", "x-sendfile"): setups.Lighttpd(
            "lighttpd-sendfile", changes=sendfile),
    }


def run(report, rounds):
    ways = servers()
    figures = Figures()
    tree = setups.fresh_tree({})
    with setups.started(*ways.values()):
        for label, size in SIZES.items():
            # Not one name for all: lighttpd remembers a size for a second.
            name = f"os/{size}"
            tree.add(name, b"x" * size)
            tree.add("new", Link(name))
            os.rename(tree.full("new"), tree.full("default"))
            for _ in range(rounds):
                for (server, way), setup in ways.items():
                    if way == "inline":
                        figures.add((server, "static", label),
                                    measure(setup.port, "/" + name, size))
                    figures.add((server, way, label),
                                measure(setup.port, "/redirect", size))
        setup = ways["nginx", "inline"]
        memory = setup.responder.memory()
    tree.clear()
    for server in ("nginx", "lighttpd"):
        rows = [["statically, MB/s", *(
            f"{figures.median((server, 'static', label)):,.0f}"
            for label in SIZES)]]
        rows += [[way, *(spread(figures.ratios(
            (server, way, label), (server, "static", label)), ".2f")
            for label in SIZES)] for s, way in ways if s == server]
        report.table(f"Share of the same file from {server} statically, "
                     f"{AT_A_TIME} at a time", ["", *SIZES], rows)
    report.say(f"\nThe responder's memory at most: {memory / 2**20:.1f} MiB")
    report.keep(figures)
