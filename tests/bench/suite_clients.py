# SPDX-License-Identifier: MIT
"""Fleets: clients with an address each, that ask once."""
import place
import setups
from figures import Figures, spread
from measure import load, processor_seconds
from suite_nginx import BOOT_SCRIPT
from tree import Link

ARMED = 2000
AT_A_TIME = 64
STORM, STORM_MS, STORM_ARMED = 10000, 2000, 100
INSTALLER = "#!ipxe\n" + "i" * 1400  # is told from the default by its size
TREE = {"default": BOOT_SCRIPT, "os/installer": INSTALLER,
        "static/none": Link("../default")}


def address(number):
    return f"127.1.{number >> 8}.{number & 255}"


def arm(tree, numbers):
    for number in numbers:
        tree.arm(address(number), "../os/installer")


def drain(server, tree, figures):
    """2,000 armed clients, and the same ones again, who get the default."""
    options = ("-a", ARMED, "-c", AT_A_TIME, "-w", len(INSTALLER))
    arm(tree, range(1, ARMED + 1))
    for name, wanted in (("armed", ARMED), ("default", 0)):
        before = processor_seconds(server.responder.pid)
        run = load(server.port, ARMED, *options)
        used = processor_seconds(server.responder.pid) - before
        assert run.failed == 0 and run.matched == wanted, run
        figures.add((name, "rate"), ARMED / run.seconds)
        figures.add((name, "p99"), run.p99)
        figures.add((name, "cpu"), used / ARMED * 1e6)


def storm(server, tree, figures):
    """10,000 clients within 2 s, 1 % of them armed."""
    arm(tree, range(1, STORM + 1, STORM // STORM_ARMED))
    run = load(server.port, STORM, "-a", STORM, "-t", STORM_MS,
               "-w", len(INSTALLER))
    assert run.failed == 0 and run.matched == STORM_ARMED, run
    figures.add(("storm", "seconds"), run.seconds)
    figures.add(("storm", "failed"), run.failed)
    figures.add(("storm", "armed"), run.matched)
    for name in ("p50", "p99", "max"):
        figures.add(("storm", name), getattr(run, name))


def run(report, rounds):
    tree = setups.fresh_tree(TREE)
    figures = Figures()
    with setups.started(setups.Nginx("clients", place.FCGI, 2)) as (server,):
        load(server.port, ARMED, "-a", ARMED, "-c", AT_A_TIME)
        for _ in range(rounds):
            drain(server, tree, figures)
            storm(server, tree, figures)
    report.table(
        f"{ARMED:,} clients, each once and with a connection of its own, "
        f"{AT_A_TIME} at a time; nginx with 2 workers",
        ["", "clients/s", "p99, ms", "responder, us per request"],
        [[name, *(spread(figures.values[name, figure], form)
                  for figure, form in (("rate", ",.0f"), ("p99", ".2f"),
                                       ("cpu", ".1f")))]
         for name in ("default", "armed")])
    report.say("\nArmed, of default: " + spread(
        figures.ratios(("armed", "rate"), ("default", "rate")), ".2f"))
    report.table(
        f"{STORM:,} clients within {STORM_MS / 1000:g} s, {STORM_ARMED} of "
        "them armed",
        ["", ""],
        [[name, spread(figures.values["storm", figure], form)]
         for name, figure, form in (
             ("seconds until the last answer", "seconds", ".2f"),
             ("failed", "failed", ".0f"),
             ("once links answered", "armed", ".0f"),
             ("latency p50, ms", "p50", ".2f"),
             ("latency p99, ms", "p99", ".2f"),
             ("latency at most, ms", "max", ".2f"))])
    report.keep(figures)
