# SPDX-License-Identifier: MIT
"""Slow clients of a large file, and what they cost everybody else.

Each round measures another machine's requests on the same server without them,
while the server fills the buffers that it has for them, which it does as fast as
it can, and when all of them are full. The ratios are what counts."""
import os
import re
import resource
import time

import setups
import slow
from crowd import clients
from figures import Figures, spread
from measure import load
from place import until
from suite_nginx import BOOT_SCRIPT
from tree import Link

LARGE = 200 << 20
REQUESTS, OVER_MS = 1000, 2000  # of another machine, evenly over that time
# Slow clients at a time: Apache has a thread for each, of 400.
COUNTS = {"nginx": 500, "lighttpd": 500, "apache": 300}
FULL = 10 << 20  # bytes in 0.2 s: more is no slow client
STATES = ("idle", "filling", "slow")
WAYS = {"/redirect": "decided", "/default": "static"}


def measure(setup, figures, name, state):
    for path, way in WAYS.items():
        run = load(setup.port, REQUESTS, "-t", OVER_MS, "-u", path,
                   "-w", len(BOOT_SCRIPT))
        assert run.failed == 0 and run.matched == REQUESTS, (name, state, run)
        for figure in ("p50", "p99", "max"):
            figures.add((name, way, state, figure), getattr(run, figure))


def bytes_read(responder):
    with open(f"/proc/{responder.pid}/io") as file:
        return int(re.search(r"rchar: (\d+)", file.read()).group(1))


def are_full(responder):
    """Whether the clients take no more than they ask for."""
    before = bytes_read(responder)
    time.sleep(0.2)
    return bytes_read(responder) - before < FULL


def one_round(setup, figures, name):
    memory = setup.responder.memory("VmRSS")
    measure(setup, figures, name, "idle")
    with slow.Crowd(slow.by_http(setup.port), clients(COUNTS[name])) as crowd:
        crowd.wait_for_all()
        measure(setup, figures, name, "filling")
        until(lambda: are_full(setup.responder), "all buffers are full")
        measure(setup, figures, name, "slow")
        more = setup.responder.memory("VmRSS") - memory
        figures.add((name, "memory"), more / COUNTS[name] / 1024)


def run(report, rounds):
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE,
                       (min(8192, limit[1]), limit[1]))
    tree = setups.fresh_tree({"default": BOOT_SCRIPT, "os/large": ""})
    os.truncate(tree.full("os/large"), LARGE)
    for client in clients(max(COUNTS.values())):
        tree.add(f"static/{client}", Link("../os/large"))
    figures = Figures()
    servers = {"nginx": setups.Nginx("slow-nginx", workers=2),
               "lighttpd": setups.Lighttpd("slow-lighttpd"),
               "apache": setups.ApacheFcgi("slow-apache")}
    for name, setup in servers.items():
        # One at a time: the slow clients of the last one have to be gone.
        with setups.started(setup):
            for _ in range(rounds):
                one_round(setup, figures, name)
    tree.clear()
    report.table(
        "Milliseconds of another machine's request, idle, while the buffers for "
        "slow clients are filled, and with slow clients; static: what the web "
        "server itself sends",
        ["", "clients", *(f"{figure} {state}" for figure in ("p50", "p99")
                          for state in STATES), "p99 slow/idle"],
        [[f"{name}, {way}", COUNTS[name],
          *(spread(figures.values[name, way, state, figure], ".2f")
            for figure in ("p50", "p99") for state in STATES),
          spread(figures.ratios((name, way, "slow", "p99"),
                                (name, way, "idle", "p99")), ".1f")]
         for name in servers for way in WAYS.values()])
    report.table("The responder's memory for each slow client", ["", "kB"],
                 [[name, spread(figures.values[name, "memory"], ".1f")]
                  for name in servers])
    report.keep(figures)
