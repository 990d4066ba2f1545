# SPDX-License-Identifier: MIT
"""lighttpd and Apache in front of the responder."""
import place
import setups
from figures import Figures, spread
from measure import wrk
from suite_nginx import BOOT_SCRIPT

CONNECTIONS = (1, 16, 64)
SERVERS = {"lighttpd": setups.Lighttpd, "Apache": setups.ApacheFcgi}


def run(report, rounds):
    setups.fresh_tree({"default": BOOT_SCRIPT})
    figures = Figures()
    for name, kind in SERVERS.items():
        null = kind(f"{name}-null", setups.NULL + "/pxesrv.fcgi")
        real = kind(f"{name}-real")
        ways = {"static file": (real, "/default"), "null": (null, "/redirect"),
                "default": (real, "/redirect")}
        with setups.started(null, real):
            for c in CONNECTIONS:
                for _ in range(rounds):
                    for way, (server, path) in ways.items():
                        figures.add((name, c, way), wrk(
                            f"http://127.0.0.1:{server.port}{path}", c).rate)
    for name in SERVERS:
        report.table(
            f"Behind {name}, share of the static file", ["", *(
                f"c={c}" for c in CONNECTIONS)],
            [["static file", *(
                f"{figures.median((name, c, 'static file')):,.0f}/s"
                for c in CONNECTIONS)],
             *([way, *(spread(figures.ratios(
                 (name, c, way), (name, c, "static file")), ".2f")
                 for c in CONNECTIONS)] for way in ("null", "default")),
             ["default, of null", *(spread(figures.ratios(
                 (name, c, "default"), (name, c, "null")), ".2f")
                 for c in CONNECTIONS)]])
    report.keep(figures)
