# SPDX-License-Identifier: MIT
"""From the start of the program to its first answer."""
import os
import time

import fastcgi
import place
import setups
from deployments import meta_variables
from figures import Figures, spread
from place import Program, clean_env
from suite_nginx import BOOT_SCRIPT

STARTS = 20  # a round


def first_answer(program):
    """Milliseconds from before exec(2)."""
    path = "/run/pxesrv/start.sock"
    request = fastcgi.request(meta_variables("GET", "/redirect", "127.0.0.7"))
    start = time.perf_counter()
    one = Program([program, "-s", path], "/run/pxesrv/start.stderr",
                  env=clean_env(PXESRV_ROOT=place.ROOT, PXESRV_LOG=place.LOG),
                  **place.AS_USER)
    while True:
        assert one.is_running(), one.messages()
        assert time.perf_counter() - start < place.PATIENCE
        try:
            peer = fastcgi.Connection(path)
            break
        except OSError:
            pass
    with peer:
        peer.send(request)
        peer.read_answer()
    taken = time.perf_counter() - start
    assert one.end() == 0 and not os.path.exists(path)
    return taken * 1000


def run(report, rounds):
    setups.fresh_tree({"default": BOOT_SCRIPT})
    figures = Figures()
    for _ in range(rounds * STARTS):
        for name, program in (("null", setups.NULL + "/pxesrv.fcgi"),
                              ("pxesrv.fcgi", place.FCGI)):
            figures.add((name, "first"), first_answer(program))
    report.table("From exec to the first answer, ms", ["", ""],
                 [[name, spread(figures.values[name, "first"], ".2f")]
                  for name in ("null", "pxesrv.fcgi")])
    report.keep(figures)
