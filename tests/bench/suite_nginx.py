# SPDX-License-Identifier: MIT
"""Behind nginx, as a share of nginx serving the same file statically."""
import place
import setups
from figures import Figures, Report, spread
from measure import load, processor_seconds, wrk
from plot import plot_shares
from tree import Link

CONNECTIONS = (1, 16, 64, 256)
BOOT_SCRIPT = "#!ipxe\n" + "#" * 1493  # as long as the null one's answer
WAYS = ("static file", "floor", "null", "default", "static/", "HEAD")
# By what each is asked: from ::1 there is an entry in static/.
TREE = {"default": BOOT_SCRIPT, "os/boot": BOOT_SCRIPT,
        "static/::1": Link("../os/boot")}


def measure(way, servers, connections):
    """Requests a second, and the latencies."""
    null, floor, real = servers
    if way == "HEAD":
        requests = 3000 if connections == 1 else 15000
        run = load(real.port, requests, "-m", "HEAD", "-k", "-c", connections)
        assert run.failed == 0
        return requests / run.seconds, run.p50, run.p99
    host, port, path = {
        "static file": ("127.0.0.1", real.port, "/default"),
        "floor": ("127.0.0.1", floor.port, "/redirect"),
        "null": ("127.0.0.1", null.port, "/redirect"),
        "default": ("127.0.0.1", real.port, "/redirect"),
        "static/": ("[::1]", real.port, "/redirect"),
    }[way]
    return wrk(f"http://{host}:{port}{path}", connections)


def with_servers(figures, workers, keep, rounds):
    """All ways in turn, so often."""
    servers = [setups.Nginx(f"{name}-{workers}-{keep}", program, workers, keep)
               for name, program in (("null", setups.NULL + "/pxesrv.fcgi"),
                                     ("floor", setups.NULL + "/floor"),
                                     ("real", place.FCGI))]
    with setups.started(*servers):
        for c in CONNECTIONS:
            measure("default", servers, c)  # to warm up
            for _ in range(rounds):
                for way in WAYS:
                    if way == "floor" and not keep:
                        continue  # it knows kept connections alone
                    program = {"null": servers[0], "floor": servers[1]}.get(
                        way, servers[2]).responder
                    before = processor_seconds(program.pid)
                    rate, p50, p99 = measure(way, servers, c)
                    used = processor_seconds(program.pid) - before
                    key = (workers, keep, c, way)
                    figures.add((*key, "rate"), rate)
                    figures.add((*key, "p50"), p50)
                    figures.add((*key, "p99"), p99)
                    if way not in ("static file", "HEAD"):
                        # wrk runs for a second.
                        figures.add((*key, "cpu"), used / rate * 1e4)
        memory = servers[2].responder.memory()
        figures.add((workers, keep, "memory"), memory)


def shares(figures, workers, keep):
    """A row for each way, a column for each number of connections."""
    for way in WAYS:
        if (workers, keep, 1, way, "rate") not in figures.values:
            continue
        yield [way, *(
            f"{figures.median((workers, keep, c, way, 'rate')):,.0f}/s"
            if way == "static file" else
            spread(figures.ratios((workers, keep, c, way, "rate"), (
                workers, keep, c, "static file", "rate")), ".2f")
            for c in CONNECTIONS)]
    yield ["default, of null", *(
        spread(figures.ratios((workers, keep, c, "default", "rate"),
                              (workers, keep, c, "null", "rate")), ".2f")
        for c in CONNECTIONS)]


def column(figures, keep, name, form):
    for workers in (1, 2):
        for way in WAYS:
            if (workers, keep, 1, way, name) in figures.values:
                yield [workers, way, *(
                    spread(figures.values[workers, keep, c, way, name], form)
                    for c in CONNECTIONS)]


def run(report: Report, rounds):
    setups.fresh_tree(TREE)
    figures = Figures()
    head = [f"c={c}" for c in CONNECTIONS]
    for keep in (True, False):
        for workers in (1, 2):
            with_servers(figures, workers, keep, rounds)
            report.table(
                f"Share of the static file: nginx with {workers} worker(s), "
                f"connections to the responder {'kept' if keep else 'closed'}",
                ["", *head], shares(figures, workers, keep))
    for name, form, title in (
            ("p50", ".2f", "Median latency, ms"),
            ("p99", ".2f", "99th percentile of the latency, ms"),
            ("cpu", ".3f", "Processor seconds of the responder per 10,000 "
                           "requests")):
        report.table(f"{title}, connections kept", ["workers", "", *head],
                     column(figures, True, name, form))
    most = max(v for name, values in figures.values.items()
               if name[-1] == "memory" for v in values)
    report.say(f"\nThe responder's memory at most: {most / 2**20:.1f} MiB")
    report.keep(figures)
    plot_shares(report, figures, CONNECTIONS)
