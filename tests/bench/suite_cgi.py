# SPDX-License-Identifier: MIT
"""The CGI program, beside one in C that prints fixed bytes."""
import place
import setups
from figures import Figures, spread
from measure import load
from suite_nginx import BOOT_SCRIPT

REQUESTS = 1500
TURNS = 5  # a round: these are short, and the machine is not steady
SERVERS = {"Apache": setups.ApacheCgi, "lighttpd": setups.LighttpdCgi}


def run(report, rounds):
    setups.fresh_tree({"default": BOOT_SCRIPT})
    figures = Figures()
    for name, kind in SERVERS.items():
        ways = {"null": kind(f"{name}-cgi-null"),
                "pxesrv.cgi": kind(f"{name}-cgi-real")}
        if name == "Apache":
            ways["null"].changes = [(place.CGI, setups.NULL + "/pxesrv.cgi")]
            ways["null"].unseen = {place.CGI}
        else:
            ways["null"].program = setups.NULL + "/pxesrv.cgi"
        with setups.started(*ways.values()):
            for _ in range(rounds * TURNS):
                for way, server in ways.items():
                    done = load(server.port, REQUESTS // TURNS)
                    assert done.failed == 0, done
                    figures.add((name, way, "ms"),
                                done.seconds / (REQUESTS // TURNS) * 1000)
    report.table(
        "Milliseconds per request, one at a time", ["", "null CGI",
                                                    "pxesrv.cgi", "ratio"],
        [[name, *(spread(figures.values[name, way, "ms"], ".3f")
                  for way in ("null", "pxesrv.cgi")),
          spread(figures.ratios((name, "pxesrv.cgi", "ms"),
                                (name, "null", "ms")), ".2f")]
         for name in SERVERS])
    report.keep(figures)
